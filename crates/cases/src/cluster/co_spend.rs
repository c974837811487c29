//! Co-spend clusters: whoever signs for several inputs of one transaction has the keys of all of them
//! (Nakamoto 2008, section 10; Meiklejohn et al. 2013, heuristic 1). A CoinJoin breaks that, so
//! transactions that look like one are named in [`Inputs::skip`] and join nobody.
//!
//! Addresses are dense numbers. The clusters are disjoint sets, kept as a forest in one table: each
//! address has a parent, an address of its cluster that is no greater, and a root is its own parent.
//! Two trees are joined by hanging the greater root below the smaller, so the root of a tree is the
//! smallest address of the cluster, and that is the cluster's name: neither partition nor names depend
//! on the order of transactions or on how they came in batches. Joining is Rem's algorithm with splicing
//! (Dijkstra 1976; the fastest of the variants in Patwary, Blair, Manne 2010): both ways up are walked in
//! turn, and every step shortens one of them.

use thiserror::Error;

/// So many addresses have a number that fits 32 bits. The table takes 4 bytes for each.
pub const MAX_ADDRESSES: u64 = 1 << 32;

/// Inputs whose parents are fetched together, so that memory is waited for once and not in turn.
const AHEAD: usize = 512;

/// Up to so many addresses the table lies near anyway, and fetching ahead would only cost time.
const NEAR: usize = 1 << 21;

/// The input addresses of some transactions, in the layout of an Arrow list array of 32-bit numbers.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Where the inputs of each transaction begin in `addresses`, ascending; one more for the end.
    pub offsets: &'a [u32],
    /// The owner of each input, by number. An address may appear more than once.
    pub addresses: &'a [u32],
    /// Numbers within this batch of transactions that are no evidence, ascending.
    pub skip: &'a [u32],
}

/// Why a batch was refused. Whatever is refused has changed nothing.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ClusterError {
    #[error("{0} addresses: at most 2^32 can be numbered")]
    TooMany(u64),
    #[error("address {address}, but there are only {known}")]
    Unknown { address: u32, known: u64 },
    #[error("the offsets of inputs do not ascend within the {inputs} inputs there are")]
    Offsets { inputs: usize },
    #[error("the skipped transactions do not ascend")]
    Skip,
}

/// Disjoint sets of addresses.
#[derive(Clone, Debug, Default)]
pub struct CoSpend {
    /// By address, an address of the same cluster that is no greater; its own if it is the smallest.
    parents: Vec<u32>,
}

impl CoSpend {
    /// Addresses from 0, each a cluster of its own.
    pub fn new(addresses: u64) -> Result<CoSpend, ClusterError> {
        let mut clusters = CoSpend::default();
        clusters.grow(addresses)?;
        Ok(clusters)
    }

    /// How many addresses there are.
    pub fn addresses(&self) -> u64 {
        self.parents.len() as u64
    }

    /// Makes room until there are so many addresses; the new ones are clusters of their own. Fewer than
    /// there are change nothing.
    pub fn grow(&mut self, addresses: u64) -> Result<(), ClusterError> {
        let too_many = ClusterError::TooMany(addresses);
        if addresses > MAX_ADDRESSES {
            return Err(too_many);
        }
        let Some(last) = addresses.checked_sub(1) else { return Ok(()) };
        let next = self.addresses();
        if next > last {
            return Ok(());
        }
        let more =
            usize::try_from(addresses - next).map_err(|_| ClusterError::TooMany(addresses))?;
        self.parents.try_reserve_exact(more).map_err(|_| too_many)?;
        // Both fit: the last number is below 2^32.
        self.parents.extend(next as u32..=last as u32);
        Ok(())
    }

    /// Joins the inputs of each transaction that is not skipped. Batches add up: the clusters are the same
    /// however the transactions are cut into batches and ordered.
    pub fn join(&mut self, inputs: Inputs<'_>) -> Result<(), ClusterError> {
        self.check(inputs)?;
        let mut begin = 0;
        for skipped in inputs.skip {
            let skipped = *skipped as usize;
            self.join_all(&inputs.offsets[begin..=skipped], inputs.addresses);
            begin = skipped + 1;
        }
        self.join_all(inputs.offsets.get(begin..).unwrap_or_default(), inputs.addresses);
        Ok(())
    }

    fn check(&self, inputs: Inputs<'_>) -> Result<(), ClusterError> {
        let transactions = inputs.offsets.len().saturating_sub(1);
        let end = inputs.offsets.last().map_or(0, |end| *end as usize);
        if !inputs.offsets.is_sorted() || end > inputs.addresses.len() {
            return Err(ClusterError::Offsets { inputs: inputs.addresses.len() });
        }
        let ascend = inputs.skip.is_sorted_by(|a, b| a < b);
        if !ascend || inputs.skip.last().is_some_and(|last| *last as usize >= transactions) {
            return Err(ClusterError::Skip);
        }
        let begin = inputs.offsets.first().map_or(end, |begin| *begin as usize);
        let known = self.addresses();
        let named = &inputs.addresses[begin..end];
        // As a fold, because the compiler makes wide instructions of that.
        let greatest = named.iter().copied().fold(0, u32::max);
        if !named.is_empty() && u64::from(greatest) >= known {
            return Err(ClusterError::Unknown { address: greatest, known });
        }
        Ok(())
    }

    /// Joins the transactions that begin at all but the last of some checked offsets.
    fn join_all(&mut self, offsets: &[u32], addresses: &[u32]) {
        let parents = self.parents.as_mut_slice();
        let mut warm = if parents.len() <= NEAR { addresses.len() } else { 0 };
        for ends in offsets.windows(2) {
            let (begin, end) = (ends[0] as usize, ends[1] as usize);
            if end > warm {
                warm = end.max(begin + AHEAD).min(addresses.len());
                fetch(parents, &addresses[begin..warm]);
            }
            if let Some((first, others)) = addresses[begin..end].split_first() {
                for other in others {
                    unite(parents, *first, *other);
                }
            }
        }
    }

    /// The cluster of an address, named by the smallest address in it; `None` for one that is not known.
    pub fn name(&self, address: u32) -> Option<u32> {
        let mut at = address;
        loop {
            let parent = *self.parents.get(at as usize)?;
            if parent == at {
                return Some(at);
            }
            at = parent;
        }
    }

    /// By address, the name of its cluster.
    pub fn names(&mut self) -> &[u32] {
        // A parent is no greater, so it has its name already when its children are asked.
        for at in 0..self.parents.len() {
            self.parents[at] = self.parents[self.parents[at] as usize];
        }
        &self.parents
    }
}

/// Reads the parents of some addresses, only so that they are near when they are needed.
fn fetch(parents: &[u32], addresses: &[u32]) {
    let sum = addresses.iter().fold(0u32, |sum, at| sum ^ parents[*at as usize]);
    std::hint::black_box(sum);
}

/// Joins the clusters of two addresses.
fn unite(parents: &mut [u32], a: u32, b: u32) {
    let (mut a, mut b) = (a as usize, b as usize);
    loop {
        let (above_a, above_b) = (parents[a], parents[b]);
        if above_a == above_b {
            return;
        }
        // Climb where the parent is greater, and hang what is left behind below the smaller one.
        if above_a < above_b {
            std::mem::swap(&mut a, &mut b);
        }
        let (high, low) = (above_a.max(above_b), above_a.min(above_b));
        parents[a] = low;
        if a == high as usize {
            return;
        }
        a = high as usize;
    }
}
