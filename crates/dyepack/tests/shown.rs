//! What a person is shown: tables that fit a terminal, sentences in the right number, a page that says
//! what the terminal says, refusals that name what is refused. Each test is named by what broke.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use ledger::{Chain, Transfer};
use serde_json::Value;
use support::{Room, list, text, transfers_csv};
use testkit::{address_of, script};

const THIEF: &str = "0x098b716b8aaf21512996dc57eb0615e2383e2f96";
const MULE: &str = "0x665660f65e94454a64b96693a67a41d440155617";

/// Which of the mule's units the shop got decides whether the hub got stolen ones.
const STORY: &str = "
    -> victim 1000 TRX
    victim -> thief 100 TRX
    thief -> mule 60 TRX
    friend -> mule 20 TRX
    mule -> shop 70 TRX
    mule -> hub 4 TRX
    shop -> second 5 TRX
";

fn name(name: &str) -> String {
    address_of(name).to_string()
}

fn case(rows: &[Transfer], id: &str, to: &str, line: usize) -> String {
    let asset = rows[0].asset.text(Chain::TRON);
    let tx = rows[line - 1].tx.expect("all have one").text(Chain::TRON);
    format!(
        "schema = \"dyepack.case/1\"\nid = \"{id}\"\ntitle = \"The {id} case\"\n\n[[theft]]\n\
         chain = \"tron\"\nto = \"{}\"\ntx = \"{tx}\"\nasset = \"{asset}\"\n",
        name(to)
    )
}

fn story() -> Room {
    story_in("TRX")
}

/// The story, in units of another asset.
fn story_in(asset: &str) -> Room {
    let room = Room::new();
    let rows = script(&STORY.replace("TRX", asset));
    let file = room.write("rows.csv", transfers_csv(&rows));
    room.json(&["import", &file], 0);
    room.write("first.toml", case(&rows, "first", "thief", 2));
    room.write("second.toml", case(&rows, "second", "second", 7));
    room
}

/// The shipped case in a room: its archive is the room's own.
fn ronin() -> Room {
    let room = Room::new();
    room.run(&["demo", "."]).expect(0);
    room
}

/// The output of a command on a terminal so wide, without colour. `script` (util-linux) is the terminal.
fn on_terminal(room: &Room, columns: usize, arguments: &[&str]) -> String {
    let program = env!("CARGO_BIN_EXE_dyepack");
    let words: Vec<String> = arguments.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("stty rows 50 cols {columns}; {program} {} --color never", words.join(" "));
    let mut script = Command::new("script");
    script.args(["-qc", &line, "/dev/null"]).current_dir(room.path("."));
    let output = script.env("DYEPACK_ARCHIVE", room.path("archive")).output();
    let output = output.expect("util-linux has `script`");
    String::from_utf8(output.stdout).expect("UTF-8").replace('\r', "")
}

/// Lines that a terminal of 80 columns broke wherever it liked, through the middle of addresses.
#[test]
fn no_table_is_wider_than_its_terminal() {
    let room = ronin();
    let long = "a name of an exchange that is a good deal longer than any terminal is ever wide and then \
        some more of it to be sure";
    let labels = format!("chain,address,name,category\nethereum,{MULE},{long},scam\n");
    room.write("labels.csv", labels);
    room.run(&["label", "import", "labels.csv", "--source", "somebody"]).expect(0);
    let commands: &[&[&str]] = &[
        &["trace", "ronin-2022"],
        &["trace", "ronin-2022", "--wide"],
        &["trace", "ronin-2022", "--paths-to", MULE],
        &["label", "list"],
        &["label", "explain", MULE],
        &["case", "list"],
        &["screen", THIEF, MULE],
        &["verify", "ronin-2022.json"],
    ];
    let fields: Vec<String> = addresses(&room.run(commands[2]).expect(0).stdout);
    assert!(fields.len() > 60);
    for arguments in commands {
        let narrow = if arguments[0] == "trace" { 40 } else { 80 };
        for columns in [narrow, 80, 120] {
            let shown = on_terminal(&room, columns, arguments);
            for line in shown.lines() {
                // Commands and digests are copied: they are not broken by us.
                let copied = ["Again: ", "Digest ", "  stated ", "  recomputed "];
                let whole = copied.iter().any(|start| line.starts_with(start));
                // Nor is an address or a transaction, which has a line of its own where there is no room.
                let whole = whole || line.split_whitespace().any(|word| word.len() > columns);
                let wide = line.chars().count();
                assert!(wide <= columns || whole, "{arguments:?} at {columns}: {wide}: {line}");
            }
            for address in addresses(&shown) {
                assert_eq!(address.len(), 42, "{arguments:?} at {columns}: {address} is cut");
            }
        }
    }
    // All ways are there at either width, and the one text that does not fit says that it was cut.
    let narrow = on_terminal(&room, 80, commands[1]);
    let wide = on_terminal(&room, 200, commands[1]);
    assert_eq!(addresses(&narrow), addresses(&wide));
    let cut = on_terminal(&room, 80, commands[4]);
    assert!(cut.contains("a name of an exchange") && cut.contains("--json has all"), "{cut}");
}

