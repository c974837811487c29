//! Comparing a batch with itself and with what is committed: which rows are new, which were there, which
//! say more than what was there, and which contradict.
//!
//! A row with a full position is identified by it among those of its format; any other row by all of its
//! fields and its occurrence number. And two sources may tell of one transfer ([`told`]) or of one cost
//! ([`bill`]). Committed rows that may be somebody's are found by [`alike`].
//!
//! [`told`]: crate::told
//! [`bill`]: crate::bill
//! [`alike`]: crate::alike

use std::collections::BTreeMap;

use ledger::{Chain, Transfer};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::alike::{Known, full_key, key_of, major_of};
use crate::batch::{Entry, Reason, Recorded, Rejected, Subject};
use crate::bill::{self, Bill, Payment, Verdict, is_at_cost};
use crate::error::Result;
use crate::manifest::{Manifest, Part, Sorting};
use crate::part::Store;
use crate::rewrite::Dropped;
use crate::told::{
    Teller, Told, contradict, is_elsewhere, is_same_moment, knows_more, may_be_one, say_the_same,
};

/// What became of a row of the batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    New,
    Already,
    /// It stands in the place of a committed row that tells less.
    Better,
    Refused,
}

/// The rows of a batch that share chain and sorting: they go into one part.
pub(crate) struct Group<'a> {
    pub(crate) chain: Chain,
    pub(crate) sorting: Sorting,
    pub(crate) entries: &'a [Entry],
    /// Ordinal of the batch's source.
    pub(crate) import: u32,
    /// Numbers of the group's entries, in order.
    pub(crate) order: Vec<u32>,
}

/// A committed row, seen from a new file.
struct Committed {
    /// Number of the part that it stands in.
    part: u64,
    row: Recorded,
    teller: Teller,
    /// True if the new file's telling stays where this one tells as much: that of the format whose name
    /// comes first.
    loses_tie: bool,
}

/// What was found out of the batch so far.
#[derive(Default)]
pub(crate) struct Findings {
    /// By number of entry.
    pub(crate) fates: Vec<Fate>,
    pub(crate) rejected: Vec<Rejected>,
    /// Committed rows that give way.
    pub(crate) dropped: Dropped,
    /// How many rows a committed one of another format tells at another number in the transaction.
    pub(crate) renumbered: u64,
    /// Rows at whose position a committed one contradicts them, unless another is theirs.
    contradicted: Vec<Contradiction>,
}

/// A row of the batch and a committed one at the same full position.
struct Contradiction {
    number: usize,
    reason: Reason,
    /// Where among the others the committed row is kept, which may turn out to tell of another row of the
    /// batch: formats count rows in different ways.
    other: Option<usize>,
}

impl Findings {
    /// Of so many rows, all new as yet.
    pub(crate) fn of(rows: usize) -> Findings {
        Findings { fates: vec![Fate::New; rows], ..Findings::default() }
    }

    pub(crate) fn refuse(&mut self, number: usize, entry: &Entry, reason: Reason) {
        self.fates[number] = Fate::Refused;
        self.rejected.push(Rejected { subject: Subject::Row(entry.row), reason });
    }

    fn drop_row(&mut self, committed: &Committed) {
        self.dropped.entry(committed.part).or_default().insert(committed.row);
    }

    fn is_dropped(&self, committed: &Committed) -> bool {
        self.dropped.get(&committed.part).is_some_and(|rows| rows.contains(&committed.row))
    }
}

