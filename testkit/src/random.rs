//! Random ledgers: small worlds with everything in them that ever made a tracer wrong.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{
    Address, Amount, Asset, Chain, Conversion, Kind, Place, Position, Time, Transfer, TxId,
};
use taint::Where;

use crate::dice::Dice;

/// A theft that the data does not show: index before which it enters, place, asset, amount, time.
pub type Unseen = (usize, Place, Asset, u128, Time);

/// A random ledger with two incidents.
pub struct RandomLedger {
    /// In position order.
    pub transfers: Vec<Transfer>,
    /// Per incident: indexes of the transfers that took the money.
    pub seeds: [BTreeSet<usize>; 2],
    /// Per incident, a theft that the data does not show.
    pub asserted: [Option<Unseen>; 2],
    pub stops: BTreeMap<Address, Where>,
    pub chain: Chain,
}

struct Maker {
    dice: Dice,
    chain: Chain,
    accounts: Vec<Address>,
    assets: Vec<Asset>,
    /// Accounts of which one in three transfers is.
    hubs: u64,
    /// Amounts below this; small for many ties and roundings, huge for 256-bit products.
    scale: u128,
    transfers: Vec<Transfer>,
    height: u64,
    unspent: Vec<(TxId, u32, u128, Address)>,
}

/// The random ledger of a seed, with about `count` transfers on an account chain, or on Bitcoin where
/// `utxo` is set.
pub fn random_ledger(seed: u64, count: usize, utxo: bool) -> RandomLedger {
    let mut dice = Dice::new(seed);
    let chain = if utxo { Chain::BITCOIN } else { *dice.pick(&[Chain::TRON, Chain::ETHEREUM]) };
    let accounts = (0..3 + dice.below(20)).map(|n| account(chain, seed, n)).collect();
    let tokens = (0..3).map(|n| Asset::Token(account(chain, seed, 1000 + n)));
    let assets = if utxo { vec![Asset::Native] } else { tokens.chain([Asset::Native]).collect() };
    let scale = *dice.pick(&[4, 100, 1_000_000, 1u128 << 90, 1 << 120]);
    let hubs = 1 + dice.below(2);
    let (transfers, unspent) = (Vec::new(), Vec::new());
    let mut maker =
        Maker { dice, chain, accounts, assets, hubs, scale, transfers, height: 1, unspent };
    while maker.transfers.len() < count {
        maker.height += maker.dice.below(3);
        if utxo { maker.utxo_transaction() } else { maker.account_transaction() }
    }
    maker.finish()
}

fn account(chain: Chain, seed: u64, number: u64) -> Address {
    let mut body = [0x11; 20];
    body[..8].copy_from_slice(&seed.to_be_bytes());
    body[12..].copy_from_slice(&number.to_be_bytes());
    Address::from_body(chain, body).unwrap_or(Address::P2pkh(body))
}

impl Maker {
    fn pick_account(&mut self) -> Address {
        let count = if self.dice.one_in(3) { self.hubs } else { self.accounts.len() as u64 };
        self.accounts[self.dice.below(count) as usize]
    }

    fn amount(&mut self) -> u128 {
        match self.dice.below(12) {
            0 => 0,
            1 => 1,
            // Early transfers fund, later ones mostly move parts of what is there.
            n => {
                let part = if self.transfers.len() > 15 && n > 4 { 8 } else { 1 };
                let random = u128::from(self.dice.roll()) << 64 | u128::from(self.dice.roll());
                random % (self.scale / part).max(2)
            }
        }
    }

    fn push(&mut self, draft: Transfer) {
        let last = self.transfers.last().map(|last| (last.position, last.tx));
        let (tx_index, index) = match last {
            Some((at, tx)) if at.height == Some(self.height) && tx == draft.tx => {
                (at.tx_index.unwrap_or(0), at.index.unwrap_or(0) + 1)
            }
            Some((at, _)) if at.height == Some(self.height) => (at.tx_index.unwrap_or(0) + 1, 0),
            _ => (0, 0),
        };
        let position = Position::full(self.height, tx_index, index);
        self.transfers.push(Transfer { position, ..draft });
    }

