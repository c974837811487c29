//! The engine against the naive oracle on seeded random ledgers: every holding's raw, low, high, hops
//! and times, every shortfall and every sum, for six rules, by replay, by trace, from a checkpoint.

use std::collections::BTreeMap;

use taint::{
    Asserted, Detail, Label, Outcome, PotLedger, Question, Replay, RuleName, Seeds, Where, range,
    replay, trace,
};
use testkit::{Finding, Key, Query, RandomLedger, World, oracle, random_ledger};

/// Ledgers a run; DYEPACK_LEDGERS raises it for soaking.
fn ledgers() -> u64 {
    std::env::var("DYEPACK_LEDGERS").ok().and_then(|n| n.parse().ok()).unwrap_or(600)
}

struct Setting {
    ledger: RandomLedger,
    world: World,
    degree: u32,
    max_hops: Option<u32>,
    seeds: Seeds,
}

fn setting(seed: u64) -> Setting {
    let ledger = random_ledger(seed, 20 + (seed as usize * 7) % 160, seed.is_multiple_of(4));
    let mut world = World::new(ledger.transfers.clone());
    for (address, end) in &ledger.stops {
        world.stop(ledger.chain, *address, *end);
    }
    let mut rows = Vec::new();
    let mut asserted = Vec::new();
    for incident in 0..2 {
        let label = Label(incident as u8);
        rows.extend(ledger.seeds[incident].iter().map(|row| (*row as u64, label)));
        if let Some((before, place, asset, amount, time)) = ledger.asserted[incident] {
            let pot = world.pot_id(ledger.chain, place, asset);
            asserted.push(Asserted { before: before as u64, pot, amount, time, label });
        }
    }
    let degree = [0, 0, 4, 7][(seed % 4) as usize];
    let max_hops = (seed % 5 == 1).then_some((seed % 3) as u32);
    Setting { ledger, world, degree, max_hops, seeds: Seeds::new(rows, asserted) }
}

impl Setting {
    fn question<'a>(&'a self, seeds: &'a Seeds, detail: Detail) -> Question<'a, World> {
        Question {
            ledger: &self.world,
            stops: &self.world,
            seeds,
            until: self.world.rows(),
            max_hops: self.max_hops,
            service_degree: self.degree,
            detail,
        }
    }

    /// The seeds of one incident alone.
    fn seeds_of(&self, label: Label) -> Seeds {
        let rows = self.seeds.rows().iter().filter(|(_, own)| *own == label).copied();
        let asserted = self.seeds.asserted().iter().filter(|theft| theft.label == label).copied();
        Seeds::new(rows.collect(), asserted.collect())
    }

    fn ask_oracle(&self, incident: usize, rule: RuleName) -> Finding {
        let chain = self.ledger.chain;
        let asserted = self.ledger.asserted[incident].iter();
        let query = Query {
            rule,
            seeds: self.ledger.seeds[incident].clone(),
            asserted: asserted.map(|(b, p, a, n, t)| (*b, chain, *p, *a, *n, *t)).collect(),
            stops: self.ledger.stops.iter().map(|(a, end)| ((chain, *a), *end)).collect(),
            degree: self.degree as usize,
            max_hops: self.max_hops,
        };
        oracle(&self.ledger.transfers, &query)
    }

    /// An outcome in the oracle's words.
    fn finding(&self, outcome: &Outcome, label: Label) -> Finding {
        let mut finding = Finding::default();
        for holding in outcome.holdings(label) {
            let (chain, place, asset) = self.world.describe(holding.pot);
            let entry = testkit::Entry {
                raw: holding.raw,
                hops: holding.hops,
                first: holding.first_time.seconds(),
                last: holding.last_time.seconds(),
            };
            finding.holdings.insert((chain, place, asset, holding.end), entry);
        }
        for unknown in outcome.unknown(label) {
            finding.unknown.insert(self.world.describe(unknown.pot), unknown.raw);
        }
        let poison = outcome.rule == RuleName::Poison;
        for (asset, sums) in outcome.sums(label) {
            let pot = (0..self.world.pots() as u32).find(|pot| self.world.pot(*pot).asset == asset);
            let (chain, _, asset) = self.world.describe(pot.expect("an asset with a pot"));
            let all = [sums.injected, sums.converted_in, sums.converted_out, sums.stolen];
            let sums = if poison { [0, 0, 0, sums.stolen] } else { all };
            if sums != [0; 4] {
                finding.sums.insert((chain, asset), sums);
            }
        }
        finding
    }
}

