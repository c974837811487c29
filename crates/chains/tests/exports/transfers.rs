//! Our own format: CSV, JSON lines, Parquet.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt64Array,
};
use bytes::Bytes;
use chains::exports::{Context, Options, ReadError, Summary, read_parquet, sniff};
use parquet::arrow::ArrowWriter;

use super::{Expected, Got, check, on, read_in, try_read};

const A: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
const B: &str = "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem";

#[test]
fn csv_with_all_columns_in_another_order() {
    let text = format!(
        "amount,asset,to,from,kind,tx,time,index,tx_index,height,chain\n\
         5,TRX,{B},{A},native,{tx},2022-03-23T13:29:09Z,0,1,100,tron\n\
         6,{A},{B},{A},,,1648042149,1,1,100,tron\n\
         7,TRX,,{A},fee,,1648042149,2,1,100,tron\n\
         8,TRX,{B},,reward,,2022-03-23,,,,tron\n\
         9,{A},T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb,{A},burn,,1648042149,3,1,100,tron\n\
         10,TRX,{B},{A},fee,,1648042149,4,1,100,tron\n",
        tx = "ab".repeat(32)
    );
    let transfers = [
        format!("2 100:1:0 1648042149 native {A} > {B} 5 TRX"),
        format!("3 100:1:1 1648042149 token {A} > {B} 6 {A}"),
        format!("4 100:1:2 1648042149 fee {A} > FEE 7 TRX"),
        format!("5 -:-:- 1647993600 reward MINT > {B} 8 TRX"),
        format!("6 100:1:3 1648042149 burn {A} > BURN 9 {A}"),
    ];
    let transfers: Vec<&str> = transfers.iter().map(String::as_str).collect();
    let set_aside = [(7, "a fee with a receiver")];
    let gaps = ["no-height", "no-transaction-id", "order-in-transaction"];
    let expected = Expected {
        transfers: &transfers,
        set_aside: &set_aside,
        gaps: &gaps,
        ..Default::default()
    };
    check("transfers", &text, &Options::default(), &expected);
}

#[test]
fn outputs_transactions_and_plain_bitcoin_addresses() {
    let tx = "aa".repeat(32);
    let previous = "bb".repeat(32);
    let owner = "17AuTmGhZ4HBoJtntpN9n6vHkP5LNnrt5q";
    let text = format!(
        "chain,height,tx_index,index,time,tx,kind,from,to,asset,amount,from_owner,to_owner\n\
         bitcoin,1,1,0,1,{tx},native,{previous}:0,tx:{tx},BTC,5,{owner},\n\
         bitcoin,1,1,1,1,{tx},native,tx:{tx},{tx}:1,BTC,5,,{owner}\n\
         bitcoin,1,1,2,1,{tx},native,tx:{tx},{tx}:2,BTC,5,{owner},\n\
         bitcoin,1,2,0,1,{tx},native,{owner},{owner},BTC,5,{owner},{owner}\n"
    );
    let got = read_in("transfers", text.as_bytes(), &Options::default(), &mut Context::new());
    assert_eq!(
        got.lines(),
        [
            format!("2 1:1:0 1 native {previous}:0 > tx:{tx} 5 BTC"),
            format!("3 1:1:1 1 native tx:{tx} > {tx}:1 5 BTC"),
            format!("5 1:2:0 1 native {owner} > {owner} 5 BTC"),
        ]
    );
    let owners: Vec<_> =
        got.rows.iter().map(|(_, _, t)| (t.from_owner.is_some(), t.to_owner.is_some())).collect();
    assert_eq!(owners, [(true, false), (false, true), (false, false)]);
    assert_eq!(got.set_aside[0].1, "from_owner: only an output has an owner of its own");
    assert_eq!(got.kinds_of_gaps(), ["no-output-index"]);
}

#[test]
fn conversions_json_lines_and_exact_numbers() {
    let max = u128::MAX;
    let text = format!(
        "{{\"time\":1,\"from\":\"{A}\",\"to\":\"{B}\",\"asset\":\"TRX\",\"amount\":{max},\"asset_to\":\"{A}\",\"amount_to\":\"7\"}}\n\
         {{\"time\":1,\"from\":\"{A}\",\"to\":\"{B}\",\"asset\":\"TRX\",\"amount\":1.0}}\n\
         \n\
         {{\"time\":1,\"from\":\"{A}\",\"to\":\"{B}\",\"asset\":\"TRX\",\"amount\":1,\"amount\":2}}\n\
         {{\"time\":1,\"from\":\"{A}\",\"to\":\"{B}\",\"asset\":\"TRX\",\"amount\":1,\"amount_to\":2}}\n\
         {{\"time\":1,\"from\":\"{A}\",\"to\":\"{B}\",\"asset\":\"TRX\",\"amount\":3,\"tx\":null}}\n"
    );
    let got = read_in("transfers", text.as_bytes(), &on("tron"), &mut Context::new());
    assert_eq!(
        got.lines(),
        [
            format!("1 -:-:- 1 native {A} > {B} {max} TRX"),
            format!("6 -:-:- 1 native {A} > {B} 3 TRX"),
        ]
    );
    assert_eq!(got.rows[0].2.conversion.map(|into| into.amount.base_units()), Some(7));
    let reasons: Vec<(u64, &str)> =
        got.set_aside.iter().map(|(row, why)| (*row, why.as_str())).collect();
    assert_eq!(
        reasons,
        [
            (2, "amount: the amount is not a whole number of base units: \"1.0\""),
            (4, "amount: stands twice"),
            (5, "asset_to: missing beside amount_to"),
        ]
    );
}

