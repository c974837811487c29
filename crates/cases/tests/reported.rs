//! Wallets that names share by report: the article's case, and small cases for every rule of reach.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use cases::case_file::CaseFile;
use cases::casebook::Casebook;
use cases::claim::{Claim, What};
use cases::label::{Category, Label};
use cases::reported::{SharedWallet, TooManyReports, shared_wallets};
use cases::stop::Stops;
use ledger::{Address, Chain, Time};

const COINSPAID: &str = include_str!("../../../examples/coinspaid-2023/case.toml");
const TJXX: &str = "TJXXmeUbie3JBfK7H3UQb43sWnbhhdTJQx";
const TNMW: &str = "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem";
const TGGM: &str = "TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag";

fn case(text: &str) -> CaseFile {
    CaseFile::parse(text.as_bytes()).unwrap()
}

/// "wallet: name via flow numbers; …" for every shared wallet.
fn lines(shared: &[SharedWallet<'_>]) -> Vec<String> {
    let way = |w: &SharedWallet<'_>| -> Vec<String> {
        let flows = |flows: &[cases::reported::ReportedFlow<'_>]| -> Vec<String> {
            flows.iter().map(|stated| format!("{}#{}", stated.case, stated.number)).collect()
        };
        w.reached.iter().map(|r| format!("{} by {}", r.name, flows(&r.flows).join(","))).collect()
    };
    shared.iter().map(|w| format!("{}: {}", w.address, way(w).join("; "))).collect()
}

#[test]
fn the_article_shares_three_wallets() {
    let case = case(COINSPAID);
    let shared = shared_wallets(&[&case], &Stops::default()).unwrap();
    let id = "coinspaid-2023";
    assert_eq!(
        lines(&shared),
        [
            format!(
                "{TGGM}: Alphapo incident by {id}#8,{id}#1; \
                 Atomic Wallet victims by {id}#7,{id}#1; \
                 CoinsPaid hot wallet by {id}#2,{id}#4"
            ),
            format!(
                "{TNMW}: Alphapo incident by {id}#8,{id}#6; \
                 Atomic Wallet victims by {id}#7,{id}#6; CoinsPaid hot wallet by {id}#2"
            ),
            format!("{TJXX}: Alphapo incident by {id}#8; Atomic Wallet victims by {id}#7"),
        ]
    );
    let sentence = &shared[0].reached[2].flows[0].flow.source;
    assert!(sentence.starts_with("Interestingly, this address also got paid"), "{sentence}");
    assert_eq!(
        shared[1].to_string(),
        format!(
            "reported, not seen on chain: tron wallet {TNMW} was reached \
             from \"Alphapo incident\" via {TJXX}; \
             from \"Atomic Wallet victims\" via {TJXX}; from \"CoinsPaid hot wallet\" directly"
        )
    );
}

/// Flows "from>to[@date]" of EVM wallets (one letter each) and names, per case.
fn cases_of(texts: &[&str]) -> Vec<CaseFile> {
    let end = |text: &str| match text.len() {
        1 => format!("0x{}", hex::encode([text.as_bytes()[0]; 20])),
        _ => text.to_string(),
    };
    let flow = |text: &str| {
        let (ends, date) = text.split_once('@').unwrap_or((text, ""));
        let (from, to) = ends.split_once('>').unwrap();
        let date = if date.is_empty() { String::new() } else { format!("date = \"{date}\"\n") };
        format!(
            "[[flow]]\nchain = \"ethereum\"\nfrom = \"{}\"\nto = \"{}\"\n{date}source = \"s\"\n",
            end(from),
            end(to)
        )
    };
    let case_of = |(at, text): (usize, &&str)| {
        let flows: String = text.split_whitespace().map(flow).collect();
        case(&format!("schema = \"dyepack.case/1\"\nid = \"c{at}\"\ntitle = \"t\"\n{flows}"))
    };
    texts.iter().enumerate().map(case_of).collect()
}

/// The letters of the wallets that are shared, each with its names' ways.
fn check(texts: &[&str], want: &[&str]) {
    let cases = cases_of(texts);
    let mut given: Vec<&CaseFile> = cases.iter().collect();
    for _ in 0..2 {
        let shared = shared_wallets(&given, &Stops::default()).unwrap();
        let letter = |line: String| {
            let byte = u8::from_str_radix(&line[2..4], 16).unwrap();
            format!("{}{}", char::from(byte), &line[42..])
        };
        let got: Vec<String> = lines(&shared).into_iter().map(letter).collect();
        assert_eq!(got, want, "{texts:?}");
        given.reverse();
        given.push(given[0]);
    }
}