impl<'a> Group<'a> {
    fn entry(&self, number: u32) -> &'a Entry {
        &self.entries[number as usize]
    }

    /// The rows that nothing was found out of yet.
    fn new_ones(&self, findings: &Findings) -> impl Iterator<Item = (u32, &'a Entry)> {
        let is_new = |number: &&u32| findings.fates[**number as usize] == Fate::New;
        self.order.iter().filter(is_new).map(|number| (*number, self.entry(*number)))
    }

    /// The heights or times of the group's rows, ascending.
    fn majors(&self, by: Sorting) -> Vec<u64> {
        let keys = self.order.iter().map(|number| key_of(&self.entry(*number).transfer));
        let mut majors: Vec<u64> =
            keys.map(|key| major_of(by, key.position.height, key.time)).collect();
        majors.sort_unstable();
        majors
    }

    pub(crate) fn compare_within(&self, findings: &mut Findings) {
        let mut last_full: Option<&Entry> = None;
        let mut loose: FxHashSet<(&Transfer, u32)> = FxHashSet::default();
        for number in &self.order {
            let (entry, number) = (self.entry(*number), *number as usize);
            if !entry.transfer.position.is_full() {
                if !loose.insert((&entry.transfer, entry.occurrence)) {
                    findings.fates[number] = Fate::Already;
                }
                continue;
            }
            match last_full {
                Some(kept) if kept.transfer == entry.transfer => {
                    findings.fates[number] = Fate::Already;
                }
                Some(kept) if kept.transfer.position == entry.transfer.position => {
                    findings.refuse(number, entry, Reason::ConflictInSource { row: kept.row });
                }
                _ => last_full = Some(entry),
            }
        }
    }

    pub(crate) fn compare_committed(
        &self,
        store: &Store,
        manifest: &Manifest,
        findings: &mut Findings,
    ) -> Result<()> {
        let mut others = Vec::new();
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
            let known = Known::of(self.new_ones(findings), by);
            for part in near {
                let own = format_of(manifest, self.import);
                let mixed = part.imports.iter().any(|other| format_of(manifest, *other) != own);
                for row in known.read_alike(store, part, mixed, wanted)? {
                    let committed = self.committed(part, row?, manifest);
                    self.judge(committed, &known, &mut others, findings);
                }
            }
        }
        let mut taken = FxHashSet::default();
        self.settle_costs(&others, &mut taken, findings);
        let (open, settled): (Vec<_>, Vec<_>) = std::mem::take(&mut findings.contradicted)
            .into_iter()
            .partition(|found| found.other.is_some());
        self.refuse_contradicted(settled, &taken, findings);
        self.unite(&others, &mut taken, findings);
        self.refuse_contradicted(open, &taken, findings);
        Ok(())
    }

    fn refuse_contradicted(
        &self,
        found: Vec<Contradiction>,
        taken: &FxHashSet<usize>,
        findings: &mut Findings,
    ) {
        for Contradiction { number, reason, other } in found {
            let is_answered = other.is_some_and(|other| taken.contains(&other));
            if findings.fates[number] == Fate::New && !is_answered {
                findings.refuse(number, &self.entries[number], reason);
            }
        }
    }

    /// Settles the fate of the batch's row, if any, that has the identity of a committed one; else the
    /// committed one is kept among `others`.
    fn judge(
        &self,
        committed: Committed,
        known: &Known<'_>,
        others: &mut Vec<Committed>,
        findings: &mut Findings,
    ) {
        // Another group of the batch may have taken its place.
        if findings.is_dropped(&committed) {
            return;
        }
        let Recorded { transfer, import, row, occurrence } = committed.row;
        let identity = match full_key(transfer.position) {
            Some(key) => known.full.get(&key),
            None => known.loose.get(&(&transfer, occurrence)),
        };
        if let Some(number) = identity.map(|number| *number as usize) {
            let entry = &self.entries[number];
            if say_the_same(&entry.transfer, &transfer) {
                findings.fates[number] = Fate::Already;
                return;
            }
            // Where readers agreed to place a cost, its division is compared, not its rows.
            let teller = committed.teller;
            let is_cost = is_at_cost(transfer.position);
            if !is_cost && contradict(&entry.transfer, &transfer, teller) {
                let of_cost = bill::payment(&transfer);
                let is_of_cost = of_cost.is_some() && of_cost == bill::payment(&entry.transfer);
                let is_open = is_of_cost || teller == Teller::OtherFormat;
                let reason = Reason::ConflictWithArchive { import, row };
                let other = is_open.then_some(others.len());
                findings.contradicted.push(Contradiction { number, reason, other });
                if !is_open {
                    return;
                }
            }
        }
        others.push(committed);
    }

    fn committed(&self, part: &Part, row: Recorded, manifest: &Manifest) -> Committed {
        let (own, other) = (format_of(manifest, self.import), format_of(manifest, row.import));
        // What was read to its end before is being read again.
        let again = manifest.imports.get(row.import as usize).is_some_and(|import| import.complete);
        let teller = match own == other {
            _ if row.import == self.import && !again => Teller::Same,
            true => Teller::SameFormat,
            false => Teller::OtherFormat,
        };
        Committed { part: part.number, row, teller, loses_tie: own < other }
    }

    /// Finds the costs that committed rows tell already, perhaps divided otherwise.
    fn settle_costs(
        &self,
        others: &[Committed],
        taken: &mut FxHashSet<usize>,
        findings: &mut Findings,
    ) {
        let mut new: BTreeMap<u32, Payment> = BTreeMap::new();
        let mut bills: FxHashMap<Payment, Bill<'_>> = FxHashMap::default();
        for (number, Entry { transfer, .. }) in self.new_ones(findings) {
            if let Some(payment) = bill::payment(transfer) {
                bills.entry(payment).or_default().add(number as usize, transfer);
                new.insert(number, payment);
            }
        }
        // Those of one format that may be several costs stand apart.
        let mut old: [FxHashMap<Payment, Bill<'_>>; 2] = Default::default();
        for (at, committed) in others.iter().enumerate() {
            let transfer = &committed.row.transfer;
            let Some(payment) = bill::payment(transfer) else { continue };
            let Some((_, first)) = bills.get(&payment).and_then(Bill::first) else { continue };
            let counted_rows = may_be_one_cost(first, transfer, committed.teller);
            let Some(counted_rows) = counted_rows else { continue };
            old[usize::from(counted_rows)].entry(payment).or_default().add(at, transfer);
        }
        // In the order of the batch, so that what is said comes in it.
        for payment in new.into_values() {
            let Some(bill) = bills.remove(&payment) else { continue };
            for (only_divided, old) in [(false, &old[0]), (true, &old[1])] {
                let Some(old) = old.get(&payment) else { continue };
                let first = old.first().map_or(0, |(at, _)| at);
                let verdict = bill.beside(old, only_divided, others[first].loses_tie);
                let Some(verdict) = verdict else { continue };
                taken.extend(self.settle(verdict, others, first, findings));
                break;
            }
        }
    }

    /// What a verdict means for the rows; `first` is a committed row of the old bill. Returns those that
    /// the new bill has found its own in.
    fn settle(
        &self,
        verdict: Verdict,
        others: &[Committed],
        first: usize,
        findings: &mut Findings,
    ) -> Vec<usize> {
        match verdict {
            Verdict::Told { new, old } => {
                new.into_iter().for_each(|row| findings.fates[row] = Fate::Already);
                old
            }
            Verdict::Better { new, old } => {
                new.into_iter().for_each(|row| findings.fates[row] = Fate::Better);
                old.iter().for_each(|at| findings.drop_row(&others[*at]));
                old
            }
            Verdict::Contradicts(rows) => {
                let Recorded { import, row, .. } = others[first].row;
                for number in rows {
                    let reason = Reason::OtherCost { import, row };
                    findings.refuse(number, &self.entries[number], reason);
                }
                Vec::new()
            }
        }
    }

    /// Finds the rows that committed ones tell already, in the words of another source.
    fn unite(&self, others: &[Committed], taken: &mut FxHashSet<usize>, findings: &mut Findings) {
        let mut told: FxHashMap<Told<'_>, Vec<usize>> = FxHashMap::default();
        for (at, committed) in others.iter().enumerate() {
            let is_there = !findings.is_dropped(committed);
            if let Some(key) = Told::of(&committed.row.transfer).filter(|_| is_there) {
                told.entry(key).or_default().push(at);
            }
        }
        // Whoever knows which row of the transaction he tells of chooses first, and among equal words the
        // same word; the rest comes after.
        let (placed, unplaced): (Vec<u32>, Vec<u32>) =
            self.order.iter().partition(|n| self.entry(**n).transfer.position.index.is_some());
        let rows = || placed.iter().chain(&unplaced).copied();
        for (number, any_word) in
            rows().map(|number| (number, false)).chain(rows().map(|number| (number, true)))
        {
            if findings.fates[number as usize] == Fate::New
                && let Some(tellings) =
                    Told::of(&self.entry(number).transfer).and_then(|key| told.get(&key))
            {
                let open = tellings.iter().copied().filter(|at| !taken.contains(at));
                let open: Vec<usize> = open.collect();
                taken.extend(self.find_telling(number, &open, others, any_word, findings));
            }
        }
    }

    /// Finds the committed row, among those of equal words, that a new one tells of.
    fn find_telling(
        &self,
        number: u32,
        open: &[usize],
        others: &[Committed],
        any_word: bool,
        findings: &mut Findings,
    ) -> Option<usize> {
        let entry = self.entry(number);
        let position = entry.transfer.position;
        let is_one = |at: &usize| {
            let committed = &others[*at];
            (any_word || committed.row.transfer.kind == entry.transfer.kind)
                && may_be_one(entry, &committed.row, committed.teller)
        };
        let same_index = |at: &usize| others[*at].row.transfer.position.index == position.index;
        let exact = open.iter().find(|at| same_index(at) && is_one(at));
        let Some(at) = exact.or_else(|| open.iter().find(|at| is_one(at))).copied() else {
            let elsewhere = |at: &&usize| {
                is_elsewhere(position, others[**at].row.transfer.position)
                    && others[**at].teller != Teller::Same
            };
            if let Some(at) = open.iter().find(elsewhere).filter(|_| any_word) {
                let Recorded { import, row, .. } = others[*at].row;
                findings.refuse(number as usize, entry, Reason::OtherPlace { import, row });
            }
            return None;
        };
        let committed = &others[at];
        let known = committed.row.transfer.position;
        let both_full = position.is_full() && known.is_full();
        findings.renumbered += u64::from(both_full && position.index != known.index);
        let stays = knows_more(position, known, committed.loses_tie);
        findings.fates[number as usize] = if stays { Fate::Better } else { Fate::Already };
        if stays {
            findings.drop_row(committed);
        }
        Some(at)
    }
}

/// `None` where two rows cannot be of one cost; else true if they are of one format that counts the rows
/// of a transaction itself, so that they may be two costs.
fn may_be_one_cost(new: &Transfer, committed: &Transfer, teller: Teller) -> Option<bool> {
    let (a, b) = (new.position, committed.position);
    let (any_agreed, both_agreed) =
        (is_at_cost(a) || is_at_cost(b), is_at_cost(a) && is_at_cost(b));
    if !is_same_moment(new, committed) || (teller == Teller::Same && !both_agreed) {
        return None;
    }
    Some(teller == Teller::SameFormat && !any_agreed && a.is_full() && b.is_full())
}

fn format_of(manifest: &Manifest, import: u32) -> Option<&str> {
    manifest.imports.get(import as usize).map(|import| import.format.as_str())
}
