//! Names of places, assets and owners: how they are packed into bytes, tables of them that are being
//! built, and tables on disk.
//!
//! A name is chain, tag, and as many bytes as the tag says. Tables number names densely in order of
//! first appearance; on disk a permutation in order of bytes is searched by halving.

use std::hash::Hasher;

use hashbrown::HashTable;
use ledger::{Address, Asset, Chain, Place, TxId};
use rustc_hash::FxHasher;

use crate::error::{ArchiveError, Result};

/// No number: a mint's sender, a place without known owner.
pub(crate) const NONE: u32 = u32::MAX;
/// Names of a table on disk are found from every 16th one on.
pub(crate) const NAMES_A_GROUP: usize = 16;

const MAX_NAME: usize = 44;

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

/// A packed name.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    bytes: [u8; MAX_NAME],
    length: u8,
}

impl Name {
    fn pack(chain: u8, tag: u8, parts: &[&[u8]]) -> Name {
        let mut bytes = [0; MAX_NAME];
        (bytes[0], bytes[1]) = (chain, tag);
        let body = parts.iter().copied().flatten();
        let mut length = 2;
        for (to, from) in bytes[2..].iter_mut().zip(body) {
            *to = *from;
            length += 1;
        }
        Name { bytes, length }
    }

    pub(crate) fn address(chain: u8, address: &Address) -> Name {
        match address {
            Address::Evm(body) => Name::pack(chain, EVM, &[body]),
            Address::Tron(body) => Name::pack(chain, TRON, &[body]),
            Address::P2pkh(body) => Name::pack(chain, P2PKH, &[body]),
            Address::P2sh(body) => Name::pack(chain, P2SH, &[body]),
            Address::Witness { version, length, program } => {
                let program = &program[..usize::from(*length).min(program.len())];
                Name::pack(chain, WITNESS, &[&[*version, *length], program])
            }
        }
    }

    pub(crate) fn place(chain: u8, place: &Place) -> Name {
        match place {
            Place::Account(address) => Name::address(chain, address),
            Place::Output { tx, index } => {
                Name::pack(chain, OUTPUT, &[tx.bytes(), &index.to_be_bytes()])
            }
            Place::Transaction(tx) => Name::pack(chain, TRANSACTION, &[tx.bytes()]),
            Place::Burn => Name::pack(chain, BURN, &[]),
            Place::Fee => Name::pack(chain, FEE, &[]),
            Place::Mint => Name::pack(chain, MINT, &[]),
        }
    }

