//! Foreign bytes as the checkpoint of a replay: refused, or nonsense that stays in bounds to the
//! end. The first byte chooses the rule; with its high bit set, the rest are changes to a good
//! checkpoint instead: pairs of a place and a byte.
#![no_main]

use fuzz::spans;
use taint::{Detail, Label, PotLedger, Question, Replay, RuleName, Seeds};
use testkit::{World, random_ledger};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (choice, bytes) = spans::choice(input);
    let rule = RuleName::ALL[usize::from(choice & 7) % RuleName::ALL.len()];
    let ledger = random_ledger(u64::from(choice >> 3 & 3), 40, choice & 0x60 == 0x60);
    let mut world = World::new(ledger.transfers.clone());
    for (address, end) in &ledger.stops {
        world.stop(ledger.chain, *address, *end);
    }
    let incidents = ledger.seeds.iter().zip([Label(0), Label(1)]);
    let rows = incidents.flat_map(|(rows, label)| rows.iter().map(move |r| (*r as u64, label)));
    let seeds = Seeds::new(rows.collect(), Vec::new());
    let question = Question {
        ledger: &world,
        stops: &world,
        seeds: &seeds,
        until: world.rows(),
        max_hops: (choice & 0x20 != 0).then_some(2),
        service_degree: 3,
        detail: Detail::Hops,
    };
    let mut own = None;
    if choice & 0x80 != 0 {
        let mut replay = Replay::new(question, rule, &[]);
        if replay.advance(world.rows() / 2).is_err() {
            return;
        }
        let mut saved = replay.checkpoint().expect("a checkpoint");
        for change in bytes.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % saved.len();
            saved[at] = change[2];
        }
        own = Some(saved);
    }
    let bytes = own.as_deref().unwrap_or(bytes);
    let Ok(mut replay) = Replay::resume(question, rule, &[], bytes) else { return };
    if replay.advance(world.rows()).is_ok()
        && let Ok(saved) = replay.checkpoint()
    {
        // What was taken up and went on can be saved, and taken up again.
        Replay::resume(question, rule, &[], &saved).map(drop).expect("its own checkpoint");
    }
    if let Ok(outcome) = replay.finish() {
        for label in [Label(0), Label(1), Label(255)] {
            let _ = outcome.holdings(label).count() + outcome.unknown(label).count();
            let _ = outcome.sums(label).count();
        }
        let _ = outcome.overlaps().len();
    }
});
