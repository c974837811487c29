//! Reading a part: batches of columns in order, chosen rows whole, or only what tells rows apart.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, TimestampMillisecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, PrimitiveArray, RecordBatch, StringArray};
use ledger::{Amount, Chain, Kind, Position, Time};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::columns::{Columns, Dictionaries, RowBatch, optional, reading_schema};
use super::external::{ExternalBatches, ExternalPart};
use super::{AMOUNT, HEIGHT, INDEX, KIND, SCHEMA, Store, TIME, TX_INDEX, guarded, library_error};
use crate::batch::Recorded;
use crate::error::{ArchiveError, AtPath, Result};
use crate::manifest::{Part, Sorting};

/// Rows decoded at once.
const BATCH_ROWS: usize = 8192;

type Builder = ParquetRecordBatchReaderBuilder<File>;

/// A row group, its first row in the part, and which of its rows.
pub(super) type Ranges = (usize, u64, Vec<Range<usize>>);

/// Rows of a part, in order, as columns.
pub(crate) enum Batches {
    Own(OwnBatches),
    External(ExternalBatches),
}

impl Batches {
    /// Reads the rows of a part from row `from` on.
    pub(crate) fn open(store: &Store, part: &Part, columns: Columns, from: u64) -> Result<Batches> {
        let range = usize::try_from(from).unwrap_or(usize::MAX)..usize::MAX;
        let mut batches = Batches::of(store, part, columns)?;
        batches.choose(|sizes| ranges_by_group(sizes, &[range]));
        Ok(batches)
    }

    /// Reads nothing as long as nothing is chosen.
    fn of(store: &Store, part: &Part, columns: Columns) -> Result<Batches> {
        Ok(match &part.external {
            None => Batches::Own(OwnBatches::new(store, part, columns)?),
            Some(external) => {
                let part = ExternalPart::open(store, part, external)?;
                Batches::External(ExternalBatches::new(part))
            }
        })
    }

    /// Sets what is read, by the numbers of rows of the row groups.
    fn choose(&mut self, ranges: impl FnOnce(&[usize]) -> VecDeque<Ranges>) {
        match self {
            Batches::Own(own) => own.groups = ranges(&rows_by_group(own.metadata.metadata())),
            Batches::External(own) => own.groups = ranges(&rows_by_group(own.metadata())),
        }
    }
}

impl Iterator for Batches {
    type Item = Result<RowBatch>;

    fn next(&mut self) -> Option<Result<RowBatch>> {
        match self {
            Batches::Own(own) => own.step().transpose(),
            Batches::External(own) => own.step().transpose(),
        }
    }
}

/// Rows of a part that the archive wrote.
pub(crate) struct OwnBatches {
    path: Arc<Path>,
    chain: Chain,
    file: File,
    metadata: ArrowReaderMetadata,
    columns: Columns,
    /// What is still to be read.
    groups: VecDeque<Ranges>,
    reader: Option<ParquetRecordBatchReader>,
    /// The row of the part that comes next.
    next: u64,
    dictionaries: Dictionaries,
}

impl OwnBatches {
    fn new(store: &Store, part: &Part, columns: Columns) -> Result<OwnBatches> {
        let path = store.verified(&part.path, &part.sha256)?;
        let file = store.open(&path)?;
        let options = ArrowReaderOptions::new().with_schema(reading_schema());
        let metadata = guarded(&path, || ArrowReaderMetadata::load(&file, options))?
            .map_err(|error| library_error(&path, &error))?;
        let (path, chain, reader): (Arc<Path>, _, _) = (path.into(), part.chain, None);
        let dictionaries = Dictionaries::new(&path, chain, columns);
        let (groups, next) = (VecDeque::new(), 0);
        Ok(OwnBatches { path, chain, file, metadata, columns, groups, reader, next, dictionaries })
    }

    fn step(&mut self) -> Result<Option<RowBatch>> {
        loop {
            if let Some(reader) = &mut self.reader {
                match guarded(&self.path, || reader.next())? {
                    Some(batch) => {
                        let bad = |error: &dyn std::fmt::Display| library_error(&self.path, error);
                        let batch = batch.map_err(|error| bad(&error))?;
                        let known = &mut self.dictionaries;
                        let batch = RowBatch::decode(self.next, &batch, known)
                            .map_err(|what| bad(&what))?;
                        self.next += batch.len() as u64;
                        return Ok(Some(batch));
                    }
                    None => self.reader = None,
                }
            }
            let Some((group, first, ranges)) = self.groups.pop_front() else { return Ok(None) };
            // Those of the last group go before the next ones come: they are most of what a reader holds.
            self.dictionaries = Dictionaries::new(&self.path, self.chain, self.columns);
            self.next = first + ranges.first().map_or(0, |range| range.start as u64);
            self.reader = Some(self.open_group(group, ranges)?);
        }
    }

