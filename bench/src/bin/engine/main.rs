//! `engine FOLDER WORK`: one work of the engine on an invented chain, under the clock.
//!
//! Each work is a process of its own, so that its peak memory is its own. Rows are in memory before
//! the clock starts, as they are for every peer; making the table of pots and the answer is inside.
#![allow(clippy::print_stdout)] // A program of its own: the measurement is its output.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use bench::flat::{self, WorldFacts};
use bench::{Checksum, PotRows, WalkedPot, walk};
use bytemuck::Zeroable;
use clap::{Parser, ValueEnum};
use serde::Serialize;
use taint::{Detail, Label, Outcome, PotLedger, Question, RuleName, Seeds};
use testkit::Counted;

/// The incident: all thefts of the world are one.
const LABEL: Label = Label(0);

#[derive(Parser)]
struct Wanted {
    folder: PathBuf,
    #[arg(value_enum)]
    work: Work,
    /// How often; the fastest counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Work {
    /// Haircut without any theft: what clean pots alone cost.
    Clean,
    Haircut,
    Fifo,
    Lifo,
    Poison,
    /// Poison with the time of each pot's first receipt, which `Detail::Amounts` does not keep.
    Arrivals,
    /// All six rules, one after the other, as the command asks them.
    Six,
    /// From each theft alone by the index, under haircut, beside the full replay.
    Trace,
    /// Poison from all thefts by the index.
    Reach,
}

/// One work, measured.
#[derive(Serialize)]
struct Measured {
    rows: u64,
    /// The memory walk, measured in turn with the work.
    walk_nanos: Vec<u64>,
    nanos: Vec<u64>,
    checksum: Checksum,
    /// Rows that a trace would read row by row, up to [`MOST_COUNTED`]; all of them in a replay.
    touched: u64,
    peak_kib: u64,
}

/// The trace from one theft, beside the replay of the same theft.
#[derive(Serialize)]
struct Traced {
    theft: u64,
    touched: u64,
    nanos: Vec<u64>,
    replay_nanos: u64,
    same: bool,
    checksum: Checksum,
    peak_kib: u64,
}

fn main() -> Result<()> {
    let wanted = Wanted::parse();
    let facts = flat::read_facts(&wanted.folder)?;
    let mut world = PotRows::read(&wanted.folder, &facts)?;
    if matches!(wanted.work, Work::Trace | Work::Reach) {
        world.make_ledgers();
    }
    let text = match wanted.work {
        Work::Trace => serde_json::to_string(&trace_each(&world, &facts, wanted.rounds)?)?,
        work => serde_json::to_string(&measure(&world, &facts, work, wanted.rounds)?)?,
    };
    println!("{text}");
    Ok(())
}

impl Work {
    fn rules(self) -> &'static [RuleName] {
        match self {
            Work::Clean | Work::Haircut | Work::Trace => &[RuleName::Haircut],
            Work::Fifo => &[RuleName::Fifo],
            Work::Lifo => &[RuleName::Lifo],
            Work::Poison | Work::Arrivals | Work::Reach => &[RuleName::Poison],
            Work::Six => &RuleName::ALL,
        }
    }

    fn detail(self) -> Detail {
        if self == Work::Arrivals { Detail::Arrivals } else { Detail::Amounts }
    }
}

