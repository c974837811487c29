//! Files that are registered where they lie (`import --in-place`): the same answers as after a copy, changes
//! found, and refusals that say why.

mod support;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use archive::{Account, Archive, ExternalFile, ExternalReader};
use arrow_array::{
    ArrayRef, Decimal128Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use chains::exports::{Options, read_rows};
use ledger::{Chain, Table};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use support::{Room, files_below, text};
use testkit::Dice;

const ROWS: usize = 2_000;
/// Rows of a row group: a file has several, and the last is not full.
const GROUP: usize = 300;
const TOKEN: &str = "0xdac17f958d2ee523a2206206994597c13d831ec7";

/// The columns of a row of our own format, as far as these files have them.
#[derive(Clone)]
struct Line {
    chain: &'static str,
    height: i64,
    tx_index: i64,
    index: Option<i64>,
    time: i64,
    tx: String,
    kind: &'static str,
    from: Option<String>,
    to: Option<String>,
    asset: &'static str,
    amount: i64,
}

/// How the columns are typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Typed {
    /// Integers and texts, as this program writes them.
    Plainly,
    /// As other programs write them: timestamps, decimals, large texts.
    Otherwise,
}

fn account(number: u64) -> String {
    format!("0x{:040x}", 0xabc0_0000 + number)
}

fn lines() -> Vec<Line> {
    let mut dice = Dice::new(7);
    (0..ROWS as i64)
        .map(|row| {
            let (from, to) = (dice.below(40), 40 + dice.below(60));
            let (from, to) = if dice.one_in(2) { (from, to) } else { (to, from) };
            let is_fee = row % 15 == 14;
            let is_native = is_fee || dice.one_in(3);
            Line {
                chain: "ethereum",
                height: 100 + row / 9,
                tx_index: row % 9 / 3,
                index: Some(row % 3),
                time: 1_600_000_000 + row / 9 * 12,
                tx: format!("0x{:064x}", 1 + row / 3),
                kind: if is_fee {
                    "fee"
                } else if is_native {
                    "native"
                } else {
                    "token"
                },
                from: (row % 50 > 0 || is_native).then(|| account(from)),
                to: (!is_fee).then(|| account(to)),
                asset: if is_native { "ETH" } else { TOKEN },
                amount: dice.below(1 << 40) as i64,
            }
        })
        .map(|line| match (&line.from, line.kind) {
            // New value comes from the zero address, which is how a log tells it.
            (None, _) => Line { from: Some(format!("0x{:040x}", 0)), ..line },
            _ => line,
        })
        .collect()
}

fn parquet(lines: &[Line], typed: Typed) -> Vec<u8> {
    parquet_of(lines, typed, &[], &[])
}

/// The same without some columns, and with others that are not ours.
fn parquet_of(lines: &[Line], typed: Typed, without: &[&str], with: &[&'static str]) -> Vec<u8> {
    let texts = |of: &dyn Fn(&Line) -> Option<String>| -> ArrayRef {
        let texts = lines.iter().map(of);
        match typed {
            Typed::Plainly => Arc::new(texts.collect::<StringArray>()),
            Typed::Otherwise => Arc::new(texts.collect::<LargeStringArray>()),
        }
    };
    let numbers = |of: &dyn Fn(&Line) -> Option<i64>| -> ArrayRef {
        let numbers = lines.iter().map(of);
        match typed {
            Typed::Plainly => Arc::new(numbers.collect::<Int64Array>()),
            Typed::Otherwise => {
                Arc::new(numbers.map(|n| n.map(|n| n as u32)).collect::<UInt32Array>())
            }
        }
    };
    let amounts = lines.iter().map(|line| line.amount);
    let times = lines.iter().map(|line| line.time);
    let (amounts, times): (ArrayRef, ArrayRef) = match typed {
        Typed::Plainly => (
            Arc::new(amounts.map(|amount| Some(amount.to_string())).collect::<StringArray>()),
            Arc::new(times.collect::<Int64Array>()),
        ),
        Typed::Otherwise => (
            Arc::new(
                amounts
                    .map(|amount| Some(i128::from(amount)))
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(38, 0)
                    .expect("a decimal"),
            ),
            Arc::new(
                times.map(|time| Some(time * 1_000_000)).collect::<TimestampMicrosecondArray>(),
            ),
        ),
    };
    let columns = [
        ("chain", texts(&|line| Some(line.chain.to_string()))),
        ("height", numbers(&|line| Some(line.height))),
        ("tx_index", numbers(&|line| Some(line.tx_index))),
        ("index", numbers(&|line| line.index)),
        ("time", times),
        ("tx", texts(&|line| Some(line.tx.clone()))),
        ("kind", texts(&|line| Some(line.kind.to_string()))),
        ("from", texts(&|line| line.from.clone())),
        ("to", texts(&|line| line.to.clone())),
        ("asset", texts(&|line| Some(line.asset.to_string()))),
        ("amount", amounts),
    ];
    let ours = columns.into_iter().filter(|(name, _)| !without.contains(name));
    let others = with.iter().map(|name| (*name, texts(&|_| Some("?".to_string()))));
    let batch = RecordBatch::try_from_iter(ours.chain(others)).expect("a batch");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP)).build();
    let mut file = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    file
}

