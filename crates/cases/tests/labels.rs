//! Label files: every format on real files, counted apart with Python (PyYAML, csv), and by
//! hand-made rows.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use std::collections::BTreeMap;

use cases::date::Date;
use cases::label::{Category, Format, Label, LabelError, Origin, ReadError, Reading};
use ledger::{Address, Chain};

macro_rules! shipped {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../data/labels/", $name)).as_slice())
    };
}
macro_rules! fixture {
    ($name:literal) => {
        ($name, include_bytes!(concat!("fixtures/", $name)).as_slice())
    };
}

/// Sniffs and reads a file.
fn read((file_name, bytes): (&str, &[u8])) -> Result<Reading, ReadError> {
    let origin = Origin { file_name, source: "", date: None };
    Format::sniff(file_name, bytes).unwrap_or_else(|| panic!("{file_name}")).read(bytes, &origin)
}

/// Reads a file and compares: its format, labels by chain and category, rows set aside, rows
/// skipped.
fn check(
    file: (&str, &[u8]),
    format: &str,
    counts: &[(&str, &str, usize)],
    aside: usize,
    skipped: usize,
) {
    let name = file.0;
    assert_eq!(Format::sniff(file.0, file.1).map(|format| format.name), Some(format), "{name}");
    let reading = read(file).unwrap();
    let mut got: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for label in &reading.labels {
        *got.entry((label.chain.name(), label.category.name())).or_default() += 1;
        assert_eq!(label.clone().checked().as_ref(), Ok(label), "{name}");
    }
    let want = counts.iter().map(|(chain, category, n)| ((*chain, *category), *n)).collect();
    assert_eq!(got, want, "{name}: {:?} {:?}", reading.set_aside, reading.skipped);
    assert_eq!(reading.set_aside.len(), aside, "{name}: {:?}", reading.set_aside);
    assert_eq!(reading.skipped.values().sum::<usize>(), skipped, "{name}: {:?}", reading.skipped);
}

#[test]
fn real_tagpacks() {
    let (b, e) = ("bitcoin", "ethereum");
    check(
        shipped!("lazarus.yaml"),
        "tagpack",
        &[(b, "sanctioned", 20), (e, "sanctioned", 1)],
        0,
        0,
    );
    check(shipped!("lazarus2.yaml"), "tagpack", &[(b, "sanctioned", 6)], 0, 0);
    check(shipped!("tornado_cash.yaml"), "tagpack", &[(e, "mixer", 39)], 0, 0);
    check(fixture!("africrypt-hack.yaml"), "tagpack", &[(b, "theft", 1)], 0, 0);
    check(fixture!("twitter_hack_scam.yaml"), "tagpack", &[(b, "scam", 3)], 0, 0);
    let hacks = [
        (b, "exchange", 415),
        (b, "theft", 178),
        (b, "gambling", 5),
        (b, "mining", 5),
        (b, "other", 5),
    ];
    check(fixture!("hacks.yaml"), "tagpack", &hacks, 0, 0);
    // 385 BTC (one of which is an address of TRON), 147 ETH, 3 TRX, and 9 USDT by form: 3 each; 28
    // of LTC, BCH, ZEC and others.
    let ofac = [(b, "other", 387), (e, "other", 150), ("tron", "other", 6)];
    check(fixture!("ofac.yaml"), "tagpack", &ofac, 1, 28);
}

