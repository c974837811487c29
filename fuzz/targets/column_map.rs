//! Foreign bytes as the column map itself; one that reads is tried on the files behind it.
#![no_main]

use chains::exports::ColumnMap;
use fuzz::{reading, spans};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let files = spans::files(input);
    let Ok(text) = std::str::from_utf8(files[0]) else { return };
    match ColumnMap::parse(text) {
        Err(error) => assert!(error.to_string().len() < 2_000 + text.len()),
        Ok(map) => files[1..].iter().for_each(|file| reading::text("map", file, Some(map.clone()))),
    }
});
