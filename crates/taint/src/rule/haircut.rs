//! Haircut (pro rata): every outflow carries the pot's own share of taint.
//!
//! Source: Möser, Böhme, Breuker, "Towards Risk Scoring of Bitcoin Transactions" (2014).

use super::{Rule, RuleName};
use crate::content::{Shares, mul_div};

pub(crate) struct Haircut;

impl Rule for Haircut {
    const NAME: RuleName = RuleName::Haircut;
    type Content = Shares;

    /// ⌊T·a/B⌋ leaves; what is floored off stays, so no unit is lost or made.
    fn take(content: &mut Shares, balance: u128, amount: u128) -> Shares {
        content.split(|tainted| leaving(tainted, balance, amount))
    }

    #[inline]
    fn part(tainted: u128, balance: u128, amount: u128) -> Option<u128> {
        Some(leaving(tainted, balance, amount))
    }
}

#[inline]
fn leaving(tainted: u128, balance: u128, amount: u128) -> u128 {
    mul_div(tainted, amount, balance)
}
