//! Rows of `transfers` as Parquet that need no second look, taken column by column: each address is parsed
//! once a table instead of once a row.
//!
//! Only what is complete and of one shape is taken: account chains, full positions, no owners, no
//! conversions, sides as the kind asks for them. A batch with anything else goes row by row,
//! where every reason and gap is found; both ways give the same transfers.

use std::hash::Hash;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field as Column, Schema};
use ledger::{
    Amount, Asset, Chain, Family, Kind, Place, Position, Table, TableRow, Time, Transfer, TxId,
};
use rustc_hash::FxHashMap;

use super::super::Options;
use super::super::field::{Field, Reason};

/// Rows that are handed on together where nobody says how many.
const ROWS: usize = 1 << 20;
/// Stands where a row has no text in a column.
const NONE: u32 = u32::MAX;
/// Stands for the account of twenty zero bytes, which is no place of its own.
const NOBODY: u32 = u32::MAX - 1;
/// What was not looked at yet.
const UNSEEN: u32 = u32::MAX - 2;
/// Texts up to so many bytes are remembered with what they stand for.
const SHORT: usize = 47;
/// Columns whose texts repeat.
const REPEATING: [&str; 5] = ["chain", "kind", "from", "to", "asset"];

/// The schema to read with: texts that repeat stay behind their dictionary.
pub(super) fn reading_schema(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 if REPEATING.contains(&field.name().as_str()) => {
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Column::new(field.name(), kind, field.is_nullable())
        }
        other => Column::new(field.name(), other.clone(), field.is_nullable()),
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// A table that grows batch by batch.
#[derive(Default)]
pub(super) struct Gathering {
    chain: Option<Chain>,
    rows: Vec<TableRow>,
    places: Places,
    assets: Numbers<Asset>,
    kinds: Numbers<Kind>,
    from: Seen,
    to: Seen,
    asset: Seen,
    kind: Seen,
}

/// Values by number and numbers by value.
struct Numbers<T> {
    values: Vec<T>,
    numbers: FxHashMap<T, u32>,
}

/// The places of a table, found by text too, which costs less than to read an address again.
#[derive(Default)]
struct Places {
    all: Numbers<Place>,
    by_text: FxHashMap<[u8; SHORT + 1], u32>,
}

/// The numbers of what a dictionary holds, found when they are first asked for.
#[derive(Default)]
struct Seen {
    texts: Option<ArrayRef>,
    numbers: Vec<u32>,
}

/// The columns of a batch, each read as far as it can be alone: numbers that mean what the gathering's
/// tables say, or [`NONE`].
struct Columns {
    heights: Vec<u64>,
    tx_indexes: Vec<u64>,
    indexes: Vec<u64>,
    times: Vec<u64>,
    txs: Vec<Option<TxId>>,
    /// Nothing where the batch has no such column.
    kinds: Vec<u32>,
    from: Vec<u32>,
    to: Vec<u32>,
    assets: Vec<u32>,
    amounts: Vec<Amount>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Numbers { values: Vec::new(), numbers: FxHashMap::default() }
    }
}

impl<T: Copy + Eq + Hash> Numbers<T> {
    /// The number of a value, given now if it is new.
    fn of(&mut self, value: T) -> u32 {
        let next = self.values.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }
}

impl Places {
    /// The number of the account that a text names; `None` if it names none.
    fn of_text(&mut self, chain: Chain, text: &str) -> Option<u32> {
        let mut key = [0; SHORT + 1];
        let is_short = text.len() <= SHORT;
        if is_short {
            key[..text.len()].copy_from_slice(text.as_bytes());
            key[SHORT] = text.len() as u8;
            if let Some(known) = self.by_text.get(&key) {
                return Some(*known);
            }
        }
        let address = Field { name: "place", text }.place(chain).ok()?.account()?;
        let number = match address.is_zero() {
            true => NOBODY,
            false => self.all.of(Place::Account(address)),
        };
        if is_short {
            self.by_text.insert(key, number);
        }
        Some(number)
    }

