//! The hop waterfall: how much value arrived at each distance from the theft, left the trace there,
//! stayed, or moved on.
//!
//! Hop of value is a convention of the picture: a pot keeps its labelled value by hop, and an outflow
//! takes the lowest hop first. It moves value between columns, never between places. A transaction
//! place is no hop. Cycles become later hops, so the picture always ends.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::content::mul_div;
use crate::flows::Flow;
use crate::pot_ledger::{AssetId, NO_POT, PlaceKind, PotId, PotLedger, Where};
use crate::seeds::Label;

/// One column: the value that arrived at wallets of one hop, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HopColumn {
    /// Newly labelled by seeds, at hop 0.
    pub injected: u128,
    /// Came from the column before.
    pub moved_in: u128,
    /// Came out of a conversion from another asset.
    pub converted_in: u128,
    /// Left the trace from here, by where to; the hop limit's cuts are among them.
    pub exits: BTreeMap<Where, u128>,
    /// Left by a conversion into another asset.
    pub converted_out: u128,
    /// Went on to the next column.
    pub moved_on: u128,
    /// Is still here.
    pub stays: u128,
    /// Distinct pots of this hop that value arrived at.
    pub wallets: u64,
}

impl HopColumn {
    /// All that arrived.
    pub fn arrived(&self) -> u128 {
        self.injected + self.moved_in + self.converted_in
    }

    /// All that is accounted for; equal to [`HopColumn::arrived`], or the engine is wrong.
    pub fn accounted(&self) -> u128 {
        self.exits.values().sum::<u128>() + self.converted_out + self.moved_on + self.stays
    }
}

/// The columns of one asset, hop 0 first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waterfall {
    pub asset: AssetId,
    pub columns: Vec<HopColumn>,
}

impl Waterfall {
    fn column(&mut self, hop: u32) -> &mut HopColumn {
        let at = hop as usize;
        if self.columns.len() <= at {
            self.columns.resize_with(at + 1, HopColumn::default);
        }
        &mut self.columns[at]
    }
}

/// Labelled units by hop, lowest first.
type ByHop = BTreeMap<u32, u128>;

/// The waterfalls of an incident from the flows of a conserving rule, by asset.
pub fn waterfall<L: PotLedger>(ledger: &L, flows: &[Flow], label: Label) -> Vec<Waterfall> {
    let mut drawing = Drawing { ledger, assets: BTreeMap::new(), pots: FxHashMap::default() };
    for flow in flows.iter().filter(|flow| flow.label == label) {
        drawing.add(flow);
    }
    drawing.finish()
}

struct Drawing<'a, L> {
    ledger: &'a L,
    assets: BTreeMap<AssetId, Waterfall>,
    pots: FxHashMap<PotId, ByHop>,
}

impl<L: PotLedger> Drawing<'_, L> {
    fn add(&mut self, flow: &Flow) {
        let sent = match flow.from {
            NO_POT => self.ledger.pot(flow.to).asset,
            from => self.ledger.pot(from).asset,
        };
        let mut leaving = take_lowest(self.pots.entry(flow.from), flow.left);
        let pieces: Vec<(Option<u32>, u128)> = std::mem::take(&mut leaving)
            .into_iter()
            .map(|(hop, units)| (Some(hop), units))
            .chain((flow.injected > 0).then_some((None, flow.injected)))
            .collect();
        let total = flow.left + flow.injected;
        let (mut passed, mut arrived) = (0u128, 0u128);
        for (hop, units) in pieces {
            passed += units;
            let edge = mul_div(passed, flow.arrived, total);
            self.move_piece(flow, sent, hop, units, edge - arrived);
            arrived = edge;
        }
    }

    /// Moves `units` of the sent asset that were at `hop` (`None`: newly stolen); `arriving` come out.
    fn move_piece(
        &mut self,
        flow: &Flow,
        sent: AssetId,
        hop: Option<u32>,
        units: u128,
        arriving: u128,
    ) {
        if flow.to == NO_POT {
            let from = self.column(sent, hop.unwrap_or(0));
            from.injected += if hop.is_none() { units } else { 0 };
            from.converted_out += units;
            return;
        }
        let to = self.ledger.pot(flow.to);
        let converts = flow.converts;
        let from = self.column(sent, hop.unwrap_or(0));
        if hop.is_none() {
            from.injected += units;
        }
        let next = match (hop, to.kind) {
            (None, _) if !converts => 0,
            (hop, PlaceKind::Transaction) => hop.unwrap_or(0),
            (hop, _) => hop.unwrap_or(0) + 1,
        };
        if converts {
            from.converted_out += units;
            if arriving > 0 {
                self.column(to.asset, next).converted_in += arriving;
            }
        } else if flow.end != Where::Unspent {
            *from.exits.entry(flow.end).or_default() += units;
            return;
        } else if next > hop.unwrap_or(0) {
            from.moved_on += units;
            self.column(sent, next).moved_in += units;
        }
        if flow.end != Where::Unspent {
            *self.column(to.asset, next).exits.entry(flow.end).or_default() += arriving;
        } else if arriving > 0 {
            let is_wallet = to.kind != PlaceKind::Transaction;
            let held = self.pots.entry(flow.to).or_default();
            let new = !held.contains_key(&next);
            *held.entry(next).or_default() += arriving;
            self.column(to.asset, next).wallets += u64::from(new && is_wallet);
        }
    }

    fn column(&mut self, asset: AssetId, hop: u32) -> &mut HopColumn {
        let new = Waterfall { asset, columns: Vec::new() };
        self.assets.entry(asset).or_insert(new).column(hop)
    }

    fn finish(mut self) -> Vec<Waterfall> {
        let left: Vec<(PotId, u32, u128)> = self
            .pots
            .iter()
            .flat_map(|(pot, by_hop)| by_hop.iter().map(|(hop, units)| (*pot, *hop, *units)))
            .collect();
        for (pot, hop, units) in left {
            let asset = self.ledger.pot(pot).asset;
            self.column(asset, hop).stays += units;
        }
        self.assets.into_values().collect()
    }
}

/// Takes units from the lowest hops on. Emptied hops stay as zeros, so that a pot is counted once a hop.
fn take_lowest(
    entry: std::collections::hash_map::Entry<'_, PotId, ByHop>,
    amount: u128,
) -> Vec<(u32, u128)> {
    let mut left = amount;
    let mut taken = Vec::new();
    if amount == 0 {
        return taken;
    }
    for (hop, held) in entry.or_default() {
        let units = left.min(*held);
        if units > 0 {
            *held -= units;
            left -= units;
            taken.push((*hop, units));
        }
        if left == 0 {
            break;
        }
    }
    taken
}
