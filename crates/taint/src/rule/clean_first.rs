//! Clean first: the holder spends what is his own before what is not, so the claim is the lowest
//! balance in between and later clean money never refills it.
//!
//! Source: Re Hallett's Estate (1880); James Roscoe v Winder (1915), the lowest intermediate balance.

use super::{Rule, RuleName};
use crate::content::Shares;

pub(crate) struct CleanFirst;

impl Rule for CleanFirst {
    const NAME: RuleName = RuleName::CleanFirst;
    type Content = Shares;

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
    let rest = balance - amount;
    tainted.saturating_sub(rest)
}
