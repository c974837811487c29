//! Kills and damage: the last committed state or a clear error that names the file; never a panic.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use archive::{Archive, ArchiveError, MAX_CLAIM};
use support::*;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn small_archive() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("a", numbered(&random_world(1, 6))));
    folder
}

fn files_below(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files_below(&entry, suffix));
        } else if entry.to_string_lossy().ends_with(suffix) {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// Lengths to cut a file to: all of them at both ends, where headers and footers are, and `some`
/// spread over the rest.
fn cuts(length: usize, some: usize) -> Vec<usize> {
    let step = (length / some.max(1)).max(1);
    (0..length).filter(|n| *n < 3 || n + 3 > length || n.is_multiple_of(step)).collect()
}

/// Opens, reads and indexes; an error must be one of integrity.
fn use_all(folder: &Path) -> Result<Vec<ledger::Transfer>, ArchiveError> {
    let archive = Archive::read(folder)?;
    let rows: Result<Vec<_>, _> = archive.transfers()?.collect();
    archive.index()?;
    Ok(rows?.into_iter().map(|recorded| recorded.transfer).collect())
}

#[test]
fn a_kill_while_appending_leaves_the_last_commit() {
    let before = small_archive();
    let expected = transfers(&Archive::read(before.path()).unwrap());
    let digest = Archive::read(before.path()).unwrap().digest();
    let after = tempfile::tempdir().unwrap();
    copy(before.path(), after.path());
    let more = random_world(2, 40)[20..].to_vec();
    append(after.path(), &batch("b", numbered(&more)));
    // What the second append wrote, cut at every byte, under each name it can have at a kill.
    let committed = files_below(before.path(), ".parquet");
    for file in files_below(after.path(), ".parquet") {
        let relative = file.strip_prefix(after.path()).unwrap();
        if committed.iter().any(|old| old.ends_with(relative)) {
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        let target = before.path().join(relative);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        for length in cuts(bytes.len(), 12) {
            for name in [target.clone(), target.with_file_name("00000009.tmp")] {
                fs::write(&name, &bytes[..length]).unwrap();
                let archive = Archive::open(before.path()).unwrap();
                assert_eq!(archive.digest(), digest);
                assert!(!name.exists(), "garbage is removed");
            }
        }
    }
    let manifest = fs::read(after.path().join("manifest.json")).unwrap();
    for length in 0..=manifest.len() {
        fs::write(before.path().join("manifest.tmp"), &manifest[..length]).unwrap();
        assert_eq!(Archive::read(before.path()).unwrap().digest(), digest);
    }
    let archive = Archive::open(before.path()).unwrap();
    assert_eq!(transfers(&archive), expected);
    assert!(archive.check().is_empty());
    drop(archive);
    assert_eq!(append(before.path(), &batch("b", numbered(&more))).transfers, 20);
}

#[test]
fn a_damaged_manifest_is_refused() {
    let folder = small_archive();
    let path = folder.path().join("manifest.json");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = Archive::read(folder.path()).err().unwrap();
        assert!(error.is_integrity() && error.to_string().contains("manifest.json"), "{error}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&path, &bytes).unwrap();
        assert!(Archive::open(folder.path()).err().unwrap().is_integrity(), "byte {at}");
    }
    fs::remove_file(&path).unwrap();
    assert!(Archive::open(folder.path()).err().unwrap().is_integrity());
    assert!(Archive::read(folder.path()).err().unwrap().is_integrity());
    fs::write(&path, &whole).unwrap();
    use_all(folder.path()).unwrap();
}

#[test]
fn a_damaged_part_is_named() {
    let folder = small_archive();
    let expected = use_all(folder.path()).unwrap();
    for path in files_below(folder.path(), ".parquet") {
        let whole = fs::read(&path).unwrap();
        let damage = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let name = path.to_str().unwrap();
            let error = Archive::read(folder.path()).unwrap().transfers().err();
            let error = error.or_else(|| use_all(folder.path()).err()).unwrap();
            assert!(error.is_integrity() && error.to_string().contains(name), "{error}");
            let problems = Archive::read(folder.path()).unwrap().check();
            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].path, path);
        };
        for length in cuts(whole.len(), 60) {
            damage(&whole[..length]);
        }
        for at in (0..whole.len()).step_by(211) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            damage(&bytes);
        }
        fs::remove_file(&path).unwrap();
        assert!(use_all(folder.path()).err().unwrap().is_integrity());
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(use_all(folder.path()).unwrap(), expected);
}