    fn holds_value(&self, number: u32) -> bool {
        self.all.values[number as usize].holds_value()
    }
}

impl Gathering {
    /// True if the rows should be handed on.
    pub(super) fn is_full(&self, options: &Options) -> bool {
        self.rows.len() >= options.table_rows.unwrap_or(ROWS)
    }

    /// What was gathered, if it is anything; nothing is left.
    pub(super) fn take(&mut self) -> Option<Table> {
        let Gathering { chain, rows, places, assets, .. } = std::mem::take(self);
        let chain = chain.filter(|_| !rows.is_empty())?;
        Some(Table { chain, places: places.all.values, assets: assets.values, rows })
    }

    /// What was gathered but for the last transaction, of which more rows may come.
    pub(super) fn take_whole_transactions(&mut self) -> Option<Table> {
        let mut table = self.take()?;
        let last = table.rows.last().and_then(|row| row.tx);
        let cut = table.rows.iter().rposition(|row| row.tx.is_none() || row.tx != last);
        let rest = table.rows.split_off(cut.map_or(0, |before| before + 1));
        self.chain = Some(table.chain);
        for mut row in rest {
            row.from = self.places.all.of(table.places[row.from as usize]);
            row.to = self.places.all.of(table.places[row.to as usize]);
            row.asset = self.assets.of(table.assets[row.asset as usize]);
            self.rows.push(row);
        }
        Some(table).filter(|table| !table.rows.is_empty())
    }

    /// Rows that were gathered and not handed on.
    pub(super) fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Adds a complete transfer, if it is of the chain of those before it.
    pub(super) fn push(&mut self, transfer: &Transfer) -> Result<(), Reason> {
        if *self.chain.get_or_insert(transfer.chain) != transfer.chain {
            return Err(Reason::new("it is of another chain than the rows before it"));
        }
        let unknown = || Reason::new("its height, tx_index or index is not told");
        let Position { height, tx_index, index } = transfer.position;
        self.rows.push(TableRow {
            height: height.ok_or_else(unknown)?,
            tx_index: tx_index.ok_or_else(unknown)?,
            index: index.ok_or_else(unknown)?,
            time: transfer.time,
            kind: transfer.kind,
            tx: transfer.tx,
            from: self.places.all.of(transfer.from),
            to: self.places.all.of(transfer.to),
            asset: self.assets.of(transfer.asset),
            amount: transfer.amount,
        });
        Ok(())
    }

    /// Adds a whole batch, or nothing and `None`; the places that it brought stay numbered.
    pub(super) fn add(&mut self, batch: &RecordBatch, options: &Options) -> Option<()> {
        let chain = chain_of(batch, options)?;
        if *self.chain.get_or_insert(chain) != chain {
            return None;
        }
        let columns = self.columns(chain, batch)?;
        let known = self.rows.len();
        self.rows.reserve(batch.num_rows());
        for row in 0..batch.num_rows() {
            match self.row(&columns, row) {
                Some(row) => self.rows.push(row),
                None => {
                    self.rows.truncate(known);
                    return None;
                }
            }
        }
        Some(())
    }

    /// `None` if the batch lacks a column or one of them is of a type or shape that goes row by row.
    fn columns(&mut self, chain: Chain, batch: &RecordBatch) -> Option<Columns> {
        let column = |name: &str| batch.column_by_name(name);
        let blank = |name: &str| column(name).is_none_or(|c| c.null_count() == c.len());
        if !["asset_to", "amount_to", "from_owner", "to_owner"].into_iter().all(blank) {
            return None;
        }
        let Gathering { places, assets, kinds, .. } = self;
        let asset = |text: &str| Field { name: "asset", text }.asset(chain).ok();
        let kind = |text: &str| Kind::parse(text).ok().map(|kind| kinds.of(kind));
        Some(Columns {
            heights: wholes(column("height")?)?,
            tx_indexes: wholes(column("tx_index")?)?,
            indexes: wholes(column("index")?)?,
            times: wholes(column("time")?)?,
            txs: transactions(column("tx")?.as_string_opt::<i32>()?)?,
            kinds: match column("kind") {
                Some(column) => self.kind.numbers(column, kind)?,
                None => Vec::new(),
            },
            from: self.from.numbers(column("from")?, |text| places.of_text(chain, text))?,
            to: self.to.numbers(column("to")?, |text| places.of_text(chain, text))?,
            assets: self.asset.numbers(column("asset")?, |text| Some(assets.of(asset(text)?)))?,
            amounts: amounts(column("amount")?)?,
        })
    }

