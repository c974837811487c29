//! Reach: poison in one pass, where nobody asks for more than what came where, and when.
//!
//! Under poison all that leaves a pot after its first tainted receipt is tainted, however much the pot
//! holds. So there is no balance to keep: a bit a pot says whether it is poisoned, and only a pot that
//! something tainted comes to has its record touched. The engine gives the same answer (it must, and
//! the tests hold the two together); it also knows hops, shortfalls and several incidents.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use rustc_hash::FxHashMap;

use crate::engine::Overflow;
use crate::memory::Records;
use crate::outcome::{Held, Outcome, Sums};
use crate::pot_ledger::{AssetId, NO_POT, PotId, PotLedger, Row, RowId, Where};
use crate::pot_set::PotSet;
use crate::pots::Stopping;
use crate::prefetch::prefetch;
use crate::seeds::{Label, SeedCursor};
use crate::table::Asking;
use crate::{Detail, Question};

/// How many rows ahead pots are fetched.
const AHEAD: RowId = 24;

/// True if one pass without balances answers the question: one incident that the data shows, and no
/// asset that outgrows 128 bits, which only balances would tell.
pub(crate) fn answers<L: PotLedger>(question: &Question<'_, L>, excluded: &[AssetId]) -> bool {
    let brief = matches!(question.detail, Detail::Amounts | Detail::Arrivals);
    brief
        && excluded.is_empty()
        && question.max_hops.is_none()
        && question.seeds.asserted().is_empty()
        && question.seeds.only_label().is_some()
        && question.fits()
}

/// Tainted receipts of one pot.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(32))]
struct Received {
    sum: u128,
    first: u32,
    last: u32,
    /// What is known of how value ends here: 0 if nobody asked.
    known: u32,
    spare: u32,
}

const FOLLOWED: u32 = 1;
/// It always ends; the number of the end in [`Where::ALL`] stands at [`END`].
const STOPS: u32 = 2;
/// From some row on value ends here: see [`Pass::busy`].
const BUSY: u32 = 4;
/// Where the number of the end stands.
const END: u32 = 8;
/// The two of which nothing more is to be known.
const PLAIN: u32 = FOLLOWED | STOPS;

impl Received {
    /// Adds a receipt; false if the sum would not fit.
    #[inline]
    fn add(&mut self, arrived: u128, seconds: u32) -> bool {
        let Some(sum) = self.sum.checked_add(arrived) else { return false };
        if self.sum == 0 {
            self.first = seconds;
        }
        (self.first, self.last) = (self.first.min(seconds), self.last.max(seconds));
        self.sum = sum;
        true
    }
}

/// The pass under way.
struct Pass<'q, L> {
    question: Question<'q, L>,
    label: Label,
    received: Records<Received>,
    /// Whatever leaves these is tainted.
    poisoned: PotSet,
    /// Suspected services: the row after which value ends there, and what came then.
    busy: FxHashMap<PotId, (RowId, Received)>,
    sums: FxHashMap<AssetId, Sums>,
    asking: Asking,
}

/// Every row before `question.until`, from the first seed on.
pub(crate) fn reach<L: PotLedger>(question: Question<'_, L>) -> Result<Outcome, Overflow> {
    question.ledger.pass_over();
    let count = question.ledger.pots();
    let mut pass = Pass {
        question,
        label: question.seeds.only_label().unwrap_or(Label(0)),
        received: Records::to_fill(count),
        poisoned: PotSet::new(count),
        busy: FxHashMap::default(),
        sums: FxHashMap::default(),
        asking: Asking::default(),
    };
    let mut seeds = SeedCursor::new(question.seeds, 0);
    let mut next = question.until;
    while let Some(seeded) = seeds.next_row().filter(|row| *row < question.until) {
        pass.run(next, seeded)?;
        pass.seed(seeded)?;
        seeds.take_labels(seeded);
        next = seeded + 1;
    }
    pass.run(next, question.until)?;
    Ok(pass.finish())
}

