//! Block headers on disk: small Parquet files (height, time, hash, parent) beside the transfers.
//!
//! A header is identified by its height. What two sources say about one height must agree where
//! both speak; where one knows more (a hash, a parent), the richer header is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow_array::types::{TimestampMillisecondType, UInt64Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, TimestampMillisecondArray, UInt64Array,
    builder::FixedSizeBinaryBuilder,
};
use arrow_schema::{DataType, Field, Schema};
use ledger::{Block, Chain};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::disk::HashingFile;
use crate::error::{ArchiveError, Result};
use crate::manifest::{BlockPart, file_path};
use crate::part::{
    Store, guarded, library_error, primitive, properties, seconds, settle, temporary_path,
    time_type, write_error,
};

/// Headers by height.
pub(crate) type Headers = BTreeMap<u64, Block>;

static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("height", DataType::UInt64, false),
        Field::new("time", time_type(), false),
        Field::new("hash", DataType::FixedSizeBinary(32), true),
        Field::new("parent", DataType::FixedSizeBinary(32), true),
    ]))
});

/// What both headers say together; `None` if they disagree.
pub(crate) fn unite(a: &Block, b: &Block) -> Option<Block> {
    let agree = |x: Option<[u8; 32]>, y: Option<[u8; 32]>| x.is_none() || y.is_none() || x == y;
    if a.time != b.time || !agree(a.hash, b.hash) || !agree(a.parent, b.parent) {
        return None;
    }
    Some(Block { hash: a.hash.or(b.hash), parent: a.parent.or(b.parent), ..*a })
}

/// The committed headers of `chain` between two heights, both inclusive.
pub(crate) fn load(
    store: &Store,
    parts: &[BlockPart],
    chain: Chain,
    low: u64,
    high: u64,
) -> Result<Headers> {
    let mut headers = Headers::new();
    let chosen = parts
        .iter()
        .filter(|part| part.chain == chain && part.first_height <= high && part.last_height >= low);
    for part in chosen {
        read(store, part, |block| {
            if (low..=high).contains(&block.height) {
                let known = headers.get(&block.height).and_then(|known| unite(known, &block));
                headers.insert(block.height, known.unwrap_or(block));
            }
        })?;
    }
    Ok(headers)
}

fn read(store: &Store, part: &BlockPart, mut visit: impl FnMut(Block)) -> Result<()> {
    let path = store.verified(&part.path, &part.sha256)?;
    let bad = |what: String| ArchiveError::integrity(&path, what);
    let file = store.open(&path)?;
    let builder = guarded(&path, || ParquetRecordBatchReaderBuilder::try_new(file))?;
    let builder = builder.map_err(|error| library_error(&path, &error))?;
    if builder.schema().fields() != SCHEMA.fields() {
        return Err(bad("other columns than the archive writes".into()));
    }
    let mut batches =
        guarded(&path, || builder.build())?.map_err(|error| library_error(&path, &error))?;
    while let Some(batch) = guarded(&path, || batches.next())? {
        let batch = batch.map_err(|error| library_error(&path, &error))?;
        let columns = || {
            let height = primitive::<UInt64Type>(&batch, 0)?;
            let time = primitive::<TimestampMillisecondType>(&batch, 1)?;
            Some((height, time, binary(&batch, 2)?, binary(&batch, 3)?))
        };
        let (height, time, hash, parent) = columns().ok_or_else(|| bad("other columns".into()))?;
        for row in 0..batch.num_rows() {
            visit(Block {
                chain: part.chain,
                height: height.value(row),
                time: seconds(time.value(row)).map_err(bad)?,
                hash: bytes(hash, row),
                parent: bytes(parent, row),
            });
        }
    }
    Ok(())
}

fn binary(batch: &RecordBatch, column: usize) -> Option<&FixedSizeBinaryArray> {
    batch.columns().get(column)?.as_any().downcast_ref()
}

fn bytes(column: &FixedSizeBinaryArray, row: usize) -> Option<[u8; 32]> {
    if column.is_valid(row) { column.value(row).try_into().ok() } else { None }
}

/// Writes headers as one new file; `None` if there are none.
pub(crate) fn write(
    store: &Store,
    chain: Chain,
    number: u64,
    headers: &Headers,
) -> Result<Option<BlockPart>> {
    let (Some((first, _)), Some((last, _))) = (headers.first_key_value(), headers.last_key_value())
    else {
        return Ok(None);
    };
    let temporary = temporary_path(store, chain, number)?;
    let batch = RecordBatch::try_new(SCHEMA.clone(), columns(headers))
        .map_err(|error| ArchiveError::integrity(&temporary, error))?;
    let file = HashingFile::create(&store.disk, &temporary)?;
    let mut writer = ArrowWriter::try_new(file, SCHEMA.clone(), Some(properties()))
        .map_err(|error| write_error(&temporary, error))?;
    writer.write(&batch).map_err(|error| write_error(&temporary, error))?;
    let file = writer.into_inner().map_err(|error| write_error(&temporary, error))?;
    let (sha256, _) = file.finish()?;
    let path = file_path(chain, "blocks", number, &sha256);
    settle(store, &temporary, &path, &sha256)?;
    let rows = headers.len() as u64;
    let (first_height, last_height) = (*first, *last);
    Ok(Some(BlockPart { chain, number, path, sha256, rows, first_height, last_height }))
}

fn columns(headers: &Headers) -> Vec<ArrayRef> {
    let height: UInt64Array = headers.keys().copied().collect::<Vec<_>>().into();
    let times = headers.values().map(|block| i64::from(block.time.seconds()) * 1000);
    let time = TimestampMillisecondArray::from(times.collect::<Vec<_>>()).with_timezone("UTC");
    let binary = |field: fn(&Block) -> Option<[u8; 32]>| {
        let mut builder = FixedSizeBinaryBuilder::new(32);
        for block in headers.values() {
            match field(block) {
                // The builder was made for 32 bytes, the only way in which this can fail.
                Some(bytes) => builder.append_value(bytes).unwrap_or_default(),
                None => builder.append_null(),
            }
        }
        builder.finish()
    };
    vec![
        Arc::new(height),
        Arc::new(time),
        Arc::new(binary(|block| block.hash)),
        Arc::new(binary(|block| block.parent)),
    ]
}
