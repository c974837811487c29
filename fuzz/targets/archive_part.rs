//! A committed part of an archive with some of its bytes changed, under its right hash, as nobody
//! but a stranger would write it: everything that reads it gives an answer or an error. The input
//! is a list of changes: a place (counted from the end if its high bit is set) and a byte.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use archive::{Archive, Batch, Entry, Source};
use fuzz::guarded;
use ledger::Chain;
use sha2::{Digest, Sha256};

struct Good {
    state: String,
    /// Below the folder, without the hash and what follows it.
    path: String,
    part: Vec<u8>,
    sha256: String,
    batch: Batch,
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    guarded::let_libraries_panic();
    static GOOD: OnceLock<Good> = OnceLock::new();
    let good = GOOD.get_or_init(good);
    let mut part = good.part.clone();
    for change in input.chunks_exact(3) {
        let at = u16::from_le_bytes([change[0], change[1]]);
        let place = usize::from(at & 0x7fff) % part.len();
        let place = if at >> 15 == 1 { part.len() - 1 - place } else { place };
        part[place] = change[2];
    }
    let folder = folder();
    write(folder.path(), good, &part);
    let read = Archive::read(folder.path()).expect("the manifest is good");
    let rows = read.transfers().and_then(|rows| rows.collect::<archive::Result<Vec<_>>>());
    let index = read.index();
    // The index leaves transaction ids in the part, so it may be built where they cannot be read.
    assert!(rows.is_err() || index.is_ok(), "read, and not indexed");
    if let (Ok(rows), Ok(index)) = (rows, index) {
        assert_eq!(rows.len() as u64, index.rows());
        for number in 0..index.rows() {
            let _ = index.transfer(number);
        }
    }
    drop(read);
    let mut archive = Archive::open(folder.path()).expect("the manifest is good");
    let _ = archive.append(&good.batch);
    let _ = archive.rewind(Chain::ETHEREUM, 3);
    let _ = archive.rewind(Chain::TRON, 3);
    let _ = archive.check();
});

fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a temporary folder")
}

/// An archive of one part.
fn good() -> Good {
    let folder = folder();
    let source = Source { name: "one".into(), sha256: [7; 32], format: "transfers".into() };
    let transfers = testkit::random_ledger(1, 40, false).transfers;
    let entry = |(row, transfer)| Entry { transfer, row, occurrence: 0 };
    let entries = (0..).zip(transfers).map(entry).collect();
    let batch = Batch { entries, last: true, ..Batch::new(source) };
    Archive::open(folder.path()).and_then(|mut a| a.append(&batch)).expect("appended");
    let manifest = fs::read_to_string(folder.path().join("manifest.json")).expect("there");
    let state = manifest.strip_suffix('}').and_then(|text| text.split_once("\"state\":"));
    let state = state.expect("a manifest").1.to_string();
    let path = state.split("\"path\": \"").nth(1).and_then(|rest| rest.split('"').next());
    let path = path.expect("a part").to_string();
    let part = fs::read(folder.path().join(&path)).expect("there");
    let sha256 = hex::encode(Sha256::digest(&part));
    let path = path.split(&sha256[..16]).next().expect("named by its hash").to_string();
    Good { state, path, part, sha256, batch }
}

fn write(folder: &Path, good: &Good, part: &[u8]) {
    let sha256 = hex::encode(Sha256::digest(part));
    let path = folder.join(format!("{}{}.parquet", good.path, &sha256[..16]));
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, part).expect("written");
    let state = good.state.replace(&good.sha256, &sha256);
    let state = state.replace(&good.sha256[..16], &sha256[..16]);
    let hash = hex::encode(Sha256::digest(&state));
    let text = format!("{{\"dyepack.archive\":1,\"sha256\":\"{hash}\",\"state\":{state}}}");
    fs::write(folder.join("manifest.json"), text).expect("written");
}
