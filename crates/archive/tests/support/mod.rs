//! What the archive's tests share: made-up transfers, batches of them, a folder to put them in.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part; helpers of tests are tests

pub(crate) mod faults;

use std::path::Path;

use archive::{Appended, Archive, Batch, Entry, Recorded, Source};
use ledger::{
    Address, Amount, Asset, Chain, Conversion, Kind, Place, Position, Time, Transfer, TxId,
};
use sha2::{Digest, Sha256};

/// A small generator of numbers, the same on every machine.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let x = self.0 ^ (self.0 >> 33);
        x.wrapping_mul(0xff51afd7ed558ccd) ^ (x >> 29)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

pub(crate) fn account(chain: Chain, n: u64) -> Place {
    let mut body = [0x5a; 20];
    body[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    body[12..].copy_from_slice(&n.to_be_bytes());
    match Address::from_body(chain, body) {
        Some(address) => Place::Account(address),
        None => Place::Account(Address::P2pkh(body)),
    }
}

pub(crate) fn tx(n: u64) -> TxId {
    let mut bytes = [0x77; 32];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..16].copy_from_slice(&n.to_be_bytes());
    TxId::new(bytes)
}

/// A plain token-less transfer.
pub(crate) fn transfer(
    chain: Chain,
    position: Position,
    time: u32,
    from: u64,
    to: u64,
) -> Transfer {
    Transfer {
        chain,
        position,
        time: Time::from_seconds(time),
        tx: Some(tx(u64::from(time) << 8 | from)),
        kind: Kind::Native,
        from: account(chain, from),
        to: account(chain, to),
        from_owner: None,
        to_owner: None,
        asset: Asset::Native,
        amount: Amount::new(u128::from(from + to + 1)),
        conversion: None,
    }
}

pub(crate) fn source(name: &str) -> Source {
    let sha256 = Sha256::digest(name.as_bytes()).into();
    Source { name: name.into(), sha256, format: "test".into() }
}

pub(crate) fn batch(name: &str, entries: Vec<Entry>) -> Batch {
    Batch { entries, ..Batch::new(source(name)) }
}

/// The transfers as rows 0, 1 … of a source.
pub(crate) fn numbered(transfers: &[Transfer]) -> Vec<Entry> {
    let row = |(row, transfer): (usize, &Transfer)| Entry {
        transfer: *transfer,
        row: row as u64,
        occurrence: 0,
    };
    transfers.iter().enumerate().map(row).collect()
}

/// The same, each with the number of equal rows before it.
pub(crate) fn occurring(transfers: &[Transfer]) -> Vec<Entry> {
    let before = |row: usize| transfers[..row].iter().filter(|t| **t == transfers[row]).count();
    let mut entries = numbered(transfers);
    for (row, entry) in entries.iter_mut().enumerate() {
        entry.occurrence = before(row) as u32;
    }
    entries
}

pub(crate) fn append(folder: &Path, batch: &Batch) -> Appended {
    Archive::open(folder).unwrap().append(batch).unwrap()
}

pub(crate) fn recorded(archive: &Archive) -> Vec<Recorded> {
    archive.transfers().unwrap().collect::<Result<_, _>>().unwrap()
}

pub(crate) fn transfers(archive: &Archive) -> Vec<Transfer> {
    recorded(archive).into_iter().map(|recorded| recorded.transfer).collect()
}

/// A random transfer of a small world: few accounts, three chains, every kind of side.
pub(crate) fn random(dice: &mut Dice, height: u64, tx_index: u32, index: u32) -> Transfer {
    let chain = [Chain::TRON, Chain::ETHEREUM, Chain::BITCOIN][dice.below(3) as usize];
    let position = Position::full(height, tx_index, index);
    let time = (1_000_000 + height * 10 + dice.below(25)) as u32;
    let (from, to) = (dice.below(12), dice.below(12));
    let mut made = transfer(chain, position, time, from, to);
    made.tx = Some(tx(height << 16 | u64::from(tx_index)));
    made.amount = Amount::new(u128::from(dice.below(20)));
    if chain == Chain::BITCOIN {
        made.from = Place::Output { tx: tx(from), index: 0 };
        let owner = account(chain, from % 3).account();
        made.from_owner = if dice.below(2) == 0 { owner } else { None };
    } else if dice.below(3) == 0 {
        made.asset = Asset::Token(account(chain, 900).account().unwrap());
    }
    match dice.below(9) {
        0 => (made.from, made.from_owner, made.kind) = (Place::Mint, None, Kind::Reward),
        1 => (made.to, made.kind) = (Place::Fee, Kind::Fee),
        2 => (made.to, made.kind) = (Place::Burn, Kind::Burn),
        3 if chain != Chain::BITCOIN => {
            let asset = Asset::Token(account(chain, 901).account().unwrap());
            let amount = Amount::new(u128::from(dice.below(30)));
            made.conversion = Some(Conversion { asset, amount });
        }
        _ => {}
    }
    made
}

/// Random transfers at distinct full positions of each chain.
pub(crate) fn random_world(seed: u64, count: u32) -> Vec<Transfer> {
    let mut dice = Dice(seed);
    (0..count).map(|n| random(&mut dice, 100 + u64::from(n / 7), n % 7 / 3, n % 7)).collect()
}
