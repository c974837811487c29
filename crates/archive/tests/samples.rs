//! Archives that earlier formats left: `tests/samples/index-N` is one with an index of format N, made from
//! `transfers.csv` by the program of its time.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use archive::{Archive, Recorded};
use support::*;

/// The format of the index that this program writes.
const NOW: &str = "index-3";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

fn index_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder.join("index")).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn archives_of_every_format_are_read() {
    let mut all: Vec<Vec<Recorded>> = Vec::new();
    for sample in samples() {
        let folder = tempfile::tempdir().unwrap();
        copy(&sample, folder.path());
        let archive = Archive::read(folder.path()).unwrap();
        let problems = archive.check();
        assert!(problems.is_empty(), "{}: {problems:?}", sample.display());
        let before = index_files(folder.path());
        let index = archive.index().unwrap();
        let rows = recorded(&archive);
        for (row, expected) in rows.iter().enumerate() {
            assert_eq!(index.transfer(row as u64).unwrap(), *expected, "{}", sample.display());
        }
        if sample.ends_with(NOW) {
            assert_eq!(index_files(folder.path()), before, "the index of this format was not used");
            archive.rebuild_index(&|_| {}).unwrap();
            assert_eq!(index_files(folder.path()), before, "this format's bytes have changed");
        } else {
            assert_ne!(index_files(folder.path()), before, "an index of another format was used");
        }
        all.push(rows);
    }
    assert!(all.len() >= 2 && all[0].len() == 11);
    assert!(all.iter().all(|rows| *rows == all[0]));
}