    fn row(&mut self, columns: &Columns, row: usize) -> Option<TableRow> {
        let asset = Some(columns.assets[row]).filter(|asset| *asset != NONE)?;
        let kind = match columns.kinds.get(row) {
            Some(kind) if *kind != NONE => self.kinds.values[*kind as usize],
            _ if self.assets.values[asset as usize] == Asset::Native => Kind::Native,
            _ => Kind::Token,
        };
        let (from, to) = self.sides(columns.from[row], columns.to[row], kind)?;
        let tx = columns.txs[row];
        let made = TableRow {
            height: columns.heights[row],
            tx_index: u32::try_from(columns.tx_indexes[row]).ok()?,
            index: u32::try_from(columns.indexes[row]).ok()?,
            time: Time::from_u64(columns.times[row]).ok()?,
            kind,
            tx,
            from,
            to,
            asset,
            amount: columns.amounts[row],
        };
        let is_named = tx.is_some() || matches!(kind, Kind::Mint | Kind::Reward);
        let is_sound = self.places.holds_value(from) || self.places.holds_value(to);
        (is_named && is_sound).then_some(made)
    }

    /// The sides of a row; `None` where they are not as its kind asks for them.
    fn sides(&mut self, from: u32, to: u32, kind: Kind) -> Option<(u32, u32)> {
        let (has_from, has_to) = (from != NONE, to != NONE);
        let wants = match kind {
            Kind::Native | Kind::Token | Kind::Internal => (true, true),
            Kind::Fee | Kind::Burn => (true, false),
            Kind::Mint | Kind::Reward => (false, true),
        };
        if (has_from, has_to) != wants {
            return None;
        }
        // A fee or burning of the zero address, or what it receives, is looked at row by row.
        if (from == NOBODY || to == NOBODY) && wants != (true, true) {
            return None;
        }
        let from = match from {
            NONE | NOBODY => self.places.all.of(Place::Mint),
            from => from,
        };
        let to = match to {
            NONE => self.places.all.of(Transfer::receiver(None, kind)),
            NOBODY => self.places.all.of(Transfer::receiver(None, Kind::Native)),
            to => to,
        };
        Some((from, to))
    }
}

impl Seen {
    /// The number of each row's text, which `find` says when it is asked for first. `None` if one has none,
    /// or the column is of another type.
    fn numbers(
        &mut self,
        column: &ArrayRef,
        mut find: impl FnMut(&str) -> Option<u32>,
    ) -> Option<Vec<u32>> {
        let column = column.as_dictionary_opt::<Int32Type>()?;
        let texts = column.values();
        if !self.texts.as_ref().is_some_and(|known| is_same(known, texts)) {
            self.texts = Some(Arc::clone(texts));
            self.numbers.clear();
            self.numbers.resize(texts.len(), UNSEEN);
        }
        let (keys, texts) = (column.keys(), texts.as_string_opt::<i32>()?);
        let mut found = Vec::with_capacity(keys.len());
        for (row, key) in keys.values().iter().enumerate() {
            if keys.is_null(row) {
                found.push(NONE);
                continue;
            }
            let number = self.numbers.get_mut(usize::try_from(*key).ok()?)?;
            if *number == UNSEEN {
                let text = trimmed(texts.value(*key as usize));
                *number = if text.is_empty() { NONE } else { find(text)? };
            }
            found.push(*number);
        }
        Some(found)
    }
}

