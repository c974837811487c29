//! CSV files read by a column map: the examples of the documentation, real files, and wrong maps.

use chains::exports::{ColumnMap, Context, MapError, Options, ReadError};
use ledger::{Address, Chain, Kind, Place, TxId};

use super::{Expected, check, fixture, read_in, try_read};

const THIEF: &str = "0x098b716b8aaf21512996dc57eb0615e2383e2f96";

fn project(path: &str) -> String {
    let path = format!("../../{path}");
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn with(map: &str) -> Options {
    Options { map: Some(ColumnMap::parse(map).expect("a map")), ..Options::default() }
}

#[test]
fn the_ronin_example_is_the_one_in_the_documentation() {
    let map = project("examples/ronin-2022/map.toml");
    let page = project("docs/import.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let uncommented: String =
        map.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_eq!(example, Some(uncommented.as_str()));
}

#[test]
fn ronin_436_rows_and_37_outflows() {
    let options = with(&project("examples/ronin-2022/map.toml"));
    let text = fixture("ronin/LazarusTabularTxs1322519.csv");
    let got = read_in("map", &text, &options, &mut Context::new());
    assert_eq!((got.rows.len(), got.set_aside.len()), (436, 0));
    let thief = Place::Account(Address::parse(Chain::ETHEREUM, THIEF).expect("address"));
    let out = got.rows.iter().filter(|(_, _, transfer)| transfer.from == thief).count();
    assert_eq!(out, 37);
    assert_eq!(got.sum(|transfer| transfer.from == thief), 182_163_956_030_000_000_000_000);
    assert_eq!(got.sum(|_| true), 335_425_720_385_774_384_372_600);
    assert_eq!(got.kinds_of_gaps(), ["no-height", "no-transaction-id", "order-in-transaction"]);
    let ids: std::collections::BTreeSet<_> = got.rows.iter().map(|(_, _, t)| t.tx).collect();
    assert!(ids.len() > 400 && !ids.contains(&None), "{} ids", ids.len());
    // The hash of a row was shown as if it were the id of a transaction.
    let shown =
        |tx: &Option<TxId>| tx.is_some_and(|tx| tx.text(Chain::ETHEREUM).starts_with("row:"));
    assert!(ids.iter().all(shown));
    assert!(got.rows.iter().all(|(_, _, t)| t.kind == Kind::Native));
}

/// The map of settled point 16: each wallet's rows are counted by themselves.
const TRON_ASO: &str = r#"
chain = "tron"
kind = "token"
tx = { column = "tx_id" }
time = { column = "timestamp", unit = "ms" }
from = { column = "from_address" }
to = { column = "to_address" }
asset = { column = "token_id" }
amount = { column = "quant" }
group = { column = "wallet" }
order = "newest-first"
skip = [{ column = "contract_return", not = "SUCCESS" }, { column = "token_type", equals = "trc721" }]
"#;

#[test]
fn tron_aso_has_a_group_for_each_wallet() {
    let path = "../../../shared/data/unlicensed/tron-aso/trc20_xfers.csv";
    let Ok(text) = std::fs::read(path) else {
        println!("skipped: data not here");
        return;
    };
    let got = read_in("map", &text, &with(TRON_ASO), &mut Context::new());
    assert_eq!((got.rows.len(), got.set_aside.len()), (4590, 0), "{:?}", got.set_aside.first());
    let groups: std::collections::BTreeSet<_> = got.rows.iter().map(|(_, g, _)| g).collect();
    assert_eq!(groups.len(), 20);
    assert_eq!(got.sum(|_| true), 1_012_617_541_822_641_661_090_760);
    let usdt = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
    assert_eq!(got.sum(|t| t.asset.text(t.chain) == usdt), 14_945_914_579_296);
    // The last line comes first, and times rise within a wallet.
    assert_eq!(got.rows[0].0, 4591);
    let rising = got.rows.windows(2).all(|w| w[0].1 != w[1].1 || w[0].2.time <= w[1].2.time);
    assert!(rising);
}

#[test]
fn constants_units_and_patterns() {
    let map = r#"
chain = { column = "net" }
height = { column = "block" }
tx_index = 4
index = { value = "2" }
time = { column = "when", unit = "%d.%m.%Y %H:%M" }
from = { column = "a" }
to = { column = "b" }
asset = { column = "what" }
amount = { column = "n", decimals = { column = "places" } }
"#;
    let text = "net,block,when,a,b,what,n,places\n\
        tron,7,02.01.2023 03:04,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem,TRX,1.5e0,6\n\
        tron,7,02.01.2023 03:04,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,,1000001,3,0\n\
        tron,7,2023-01-02,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,,1000001,3,0\n\
        moon,7,02.01.2023 03:04,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,,1000001,3,0\n\
        tron,7,02.01.2023 03:04,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,,1000001,NaN,0\n\
        tron,7,02.01.2023 03:04,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,,1000001,1,-1\n\
        tron,7,02.01.2023 03:04,TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t,,1000001,-1,0\n";
    let transfers = [
        "2 7:4:2 1672628640 native TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t > TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem 1500000 TRX",
        "3 7:4:2 1672628640 token TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t > BURN 3 1000001",
    ];
    let set_aside = [
        (4, "when: not a time"),
        (5, "net: unknown chain"),
        (6, "n: the amount is not a decimal number: \"NaN\""),
        (7, "places: not a count of decimal places: \"-1\""),
        (8, "n: the amount is negative"),
    ];
    // The row without a receiver calls itself a token transfer: a burn, or a lost field.
    let gaps = ["no-receiver", "no-transaction-id"];
    let expected = Expected {
        transfers: &transfers,
        set_aside: &set_aside,
        gaps: &gaps,
        ..Default::default()
    };
    check("map", text, &with(map), &expected);
}

const SMALL: &str = "chain = \"ethereum\"\ntime = { column = \"t\" }\nfrom = { column = \"f\" }\n\
    to = { column = \"o\" }\nasset = \"ETH\"\namount = { column = \"n\" }\n";

#[test]
fn wrong_maps_are_named() {
    let unknown = |key: &str| MapError::UnknownKey(key.to_string());
    let cases = [
        ("colour = 1\n", unknown("colour")),
        ("tx = { column = \"x\", prefx = 1 }\n", unknown("tx.prefx")),
        ("kind = { column = \"x\", unit = \"s\" }\n", unknown("kind.unit")),
        ("skip = [{ column = \"x\", is = \"y\" }]\n", unknown("skip.is")),
        (
            "tx = { column = \"x\", prefix = { from = \"a\", too = \"b\" } }\n",
            unknown("tx.prefix.too"),
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(ColumnMap::parse(&format!("{SMALL}{line}")).err(), Some(expected), "{line}");
    }
    for line in ["order = \"random\"\n", "skip = 3\n", "tx = { row_hash = false }\n", "tx = 1.5\n"]
    {
        let outcome = ColumnMap::parse(&format!("{SMALL}{line}"));
        assert!(matches!(outcome, Err(MapError::Value { .. })), "{line}: {outcome:?}");
    }
    assert_eq!(ColumnMap::parse("chain = \"tron\"").err(), Some(MapError::Missing("time")));
    assert!(matches!(ColumnMap::parse("= 1"), Err(MapError::Toml(_))));
}

#[test]
fn columns_that_are_not_there_or_twice() {
    let read = |text: &str| try_read("map", text.as_bytes(), &with(SMALL), &mut Context::new()).1;
    assert!(matches!(read("t,f,o,x\n"), Err(ReadError::UnknownColumn(name)) if name == "n"));
    assert!(matches!(read("t,f,o,n,t\n"), Err(ReadError::DuplicateColumn(name)) if name == "t"));
    let none = try_read("map", b"t", &Options::default(), &mut Context::new()).1;
    assert!(matches!(none, Err(ReadError::NeedsMap)));
}

#[test]
fn newest_first_turns_rows_of_one_time_round() {
    let text = format!("t,f,o,n\n5,{THIEF},,1\n5,{THIEF},,2\n4,{THIEF},,3\n");
    let map = format!("{SMALL}order = \"newest-first\"\n");
    let got = read_in("map", text.as_bytes(), &with(&map), &mut Context::new());
    let amounts: Vec<u128> = got.rows.iter().map(|(_, _, t)| t.amount.base_units()).collect();
    assert_eq!(amounts, [3, 2, 1]);
    let got = read_in("map", text.as_bytes(), &with(SMALL), &mut Context::new());
    assert_eq!(got.rows.iter().map(|row| row.0).collect::<Vec<_>>(), [2, 3, 4]);
}
