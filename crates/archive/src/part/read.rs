//! Reading a part: all of it in order, or only the positions, or chosen rows.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::vec;

use arrow_array::types::{ArrowPrimitiveType, TimestampMillisecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, StringArray};
use ledger::{
    Address, Amount, Asset, Chain, Conversion, Kind, Place, Position, Time, Transfer, TxId,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use rustc_hash::FxHashMap;

use super::{AMOUNT, HEIGHT, INDEX, KIND, SCHEMA, Store, TIME, TX_INDEX, guarded};
use crate::batch::Recorded;
use crate::error::{ArchiveError, AtPath, Result};
use crate::manifest::{Part, Sorting};

/// Rows decoded at once.
const CHUNK_ROWS: usize = 4096;
/// Texts remembered, so that a base58 checksum is not verified for every row.
const CACHE: usize = 1 << 18;

type Builder = ParquetRecordBatchReaderBuilder<File>;

/// The rows of a part, in order.
pub(crate) struct PartReader {
    path: PathBuf,
    chain: Chain,
    batches: ParquetRecordBatchReader,
    texts: Texts,
    rows: vec::IntoIter<Recorded>,
}

/// What tells a row apart before all of it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyRow {
    pub(crate) position: Position,
    pub(crate) time: u32,
    pub(crate) amount: u128,
    pub(crate) kind: Kind,
}

impl KeyRow {
    /// True if it can be part of what a transaction cost.
    pub(crate) fn may_be_cost(&self) -> bool {
        matches!(self.kind, Kind::Fee | Kind::Burn)
    }
}

#[derive(Default)]
struct Texts {
    places: FxHashMap<Box<str>, Place>,
    assets: FxHashMap<Box<str>, Asset>,
}

impl PartReader {
    pub(crate) fn open(store: &Store, part: &Part) -> Result<PartReader> {
        let (path, builder) = open(store, part)?;
        PartReader::build(path, part.chain, builder)
    }

    /// Reads only `ranges` of the rows of the row groups `groups`, counted from the first of them.
    pub(crate) fn open_ranges(
        store: &Store,
        part: &Part,
        groups: Vec<usize>,
        ranges: Vec<Range<usize>>,
    ) -> Result<PartReader> {
        let (path, builder) = open(store, part)?;
        let rows = group_rows(&builder, &groups);
        let ranges = ranges.into_iter();
        let selection = guarded(&path, || RowSelection::from_consecutive_ranges(ranges, rows))?;
        let builder = builder.with_row_groups(groups).with_row_selection(selection);
        PartReader::build(path, part.chain, builder)
    }

    fn build(path: PathBuf, chain: Chain, builder: Builder) -> Result<PartReader> {
        let batches = guarded(&path, || builder.with_batch_size(CHUNK_ROWS).build())?
            .map_err(|error| ArchiveError::integrity(&path, error))?;
        let (texts, rows) = (Texts::default(), Vec::new().into_iter());
        Ok(PartReader { path, chain, batches, texts, rows })
    }

    fn decode(&mut self, batch: &RecordBatch) -> Result<()> {
        let bad = |what: String| ArchiveError::integrity(&self.path, what);
        let columns = Columns::of(batch).ok_or_else(|| bad("other columns".into()))?;
        let rows: std::result::Result<Vec<_>, String> = (0..batch.num_rows())
            .map(|row| columns.row(self.chain, row, &mut self.texts))
            .collect();
        self.rows = rows.map_err(bad)?.into_iter();
        Ok(())
    }
}

impl Iterator for PartReader {
    type Item = Result<Recorded>;

    fn next(&mut self) -> Option<Result<Recorded>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let decoded = match guarded(&self.path, || self.batches.next()) {
                Ok(None) => return None,
                Ok(Some(Ok(batch))) => self.decode(&batch),
                Ok(Some(Err(error))) => Err(ArchiveError::integrity(&self.path, error)),
                Err(error) => Err(error),
            };
            if let Err(error) = decoded {
                return Some(Err(error));
            }
        }
    }
}