/// What looks like an Ethereum address in a text, in order; transactions are longer.
fn addresses(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| word.starts_with("0x") && word.len() < 60);
    words.map(str::to_string).collect()
}

/// "1 flows", "1 hops", "1 rows".
#[test]
fn one_is_singular() {
    let room = ronin();
    room.write("one.csv", format!("chain,address,name,category\nethereum,{THIEF},x,scam\n"));
    let told = [
        room.run(&["trace", "ronin-2022"]).expect(0).stdout,
        room.run(&["screen", THIEF, MULE]).expect(0).stdout,
        room.run(&["label", "import", "one.csv", "--source", "s"]).expect(0).stdout,
        fs::read_to_string(room.path("ronin-2022.html")).expect("written"),
    ];
    for (text, wanted) in told.iter().zip(["(1 flow;", "1 hop,", "1 label,", "(1 flow;"]) {
        assert!(text.contains(wanted), "{wanted:?} in {text}");
        let words: Vec<&str> = text.split_whitespace().collect();
        let plural = words.windows(2).find(|pair| {
            let noun = pair[1].trim_end_matches([',', ';', ')', '.']);
            pair[0].trim_start_matches('(') == "1" && noun.len() > 2 && noun.ends_with('s')
        });
        assert_eq!(plural, None);
    }
}

/// A trace that was asked for ways to an address said nothing and ended with 0 where there are none.
#[test]
fn an_address_that_was_never_reached_is_said_to_be() {
    let room = story();
    let check = |who: &str, rule: &str, code: i32, wanted: &str| {
        let address = name(who);
        let arguments = ["trace", "first.toml", "--rule", rule, "--paths-to", &address];
        let run = room.run(&arguments).expect(code);
        let told = run.stdout.replace('\n', " ");
        assert_eq!(told.contains("never reached"), code == 3, "{told}");
        assert!(told.contains(wanted), "{wanted:?} in {told}");
        let run = room.run(&[&arguments[..], &["--json"]].concat()).expect(code);
        assert_eq!(list(&run.json(), "paths").is_empty(), code == 3);
        assert_eq!(run.stderr.contains("never reached"), code == 3, "{}", run.stderr);
    };
    check("hub", "haircut", 0, "Path 1");
    check(
        "friend",
        "haircut",
        3,
        "never reached by value of the case under haircut, nor under any",
    );
    check("hub", "fifo", 3, "but it is under haircut, lifo, clean-first, poison (--rule haircut)");
    check("hub", "tainted-first", 3, "but it is under haircut");
}