#[test]
fn real_ofac_lists() {
    let s = "sanctioned";
    check(shipped!("sanctioned_addresses_ETH.txt"), "ofac", &[("ethereum", s, 152)], 0, 0);
    check(shipped!("sanctioned_addresses_TRX.txt"), "ofac", &[("tron", s, 6)], 0, 0);
    // One row of the bitcoin list is an address of TRON.
    check(shipped!("sanctioned_addresses_XBT.txt"), "ofac", &[("bitcoin", s, 434)], 1, 0);
    let usdt = [("bitcoin", s, 7), ("ethereum", s, 8), ("tron", s, 11)];
    check(shipped!("sanctioned_addresses_USDT.txt"), "ofac", &usdt, 0, 0);
    check(fixture!("sanctioned_addresses_ETH.json"), "ofac", &[("ethereum", s, 152)], 0, 0);
    check(fixture!("sanctioned_addresses_TRX.json"), "ofac", &[("tron", s, 6)], 0, 0);
    check(fixture!("sanctioned_addresses_USDT.json"), "ofac", &usdt, 0, 0);
    check(fixture!("sanctioned_addresses_BCH.json"), "ofac", &[], 0, 7);
    let lists =
        [shipped!("sanctioned_addresses_ETH.txt"), fixture!("sanctioned_addresses_ETH.json")];
    let sorted = |file| {
        let mut labels = read(file).unwrap().labels;
        labels.sort();
        labels
    };
    assert_eq!(sorted(lists[0]), sorted(lists[1]));
}

#[test]
fn real_csv_and_explorer_labels() {
    check(shipped!("fbi.csv"), "csv", &[("bitcoin", "theft", 6), ("ethereum", "theft", 51)], 0, 0);
    let reading = read(fixture!("etherscan-labels.csv")).unwrap();
    assert_eq!(
        (reading.labels.len(), reading.set_aside.len()),
        (118, 3),
        "{:?}",
        reading.set_aside
    );
    assert_eq!(
        reading.skipped,
        BTreeMap::from([("fantom is no chain that dyepack reads".into(), 7)])
    );
    let of = |category| reading.labels.iter().filter(move |label| label.category == category);
    assert!(of(Category::Exchange).all(|label| label.confidence == 60));
    assert!(of(Category::Dex).all(|label| label.confidence == 40));
    let category = |name: &str| {
        reading
            .labels
            .iter()
            .find(|label| label.name == name)
            .unwrap_or_else(|| panic!("{name}"))
            .category
    };
    for (name, want) in [
        ("Binance 13", Category::Exchange),
        ("Kraken: Hot Wallet", Category::Exchange),
        ("Huobi 1", Category::Exchange),
        ("Genesis Trading: OTC Desk 4", Category::Otc),
        ("Tornado.Cash: 100,000 USDT", Category::Mixer),
        ("Tornado.Cash 100 ETH", Category::Mixer),
        ("Hop Protocol: USDC Bridge", Category::Bridge),
        ("1inch v4: Aggregation Router", Category::Dex),
        ("Mythical Dice", Category::Gambling),
        ("MetaSwap Exploiter", Category::Theft),
        ("Fake_Phishing18", Category::Scam),
        ("Hiveon: Spreader 7", Category::Mining),
        ("ofac-sanctions-lists", Category::Sanctioned),
        // Not certain, so nothing that stops:
        ("Tornado.Cash: Team 2 Vesting", Category::Other),
        ("Kraken: Deployer 2", Category::Other),
        ("Binance USD (BUSD)", Category::Other),
        ("BNB (BNB)", Category::Other),
        ("Qmall Token (QMALL)", Category::Other),
        ("GraphLinq (GLQ)", Category::Other),
        ("Bitfinex: MATIC Staking Rewards", Category::Other),
    ] {
        assert_eq!(category(name), want, "{name}");
    }
}

#[test]
fn tagpacks_inherit_and_override() {
    let reading = read(shipped!("tornado_cash.yaml")).unwrap();
    let label = &reading.labels[0];
    assert_eq!(label.name, "tornado.cash");
    assert_eq!((label.confidence, label.source.as_str()), (60, "GraphSense Core Team"));
    assert_eq!(label.date.as_ref().map(Date::text), Some("2022-08-10"));
    assert_eq!(label.actor.as_deref(), Some("tornado"));
    assert!(label.uri.as_deref().unwrap().starts_with("https://home.treasury.gov/"));
    let thief = "0x098b716b8aaf21512996dc57eb0615e2383e2f96";
    let lazarus = read(shipped!("lazarus.yaml")).unwrap();
    let ronin = lazarus.labels.iter().find(|label| label.address.to_string() == thief).unwrap();
    assert_eq!((ronin.name.as_str(), ronin.category), ("Lazarus group", Category::Sanctioned));
}

