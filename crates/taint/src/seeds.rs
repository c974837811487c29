//! Seeds: the transfers that took the money, and thefts that the data cannot show.

use ledger::Time;
use serde::{Deserialize, Serialize};

use crate::pot_ledger::{PotId, RowId};

/// At most this many incidents are replayed at once (a bit each in a segment's set).
pub const MAX_LABELS: usize = 64;

/// An incident, by its number in the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label(pub u8);

impl Label {
    pub(crate) fn bit(self) -> u64 {
        1 << (u32::from(self.0) % MAX_LABELS as u32)
    }
}

/// A theft that the data cannot show: its amount enters the pot, labelled, before row `before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    pub before: RowId,
    pub pot: PotId,
    pub amount: u128,
    pub time: Time,
    pub label: Label,
}

/// All seeds of a question, in order.
#[derive(Clone, Debug, Default)]
pub struct Seeds {
    rows: Vec<(RowId, Label)>,
    asserted: Vec<Asserted>,
}

impl Seeds {
    /// Orders the seeds. A row named twice for one incident counts once; asserted thefts of the same
    /// moment keep the order in which they are given. Labels from [`MAX_LABELS`] on have no seeds.
    pub fn new(mut rows: Vec<(RowId, Label)>, mut asserted: Vec<Asserted>) -> Seeds {
        let known = |label: Label| usize::from(label.0) < MAX_LABELS;
        rows.retain(|(_, label)| known(*label));
        asserted.retain(|theft| known(theft.label));
        rows.sort_unstable();
        rows.dedup();
        asserted.sort_by_key(|theft| theft.before);
        Seeds { rows, asserted }
    }

    pub fn rows(&self) -> &[(RowId, Label)] {
        &self.rows
    }

    pub fn asserted(&self) -> &[Asserted] {
        &self.asserted
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.asserted.is_empty()
    }

    /// The incidents that have a seed, each once.
    pub fn labels(&self) -> Vec<Label> {
        let rows = self.rows.iter().map(|(_, label)| *label);
        let mut labels: Vec<Label> =
            rows.chain(self.asserted.iter().map(|theft| theft.label)).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }
}

impl Seeds {
    /// The incident, if there is just one.
    pub(crate) fn only_label(&self) -> Option<Label> {
        match self.labels().as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

/// Walks through the seeds as the rows pass.
pub(crate) struct SeedCursor<'a> {
    rows: &'a [(RowId, Label)],
    asserted: &'a [Asserted],
}

impl<'a> SeedCursor<'a> {
    /// Starts at row `from`: what lies before it has been seen already.
    pub(crate) fn new(seeds: &'a Seeds, from: RowId) -> SeedCursor<'a> {
        let rows = &seeds.rows[seeds.rows.partition_point(|(row, _)| *row < from)..];
        let seen = seeds.asserted.partition_point(|theft| theft.before < from);
        SeedCursor { rows, asserted: &seeds.asserted[seen..] }
    }

    /// The next row at which something is seeded.
    pub(crate) fn next_row(&self) -> Option<RowId> {
        let asserted = self.asserted.first().map(|theft| theft.before);
        let row = self.rows.first().map(|(row, _)| *row);
        [asserted, row].into_iter().flatten().min()
    }

    /// The thefts asserted to enter before `row`, in order.
    pub(crate) fn take_asserted(&mut self, row: RowId) -> &'a [Asserted] {
        let count = self.asserted.partition_point(|theft| theft.before <= row);
        let (taken, rest) = self.asserted.split_at(count);
        self.asserted = rest;
        taken
    }

    /// The seeds that `row` is.
    pub(crate) fn take_labels(&mut self, row: RowId) -> &'a [(RowId, Label)] {
        let count = self.rows.partition_point(|(seed, _)| *seed <= row);
        let (taken, rest) = self.rows.split_at(count);
        self.rows = rest;
        taken
    }
}
