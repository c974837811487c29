//! Invents a chain on which stolen value is laundered, and knows where it went.
//!
//! Around the launderer people pay each other, use services, swap and are paid out, as in [`crate::world`],
//! whose cast it is. One theft is laundered by the ways that are known: split and merged, peeled, passed on
//! by mules who have money and a life of their own, swapped into other assets, left dormant, sprayed as
//! dust, paid into services of which half have no label.
//!
//! Units of a balance are alike, so nobody can see which of a mule's units were stolen; but the
//! launderer knows how much of each of his own transfers is. That is the truth here: the stolen units
//! that lie, when the data ends, with him, with mules who still owe them, and with services and shops
//! that keep what they got. What a mule pays for herself carries nothing. What was paid to people who
//! live on (a mule's cut, dust, a friend) is spent: nobody could say which of their later payments it
//! was in, so nobody is asked.

mod everyday;
mod files;
mod ledger;
mod scheme;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use anyhow::{Result, ensure};
use testkit::Dice;

use crate::world::{ASSETS, Cast};
pub use files::{LaunderedFacts, LaunderedRow};
pub use ledger::LaunderedLedger;
use scheme::Act;

/// What a base unit of each asset is worth, in a common unit: prices that never change.
pub const VALUE_OF_UNIT: [u64; ASSETS] = [1, 2, 500, 1];
/// In place of a place: the value is new.
pub const NOBODY: u32 = u32::MAX;
/// The theft comes after this share of the transfers: one in so many.
const BEFORE_THEFT: u64 = 4;

/// A laundered chain, and the truth about it.
pub struct Laundered {
    pub rows: Vec<LaunderedRow>,
    pub places: u32,
    /// The row that took the money, and who got it.
    pub theft: u64,
    pub thief: u32,
    /// Hot wallets that somebody labelled, ascending.
    pub labelled: Vec<u32>,
    /// Where everybody swaps; no party to a row, but peers are shown both of its legs.
    pub pool: u32,
    /// Where the stolen units are, by place and asset.
    pub truth: BTreeMap<(u32, usize), u64>,
    /// The stolen value that each place ever received.
    pub passed: BTreeMap<u32, u64>,
    /// The stolen value that people got who live on.
    pub spent: u64,
}

/// A chain in the making.
struct Making {
    cast: Cast,
    dice: Dice,
    target: u64,
    rows: Vec<LaunderedRow>,
    pool: u32,
    /// What is going to happen, by the row at which it does and the order in which it was planned.
    plans: BinaryHeap<Reverse<(u64, u64, Act)>>,
    planned: u64,
    truth: HashMap<(u32, usize), u64>,
    passed: BTreeMap<u32, u64>,
    spent: u64,
    /// Units at people that are not theirs to spend.
    entrusted: HashMap<(u32, usize), u64>,
    theft: Option<(u64, u32)>,
}

/// Invents a chain of `rows` transfers.
pub fn launder(seed: u64, rows: u64) -> Result<Laundered> {
    ensure!(
        (10_000..1 << 31).contains(&rows),
        "a laundered chain has from 10,000 to 2^31 transfers"
    );
    let mut dice = Dice::new(seed);
    let mut cast = Cast::new(&mut dice, rows);
    let pool = cast.new_place();
    let mut making = Making {
        cast,
        dice,
        target: rows,
        rows: Vec::new(),
        pool,
        plans: BinaryHeap::new(),
        planned: 0,
        truth: HashMap::new(),
        passed: BTreeMap::new(),
        spent: 0,
        entrusted: HashMap::new(),
        theft: None,
    };
    making.endow();
    while (making.rows.len() as u64) < rows {
        making.go_on();
    }
    Ok(making.finish())
}

impl Making {
    /// The next event: the theft when it is time, what was planned for now, or everyday life.
    fn go_on(&mut self) {
        let now = self.rows.len() as u64;
        if self.theft.is_none() && now >= self.target / BEFORE_THEFT {
            return self.steal();
        }
        if let Some(Reverse((due, _, _))) = self.plans.peek()
            && *due <= now
            && let Some(Reverse((_, _, act))) = self.plans.pop()
        {
            return self.act(act);
        }
        self.everyday();
    }

