//! The shipped examples, from import to verified result, against figures that these tests compute
//! themselves from the files: Ronin 2022, Bitfinex 2016, the reports on CoinsPaid 2023, and `demo`.

mod support;

use std::fs;

use serde_json::Value;
use support::{Room, conserved, list, raw, repository, shipped, text};
use taint::RuleName;

const THIEF: &str = "0x098b716b8aaf21512996dc57eb0615e2383e2f96";
const RONIN_CASE: &str = "examples/ronin-2022/case.toml";

fn import_ronin(room: &Room) {
    let rows = shipped("examples/ronin-2022/transactions.csv");
    let done = room.json(&["import", &rows, "--map", &shipped("examples/ronin-2022/map.toml")], 0);
    assert_eq!(
        (&done["files"][0]["rows"], &done["files"][0]["set_aside"]),
        (&436.into(), &0.into())
    );
    for (files, source) in [
        (&["lazarus.yaml", "lazarus2.yaml", "tornado_cash.yaml"][..], "GraphSense TagPacks"),
        (&["sanctioned_addresses_ETH.txt"][..], "OFAC SDN list, 2024-09-27"),
    ] {
        let paths: Vec<String> =
            files.iter().map(|f| shipped(&format!("data/labels/{f}"))).collect();
        let mut arguments = vec!["label", "import", "--source", source];
        arguments.extend(paths.iter().map(String::as_str));
        room.run(&arguments).expect(0);
    }
}

/// Decimal text in 10^-18, digit by digit: "1.5", "1e-05".
fn wei(text: &str) -> u128 {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i32 = exponent.parse().expect("an exponent");
    let zeros = 18 + exponent - i32::try_from(fraction.len()).expect("short");
    let digits: u128 = format!("{whole}{fraction}").parse().expect("digits");
    let factor = 10u128.pow(zeros.unsigned_abs());
    if zeros < 0 {
        assert_eq!(digits % factor, 0, "{text} is no whole number of wei");
        return digits / factor;
    }
    digits * factor
}

/// Sender, receiver and wei of every row of a CSV in which no field is quoted.
fn ronin_rows() -> Vec<(String, String, u128)> {
    let path = repository().join("examples/ronin-2022/transactions.csv");
    let text = fs::read_to_string(path).expect("shipped");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("block_time,from,to,total_eth"));
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let address = |field: &str| field.replacen("\\x", "0x", 1);
        (address(fields[1]), address(fields[2]), wei(fields[3]))
    };
    lines.map(row).collect()
}

#[test]
fn ronin_leaves_with_what_the_file_says() {
    let rows = ronin_rows();
    let out: Vec<&(String, String, u128)> = rows.iter().filter(|row| row.0 == THIEF).collect();
    let sum: u128 = out.iter().map(|row| row.2).sum();
    assert_eq!((out.len(), sum), (37, wei("182163.95603")));
    assert_eq!(out.iter().filter(|row| row.2 > 0).count(), 30);

    // The same outflows, from what the program imported: under poison all of them are tainted.
    let room = Room::new();
    import_ronin(&room);
    let case = shipped(RONIN_CASE);
    room.json(&["trace", &case, "--rule", "poison", "--hops", "hops.jsonl"], 0);
    let hops = fs::read_to_string(room.path("hops.jsonl")).expect("written");
    let hops: Vec<Value> = hops.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let from_thief = hops.iter().filter(|hop| text(hop, "from") == THIEF);
    let amounts: Vec<u128> = from_thief.map(|hop| raw(hop, "raw")).collect();
    assert_eq!((amounts.len(), amounts.iter().sum()), (30, wei("182163.95603")));

    // A new reader must not take the difference for an error: the unknown value says where from.
    let result = room.json(&["trace", &case], 0);
    let unknown: u128 = list(&result, "unknown").iter().map(|u| raw(u, "raw")).sum();
    assert_eq!(unknown, wei("8562.6801891307459"));
}

#[test]
fn ronin_has_one_digest_however_it_is_computed() {
    let (room, other) = (Room::new(), Room::new());
    import_ronin(&room);
    import_ronin(&other);
    let case = shipped(RONIN_CASE);
    for rule in RuleName::ALL {
        let arguments = ["trace", case.as_str(), "--rule", rule.name()];
        let result = room.json(&arguments, 0);
        let replayed = room.json(&[&arguments[..], &["--full-replay"]].concat(), 0);
        let anew = other.json(&arguments, 0);
        assert_eq!(result["digest"], replayed["digest"], "{}", rule.name());
        assert_eq!(result["digest"], anew["digest"], "{}", rule.name());
        let stolen = &list(&result, "stolen")[0];
        assert_eq!((text(stolen, "amount"), raw(stolen, "raw")), ("173600", wei("173600")));
        let seeds = list(&result, "seeds");
        assert_eq!((seeds.len(), &seeds[0]["asserted"]), (1, &true.into()));
        assert!(text(&seeds[0], "source").contains("attack_transactions.csv"));
        let held: u128 = list(&result, "holdings").iter().map(|h| raw(h, "raw")).sum();
        if rule.conserves() {
            assert!(conserved(&result), "{}", rule.name());
            assert_eq!(held, wei("173600"), "{}", rule.name());
        } else {
            assert!(result.get("conservation").is_none() && held > wei("173600"));
        }
        for holding in list(&result, "holdings") {
            let (low, high) = (raw(holding, "low_raw"), raw(holding, "high_raw"));
            let own = raw(holding, "raw");
            assert!(low <= high && (!rule.conserves() || (low <= own && own <= high)), "{holding}");
        }
    }
}

