//! Seeded simulation: scripts of appends, rewinds, claims and index builds on a disk that fails, fills up, cannot
//! be read or loses its power at random operations. Whatever happens, what was confirmed is there, what is
//! there is sound, and the script ends where an undisturbed one ends.
//!
//! `DYEPACK_SIMULATIONS` says how many scripts are run (6 where it is not set); each is disturbed in several ways.
//! What fails prints the numbers that make it fail again.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::{Archive, ArchiveError, Batch, Disk, Import, Index, Journal, Recorded, Row, Token};
use ledger::{Asset, Block, Chain, Table, TableRow, Time, Transfer};
use support::faults::{Fault, FaultyDisk};
use support::*;

/// In how many ways each script is disturbed.
const WAYS: u64 = 3;
/// Scripts and ways that once found something: they run always.
const KNOWN: &[(u64, u64)] = &[(0, 1), (4, 0), (14, 0), (29, 3), (122, 0)];

enum Step {
    /// Opens the archive, again or for the first time.
    Open,
    /// Batches that belong together: tables that wait for each other, or a single one.
    Append(Vec<Batch>),
    Rewind(u64),
    Claims(Vec<Vec<u8>>),
    Index,
}

/// What an archive says when it is asked everything.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    rows: Vec<Recorded>,
    blocks: Vec<Block>,
    tokens: Vec<Token>,
    imports: Vec<Import>,
}

fn told(archive: &Archive) -> Told {
    Told {
        rows: recorded(archive),
        blocks: archive.blocks(Chain::TRON, 0, u64::MAX).unwrap(),
        tokens: archive.tokens(),
        imports: archive.imports().to_vec(),
    }
}

/// Rows of one chain as a table.
fn table(rows: &[Transfer]) -> Table {
    let mut table =
        Table { chain: Chain::TRON, places: Vec::new(), assets: Vec::new(), rows: Vec::new() };
    for t in rows {
        let at = table.places.len() as u32;
        table.places.extend([t.from, t.to]);
        table.assets.push(t.asset);
        let p = t.position;
        table.rows.push(TableRow {
            height: p.height.unwrap(),
            tx_index: p.tx_index.unwrap(),
            index: p.index.unwrap(),
            time: t.time,
            kind: t.kind,
            tx: t.tx,
            from: at,
            to: at + 1,
            asset: at / 2,
            amount: t.amount,
        });
    }
    table
}

fn header(height: u64) -> Block {
    let (time, hash) = (Time::from_seconds(height as u32 * 10), Some([height as u8; 32]));
    Block { chain: Chain::TRON, height, time, hash, parent: None }
}

/// The batches of one source.
fn batches(dice: &mut Dice, name: &str, rows: &[Transfer]) -> Vec<Batch> {
    let is_plain = |t: &Transfer| t.chain == Chain::TRON && t.conversion.is_none();
    if dice.below(4) == 0 && rows.iter().all(is_plain) {
        let chunks: Vec<_> = rows.chunks(2).enumerate().collect();
        let count = chunks.len();
        let part = |(number, rows): (usize, &[Transfer])| Batch {
            table: Some((number as u64 * 2, table(rows))),
            more: number + 1 < count,
            last: number + 1 == count,
            ..batch(name, vec![])
        };
        return chunks.into_iter().map(part).collect();
    }
    let mut one = Batch { last: true, ..batch(name, numbered(rows)) };
    let height = rows[0].position.height.unwrap_or(100);
    if dice.below(3) == 0 {
        one.blocks = (height..height + 1 + dice.below(3)).map(header).collect();
    }
    if dice.below(4) == 0 {
        let asset = Asset::Token(account(Chain::TRON, dice.below(20)).account().unwrap());
        let symbol = "T".to_string();
        one.tokens = vec![Token { chain: Chain::TRON, asset, decimals: 6, symbol }];
    }
    vec![one]
}

