//! What `verify` lets nobody say: each forgery of a saved result, and where it must be named.

mod support;

use ledger::Chain;
use serde_json::Value;
use support::{Room, list, text, transfers_csv};
use testkit::{address_of, script};

/// A shop that is labelled, an overdrawn mule, a story with paths.
const STORY: &str = "
    victim -> thief 100 TRX
    thief -> mule 60 TRX
    thief -> shop 10 TRX
    mule -> shop 70 TRX
    mule -> friend 5 TRX
    thief -> keeper 5 TRX
";

/// A room with the saved result of the story, and that result.
fn saved() -> (Room, Value) {
    let room = Room::new();
    let rows = script(STORY);
    let file = room.write("rows.csv", transfers_csv(&rows));
    room.json(&["import", &file], 0);
    let name = |name: &str| address_of(name).to_string();
    let tx = rows[0].tx.expect("all have one").text(Chain::TRON);
    let (thief, shop) = (name("thief"), name("shop"));
    room.write(
        "case.toml",
        format!(
            "schema = \"dyepack.case/1\"\nid = \"story\"\ntitle = \"A story\"\n\n[[theft]]\n\
             chain = \"tron\"\nto = \"{thief}\"\ntx = \"{tx}\"\nasset = \"TRX\"\n\n[[flow]]\n\
             chain = \"tron\"\nfrom = \"Somebody\"\nto = \"{thief}\"\nsource = \"the news\"\n"
        ),
    );
    room.write("labels.csv", format!("chain,address,name,category\ntron,{shop},A shop,exchange\n"));
    room.run(&["label", "import", "labels.csv", "--source", "us"]).expect(0);
    let result = room.json(&["trace", "case.toml", "--paths-to", &shop], 0);
    (room, result)
}

#[test]
fn no_forgery_is_the_same() {
    let (room, result) = saved();
    let verdict = |change: &dyn Fn(&mut Value), code: i32| {
        let mut forged = result.clone();
        change(&mut forged);
        assert!(code == 0 || forged != result, "nothing was forged");
        room.write("result.json", forged.to_string());
        room.json(&["verify", "result.json"], code)
    };
    let check = |wanted: &str, change: &dyn Fn(&mut Value)| {
        let verdict = verdict(change, 5);
        let named = |said: &Value| said.as_str().is_some_and(|said| said.contains(wanted));
        assert!(list(&verdict, "differences").iter().any(named), "{wanted}: {verdict}");
    };
    assert_eq!(verdict(&|_| {}, 0)["same"], true);
    let stranger = || Value::from(address_of("stranger").to_string());
    // One changed hash of the snapshot switched most of the comparison off.
    for hash in [None, Some("labels")] {
        let unset = |it: &mut Value| {
            if let Some(hash) = hash {
                it["snapshot"][hash] = "sha256:0".into();
            }
        };
        let check = |wanted: &str, change: &dyn Fn(&mut Value)| {
            check(wanted, &|it| {
                unset(it);
                change(it);
            });
        };
        check("`holdings[0].symbol`", &|it| it["holdings"][0]["symbol"] = "BTC".into());
        check("`holdings[0].decimals`", &|it| it["holdings"][0]["decimals"] = 2.into());
        check("`holdings[0].address`", &|it| it["holdings"][0]["address"] = stranger());
        check("`holdings[0].transactions", &|it| {
            it["holdings"][0]["transactions"] = Value::from(vec!["ff"]);
        });
        check("`unknown[0].amount`", &|it| it["unknown"][0]["amount"] = "7".into());
        check("`unknown[0].address`", &|it| it["unknown"][0]["address"] = stranger());
        check("`set_aside_assets`", &|it| {
            let left_out = serde_json::json!({"chain": "tron", "asset": "x", "reason": "y"});
            it["set_aside_assets"] = Value::from(vec![left_out]);
        });
        check("`snapshot.chains[0].last_time`", &|it| {
            it["snapshot"]["chains"][0]["last_time"] = "2030-01-01T00:00:00Z".into();
        });
        check("`reported.flows[0].source`", &|it| {
            it["reported"]["flows"][0]["source"] = "the court".into();
        });
        check("`touched.places`", &|it| it["touched"]["places"] = 99.into());
    }
    check("`holdings[0].label`", &|it| it["holdings"][0]["label"] = "Binance, by FBI".into());
    check("`gaps[0].detail`", &|it| {
        it["gaps"] =
            Value::from(vec![serde_json::json!({"kind": "none", "detail": "all is known"})]);
    });
    check("`title`", &|it| it["title"] = "Another".into());
}

