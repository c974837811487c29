//! Claims and the casebook: round trips, junk, later versions, and what follows from the order of
//! claims.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use cases::case_file::CaseFile;
use cases::casebook::Casebook;
use cases::claim::{Claim, ClaimError, Decoded, LabelKey, What};
use cases::date::Date;
use cases::label::{Category, Label};
use ledger::{Address, Chain, Time};

const COINSPAID: &str = include_str!("../../../examples/coinspaid-2023/case.toml");

fn label(name: &str, category: Category, confidence: u8, source: &str) -> Label {
    Label {
        chain: Chain::ETHEREUM,
        address: Address::Evm([7; 20]),
        name: name.into(),
        category,
        confidence,
        source: source.into(),
        date: Some(Date::parse("2023-07-22").unwrap()),
        actor: None,
        uri: Some("https://example.org/?a=\"b\"".into()),
    }
}

fn claim(what: What) -> Claim {
    Claim { who: "me".into(), when: Time::from_seconds(1_700_000_000), what }
}

fn encoded(what: What) -> Vec<u8> {
    claim(what).encode().unwrap()
}

fn coinspaid() -> CaseFile {
    CaseFile::parse(COINSPAID.as_bytes()).unwrap()
}

fn book(claims: &[Vec<u8>]) -> Casebook {
    Casebook::from_claims(claims.iter().map(Vec::as_slice)).unwrap()
}

#[test]
fn claims_read_back() {
    let added = label("Binance 14", Category::Exchange, 90, "S");
    let key = LabelKey::from(&added);
    for what in [
        What::LabelAdded(added),
        What::LabelRetracted(key),
        What::CaseAdded(coinspaid()),
        What::CaseRemoved("coinspaid-2023".into()),
    ] {
        let claim = claim(what);
        let bytes = claim.encode().unwrap();
        assert_eq!(Claim::decode(&bytes), Ok(Decoded::Claim(Box::new(claim.clone()))));
        assert_eq!(claim.encode().unwrap(), bytes);
    }
    let bytes = encoded(What::CaseRemoved("x".into()));
    let want = r#"{"v":1,"kind":"case-removed","who":"me","when":"2023-11-14T22:13:20Z","id":"x"}"#;
    assert_eq!(String::from_utf8(bytes).unwrap(), want);
}

#[test]
fn what_would_not_read_back_is_not_written() {
    let refused = |what| claim(what).encode().is_err();
    assert!(refused(What::LabelAdded(label("", Category::Other, 1, "S"))));
    assert!(refused(What::LabelAdded(label("a\u{202e}b", Category::Other, 1, "S"))));
    assert!(refused(What::LabelAdded(label("A", Category::Other, 101, "S"))));
    assert!(refused(What::CaseRemoved("No Id".into())));
    let mut case = coinspaid();
    case.id = "No Id".into();
    assert!(refused(What::CaseAdded(case)));
    assert!(Claim { who: " ".into(), ..claim(What::CaseRemoved("x".into())) }.encode().is_err());
}

/// `want` is "" for a claim, "later" for what is not understood, else the beginning of the error.
fn check(json: &str, want: &str) {
    match Claim::decode(json.as_bytes()) {
        Ok(Decoded::Claim(_)) => assert_eq!("", want, "{json}"),
        Ok(Decoded::NotUnderstood { .. }) => assert_eq!("later", want, "{json}"),
        Err(error) => {
            let error = error.to_string();
            assert!(!want.is_empty() && error.starts_with(want), "\n got {error}\nwant {want}");
        }
    }
}

