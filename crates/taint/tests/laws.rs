//! The laws and decisions of docs/method.md, one story each, small enough to check on paper.

use ledger::Chain;
use taint::{
    Detail, Label, Outcome, PotLedger, Question, Range, RuleName, Seeds, Where, range, replay,
    trace,
};
use testkit::{World, address_of, script};

const L: Label = Label(0);

struct Story {
    world: World,
    degree: u32,
    max_hops: Option<u32>,
}

/// The first row of a story is its theft, unless a test says otherwise.
fn story(text: &str) -> Story {
    Story { world: World::new(script(text)), degree: 0, max_hops: None }
}

impl Story {
    fn stop(mut self, name: &str, end: Where) -> Story {
        self.world.stop(Chain::TRON, address_of(name), end);
        self
    }

    fn question<'q>(&'q self, seeds: &'q Seeds, detail: Detail) -> Question<'q, World> {
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

    fn range(&self, rule: RuleName, seeds: &[u64]) -> Range {
        let seeds = Seeds::new(seeds.iter().map(|row| (*row, L)).collect(), vec![]);
        range(self.question(&seeds, Detail::Hops), rule, false, 1)
    }

    /// What a rule finds where incident 0 begins with one row and incident 1 with another, the same by
    /// both ways.
    fn both(&self, rule: RuleName, thefts: [u64; 2], detail: Detail) -> Outcome {
        let rows = thefts.into_iter().zip([L, Label(1)]).collect();
        let seeds = Seeds::new(rows, vec![]);
        let question = self.question(&seeds, detail);
        let [traced, replayed] = [trace(question, rule, &[]), replay(question, rule, &[])]
            .map(|outcome| outcome.expect("fits"));
        assert_eq!(traced.overlaps(), replayed.overlaps(), "{}", rule.name());
        for label in [L, Label(1)] {
            assert!(traced.holdings(label).eq(replayed.holdings(label)), "{}", rule.name());
        }
        traced
    }

    /// Checks what a rule finds: `name where amount hops`, in any order, zeros left out.
    fn check(&self, rule: RuleName, seeds: &[u64], expected: &[&str]) {
        let range = self.range(rule, seeds);
        let mut found: Vec<String> = range
            .holdings(L)
            .iter()
            .filter(|holding| holding.raw() > 0)
            .map(|holding| {
                let (_, place, _) = self.world.describe(holding.pot);
                let name = match place.account() {
                    Some(address) => name_of(&address),
                    None => format!("{place:?}").to_lowercase(),
                };
                let hops = holding.chosen.map_or(99, |chosen| chosen.hops);
                format!("{name} {} {} {hops}", holding.end.name(), holding.raw())
            })
            .collect();
        found.sort();
        let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        expected.sort();
        assert_eq!(found, expected, "{}", rule.name());
    }
}

fn name_of(address: &ledger::Address) -> String {
    let ledger::Address::Tron(body) = address else { panic!("stories are on TRON") };
    body.iter().take_while(|byte| **byte != 0x22).map(|byte| char::from(*byte)).collect()
}

/// The mixed pot: 60 clean, then 40 stolen, then 50 leave.
const MIXED: &str = "
    victim -> thief 40 USDT
    bank -> mule 60 USDT
    thief -> mule 40 USDT
    mule -> shop 50 USDT
";

#[test]
fn each_rule_lets_its_own_units_leave_first() {
    for (rule, mule, shop) in [
        (RuleName::Haircut, 20, 20),
        (RuleName::Fifo, 40, 0),
        (RuleName::Lifo, 0, 40),
        (RuleName::CleanFirst, 40, 0),
        (RuleName::TaintedFirst, 0, 40),
    ] {
        let all = [format!("mule unspent {mule} 1"), format!("shop unspent {shop} 2")];
        let expected: Vec<&str> =
            all.iter().map(String::as_str).filter(|line| !line.contains(" 0 ")).collect();
        story(MIXED).check(rule, &[0], &expected);
    }
    // Poison: each place shows the sum of its tainted receipts.
    let reach = ["thief unspent 40 0", "mule unspent 40 1", "shop unspent 50 2"];
    story(MIXED).check(RuleName::Poison, &[0], &reach);
}

#[test]
fn low_and_high_show_how_much_the_rule_decides() {
    let range = story(MIXED).range(RuleName::Haircut, &[0]);
    let bounds: Vec<(u128, u128, u128)> =
        range.holdings(L).iter().map(|h| (h.low, h.raw(), h.high)).collect();
    assert_eq!(bounds, [(0, 20, 40), (0, 20, 40)]);
}

#[test]
fn haircut_floors_and_keeps_the_rest_in_the_pot() {
    let text = "
        victim -> thief 10 USDT
        bank -> thief 20 USDT
        thief -> a 10 USDT      # 10·10/30 = 3
        thief -> b 10 USDT      # 7·10/20 = 3
        thief -> c 10 USDT      # all that is left
    ";
    let expected = ["a unspent 3 1", "b unspent 3 1", "c unspent 4 1"];
    story(text).check(RuleName::Haircut, &[0], &expected);
}

#[test]
fn clean_first_never_refills_the_claim() {
    let text = "
        victim -> thief 50 USDT
        thief -> shop 30 USDT
        bank -> thief 100 USDT
        thief -> a 100 USDT
    ";
    let expected = ["shop unspent 30 1", "thief unspent 20 0"];
    story(text).check(RuleName::CleanFirst, &[0], &expected);
}

#[test]
fn fifo_and_lifo_units_arrive_in_the_order_in_which_they_left() {
    let text = "
        victim -> thief 10 USDT     # tainted, oldest
        bank -> thief 10 USDT       # clean, newest
        thief -> mule 20 USDT       # fifo: tainted then clean; lifo: clean then tainted
        mule -> a 10 USDT
    ";
    story(text).check(RuleName::Fifo, &[0], &["a unspent 10 2"]);
    // Under lifo the tainted units left last, so they are mule's newest and leave first again.
    story(text).check(RuleName::Lifo, &[0], &["a unspent 10 2"]);
}

#[test]
fn a_shortfall_enters_as_the_newest_units_and_is_reported() {
    let text = "
        victim -> thief 10 USDT
        thief -> a 25 USDT          # 15 of unknown origin
        a -> b 10 USDT
    ";
    story(text).check(RuleName::Fifo, &[0], &["b unspent 10 2"]);
    story(text).check(RuleName::Lifo, &[0], &["b unspent 10 2"]);
    story(text).check(RuleName::CleanFirst, &[0], &["a unspent 10 1"]);
    let range = story(text).range(RuleName::Haircut, &[0]);
    let unknown: Vec<u128> = range.chosen.unknown(L).map(|unknown| unknown.raw).collect();
    assert_eq!(unknown, [15]);
}

#[test]
fn shortfalls_before_the_first_taint_are_not_the_incidents() {
    let text = "
        mule -> a 25 USDT
        victim -> mule 10 USDT
        mule -> b 10 USDT
    ";
    let range = story(text).range(RuleName::Haircut, &[1]);
    assert_eq!(range.chosen.unknown(L).count(), 0);
}

#[test]
fn value_cannot_leave_before_it_arrives() {
    let text = "
        mule -> early 5 USDT
        victim -> thief 10 USDT
        thief -> mule 10 USDT
    ";
    story(text).check(RuleName::Poison, &[1], &["thief unspent 10 0", "mule unspent 10 1"]);
}

#[test]
fn a_stop_keeps_what_arrives_and_pays_out_clean() {
    let text = "
        victim -> thief 10 USDT
        thief -> exchange 10 USDT
        exchange -> customer 10 USDT
    ";
    let stopped = story(text).stop("exchange", Where::Service);
    for rule in RuleName::CONSERVING {
        stopped.check(rule, &[0], &["exchange service 10 1"]);
    }
    let reached = ["thief unspent 10 0", "exchange service 10 1"];
    stopped.check(RuleName::Poison, &[0], &reached);
}

#[test]
fn a_stop_that_receives_a_seed_holds_it_as_a_stop() {
    let stopped = story("victim -> mixer 10 USDT").stop("mixer", Where::Mixer);
    stopped.check(RuleName::Fifo, &[0], &["mixer mixer 10 0"]);
}

#[test]
fn a_suspected_service_is_one_from_its_nth_counterparty_on() {
    let text = "
        victim -> thief 10 USDT
        thief -> hub 4 USDT         # hub has met nobody before: traced
        a -> hub 1 USDT
        b -> hub 1 USDT             # the third counterparty
        thief -> hub 5 USDT         # stopped
        hub -> c 4 USDT             # what was there before is still traced
    ";
    let mut story = story(text);
    story.degree = 3;
    let expected = ["hub suspected-service 5 1", "thief unspent 1 0", "c unspent 4 2"];
    story.check(RuleName::TaintedFirst, &[0], &expected);
}

#[test]
fn the_receipt_that_makes_a_service_is_still_traced() {
    let text = "
        victim -> thief 10 USDT
        thief -> mule 3 USDT
        thief -> hub 2 USDT         # its first counterparty
        a -> hub 1 USDT
        mule -> hub 3 USDT          # its third: it is a service from here on, not with this
        thief -> hub 5 USDT
    ";
    let story = Story { degree: 3, ..story(text) };
    story.check(RuleName::TaintedFirst, &[0], &["hub unspent 5 1", "hub suspected-service 5 1"]);
}

#[test]
fn fees_and_burns_end_the_trace() {
    let text = "
        victim -> thief 10 TRX
        thief ->fee 1 TRX
        thief -> 2 TRX              # burned
    ";
    let expected = ["fee fee 1 1", "burn burned 2 1", "thief unspent 7 0"];
    story(text).check(RuleName::Fifo, &[0], &expected);
}

#[test]
fn self_transfers_and_zeros_move_nothing() {
    let text = "
        victim -> thief 10 USDT
        thief -> thief 500 USDT     # no shortfall either
        thief -> a 0 USDT
    ";
    let story = story(text);
    story.check(RuleName::Poison, &[0, 1, 2], &["thief unspent 10 0"]);
    assert_eq!(story.range(RuleName::Haircut, &[0]).chosen.unknown(L).count(), 0);
}

#[test]
fn units_that_carry_the_label_already_keep_it_once() {
    let text = "
        victim -> thief 10 USDT
        thief -> mule 6 USDT        # named as a theft too
    ";
    let story = story(text);
    story.check(RuleName::Haircut, &[0, 1], &["thief unspent 4 0", "mule unspent 6 0"]);
    let range = story.range(RuleName::Haircut, &[0, 1]);
    let sums: Vec<(u128, u128)> =
        range.chosen.sums(L).map(|(_, sums)| (sums.stolen, sums.injected)).collect();
    assert_eq!(sums, [(16, 10)]);
}

#[test]
fn conversions_carry_their_share_floored() {
    let text = "
        victim -> thief 10 USDT
        bank -> thief 20 USDT
        thief -> thief 15 USDT = 4 ETH  # haircut: 5 of 15 tainted -> 5·4/15 = 1
    ";
    story(text).check(RuleName::Haircut, &[0], &["thief unspent 5 0", "thief unspent 1 0"]);
    // fifo: the first 10 of 15 are tainted -> 10·4/15 = 2
    story(text).check(RuleName::Fifo, &[0], &["thief unspent 2 0"]);
    // lifo: units [0,15) are clean
    story(text).check(RuleName::Lifo, &[0], &["thief unspent 10 0"]);
}

#[test]
fn a_conversion_that_rounds_to_nothing_gives_no_hop() {
    let text = "
        victim -> thief 1 USDT
        bank -> thief 9 USDT
        thief -> pool 5 USDT = 1 ETH    # haircut: 0 of 5; tainted first: 1·1/5 = 0
    ";
    let range = story(text).range(RuleName::TaintedFirst, &[0]);
    assert!(range.holdings(L).iter().all(|holding| holding.chosen.is_none_or(|c| c.raw == 0)));
    let sums: Vec<u128> = range.chosen.sums(L).map(|(_, sums)| sums.converted_out).collect();
    assert_eq!(sums, [1]);
}

#[test]
fn hops_are_those_of_the_moment() {
    let text = "
        victim -> thief 10 USDT
        thief -> a 4 USDT
        a -> b 2 USDT               # b is 2 away
        b -> c 1 USDT               # c is 3 away, and stays so
        thief -> b 1 USDT           # b is 1 away from now on
        b -> d 2 USDT
    ";
    let expected =
        ["thief unspent 5 0", "a unspent 2 1", "b unspent 0 1", "c unspent 1 3", "d unspent 2 2"];
    let expected: Vec<&str> = expected.into_iter().filter(|line| !line.contains(" 0 1")).collect();
    story(text).check(RuleName::Fifo, &[0], &expected);
}

#[test]
fn the_hop_limit_leaves_value_untraced_where_it_arrives() {
    let text = "
        victim -> thief 10 USDT
        thief -> a 10 USDT
        a -> b 10 USDT
        b -> c 10 USDT
    ";
    let mut story = story(text);
    story.max_hops = Some(1);
    story.check(RuleName::Fifo, &[0], &["b untraced 10 2"]);
}

#[test]
fn an_asset_that_outgrows_128_bits_is_left_out_and_named() {
    let max = u128::MAX;
    let text = format!(
        "
        victim -> thief 10 USDT
        bank -> whale {max} HUGE
        bank -> whale 1 HUGE
        thief -> pool 10 USDT = 5 HUGE
        victim -> thief 7 TRX
    "
    );
    let story = story(&text);
    let range = story.range(RuleName::Haircut, &[0, 4]);
    let (_, _, asset) = story.world.describe(range_pot(&story, "whale"));
    assert_eq!(range.excluded.len(), 1);
    let excluded = story.world.pot(range_pot(&story, "whale")).asset;
    assert_eq!(range.excluded, [excluded], "{asset:?}");
    // The rest goes on: 7 TRX stay, 10 USDT were converted into what has no result.
    story.check(RuleName::Haircut, &[0, 4], &["thief unspent 7 0"]);
}

fn range_pot(story: &Story, name: &str) -> u32 {
    let is = |pot: &u32| story.world.describe(*pot).1.account() == Some(address_of(name));
    (0..story.world.pots() as u32).find(is).expect("a pot of that name")
}

#[test]
fn poison_sums_that_outgrow_128_bits_are_left_out_too() {
    let half = u128::MAX / 2 + 1;
    // One place received too much, or all places together.
    for back in ["thief", "b"] {
        let text = format!(
            "
            victim -> thief {half} HUGE
            thief -> a {half} HUGE
            a -> {back} {half} HUGE
            victim -> thief 7 TRX
        "
        );
        let story = story(&text);
        assert_eq!(story.range(RuleName::Poison, &[0, 3]).excluded.len(), 1, "{back}");
        story.check(RuleName::Poison, &[0, 3], &["thief unspent 7 0"]);
        assert_eq!(story.range(RuleName::Haircut, &[0, 3]).excluded.len(), 0, "{back}");
    }
}

#[test]
fn two_thefts_of_the_same_coins_overlap_and_are_not_counted_twice() {
    let text = "
        victim -> thief 10 USDT
        bank -> thief 10 USDT
        thief -> robber 15 USDT     # robs the thief: the second incident
        robber -> exchange 12 USDT
    ";
    let story = story(text).stop("exchange", Where::Service);
    for (rule, expected) in [
        // The oldest ten of fifteen are both thefts'; twelve of those fifteen reach the exchange.
        (RuleName::Fifo, vec![(Where::Service, 10, 10)]),
        (RuleName::Lifo, vec![(Where::Service, 5, 5)]),
        // 7 of 15 are the first theft's; 5 of them (7·12/15) reach the exchange, 2 stay.
        (RuleName::Haircut, vec![(Where::Unspent, 2, 2), (Where::Service, 5, 5)]),
    ] {
        let outcome = story.both(rule, [0, 2], Detail::Amounts);
        let mut found: Vec<_> = outcome.overlaps().iter().map(|o| (o.end, o.low, o.high)).collect();
        found.sort();
        assert_eq!(found, expected, "{}", rule.name());
    }
}

#[test]
fn what_two_thefts_share_at_a_stop_adds_up_over_its_receipts() {
    let shared = |rule: RuleName, text: &str| -> Vec<(u128, u128)> {
        let story = story(text).stop("exchange", Where::Service);
        let outcome = story.both(rule, [0, 1], Detail::Hops);
        let at_stop = outcome.overlaps().iter().filter(|o| o.end == Where::Service);
        at_stop.map(|o| (o.low, o.high)).collect()
    };
    let text = "
        victim -> thief 10 USDT
        thief -> robber 10 USDT     # the second theft takes the very coins of the first
        robber -> exchange 3 USDT
        robber -> exchange 4 USDT
        robber -> exchange 2 USDT
    ";
    for rule in RuleName::CONSERVING {
        assert_eq!(shared(rule, text), [(9, 9)], "{}", rule.name());
    }
    let text = "
        victim -> thief 10 USDT
        prey -> thief 10 USDT
        thief -> exchange 12 USDT   # 6 of either
        thief -> exchange 4 USDT    # 2 of either
    ";
    for (rule, expected) in [
        // Each bound is that of one receipt; they add up.
        (RuleName::Haircut, vec![(0, 8)]),
        // Every unit is known, and none is both thefts'.
        (RuleName::Fifo, vec![]),
        (RuleName::Lifo, vec![]),
    ] {
        assert_eq!(shared(rule, text), expected, "{}", rule.name());
    }
}

#[test]
fn a_theft_named_twice_is_one_and_the_incidents_are_each_listed_once() {
    let rows = vec![(4, Label(1)), (0, L), (4, Label(1)), (0, L), (2, L), (9, Label(64))];
    let seeds = Seeds::new(rows, vec![]);
    assert_eq!(seeds.rows(), [(0, L), (2, L), (4, Label(1))]);
    assert_eq!(seeds.labels(), [L, Label(1)]);
}

#[test]
fn a_label_that_the_hop_limit_cuts_does_not_ride_on_with_another() {
    let text = "
        victim -> thief 10 USDT
        thief -> mule 10 USDT
        prey -> mule 10 USDT        # the second incident begins here
        mule -> a 20 USDT           # 2 hops from the first theft, 1 from the second
        a -> b 20 USDT
    ";
    let story = Story { max_hops: Some(1), ..story(text) };
    for rule in RuleName::CONSERVING {
        let outcome = story.both(rule, [0, 2], Detail::Hops);
        let ends = |label: Label| -> Vec<(Where, u128)> {
            let held = outcome.holdings(label).filter(|holding| holding.raw > 0);
            held.map(|holding| (holding.end, holding.raw)).collect()
        };
        // The first is cut at a; the second goes on, and is cut at b.
        assert_eq!(ends(L), [(Where::Untraced, 10)], "{}", rule.name());
        assert_eq!(ends(Label(1)), [(Where::Untraced, 10)], "{}", rule.name());
    }
}

#[test]
fn a_token_that_takes_a_fee_on_its_way_carries_less_taint_on() {
    let text = "
        victim -> thief 100 USDT
        thief -> mule 100 USDT = 90 USDT
        mule -> a 90 USDT
    ";
    for rule in RuleName::CONSERVING {
        story(text).check(rule, &[0], &["a unspent 90 2"]);
        let range = story(text).range(rule, &[0]);
        let sums: Vec<(u128, u128)> =
            range.chosen.sums(L).map(|(_, sums)| (sums.converted_out, sums.converted_in)).collect();
        assert_eq!(sums, [(100, 90)]);
    }
}
