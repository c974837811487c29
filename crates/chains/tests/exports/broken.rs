//! Damaged files of every kind: nothing panics, memory stays bounded, good rows are kept.

use chains::exports::{Context, MAX_RECORD, formats, sniff};

use super::transfers::{read_bytes, sample};
use super::{fixture, on, read_in, try_read};

const A: &str = "0x098b716b8aaf21512996dc57eb0615e2383e2f96";
const B: &str = "0x35fb6f6db4fb05e6a4ce86f2c93691425626d4b1";

/// A table of transfers with `lines` between two good rows.
fn around(lines: &[u8]) -> Vec<u8> {
    let good = |amount: u8| format!("1,{A},{B},ETH,{amount}\n").into_bytes();
    let mut text = b"time,from,to,asset,amount\n".to_vec();
    text.extend(good(1));
    text.extend(lines);
    text.extend(good(2));
    text
}

#[test]
fn good_rows_around_bad_ones_are_kept() {
    let long = vec![b'x'; 3 * MAX_RECORD];
    let row = |from: &str, amount: &str| format!("1,{from},{B},ETH,{amount}\n").into_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a line longer than 1048576 bytes", [&long[..], b"\n"].concat()),
        ("a line longer than 1048576 bytes", [b"1,\"", &long[..], b"\n"].concat()),
        ("a quotation mark is opened and not closed", b"1,\"0x,ETH\n".to_vec()),
        ("the header has 5 fields, the row 3", b"1,2,3\n".to_vec()),
        ("the header has 5 fields, the row 6", b"1,2,3,4,5,6\n".to_vec()),
        ("not UTF-8 text", b"1,\xff\xfe,2,3,4\n".to_vec()),
        ("amount: the amount is negative", row(A, "-1")),
        ("amount: the amount is not a whole number", row(A, "1e3")),
        ("amount: the amount is not a whole number", row(A, "NaN")),
        ("amount: the amount is not a whole number", row(A, "=1+1")),
        ("amount: the amount does not fit in 128 bits", row(A, &"9".repeat(40))),
        ("amount: missing", row(A, "")),
        ("from: the checksum is wrong", row("0x098B716B8Aaf21512996dC57EB0615e2383E2f97", "1")),
        ("from: not an address", row("=cmd|' /C calc'!A0", "1")),
        ("from: the address is longer", row(&"0".repeat(5000), "1")),
        ("time: not a time", format!("never,{A},{B},ETH,1\n").into_bytes()),
        ("time: the time lies outside", format!("99999999999,{A},{B},ETH,1\n").into_bytes()),
        ("from: ethereum has no outputs", row(&format!("{}:0", "ab".repeat(32)), "1")),
        ("neither a sender nor a receiver", b"1,,,ETH,1\n".to_vec()),
    ];
    for (reason, bad) in cases {
        let got = read_in("transfers", &around(&bad), &on("ethereum"), &mut Context::new());
        let amounts: Vec<u128> = got.rows.iter().map(|(_, _, t)| t.amount.base_units()).collect();
        assert_eq!(amounts, [1, 2], "{reason}");
        assert_eq!(got.set_aside.len(), 1, "{reason}: {:?}", got.set_aside);
        let (line, why) = &got.set_aside[0];
        assert!(*line == 3 && why.starts_with(reason), "{line} {why}, not {reason}");
    }
}

#[test]
fn an_open_quotation_mark_costs_its_own_line_only() {
    let long = vec![b'x'; 2 * MAX_RECORD];
    let mut bad = [b"1,\"0x\n", &long[..], b"\n"].concat();
    bad.extend(format!("1,{A},{B},ETH,3\n").repeat(200).bytes());
    let got = read_in("transfers", &around(&bad), &on("ethereum"), &mut Context::new());
    assert_eq!(got.rows.len(), 202);
    let rows: Vec<u64> = got.set_aside.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [3, 4]);
}

#[test]
fn line_ends_marks_and_quoted_line_feeds() {
    let text = format!(
        "\u{feff}time,from,to,asset,amount,note\r\n1,{A},{B},ETH,1,\"two\r\nlines, \"\"quoted\"\"\"\r1,{A},{B},ETH,2,\n\n\r\n1,{A},{B},ETH,3,"
    );
    let got = read_in("transfers", text.as_bytes(), &on("ethereum"), &mut Context::new());
    let rows: Vec<u64> = got.rows.iter().map(|row| row.0).collect();
    assert_eq!(rows, [2, 4, 7], "{:?}", got.set_aside);
    assert!(got.kinds_of_gaps().contains(&"no-final-line-end"));
}

/// A reply with one good element before and one after what is given.
fn reply(element: &str) -> String {
    let good = format!(
        r#"{{"blockNumber":"1","timeStamp":"1","hash":"0x{}","nonce":"1","transactionIndex":"1","from":"{A}","to":"{B}","value":"1","gasUsed":"1","gasPrice":"1"}}"#,
        "ab".repeat(32)
    );
    format!(r#"{{"status":"1","message":"OK","result":[{good},{element},{good}]}}"#)
}

#[test]
fn damaged_json_elements_do_not_take_their_neighbours() {
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(2 * MAX_RECORD));
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(5000), "}".repeat(5000));
    let cases = [
        long.as_str(),
        &deep,
        &nested,
        "17",
        "null",
        "{\"x\":}",
        "{\"hash\":1,\"hash\":2}",
        "\"\\\"}\"",
    ];
    for element in cases {
        let text = reply(element);
        let got = read_in("etherscan-api", text.as_bytes(), &on("ethereum"), &mut Context::new());
        let start: String = element.chars().take(30).collect();
        assert_eq!((got.rows.len(), got.set_aside.len()), (4, 1), "{start}");
        assert_eq!(got.set_aside[0].0, 2, "{start}");
    }
    let text = reply("1");
    let (got, outcome) = try_read(
        "etherscan-api",
        &text.as_bytes()[..text.len() - 40],
        &on("ethereum"),
        &mut Context::new(),
    );
    assert_eq!((got.rows.len(), outcome.is_ok()), (2, true));
    assert!(got.set_aside[1].1.contains("JSON"), "{:?}", got.set_aside);
}

