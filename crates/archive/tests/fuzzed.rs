//! What fuzzing broke (fuzz/targets/journal_and_manifest.rs).
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::fs;

use archive::Archive;
use sha2::{Digest, Sha256};
use support::*;

/// The state with the first number behind `key` replaced.
fn with_count(state: &str, key: &str, count: u64) -> String {
    let start = state.find(&format!("\"{key}\": ")).unwrap() + key.len() + 4;
    let digits = state[start..].bytes().take_while(u8::is_ascii_digit).count();
    assert!(digits > 0, "{key} is a number");
    format!("{}{count}{}", &state[..start], &state[start + digits..])
}

/// A manifest under its right checksum whose counts come near 2^64: summing them up, or counting on,
/// panicked.
#[test]
fn counts_that_would_overflow_are_refused_with_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("a", numbered(&random_world(1, 6))));
    let path = folder.path().join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let (_, state) = text.strip_suffix('}').unwrap().split_once("\"state\":").unwrap();
    let write = |state: &str| {
        let hash: String = Sha256::digest(state).iter().map(|b| format!("{b:02x}")).collect();
        let text = format!("{{\"dyepack.archive\":1,\"sha256\":\"{hash}\",\"state\":{state}}}");
        fs::write(&path, text).unwrap();
        Archive::open(folder.path())
    };
    for key in ["next_number", "rows", "transactions", "transfers", "set_aside"] {
        for count in [u64::MAX, (1 << 40) + 1] {
            let error = write(&with_count(state, key, count)).err().unwrap();
            assert!(error.is_integrity() && error.to_string().contains("count"), "{key}: {error}");
        }
    }
    assert!(write(state).is_ok());
}
