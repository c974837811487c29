//! Ledgers long enough that a trace stops to look for rows and passes over them, or gives way to a
//! replay, and rules that run at once: the answer may not show which way it was.

use std::collections::BTreeMap;

use taint::{
    Asserted, Detail, Holding, Label, Outcome, PotLedger, Question, Range, RuleName, Seeds, range,
    replay, trace,
};
use testkit::{World, random_ledger};

struct Long {
    world: World,
    seeds: Seeds,
}

fn long(seed: u64, count: usize) -> Long {
    let ledger = random_ledger(seed, count, seed.is_multiple_of(6));
    let mut world = World::new(ledger.transfers.clone());
    for (address, end) in &ledger.stops {
        world.stop(ledger.chain, *address, *end);
    }
    let label = Label(0);
    let rows = ledger.seeds[0].iter().map(|row| (*row as u64, label)).collect();
    let asserted = ledger.asserted[0].iter().map(|(before, place, asset, amount, time)| {
        let pot = world.pot_id(ledger.chain, *place, *asset);
        Asserted { before: *before as u64, pot, amount: *amount, time: *time, label }
    });
    let seeds = Seeds::new(rows, asserted.collect());
    Long { world, seeds }
}

impl Long {
    fn question(&self, detail: Detail, service_degree: u32) -> Question<'_, World> {
        let until = self.world.rows();
        let (ledger, stops, seeds) = (&self.world, &self.world, &self.seeds);
        Question { ledger, stops, seeds, until, max_hops: None, service_degree, detail }
    }
}

/// Everything that is kept of holdings; under [`Detail::Amounts`] only of those that hold something.
fn told(outcome: &Outcome) -> BTreeMap<(u32, taint::Where), Holding> {
    outcome.holdings(Label(0)).map(|holding| ((holding.pot, holding.end), holding)).collect()
}

#[test]
fn a_trace_that_passes_over_rows_finds_what_a_replay_finds() {
    let mut compared = 0;
    for seed in 0..48 {
        let long = long(seed, [3000, 7000, 12_000][seed as usize % 3]);
        for rule in RuleName::ALL {
            for detail in [Detail::Amounts, Detail::Arrivals, Detail::Hops, Detail::Flows] {
                let question = long.question(detail, [0, 6][(seed / 3 % 2) as usize]);
                let case = format!("ledger {seed}, {}, {detail:?}", rule.name());
                let Ok(replayed) = replay(question, rule, &[]) else { continue };
                let traced = trace(question, rule, &[]).expect("the replay fits");
                assert_eq!(told(&traced), told(&replayed), "{case}");
                assert_eq!(traced.flows(), replayed.flows(), "{case}");
                let unknown = |outcome: &Outcome| -> Vec<(u32, u128)> {
                    outcome.unknown(Label(0)).map(|unknown| (unknown.pot, unknown.raw)).collect()
                };
                assert_eq!(unknown(&traced), unknown(&replayed), "{case}");
                assert!(traced.sums(Label(0)).eq(replayed.sums(Label(0))), "{case}");
                compared += told(&traced).len();
            }
        }
    }
    assert!(compared > 5000, "{compared} holdings");
}

#[test]
fn rules_that_run_at_once_find_what_they_find_one_after_another() {
    for seed in 0..18 {
        let long = long(seed, [80, 600, 6000][seed as usize % 3]);
        let question = long.question(Detail::Flows, [0, 6][(seed / 3 % 2) as usize]);
        for rule in RuleName::ALL {
            let shown = |range: &Range| {
                let holdings = range.holdings(Label(0));
                let unknown: Vec<_> = range.chosen.unknown(Label(0)).copied().collect();
                let sums: Vec<_> = range.chosen.sums(Label(0)).collect();
                (holdings, unknown, sums, range.excluded.clone())
            };
            let full_replay = seed.is_multiple_of(2);
            let alone = range(question, rule, full_replay, 1);
            for threads in [0, 2, 3, 9] {
                let at_once = range(question, rule, full_replay, threads);
                assert_eq!(shown(&at_once), shown(&alone), "ledger {seed}, {threads} threads");
                assert_eq!(at_once.chosen.flows(), alone.chosen.flows(), "ledger {seed}");
            }
        }
    }
}
