//! The fixed-width records of the index, and how places, assets and owners are packed into one kind
//! of name of 44 bytes.

use bytemuck::{Pod, Zeroable};
use ledger::{Address, Asset, Chain, Place, TxId};

/// No number: a mint's sender, a row without transaction, a place without known owner.
pub(super) const NONE: u32 = u32::MAX;

/// One transfer, as replay reads it: 32 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct RowRecord {
    pub(super) amount: u128,
    /// Pot, or [`NONE`] for a mint.
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) time: u32,
    /// 0, or 1 + the number of a conversion's `amount_to`.
    pub(super) extra: u32,
}

/// What is needed to give the whole transfer back.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub(super) struct Detail {
    pub(super) height: u64,
    pub(super) tx_index: u32,
    pub(super) index: u32,
    /// Number in `txs`, or [`NONE`].
    pub(super) tx: u32,
    /// Number in `Kind::ALL`.
    pub(super) kind: u8,
    /// Which of height, tx_index and index are known: bits 0, 1, 2.
    pub(super) known: u8,
    /// Owner of the sender's place, as the row states it.
    pub(super) from_owner: u8,
    pub(super) to_owner: u8,
}

/// The row states no owner.
pub(super) const OWNER_NONE: u8 = 0;
/// The row states the owner that the place has in `places`.
pub(super) const OWNER_OF_PLACE: u8 = 1;
/// The row states another owner: see `owner_notes`.
pub(super) const OWNER_NOTED: u8 = 2;

/// Where a row came from.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct Origin {
    pub(super) row: u64,
    pub(super) import: u32,
    pub(super) occurrence: u32,
}

/// One pot. A last record, of no pot, ends the ledger of the last one.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct PotRecord {
    pub(super) place: u32,
    pub(super) asset: u32,
    /// Where its rows begin in `ledgers`.
    pub(super) entries: u64,
    /// Where its balances begin in `balances`.
    pub(super) balances: u64,
}

/// An owner that one row states and the place's record does not.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct OwnerNote {
    pub(super) row: u32,
    /// 0 for the sender's, 1 for the receiver's.
    pub(super) side: u32,
    pub(super) owner: u32,
}

/// A place, an asset or an owner: chain, tag, up to 42 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub(super) struct Name {
    pub(super) key: [u8; 44],
    /// Number in `owners`, or [`NONE`].
    pub(super) owner: u32,
}

const EVM: u8 = 1;
const TRON: u8 = 2;
const P2PKH: u8 = 3;
const P2SH: u8 = 4;
const WITNESS: u8 = 5;
const OUTPUT: u8 = 6;
const TRANSACTION: u8 = 7;
const BURN: u8 = 8;
const FEE: u8 = 9;
const MINT: u8 = 10;
const NATIVE: u8 = 11;
const TRC10: u8 = 12;

fn pack(chain: u8, tag: u8, parts: &[&[u8]]) -> [u8; 44] {
    let mut key = [0; 44];
    (key[0], key[1]) = (chain, tag);
    key[2..].iter_mut().zip(parts.iter().copied().flatten()).for_each(|(to, from)| *to = *from);
    key
}

pub(super) fn address_key(chain: u8, address: &Address) -> [u8; 44] {
    match address {
        Address::Evm(body) => pack(chain, EVM, &[body]),
        Address::Tron(body) => pack(chain, TRON, &[body]),
        Address::P2pkh(body) => pack(chain, P2PKH, &[body]),
        Address::P2sh(body) => pack(chain, P2SH, &[body]),
        Address::Witness { version, length, program } => {
            pack(chain, WITNESS, &[&[*version, *length], program])
        }
    }
}

pub(super) fn place_key(chain: u8, place: &Place) -> [u8; 44] {
    match place {
        Place::Account(address) => address_key(chain, address),
        Place::Output { tx, index } => pack(chain, OUTPUT, &[tx.bytes(), &index.to_be_bytes()]),
        Place::Transaction(tx) => pack(chain, TRANSACTION, &[tx.bytes()]),
        Place::Burn => pack(chain, BURN, &[]),
        Place::Fee => pack(chain, FEE, &[]),
        Place::Mint => pack(chain, MINT, &[]),
    }
}

pub(super) fn asset_key(chain: u8, asset: &Asset) -> [u8; 44] {
    match asset {
        Asset::Native => pack(chain, NATIVE, &[]),
        Asset::Token(contract) => address_key(chain, contract),
        Asset::Trc10(number) => pack(chain, TRC10, &[&number.to_be_bytes()]),
    }
}

impl Name {
    pub(super) fn chain(&self, chains: &[Chain]) -> Option<Chain> {
        chains.get(usize::from(self.key[0])).copied()
    }

    pub(super) fn address(&self) -> Option<Address> {
        let body: [u8; 20] = self.key[2..22].try_into().ok()?;
        match self.key[1] {
            EVM => Some(Address::Evm(body)),
            TRON => Some(Address::Tron(body)),
            P2PKH => Some(Address::P2pkh(body)),
            P2SH => Some(Address::P2sh(body)),
            WITNESS => Some(Address::Witness {
                version: self.key[2],
                length: self.key[3],
                program: self.key[4..44].try_into().ok()?,
            }),
            _ => None,
        }
    }

    pub(super) fn place(&self) -> Option<Place> {
        let tx = || Some(TxId::new(self.key[2..34].try_into().ok()?));
        match self.key[1] {
            OUTPUT => Some(Place::Output { tx: tx()?, index: self.number(34)? }),
            TRANSACTION => Some(Place::Transaction(tx()?)),
            BURN => Some(Place::Burn),
            FEE => Some(Place::Fee),
            _ => self.address().map(Place::Account),
        }
    }

    pub(super) fn asset(&self) -> Option<Asset> {
        match self.key[1] {
            NATIVE => Some(Asset::Native),
            TRC10 => Some(Asset::Trc10(self.number(2)?)),
            _ => self.address().map(Asset::Token),
        }
    }

    fn number(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.key.get(at..at + 4)?.try_into().ok()?))
    }
}
