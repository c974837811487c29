//! Foreign bytes as `transfers`, CSV or JSON lines as they look, and as whatever the sniffer takes
//! them for.
#![no_main]

use chains::exports::{formats, named, sniff};
use fuzz::{reading, spans};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    reading::text("transfers", input, None);
    let (_, file) = spans::choice(input);
    if let Some(found) = sniff("file", file) {
        assert_eq!(named(found.format, file).as_ref(), Some(&found));
        if !found.parquet && found.format != "transfers" {
            reading::text(found.format, input, None);
        }
    }
    for format in formats() {
        assert!(named(format, file).is_some_and(|told| told.format == format));
    }
});
