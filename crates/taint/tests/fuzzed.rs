//! What fuzzing broke (fuzz/targets/engine_against_oracle.rs), one story each.

use taint::{
    Detail, Label, Overflow, PotLedger, Question, Replay, RuleName, Seeds, Where, range, replay,
    trace,
};
use testkit::{World, script};

const L: Label = Label(0);

fn question<'a>(world: &'a World, seeds: &'a Seeds) -> Question<'a, World> {
    Question {
        ledger: world,
        stops: world,
        seeds,
        until: world.rows(),
        max_hops: None,
        service_degree: 3,
        detail: Detail::Hops,
    }
}

/// The checkpoint kept that the place was no service, and the rows added since were not looked at.
#[test]
fn a_place_that_becomes_busy_after_the_checkpoint_stops_what_comes_later() {
    let story = "victim -> hub 10 USDT\nx -> hub 1 USDT\ny -> hub 1 USDT\nvictim -> hub 5 USDT";
    let whole = World::new(script(story));
    let short = World::new(script(story)[..2].to_vec());
    let seeds = Seeds::new(vec![(0, L), (3, L)], vec![]);
    for rule in RuleName::ALL {
        let mut first = Replay::new(question(&short, &seeds), rule, &[]);
        first.advance(2).expect("fits");
        let saved = first.checkpoint().expect("a checkpoint");
        let grown = question(&whole, &seeds);
        let mut second = Replay::resume(grown, rule, &[], &saved).expect("its own checkpoint");
        second.advance(whole.rows()).expect("fits");
        let resumed: Vec<_> = second.finish().expect("fits").holdings(L).collect();
        let traced: Vec<_> = trace(grown, rule, &[]).expect("fits").holdings(L).collect();
        assert_eq!(resumed, traced, "{}", rule.name());
        let ends: Vec<(Where, u128)> = resumed.iter().map(|h| (h.end, h.raw)).collect();
        assert_eq!(ends, [(Where::Unspent, 10), (Where::SuspectedService, 5)], "{}", rule.name());
    }
}

/// The rules by age added the units before the balance was found to be too large, and panicked.
#[test]
fn a_balance_beyond_128_bits_is_an_error_under_every_rule() {
    let nearly = u128::MAX - 10;
    let world = World::new(script(&format!(
        "victim -> thief 2 USDT\nthief -> pool 1 USDT\nx -> pool {nearly} USDT\n\
         x -> q 100 USDT\nthief -> q 1 USDT\nq -> pool 101 USDT"
    )));
    let seeds = Seeds::new(vec![(0, L)], vec![]);
    let overflow = Overflow { asset: world.pot(world.row(0).to).asset };
    assert_eq!(world.overflows(), [(overflow.asset, 5)]);
    for rule in RuleName::ALL {
        let asked = question(&world, &seeds);
        assert_eq!(replay(asked, rule, &[]).err(), Some(overflow), "replay, {}", rule.name());
        assert_eq!(trace(asked, rule, &[]).err(), Some(overflow), "trace, {}", rule.name());
        for threads in 1..4 {
            let range = range(asked, rule, threads == 2, threads);
            assert_eq!(range.excluded, [overflow.asset], "{}, {threads} threads", rule.name());
        }
    }
}
