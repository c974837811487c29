//! What fuzzing broke (fuzz/targets/journal_and_manifest.rs and archive_part.rs).
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::fs;
use std::path::Path;

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

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The state in the manifest of a folder.
fn state(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap();
    text.strip_suffix('}').unwrap().split_once("\"state\":").unwrap().1.to_string()
}

/// Writes a manifest under its right checksum.
fn write_state(folder: &Path, state: &str) {
    let sha256 = hash(state.as_bytes());
    let text = format!("{{\"dyepack.archive\":1,\"sha256\":\"{sha256}\",\"state\":{state}}}");
    fs::write(folder.join("manifest.json"), text).unwrap();
}

/// A manifest whose counts come near 2^64: summing them up, or counting on, panicked.
#[test]
fn counts_that_would_overflow_are_refused_with_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("a", numbered(&random_world(1, 6))));
    let good = state(folder.path());
    for key in ["next_number", "rows", "transactions", "transfers", "set_aside"] {
        for count in [u64::MAX, (1 << 40) + 1] {
            write_state(folder.path(), &with_count(&good, key, count));
            let error = Archive::open(folder.path()).err().unwrap();
            assert!(error.is_integrity() && error.to_string().contains("count"), "{key}: {error}");
        }
    }
    write_state(folder.path(), &good);
    assert!(Archive::open(folder.path()).is_ok());
}

/// A part that somebody changed and committed under its new hash: the Parquet library panicked.
#[test]
fn a_part_that_contradicts_itself_under_its_right_hash_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("a", numbered(&random_world(1, 6))));
    let good = state(folder.path());
    let path = good.split("\"path\": \"").nth(1).unwrap().split('"').next().unwrap();
    let part = fs::read(folder.path().join(path)).unwrap();
    let (mut refused, mut seed) = (0, Dice(7));
    for _ in 0..1200 {
        let mut changed = part.clone();
        changed[seed.below(part.len() as u64) as usize] = seed.below(256) as u8;
        let (old, new) = (hash(&part), hash(&changed));
        let state = good.replace(&old, &new).replace(&old[..16], &new[..16]);
        write_state(folder.path(), &state);
        let path = folder.path().join(path.replace(&old[..16], &new[..16]));
        fs::write(&path, changed).unwrap();
        let archive = Archive::read(folder.path()).unwrap();
        let rows = archive.transfers().and_then(|rows| rows.collect::<archive::Result<Vec<_>>>());
        if let Err(error) = rows {
            assert!(error.is_integrity(), "{error}");
            refused += 1;
        }
        fs::remove_file(&path).unwrap();
    }
    assert!(refused > 60, "{refused} refused");
}
