//! Files of an index with some of their bytes changed, under a stamp with their right hashes, as nobody but
//! a stranger would write it: whoever asks the index gets an answer or an error. The input is a list of
//! changes: which file, a place (counted from the end if its high bit is set) and a byte.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use archive::{Archive, Batch, Entry, Index, Source};
use ledger::Time;
use sha2::{Digest, Sha256};

struct Good {
    /// Keeps the archive on disk.
    folder: tempfile::TempDir,
    /// Name and content of the index's files, the stamp last.
    files: Vec<(String, Vec<u8>)>,
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static GOOD: OnceLock<Good> = OnceLock::new();
    let good = GOOD.get_or_init(good);
    let mut files = good.files.clone();
    let (_, stamp) = files.pop().expect("a stamp");
    let mut json = String::from_utf8(stamp).expect("text");
    json = json.split_once('\n').expect("two lines").1.to_string();
    for change in input.chunks_exact(4) {
        let number = usize::from(change[0]) % files.len();
        let file = &mut files[number].1;
        let at = u16::from_le_bytes([change[1], change[2]]);
        let place = usize::from(at & 0x7fff) % file.len();
        let place = if at >> 15 == 1 { file.len() - 1 - place } else { place };
        file[place] = change[3];
    }
    let index = good.folder.path().join("index");
    for ((name, bytes), (_, before)) in files.iter().zip(&good.files) {
        fs::write(index.join(name), bytes).expect("written");
        json = json.replace(&hash(before), &hash(bytes));
    }
    let text = format!("{}\n{json}", hash(json.as_bytes()));
    fs::write(index.join(&good.files.last().expect("a stamp").0), text).expect("written");
    let archive = Archive::read(good.folder.path()).expect("the manifest is good");
    if let Ok(index) = archive.index() {
        ask(&index);
    }
    let _ = archive.check();
});

/// Everything that can be asked.
fn ask(index: &Index) {
    for row in 0..index.rows() {
        let found = index.row(row);
        let _ = (index.merge_time(row), index.transfer(row), index.pot(found.to));
    }
    for pot in 0..index.pot_count().min(300) {
        for row in [0, index.rows() / 2, index.rows()] {
            assert!(index.ledger(pot, row).rows.take(1000).all(|next| next >= row.min(index.rows())));
        }
        if let Some((place, asset)) = index.pot(pot) {
            let _ = (index.pots_of(place), index.asset(asset));
            if let Ok(record) = index.place(place) {
                let _ = index.find_place(record.chain, &record.place);
                let _ = record.place.account().map(|it| index.places_owned_by(record.chain, &it));
            }
        }
    }
    let _ = (index.first_row_at(Time::from_seconds(1_700_000_000)), index.overflowing_assets());
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn good() -> Good {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a temporary folder");
    let source = Source { name: "one".into(), sha256: [7; 32], format: "transfers".into() };
    let transfers = testkit::random_ledger(4, 60, true).transfers;
    let entry = |(row, transfer)| Entry { transfer, row, occurrence: 0 };
    let entries = (0..).zip(transfers).map(entry).collect();
    let batch = Batch { entries, last: true, ..Batch::new(source) };
    let mut archive = Archive::open(folder.path()).expect("made");
    archive.append(&batch).expect("appended");
    archive.set_segment_unit(16);
    archive.index().expect("built");
    let names = fs::read_dir(folder.path().join("index")).expect("there");
    let mut files: Vec<(String, Vec<u8>)> = names
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            let name = entry.file_name().into_string().expect("a name");
            (name, fs::read(entry.path()).expect("there"))
        })
        .collect();
    files.sort_by_key(|(name, _)| (name.ends_with(".json"), name.clone()));
    Good { folder, files }
}