/// A large reply is read element by element.
#[test]
fn a_long_list_is_streamed() {
    let element = reply("1");
    let good =
        &element[element.find("[{").expect("a list") + 1..element.find("},1").expect("one") + 1];
    let mut text = String::from("[");
    for index in 0..20_000 {
        text.push_str(if index == 0 { "" } else { ",\n" });
        text.push_str(good);
    }
    text.push(']');
    let got = read_in("etherscan-api", text.as_bytes(), &on("ethereum"), &mut Context::new());
    assert_eq!(got.rows.len(), 40_000);
}

/// A small generator of random numbers, so that the cases are the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

const MAP: &str = "chain = \"ethereum\"\ntx = { row_hash = true }\ntime = { column = \"time\" }\n\
    from = { column = \"from\" }\nto = { column = \"to\" }\nasset = \"ETH\"\n\
    amount = { column = \"amount\", decimals = 18 }\norder = \"newest-first\"\n";

/// Reads junk as `format`; only a panic or a miscount is a failure.
fn survive(format: &str, text: &[u8]) {
    let _ = sniff("junk", text);
    for chain in ["ethereum", "tron"] {
        let mut options = on(chain);
        options.map = chains::exports::ColumnMap::parse(MAP).ok();
        let (got, outcome) = try_read(format, text, &options, &mut Context::new());
        if let Ok(summary) = outcome {
            assert_eq!(summary.transfers, got.rows.len() as u64);
            assert!(summary.set_aside <= summary.rows);
        }
    }
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let file = |path: &str| fixture(&format!("ethereum-etl/{path}"));
    let grid = r#"{"data":[{"ret":[{"contractRet":"SUCCESS","fee":11}],"txID":"1111111111111111111111111111111111111111111111111111111111111111","blockNumber":6,"block_timestamp":1717419792000,"raw_data":{"contract":[{"parameter":{"value":{"amount":5,"owner_address":"41a614f803b6fd780986a42c78ec9c7f77e6ded13c","to_address":"TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem"}},"type":"TransferContract"}]},"internal_transactions":[{"caller_address":"TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem","transferTo_address":"41a614f803b6fd780986a42c78ec9c7f77e6ded13c","callValueInfo":[{"callValue":8}]}]}],"success":true,"meta":{}}"#;
    let scan = r#"{"total":1,"token_transfers":[{"transaction_id":"1111111111111111111111111111111111111111111111111111111111111111","block_ts":1690000000000,"from_address":"TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem","to_address":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t","block":5,"contract_address":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t","quant":"1","contractRet":"SUCCESS","tokenInfo":{"tokenAbbr":"USDT","tokenDecimal":6}}]}"#;
    let explorer = format!(
        "\"Txhash\",\"Blockno\",\"UnixTimestamp\",\"DateTime\",\"From\",\"To\",\"TokenValue\",\"ContractAddress\",\"TokenName\",\"TokenSymbol\"\n\"0x{}\",\"1\",\"2\",\"x\",\"{A}\",\"{B}\",\"1,234.5\",\"0xdac17f958d2ee523a2206206994597c13d831ec7\",\"Tether\",\"USDT\"\n",
        "ab".repeat(32)
    );
    vec![
        ("transfers", around(b"")),
        ("map", around(b"")),
        ("etherscan", explorer.into_bytes()),
        ("etherscan-api", reply("1").into_bytes()),
        ("trongrid", grid.as_bytes().to_vec()),
        ("tronscan", scan.as_bytes().to_vec()),
        ("ethereum-etl", file("block-483920/expected_transactions.csv")),
        ("ethereum-etl", file("parity-traces/suicide.csv")),
        ("ethereum-etl", file("block-483920/expected_logs.csv")),
        ("ethereum-etl", file("block-17173049/expected_blocks.json")),
    ]
}

#[test]
fn junk_truncations_and_flips_never_panic() {
    let mut random = Random(0x5eed_1234_abcd_0001);
    let samples = samples();
    for format in formats() {
        assert!(samples.iter().any(|(name, _)| *name == format), "{format} has no sample");
        for _ in 0..100 {
            let length = random.below(300);
            let junk: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            survive(format, &junk);
        }
    }
    for (format, text) in samples {
        assert!(read_in(format, &text, &on_map(format), &mut Context::new()).summary.rows > 0);
        for end in 0..text.len() {
            survive(format, &text[..end]);
        }
        for _ in 0..400 {
            let mut flipped = text.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(flipped.len());
                flipped[at] = random.next() as u8;
            }
            survive(format, &flipped);
        }
    }
}

fn on_map(format: &str) -> chains::exports::Options {
    let chain = if format.starts_with("tron") { "tron" } else { "ethereum" };
    let mut options = on(chain);
    options.map = chains::exports::ColumnMap::parse(MAP).ok();
    options
}

#[test]
fn damaged_parquet_is_an_error() {
    let file = sample();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..300 {
        let end = random.below(file.len());
        let (_, outcome) = read_bytes(file.slice(..end), &on("tron"));
        assert!(outcome.is_err());
        let mut flipped = file.to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(flipped.len());
            flipped[at] = random.next() as u8;
        }
        let _ = read_bytes(flipped.into(), &on("tron"));
    }
}
