//! Laundered chains know their truth: nothing of the loot is lost or made, and it lies where it could have
//! come.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use std::collections::{BTreeMap, BTreeSet};

use bench::laundering::{Laundered, LaunderedLedger, NOBODY, VALUE_OF_UNIT, launder};
use taint::{Detail, Label, PotLedger, Question, RuleName, Seeds, Stops, Where};

const ROWS: u64 = 20_000;

/// Nobody is a service.
struct NoStops;

impl Stops for NoStops {
    fn stop(&self, _place: u32) -> Option<Where> {
        None
    }

    fn through(&self, _place: u32) -> bool {
        false
    }
}

fn value_of_truth(world: &Laundered) -> u64 {
    world.truth.iter().map(|((_, asset), units)| units * VALUE_OF_UNIT[*asset]).sum()
}

#[test]
fn the_loot_is_all_there() {
    for seed in 0..12 {
        let world = launder(seed, ROWS).unwrap();
        assert_eq!(world.rows.len() as u64, ROWS);
        let theft = world.rows[world.theft as usize];
        assert_eq!(theft.to, world.thief);
        let stolen = theft.amount * VALUE_OF_UNIT[theft.asset as usize];
        let known = value_of_truth(&world) + world.spent;
        // Swaps cost, and are the only thing that does.
        assert!(known <= stolen && known > stolen / 100 * 96, "seed {seed}: {known} of {stolen}");
        assert!(world.spent < stolen / 3, "seed {seed}: {} of {stolen} is spent", world.spent);
        assert!(world.passed.len() > 20, "seed {seed}: {} places", world.passed.len());
        assert!(world.labelled.is_sorted() && !world.labelled.contains(&world.thief));
    }
}

#[test]
fn nobody_has_more_of_it_than_they_have() {
    for seed in 0..12 {
        let world = launder(seed, ROWS).unwrap();
        let mut held: BTreeMap<(u32, usize), u64> = BTreeMap::new();
        for row in &world.rows {
            assert!(row.amount > 0 && row.amount_to > 0);
            assert_eq!(row.from == row.to, row.asset != row.asset_to, "{row:?}");
            if row.from != NOBODY {
                let there = held.entry((row.from, row.asset as usize)).or_default();
                *there = there.saturating_sub(row.amount);
            }
            *held.entry((row.to, row.asset_to as usize)).or_default() += row.amount_to;
        }
        for (at, units) in &world.truth {
            assert!(held[at] >= *units, "seed {seed}: {at:?} holds {} of {units}", held[at]);
        }
    }
}

#[test]
fn it_lies_where_it_could_have_come() {
    for seed in 0..6 {
        let world = launder(seed, ROWS).unwrap();
        let ledger = LaunderedLedger::new(&world, 0);
        let seeds = Seeds::new(vec![(world.theft, Label(0))], Vec::new());
        let question = Question {
            ledger: &ledger,
            stops: &NoStops,
            seeds: &seeds,
            until: ledger.rows(),
            max_hops: None,
            service_degree: 0,
            detail: Detail::Hops,
        };
        let outcome = taint::replay(question, RuleName::Poison, &[]).unwrap();
        let reached: BTreeSet<(u32, u32)> = outcome
            .holdings(Label(0))
            .map(|holding| ledger.pot(holding.pot))
            .map(|pot| (pot.place, pot.asset))
            .collect();
        for (place, asset) in world.truth.keys() {
            assert!(reached.contains(&(*place, *asset as u32)), "seed {seed}: {place}, {asset}");
        }
    }
}

#[test]
fn a_trace_and_a_replay_agree() {
    let world = launder(3, ROWS).unwrap();
    let ledger = LaunderedLedger::new(&world, 200);
    let seeds = Seeds::new(vec![(world.theft, Label(0))], Vec::new());
    let question = Question {
        ledger: &ledger,
        stops: &ledger,
        seeds: &seeds,
        until: ledger.rows(),
        max_hops: None,
        service_degree: 200,
        detail: Detail::Hops,
    };
    for rule in RuleName::ALL {
        let units = |outcome: taint::Outcome| -> BTreeMap<(u32, Where), u128> {
            outcome.holdings(Label(0)).map(|h| ((h.pot, h.end), h.raw)).collect()
        };
        let replayed = units(taint::replay(question, rule, &[]).unwrap());
        assert_eq!(replayed, units(taint::trace(question, rule, &[]).unwrap()), "{rule:?}");
        assert!(replayed.keys().any(|(_, end)| *end == Where::SuspectedService), "{rule:?}");
    }
}

#[test]
fn a_seed_decides_every_row() {
    let [a, b, c] = [7, 7, 8].map(|seed| launder(seed, ROWS).unwrap());
    assert_eq!((&a.rows, &a.truth), (&b.rows, &b.truth));
    assert_ne!(a.rows, c.rows);
}
