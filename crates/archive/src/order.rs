//! The total order of transfers, as a merge of sorted parts.
//!
//! In a chain, rows with a height go by (height, tx_index, index, import, row), what is unknown
//! last but for rewards and fees (`Position::order_in_block`); a row without the index of its
//! transaction has the one that any row of the transaction has. Their merge time is the running
//! maximum of their times. Rows without a height go by
//! (time, import, row), with their own time as merge time, before rows with a height of equal
//! merge time.
//! Chains are merged by (merge time, name). So a block whose clock stood back moves nothing, and a
//! chain's own order is never broken by another's.
//!
//! What is merged is stretches: consecutive rows of one part before which no other part's row comes.
//! Where parts do not overlap a stretch is as long as what was decoded at once, and nothing is asked
//! row by row.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use ledger::{Chain, Kind, Position, TxId};
use rustc_hash::FxHashMap;

use crate::batch::Recorded;
use crate::error::Result;
use crate::manifest::{Part, Sorting};
use crate::part::{Batches, Columns, RowBatch, Store};

/// The order inside a chain, among rows that have a height or among those that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowKey {
    /// The height, or the time where there is none.
    pub(crate) major: u64,
    /// Of rows with a height, else the same for all.
    in_block: (u64, u64),
    import: u32,
    row: u64,
}

/// A fee is the last row of its transaction, whatever number a file gives it: another format's rows may
/// stand beside it.
pub(crate) fn order_in_block(kind: Kind, position: Position) -> (u64, u64) {
    match kind {
        Kind::Fee => Position { index: Some(Position::FEE), ..position }.order_in_block(),
        _ => position.order_in_block(),
    }
}

impl RowKey {
    fn of(batch: &RowBatch, row: usize) -> RowKey {
        RowKey::placed(batch, row, batch.position(row))
    }

    /// The key of a row if it stood at `position`.
    fn placed(batch: &RowBatch, row: usize, position: Position) -> RowKey {
        let (import, source_row) = (batch.import(row), batch.source_row(row));
        match position.height {
            Some(height) => {
                let in_block = order_in_block(batch.kind(row), position);
                RowKey { major: height, in_block, import, row: source_row }
            }
            None => RowKey::starting(batch.times[row].into(), import, source_row),
        }
    }

    /// The least key at a height or time.
    fn starting(major: u64, import: u32, row: u64) -> RowKey {
        RowKey { major, in_block: (0, 0), import, row }
    }
}

/// Consecutive rows of one part that follow each other in the order too.
#[derive(Clone)]
pub(crate) struct Stretch {
    /// Number of the part, as the manifest numbers it.
    pub(crate) part: u64,
    pub(crate) batch: Arc<RowBatch>,
    /// Rows of the batch; never empty.
    pub(crate) rows: Range<usize>,
}

impl Stretch {
    fn first_height(&self) -> Option<u64> {
        self.batch.height(self.rows.start)
    }

    fn last_height(&self) -> Option<u64> {
        self.batch.height(self.rows.end - 1)
    }

    /// Takes off the first `count` rows.
    fn split_front(&mut self, count: usize) -> Stretch {
        let front = Stretch { rows: self.rows.start..self.rows.start + count, ..self.clone() };
        self.rows.start += count;
        front
    }
}

/// How far somebody has read already: rows of each part, by its number.
pub(crate) type Consumed = FxHashMap<u64, u64>;

/// Several sorted parts of one chain and sorting, read as one. A part is opened when its first row
/// may be next and closed after its last.
pub(crate) struct Merge {
    store: Arc<Store>,
    columns: Columns,
    consumed: Consumed,
    /// By key, then by the part's place in the manifest.
    heap: BinaryHeap<Reverse<(RowKey, usize)>>,
    slots: Vec<Slot>,
}

enum Slot {
    Closed(Box<Part>),
    Open { part: u64, batches: Box<Batches>, batch: Arc<RowBatch>, at: usize },
    Done,
}

impl Merge {
    pub(crate) fn new(store: &Arc<Store>, parts: Vec<Part>, columns: Columns) -> Merge {
        let first = |part: &Part| match part.sorting {
            Sorting::Height => part.first.height.unwrap_or(0),
            Sorting::Time => part.first.time.into(),
        };
        let heap = parts
            .iter()
            .enumerate()
            .map(|(slot, part)| Reverse((RowKey::starting(first(part), 0, 0), slot)))
            .collect();
        let slots = parts.into_iter().map(|part| Slot::Closed(Box::new(part))).collect();
        Merge { store: Arc::clone(store), columns, consumed: Consumed::default(), heap, slots }
    }