impl<L: PotLedger> Pass<'_, L> {
    fn run(&mut self, from: RowId, until: RowId) -> Result<(), Overflow> {
        let mut next = from;
        while next < until {
            next = self.run_plain(next..until);
            if next < until {
                self.arrive(next, &self.question.ledger.row(next))?;
                next += 1;
            }
        }
        Ok(())
    }

    /// Applies rows as long as what comes of each is plain; the first of which it is not, or the end.
    fn run_plain(&mut self, rows: Range<RowId>) -> RowId {
        let Question { ledger, until, .. } = self.question;
        let (received, poisoned) = (self.received.get_mut(), &mut self.poisoned);
        let last = until.saturating_sub(AHEAD).min(rows.end);
        for id in rows.clone() {
            if id < last {
                prefetch(received, ledger.sides(id + AHEAD).1 as usize);
            }
            let row = ledger.row(id);
            if !poisoned.has(row.from) || row.from == row.to || row.amount == 0 {
                continue;
            }
            let Some(to) = received.get_mut(row.to as usize) else { return id };
            let is_first = to.sum == 0;
            let is_plain = !row.converts && to.known & PLAIN != 0;
            if !is_plain || !to.add(row.amount, row.time.seconds()) {
                return id;
            }
            if is_first && to.known == FOLLOWED {
                poisoned.add(row.to);
            }
        }
        rows.end
    }

    /// Applies the row of a seed, whoever sends it.
    fn seed(&mut self, id: RowId) -> Result<(), Overflow> {
        let row = self.question.ledger.row(id);
        let is_seed = row.amount > 0 && (row.to != NO_POT || row.converts);
        if row.from == row.to {
            return Ok(());
        }
        if is_seed {
            let asset = self.asset(if row.from == NO_POT { row.to } else { row.from });
            let sums = self.sums.entry(asset).or_default();
            sums.stolen = sums.stolen.checked_add(row.amount).ok_or(Overflow { asset })?;
        }
        match is_seed || (self.poisoned.has(row.from) && row.amount > 0) {
            true => self.arrive(id, &row),
            false => Ok(()),
        }
    }

    fn asset(&self, pot: PotId) -> AssetId {
        self.question.ledger.pot(pot).asset
    }

    /// Lets all that a row moves arrive tainted.
    #[inline]
    fn arrive(&mut self, id: RowId, row: &Row) -> Result<(), Overflow> {
        let mut arrived = row.amount;
        if row.converts {
            arrived = row.amount_to;
            self.note_conversion(row, arrived);
        }
        if row.to == NO_POT || arrived == 0 {
            return Ok(());
        }
        let to = row.to as usize;
        if self.received.get()[to].known == 0 {
            self.ask(row.to);
        }
        let seconds = row.time.seconds();
        let received = &mut self.received.get_mut()[to];
        let mut follows = received.known == FOLLOWED;
        let mut fits = true;
        if received.known == BUSY
            && let Some((after, ended)) = self.busy.get_mut(&row.to)
        {
            follows = *after >= id;
            if !follows {
                fits = ended.add(arrived, seconds);
            }
        }
        if follows || received.known & STOPS != 0 {
            fits = received.add(arrived, seconds);
        }
        if follows {
            self.poisoned.add(row.to);
        }
        if fits { Ok(()) } else { Err(Overflow { asset: self.asset(row.to) }) }
    }

    /// The assets of a conversion are named in the sums, though poison sums nothing but what was stolen.
    fn note_conversion(&mut self, row: &Row, arrived: u128) {
        let sent = if row.from == NO_POT { row.to } else { row.from };
        self.sums.entry(self.asset(sent)).or_default();
        if row.to != NO_POT && arrived > 0 {
            self.sums.entry(self.asset(row.to)).or_default();
        }
    }

    /// Asks how value ends that enters a pot, and soon of its neighbours too: see [`crate::table`].
    fn ask(&mut self, pot: PotId) {
        let count = self.received.get().len();
        for pot in self.asking.together(pot, count, self.question.service_degree) {
            let (stopping, busy) = match self.received.get()[pot as usize].known {
                0 => self.question.stopping(pot),
                _ => continue,
            };
            let known = match stopping {
                Stopping::Always(end) => STOPS | (end as u32) << END,
                Stopping::AfterBusy => BUSY,
                Stopping::Never | Stopping::NotAsked => FOLLOWED,
            };
            if let Some(after) = busy {
                self.busy.insert(pot, (after, Received::zeroed()));
            }
            self.received.get_mut()[pot as usize].known = known;
        }
    }

    fn finish(self) -> Outcome {
        let times = self.question.detail == Detail::Arrivals;
        let label = self.label;
        let mut all = Vec::with_capacity(self.received.get().len());
        let mut push = |pot: PotId, received: &Received, end: Where| {
            if received.sum > 0 {
                let span = if times { (received.first, received.last) } else { (0, 0) };
                all.push(Held::new(pot, label, received.sum, end, span));
            }
        };
        for (pot, received) in (0..).zip(self.received.get()) {
            let end = match received.known & STOPS {
                0 => Where::Unspent,
                _ => Where::ALL[(received.known >> END) as usize],
            };
            push(pot, received, end);
            if received.known == BUSY
                && let Some((_, ended)) = self.busy.get(&pot)
            {
                push(pot, ended, Where::SuspectedService);
            }
        }
        let sums = self.sums.into_iter().map(|(asset, sums)| (label, asset, sums)).collect();
        Outcome::of_reach(all, sums)
    }
}
