//! The journal of claims: opaque records, appended and never changed.
//!
//! The file begins with 16 bytes that name it. A record is: its length (u32, little-endian), the
//! CRC-32 of those four bytes, its bytes, the CRC-32 of its bytes. The length has its own checksum,
//! so that a flipped bit in it is damage and not a record that seems to run past the end. A record
//! that a kill cut off is recognised because the file ends inside it (or holds only zeros from there
//! on, as some file systems leave it); it is cut on the next opening and reported.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{self, Disk, DiskFile, Opening};
use crate::error::{ArchiveError, AtPath, Result};

/// A claim longer than this is refused: 16 MiB.
pub const MAX_CLAIM: usize = 16 << 20;
const MAGIC: &[u8; 16] = b"dyepack.claims/1";

/// What a journal holds, read without touching it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Oldest first.
    pub claims: Vec<Vec<u8>>,
    /// Bytes of a torn record at the end, which are no claim: what a kill leaves of a write that it
    /// interrupted. No damage, since nobody was told that the write was done.
    pub torn: u64,
}

impl Claims {
    /// Reads a journal; a missing file is an empty one.
    pub(crate) fn read(disk: &Arc<dyn Disk>, path: &Path) -> Result<Claims> {
        let bytes = match disk::read_whole(disk, path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Claims::default());
            }
            bytes => bytes.at(path)?,
        };
        let mut claims = Vec::new();
        let end = scan(path, &bytes, 0, |claim| claims.push(claim.to_vec()))?;
        Ok(Claims { claims, torn: bytes.len() as u64 - end })
    }
}

/// The journal of an archive, open for appending and reading. Several processes may hold it: each
/// append and each reading takes the file's lock.
#[derive(Debug)]
pub struct Journal {
    file: DiskFile,
    /// Bytes of a torn record that this opening cut off.
    torn: u64,
    /// End of the last whole record, as far as this process knows.
    end: u64,
}

impl Journal {
    /// Opens or creates the journal and cuts a torn record off its end.
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path) -> Result<Journal> {
        let file = DiskFile::open(disk, path, Opening::Keep).at(path)?;
        let mut journal = Journal { file, torn: 0, end: 0 };
        journal.file.file.lock().at(path)?;
        let recovered = journal.recover();
        let _ = journal.file.file.unlock();
        recovered?;
        if journal.end <= MAGIC.len() as u64 {
            // Whoever made it may not have come to this; nothing is appended before.
            disk::sync_name(&**disk, path)?;
        }
        Ok(journal)
    }

    /// Bytes of a torn record that opening cut off; 0 after an orderly end.
    pub fn torn_bytes(&self) -> u64 {
        self.torn
    }

    /// Appends records, in order. All are on the disk when this returns; a crash on the way leaves some
    /// of the first ones.
    pub fn append(&mut self, claims: &[Vec<u8>]) -> Result<()> {
        if claims.iter().any(|claim| claim.len() > MAX_CLAIM) {
            return Err(ArchiveError::TooLarge {
                what: "bytes of a claim",
                limit: MAX_CLAIM as u64,
            });
        }
        self.file.file.lock().at(self.file.path())?;
        let appended = self.recover().and_then(|_| self.append_locked(claims));
        let _ = self.file.file.unlock();
        appended
    }

    /// All records, oldest first.
    pub fn read(&mut self) -> Result<Vec<Vec<u8>>> {
        self.file.file.lock().at(self.file.path())?;
        let bytes = self.file.read_from(0).at(self.file.path());
        let _ = self.file.file.unlock();
        let mut claims = Vec::new();
        scan(self.file.path(), &bytes?, 0, |claim| claims.push(claim.to_vec()))?;
        Ok(claims)
    }

    fn append_locked(&mut self, claims: &[Vec<u8>]) -> Result<()> {
        let mut record = Vec::new();
        for claim in claims {
            let length = (claim.len() as u32).to_le_bytes();
            record.extend(length);
            record.extend(crc32fast::hash(&length).to_le_bytes());
            record.extend(claim);
            record.extend(crc32fast::hash(claim).to_le_bytes());
        }
        let written = self.file.write(&record, self.end).and_then(|()| self.file.sync());
        if written.is_err() {
            let _ = self.file.cut(self.end);
        } else {
            self.end += record.len() as u64;
        }
        written.at(self.file.path())
    }

    /// Reads what was appended since, by this process or another, and cuts a torn end off.
    fn recover(&mut self) -> Result<()> {
        let path = self.file.path();
        let length = self.file.file.metadata().at(path)?.len();
        if length == self.end && length > 0 {
            return Ok(());
        }
        let from = if length < self.end { 0 } else { self.end };
        let bytes = self.file.read_from(from).at(path)?;
        let end = scan(path, &bytes, from, |_| {})?;
        if end < length {
            self.torn += length - end;
            self.file.cut(end).at(path)?;
        }
        if end == 0 {
            let begun = self.file.write(MAGIC, 0).and_then(|()| self.file.sync());
            if begun.is_err() {
                // Nobody may take for a beginning what a later sync need not bring to the disk.
                let _ = self.file.cut(0);
            }
            begun.at(path)?;
        } else {
            self.file.sync().at(path)?;
        }
        self.end = end.max(MAGIC.len() as u64);
        Ok(())
    }
}

/// Visits the whole records in `bytes`, which begin at `start` of the file, and returns the offset
/// in the file where they end: its end, or the beginning of a torn record.
fn scan(path: &Path, bytes: &[u8], start: u64, mut visit: impl FnMut(&[u8])) -> Result<u64> {
    let mut at = 0;
    if start == 0 {
        let solid = solid(bytes);
        if solid < MAGIC.len() && bytes[..solid] == MAGIC[..solid] {
            return Ok(0);
        }
        if !bytes.starts_with(MAGIC) {
            return Err(ArchiveError::integrity(path, "not a journal of claims"));
        }
        at = MAGIC.len();
    }
    while at < bytes.len() {
        match record(&bytes[at..]) {
            Frame::Whole { claim, length } => {
                visit(claim);
                at += length;
            }
            Frame::Torn => break,
            Frame::Damaged => {
                let what = format!("the record at offset {} was changed", start + at as u64);
                return Err(ArchiveError::integrity(path, what));
            }
        }
    }
    Ok(start + at as u64)
}

/// How many bytes there are before the zeros at the end: a write of which only the beginning reached the
/// disk may have left zeros for the rest of it.
fn solid(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

enum Frame<'a> {
    Whole { claim: &'a [u8], length: usize },
    Torn,
    Damaged,
}

/// Reads the record at the beginning of `rest`.
fn record(rest: &[u8]) -> Frame<'_> {
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(rest.get(at..at + 4)?.try_into().ok()?))
    };
    let solid = solid(rest);
    let (Some(length), Some(check)) = (word(0), word(4)) else { return Frame::Torn };
    if crc32fast::hash(&length.to_le_bytes()) != check || length as usize > MAX_CLAIM {
        return if solid < 8 { Frame::Torn } else { Frame::Damaged };
    }
    let end = 8 + length as usize;
    let (Some(claim), Some(check)) = (rest.get(8..end), word(end)) else { return Frame::Torn };
    let right = crc32fast::hash(claim);
    if right == check {
        return Frame::Whole { claim, length: end + 4 };
    }
    // The last record, also of several that were written at once, whose end never reached the disk.
    let (found, right) = (check.to_le_bytes(), right.to_le_bytes());
    let arrived = solid.saturating_sub(end);
    if arrived < 4 && found[..arrived] == right[..arrived] { Frame::Torn } else { Frame::Damaged }
}
