//! Case files: what is read, what is refused and in which words, and that the canonical form reads
//! back.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use cases::case_file::{CaseFile, CaseFileError, End, MAX_BYTES, Target};
use ledger::{Amount, Asset, Chain};

const COINSPAID: &str = include_str!("../../../examples/coinspaid-2023/case.toml");
const HEAD: &str = "schema = \"dyepack.case/1\"\nid = \"x\"\ntitle = \"X\"\nsources = [\"S\"]\n";
const THIEF: &str = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
const TRON: &str = "TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag";
const TXID: &str = "c28fad5e8d5e0ce6a2eaf67b6687be5d58113e16be590824d6cfa1a94467d0b7";

fn parse(text: &str) -> Result<CaseFile, CaseFileError> {
    let parsed = CaseFile::parse(text.as_bytes());
    if let Ok(case) = &parsed {
        let canonical = case.to_toml();
        assert_eq!(CaseFile::parse(canonical.as_bytes()).as_ref(), Ok(case), "{canonical}");
        assert_eq!(CaseFile::parse(canonical.as_bytes()).unwrap().to_toml(), canonical);
    }
    parsed
}

/// `want` is "" if the case reads, or the beginning of the error.
fn check(text: &str, want: &str) {
    match parse(text) {
        Ok(_) => assert_eq!("", want, "it read: {text}"),
        Err(error) => {
            let error = error.to_string();
            assert!(!want.is_empty() && error.starts_with(want), "\n got {error}\nwant {want}");
        }
    }
}

fn theft(lines: &str, want: &str) {
    check(&format!("{HEAD}[[theft]]\n{lines}"), want);
}

fn flow(lines: &str, want: &str) {
    check(&format!("{HEAD}[[flow]]\nsource = \"s\"\n{lines}"), want);
}

#[test]
fn the_shipped_example_reads() {
    let case = parse(COINSPAID).unwrap();
    assert_eq!(case.id, "coinspaid-2023");
    assert_eq!((case.thefts.len(), case.flows.len()), (0, 8));
    assert_eq!(case.flows.iter().filter(|flow| flow.amount.is_some()).count(), 1);
    assert_eq!(case.flows.iter().filter(|flow| flow.date.is_some()).count(), 4);
    assert_eq!(case.flows.iter().filter(|flow| flow.chain.is_none()).count(), 2);
    let names = case.flows.iter().filter(|flow| matches!(flow.from, End::Name(_))).count();
    assert_eq!(names, 4);
    let amount = case.flows[0].amount.as_ref().unwrap();
    assert_eq!(amount.text, "118351300");
    assert_eq!(amount.base_units, Some(Amount::new(118_351_300_000_000)));
}

#[test]
fn a_theft_reads_whole() {
    let text = format!(
        "{HEAD}[[theft]]\nchain = \"ethereum\"\nto = \"{THIEF}\"\nfrom = \"0x{zero}\"\n\
         tx = \"0x{TXID}\"\n\
         asset = \"ETH\"\namount = \"173600.0\"\nsince = \"2022-03-23\"\nuntil = \"2022-03-23\"\n\
         asserted = true\nsource = \"a\\nb\"\n",
        zero = "0".repeat(40)
    );
    let case = parse(&text).unwrap();
    let theft = &case.thefts[0];
    assert_eq!(theft.chain, Chain::ETHEREUM);
    assert!(theft.from.unwrap().is_zero() && theft.asserted && theft.asset == Asset::Native);
    let amount = theft.amount.as_ref().unwrap();
    assert_eq!(amount.base_units.unwrap().to_string(), "173600000000000000000000");
    assert_eq!(theft.since.unwrap().to_string(), "2022-03-23T00:00:00Z");
    assert_eq!(theft.until.unwrap().to_string(), "2022-03-23T23:59:59Z");
    assert_eq!(theft.source.as_deref(), Some("a b"));
}

