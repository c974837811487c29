//! Who is there: people, services and their deposit addresses, and what everybody holds.
//!
//! A place has at most one pot for each of four assets; pots are numbered as they first appear, as the
//! archive numbers them. Balances here only keep the invented amounts plausible.

use testkit::Dice;

use crate::flat::FlatPot;

/// Two of six decimals that nearly everybody has, one of six and one of eighteen that few have.
pub(crate) const ASSETS: usize = 4;

const NONE: u32 = u32::MAX;

pub(crate) struct Cast {
    /// Per place, its pots.
    of_place: Vec<[u32; ASSETS]>,
    pub(crate) pots: Vec<FlatPot>,
    balances: Vec<u64>,
    people: Vec<u32>,
    /// Hot wallets, busiest first.
    pub(crate) services: Vec<u32>,
    /// Per service, the addresses that its customers pay to.
    deposits: Vec<Vec<u32>>,
}

impl Cast {
    pub(crate) fn new(dice: &mut Dice, rows: u64) -> Cast {
        let mut cast = Cast {
            of_place: Vec::new(),
            pots: Vec::new(),
            balances: Vec::new(),
            people: Vec::new(),
            services: Vec::new(),
            deposits: Vec::new(),
        };
        for _ in 0..8 + dice.below(8) + rows / 50_000 {
            let service = cast.new_place();
            cast.services.push(service);
            cast.deposits.push(Vec::new());
        }
        for _ in 0..64 {
            cast.newcomer();
        }
        cast
    }

    pub(crate) fn places(&self) -> u64 {
        self.of_place.len() as u64
    }

    pub(crate) fn new_place(&mut self) -> u32 {
        self.of_place.push([NONE; ASSETS]);
        self.of_place.len() as u32 - 1
    }

    pub(crate) fn newcomer(&mut self) -> u32 {
        let place = self.new_place();
        self.people.push(place);
        place
    }

    /// Makes a place one of the people.
    pub(crate) fn settle(&mut self, place: u32) {
        self.people.push(place);
    }

    /// Anybody, or one of the oldest, or one of the latest: together a power law.
    pub(crate) fn somebody(&self, dice: &mut Dice) -> u32 {
        let count = self.people.len() as u64;
        let at = match dice.below(10) {
            0..=3 => dice.below(count),
            4..=6 => by_rank(dice, count),
            _ => count - 1 - by_rank(dice, count),
        };
        self.people[at as usize]
    }

    /// Somebody and an asset of theirs that they hold; after a few tries anybody and any asset.
    pub(crate) fn somebody_with_money(&self, dice: &mut Dice) -> (u32, usize) {
        for _ in 0..6 {
            let place = self.somebody(dice);
            let first = self.some_asset(dice);
            let held = (0..ASSETS).map(|n| (first + n) % ASSETS).find(|a| self.held(place, *a) > 0);
            if let Some(asset) = held {
                return (place, asset);
            }
        }
        (self.somebody(dice), self.some_asset(dice))
    }

    pub(crate) fn some_asset(&self, dice: &mut Dice) -> usize {
        [0, 0, 0, 0, 1, 1, 1, 1, 2, 3][dice.below(10) as usize]
    }

    pub(crate) fn some_service(&self, dice: &mut Dice) -> usize {
        by_rank(dice, self.services.len() as u64) as usize
    }

    /// An asset that a place holds, if one of two that are looked at is.
    pub(crate) fn held_asset(&self, place: u32, dice: &mut Dice) -> usize {
        let (a, b) = (self.some_asset(dice), self.some_asset(dice));
        if self.held(place, a) > 0 { a } else { b }
    }

    /// Where a customer pays in: an address used before, mostly, or a new one.
    pub(crate) fn deposit_address(&mut self, dice: &mut Dice, service: usize) -> u32 {
        let known = self.deposits[service].len() as u64;
        if known > 0 && !dice.one_in(8) {
            return self.deposits[service][dice.below(known) as usize];
        }
        let place = self.new_place();
        self.deposits[service].push(place);
        place
    }

    pub(crate) fn held(&self, place: u32, asset: usize) -> u64 {
        let pot = self.of_place[place as usize][asset];
        self.balances.get(pot as usize).copied().unwrap_or(0)
    }

    fn pot(&mut self, place: u32, asset: usize) -> u32 {
        let pot = &mut self.of_place[place as usize][asset];
        if *pot == NONE {
            *pot = self.pots.len() as u32;
            self.pots.push(FlatPot { place, asset: asset as u32 });
            self.balances.push(0);
        }
        *pot
    }

    /// Takes units out; the pot.
    pub(crate) fn take(&mut self, place: u32, asset: usize, amount: u64) -> u32 {
        let pot = self.pot(place, asset);
        let balance = &mut self.balances[pot as usize];
        *balance = balance.saturating_sub(amount);
        pot
    }

    /// Puts units in; the pot.
    pub(crate) fn give(&mut self, place: u32, asset: usize, amount: u64) -> u32 {
        let pot = self.pot(place, asset);
        let balance = &mut self.balances[pot as usize];
        *balance = balance.saturating_add(amount);
        pot
    }
}

/// A number below `count` (which is not 0), each twofold range as likely as the next: the n-th is drawn
/// about 1/n as often as the first.
pub(crate) fn by_rank(dice: &mut Dice, count: u64) -> u64 {
    let ranges = u64::from(64 - count.leading_zeros());
    loop {
        let low = 1 << dice.below(ranges);
        let rank = low + dice.below(low);
        if rank <= count {
            return rank - 1;
        }
    }
}
