//! `transfers` as Parquet: the same columns as text, integers, decimals without places or
//! timestamps. A float is refused, because no amount may ever have been one.

use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Decimal256Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, Schema, TimeUnit};
use ledger::Table;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::ChunkReader;

use super::super::out::{Draft, Out};
use super::super::record::Record;
use super::super::{MAX_RECORD, Options, ReadError};
use super::columns::{Gathering, reading_schema};
use super::{OPTIONAL, REQUIRED, Reason, check_columns, row};

const BATCH_ROWS: usize = 16384;

/// Reads the file; a library's panic over damaged bytes is an error like any other.
pub(in super::super) fn read<R: ChunkReader + 'static>(
    source: R,
    options: &Options,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    let mut batches = guarded(|| open(source, options, out))??;
    let mut rows = 0;
    let mut draft = Draft::default();
    let mut gathering = Gathering::default();
    while let Some(batch) = guarded(|| batches.next()).transpose() {
        let batch = match batch.and_then(|batch| batch.map_err(damaged)) {
            Ok(batch) => batch,
            Err(error) => {
                // What came before the damage is good.
                hand_on(&mut gathering, rows, out)?;
                return Err(error);
            }
        };
        if guarded(|| gathering.add(&batch, options))?.is_some() {
            rows += batch.num_rows() as u64;
            if gathering.is_full(options)
                && let Some(table) = gathering.take_whole_transactions()
            {
                let first = rows + 1 - gathering.rows() - table.rows.len() as u64;
                out.table(first, table)?;
            }
            continue;
        }
        hand_on(&mut gathering, rows, out)?;
        let names: Arc<[String]> =
            batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        for index in 0..batch.num_rows() {
            rows += 1;
            draft.clear();
            let outcome = guarded(|| record(&batch, index, rows, &names))?
                .and_then(|record| row(&record, options, &mut draft));
            out.take(rows, &mut draft, outcome)?;
        }
    }
    hand_on(&mut gathering, rows, out)
}

/// Hands on the rows that were gathered, the last of which is row `last` of the file.
fn hand_on(gathering: &mut Gathering, last: u64, out: &mut Out<'_>) -> Result<(), ReadError> {
    match gathering.take() {
        Some(table) => out.table(last + 1 - table.rows.len() as u64, table),
        None => Ok(()),
    }
}

/// Rows of one row group, all of which must be such as a table holds; `None` if there are none. The first
/// row of another kind is an error, with what it lacks.
pub(in super::super) fn read_rows<R: ChunkReader + 'static>(
    source: R,
    options: &Options,
    group: usize,
    rows: Range<usize>,
) -> Result<Option<Table>, ReadError> {
    let mut sink = |_| ControlFlow::Continue(());
    let mut out = Out::new(&mut sink);
    let mut before = 0;
    let mut batches = guarded(|| {
        let builder = builder(source, options, &mut out)?;
        let groups = builder.metadata().row_groups();
        let sizes: Vec<usize> =
            groups.iter().map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).collect();
        let size = sizes.get(group).copied().unwrap_or(0);
        before = sizes.iter().take(group).sum::<usize>() as u64;
        let wanted = rows.start..rows.end.min(size);
        let selection = RowSelection::from_consecutive_ranges(std::iter::once(wanted), size);
        let builder = builder.with_row_groups(vec![group]).with_row_selection(selection);
        builder.build().map_err(damaged)
    })??;
    let mut gathering = Gathering::default();
    let mut number = before + rows.start as u64;
    while let Some(batch) = guarded(|| batches.next())? {
        let batch = batch.map_err(damaged)?;
        if guarded(|| gathering.add(&batch, options))?.is_none() {
            guarded(|| add_rows(&batch, number, options, &mut gathering))??;
        }
        number += batch.num_rows() as u64;
    }
    Ok(gathering.take())
}

/// Names what the columns tell to be missing, and reads no row.
pub(in super::super) fn look_at_columns<R: ChunkReader + 'static>(
    source: R,
    options: &Options,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    guarded(|| builder(source, options, out).map(drop))?
}

/// Adds the rows of a batch that cannot be taken column by column; `before` rows stand before it.
fn add_rows(
    batch: &RecordBatch,
    before: u64,
    options: &Options,
    gathering: &mut Gathering,
) -> Result<(), ReadError> {
    let names: Arc<[String]> =
        batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    for (index, number) in (0..batch.num_rows()).zip(before + 1..) {
        let mut draft = Draft::default();
        record(batch, index, number, &names)
            .and_then(|record| row(&record, options, &mut draft))
            .and_then(|()| gathering.push(&draft.plain()?))
            .map_err(|reason| ReadError::NotPlain { row: number, reason: reason.0 })?;
    }
    Ok(())
}

type Batches = parquet::arrow::arrow_reader::ParquetRecordBatchReader;

fn open<R: ChunkReader + 'static>(
    source: R,
    options: &Options,
    out: &mut Out<'_>,
) -> Result<Batches, ReadError> {
    builder(source, options, out)?.build().map_err(damaged)
}

fn builder<R: ChunkReader + 'static>(
    source: R,
    options: &Options,
    out: &mut Out<'_>,
) -> Result<ParquetRecordBatchReaderBuilder<R>, ReadError> {
    // The file's own types count, not an Arrow schema that somebody may have added.
    let plain = ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_offset_index_policy(PageIndexPolicy::Optional);
    let found = ArrowReaderMetadata::load(&source, plain).map_err(damaged)?;
    let wanted = wanted_columns(found.schema(), options, out)?;
    let schema = Arc::new(reading_schema(found.schema()));
    let found = ArrowReaderMetadata::try_new(
        Arc::clone(found.metadata()),
        ArrowReaderOptions::new().with_schema(schema),
    );
    let found = found.map_err(damaged)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source, found);
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    Ok(builder.with_projection(mask).with_batch_size(BATCH_ROWS))
}

