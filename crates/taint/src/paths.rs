//! Evidence paths: ways by which labelled value came from the theft to a place, transfer by transfer.
//!
//! Three questions, three bests: the path that could carry the most, the one that was there first,
//! the one with the fewest hops. Each is found in one pass over the flows, which are in order of
//! position, so a path never leaves a place before it got there.

use rustc_hash::FxHashMap;

use crate::flows::Flow;
use crate::pot_ledger::{NO_POT, PotId};
use crate::seeds::Label;

/// What a path is best at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathKind {
    /// Its narrowest movement is the widest.
    Largest,
    /// It arrives first.
    Earliest,
    /// It has the fewest movements.
    Shortest,
}

impl PathKind {
    pub const ALL: [PathKind; 3] = [PathKind::Largest, PathKind::Earliest, PathKind::Shortest];

    pub fn name(self) -> &'static str {
        match self {
            PathKind::Largest => "largest",
            PathKind::Earliest => "earliest",
            PathKind::Shortest => "shortest",
        }
    }
}

/// One way from the theft to the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// What it is best at; empty for further paths.
    pub kinds: Vec<PathKind>,
    /// Numbers of its flows, in order, the first of them a seed.
    pub flows: Vec<usize>,
}

/// The best way so far into a pot.
#[derive(Clone, Copy)]
struct Best {
    last: usize,
    /// Smaller is better: what is left of 2^128−1 above the narrowest movement, or movements.
    cost: u128,
}

/// Up to `count` paths of an incident to any of `targets`, the three bests first, then by the width
/// of further last movements.
pub fn paths_to(flows: &[Flow], label: Label, targets: &[PotId], count: usize) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    let widest = Ways::find(flows, label, PathKind::Largest);
    for kind in PathKind::ALL {
        let ways = Ways::find(flows, label, kind);
        let ends = ends(flows, label, targets);
        let best = ends.into_iter().filter_map(|end| Some((ways.cost(end)?, end))).min();
        let Some((_, end)) = best else { continue };
        let path = ways.back_from(end);
        match paths.iter_mut().find(|known| known.flows == path) {
            Some(known) => known.kinds.push(kind),
            None => paths.push(Path { kinds: vec![kind], flows: path }),
        }
    }
    let mut further: Vec<(u128, usize)> = ends(flows, label, targets)
        .into_iter()
        .filter_map(|end| Some((widest.cost(end)?, end)))
        .collect();
    further.sort_unstable();
    for (_, end) in further {
        let path = widest.back_from(end);
        if paths.len() < count && !paths.iter().any(|known| known.flows == path) {
            paths.push(Path { kinds: Vec::new(), flows: path });
        }
    }
    paths.truncate(count);
    paths
}

/// True for movements of the incident by which something arrived.
fn counts(flow: &Flow, label: Label) -> bool {
    flow.label == label && flow.arrived > 0
}

/// The flows that end at a target.
fn ends(flows: &[Flow], label: Label, targets: &[PotId]) -> Vec<usize> {
    let hit = |flow: &Flow| counts(flow, label) && targets.contains(&flow.to);
    (0..flows.len()).filter(|at| hit(&flows[*at])).collect()
}

struct Ways {
    /// Per flow: its cost as the end of a path, and the flow before it.
    steps: Vec<Option<(u128, Option<usize>)>>,
}

impl Ways {
    fn find(flows: &[Flow], label: Label, kind: PathKind) -> Ways {
        let mut best: FxHashMap<PotId, Best> = FxHashMap::default();
        let mut steps = vec![None; flows.len()];
        for (at, flow) in flows.iter().enumerate().filter(|(_, flow)| counts(flow, label)) {
            let starts = flow.injected > 0;
            let before = best.get(&flow.from).copied().filter(|_| flow.from != NO_POT);
            let came = match before {
                Some(before) if !starts && flow.left > 0 => Some(before),
                _ if starts => None,
                _ => continue,
            };
            let so_far = came.map_or(0, |before| before.cost);
            let cost = match kind {
                PathKind::Largest => so_far.max(u128::MAX - flow.arrived),
                PathKind::Earliest => at as u128,
                PathKind::Shortest => so_far + 1,
            };
            steps[at] = Some((cost, came.map(|before| before.last)));
            let entry = best.entry(flow.to).or_insert(Best { last: at, cost });
            if cost < entry.cost {
                *entry = Best { last: at, cost };
            }
        }
        Ways { steps }
    }

    fn cost(&self, end: usize) -> Option<u128> {
        self.steps[end].map(|(cost, _)| cost)
    }

    fn back_from(&self, end: usize) -> Vec<usize> {
        let mut path = vec![end];
        let mut at = end;
        while let Some((_, Some(before))) = self.steps[at] {
            path.push(before);
            at = before;
        }
        path.reverse();
        path
    }
}