/// Calls `visit` with the number and key of each row of those row groups whose span of heights or
/// times, as `by` says, `wanted` accepts. Numbers count from the first row of the first
/// accepted group; the accepted groups are returned.
pub(crate) fn read_keys(
    store: &Store,
    part: &Part,
    by: Sorting,
    wanted: impl Fn(u64, u64) -> bool,
    mut visit: impl FnMut(usize, KeyRow),
) -> Result<Vec<usize>> {
    let (path, builder) = open(store, part)?;
    let groups: Vec<usize> = (0..builder.metadata().num_row_groups())
        .filter(|group| {
            let group = builder.metadata().row_group(*group);
            group_span(group, by).is_none_or(|(low, high)| wanted(low, high))
        })
        .collect();
    if groups.is_empty() {
        return Ok(groups);
    }
    let columns = [HEIGHT, TX_INDEX, INDEX, TIME, KIND, AMOUNT];
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
    let builder =
        builder.with_row_groups(groups.clone()).with_projection(mask).with_batch_size(1 << 14);
    let mut batches = guarded(&path, || builder.build())?
        .map_err(|error| ArchiveError::integrity(&path, error))?;
    let mut number = 0;
    while let Some(batch) = guarded(&path, || batches.next())? {
        let batch = batch.map_err(|error| ArchiveError::integrity(&path, error))?;
        visit_keys(&path, &batch, |row| {
            visit(number, row);
            number += 1;
        })?;
    }
    Ok(groups)
}

fn visit_keys(path: &Path, batch: &RecordBatch, mut visit: impl FnMut(KeyRow)) -> Result<()> {
    let bad = |what: &str| ArchiveError::integrity(path, what);
    let columns = || {
        Some((
            primitive::<UInt64Type>(batch, 0)?,
            primitive::<UInt32Type>(batch, 1)?,
            primitive::<UInt32Type>(batch, 2)?,
            primitive::<TimestampMillisecondType>(batch, 3)?,
            texts(batch, 4)?,
            texts(batch, 5)?,
        ))
    };
    let (height, tx_index, index, time, kind, amount) =
        columns().ok_or_else(|| bad("other columns"))?;
    for row in 0..batch.num_rows() {
        let amount = Amount::parse(amount.value(row)).map_err(|_| bad("an amount"))?;
        let position = Position {
            height: optional(height, row),
            tx_index: optional(tx_index, row),
            index: optional(index, row),
        };
        let time = seconds(time.value(row)).map_err(|what| bad(&what))?.seconds();
        let kind = Kind::parse(kind.value(row)).map_err(|_| bad("a kind"))?;
        visit(KeyRow { position, time, amount: amount.base_units(), kind });
    }
    Ok(())
}

fn open(store: &Store, part: &Part) -> Result<(PathBuf, Builder)> {
    let path = store.verified(&part.path, &part.sha256)?;
    let file = File::open(&path).at_committed(&path)?;
    let builder = guarded(&path, || Builder::try_new(file))?
        .map_err(|error| ArchiveError::integrity(&path, error))?;
    if builder.schema().fields() != SCHEMA.fields() {
        return Err(ArchiveError::integrity(&path, "other columns than the archive writes"));
    }
    Ok((path, builder))
}

fn group_rows(builder: &Builder, groups: &[usize]) -> usize {
    let rows = |group: &usize| builder.metadata().row_group(*group).num_rows();
    let rows = groups.iter().map(|group| usize::try_from(rows(group)).unwrap_or(0));
    rows.fold(0, usize::saturating_add)
}

/// The least and greatest height (or time in seconds) of a row group.
fn group_span(group: &RowGroupMetaData, by: Sorting) -> Option<(u64, u64)> {
    let column = if by == Sorting::Height { HEIGHT } else { TIME };
    let Some(Statistics::Int64(span)) = group.column(column).statistics() else { return None };
    let (low, high) = (*span.min_opt()?, *span.max_opt()?);
    Some(match by {
        Sorting::Height => (low.cast_unsigned(), high.cast_unsigned()),
        Sorting::Time => (low.cast_unsigned() / 1000, high.cast_unsigned() / 1000),
    })
}

struct Columns<'a> {
    height: &'a PrimitiveArray<UInt64Type>,
    tx_index: &'a PrimitiveArray<UInt32Type>,
    index: &'a PrimitiveArray<UInt32Type>,
    time: &'a PrimitiveArray<TimestampMillisecondType>,
    tx: &'a FixedSizeBinaryArray,
    kind: &'a StringArray,
    from: &'a StringArray,
    to: &'a StringArray,
    asset: &'a StringArray,
    amount: &'a StringArray,
    asset_to: &'a StringArray,
    amount_to: &'a StringArray,
    from_owner: &'a StringArray,
    to_owner: &'a StringArray,
    end: &'a StringArray,
    import: &'a PrimitiveArray<UInt32Type>,
    row: &'a PrimitiveArray<UInt64Type>,
    occurrence: &'a PrimitiveArray<UInt32Type>,
}

pub(crate) fn primitive<T: ArrowPrimitiveType>(
    batch: &RecordBatch,
    column: usize,
) -> Option<&PrimitiveArray<T>> {
    batch.columns().get(column)?.as_any().downcast_ref()
}

fn texts(batch: &RecordBatch, column: usize) -> Option<&StringArray> {
    batch.columns().get(column)?.as_any().downcast_ref()
}