/// The page lacked unknown value, reports, shares and how to verify it.
#[test]
fn the_page_says_what_the_terminal_says() {
    let room = ronin();
    let told = room.run(&["trace", "ronin-2022", "--html", "page.html"]).expect(0).stdout;
    let page = fs::read_to_string(room.path("page.html")).expect("written");
    let demo = fs::read_to_string(room.path("ronin-2022.html")).expect("written");
    for html in [&page, &demo] {
        assert!(html.contains("<svg") && !html.contains("<script"));
        for wanted in [
            "Unknown value: at 2 places",
            "4,869.1426056027744 ETH",
            "Reported by others, not seen on chain here (1 flow;",
            "25,500,000 USDC",
            ">100.0 %</td>",
            "<pre>dyepack trace ",
            "<pre>dyepack verify ",
            "edge-of-data",
            "Conservation on ethereum: 173,600 ETH in = 173,600 ETH out [ok]",
        ] {
            assert!(html.contains(wanted), "{wanted}");
        }
    }
    // Every row of the terminal's endpoints stands on the page, field by field.
    let rows = told.lines().skip_while(|line| !line.starts_with("Endpoints")).skip(2);
    let rows: Vec<&str> = rows.take_while(|line| !line.is_empty()).collect();
    assert_eq!(rows.len(), 60);
    for row in rows {
        for field in row.split('\t').filter(|field| !field.is_empty()) {
            assert!(page.contains(&format!(">{field}</td>")), "{field}");
        }
    }
    let shares = room.run(&["trace", "ronin-2022", "--rule", "poison", "--html", "poison.html"]);
    let shares = shares.expect(0).stdout;
    let page = fs::read_to_string(room.path("poison.html")).expect("written");
    assert!(page.contains("Poison conserves nothing") && !page.contains("<svg"));
    // Its amounts add up to nothing, so no share is one of anything.
    assert!(!page.contains(" %</td>") && !shares.contains(" %"), "{shares}");
}

/// "Unspent, in wallets" read as if it were still there, 173,464 ETH of it where the data ends.
#[test]
fn unspent_is_qualified_where_it_stands() {
    let room = ronin();
    let result: Value =
        serde_json::from_slice(&fs::read(room.path("ronin-2022.json")).expect("written"))
            .expect("JSON");
    let gaps = list(&result, "gaps").iter().filter(|gap| text(gap, "kind") == "edge-of-data");
    let details: Vec<&str> = gaps.map(|gap| text(gap, "detail")).collect();
    let page = fs::read_to_string(room.path("ronin-2022.html")).expect("written");
    let told = room.run(&["trace", "ronin-2022"]).expect(0).stdout;
    let start = "Unspent means: not spent in this data; ";
    for shown in [&told, &page] {
        let (_, said) = shown.split_once(start).expect("qualified");
        let (amount, _) =
            said.split_once(" of it is at places where the data ends").expect("an amount");
        assert!(amount.starts_with("173,464.") && amount.ends_with(" ETH"), "{amount}");
        assert!(details.len() == 1 && details[0].contains(&format!("({amount})")), "{details:?}");
    }
    // Directly under its table.
    let mut lines = told.lines().skip_while(|line| !line.starts_with("Where it is now"));
    let after = lines.find(|line| !line.contains('\t') && !line.starts_with("Where"));
    assert!(after.is_some_and(|line| line.starts_with(start)), "{told}");
}

/// The table said that of 40 stolen units 130 were in wallets.
#[test]
fn poison_says_what_was_reached_and_sums_nothing() {
    let room = story();
    let arguments = ["trace", "first.toml", "--rule", "poison", "--html", "p.html"];
    let run = room.run(&[&arguments[..], &["--svg", "p.svg"]].concat()).expect(0);
    assert!(run.stderr.contains("p.svg is not written: poison"), "{}", run.stderr);
    assert!(!room.path("p.svg").exists());
    let page = fs::read_to_string(room.path("p.html")).expect("written");
    let totals = list(&room.json(&arguments, 0), "totals").to_vec();
    for shown in [&run.stdout, &page] {
        let warned = shown.find("amounts must not be added up").expect("said");
        let table = shown.find("places reached").expect("counted");
        assert!(warned < table && !shown.contains("Where it is now"), "{shown}");
        assert!(shown.contains("never sent any of it in this data: what happened"), "{shown}");
    }
    for total in &totals {
        assert_eq!(text(total, "where"), "unspent");
        let places = &total["places"];
        assert!(run.stdout.contains(&format!("unspent, in wallets\t{places}\n")), "{}", run.stdout);
        // Nowhere a sum; it is larger than what any place received.
        assert!(!run.stdout.contains(text(total, "amount")), "{total}");
    }
    let quiet = room.run(&[&arguments[..], &["--svg", "p.svg", "-q"]].concat()).expect(0);
    assert_eq!(quiet.stderr, "");
}

