//! The journal of claims: opaque records, appended and never changed.
//!
//! The file begins with 16 bytes that name it. A record is: its length (u32, little-endian), the
//! CRC-32 of those four bytes, its bytes, the CRC-32 of its bytes. The length has its own checksum,
//! so that a flipped bit in it is damage and not a record that seems to run past the end. A record
//! that a kill cut off is recognised because the file ends inside it (or holds only zeros from there
//! on, as some file systems leave it); it is cut on the next opening and reported.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::disk;
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
    pub(crate) fn read(path: &Path) -> Result<Claims> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
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
    path: PathBuf,
    file: File,
    /// Bytes of a torn record that this opening cut off.
    torn: u64,
    /// End of the last whole record, as far as this process knows.
    end: u64,
}

impl Journal {
    /// Opens or creates the journal and cuts a torn record off its end.
    pub(crate) fn open(path: &Path) -> Result<Journal> {
        let existed = path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .at(path)?;
        let mut journal = Journal { path: path.to_path_buf(), file, torn: 0, end: 0 };
        journal.file.lock().at(path)?;
        let recovered = journal.recover();
        let _ = journal.file.unlock();
        recovered?;
        if !existed {
            path.parent().map_or(Ok(()), disk::sync_folder)?;
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
        self.file.lock().at(&self.path)?;
        let appended = self.recover().and_then(|_| self.append_locked(claims));
        let _ = self.file.unlock();
        appended
    }

    /// All records, oldest first.
    pub fn read(&mut self) -> Result<Vec<Vec<u8>>> {
        self.file.lock().at(&self.path)?;
        let bytes = self.bytes_from(0);
        let _ = self.file.unlock();
        let mut claims = Vec::new();
        scan(&self.path, &bytes?, 0, |claim| claims.push(claim.to_vec()))?;
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
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(&record))
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            let _ = self.file.set_len(self.end);
        } else {
            self.end += record.len() as u64;
        }
        written.at(&self.path)
    }

    /// Reads what was appended since, by this process or another, and cuts a torn end off.
    fn recover(&mut self) -> Result<()> {
        let length = self.file.metadata().at(&self.path)?.len();
        if length == self.end && length > 0 {
            return Ok(());
        }
        let from = if length < self.end { 0 } else { self.end };
        let bytes = self.bytes_from(from)?;
        let end = scan(&self.path, &bytes, from, |_| {})?;
        if end < length {
            self.torn += length - end;
            self.file.set_len(end).at(&self.path)?;
        }
        if end == 0 {
            self.file.seek(SeekFrom::Start(0)).at(&self.path)?;
            self.file.write_all(MAGIC).at(&self.path)?;
        }
        self.file.sync_all().at(&self.path)?;
        self.end = end.max(MAGIC.len() as u64);
        Ok(())
    }

    fn bytes_from(&mut self, from: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(from)).at(&self.path)?;
        self.file.read_to_end(&mut bytes).at(&self.path)?;
        Ok(bytes)
    }
}

/// Visits the whole records in `bytes`, which begin at `start` of the file, and returns the offset
/// in the file where they end: its end, or the beginning of a torn record.
fn scan(path: &Path, bytes: &[u8], start: u64, mut visit: impl FnMut(&[u8])) -> Result<u64> {
    let mut at = 0;
    if start == 0 {
        if bytes.len() < MAGIC.len() && is_torn(bytes, MAGIC) {
            return Ok(0);
        }
        if bytes.iter().all(|b| *b == 0) {
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

fn is_torn(bytes: &[u8], whole: &[u8]) -> bool {
    whole.starts_with(bytes) || bytes.iter().all(|b| *b == 0)
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
    if rest.iter().all(|b| *b == 0) {
        return Frame::Torn;
    }
    let (Some(length), Some(check)) = (word(0), word(4)) else { return Frame::Torn };
    if crc32fast::hash(&length.to_le_bytes()) != check || length as usize > MAX_CLAIM {
        return Frame::Damaged;
    }
    let end = 8 + length as usize;
    let (Some(claim), Some(check)) = (rest.get(8..end), word(end)) else { return Frame::Torn };
    if crc32fast::hash(claim) == check {
        return Frame::Whole { claim, length: end + 4 };
    }
    // A last record whose end never reached the disk reads as zeros there.
    if rest.len() == end + 4 && check == 0 { Frame::Torn } else { Frame::Damaged }
}