    pub(crate) fn asset(chain: u8, asset: &Asset) -> Name {
        match asset {
            Asset::Native => Name::pack(chain, NATIVE, &[]),
            Asset::Token(contract) => Name::address(chain, contract),
            Asset::Trc10(number) => Name::pack(chain, TRC10, &[&number.to_be_bytes()]),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// How long the name is with which `bytes` begin; `None` if there is none.
fn length(bytes: &[u8]) -> Option<usize> {
    let length = 2 + match *bytes.get(1)? {
        EVM | TRON | P2PKH | P2SH => 20,
        WITNESS => 2 + usize::from(*bytes.get(3)?),
        OUTPUT => 36,
        TRANSACTION => 32,
        BURN | FEE | MINT | NATIVE => 0,
        TRC10 => 4,
        _ => return None,
    };
    (length <= bytes.len()).then_some(length)
}

/// Number of a chain in names: its place among all chains by name.
pub(crate) fn chain_number(chain: Chain) -> u8 {
    Chain::all().position(|known| known == chain).unwrap_or(0) as u8
}

pub(crate) fn chain_of(name: &[u8]) -> Option<Chain> {
    Chain::all().nth(usize::from(*name.first()?))
}

pub(crate) fn address_of(name: &[u8]) -> Option<Address> {
    let body = || name.get(2..22)?.try_into().ok();
    match *name.get(1)? {
        EVM => Some(Address::Evm(body()?)),
        TRON => Some(Address::Tron(body()?)),
        P2PKH => Some(Address::P2pkh(body()?)),
        P2SH => Some(Address::P2sh(body()?)),
        WITNESS => {
            let mut program = [0; 40];
            program.iter_mut().zip(name.get(4..)?).for_each(|(to, from)| *to = *from);
            Some(Address::Witness { version: *name.get(2)?, length: *name.get(3)?, program })
        }
        _ => None,
    }
}

fn is_address(name: &[u8]) -> bool {
    matches!(name.get(1), Some(&(EVM | TRON | P2PKH | P2SH | WITNESS)))
}

pub(crate) fn place_of(name: &[u8]) -> Option<Place> {
    let tx = || Some(TxId::new(name.get(2..34)?.try_into().ok()?));
    match *name.get(1)? {
        OUTPUT => Some(Place::Output { tx: tx()?, index: number_at(name, 34)? }),
        TRANSACTION => Some(Place::Transaction(tx()?)),
        BURN => Some(Place::Burn),
        FEE => Some(Place::Fee),
        _ => address_of(name).map(Place::Account),
    }
}

pub(crate) fn asset_of(name: &[u8]) -> Option<Asset> {
    match *name.get(1)? {
        NATIVE => Some(Asset::Native),
        TRC10 => Some(Asset::Trc10(number_at(name, 2)?)),
        _ => address_of(name).map(Asset::Token),
    }
}

fn number_at(name: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(name.get(at..at + 4)?.try_into().ok()?))
}

/// `length` as a number that is not [`NONE`].
pub(crate) fn next_number(length: usize, what: &'static str) -> Result<u32> {
    let limit = u64::from(NONE) - 1;
    match u32::try_from(length) {
        Ok(number) if number != NONE => Ok(number),
        _ => Err(ArchiveError::TooLarge { what, limit }),
    }
}

/// A table that is being built: numbers from `first` on.
pub(crate) struct NameBook {
    first: u32,
    bytes: Vec<u8>,
    /// Where each name begins, from the base of its block of 2^16.
    starts: Vec<u32>,
    bases: Vec<u64>,
    table: HashTable<u32>,
}

fn hash(name: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(name);
    hasher.finish()
}

impl NameBook {
    pub(crate) fn starting_at(first: u32) -> NameBook {
        let (bytes, starts, bases) = (Vec::new(), Vec::new(), Vec::new());
        NameBook { first, bytes, starts, bases, table: HashTable::new() }
    }

    /// The number that comes next.
    pub(crate) fn end(&self) -> u32 {
        self.first + self.starts.len() as u32
    }

    fn start(&self, at: usize) -> usize {
        match self.starts.get(at) {
            Some(start) => self.bases[at >> 16] as usize + *start as usize,
            None => self.bytes.len(),
        }
    }

    fn name(&self, at: usize) -> &[u8] {
        &self.bytes[self.start(at)..self.start(at + 1)]
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        let same = |at: &u32| self.name(*at as usize) == name;
        self.table.find(hash(name), same).map(|at| self.first + at)
    }

    /// Gives the next number to a name that has none.
    pub(crate) fn add(&mut self, name: &[u8]) -> Result<u32> {
        let at = self.starts.len();
        let number = next_number(self.first as usize + at, "places, assets or owners")?;
        if at.is_multiple_of(1 << 16) {
            self.bases.push(self.bytes.len() as u64);
        }
        self.starts.push((self.bytes.len() as u64 - self.bases[at >> 16]) as u32);
        self.bytes.extend_from_slice(name);
        let mut table = std::mem::take(&mut self.table);
        table.insert_unique(hash(name), at as u32, |at| hash(self.name(*at as usize)));
        self.table = table;
        Ok(number)
    }

    /// The names from number `from` on, as they lie in a file: bytes, groups, order.
    pub(crate) fn since(&self, from: u32) -> (&[u8], Vec<u64>, Vec<u32>) {
        let first = (from - self.first) as usize;
        let begin = self.start(first);
        let groups = (first..self.starts.len()).step_by(NAMES_A_GROUP);
        let groups = groups.map(|at| (self.start(at) - begin) as u64).collect();
        (&self.bytes[begin..], groups, self.sorted(first))
    }

    /// One bit a name from number `from` on, from the lowest: set for the address of an account.
    pub(crate) fn accounts_since(&self, from: u32) -> Vec<u64> {
        let first = (from - self.first) as usize;
        let count = self.starts.len() - first;
        let mut bits = vec![0; count.div_ceil(64)];
        for at in (0..count).filter(|at| is_address(self.name(first + at))) {
            bits[at / 64] |= 1u64 << (at % 64);
        }
        bits
    }

    /// All names in order of their bytes, each with its number.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (&[u8], u32)> {
        let order = self.sorted(0).into_iter();
        order.map(|at| (self.name(at as usize), self.first + at))
    }

    /// Numbers from the `first` of them on, counted from there, in order of their bytes.
    fn sorted(&self, first: usize) -> Vec<u32> {
        // Chain, tag and the eight bytes behind them decide nearly always; the number lies beside them.
        let head = |at: usize| {
            let name = self.name(at);
            let mut head = [0; 16];
            let length = name.len().min(10);
            head[..length].copy_from_slice(&name[..length]);
            u128::from_be_bytes(head) | (at - first) as u128
        };
        let mut order: Vec<u128> = (first..self.starts.len()).map(head).collect();
        order.sort_unstable_by(|a, b| {
            let name = |at: u128| self.name(first + (at as u32) as usize);
            (a >> 48).cmp(&(b >> 48)).then_with(|| name(*a).cmp(name(*b)))
        });
        order.into_iter().map(|at| at as u32).collect()
    }

    /// Bytes that the table holds in memory.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity() + 4 * self.starts.capacity() + 5 * self.table.capacity()
    }
}

/// A table on disk.
#[derive(Clone, Copy)]
pub(crate) struct NameTable<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where every 16th name begins.
    pub(crate) groups: &'a [u64],
    /// Places of the names in order of their bytes.
    pub(crate) sorted: &'a [u32],
}

impl<'a> NameTable<'a> {
    /// The name at a place, from 0.
    pub(crate) fn get(&self, at: u32) -> Option<&'a [u8]> {
        let at = at as usize;
        let group = usize::try_from(*self.groups.get(at / NAMES_A_GROUP)?).ok()?;
        let mut rest = self.bytes.get(group..)?;
        for _ in 0..at % NAMES_A_GROUP {
            rest = rest.get(length(rest)?..)?;
        }
        rest.get(..length(rest)?)
    }

    /// The place of a name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<u32> {
        let at = self.sorted.partition_point(|n| self.get(*n).is_some_and(|own| own < name));
        let number = *self.sorted.get(at)?;
        (self.get(number)? == name).then_some(number)
    }
}
