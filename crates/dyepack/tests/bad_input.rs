//! Damaged and hostile files through the real program: what is good in them goes in, what is bad is
//! named with file, row and reason, the exit code says that something is missing, memory stays
//! bounded, and nothing panics.

mod support;

use std::fs;
use std::io::Write;

use serde_json::Value;
use support::{Room, list, text};

const A: &str = "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem";
const B: &str = "TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag";
const HEADER: &str = "chain,height,tx_index,index,time,from,to,asset,amount\n";

/// A good row of a height of its own.
fn good(height: u32) -> String {
    format!("tron,{height},0,0,2023-07-22T00:00:00Z,{A},{B},TRX,{height}\n")
}

/// A row with other sides, asset or amount.
fn odd(from: &str, to: &str, asset: &str, amount: &str) -> Vec<u8> {
    format!("tron,5,0,0,2023-07-22T00:00:00Z,{from},{to},{asset},{amount}\n").into_bytes()
}

/// Good rows on lines 2 and last, the bad ones between.
fn around(bad: &[u8]) -> Vec<u8> {
    [HEADER.as_bytes(), good(1).as_bytes(), bad, good(9).as_bytes()].concat()
}

/// A file, what it must come to: exit code, transfers that went in, rows and reasons set aside.
struct Case {
    name: &'static str,
    content: Vec<u8>,
    code: i32,
    transfers: u64,
    set_aside: Vec<(u64, &'static str)>,
}

/// A bad line 3 between two good ones.
fn bad_row(name: &'static str, row: Vec<u8>, reason: &'static str) -> Case {
    let content = around(&row);
    Case { name, content, code: 4, transfers: 2, set_aside: vec![(3, reason)] }
}

fn bad_rows() -> Vec<Case> {
    let wrong = "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJen";
    let checksum = "from: the checksum is wrong";
    let whole = "amount: the amount is not a whole number";
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let mut latin = odd(A, B, "TRX", "1");
    latin[30] = 0xe9;
    let nines = "999999999999999999999999999999999999999999";
    vec![
        bad_row("checksum.csv", odd(wrong, B, "TRX", "1"), checksum),
        bad_row("negative.csv", odd(A, B, "TRX", "-1"), "amount: the amount is negative"),
        bad_row("overflow.csv", odd(A, B, "TRX", nines), "amount: the amount does not fit"),
        bad_row("scientific.csv", odd(A, B, "TRX", "1e6"), whole),
        bad_row("nan.csv", odd(A, B, "TRX", "NaN"), whole),
        bad_row("infinity.csv", odd(A, B, "TRX", "inf"), whole),
        bad_row("hexadecimal.csv", odd(A, B, "TRX", "0x10"), whole),
        bad_row("thousands.csv", odd(A, B, "TRX", "\"1,000\""), whole),
        bad_row("formula.csv", odd("=cmd|' /C calc'!A0", B, "TRX", "1"), "from: not an address"),
        bad_row("symbol.csv", odd(A, B, "USDT", "1"), "asset: "),
        bad_row("nobody.csv", odd("", "", "TRX", "1"), "neither a sender nor a receiver"),
        bad_row("utf-8.csv", latin, "not UTF-8 text"),
        bad_row("short.csv", b"tron,1\n".to_vec(), "the header has 9 fields, the row 2"),
        bad_row("quote.csv", b"tron,\"5\n".to_vec(), "a quotation mark is opened"),
        bad_row(
            "deep.csv",
            [deep.as_bytes(), b"\n"].concat(),
            "the header has 9 fields, the row 1",
        ),
        bad_row(
            "chain.csv",
            good(5).replace("tron", "dogecoin").into_bytes(),
            "chain: unknown chain",
        ),
        bad_row(
            "time.csv",
            good(5).replace("2023-07-22T00:00:00Z", "yesterday").into(),
            "time: not a time",
        ),
        bad_row(
            "height.csv",
            good(5).replace("tron,5,", "tron,-5,").into(),
            "height: not a block height",
        ),
    ]
}

fn whole_files() -> Vec<Case> {
    let case = |name, content: Vec<u8>, code, transfers, set_aside| Case {
        name,
        content,
        code,
        transfers,
        set_aside,
    };
    let two = around(b"");
    let cut = two[..two.len() - 8].to_vec();
    let mixed = format!("\u{feff}{}", String::from_utf8(two.clone()).expect("text"));
    let mixed = mixed.replacen('\n', "\r\n", 1).replacen("TRX,1\n", "TRX,1\r", 1);
    let object = |amount: &str| {
        format!(
            "{{\"chain\":\"tron\",\"time\":1,\"from\":\"{A}\",\"to\":\"{B}\",\"asset\":\"TRX\",\
             \"amount\":{amount}}}\n"
        )
    };
    let deep = format!("{{\"a\":{}1{}}}\n", "[".repeat(50_000), "]".repeat(50_000));
    let lines = object("1") + &deep + &object("1e3") + &object("\"7\"") + &object("2")[..40];
    let json = vec![(2, ""), (3, "amount: "), (5, "")];
    let junk: Vec<u8> = (0..5000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    vec![
        case("line-ends.csv", mixed.into_bytes(), 0, 2, vec![]),
        case("cut.csv", cut, 4, 1, vec![(3, "")]),
        case("lines.jsonl", lines.into_bytes(), 4, 2, json),
        case("header-only.csv", HEADER.into(), 0, 0, vec![]),
        case("junk.bin", junk, 3, 0, vec![]),
        case("empty.csv", Vec::new(), 3, 0, vec![]),
        case("cut.parquet", b"PAR1\x15\x04\x15".to_vec(), 1, 0, vec![]),
    ]
}

fn rows_of(log: &str) -> Vec<Value> {
    log.lines()
        .filter(|line| !line.contains("sha256_of_lines"))
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect()
}

/// A set-aside row must name the file, the row and the reason.
fn assert_named(found: &[Value], case: &Case, place: &str) {
    assert_eq!(found.len(), case.set_aside.len(), "{place}: {}: {found:?}", case.name);
    for (row, (number, reason)) in found.iter().zip(&case.set_aside) {
        assert_eq!(text(row, "file"), case.name, "{place}: {row}");
        assert_eq!(row["row"], *number, "{place}: {}: {row}", case.name);
        let why = text(row, "reason");
        assert!(!why.is_empty() && why.starts_with(reason), "{place}: {}: {why}", case.name);
    }
}

fn check(case: &Case) {
    let room = Room::new();
    let file = room.write(case.name, &case.content);
    let run = room.run(&["import", &file, "--json"]).expect_named(case.code, case.name);
    if case.code == 1 || case.code == 3 {
        assert!(
            run.stderr.contains(case.name) || run.stderr.contains("recognised"),
            "{}",
            run.stderr
        );
        return;
    }
    let document = run.json();
    let done = &list(&document, "files")[0];
    assert_eq!(done["new"], case.transfers, "{}: {done}", case.name);
    assert_eq!(done["set_aside"], case.set_aside.len(), "{}: {done}", case.name);
    assert_named(list(done, "set_aside_rows"), case, "--json");
    let log = fs::read_to_string(room.path("archive/set-aside.jsonl")).unwrap_or_default();
    assert_named(&rows_of(&log), case, "set-aside.jsonl");
    // Once more: the same rows are bad, and named once.
    room.run(&["import", &file]).expect_named(case.code, case.name);
    let log = fs::read_to_string(room.path("archive/set-aside.jsonl")).unwrap_or_default();
    assert_named(&rows_of(&log), case, "set-aside.jsonl, second import");
}

trait ExpectNamed {
    fn expect_named(self, code: i32, name: &str) -> Self;
}

impl ExpectNamed for support::Run {
    fn expect_named(self, code: i32, name: &str) -> Self {
        assert_eq!(self.code, code, "{name}: {}\n{:.500}", self.stderr, self.stdout);
        self
    }
}

#[test]
fn good_rows_go_in_and_bad_rows_are_named() {
    bad_rows().iter().chain(&whole_files()).for_each(check);
}

#[test]
fn a_folder_of_mixed_files() {
    let room = Room::new();
    room.write("in/good.csv", [HEADER, &good(1)].concat());
    room.write("in/below/bad.csv", around(&odd(A, B, "TRX", "-3")));
    room.write("in/notes.txt", "Call the exchange.\n");
    room.write("in/empty.csv", "");
    room.write("in/.hidden.csv", around(b""));
    let run = room.run(&["import", &room.at("in"), "--json"]).expect(4);
    let document = run.json();
    let files: Vec<&str> = list(&document, "files").iter().map(|f| text(f, "file")).collect();
    assert_eq!(files, ["bad.csv", "good.csv"]);
    let new: Vec<u64> = list(&document, "files").iter().filter_map(|f| f["new"].as_u64()).collect();
    // Height 1 stands in both, with the same content.
    assert_eq!(new, [2, 0]);
    let left_out: Vec<&str> = list(&document, "left_out").iter().map(|f| text(f, "file")).collect();
    assert_eq!(left_out.len(), 2, "{left_out:?}");
    assert!(left_out.iter().all(|file| file.ends_with("notes.txt") || file.ends_with("empty.csv")));
    assert!(run.stderr.contains("notes.txt"), "{}", run.stderr);
}

/// A file that ends inside its last amount looks whole; only the missing line end tells.
#[test]
fn a_cut_amount_is_a_gap() {
    let room = Room::new();
    let mut rows = around(&good(1234).into_bytes());
    rows.truncate(rows.len() - good(9).len() - 2);
    let file = room.write("cut.csv", rows);
    room.json(&["import", &file], 0);
    let state = room.json(&["doctor"], 0);
    let kinds: Vec<&str> = list(&state, "gaps").iter().map(|gap| text(gap, "kind")).collect();
    assert!(kinds.contains(&"no-final-line-end"), "{kinds:?}");
}

/// Two rows at one position that contradict each other: the first stays, also over imports.
#[test]
fn a_contradiction_is_set_aside() {
    let room = Room::new();
    let file =
        room.write("one.csv", [HEADER, &good(1), &good(1).replace("TRX,1", "TRX,2")].concat());
    let done = room.json(&["import", &file], 4);
    assert_eq!((&done["files"][0]["new"], &done["files"][0]["set_aside"]), (&1.into(), &1.into()));
    let later = room.write("later.csv", [HEADER, &good(1).replace("TRX,1", "TRX,3")].concat());
    let aside = &list(&done["files"][0], "set_aside_rows")[0];
    assert_eq!((text(aside, "file"), &aside["row"]), ("one.csv", &3.into()));
    let reason = text(aside, "reason");
    assert!(reason.starts_with("contradicts row 2 of the same file,"), "{reason}");
    assert!(reason.contains("(height 1, transaction 0, index 0)"), "{reason}");
    let done = room.json(&["import", &later], 4);
    assert_eq!((&done["files"][0]["new"], &done["files"][0]["set_aside"]), (&0.into(), &1.into()));
    let aside = &list(&done["files"][0], "set_aside_rows")[0];
    assert_eq!((text(aside, "file"), &aside["row"]), ("later.csv", &2.into()));
    let reason = text(aside, "reason");
    assert!(reason.starts_with("contradicts transfer 1 of one.csv, imported before,"), "{reason}");
    let told = room.run(&["import", &later]).expect(4).stdout;
    assert!(told.contains("later.csv row 2: contradicts transfer 1 of one.csv"), "{told}");
    // The same file again: its second row still contradicts its first.
    let done = room.json(&["import", &file], 4);
    let aside = &list(&done["files"][0], "set_aside_rows")[0];
    assert!(text(aside, "reason").contains(" of the same file,"), "{aside}");
}

const ETH_A: &str = "0x098b716b8aaf21512996dc57eb0615e2383e2f96";
const ETH_B: &str = "0x35fb6f6db4fb05e6a4ce86f2c93691425626d4b1";

/// A transaction gives a value and a fee, and is one row all the same.
#[test]
fn a_row_of_two_transfers_is_set_aside_once() {
    let room = Room::new();
    let table = |value: u8, price: u8| {
        format!(
            "hash,block_number,transaction_index,from_address,to_address,value,gas_price,\
             block_timestamp,receipt_status,receipt_gas_used\n\
             0x{},7,0,{ETH_A},{ETH_B},{value},{price},1600000000,1,1\n",
            "ab".repeat(32)
        )
    };
    let (first, second) = (room.write("a.csv", table(5, 1)), room.write("b.csv", table(6, 2)));
    let done = room.json(&["import", &first], 0);
    assert_eq!((&done["files"][0]["rows"], &done["files"][0]["new"]), (&1.into(), &2.into()));
    let done = &room.json(&["import", &second], 4)["files"][0];
    assert_eq!((&done["rows"], &done["set_aside"]), (&1.into(), &1.into()), "{done}");
    let aside = list(done, "set_aside_rows");
    assert_eq!(aside.len(), 1, "{done}");
    let reason = text(&aside[0], "reason");
    assert!(
        reason.contains("transfer 1 of a.csv") && reason.contains("transfer 2 of a.csv"),
        "{reason}"
    );
    assert_eq!(room.json(&["doctor"], 0)["set_aside"], 1);
    let told = room.run(&["import", &second]).expect(4).stdout;
    assert!(told.contains("1 rows, 1 of them set aside · 0 new transfers"), "{told}");
}

/// The fee of an equal row is no second equal row.
#[test]
fn equal_rows_are_counted_as_rows() {
    let room = Room::new();
    let row = format!(
        r#"{{"blockNumber":"1","timeStamp":"1600000000","hash":"0x{}","nonce":"1","from":"{ETH_A}","to":"{ETH_B}","value":"1","gasUsed":"1","gasPrice":"1"}}"#,
        "ab".repeat(32)
    );
    let reply = format!(r#"{{"status":"1","message":"OK","result":[{row},{row},17]}}"#);
    let done = &room.json(&["import", &room.write("txlist.json", reply)], 4)["files"][0];
    assert_eq!((&done["rows"], &done["set_aside"]), (&3.into(), &1.into()), "{done}");
    assert_eq!((&done["transfers"], &done["new"]), (&4.into(), &4.into()), "{done}");
    let state = room.json(&["doctor"], 0);
    let mut gaps = list(&state, "gaps").iter().filter(|gap| gap["kind"] == "identical-rows");
    let detail = gaps.next().map(|gap| text(gap, "detail")).unwrap_or_default();
    assert!(detail.starts_with("txlist.json: 1 rows equal another"), "{detail}");
}

#[test]
fn a_file_without_rows_is_remarked_upon() {
    let room = Room::new();
    let header = room.write("header.csv", HEADER);
    let run = room.run(&["import", &header]).expect(0);
    assert!(run.stderr.contains("header.csv: it holds no rows"), "{}", run.stderr);
    let run = room.run(&["import", &room.write("rows.csv", around(b""))]).expect(0);
    assert!(!run.stderr.contains("no rows"), "{}", run.stderr);
}

/// Files of known kinds that are not read are no riddle: what they are, and what to do.
#[test]
fn what_is_not_read_is_named_with_a_way_out() {
    let room = Room::new();
    let pack = "title: Exchanges\ncreator: me\ntags:\n  - address: x\n    label: y\n";
    let etl = "{\"hash\":\"\",\"virtual_size\":1,\"is_coinbase\":false}\n";
    let cases: [(&str, &[u8], &str); 8] = [
        ("export.csv.gz", b"\x1f\x8b\x08\x00", "gzip -d"),
        ("export.csv.zst", b"\x28\xb5\x2f\xfd", "zstd -d"),
        ("export.xlsx", b"PK\x03\x04\x14\x00\x00xl/workbook.xml", "as CSV"),
        ("blk00000.dat", b"\xf9\xbe\xb4\xd9", "raw blocks"),
        ("transactions.json", etl.as_bytes(), "bitcoin-etl"),
        ("pack.yaml", pack.as_bytes(), "dyepack label import"),
        ("sanctioned_addresses_ETH.txt", b"0x00\n", "dyepack label import"),
        ("nothing.csv", b"", "it is empty"),
    ];
    for (name, bytes, remedy) in cases {
        let run = room.run(&["import", &room.write(&format!("one/{name}"), bytes)]).expect(3);
        let told = &run.stderr;
        assert!(told.contains(name) && told.contains(remedy), "{name}: {told}");
        assert!(!told.contains("--format"), "{name} needs no name of a format: {told}");
        room.write(&format!("in/{name}"), bytes);
    }
    room.write("in/good.csv", around(b""));
    room.write("in/notes.txt", "Call the exchange.");
    let done = room.json(&["import", &room.at("in")], 4);
    let left_out = list(&done, "left_out");
    assert_eq!(left_out.len(), cases.len() + 1, "{left_out:?}");
    for (name, _, remedy) in cases {
        let found = left_out.iter().find(|file| text(file, "file").ends_with(name));
        let reason = found.map(|file| text(file, "reason")).unwrap_or_default();
        assert!(reason.contains(remedy), "{name}: {reason}");
    }
    let run = room.run(&["import", &room.at("in/notes.txt")]).expect(3);
    assert!(
        run.stderr.contains("not recognised") && run.stderr.contains("--map"),
        "{}",
        run.stderr
    );
}

/// What a kill leaves of a claim is dropped by design: worth a note, no damage.
#[test]
fn a_torn_claim_is_a_note_and_no_damage() {
    let room = Room::new();
    room.json(&["import", &room.write("rows.csv", around(b""))], 0);
    let labels = "chain,address,name,category,confidence,source,date\n";
    let labels = format!("{labels}tron,{A},a,exchange,90,s,\ntron,{B},b,exchange,90,s,\n");
    room.json(&["label", "import", &room.write("labels.csv", labels), "--source", "s"], 0);
    let sound = room.json(&["doctor"], 0);
    assert!(list(&sound, "notes").is_empty());
    let journal = room.path("archive/claims.journal");
    let whole = fs::read(&journal).expect("readable");
    fs::write(&journal, &whole[..whole.len() - 9]).expect("written");
    let state = room.json(&["doctor"], 0);
    assert!(list(&state, "problems").is_empty(), "{state}");
    let note = &list(&state, "notes")[0];
    assert!(text(note, "file").ends_with("claims.journal"), "{note}");
    assert!(text(note, "what").contains("every record before is sound"), "{note}");
    assert!(state["labels"].as_u64() < sound["labels"].as_u64(), "{state}");
    let told = room.run(&["doctor"]).expect(0).stdout;
    assert!(told.contains("note: ") && told.contains("no damage found"), "{told}");
    assert!(!told.contains("backup"), "{told}");
    // A bad record with good ones behind it is damage, as before.
    let mut flipped = whole.clone();
    flipped[30] ^= 1;
    fs::write(&journal, flipped).expect("written");
    let state = room.json(&["doctor"], 5);
    assert!(text(&list(&state, "problems")[0], "file").ends_with("claims.journal"), "{state}");
}

/// The index alone answers a trace; the data that it was made of must be there all the same.
#[test]
fn a_cut_part_is_noticed_beside_a_sound_index() {
    let room = Room::new();
    room.json(&["import", &room.write("rows.csv", around(b"")), "--no-index"], 0);
    let theft = format!("[[theft]]\nchain = \"tron\"\nto = \"{B}\"\nasset = \"TRX\"\n");
    let head = "schema = \"dyepack.case/1\"\nid = \"c\"\ntitle = \"t\"\n";
    room.write("case.toml", format!("{head}{theft}"));
    // No index yet, and nowhere to write one.
    fs::create_dir(room.path("archive/index.lock")).expect("made");
    let run = room.run(&["trace", "case.toml"]).expect(1);
    for part in ["write permission", "dyepack doctor --rebuild-index", &room.at("archive")] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    fs::remove_dir(room.path("archive/index.lock")).expect("removed");
    room.run(&["trace", "case.toml"]).expect(0);
    let folder = fs::read_dir(room.path("archive/chain=tron")).expect("listed");
    let part = folder.map(|entry| entry.expect("an entry").path()).next().expect("a part");
    let whole = fs::read(&part).expect("readable");
    fs::write(&part, &whole[..whole.len() - 1]).expect("written");
    let run = room.run(&["trace", "case.toml"]).expect(5);
    let name = part.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(run.stderr.contains(&name) && run.stderr.contains("dyepack doctor"), "{}", run.stderr);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    fs::write(&part, whole).expect("written");
    room.run(&["trace", "case.toml"]).expect(0);
}

/// Peak memory of a child that has ended, in KiB, as the shell's `time` would tell it.
#[cfg(target_os = "linux")]
fn peak_of(room: &Room, arguments: &[&str]) -> (i32, u64) {
    let mut child =
        room.command(arguments).stdout(std::process::Stdio::null()).spawn().expect("starts");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // VmHWM is the highest so far; the last reading before the end is near enough.
        let status = fs::read_to_string(&status_file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait().expect("waits") {
            return (status.code().expect("no signal"), peak);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_field_of_100_megabytes_costs_no_memory() {
    let object = |height: u32| {
        format!(
            "{{\"chain\":\"tron\",\"height\":{height},\"tx_index\":0,\"index\":0,\"time\":1,\
             \"from\":\"{A}\",\"to\":\"{B}\",\"asset\":\"TRX\",\"amount\":1}}\n"
        )
    };
    let csv = |quote: &str| [HEADER, &good(1), "tron,", quote].concat();
    let lines = [object(1), object(9)].concat();
    // What stands before the long field and behind it, and the row in which it is.
    let cases = [
        ("long.csv", csv(""), format!("\n{}", good(9)), 3),
        ("long-quoted.csv", csv("\""), format!("\n{}", good(9)), 3),
        ("long-first.csv", [HEADER, "tron,"].concat(), format!("\n{}{}", good(1), good(9)), 2),
        ("long-first.jsonl", "{\"note\":\"".to_string(), format!("\"}}\n{lines}"), 1),
    ];
    for (name, before, behind, row) in cases {
        let room = Room::new();
        let path = room.write(name, before);
        let mut file = fs::OpenOptions::new().append(true).open(&path).expect("opens");
        let megabyte = vec![b'x'; 1 << 20];
        (0..100).for_each(|_| file.write_all(&megabyte).expect("room on the disk"));
        file.write_all(behind.as_bytes()).expect("room on the disk");
        drop(file);
        let (code, peak) = peak_of(&room, &["import", &path]);
        assert_eq!(code, 4, "{name}");
        assert!((1..500 << 10).contains(&peak), "{name}: {peak} KiB");
        let log = fs::read_to_string(room.path("archive/set-aside.jsonl")).expect("a log");
        let rows = rows_of(&log);
        assert_eq!(rows.len(), 1, "{name}: {rows:?}");
        assert_eq!(rows[0]["row"], row, "{name}: {rows:?}");
        assert!(log.len() < 1000, "the reason does not repeat the field");
        let state = room.json(&["doctor"], 0);
        assert_eq!(state["chains"][0]["transfers"], 2, "{name}");
    }
}

/// Names that a spreadsheet would run, a terminal would obey or a page would show turned round.
#[test]
fn hostile_labels_stay_text() {
    let room = Room::new();
    let path = room.write("rows.csv", around(b""));
    room.json(&["import", &path], 0);
    let names = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-1", "<script>alert(1)</script>"];
    let mut csv = "chain,address,name,category,confidence,source,date\n".to_string();
    for name in names {
        csv.push_str(&format!("tron,{B},\"{name}\",exchange,90,s,\n"));
    }
    csv.push_str(&format!("tron,{A},\u{202e}evil\u{1b}[31m,exchange,90,s,\n"));
    csv.push_str(&format!("tron,{A},x,no-such-category,90,s,\ntron,{A},x,exchange,101,s,\n"));
    let labels = room.write("labels.csv", csv);
    let done = room.json(&["label", "import", &labels, "--source", "s"], 4);
    let aside = list(&done["files"][0], "set_aside");
    assert!(
        aside.len() >= 2 && aside.iter().all(|row| !text(row, "reason").is_empty()),
        "{aside:?}"
    );
    let shown = room.json(&["label", "explain", B], 0);
    let mut kept: Vec<&str> = list(&shown, "labels").iter().map(|l| text(l, "name")).collect();
    let mut all = names.to_vec();
    kept.sort_unstable();
    all.sort_unstable();
    assert_eq!(kept, all);
    let told = room.run(&["label", "list"]).expect(0).stdout;
    assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told:?}");
    room.write(
        "case.toml",
        format!(
            "schema = \"dyepack.case/1\"\nid = \"c\"\ntitle = \"<img src=x onerror=1>\"\n\n\
             [[theft]]\nchain = \"tron\"\nto = \"{B}\"\nasset = \"TRX\"\n"
        ),
    );
    room.run(&["trace", "case.toml", "--svg", "c.svg"]).expect(0);
    let svg = fs::read_to_string(room.path("c.svg")).expect("drawn");
    assert!(!svg.contains("<script") && !svg.contains("<img"), "markup from a label");
}

/// Names of files and words of the user's never steer the terminal, in whatever they come back.
#[cfg(target_os = "linux")]
#[test]
fn hostile_file_names_stay_text() {
    use std::os::unix::ffi::OsStrExt;
    let room = Room::new();
    room.write("in/good.csv", around(b""));
    for name in [&b"a\x1b[2Jb\n.csv"[..], b"\xff\xe2\x80\xae.csv", b"c\x1b[2J.txt"] {
        let path = room.path("in").join(std::ffi::OsStr::from_bytes(name));
        let rows = format!("{HEADER}{}", good(2)).replace("amount\n", "amount,ev\u{1b}[2Jil\n");
        fs::write(path, rows.replace("TRX,2", "TRX,2,-")).expect("written");
    }
    room.write("in/notes.txt", "Call.");
    fs::rename(room.path("in/notes.txt"), room.path("in/n\u{1b}[2J.txt")).expect("renamed");
    let theft = format!("[[theft]]\nchain = \"tron\"\nto = \"{B}\"\nasset = \"TRX\"\n");
    let head = "schema = \"dyepack.case/1\"\nid = \"c\"\ntitle = \"t\"\n";
    room.write("case.toml", format!("{head}{theft}"));
    let input = room.at("in");
    for arguments in [
        &["import", &input][..],
        &["doctor"],
        &["trace", "case.toml"],
        &["trace", "no\u{1b}[2J"],
        &["screen", "no\u{1b}[2J"],
        &["verify", "no\u{1b}[2J"],
        &["import", "no\u{1b}[2J"],
        &["label", "explain", "no\u{1b}[2J"],
        &["case", "show", "no\u{1b}[2J"],
    ] {
        let run = room.run(&[arguments, &["--color", "always"]].concat());
        let both = run.stdout + &run.stderr;
        assert!(!both.contains("\u{1b}[2J"), "{arguments:?}: {both:?}");
        assert!(!both.contains('\u{202e}'), "{arguments:?}: {both:?}");
    }
}

/// Case files, column maps and results that are none.
#[test]
fn documents_that_are_none() {
    let room = Room::new();
    let rows = room.write("rows.csv", around(b""));
    room.json(&["import", &rows], 0);
    let theft = "[[theft]]\nchain = \"tron\"\nto = \"x\"\nasset = \"TRX\"\n";
    let head = "schema = \"dyepack.case/1\"\nid = \"c\"\ntitle = \"t\"\n";
    let deep = format!("a = {}", "[".repeat(100_000));
    for text in ["", "\u{0}\u{1}", "schema = 1", head, &format!("{head}{theft}"), &deep] {
        room.write("case.toml", text);
        let run = room.run(&["trace", "case.toml"]);
        assert!(matches!(run.code, 1 | 2), "{text:.60}: {} {}", run.code, run.stderr);
        assert!(run.stdout.is_empty() && run.stderr.contains("case.toml"), "{}", run.stderr);
    }
    for text in ["", "{", "[]", "{\"schema\":\"dyepack.trace/1\"}", &"[".repeat(100_000)] {
        room.write("result.json", text);
        let run = room.run(&["verify", "result.json"]).expect(5);
        assert!(run.stderr.contains("result.json"), "{}", run.stderr);
    }
    for text in ["", "chain = 1", "unknown = \"x\"", &deep] {
        room.write("map.toml", text);
        let run = room.run(&["import", &rows, "--map", "map.toml"]).expect(2);
        assert!(run.stderr.contains("map.toml"), "{}", run.stderr);
    }
    room.run(&["import", "no-such-file.csv"]).expect(1);
}