fn script(seed: u64) -> Vec<Step> {
    let mut dice = Dice(seed);
    let one_chain = dice.below(3) > 0;
    let mut rows = random_world(seed, 150);
    if one_chain {
        rows.retain(|row| row.chain == Chain::TRON);
    }
    let (mut steps, mut at, mut claims) = (vec![Step::Open], 0, 0u8);
    while at < rows.len() && steps.len() < 45 {
        match dice.below(20) {
            0 => steps.push(Step::Open),
            1 | 2 => steps.push(Step::Index),
            3 => {
                let height = rows[at].position.height.unwrap_or(100);
                steps.push(Step::Rewind(height.saturating_sub(dice.below(12))));
            }
            4..=6 => {
                let lengths =
                    (0..1 + dice.below(3)).map(|_| [0, 3, 40, 9000][dice.below(4) as usize]);
                let claim = |length| {
                    claims = claims.wrapping_add(1);
                    [vec![claims], vec![(length % 2) as u8 * claims; length]].concat()
                };
                steps.push(Step::Claims(
                    lengths.collect::<Vec<_>>().into_iter().map(claim).collect(),
                ));
            }
            7 if at > 4 => {
                // Some that are there already.
                let again = &rows[at - 4..at];
                let batch = Batch { last: true, ..batch(&format!("again {at}"), numbered(again)) };
                steps.push(Step::Append(vec![batch]));
            }
            _ => {
                let end = rows.len().min(at + 1 + dice.below(5) as usize);
                steps.push(Step::Append(batches(&mut dice, &format!("{at}"), &rows[at..end])));
                at = end;
            }
        }
    }
    steps.push(Step::Index);
    steps
}

/// Names and bytes of the segments of the index.
type Segments = Vec<(String, Vec<u8>)>;

fn segments(folder: &Path) -> Segments {
    let files = std::fs::read_dir(folder.join("index")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "segment")).collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// Every row in numbers, and the ledger of every pot.
type Numbers = (Vec<(Row, Time)>, Vec<Vec<u64>>);

fn numbers(index: &Index) -> Numbers {
    let rows = (0..index.rows()).map(|row| (index.row(row), index.merge_time(row))).collect();
    let ledgers = (0..index.pot_count()).map(|pot| index.ledger(pot, 0).rows.collect()).collect();
    (rows, ledgers)
}

/// What an undisturbed script left behind after a step: what the archive told after each of its commits,
/// the first being that before it, and the index where one was built.
struct Left {
    told: Vec<Told>,
    index: Option<(Numbers, Segments)>,
}

/// True if some tables of a step are there and some are not: how many of them wait for each other also depends on
/// how what came before was cut into parts.
fn is_between(allowed: &[Told], under_way: &Step, found: &Told) -> bool {
    let (Some(first), Some(last)) = (allowed.first(), allowed.last()) else { return false };
    let holds = |a: &Told, b: &Told| b.rows.iter().all(|row| a.rows.contains(row));
    matches!(under_way, Step::Append(batches) if batches.len() > 1)
        && allowed.len() > 1
        && holds(found, first)
        && holds(last, found)
        && (&found.blocks, &found.tokens) == (&first.blocks, &first.tokens)
}

/// An archive on a disk, and whoever works with it.
struct Bench {
    disk: Arc<FaultyDisk>,
    archive: Option<Archive>,
    journal: Option<Journal>,
    /// Claims that were confirmed.
    claims: Vec<Vec<u8>>,
}

impl Bench {
    fn new(seed: u64) -> Bench {
        Bench { disk: FaultyDisk::new(seed), archive: None, journal: None, claims: Vec::new() }
    }

    fn folder(&self) -> PathBuf {
        self.disk.top().join("of").join("archive")
    }

