//! What people know, say and conclude about stolen value. Pure: it is given bytes and returns
//! values; it knows no file, socket, clock or environment, and it never touches an amount of the
//! ledger.
//!
//! - [`case_file`]: an incident as its investigator writes it (`case.toml`).
//! - [`label`]: who is said to be behind an address, read from the formats that exist.
//! - [`claim`]: both of these, and their withdrawal, as records of the append-only journal.
//! - [`casebook`]: what follows from all claims in order.
//! - [`cluster`]: which addresses are probably one owner's.
//! - [`stop`]: the labelled places where following value ends.
//! - [`reported`]: flows that somebody reported, and the wallets that incidents share by them.
//! - [`date`]: a date as somebody stated it.
//! - [`records`]: the words behind the engine's numbers; [`seed`]: which transfers the thefts are.
//! - [`result`]: the document that a trace is; [`assembly`] fills it, [`digest`] seals it.

pub mod assembly;
pub mod case_file;
pub mod casebook;
pub mod claim;
pub mod cluster;
mod coverage;
pub mod date;
pub mod digest;
pub mod label;
pub mod records;
pub mod reported;
pub mod result;
pub mod seed;
pub mod stop;
mod text;
