//! Single faults at every operation of what is small enough for that, and power cuts behind them. Each of these
//! tests is named by what once broke; the random ones are in `simulation.rs`.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::{Archive, ArchiveError, Batch, Disk};
use ledger::{Chain, Transfer};
use support::faults::{Fault, FaultyDisk};
use support::*;

/// How often the power is cut at one moment: each time something else arrives.
const CUTS: u64 = 10;

fn shared(disk: &Arc<FaultyDisk>) -> Arc<dyn Disk> {
    Arc::clone(disk) as Arc<dyn Disk>
}

fn folder(disk: &FaultyDisk) -> PathBuf {
    disk.top().join("new").join("archive")
}

fn open(disk: &Arc<FaultyDisk>) -> Result<Archive, ArchiveError> {
    Archive::open_on(&folder(disk), shared(disk))
}

fn read(disk: &Arc<FaultyDisk>) -> Archive {
    let archive = Archive::read_on(&folder(disk), shared(disk)).unwrap();
    assert_eq!(archive.check(), []);
    archive
}

fn rows() -> Vec<Transfer> {
    random_world(3, 30).into_iter().filter(|row| row.chain == Chain::TRON).take(6).collect()
}

fn all(name: &str) -> Batch {
    Batch { last: true, ..batch(name, numbered(&rows())) }
}

/// Lets operation after operation fail while `first` runs, then runs `then`, which must succeed, and calls `look`
/// with what several power cuts leave of it.
fn each_fault<T>(
    prepare: impl Fn() -> (Arc<FaultyDisk>, T),
    first: impl Fn(&Arc<FaultyDisk>, &mut T) -> bool,
    then: impl Fn(&Arc<FaultyDisk>, &mut T),
    look: impl Fn(&Arc<FaultyDisk>),
) {
    let mut failed = 0;
    for at in 0.. {
        let (disk, mut at_work) = prepare();
        disk.arm(Fault::Fails { at, is_full: at.is_multiple_of(2) });
        failed += u64::from(!first(&disk, &mut at_work));
        let has_met = disk.has_met();
        disk.arm(Fault::None);
        then(&disk, &mut at_work);
        let other = CUTS * (at + 100 * disk.steps());
        (0..CUTS).for_each(|seed| look(&disk.after_power_cut(other + seed)));
        if !has_met {
            break;
        }
    }
    assert!(failed > 0, "nothing failed");
}

#[test]
fn a_folder_above_a_new_archive_was_not_synced() {
    each_fault(
        || (FaultyDisk::new(1), ()),
        |disk, ()| open(disk).is_ok(),
        |disk, ()| drop(open(disk).unwrap()),
        |disk| drop(read(disk)),
    );
}

#[test]
fn the_folder_of_a_chain_was_not_synced_after_a_failure() {
    for from in [0, 4, 8, 9, 10] {
        each_fault(
            || {
                let disk = FaultyDisk::new(2);
                let archive = open(&disk).unwrap();
                (disk, archive)
            },
            |_, archive| archive.append(&all("a")).is_ok(),
            |disk, archive| {
                // The power goes while it is tried again.
                disk.arm(Fault::Off { from });
                let _ = archive.append(&all("a"));
            },
            |disk| drop(read(disk)),
        );
    }
}

/// A rewind that may have arrived, and then an append of rows that are there without it.
#[test]
fn a_commit_that_failed_at_its_end_was_taken_for_none() {
    each_fault(
        || {
            let disk = FaultyDisk::new(3);
            let mut archive = open(&disk).unwrap();
            archive.append(&all("a")).unwrap();
            (disk, archive)
        },
        |_, archive| archive.rewind(Chain::TRON, 0).is_ok(),
        |_, archive| drop(archive.append(&all("a")).unwrap()),
        |disk| assert_eq!(transfers(&read(disk)).len(), rows().len()),
    );
}

/// Killed between the rename of the manifest and the sync of its folder: who comes next answers that all is there.
#[test]
fn a_commit_that_was_not_durable_was_built_upon() {
    each_fault(
        || {
            let disk = FaultyDisk::new(4);
            drop(open(&disk).unwrap());
            (disk, ())
        },
        |disk, ()| open(disk).and_then(|mut archive| archive.append(&all("a"))).is_ok(),
        |disk, ()| drop(open(disk).unwrap().append(&all("a")).unwrap()),
        |disk| assert_eq!(transfers(&read(disk)).len(), rows().len()),
    );
}