/// Poison has no sums but what was stolen.
fn comparable(mut finding: Finding, rule: RuleName) -> Finding {
    if rule == RuleName::Poison {
        for sums in finding.sums.values_mut() {
            *sums = [0, 0, 0, sums[3]];
        }
    }
    finding.sums.retain(|_, sums| *sums != [0; 4]);
    finding
}

/// Under poison a pot's receipts can add up beyond 128 bits; such ledgers test the exclusion elsewhere.
fn overflows(setting: &Setting, rule: RuleName) -> bool {
    let question = setting.question(&setting.seeds, Detail::Amounts);
    !setting.world.overflows().is_empty() || replay(question, rule, &[]).is_err()
}

#[test]
fn every_holding_equals_the_oracles_whichever_way_it_is_computed() {
    let mut compared = 0;
    for seed in 0..ledgers() {
        let setting = setting(seed);
        for rule in RuleName::ALL {
            if overflows(&setting, rule) {
                continue;
            }
            for incident in 0..2 {
                let label = Label(incident as u8);
                let seeds = setting.seeds_of(label);
                let question = setting.question(&seeds, Detail::Hops);
                let expected = comparable(setting.ask_oracle(incident, rule), rule);
                let replayed = replay(question, rule, &[]).expect("fits");
                let traced = trace(question, rule, &[]).expect("fits");
                let case = format!("ledger {seed}, {}, incident {incident}", rule.name());
                assert_eq!(setting.finding(&replayed, label), expected, "replay: {case}");
                assert_eq!(setting.finding(&traced, label), expected, "trace: {case}");
                let resumed = resumed(&question, rule, seed);
                assert_eq!(setting.finding(&resumed, label), expected, "resumed: {case}");
                assert_conserved(&replayed, label, rule, &setting, &case);
                compared += expected.holdings.len();
            }
        }
    }
    assert!(compared > 10_000, "the ledgers must not be trivial: {compared} holdings");
}

/// A replay saved and taken up again at a row that the seed chooses.
fn resumed(question: &Question<'_, World>, rule: RuleName, seed: u64) -> Outcome {
    let half = seed * 31 % (question.until + 1);
    let mut first = Replay::new(*question, rule, &[]);
    first.advance(half).expect("fits");
    let bytes = first.checkpoint().expect("a checkpoint");
    let mut second = Replay::resume(*question, rule, &[], &bytes).expect("its own checkpoint");
    second.advance(question.until).expect("fits");
    second.finish().expect("fits")
}

/// Law 1: injected + converted in = held + arrived at stops + fees + burned + converted out.
fn assert_conserved(
    outcome: &Outcome,
    label: Label,
    rule: RuleName,
    setting: &Setting,
    case: &str,
) {
    if !rule.conserves() {
        return;
    }
    let mut held: BTreeMap<u32, u128> = BTreeMap::new();
    for holding in outcome.holdings(label) {
        *held.entry(setting.world.pot(holding.pot).asset).or_default() += holding.raw;
    }
    for (asset, sums) in outcome.sums(label) {
        let out = held.remove(&asset).unwrap_or(0) + sums.converted_out;
        assert_eq!(sums.injected + sums.converted_in, out, "conservation: {case}");
    }
    assert!(held.values().all(|left| *left == 0), "value from nowhere: {case}");
}

#[test]
fn low_and_high_are_the_least_and_the_most_of_the_conserving_rules() {
    for seed in 0..ledgers() / 4 {
        let setting = setting(seed);
        if RuleName::ALL.into_iter().any(|rule| overflows(&setting, rule)) {
            continue;
        }
        let label = Label((seed % 2) as u8);
        let seeds = setting.seeds_of(label);
        let mut all: BTreeMap<Key, Vec<u128>> = BTreeMap::new();
        for rule in RuleName::CONSERVING {
            for (key, entry) in setting.ask_oracle(seed as usize % 2, rule).holdings {
                all.entry(key).or_default().push(entry.raw);
            }
        }
        let chosen = RuleName::ALL[seed as usize % 6];
        let own = setting.ask_oracle(seed as usize % 2, chosen).holdings;
        for full_replay in [false, true] {
            let question = setting.question(&seeds, Detail::Hops);
            let range = range(question, chosen, full_replay, 1 + (seed % 3) as usize);
            assert!(range.excluded.is_empty());
            let mut expected = BTreeMap::new();
            for (key, amounts) in &all {
                let low = if amounts.len() == 5 { *amounts.iter().min().expect("five") } else { 0 };
                let high = *amounts.iter().max().expect("one at least");
                expected.insert(*key, (own.get(key).map_or(0, |entry| entry.raw), low, high));
            }
            for (key, entry) in &own {
                expected.entry(*key).or_insert((entry.raw, 0, 0));
            }
            expected.retain(|_, (raw, _, high)| *raw > 0 || *high > 0);
            let found: BTreeMap<Key, (u128, u128, u128)> = range
                .holdings(label)
                .into_iter()
                .map(|h| {
                    let (chain, place, asset) = setting.world.describe(h.pot);
                    ((chain, place, asset, h.end), (h.raw(), h.low, h.high))
                })
                .collect();
            assert_eq!(found, expected, "ledger {seed}, {}", chosen.name());
        }
    }
}

