//! What a pot, or a parcel on its way, holds of labelled units.
//!
//! Two forms serve all rules. [`Shares`] is a count per label: enough for rules that look only at how
//! much is tainted. [`crate::segments::Segments`] is a queue of runs of units, oldest first, each with the
//! set of incidents that claim it: for rules that look at age.

use ledger::Amount;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::seeds::Label;

pub(crate) type Labels = SmallVec<[Label; 2]>;

/// A sum that would not fit in 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch;

/// Labelled units among a known number of units.
pub(crate) trait Content: Clone + Default {
    /// The content of `amount` units without a label.
    fn clean(amount: u128) -> Self;
    /// True if no unit carries a label.
    fn is_clean(&self) -> bool;
    /// How many units carry `label`.
    fn of(&self, label: Label) -> u128;
    /// The labels that at least one unit carries, ascending.
    fn labels(&self) -> Labels;
    /// Gives all `amount` units the label.
    fn mark(&mut self, label: Label, amount: u128);
    /// Takes the label from every unit.
    fn unmark(&mut self, label: Label);
    /// Turns `amount` units of one asset into `amount_to` of another: the units [a,b) become
    /// [⌊a·amount_to/amount⌋, ⌊b·amount_to/amount⌋).
    fn convert(&mut self, amount: u128, amount_to: u128);
    /// Adds units as the newest, in their order.
    fn add(&mut self, newer: Self) -> Result<(), TooMuch>;
    /// Adds clean units as the newest.
    fn add_clean(&mut self, amount: u128);
    /// The least and the most units of `amount` that carry both labels.
    fn overlap(&self, a: Label, b: Label, amount: u128) -> (u128, u128);
    /// True if this can be the content of `balance` units: what a checkpoint must prove.
    fn fits(&self, balance: u128) -> bool;
    /// `units` with one label among any number without.
    fn of_one(label: Label, units: u128) -> Self;
    /// The units with `label`, if nothing else is to be said.
    fn as_one(&self, label: Label) -> Option<u128>;
    /// False for the default, which stands for any number of clean units.
    fn is_kept(&self) -> bool;
}

/// ⌊a·b/c⌋ for b ≤ c or a ≤ c, so that the result fits.
#[inline]
pub(crate) fn mul_div(a: u128, b: u128, c: u128) -> u128 {
    if let (Ok(x), Ok(y), Ok(z)) = (u64::try_from(a), u64::try_from(b), u64::try_from(c)) {
        let product = u128::from(x) * u128::from(y);
        return match u64::try_from(product) {
            Ok(small) if z != 0 => u128::from(small / z),
            _ => product.checked_div(c).unwrap_or(0),
        };
    }
    let share = Amount::new(a).mul_div(Amount::new(b), Amount::new(c));
    share.map_or(0, Amount::base_units)
}

/// A number of units per label, ascending by label, none zero. Nearly every pot carries one label at
/// most, so that one stands inline and only more of them cost an allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shares {
    #[default]
    None,
    One(Label, u128),
    Many(Vec<(Label, u128)>),
}

impl Shares {
    /// Takes from each label what `part` says of its units; what remains stays.
    pub(crate) fn split(&mut self, part: impl Fn(u128) -> u128) -> Shares {
        match self {
            Shares::None => Shares::None,
            Shares::One(label, held) => {
                let (label, leaving) = (*label, part(*held).min(*held));
                *held -= leaving;
                if *held == 0 {
                    *self = Shares::None;
                }
                if leaving > 0 { Shares::One(label, leaving) } else { Shares::None }
            }
            Shares::Many(all) => {
                let mut taken = Shares::None;
                for (label, held) in all.iter_mut() {
                    let leaving = part(*held).min(*held);
                    *held -= leaving;
                    taken.set(*label, leaving);
                }
                all.retain(|(_, held)| *held > 0);
                taken
            }
        }
    }

    pub(crate) fn as_slice(&self) -> impl Iterator<Item = (Label, u128)> {
        let (one, many) = match self {
            Shares::None => (None, [].as_slice()),
            Shares::One(label, units) => (Some((*label, *units)), [].as_slice()),
            Shares::Many(all) => (None, all.as_slice()),
        };
        one.into_iter().chain(many.iter().copied())
    }

    /// Gives a label this number of units; none of it for zero.
    pub(crate) fn set(&mut self, label: Label, units: u128) {
        match self {
            Shares::None if units > 0 => *self = Shares::One(label, units),
            Shares::None => {}
            Shares::One(own, held) if *own == label => {
                *held = units;
                if units == 0 {
                    *self = Shares::None;
                }
            }
            Shares::One(own, held) if units > 0 => {
                let mut all = vec![(*own, *held), (label, units)];
                all.sort_unstable_by_key(|(label, _)| *label);
                *self = Shares::Many(all);
            }
            Shares::One(..) => {}
            Shares::Many(all) => match all.binary_search_by_key(&label, |(own, _)| *own) {
                Ok(at) if units > 0 => all[at].1 = units,
                Ok(at) => drop(all.remove(at)),
                Err(at) if units > 0 => all.insert(at, (label, units)),
                Err(_) => {}
            },
        }
    }
}

impl Content for Shares {
    fn clean(_amount: u128) -> Shares {
        Shares::None
    }

    fn is_clean(&self) -> bool {
        match self {
            Shares::None => true,
            Shares::One(..) => false,
            Shares::Many(all) => all.is_empty(),
        }
    }

    fn of(&self, label: Label) -> u128 {
        self.as_slice().find(|(own, _)| *own == label).map_or(0, |(_, units)| units)
    }

    fn labels(&self) -> Labels {
        self.as_slice().map(|(label, _)| label).collect()
    }

    fn mark(&mut self, label: Label, amount: u128) {
        self.set(label, amount);
    }

    fn unmark(&mut self, label: Label) {
        self.set(label, 0);
    }

    fn convert(&mut self, amount: u128, amount_to: u128) {
        for label in self.labels() {
            self.set(label, mul_div(self.of(label), amount_to, amount));
        }
    }

    fn add(&mut self, newer: Shares) -> Result<(), TooMuch> {
        match (&mut *self, newer) {
            (_, Shares::None) => {}
            (Shares::None, newer) => *self = newer,
            (Shares::One(own, held), Shares::One(label, units)) if *own == label => {
                *held = held.checked_add(units).ok_or(TooMuch)?;
            }
            (_, newer) => {
                for (label, units) in newer.as_slice() {
                    let sum = self.of(label).checked_add(units).ok_or(TooMuch)?;
                    self.set(label, sum);
                }
            }
        }
        Ok(())
    }

    fn add_clean(&mut self, _amount: u128) {}

    fn overlap(&self, a: Label, b: Label, amount: u128) -> (u128, u128) {
        let (a, b) = (self.of(a), self.of(b));
        // a + b − amount, without leaving 128 bits: a is at most amount.
        (b.saturating_sub(amount.saturating_sub(a)), a.min(b))
    }

    fn fits(&self, balance: u128) -> bool {
        self.as_slice().all(|(_, units)| (1..=balance).contains(&units))
            && self.labels().is_sorted_by(|a, b| a < b)
    }

    fn of_one(label: Label, units: u128) -> Shares {
        Shares::One(label, units)
    }

    fn as_one(&self, label: Label) -> Option<u128> {
        match self {
            Shares::One(own, units) if *own == label => Some(*units),
            _ => None,
        }
    }

    fn is_kept(&self) -> bool {
        !matches!(self, Shares::None)
    }
}
