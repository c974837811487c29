//! Foreign bytes as the files of an archive's folder: opening, asking and checking give an answer
//! or an error that names the file. The first byte chooses the file, and whether its checksums are
//! made right, so that what lies behind them is reached too.
#![no_main]

use std::fs;
use std::path::Path;

use archive::{Archive, ArchiveError, Batch, Entry, Source};
use fuzz::spans;
use ledger::{Address, Amount, Asset, Chain, Kind, Place, Position, Time, Transfer, TxId};
use sha2::{Digest, Sha256};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (choice, bytes) = spans::choice(input);
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a temporary folder");
    match choice & 3 {
        0 => manifest(folder.path(), bytes.to_vec()),
        1 => manifest(folder.path(), under_its_checksum(bytes)),
        2 => journal(folder.path(), bytes.to_vec()),
        _ => journal(folder.path(), framed(bytes, choice & 4 != 0)),
    }
});

/// A manifest whose state is these bytes.
fn under_its_checksum(state: &[u8]) -> Vec<u8> {
    let sha256 = hex::encode(Sha256::digest(state));
    let head = format!("{{\"dyepack.archive\":1,\"sha256\":\"{sha256}\",\"state\":");
    [head.as_bytes(), state, b"}"].concat()
}

/// A journal whose records are the pieces of these bytes, the last one cut off if asked for.
fn framed(bytes: &[u8], torn: bool) -> Vec<u8> {
    let mut journal = b"dyepack.claims/1".to_vec();
    for piece in spans::files(bytes) {
        let length = (piece.len() as u32).to_le_bytes();
        journal.extend(length);
        journal.extend(crc32fast::hash(&length).to_le_bytes());
        journal.extend(piece);
        journal.extend(crc32fast::hash(piece).to_le_bytes());
    }
    if torn {
        journal.truncate(journal.len() - 1 - bytes.len() % 8);
    }
    journal
}

fn manifest(folder: &Path, bytes: Vec<u8>) {
    fs::write(folder.join("manifest.json"), bytes).expect("written");
    let read = Archive::read(folder);
    let opened = Archive::open(folder);
    assert_eq!(read.is_ok(), opened.is_ok(), "for reading and for writing");
    let Ok(mut archive) = opened else {
        return assert!(opened.is_err_and(|error| error.is_integrity()));
    };
    let digest = archive.digest();
    for summary in archive.chains() {
        let _ = archive.tip(summary.chain);
        let _ = archive.blocks(summary.chain, 0, u64::MAX);
    }
    let _ = (archive.tokens().len(), archive.imports().len(), archive.check().len());
    if let Ok(transfers) = archive.transfers() {
        let _ = transfers.take(10).count();
    }
    let _ = archive.index().map(drop);
    let appended = archive.append(&batch());
    assert_eq!(appended.is_err(), archive.digest() == digest, "a commit, or none");
    let digest = archive.digest();
    // A rewind that cannot be carried out leaves everything as it was.
    if archive.rewind(Chain::ETHEREUM, 10).is_err() {
        assert_eq!(archive.digest(), digest);
    }
}

/// One transfer that no manifest here has.
fn batch() -> Batch {
    let source = Source { name: "one".into(), sha256: [7; 32], format: "transfers".into() };
    let place = |byte| Place::Account(Address::Evm([byte; 20]));
    let transfer = Transfer {
        chain: Chain::ETHEREUM,
        position: Position::full(20, 0, 0),
        time: Time::from_seconds(1_700_000_000),
        tx: Some(TxId::new([9; 32])),
        kind: Kind::Native,
        from: place(1),
        to: place(2),
        from_owner: None,
        to_owner: None,
        asset: Asset::Native,
        amount: Amount::new(5),
        conversion: None,
    };
    let entries = vec![Entry { transfer, row: 0, occurrence: 0 }];
    Batch { entries, last: true, ..Batch::new(source) }
}

fn journal(folder: &Path, bytes: Vec<u8>) {
    let path = folder.join("claims.journal");
    Archive::open(folder).map(drop).expect("an empty archive");
    fs::write(&path, &bytes).expect("written");
    let archive = Archive::read(folder).expect("the manifest is good");
    let healthy = archive.check().is_empty();
    let torn = archive.claims().map(|claims| claims.torn);
    let mut journal = match archive.journal() {
        Ok(journal) => journal,
        Err(ArchiveError::Integrity { .. }) => {
            assert!(!healthy && torn.is_err(), "the damage is named");
            assert_eq!(fs::read(&path).expect("there"), bytes, "a damaged journal was changed");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let kept = fs::read(&path).expect("there");
    // A record that is not whole is no damage; who opens the journal to write cuts it off.
    assert!(healthy);
    assert_eq!(torn.expect("reads"), journal.torn_bytes());
    assert!(bytes.is_empty() || (journal.torn_bytes() == 0) == (kept == bytes));
    assert!(kept.starts_with(&bytes[..bytes.len() - journal.torn_bytes() as usize]));
    let before = journal.read().expect("what was opened reads");
    journal.append(&[b"one".to_vec(), Vec::new()]).expect("appended");
    let mut after = before;
    after.extend([b"one".to_vec(), Vec::new()]);
    assert_eq!(journal.read().expect("reads"), after);
    let mut again = archive.journal().expect("opens again");
    assert_eq!((again.torn_bytes(), again.read().expect("reads")), (0, after));
    assert!(archive.check().is_empty());
}
