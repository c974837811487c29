//! First in, first out: the oldest units leave first.
//!
//! Source: Clayton's case (Devaynes v Noble, 1816); Anderson, Shumailov, Ahmed, Rietmann,
//! "Bitcoin Redux" (2018).

use super::{Rule, RuleName};
use crate::segments::Segments;

pub(crate) struct Fifo;

impl Rule for Fifo {
    const NAME: RuleName = RuleName::Fifo;
    type Content = Segments;

    fn take(content: &mut Segments, _balance: u128, amount: u128) -> Segments {
        content.split(amount, false)
    }
}
