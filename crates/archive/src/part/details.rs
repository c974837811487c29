//! What the index leaves in the parts because only people ask for it: position, transaction, kind and
//! origin of a row. Read block by block, and the last blocks are kept.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array, FixedSizeBinaryArray, RecordBatch, StringArray};
use ledger::{Kind, Position, TxId};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::PageIndexPolicy;

use super::columns::{optional, tx_id};
use super::{SCHEMA, Store, guarded, primitive};
use crate::error::{ArchiveError, Result};
use crate::manifest::Part;

/// Rows of a block.
const BLOCK: u64 = 4096;
/// Blocks that are kept: some 25 MB.
const KEPT: usize = 64;
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

/// Reads details and remembers some.
#[derive(Default)]
pub(crate) struct Details {
    /// The one that was asked for last comes last.
    kept: Mutex<Vec<Block>>,
}

impl Details {
    /// The details of a row of a part.
    pub(crate) fn get(&self, store: &Store, part: &Part, row: u64) -> Result<Detail> {
        let key = (part.number, row / BLOCK);
        let block = match self.known(key) {
            Some(block) => block,
            None => {
                let block = Arc::new(read(store, part, key.1 * BLOCK)?);
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() >= KEPT {
                    kept.remove(0);
                }
                kept.push((key, Arc::clone(&block)));
                block
            }
        };
        let missing = || {
            let path = store.folder.join(&part.path);
            ArchiveError::integrity(&path, format!("it has no row {row}"))
        };
        block.get((row % BLOCK) as usize).copied().ok_or_else(missing)
    }

    fn known(&self, key: (u64, u64)) -> Option<Arc<Vec<Detail>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(own, _)| *own == key)?;
        let block = kept.remove(at);
        let rows = Arc::clone(&block.1);
        kept.push(block);
        Some(rows)
    }
}

/// The rows of a part from `first` on, a block of them.
fn read(store: &Store, part: &Part, first: u64) -> Result<Vec<Detail>> {
    let path = store.verified(&part.path, &part.sha256)?;
    let bad = |what: &dyn std::fmt::Display| ArchiveError::integrity(&path, what);
    let file = store.open(&path)?;
    // The page index says which pages hold the rows; a file without one is read from its group's start.
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let mut batches = guarded(&path, || {
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
        let mut before = 0;
        let mut found = None;
        for group in 0..builder.metadata().num_row_groups() {
            let rows = usize::try_from(builder.metadata().row_group(group).num_rows()).unwrap_or(0);
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
    while let Some(batch) = guarded(&path, || batches.next())? {
        let batch = batch.map_err(|error| bad(&error))?;
        decode(&batch, &mut rows).ok_or_else(|| bad(&"other columns than the archive writes"))?;
    }
    Ok(rows)
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
