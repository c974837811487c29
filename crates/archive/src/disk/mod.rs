//! The few ways in which the archive touches the disk: one trait with what is asked of a disk, and above it
//! files that appear whole or not at all, hashes of files, and read-only maps.
//!
//! A new file is written under a temporary name, synced, renamed, and its folder synced. Whatever a
//! kill leaves behind carries a name that nothing refers to. All goes through [`Disk`], so that tests can
//! put one in its place that fills up, fails, or loses what was not synced.

mod real;
mod sums;

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use sha2::{Digest, Sha256};

use crate::error::{AtPath, Result};
pub use real::RealDisk;
pub(crate) use sums::{SUMMED, SummedFile, Sums};

#[cfg(target_endian = "big")]
compile_error!("the index is mapped as little-endian records");

/// Bytes read at once where a whole file is hashed.
const CHUNK: usize = 1 << 20;

/// For what a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It is there, and is only read.
    Read,
    /// It is made, or emptied if it is there; for writing and reading.
    New,
    /// It is made if it is not there, and keeps what it holds; for writing and reading.
    Keep,
}

/// What the archive asks of a disk. Nothing is durable before it was synced: the bytes of a file by
/// [`Disk::sync`], a name made, changed or removed by [`Disk::sync_folder`]. Files are real ones, so that
/// they can be mapped, locked, and handed to the Parquet library; they are written and synced by the disk
/// that opened them, under the path under which it did.
pub trait Disk: Debug + Send + Sync {
    fn open(&self, path: &Path, how: Opening) -> io::Result<File>;
    /// Reads some bytes from offset `at` on; 0 at the file's end.
    fn read(&self, path: &Path, file: &File, into: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at offset `at`; some of them may have been written if it fails.
    fn write(&self, path: &Path, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Makes a file `length` bytes long.
    fn cut(&self, path: &Path, file: &File, length: u64) -> io::Result<()>;
    fn sync(&self, path: &Path, file: &File) -> io::Result<()>;
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes one folder in one that is there.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Gives a file another name in its folder; a file that had it is gone.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and all that is in it.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;
    /// Names of what is in a folder, in any order, but those that are no text.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// The path of what is there, from the root on, with every link followed.
    fn true_path(&self, path: &Path) -> io::Result<PathBuf>;
    /// How many bytes a file has.
    fn length(&self, path: &Path) -> io::Result<u64>;
}

/// A file and the disk that it lies on.
#[derive(Debug)]
pub(crate) struct DiskFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    pub(crate) file: File,
}

impl DiskFile {
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path, how: Opening) -> io::Result<DiskFile> {
        let file = disk.open(path, how)?;
        Ok(DiskFile { disk: Arc::clone(disk), path: path.to_path_buf(), file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.write(&self.path, &self.file, bytes, at)
    }

    pub(crate) fn cut(&self, length: u64) -> io::Result<()> {
        self.disk.cut(&self.path, &self.file, length)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.path, &self.file)
    }

    /// Fills `into` with what stands at `at` as far as there is something; how many bytes there were.
    pub(crate) fn read(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            let rest = &mut into[filled..];
            match self.disk.read(&self.path, &self.file, rest, at + filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        Ok(filled)
    }

    /// All bytes from `at` on.
    pub(crate) fn read_from(&self, at: u64) -> io::Result<Vec<u8>> {
        let length = self.file.metadata()?.len().saturating_sub(at);
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        let read = self.read(&mut bytes, at)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

/// Syncs a folder, so that a rename in it survives a power failure.
pub(crate) fn sync_folder(disk: &dyn Disk, folder: &Path) -> Result<()> {
    disk.sync_folder(folder).at(folder)
}

/// Syncs the folder in which a file or folder lies.
pub(crate) fn sync_name(disk: &dyn Disk, path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_folder(disk, Path::new(".")),
        Some(parent) => sync_folder(disk, parent),
        None => Ok(()),
    }
}

/// Syncs all folders above one, so that it survives a power failure whoever made it and them. Where somebody
/// may not read, or folders cannot be synced, what is above was there before.
pub(crate) fn sync_way_to(disk: &dyn Disk, folder: &Path) -> Result<()> {
    for above in folder.ancestors().skip(1) {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match disk.sync_folder(above) {
            Err(error) if is_no_failure(error.kind()) => return Ok(()),
            synced => synced.at(above)?,
        }
    }
    Ok(())
}

fn is_no_failure(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem, Unsupported};
    matches!(kind, PermissionDenied | ReadOnlyFilesystem | InvalidInput | Unsupported)
}

/// Makes a folder, and those above it that are missing.
pub(crate) fn make_folders(disk: &dyn Disk, folder: &Path) -> Result<()> {
    match disk.make_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Some(parent) = folder.parent() else { return Err(error).at(folder) };
            make_folders(disk, parent)?;
            make_folders(disk, folder)
        }
        made => made.at(folder),
    }
}

/// All bytes of a file.
pub(crate) fn read_whole(disk: &Arc<dyn Disk>, path: &Path) -> io::Result<Vec<u8>> {
    DiskFile::open(disk, path, Opening::Read)?.read_from(0)
}

/// Replaces `path` by `bytes`, wholly or not at all.
pub(crate) fn write_atomically(disk: &Arc<dyn Disk>, path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let file = DiskFile::open(disk, &temporary, Opening::New).at(&temporary)?;
    file.write(bytes, 0).and_then(|()| file.sync()).at(&temporary)?;
    drop(file);
    disk.rename(&temporary, path).at(path)?;
    sync_name(&**disk, path)
}

/// SHA-256 of a committed file.
pub(crate) fn hash_file(disk: &Arc<dyn Disk>, path: &Path) -> Result<[u8; 32]> {
    let file = DiskFile::open(disk, path, Opening::Read).at_committed(path)?;
    let mut hasher = Sha256::new();
    let (mut chunk, mut at) = (vec![0; CHUNK], 0);
    loop {
        match file.read(&mut chunk, at).at(path)? {
            0 => return Ok(hasher.finalize().into()),
            n => {
                hasher.update(&chunk[..n]);
                at += n as u64;
            }
        }
    }
}

/// A file that hashes what is written to it.
pub(crate) struct HashingFile {
    file: DiskFile,
    hasher: Sha256,
    bytes: u64,
}

impl HashingFile {
    pub(crate) fn create(disk: &Arc<dyn Disk>, path: &Path) -> Result<HashingFile> {
        let file = DiskFile::open(disk, path, Opening::New).at(path)?;
        Ok(HashingFile { file, hasher: Sha256::new(), bytes: 0 })
    }

    /// Syncs the file; its hash and length.
    pub(crate) fn finish(self) -> Result<([u8; 32], u64)> {
        self.file.sync().at(self.file.path())?;
        Ok((self.hasher.finalize().into(), self.bytes))
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes, self.bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