/// Labels are independent where no theft is asserted: two incidents at once are each as if alone.
#[test]
fn incidents_replayed_together_are_each_as_alone() {
    for seed in 0..ledgers() / 2 {
        let setting = setting(seed);
        if !setting.seeds.asserted().is_empty() {
            continue;
        }
        for rule in RuleName::ALL {
            if overflows(&setting, rule) {
                continue;
            }
            let question = setting.question(&setting.seeds, Detail::Hops);
            let together = trace(question, rule, &[]).expect("fits");
            let replayed = replay(question, rule, &[]).expect("fits");
            assert_eq!(together.overlaps(), replayed.overlaps(), "ledger {seed}");
            for incident in 0..2 {
                let label = Label(incident as u8);
                let alone = comparable(setting.ask_oracle(incident, rule), rule);
                let case = format!("ledger {seed}, {}, incident {incident}", rule.name());
                assert_eq!(setting.finding(&together, label), alone, "{case}");
                assert_eq!(setting.finding(&replayed, label), alone, "{case}");
            }
        }
    }
}

/// Laws 2, 5: taint never exceeds the balance (an outflow could not be covered), and poison reaches
/// whatever any rule reaches.
#[test]
fn poison_reaches_whatever_any_rule_reaches() {
    for seed in 0..ledgers() / 2 {
        let setting = setting(seed);
        if RuleName::ALL.into_iter().any(|rule| overflows(&setting, rule)) {
            continue;
        }
        // A hop limit cuts by each rule's own hops, so that reach is not comparable under it.
        if setting.max_hops.is_some() {
            continue;
        }
        let label = Label(0);
        let seeds = setting.seeds_of(label);
        let question = setting.question(&seeds, Detail::Hops);
        let reach = trace(question, RuleName::Poison, &[]).expect("fits");
        let poisoned: BTreeMap<(u32, Where), u128> =
            reach.holdings(label).map(|h| ((h.pot, h.end), h.received)).collect();
        for rule in RuleName::CONSERVING {
            for holding in trace(question, rule, &[]).expect("fits").holdings(label) {
                let most = poisoned.get(&(holding.pot, holding.end)).copied();
                assert!(most >= Some(holding.received), "ledger {seed}, {}", rule.name());
            }
        }
    }
}

/// Law 4: what comes after `until` changes nothing.
#[test]
fn later_transfers_change_nothing() {
    for seed in 0..ledgers() / 4 {
        let setting = setting(seed);
        let until = setting.world.rows() / 2;
        let seeds = Seeds::new(
            setting.seeds.rows().iter().filter(|(row, _)| *row < until).copied().collect(),
            setting
                .seeds
                .asserted()
                .iter()
                .filter(|theft| theft.before <= until)
                .copied()
                .collect(),
        );
        let early = World::new(setting.ledger.transfers[..until as usize].to_vec());
        let mut early = early;
        for (chain, address, end) in setting.world.stops() {
            early.stop(chain, address, end);
        }
        // Pots are numbered by first appearance, so the shorter world has the same numbers, and an
        // asserted theft's pot is made in both.
        let known = |pot: u32| (pot as usize) < early.pots();
        if seeds.asserted().iter().any(|theft| !known(theft.pot)) {
            continue;
        }
        for rule in RuleName::ALL {
            let whole = Question { until, ..setting.question(&seeds, Detail::Hops) };
            let short = Question {
                ledger: &early,
                stops: &early,
                ..setting.question(&seeds, Detail::Hops)
            };
            let short = Question { until, ..short };
            let (Ok(a), Ok(b)) = (trace(whole, rule, &[]), trace(short, rule, &[])) else {
                continue;
            };
            for label in [Label(0), Label(1)] {
                let left: Vec<_> = a.holdings(label).collect();
                assert_eq!(left, b.holdings(label).collect::<Vec<_>>(), "ledger {seed}");
            }
        }
    }
}

