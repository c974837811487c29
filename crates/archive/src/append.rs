//! Appending: which rows of a batch are new, which were there, and which contradict.
//!
//! A row with a full position is identified by it; any other row by all of its fields and its
//! occurrence number. And two sources may tell of one transfer, one of them without its full position
//! ([`told`]). Rows are compared first within the batch, then with the committed row groups whose span
//! of heights (or times) holds one of the batch's: first by position, time and amount alone, then, for
//! the few that match, by everything.

use std::ops::Range;

use ledger::{Chain, Transfer};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::batch::{Entry, Reason, Recorded, Rejected, Subject};
use crate::error::Result;
use crate::manifest::{Manifest, Part, Sorting};
use crate::part::{KeyRow, PartReader, PartWriter, Store, read_keys};
use crate::told::{Told, is_at_cost, is_cost, may_be_one};

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
        group.compare_committed(store, manifest, import, &mut fates, &mut sorted.rejected)?;
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
                match position.height {
                    Some(height) => (height, position.order_in_block(), *row),
                    None => (transfer.time.seconds().into(), (0, 0), *row),
                }
            });
            Group { chain, sorting, entries, order }
        })
        .collect()
}

impl<'a> Group<'a> {
    fn entry(&self, number: u32) -> &'a Entry {
        &self.entries[number as usize]
    }

    fn key(&self, number: u32) -> KeyRow {
        let Transfer { position, time, amount, .. } = self.entry(number).transfer;
        KeyRow { position, time: time.seconds(), amount: amount.base_units() }
    }

    /// The heights or times of the group's rows, ascending.
    fn majors(&self, by: Sorting) -> Vec<u64> {
        let keys = self.order.iter().map(|number| self.key(*number));
        let mut majors: Vec<u64> =
            keys.map(|key| major_of(by, key.position.height, key.time)).collect();
        majors.sort_unstable();
        majors
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
        manifest: &Manifest,
        import: u32,
        fates: &mut [Fate],
        rejected: &mut Vec<Rejected>,
    ) -> Result<()> {
        for sorting in [Sorting::Height, Sorting::Time] {
            // Rows of the other sorting can only be told by the time.
            let by = if sorting == self.sorting { sorting } else { Sorting::Time };
            let majors = self.majors(by);
            let wanted = |low: u64, high: u64| {
                let from = majors.partition_point(|major| *major < low);
                majors.get(from).is_some_and(|major| *major <= high)
            };
            let of_chain = |part: &&Part| part.chain == self.chain && part.sorting == sorting;
            let near = manifest.parts.iter().filter(of_chain).filter(|part| {
                let [low, high] = [&part.first, &part.last].map(|k| major_of(by, k.height, k.time));
                // Only what a part is sorted by says where it begins and ends.
                by != sorting || wanted(low, high)
            });
            let near: Vec<&Part> = near.collect();
            if near.is_empty() {
                continue;
            }
            let known = Known::of(self, by, fates);
            let mut others = Vec::new();
            for part in near {
                for committed in known.read_alike(store, part, by, wanted)? {
                    self.judge(committed?, &known, &mut others, fates, rejected);
                }
            }
            self.unite(&others, import, fates);
        }
        Ok(())
    }

    /// Settles the fate of the batch's row, if any, that has the identity of a committed one; else the
    /// committed one is kept for [`Group::unite`].
    fn judge(
        &self,
        committed: Recorded,
        known: &Known<'_>,
        others: &mut Vec<Recorded>,
        fates: &mut [Fate],
        rejected: &mut Vec<Rejected>,
    ) {
        let identity = match full_key(committed.transfer.position) {
            Some(key) => known.full.get(&key),
            None => known.loose.get(&(&committed.transfer, committed.occurrence)),
        };
        let Some(number) = identity else {
            others.push(committed);
            return;
        };
        let entry = self.entry(*number);
        if entry.transfer == committed.transfer {
            fates[*number as usize] = Fate::Already;
        } else {
            fates[*number as usize] = Fate::Refused;
            let reason =
                Reason::ConflictWithArchive { import: committed.import, row: committed.row };
            rejected.push(Rejected { subject: Subject::Row(entry.row), reason });
            // What is refused as a fee may still answer for the burned part beside it.
            if is_cost(&committed.transfer) {
                others.push(committed);
            }
        }
    }

    /// Finds the rows that committed ones tell already, in the words of another source.
    fn unite(&self, others: &[Recorded], import: u32, fates: &mut [Fate]) {
        let mut told: FxHashMap<Told<'_>, Vec<&Recorded>> = FxHashMap::default();
        for committed in others {
            if let Some(key) = Told::of(&committed.transfer) {
                told.entry(key).or_default().push(committed);
            }
        }
        for number in &self.order {
            let entry = self.entry(*number);
            let transfer = &entry.transfer;
            let fate = &mut fates[*number as usize];
            let tellings = Told::of(transfer).and_then(|key| told.get_mut(&key));
            let Some(tellings) = tellings.filter(|_| *fate == Fate::New) else { continue };
            let one = tellings.iter().position(|other| may_be_one(entry, other, import));
            if let Some(at) = one {
                if !is_cost(transfer) {
                    tellings.remove(at);
                }
                *fate = Fate::Already;
            }
        }
    }
}

