//! A laundered chain as the engine reads one: pots numbered as they first appear, services as stops, and
//! who has met how many others.

use std::collections::{HashMap, HashSet};

use ledger::Time;
use taint::{
    AssetId, NO_POT, PlaceId, PlaceKind, Pot, PotHistory, PotId, PotLedger, Row, RowId, Stops,
    Where,
};

use super::{Laundered, LaunderedRow, NOBODY};

/// The rows with dense pots. It is made for replay; a trace finds its rows by looking at all of them.
pub struct LaunderedLedger {
    rows: Vec<Row>,
    pots: Vec<Pot>,
    labelled: Vec<bool>,
    /// By place, the row with which it has met its `degree`-th other.
    busy: Vec<Option<RowId>>,
    degree: u32,
}

impl LaunderedLedger {
    pub fn new(world: &Laundered, degree: u32) -> LaunderedLedger {
        let mut pots = Vec::new();
        let mut numbers: HashMap<(PlaceId, AssetId), PotId> = HashMap::new();
        let mut pot = |place, asset| {
            if place == NOBODY {
                return NO_POT;
            }
            *numbers.entry((place, asset)).or_insert_with(|| {
                pots.push(Pot { place, asset, kind: PlaceKind::Account });
                pots.len() as PotId - 1
            })
        };
        let mut rows = Vec::with_capacity(world.rows.len());
        for (number, row) in (0..).zip(&world.rows) {
            rows.push(Row {
                from: pot(row.from, row.asset),
                to: pot(row.to, row.asset_to),
                amount: u128::from(row.amount),
                amount_to: u128::from(row.amount_to),
                converts: row.asset != row.asset_to,
                time: Time::from_seconds(number),
            });
        }
        let mut labelled = vec![false; world.places as usize];
        for place in &world.labelled {
            labelled[*place as usize] = true;
        }
        let busy = busy(&world.rows, world.places as usize, degree);
        LaunderedLedger { rows, pots, labelled, busy, degree }
    }

    /// Places that have met very many others, with the row at which they did.
    pub fn suspected(&self) -> Vec<(PlaceId, RowId)> {
        (0..).zip(&self.busy).filter_map(|(place, row)| Some((place, (*row)?))).collect()
    }
}

/// By place, the row with which it meets its `degree`-th other.
fn busy(rows: &[LaunderedRow], places: usize, degree: u32) -> Vec<Option<RowId>> {
    let mut met: HashSet<(PlaceId, PlaceId)> = HashSet::new();
    let (mut degrees, mut busy) = (vec![0; places], vec![None; places]);
    for (number, row) in (0..).zip(rows).filter(|(_, row)| row.from != NOBODY && row.from != row.to)
    {
        for (own, other) in [(row.from, row.to), (row.to, row.from)] {
            if met.insert((own, other)) {
                degrees[own as usize] += 1;
                if degrees[own as usize] == degree {
                    busy[own as usize] = Some(number);
                }
            }
        }
    }
    busy
}

impl PotLedger for LaunderedLedger {
    type Rows<'a> = std::vec::IntoIter<RowId>;

    fn rows(&self) -> RowId {
        self.rows.len() as RowId
    }

    fn row(&self, row: RowId) -> Row {
        self.rows[row as usize]
    }

    fn pots(&self) -> usize {
        self.pots.len()
    }

    fn pot(&self, pot: PotId) -> Pot {
        self.pots[pot as usize]
    }

    fn history(&self, pot: PotId, from: RowId) -> PotHistory<Self::Rows<'_>> {
        let (mut balance, mut later) = (0u128, Vec::new());
        for (number, row) in (0..).zip(&self.rows) {
            if row.from != pot && row.to != pot {
                continue;
            }
            if number >= from {
                later.push(number);
            } else if row.from == pot {
                balance = balance.saturating_sub(row.amount);
            } else {
                balance = balance.saturating_add(row.amount_to);
            }
        }
        PotHistory { balance, rows: later.into_iter() }
    }

    /// For the degree that this ledger was made with; for another one nobody is.
    fn busy_from(&self, place: PlaceId, degree: u32, until: RowId) -> Option<RowId> {
        self.busy[place as usize].filter(|row| degree == self.degree && *row < until)
    }

    /// None: 64-bit amounts, fewer than 2^31 of them.
    fn overflows(&self) -> Vec<(AssetId, RowId)> {
        Vec::new()
    }
}

impl Stops for LaunderedLedger {
    fn stop(&self, place: PlaceId) -> Option<Where> {
        self.labelled[place as usize].then_some(Where::Service)
    }

    fn through(&self, _place: PlaceId) -> bool {
        false
    }
}
