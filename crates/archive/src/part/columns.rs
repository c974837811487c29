//! The columns of a part, decoded some thousand rows at a time. Texts stay behind the dictionary of
//! their row group, so that an address is parsed once for all rows that name it.

use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use arrow_array::types::{
    ArrowPrimitiveType, Int32Type, TimestampMillisecondType, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray, PrimitiveArray, RecordBatch,
    StringArray,
};
use arrow_schema::{DataType, Field, Schema};
use ledger::{
    Address, Amount, Asset, Chain, Conversion, Kind, Place, Position, Table, TableRow, Time,
    Transfer, TxId,
};

use super::{SCHEMA, primitive, seconds};
use crate::batch::Recorded;
use crate::error::{ArchiveError, Result};

/// Which columns are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    All,
    /// All but transaction ids and occurrences, which nothing that is numbered needs. Places stay texts
    /// until they are numbered: parsed, those of a row group would be most of what a build holds.
    Numbered,
}

impl Columns {
    /// Their places in the schema; `is_blank` says which columns hold nothing in the rows to be read.
    pub(super) fn roots(self, is_blank: impl Fn(usize) -> bool) -> Vec<usize> {
        let wanted = |at: usize, field: &Field| {
            let is_asked = !matches!(field.name().as_str(), "tx" | "occurrence");
            let may_lack = matches!(field.data_type(), DataType::Utf8) && field.is_nullable();
            (self == Columns::All || is_asked) && !(may_lack && is_blank(at))
        };
        let fields = SCHEMA.fields().iter().enumerate();
        fields.filter(|(at, field)| wanted(*at, field)).map(|(at, _)| at).collect()
    }
}

/// The schema to read with: texts that repeat stay behind their dictionary.
pub(super) fn reading_schema() -> Arc<Schema> {
    let fields = SCHEMA.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 if !field.name().starts_with("amount") => {
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Field::new(field.name(), kind, field.is_nullable())
        }
        other => Field::new(field.name(), other.clone(), field.is_nullable()),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// How the texts of a column of a chain become values.
#[derive(Clone, Copy)]
struct Parser<T> {
    chain: Chain,
    parse: fn(Chain, &str) -> Decoded<T>,
}

/// The values of a [`Dictionary`].
enum Values<T> {
    /// `None` where a text is no name; no row has it.
    Parsed(Vec<Option<T>>),
    /// Parsed whenever asked for; `path` is the part's, for errors.
    Texts { texts: StringArray, parser: Parser<T>, path: Arc<Path> },
}

impl<T: Copy> Values<T> {
    fn len(&self) -> usize {
        match self {
            Values::Parsed(values) => values.len(),
            Values::Texts { texts, .. } => texts.len(),
        }
    }

    fn get(&self, key: usize) -> Option<T> {
        match self {
            Values::Parsed(values) => values[key],
            Values::Texts { texts, parser, .. } => {
                (parser.parse)(parser.chain, texts.value(key)).ok()
            }
        }
    }
}

/// The places or assets that a row group names in a column.
struct Dictionary<T> {
    values: Values<T>,
    /// Room for whoever numbers them: see [`Named::note`].
    notes: OnceLock<Vec<AtomicU64>>,
}

impl<T: Copy> Dictionary<T> {
    fn of(values: Values<T>) -> Dictionary<T> {
        Dictionary { values, notes: OnceLock::new() }
    }

    fn notes(&self) -> &[AtomicU64] {
        self.notes.get_or_init(|| (0..self.values.len()).map(|_| AtomicU64::new(0)).collect())
    }
}

/// A column of places or assets.
pub(crate) struct Named<T> {
    keys: PrimitiveArray<Int32Type>,
    dictionary: Arc<Dictionary<T>>,
}

impl<T: Copy> Named<T> {
    /// A column of so many rows without a value.
    fn blank(rows: usize) -> Named<T> {
        let dictionary = Arc::new(Dictionary::of(Values::Parsed(Vec::new())));
        Named { keys: PrimitiveArray::new_null(rows), dictionary }
    }

    /// The number in the dictionary of a row's value; `None` where the row has none.
    #[inline]
    pub(crate) fn key(&self, row: usize) -> Option<usize> {
        // Decoding checked that each key has a value.
        self.keys.is_valid(row).then(|| self.keys.values()[row] as usize)
    }

    /// A word that belongs to the row's value, 0 at first, for the one reader that numbers the values.
    #[inline]
    pub(crate) fn note(&self, row: usize) -> Option<&AtomicU64> {
        let key = self.key(row)?;
        Some(&self.notes()[key])
    }

    /// The words of all values of the dictionary, whoever has them.
    pub(crate) fn notes(&self) -> &[AtomicU64] {
        self.dictionary.notes()
    }

    /// A value by its number in the dictionary; `None` where the text is none.
    pub(crate) fn value(&self, key: usize) -> Option<T> {
        self.dictionary.values.get(key)
    }

    /// A row's value.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<T> {
        self.value(self.key(row)?)
    }

    /// A row's value; an error where its text is none.
    pub(crate) fn parsed(&self, row: usize) -> Result<Option<T>> {
        let Some(key) = self.key(row) else { return Ok(None) };
        match &self.dictionary.values {
            Values::Parsed(values) => Ok(values[key]),
            Values::Texts { texts, parser, path } => {
                let value = (parser.parse)(parser.chain, texts.value(key));
                value.map(Some).map_err(|what| ArchiveError::integrity(path, what))
            }
        }
    }
}

