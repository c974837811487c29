//! Tainted first: what the holder took out first was the stolen part, so that it is found in what
//! was bought with it.
//!
//! Source: Re Oatway (1903).

use super::{Rule, RuleName};
use crate::content::Shares;

pub(crate) struct TaintedFirst;

impl Rule for TaintedFirst {
    const NAME: RuleName = RuleName::TaintedFirst;
    type Content = Shares;

    fn take(content: &mut Shares, _balance: u128, amount: u128) -> Shares {
        content.split(|tainted| leaving(tainted, amount))
    }

    #[inline]
    fn part(tainted: u128, _balance: u128, amount: u128) -> Option<u128> {
        Some(leaving(tainted, amount))
    }
}

#[inline]
fn leaving(tainted: u128, amount: u128) -> u128 {
    tainted.min(amount)
}