fn measure(world: &PotRows, facts: &WorldFacts, work: Work, rounds: usize) -> Result<Measured> {
    let seeds = seeds(if work == Work::Clean { &[] } else { &facts.thefts });
    let (rules, by_index) = (work.rules(), work == Work::Reach);
    let (mut walk_nanos, mut nanos, mut clocked) = (Vec::new(), Vec::new(), None);
    for _ in 0..rounds {
        walk_nanos.push(walked(world)?);
        let clock = Instant::now();
        let run = |rule: &RuleName| answer(world, world, &seeds, *rule, by_index, work.detail());
        let outcomes = rules.iter().map(run).collect::<Result<Vec<_>>>()?;
        nanos.push(elapsed(clock)?);
        clocked = outcomes.first().map(|outcome| Checksum::of(outcome, LABEL));
    }
    let peak_kib = peak_kib()?;
    // Once more without a clock and with times, which peers are compared by.
    let whole = answer(world, world, &seeds, rules[0], by_index, Detail::Hops)?;
    let checksum = Checksum::of(&whole, LABEL);
    let clocked = clocked.context("at least one round")?;
    ensure!(checksum.same_amounts(&clocked), "less detail gives other amounts");
    let other_times = work == Work::Arrivals && checksum != clocked;
    ensure!(!other_times, "less detail gives other arrivals");
    let touched = match by_index {
        true => count_touched(world, &facts.thefts, rules[0])?,
        false => facts.rows,
    };
    Ok(Measured { rows: facts.rows, walk_nanos, nanos, checksum, touched, peak_kib })
}

/// More touched rows are not counted.
const MOST_COUNTED: u64 = 1 << 20;

fn count_touched(world: &PotRows, thefts: &[u64], rule: RuleName) -> Result<u64> {
    let counted = Counted::apart(world, MOST_COUNTED);
    let thefts: Vec<u64> = thefts.iter().map(|theft| counted.at(*theft)).collect();
    answer(&counted, world, &seeds(&thefts), rule, true, Detail::Amounts)?;
    Ok(if counted.reads() < MOST_COUNTED { counted.rows_read() } else { MOST_COUNTED })
}

fn trace_each(world: &PotRows, facts: &WorldFacts, rounds: usize) -> Result<Vec<Traced>> {
    let rule = RuleName::Haircut;
    let mut all = Vec::new();
    for theft in &facts.thefts {
        let seeds = seeds(&[*theft]);
        let (mut nanos, mut checksum) = (Vec::new(), None);
        for _ in 0..rounds {
            let clock = Instant::now();
            let outcome = answer(world, world, &seeds, rule, true, Detail::Amounts)?;
            nanos.push(elapsed(clock)?);
            checksum = Some(Checksum::of(&outcome, LABEL));
        }
        let touched = count_touched(world, &[*theft], rule)?;
        let clock = Instant::now();
        let replayed = answer(world, world, &seeds, rule, false, Detail::Amounts)?;
        let replay_nanos = elapsed(clock)?;
        let checksum = checksum.context("at least one round")?;
        all.push(Traced {
            theft: *theft,
            touched,
            nanos,
            replay_nanos,
            same: Checksum::of(&replayed, LABEL).same_amounts(&checksum),
            checksum,
            peak_kib: peak_kib()?,
        });
    }
    Ok(all)
}

fn seeds(thefts: &[u64]) -> Seeds {
    Seeds::new(thefts.iter().map(|row| (*row, LABEL)).collect(), Vec::new())
}

fn answer<L: PotLedger>(
    ledger: &L,
    world: &PotRows,
    seeds: &Seeds,
    rule: RuleName,
    by_index: bool,
    detail: Detail,
) -> Result<Outcome> {
    let (until, max_hops, service_degree) = (ledger.rows(), None, 0);
    let question =
        Question { ledger, stops: world, seeds, until, max_hops, service_degree, detail };
    let run = if by_index { taint::trace::<L> } else { taint::replay::<L> };
    run(question, rule, &[]).map_err(|error| anyhow!(error))
}

/// One memory walk over a table that is there and warm.
fn walked(world: &PotRows) -> Result<u64> {
    let mut pots = vec![WalkedPot::zeroed(); world.pots()];
    bytemuck::cast_slice_mut::<WalkedPot, u8>(&mut pots).fill(1);
    let clock = Instant::now();
    walk(&world.rows, &mut pots);
    elapsed(clock)
}

fn elapsed(clock: Instant) -> Result<u64> {
    Ok(u64::try_from(clock.elapsed().as_nanos())?)
}

/// The most memory that this process ever held.
fn peak_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).context("/proc/self/status has no VmHWM")
}
