//! Foreign bytes as the format `ethereum-etl`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::reading::text("ethereum-etl", input, None));