#[test]
fn reach_follows_the_rules() {
    check(&["Ann>a", "Bob>a"], &["a: Ann by c0#1; Bob by c1#1"]);
    check(&["Ann>a Ann>a"], &[]);
    check(&["Ann>a", "ANN>a"], &[]);
    check(&["Ann>a a>b", "Bob>b"], &["b: Ann by c0#1,c0#2; Bob by c1#1"]);
    // The shortest chain of reports is shown.
    check(&["Ann>a a>b b>c Ann>b", "Bob>c"], &["c: Ann by c0#4,c0#3; Bob by c1#1"]);
    // Loops end.
    check(
        &["Ann>a a>b b>a", "Bob>b"],
        &["a: Ann by c0#1; Bob by c1#1,c0#3", "b: Ann by c0#1,c0#2; Bob by c1#1"],
    );
    // A name is an end, never a way.
    check(&["Ann>Shop Shop>a", "Bob>a"], &["a: Bob by c1#1; Shop by c0#2"]);
    // Money does not go back in time where both dates are known.
    check(&["Ann>a@2023-07-22 a>b@2023-07-21", "Bob>b"], &[]);
    check(&["Ann>a@2023-07-22 a>b@2023-07-22", "Bob>b"], &["b: Ann by c0#1,c0#2; Bob by c1#1"]);
    check(&["Ann>a@2023-07-22 a>b b>c@2023-07-21", "Bob>c"], &[]);
    check(&["Ann>a@2023-07-22T10:00:00Z a>b@2023-07-22T09:00:00Z", "Bob>b"], &[]);
    check(
        &["Ann>a@2023-07-22T10:00:00Z a>b@2023-07-22", "Bob>b"],
        &["b: Ann by c0#1,c0#2; Bob by c1#1"],
    );
    // The longer way is taken where the shorter comes too late.
    check(
        &["Ann>b@2023-07-25 Ann>a@2023-07-01 a>b@2023-07-02 b>c@2023-07-03", "Bob>c"],
        &["c: Ann by c0#2,c0#3,c0#4; Bob by c1#1"],
    );
    // Most names first.
    check(
        &["Ann>a Bob>a", "Ann>z Bob>z Cid>z"],
        &["z: Ann by c1#1; Bob by c1#2; Cid by c1#3", "a: Ann by c0#1; Bob by c0#2"],
    );
}

#[test]
fn the_zero_address_is_no_wallet() {
    let zero = "0x0000000000000000000000000000000000000000";
    let text = format!(
        "schema = \"dyepack.case/1\"\nid = \"z\"\ntitle = \"t\"\n{}",
        ["Ann", "Bob"]
            .map(|n| format!(
                "[[flow]]\nchain = \"bsc\"\nfrom = \"{n}\"\nto = \"{zero}\"\nsource = \"s\"\n"
            ))
            .concat()
    );
    assert_eq!(shared_wallets(&[&case(&text)], &Stops::default()).unwrap(), []);
}

#[test]
fn a_stop_is_no_evidence_and_no_way() {
    let cases = cases_of(&["Ann>a a>b", "Bob>a"]);
    let given: Vec<&CaseFile> = cases.iter().collect();
    let mut book = Casebook::default();
    let label = Label {
        chain: Chain::ETHEREUM,
        address: Address::Evm([b'a'; 20]),
        name: "Exchange 1".into(),
        category: Category::Exchange,
        confidence: 80,
        source: "S".into(),
        date: None,
        actor: None,
        uri: None,
    };
    book.apply(Claim {
        who: "me".into(),
        when: Time::from_seconds(0),
        what: What::LabelAdded(label),
    });
    let shared = shared_wallets(&given, &Stops::new(&book, 50, &[])).unwrap();
    assert_eq!(shared.len(), 1);
    assert_eq!(shared[0].stop.as_ref().map(|stop| stop.name.as_str()), Some("Exchange 1"));
    assert!(
        shared[0]
            .to_string()
            .ends_with("(no evidence of a link: labelled \"Exchange 1\", exchange)")
    );
}

#[test]
fn a_flood_of_reports_is_refused_and_not_endured() {
    let head = "schema = \"dyepack.case/1\"\nid = \"flood\"\ntitle = \"t\"\n";
    let wallet = |n: usize| format!("0x{n:040x}");
    let flow = |from: String, to: String| {
        format!("[[flow]]\nchain = \"bsc\"\nfrom = \"{from}\"\nto = \"{to}\"\nsource = \"s\"\n")
    };
    let mut text = head.to_string();
    for n in 1..4_000 {
        text += &flow(format!("name number {n}"), wallet(1));
        text += &flow(wallet(n), wallet(n + 1));
    }
    assert_eq!(shared_wallets(&[&case(&text)], &Stops::default()), Err(TooManyReports));
}
