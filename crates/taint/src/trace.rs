//! Trace: the same answer from the pots that the value touched. The ledgers of followed pots are
//! merged by position; the cost grows with what is touched, not with the chain.
//!
//! Where much is touched, to look for the next row costs more than to pass over those between. So a trace
//! looks back from time to time, and where its last rows lay so close that passing over all of them would
//! have been cheaper, it does that from there on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::engine::{Engine, Overflow};
use crate::outcome::Outcome;
use crate::pot_ledger::{AssetId, PotId, PotLedger, RowId};
use crate::pots::Pots;
use crate::replay::Pass;
use crate::rule::{CleanFirst, Fifo, Haircut, Lifo, Poison, Rule, TaintedFirst};
use crate::seeds::SeedCursor;
use crate::{Question, RuleName, reach};

/// Rows between two looks back; a shorter trace is never given up.
const WINDOW: RowId = 1024;

/// Rows that can be passed over for the price of one that is looked for, and for that of a pot that moves
/// into a table of all. Measured: 6 ns, 350 and 600.
const LOOKED_FOR: u128 = 60;
const MOVED: u128 = 100;

/// Rows of a pot that are read on after the last taint has left it. Fewer would save nothing where taint
/// comes back soon, since to look the balance up again costs as much as some rows.
const PATIENCE: u32 = 16;

/// Traces from the seeds, reading only what they lead to. Equal to [`crate::replay`], always.
pub fn trace<L: PotLedger>(
    question: Question<'_, L>,
    rule: RuleName,
    excluded: &[AssetId],
) -> Result<Outcome, Overflow> {
    match rule {
        RuleName::Poison => Queue::<Poison, L>::run(question, excluded),
        RuleName::Haircut => Queue::<Haircut, L>::run(question, excluded),
        RuleName::Fifo => Queue::<Fifo, L>::run(question, excluded),
        RuleName::Lifo => Queue::<Lifo, L>::run(question, excluded),
        RuleName::CleanFirst => Queue::<CleanFirst, L>::run(question, excluded),
        RuleName::TaintedFirst => Queue::<TaintedFirst, L>::run(question, excluded),
    }
}

struct Queue<'q, R: Rule, L: PotLedger> {
    engine: Engine<'q, R, L>,
    ledger: &'q L,
    until: RowId,
    /// The next row of each followed pot.
    next: BinaryHeap<Reverse<(RowId, PotId)>>,
    rest: FxHashMap<PotId, Reading<L::Rows<'q>>>,
    /// Rows so far.
    touched: RowId,
    /// How many rows had been touched when it last looked back, and where that was.
    looked_back: (RowId, RowId),
}

/// The ledger of a followed pot.
struct Reading<I> {
    rows: I,
    /// How many were read since the last taint left.
    idle: u32,
}

impl<'q, R: Rule, L: PotLedger> Queue<'q, R, L> {
    fn run(question: Question<'q, L>, excluded: &'q [AssetId]) -> Result<Outcome, Overflow> {
        let mut seeds = SeedCursor::new(question.seeds, 0);
        let mut queue = Queue {
            engine: Engine::<R, L>::new(question, excluded, Pots::met()),
            ledger: question.ledger,
            until: question.until,
            next: BinaryHeap::new(),
            rest: FxHashMap::default(),
            touched: 0,
            looked_back: (0, seeds.next_row().unwrap_or(0)),
        };
        while let Some(row) = queue.earliest(seeds.next_row()) {
            if queue.is_dear(row) {
                return match R::NAME == RuleName::Poison && reach::answers(&question, excluded) {
                    true => reach::reach(question),
                    false => Pass::of_trace(queue.engine, row, seeds, excluded),
                };
            }
            for theft in seeds.take_asserted(row) {
                queue.engine.assert(theft)?;
                queue.read_new_ledgers(theft.before);
            }
            if row >= queue.until {
                break;
            }
            if queue.peek() == Some(row) || seeds.next_row() == Some(row) {
                queue.step(row, &mut seeds)?;
            }
        }
        Ok(Outcome::of(queue.engine))
    }

    fn peek(&self) -> Option<RowId> {
        self.next.peek().map(|Reverse((row, _))| *row)
    }

    /// Looks back: true if to pass over all rows would have been cheaper of late, the move included, of
    /// which every row that is left carries its part.
    fn is_dear(&mut self, row: RowId) -> bool {
        if self.touched < self.looked_back.0 + WINDOW {
            return false;
        }
        let passed = u128::from(row - self.looked_back.1);
        self.looked_back = (self.touched, row);
        let left = u128::from(self.until.saturating_sub(row));
        let moved = self.touched as u128 * MOVED;
        u128::from(WINDOW) * LOOKED_FOR * left > passed * (left + moved)
    }

    /// The next row to look at; the end itself if something is asserted to enter there.
    fn earliest(&self, seed: Option<RowId>) -> Option<RowId> {
        let seed = seed.filter(|row| *row <= self.until);
        let earliest = [self.peek(), seed].into_iter().flatten().min()?;
        (earliest <= self.until).then_some(earliest)
    }

    fn step(&mut self, row: RowId, seeds: &mut SeedCursor<'q>) -> Result<(), Overflow> {
        self.touched += 1;
        while let Some(Reverse((next, pot))) = self.next.peek().copied()
            && next == row
        {
            self.next.pop();
            self.read_on(pot);
        }
        self.engine.step(row, &self.ledger.row(row), seeds.take_labels(row))?;
        self.read_new_ledgers(row + 1);
        Ok(())
    }

    /// Reads on in a pot's ledger, unless taint left it long ago: a hub that some passed through is not
    /// read to its end.
    fn read_on(&mut self, pot: PotId) {
        let Some(reading) = self.rest.get_mut(&pot) else { return };
        reading.idle = if self.engine.may_leave(pot) { reading.idle + 1 } else { 0 };
        if reading.idle > PATIENCE {
            self.engine.pots.meet(pot).followed = false;
            self.rest.remove(&pot);
        } else {
            self.push_next(pot);
        }
    }

    fn push_next(&mut self, pot: PotId) {
        match self.rest.get_mut(&pot).and_then(|reading| reading.rows.next()) {
            Some(row) if row < self.until => self.next.push(Reverse((row, pot))),
            _ => drop(self.rest.remove(&pot)),
        }
    }

    fn read_new_ledgers(&mut self, from: RowId) {
        for pot in std::mem::take(&mut self.engine.newly_followed) {
            let rows = self.ledger.history(pot, from).rows;
            self.rest.insert(pot, Reading { rows, idle: 0 });
            self.push_next(pot);
        }
    }
}