    /// Leaves out what was read before.
    fn after(mut self, consumed: &Consumed) -> Merge {
        self.consumed = consumed.clone();
        self
    }

    fn step(&mut self) -> Result<Option<Stretch>> {
        while let Some(Reverse((_, slot))) = self.heap.pop() {
            match std::mem::replace(&mut self.slots[slot], Slot::Done) {
                Slot::Done => {}
                Slot::Closed(part) => {
                    let from = self.consumed.get(&part.number).copied().unwrap_or(0);
                    if from < part.rows {
                        let batches = Batches::open(&self.store, &part, self.columns, from)?;
                        self.fill(slot, part.number, Box::new(batches))?;
                    }
                }
                Slot::Open { part, batches, batch, at } => {
                    let end = self.end_of_stretch(slot, &batch, at);
                    let stretch = Stretch { part, batch: Arc::clone(&batch), rows: at..end };
                    if end < batch.len() {
                        self.heap.push(Reverse((RowKey::of(&batch, end), slot)));
                        self.slots[slot] = Slot::Open { part, batches, batch, at: end };
                    } else {
                        self.fill(slot, part, batches)?;
                    }
                    return Ok(Some(stretch));
                }
            }
        }
        Ok(None)
    }

    /// The next batch of a part, if it has one, takes its slot.
    fn fill(&mut self, slot: usize, part: u64, mut batches: Box<Batches>) -> Result<()> {
        for batch in batches.by_ref() {
            let batch = Arc::new(batch?);
            if batch.len() > 0 {
                self.heap.push(Reverse((RowKey::of(&batch, 0), slot)));
                self.slots[slot] = Slot::Open { part, batches, batch, at: 0 };
                break;
            }
        }
        Ok(())
    }

