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

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use ledger::{Chain, Kind, Position, Time, Transfer, TxId};
use rustc_hash::FxHashMap;

use crate::batch::Recorded;
use crate::error::Result;
use crate::manifest::{Part, Sorting};
use crate::part::{PartReader, Store};

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
pub(crate) fn order_in_block(transfer: &Transfer) -> (u64, u64) {
    match transfer.kind {
        Kind::Fee => Position { index: Some(Position::FEE), ..transfer.position }.order_in_block(),
        _ => transfer.position.order_in_block(),
    }
}

impl RowKey {
    pub(crate) fn of(row: &Recorded) -> RowKey {
        let position = row.transfer.position;
        let (import, source_row) = (row.import, row.row);
        match position.height {
            Some(height) => RowKey {
                major: height,
                in_block: order_in_block(&row.transfer),
                import,
                row: source_row,
            },
            None => RowKey::starting(row.transfer.time.seconds().into(), import, source_row),
        }
    }

    /// The least key at a height or time.
    fn starting(major: u64, import: u32, row: u64) -> RowKey {
        RowKey { major, in_block: (0, 0), import, row }
    }
}

/// Several sorted parts of one chain and sorting, read as one. A part is opened when its first row
/// may be next and closed after its last.
pub(crate) struct Merge {
    store: Arc<Store>,
    /// By key, then by the part's place in the manifest.
    heap: BinaryHeap<Reverse<(RowKey, usize)>>,
    slots: Vec<Slot>,
}

enum Slot {
    Closed(Box<Part>),
    Open { reader: Box<PartReader>, next: Box<Recorded> },
    Done,
}

impl Merge {
    pub(crate) fn new(store: &Arc<Store>, parts: Vec<Part>) -> Merge {
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
        Merge { store: Arc::clone(store), heap, slots }
    }

    fn step(&mut self) -> Result<Option<Recorded>> {
        while let Some(Reverse((_, slot))) = self.heap.pop() {
            match std::mem::replace(&mut self.slots[slot], Slot::Done) {
                Slot::Done => {}
                Slot::Closed(part) => {
                    let mut reader = Box::new(PartReader::open(&self.store, &part)?);
                    if let Some(first) = reader.next().transpose()? {
                        self.keep(slot, reader, Box::new(first));
                    }
                }
                Slot::Open { mut reader, mut next } => {
                    let Some(following) = reader.next().transpose()? else {
                        return Ok(Some(*next));
                    };
                    let row = std::mem::replace(&mut *next, following);
                    self.keep(slot, reader, next);
                    return Ok(Some(row));
                }
            }
        }
        Ok(None)
    }

    fn keep(&mut self, slot: usize, reader: Box<PartReader>, next: Box<Recorded>) {
        self.heap.push(Reverse((RowKey::of(&next), slot)));
        self.slots[slot] = Slot::Open { reader, next };
    }
}

impl Iterator for Merge {
    type Item = Result<Recorded>;

    fn next(&mut self) -> Option<Result<Recorded>> {
        self.step().transpose()
    }
}

/// Rows of one height that are held in memory for [`Heights`]; no block has more.
const MAX_BLOCK: usize = 1 << 20;

/// The rows with a height, those of one transaction together wherever one of them knows its index.
struct Heights {
    merge: Merge,
    /// Of one height, in order.
    block: VecDeque<Recorded>,
    /// The first row of the next one.
    ahead: Option<Recorded>,
}

impl Heights {
    fn step(&mut self) -> Result<Option<Recorded>> {
        if self.block.is_empty() {
            self.fill()?;
        }
        Ok(self.block.pop_front())
    }

    fn fill(&mut self) -> Result<()> {
        let Some(first) =
            self.ahead.take().map_or_else(|| self.merge.step(), |row| Ok(Some(row)))?
        else {
            return Ok(());
        };
        self.block.push_back(first);
        while let Some(row) = self.merge.step()? {
            let is_same = row.transfer.position.height == first.transfer.position.height;
            if !is_same || self.block.len() >= MAX_BLOCK {
                self.ahead = Some(row);
                break;
            }
            self.block.push_back(row);
        }
        if self.block.iter().any(|row| lacks_index(&row.transfer)) {
            self.place_by_transaction();
        }
        Ok(())
    }