    fn shared(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk) as Arc<dyn Disk>
    }

    fn open(&mut self) -> Result<(), ArchiveError> {
        (self.archive, self.journal) = (None, None);
        let mut archive = Archive::open_on(&self.folder(), self.shared())?;
        archive.set_segment_unit(8);
        self.archive = Some(archive);
        Ok(())
    }

    /// Does a step. `after` is called after each commit.
    fn perform(
        &mut self,
        step: &Step,
        mut after: impl FnMut(&Archive),
    ) -> Result<(), ArchiveError> {
        if self.archive.is_none() || matches!(step, Step::Open) {
            self.open()?;
        }
        let archive = self.archive.as_mut().unwrap();
        match step {
            Step::Open => after(archive),
            Step::Append(batches) => {
                for batch in batches {
                    archive.append(batch)?;
                    after(archive);
                }
            }
            Step::Rewind(height) => {
                archive.rewind(Chain::TRON, *height)?;
                after(archive);
            }
            Step::Index => assert_eq!(archive.index()?.rows(), archive.rows()),
            Step::Claims(claims) => {
                if self.journal.is_none() {
                    self.journal = Some(archive.journal()?);
                }
                let journal = self.journal.as_mut().unwrap();
                let there = journal.read()?;
                let done = there.len() - self.claims.len();
                assert_eq!(there, [&self.claims[..], &claims[..done]].concat());
                journal.append(&claims[done..])?;
                self.claims.extend(claims.iter().cloned());
            }
        }
        Ok(())
    }

    /// Looks at what is on the disk as another process would: one of `allowed`, sound, with all claims that
    /// were confirmed and some of those under way.
    fn look(&self, allowed: &[Told], under_way: &Step, what: &str) {
        let archive = match Archive::read_on(&self.folder(), self.shared()) {
            Ok(archive) => archive,
            Err(error) => {
                assert!(
                    matches!(under_way, Step::Open) && !error.is_integrity(),
                    "{what}: {error}"
                );
                let nothing = |told: &Told| told.imports.is_empty();
                assert!(allowed.iter().any(nothing), "{what}: the archive is gone");
                return;
            }
        };
        let problems = archive.check();
        assert!(problems.is_empty(), "{what}: {problems:?}");
        let found = told(&archive);
        let rows = |told: &Told| (told.rows.len(), told.blocks.len(), told.imports.len());
        let counts: Vec<_> = allowed.iter().map(rows).collect();
        let is_allowed = allowed.contains(&found) || is_between(allowed, under_way, &found);
        assert!(is_allowed, "{what}: {:?} of {counts:?}", rows(&found));
        let claims = archive.claims().unwrap().claims;
        let more: &[Vec<u8>] = match under_way {
            Step::Claims(claims) => claims,
            _ => &[],
        };
        let done = claims.len().checked_sub(self.claims.len());
        let done = done.unwrap_or_else(|| panic!("{what}: {} claims", claims.len()));
        assert!(done <= more.len(), "{what}: claims");
        assert_eq!(claims, [&self.claims[..], &more[..done]].concat(), "{what}: claims");
    }

    /// The index in numbers, and its segments.
    fn index(&self) -> (Numbers, Segments) {
        let index = self.archive.as_ref().unwrap().index().unwrap();
        (numbers(&index), segments(&self.folder()))
    }

    /// The power goes, if it has not, and comes back.
    fn cut(&mut self, seed: u64) {
        self.disk.arm(Fault::None);
        (self.archive, self.journal) = (None, None);
        self.disk = self.disk.after_power_cut(seed);
    }
}

fn undisturbed(steps: &[Step]) -> Vec<Left> {
    let mut bench = Bench::new(0);
    let nothing = Told { rows: vec![], blocks: vec![], tokens: vec![], imports: vec![] };
    let mut last = nothing;
    let mut left = Vec::new();
    for step in steps {
        let mut all = vec![last];
        bench.perform(step, |archive| all.push(told(archive))).unwrap();
        all.dedup();
        last = all.last().unwrap().clone();
        let index = matches!(step, Step::Index).then(|| bench.index());
        left.push(Left { told: all, index });
    }
    left
}