/// Two lists in one file: the movements of a trace among transfers came in, a million times too small.
#[test]
fn movements_of_a_trace_among_transfers_are_set_aside() {
    let row =
        format!("\"time\":1,\"from\":\"{A}\",\"to\":\"{B}\",\"asset\":\"TRX\",\"amount\":\"1\"");
    let text = format!(
        "{{{row}}}\n{{{row},\"raw\":\"1000000\",\"taint_out_raw\":\"1\",\"taint_in_raw\":\"1\"}}\n"
    );
    let got = read_in("transfers", text.as_bytes(), &on("tron"), &mut Context::new());
    assert_eq!(got.lines(), [format!("1 -:-:- 1 native {A} > {B} 1 TRX")]);
    let [(2, reason)] = &got.set_aside[..] else { panic!("{:?}", got.set_aside) };
    assert!(reason.contains("trace --hops") && reason.contains("not a transfer"), "{reason}");
}

#[test]
fn headers_that_cannot_be() {
    let read = |text: &str, options: &Options| {
        try_read("transfers", text.as_bytes(), options, &mut Context::new())
    };
    let (_, outcome) = read("time,from,to,asset\n", &on("tron"));
    assert!(matches!(outcome, Err(ReadError::NotThis { .. })), "{outcome:?}");
    let (_, outcome) = read("time,from,to,asset,amount,time\n", &on("tron"));
    assert!(matches!(outcome, Err(ReadError::DuplicateColumn(_))), "{outcome:?}");
    let (_, outcome) = read("time,from,to,asset,amount\n", &Options::default());
    assert!(matches!(outcome, Err(ReadError::NeedsChain)), "{outcome:?}");
    let (got, _) = read("time,from,to,asset,amount,note,asset_too\n", &on("tron"));
    let gap = ("unknown-columns".to_string(), "not read: note, asset_too".to_string());
    assert_eq!(got.gaps, [gap]);
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Bytes {
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    file.into()
}

pub(crate) fn read_bytes(file: Bytes, options: &Options) -> (Got, Result<Summary, ReadError>) {
    let mut got = Got::default();
    let outcome = read_parquet("transfers", file, options, &mut |item| {
        got.take(item);
        ControlFlow::Continue(())
    });
    (got, outcome)
}

fn sides() -> Vec<(&'static str, ArrayRef)> {
    let text =
        |values: Vec<Option<&'static str>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    vec![
        ("chain", text(vec![Some("tron"), Some("tron"), Some("tron")])),
        ("from", text(vec![Some(A), None, Some("T-junk")])),
        ("to", text(vec![Some(B), Some(B), Some(B)])),
        ("asset", text(vec![Some("TRX"), Some("TRX"), Some("TRX")])),
    ]
}

pub(crate) fn sample() -> Bytes {
    let mut columns = sides();
    let amounts = Decimal128Array::from(vec![10i128.pow(37), 2, 3]);
    let amounts = amounts.with_precision_and_scale(38, 0).expect("a decimal");
    columns.push(("amount", Arc::new(amounts)));
    let times = TimestampMillisecondArray::from(vec![1_648_042_149_999, 5_000, 6_000]);
    columns.push(("time", Arc::new(times)));
    columns.push(("height", Arc::new(UInt64Array::from(vec![7, 8, 9]))));
    columns.push(("note", Arc::new(Float64Array::from(vec![0.5, 0.5, 0.5]))));
    parquet(columns)
}

#[test]
fn parquet_with_decimals_and_timestamps() {
    let file = sample();
    let recognised = sniff("x", &file).expect("known");
    assert!(recognised.parquet && recognised.format == "transfers");
    let (got, outcome) = read_bytes(file, &Options::default());
    let summary = outcome.expect("reads");
    assert_eq!((summary.rows, summary.transfers, summary.set_aside), (3, 2, 1));
    let big = 10u128.pow(37);
    assert_eq!(
        got.lines(),
        [
            format!("1 7:-:- 1648042149 native {A} > {B} {big} TRX"),
            format!("2 8:-:- 5 native MINT > {B} 2 TRX"),
        ]
    );
    assert_eq!(got.set_aside[0].0, 3);
    assert!(got.set_aside[0].1.starts_with("from: "), "{:?}", got.set_aside);
    assert!(got.kinds_of_gaps().contains(&"unknown-columns"));
}

