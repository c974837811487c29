//! Evidence paths and the waterfall, on stories small enough to check on paper.

use taint::{
    Detail, Flow, Label, Path, PotId, PotLedger, Question, RuleName, Seeds, paths_to, replay,
    waterfall,
};
use testkit::{World, address_of, script};

const L: Label = Label(0);

/// The movements of a story whose first row is the theft.
fn flows(world: &World) -> Vec<Flow> {
    let seeds = Seeds::new(vec![(0, L)], vec![]);
    let question = Question {
        ledger: world,
        stops: world,
        seeds: &seeds,
        until: world.rows(),
        max_hops: None,
        service_degree: 0,
        detail: Detail::Flows,
    };
    replay(question, RuleName::TaintedFirst, &[]).expect("fits").flows().to_vec()
}

fn pot(world: &World, name: &str) -> PotId {
    let is = |pot: &u32| world.describe(*pot).1.account() == Some(address_of(name));
    (0..world.pots() as u32).find(is).expect("a pot of that name")
}

/// Three ways to the shop, each best at something, and a fourth payment by the widest.
const WAYS: &str = "
    victim -> thief 100 USDT    # 0
    thief -> a 1 USDT           # 1: the first way begins
    a -> b 1 USDT               # 2
    b -> shop 1 USDT            # 3: earliest
    thief -> shop 2 USDT        # 4: shortest
    thief -> c 50 USDT          # 5
    c -> d 40 USDT              # 6
    d -> shop 30 USDT           # 7: largest
    d -> shop 10 USDT           # 8
";

#[test]
fn paths_are_the_largest_the_earliest_the_shortest_then_the_next_widest() {
    let world = World::new(script(WAYS));
    let flows = flows(&world);
    let shown = |count: usize| -> Vec<String> {
        let line = |path: &Path| {
            let kinds: Vec<&str> = path.kinds.iter().map(|kind| kind.name()).collect();
            let rows: Vec<String> =
                path.flows.iter().map(|at| flows[*at].row.to_string()).collect();
            format!("{}: {}", kinds.join("+"), rows.join(" "))
        };
        paths_to(&flows, L, &[pot(&world, "shop")], count).iter().map(line).collect()
    };
    let all = ["largest: 0 5 6 7", "earliest: 0 1 2 3", "shortest: 0 4", ": 0 5 6 8"];
    assert_eq!(shown(9), all);
    assert_eq!(shown(2), all[..2]);
    assert_eq!(shown(0), [""; 0]);
}

#[test]
fn of_two_ways_into_a_wallet_the_wider_is_taken_on() {
    let text = "
        victim -> thief 100 USDT
        thief -> hub 3 USDT
        thief -> mule 60 USDT
        mule -> hub 50 USDT
        hub -> shop 20 USDT
        thief -> hub 5 USDT         # too late, and too narrow
    ";
    let world = World::new(script(text));
    let flows = flows(&world);
    let paths = paths_to(&flows, L, &[pot(&world, "shop")], 1);
    let rows: Vec<u64> = paths[0].flows.iter().map(|at| flows[*at].row).collect();
    assert_eq!(rows, [0, 2, 3, 4]);
}

#[test]
fn a_column_counts_what_came_what_went_and_the_wallets() {
    let text = "
        victim -> thief 10 USDT
        thief -> a 4 USDT
        thief -> b 3 USDT
        a -> b 1 USDT
        b -> pool 2 USDT = 1 TRX
    ";
    let world = World::new(script(text));
    let drawn: Vec<String> = waterfall(&world, &flows(&world), L)
        .iter()
        .flat_map(|waterfall| &waterfall.columns)
        .map(|column| {
            assert_eq!(column.arrived(), column.accounted());
            let (came, on) = (column.injected + column.moved_in, column.moved_on);
            let turned = (column.converted_in, column.converted_out);
            format!("{came} {turned:?} on {on} stays {} at {}", column.stays, column.wallets)
        })
        .collect();
    let expected = [
        // USDT: the theft, then two wallets, then b again with what came by way of a.
        "10 (0, 0) on 7 stays 3 at 1",
        "7 (0, 2) on 1 stays 4 at 2",
        "1 (0, 0) on 0 stays 1 at 1",
        // TRX: what was turned stands one column after the wallet that turned it.
        "0 (0, 0) on 0 stays 0 at 0",
        "0 (0, 0) on 0 stays 0 at 0",
        "0 (1, 0) on 0 stays 1 at 1",
    ];
    assert_eq!(drawn, expected);
}
