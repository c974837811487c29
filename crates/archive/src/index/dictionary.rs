//! Dictionaries: names to dense numbers in order of first appearance, and back.
//!
//! While building, a hash table holds only the numbers and the names lie once in a vector. On disk
//! a dictionary is that vector and a permutation of it in order of key, searched by halving.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::record::{NONE, Name};
use crate::disk::Mapped;
use crate::error::{ArchiveError, Result};

/// A dictionary that is being built.
#[derive(Default)]
pub(super) struct Dictionary {
    pub(super) names: Vec<Name>,
    table: HashTable<u32>,
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(key);
    hasher.finish()
}

impl Dictionary {
    /// The number of a name, given now if it is new.
    pub(super) fn number(&mut self, key: &[u8; 44]) -> Result<u32> {
        let names = &self.names;
        let known = self.table.find(hash(key), |n| names[*n as usize].key == *key);
        if let Some(number) = known {
            return Ok(*number);
        }
        let number = next_number(self.names.len(), "places, assets or owners")?;
        self.names.push(Name { key: *key, owner: NONE });
        let names = &self.names;
        self.table.insert_unique(hash(key), number, |n| hash(&names[*n as usize].key));
        Ok(number)
    }

    /// The numbers in order of key.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let prefix = |name: &Name| {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&name.key[..16]);
            u128::from_be_bytes(bytes)
        };
        let mut order: Vec<(u128, u32)> =
            self.names.iter().enumerate().map(|(n, name)| (prefix(name), n as u32)).collect();
        order.sort_unstable_by(|a, b| {
            let key = |number: u32| &self.names[number as usize].key;
            a.0.cmp(&b.0).then_with(|| key(a.1).cmp(key(b.1)))
        });
        order.into_iter().map(|(_, number)| number).collect()
    }
}

/// `length` as a number that is not [`NONE`].
pub(super) fn next_number(length: usize, what: &'static str) -> Result<u32> {
    let limit = u64::from(NONE) - 1;
    match u32::try_from(length) {
        Ok(number) if number != NONE => Ok(number),
        _ => Err(ArchiveError::TooLarge { what, limit }),
    }
}

/// Numbers for pairs of numbers: the pots.
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) pairs: Vec<(u32, u32)>,
    table: HashTable<u32>,
}

impl Pairs {
    pub(super) fn number(&mut self, pair: (u32, u32)) -> Result<u32> {
        let hash = |pair: (u32, u32)| {
            let mut hasher = FxHasher::default();
            hasher.write_u64(u64::from(pair.0) << 32 | u64::from(pair.1));
            hasher.finish()
        };
        let pairs = &self.pairs;
        if let Some(number) = self.table.find(hash(pair), |n| pairs[*n as usize] == pair) {
            return Ok(*number);
        }
        let number = next_number(self.pairs.len(), "pots")?;
        self.pairs.push(pair);
        let pairs = &self.pairs;
        self.table.insert_unique(hash(pair), number, |n| hash(pairs[*n as usize]));
        Ok(number)
    }
}

/// A dictionary on disk.
pub(super) struct MappedDictionary {
    pub(super) names: Mapped<Name>,
    pub(super) sorted: Mapped<u32>,
}

impl MappedDictionary {
    pub(super) fn find(&self, key: &[u8; 44]) -> Option<u32> {
        let name = |number: u32| self.names.get(number as usize);
        let at = self.sorted.partition_point(|n| name(*n).is_some_and(|name| name.key < *key));
        let number = *self.sorted.get(at)?;
        (name(number)?.key == *key).then_some(number)
    }
}
