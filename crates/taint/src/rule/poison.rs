//! Poison: after its first tainted receipt, everything that leaves a pot is tainted. It measures
//! reach and conserves nothing; a pot's count is the sum of its tainted receipts.
//!
//! Source: Möser, Böhme, Breuker, "Towards Risk Scoring of Bitcoin Transactions" (2014).

use super::{Rule, RuleName};
use crate::content::Shares;

pub(crate) struct Poison;

impl Rule for Poison {
    const NAME: RuleName = RuleName::Poison;
    type Content = Shares;

    fn take(content: &mut Shares, _balance: u128, amount: u128) -> Shares {
        let mut taken = Shares::None;
        content.as_slice().for_each(|(label, _)| taken.set(label, amount));
        taken
    }
}