#[test]
fn parquet_floats_are_refused_by_name() {
    let mut columns = sides();
    columns.push(("time", Arc::new(Int64Array::from(vec![1, 2, 3]))));
    columns.push(("amount", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]))));
    let (_, outcome) = read_bytes(parquet(columns), &Options::default());
    let refused =
        matches!(&outcome, Err(ReadError::ColumnType { column, .. }) if column == "amount");
    assert!(refused, "{outcome:?}");
}

#[test]
fn parquet_integers_of_64_bits() {
    let mut columns = sides();
    columns.push(("time", Arc::new(Int64Array::from(vec![1, -2, 3]))));
    columns.push(("amount", Arc::new(UInt64Array::from(vec![u64::MAX, 2, 3]))));
    let (got, outcome) = read_bytes(parquet(columns), &Options::default());
    assert_eq!(outcome.expect("reads").set_aside, 2);
    assert_eq!(got.lines(), [format!("1 -:-:- 1 native {A} > {B} {} TRX", u64::MAX)]);
}

/// Whole batches go as tables; a row that needs a second look sends its batch row by row. Both must say
/// the same, so every sort of row is read beside plain ones, and as text beside Parquet.
#[test]
fn parquet_as_columns_reads_as_csv_does() {
    let names =
        ["chain", "height", "tx_index", "index", "time", "tx", "kind", "from", "to", "asset"];
    let tx = "cd".repeat(32);
    let zero = "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb";
    let plain = ["tron", "5", "1", "0", "9", &tx, "", A, B, "TRX"];
    let odd: Vec<Vec<(usize, &str)>> = vec![
        vec![],
        vec![(6, "token"), (9, A)],
        vec![(6, "fee"), (8, "")],
        vec![(6, "fee")],
        vec![(6, "mint"), (7, "")],
        vec![(6, "reward"), (7, ""), (5, "")],
        vec![(6, "burn"), (8, "")],
        vec![(6, "burn"), (8, zero)],
        vec![(6, "internal"), (7, zero)],
        vec![(6, "mint"), (7, zero)],
        vec![(7, zero), (8, zero)],
        vec![(8, zero)],
        vec![(6, "fee"), (7, zero), (8, "")],
        vec![(7, "")],
        vec![(8, "")],
        vec![(7, ""), (8, "")],
        vec![(5, "")],
        vec![(5, "ab")],
        vec![(6, "gift")],
        vec![(7, "T-junk")],
        vec![(9, "T-junk")],
        vec![(0, "ethereum")],
        vec![(0, "bitcoin")],
        vec![(7, " TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t ")],
    ];
    for changes in &odd {
        let mut strange = plain;
        changes.iter().for_each(|(at, text)| strange[*at] = text);
        let rows = [plain, strange, plain];
        let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let texts = rows.iter().map(|row| Some(row[at]).filter(|text| !text.is_empty()));
            let column: ArrayRef = match at {
                1..=4 => Arc::new(Int64Array::from_iter_values(
                    rows.iter().map(|row| row[at].parse::<i64>().expect("a number")),
                )),
                _ => Arc::new(StringArray::from_iter(texts)),
            };
            columns.push((name, column));
        }
        columns.push(("amount", Arc::new(Int64Array::from(vec![1, 2, 3]))));
        let mut text = format!("{},amount\n", names.join(","));
        for (row, amount) in rows.iter().zip(1..) {
            text += &format!("{},{amount}\n", row.join(","));
        }
        let (got, outcome) = read_bytes(parquet(columns), &Options::default());
        let (expected, summary) =
            try_read("transfers", text.as_bytes(), &Options::default(), &mut Context::new());
        assert_eq!(got.rows.len(), expected.rows.len(), "{changes:?}");
        for (got, expected) in got.rows.iter().zip(&expected.rows) {
            assert_eq!((got.0 + 1, &got.2), (expected.0, &expected.2), "{changes:?}");
        }
        assert_eq!(outcome.expect("reads"), summary.expect("reads"), "{changes:?}");
        assert_eq!(got.kinds_of_gaps(), expected.kinds_of_gaps(), "{changes:?}");
        let reasons =
            |got: &Got| got.set_aside.iter().map(|(_, why)| why.clone()).collect::<Vec<_>>();
        assert_eq!(reasons(&got), reasons(&expected), "{changes:?}");
    }
}
