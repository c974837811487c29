//! The few ways in which the archive touches the disk: files that appear whole or not at all,
//! hashes of files, and read-only maps.
//!
//! A new file is written under a temporary name, synced, renamed, and its folder synced. Whatever a
//! kill leaves behind carries a name that nothing refers to.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use memmap2::Mmap;
use sha2::{Digest, Sha256};

use crate::error::{AtPath, Result};

#[cfg(target_endian = "big")]
compile_error!("the index is mapped as little-endian records");

/// Bytes read at once where a whole file is hashed.
const CHUNK: usize = 1 << 20;

/// Syncs a folder, so that a rename in it survives a power failure.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|file| file.sync_all()).at(folder)
}

/// Replaces `path` by `bytes`, wholly or not at all.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary).at(&temporary)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).at(&temporary)?;
    drop(file);
    fs::rename(&temporary, path).at(path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// SHA-256 of a committed file.
pub(crate) fn hash_file(path: &Path) -> Result<[u8; 32]> {
    let mut file = File::open(path).at_committed(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk).at(path)? {
            0 => return Ok(hasher.finalize().into()),
            n => hasher.update(&chunk[..n]),
        }
    }
}

/// A file that hashes what is written to it.
pub(crate) struct HashingFile {
    file: File,
    hasher: Sha256,
    bytes: u64,
}

impl HashingFile {
    pub(crate) fn create(path: &Path) -> Result<HashingFile> {
        Ok(HashingFile { file: File::create(path).at(path)?, hasher: Sha256::new(), bytes: 0 })
    }

    /// Syncs the file; its hash and length.
    pub(crate) fn finish(self, path: &Path) -> Result<([u8; 32], u64)> {
        self.file.sync_all().at(path)?;
        Ok((self.hasher.finalize().into(), self.bytes))
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Maps a file of the index.
///
/// Sound because index files are written under a temporary name, synced and renamed before anyone
/// maps them, and are never written again: a rebuild makes new files and unlinks the old ones,
/// which leaves existing maps intact. Every bit pattern is a valid record (`bytemuck::Pod`). Only somebody
/// who truncates the file from outside can hurt us, and then the process is stopped (SIGBUS).
#[allow(unsafe_code)]
pub(crate) fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: see above.
    unsafe { Mmap::map(file) }
}