/// Some consecutive rows of a part.
pub(crate) struct RowBatch {
    pub(crate) chain: Chain,
    /// Which row of the part the first one is, where rows were read without gaps.
    pub(crate) first: u64,
    height: PrimitiveArray<UInt64Type>,
    tx_index: PrimitiveArray<UInt32Type>,
    index: PrimitiveArray<UInt32Type>,
    pub(crate) times: Vec<u32>,
    tx: Option<FixedSizeBinaryArray>,
    kinds: Vec<Kind>,
    pub(crate) from: Named<Place>,
    pub(crate) to: Named<Place>,
    pub(crate) asset: Named<Asset>,
    pub(crate) amounts: Vec<u128>,
    pub(crate) asset_to: Named<Asset>,
    amount_to: Option<StringArray>,
    pub(crate) from_owner: Named<Place>,
    pub(crate) to_owner: Named<Place>,
    ends: Named<Place>,
    import: PrimitiveArray<UInt32Type>,
    row: PrimitiveArray<UInt64Type>,
    occurrence: Option<PrimitiveArray<UInt32Type>>,
}

/// The dictionaries of the row group that is being read, by column.
pub(super) struct Dictionaries {
    chain: Chain,
    /// The part's path where places are to stay texts.
    texts_of: Option<Arc<Path>>,
    places: Known<Place>,
    assets: Known<Asset>,
}