    fn open_group(
        &self,
        group: usize,
        ranges: Vec<Range<usize>>,
    ) -> Result<ParquetRecordBatchReader> {
        let file = self.file.try_clone().at(&self.path)?;
        let facts = self.metadata.metadata();
        let rows = rows_by_group(facts)[group];
        let is_blank = |column: usize| {
            let statistics = facts.row_group(group).column(column).statistics();
            statistics.and_then(Statistics::null_count_opt) == Some(rows as u64)
        };
        let columns = self.columns.roots(is_blank);
        let mask = ProjectionMask::roots(facts.file_metadata().schema_descr(), columns);
        guarded(&self.path, || {
            let selection = RowSelection::from_consecutive_ranges(ranges.into_iter(), rows);
            Builder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_row_selection(selection)
                .with_batch_size(BATCH_ROWS)
                .build()
        })?
        .map_err(|error| library_error(&self.path, &error))
    }
}

/// How many rows each row group has.
pub(super) fn rows_by_group(metadata: &ParquetMetaData) -> Vec<usize> {
    let rows = metadata.row_groups().iter().map(|group| usize::try_from(group.num_rows()));
    rows.map(|rows| rows.unwrap_or(0)).collect()
}

/// Ranges of rows of a part, row group by row group.
fn ranges_by_group(sizes: &[usize], ranges: &[Range<usize>]) -> VecDeque<Ranges> {
    let mut groups = VecDeque::new();
    let (mut first, mut at) = (0, 0);
    for (group, size) in sizes.iter().enumerate() {
        let end = first + size;
        let mut own = Vec::new();
        while let Some(range) = ranges.get(at).filter(|range| range.start < end) {
            let from = range.start.max(first);
            if from < range.end.min(end) {
                own.push(from - first..range.end.min(end) - first);
            }
            if range.end > end {
                break;
            }
            at += 1;
        }
        if !own.is_empty() {
            groups.push_back((group, first as u64, own));
        }
        first = end;
    }
    groups
}

/// Chosen rows of a part, whole.
pub(crate) struct PartReader {
    batches: Batches,
    batch: Option<Arc<RowBatch>>,
    at: usize,
}

impl PartReader {
    /// Reads only `ranges` of the rows of the row groups `groups`, counted from the first of them.
    pub(crate) fn open_ranges(
        store: &Store,
        part: &Part,
        groups: &[usize],
        ranges: Vec<Range<usize>>,
    ) -> Result<PartReader> {
        let mut batches = Batches::of(store, part, Columns::All)?;
        batches.choose(|sizes| within_groups(sizes, groups, &ranges));
        Ok(PartReader { batches, batch: None, at: 0 })
    }
}

/// Ranges that are counted through chosen row groups alone, row group by row group.
fn within_groups(sizes: &[usize], groups: &[usize], ranges: &[Range<usize>]) -> VecDeque<Ranges> {
    let mut found = VecDeque::new();
    let mut first = 0;
    for group in groups {
        let end = first + sizes[*group];
        let own = ranges.iter().map(|range| range.start.max(first)..range.end.min(end));
        let own = own.filter(|range| range.start < range.end);
        let own: Vec<_> = own.map(|range| range.start - first..range.end - first).collect();
        if !own.is_empty() {
            found.push_back((*group, 0, own));
        }
        first = end;
    }
    found
}

impl Iterator for PartReader {
    type Item = Result<Recorded>;

    fn next(&mut self) -> Option<Result<Recorded>> {
        loop {
            if let Some(batch) = self.batch.as_ref().filter(|batch| self.at < batch.len()) {
                self.at += 1;
                return Some(Ok(batch.recorded(self.at - 1)));
            }
            match self.batches.next()? {
                Ok(batch) => (self.batch, self.at) = (Some(Arc::new(batch)), 0),
                Err(error) => return Some(Err(error)),
            }
        }
    }
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
    if let Some(external) = &part.external {
        return ExternalPart::open(store, part, external)?.read_keys(by, wanted, visit);
    }
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
    let mut batches =
        guarded(&path, || builder.build())?.map_err(|error| library_error(&path, &error))?;
    let mut number = 0;
    while let Some(batch) = guarded(&path, || batches.next())? {
        let batch = batch.map_err(|error| library_error(&path, &error))?;
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
    let file = store.open(&path)?;
    let builder =
        guarded(&path, || Builder::try_new(file))?.map_err(|error| library_error(&path, &error))?;
    if builder.schema().fields() != SCHEMA.fields() {
        return Err(ArchiveError::integrity(&path, "other columns than the archive writes"));
    }
    Ok((path, builder))
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

pub(crate) fn primitive<T: ArrowPrimitiveType>(
    batch: &RecordBatch,
    column: usize,
) -> Option<&PrimitiveArray<T>> {
    batch.columns().get(column)?.as_any().downcast_ref()
}

fn texts(batch: &RecordBatch, column: usize) -> Option<&StringArray> {
    batch.columns().get(column)?.as_any().downcast_ref()
}

pub(crate) fn seconds(milliseconds: i64) -> std::result::Result<Time, String> {
    let seconds = u64::try_from(milliseconds / 1000).map_err(|e| e.to_string())?;
    Time::from_u64(seconds).map_err(|e| e.to_string())
}