#[test]
fn bitfinex_to_the_satoshi() {
    let room = Room::new();
    let csv = shipped("examples/bitfinex-2016/thefts.csv");
    let done =
        room.json(&["import", &csv, "--map", &shipped("examples/bitfinex-2016/map.toml")], 0);
    assert_eq!(done["files"][0]["new"], 1031);
    let rows = fs::read_to_string(&csv).expect("shipped");
    let satoshi: u128 = rows
        .lines()
        .skip(1)
        .map(|l| wei(l.rsplit(',').next().expect("a field")) / 10u128.pow(10))
        .sum();
    assert_eq!(satoshi, 6_078_956_879_492);
    let run =
        room.run(&["trace", &shipped("examples/bitfinex-2016/case.toml"), "--json"]).expect(0);
    let result = run.json();
    assert_eq!(list(&result, "seeds").len(), 1031);
    let stolen = &list(&result, "stolen")[0];
    assert_eq!((text(stolen, "amount"), raw(stolen, "raw")), ("60789.56879492", satoshi));
    let held: u128 = list(&result, "holdings").iter().map(|h| raw(h, "raw")).sum();
    assert_eq!((held, conserved(&result)), (satoshi, true));
    let gaps: Vec<&str> = list(&result, "gaps").iter().map(|gap| text(gap, "kind")).collect();
    assert!(gaps.contains(&"no-output-index"), "{gaps:?}");
    room.write("bitfinex.json", &run.stdout);
    let verdict = room.json(&["verify", "bitfinex.json", "--full-replay"], 0);
    assert_eq!(verdict["same"], true);
}

#[test]
fn coinspaid_is_reported_and_nothing_more() {
    let case = shipped("examples/coinspaid-2023/case.toml");
    let (empty, ronin) = (Room::new(), Room::new());
    import_ronin(&ronin);
    for room in [&empty, &ronin] {
        let result = room.json(&["trace", &case], 0);
        for nothing in ["seeds", "stolen", "holdings", "totals", "stops", "unknown", "conservation"]
        {
            assert!(list(&result, nothing).is_empty(), "{nothing}: {}", result[nothing]);
        }
        let reported = &result["reported"];
        let flows = list(reported, "flows");
        let known: Vec<&str> = flows.iter().filter_map(|flow| flow["amount"].as_str()).collect();
        assert_eq!((flows.len(), known), (8, vec!["118351300"]));
        assert!(flows.iter().all(|flow| !text(flow, "source").is_empty()));
        let shared = list(reported, "shared_wallets").iter();
        let shared = shared.map(|wallet| {
            let names = list(wallet, "reached_from").iter().map(|from| text(from, "name"));
            (text(wallet, "address"), names.collect::<Vec<_>>())
        });
        let shared: std::collections::BTreeMap<&str, Vec<&str>> = shared.collect();
        let three = vec!["Alphapo incident", "Atomic Wallet victims", "CoinsPaid hot wallet"];
        assert_eq!(shared["TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag"], three);
        assert!(!shared.contains_key("TJ6k7aisPehQFdwyEbasPjLCCHqYUb3xuf"));
        let told = room.run(&["trace", &case]).expect(0).stdout;
        assert!(told.contains("Reported by others, not seen on chain here"), "{told}");
        assert_eq!(told.matches("an unknown amount").count(), 7, "{told}");
        assert!(!told.contains("Stolen on") && !told.contains("Conservation"), "{told}");
        // "no data" with "no gaps known" behind it read as if nothing were missing.
        assert!(!told.contains("no gaps known"), "{told}");
    }
}

#[test]
fn demo_twice_is_demo_once() {
    let room = Room::new();
    let files = ["ronin-2022.svg", "ronin-2022.html", "ronin-2022.json"];
    let mut before: Option<(Vec<Vec<u8>>, Value)> = None;
    for _ in 0..2 {
        room.run(&["demo", "shown"]).expect(0);
        let read = |file: &&str| fs::read(room.path("shown").join(file)).expect("written");
        let written: Vec<Vec<u8>> = files.iter().map(read).collect();
        let archive = room.at("shown/archive");
        let state = room.json(&["doctor", "--archive", &archive], 0);
        let counts = (&state["labels"], &state["cases"]);
        assert!(*counts.0 != 0 && *counts.1 == 1, "{counts:?}");
        if let Some((same, known)) = &before {
            assert!(*same == written && *known == state, "the second demo changed something");
        }
        before = Some((written, state));
    }
    let archive = room.at("shown/archive");
    let verdict = room.json(&["verify", "shown/ronin-2022.json", "--archive", &archive], 0);
    assert_eq!((&verdict["same"], &verdict["same_snapshot"]), (&true.into(), &true.into()));
    let page = fs::read_to_string(room.path("shown/ronin-2022.html")).expect("written");
    assert!(page.contains("<svg") && !page.to_lowercase().contains("<script"));
    // The picture in the README is the one that the demo draws.
    let drawn = fs::read(room.path("shown/ronin-2022.svg")).expect("written");
    let shown = fs::read(shipped("docs/img/ronin-2022.svg")).expect("in the tree");
    assert!(drawn == shown, "copy the demo's ronin-2022.svg to docs/img");
    // What demo says is what the commands say.
    let by_hand = Room::new();
    import_ronin(&by_hand);
    let result = by_hand.json(&["trace", &shipped(RONIN_CASE)], 0);
    let demo = fs::read(room.path("shown/ronin-2022.json")).expect("written");
    let demo: Value = serde_json::from_slice(&demo).expect("JSON");
    assert_eq!(demo["digest"], result["digest"]);
}
