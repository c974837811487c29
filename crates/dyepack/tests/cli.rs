//! The command line as its users meet it: exit codes, what goes to which stream, colour, pipes,
//! options that must change what they say they change, and damage that must be found and named.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ledger::Transfer;
use serde_json::Value;
use support::{Room, conserved, files_below, list, raw, text, transfers_csv};
use testkit::{address_of, script};

/// A theft of 100 TRX (line 4), and what became of it. Line n is block n-1.
const STORY: &str = "
    -> victim 1000 TRX
    ann -> hub 1 TRX
    bob -> hub 1 TRX
    victim -> thief 100 TRX
    thief -> mule 60 TRX
    mule -> market 40 TRX
    thief -> blender 20 TRX
    friend -> mule 20 TRX
    mule -> shop 30 TRX
    shop -> far 10 TRX
    shop -> second 5 TRX
    market -> user 7 TRX
    mule -> hub 4 TRX
    hub -> end 3 TRX
    -> thief 9 USDT
    market -> back 2 TRX
";

fn name(name: &str) -> String {
    address_of(name).to_string()
}

fn labels() -> String {
    let mut csv = "chain,address,name,category,confidence,source,date\n".to_string();
    for (who, label) in [
        ("market", "=cmd|' /C calc'!A0,exchange,90,us,"),
        ("blender", "Blender,mixer,80,us,"),
        ("blender", "Blender Inc.,other,60,others,2023-01-01"),
        ("shop", "Shop,payment,30,rumour,"),
        ("wanted", "Somebody,sanctioned,100,a list,"),
    ] {
        csv.push_str(&format!("tron,{},{label}\n", name(who)));
    }
    csv
}

fn case(id: &str, to: &str, tx_line: usize) -> String {
    let tx = rows()[tx_line - 1].tx.expect("all have one");
    let tx = tx.text(ledger::Chain::TRON);
    format!(
        "schema = \"dyepack.case/1\"\nid = \"{id}\"\ntitle = \"The {id} case\"\n\n[[theft]]\n\
         chain = \"tron\"\nto = \"{}\"\ntx = \"{tx}\"\nasset = \"TRX\"\n",
        name(to)
    )
}

fn rows() -> Vec<Transfer> {
    script(STORY)
}

/// The story imported and labelled, with two case files beside it.
fn room() -> Room {
    let room = Room::new();
    let file = room.write("rows.csv", transfers_csv(&rows()));
    room.json(&["import", &file], 0);
    room.write("labels.csv", labels());
    room.run(&["label", "import", "labels.csv", "--source", "us"]).expect(0);
    room.write("first.toml", case("first", "thief", 4));
    room.write("second.toml", case("second", "second", 11));
    room
}

/// What the holdings say of a place: end and raw.
fn at<'a>(result: &'a Value, who: &str) -> Option<(&'a str, u128)> {
    let holdings = list(result, "holdings").iter();
    let mut found = holdings.filter(|holding| text(holding, "place") == name(who));
    let holding = found.next()?;
    Some((text(holding, "where"), raw(holding, "raw")))
}