/// A case of a theft in the middle of the file.
fn case(lines: &[Line]) -> String {
    let theft = lines[500..].iter().find(|line| line.kind == "token").expect("some token moves");
    format!(
        "schema = \"dyepack.case/1\"\nid = \"it\"\ntitle = \"it\"\n\n[[theft]]\nchain = \"ethereum\"\n\
         tx = \"{}\"\nto = \"{}\"\nasset = \"{TOKEN}\"\n",
        theft.tx,
        theft.to.as_deref().expect("a receiver")
    )
}

/// A room with the file and the case in it.
fn room(lines: &[Line], typed: Typed) -> Room {
    let room = Room::new();
    room.write("data/all.parquet", parquet(lines, typed));
    room.write("case.toml", case(lines));
    room
}

fn parts(room: &Room) -> Vec<String> {
    let files = files_below(room.path("archive"));
    let names = files.iter().map(|path| path.display().to_string());
    names.filter(|name| name.ends_with(".parquet")).collect()
}

/// How many transfers of an import's only file were new, and how many were there.
fn counts(import: &Value) -> (usize, usize) {
    let count = |name: &str| import["files"][0][name].as_u64().expect("a number") as usize;
    (count("new"), count("already"))
}

/// The digest of a trace, and its hops with the transaction ids and positions that only the file has.
fn answer(room: &Room, options: &[&str]) -> (String, String) {
    let hops = room.at("hops.jsonl");
    let arguments = [&["trace", "case.toml", "--hops", &hops], options].concat();
    let result = room.json(&arguments, 0);
    let listed = fs::read_to_string(&hops).expect("readable");
    fs::remove_file(&hops).expect("removed");
    assert!(listed.lines().count() > 3, "hardly anything was traced");
    (text(&result, "digest").to_string(), listed)
}

#[test]
fn a_registered_file_gives_the_answers_of_a_copy() {
    let lines = lines();
    let copied = room(&lines, Typed::Plainly);
    copied.json(&["import", "data/all.parquet"], 0);
    let wanted = answer(&copied, &[]);
    for typed in [Typed::Plainly, Typed::Otherwise] {
        let room = room(&lines, typed);
        let done = room.json(&["import", "--in-place", "data/all.parquet"], 0);
        assert_eq!(counts(&done), (ROWS, 0));
        assert_eq!(parts(&room), [""; 0], "something was copied");
        for options in [&[][..], &["--full-replay"], &["--rule", "fifo"]] {
            assert_eq!(answer(&room, options), answer(&copied, options));
        }
        room.json(&["doctor", "--rebuild-index"], 0);
        assert_eq!(answer(&room, &[]), wanted);
        let again = room.json(&["import", "--in-place", "data/all.parquet"], 0);
        assert_eq!(counts(&again), (0, ROWS));
        // The same rows in another file are there, too, row by row.
        room.write("again.parquet", [parquet(&lines[..ROWS - 1], typed), Vec::new()].concat());
        let again = room.json(&["import", "again.parquet"], 0);
        assert_eq!(counts(&again), (0, ROWS - 1));
        assert_eq!(answer(&room, &[]), wanted);
    }
}

#[test]
fn rows_join_from_other_files() {
    let lines = lines();
    let whole = room(&lines, Typed::Plainly);
    whole.json(&["import", "data/all.parquet"], 0);
    let room = Room::new();
    room.write("case.toml", case(&lines));
    // Heights 100 to 219 here, the others there.
    let cut = 9 * 120;
    room.write("early.parquet", parquet(&lines[..cut], Typed::Plainly));
    room.write("late.parquet", parquet(&lines[cut..], Typed::Otherwise));
    room.json(&["import", "late.parquet"], 0);
    room.json(&["import", "--in-place", "early.parquet"], 0);
    assert_eq!(answer(&room, &[]), answer(&whole, &[]));
    assert_eq!(parts(&room).len(), 1);
}

