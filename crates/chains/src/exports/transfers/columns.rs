//! Rows of `transfers` as Parquet that need no second look, taken as columns: each address is parsed once
//! a row group instead of once a row.
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
use ledger::{Amount, Asset, Chain, Family, Kind, Place, Table, TableRow, Time, Transfer, TxId};
use rustc_hash::FxHashMap;

use super::super::Options;
use super::super::field::Field;

/// Rows that are handed on together where nobody says how many.
const ROWS: usize = 1 << 20;
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
    places: Numbers<Place>,
    assets: Numbers<Asset>,
    from: Seen,
    to: Seen,
    asset: Seen,
}

/// Values by number and numbers by value.
struct Numbers<T> {
    values: Vec<T>,
    numbers: FxHashMap<T, u32>,
}

/// The numbers of what a dictionary holds, found when they are first asked for.
#[derive(Default)]
struct Seen {
    texts: Option<ArrayRef>,
    numbers: Vec<Option<u32>>,
}

/// The columns of a batch.
struct Columns<'a> {
    chain: Chain,
    height: &'a ArrayRef,
    tx_index: &'a ArrayRef,
    index: &'a ArrayRef,
    time: &'a ArrayRef,
    tx: &'a StringArray,
    kind: Option<&'a ArrayRef>,
    from: &'a ArrayRef,
    to: &'a ArrayRef,
    asset: &'a ArrayRef,
    amount: &'a ArrayRef,
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

impl Gathering {
    /// True if the rows should be handed on.
    pub(super) fn is_full(&self, options: &Options) -> bool {
        self.rows.len() >= options.table_rows.unwrap_or(ROWS)
    }

    /// What was gathered, if it is anything; nothing is left.
    pub(super) fn take(&mut self) -> Option<Table> {
        let Gathering { chain, rows, places, assets, .. } = std::mem::take(self);
        let chain = chain.filter(|_| !rows.is_empty())?;
        Some(Table { chain, places: places.values, assets: assets.values, rows })
    }

    /// What was gathered but for the last transaction, of which more rows may come.
    pub(super) fn take_whole_transactions(&mut self) -> Option<Table> {
        let mut table = self.take()?;
        let last = table.rows.last().and_then(|row| row.tx);
        let cut = table.rows.iter().rposition(|row| row.tx.is_none() || row.tx != last);
        let rest = table.rows.split_off(cut.map_or(0, |before| before + 1));
        self.chain = Some(table.chain);
        for mut row in rest {
            row.from = self.places.of(table.places[row.from as usize]);
            row.to = self.places.of(table.places[row.to as usize]);
            row.asset = self.assets.of(table.assets[row.asset as usize]);
            self.rows.push(row);
        }
        Some(table).filter(|table| !table.rows.is_empty())
    }

    /// Rows that were gathered and not handed on.
    pub(super) fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Adds a whole batch, or nothing and `None`.
    pub(super) fn add(&mut self, batch: &RecordBatch, options: &Options) -> Option<()> {
        let columns = Columns::of(batch, options)?;
        if *self.chain.get_or_insert(columns.chain) != columns.chain {
            return None;
        }
        let known = self.rows.len();
        let mut last: Option<(&str, TxId)> = None;
        for row in 0..batch.num_rows() {
            let text =
                Some(columns.tx).filter(|tx| tx.is_valid(row)).map(|tx| tx.value(row).trim());
            let tx = match (text.filter(|text| !text.is_empty()), last) {
                (None, _) => Some(None),
                (Some(text), Some((known, tx))) if known == text => Some(Some(tx)),
                (Some(text), _) => TxId::parse(text).ok().filter(|tx| !tx.is_of_row()).map(Some),
            };
            last = text.zip(tx.flatten());
            match tx.and_then(|tx| self.row(&columns, row, tx)) {
                Some(row) => self.rows.push(row),
                None => {
                    // The places that it brought stay numbered.
                    self.rows.truncate(known);
                    return None;
                }
            }
        }
        Some(())
    }

    fn row(&mut self, columns: &Columns<'_>, row: usize, tx: Option<TxId>) -> Option<TableRow> {
        let chain = columns.chain;
        let assets = &mut self.assets;
        let asset = self.asset.number(columns.asset, row, |text| {
            Field { name: "asset", text }.asset(chain).ok().map(|asset| assets.of(asset))
        })?;
        let kind = match columns.kind.and_then(|kind| text(kind, row)) {
            Some(text) => Kind::parse(text).ok()?,
            None if self.assets.values[asset as usize] == Asset::Native => Kind::Native,
            None => Kind::Token,
        };
        let (from, to) = self.sides(columns, row, kind)?;
        let made = TableRow {
            height: whole(columns.height, row)?,
            tx_index: u32::try_from(whole(columns.tx_index, row)?).ok()?,
            index: u32::try_from(whole(columns.index, row)?).ok()?,
            time: Time::from_u64(whole(columns.time, row)?).ok()?,
            kind,
            tx,
            from,
            to,
            asset,
            amount: amount(columns.amount, row)?,
        };
        let is_named = tx.is_some() || matches!(kind, Kind::Mint | Kind::Reward);
        let is_sound = self.places.values[from as usize].holds_value()
            || self.places.values[to as usize].holds_value();
        (is_named && is_sound).then_some(made)
    }