fn major_of(by: Sorting, height: Option<u64>, time: u32) -> u64 {
    match by {
        Sorting::Height => height.unwrap_or(0),
        Sorting::Time => time.into(),
    }
}

/// The group's rows by identity.
struct Known<'a> {
    rough: FxHashSet<RoughKey>,
    /// True if some of the rows have no full position.
    any_loose: bool,
    /// True if some of them are what a transaction cost.
    any_cost: bool,
    full: FxHashMap<FullKey, u32>,
    loose: FxHashMap<(&'a Transfer, u32), u32>,
}

impl<'a> Known<'a> {
    fn of(group: &Group<'a>, by: Sorting, fates: &[Fate]) -> Known<'a> {
        let mut known = Known {
            rough: FxHashSet::default(),
            any_loose: false,
            any_cost: false,
            full: FxHashMap::default(),
            loose: FxHashMap::default(),
        };
        let mut costs: FxHashMap<_, (KeyRow, u128)> = FxHashMap::default();
        let rows = group.order.iter().filter(|number| fates[**number as usize] == Fate::New);
        for number in rows {
            let entry = group.entry(*number);
            let transfer = &entry.transfer;
            let key = group.key(*number);
            known.rough.insert(RoughKey::of(&key));
            match full_key(transfer.position) {
                Some(key) => known.full.insert(key, *number),
                None => known.loose.insert((transfer, entry.occurrence), *number),
            };
            known.any_loose |= !transfer.position.is_full();
            if transfer.tx.is_some() {
                known.rough.insert(RoughKey::told(&key, by));
                if is_cost(transfer) {
                    known.rough.insert(RoughKey::cost(&key, by));
                    let whole = costs.entry((transfer.tx, transfer.from)).or_insert((key, 0));
                    whole.1 = key.amount.saturating_add(whole.1);
                }
            }
        }
        known.any_cost = !costs.is_empty();
        // Another source may have told in one row what stands in two here.
        let whole = costs.into_values().map(|(key, amount)| KeyRow { amount, ..key });
        known.rough.extend(whole.map(|key| RoughKey::told(&key, by)));
        known
    }

    /// The rows of a part that may be one of these.
    fn read_alike(
        &self,
        store: &Store,
        part: &Part,
        by: Sorting,
        wanted: impl Fn(u64, u64) -> bool,
    ) -> Result<impl Iterator<Item = Result<Recorded>>> {
        let mut hits: Vec<Range<usize>> = Vec::new();
        let groups = read_keys(store, part, by, wanted, |number, row| {
            // Two full positions are one or not; nothing else is asked of them.
            let may_be_told = self.any_loose || self.any_cost || !row.position.is_full();
            let is_alike = self.rough.contains(&RoughKey::of(&row))
                || (may_be_told && self.rough.contains(&RoughKey::told(&row, by)))
                || (is_at_cost(row.position) && self.rough.contains(&RoughKey::cost(&row, by)));
            if is_alike {
                match hits.last_mut() {
                    Some(last) if last.end == number => last.end += 1,
                    _ => hits.push(number..number + 1),
                }
            }
        })?;
        let reader = match hits.is_empty() {
            true => None,
            false => Some(PartReader::open_ranges(store, part, groups, hits)?),
        };
        Ok(reader.into_iter().flatten())
    }
}
