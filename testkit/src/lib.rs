//! For tests, fuzzing and benches only; no crate of the program depends on it.
//!
//! [`World`] holds transfers in memory as the engine reads them. [`script`] writes them as a person
//! would ("thief -> mixer 4 USDT"). [`Counted`] counts what is read of a ledger. [`random_ledger`] invents them from a seed. [`oracle`] follows them
//! in the slowest and plainest way there is, sharing no line with the engine.

mod counted;
mod dice;
mod oracle;
mod random;
mod script;
mod world;

pub use counted::Counted;
pub use dice::Dice;
pub use oracle::{Entry, Finding, Key, Query, oracle};
pub use random::{RandomLedger, Unseen, random_ledger};
pub use script::{address_of, script};
pub use world::World;
