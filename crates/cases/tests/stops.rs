//! Stops from labels: which kind wins, which label names it, what `--through` frees.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use cases::casebook::Casebook;
use cases::claim::{Claim, What};
use cases::label::{Category, Format, Label, Origin};
use cases::stop::{DEFAULT_CONFIDENCE, StopKind, Stops};
use ledger::{Address, Chain, Time};

const HERE: Address = Address::Evm([7; 20]);
const TEXT: &str = "0x0707070707070707070707070707070707070707";

fn label(name: &str, category: Category, confidence: u8) -> Label {
    Label {
        chain: Chain::ETHEREUM,
        address: HERE,
        name: name.into(),
        category,
        confidence,
        source: "S".into(),
        date: None,
        actor: None,
        uri: None,
    }
}

fn book(labels: impl IntoIterator<Item = Label>) -> Casebook {
    let mut book = Casebook::default();
    for label in labels {
        let when = Time::from_seconds(0);
        book.apply(Claim { who: "me".into(), when, what: What::LabelAdded(label) });
    }
    book
}

/// Labels (name, category, confidence), what to go through, and the stop: "kind name" or "".
fn check(labels: &[(&str, Category, u8)], through: &[&str], want: &str) {
    let through: Vec<String> = through.iter().map(ToString::to_string).collect();
    for reversed in [false, true] {
        let mut labels: Vec<Label> = labels.iter().map(|(n, c, p)| label(n, *c, *p)).collect();
        if reversed {
            labels.reverse();
        }
        let stops = Stops::new(&book(labels), DEFAULT_CONFIDENCE, &through);
        let stop = stops.stop_of(Chain::ETHEREUM, &HERE);
        let got =
            stop.map(|stop| format!("{} {}", stop.kind.name(), stop.name)).unwrap_or_default();
        assert_eq!(got, want, "{labels:?} through {through:?}", labels = stops);
    }
}

#[test]
fn categories_stop_as_settled() {
    for category in Category::ALL {
        let want = match category.name() {
            "exchange" | "payment" | "otc" | "gambling" | "swap-service" => "service X",
            "mixer" => "mixer X",
            "bridge" => "bridge X",
            "dex" => "swap X",
            _ => "",
        };
        check(&[("X", category, 50)], &[], want);
        check(&[("X", category, 49)], &[], "");
    }
}

#[test]
fn the_least_followable_wins_and_the_surest_names_it() {
    use Category::{Bridge, Dex, Exchange, Mixer, Otc, Theft};
    check(&[("E", Exchange, 100), ("M", Mixer, 50)], &[], "mixer M");
    check(&[("E", Exchange, 100), ("B", Bridge, 50)], &[], "bridge B");
    check(&[("D", Dex, 100), ("E", Exchange, 50)], &[], "service E");
    check(&[("D", Dex, 100), ("M", Mixer, 49)], &[], "swap D");
    check(&[("A", Exchange, 60), ("B", Otc, 70)], &[], "service B");
    check(&[("B", Exchange, 60), ("A", Otc, 60)], &[], "service A");
    check(&[("T", Theft, 100), ("E", Exchange, 50)], &[], "service E");
}

#[test]
fn through_frees_a_place_or_silences_a_category() {
    use Category::{Exchange, Mixer};
    let both = [("Binance 14", Exchange, 90), ("Fog", Mixer, 60)];
    check(&both, &["binance 14"], "");
    check(&both, &["Binance"], "mixer Fog");
    check(&both, &[TEXT], "");
    check(&both, &[&TEXT.to_uppercase().replace("0X", "0x")], "");
    check(&both, &["mixer"], "service Binance 14");
    check(&both, &["exchange"], "mixer Fog");
    check(&both, &["exchange", "Mixer"], "");
}

#[test]
fn what_was_passed_and_what_was_mistyped_is_told() {
    let book = book([label("Binance 14", Category::Exchange, 90)]);
    let through = ["Binanse".to_string(), "BINANCE 14".into(), "bridge".into(), TEXT.into()];
    let stops = Stops::new(&book, 50, &through);
    assert_eq!(stops.unmatched(), ["Binanse", "bridge"]);
    assert_eq!(stops.passed_through().collect::<Vec<_>>(), [(Chain::ETHEREUM, HERE)]);
    assert_eq!(stops.iter().count(), 0);
}

#[test]
fn a_label_stops_on_its_own_chain_and_never_at_the_zero_address() {
    let zero = Label { address: Address::Evm([0; 20]), ..label("Null", Category::Exchange, 100) };
    let stops = Stops::new(&book([label("X", Category::Mixer, 90), zero.clone()]), 50, &[]);
    assert!(stops.stop_of(Chain::ETHEREUM, &HERE).is_some());
    assert!(stops.stop_of(Chain::parse("bsc").unwrap(), &HERE).is_none());
    assert!(stops.stop_of(Chain::ETHEREUM, &zero.address).is_none());
}

#[test]
fn the_shipped_labels_stop_at_tornado_cash() {
    let bytes = include_bytes!("../../../data/labels/tornado_cash.yaml");
    let format = Format::sniff("tornado_cash.yaml", bytes).unwrap();
    let reading = format.read(bytes, &Origin::default()).unwrap();
    let stops = Stops::new(&book(reading.labels), DEFAULT_CONFIDENCE, &[]);
    // 39 tags; one address stands twice, once with a blank behind it.
    assert_eq!(stops.iter().filter(|(_, _, stop)| stop.kind == StopKind::Mixer).count(), 38);
    let pool =
        Address::parse(Chain::ETHEREUM, "0x910Cbd523D972eb0a6f4cAe4618aD62622b39DbF").unwrap();
    assert_eq!(stops.stop_of(Chain::ETHEREUM, &pool).unwrap().name, "tornado.cash");
}
