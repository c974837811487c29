//! Appending: which rows of a batch are new, which were there, and which contradict.
//!
//! A row with a full position is identified by it; any other row by all of its fields and its
//! occurrence number. Rows are compared first within the batch, then with the committed row groups
//! whose span of heights (or times) holds one of the batch's: first by position, time and amount
//! alone, then, for the few that match, by everything.

use std::ops::Range;

use ledger::{Chain, Transfer};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::batch::{Entry, Reason, Recorded, Rejected, Subject};
use crate::error::Result;
use crate::manifest::{Manifest, Part, Sorting};
use crate::part::{KeyRow, PartReader, PartWriter, Store, read_keys};

/// What became of a row of the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    New,
    Already,
    Refused,
}

/// The rows of a batch that share chain and sorting: they go into one part.
struct Group<'a> {
    chain: Chain,
    sorting: Sorting,
    entries: &'a [Entry],
    /// Numbers of the group's entries, in order.
    order: Vec<u32>,
}

/// What the rows of a batch came to.
#[derive(Default)]
pub(crate) struct Sorted {
    pub(crate) parts: Vec<Part>,
    pub(crate) added: u64,
    pub(crate) already: u64,
    pub(crate) rejected: Vec<Rejected>,
}

type FullKey = (u64, u32, u32);

/// What must be equal before it is worth comparing whole rows.
#[derive(PartialEq, Eq, Hash)]
enum RoughKey {
    Full(FullKey),
    Loose(Option<u64>, u32, u128),
}

impl RoughKey {
    fn of(row: &KeyRow) -> RoughKey {
        match full_key(row.position) {
            Some(key) => RoughKey::Full(key),
            None => RoughKey::Loose(row.position.height, row.time, row.amount),
        }
    }
}

fn full_key(position: ledger::Position) -> Option<FullKey> {
    Some((position.height?, position.tx_index?, position.index?))
}

/// Sorts `entries` into new parts of `import`. Nothing is committed.
pub(crate) fn write_new(
    store: &Store,
    manifest: &mut Manifest,
    entries: &[Entry],
    import: u32,
) -> Result<Sorted> {
    let mut sorted = Sorted::default();
    let mut fates = vec![Fate::New; entries.len()];
    for (entry, fate) in entries.iter().zip(&mut fates) {
        if let Err(reason) = crate::batch::check(&entry.transfer) {
            *fate = Fate::Refused;
            sorted.rejected.push(Rejected { subject: Subject::Row(entry.row), reason });
        }
    }
    for group in groups(entries, &fates) {
        group.compare_within(&mut fates, &mut sorted.rejected);
        group.compare_committed(store, &manifest.parts, &mut fates, &mut sorted.rejected)?;
        let number = manifest.take_number();
        let mut writer = PartWriter::create(store, group.chain, group.sorting, number)?;
        for number in &group.order {
            let Entry { transfer, row, occurrence } = entries[*number as usize];
            if fates[*number as usize] == Fate::New {
                writer.push(&Recorded { transfer, import, row, occurrence })?;
                sorted.added += 1;
            }
        }
        sorted.parts.extend(writer.finish()?);
    }
    sorted.already = fates.iter().filter(|fate| **fate == Fate::Already).count() as u64;
    sorted.rejected.sort_by_key(|rejected| rejected.subject);
    Ok(sorted)
}

/// The batch by chain and sorting, each group in order; equal keys keep the order of the batch.
fn groups<'a>(entries: &'a [Entry], fates: &[Fate]) -> Vec<Group<'a>> {
    let mut members: std::collections::BTreeMap<(Chain, bool), Vec<u32>> = Default::default();
    for (number, entry) in entries.iter().enumerate() {
        if fates[number] == Fate::New {
            let key = (entry.transfer.chain, entry.transfer.position.height.is_none());
            members.entry(key).or_default().push(number as u32);
        }
    }
    members
        .into_iter()
        .map(|((chain, without_height), mut order)| {
            let sorting = if without_height { Sorting::Time } else { Sorting::Height };
            order.sort_by_cached_key(|number| {
                let Entry { transfer, row, .. } = &entries[*number as usize];
                let position = transfer.position;
                let major = position.height.unwrap_or(transfer.time.seconds().into());
                (major, position.tx_index, position.index, *row)
            });
            Group { chain, sorting, entries, order }
        })
        .collect()
}