/// One tag under a complete header: its category, or why it is no label.
fn tag(lines: &str, want: &str) {
    let pack = format!(
        "title: T\ncreator: C\nlabel: L\nsource: s\n\
         currency: ETH\ntags:\n- address: '0x{}'\n  {}\n",
        "1".repeat(40),
        lines.replace('\n', "\n  ")
    );
    let reading = read(("t.yaml", pack.as_bytes())).unwrap();
    let skipped = reading.skipped.keys().map(|reason| format!("skipped: {reason}"));
    let aside = reading.set_aside.iter().map(|aside| format!("{}: {}", aside.row, aside.reason));
    let labels =
        reading.labels.iter().map(|l| format!("{} {} {}", l.chain, l.category, l.confidence));
    let got: Vec<String> = labels.chain(aside).chain(skipped).collect();
    assert_eq!(got, [want], "{lines}");
}

#[test]
fn tags_are_read_one_by_one() {
    tag("category: exchange", "ethereum exchange 5");
    tag("category: exchange\nconfidence: ownership", "ethereum exchange 100");
    tag("category: hosted_wallet\nconfidence: ledger_immanent", "ethereum exchange 100");
    tag("category: exchange\nabuse: service_hack", "ethereum theft 5");
    tag("category: exchange\nabuse: sanction", "ethereum exchange 5");
    tag("category: mixing_service\nabuse: sanction", "ethereum mixer 5");
    tag("category: user\nabuse: sanction", "ethereum sanctioned 5");
    tag("abuse: ransomware", "ethereum scam 5");
    tag("concepts: [defi, defi_bridge]\ncategory: defi_bridge", "ethereum bridge 5");
    tag("concepts:\n- defi_dex\n- [nested]", "ethereum dex 5");
    tag("category: perpetrator", "ethereum other 5");
    tag("category: somethingnew", "ethereum other 5");
    tag("currency: USDT", "ethereum other 5");
    tag("currency: USDT\nnetwork: BSC", "bsc other 5");
    tag("currency: LTC", "skipped: LTC is no chain that dyepack reads");
    tag("currency: ~", "ethereum other 5");
    tag("confidence: certain", "7: confidence: unknown word \"certain\"");
    tag("confidence: [1]", "7: confidence: no text");
    tag("lastmod: 2022-04-15 10:11:12", "ethereum other 5");
    tag("lastmod: tomorrow", "7: lastmod: not a time: \"tomorrow\"");
    tag("label: \"\\u202e \"", "7: the label has no name");
    tag("context: {a: {b: [c]}}", "ethereum other 5");
    let long = "x".repeat(5_000);
    tag(&format!("label: {long}"), "7: label: more than 4096 bytes");
}

#[test]
fn tagpacks_that_are_none_say_so() {
    let fails = |text: &str| read(("t.yaml", text.as_bytes())).unwrap_err().to_string();
    let actors = read(fixture!("graphsense.actorpack.yaml"));
    assert_eq!(actors, Err(ReadError::ActorPack));
    assert!(fails("title: x\n").contains("no list of \"tags\""));
    assert!(fails("title: x\ntags: 5\n").contains("no list"));
    assert!(fails("title: x\ntags:\n- a: 1\n  a: 2\n").contains("a key stands twice"));
    assert!(fails("title: x\ntags:\n- ? [a]\n  : b\n").contains("a key that is no text"));
    assert!(fails("title: x\ntags: [\n").starts_with("line "));
    assert!(fails("title: x\n---\ntags: []\n").contains("a second document"));
    assert_eq!(read(("t.yaml", b"title: x\ntags:\n")), Ok(Reading::default()));
    assert_eq!(
        read(("t.yaml", b"title: x\ntags: \xff")),
        Err(ReadError::NotUtf8 { line: 2, column: 7 })
    );
    let seen = read(("t.yaml", b"x: &a {b: c}\ntags: [*a, 1, [], ~]")).unwrap();
    let reasons: Vec<&str> = seen.set_aside.iter().map(|aside| aside.reason.as_str()).collect();
    let none = "a tag that is no mapping";
    assert_eq!(reasons, ["an alias to a list or mapping", none, none, none]);
}