#[test]
fn a_change_of_a_registered_file_is_found_and_named() {
    let room = room(&lines(), Typed::Plainly);
    room.json(&["import", "--in-place", "data/all.parquet"], 0);
    let wanted = answer(&room, &[]);
    let path = room.path("data/all.parquet");
    let whole = fs::read(&path).expect("readable");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for bytes in [&flipped[..], &whole[..whole.len() - 9]] {
        fs::write(&path, bytes).expect("written");
        let found = room.json(&["doctor"], 5);
        assert!(text(&found["problems"][0], "file").ends_with("all.parquet"), "{found}");
        let told = room.run(&["doctor", "--rebuild-index"]).expect(5);
        assert!(format!("{}{}", told.stdout, told.stderr).contains("all.parquet"), "{told:?}");
    }
    let told = room.run(&["trace", "case.toml"]).expect(5).stderr;
    assert!(told.contains("all.parquet"), "{told}");
    // Not found by its length, but by whoever reads it: once that exited with 1.
    let every = (0..whole.len()).step_by(1 << 16);
    let mut flipped = whole.clone();
    every.for_each(|chunk| flipped[chunk + 9] ^= 1);
    fs::write(&path, &flipped).expect("written");
    for command in [&["trace", "case.toml"][..], &["trace", "case.toml", "--full-replay"]] {
        let told = room.run(command).expect(5).stderr;
        assert!(told.contains("all.parquet"), "{told}");
    }
    fs::remove_file(&path).expect("removed");
    let told = room.run(&["trace", "case.toml"]).expect(5).stderr;
    assert!(told.contains("all.parquet") && told.contains("missing"), "{told}");
    fs::write(&path, whole).expect("written");
    room.json(&["doctor"], 0);
    assert_eq!(answer(&room, &[]), wanted);
}

#[test]
fn files_that_cannot_be_registered_say_why() {
    let good = lines();
    let check = |bytes: Vec<u8>, name: &str, reason: &str| {
        let room = Room::new();
        room.write(name, bytes);
        let run = room.run(&["import", "--in-place", name]).expect(1);
        assert!(
            run.stderr.contains(reason) && run.stderr.contains(name),
            "{reason}: {}",
            run.stderr
        );
        assert_eq!(room.json(&["doctor"], 0)["rows"].as_u64().unwrap_or(0), 0);
    };
    let changed = |at: usize, change: &dyn Fn(&mut Line)| {
        let mut lines = good.clone();
        change(&mut lines[at]);
        lines
    };
    for typed in [Typed::Plainly, Typed::Otherwise] {
        let check_lines =
            |lines: &[Line], reason: &str| check(parquet(lines, typed), "x.parquet", reason);
        let swapped: Vec<Line> = good[9..18].iter().chain(&good[..9]).cloned().collect();
        check_lines(&swapped, "row 10 does not come after the row before it");
        let lacking = changed(700, &|line| line.index = None);
        check_lines(&lacking, "row 701: its height, tx_index or index is not told");
        let other = changed(700, &|line| line.chain = "polygon");
        check_lines(&other, "row 701");
        let wrong = changed(300, &|line| line.from = Some("0xnobody".into()));
        check_lines(&wrong, "row 301: from");
        check_lines(&[], "it holds no rows");
    }
    let csv = "chain,height,tx_index,index,time,tx,from,to,asset,amount\n";
    check(csv.as_bytes().to_vec(), "x.csv", "only Parquet is read in place");
    check(b"PAR1 and nothing else PAR1".to_vec(), "x.parquet", "");
}

#[test]
fn rows_that_may_be_there_already_are_not_registered() {
    let lines = lines();
    let room = room(&lines, Typed::Plainly);
    room.write("some.parquet", parquet(&lines[..30], Typed::Plainly));
    let before = room.json(&["import", "some.parquet"], 0)["archive"].clone();
    let run = room.run(&["import", "--in-place", "data/all.parquet"]).expect(1);
    assert!(run.stderr.contains("which may be the same"), "{}", run.stderr);
    assert_eq!(room.json(&["import", "some.parquet"], 0)["archive"], before);
    // A copy is compared row by row.
    let done = room.json(&["import", "data/all.parquet"], 0);
    assert_eq!(counts(&done), (ROWS - 30, 30));
}

#[test]
fn a_file_that_was_moved_is_registered_where_it_lies_now() {
    let room = room(&lines(), Typed::Plainly);
    room.json(&["import", "--in-place", "data/all.parquet"], 0);
    let wanted = answer(&room, &[]);
    fs::rename(room.path("data/all.parquet"), room.path("moved.parquet")).expect("moved");
    room.run(&["trace", "case.toml"]).expect(5);
    let done = room.json(&["import", "--in-place", "moved.parquet"], 0);
    assert_eq!(counts(&done), (0, ROWS));
    assert_eq!(answer(&room, &[]), wanted);
    room.json(&["doctor"], 0);
}