/// Pictures of further assets were written beside the first, and nothing said so.
#[test]
fn every_picture_is_named() {
    let room = Room::new();
    let rows = script(
        "\n-> victim 9 TRX\n-> victim 9 USDT\nvictim -> thief 5 TRX\nvictim -> thief 4 USDT\n",
    );
    let file = room.write("rows.csv", transfers_csv(&rows));
    room.json(&["import", &file], 0);
    let theft = |line: usize| {
        let asset = rows[line].asset.text(Chain::TRON);
        format!("\n[[theft]]\nchain = \"tron\"\nto = \"{}\"\nasset = \"{asset}\"\n", name("thief"))
    };
    let head = "schema = \"dyepack.case/1\"\nid = \"two\"\ntitle = \"t\"\n";
    room.write("two.toml", format!("{head}{}{}", theft(2), theft(3)));
    let told = room.run(&["trace", "two.toml", "--svg", "x.svg"]).expect(0).stderr;
    assert_eq!(told.lines().count(), 2, "{told}");
    for file in ["x.svg", "x-2.svg"] {
        assert!(told.contains(&format!("wrote {file} (tron ")), "{told}");
        assert!(room.path(file).exists());
    }
    let quiet = room.run(&["trace", "two.toml", "--svg", "x.svg", "-q"]).expect(0).stderr;
    assert_eq!(quiet, "");
    // A later picture must not cost the page that was just written.
    room.run(&["trace", "two.toml", "--svg", "y.svg", "--html", "y-2.svg"]).expect(2);
    assert!(!room.path("y-2.svg").exists() && !room.path("y.svg").exists());
    // A device has no file beside it.
    symlink("/dev/null", room.path("null")).expect("linked");
    let told = room.run(&["trace", "two.toml", "--svg", "null"]).expect(0).stderr;
    assert!(told.contains("1 picture of other assets not written"), "{told}");
}

/// Movements that were to go to stdout went to a file of its name, in place of the device.
#[test]
fn a_stream_is_written_to_and_not_replaced() {
    let room = story();
    // By a link, so that this test never costs anybody the device.
    symlink("/dev/stdout", room.path("out")).expect("linked");
    let both = room.run(&["trace", "first.toml", "--hops", "out"]).expect(0).stdout;
    let check = |shown: &str| {
        let (hops, rest): (Vec<&str>, Vec<&str>) =
            shown.lines().partition(|line| line.starts_with("{\"chain\""));
        assert!(hops.len() > 3 && rest.iter().any(|line| line.starts_with("Digest")), "{shown}");
        assert!(shown.starts_with('{'), "{shown}");
    };
    check(&both);
    let file = fs::File::create(room.path("all.txt")).expect("made");
    let mut command = room.command(&["trace", "first.toml", "--hops", "out"]);
    assert!(command.stdout(file).status().expect("starts").success());
    check(&fs::read_to_string(room.path("all.txt")).expect("there"));
    assert!(room.path("out").is_symlink(), "the link was replaced");
}