/// An archive with the four middle rows, and its index: they are one segment, and one row more is a second.
fn with_index() -> (Arc<FaultyDisk>, Archive) {
    let disk = FaultyDisk::new(5);
    let mut archive = open(&disk).unwrap();
    archive.append(&Batch { entries: numbered(&rows()[1..5]), ..all("middle") }).unwrap();
    check_index(&mut archive);
    (disk, archive)
}

fn check_index(archive: &mut Archive) {
    archive.set_segment_unit(1);
    let index = archive.index().unwrap();
    for (row, expected) in recorded(archive).iter().enumerate() {
        assert_eq!(index.transfer(row as u64).unwrap(), *expected);
    }
}

/// Reading transaction ids, the Parquet library told of the disk's error in words alone.
#[test]
fn a_part_that_could_not_be_read_was_taken_for_a_changed_one() {
    let (disk, archive) = with_index();
    let index = archive.index().unwrap();
    let expected = recorded(&archive);
    let parts: Vec<PathBuf> = disk.files().into_iter().filter(|path| is_part(path)).collect();
    for path in parts {
        let mut refused = 0;
        for at in 0.. {
            disk.arm(Fault::None);
            let index = read(&disk).index().unwrap();
            disk.arm(Fault::Unreadable { path: path.clone(), at });
            for (row, told) in expected.iter().enumerate() {
                match index.transfer(row as u64) {
                    Ok(found) => assert_eq!(found, *told),
                    Err(ArchiveError::Io { path: named, .. }) => {
                        assert_eq!(named, path);
                        refused += 1;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            if !disk.has_met() {
                break;
            }
        }
        assert!(refused > 2, "{}", path.display());
    }
    disk.arm(Fault::None);
    assert!(index.transfer(0).is_ok());
}

fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "parquet")
}

/// Appends the last rows, which come behind all segments.
fn append_last(archive: &mut Archive) -> bool {
    archive.append(&Batch { entries: numbered(&rows()[5..]), ..all("last") }).is_ok()
}

/// Appends the first rows, which come before all segments.
fn append_first(archive: &mut Archive) {
    archive.append(&Batch { entries: numbered(&rows()[..1]), ..all("first") }).unwrap();
}

/// The index that another process built of a commit that failed took another part for one that it knew.
#[test]
fn the_number_of_a_part_was_used_again() {
    each_fault(
        with_index,
        |_, archive| append_last(archive),
        |disk, archive| {
            check_index(&mut Archive::read_on(&folder(disk), shared(disk)).unwrap());
            append_first(archive);
            check_index(archive);
        },
        |disk| check_index(&mut read(disk)),
    );
}

/// The same where the commit was lost with the power.
#[test]
fn an_index_outlived_the_commit_that_it_was_built_from() {
    each_fault(
        with_index,
        |_, archive| append_last(archive),
        |disk, _| check_index(&mut Archive::read_on(&folder(disk), shared(disk)).unwrap()),
        |disk| {
            let mut archive = open(disk).unwrap();
            append_first(&mut archive);
            check_index(&mut archive);
        },
    );
}

#[test]
fn a_journal_that_could_not_be_begun_lost_its_claims() {
    let claims = [b"one".to_vec(), vec![7; 5000], b"three".to_vec()];
    each_fault(
        || {
            let disk = FaultyDisk::new(6);
            let archive = open(&disk).unwrap();
            (disk, archive)
        },
        |_, archive| archive.journal().and_then(|mut made| made.append(&claims[..1])).is_ok(),
        |_, archive| {
            let mut journal = archive.journal().unwrap();
            let done = journal.read().unwrap().len();
            journal.append(&claims[done..]).unwrap();
        },
        |disk| assert_eq!(read(disk).claims().unwrap().claims, claims),
    );
}

/// Several records that were written at once, of which the disk shows the beginning and then zeros.
#[test]
fn zeros_for_the_rest_of_a_write_were_taken_for_damage() {
    let disk = FaultyDisk::new(7);
    let archive = open(&disk).unwrap();
    let claims = [b"first".to_vec(), Vec::new(), vec![9; 40], b"\0\0".to_vec()];
    archive.journal().unwrap().append(&claims).unwrap();
    let path = folder(&disk).join("claims.journal");
    let whole = std::fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        let mut bytes = whole[..length].to_vec();
        bytes.resize(whole.len() + 3, 0);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(archive.check(), [], "{length}");
        let there = archive.claims().unwrap().claims;
        assert!(claims.starts_with(&there), "{length}");
        let mut journal = archive.journal().unwrap();
        journal.append(&[b"next".to_vec()]).unwrap();
        assert_eq!(journal.read().unwrap().len(), there.len() + 1, "{length}");
    }
}
