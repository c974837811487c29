//! Kills at any moment: a process that appends, merges, rewinds and builds indexes is killed (SIGKILL) again and
//! again, and whoever opens the archive then finds the last commit or the one that was under way.
//!
//! The test runs itself as the process to be killed. `DYEPACK_KILLS` says how often (25 where it is not set).
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use archive::{Archive, Batch};
use ledger::{Chain, Transfer};
use support::*;

const WORKER: &str = "DYEPACK_KILL_WORKER";
const BATCHES: usize = 40;

/// The batches of the script: rows of one chain in order of height.
fn batches() -> Vec<Vec<Transfer>> {
    let mut rows: Vec<Transfer> =
        random_world(77, 1500).into_iter().filter(|row| row.chain == Chain::TRON).collect();
    rows.sort_by_key(|row| (row.position.height, row.position.tx_index, row.position.index));
    let size = rows.len().div_ceil(BATCHES);
    rows.chunks(size).map(<[_]>::to_vec).collect()
}

fn batch_of(number: usize, rows: &[Transfer]) -> Batch {
    Batch { last: true, ..batch(&format!("batch {number}"), numbered(rows)) }
}

/// The process that is killed: it says what it begins and what is done, one line each.
#[test]
#[ignore = "run by the test below"]
fn worker() {
    let Ok(folder) = std::env::var(WORKER) else { return };
    let seed = std::env::var("DYEPACK_KILL_SEED").unwrap().parse().unwrap();
    let mut dice = Dice(seed);
    let say = |text: String| {
        let mut out = std::io::stdout();
        writeln!(out, "{text}").unwrap();
        out.flush().unwrap();
    };
    let mut archive = Archive::open(Path::new(&folder)).unwrap();
    archive.set_segment_unit(16);
    let batches = batches();
    loop {
        match dice.below(40) {
            0 => {
                let height =
                    batches[dice.below(BATCHES as u64 - 1) as usize][0].position.height.unwrap();
                say(format!("begin rewind {height}"));
                archive.rewind(Chain::TRON, height).unwrap();
                say(format!("done rewind {height}"));
            }
            1..=6 => {
                say("begin index 0".to_string());
                archive.index().unwrap();
                say("done index 0".to_string());
            }
            _ => {
                // The first that is not whole, mostly.
                let whole = |n: &usize| {
                    let batch = batch_of(*n, &batches[*n]);
                    archive
                        .import(&batch.source.sha256, "test")
                        .is_some_and(|import| import.complete)
                };
                let next = (0..batches.len()).find(|n| !whole(n));
                let any = dice.below(batches.len() as u64) as usize;
                let number = if dice.below(8) == 0 { any } else { next.unwrap_or(any) };
                say(format!("begin append {number}"));
                archive.append(&batch_of(number, &batches[number])).unwrap();
                say(format!("done append {number}"));
            }
        }
    }
}

/// Which rows there are, by batch and place in it.
type Rows = BTreeSet<(usize, usize)>;

fn after(rows: &Rows, batches: &[Vec<Transfer>], step: &str) -> Rows {
    let (what, number) = step.split_once(' ').unwrap();
    let number: u64 = number.parse().unwrap();
    let mut rows = rows.clone();
    match what {
        "append" => {
            let number = number as usize;
            rows.extend((0..batches[number].len()).map(|row| (number, row)));
        }
        "rewind" => {
            rows.retain(|(batch, row)| batches[*batch][*row].position.height.unwrap() <= number);
        }
        _ => {}
    }
    rows
}

fn found(archive: &Archive, batches: &[Vec<Transfer>]) -> Rows {
    let place = |transfer: &Transfer| {
        let batch = batches.iter().position(|batch| batch.contains(transfer)).unwrap();
        (batch, batches[batch].iter().position(|own| own == transfer).unwrap())
    };
    transfers(archive).iter().map(place).collect()
}

fn start(folder: &Path, seed: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["worker", "--exact", "--ignored", "--nocapture", "--quiet"])
        .env(WORKER, folder)
        .env("DYEPACK_KILL_SEED", seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_kill_at_any_moment_leaves_a_commit() {
    let kills: u64 = std::env::var("DYEPACK_KILLS").map_or(25, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let batches = batches();
    let (mut rows, mut dice) = (Rows::new(), Dice(5));
    let mut under_way = 0;
    for kill in 0..kills {
        let mut child = start(folder.path(), kill);
        std::thread::sleep(Duration::from_micros(5_000 + dice.below(250_000)));
        child.kill().unwrap();
        let mut open = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if let Some(step) = line.strip_prefix("begin ") {
                open = Some(step.to_string());
            } else if let Some(step) = line.strip_prefix("done ") {
                rows = after(&rows, &batches, step);
                open = None;
            }
        }
        child.wait().unwrap();
        let Ok(archive) = Archive::read(folder.path()) else {
            assert!(rows.is_empty(), "kill {kill}: the archive is gone");
            continue;
        };
        let found = found(&archive, &batches);
        let next = open.as_ref().map(|step| after(&rows, &batches, step));
        assert!(found == rows || Some(&found) == next.as_ref(), "kill {kill}, during {open:?}");
        under_way += u64::from(open.is_some());
        rows = found;
        let problems = archive.check();
        assert!(problems.is_empty(), "kill {kill}, during {open:?}: {problems:?}");
    }
    assert!(under_way > 0, "no kill met anything");
    // Whatever was killed: what is appended again is what an undisturbed archive has.
    let calm = tempfile::tempdir().unwrap();
    for folder in [folder.path(), calm.path()] {
        for (number, rows) in batches.iter().enumerate() {
            append(folder, &batch_of(number, rows));
        }
    }
    let [disturbed, calm] =
        [folder.path(), calm.path()].map(|folder| Archive::open(folder).unwrap());
    assert_eq!(transfers(&disturbed), transfers(&calm));
    let [one, other] = [&disturbed, &calm].map(|archive| archive.index().unwrap());
    for row in 0..one.rows() {
        assert_eq!(one.row(row), other.row(row));
    }
}