    /// How far the rows of a batch from `at` on come before every other part's next one.
    fn end_of_stretch(&self, slot: usize, batch: &RowBatch, at: usize) -> usize {
        let Some(Reverse(rival)) = self.heap.peek() else { return batch.len() };
        let is_before = |row: usize| (RowKey::of(batch, row), slot) < *rival;
        if is_before(batch.len() - 1) {
            return batch.len();
        }
        // The row at `at` was the least of all when it was taken.
        let (mut low, mut high) = (at + 1, batch.len() - 1);
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

impl Iterator for Merge {
    type Item = Result<Stretch>;

    fn next(&mut self) -> Option<Result<Stretch>> {
        self.step().transpose()
    }
}

/// Rows of one height that are held in memory for [`Heights`]; no block has more.
const MAX_BLOCK: usize = 1 << 20;

/// The rows with a height, those of one transaction together wherever one of them knows its index.
struct Heights {
    merge: Merge,
    /// What comes next; the last stretch ends above the first one's last height, if there is more.
    ahead: VecDeque<Stretch>,
    /// How many of those may have rows without their transaction's index.
    lacking: usize,
    /// Rows of a block that was put in order.
    placed: VecDeque<Stretch>,
}

impl Heights {
    fn new(merge: Merge) -> Heights {
        Heights { merge, ahead: VecDeque::new(), lacking: 0, placed: VecDeque::new() }
    }

    fn step(&mut self) -> Result<Option<Stretch>> {
        if let Some(next) = self.placed.pop_front() {
            return Ok(Some(next));
        }
        self.look_ahead()?;
        if self.lacking == 0 {
            return Ok(self.ahead.pop_front());
        }
        self.place_block();
        Ok(self.placed.pop_front())
    }

    /// Reads on until nothing more can belong to the last block of the first stretch.
    fn look_ahead(&mut self) -> Result<()> {
        let mut rows = 0;
        loop {
            let last = self.ahead.front().and_then(Stretch::last_height);
            let is_above = self.ahead.back().and_then(Stretch::first_height) > last;
            if !self.ahead.is_empty() && (is_above || rows >= MAX_BLOCK) {
                return Ok(());
            }
            let Some(stretch) = self.merge.step()? else { return Ok(()) };
            rows += stretch.rows.len();
            self.lacking += usize::from(stretch.batch.lacks_tx_index());
            self.ahead.push_back(stretch);
        }
    }

    /// Takes the rows of the next height and puts those of one transaction together.
    fn place_block(&mut self) {
        let height = self.ahead.front().and_then(Stretch::first_height);
        let mut block: Vec<Stretch> = Vec::new();
        while let Some(next) = self.ahead.front_mut().filter(|next| next.first_height() == height) {
            let count =
                (next.rows.clone()).take_while(|row| next.batch.height(*row) == height).count();
            block.push(next.split_front(count));
            if next.rows.is_empty() {
                let lacks = next.batch.lacks_tx_index();
                self.lacking -= usize::from(lacks);
                self.ahead.pop_front();
            }
        }
        self.placed = place_by_transaction(block);
    }
}

fn lacks_index(batch: &RowBatch, row: usize) -> bool {
    batch.tx(row).is_some() && batch.position(row).tx_index.is_none()
}

/// The rows of one block, each of a transaction whose index some row knows beside the others of it.
fn place_by_transaction(block: Vec<Stretch>) -> VecDeque<Stretch> {
    let rows = || block.iter().flat_map(|part| part.rows.clone().map(move |row| (part, row)));
    if !rows().any(|(part, row)| lacks_index(&part.batch, row)) {
        return block.into();
    }
    let mut indexes: FxHashMap<TxId, u32> = FxHashMap::default();
    for (part, row) in rows() {
        if let (Some(tx), Some(index)) = (part.batch.tx(row), part.batch.position(row).tx_index) {
            // Sources that contradict each other must not let their order decide.
            indexes.entry(tx).and_modify(|known| *known = index.min(*known)).or_insert(index);
        }
    }
    let mut placed: Vec<(RowKey, Stretch)> = rows()
        .map(|(part, row)| {
            let mut position = part.batch.position(row);
            if lacks_index(&part.batch, row) {
                position.tx_index = part.batch.tx(row).and_then(|tx| indexes.get(&tx)).copied();
            }
            let key = RowKey::placed(&part.batch, row, position);
            (key, Stretch { rows: row..row + 1, ..part.clone() })
        })
        .collect();
    placed.sort_by_key(|(key, _)| *key);
    placed.into_iter().map(|(_, row)| row).collect()
}

/// A stretch with what its rows' merge times follow from.
pub(crate) struct Timed {
    pub(crate) stretch: Stretch,
    /// For rows with a height: the latest time of the chain before the first of them. Their merge time is
    /// the latest up to each of them. `None` for others, whose own time it is.
    pub(crate) latest: Option<u32>,
}

/// Where a stretch must end: before a row of a merge time above, or not even of this one.
#[derive(Clone, Copy)]
enum Bound {
    UpTo(u32),
    Below(u32),
}

impl Bound {
    fn admits(self, time: u32) -> bool {
        match self {
            Bound::UpTo(bound) => time <= bound,
            Bound::Below(bound) => time < bound,
        }
    }
}

/// One chain in its order, with merge times.
struct ChainMerge {
    with_height: Heights,
    without: Merge,
    next_with: Option<Stretch>,
    next_without: Option<Stretch>,
    /// Running maximum of the times of rows with a height that were handed out.
    latest: u32,
}

impl ChainMerge {
    fn open(with: Merge, without: Merge, latest: u32) -> Result<ChainMerge> {
        let (mut with_height, mut without) = (Heights::new(with), without);
        let (next_with, next_without) = (with_height.step()?, without.step()?);
        Ok(ChainMerge { with_height, without, next_with, next_without, latest })
    }

    fn with_time(&self) -> Option<u32> {
        let next = self.next_with.as_ref()?;
        Some(next.batch.times[next.rows.start].max(self.latest))
    }

    fn without_time(&self) -> Option<u32> {
        self.next_without.as_ref().map(|next| next.batch.times[next.rows.start])
    }

    /// The merge time of the next row.
    fn peek(&self) -> Option<u32> {
        match (self.with_time(), self.without_time()) {
            (Some(with), Some(without)) => Some(with.min(without)),
            (with, without) => with.or(without),
        }
    }

    /// Rows that follow each other, as many as `bound` admits and at least one.
    fn pull(&mut self, bound: Option<Bound>) -> Result<Option<Timed>> {
        let (with, without) = (self.with_time(), self.without_time());
        let admits = |own: Option<Bound>, time: u32| {
            own.is_none_or(|own| own.admits(time)) && bound.is_none_or(|bound| bound.admits(time))
        };
        match (with, without) {
            (None, None) => Ok(None),
            // Of equal merge times the row without a height comes first.
            (with, Some(time)) if with.is_none_or(|with| time <= with) => {
                let own = with.map(Bound::UpTo);
                let Some(next) = &mut self.next_without else { return Ok(None) };
                let times = &next.batch.times[next.rows.clone()];
                let count = times.partition_point(|time| admits(own, *time)).max(1);
                let stretch = next.split_front(count);
                if next.rows.is_empty() {
                    self.next_without = self.without.step()?;
                }
                Ok(Some(Timed { stretch, latest: None }))
            }
            (_, without) => {
                let own = without.map(Bound::Below);
                let Some(next) = &mut self.next_with else { return Ok(None) };
                let before = self.latest;
                let (mut latest, mut count) = (before, 0);
                for time in &next.batch.times[next.rows.clone()] {
                    let merged = latest.max(*time);
                    if count > 0 && !admits(own, merged) {
                        break;
                    }
                    latest = merged;
                    count += 1;
                }
                self.latest = latest;
                let stretch = next.split_front(count);
                if next.rows.is_empty() {
                    self.next_with = self.with_height.step()?;
                }
                Ok(Some(Timed { stretch, latest: Some(before) }))
            }
        }
    }
}

/// All rows of an archive in the total order, as stretches.
pub(crate) struct Stretches {
    /// In order of name.
    chains: Vec<ChainMerge>,
}

impl Stretches {
    /// Rows of `parts` that come after what was `consumed`, when the latest time of each chain was as
    /// `latest` says.
    pub(crate) fn open(
        store: &Arc<Store>,
        parts: &[Part],
        columns: Columns,
        consumed: &Consumed,
        latest: &FxHashMap<Chain, u32>,
    ) -> Result<Stretches> {
        let mut names: Vec<Chain> = parts.iter().map(|part| part.chain).collect();
        names.sort_unstable();
        names.dedup();
        let open = |chain: Chain| {
            let of = |sorting: Sorting| {
                let chosen = parts.iter().filter(|p| p.chain == chain && p.sorting == sorting);
                let chosen: Vec<Part> = chosen.cloned().collect();
                // Rows that do not know their transaction's index are placed by its name.
                let by_name = sorting == Sorting::Height && chosen.iter().any(|p| p.lacks_tx_index);
                let columns = if by_name { Columns::All } else { columns };
                Merge::new(store, chosen, columns).after(consumed)
            };
            let latest = latest.get(&chain).copied().unwrap_or(0);
            ChainMerge::open(of(Sorting::Height), of(Sorting::Time), latest)
        };
        let chains: Result<Vec<_>> = names.into_iter().map(open).collect();
        Ok(Stretches { chains: chains? })
    }

    pub(crate) fn step(&mut self) -> Result<Option<Timed>> {
        let mut best: Option<(u32, usize)> = None;
        let mut rival: Option<(u32, usize)> = None;
        for (number, chain) in self.chains.iter().enumerate() {
            let Some(time) = chain.peek() else { continue };
            let this = Some((time, number));
            if best.is_none_or(|(earliest, _)| time < earliest) {
                (best, rival) = (this, best);
            } else if rival.is_none_or(|(second, _)| time < second) {
                rival = this;
            }
        }
        let Some((_, number)) = best else { return Ok(None) };
        let bound = rival.map(|(time, other)| match number < other {
            true => Bound::UpTo(time),
            false => Bound::Below(time),
        });
        self.chains[number].pull(bound)
    }
}

/// All transfers of an archive in the total order, streamed from disk. After an error it ends.
pub struct Transfers {
    stretches: Stretches,
    stretch: Option<Stretch>,
    failed: bool,
}

impl Transfers {
    pub(crate) fn open(store: &Arc<Store>, parts: &[Part]) -> Result<Transfers> {
        let (consumed, latest) = (Consumed::default(), FxHashMap::default());
        let stretches = Stretches::open(store, parts, Columns::All, &consumed, &latest)?;
        Ok(Transfers { stretches, stretch: None, failed: false })
    }

    fn step(&mut self) -> Result<Option<Recorded>> {
        loop {
            if let Some(stretch) = &mut self.stretch
                && let Some(row) = stretch.rows.next()
            {
                return Ok(Some(stretch.batch.recorded(row)));
            }
            match self.stretches.step()? {
                Some(timed) => self.stretch = Some(timed.stretch),
                None => return Ok(None),
            }
        }
    }
}

impl Iterator for Transfers {
    type Item = Result<Recorded>;

    fn next(&mut self) -> Option<Result<Recorded>> {
        if self.failed {
            return None;
        }
        let next = self.step();
        self.failed = next.is_err();
        next.transpose()
    }
}