/// Name of a column, its texts, and what they stand for.
type Known<T> = Vec<(&'static str, ArrayRef, Arc<Dictionary<T>>)>;

type Decoded<T> = std::result::Result<T, String>;

impl RowBatch {
    pub(super) fn decode(
        first: u64,
        batch: &RecordBatch,
        known: &mut Dictionaries,
    ) -> Decoded<RowBatch> {
        let chain = known.chain;
        let at =
            |name: &str| batch.schema_ref().index_of(name).map_err(|_| format!("no column {name}"));
        let rows = batch.num_rows();
        let mut places = |name: &'static str| match batch.column_by_name(name) {
            Some(column) => known.places(name, column),
            None => Ok(Named::blank(rows)),
        };
        let (from, to) = (places("from")?, places("to")?);
        let mut owners = |name: &'static str| match batch.column_by_name(name) {
            Some(column) => known.owners(name, column),
            None => Ok(Named::blank(rows)),
        };
        let (from_owner, to_owner) = (owners("from_owner")?, owners("to_owner")?);
        let mut assets = |name: &'static str| match batch.column_by_name(name) {
            Some(column) => known.assets(name, column),
            None => Ok(Named::blank(rows)),
        };
        let (asset, asset_to) = (assets("asset")?, assets("asset_to")?);
        let amount: &StringArray = cast(batch.column(at("amount")?))?;
        let amounts: Decoded<Vec<u128>> = (0..amount.len()).map(|n| digits(amount, n)).collect();
        let batch = RowBatch {
            chain,
            first,
            height: cast::<PrimitiveArray<UInt64Type>>(batch.column(at("height")?))?.clone(),
            tx_index: cast::<PrimitiveArray<UInt32Type>>(batch.column(at("tx_index")?))?.clone(),
            index: cast::<PrimitiveArray<UInt32Type>>(batch.column(at("index")?))?.clone(),
            times: times(batch, at("time")?)?,
            tx: at("tx").ok().map(|at| cast(batch.column(at)).cloned()).transpose()?,
            kinds: kinds(chain, batch.column(at("kind")?))?,
            from,
            to,
            asset,
            amounts: amounts?,
            asset_to,
            amount_to: at("amount_to")
                .ok()
                .map(|at| cast(batch.column(at)).cloned())
                .transpose()?,
            from_owner,
            to_owner,
            ends: match batch.column_by_name("end") {
                Some(column) => ends(chain, column)?,
                None => Named::blank(rows),
            },
            import: cast::<PrimitiveArray<UInt32Type>>(batch.column(at("import")?))?.clone(),
            row: cast::<PrimitiveArray<UInt64Type>>(batch.column(at("row")?))?.clone(),
            occurrence: at("occurrence")
                .ok()
                .map(|at| cast(batch.column(at)).cloned())
                .transpose()?,
        };
        batch.check().map(|()| batch)
    }

    /// The rows of a table, of a part from its row `first` on, which are rows of import `import` alike.
    pub(super) fn of_table(first: u64, table: &Table, import: u32) -> Decoded<RowBatch> {
        let rows = &table.rows;
        let place = |number: u32| table.places.get(number as usize).copied();
        if rows.iter().any(|row| place(row.from).is_none() || place(row.to).is_none()) {
            return Err("a place that its table has not".into());
        }
        let all = || Values::Parsed(table.places.iter().copied().map(Some).collect());
        let places = Arc::new(Dictionary::of(all()));
        let named =
            |keys: PrimitiveArray<Int32Type>| Named { keys, dictionary: Arc::clone(&places) };
        let side = |number: u32| place(number).filter(Place::holds_value).map(|_| number as i32);
        let end = |row: &TableRow| {
            let ends = [row.from, row.to].into_iter().find(|number| side(*number).is_none());
            ends.map(|number| number as i32)
        };
        let assets = table.assets.iter().copied().map(Some).collect();
        let asset = Arc::new(Dictionary::of(Values::Parsed(assets)));
        let keys = rows.iter().map(|row| Some(row.asset as i32)).collect();
        let txs = rows.iter().map(|row| row.tx.as_ref().map(TxId::bytes));
        let txs = FixedSizeBinaryArray::try_from_sparse_iter_with_size(txs, 32);
        let count = rows.len();
        let batch = RowBatch {
            chain: table.chain,
            first,
            height: rows.iter().map(|row| Some(row.height)).collect(),
            tx_index: rows.iter().map(|row| Some(row.tx_index)).collect(),
            index: rows.iter().map(|row| Some(row.index)).collect(),
            times: rows.iter().map(|row| row.time.seconds()).collect(),
            tx: Some(txs.map_err(|error| error.to_string())?),
            kinds: rows.iter().map(|row| row.kind).collect(),
            from: named(rows.iter().map(|row| side(row.from)).collect()),
            to: named(rows.iter().map(|row| side(row.to)).collect()),
            asset: Named { keys, dictionary: asset },
            amounts: rows.iter().map(|row| row.amount.base_units()).collect(),
            asset_to: Named::blank(count),
            amount_to: None,
            from_owner: Named::blank(count),
            to_owner: Named::blank(count),
            ends: named(rows.iter().map(end).collect()),
            import: std::iter::repeat_n(Some(import), count).collect(),
            row: (first..).take(count).map(Some).collect(),
            occurrence: None,
        };
        batch.check().map(|()| batch)
    }

    /// What single columns cannot show: a side without a place is an end of the world, and what a
    /// conversion gives a number.
    fn check(&self) -> Decoded<()> {
        for side in [&self.from, &self.to] {
            if side.keys.null_count() > 0
                && (0..self.len())
                    .any(|row| side.key(row).is_none() && self.ends.key(row).is_none())
            {
                return Err("a side that is neither a place nor an end".into());
            }
        }
        if self.asset_to.keys.null_count() < self.len() {
            let converting = (0..self.len()).filter(|row| self.asset_to.key(*row).is_some());
            let amounts = self.amount_to.as_ref().ok_or("a conversion into nothing")?;
            converting.map(|row| digits(amounts, row)).collect::<Decoded<Vec<_>>>()?;
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn position(&self, row: usize) -> Position {
        Position {
            height: optional(&self.height, row),
            tx_index: optional(&self.tx_index, row),
            index: optional(&self.index, row),
        }
    }

    pub(crate) fn height(&self, row: usize) -> Option<u64> {
        optional(&self.height, row)
    }

    pub(crate) fn kind(&self, row: usize) -> Kind {
        self.kinds[row]
    }

    pub(crate) fn import(&self, row: usize) -> u32 {
        self.import.value(row)
    }

    pub(crate) fn source_row(&self, row: usize) -> u64 {
        self.row.value(row)
    }

    /// True if some row does not know its transaction's index.
    pub(crate) fn lacks_tx_index(&self) -> bool {
        self.tx_index.null_count() > 0
    }

    /// The transaction, where the column was read.
    pub(crate) fn tx(&self, row: usize) -> Option<TxId> {
        self.tx.as_ref().filter(|tx| tx.is_valid(row)).map(|tx| tx_id(tx.value(row)))
    }

    /// What the receiver of a conversion gets; `None` where nothing is converted.
    pub(crate) fn amount_to(&self, row: usize) -> Option<u128> {
        // Decoding checked the number.
        self.asset_to.key(row)?;
        digits(self.amount_to.as_ref()?, row).ok()
    }

    /// The sender: a place, or the end of the world that the row names.
    pub(crate) fn sender(&self, row: usize) -> Place {
        self.from.get(row).or_else(|| self.ends.get(row)).unwrap_or(Place::Mint)
    }

    pub(crate) fn receiver(&self, row: usize) -> Place {
        self.to.get(row).or_else(|| self.ends.get(row)).unwrap_or(Place::Burn)
    }

    pub(crate) fn owner(column: &Named<Place>, row: usize) -> Option<Address> {
        column.get(row)?.account()
    }

    /// The row whole; needs [`Columns::All`].
    pub(crate) fn recorded(&self, row: usize) -> Recorded {
        let conversion = self.amount_to(row).zip(self.asset_to.get(row));
        let conversion =
            conversion.map(|(amount, asset)| Conversion { asset, amount: Amount::new(amount) });
        let transfer = Transfer {
            chain: self.chain,
            position: self.position(row),
            time: Time::from_seconds(self.times[row]),
            tx: self.tx(row),
            kind: self.kinds[row],
            from: self.sender(row),
            to: self.receiver(row),
            from_owner: RowBatch::owner(&self.from_owner, row),
            to_owner: RowBatch::owner(&self.to_owner, row),
            asset: self.asset.get(row).unwrap_or(Asset::Native),
            amount: Amount::new(self.amounts[row]),
            conversion,
        };
        let occurrence = self.occurrence.as_ref().map_or(0, |column| column.value(row));
        Recorded { transfer, import: self.import(row), row: self.source_row(row), occurrence }
    }
}

impl Dictionaries {
    pub(super) fn new(path: &Arc<Path>, chain: Chain, columns: Columns) -> Dictionaries {
        let texts_of = (columns == Columns::Numbered).then(|| Arc::clone(path));
        Dictionaries { chain, texts_of, places: Vec::new(), assets: Vec::new() }
    }

    fn places(&mut self, name: &'static str, column: &ArrayRef) -> Decoded<Named<Place>> {
        let parser = Parser { chain: self.chain, parse: place };
        named(&mut self.places, name, column, parser, self.texts_of.as_ref())
    }

    fn owners(&mut self, name: &'static str, column: &ArrayRef) -> Decoded<Named<Place>> {
        let parse = |chain, text: &str| {
            let owner = place(chain, text)?;
            owner.account().map(|_| owner).ok_or_else(|| "an owner that is no address".into())
        };
        let parser = Parser { chain: self.chain, parse };
        named(&mut self.places, name, column, parser, self.texts_of.as_ref())
    }

    fn assets(&mut self, name: &'static str, column: &ArrayRef) -> Decoded<Named<Asset>> {
        let parse =
            |chain, text: &str| Asset::parse(chain, text).map_err(|error| error.to_string());
        let parser = Parser { chain: self.chain, parse };
        named(&mut self.assets, name, column, parser, None)
    }
}

fn place(chain: Chain, text: &str) -> Decoded<Place> {
    Place::parse(chain, text).map_err(|error| error.to_string())
}

/// A column behind its dictionary, which is parsed once as long as batches share it, or stays the texts of
/// a part at `texts_of`.
fn named<T: Copy>(
    known: &mut Known<T>,
    name: &'static str,
    column: &ArrayRef,
    parser: Parser<T>,
    texts_of: Option<&Arc<Path>>,
) -> Decoded<Named<T>> {
    let column: &DictionaryArray<Int32Type> = cast(column)?;
    let (keys, values) = (column.keys().clone(), column.values());
    let parse = |text: &str| (parser.parse)(parser.chain, text);
    let shared = known.iter().find(|(own, texts, _)| *own == name && same_memory(texts, values));
    let dictionary = match shared {
        Some((_, _, dictionary)) => Arc::clone(dictionary),
        None => {
            let texts: &StringArray = cast(values)?;
            let values_of = match texts_of {
                Some(path) => {
                    Values::Texts { texts: texts.clone(), parser, path: Arc::clone(path) }
                }
                // Rows without a value may stand behind a text of their own, which is none.
                None => {
                    Values::Parsed((0..texts.len()).map(|n| parse(texts.value(n)).ok()).collect())
                }
            };
            let dictionary = Arc::new(Dictionary::of(values_of));
            known.retain(|(own, _, _)| *own != name);
            known.push((name, Arc::clone(values), Arc::clone(&dictionary)));
            dictionary
        }
    };
    for key in keys.iter().flatten() {
        let key = usize::try_from(key).ok().filter(|key| *key < dictionary.values.len());
        let key = key.ok_or("a text beyond its dictionary")?;
        if matches!(&dictionary.values, Values::Parsed(values) if values[key].is_none()) {
            let texts: &StringArray = cast(values)?;
            parse(texts.value(key))?;
        }
    }
    Ok(Named { keys, dictionary })
}

/// True if two arrays of texts are one in memory.
fn same_memory(a: &ArrayRef, b: &ArrayRef) -> bool {
    let texts = |array: &ArrayRef| {
        let texts = array.as_any().downcast_ref::<StringArray>()?;
        Some((texts.value_data().as_ptr(), texts.value_offsets().as_ptr(), texts.len()))
    };
    texts(a).is_some() && texts(a) == texts(b)
}

fn cast<T: Array + 'static>(column: &ArrayRef) -> Decoded<&T> {
    column.as_any().downcast_ref().ok_or_else(|| "other columns".into())
}

