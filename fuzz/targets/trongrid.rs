//! Foreign bytes as the format `trongrid`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::reading::text("trongrid", input, None));
