//! A Parquet file of `transfers`: foreign bytes as they are, or a good file of columns that the
//! bytes choose (every type that is read and some that are not), with some of its bytes changed.
#![no_main]

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Decimal256Array, Float64Array, Int8Array,
    Int32Array, Int64Array, LargeStringArray, NullArray, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt32Array,
    UInt64Array,
};
use bytes::Bytes;
use chains::exports::Options;
use fuzz::{guarded, reading};
use ledger::Chain;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

const NAMES: [&str; 16] = [
    "time",
    "from",
    "to",
    "asset",
    "amount",
    "chain",
    "height",
    "tx_index",
    "index",
    "tx",
    "kind",
    "from_owner",
    "to_owner",
    "asset_to",
    "amount_to",
    "note",
];

const TEXTS: [&str; 16] = [
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem",
    "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
    "0x098b716b8aaf21512996dc57eb0615e2383e2f96",
    "0x0000000000000000000000000000000000000000",
    "1111111111111111111111111111111111111111111111111111111111111111",
    "1111111111111111111111111111111111111111111111111111111111111111:0",
    "tx:1111111111111111111111111111111111111111111111111111111111111111",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "TRX",
    "ETH",
    "1002000",
    "tron",
    "fee",
    "mint",
    "2023-07-22T10:00:00Z",
];

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    guarded::let_libraries_panic();
    let chains = [None, Some(Chain::TRON), Some(Chain::ETHEREUM), Some(Chain::BITCOIN)];
    let mut choices = Unstructured::new(input);
    let chain = chains[usize::from(u8::arbitrary(&mut choices).unwrap_or(0) & 3)];
    let options = Options { chain, ..Options::default() };
    let file = match input.windows(4).any(|part| part == b"PAR1") {
        true => Some(Bytes::copy_from_slice(&input[1..])),
        false => changed(&mut choices).ok(),
    };
    if let Some(file) = file {
        reading::parquet(file, &options);
    }
});

/// A file as the bytes choose it, and some of its bytes replaced.
fn changed(choices: &mut Unstructured<'_>) -> arbitrary::Result<Bytes> {
    let mut file = good(choices)?;
    while !choices.is_empty() {
        let at = usize::from(u16::arbitrary(choices)?);
        let from_the_end = bool::arbitrary(choices)?;
        let at = at % file.len();
        let at = if from_the_end { file.len() - 1 - at } else { at };
        file[at] = u8::arbitrary(choices)?;
    }
    Ok(Bytes::from(file))
}

fn good(choices: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let rows = choices.int_in_range(0..=6)?;
    let optional = u16::arbitrary(choices)?;
    let mut columns = Vec::new();
    for (at, name) in NAMES.iter().enumerate() {
        // The five that a file must have are left out now and then only.
        if (at >= 5 && optional >> at & 1 == 0) || (at < 5 && choices.ratio(1, 50)?) {
            continue;
        }
        columns.push((*name, column(rows, choices)?, true));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(columns);
    let batch = batch.map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::ZSTD(Default::default()),
        Compression::GZIP(Default::default()),
    ];
    let properties = WriterProperties::builder()
        .set_compression(*choices.choose(&codecs)?)
        .set_dictionary_enabled(bool::arbitrary(choices)?)
        .set_max_row_group_row_count(Some(choices.int_in_range(1..=8)?))
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties))
        .map_err(|_| arbitrary::Error::IncorrectFormat)?;
    writer.write(&batch).expect("writes to memory");
    writer.close().expect("writes to memory");
    Ok(file)
}

fn column(rows: usize, choices: &mut Unstructured<'_>) -> arbitrary::Result<ArrayRef> {
    let kind = choices.int_in_range(0..=23)?;
    let mut texts: Vec<Option<String>> = Vec::new();
    let mut numbers: Vec<Option<i128>> = Vec::new();
    for _ in 0..rows {
        let text = match choices.int_in_range(0..=19)? {
            at @ 0..16 => TEXTS[at].to_string(),
            16 => u128::arbitrary(choices)?.to_string(),
            _ => String::arbitrary(choices)?.chars().take(100).collect(),
        };
        texts.push((!choices.ratio(1, 8)?).then_some(text));
        let number = if choices.ratio(1, 3)? {
            i128::arbitrary(choices)?
        } else {
            u32::arbitrary(choices)?.into()
        };
        numbers.push((!choices.ratio(1, 8)?).then_some(number));
    }
    let small = || numbers.iter().map(|n| n.map(|n| n as i64));
    Ok(match kind {
        0 => Arc::new(small().map(|n| n.map(|n| n as i8)).collect::<Int8Array>()),
        1 => Arc::new(small().map(|n| n.map(|n| n as i32)).collect::<Int32Array>()),
        2 => Arc::new(small().collect::<Int64Array>()),
        3 => Arc::new(small().map(|n| n.map(|n| n as u32)).collect::<UInt32Array>()),
        4 => Arc::new(small().map(|n| n.map(|n| n as u64)).collect::<UInt64Array>()),
        5 | 6 => {
            let scale = if kind == 5 { 0 } else { choices.int_in_range(-3..=3)? };
            let numbers = numbers.into_iter().map(|n| n.map(|n| n % 10i128.pow(37)));
            let array = numbers.collect::<Decimal128Array>().with_precision_and_scale(38, scale);
            Arc::new(array.map_err(|_| arbitrary::Error::IncorrectFormat)?)
        }
        7 => {
            let wide = numbers.into_iter().map(|n| n.map(arrow_buffer::i256::from_i128));
            let array = wide.collect::<Decimal256Array>().with_precision_and_scale(76, 0);
            Arc::new(array.map_err(|_| arbitrary::Error::IncorrectFormat)?)
        }
        8 => Arc::new(small().collect::<TimestampMillisecondArray>()),
        9 => Arc::new(small().collect::<TimestampMicrosecondArray>()),
        10 => Arc::new(small().collect::<TimestampNanosecondArray>()),
        11 => Arc::new(NullArray::new(rows)),
        12 => Arc::new(small().map(|n| n.map(|n| n > 0)).collect::<BooleanArray>()),
        13 => Arc::new(
            texts
                .iter()
                .map(Option::as_deref)
                .map(|t| t.map(str::as_bytes))
                .collect::<BinaryArray>(),
        ),
        14 => Arc::new(numbers.iter().map(|n| n.map(|_| 1.5)).collect::<Float64Array>()),
        15 => Arc::new(texts.into_iter().collect::<LargeStringArray>()),
        16 => Arc::new(texts.into_iter().collect::<StringViewArray>()),
        _ => Arc::new(texts.into_iter().collect::<StringArray>()),
    })
}