#[test]
fn junk_is_an_error_and_the_future_is_not() {
    let removed = |rest: &str| {
        format!(r#"{{"v":1,"kind":"case-removed","who":"w","when":"2023-07-22T00:00:00Z"{rest}}}"#)
    };
    check(&removed(r#","id":"x""#), "");
    check(&removed(r#","id":"X""#), "the claim's id: ");
    check(&removed(""), "the claim's kind: ");
    check(&removed(r#","id":"x","case":"y""#), "the claim's kind: ");
    check(&removed(r#","id":"x","color":1"#), "the claim is no JSON of its kind: unknown field");
    check(&removed(r#","id":"x","id":"y""#), "the claim is no JSON of its kind: duplicate field");
    check(&removed(r#","id":"x""#).replace("T00:00:00Z", ""), "the claim's when: ");
    check(&removed(r#","id":"x""#).replace("\"w\"", "\"\""), "the claim's who: ");
    check(&removed(r#","id":"x""#).replace("\"v\":1", "\"v\":0"), "the claim's v: ");
    check(&removed(r#","id":"x""#).replace("\"v\":1", "\"v\":-1"), "the claim is no JSON");
    check(&removed(r#","id":"x""#).replace("case-removed", "case-added"), "the claim's kind: ");
    check(
        &removed(r#","case":"junk""#).replace("case-removed", "case-added"),
        "the claim's case: line 1",
    );
    check(r#"{"v":1,"kind":"link-accepted","anything":[1]}"#, "later");
    check(r#"{"v":2,"kind":"label-added","label":5}"#, "later");
    check(r#"{"v":1}"#, "the claim is no JSON");
    check("", "the claim is no JSON");
    check("[1]", "the claim is no JSON");
    check(&"[".repeat(100_000), "the claim is no JSON");
    check(&format!(r#"{{"v":1,"kind":{}"#, r#"{"a":"#.repeat(100_000)), "the claim is no JSON");
    let long = vec![b' '; cases::claim::MAX_CLAIM + 1];
    assert_eq!(Claim::decode(&long), Err(ClaimError::TooLarge));
}

#[test]
fn the_casebook_follows_the_order_of_claims() {
    let binance = label("Binance 14", Category::Exchange, 60, "A");
    let surer = Label { confidence: 90, ..binance.clone() };
    let mixer = label("Some mixer", Category::Mixer, 75, "B");
    let added = |label: &Label| encoded(What::LabelAdded(label.clone()));
    let retracted = |label: &Label| encoded(What::LabelRetracted(LabelKey::from(label)));
    let names = |claims: &[Vec<u8>]| -> Vec<(String, u8)> {
        let book = book(claims);
        let found = book.labels_of(Chain::ETHEREUM, &Address::Evm([7; 20]));
        found.iter().map(|l| (l.what.name.clone(), l.what.confidence)).collect()
    };
    let two = vec![("Binance 14".to_string(), 90), ("Some mixer".to_string(), 75)];
    assert_eq!(names(&[added(&mixer), added(&binance), added(&surer)]), two);
    assert_eq!(names(&[added(&mixer), added(&surer), retracted(&binance)]), two[1..]);
    assert_eq!(names(&[retracted(&surer), added(&surer), added(&mixer)]), two);
    assert_eq!(names(&[]), []);
}

#[test]
fn cases_come_and_go() {
    let case = coinspaid();
    let added = encoded(What::CaseAdded(case.clone()));
    let removed = encoded(What::CaseRemoved(case.id.clone()));
    let two = book(std::slice::from_ref(&added));
    assert_eq!(two.case("coinspaid-2023").map(|claimed| &claimed.what), Some(&case));
    assert_eq!(two.case("coinspaid-2023").map(|claimed| claimed.who.as_str()), Some("me"));
    assert_eq!(book(&[added.clone(), removed.clone()]).cases().count(), 0);
    assert_eq!(book(&[added.clone(), removed, added.clone(), added]).cases().count(), 1);
}

#[test]
fn damage_is_named_and_the_future_reported() {
    let good = encoded(What::CaseRemoved("x".into()));
    let later = br#"{"v":9,"kind":"prophecy"}"#.to_vec();
    let book = book(&[good.clone(), later.clone()]);
    let seen = &book.not_understood()[0];
    assert_eq!((seen.number, seen.version, seen.kind.as_str()), (2, 9, "prophecy"));
    let error = Casebook::from_claims([&good[..], &later, b"junk"]).unwrap_err();
    assert!(
        error.to_string().starts_with("claim 3 of the journal: the claim is no JSON"),
        "{error}"
    );
}

#[test]
fn the_digest_is_of_labels_alone() {
    let (a, b) = (label("A", Category::Other, 1, "S"), label("B", Category::Other, 1, "S"));
    let at = |when: u32, who: &str, label: &Label| {
        let when = Time::from_seconds(when);
        Claim { who: who.into(), when, what: What::LabelAdded(label.clone()) }.encode().unwrap()
    };
    let digest = |claims: &[Vec<u8>]| book(claims).labels_digest();
    let one = digest(&[at(1, "x", &a), at(2, "y", &b)]);
    assert_eq!(one, digest(&[at(9, "z", &b), at(8, "z", &a), at(7, "z", &a)]));
    assert_ne!(one, digest(&[at(1, "x", &a)]));
    let surer = Label { confidence: 2, ..b.clone() };
    assert_ne!(one, digest(&[at(1, "x", &a), at(2, "y", &surer)]));
    // printf 'dyepack.labels/1\n' | sha256sum
    let empty = "sha256:96e78d91643f3a3a4b7c4f39d4c774c196ee72c9d19e656eb8fcc654559b7a50";
    assert_eq!(digest(&[]), empty);
    // The same with one line of JSON after it.
    let line = "sha256:0e29fb87aadb4f6b300f4820b08d845c547f3c2af66e7f586bb552960a186d60";
    assert_eq!(digest(&[at(1, "x", &a)]), line);
}