fn kinds(chain: Chain, column: &ArrayRef) -> Decoded<Vec<Kind>> {
    let parse = |_, text: &str| Kind::parse(text).map_err(|error| error.to_string());
    let column = named(&mut Vec::new(), "kind", column, Parser { chain, parse }, None)?;
    let kind = |row| column.get(row).ok_or_else(|| "a row without a kind".to_string());
    (0..column.keys.len()).map(kind).collect()
}

fn ends(chain: Chain, column: &ArrayRef) -> Decoded<Named<Place>> {
    let parse = |_, text: &str| match text {
        "mint" => Ok(Place::Mint),
        "burn" => Ok(Place::Burn),
        "fee" => Ok(Place::Fee),
        _ => Err("a side that is neither a place nor an end".into()),
    };
    named(&mut Vec::new(), "end", column, Parser { chain, parse }, None)
}

fn times(batch: &RecordBatch, at: usize) -> Decoded<Vec<u32>> {
    let column =
        primitive::<TimestampMillisecondType>(batch, at).ok_or("other columns".to_string())?;
    (0..column.len()).map(|row| Ok(seconds(column.value(row))?.seconds())).collect()
}

fn digits(column: &StringArray, row: usize) -> Decoded<u128> {
    let amount = Amount::parse(column.value(row)).map_err(|error| error.to_string())?;
    Ok(amount.base_units())
}

pub(super) fn optional<T: ArrowPrimitiveType>(
    column: &PrimitiveArray<T>,
    row: usize,
) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

pub(super) fn tx_id(bytes: &[u8]) -> TxId {
    let mut id = [0; 32];
    // The column's type says 32 bytes; opening checked it.
    id.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    TxId::new(id)
}