/// The picture's columns tile: what arrives at a hop left it, stays there, or moved on, and all columns
/// together hold what the result holds.
#[test]
fn the_waterfall_accounts_for_every_unit() {
    for seed in 0..ledgers() {
        let setting = setting(seed);
        let label = Label((seed % 2) as u8);
        let seeds = setting.seeds_of(label);
        let question = setting.question(&seeds, Detail::Flows);
        for rule in RuleName::CONSERVING {
            let Ok(outcome) = trace(question, rule, &[]) else { continue };
            let mut held: BTreeMap<(u32, Where), u128> = BTreeMap::new();
            for holding in outcome.holdings(label) {
                let asset = setting.world.pot(holding.pot).asset;
                *held.entry((asset, holding.end)).or_default() += holding.raw;
            }
            held.retain(|_, raw| *raw > 0);
            let mut drawn: BTreeMap<(u32, Where), u128> = BTreeMap::new();
            for waterfall in taint::waterfall(&setting.world, outcome.flows(), label) {
                let mut came = 0;
                for (hop, column) in waterfall.columns.iter().enumerate() {
                    let case = format!("ledger {seed}, {}, hop {hop}", rule.name());
                    assert_eq!(column.arrived(), column.accounted(), "{case}");
                    assert_eq!(column.moved_in, came, "{case}");
                    came = column.moved_on;
                    *drawn.entry((waterfall.asset, Where::Unspent)).or_default() += column.stays;
                    for (end, raw) in &column.exits {
                        *drawn.entry((waterfall.asset, *end)).or_default() += raw;
                    }
                }
                assert_eq!(came, 0, "the last column keeps what it has");
            }
            drawn.retain(|_, raw| *raw > 0);
            assert_eq!(drawn, held, "ledger {seed}, {}", rule.name());
        }
    }
}

/// Each path starts at a seed, ends at the place, and never leaves a pot before it arrived there.
#[test]
fn paths_are_ways_that_the_value_went() {
    let mut walked = 0;
    for seed in 0..ledgers() / 2 {
        let setting = setting(seed);
        let label = Label(0);
        let seeds = setting.seeds_of(label);
        let question = setting.question(&seeds, Detail::Flows);
        let Ok(outcome) = trace(question, RuleName::Haircut, &[]) else { continue };
        let flows = outcome.flows();
        for holding in outcome.holdings(label) {
            let paths = taint::paths_to(flows, label, &[holding.pot], 5);
            assert!(!paths.is_empty(), "ledger {seed}: no path to a place that was reached");
            for path in &paths {
                walked += 1;
                let steps: Vec<_> = path.flows.iter().map(|at| flows[*at]).collect();
                assert!(steps[0].injected > 0);
                assert_eq!(steps[steps.len() - 1].to, holding.pot);
                for pair in steps.windows(2) {
                    assert_eq!(pair[0].to, pair[1].from, "ledger {seed}");
                    assert!(pair[0].row <= pair[1].row);
                }
            }
            let narrowest = |path: &taint::Path| {
                path.flows.iter().map(|at| flows[*at].arrived).min().expect("a step")
            };
            let widest = paths.iter().map(narrowest).max();
            assert_eq!(widest, Some(narrowest(&paths[0])), "the first path is the largest");
            let shortest = paths.iter().find(|p| p.kinds.contains(&taint::PathKind::Shortest));
            let fewest = paths.iter().map(|path| path.flows.len()).min();
            assert_eq!(fewest, shortest.map(|path| path.flows.len()), "ledger {seed}");
        }
    }
    assert!(walked > 1000, "{walked} paths");
}

/// A run that keeps nothing but amounts takes a shorter way through the engine; it finds the same.
#[test]
fn amounts_alone_are_the_same_amounts() {
    for seed in 0..ledgers() / 2 {
        let setting = setting(seed);
        if setting.max_hops.is_some() {
            continue;
        }
        for rule in RuleName::ALL {
            let whole = setting.question(&setting.seeds, Detail::Hops);
            let brief = Question { detail: Detail::Amounts, ..whole };
            let (Ok(whole), Ok(brief)) = (trace(whole, rule, &[]), replay(brief, rule, &[])) else {
                continue;
            };
            assert_eq!(whole.overlaps(), brief.overlaps(), "ledger {seed}, {}", rule.name());
            for label in [Label(0), Label(1)] {
                let amounts = |outcome: &Outcome| -> BTreeMap<(u32, Where), u128> {
                    let held = outcome.holdings(label).filter(|holding| holding.raw > 0);
                    held.map(|holding| ((holding.pot, holding.end), holding.raw)).collect()
                };
                assert_eq!(amounts(&whole), amounts(&brief), "ledger {seed}, {}", rule.name());
            }
        }
    }
}
