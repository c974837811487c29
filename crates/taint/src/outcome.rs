//! What a run found, per incident: where the value is, and the sums that must agree.

use ledger::Time;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::engine::Engine;
use crate::flows::Flow;
use crate::pot_ledger::{AssetId, PlaceId, PotId, PotLedger, Where};
use crate::pots::{PotState, Reached};
use crate::rule::Rule;
use crate::seeds::Label;
use crate::{Detail, Overlap, RuleName};

/// Value of one incident in one pot, ended in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    pub pot: PotId,
    pub end: Where,
    /// Labelled units there now; at a stop and under poison, the sum of what arrived.
    pub raw: u128,
    /// Sum of the tainted receipts, also of what has moved on since. A run that keeps nothing but
    /// amounts knows only what is there, and neither hops nor times.
    pub received: u128,
    pub hops: u32,
    pub first_time: Time,
    pub last_time: Time,
}

/// Value that had to be there although the data does not show where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub pot: PotId,
    pub raw: u128,
}

/// Sums of one incident in one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// What the seeds moved, also units that carried the label already.
    pub stolen: u128,
    /// What the seeds labelled anew.
    pub injected: u128,
    pub converted_in: u128,
    pub converted_out: u128,
}

/// The answer of one run under one rule.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub rule: RuleName,
    holdings: Vec<(Label, Holding)>,
    unknown: Vec<(Label, Unknown)>,
    sums: Vec<(Label, AssetId, Sums)>,
    flows: Vec<Flow>,
    overlaps: Vec<Overlap>,
}

impl Outcome {
    pub(crate) fn of<R: Rule, L: PotLedger>(engine: Engine<'_, R, L>) -> Outcome {
        let reached = engine.pots.reached();
        let mut holdings = Vec::new();
        let mut unknown = Vec::new();
        let brief = engine.question.detail == Detail::Amounts;
        for (pot, state) in &reached {
            if brief {
                holdings.extend(held_in::<R>(*pot, state));
            }
            let Some(known) = &state.reached else { continue };
            let place = engine.question.ledger.pot(*pot).place;
            holdings.extend(holdings_of::<R>(*pot, place, state, known, &engine.hops));
            let shortfalls = known.unknown.iter();
            unknown.extend(shortfalls.map(|(label, raw)| {
                let raw = *raw;
                (*label, Unknown { pot: *pot, raw })
            }));
        }
        let mut labels = engine.sums.keys().map(|(label, _)| label);
        let first = labels.next();
        // One incident alone shares nothing, so nobody has to look.
        let is_alone = labels.all(|label| Some(label) == first);
        let overlaps = if is_alone { vec![] } else { crate::overlap::overlaps(&reached) };
        let mut sums: Vec<_> =
            engine.sums.iter().map(|((label, asset), sums)| (*label, *asset, *sums)).collect();
        sums.sort_unstable_by_key(|(label, asset, _)| (*label, *asset));
        drop(reached);
        Outcome { rule: R::NAME, holdings, unknown, sums, flows: engine.flows, overlaps }
    }

    /// Where the value of an incident is, by pot and end; places that hold nothing now included, unless
    /// the run keeps nothing but amounts.
    pub fn holdings(&self, label: Label) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(move |(own, _)| *own == label).map(|(_, holding)| holding)
    }

    pub fn unknown(&self, label: Label) -> impl Iterator<Item = &Unknown> {
        self.unknown.iter().filter(move |(own, _)| *own == label).map(|(_, unknown)| unknown)
    }

    /// The sums of an incident, by asset.
    pub fn sums(&self, label: Label) -> impl Iterator<Item = (AssetId, Sums)> {
        self.sums.iter().filter(move |(own, _, _)| *own == label).map(|(_, asset, s)| (*asset, *s))
    }

    /// The tainted movements in order, of every incident of the run.
    pub fn flows(&self) -> &[Flow] {
        &self.flows
    }

    /// Units that two incidents claim.
    pub fn overlaps(&self) -> &[Overlap] {
        &self.overlaps
    }
}

/// What a pot holds, of a run that keeps nothing but amounts.
fn held_in<R: Rule>(
    pot: PotId,
    state: &PotState<R::Content>,
) -> impl Iterator<Item = (Label, Holding)> {
    let holding = move |label: Label| {
        let raw = state.content.of(label);
        let time = Time::default();
        let (end, hops, first_time, last_time) = (Where::Unspent, 0, time, time);
        (label, Holding { pot, end, raw, received: raw, hops, first_time, last_time })
    };
    state.content.labels().into_iter().map(holding)
}

fn holdings_of<R: Rule>(
    pot: PotId,
    place: PlaceId,
    state: &PotState<R::Content>,
    known: &Reached,
    hops: &FxHashMap<(PlaceId, Label), u32>,
) -> Vec<(Label, Holding)>
where
    R::Content: Content,
{
    let holding = |arrivals: &crate::pots::Arrivals| {
        let label = arrivals.label;
        let raw = match arrivals.end {
            Where::Unspent => state.tainted(label),
            _ => arrivals.received,
        };
        let holding = Holding {
            pot,
            end: arrivals.end,
            raw,
            received: arrivals.received,
            hops: hops.get(&(place, label)).copied().unwrap_or(0),
            first_time: arrivals.first_time(),
            last_time: arrivals.last_time(),
        };
        (label, holding)
    };
    known.arrivals.iter().map(holding).collect()
}