fn optional<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, row: usize) -> Option<T::Native> {
    column.is_valid(row).then(|| column.value(row))
}

pub(crate) fn seconds(milliseconds: i64) -> std::result::Result<Time, String> {
    let seconds = u64::try_from(milliseconds / 1000).map_err(|e| e.to_string())?;
    Time::from_u64(seconds).map_err(|e| e.to_string())
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Columns<'a>> {
        Some(Columns {
            height: primitive(batch, HEIGHT)?,
            tx_index: primitive(batch, TX_INDEX)?,
            index: primitive(batch, INDEX)?,
            time: primitive(batch, TIME)?,
            tx: batch.columns().get(4)?.as_any().downcast_ref()?,
            kind: texts(batch, KIND)?,
            from: texts(batch, 6)?,
            to: texts(batch, 7)?,
            asset: texts(batch, 8)?,
            amount: texts(batch, AMOUNT)?,
            asset_to: texts(batch, 10)?,
            amount_to: texts(batch, 11)?,
            from_owner: texts(batch, 12)?,
            to_owner: texts(batch, 13)?,
            end: texts(batch, 14)?,
            import: primitive(batch, 15)?,
            row: primitive(batch, 16)?,
            occurrence: primitive(batch, 17)?,
        })
    }

    fn row(
        &self,
        chain: Chain,
        row: usize,
        texts: &mut Texts,
    ) -> std::result::Result<Recorded, String> {
        let end = self.end.is_valid(row).then(|| self.end.value(row));
        let mut side = |column: &StringArray| match column.is_valid(row) {
            true => texts.place(chain, column.value(row)),
            false => end_place(end),
        };
        let (from, to) = (side(self.from)?, side(self.to)?);
        let from_owner = owner(chain, self.from_owner, row, texts)?;
        let to_owner = owner(chain, self.to_owner, row, texts)?;
        let conversion = match self.asset_to.is_valid(row) {
            false => None,
            true => Some(Conversion {
                asset: texts.asset(chain, self.asset_to.value(row))?,
                amount: amount(self.amount_to, row)?,
            }),
        };
        let transfer = Transfer {
            chain,
            position: Position {
                height: optional(self.height, row),
                tx_index: optional(self.tx_index, row),
                index: optional(self.index, row),
            },
            time: seconds(self.time.value(row))?,
            tx: self.tx.is_valid(row).then(|| tx_id(self.tx.value(row))),
            kind: Kind::parse(self.kind.value(row)).map_err(|e| e.to_string())?,
            from,
            to,
            from_owner,
            to_owner,
            asset: texts.asset(chain, self.asset.value(row))?,
            amount: amount(self.amount, row)?,
            conversion,
        };
        Ok(Recorded {
            transfer,
            import: self.import.value(row),
            row: self.row.value(row),
            occurrence: self.occurrence.value(row),
        })
    }
}

fn tx_id(bytes: &[u8]) -> TxId {
    let mut id = [0; 32];
    // The column's type says 32 bytes; `open` checked it.
    id.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    TxId::new(id)
}

fn amount(column: &StringArray, row: usize) -> std::result::Result<Amount, String> {
    Amount::parse(column.value(row)).map_err(|e| e.to_string())
}

fn owner(
    chain: Chain,
    column: &StringArray,
    row: usize,
    texts: &mut Texts,
) -> std::result::Result<Option<Address>, String> {
    if column.is_null(row) {
        return Ok(None);
    }
    let account = texts.place(chain, column.value(row))?.account();
    account.map(Some).ok_or_else(|| "an owner that is no address".into())
}

fn end_place(end: Option<&str>) -> std::result::Result<Place, String> {
    match end {
        Some("mint") => Ok(Place::Mint),
        Some("burn") => Ok(Place::Burn),
        Some("fee") => Ok(Place::Fee),
        _ => Err("a side that is neither a place nor an end".into()),
    }
}

impl Texts {
    fn place(&mut self, chain: Chain, text: &str) -> std::result::Result<Place, String> {
        if let Some(place) = self.places.get(text) {
            return Ok(*place);
        }
        let place = Place::parse(chain, text).map_err(|e| e.to_string())?;
        if self.places.len() >= CACHE {
            self.places.clear();
        }
        self.places.insert(text.into(), place);
        Ok(place)
    }

    fn asset(&mut self, chain: Chain, text: &str) -> std::result::Result<Asset, String> {
        if let Some(asset) = self.assets.get(text) {
            return Ok(*asset);
        }
        let asset = Asset::parse(chain, text).map_err(|e| e.to_string())?;
        if self.assets.len() >= CACHE {
            self.assets.clear();
        }
        self.assets.insert(text.into(), asset);
        Ok(asset)
    }
}
