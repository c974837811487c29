//! Which addresses are probably one owner's. A cluster is an evidence tier of its own: nothing here is
//! merged into a trace, and each kind of evidence has its file.
//!
//! - [`CoSpend`]: addresses whose outputs one transaction spends together.

mod co_spend;

pub use co_spend::{ClusterError, CoSpend, Inputs, MAX_ADDRESSES};