/// Who asks the index for rows does not hash the whole part, but what is read of it is compared.
#[test]
fn no_row_of_a_changed_chunk_is_shown() {
    let folder = small_archive();
    use_all(folder.path()).unwrap();
    let expected = recorded(&Archive::read(folder.path()).unwrap());
    for path in files_below(folder.path(), ".parquet") {
        let whole = fs::read(&path).unwrap();
        let mut refused = 0;
        for at in (0..whole.len()).step_by(173) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x04;
            fs::write(&path, &bytes).unwrap();
            let index = Archive::read(folder.path()).unwrap().index().unwrap();
            for (row, told) in expected.iter().enumerate() {
                match index.transfer(row as u64) {
                    Ok(found) => assert_eq!(found, *told, "{} at {at}", path.display()),
                    Err(error) => {
                        let names_it = error.to_string().contains(path.to_str().unwrap());
                        assert!(error.is_integrity() && names_it, "{error}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused > 0, "{} was not read", path.display());
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_cut_index_file_is_rebuilt() {
    let folder = small_archive();
    use_all(folder.path()).unwrap();
    for path in files_below(&folder.path().join("index"), "") {
        let whole = fs::read(&path).unwrap();
        for length in [0, whole.len() / 2, whole.len().saturating_sub(1)] {
            if length >= whole.len() {
                continue; // an empty file cannot be cut
            }
            fs::write(&path, &whole[..length]).unwrap();
            use_all(folder.path()).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }
}

#[test]
fn a_flipped_index_byte_is_found_and_the_index_built_anew() {
    let folder = small_archive();
    use_all(folder.path()).unwrap();
    let archive = Archive::read(folder.path()).unwrap();
    for path in files_below(&folder.path().join("index"), "") {
        let whole = fs::read(&path).unwrap();
        for at in [0, whole.len() / 2, whole.len().saturating_sub(1)] {
            let Some(byte) = whole.get(at) else { continue };
            let mut bytes = whole.clone();
            bytes[at] = byte ^ 0x01;
            // A new file, as a damaged disk would show it to a new process.
            fs::remove_file(&path).unwrap();
            fs::write(&path, &bytes).unwrap();
            assert_eq!(archive.check().len(), 1, "{} at {at}", path.display());
            archive.index().unwrap();
            assert!(archive.check().is_empty(), "{} at {at}", path.display());
            assert_eq!(fs::read(&path).unwrap(), whole, "{} at {at}", path.display());
        }
    }
}

#[test]
fn a_part_of_another_size_is_found_beside_a_sound_index() {
    let folder = small_archive();
    use_all(folder.path()).unwrap();
    for path in files_below(folder.path(), ".parquet") {
        let whole = fs::read(&path).unwrap();
        let longer = [&whole[..], b"x"].concat();
        for bytes in [Some(&whole[..whole.len() - 1]), Some(&longer[..]), None] {
            match bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let error = Archive::read(folder.path()).unwrap().index().err().unwrap();
            let told = error.to_string();
            assert!(error.is_integrity() && told.contains(path.to_str().unwrap()), "{told}");
            assert!(told.contains("dyepack doctor"), "{told}");
        }
        fs::write(&path, &whole).unwrap();
        Archive::read(folder.path()).unwrap().index().unwrap();
    }
}

/// A reader goes on with its commit when a writer has merged the files away.
#[test]
fn a_part_that_was_merged_away_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let rows = random_world(5, 64);
    append(folder.path(), &batch("0", numbered(&rows[..2])));
    let before = files_below(folder.path(), ".parquet");
    let reader = Archive::read(folder.path()).unwrap();
    let count = reader.index().unwrap().rows();
    for (number, pair) in rows[2..].chunks(2).enumerate() {
        append(folder.path(), &batch(&format!("{}", number + 1), numbered(pair)));
    }
    assert!(before.iter().any(|path| !path.exists()), "nothing was merged");
    assert_eq!(reader.index().unwrap().rows(), count);
}

/// As on a disk that may only be read: the lock of the index cannot be made.
#[test]
fn an_index_that_cannot_be_built_says_where_to_build_it() {
    let folder = small_archive();
    fs::create_dir(folder.path().join("index.lock")).unwrap();
    let error = Archive::read(folder.path()).unwrap().index().err().unwrap();
    let told = error.to_string();
    assert!(matches!(error, ArchiveError::NoIndex { .. }) && !error.is_integrity(), "{told}");
    for part in
        [folder.path().to_str().unwrap(), "write permission", "dyepack doctor --rebuild-index"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}

fn journal_with(claims: &[&[u8]]) -> (tempfile::TempDir, PathBuf) {
    let folder = small_archive();
    let mut journal = Archive::read(folder.path()).unwrap().journal().unwrap();
    journal.append(&claims.iter().map(|claim| claim.to_vec()).collect::<Vec<_>>()).unwrap();
    let path = folder.path().join("claims.journal");
    (folder, path)
}

#[test]
fn a_torn_claim_is_cut_and_reported() {
    let claims: [&[u8]; 3] = [b"first", b"2", b"the third claim"];
    let (folder, path) = journal_with(&claims);
    let archive = Archive::read(folder.path()).unwrap();
    let whole = fs::read(&path).unwrap();
    let ends = [16, 16 + 17, 16 + 17 + 13, whole.len()];
    for length in 0..=whole.len() {
        for zeros in [0, 5] {
            let mut bytes = whole[..length].to_vec();
            bytes.resize(length + zeros, 0);
            fs::write(&path, &bytes).unwrap();
            let kept = ends.iter().filter(|end| **end <= length).count().saturating_sub(1);
            let (found, torn) = (archive.check(), archive.claims().map(|claims| claims.torn));
            // A header of which zeros took the rest is no longer a torn end; it may be refused.
            let mut journal = match archive.journal() {
                Ok(journal) => journal,
                Err(error) => {
                    assert!(zeros > 0 && error.is_integrity(), "{length}: {error}");
                    assert_eq!(found.len(), 1, "{length}");
                    continue;
                }
            };
            assert_eq!(journal.read().unwrap(), claims[..kept], "length {length}");
            let end = if length < 16 { 0 } else { ends[kept] };
            assert_eq!(journal.torn_bytes(), (length + zeros - end) as u64);
            assert_eq!(torn.unwrap(), journal.torn_bytes(), "told before it is cut");
            assert!(found.is_empty(), "a torn end is no damage: {found:?}");
            journal.append(&[b"next".to_vec()]).unwrap();
            assert_eq!(journal.read().unwrap().len(), kept + 1);
            assert!(archive.check().is_empty());
        }
    }
}

#[test]
fn a_changed_claim_names_its_offset() {
    let claims: [&[u8]; 3] = [b"first", b"the second claim", b"third"];
    let (folder, path) = journal_with(&claims);
    let archive = Archive::read(folder.path()).unwrap();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&path, &bytes).unwrap();
        let error = archive.journal().err().unwrap();
        assert!(error.is_integrity() && error.to_string().contains("claims.journal"));
        if (16..33).contains(&at) {
            assert!(error.to_string().contains("offset 16 "), "{error}");
        }
        assert_eq!(archive.check().len(), 1);
        assert_eq!(fs::read(&path).unwrap(), bytes, "damage is not touched");
    }
}

#[test]
fn two_hands_append_to_one_journal() {
    let (folder, _) = journal_with(&[b"one"]);
    let archive = Archive::read(folder.path()).unwrap();
    let (mut a, mut b) = (archive.journal().unwrap(), archive.journal().unwrap());
    a.append(&[b"two".to_vec()]).unwrap();
    b.append(&[b"three".to_vec()]).unwrap();
    a.append(&[vec![7; MAX_CLAIM]]).unwrap();
    assert!(matches!(b.append(&[vec![7; MAX_CLAIM + 1]]), Err(ArchiveError::TooLarge { .. })));
    let read = b.read().unwrap();
    assert_eq!(read.len(), 4);
    assert_eq!(read[..3], [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
}

#[test]
fn there_is_no_archive_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Archive::read(folder.path()).err().unwrap();
    assert!(matches!(missing, ArchiveError::Missing { .. }));
    Archive::open(folder.path()).unwrap();
    assert!(Archive::read(folder.path()).unwrap().chains().is_empty());
}