    fn new_tx(&mut self) -> TxId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.dice.roll().to_be_bytes());
        TxId::new(bytes)
    }

    fn draft(&self, tx: TxId, from: Place, to: Place, asset: Asset, amount: u128) -> Transfer {
        Transfer {
            chain: self.chain,
            position: Position::UNKNOWN,
            time: Time::from_seconds(1_690_000_000 + self.height as u32 * 3),
            tx: Some(tx),
            kind: if asset == Asset::Native { Kind::Native } else { Kind::Token },
            from,
            to,
            from_owner: None,
            to_owner: None,
            asset,
            amount: Amount::new(amount),
            conversion: None,
        }
    }

    fn account_transaction(&mut self) {
        let tx = self.new_tx();
        for _ in 0..1 + self.dice.below(3) {
            let from = Place::Account(self.pick_account());
            let to = Place::Account(self.pick_account());
            let asset = self.assets[self.dice.below(self.assets.len() as u64) as usize];
            let amount = self.amount();
            let mut draft = self.draft(tx, from, to, asset, amount);
            match self.dice.below(14) {
                0 => (draft.from, draft.kind) = (Place::Mint, Kind::Mint),
                1 => (draft.to, draft.kind) = (Place::Burn, Kind::Burn),
                2 => draft.to = from,
                3 | 4 => {
                    let asset = self.assets[self.dice.below(self.assets.len() as u64) as usize];
                    let amount = Amount::new(self.amount());
                    // Also within one asset: a token that takes a fee on its way.
                    let most = if asset == draft.asset { draft.amount } else { Amount::MAX };
                    draft.conversion = Some(Conversion { asset, amount: amount.min(most) });
                }
                _ => {}
            }
            self.push(draft);
        }
        if self.dice.one_in(2) {
            let payer = Place::Account(self.pick_account());
            let amount = self.amount() % 7;
            let fee = self.draft(tx, payer, Place::Fee, Asset::Native, amount);
            self.push(Transfer { kind: Kind::Fee, ..fee });
        }
    }

    /// Some inputs, known or not, into a transaction; some outputs and the fee out of it.
    fn utxo_transaction(&mut self) {
        let tx = self.new_tx();
        let place = Place::Transaction(tx);
        let mut sum = 0;
        for number in 0..1 + self.dice.below(3) {
            let known = self.unspent.len() as u64;
            let (from, index, amount, owner) = if known > 0 && !self.dice.one_in(6) {
                self.unspent.swap_remove(self.dice.below(known) as usize)
            } else {
                (self.new_tx(), number as u32, self.amount(), self.pick_account())
            };
            let from = Place::Output { tx: from, index };
            let mut draft = self.draft(tx, from, place, Asset::Native, amount);
            draft.from_owner = Some(owner);
            self.push(draft);
            sum += amount;
        }
        let outputs = 1 + self.dice.below(4) as u32;
        for index in 0..outputs {
            let rest = if index + 1 == outputs { sum } else { self.amount().min(sum) };
            let amount = rest - rest.min(u128::from(self.dice.below(3)));
            sum -= amount;
            let owner = self.pick_account();
            let to = Place::Output { tx, index };
            let mut draft = self.draft(tx, place, to, Asset::Native, amount);
            draft.to_owner = Some(owner);
            self.push(draft);
            self.unspent.push((tx, index, amount, owner));
        }
        let fee = self.draft(tx, place, Place::Fee, Asset::Native, sum);
        self.push(Transfer { kind: Kind::Fee, ..fee });
    }

    fn finish(mut self) -> RandomLedger {
        let mut seeds = [BTreeSet::new(), BTreeSet::new()];
        let mut asserted = [None, None];
        for incident in 0..2 {
            for _ in 0..1 + self.dice.below(3) {
                let early = if self.dice.one_in(3) { 1 } else { 4 };
                let at = self.dice.below(self.transfers.len() as u64 / early) as usize;
                let seed = &self.transfers[at];
                let moves = !seed.is_to_self() && !seed.amount.is_zero();
                if moves && matches!(seed.to, Place::Account(_) | Place::Output { .. }) {
                    seeds[incident].insert(at);
                }
            }
            if self.dice.one_in(3) && self.chain != Chain::BITCOIN {
                let at = self.dice.below(self.transfers.len() as u64 + 1) as usize;
                let place = Place::Account(self.pick_account());
                let asset = *self.dice.pick(&self.assets);
                let time = Time::from_seconds(1_690_000_000);
                asserted[incident] = Some((at, place, asset, self.amount(), time));
            }
        }
        let ends = [Where::Service, Where::Mixer, Where::Bridge, Where::Swap];
        let mut stops = BTreeMap::new();
        for _ in 0..self.dice.below(4) {
            let address = self.accounts[self.dice.below(self.accounts.len() as u64) as usize];
            stops.insert(address, *self.dice.pick(&ends));
        }
        RandomLedger { transfers: self.transfers, seeds, asserted, stops, chain: self.chain }
    }
}