#[test]
fn thefts_say_what_is_wrong() {
    let eth =
        |rest: &str| format!("chain = \"ethereum\"\nto = \"{THIEF}\"\nasset = \"ETH\"\n{rest}");
    theft(&eth(""), "");
    theft(&eth("amout = \"1\""), "line 9, column 1: unknown field `amout`");
    theft(&eth("amount = 1"), "line 9, column 10: invalid type: integer `1`, expected a string");
    theft(
        &eth("amount = \"118,351,300\""),
        "theft 1: amount: write whole units as a plain decimal",
    );
    theft(&eth("amount = \"1e3\""), "theft 1: amount: write whole units");
    theft(&eth("amount = \"-1\""), "theft 1: amount: write whole units");
    theft(&eth("amount = \"\""), "theft 1: amount: write whole units");
    theft(&eth("amount = \"0.00\""), "theft 1: amount: it is zero");
    theft(
        &eth("amount = \"1.0000000000000000001\""),
        "theft 1: amount: the amount has a remainder",
    );
    theft(
        &eth(&format!("amount = \"{}\"", "9".repeat(79))),
        "theft 1: amount: the amount does not fit",
    );
    theft(&eth("since = \"23.3.2022\""), "theft 1: since: not a time");
    theft(&eth("since = \"1648042149\""), "theft 1: since: not a time");
    theft(&eth("since = \"2022-03-24\"\nuntil = \"2022-03-23\""), "theft 1: until: it lies before");
    theft(&eth("tx = \"0x12\""), "theft 1: tx: not a transaction id");
    theft(&eth("from = \"somebody\""), "theft 1: from: not an address of this chain");
    theft(&eth("from = \"\""), "theft 1: from: the address is empty");
    theft(&eth("source = \" \""), "theft 1: source: it is empty");
    theft(&eth(&format!("source = \"{}\"", "é".repeat(2001))), "theft 1: source: it is longer");
    theft(
        "chain = \"solana\"\nto = \"x\"\nasset = \"SOL\"",
        "theft 1: chain: unknown chain \"solana\"",
    );
    theft("chain = \"tron\"\nasset = \"TRX\"", "line 5, column 1: missing field `to`");
    theft(
        &format!("chain = \"ethereum\"\nto = \"0x{TXID}:0\"\nasset = \"ETH\""),
        "theft 1: to: ethereum has no outputs",
    );
    theft(
        &format!("chain = \"bitcoin\"\nto = \"tx:{TXID}\"\nasset = \"BTC\""),
        "theft 1: to: name an address or one output",
    );
    theft(
        &format!("chain = \"bitcoin\"\nto = \"{TXID}:x\"\nasset = \"BTC\""),
        "theft 1: to: not an output",
    );
    let usdt = "asset = \"USDT\"";
    theft(
        &format!("chain = \"tron\"\nto = \"{TRON}\"\n{usdt}"),
        "theft 1: asset: a symbol names no token",
    );
    theft(
        &format!("chain = \"tron\"\nto = \"{TRON}\"\nasset = \"FOO\""),
        "theft 1: asset: the asset",
    );
}

#[test]
fn asserted_thefts_need_amount_moment_and_source() {
    let base =
        format!("chain = \"ethereum\"\nto = \"{THIEF}\"\nasset = \"ETH\"\nasserted = true\n");
    let (amount, since) = ("amount = \"1\"\n", "since = \"2022-03-23T13:29:09Z\"\n");
    theft(&format!("{base}{amount}{since}"), "");
    theft(&format!("{base}{since}"), "theft 1: asserted: an asserted theft needs an amount");
    theft(&format!("{base}{amount}"), "theft 1: asserted: an asserted theft needs since");
    let nobody = HEAD.replace("sources = [\"S\"]\n", "");
    check(
        &format!("{nobody}[[theft]]\n{base}{amount}{since}"),
        "theft 1: asserted: an asserted theft needs a source",
    );
    check(&format!("{nobody}[[theft]]\n{base}{amount}{since}source = \"me\""), "");
    let zero = base.replace(THIEF, &format!("0x{}", "0".repeat(40)));
    theft(
        &format!("{zero}{amount}{since}"),
        "theft 1: asserted: an asserted theft needs an account",
    );
}

#[test]
fn an_output_or_the_zero_address_can_be_the_target() {
    let bitcoin =
        format!("{HEAD}[[theft]]\nchain = \"bitcoin\"\nto = \"{TXID}:1\"\nasset = \"BTC\"\n");
    let case = parse(&bitcoin).unwrap();
    assert!(matches!(case.thefts[0].to, Target::Output { index: 1, .. }));
    let burn = format!(
        "{HEAD}[[theft]]\nchain = \"bsc\"\nto = \"0x{}\"\nasset = \"BNB\"\n",
        "0".repeat(40)
    );
    let case = parse(&burn).unwrap();
    assert!(matches!(case.thefts[0].to, Target::Address(address) if address.is_zero()));
}