/// One row of our CSV: the name as kept, or why it is no label.
fn row(fields: &str, want: &str) {
    let file = format!("chain,address,name,category,confidence,source,date\n{fields}\n");
    let reading = read(("l.csv", file.as_bytes())).unwrap();
    let aside = reading.set_aside.iter().map(|aside| format!("{}: {}", aside.row, aside.reason));
    let got: Vec<String> = reading.labels.iter().map(|l| l.name.clone()).chain(aside).collect();
    assert_eq!(got, [want], "{fields}");
}

#[test]
fn csv_rows_are_read_one_by_one() {
    let at = "tron,TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag";
    row(&format!("{at},A,exchange,90,S,2023-07-22"), "A");
    row(&format!("{at},A,exchange,,S,"), "A");
    row(&format!("{at},\"=HYPERLINK(\"\"http://x\"\")\",exchange,,S,"), "=HYPERLINK(\"http://x\")");
    row(&format!("{at},@SUM(1+1)|cmd,exchange,,S,"), "@SUM(1+1)|cmd");
    row(&format!("{at},a\u{202e}b\u{7}c,exchange,,S,"), "abc");
    row(&format!("{at},{},exchange,,S,", "n".repeat(300)), &format!("{}…", "n".repeat(199)));
    row(
        &format!("{at},A,exchange,101,S,"),
        "2: confidence: not a whole number from 0 to 100: \"101\"",
    );
    row(
        &format!("{at},A,exchange,+5,S,"),
        "2: confidence: not a whole number from 0 to 100: \"+5\"",
    );
    row(
        &format!("{at},A,exchange,0.9,S,"),
        "2: confidence: not a whole number from 0 to 100: \"0.9\"",
    );
    row(&format!("{at},A,exchange,,,"), "2: nobody is named as the label's source");
    row(&format!("{at},,exchange,,S,"), "2: the label has no name");
    row(&format!("{at},A,exchange,,S,yesterday"), "2: date: not a time: \"yesterday\"");
    row(&format!("{at},A,exchange"), "2: 4 fields where the header has 7");
    row(&format!("{at},{},exchange,,S,", "n".repeat(5_000)), "2: a field of more than 4096 bytes");
    row(
        "tron,TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ah,A,other,,S,",
        "2: address: the checksum is wrong (Base58Check): \"TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ah\"",
    );
    row("tron,,A,other,,S,", "2: address: the address is empty");
    let long = "T".repeat(101);
    row(
        &format!("tron,{long},A,other,,S,"),
        "2: address: the address is longer than any address of this chain",
    );
    row(
        "solana,x,A,other,,S,",
        "2: chain: unknown chain \"solana\" (arbitrum, avalanche, base, bitcoin, bsc, ethereum, \
         moonbeam, optimism, polygon, ronin, tron)",
    );
    row(&format!("{at},\"open"), "2: 3 fields where the header has 7");
}

