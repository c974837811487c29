//! What a run found, per incident: where the value is, and the sums that must agree.

use ledger::Time;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::engine::Engine;
use crate::flows::Flow;
use crate::pot_ledger::{AssetId, PlaceId, PotId, PotLedger, Where};
use crate::pots::{Found, PotState, Reached};
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

/// Units of one pot, in a run that keeps little more than amounts. It is small: a replay has many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Low and high half: alone, a 128-bit number would make the record a third larger.
    units: [u64; 2],
    /// Seconds of the first and last receipt; zeros where nobody keeps them.
    span: (u32, u32),
    pot: PotId,
    label: Label,
    end: Where,
}

/// Where the value is.
#[derive(Clone, Debug)]
enum Holdings {
    Whole(Vec<(Label, Holding)>),
    Amounts(Vec<Held>),
}

/// The answer of one run under one rule.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub rule: RuleName,
    holdings: Holdings,
    unknown: Vec<(Label, Unknown)>,
    sums: Vec<(Label, AssetId, Sums)>,
    flows: Vec<Flow>,
    overlaps: Vec<Overlap>,
}

impl Outcome {
    pub(crate) fn of<R: Rule, L: PotLedger>(engine: Engine<'_, R, L>) -> Outcome {
        let mut labels = engine.sums.keys().map(|(label, _)| label);
        let first = labels.next();
        // One incident alone shares nothing, so nobody has to look.
        let is_alone = labels.all(|label| Some(label) == first);
        let overlaps = if is_alone { vec![] } else { crate::overlap::overlaps(&engine.pots) };
        let (holdings, unknown) = match engine.question.detail {
            Detail::Amounts => (Holdings::Amounts(amounts_of(&engine)), Vec::new()),
            Detail::Arrivals => (whole_of(&engine).0, Vec::new()),
            Detail::Hops | Detail::Flows => whole_of(&engine),
        };
        let mut sums: Vec<_> =
            engine.sums.iter().map(|((label, asset), sums)| (*label, *asset, *sums)).collect();
        sums.sort_unstable_by_key(|(label, asset, _)| (*label, *asset));
        Outcome { rule: R::NAME, holdings, unknown, sums, flows: engine.flows, overlaps }
    }

    /// The answer of a pass of [`crate::reach`]; holdings by pot.
    pub(crate) fn of_reach(
        mut holdings: Vec<Held>,
        mut sums: Vec<(Label, AssetId, Sums)>,
    ) -> Outcome {
        holdings.shrink_to_fit();
        sums.sort_unstable_by_key(|(label, asset, _)| (*label, *asset));
        let (holdings, rule) = (Holdings::Amounts(holdings), RuleName::Poison);
        let (unknown, flows, overlaps) = (Vec::new(), Vec::new(), Vec::new());
        Outcome { rule, holdings, unknown, sums, flows, overlaps }
    }

    /// Where the value of an incident is, by pot and end; places that hold nothing now included, unless
    /// the run keeps nothing but amounts.
    pub fn holdings(&self, label: Label) -> impl Iterator<Item = Holding> {
        let (whole, amounts) = match &self.holdings {
            Holdings::Whole(whole) => (whole.as_slice(), [].as_slice()),
            Holdings::Amounts(amounts) => ([].as_slice(), amounts.as_slice()),
        };
        let whole = whole.iter().filter(move |(own, _)| *own == label).map(|(_, holding)| *holding);
        let amounts = amounts.iter().filter(move |held| held.label == label).map(Held::holding);
        whole.chain(amounts)
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

impl Held {
    pub(crate) fn new(pot: PotId, label: Label, units: u128, end: Where, span: (u32, u32)) -> Held {
        Held { units: [units as u64, (units >> 64) as u64], span, pot, label, end }
    }

    fn holding(&self) -> Holding {
        let raw = u128::from(self.units[1]) << 64 | u128::from(self.units[0]);
        let (pot, end) = (self.pot, self.end);
        let (first, last) = self.span;
        let (first_time, last_time) = (Time::from_seconds(first), Time::from_seconds(last));
        Holding { pot, end, raw, received: raw, hops: 0, first_time, last_time }
    }
}

/// What the pots hold, of a run that keeps nothing but amounts.
fn amounts_of<R: Rule, L: PotLedger>(engine: &Engine<'_, R, L>) -> Vec<Held> {
    let only = engine.question.seeds.only_label();
    // Room for every pot costs nothing where it is not written to.
    let mut all = Vec::with_capacity(engine.pots.count());
    engine.pots.each_reached(|pot, found| match found {
        Found::Line(line) => {
            if let Some((label, (units, end))) = only.zip(line.labelled()) {
                all.push(Held::new(pot, label, units, end, (0, 0)));
            }
        }
        Found::State(state) => {
            for label in state.content.labels() {
                let units = state.tainted(label);
                all.push(Held::new(pot, label, units, Where::Unspent, (0, 0)));
            }
            let known = state.reached.iter().flat_map(|reached| &reached.arrivals);
            all.extend(known.map(|a| Held::new(pot, a.label, a.received, a.end, (0, 0))));
        }
    });
    all.shrink_to_fit();
    all
}

/// What the pots hold and have held, and their shortfalls.
fn whole_of<R: Rule, L: PotLedger>(engine: &Engine<'_, R, L>) -> (Holdings, Vec<(Label, Unknown)>) {
    let (mut holdings, mut unknown) = (Vec::new(), Vec::new());
    engine.pots.each_reached(|pot, found| {
        // What a run keeps beside amounts stands in no line.
        let Found::State(state) = found else { return };
        let Some(known) = &state.reached else { return };
        let place = engine.question.ledger.pot(pot).place;
        holdings.extend(holdings_of::<R>(pot, place, state, known, &engine.hops));
        let shortfalls = known.unknown.iter();
        unknown.extend(shortfalls.map(|(label, raw)| (*label, Unknown { pot, raw: *raw })));
    });
    (Holdings::Whole(holdings), unknown)
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