#[test]
fn a_path_that_is_none_is_named() {
    let (room, result) = saved();
    assert!(list(&list(&result, "paths")[0], "hops").len() > 1, "{result}");
    let check = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut forged = result.clone();
        change(forged["paths"].as_array_mut().expect("paths"));
        assert_ne!(forged, result, "nothing was forged");
        room.write("result.json", forged.to_string());
        let verdict = room.json(&["verify", "result.json"], 5);
        let said = list(&verdict, "differences");
        assert!(
            said.iter().any(|said| said.as_str().is_some_and(|s| s.contains("`paths"))),
            "{said:?}"
        );
    };
    let hops = |path: &mut Value| path["hops"].as_array_mut().expect("hops").clone();
    check(&|paths| {
        let mut reversed = hops(&mut paths[0]);
        reversed.reverse();
        paths[0]["hops"] = reversed.into();
    });
    check(&|paths| paths[0]["hops"] = hops(&mut paths[0])[1..].to_vec().into());
    check(&|paths| paths[0]["hops"] = Vec::<Value>::new().into());
    check(&|paths| paths[0]["kinds"] = vec!["x"].into());
    check(&|paths| paths.swap(0, 1));
    check(&|paths| drop(paths.pop()));
    check(&Vec::clear);
}

/// A verdict says what it could not compare, and that it could not compare it.
#[test]
fn what_was_not_compared_is_said() {
    let (room, mut result) = saved();
    let not = |result: &Value| -> Vec<String> {
        room.write("result.json", result.to_string());
        let is_same = result["snapshot"]["labels"] != "sha256:0";
        let verdict = room.json(&["verify", "result.json"], if is_same { 0 } else { 4 });
        assert_eq!((&verdict["same"], &verdict["same_snapshot"]), (&true.into(), &is_same.into()));
        let said = list(&verdict, "not_compared").iter();
        said.map(|field| field.as_str().expect("a text").to_string()).collect()
    };
    let words = ["program", "replay", "overlaps with cases that `with` does not name"];
    assert_eq!(not(&result), words);
    result["snapshot"]["labels"] = "sha256:0".into();
    result["holdings"][0]["label"] = Value::Null;
    let said = not(&result);
    for field in ["snapshot.labels", "holdings.label", "inputs", "gaps", "set_aside"] {
        assert!(said.iter().any(|said| said == field), "{field} in {said:?}");
    }
    let shown = room.run(&["verify", "result.json"]).expect(4).stdout;
    assert!(shown.contains("less could be compared"), "{shown}");
    assert_eq!(text(&result, "schema"), "dyepack.trace/1");
}

/// The other case was looked for by its id: in the current folder, then among those registered.
#[test]
fn a_result_made_beside_another_case_needs_neither_file_nor_registration() {
    let (room, _) = saved();
    let case = std::fs::read_to_string(room.path("case.toml")).expect("written");
    room.write("other.toml", case.replace("\"story\"", "\"other\""));
    let arguments = ["trace", "case.toml", "--with", "other.toml", "--rule", "fifo"];
    let mut result = room.json(&arguments, 0);
    assert!(!list(&result, "overlaps").is_empty(), "{result}");
    room.write("result.json", result.to_string());
    std::fs::remove_file(room.path("other.toml")).expect("removed");
    room.write("other", "no case at all");
    room.run(&["verify", "result.json"]).expect(0);
    result["parameters"]["with"][0] = "story".into();
    room.write("result.json", result.to_string());
    room.run(&["verify", "result.json"]).expect(5);
}

/// Whoever forged the words about the inputs was told "the same" with exit code 0.
#[test]
fn other_inputs_than_stated_are_no_full_verdict() {
    let (room, result) = saved();
    let check = |change: &dyn Fn(&mut Value)| {
        let mut changed = result.clone();
        change(&mut changed);
        room.write("result.json", changed.to_string());
        let verdict = room.json(&["verify", "result.json"], 4);
        assert_eq!((&verdict["same"], &verdict["same_snapshot"]), (&true.into(), &false.into()));
    };
    check(&|it| it["inputs"][0]["sha256"] = "00".into());
    check(&|it| it["inputs"] = Vec::<Value>::new().into());
    for snapshot in ["archive", "labels"] {
        check(&|it| {
            it["snapshot"][snapshot] = "sha256:0".into();
            it["gaps"] = Vec::<Value>::new().into();
        });
    }
}

/// A file by another name hid what was said of the data.
#[test]
fn the_words_of_gaps_are_compared_whatever_files_are_called() {
    let (room, result) = saved();
    let check = |detail: Option<&str>, code: i32| {
        let mut changed = result.clone();
        let name = text(&changed["inputs"][0], "name").to_string();
        changed["inputs"][0]["name"] = "renamed.csv".into();
        for gap in changed["gaps"].as_array_mut().expect("gaps") {
            let said = text(gap, "detail").replace(&name, "renamed.csv");
            gap["detail"] = said.into();
        }
        if let Some(detail) = detail {
            changed["gaps"][0]["detail"] = detail.into();
        }
        room.write("result.json", changed.to_string());
        room.json(&["verify", "result.json"], code);
    };
    assert!(!list(&result, "gaps").is_empty());
    check(None, 0);
    check(Some("everything is known"), 5);
}
