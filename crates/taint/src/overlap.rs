//! Overlaps: units that two incidents claim, because the second theft took stolen coins. They are
//! reported and never counted twice. By age the very units are known; by share only the bounds are.

use crate::content::Content;
use crate::pot_ledger::{PotId, Where};
use crate::pots::{Found, Pots};
use crate::seeds::Label;

/// Units in one pot, or at one stop, that both incidents claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    pub incidents: (Label, Label),
    pub pot: PotId,
    pub end: Where,
    /// The least that both claim; equal to `high` where the rule knows the very units.
    pub low: u128,
    pub high: u128,
}

pub(crate) fn overlaps<C: Content>(pots: &Pots<C>) -> Vec<Overlap> {
    let mut found = Vec::new();
    pots.each_reached(|pot, shown| {
        // A line speaks of one incident.
        let Found::State(state) = shown else { return };
        let labels = state.content.labels();
        let pairs = labels.iter().enumerate();
        let pairs = pairs.flat_map(|(i, a)| labels[i + 1..].iter().map(move |b| (*a, *b)));
        for (a, b) in pairs {
            let (low, high) = state.content.overlap(a, b, state.balance);
            found.push(Overlap { incidents: (a, b), pot, end: Where::Unspent, low, high });
        }
        let shared = state.reached.iter().flat_map(|reached| &reached.shared);
        found.extend(shared.map(|shared| Overlap {
            incidents: shared.labels,
            pot,
            end: shared.end,
            low: shared.low,
            high: shared.high,
        }));
    });
    found.retain(|overlap| overlap.high > 0);
    found
}
