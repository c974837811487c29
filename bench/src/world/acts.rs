//! What takes several transfers: peel chains, splits and merges, and the thefts that lead to them.

use std::cmp::Reverse;

use anyhow::Result;

use super::Inventor;

/// The asset that each theft takes.
const STOLEN: [usize; 6] = [0, 1, 2, 3, 0, 1];

/// What somebody is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// Everything at `from` goes to `into`: a sweep, or a part of a merge.
    Gather { from: u32, into: u32, asset: usize },
    /// A little of what is at `from` goes to somebody, the rest to a fresh account, which does it again.
    Peel { from: u32, asset: usize, steps: u64 },
    /// One of `parts` equal parts goes to a fresh account; where there is a `merge`, on to that later.
    Split { from: u32, asset: usize, parts: u64, merge: Option<u32>, peel: bool },
}

impl Inventor {
    /// Plans an act for one of the next `within` transfers.
    pub(super) fn plan(&mut self, within: u64, act: Act) -> Result<()> {
        let due = self.rows + 1 + self.dice.below(within);
        self.planned += 1;
        self.plans.push(Reverse((due, self.planned, act)));
        Ok(())
    }

    pub(super) fn act(&mut self, act: Act) -> Result<()> {
        match act {
            Act::Gather { from, into, asset } => {
                let amount = self.cast.held(from, asset);
                self.emit(Some(from), into, asset, amount)
            }
            Act::Peel { from, asset, steps } => self.peel(from, asset, steps),
            Act::Split { from, asset, parts, merge, peel } => {
                let amount = self.cast.held(from, asset) / parts.max(1);
                let to = self.cast.new_place();
                self.emit(Some(from), to, asset, amount)?;
                if parts > 1 {
                    let parts = parts - 1;
                    self.plan(20, Act::Split { from, asset, parts, merge, peel })?;
                }
                match merge {
                    Some(into) => self.plan(4000, Act::Gather { from: to, into, asset }),
                    None if peel => {
                        let steps = 10 + self.dice.below(40);
                        self.plan(2000, Act::Peel { from: to, asset, steps })
                    }
                    None => {
                        self.cast.settle(to);
                        Ok(())
                    }
                }
            }
        }
    }

    fn peel(&mut self, from: u32, asset: usize, steps: u64) -> Result<()> {
        let held = self.cast.held(from, asset);
        let to = match self.dice.below(4) {
            0 => self.cast.newcomer(),
            1 => {
                let number = self.cast.some_service(&mut self.dice);
                let own = self.cast.deposit_address(&mut self.dice, number);
                let into = self.cast.services[number];
                self.plan(200, Act::Gather { from: own, into, asset })?;
                own
            }
            _ => self.cast.somebody(&mut self.dice),
        };
        let amount = held / (8 + self.dice.below(24));
        self.emit(Some(from), to, asset, amount)?;
        if steps == 0 {
            self.cast.settle(from);
            return Ok(());
        }
        let next = self.cast.new_place();
        self.emit(Some(from), next, asset, held - amount)?;
        self.plan(100, Act::Peel { from: next, asset, steps: steps - 1 })
    }

    pub(super) fn start_peeling(&mut self) -> Result<()> {
        let (from, asset) = self.cast.somebody_with_money(&mut self.dice);
        let steps = 5 + self.dice.below(50);
        self.plan(50, Act::Peel { from, asset, steps })
    }

    pub(super) fn start_splitting(&mut self) -> Result<()> {
        let (from, asset) = self.cast.somebody_with_money(&mut self.dice);
        let parts = 3 + self.dice.below(30);
        let merge = self.dice.one_in(2).then(|| self.cast.newcomer());
        self.plan(50, Act::Split { from, asset, parts, merge, peel: false })
    }

    /// A service is robbed: half of what it holds moves in one transfer, the seed, and is then split
    /// and peeled away.
    pub(super) fn steal(&mut self, number: usize) -> Result<()> {
        let services = self.cast.services.len();
        let victim = self.cast.services[number % services];
        let asset = STOLEN[number % STOLEN.len()];
        let thief = self.cast.new_place();
        let amount = (self.cast.held(victim, asset) / 2).max(1_000_000_000);
        self.thefts.push(self.rows);
        self.emit(Some(victim), thief, asset, amount)?;
        let parts = 4 + self.dice.below(6);
        self.plan(20, Act::Split { from: thief, asset, parts, merge: None, peel: true })
    }
}