    fn place_by_transaction(&mut self) {
        let mut indexes: FxHashMap<TxId, u32> = FxHashMap::default();
        for Transfer { tx, position, .. } in self.block.iter().map(|row| &row.transfer) {
            if let (Some(tx), Some(index)) = (tx, position.tx_index) {
                // Sources that contradict each other must not let their order decide.
                indexes.entry(*tx).and_modify(|known| *known = index.min(*known)).or_insert(index);
            }
        }
        self.block.make_contiguous().sort_by_cached_key(|row| {
            let mut placed = *row;
            if lacks_index(&row.transfer) {
                placed.transfer.position.tx_index =
                    row.transfer.tx.and_then(|tx| indexes.get(&tx)).copied();
            }
            RowKey::of(&placed)
        });
    }
}

fn lacks_index(transfer: &Transfer) -> bool {
    transfer.tx.is_some() && transfer.position.tx_index.is_none()
}

/// One chain in its order, with merge times.
struct ChainMerge {
    with_height: Heights,
    without: Merge,
    next_with: Option<Recorded>,
    next_without: Option<Recorded>,
    /// Running maximum of the times of rows with a height, `next_with` included.
    latest: Time,
}

impl ChainMerge {
    fn open(store: &Arc<Store>, parts: &[Part], chain: Chain) -> Result<ChainMerge> {
        let of = |sorting: Sorting| {
            let chosen = parts.iter().filter(|p| p.chain == chain && p.sorting == sorting);
            Merge::new(store, chosen.cloned().collect())
        };
        let mut merge = ChainMerge {
            with_height: Heights {
                merge: of(Sorting::Height),
                block: VecDeque::new(),
                ahead: None,
            },
            without: of(Sorting::Time),
            next_with: None,
            next_without: None,
            latest: Time::default(),
        };
        merge.pull_with()?;
        merge.next_without = merge.without.step()?;
        Ok(merge)
    }

    fn pull_with(&mut self) -> Result<()> {
        self.next_with = self.with_height.step()?;
        if let Some(next) = &self.next_with {
            self.latest = self.latest.max(next.transfer.time);
        }
        Ok(())
    }

    /// The merge time of the next row.
    fn peek(&self) -> Option<Time> {
        let without = self.next_without.as_ref().map(|row| row.transfer.time);
        let with = self.next_with.as_ref().map(|_| self.latest);
        match (with, without) {
            (Some(with), Some(without)) => Some(with.min(without)),
            (with, without) => with.or(without),
        }
    }

    fn pull(&mut self) -> Result<Option<Recorded>> {
        let without_first = match (&self.next_with, &self.next_without) {
            (Some(_), Some(without)) => without.transfer.time <= self.latest,
            (_, without) => without.is_some(),
        };
        if without_first {
            let next = self.without.step()?;
            Ok(std::mem::replace(&mut self.next_without, next))
        } else {
            let row = self.next_with.take();
            self.pull_with()?;
            Ok(row)
        }
    }
}

/// All transfers of an archive in the total order, streamed from disk. After an error it ends.
pub struct Transfers {
    /// In order of name.
    chains: Vec<ChainMerge>,
    failed: bool,
}

impl Transfers {
    pub(crate) fn open(store: &Arc<Store>, parts: &[Part]) -> Result<Transfers> {
        let mut names: Vec<Chain> = parts.iter().map(|part| part.chain).collect();
        names.sort_unstable();
        names.dedup();
        let chains: Result<Vec<_>> =
            names.into_iter().map(|chain| ChainMerge::open(store, parts, chain)).collect();
        Ok(Transfers { chains: chains?, failed: false })
    }

    /// The next row with its merge time.
    pub(crate) fn next_timed(&mut self) -> Result<Option<(Time, Recorded)>> {
        let mut best: Option<(Time, usize)> = None;
        for (number, chain) in self.chains.iter().enumerate() {
            if let Some(time) = chain.peek()
                && best.is_none_or(|(earliest, _)| time < earliest)
            {
                best = Some((time, number));
            }
        }
        let Some((time, number)) = best else { return Ok(None) };
        Ok(self.chains[number].pull()?.map(|row| (time, row)))
    }
}

impl Iterator for Transfers {
    type Item = Result<Recorded>;

    fn next(&mut self) -> Option<Result<Recorded>> {
        if self.failed {
            return None;
        }
        let next = self.next_timed();
        self.failed = next.is_err();
        next.map(|row| row.map(|(_, row)| row)).transpose()
    }
}
