//! The world as the engine reads it: dense numbers instead of names, rows in position order.
//!
//! The archive's index has this shape; the program lends it to the engine through [`PotLedger`], so
//! that the engine and the archive stay strangers. Knowledge about places comes through [`Stops`].

use ledger::Time;
use serde::{Deserialize, Serialize};

/// Number of a row in the total order of all transfers, from 0.
pub type RowId = u64;
/// Number of a (place, asset).
pub type PotId = u32;
/// Number of a place; it belongs to one chain.
pub type PlaceId = u32;
/// Number of a (chain, asset).
pub type AssetId = u32;

/// In place of a pot: new value comes from nowhere.
pub const NO_POT: PotId = u32::MAX;

/// One transfer: `amount` base units leave `from`, `amount_to` arrive in `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// [`NO_POT`] where the value is new.
    pub from: PotId,
    pub to: PotId,
    pub amount: u128,
    /// Equal to `amount` unless the transfer converts one asset into another.
    pub amount_to: u128,
    /// True if what arrives is not what left: another asset, or another number of units of it.
    pub converts: bool,
    pub time: Time,
}

impl Row {
    /// Zero amounts move and mark nothing, and a transfer to oneself moves nothing.
    pub(crate) fn moves_nothing(&self) -> bool {
        self.from == self.to || (self.amount == 0 && self.amount_to == 0)
    }
}

/// What sort of place a pot lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    Account,
    Output,
    /// A UTXO transaction: passed through, and no hop.
    Transaction,
    Burn,
    Fee,
}

/// What a pot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pot {
    pub place: PlaceId,
    pub asset: AssetId,
    pub kind: PlaceKind,
}

/// A pot's own ledger from some row on.
pub struct PotHistory<R> {
    /// What the pot held just before that row, counted with shortfalls entering as unknown value.
    pub balance: u128,
    /// The rows from there on that touch the pot, ascending; rows that move nothing may be missing.
    pub rows: R,
}

/// The transfers, by row and by pot.
pub trait PotLedger {
    type Rows<'a>: Iterator<Item = RowId>
    where
        Self: 'a;

    /// How many rows there are.
    fn rows(&self) -> RowId;
    /// The row with that number, below [`PotLedger::rows`].
    fn row(&self, row: RowId) -> Row;
    /// The sides of that row, for whoever will need their pots soon: a hint that need not be right.
    #[inline]
    fn sides(&self, row: RowId) -> (PotId, PotId) {
        let row = self.row(row);
        (row.from, row.to)
    }
    /// Says that most rows are about to be read in order: a hint, which changes no answer.
    fn pass_over(&self) {}
    /// How many pots there are.
    fn pots(&self) -> usize;
    fn pot(&self, pot: PotId) -> Pot;
    /// The ledger of a pot from row `from` on.
    fn history(&self, pot: PotId, from: RowId) -> PotHistory<Self::Rows<'_>>;
    /// The row with which an account reaches `degree` distinct other accounts in transfers that move
    /// something and are no fees; `None` if no row below `until` does that.
    fn busy_from(&self, place: PlaceId, degree: u32, until: RowId) -> Option<RowId>;
    /// Assets whose balances would outgrow 128 bits, each with the row at which one first does.
    fn overflows(&self) -> Vec<(AssetId, RowId)>;
}

/// What people know about places, as far as it ends a trace. Several rules may ask at once.
pub trait Stops: Sync {
    /// Where value that arrives at `place` is from then on, if it is not followed further.
    fn stop(&self, place: PlaceId) -> Option<Where>;
    /// True if the user asked to trace through the place, so that it is no suspected service either.
    fn through(&self, place: PlaceId) -> bool;
}

/// Where value is, or why it was not followed further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Where {
    /// In a pot that was followed to the end.
    Unspent,
    Service,
    SuspectedService,
    Mixer,
    Bridge,
    Swap,
    Fee,
    Burned,
    /// Cut by the hop limit.
    Untraced,
}

impl Where {
    pub const ALL: [Where; 9] = [
        Where::Unspent,
        Where::Service,
        Where::SuspectedService,
        Where::Mixer,
        Where::Bridge,
        Where::Swap,
        Where::Fee,
        Where::Burned,
        Where::Untraced,
    ];

    /// The word in results: `unspent`, `service`, `suspected-service` …
    pub fn name(self) -> &'static str {
        match self {
            Where::Unspent => "unspent",
            Where::Service => "service",
            Where::SuspectedService => "suspected-service",
            Where::Mixer => "mixer",
            Where::Bridge => "bridge",
            Where::Swap => "swap",
            Where::Fee => "fee",
            Where::Burned => "burned",
            Where::Untraced => "untraced",
        }
    }
}
