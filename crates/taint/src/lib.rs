//! Follows stolen value through transfers, in integers, in order.
//!
//! Taint lives in pots (a place and an asset). A seed labels what a theft moved; a [`RuleName`]
//! says which units leave a pot first; stops end the following. Two ways compute the same answer:
//! [`replay`] passes over everything, [`trace`] reads only the pots that the value touched. Around
//! them, [`Range`] runs every conserving rule, because how far the answer depends on the rule is part
//! of the answer. The laws are in docs/method.md.
//!
//! The crate reads its world through [`PotLedger`] and [`Stops`]; it knows no file, clock or float.

mod checkpoint;
mod content;
mod engine;
mod flows;
mod hops;
mod memory;
mod outcome;
mod overlap;
mod paths;
mod pot_ledger;
mod pot_set;
mod pots;
mod prefetch;
mod range;
mod reach;
mod replay;
mod rule;
mod seeds;
mod segments;
mod table;
mod trace;

pub use checkpoint::CheckpointError;
pub use engine::Overflow;
pub use flows::Flow;
pub use hops::{HopColumn, Waterfall, waterfall};
pub use outcome::{Holding, Outcome, Sums, Unknown};
pub use overlap::Overlap;
pub use paths::{Path, PathKind, paths_to};
pub use pot_ledger::{
    AssetId, NO_POT, PlaceId, PlaceKind, Pot, PotHistory, PotId, PotLedger, Row, RowId, Stops,
    Where,
};
pub use range::{Range, RangedHolding, range, single};
pub use replay::{Replay, replay};
pub use rule::RuleName;
pub use seeds::{Asserted, Label, MAX_LABELS, Seeds};
pub use trace::trace;

/// What is asked of the engine, whichever way it computes the answer.
pub struct Question<'a, L> {
    pub ledger: &'a L,
    pub stops: &'a dyn Stops,
    pub seeds: &'a Seeds,
    /// Only rows before this one count; [`PotLedger::rows`] for all of them.
    pub until: RowId,
    /// Value that would arrive more hops than this away is reported where it arrives and not followed.
    pub max_hops: Option<u32>,
    /// An account with this many counterparties is a suspected service; 0 for never.
    pub service_degree: u32,
    pub detail: Detail,
}

impl<L> Clone for Question<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Question<'_, L> {}

impl<L> Question<'_, L> {
    /// The incident whose units stand in the lines of a table: one alone, where nothing is kept but
    /// amounts.
    fn label_in_lines(&self) -> Option<Label> {
        self.seeds.only_label().filter(|_| self.detail == Detail::Amounts)
    }

    /// True if no balance outgrows 128 bits, as far as the ledger knows.
    fn fits(&self) -> bool
    where
        L: PotLedger,
    {
        self.ledger.overflows().iter().all(|(_, row)| *row >= self.until)
    }
}

/// How much of the way is kept beside the amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What is where at the end, and nothing else: no times, no hops, no places that were emptied.
    Amounts,
    /// When value first and last came to each place too, and those that were emptied.
    Arrivals,
    /// Hops and shortfalls of each place too, which a hop limit needs.
    Hops,
    /// Each tainted movement too, for pictures and paths.
    Flows,
}
