//! Numbers of every width. A replay keeps small numbers in short records and wide ones elsewhere; where
//! the seam lies may not show. Random ledgers are stretched so that their amounts end near 2^64, 2^112
//! and 2^128, and every way of computing must agree.

use std::collections::BTreeMap;

use ledger::{Amount, Transfer};
use taint::{
    Detail, Label, Outcome, PotLedger, Question, Replay, RuleName, Seeds, Where, replay, trace,
};
use testkit::{World, random_ledger};

/// Bits of the widest amount.
const WIDTHS: [u32; 9] = [8, 62, 63, 64, 108, 111, 112, 119, 127];

/// The amount with so many more bits, and not a multiple of anything.
fn stretched(amount: Amount, by: u32) -> Amount {
    let units = amount.base_units();
    let low = units.wrapping_mul(0x9e37_79b9_7f4a_7c15) & ((1u128 << by) - 1);
    Amount::new(if units == 0 { 0 } else { units << by | low })
}

/// A random ledger whose widest amount has `width` bits.
fn world(seed: u64, width: u32) -> (World, Seeds) {
    let mut ledger = random_ledger(seed, 30 + (seed as usize * 11) % 120, seed.is_multiple_of(5));
    let amounts = |transfer: &Transfer| {
        let converted = transfer.conversion.map_or(0, |into| into.amount.base_units());
        transfer.amount.base_units().max(converted)
    };
    let widest = ledger.transfers.iter().map(amounts).max().unwrap_or(0);
    let bits = u128::BITS - widest.leading_zeros();
    for transfer in &mut ledger.transfers {
        let fit = |amount: Amount| match bits <= width {
            true => stretched(amount, width - bits),
            false => Amount::new(amount.base_units() >> (bits - width)),
        };
        transfer.amount = fit(transfer.amount);
        if let Some(into) = &mut transfer.conversion {
            into.amount = fit(into.amount);
        }
    }
    let mut world = World::new(ledger.transfers);
    for (address, end) in &ledger.stops {
        world.stop(ledger.chain, *address, *end);
    }
    let rows = ledger.seeds[0].iter().map(|row| (*row as u64, Label(0))).collect();
    (world, Seeds::new(rows, vec![]))
}

type Amounts = BTreeMap<(u32, Where), u128>;

fn amounts(outcome: &Outcome) -> Amounts {
    let held = outcome.holdings(Label(0)).filter(|holding| holding.raw > 0);
    held.map(|holding| ((holding.pot, holding.end), holding.raw)).collect()
}

/// What came, when first and when last, of a run that keeps times.
fn arrivals(outcome: &Outcome) -> Vec<(u32, Where, u128, u128, u32, u32)> {
    let told = |h: taint::Holding| {
        (h.pot, h.end, h.raw, h.received, h.first_time.seconds(), h.last_time.seconds())
    };
    let mut all: Vec<_> = outcome.holdings(Label(0)).map(told).collect();
    all.sort_unstable();
    all
}

/// The same question by a replay saved and taken up again at `half`.
fn resumed(question: Question<'_, World>, rule: RuleName, half: u64) -> Option<Outcome> {
    let mut first = Replay::new(question, rule, &[]);
    first.advance(half).ok()?;
    let bytes = first.checkpoint().expect("a checkpoint");
    let mut second = Replay::resume(question, rule, &[], &bytes).expect("its own checkpoint");
    second.advance(question.until).ok()?;
    second.finish().ok()
}

#[test]
fn amounts_of_every_width_are_the_same_by_every_way() {
    let mut compared = [0; WIDTHS.len()];
    for seed in 0..600 {
        let at = seed as usize % WIDTHS.len();
        let (world, seeds) = world(seed, WIDTHS[at]);
        let whole = Question {
            ledger: &world,
            stops: &world,
            seeds: &seeds,
            until: world.rows(),
            max_hops: None,
            service_degree: [0, 0, 5][(seed / 7 % 3) as usize],
            detail: Detail::Hops,
        };
        let brief = Question { detail: Detail::Amounts, ..whole };
        let timed = Question { detail: Detail::Arrivals, ..whole };
        for rule in RuleName::ALL {
            let case = format!("ledger {seed}, {} bits, {}", WIDTHS[at], rule.name());
            let found = match (replay(whole, rule, &[]), replay(brief, rule, &[])) {
                (Ok(whole), Ok(brief)) => {
                    assert_eq!(amounts(&whole), amounts(&brief), "{case}");
                    assert!(whole.sums(Label(0)).eq(brief.sums(Label(0))), "{case}");
                    let timed = replay(timed, rule, &[]).expect("the replay fits");
                    assert_eq!(arrivals(&whole), arrivals(&timed), "{case}");
                    amounts(&whole)
                }
                (whole, brief) => {
                    assert_eq!(whole.err(), brief.err(), "{case}");
                    continue;
                }
            };
            let traced = trace(whole, rule, &[]).expect("the replay fits");
            assert_eq!(amounts(&traced), found, "trace: {case}");
            let half = seed * 13 % (whole.until + 1);
            let again = resumed(brief, rule, half).expect("the replay fits");
            assert_eq!(amounts(&again), found, "resumed: {case}");
            compared[at] += found.len();
        }
    }
    assert!(compared.iter().all(|count| *count > 300), "too little was compared: {compared:?}");
}
