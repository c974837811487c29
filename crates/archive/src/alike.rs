//! Finds, among what is committed, the rows that some of a batch may be: first by position, time,
//! amount and kind alone, then, for the few that match, whole.

use std::ops::Range;

use ledger::{Position, Transfer};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::batch::{Entry, Recorded};
use crate::bill::is_cost;
use crate::error::Result;
use crate::manifest::{Part, Sorting};
use crate::part::{KeyRow, PartReader, Store, read_keys};

pub(crate) type FullKey = (u64, u32, u32);

/// What must be equal before it is worth comparing whole rows.
#[derive(PartialEq, Eq, Hash)]
enum RoughKey {
    Full(FullKey),
    Loose(Option<u64>, u32, u128),
    /// Of two tellings of one transfer: height or time, and amount.
    Told(u64, u128),
    /// Of two tellings of a transaction's cost, which may be divided: height or time.
    Cost(u64),
}

impl RoughKey {
    fn of(row: &KeyRow) -> RoughKey {
        match full_key(row.position) {
            Some(key) => RoughKey::Full(key),
            None => RoughKey::Loose(row.position.height, row.time, row.amount),
        }
    }

    fn told(row: &KeyRow, by: Sorting) -> RoughKey {
        RoughKey::Told(major_of(by, row.position.height, row.time), row.amount)
    }

    fn cost(row: &KeyRow, by: Sorting) -> RoughKey {
        RoughKey::Cost(major_of(by, row.position.height, row.time))
    }
}

pub(crate) fn full_key(position: Position) -> Option<FullKey> {
    Some((position.height?, position.tx_index?, position.index?))
}

pub(crate) fn major_of(by: Sorting, height: Option<u64>, time: u32) -> u64 {
    match by {
        Sorting::Height => height.unwrap_or(0),
        Sorting::Time => time.into(),
    }
}

pub(crate) fn key_of(transfer: &Transfer) -> KeyRow {
    let Transfer { position, time, amount, kind, .. } = *transfer;
    KeyRow { position, time: time.seconds(), amount: amount.base_units(), kind }
}

/// Rows of a batch by identity.
pub(crate) struct Known<'a> {
    rough: FxHashSet<RoughKey>,
    by: Sorting,
    /// True if some of the rows have no full position.
    any_loose: bool,
    pub(crate) full: FxHashMap<FullKey, u32>,
    pub(crate) loose: FxHashMap<(&'a Transfer, u32), u32>,
}

impl<'a> Known<'a> {
    /// Of entries, each with its number; `by` says what the committed ones are found by.
    pub(crate) fn of(entries: impl Iterator<Item = (u32, &'a Entry)>, by: Sorting) -> Known<'a> {
        let mut known = Known {
            rough: FxHashSet::default(),
            by,
            any_loose: false,
            full: FxHashMap::default(),
            loose: FxHashMap::default(),
        };
        for (number, Entry { transfer, occurrence, .. }) in entries {
            let key = key_of(transfer);
            known.rough.insert(RoughKey::of(&key));
            match full_key(transfer.position) {
                Some(key) => known.full.insert(key, number),
                None => known.loose.insert((transfer, *occurrence), number),
            };
            known.any_loose |= !transfer.position.is_full();
            if transfer.tx.is_some() {
                known.rough.insert(RoughKey::told(&key, by));
                if is_cost(transfer) {
                    known.rough.insert(RoughKey::cost(&key, by));
                }
            }
        }
        known
    }

    /// The rows of a part that may be one of these. `other_formats` is true if some of its rows come
    /// from other formats: within one, two full positions are one or not and nothing else is asked.
    pub(crate) fn read_alike(
        &self,
        store: &Store,
        part: &Part,
        other_formats: bool,
        wanted: impl Fn(u64, u64) -> bool,
    ) -> Result<impl Iterator<Item = Result<Recorded>>> {
        let mut hits: Vec<Range<usize>> = Vec::new();
        let groups = read_keys(store, part, self.by, wanted, |number, row| {
            let may_be_told = other_formats || self.any_loose || !row.position.is_full();
            let has = |key: RoughKey| self.rough.contains(&key);
            let is_alike = has(RoughKey::of(&row))
                || (may_be_told && has(RoughKey::told(&row, self.by)))
                || (row.may_be_cost() && has(RoughKey::cost(&row, self.by)));
            if is_alike {
                match hits.last_mut() {
                    Some(last) if last.end == number => last.end += 1,
                    _ => hits.push(number..number + 1),
                }
            }
        })?;
        let reader = match hits.is_empty() {
            true => None,
            false => Some(PartReader::open_ranges(store, part, &groups, hits)?),
        };
        Ok(reader.into_iter().flatten())
    }
}