impl<'a> Group<'a> {
    fn entry(&self, number: u32) -> &'a Entry {
        &self.entries[number as usize]
    }

    /// What the group's rows are looked up by: their height, or their time.
    fn major(&self, number: u32) -> u64 {
        let transfer = &self.entry(number).transfer;
        match self.sorting {
            Sorting::Height => transfer.position.height.unwrap_or(0),
            Sorting::Time => transfer.time.seconds().into(),
        }
    }

    fn compare_within(&self, fates: &mut [Fate], rejected: &mut Vec<Rejected>) {
        let mut last_full: Option<&Entry> = None;
        let mut loose: FxHashSet<(&Transfer, u32)> = FxHashSet::default();
        for number in &self.order {
            let entry = self.entry(*number);
            let fate = &mut fates[*number as usize];
            if !entry.transfer.position.is_full() {
                if !loose.insert((&entry.transfer, entry.occurrence)) {
                    *fate = Fate::Already;
                }
                continue;
            }
            match last_full {
                Some(kept) if kept.transfer.position == entry.transfer.position => {
                    *fate =
                        if kept.transfer == entry.transfer { Fate::Already } else { Fate::Refused };
                    if *fate == Fate::Refused {
                        let reason = Reason::ConflictInSource { row: kept.row };
                        rejected.push(Rejected { subject: Subject::Row(entry.row), reason });
                    }
                }
                _ => last_full = Some(entry),
            }
        }
    }

    fn compare_committed(
        &self,
        store: &Store,
        parts: &[Part],
        fates: &mut [Fate],
        rejected: &mut Vec<Rejected>,
    ) -> Result<()> {
        let wanted = |low: u64, high: u64| {
            let from = self.order.partition_point(|number| self.major(*number) < low);
            self.order.get(from).is_some_and(|number| self.major(*number) <= high)
        };
        let near: Vec<&Part> = parts
            .iter()
            .filter(|part| part.chain == self.chain && part.sorting == self.sorting)
            .filter(|part| wanted(major_of(part, &part.first), major_of(part, &part.last)))
            .collect();
        if near.is_empty() {
            return Ok(());
        }
        let known = Known::of(self, fates);
        for part in near {
            let mut hits: Vec<Range<usize>> = Vec::new();
            let groups = read_keys(store, part, wanted, |number, row| {
                if known.rough.contains(&RoughKey::of(&row)) {
                    match hits.last_mut() {
                        Some(last) if last.end == number => last.end += 1,
                        _ => hits.push(number..number + 1),
                    }
                }
            })?;
            if hits.is_empty() {
                continue;
            }
            for committed in PartReader::open_ranges(store, part, groups, hits)? {
                self.judge(&committed?, &known, fates, rejected);
            }
        }
        Ok(())
    }

    /// Settles the fate of the batch's row, if any, that has the identity of a committed one.
    fn judge(
        &self,
        committed: &Recorded,
        known: &Known<'_>,
        fates: &mut [Fate],
        rejected: &mut Vec<Rejected>,
    ) {
        let Some(key) = full_key(committed.transfer.position) else {
            let identity = (&committed.transfer, committed.occurrence);
            if let Some(number) = known.loose.get(&identity) {
                fates[*number as usize] = Fate::Already;
            }
            return;
        };
        let Some(number) = known.full.get(&key) else { return };
        let entry = self.entry(*number);
        if entry.transfer == committed.transfer {
            fates[*number as usize] = Fate::Already;
        } else {
            fates[*number as usize] = Fate::Refused;
            let reason =
                Reason::ConflictWithArchive { import: committed.import, row: committed.row };
            rejected.push(Rejected { subject: Subject::Row(entry.row), reason });
        }
    }
}

fn major_of(part: &Part, key: &crate::manifest::Key) -> u64 {
    match part.sorting {
        Sorting::Height => key.height.unwrap_or(0),
        Sorting::Time => key.time.into(),
    }
}

/// The group's rows by identity.
struct Known<'a> {
    rough: FxHashSet<RoughKey>,
    full: FxHashMap<FullKey, u32>,
    loose: FxHashMap<(&'a Transfer, u32), u32>,
}

impl<'a> Known<'a> {
    fn of(group: &Group<'a>, fates: &[Fate]) -> Known<'a> {
        let mut known = Known {
            rough: FxHashSet::default(),
            full: FxHashMap::default(),
            loose: FxHashMap::default(),
        };
        let rows = group.order.iter().filter(|number| fates[**number as usize] == Fate::New);
        for number in rows {
            let entry = group.entry(*number);
            let transfer = &entry.transfer;
            known.rough.insert(RoughKey::of(&KeyRow {
                position: transfer.position,
                time: transfer.time.seconds(),
                amount: transfer.amount.base_units(),
            }));
            match full_key(transfer.position) {
                Some(key) => known.full.insert(key, *number),
                None => known.loose.insert((transfer, entry.occurrence), *number),
            };
        }
        known
    }
}
