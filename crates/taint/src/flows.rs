//! Flows: the tainted movements of a run, one record each, in order. Pictures and evidence paths are
//! made from them.

use crate::pot_ledger::{PotId, RowId, Where};
use crate::seeds::Label;

/// One transfer that carried labelled value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    pub row: RowId,
    pub label: Label,
    /// [`crate::NO_POT`] where the value is new; equal to `to` for an asserted theft.
    pub from: PotId,
    /// [`crate::NO_POT`] where it was converted into an asset that is left out.
    pub to: PotId,
    /// Labelled units that left `from`.
    pub left: u128,
    /// Units that got the label with this movement, because it is a seed.
    pub injected: u128,
    /// Labelled units that arrived, in the asset of `to`; 0 where a conversion rounded them off.
    pub arrived: u128,
    /// True if they arrived as another asset, or as another number of units.
    pub converts: bool,
    /// What became of them.
    pub end: Where,
    /// Hops of the receiving place at that moment.
    pub hops: u32,
    /// True for a theft that the data cannot show; `row` is the one before which it entered.
    pub asserted: bool,
}
