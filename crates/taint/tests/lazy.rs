//! How much of a hub's ledger a trace reads: as far as it needs, and no more. A hub that value only passed
//! through goes on for millions of rows that have nothing to do with it.

use taint::{
    Detail, Label, Outcome, PotId, PotLedger, Question, RowId, RuleName, Seeds, replay, trace,
};
use testkit::{Counted, Dice, Query, World, oracle, script};

const L: Label = Label(0);

fn question<'a, L: PotLedger>(
    ledger: &'a L,
    world: &'a World,
    seeds: &'a Seeds,
    until: RowId,
    detail: Detail,
) -> Question<'a, L> {
    let (stops, max_hops, service_degree) = (world, None, 0);
    Question { ledger, stops, seeds, until, max_hops, service_degree, detail }
}

/// What each pot holds of the incident.
fn held(outcome: &Outcome) -> Vec<(PotId, u128)> {
    let all = outcome.holdings(L).filter(|holding| holding.raw > 0);
    all.map(|holding| (holding.pot, holding.raw)).collect()
}

/// The stolen coins stay at a hub for a row; then it goes on for five hundred payments in and out.
fn through_a_hub() -> World {
    let mut story =
        String::from("victim -> thief 5 USDT\nthief -> hub 5 USDT\nhub -> mule 5 USDT\n");
    for payer in 0..500 {
        story += &format!("p{payer} -> hub 7 USDT\nhub -> q{payer} 7 USDT\n");
    }
    World::new(script(&story))
}

#[test]
fn a_hub_that_value_passed_through_is_not_read_to_its_end() {
    let world = through_a_hub();
    let seeds = Seeds::new(vec![(0, L)], vec![]);
    for rule in RuleName::CONSERVING {
        for (detail, most) in [(Detail::Amounts, 40), (Detail::Arrivals, 40), (Detail::Hops, 1100)]
        {
            let counted = Counted::new(&world);
            let asked = question(&counted, &world, &seeds, counted.rows(), detail);
            let traced = trace(asked, rule, &[]).expect("fits");
            let read = counted.reads();
            assert!(read <= most, "{} read {read} rows, {detail:?}", rule.name());
            let whole = replay(asked, rule, &[]).expect("fits");
            assert_eq!(held(&traced), held(&whole), "{}, {detail:?}", rule.name());
        }
    }
}

/// Even where the taint stays, nothing is read that lies beyond the question.
#[test]
fn a_hub_is_read_only_as_far_as_the_question_goes() {
    let world = through_a_hub();
    let seeds = Seeds::new(vec![(0, L)], vec![]);
    for rule in RuleName::ALL {
        let counted = Counted::new(&world);
        let asked = question(&counted, &world, &seeds, 60, Detail::Hops);
        trace(asked, rule, &[]).expect("fits");
        // At most each of the sixty from both sides, and of each pot met the one at which reading ends.
        let (read, most) = (counted.reads(), 2 * 60 + counted.pots() as u64);
        assert!(read <= 240.min(most), "{} read {read} rows", rule.name());
    }
}

/// A hub, some that pay through it, and thefts from time to time, so that taint leaves the hub for long
/// and comes back.
fn restless(seed: u64) -> (World, Vec<usize>) {
    let mut dice = Dice::new(seed);
    let (mut story, mut thefts) = (String::new(), Vec::new());
    for row in 0..300 {
        let (other, amount) = (dice.below(6), 1 + dice.below(9));
        let line = match dice.below(40) {
            0 => {
                thefts.push(row);
                format!("victim -> p{other} {amount} USDT\n")
            }
            // Now and then it pays out all that it can hold, taint and all.
            1..4 => format!("hub -> p{other} {} USDT\n", amount * 100),
            4..20 => format!("x{other} -> hub {amount} USDT\n"),
            20..25 => format!("p{other} -> hub {amount} USDT\n"),
            _ => format!("hub -> p{other} {amount} USDT\n"),
        };
        story += &line;
    }
    (World::new(script(&story)), thefts)
}

#[test]
fn what_comes_back_to_a_pot_that_was_left_is_found_as_the_oracle_finds_it() {
    let mut left = 0;
    for seed in 0..60 {
        let (world, thefts) = restless(seed);
        let seeds = Seeds::new(thefts.iter().map(|row| (*row as u64, L)).collect(), vec![]);
        for rule in RuleName::ALL {
            let query = Query {
                rule,
                seeds: thefts.iter().copied().collect(),
                asserted: vec![],
                stops: Default::default(),
                degree: 0,
                max_hops: None,
            };
            let found = oracle(&world.transfers, &query);
            let mut expected: Vec<(PotId, u128)> = Vec::new();
            for pot in 0..world.pots() as PotId {
                let (chain, place, asset) = world.describe(pot);
                let here = found
                    .holdings
                    .iter()
                    .filter(|((c, p, a, _), _)| (*c, p, a) == (chain, &place, &asset));
                let raw: u128 = here.map(|(_, entry)| entry.raw).sum();
                expected.extend((raw > 0).then_some((pot, raw)));
            }
            let mut read = [0; 2];
            for (detail, read) in [Detail::Amounts, Detail::Hops].into_iter().zip(&mut read) {
                let counted = Counted::new(&world);
                let asked = question(&counted, &world, &seeds, counted.rows(), detail);
                let traced = trace(asked, rule, &[]).expect("fits");
                assert_eq!(held(&traced), expected, "{}, ledger {seed}, {detail:?}", rule.name());
                *read = counted.reads();
            }
            left += u32::from(read[0] < read[1]);
        }
    }
    assert!(left > 20, "pots must be left and come back to: {left}");
}
