//! The rules: which units leave a pot first. One file each; this is the list.

mod clean_first;
mod fifo;
mod haircut;
mod lifo;
mod poison;
mod tainted_first;

use crate::content::Content;

pub(crate) use clean_first::CleanFirst;
pub(crate) use fifo::Fifo;
pub(crate) use haircut::Haircut;
pub(crate) use lifo::Lifo;
pub(crate) use poison::Poison;
pub(crate) use tainted_first::TaintedFirst;

/// A legal or forensic rule of tracing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleName {
    Poison,
    Haircut,
    Fifo,
    Lifo,
    CleanFirst,
    TaintedFirst,
}

impl RuleName {
    pub const ALL: [RuleName; 6] = [
        RuleName::Haircut,
        RuleName::Fifo,
        RuleName::Lifo,
        RuleName::CleanFirst,
        RuleName::TaintedFirst,
        RuleName::Poison,
    ];

    /// The rules that neither make nor lose a unit, over which low and high are taken.
    pub const CONSERVING: [RuleName; 5] = [
        RuleName::Haircut,
        RuleName::Fifo,
        RuleName::Lifo,
        RuleName::CleanFirst,
        RuleName::TaintedFirst,
    ];

    /// The word on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            RuleName::Poison => "poison",
            RuleName::Haircut => "haircut",
            RuleName::Fifo => "fifo",
            RuleName::Lifo => "lifo",
            RuleName::CleanFirst => "clean-first",
            RuleName::TaintedFirst => "tainted-first",
        }
    }

    pub fn parse(text: &str) -> Option<RuleName> {
        RuleName::ALL.into_iter().find(|rule| rule.name() == text)
    }

    /// False for poison, which counts reach and no amounts.
    pub fn conserves(self) -> bool {
        self != RuleName::Poison
    }
}

/// What a rule does: take units out of a pot that holds some with labels.
pub(crate) trait Rule {
    const NAME: RuleName;
    type Content: Content + serde::Serialize + serde::de::DeserializeOwned;

    /// Takes `amount` of the pot's `balance` units (0 < amount ≤ balance).
    fn take(content: &mut Self::Content, balance: u128, amount: u128) -> Self::Content;

    /// Of `tainted` units among `balance`, those that are among the `amount` that leaves; `None` where
    /// that takes more than these numbers. It agrees with [`Rule::take`].
    fn part(_tainted: u128, _balance: u128, _amount: u128) -> Option<u128> {
        None
    }
}
