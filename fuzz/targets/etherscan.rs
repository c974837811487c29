//! Foreign bytes as the format `etherscan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::reading::text("etherscan", input, None));
