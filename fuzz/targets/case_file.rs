//! Foreign bytes as a case file: what reads is written canonically, reads back to itself, and can
//! become a claim.
#![no_main]

use cases::case_file::CaseFile;
use cases::claim::{Claim, Decoded, What};
use ledger::Time;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(case) = CaseFile::parse(input) else { return };
    assert_eq!(CaseFile::parse(input).as_ref(), Ok(&case), "read twice");
    let text = case.to_toml();
    let back = CaseFile::parse(text.as_bytes()).expect("its own text reads");
    assert_eq!(back, case);
    assert_eq!(back.to_toml(), text, "written twice");
    let when = Time::from_seconds(1_700_000_000);
    let claim = Claim { who: "fuzzer".into(), when, what: What::CaseAdded(case) };
    let bytes = claim.encode().expect("a case that was read is a claim");
    assert_eq!(Claim::decode(&bytes), Ok(Decoded::Claim(Box::new(claim))));
});
