//! Foreign bytes as the format `etherscan-api`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::reading::text("etherscan-api", input, None));
