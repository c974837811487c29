//! What is asked in the wrong words, or of nothing: the answer says what was wrong and where to look.

mod support;

use support::{Room, list, text};

const A: &str = "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem";
const B: &str = "TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag";
const MISTYPED: &str = "TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ah";

/// One payment from A to B, imported, and a case of it that is not registered.
fn room() -> Room {
    let room = Room::new();
    let rows = format!(
        "chain,height,tx_index,index,time,from,to,asset,amount\n\
         tron,1,0,0,2023-07-22T00:00:00Z,{A},{B},TRX,5000000\n"
    );
    room.json(&["import", &room.write("rows.csv", rows)], 0);
    room.write("case.toml", case("tron", B));
    room
}

fn case(chain: &str, to: &str) -> String {
    format!(
        "schema = \"dyepack.case/1\"\nid = \"c\"\ntitle = \"t\"\n\n[[theft]]\n\
         chain = \"{chain}\"\nto = \"{to}\"\nasset = \"TRX\"\n"
    )
}

/// Two of three commands said "no address", and only one that a letter was wrong.
#[test]
fn a_mistyped_address_is_told_why_it_is_none() {
    let room = room();
    let mixed = "0x098B716B8Aaf21512996dC57EB0615e2383E2f97";
    for (address, why) in [
        (MISTYPED, "tron: the checksum is wrong (Base58Check)"),
        (mixed, "ethereum: the checksum is wrong (EIP-55)"),
        ("somebody", "bitcoin: "),
    ] {
        for arguments in
            [&["trace", "case.toml", "--paths-to", address][..], &["label", "explain", address]]
        {
            let told = room.run(arguments).expect(2).stderr;
            assert!(told.contains(address) && told.contains(why), "{arguments:?}: {told}");
        }
    }
}

#[test]
fn an_unknown_chain_is_told_the_known_ones() {
    let room = room();
    room.write("unknown.toml", case("etherium", B));
    for (arguments, code) in [
        (&["screen", A, "--chain", "etherium"][..], 2),
        (&["import", "rows.csv", "--chain", "etherium"], 2),
        (&["trace", "unknown.toml"], 1),
        (&["case", "add", "unknown.toml"], 1),
    ] {
        let told = room.run(arguments).expect(code).stderr;
        assert!(told.contains("unknown chain \"etherium\" (arbitrum, "), "{arguments:?}: {told}");
        assert_eq!(told.matches("moonbeam").count(), 1, "{arguments:?}: {told}");
    }
}

/// "No exposure", exit code 0, from an archive in which nobody had registered a case: an open gate.
#[test]
fn a_gate_without_cases_stays_shut() {
    let room = room();
    let screened = room.json(&["screen", B], 0);
    assert_eq!(screened["cases"], 0, "{screened}");
    assert_eq!(text(&list(&screened, "results")[0], "verdict"), "no-exposure");
    let run = room.run(&["screen", B]).expect(0);
    assert!(run.stdout.contains(", of 0 cases\n"), "{}", run.stdout);
    assert!(run.stderr.contains("warning: no case is registered"), "{}", run.stderr);
    for addresses in [&[B][..], &[MISTYPED], &[B, MISTYPED]] {
        let arguments = [&["screen", "--fail-on-exposure", "-q"][..], addresses].concat();
        let run = room.run(&arguments).expect(3);
        assert!(run.stderr.contains("no case is registered"), "{addresses:?}: {}", run.stderr);
        assert!(run.stderr.contains("dyepack case add"), "{addresses:?}: {}", run.stderr);
        assert_eq!(
            run.stdout.lines().filter(|line| line.starts_with('T')).count(),
            addresses.len()
        );
    }
    // What labels alone say is said all the same.
    let label = ["label", "add", "tron", A, "x", "--category", "mixer", "--source", "me"];
    room.run(&label).expect(0);
    room.run(&["screen", A, B, "--fail-on-exposure"]).expect(10);
    room.run(&["case", "add", "case.toml"]).expect(0);
    assert_eq!(room.json(&["screen", A], 0)["cases"], 1);
    room.run(&["screen", B, "--fail-on-exposure"]).expect(10);
}

#[test]
fn nothing_on_stdin_is_said_to_be_nothing() {
    let room = room();
    for input in ["", "\n \n"] {
        let run = room.run_with_input(&["screen", "-", "-q"], input).expect(3);
        assert!(run.stderr.contains("no address given"), "{:?}: {}", input, run.stderr);
        let document = room.run_with_input(&["screen", "-", "--json"], input).expect(3).json();
        assert!(list(&document, "results").is_empty());
    }
}

/// A file that is not there was "neither a case file nor a registered case".
#[test]
fn a_missing_case_file_is_called_missing() {
    let room = room();
    room.write("folder/notes.txt", "Call.");
    for (name, why) in [
        ("missing.toml", "there is no file \"missing.toml\""),
        ("T1.TOML", "there is no file \"T1.TOML\""),
        ("cases/first", "there is no file \"cases/first\""),
        ("folder", "\"folder\" is a folder"),
        ("no-such-case", "neither a case file nor a registered case"),
    ] {
        for arguments in [&["trace", name][..], &["trace", "case.toml", "--with", name]] {
            let told = room.run(arguments).expect(3).stderr;
            assert!(told.contains(why), "{arguments:?}: {told}");
        }
    }
}

/// A variable that is set to nothing named an archive of no name.
#[test]
fn an_empty_variable_is_not_set() {
    let room = room();
    let output = room.command(&["doctor"]).env("DYEPACK_ARCHIVE", "").output().expect("starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains(&room.at(".local/share/dyepack")), "{told}");
    // The option goes before the variable, and the variable before the data folder.
    let other = room.at("other");
    let told = room.run(&["doctor", "--archive", &other]).expect(3).stderr;
    assert!(told.contains(&other), "{told}");
    room.run(&["doctor"]).expect(0);
}

/// The demo wrote to its own folder whatever `--archive` said, and counted a repeated label twice.
#[test]
fn the_demo_refuses_an_archive_and_counts_as_the_doctor_does() {
    let room = Room::new();
    let told = room.run(&["demo", "shown", "--archive", "mine"]).expect(2).stderr;
    assert!(told.contains("--archive") && !room.path("shown").exists(), "{told}");
    let told = room.run(&["demo", "shown"]).expect(0).stderr;
    let state = room.json(&["doctor", "--archive", "shown/archive"], 0);
    assert!(told.contains(&format!("imported {} labels", state["labels"])), "{told}: {state}");
    assert!(!room.path("archive").exists(), "the variable names no archive for the demo");
}

/// "9 rows set aside", five of them shown, and no word of the others.
#[test]
fn label_rows_that_are_not_shown_are_counted() {
    let room = room();
    let bad = |count: usize| format!("tron,{MISTYPED},x,other\n").repeat(count);
    let head = "chain,address,name,category\n";
    for (count, more) in [(5, None), (6, Some("… and 1 more (--json")), (9, Some("… and 4 more"))]
    {
        let file = room.write("labels.csv", head.to_string() + &bad(count));
        let told = room.run(&["label", "import", &file, "--source", "s"]).expect(4).stdout;
        assert_eq!(told.matches(MISTYPED).count(), 5, "{told}");
        match more {
            Some(words) => assert!(told.contains(words), "{told}"),
            None => assert!(!told.contains("more"), "{told}"),
        }
        let done = room.json(&["label", "import", &file, "--source", "s"], 4);
        assert_eq!(list(&list(&done, "files")[0], "set_aside").len(), count);
    }
}