/// True if two arrays of texts are one in memory.
fn is_same(a: &ArrayRef, b: &ArrayRef) -> bool {
    let texts = |array: &ArrayRef| {
        let texts = array.as_string_opt::<i32>()?;
        Some((texts.value_data().as_ptr(), texts.value_offsets().as_ptr(), texts.len()))
    };
    Arc::ptr_eq(a, b) || (texts(a).is_some() && texts(a) == texts(b))
}

/// A text without the blanks around it, of which there hardly ever are any.
fn trimmed(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) { text } else { text.trim() }
}

/// The chain that all rows of a batch name, where it has accounts.
fn chain_of(batch: &RecordBatch, options: &Options) -> Option<Chain> {
    let chain = match batch.column_by_name("chain") {
        Some(chain) => only(chain)?,
        None => options.chain?,
    };
    Some(chain).filter(|chain| chain.family() != Family::Bitcoin)
}

/// The chain that all rows name.
fn only(column: &ArrayRef) -> Option<Chain> {
    let first = text(column, 0)?;
    let keys = column.as_dictionary_opt::<Int32Type>()?.keys();
    let same = keys.null_count() == 0 && keys.values().iter().all(|key| *key == keys.value(0));
    (same || (0..column.len()).all(|row| text(column, row) == Some(first)))
        .then(|| Chain::parse(first).ok())
        .flatten()
}

/// A text behind a dictionary, without the blanks around it; `None` where there is none.
fn text(column: &ArrayRef, row: usize) -> Option<&str> {
    let column = column.as_dictionary_opt::<Int32Type>()?;
    let key = column.is_valid(row).then(|| column.keys().value(row))?;
    let texts = column.values().as_string_opt::<i32>()?;
    let at = usize::try_from(key).ok().filter(|at| *at < texts.len())?;
    Some(trimmed(texts.value(at))).filter(|text| !text.is_empty())
}

/// The transaction of each row, where it names one; those of one stand together. `None` if a text is no id.
fn transactions(column: &StringArray) -> Option<Vec<Option<TxId>>> {
    let mut last: (&str, Option<TxId>) = ("", None);
    let mut found = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        let text = if column.is_valid(row) { trimmed(column.value(row)) } else { "" };
        if text != last.0 {
            let tx = match text.is_empty() {
                true => None,
                false => Some(TxId::parse(text).ok().filter(|tx| !tx.is_of_row())?),
            };
            last = (text, tx);
        }
        found.push(last.1);
    }
    Some(found)
}

/// Whole numbers from 0 on; `None` if a row has something else.
fn wholes(column: &ArrayRef) -> Option<Vec<u64>> {
    if column.null_count() > 0 {
        return None;
    }
    let signed = |number: i64| u64::try_from(number).ok();
    match column.data_type() {
        DataType::Int64 => {
            column.as_primitive::<Int64Type>().values().iter().map(|n| signed(*n)).collect()
        }
        DataType::UInt64 => Some(column.as_primitive::<UInt64Type>().values().to_vec()),
        DataType::Int32 => {
            let numbers = column.as_primitive::<Int32Type>().values().iter();
            numbers.map(|n| signed(i64::from(*n))).collect()
        }
        DataType::UInt32 => {
            let numbers = column.as_primitive::<UInt32Type>().values().iter();
            Some(numbers.map(|n| u64::from(*n)).collect())
        }
        _ => None,
    }
}

fn amounts(column: &ArrayRef) -> Option<Vec<Amount>> {
    match column.data_type() {
        DataType::Utf8 if column.null_count() == 0 => {
            let texts = column.as_string::<i32>();
            (0..texts.len()).map(|row| Amount::parse(trimmed(texts.value(row))).ok()).collect()
        }
        DataType::Utf8 => None,
        _ => Some(wholes(column)?.into_iter().map(|amount| Amount::new(amount.into())).collect()),
    }
}
