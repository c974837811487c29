//! How each chain, and each tool that people export from, writes a ledger.
//!
//! Everything here is pure: bytes go in from whatever reader the caller holds, words of `ledger`
//! come out through a sink. Nothing opens a file or a socket, looks at a clock or keeps state
//! between calls, except the [`exports::Context`] that the caller passes along.

pub mod exports;
