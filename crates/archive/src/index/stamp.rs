//! The stamp of an index: which transfers it was built from, and what its segments must be.
//!
//! One line with the SHA-256 of all that follows, then a JSON document.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::layout::FORMAT;
use super::segment::Segment;
use super::sums::PartStamp;
use crate::disk::{self, Disk};
use crate::error::{ArchiveError, AtPath, Result};

/// An index of at most this size is hashed whenever it is opened: a fraction of a second.
const VERIFIED_BYTES: u64 = 256 << 20;
/// A stamp longer than this is refused unread.
const MAX_BYTES: u64 = 1 << 28;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStamp {
    pub(super) name: String,
    bytes: u64,
    #[serde(with = "hex::serde")]
    sha256: [u8; 32],
}

/// The files of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SegmentStamp {
    pub(super) rows: u64,
    segment: FileStamp,
    origins: FileStamp,
}

impl FileStamp {
    /// Gives a synced file the name that follows from its first row and its hash.
    pub(super) fn settle(
        disk: &Arc<dyn Disk>,
        temporary: &Path,
        first: u64,
        kind: &str,
        (sha256, bytes): ([u8; 32], u64),
    ) -> Result<FileStamp> {
        let name = format!("{first:012}-{}.{kind}", hex::encode(&sha256[..8]));
        let path = temporary.with_file_name(&name);
        disk.rename(temporary, &path).at(&path)?;
        Ok(FileStamp { name, bytes, sha256 })
    }

    /// Hashes the file and compares.
    pub(super) fn verify(&self, disk: &Arc<dyn Disk>, folder: &Path) -> Result<()> {
        let path = folder.join(&self.name);
        match disk::hash_file(disk, &path)? == self.sha256 {
            true => Ok(()),
            false => Err(ArchiveError::integrity(&path, "its content was changed")),
        }
    }

    fn verify_length(&self, disk: &Arc<dyn Disk>, folder: &Path) -> Result<()> {
        let path = folder.join(&self.name);
        match disk.length(&path).at_committed(&path)? {
            bytes if bytes == self.bytes => Ok(()),
            bytes => {
                let what = format!("{bytes} bytes long instead of {}", self.bytes);
                Err(ArchiveError::integrity(&path, what))
            }
        }
    }
}

impl SegmentStamp {
    pub(super) fn new(rows: u64, segment: FileStamp, origins: FileStamp) -> SegmentStamp {
        SegmentStamp { rows, segment, origins }
    }

    /// Maps the segment; of its content only the length is verified.
    pub(super) fn open(&self, disk: &Arc<dyn Disk>, folder: &Path) -> Result<Segment> {
        self.segment.verify_length(disk, folder)?;
        self.origins.verify_length(disk, folder)?;
        Segment::open(disk, &folder.join(&self.segment.name), &folder.join(&self.origins.name))
    }

    fn files(&self) -> [&FileStamp; 2] {
        [&self.segment, &self.origins]
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    #[serde(rename = "dyepack.index")]
    format: u16,
    /// The digest of the transfers it was built from.
    #[serde(with = "hex::serde")]
    transfers: [u8; 32],
    /// The parts that were committed then, in order of number.
    pub(super) parts: Vec<PartStamp>,
    /// In order of their rows.
    pub(super) segments: Vec<SegmentStamp>,
}

/// What every stamp says, of whatever format.
#[derive(Deserialize)]
struct OfFormat {
    #[serde(rename = "dyepack.index")]
    format: u16,
}

/// Name of the stamp of an index of these transfers.
pub(super) fn file_name(transfers: &[u8; 32]) -> String {
    format!("{}.json", hex::encode(&transfers[..16]))
}

impl Stamp {
    pub(super) fn new(
        transfers: [u8; 32],
        parts: Vec<PartStamp>,
        segments: Vec<SegmentStamp>,
    ) -> Stamp {
        Stamp { format: FORMAT, transfers, parts, segments }
    }

    pub(super) fn write(&self, disk: &Arc<dyn Disk>, folder: &Path) -> Result<()> {
        let path = folder.join(file_name(&self.transfers));
        let json = serde_json::to_string(self).map_err(|e| ArchiveError::integrity(&path, e))?;
        let json = format!("{json}\n");
        let text = format!("{}\n{json}", hex::encode(Sha256::digest(json.as_bytes())));
        disk::write_atomically(disk, &path, text.as_bytes())
    }

    /// Reads a stamp, of whatever transfers; `None` for a sound one of another format.
    fn load(disk: &Arc<dyn Disk>, path: &Path) -> Result<Option<Stamp>> {
        let bad = |what: &dyn std::fmt::Display| ArchiveError::integrity(path, what);
        if disk.length(path).at_committed(path)? > MAX_BYTES {
            return Err(bad(&"longer than any stamp"));
        }
        let text = disk::read_whole(disk, path).at_committed(path)?;
        let text = String::from_utf8(text).map_err(|error| bad(&error))?;
        let (hash, json) = text.split_once('\n').ok_or_else(|| bad(&"no stamp of an index"))?;
        if hex::encode(Sha256::digest(json.as_bytes())) != hash {
            return Err(bad(&"its own checksum does not match"));
        }
        let stamp: OfFormat = serde_json::from_str(json).map_err(|error| bad(&error))?;
        if stamp.format != FORMAT {
            return Ok(None);
        }
        let stamp: Stamp = serde_json::from_str(json).map_err(|error| bad(&error))?;
        if stamp.files().any(|file| file.name.contains(['/', '\\'])) {
            return Err(bad(&"it names files of other folders"));
        }
        Ok(Some(stamp))
    }

    /// All files that belong to the index beside the stamp.
    pub(super) fn files(&self) -> impl Iterator<Item = &FileStamp> {
        let segments = self.segments.iter().flat_map(SegmentStamp::files);
        segments.chain(self.parts.iter().map(|part| &part.sums))
    }

    pub(super) fn part(&self, number: u64) -> Option<&PartStamp> {
        self.parts.iter().find(|part| part.number == number)
    }

    /// Reads the stamp of the index of these transfers; `None` if it is one of another format.
    pub(super) fn read(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        transfers: [u8; 32],
    ) -> Result<Option<Stamp>> {
        let path = folder.join(file_name(&transfers));
        match Stamp::load(disk, &path)? {
            Some(stamp) if stamp.transfers != transfers => {
                Err(ArchiveError::integrity(&path, "the stamp of another index"))
            }
            stamp => Ok(stamp),
        }
    }

    /// The stamp of an earlier index in the folder, if there is a sound one.
    pub(super) fn any(disk: &Arc<dyn Disk>, folder: &Path) -> Option<Stamp> {
        let mut names = disk.names(folder).ok()?;
        names.retain(|name| name.ends_with(".json"));
        names.sort();
        names.iter().find_map(|name| Stamp::load(disk, &folder.join(name)).ok().flatten())
    }

    /// Compares the content of all files, if they are few enough bytes to be read on each opening.
    pub(super) fn verify_small(&self, disk: &Arc<dyn Disk>, folder: &Path) -> Result<()> {
        match self.files().map(|file| file.bytes).sum::<u64>() > VERIFIED_BYTES {
            true => Ok(()),
            false => self.files().try_for_each(|file| file.verify(disk, folder)),
        }
    }
}
