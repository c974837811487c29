//! `rank FOLDER --seed N`: invents a laundered chain, writes it for the peers, and says where each of our
//! rules puts the stolen value. What that is worth is judged elsewhere, with the truth.
#![allow(clippy::print_stdout)] // A program of its own: the answer is its output.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use bench::laundering::{LaunderedFacts, LaunderedLedger, VALUE_OF_UNIT, launder};
use clap::Parser;
use serde::Serialize;
use taint::{Detail, Label, Outcome, PotLedger, Question, RangedHolding, RuleName, Seeds};

#[derive(Parser)]
struct Wanted {
    folder: PathBuf,
    /// Of the random numbers: the same seed makes the same chain.
    #[arg(long)]
    seed: u64,
    #[arg(long, default_value_t = 100_000)]
    rows: u64,
    /// How many counterparties make a suspected service.
    #[arg(long, default_value_t = 1_000)]
    degree: u32,
    /// Nobody has labelled any service.
    #[arg(long)]
    unlabelled: bool,
    /// So many places of each list are printed.
    #[arg(long, default_value_t = 1_500)]
    most: usize,
}

/// Places with a value each, greatest first.
type Ranked = Vec<(u32, u128)>;

#[derive(Serialize)]
struct Answer {
    /// By rule, what is there now.
    now: BTreeMap<String, Ranked>,
    /// By rule, what came through, where it has gone on or not.
    passed: BTreeMap<String, Ranked>,
    /// Places that poison reaches.
    reached: usize,
    /// By pot of place and asset: the least and the most units over the conserving rules.
    range: Vec<(u32, u32, u128, u128)>,
}

fn main() -> Result<()> {
    let wanted = Wanted::parse();
    let mut world = launder(wanted.seed, wanted.rows)?;
    if wanted.unlabelled {
        world.labelled.clear();
    }
    let ledger = LaunderedLedger::new(&world, wanted.degree);
    let facts = LaunderedFacts {
        seed: wanted.seed,
        places: world.places,
        theft: world.theft,
        thief: world.thief,
        pool: world.pool,
        labelled: world.labelled.clone(),
        suspected: ledger.suspected(),
        degree: wanted.degree,
        value_of_unit: VALUE_OF_UNIT.to_vec(),
    };
    world.write(&wanted.folder, &facts)?;
    println!(
        "{}",
        serde_json::to_string(&answer(&ledger, world.theft, wanted.degree, wanted.most)?)?
    );
    Ok(())
}

fn answer(ledger: &LaunderedLedger, theft: u64, degree: u32, most: usize) -> Result<Answer> {
    let label = Label(0);
    let seeds = Seeds::new(vec![(theft, label)], Vec::new());
    let question = Question {
        ledger,
        stops: ledger,
        seeds: &seeds,
        until: ledger.rows(),
        max_hops: None,
        service_degree: degree,
        detail: Detail::Hops,
    };
    let (mut now, mut passed) = (BTreeMap::new(), BTreeMap::new());
    for rule in RuleName::ALL {
        let outcome: Outcome =
            taint::replay(question, rule, &[]).map_err(|error| anyhow!(error))?;
        let name = rule.name().to_string();
        let of = |value: fn(&taint::Holding) -> u128| {
            let holdings = outcome.holdings(label);
            ranked(ledger, holdings.map(|holding| (holding.pot, value(&holding))))
        };
        now.insert(name.clone(), of(|holding| holding.raw));
        passed.insert(name, of(|holding| holding.received));
    }
    let reached = passed.get(RuleName::Poison.name()).map_or(0, Vec::len);
    let short = |lists: BTreeMap<String, Ranked>| {
        lists.into_iter().map(|(rule, list)| (rule, first(list, most))).collect()
    };
    let range = taint::range(question, RuleName::Haircut, true, 2);
    let bounds = range.holdings(label).into_iter().map(|held: RangedHolding| {
        let pot = ledger.pot(held.pot);
        (pot.place, pot.asset, held.low, held.high)
    });
    Ok(Answer { now: short(now), passed: short(passed), reached, range: bounds.collect() })
}

/// Units of pots as the value of places.
fn ranked(ledger: &LaunderedLedger, holdings: impl Iterator<Item = (u32, u128)>) -> Ranked {
    let mut values: BTreeMap<u32, u128> = BTreeMap::new();
    for (pot, units) in holdings {
        let pot = ledger.pot(pot);
        let value = units * u128::from(VALUE_OF_UNIT[pot.asset as usize]);
        *values.entry(pot.place).or_default() += value;
    }
    let mut ranked: Ranked = values.into_iter().filter(|(_, value)| *value > 0).collect();
    ranked.sort_by_key(|(place, value)| (std::cmp::Reverse(*value), *place));
    ranked
}

fn first(mut list: Ranked, most: usize) -> Ranked {
    list.truncate(most);
    list
}
