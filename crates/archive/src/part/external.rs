//! A part that is a registered file: the same questions as to a part of the archive's own, answered through
//! the reader of its format.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::{Chain, Table, TableRow};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::ParquetMetaData;

use super::columns::RowBatch;
use super::details::{Detail, why};
use super::read::{KeyRow, Ranges, rows_by_group};
use super::{Store, guarded};
use crate::disk::{SummedFile, Sums};
use crate::error::{ArchiveError, Result};
use crate::external::ExternalReader;
use crate::manifest::{External, Part, Sorting};

/// Rows that are read at once.
const PIECE: usize = 1 << 19;

pub(crate) struct ExternalPart {
    path: PathBuf,
    file: SummedFile,
    metadata: Arc<ParquetMetaData>,
    reader: Arc<dyn ExternalReader>,
    /// Of files that do not say it themselves.
    chain: Option<Chain>,
    pub(crate) external: External,
}

impl ExternalPart {
    /// Opens a file that is to be registered; its SHA-256 and length too.
    pub(crate) fn look(
        store: &Store,
        path: &Path,
        external: External,
        chain: Option<Chain>,
    ) -> Result<(ExternalPart, ([u8; 32], u64))> {
        let (sha256, sums) = Sums::of_file(&store.disk, path)?;
        let bytes = sums.bytes;
        let part = ExternalPart::with_sums(store, path, Arc::new(sums), external, chain)?;
        Ok((part, (sha256, bytes)))
    }

    /// Opens a registered file, which is hashed once in the life of the store.
    pub(super) fn open(store: &Store, part: &Part, external: &External) -> Result<ExternalPart> {
        let sums = store.sums_of_external(part)?;
        ExternalPart::of_part(store, part, external, sums)
    }

    /// The same where the hashes of its chunks are known.
    pub(super) fn of_part(
        store: &Store,
        part: &Part,
        external: &External,
        sums: Arc<Sums>,
    ) -> Result<ExternalPart> {
        let chain = (!external.names_chain).then_some(part.chain);
        ExternalPart::with_sums(store, Path::new(&part.path), sums, external.clone(), chain)
    }

    fn with_sums(
        store: &Store,
        path: &Path,
        sums: Arc<Sums>,
        external: External,
        chain: Option<Chain>,
    ) -> Result<ExternalPart> {
        let missing = || ArchiveError::not_in_place(path, "this program reads no files in place");
        let reader = store.external_reader().ok_or_else(missing)?;
        let file = SummedFile::open(&store.disk, path, sums)?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let found = guarded(path, || ArrowReaderMetadata::load(&file, options))?;
        let found = found.map_err(|error| why(path, &file, &error))?;
        let (path, metadata) = (path.to_path_buf(), Arc::clone(found.metadata()));
        Ok(ExternalPart { path, file, metadata, reader, chain, external })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All rows of the file, as row groups and ranges in them that are read at once.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let sizes = rows_by_group(&self.metadata).into_iter().enumerate();
        sizes.flat_map(|(group, size)| pieces(0..size).map(move |rows| (group, rows)))
    }

    /// Some rows of a row group.
    pub(crate) fn read(&self, group: usize, rows: Range<usize>) -> Result<Table> {
        let External { format, .. } = &self.external;
        let wanted = rows.len();
        let table = self
            .reader
            .read(format, self.chain, self.file.clone(), group, rows)
            .map_err(|what| why(&self.path, &self.file, &what))?;
        match table {
            Some(table) if table.rows.len() == wanted => Ok(table),
            _ => Err(ArchiveError::integrity(&self.path, "fewer rows than its footer says")),
        }
    }

    /// Calls `visit` with the number and key of each row of those row groups whose heights `wanted`
    /// accepts, as [`super::read_keys`] does; returns these.
    pub(super) fn read_keys(
        &self,
        by: Sorting,
        wanted: impl Fn(u64, u64) -> bool,
        mut visit: impl FnMut(usize, KeyRow),
    ) -> Result<Vec<usize>> {
        let sizes = rows_by_group(&self.metadata);
        let accepted = |group: &usize| {
            let heights = self.external.heights.get(*group).filter(|_| by == Sorting::Height);
            heights.is_none_or(|(low, high)| wanted(*low, *high))
        };
        let groups: Vec<usize> = (0..sizes.len()).filter(accepted).collect();
        let mut number = 0;
        for group in &groups {
            for rows in pieces(0..sizes[*group]) {
                let table = self.read(*group, rows)?;
                for row in &table.rows {
                    let (position, time) = (row.position(), row.time.seconds());
                    let (amount, kind) = (row.amount.base_units(), row.kind);
                    visit(number, KeyRow { position, time, amount, kind });
                    number += 1;
                }
            }
        }
        Ok(groups)
    }

    /// The details of the rows from `first` on, of so many.
    pub(super) fn details(&self, first: u64, count: usize) -> Result<Vec<Detail>> {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let end = first.saturating_add(count);
        let (mut before, mut found) = (0, Vec::new());
        for (group, size) in rows_by_group(&self.metadata).into_iter().enumerate() {
            let (from, until) = (first.max(before), end.min(before + size));
            if from < until {
                let table = self.read(group, from - before..until - before)?;
                let detail = |(row, number): (&TableRow, usize)| Detail {
                    position: row.position(),
                    tx: row.tx,
                    kind: row.kind,
                    import: self.external.import,
                    row: number as u64,
                    occurrence: 0,
                };
                found.extend(table.rows.iter().zip(from..).map(detail));
            }
            before += size;
        }
        Ok(found)
    }
}

/// A range of rows, cut into such as are read at once.
fn pieces(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(PIECE).map(move |from| from..end.min(from + PIECE))
}

/// Rows of a registered file, in order, as columns.
pub(crate) struct ExternalBatches {
    part: ExternalPart,
    pub(super) groups: VecDeque<Ranges>,
    /// Of the row group that is being read, its first row in the part and what is left of it.
    left: VecDeque<(u64, usize, Range<usize>)>,
}

impl ExternalBatches {
    pub(super) fn new(part: ExternalPart) -> ExternalBatches {
        ExternalBatches { part, groups: VecDeque::new(), left: VecDeque::new() }
    }

    pub(super) fn metadata(&self) -> &ParquetMetaData {
        &self.part.metadata
    }

    pub(super) fn step(&mut self) -> Result<Option<RowBatch>> {
        loop {
            if let Some((first, group, rows)) = self.left.pop_front() {
                let first = first + rows.start as u64;
                let table = self.part.read(group, rows)?;
                let import = self.part.external.import;
                let batch = RowBatch::of_table(first, &table, import);
                return batch
                    .map(Some)
                    .map_err(|what| ArchiveError::integrity(self.part.path(), what));
            }
            let Some((group, first, ranges)) = self.groups.pop_front() else { return Ok(None) };
            let rows = ranges.into_iter().flat_map(pieces);
            self.left = rows.map(|rows| (first, group, rows)).collect();
        }
    }
}
