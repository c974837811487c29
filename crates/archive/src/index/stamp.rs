//! The stamp of an index: which transfers it was built from, and what its files must be.

use std::fs;
use std::path::Path;

use ledger::Chain;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::{ArchiveError, AtPath, Result};

const NAME: &str = "stamp.json";
/// Changes whenever the layout does; an index with another number is rebuilt.
const FORMAT: u32 = 1;
/// An index of at most this size is hashed whenever it is opened: a fraction of a second.
const VERIFIED_BYTES: u64 = 256 << 20;

/// One file of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStamp {
    pub(super) name: String,
    pub(super) records: u64,
    #[serde(with = "hex::serde")]
    pub(super) sha256: [u8; 32],
}

impl FileStamp {
    /// Hashes the file and compares.
    pub(super) fn verify(&self, folder: &Path) -> Result<()> {
        let path = folder.join(&self.name);
        match disk::hash_file(&path)? == self.sha256 {
            true => Ok(()),
            false => Err(ArchiveError::integrity(&path, "its content was changed")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    #[serde(rename = "dyepack.index")]
    format: u32,
    /// The digest of the transfers it was built from.
    #[serde(with = "hex::serde")]
    transfers: [u8; 32],
    /// What the chain numbers mean.
    chains: Vec<String>,
    pub(super) files: Vec<FileStamp>,
}

fn chain_names() -> Vec<String> {
    Chain::all().map(|chain| chain.name().to_string()).collect()
}

impl Stamp {
    pub(super) fn new(transfers: [u8; 32], mut files: Vec<FileStamp>) -> Stamp {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Stamp { format: FORMAT, transfers, chains: chain_names(), files }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let text =
            serde_json::to_vec_pretty(self).map_err(|e| ArchiveError::integrity(&path, e))?;
        disk::write_atomically(&path, &text)
    }

    /// Reads the stamp of `folder`, which must be of these transfers and of this program's chains.
    pub(super) fn read(folder: &Path, transfers: [u8; 32]) -> Result<Stamp> {
        let path = folder.join(NAME);
        let text = fs::read(&path).at_committed(&path)?;
        let stamp: Stamp =
            serde_json::from_slice(&text).map_err(|e| ArchiveError::integrity(&path, e))?;
        if stamp.format != FORMAT || stamp.transfers != transfers || stamp.chains != chain_names() {
            return Err(ArchiveError::integrity(&path, "the stamp of another index"));
        }
        Ok(stamp)
    }

    /// Verifies every file, if all together are few enough bytes to read on each opening.
    pub(super) fn verify_small(&self, folder: &Path) -> Result<()> {
        let mut bytes = 0;
        for file in &self.files {
            let path = folder.join(&file.name);
            bytes += fs::metadata(&path).at_committed(&path)?.len();
        }
        match bytes > VERIFIED_BYTES {
            true => Ok(()),
            false => self.files.iter().try_for_each(|file| file.verify(folder)),
        }
    }

    /// Records of a file; an index without it is damaged.
    pub(super) fn records(&self, folder: &Path, name: &str) -> Result<u64> {
        let file = self.files.iter().find(|file| file.name == name);
        file.map(|file| file.records)
            .ok_or_else(|| ArchiveError::integrity(&folder.join(name), "not in the stamp"))
    }
}
