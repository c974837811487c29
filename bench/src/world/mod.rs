//! Invents a chain: transfers of any number, the same for the same seed on every machine.
//!
//! Most transfers are everyday payments between people, whose activity follows a power law, and
//! traffic of services: deposits to an address of one's own, sweeps, payouts. Some people peel, split
//! and merge without having stolen anything; thieves do the same with what they took.

mod acts;
mod cast;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use taint::NO_POT;
use testkit::Dice;

use crate::flat::{FlatRow, RowsFile, WorldFacts};
use acts::Act;
pub(crate) use cast::{ASSETS, Cast, by_rank};

/// Amounts stay below this.
const MOST: u64 = (1 << 62) - 1;
/// After how many 128ths of the transfers something is stolen: from early to nearly at the end.
const THEFTS: [u64; 6] = [8, 32, 64, 112, 124, 127];

/// What sort of chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// A sixth of the traffic goes through services, which are known and stop a trace.
    Known,
    /// A third of the traffic goes through services, and nobody knows that they are: value is followed
    /// through them and reaches nearly everyone. The hardest case for every engine.
    Hubs,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Known => "known",
            Shape::Hubs => "hubs",
        }
    }

    /// Of 96 events, those of services.
    fn service_events(self) -> u64 {
        match self {
            // A deposit has its sweep: 1.6 transfers an event.
            Shape::Known => 10,
            Shape::Hubs => 27,
        }
    }
}

struct Inventor {
    cast: Cast,
    dice: Dice,
    shape: Shape,
    target: u64,
    rows: u64,
    file: RowsFile,
    /// What is going to happen, by the row at which it does and the order in which it was planned.
    plans: BinaryHeap<Reverse<(u64, u64, Act)>>,
    planned: u64,
    thefts: Vec<u64>,
}

/// Writes a world of `rows` transfers into a folder.
pub fn invent(folder: &Path, shape: Shape, seed: u64, rows: u64) -> Result<WorldFacts> {
    ensure!((1000..1 << 32).contains(&rows), "a world has from 1,000 to 2^32 transfers");
    let mut dice = Dice::new(seed);
    let mut inventor = Inventor {
        cast: Cast::new(&mut dice, rows),
        dice,
        shape,
        target: rows,
        rows: 0,
        file: RowsFile::create(folder)?,
        plans: BinaryHeap::new(),
        planned: 0,
        thefts: Vec::new(),
    };
    while inventor.rows < rows {
        inventor.go_on()?;
    }
    let stops = match shape {
        Shape::Known => inventor.cast.services.clone(),
        Shape::Hubs => Vec::new(),
    };
    let facts = WorldFacts {
        shape: shape.name().to_string(),
        seed,
        rows,
        pots: inventor.cast.pots.len() as u64,
        places: inventor.cast.places(),
        thefts: inventor.thefts,
        stops,
    };
    inventor.file.finish(folder, &inventor.cast.pots, &facts)?;
    Ok(facts)
}

impl Inventor {
    /// The next event: a theft when it is time, what was planned for now, or everyday life.
    fn go_on(&mut self) -> Result<()> {
        let done = self.thefts.len();
        if THEFTS.get(done).is_some_and(|at| self.rows >= self.target / 128 * at) {
            return self.steal(done);
        }
        if let Some(Reverse((due, _, _))) = self.plans.peek()
            && *due <= self.rows
            && let Some(Reverse((_, _, act))) = self.plans.pop()
        {
            return self.act(act);
        }
        let services = self.shape.service_events();
        match self.dice.below(96) {
            0 | 1 => self.mint(),
            n if n < 2 + services => self.service(),
            n if n == 95 && self.dice.one_in(3) => self.start_peeling(),
            n if n == 95 && self.dice.one_in(2) => self.start_splitting(),
            _ => self.pay(),
        }
    }

    /// Writes a transfer; one that would move nothing is not written. `from` is `None` for new value.
    fn emit(&mut self, from: Option<u32>, to: u32, asset: usize, amount: u64) -> Result<()> {
        let amount = amount.min(MOST);
        if from == Some(to) || amount == 0 || self.rows == self.target {
            return Ok(());
        }
        let from = from.map_or(NO_POT, |place| self.cast.take(place, asset, amount));
        let to = self.cast.give(to, asset, amount);
        self.rows += 1;
        self.file.push(&FlatRow { amount, from, to })
    }

    fn mint(&mut self) -> Result<()> {
        let to = self.cast.somebody(&mut self.dice);
        let asset = self.cast.some_asset(&mut self.dice);
        let amount = self.fortune(asset);
        self.emit(None, to, asset, amount)
    }

    /// An amount that somebody may own: up to a million of six decimals, or four of eighteen.
    fn fortune(&mut self, asset: usize) -> u64 {
        let digits = if asset == ASSETS - 1 { 62 } else { 40 };
        let bits = digits - self.dice.below(14);
        (1 << (bits - 1)) + self.dice.below(1 << (bits - 1))
    }

    /// Somebody pays somebody. Now and then with more than the chain shows them to have.
    fn pay(&mut self) -> Result<()> {
        let (from, asset) = self.cast.somebody_with_money(&mut self.dice);
        let to = if self.dice.one_in(10) {
            self.cast.newcomer()
        } else {
            self.cast.somebody(&mut self.dice)
        };
        let held = self.cast.held(from, asset);
        let amount = match self.dice.below(32) {
            0 => self.fortune(asset),
            1..=4 => held,
            n => held / (2 + n) + self.dice.below(1000),
        };
        self.emit(Some(from), to, asset, amount)
    }

    /// A deposit, whose sweep is planned, or a payout.
    fn service(&mut self) -> Result<()> {
        let number = self.cast.some_service(&mut self.dice);
        let service = self.cast.services[number];
        if self.dice.below(5) < 2 {
            let asset = self.cast.held_asset(service, &mut self.dice);
            let held = self.cast.held(service, asset);
            if held > 0 {
                let to = self.cast.somebody(&mut self.dice);
                let amount = held / (64 + self.dice.below(4096));
                return self.emit(Some(service), to, asset, amount.max(1));
            }
        }
        let (from, asset) = self.cast.somebody_with_money(&mut self.dice);
        let amount = self.cast.held(from, asset) / (1 + self.dice.below(4));
        let own = self.cast.deposit_address(&mut self.dice, number);
        self.emit(Some(from), own, asset, amount)?;
        self.plan(200, Act::Gather { from: own, into: service, asset })
    }
}