    /// Plans an act for one of the next `within` transfers.
    fn plan(&mut self, within: u64, act: Act) {
        let due = self.rows.len() as u64 + 1 + self.dice.below(within);
        self.planned += 1;
        self.plans.push(Reverse((due, self.planned, act)));
    }

    /// Writes a transfer of which `stolen` units are the theft's. False, and nothing is written, if it would
    /// move nothing or the chain is full.
    fn pay(&mut self, from: u32, to: u32, asset: usize, amount: u64, stolen: u64) -> bool {
        let full = self.rows.len() as u64 == self.target;
        if from == to || amount == 0 || full {
            return false;
        }
        if from != NOBODY {
            self.cast.take(from, asset, amount);
        }
        self.cast.give(to, asset, amount);
        self.move_stolen((from, asset), (to, asset), stolen, stolen);
        let asset = asset as u32;
        self.rows.push(LaunderedRow {
            amount,
            amount_to: amount,
            from,
            to,
            asset,
            asset_to: asset,
        });
        true
    }

    /// Writes a swap at the pool's price, less a third of a percent.
    fn swap(&mut self, who: u32, asset: usize, asset_to: usize, amount: u64, stolen: u64) {
        let value = u128::from(amount) * u128::from(VALUE_OF_UNIT[asset]);
        let got = value * 997 / 1000 / u128::from(VALUE_OF_UNIT[asset_to]);
        let full = self.rows.len() as u64 == self.target;
        let Ok(amount_to) = u64::try_from(got) else { return };
        if asset == asset_to || amount_to == 0 || full {
            return;
        }
        self.cast.take(who, asset, amount);
        self.cast.give(who, asset_to, amount_to);
        let arrived = u128::from(stolen) * got / u128::from(amount);
        // Not more than there are in all, so it fits.
        self.move_stolen((who, asset), (who, asset_to), stolen, arrived as u64);
        let (asset, asset_to) = (asset as u32, asset_to as u32);
        self.rows.push(LaunderedRow { amount, amount_to, from: who, to: who, asset, asset_to });
    }

    fn move_stolen(&mut self, from: (u32, usize), to: (u32, usize), left: u64, arrived: u64) {
        if arrived == 0 {
            return;
        }
        // The theft itself takes what was nobody's loot before.
        if let Some(there) = self.truth.get_mut(&from) {
            *there = there.saturating_sub(left);
        }
        *self.truth.entry(to).or_default() += arrived;
        if from.0 != to.0 {
            *self.passed.entry(to.0).or_default() += arrived * VALUE_OF_UNIT[to.1];
        }
    }

    /// Stolen units at somebody who lives on are spent.
    fn spend(&mut self, place: u32, asset: usize, units: u64) {
        if let Some(there) = self.truth.get_mut(&(place, asset)) {
            let units = units.min(*there);
            *there -= units;
            self.spent += units * VALUE_OF_UNIT[asset];
        }
    }

    fn stolen_at(&self, place: u32, asset: usize) -> u64 {
        self.truth.get(&(place, asset)).copied().unwrap_or(0)
    }

    fn finish(self) -> Laundered {
        // The busiest is labelled, and every other one after it.
        let services = self.cast.services.iter().enumerate();
        let mut labelled: Vec<u32> =
            services.filter(|(rank, _)| rank % 2 == 0).map(|(_, place)| *place).collect();
        labelled.sort_unstable();
        let (theft, thief) = self.theft.unwrap_or((0, NOBODY));
        Laundered {
            places: self.cast.places() as u32,
            rows: self.rows,
            theft,
            thief,
            labelled,
            pool: self.pool,
            truth: self.truth.into_iter().filter(|(_, units)| *units > 0).collect(),
            passed: self.passed,
            spent: self.spent,
        }
    }
}
