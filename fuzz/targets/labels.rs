//! Foreign bytes as each format of label files; the first byte chooses the format, or that the
//! sniffer does, and the name of the file, which tells an OFAC list its currency.
#![no_main]

use cases::claim::{Claim, Decoded, What};
use cases::label::{FORMATS, Format, MAX_FIELD, Origin};
use fuzz::spans;
use ledger::{Address, Time};

const NAMES: [&str; 8] = ["ETH", "TRX", "USDT", "XBT", "USDC", "BSC", "ARB", "BCH"];

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (choice, file) = spans::choice(input);
    let currency = NAMES[usize::from(choice >> 3) % NAMES.len()];
    let file_name = &format!("sanctioned_addresses_{currency}.txt");
    let sniffed = Format::sniff(if choice & 1 == 0 { file_name } else { "x" }, file);
    let told = FORMATS.get(usize::from(choice & 7));
    let Some(format) = told.or(sniffed) else { return };
    let source = if choice & 64 == 0 { "S" } else { "" };
    let origin = Origin { file_name, source, date: None };
    let reading = format.read(file, &origin);
    assert_eq!(reading, format.read(file, &origin), "read twice");
    let Ok(reading) = reading else { return };
    for aside in &reading.set_aside {
        assert!(aside.row > 0 && !aside.reason.is_empty() && aside.reason.len() <= MAX_FIELD);
        assert!(!aside.reason.chars().any(char::is_control), "{:?}", aside.reason);
    }
    assert!(reading.skipped.keys().all(|why| why.len() <= MAX_FIELD));
    for label in reading.labels {
        assert_eq!(Address::parse(label.chain, &label.address.to_string()), Ok(label.address));
        assert_eq!(label.clone().checked().as_ref(), Ok(&label));
        let when = Time::from_seconds(1_700_000_000);
        let claim = Claim { who: "fuzzer".into(), when, what: What::LabelAdded(label) };
        let bytes = claim.encode().expect("a label that was read is a claim");
        assert_eq!(Claim::decode(&bytes), Ok(Decoded::Claim(Box::new(claim))));
    }
});
