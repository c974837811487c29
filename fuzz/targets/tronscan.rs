//! Foreign bytes as the format `tronscan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::reading::text("tronscan", input, None));
