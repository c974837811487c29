//! What the index leaves in the parts because only people ask for it: position, transaction, kind and
//! origin of a row. Read block by block, of whole parts only the chunks that have them, and the last blocks
//! are kept.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array, FixedSizeBinaryArray, RecordBatch, StringArray};
use ledger::{Kind, Position, TxId};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::PageIndexPolicy;

use super::columns::{optional, tx_id};
use super::external::ExternalPart;
use super::{SCHEMA, Store, guarded, primitive};
use crate::disk::{SummedFile, Sums};
use crate::error::{ArchiveError, Result};
use crate::manifest::Part;

/// Rows of a block.
const BLOCK: u64 = 4096;
/// Blocks that are kept: some 25 MB.
const KEPT: usize = 64;
/// Parts that stay open.
const OPEN: usize = 64;
const COLUMNS: [&str; 8] =
    ["height", "tx_index", "index", "tx", "kind", "import", "row", "occurrence"];

/// One row's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) position: Position,
    pub(crate) tx: Option<TxId>,
    pub(crate) kind: Kind,
    pub(crate) import: u32,
    pub(crate) row: u64,
    pub(crate) occurrence: u32,
}

/// A block by number of the part and of the block in it, with its rows.
type Block = ((u64, u64), Arc<Vec<Detail>>);

/// A part of which rows are read here and there.
pub(crate) enum DetailFile {
    Own(OwnFile),
    External(ExternalPart),
}

/// A part that the archive wrote.
pub(crate) struct OwnFile {
    path: PathBuf,
    file: SummedFile,
    metadata: ArrowReaderMetadata,
}

/// Reads details and remembers some.
#[derive(Default)]
pub(crate) struct Details {
    /// Here as there, the one that was asked for last comes last.
    kept: Mutex<Vec<Block>>,
    open: Mutex<Vec<(u64, Arc<DetailFile>)>>,
}

impl Details {
    /// The details of a row of a part, which is opened if it is not open.
    pub(crate) fn get(
        &self,
        part: &Part,
        row: u64,
        open: impl FnOnce() -> Result<DetailFile>,
    ) -> Result<Detail> {
        let key = (part.number, row / BLOCK);
        let block = remembered(&self.kept, KEPT, key, || {
            let part = remembered(&self.open, OPEN, part.number, || open().map(Arc::new))?;
            part.read(key.1 * BLOCK).map(Arc::new)
        })?;
        let missing = || ArchiveError::integrity(Path::new(&part.path), format!("no row {row}"));
        block.get((row % BLOCK) as usize).copied().ok_or_else(missing)
    }
}

/// What was made for a key, made now if it was forgotten since or never made; `most` are kept.
fn remembered<K: PartialEq, V: Clone>(
    kept: &Mutex<Vec<(K, V)>>,
    most: usize,
    key: K,
    make: impl FnOnce() -> Result<V>,
) -> Result<V> {
    let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let known = {
        let mut kept = lock();
        kept.iter().position(|(own, _)| *own == key).map(|at| kept.remove(at))
    };
    let (key, value) = match known {
        Some(known) => known,
        None => (key, make()?),
    };
    let mut kept = lock();
    if kept.len() >= most {
        kept.remove(0);
    }
    kept.push((key, value.clone()));
    Ok(value)
}

impl DetailFile {
    pub(crate) fn open(store: &Store, part: &Part, sums: Sums) -> Result<DetailFile> {
        let sums = Arc::new(sums);
        Ok(match &part.external {
            None => DetailFile::Own(OwnFile::open(store, part, sums)?),
            Some(external) => {
                DetailFile::External(ExternalPart::of_part(store, part, external, sums)?)
            }
        })
    }

    /// The rows from `first` on, a block of them.
    fn read(&self, first: u64) -> Result<Vec<Detail>> {
        match self {
            DetailFile::Own(own) => own.read(first),
            DetailFile::External(own) => own.details(first, BLOCK as usize),
        }
    }
}

impl OwnFile {
    fn open(store: &Store, part: &Part, sums: Arc<Sums>) -> Result<OwnFile> {
        let path = store.folder.join(&part.path);
        let file = SummedFile::open(&store.disk, &path, sums)?;
        // Where pages lie is in the offset index; a file without one is read from its group's start.
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = guarded(&path, || ArrowReaderMetadata::load(&file, options))?
            .map_err(|error| why(&path, &file, &error))?;
        Ok(OwnFile { path, file, metadata })
    }

    fn read(&self, first: u64) -> Result<Vec<Detail>> {
        let bad = |error: &dyn Display| why(&self.path, &self.file, error);
        let mut batches = guarded(&self.path, || {
            let metadata = self.metadata.clone();
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), metadata);
            let mut before = 0;
            let mut found = None;
            for (group, facts) in builder.metadata().row_groups().iter().enumerate() {
                let rows = usize::try_from(facts.num_rows()).unwrap_or(0);
                let at = usize::try_from(first).unwrap_or(usize::MAX);
                if (before..before + rows).contains(&at) {
                    found = Some((group, at - before, rows));
                    break;
                }
                before += rows;
            }
            let (group, from, rows) = found.unwrap_or_default();
            let wanted = from..rows.min(from + BLOCK as usize);
            let selection = RowSelection::from_consecutive_ranges(std::iter::once(wanted), rows);
            let columns = COLUMNS.iter().filter_map(|name| SCHEMA.index_of(name).ok());
            let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
            builder
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_row_selection(selection)
                .with_batch_size(BLOCK as usize)
                .build()
        })?
        .map_err(|error| bad(&error))?;
        let mut rows = Vec::new();
        while let Some(batch) = guarded(&self.path, || batches.next())? {
            let batch = batch.map_err(|error| bad(&error))?;
            decode(&batch, &mut rows).ok_or_else(|| {
                ArchiveError::integrity(&self.path, "other columns than the archive writes")
            })?;
        }
        Ok(rows)
    }
}

/// What an error of the Parquet library is: the disk's, if that refused, else damage.
pub(super) fn why(path: &Path, file: &SummedFile, error: &dyn Display) -> ArchiveError {
    match file.take_refusal() {
        Some(source) => ArchiveError::Io { path: path.to_path_buf(), source },
        None => ArchiveError::integrity(path, error),
    }
}

/// Adds the rows of a batch; `None` if its columns are others.
fn decode(batch: &RecordBatch, rows: &mut Vec<Detail>) -> Option<()> {
    let height = primitive::<UInt64Type>(batch, 0)?;
    let tx_index = primitive::<UInt32Type>(batch, 1)?;
    let index = primitive::<UInt32Type>(batch, 2)?;
    let tx = batch.columns().get(3)?.as_any().downcast_ref::<FixedSizeBinaryArray>()?;
    let kind = batch.columns().get(4)?.as_any().downcast_ref::<StringArray>()?;
    let import = primitive::<UInt32Type>(batch, 5)?;
    let row = primitive::<UInt64Type>(batch, 6)?;
    let occurrence = primitive::<UInt32Type>(batch, 7)?;
    for at in 0..batch.num_rows() {
        rows.push(Detail {
            position: Position {
                height: optional(height, at),
                tx_index: optional(tx_index, at),
                index: optional(index, at),
            },
            tx: tx.is_valid(at).then(|| tx_id(tx.value(at))),
            kind: Kind::parse(kind.value(at)).ok()?,
            import: import.value(at),
            row: row.value(at),
            occurrence: occurrence.value(at),
        });
    }
    Some(())
}
