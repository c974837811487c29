//! Everyday life around the launderer: nothing here carries stolen units knowingly.

use super::scheme::Act;
use super::{Making, NOBODY};
use crate::world::ASSETS;

impl Making {
    /// Gives services and people something to begin with.
    pub(super) fn endow(&mut self) {
        for service in self.cast.services.clone() {
            for asset in 0..ASSETS {
                let amount = (1 << 42) / super::VALUE_OF_UNIT[asset];
                self.pay(NOBODY, service, asset, amount, 0);
            }
        }
    }

    pub(super) fn everyday(&mut self) {
        match self.dice.below(96) {
            0..=3 => self.mint(),
            4..=33 => self.service(),
            34..=38 => self.swap_something(),
            _ => self.pay_somebody(),
        }
    }

    fn mint(&mut self) {
        let to = self.cast.somebody(&mut self.dice);
        let asset = self.cast.some_asset(&mut self.dice);
        let amount = self.fortune(asset);
        self.pay(NOBODY, to, asset, amount, 0);
    }

    /// An amount that somebody may own: each power of two up to 2^38 of value as likely as the next.
    fn fortune(&mut self, asset: usize) -> u64 {
        let bits = 38 - self.dice.below(14);
        ((1 << (bits - 1)) + self.dice.below(1 << (bits - 1))) / super::VALUE_OF_UNIT[asset]
    }

    /// What somebody may spend: what was entrusted to a mule is not hers.
    pub(super) fn own(&self, place: u32, asset: usize) -> u64 {
        let entrusted = self.entrusted.get(&(place, asset)).copied().unwrap_or(0);
        self.cast.held(place, asset).saturating_sub(entrusted)
    }

    fn pay_somebody(&mut self) {
        let (from, asset) = self.cast.somebody_with_money(&mut self.dice);
        let to = match self.dice.one_in(4) {
            true => self.cast.newcomer(),
            false => self.cast.somebody(&mut self.dice),
        };
        let own = self.own(from, asset);
        let amount = match self.dice.below(32) {
            // From an exchange that nobody exported, say: more than the chain shows them to have.
            0 => self.fortune(asset).max(own),
            1..=4 => own,
            n => own / (2 + n),
        };
        // Who spends more than is hers would spend what is not hers.
        let amount = if self.own(from, asset) == self.cast.held(from, asset) {
            amount
        } else {
            amount.min(own)
        };
        self.pay(from, to, asset, amount, 0);
    }

    /// A deposit, whose sweep is planned, or a payout.
    fn service(&mut self) {
        let number = self.cast.some_service(&mut self.dice);
        let service = self.cast.services[number];
        if self.dice.below(5) < 2 {
            let asset = self.cast.held_asset(service, &mut self.dice);
            let to = self.cast.somebody(&mut self.dice);
            let amount = self.cast.held(service, asset) / (256 + self.dice.below(8192));
            self.pay(service, to, asset, amount, 0);
            return;
        }
        let (from, asset) = self.cast.somebody_with_money(&mut self.dice);
        let amount = self.own(from, asset) / (1 + self.dice.below(4));
        let deposit = self.cast.deposit_address(&mut self.dice, number);
        self.pay(from, deposit, asset, amount, 0);
        self.plan(200, Act::Sweep { from: deposit, into: service, asset });
    }

    fn swap_something(&mut self) {
        let (who, asset) = self.cast.somebody_with_money(&mut self.dice);
        let asset_to = self.cast.some_asset(&mut self.dice);
        let amount = self.own(who, asset) / (1 + self.dice.below(4));
        self.swap(who, asset, asset_to, amount, 0);
    }
}
