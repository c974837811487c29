//! The launderer's ways. Each takes what lies at an account of his and ends, some steps later, in accounts
//! from which he goes on, until it is cashed out at services or left to lie.

use std::cmp::Reverse;

use super::{Making, VALUE_OF_UNIT};

/// Ways that one unit goes through before it is cashed out or left, at most.
const MOST_WAYS: u8 = 5;

/// What is about to happen. `ways` are those that the value has behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// Everything at a deposit address goes to the service's hot wallet.
    Sweep { from: u32, into: u32, asset: usize },
    /// The next way is chosen for what lies at an account of the launderer's.
    Next { from: u32, asset: usize, ways: u8 },
    /// A little is paid away, the rest goes to a fresh account, which does it again.
    Peel { from: u32, asset: usize, steps: u64, ways: u8 },
    /// One of `parts` equal parts goes to a fresh account, and from there on to `into`.
    Split { from: u32, asset: usize, parts: u64, into: u32 },
    /// All that is stolen at `from` goes to `into`.
    Merge { from: u32, into: u32, asset: usize },
    /// One of `mules` gets a part, and passes it on to `into` in the end.
    Hire { from: u32, asset: usize, mules: u64, into: u32 },
    /// A mule passes on one of `parts` equal parts of what she still has of it.
    Forward { mule: u32, asset: usize, units: u64, parts: u64, into: u32 },
    /// One of `parts` equal parts goes to a service.
    CashOut { from: u32, asset: usize, parts: u64 },
    /// Next to nothing goes to somebody, so that everybody has some.
    Dust { from: u32, asset: usize, left: u64 },
}