#[test]
fn csv_headers_are_checked() {
    let read_csv = |text: &[u8]| {
        let origin = Origin { file_name: "l.csv", source: "me", date: None };
        Format::parse("csv").unwrap().read(text, &origin)
    };
    let fails = |text: &str| read_csv(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(fails("chain,address,name\n"), "the header: there is no column \"category\"");
    assert_eq!(
        fails("chain,address,chain,name,category\n"),
        "the header: the column \"chain\" stands twice"
    );
    assert_eq!(fails(""), "the header: there is no column \"chain\"");
    assert!(fails(&"a,".repeat(101)).contains("more than 100 columns"));
    let text = "\u{feff}Category , NAME,\"address\",chain,notes\r\nother,A,\
                TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag,tron,hm\r\n\r\nother,\u{e9},x,tron,\r\n";
    let reading = read_csv(text.as_bytes()).unwrap();
    assert_eq!(reading.labels[0].source, "me");
    assert_eq!(reading.labels[0].confidence, 50);
    assert_eq!(reading.skipped.keys().collect::<Vec<_>>(), ["the column \"notes\" is not read"]);
    assert_eq!(reading.set_aside[0].row, 4);
    let bad =
        read_csv(b"chain,address,name,category\ntron,\xff,A,other\ntron,y,A,other\n").unwrap();
    assert_eq!(bad.set_aside[0].reason, "not UTF-8 text");
    assert_eq!(bad.set_aside[1].row, 3);
}

#[test]
fn ofac_lists_need_a_currency_and_keep_the_rest() {
    let ofac = |file_name: &str, bytes: &[u8]| {
        let date = Date::parse("2024-09-27").unwrap();
        let origin = Origin { file_name, source: "OFAC by 0xB10C", date: Some(&date) };
        Format::parse("ofac").unwrap().read(bytes, &origin)
    };
    assert!(matches!(ofac("list.txt", b""), Err(ReadError::NoCurrency(_))));
    let mixed = ofac(
        "sanctioned_addresses_TRX (1).txt",
        b"\r\nTBHTJqAy4DhHhmT3dNceJYNRz4SdLofLre\r\nno\n\xff\n",
    )
    .unwrap();
    assert_eq!(mixed.labels[0].name, "OFAC SDN");
    assert_eq!(
        (mixed.labels[0].confidence, mixed.labels[0].source.as_str()),
        (100, "OFAC by 0xB10C")
    );
    assert_eq!(mixed.labels[0].date.as_ref().unwrap().text(), "2024-09-27");
    assert_eq!(mixed.set_aside.iter().map(|aside| aside.row).collect::<Vec<_>>(), [3, 4]);
    let json =
        ofac("sanctioned_addresses_TRX.json", b"[\"TBHTJqAy4DhHhmT3dNceJYNRz4SdLofLre\", 5]")
            .unwrap();
    assert_eq!((json.labels.len(), json.set_aside.len()), (1, 1));
    assert!(matches!(
        ofac("sanctioned_addresses_TRX.json", b"[\"T"),
        Err(ReadError::Syntax { .. })
    ));
}

#[test]
fn only_checked_labels_stand() {
    let good = Label {
        chain: Chain::TRON,
        address: Address::Tron([1; 20]),
        name: "A".into(),
        category: Category::Other,
        confidence: 100,
        source: "S".into(),
        date: None,
        actor: Some(" ".into()),
        uri: None,
    };
    assert_eq!(good.clone().checked().unwrap().actor, None);
    let hostile = Label {
        name: "a\u{202e}b".into(),
        source: " c\u{0}\nd".repeat(100),
        uri: Some("e\u{200b}f".into()),
        ..good.clone()
    };
    let kept = hostile.checked().unwrap();
    assert_eq!((kept.name.as_str(), kept.uri.as_deref()), ("ab", Some("ef")));
    assert!(kept.source.starts_with("c d c d") && kept.source.chars().count() == 200);
    let fails = |change: fn(&mut Label)| {
        let mut label = good.clone();
        change(&mut label);
        label.checked().unwrap_err()
    };
    assert_eq!(fails(|l| l.name = "\u{0}".into()), LabelError::NoName);
    assert_eq!(fails(|l| l.source = String::new()), LabelError::NoSource);
    assert_eq!(fails(|l| l.confidence = 101), LabelError::Confidence(101));
    assert!(matches!(fails(|l| l.address = Address::Evm([1; 20])), LabelError::Chain(..)));
}

#[test]
fn categories_parse_back() {
    assert_eq!(Category::ALL.len(), 15);
    for category in Category::ALL {
        assert_eq!(Category::parse(category.name()), Ok(category));
    }
    assert!(Category::parse("Exchange").is_err());
}
