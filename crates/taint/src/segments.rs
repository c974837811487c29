//! The units of a pot or parcel by age: runs of units that the same incidents claim, oldest first, for
//! the rules that ask which units came first.
//!
//! Most pots hold few runs, and nearly every parcel is one, so the oldest stands inline and only more of
//! them take memory of their own: a transfer that moves a single run allocates nothing.

use std::collections::VecDeque;
use std::iter;

use serde::{Deserialize, Serialize};

use crate::content::{Content, Labels, TooMuch, mul_div};
use crate::seeds::Label;

/// A run of units that the same incidents claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    units: u128,
    /// One bit per label; 0 for clean units.
    labels: u64,
}

/// All units of a pot or parcel, oldest (or first to leave) in front. Neighbouring runs differ in their
/// labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "VecDeque<Segment>", into = "VecDeque<Segment>")]
pub(crate) struct Segments {
    /// No units if there are none at all.
    oldest: Segment,
    newer: VecDeque<Segment>,
}

impl TryFrom<VecDeque<Segment>> for Segments {
    type Error = &'static str;

    fn try_from(mut all: VecDeque<Segment>) -> Result<Segments, &'static str> {
        let is_one_run = |pair: (&Segment, &Segment)| pair.0.labels == pair.1.labels;
        let splits_runs = all.iter().zip(all.iter().skip(1)).any(is_one_run);
        if splits_runs || all.iter().any(|segment| segment.units == 0) {
            return Err("no runs of units");
        }
        let oldest = all.pop_front().unwrap_or_default();
        Ok(Segments { oldest, newer: all })
    }
}

impl From<Segments> for VecDeque<Segment> {
    fn from(segments: Segments) -> VecDeque<Segment> {
        segments.iter().copied().collect()
    }
}

impl Segments {
    fn iter(&self) -> impl Iterator<Item = &Segment> {
        iter::once(&self.oldest).filter(|_| self.is_kept()).chain(&self.newer)
    }

    /// All of them, to be put in again.
    fn take(&mut self) -> impl Iterator<Item = Segment> + use<> {
        let Segments { oldest, newer } = std::mem::take(self);
        iter::once(oldest).chain(newer)
    }

    fn push_newest(&mut self, segment: Segment) {
        let last = self.newer.back_mut().unwrap_or(&mut self.oldest);
        if segment.units == 0 {
        } else if last.units == 0 {
            *last = segment;
        } else if last.labels == segment.labels {
            last.units += segment.units;
        } else {
            self.newer.push_back(segment);
        }
    }

    /// Takes `amount` units from the old end, or from the new one, in the order of leaving.
    pub(crate) fn split(&mut self, amount: u128, newest_first: bool) -> Segments {
        let mut taken = Segments::default();
        let mut left = amount;
        while left > 0 {
            let end = match self.newer.back_mut() {
                Some(newest) if newest_first => newest,
                _ => &mut self.oldest,
            };
            let units = end.units.min(left);
            if units == 0 {
                break;
            }
            end.units -= units;
            left -= units;
            taken.push_newest(Segment { units, labels: end.labels });
            if end.units == 0 {
                self.drop_end(newest_first);
            }
        }
        taken
    }

    fn drop_end(&mut self, newest_first: bool) {
        if !newest_first || self.newer.pop_back().is_none() {
            self.oldest = self.newer.pop_front().unwrap_or_default();
        }
    }

    fn map_labels(&mut self, change: impl Fn(u64) -> u64) {
        for Segment { units, labels } in self.take() {
            self.push_newest(Segment { units, labels: change(labels) });
        }
    }

    fn sum(&self, wanted: u64) -> u128 {
        self.iter().filter(|s| s.labels & wanted == wanted).map(|s| s.units).sum()
    }
}

impl Content for Segments {
    fn clean(amount: u128) -> Segments {
        Segments { oldest: Segment { units: amount, labels: 0 }, newer: VecDeque::new() }
    }

    /// Neighbours differ in their labels, so of two runs one has some.
    fn is_clean(&self) -> bool {
        self.newer.is_empty() && self.oldest.labels == 0
    }

    fn of(&self, label: Label) -> u128 {
        self.sum(label.bit())
    }

    fn labels(&self) -> Labels {
        let mut set = self.iter().fold(0, |set, segment| set | segment.labels);
        let mut labels = Labels::new();
        while set != 0 {
            labels.push(Label(set.trailing_zeros() as u8));
            set &= set - 1;
        }
        labels
    }

    fn mark(&mut self, label: Label, _amount: u128) {
        self.map_labels(|labels| labels | label.bit());
    }

    fn unmark(&mut self, label: Label) {
        self.map_labels(|labels| labels & !label.bit());
    }

    fn convert(&mut self, amount: u128, amount_to: u128) {
        let (mut passed, mut arrived) = (0u128, 0u128);
        for Segment { units, labels } in self.take() {
            passed += units;
            let edge = mul_div(passed, amount_to, amount);
            self.push_newest(Segment { units: edge - arrived, labels });
            arrived = edge;
        }
    }

    fn add(&mut self, mut newer: Segments) -> Result<(), TooMuch> {
        if !self.is_kept() {
            *self = newer;
            return Ok(());
        }
        for segment in newer.take() {
            self.push_newest(segment);
        }
        Ok(())
    }

    fn add_clean(&mut self, amount: u128) {
        self.push_newest(Segment { units: amount, labels: 0 });
    }

    fn overlap(&self, a: Label, b: Label, _amount: u128) -> (u128, u128) {
        let both = self.sum(a.bit() | b.bit());
        (both, both)
    }

    fn fits(&self, balance: u128) -> bool {
        self.iter().try_fold(0u128, |sum, s| sum.checked_add(s.units)) == Some(balance)
    }

    fn of_one(label: Label, units: u128) -> Segments {
        let mut content = Segments::clean(units);
        content.mark(label, units);
        content
    }

    /// Never: where the units stand in the queue is to be said.
    fn as_one(&self, _label: Label) -> Option<u128> {
        None
    }

    fn is_kept(&self) -> bool {
        self.oldest.units > 0
    }
}