impl Making {
    /// A service is robbed.
    pub(super) fn steal(&mut self) {
        let victim = self.cast.services[self.dice.below(3) as usize];
        let asset = self.dice.below(2) as usize;
        let thief = self.cast.new_place();
        let amount = ((1 << 41) + self.dice.below(1 << 42)) / VALUE_OF_UNIT[asset];
        self.theft = Some((self.rows.len() as u64, thief));
        self.pay(victim, thief, asset, amount, amount);
        let left = 40 + self.dice.below(80);
        self.plan(40, Act::Dust { from: thief, asset, left });
        // Strands that go different ways, at once; as much as in one of them stays for now.
        let strands = 3 + self.dice.below(3);
        for _ in 0..strands {
            let strand = self.cast.new_place();
            let units = amount / (strands + 1);
            self.pay(thief, strand, asset, units, units);
            self.plan(self.target / 32, Act::Next { from: strand, asset, ways: 0 });
        }
        self.plan(self.target / 16, Act::Next { from: thief, asset, ways: 1 });
    }

    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::Sweep { from, into, asset } => {
                let (amount, stolen) = (self.cast.held(from, asset), self.stolen_at(from, asset));
                self.pay(from, into, asset, amount, stolen.min(amount));
            }
            Act::Next { from, asset, ways } => self.next_way(from, asset, ways),
            Act::Peel { from, asset, steps, ways } => self.peel(from, asset, steps, ways),
            Act::Split { from, asset, parts, into } => self.split(from, asset, parts, into),
            Act::Merge { from, into, asset } => {
                let units = self.stolen_at(from, asset);
                self.pay(from, into, asset, units, units);
            }
            Act::Hire { from, asset, mules, into } => self.hire(from, asset, mules, into),
            Act::Forward { mule, asset, units, parts, into } => {
                self.forward(mule, asset, units, parts, into);
            }
            Act::CashOut { from, asset, parts } => self.cash_out(from, asset, parts),
            Act::Dust { from, asset, left } => {
                let to = self.cast.somebody(&mut self.dice);
                let units = 1 + self.dice.below(500_000) / VALUE_OF_UNIT[asset];
                let units = units.min(self.stolen_at(from, asset));
                self.give_away(from, to, asset, units);
                if left > 0 {
                    self.plan(60, Act::Dust { from, asset, left: left - 1 });
                }
            }
        }
    }

    fn next_way(&mut self, from: u32, asset: usize, ways: u8) {
        // What was still on its way when this was planned is waited for once more.
        if self.is_awaited(from) {
            return self.plan(self.target / 32, Act::Next { from, asset, ways });
        }
        let rest = if self.dice.one_in(8) { self.target / 6 } else { self.target / 100 };
        if ways >= MOST_WAYS || (ways > 1 && self.dice.one_in(6)) {
            // Half of them are left as they are.
            if self.dice.one_in(2) {
                let parts = 1 + self.dice.below(4);
                self.plan(rest, Act::CashOut { from, asset, parts });
            }
            return;
        }
        let ways = ways + 1;
        let into = self.cast.new_place();
        match self.dice.below(4) {
            0 => {
                let steps = 6 + self.dice.below(30);
                return self.plan(rest, Act::Peel { from, asset, steps, ways });
            }
            1 => {
                let parts = 3 + self.dice.below(8);
                self.plan(rest, Act::Split { from, asset, parts, into });
            }
            2 => {
                let mules = 3 + self.dice.below(5);
                self.plan(rest, Act::Hire { from, asset, mules, into });
            }
            _ => {
                let asset_to = (asset + 1 + self.dice.below(2) as usize) % 3;
                let units = self.stolen_at(from, asset);
                self.swap(from, asset, asset_to, units, units);
                return self.plan(rest, Act::Next { from, asset: asset_to, ways });
            }
        }
        self.plan(rest + self.target / 32, Act::Next { from: into, asset, ways });
    }

    /// True if somebody is still going to pay to an account.
    fn is_awaited(&self, account: u32) -> bool {
        self.plans.iter().any(|Reverse((_, _, act))| match act {
            Act::Split { into, .. }
            | Act::Merge { into, .. }
            | Act::Hire { into, .. }
            | Act::Forward { into, .. } => *into == account,
            _ => false,
        })
    }

    fn peel(&mut self, from: u32, asset: usize, steps: u64, ways: u8) {
        let held = self.stolen_at(from, asset);
        let units = held / (8 + self.dice.below(16));
        match self.dice.below(10) {
            // A friend, who does not know.
            0 => {
                let to = self.cast.somebody(&mut self.dice);
                self.give_away(from, to, asset, units);
            }
            // A shop, or an account for later.
            1..=3 => {
                let to = self.cast.new_place();
                self.pay(from, to, asset, units, units);
            }
            _ => self.deposit(from, asset, units),
        }
        let next = self.cast.new_place();
        let rest = self.stolen_at(from, asset);
        self.pay(from, next, asset, rest, rest);
        match steps {
            0 => self.plan(200, Act::Next { from: next, asset, ways }),
            _ => self.plan(100, Act::Peel { from: next, asset, steps: steps - 1, ways }),
        }
    }

    fn split(&mut self, from: u32, asset: usize, parts: u64, into: u32) {
        let units = self.stolen_at(from, asset) / parts.max(1);
        let part = self.cast.new_place();
        self.pay(from, part, asset, units, units);
        self.plan(self.target / 64, Act::Merge { from: part, into, asset });
        if parts > 1 {
            self.plan(60, Act::Split { from, asset, parts: parts - 1, into });
        }
    }

    /// Somebody who has money of her own, as far as there is somebody.
    fn mule(&mut self, asset: usize, units: u64) -> u32 {
        let mut found = self.cast.somebody(&mut self.dice);
        for _ in 0..40 {
            let own = self.own(found, asset);
            if own > units / 8 && own < units.saturating_mul(8) {
                break;
            }
            found = self.cast.somebody(&mut self.dice);
        }
        found
    }

    fn hire(&mut self, from: u32, asset: usize, mules: u64, into: u32) {
        let units = self.stolen_at(from, asset) / mules.max(1);
        let mule = self.mule(asset, units);
        if self.pay(from, mule, asset, units, units) {
            let cut = units * (2 + self.dice.below(6)) / 100;
            let parts = 1 + self.dice.below(3);
            self.spend(mule, asset, cut);
            *self.entrusted.entry((mule, asset)).or_default() += units - cut;
            // At once, or after a while.
            let within = if self.dice.one_in(2) { 30 } else { self.target / 40 };
            self.plan(within, Act::Forward { mule, asset, units: units - cut, parts, into });
        }
        if mules > 1 {
            self.plan(300, Act::Hire { from, asset, mules: mules - 1, into });
        }
    }

    fn forward(&mut self, mule: u32, asset: usize, units: u64, parts: u64, into: u32) {
        let part = (units / parts.max(1)).min(self.stolen_at(mule, asset));
        if self.pay(mule, into, asset, part, part)
            && let Some(entrusted) = self.entrusted.get_mut(&(mule, asset))
        {
            *entrusted = entrusted.saturating_sub(part);
        }
        if parts > 1 {
            let (units, parts) = (units - part, parts - 1);
            self.plan(400, Act::Forward { mule, asset, units, parts, into });
        }
    }

    /// Pays stolen units to somebody who lives on.
    fn give_away(&mut self, from: u32, to: u32, asset: usize, units: u64) {
        if self.pay(from, to, asset, units, units) {
            self.spend(to, asset, units);
        }
    }

    fn cash_out(&mut self, from: u32, asset: usize, parts: u64) {
        let units = self.stolen_at(from, asset) / parts.max(1);
        self.deposit(from, asset, units);
        if parts > 1 {
            self.plan(self.target / 100, Act::CashOut { from, asset, parts: parts - 1 });
        }
    }

    /// Pays stolen units into a service: to a deposit address of one's own, or of another customer.
    fn deposit(&mut self, from: u32, asset: usize, units: u64) {
        let number = self.cast.some_service(&mut self.dice);
        let to = match self.dice.one_in(3) {
            true => self.cast.deposit_address(&mut self.dice, number),
            false => self.cast.new_place(),
        };
        self.pay(from, to, asset, units, units);
        let into = self.cast.services[number];
        self.plan(200, Act::Sweep { from: to, into, asset });
    }
}