#[test]
fn the_picture_says_what_its_hops_are() {
    let room = ronin();
    let svg = fs::read_to_string(room.path("ronin-2022.svg")).expect("written");
    let said = words_of(&svg);
    for wanted in ["stands at both", "takes the lowest hop first", "one number a wallet"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

/// The words of a picture that a person reads, lines joined.
fn words_of(svg: &str) -> String {
    let lines = svg.split('<').filter_map(|tag| tag.strip_prefix("text ")?.split_once('>'));
    let said: Vec<&str> = lines.map(|(_, text)| text).collect();
    said.join(" ").replace('\u{a0}', " ")
}

/// A case of thefts in rows of their own, and the room where it is.
fn room_of(script_text: &str, thefts: &[(&str, usize)]) -> Room {
    let room = Room::new();
    let rows = script(script_text);
    room.write("rows.csv", transfers_csv(&rows));
    let head = "schema = \"dyepack.case/1\"\nid = \"the\"\ntitle = \"The case\"\n";
    let theft = |(to, line): &(&str, usize)| {
        let whole = case(&rows, "the", to, *line);
        let (_, theft) = whole.split_once("[[theft]]").expect("one theft");
        format!("[[theft]]{theft}")
    };
    room.write("the.toml", head.to_string() + &thefts.iter().map(theft).collect::<String>());
    room
}

/// The picture said that less was stolen than the table did, where a theft took units of an earlier one;
/// the page did not say why.
#[test]
fn picture_page_and_table_say_one_sum_that_was_stolen() {
    let story = "
        -> victim 1000000000 TRX
        victim -> thief 100000000 TRX
        thief -> second 40000000 TRX
        second -> hub 10000000 TRX
    ";
    let check = |thefts: &[(&str, usize)], table: &str, again: Option<&str>, lead: &str| {
        let room = room_of(story, thefts);
        room.json(&["import", "rows.csv"], 0);
        let arguments = ["trace", "the.toml", "--svg", "x.svg", "--html", "x.html"];
        let told = room.run(&arguments).expect(0).stdout;
        let page = fs::read_to_string(room.path("x.html")).expect("written");
        let svg = fs::read_to_string(room.path("x.svg")).expect("written").replace('\u{a0}', " ");
        assert!(told.contains(&format!("Stolen on tron: {table} (")), "{table}: {told}");
        assert!(page.contains(&format!("<p>Stolen: {table} (")), "{table}: {page:.900}");
        for text in [&told, &page] {
            assert_eq!(text.contains("stolen already"), again.is_some(), "{text:.900}");
            assert!(again.is_none_or(|again| text.contains(again)), "{again:?}: {text:.900}");
        }
        assert!(words_of(&svg).contains(lead), "{lead}: {}", words_of(&svg));
        assert!(svg.contains(&format!("<desc>{lead}")), "{lead}: {svg:.900}");
    };
    check(&[("thief", 2)], "100 TRX", None, "100.0 TRX was stolen: 100.0 (100.0 %) is unspent");
    check(
        &[("thief", 2), ("second", 3)],
        "140 TRX",
        Some("of which 40 TRX was stolen already when it moved"),
        "140.0 TRX was stolen, 100.0 of it not traced already: 100.0 (100.0 %) is unspent",
    );
}

/// "No gaps known" stood above a result of inputs that were not read whole.
#[test]
fn rows_set_aside_are_said_where_gaps_are() {
    let check = |bad_rows: usize, wanted: &str| {
        let room = room_of("victim -> thief 100 TRX\nthief -> shop 100 TRX", &[("thief", 1)]);
        let mut rows = fs::read_to_string(room.path("rows.csv")).expect("written");
        rows.push_str(&"tron,9,0,0,never,,,,,TRX,1,,,,\n".repeat(bad_rows));
        room.write("rows.csv", rows);
        let label = ["label", "add", "tron", &name("shop"), "Shop"];
        let category = ["--category", "exchange", "--source", "s"];
        room.run(&[&label[..], &category[..]].concat()).expect(0);
        room.json(&["import", "rows.csv"], if bad_rows > 0 { 4 } else { 0 });
        let arguments = ["trace", "the.toml", "--svg", "x.svg", "--html", "x.html"];
        let told = room.run(&arguments).expect(0).stdout;
        let page = fs::read_to_string(room.path("x.html")).expect("written");
        let svg = fs::read_to_string(room.path("x.svg")).expect("written");
        for text in [&told, &page, &words_of(&svg)] {
            assert!(text.contains(&format!("· haircut · {wanted} · ")), "{wanted}: {text:.900}");
        }
    };
    check(0, "no gaps known");
    check(1, "1 row set aside, no other gaps known");
    check(2, "2 rows set aside, no other gaps known");
}

/// "Grey moved on" stood under a picture without grey.
#[test]
fn a_colour_that_is_not_drawn_is_not_explained() {
    let check = |story: &str, wanted: &str| {
        let room = room_of(story, &[("thief", 1)]);
        room.json(&["import", "rows.csv"], 0);
        room.run(&["trace", "the.toml", "--svg", "x.svg"]).expect(0);
        let said = words_of(&fs::read_to_string(room.path("x.svg")).expect("written"));
        let (_, colours) = said.split_once("reached it at. ").expect("a caption");
        assert!(colours.starts_with(wanted), "{wanted}: {colours}");
    };
    let theft = "victim -> thief 100 TRX\n";
    check(theft, "Teal had not moved on, as far as the data goes. Each bar");
    let moved = format!("{theft}thief -> hub 40 TRX");
    check(&moved, "Grey moved on; teal had not, as far as the data goes. Each bar");
    check(&format!("{theft}thief -> 100 TRX"), "Each bar, and the bar at the right");
}

/// The page of a case that only retells reports said that nothing matched, and had a column "but" without
/// a word in it.
#[test]
fn a_case_without_a_theft_is_said_to_be_one() {
    let room = Room::new();
    let shipped = support::shipped("examples/coinspaid-2023/case.toml");
    let page = || {
        let told = room.run(&["trace", &shipped, "--html", "x.html"]).expect(0).stdout;
        let page = fs::read_to_string(room.path("x.html")).expect("written");
        for text in [&told, &page] {
            assert!(text.contains("Stolen: the case names no theft"), "{text:.900}");
            assert!(!text.contains("nothing matched"), "{text:.900}");
        }
        page
    };
    let heads = |page: &str| {
        let (_, table) = page.split_once("reportedly share</caption>").expect("a table");
        let (heads, _) = table.split_once("</thead>").expect("its head");
        heads.matches("<th ").count()
    };
    assert_eq!(heads(&page()), 2);
    let label = ["label", "add", "tron", "TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag", "Desk"];
    room.run(&[&label[..], &["--category", "otc", "--source", "s"]].concat()).expect(0);
    let page = page();
    assert_eq!(heads(&page), 3);
    assert!(page.contains(">caution</th>") && page.contains("no evidence of a link: "), "{page}");
    // A theft that the data does not show is another thing.
    let room = room_of("victim -> thief 1 TRX", &[("thief", 1)]);
    room.json(&["import", "rows.csv"], 0);
    let absent = fs::read_to_string(room.path("the.toml")).expect("written");
    room.write("the.toml", absent.replace(&name("thief"), &name("nobody")));
    room.run(&["trace", "the.toml", "--html", "x.html"]).expect(3);
    let page = fs::read_to_string(room.path("x.html")).expect("written");
    assert!(page.contains("Stolen: nothing matched"), "{page}");
}

/// The demo printed commands of a program that a first user has nowhere on the path.
#[test]
fn the_demo_prints_commands_that_run() {
    let room = Room::new();
    let told = room.run(&["demo", "."]).expect(0).stdout;
    let program = env!("CARGO_BIN_EXE_dyepack");
    for start in [format!("Again: {program} trace "), format!("Verify {program} verify ")] {
        assert!(told.lines().any(|line| line.starts_with(&start)), "{start}: {told}");
    }
    // What is sent to others names the program, not a place on this disk.
    for file in ["ronin-2022.json", "ronin-2022.html"] {
        let sent = fs::read_to_string(room.path(file)).expect("written");
        assert!(sent.contains("dyepack trace ronin-2022") && !sent.contains(program), "{file}");
    }
}

/// One byte that is no UTF-8 cost a list of thousands all its answers.
#[test]
fn a_bad_byte_in_a_list_costs_its_row_only() {
    let room = story();
    room.run(&["case", "add", "first.toml"]).expect(0);
    let (mule, friend) = (name("mule"), name("friend"));
    let list_of = |rows: &[&[u8]]| rows.join(&b"\r\n"[..]);
    let bad = list_of(&[mule.as_bytes(), b"T\xff\xfe", b"", friend.as_bytes()]);
    let run = room.run_with_bytes(&["screen", "-", "--json"], &bad).expect(4);
    let document = run.json();
    let verdicts: Vec<(&str, &str)> = list(&document, "results")
        .iter()
        .map(|result| (text(result, "address"), text(result, "verdict")))
        .collect();
    let expected =
        [(mule.as_str(), "exposed"), ("T\u{fffd}\u{fffd}", "invalid"), (&friend, "no-exposure")];
    assert_eq!(verdicts, expected);
    assert_eq!(list(&document, "results")[1]["reason"], "stdin, row 2: not UTF-8 text (byte 2)");
    assert!(run.stderr.contains("stdin, row 2: not UTF-8"), "{}", run.stderr);
    // Found beats incomplete, and incomplete beats nothing known.
    room.run_with_bytes(&["screen", "-", "--fail-on-exposure"], &bad).expect(10);
    room.run_with_bytes(&["screen", "-"], b"\xff").expect(4);
    let marked = format!("\u{feff}{mule}\r\n");
    room.run_with_bytes(&["screen", "-"], marked.as_bytes()).expect(0);
}

/// A label file was refused, and its formats were nowhere to be found.
#[test]
fn label_formats_are_named() {
    let room = Room::new();
    let nothing = room.write("nothing.dat", "no labels at all");
    let help = room.run(&["label", "import", "--help"]).expect(0).stdout;
    let unnamed = room.run(&["label", "import", &nothing, "--source", "s"]).expect(2).stderr;
    let wrong = ["label", "import", &nothing, "--source", "s", "--format", "pdf"];
    let wrong = room.run(&wrong).expect(2).stderr;
    for (text, what) in [(&help, "TagPack"), (&unnamed, "OFAC SDN"), (&wrong, "csv")] {
        for format in ["csv", "tagpack", "ofac", "etherscan-labels", what] {
            assert!(text.contains(format), "{format} in {text}");
        }
    }
    assert!(unnamed.contains("nothing.dat"), "{unnamed}");
}

/// Whoever reads "the same" believes the whole file; what nobody compares must not be in it.
#[test]
fn verify_takes_no_field_that_it_does_not_know() {
    let room = story();
    let saved = room.run(&["trace", "first.toml", "--json"]).expect(0);
    let result = saved.json();
    let check = |change: &dyn Fn(&mut Value), code: i32, wanted: &str| {
        let mut changed = result.clone();
        change(&mut changed);
        room.write("changed.json", changed.to_string());
        let verdict = room.json(&["verify", "changed.json"], code);
        let differences = list(&verdict, "differences");
        let said: Vec<&str> = differences.iter().filter_map(Value::as_str).collect();
        assert_eq!(said.iter().any(|it| it.contains(wanted)), code == 5, "{wanted}: {said:?}");
        let not = list(&verdict, "not_compared");
        assert!(not.contains(&"replay".into()) && not.contains(&"program".into()), "{not:?}");
    };
    check(&|_| {}, 0, "`");
    check(&|it| it["verdict"] = "guilty".into(), 5, "`verdict`");
    check(&|it| it["holdings"][0]["owner"] = "John Doe".into(), 5, "`holdings[0].owner`");
    check(&|it| it["snapshot"]["note"] = 1.into(), 5, "`snapshot.note`");
    // A field without a value says nothing.
    check(&|it| it["paths"] = Value::Null, 0, "`paths`");
}

/// The error said what, and not where.
#[test]
fn verify_names_the_file_that_it_cannot_read() {
    let room = story();
    let saved = room.run(&["trace", "first.toml", "--json"]).expect(0).stdout;
    for (content, wanted) in [
        ("{\"schema\":".to_string(), "no readable result"),
        (saved.replace("trace/1", "trace/9"), "dyepack.trace/9"),
        (saved.replace("[[theft]]", "[[heft]]"), "case cannot be read"),
        (saved.replace("\"rule\": \"haircut\"", "\"rule\": \"newest\""), "newest"),
        (saved.replace("\"until\": null", "\"until\": \"someday\""), "until"),
    ] {
        room.write("broken.json", content);
        let told = room.run(&["verify", "broken.json"]).expect(5).stderr;
        assert!(told.contains("broken.json: ") && told.contains(wanted), "{wanted}: {told}");
    }
}

/// Overlaps were printed in base units, whatever was known of the asset.
#[test]
fn overlaps_are_in_whole_units_where_decimals_are_known() {
    for (asset, wanted) in [
        ("TRX", " 0.000003 TRX".to_string()),
        ("POINTS", format!("base units of {}", name("POINTS"))),
    ] {
        let room = story_in(asset);
        let told = room.run(&["trace", "first.toml", "--with", "second.toml"]).expect(0).stdout;
        let lines = told.lines().filter(|line| line.starts_with("Claimed twice, by first and"));
        let lines: Vec<&str> = lines.collect();
        assert!(lines.len() == 1 && lines[0].contains(&wanted), "{wanted}: {told}");
    }
}