/// The indexes of our columns, after a look at their types.
fn wanted_columns(
    schema: &Schema,
    options: &Options,
    out: &mut Out<'_>,
) -> Result<Vec<usize>, ReadError> {
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(ReadError::DuplicateColumn(name.clone()));
        }
    }
    check_columns(&names, options, out)?;
    let ours = |name: &str| REQUIRED.contains(&name) || OPTIONAL.contains(&name);
    let mut wanted = Vec::new();
    for (index, field) in schema.fields().iter().enumerate().filter(|(_, f)| ours(f.name())) {
        let reason = match field.data_type() {
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                "no amount is read from a float; write integers or text"
            }
            DataType::Decimal128(_, 0) | DataType::Decimal256(_, 0) => "",
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => "a decimal must have no places: base units are whole",
            kind if is_text(kind) || kind.is_integer() => "",
            DataType::Timestamp(..) if field.name() == "time" => "",
            DataType::Null => "",
            _ => "write text or integers",
        };
        if !reason.is_empty() {
            let column = field.name().clone();
            let found = field.data_type().to_string();
            return Err(ReadError::ColumnType { column, found, reason });
        }
        wanted.push(index);
    }
    Ok(wanted)
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// What an error of the library is: the system's, where that refused, else damage.
fn damaged(why: impl std::fmt::Display) -> ReadError {
    let told: String = why.to_string().chars().take(200).collect();
    match told.contains("(os error ") {
        true => ReadError::Io(std::io::Error::other(told)),
        false => ReadError::Parquet(told),
    }
}

/// Runs a step of the Parquet library, which is known to panic over some damaged files.
fn guarded<T>(step: impl FnOnce() -> T) -> Result<T, ReadError> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|_| damaged("its pages contradict each other"))
}

/// One row of a batch as texts.
fn record(
    batch: &RecordBatch,
    index: usize,
    row: u64,
    names: &Arc<[String]>,
) -> Result<Record, Reason> {
    let mut text = String::new();
    let mut ends = Vec::with_capacity(names.len());
    for (column, name) in batch.columns().iter().zip(names.iter()) {
        if !column.is_null(index) {
            write(column.as_ref(), index, &mut text)
                .map_err(|why| Reason::new(format!("{name}: {why}")))?;
        }
        if text.len() > MAX_RECORD {
            return Err(Reason::new(format!("{name}: longer than {MAX_RECORD} bytes")));
        }
        ends.push(text.len());
    }
    Ok(Record::new(row, Arc::clone(names), text, ends))
}

fn write(column: &dyn Array, index: usize, text: &mut String) -> Result<(), &'static str> {
    let value = match column.data_type() {
        DataType::Utf8 => return short(column.as_string::<i32>().value(index), text),
        DataType::LargeUtf8 => return short(column.as_string::<i64>().value(index), text),
        DataType::Utf8View => return short(column.as_string_view().value(index), text),
        DataType::Dictionary(..) => {
            let column = column.as_dictionary::<Int32Type>();
            let key = usize::try_from(column.keys().value(index)).unwrap_or(usize::MAX);
            let texts = column.values().as_string::<i32>();
            if key >= texts.len() {
                return Err("a text beyond its dictionary");
            }
            return short(texts.value(key), text);
        }
        DataType::Int8 => integer::<Int8Type>(column, index),
        DataType::Int16 => integer::<Int16Type>(column, index),
        DataType::Int32 => integer::<Int32Type>(column, index),
        DataType::Int64 => integer::<Int64Type>(column, index),
        DataType::UInt8 => integer::<UInt8Type>(column, index),
        DataType::UInt16 => integer::<UInt16Type>(column, index),
        DataType::UInt32 => integer::<UInt32Type>(column, index),
        DataType::UInt64 => integer::<UInt64Type>(column, index),
        DataType::Decimal128(..) => integer::<Decimal128Type>(column, index),
        DataType::Decimal256(..) => integer::<Decimal256Type>(column, index),
        DataType::Timestamp(unit, _) => {
            let (ticks, per_second) = match unit {
                TimeUnit::Second => (tick::<TimestampSecondType>(column, index), 1),
                TimeUnit::Millisecond => (tick::<TimestampMillisecondType>(column, index), 1_000),
                TimeUnit::Microsecond => {
                    (tick::<TimestampMicrosecondType>(column, index), 1_000_000)
                }
                TimeUnit::Nanosecond => {
                    (tick::<TimestampNanosecondType>(column, index), 1_000_000_000)
                }
            };
            ticks.div_euclid(per_second).to_string()
        }
        DataType::Null => String::new(),
        _ => return Err("a type that is not read"),
    };
    text.push_str(&value);
    Ok(())
}

fn short(value: &str, text: &mut String) -> Result<(), &'static str> {
    if value.len() > MAX_RECORD {
        return Err("longer than 1 MiB");
    }
    text.push_str(value);
    Ok(())
}

fn integer<T: ArrowPrimitiveType>(column: &dyn Array, index: usize) -> String
where
    T::Native: std::fmt::Display,
{
    column.as_primitive::<T>().value(index).to_string()
}

fn tick<T: ArrowPrimitiveType<Native = i64>>(column: &dyn Array, index: usize) -> i64 {
    column.as_primitive::<T>().value(index)
}
