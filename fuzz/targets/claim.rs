//! Foreign bytes as records of the journal: what is understood is written canonically and reads
//! back, and everything that follows from the claims together can be asked for.
#![no_main]

use cases::casebook::Casebook;
use cases::claim::{Claim, Decoded};
use cases::reported::{flows_of, shared_wallets};
use cases::stop::Stops;
use fuzz::spans;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let records = spans::files(input);
    for record in &records {
        let decoded = Claim::decode(record);
        assert_eq!(decoded, Claim::decode(record), "read twice");
        if let Ok(Decoded::Claim(claim)) = decoded {
            let bytes = claim.encode().expect("what was read can be written");
            assert_eq!(Claim::decode(&bytes), Ok(Decoded::Claim(claim.clone())));
            assert_eq!(claim.encode(), Ok(bytes), "written twice");
        }
    }
    let Ok(book) = Casebook::from_claims(records.iter().copied()) else { return };
    assert!(book.labels().count() + book.cases().count() <= records.len());
    let again = Casebook::from_claims(records.iter().copied()).expect("as before");
    assert_eq!(book.labels_digest(), again.labels_digest());
    for label in book.labels() {
        assert!(book.labels_of(label.what.chain, &label.what.address).contains(&label));
    }
    let stops = Stops::new(&book, 50, &["Binance".to_string()]);
    let cases: Vec<_> = book.cases().map(|case| &case.what).collect();
    let flows = flows_of(&cases);
    assert_eq!(flows.len(), cases.iter().map(|case| case.flows.len()).sum::<usize>());
    let _ = shared_wallets(&cases, &stops);
});
