//! Last in, first out: the newest units leave first, and arrive in the order in which they left.

use super::{Rule, RuleName};
use crate::segments::Segments;

pub(crate) struct Lifo;

impl Rule for Lifo {
    const NAME: RuleName = RuleName::Lifo;
    type Content = Segments;

    fn take(content: &mut Segments, _balance: u128, amount: u128) -> Segments {
        content.split(amount, true)
    }
}