    /// The sides of a row; `None` where they are not as its kind asks for them.
    fn sides(&mut self, columns: &Columns<'_>, row: usize, kind: Kind) -> Option<(u32, u32)> {
        let chain = columns.chain;
        let parse = |text: &str| Field { name: "place", text }.place(chain).ok()?.account();
        let Gathering { places, from, to, .. } = self;
        let has = |column| text(column, row).is_some();
        let (has_from, has_to) = (has(columns.from), has(columns.to));
        let wants = match kind {
            Kind::Native | Kind::Token | Kind::Internal => (true, true),
            Kind::Fee | Kind::Burn => (true, false),
            Kind::Mint | Kind::Reward => (false, true),
        };
        if (has_from, has_to) != wants {
            return None;
        }
        let from = match has_from {
            false => places.of(Place::Mint),
            true => from.number(columns.from, row, |text| {
                Some(places.of(Transfer::sender(Some(parse(text)?))))
            })?,
        };
        let to = match has_to {
            false => places.of(Transfer::receiver(None, kind)),
            true => to.number(columns.to, row, |text| {
                Some(places.of(Transfer::receiver(Some(parse(text)?), Kind::Native)))
            })?,
        };
        // A fee or burning of the zero address, or what it receives, is looked at row by row.
        let is_plain = places.values[from as usize].holds_value() == has_from
            && places.values[to as usize].holds_value() == has_to;
        (is_plain || (has_from && has_to)).then_some((from, to))
    }
}

impl Seen {
    /// The number of a row's text, which `find` says when it is asked for first.
    fn number(
        &mut self,
        column: &ArrayRef,
        row: usize,
        find: impl FnOnce(&str) -> Option<u32>,
    ) -> Option<u32> {
        let column = column.as_dictionary_opt::<Int32Type>()?;
        if column.is_null(row) {
            return None;
        }
        let texts = column.values();
        if !self.texts.as_ref().is_some_and(|known| is_same(known, texts)) {
            self.texts = Some(Arc::clone(texts));
            self.numbers = vec![None; texts.len()];
        }
        let key = usize::try_from(column.keys().value(row)).ok()?;
        if self.numbers.get(key)?.is_none() {
            let text = texts.as_string_opt::<i32>()?.value(key).trim();
            self.numbers[key] = if text.is_empty() { None } else { find(text) };
        }
        self.numbers[key]
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

impl<'a> Columns<'a> {
    /// `None` if the batch lacks a column or one of them is of a type or shape that goes row by row.
    fn of(batch: &'a RecordBatch, options: &Options) -> Option<Columns<'a>> {
        let column = |name: &str| batch.column_by_name(name);
        let blank = |name: &str| column(name).is_none_or(|c| c.null_count() == c.len());
        let others = ["asset_to", "amount_to", "from_owner", "to_owner"];
        let tx = column("tx")?.as_string_opt::<i32>()?;
        if !others.into_iter().all(blank) {
            return None;
        }
        let chain = match column("chain") {
            Some(chain) => only(chain)?,
            None => options.chain?,
        };
        Some(Columns {
            chain: Some(chain).filter(|chain| chain.family() != Family::Bitcoin)?,
            height: column("height")?,
            tx_index: column("tx_index")?,
            index: column("index")?,
            time: column("time")?,
            tx,
            kind: column("kind"),
            from: column("from")?,
            to: column("to")?,
            asset: column("asset")?,
            amount: column("amount")?,
        })
    }
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
    Some(texts.value(at).trim()).filter(|text| !text.is_empty())
}

/// A whole number from 0 on.
fn whole(column: &ArrayRef, row: usize) -> Option<u64> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Int64 => u64::try_from(column.as_primitive::<Int64Type>().value(row)).ok(),
        DataType::UInt64 => Some(column.as_primitive::<UInt64Type>().value(row)),
        DataType::Int32 => u64::try_from(column.as_primitive::<Int32Type>().value(row)).ok(),
        DataType::UInt32 => Some(column.as_primitive::<UInt32Type>().value(row).into()),
        _ => None,
    }
}

fn amount(column: &ArrayRef, row: usize) -> Option<Amount> {
    match column.data_type() {
        DataType::Utf8 if column.is_valid(row) => {
            Amount::parse(column.as_string::<i32>().value(row).trim()).ok()
        }
        _ => whole(column, row).map(|amount| Amount::new(amount.into())),
    }
}