#[test]
fn flows_tell_addresses_from_names() {
    let to = format!("to = \"{TRON}\"\n");
    flow(&format!("from = \"Somebody\"\n{to}"), "");
    flow(
        &format!("chain = \"tron\"\nfrom = \"Somebody\"\n{to}asset = \"TRX\"\namount = \"1.5\""),
        "",
    );
    flow("from = \"A\"\nto = \"B\"", "");
    flow(&format!("from = \"{TRON}\"\n{to}"), "flow 1: to: it is where the flow comes from");
    flow(
        &format!("from = \"TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ah\"\n{to}"),
        "flow 1: from: the checksum is wrong (Base58Check)",
    );
    flow(
        &format!("chain = \"tron\"\nfrom = \"{THIEF}\"\n{to}"),
        "flow 1: from: it looks like an address of another chain than tron",
    );
    flow(&format!("from = \"{THIEF}\"\n{to}"), "flow 1: from: say on which chain");
    flow(
        &format!("chain = \"ethereum\"\nfrom = \"A\"\n{to}"),
        "flow 1: to: it looks like an address of another chain than ethereum",
    );
    flow(
        &format!("chain = \"ethereum\"\nfrom = \"A\"\nto = \"{}\"", &THIEF[..41]),
        "flow 1: to: not an address of this chain: not 40",
    );
    flow(
        &format!("chain = \"ethereum\"\nfrom = \"A\"\nto = \"{}7\"", &THIEF[..41]),
        "flow 1: to: the checksum is wrong (EIP-55)",
    );
    flow(&format!("chain = \"ethereum\"\nfrom = \"A\"\nto = \"{THIEF} (Ronin)\""), "flow 1: to: ");
    flow(&format!("from = \"\"\n{to}"), "flow 1: from: it is empty");
    flow(&format!("from = \"A\"\n{to}asset = \"TRX\""), "flow 1: asset: say on which chain");
    flow(&format!("from = \"A\"\n{to}amount = \"1\""), "flow 1: amount: say of which asset");
    flow(&format!("from = \"A\"\n{to}date = \"July\""), "flow 1: date: not a time");
    flow(&format!("from = \"A\"\n{to}tx = \"1\""), "line 9, column 1: unknown field `tx`");
    check(
        &format!("{HEAD}[[flow]]\nfrom = \"A\"\n{to}"),
        "line 5, column 1: missing field `source`",
    );
}

#[test]
fn the_case_itself_is_checked() {
    let rest = format!("[[flow]]\nsource = \"s\"\nfrom = \"A\"\nto = \"{TRON}\"\n");
    check(&format!("{HEAD}{rest}"), "");
    check(HEAD, "case: theft: there is neither");
    for id in ["", "Ronin", "a b", "a_b", "é", &"a".repeat(65)] {
        check(&format!("{}{rest}", HEAD.replace("\"x\"", &format!("\"{id}\""))), "case: id: write");
    }
    check(
        &format!("{}{rest}", HEAD.replace("case/1", "case/2")),
        "case: schema: \"dyepack.case/2\"",
    );
    check(&format!("{}{rest}", HEAD.replace("\"X\"", "\" \\u202e \"")), "case: title: it is empty");
    check(&format!("{HEAD}color = 1\n{rest}"), "line 5, column 1: unknown field `color`");
    check(&format!("{HEAD}[[thefts]]\n{rest}"), "line 5, column 3: unknown field `thefts`");
    check(&format!("{HEAD}{HEAD}{rest}"), "line 5, column 1: ");
    check("", "line 1, column 1: missing field `schema`");
    check(&format!("\u{feff}{HEAD}{rest}"), "");
    let title =
        parse(&format!("{}{rest}", HEAD.replace("\"X\"", "\"a\\u202eb\\u0000c\""))).unwrap().title;
    assert_eq!(title, "abc");
}

#[test]
fn foreign_bytes_are_bounded() {
    let fails = |bytes: &[u8]| CaseFile::parse(bytes).unwrap_err().to_string();
    assert_eq!(fails(b"id = \"a\"\nb = \xff"), "line 2, column 5: not UTF-8 text");
    assert_eq!(fails(&vec![b'\n'; MAX_BYTES + 1]), "the case file is larger than 4 MiB");
    for nest in ["[".repeat(100_000), "a.".repeat(100_000), "{a=".repeat(100_000)] {
        assert!(fails(format!("x = {nest}").as_bytes()).starts_with("line 1, column "));
    }
    assert!(
        fails(format!("{}x = 1", "a.".repeat(50_000)).as_bytes()).starts_with("line 1, column ")
    );
    let many = format!("{HEAD}{}", "[[flow]]\nfrom=\"a\"\nto=\"b\"\nsource=\"s\"\n".repeat(10_001));
    assert_eq!(fails(many.as_bytes()), "case: flow: 10001 entries; the most is 10000");
    let key = format!("\"{}\" = 1", "k\\u202e".repeat(10_000));
    let error = fails(key.as_bytes());
    assert!(error.len() < 1_000 && !error.contains('\u{202e}'), "{error}");
}