/// A link led round the refusal, and the archive swept the file.
#[test]
fn files_in_the_archives_own_folder_are_refused_by_every_way() {
    let room = room(&lines(), Typed::Plainly);
    room.write("some.csv", "chain,time,from,to,asset,amount\n");
    room.run(&["import", "some.csv"]);
    fs::rename(room.path("data/all.parquet"), room.path("archive/mine.parquet")).expect("moved");
    std::os::unix::fs::symlink(room.path("archive"), room.path("link")).expect("linked");
    for way in ["archive/mine.parquet", "link/mine.parquet", "data/../archive/mine.parquet"] {
        let told = room.run(&["import", "--in-place", way]).expect(1).stderr;
        assert!(told.contains("the archive's own folder"), "{way}: {told}");
    }
    assert!(room.path("archive/mine.parquet").exists());
}

#[test]
fn the_same_bytes_are_another_chains_under_another_name() {
    let native: Vec<Line> = lines().into_iter().filter(|line| line.asset == "ETH").collect();
    let rows = native.len();
    let room = Room::new();
    room.write("x.parquet", parquet_of(&native, Typed::Plainly, &["chain"], &[]));
    for chain in ["ethereum", "arbitrum"] {
        let done = room.json(&["import", "--in-place", "--chain", chain, "x.parquet"], 0);
        assert_eq!(counts(&done), (rows, 0), "{chain}");
        let again = room.json(&["import", "--in-place", "--chain", chain, "x.parquet"], 0);
        assert_eq!(counts(&again), (0, rows), "{chain}");
    }
}

#[test]
fn what_a_file_does_not_tell_is_told_as_of_a_copy() {
    let lines = lines();
    let (copied, registered) = (Room::new(), Room::new());
    for (room, option) in [(&copied, "--no-index"), (&registered, "--in-place")] {
        room.write("case.toml", case(&lines));
        room.write("x.parquet", parquet_of(&lines, Typed::Plainly, &[], &["junk"]));
        room.json(&["import", option, "x.parquet"], 0);
    }
    let gaps = |room: &Room| room.json(&["trace", "case.toml"], 0)["gaps"].clone();
    assert_eq!(gaps(&registered), gaps(&copied));
    assert!(gaps(&copied).to_string().contains("junk"));
}

/// Each file once held a descriptor until the end, and too many of them were told as damage.
#[test]
fn more_files_than_the_system_lets_a_program_have_open() {
    let lines = lines();
    for option in ["--in-place", "--no-index"] {
        let room = room(&lines, Typed::Plainly);
        for (number, some) in lines.chunks(18).enumerate() {
            room.write(&format!("many/{number:03}.parquet"), parquet(some, Typed::Plainly));
        }
        let mut command = room.command(&[]);
        let program = command.get_program().to_owned();
        command = Command::new("sh");
        command.args(["-c", "ulimit -n 64; exec \"$@\"", "sh"]).arg(program);
        command.args(["import", option, "--archive", &room.at("archive"), &room.at("many")]);
        let output = command.output().expect("a shell");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let whole = self::room(&lines, Typed::Plainly);
        whole.json(&["import", "data/all.parquet"], 0);
        assert_eq!(answer(&room, &[]), answer(&whole, &[]));
    }
}

/// Reads as the program does.
#[derive(Debug)]
struct Reader;

impl ExternalReader for Reader {
    fn read(
        &self,
        format: &str,
        chain: Option<Chain>,
        file: ExternalFile,
        group: usize,
        rows: Range<usize>,
    ) -> Result<Option<Table>, String> {
        let options = Options { chain, ..Options::default() };
        read_rows(format, file, &options, group, rows).map_err(|error| error.to_string())
    }
}

#[test]
fn what_a_rewind_leaves_of_a_registered_file_is_copied() {
    let lines = lines();
    let room = room(&lines, Typed::Plainly);
    let path = room.path("data/all.parquet");
    let whole = fs::read(&path).expect("readable");
    let mut archive = Archive::open(&room.path("archive")).expect("opens");
    archive.read_external_with(Arc::new(Reader));
    archive
        .register(Path::new(&path), "all.parquet", "transfers", None, Account::default(), &|_| {})
        .expect("registered");
    let chain = Chain::parse("ethereum").expect("a chain");
    let before: Vec<_> =
        archive.transfers().expect("opens").map(|row| row.expect("read")).collect();
    assert_eq!(before.len(), ROWS);
    let rewound = archive.rewind(chain, 199).expect("rewound");
    assert_eq!(rewound.transfers as usize, ROWS - 900);
    let after: Vec<_> = archive.transfers().expect("opens").map(|row| row.expect("read")).collect();
    assert_eq!(after, before[..900]);
    assert_eq!(parts(&room).len(), 1);
    assert!(!archive.imports()[0].complete);
    assert_eq!(fs::read(&path).expect("readable"), whole, "a user's file was touched");
}