#[test]
fn every_exit_code() {
    let room = room();
    let changed = room.run(&["trace", "first.toml", "--json"]).expect(0).stdout;
    room.write("changed.json", changed.replacen("\"raw\": \"1", "\"raw\": \"2", 1));
    let theft = case("both", "thief", 4);
    room.write("missing.toml", case("missing", "thief", 5));
    let other = case("x", "thief", 5);
    let other = &other[other.find("\n[[theft]]").expect("a theft")..];
    room.write("both.toml", theft + other);
    room.run(&["case", "add", "first.toml"]).expect(0);
    std::os::unix::fs::symlink("/dev/full", room.path("full")).expect("linked");
    let (exchange, mule) = (name("market"), name("mule"));
    let (nobody, wanted) = (name("nobody"), name("wanted"));
    let empty = room.at("empty");
    let table: &[(&[&str], i32)] = &[
        (&["trace", "first.toml"], 0),
        (&["trace", "first"], 0),
        (&["--version"], 0),
        (&["trace", "--help"], 0),
        (&["import", "not-here.csv"], 1),
        (&["trace"], 2),
        (&["trace", "first.toml", "--rule", "newest"], 2),
        (&["trace", "first.toml", "--until", "someday"], 2),
        (&["trace", "first.toml", "--until", "20220430"], 2),
        (&["trace", "first.toml", "--lang", "xx", "--svg", "some.svg"], 2),
        (&["trace", "first.toml", "--theme", "dark"], 2),
        (&["trace", "first.toml", "--theme", "dark", "--html", "some.html"], 0),
        (&["trace", "first.toml", "--paths-to", "T123"], 2),
        (&["trace", "first.toml", "--with", "first.toml"], 2),
        (&["trace", "first.toml", "--with", "second.toml", "--with", "second.toml"], 2),
        (&["trace", "first.toml", "--paths-to", &mule, "--csv"], 2),
        (&["trace", "first.toml", "--paths-to", &mule, "--count", "0"], 2),
        (&["trace", "first.toml", "--svg", "one", "--html", "./one"], 2),
        (&["trace", "first.toml", "--hops", "./first.toml"], 2),
        (&["trace", "first.toml", "--with", "both.toml", "--html", "both.toml"], 2),
        (&["trace", "first.toml", "--svg", "archive/picture.svg"], 2),
        (&["trace", "first.toml", "--svg", "full"], 1),
        (&["label", "explain", "T123"], 2),
        (&["import", "rows.csv", "--chain", "dogecoin"], 2),
        (&["trace", "no-such-case"], 3),
        (&["trace", "missing.toml"], 3),
        (&["trace", "first.toml", "--archive", &empty], 3),
        (&["doctor", "--archive", &empty], 3),
        (&["case", "show", "no-such-case"], 3),
        (&["label", "explain", &nobody], 3),
        (&["screen", &nobody], 3),
        (&["trace", "both.toml"], 4),
        (&["verify", "changed.json"], 5),
        (&["screen", &exchange], 0),
        (&["screen", &wanted], 0),
        (&["screen", &wanted, "--fail-on-exposure"], 10),
        (&["screen", &mule, "--fail-on-exposure"], 10),
        (&["screen", "T123"], 4),
        (&["screen", "T123", &exchange], 4),
        (&["screen", "T123", "--fail-on-exposure"], 4),
        (&["screen", &nobody, "T123", &exchange, "--fail-on-exposure"], 10),
    ];
    for (arguments, code) in table {
        let run = room.run(arguments);
        assert_eq!(run.code, *code, "{arguments:?}: {}", run.stderr);
        if [1, 2, 3].contains(code) && !matches!(arguments[0], "screen" | "label") {
            assert!(
                run.stderr.contains("error:") || run.stderr.contains("warning:"),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn json_alone_on_stdout() {
    let room = room();
    room.run(&["case", "add", "first.toml"]).expect(0);
    let mule = name("mule");
    let table: &[&[&str]] = &[
        &["trace", "first.toml"],
        &["import", "rows.csv"],
        &["import", "rows.csv", "--dry-run"],
        &["label", "list"],
        &["label", "explain", &mule],
        &["case", "list"],
        &["screen", &mule, "nonsense"],
        &["doctor"],
        &["demo", "shown"],
    ];
    for arguments in table {
        let run = room.run(&[arguments, &["--json"][..]].concat());
        let document = run.json();
        let schema = text(&document, "schema");
        assert!(
            schema.starts_with("dyepack.") && schema.ends_with("/1"),
            "{arguments:?}: {schema}"
        );
    }
    room.run(&["trace", "first.toml", "--json", "--csv"]).expect(2);
    let quiet = room.run(&["import", "rows.csv", "--quiet"]).expect(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn colour_only_where_it_is_wanted() {
    let room = room();
    let escape = '\u{1b}';
    for arguments in [&["trace", "first.toml"][..], &["trace", "no-such-case"], &["doctor"]] {
        let plain = room.run(arguments);
        assert!(!plain.stdout.contains(escape) && !plain.stderr.contains(escape), "{arguments:?}");
        let always = room.run(&[arguments, &["--color", "always"]].concat());
        assert!((always.stdout + &always.stderr).contains(escape), "{arguments:?}");
        let mut command = room.command(&[arguments, &["--color", "auto"]].concat());
        command.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "0");
        let output = command.output().expect("starts");
        let both = [output.stdout, output.stderr].concat();
        assert!(!both.contains(&0x1b), "{arguments:?}");
        let never = room.run(&[arguments, &["--color", "never"]].concat());
        assert_eq!(never.stdout, plain.stdout, "{arguments:?}");
    }
    let json = room.run(&["trace", "first.toml", "--json", "--color", "always"]).expect(0);
    assert!(!json.stdout.contains(escape) && json.json().is_object());
}

/// With a terminal on stderr: colour there and none in the file, and no bar for work that is short.
#[test]
fn a_terminal_gets_colour_and_no_bar_for_short_work() {
    let room = room();
    let program = env!("CARGO_BIN_EXE_dyepack");
    let on_terminal = |arguments: &str, variable: &str| {
        let line = format!("{program} {arguments} > out.txt");
        let mut script = Command::new("script");
        script.args(["-qc", &line, "/dev/null"]).current_dir(room.path(""));
        script.env("DYEPACK_ARCHIVE", room.path("archive")).env("TERM", "xterm");
        script.env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR").env(variable, "1");
        let output = script.output().expect("util-linux has `script`");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        (shown, fs::read_to_string(room.path("out.txt")).expect("redirected"))
    };
    let (shown, data) = on_terminal("trace no-such-case", "UNUSED");
    assert!(shown.contains("\u{1b}[1m\u{1b}[31merror:") && data.is_empty(), "{shown:?}");
    let (shown, _) = on_terminal("trace no-such-case", "NO_COLOR");
    assert!(shown.contains("error:") && !shown.contains("\u{1b}["), "{shown:?}");
    for (arguments, says) in
        [("import rows.csv --json", "rows.csv"), ("trace first.toml --json", "")]
    {
        let (shown, data) = on_terminal(arguments, "UNUSED");
        assert!(serde_json::from_str::<Value>(&data).is_ok(), "{arguments}: {data:.300}");
        assert!(
            !shown.contains("\u{1b}[2K") && !shown.contains('\u{2591}'),
            "{arguments}: {shown:?}"
        );
        assert!(shown.contains(says), "{arguments}: {shown:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let room = room();
    for arguments in [
        &["trace", "first.toml"][..],
        &["trace", "first.toml", "--json"],
        &["trace", "first.toml", "--csv"],
        &["label", "list"],
        &["completions", "zsh"],
        &["man"],
        &["--help"],
    ] {
        // As in a shell: the program's own code counts, not that of `head`.
        let pipe = "set -o pipefail; \"$0\" \"$@\" | head -1";
        let program = env!("CARGO_BIN_EXE_dyepack");
        let mut shell = Command::new("bash");
        shell.args(["-c", pipe, program]).args(arguments).current_dir(room.path(""));
        let output = shell.env("DYEPACK_ARCHIVE", room.path("archive")).output().expect("bash");
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
        let mut child = room.command(arguments).spawn().expect("starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {stderr}");
    }
}

#[test]
fn csv_without_formulas() {
    let room = room();
    let csv = room.run(&["trace", "first.toml", "--csv"]).expect(0).stdout;
    let result = room.json(&["trace", "first.toml"], 0);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let head: Vec<String> =
        reader.headers().expect("a header").iter().map(str::to_string).collect();
    let column = |name: &str| head.iter().position(|column| column == name).expect("a column");
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("CSV");
    let holdings = list(&result, "holdings");
    assert_eq!(rows.len(), holdings.len());
    for (row, holding) in rows.iter().zip(holdings) {
        for (field, key) in [("raw", "raw"), ("low_raw", "low_raw"), ("place", "place")] {
            assert_eq!(&row[column(field)], text(holding, key));
        }
        assert!(!row.iter().any(|field| field.starts_with(['=', '+', '-', '@'])), "{row:?}");
    }
    let market = rows.iter().find(|row| row[column("place")] == name("market")).expect("listed");
    assert_eq!(&market[column("label")], "'=cmd|' /C calc'!A0");
}

#[test]
fn completions_and_manual_pages() {
    let room = Room::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = room.run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains("screen") && script.contains("fail-on-exposure"), "{shell}");
        let path = room.write(shell, script);
        if ["bash", "zsh", "fish"].contains(&shell)
            && let Ok(status) = Command::new(shell).args(["-n", &path]).status()
        {
            assert!(status.success(), "{shell} -n");
        }
    }
    let page = room.run(&["man"]).expect(0).stdout;
    let path = room.write("dyepack.1", page);
    room.run(&["man", "--dir", "pages"]).expect(0);
    let pages = fs::read_dir(room.path("pages")).expect("a folder").map(|e| e.expect("one").path());
    let mut pages: Vec<PathBuf> = pages.collect();
    assert!(pages.iter().any(|page| page.ends_with("dyepack-trace.1")), "{pages:?}");
    pages.push(PathBuf::from(path));
    for page in pages {
        let Ok(output) = Command::new("man").env("MANPAGER", "cat").arg("-l").arg(&page).output()
        else {
            continue;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        // A system stripped of its manual answers every page with the same few words.
        let stripped = text.contains("minimized");
        assert!(output.status.success() && (stripped || text.contains("dyepack")), "{page:?}");
    }
}

#[test]
fn cases_and_labels() {
    let room = room();
    room.run(&["case", "add", "first.toml", "second.toml"]).expect(0);
    let ids = |room: &Room| -> Vec<String> {
        let listed = room.json(&["case", "list"], 0);
        list(&listed, "cases").iter().map(|case| text(case, "id").to_string()).collect()
    };
    assert_eq!(ids(&room), ["first", "second"]);
    let shown = room.run(&["case", "show", "first"]).expect(0).stdout;
    room.write("shown.toml", &shown);
    let digest = |case: &str| room.json(&["trace", case], 0)["digest"].clone();
    assert_eq!(digest("shown.toml"), digest("first.toml"));
    assert_eq!(digest("first"), digest("first.toml"));
    room.run(&["case", "add", "first.toml"]).expect(0);
    assert_eq!(ids(&room), ["first", "second"]);
    room.run(&["case", "remove", "first"]).expect(0);
    assert_eq!(ids(&room), ["second"]);
    room.run(&["case", "remove", "first"]).expect(3);
    let explained = room.json(&["label", "explain", &name("blender")], 0);
    let said = list(&explained, "labels").iter();
    let said: Vec<(&str, &str, u64)> = said
        .map(|l| (text(l, "name"), text(l, "source"), l["confidence"].as_u64().expect("a number")))
        .collect();
    assert_eq!(said, [("Blender", "us", 80), ("Blender Inc.", "others", 60)]);
    assert!(list(&explained, "labels").iter().all(|label| text(label, "claimed_by") == "tester"));
    let (end, all) = (name("end"), ["--category", "otc", "--confidence", "70", "--source", "me"]);
    room.run(&[&["label", "add", "tron", &end, "End OTC"][..], &all].concat()).expect(0);
    assert_eq!(
        at(&room.json(&["trace", "first.toml"], 0), "end").map(|end| end.0),
        Some("service")
    );
    room.run(&["label", "add", "tron", &end, "x", "--category", "bank", "--source", "me"])
        .expect(2);
}

#[test]
fn screening() {
    let room = room();
    room.run(&["case", "add", "first.toml"]).expect(0);
    let names = ["market", "wanted", "ann", "nobody", "mule", "victim"];
    let mut addresses: Vec<String> = names.iter().map(|who| name(who)).collect();
    addresses.insert(2, "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJen".to_string());
    addresses.push(addresses[0].clone());
    let input = addresses.join("\n\n ") + "\n";
    let run = room.run_with_input(&["screen", "-", "--json", "--fail-on-exposure"], &input);
    let document = run.expect(10).json();
    let results = list(&document, "results");
    let order: Vec<&str> = results.iter().map(|result| text(result, "address")).collect();
    assert_eq!(order, addresses);
    let verdicts: Vec<&str> = results.iter().map(|result| text(result, "verdict")).collect();
    let expected = [
        "exposed",
        "listed",
        "invalid",
        "no-exposure",
        "no-data",
        "exposed",
        "no-exposure",
        "exposed",
    ];
    assert_eq!(verdicts, expected);
    assert!(text(&results[2], "reason").contains("checksum"), "{}", results[2]);
    // 40 of 40 that the market received is tainted; 60 of the mule's 60 and 20.
    for (at, raw_in, ppm, hops, direct) in [(0, 40, 1_000_000, 2, false), (5, 60, 750_000, 1, true)]
    {
        let exposure = &list(&results[at], "exposure")[0];
        assert_eq!((text(exposure, "incident"), raw(exposure, "raw")), ("first", raw_in));
        assert_eq!(exposure["share_ppm"], ppm);
        assert_eq!((&exposure["hops"], &exposure["direct"]), (&hops.into(), &direct.into()));
    }
    let as_of = &list(&results[3], "as_of")[0];
    assert_eq!(text(as_of, "last_time"), rows().last().expect("rows").time.to_string());
    let told = room.run_with_input(&["screen", "-"], &input).expect(4).stdout;
    for word in ["clean", "safe"] {
        assert!(!told.to_lowercase().contains(word), "{told}");
    }
}

#[test]
fn options_change_what_they_say() {
    let room = room();
    let trace = |more: &[&str]| {
        let result = room.json(&[&["trace", "first.toml"], more].concat(), 0);
        assert!(conserved(&result), "{more:?}");
        let replayed = room.json(&[&["trace", "first.toml", "--full-replay"], more].concat(), 0);
        assert_eq!(result["digest"], replayed["digest"], "{more:?}");
        result
    };
    let plain = trace(&[]);
    assert_eq!(at(&plain, "market"), Some(("service", 40)));
    assert_eq!(at(&plain, "blender"), Some(("mixer", 20)));
    assert_eq!((at(&plain, "user"), at(&plain, "hub").map(|hub| hub.0)), (None, Some("unspent")));
    // After block 5 the market has been paid, the blender has not.
    let until = rows()[5].time.to_string();
    let early = trace(&["--until", &until]);
    assert_eq!((at(&early, "market"), at(&early, "blender")), (Some(("service", 40)), None));
    // The help promised Unix seconds, which were refused.
    let seconds = trace(&["--until", &rows()[5].time.seconds().to_string()]);
    assert_eq!(seconds["digest"], early["digest"]);
    let before = rows()[2].time.to_string();
    room.run(&["trace", "first.toml", "--until", &before]).expect(3);
    let near = trace(&["--max-hops", "1"]);
    // The market is two hops away: what is cut off there is known to have arrived at a service.
    assert_eq!(at(&near, "market"), Some(("service", 40)));
    assert_eq!(at(&near, "shop").map(|shop| shop.0), Some("untraced"));
    assert_eq!(at(&near, "far"), None);
    let name_of_market = "=CMD|' /c calc'!a0";
    for through in [name_of_market, "exchange", &name("market")] {
        let passed = trace(&["--through", through]);
        assert_eq!(at(&passed, "user"), Some(("unspent", 7)), "{through}");
        let gaps = list(&passed, "gaps").iter();
        assert!(gaps.filter(|gap| text(gap, "kind") == "traced-through").count() == 1, "{through}");
        assert_eq!(passed["parameters"]["through"][0], through);
    }
    let busy = trace(&["--service-degree", "2"]);
    assert_eq!(at(&busy, "hub").map(|hub| hub.0), Some("suspected-service"));
    let passed = trace(&["--service-degree", "2", "--through", &name("hub")]);
    assert_eq!(at(&passed, "hub").map(|hub| hub.0), Some("unspent"));
    assert!(at(&passed, "end").is_some());
    assert_eq!(at(&trace(&["--service-degree", "0"]), "hub").map(|hub| hub.0), Some("unspent"));
    let sure = trace(&["--label-confidence", "20"]);
    assert_eq!(at(&sure, "shop").map(|shop| shop.0), Some("service"));
    let unsure = trace(&["--label-confidence", "95"]);
    assert_eq!(at(&unsure, "market").map(|market| market.0), Some("unspent"));
    let mut digests: Vec<String> = [&plain, &early, &near, &busy, &sure, &unsure]
        .map(|result| text(result, "digest").to_string())
        .to_vec();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 6);
}

/// One that stated a moment after its own transaction entered beside it.
#[test]
fn an_assertion_gives_way_to_its_transaction() {
    let room = room();
    let seconds = rows()[3].time.seconds();
    let check = |asset: &str, line: usize, since: u32, asserted: bool, note: &str| {
        let stated = case("first", "thief", line).replace("\"TRX\"", &format!("\"{asset}\""));
        let since = ledger::Time::from_seconds(since);
        let rest =
            format!("asserted = true\namount = \"7\"\nsince = \"{since}\"\nsource = \"s\"\n");
        room.write("asserted.toml", stated + &rest);
        let result = room.json(&["trace", "asserted.toml"], 0);
        assert_eq!(list(&result, "seeds").len(), 1, "{since}");
        assert_eq!(result["seeds"][0]["asserted"], asserted, "{since}");
        let said = list(&result, "gaps").iter().any(|gap| text(gap, "detail").contains(note));
        assert!(said || note.is_empty(), "{note}: {}", result["gaps"]);
    };
    for since in [seconds - 1, seconds, seconds + 1] {
        check("TRX", 4, since, false, "the assertion was not needed and was dropped");
    }
    // The transaction brings the thief a token, and the case asserts coins beside it.
    check("TRX", 15, seconds, true, "moves none of that asset");
    check("TRX", 2, seconds, true, "");
}

/// Two equal thefts of one case entered twice, where two equal matches count once.
#[test]
fn what_a_case_asserts_twice_counts_once_where_it_names_the_transaction() {
    let room = room();
    let since = rows()[3].time;
    let rest = format!("asserted = true\namount = \"7\"\nsince = \"{since}\"\nsource = \"s\"\n");
    let later = ledger::Time::from_seconds(since.seconds() + 1);
    let theft = |case: &str| case[case.find("[[theft]]").expect("a theft")..].to_string() + &rest;
    let check = |second: &str, stolen: u128, note: &str| {
        let first = case("twice", "end", 2);
        let unnamed = |case: &str| -> String {
            case.split_inclusive('\n').filter(|line| !line.starts_with("tx =")).collect()
        };
        let (first, second) = match second {
            "later" => (
                first,
                theft(&case("twice", "end", 2)).replace(&since.to_string(), &later.to_string()),
            ),
            "half unnamed" => (first, theft(&unnamed(&case("twice", "end", 2)))),
            "unnamed" => (unnamed(&first), theft(&unnamed(&case("twice", "end", 2)))),
            "another" => (first, theft(&case("twice", "end", 3))),
            _ => (first, theft(&case("twice", "end", 2))),
        };
        room.write("twice.toml", first + &rest + "\n" + &second);
        let result = room.json(&["trace", "twice.toml"], 0);
        assert_eq!(raw(&result["stolen"][0], "raw"), stolen, "{note}");
        let told = |gap: &Value| text(gap, "detail").contains(note);
        assert!(list(&result, "gaps").iter().any(told) || note.is_empty(), "{}", result["gaps"]);
    };
    check("same", 7_000_000, "theft 1 asserts the same of the same transaction: it counts once");
    check("later", 7_000_000, "theft 1 asserts the same of the same transaction: it counts once");
    check("another", 14_000_000, "");
    check("half unnamed", 14_000_000, "not both name a transaction, so both count");
    check("unnamed", 14_000_000, "not both name a transaction, so both count");
}

/// The end of a trace let an assertion in that its own transaction replaces later, and nothing said so.
#[test]
fn an_assertion_whose_transaction_comes_later_is_named() {
    let room = room();
    let time = rows()[3].time.seconds();
    let moment = |seconds: u32| ledger::Time::from_seconds(seconds).to_string();
    let since = moment(time - 1);
    let rest = format!("asserted = true\namount = \"7\"\nsince = \"{since}\"\nsource = \"s\"\n");
    room.write("early.toml", case("early", "thief", 4) + &rest);
    for (until, asserted) in [(time - 1, true), (time, false)] {
        let result = room.json(&["trace", "early.toml", "--until", &moment(until)], 0);
        assert_eq!(result["seeds"][0]["asserted"], asserted);
        let told = |gap: &Value| text(gap, "detail").contains("after the end of the trace");
        assert_eq!(list(&result, "gaps").iter().any(told), asserted);
    }
}

/// A thief's own swap, matched by a case that names neither sender nor transaction.
#[test]
fn what_leaves_the_receiver_and_counts_as_stolen_is_named() {
    let room = Room::new();
    let rows = script("victim -> thief 100 TRX\nthief -> thief 60 TRX = 9 USDT\n");
    room.write("rows.csv", transfers_csv(&rows));
    room.json(&["import", "rows.csv"], 0);
    let check = |field: &str, stolen: u128, named: bool| {
        let (thief, victim) = (name("thief"), name("victim"));
        let field = field.replace("VICTIM", &victim);
        let case = format!(
            "schema = \"dyepack.case/1\"\nid = \"own\"\ntitle = \"Own\"\n\n[[theft]]\n\
             chain = \"tron\"\nto = \"{thief}\"\nasset = \"TRX\"\n{field}"
        );
        room.write("own.toml", case);
        let result = room.json(&["trace", "own.toml"], 0);
        assert_eq!(raw(&result["stolen"][0], "raw"), stolen, "{field}");
        let told = |gap: &Value| text(gap, "detail").contains("1 of the 2 matched transfers left");
        assert_eq!(list(&result, "gaps").iter().any(told), named, "{field}");
    };
    check("", 160, true);
    check("from = \"VICTIM\"\n", 100, false);
}

/// Under fifo the overlap came out as none, and nothing said that both cases count one theft.
#[test]
fn one_theft_asserted_by_two_cases_is_said_to_be_one() {
    let room = room();
    let since = rows()[3].time;
    for (id, tx_line) in [("one", 2), ("two", 2), ("other", 3)] {
        let rest =
            format!("asserted = true\namount = \"7\"\nsince = \"{since}\"\nsource = \"s\"\n");
        room.write(&format!("{id}.toml"), case(id, "end", tx_line) + &rest);
    }
    for (with, said) in [("two.toml", true), ("other.toml", false)] {
        let result = room.json(&["trace", "one.toml", "--with", with, "--rule", "fifo"], 0);
        let told = |gap: &Value| text(gap, "detail").contains("asserts the same transaction");
        assert_eq!(list(&result, "gaps").iter().any(told), said, "{with}");
    }
}

#[test]
fn units_claimed_twice() {
    let room = room();
    for rule in ["fifo", "lifo", "haircut"] {
        let arguments = ["trace", "first.toml", "--rule", rule];
        let alone = room.json(&arguments, 0);
        let both = room.json(&[&arguments[..], &["--with", "second.toml"]].concat(), 0);
        assert_eq!(alone["digest"], both["digest"], "{rule}");
        let overlaps = list(&both, "overlaps");
        let own = at(&alone, "second").map_or(0, |own| own.1);
        // All 5 at the second thief are the second case's; what the first has there counts twice.
        let found = overlaps.iter().find(|overlap| text(overlap, "place") == name("second"));
        let found = found.map_or((0, 0), |found| (raw(found, "low_raw"), raw(found, "high_raw")));
        assert_eq!(found, (own, own), "{rule}: {overlaps:?}");
        assert!(list(&alone, "overlaps").is_empty());
    }
    // A registered case is looked for without being named.
    room.run(&["case", "add", "second.toml"]).expect(0);
    let arguments = ["trace", "first.toml", "--rule", "fifo"];
    let registered = room.json(&arguments, 0);
    let named = room.json(&[&arguments[..], &["--with", "second"]].concat(), 0);
    assert_eq!(registered["overlaps"], named["overlaps"]);
    assert_eq!(named["parameters"]["with"][0], "second");
}

#[test]
fn paths_and_hops_are_in_the_data() {
    let room = room();
    let market = name("market");
    let arguments = ["trace", "first.toml", "--paths-to", &market, "--hops", "hops.jsonl"];
    let run = room.run(&[&arguments[..], &["--json"]].concat()).expect(0);
    let result = run.json();
    let hops = fs::read_to_string(room.path("hops.jsonl")).expect("written");
    let hops: Vec<Value> = hops.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let rows = rows();
    let exists = |hop: &Value| {
        let height = hop["position"]["height"].as_u64().expect("known") as usize;
        let row = &rows[height];
        assert_eq!(text(hop, "tx"), row.tx.expect("one").text(row.chain));
        assert_eq!(text(hop, "from"), row.from.text(row.chain));
        assert_eq!(text(hop, "to"), row.to.text(row.chain));
        assert_eq!(raw(hop, "raw"), row.amount.base_units());
        assert!(raw(hop, "taint_in_raw") <= raw(hop, "raw"));
    };
    hops.iter().for_each(exists);
    let mut arrived: BTreeMap<&str, u128> = BTreeMap::new();
    for hop in &hops {
        *arrived.entry(text(hop, "to")).or_default() += raw(hop, "taint_in_raw");
    }
    assert_eq!((arrived[market.as_str()], arrived[name("mule").as_str()]), (40, 60));
    let paths = list(&result, "paths");
    assert_eq!(paths.len(), 1);
    let steps = list(&paths[0], "hops");
    steps.iter().for_each(exists);
    let stations: Vec<&str> = steps.iter().map(|hop| text(hop, "to")).collect();
    assert_eq!(stations, [name("thief"), name("mule"), market.clone()]);
    assert!(steps.iter().all(|hop| hops.contains(hop)), "a path is made of hops");
    let none = room.json(&["trace", "first.toml", "--paths-to", &name("ann")], 3);
    assert!(list(&none, "paths").is_empty());

    // A saved result with paths is verified with them.
    room.write("result.json", &run.stdout);
    room.json(&["verify", "result.json"], 0);
    let from = run.stdout.find("\"paths\"").expect("paths");
    let forged = run.stdout[from..].replacen(&name("mule"), &name("ann"), 1);
    room.write("forged.json", run.stdout[..from].to_string() + &forged);
    room.run(&["verify", "forged.json"]).expect(5);
}

#[test]
fn pictures_and_results_do_not_depend_on_the_order_of_labels() {
    let room = room();
    let other = Room::new();
    let file = other.write("rows.csv", transfers_csv(&rows()));
    other.json(&["import", &file], 0);
    other.write("first.toml", case("first", "thief", 4));
    let labels = labels();
    let (head, lines) = labels.split_once('\n').expect("a header");
    for (number, line) in lines.lines().rev().enumerate() {
        let file = other.write(&format!("labels-{number}.csv"), format!("{head}\n{line}\n"));
        other.run(&["label", "import", &file, "--source", "us"]).expect(0);
    }
    let mut pictures = Vec::new();
    for room in [&room, &room, &other] {
        let run = room.run(&["trace", "first.toml", "--json", "--svg", "picture.svg"]).expect(0);
        other.write("result.json", &run.stdout);
        let verdict = other.json(&["verify", "result.json"], 0);
        assert_eq!((&verdict["same"], &verdict["same_snapshot"]), (&true.into(), &true.into()));
        pictures.push(fs::read(room.path("picture.svg")).expect("drawn"));
    }
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]), "the pictures differ");
    let svg = String::from_utf8(pictures.remove(0)).expect("text");
    assert!(svg.starts_with("<svg") && !svg.contains("style=") && !svg.contains("<script"));
}

#[test]
fn the_doctor_finds_damage_and_names_it() {
    let room = room();
    let saved = room.run(&["trace", "first.toml", "--json"]).expect(0);
    let digest = saved.json()["digest"].clone();
    room.write("result.json", &saved.stdout);
    let sound = room.json(&["doctor"], 0);
    assert!(list(&sound, "problems").is_empty());
    let archive = room.path("archive");
    for path in files_below(archive.join("index")) {
        let bytes = fs::read(&path).expect("readable");
        let Some(middle) = bytes.len().checked_sub(1).map(|last| last / 2) else { continue };
        let mut flipped = bytes.clone();
        flipped[middle] ^= 0x10;
        fs::write(&path, flipped).expect("written");
        let found = room.json(&["doctor"], 5);
        let problem = &list(&found, "problems")[0];
        assert!(text(problem, "file").contains("/index/"), "{path:?}: {problem}");
        assert!(text(problem, "help").contains("--rebuild-index"), "{problem}");
        let run = room.run(&["verify", "result.json"]).expect(5);
        assert!(
            run.stderr.contains("damaged") && run.stdout.is_empty(),
            "{path:?}: {}",
            run.stderr
        );
        room.run(&["doctor", "--rebuild-index"]).expect(0);
        room.json(&["doctor"], 0);
        assert_eq!(fs::read(&path).ok(), Some(bytes), "{path:?} came out the same");
    }
    assert_eq!(room.json(&["trace", "first.toml"], 0)["digest"], digest);
    let part = files_below(archive.clone()).into_iter();
    let mut damaged: Vec<PathBuf> =
        part.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect();
    damaged.push(archive.join("claims.journal"));
    for path in damaged {
        let whole = fs::read(&path).expect("readable");
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        let cut = &whole[..whole.len() - 9];
        // A journal that ends in the middle of a record is what a kill leaves, and no damage.
        let journal = path.ends_with("claims.journal");
        for bytes in [cut, &flipped].into_iter().skip(usize::from(journal)) {
            fs::write(&path, bytes).expect("written");
            let found = room.json(&["doctor"], 5);
            let problem = &list(&found, "problems")[0];
            assert!(path.ends_with(text(problem, "file")), "{path:?}: {problem}");
            let told = room.run(&["doctor"]).expect(5).stdout;
            let file = path.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(told.contains(&file), "{told}");
            room.run(&["doctor", "--rebuild-index"]).expect(5);
        }
        fs::write(&path, whole).expect("written");
        room.json(&["doctor"], 0);
    }
    fs::write(archive.join("manifest.json"), "{}").expect("written");
    let run = room.run(&["doctor"]).expect(5);
    assert!(run.stderr.contains("manifest.json"), "{}", run.stderr);
}