fn any_fault(dice: &mut Dice, disk: &FaultyDisk) -> Fault {
    let most = 1 << dice.below(7);
    let at = dice.below(most);
    match dice.below(8) {
        0 => Fault::Fails { at, is_full: false },
        1 => Fault::Fails { at, is_full: true },
        2 => Fault::Full { from: at },
        3 => {
            let files = disk.files();
            match files.get(dice.below(files.len() as u64 + 1) as usize) {
                Some(path) => Fault::Unreadable { path: path.clone(), at: dice.below(3) },
                None => Fault::None,
            }
        }
        _ => Fault::Off { from: at },
    }
}

/// Does a step under a fault, and again until it is done. True if the fault was met.
fn disturb(bench: &mut Bench, step: &Step, left: &Left, dice: &mut Dice) -> bool {
    let after = left.told.last().unwrap();
    let mut met = false;
    for _ in 0..3 {
        let fault = any_fault(dice, &bench.disk);
        bench.disk.arm(fault.clone());
        let done = bench.perform(step, |_| {});
        let has_met = bench.disk.has_met();
        met |= has_met;
        let is_off = has_met && matches!(fault, Fault::Off { .. });
        bench.disk.arm(Fault::None);
        match done {
            Ok(()) => {
                if is_off || dice.below(3) == 0 {
                    bench.cut(dice.next());
                }
                bench.look(std::slice::from_ref(after), step, "after it was confirmed");
                return met;
            }
            Err(error) => {
                assert!(has_met, "nothing happened, but {error}");
                assert!(!error.is_integrity(), "{fault:?} passes for damage: {error}");
                if is_off || dice.below(3) == 0 {
                    bench.cut(dice.next());
                } else if dice.below(2) == 0 {
                    (bench.archive, bench.journal) = (None, None);
                }
                bench.look(&left.told, step, "after a failure");
            }
        }
    }
    bench.perform(step, |_| {}).unwrap();
    met
}

/// Runs a script with faults. How many were met.
fn run(steps: &[Step], left: &[Left], seed: u64, bench: &mut Bench) -> u64 {
    let mut dice = Dice(seed);
    let mut met = 0;
    for (step, left) in steps.iter().zip(left) {
        if dice.below(3) == 0 {
            met += u64::from(disturb(bench, step, left, &mut dice));
        } else {
            bench.perform(step, |_| {}).unwrap();
        }
        if let Some((numbers, segments)) = &left.index {
            bench.perform(step, |_| {}).unwrap();
            let found = bench.index();
            assert!(found.0 == *numbers, "another index");
            // What a build left behind that could not end may lie beside it.
            assert!(segments.iter().all(|file| found.1.contains(file)), "other segments");
        }
    }
    bench.cut(dice.next());
    let last = left.last().unwrap().told.last().unwrap();
    bench.look(std::slice::from_ref(last), &Step::Index, "at the end");
    met
}

/// Runs a script undisturbed, and then disturbed in some ways. How many faults were met.
fn simulate(number: u64, ways: std::ops::Range<u64>) -> u64 {
    let steps = script(number);
    let left = undisturbed(&steps);
    let mut met = 0;
    for way in ways {
        let mut bench = Bench::new(way);
        let seed = number << 8 | way;
        let ran = catch_unwind(AssertUnwindSafe(|| run(&steps, &left, seed, &mut bench)));
        match ran {
            Ok(faults) => met += faults,
            Err(panic) => {
                eprintln!("script {number}, way {way}: add ({number}, {way}) to KNOWN");
                bench.disk.log().iter().for_each(|line| eprintln!("  {line}"));
                resume_unwind(panic);
            }
        }
    }
    met
}

#[test]
fn whatever_the_disk_does_what_was_confirmed_is_there() {
    let count = std::env::var("DYEPACK_SIMULATIONS").map_or(6, |count| count.parse().unwrap());
    let met: u64 = (0..count).map(|number| simulate(number, 0..WAYS)).sum();
    assert!(met > count, "hardly a fault was met");
    println!("{met} faults met");
}

#[test]
fn what_once_went_wrong_goes_right() {
    for (number, way) in KNOWN {
        simulate(*number, *way..*way + 1);
    }
}
