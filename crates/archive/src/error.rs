//! What can go wrong between the archive and its disk. Every error names the file it is about.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Why the archive could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// A file is not what the archive committed: cut, changed or missing.
    #[error("{}: damaged: {what}", path.display())]
    Integrity { path: PathBuf, what: String },
    /// There is no archive in this folder.
    #[error("{}: no archive here", path.display())]
    Missing { path: PathBuf },
    /// Another process has this archive open for writing.
    #[error("{}: another process is writing to this archive", path.display())]
    Locked { path: PathBuf },
    /// The archive was opened by [`crate::Archive::read`].
    #[error("{}: opened for reading only", path.display())]
    ReadOnly { path: PathBuf },
    /// There is no index of what is committed, and none can be written.
    #[error(
        "{}: the index is not built yet; run `dyepack doctor --rebuild-index` once as a user with \
         write permission in this folder, or copy the archive to a folder of your own and name that \
         (--archive DIR): it cannot be written here: {source}",
        path.display()
    )]
    NoIndex { path: PathBuf, source: io::Error },
    /// A file cannot be a part of the archive where it lies.
    #[error("{}: cannot be read in place: {what}", path.display())]
    NotInPlace { path: PathBuf, what: String },
    /// Something is larger than this form of the archive can hold.
    #[error("{what}: more than {limit}")]
    TooLarge { what: &'static str, limit: u64 },
}

/// The result of everything that touches the disk.
pub type Result<T> = std::result::Result<T, ArchiveError>;

impl ArchiveError {
    /// True if the archive's files are damaged, as opposed to a disk that is full or a lock.
    pub fn is_integrity(&self) -> bool {
        matches!(self, ArchiveError::Integrity { .. })
    }

    pub(crate) fn not_in_place(path: &Path, what: impl Display) -> ArchiveError {
        ArchiveError::NotInPlace { path: path.to_path_buf(), what: what.to_string() }
    }

    pub(crate) fn integrity(path: &Path, what: impl Display) -> ArchiveError {
        ArchiveError::Integrity { path: path.to_path_buf(), what: what.to_string() }
    }
}

/// Puts the file's name beside an I/O error. A committed file that is gone is damage.
pub(crate) trait AtPath<T> {
    fn at(self, path: &Path) -> Result<T>;
    fn at_committed(self, path: &Path) -> Result<T>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|source| ArchiveError::Io { path: path.to_path_buf(), source })
    }

    fn at_committed(self, path: &Path) -> Result<T> {
        self.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ArchiveError::integrity(path, "the file is missing"),
            io::ErrorKind::UnexpectedEof => ArchiveError::integrity(path, "the file is cut short"),
            _ => ArchiveError::Io { path: path.to_path_buf(), source },
        })
    }
}
