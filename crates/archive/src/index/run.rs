//! Names that were numbered and had to leave memory: in order of their bytes in a temporary file, through
//! which many are looked for at once, in one pass.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, Opening};
use crate::error::{AtPath, Result};
use crate::names::{Name, NameBook};

/// Bytes read or written at once.
const BUFFER: usize = 1 << 20;

/// A file of (length u8, name, number u32), by name. It goes with the value.
pub(super) struct NameRun {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

/// A file from its beginning on.
struct Ahead {
    file: DiskFile,
    at: u64,
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Write for Ahead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes, self.at)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A name that is looked for, and who asks.
pub(super) struct Wanted {
    pub(super) name: Name,
    pub(super) asker: u32,
    pub(super) found: Option<u32>,
}

impl NameRun {
    /// Writes all names of a book.
    pub(super) fn write(disk: &Arc<dyn Disk>, book: &NameBook, path: &Path) -> Result<NameRun> {
        let file = DiskFile::open(disk, path, Opening::New).at(path)?;
        let mut out = BufWriter::with_capacity(BUFFER, Ahead { file, at: 0 });
        for (name, number) in book.by_name() {
            // No name is longer than 44 bytes.
            let record = [&[name.len() as u8], name, &number.to_le_bytes()];
            record.iter().try_for_each(|part| out.write_all(part)).at(path)?;
        }
        out.flush().at(path)?;
        Ok(NameRun { disk: Arc::clone(disk), path: path.to_path_buf() })
    }

    /// Finds those of `wanted`, which ascend by name, that are here.
    pub(super) fn find_all(&self, wanted: &mut [Wanted]) -> Result<()> {
        let file = DiskFile::open(&self.disk, &self.path, Opening::Read).at(&self.path)?;
        let mut file = BufReader::with_capacity(BUFFER, Ahead { file, at: 0 });
        let mut record = [0; 256];
        let mut left = wanted.iter_mut().peekable();
        while left.peek().is_some() {
            let mut length = [0];
            match file.read_exact(&mut length) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                other => other.at(&self.path)?,
            }
            let own = usize::from(length[0]);
            let record = &mut record[..own + 4];
            file.read_exact(record).at(&self.path)?;
            let (name, number) = record.split_at(own);
            while left.next_if(|wanted| wanted.name.bytes() < name).is_some() {}
            while let Some(wanted) = left.next_if(|wanted| wanted.name.bytes() == name) {
                wanted.found = number.first_chunk().map(|number| u32::from_le_bytes(*number));
            }
        }
        Ok(())
    }
}

impl Drop for NameRun {
    fn drop(&mut self) {
        // What stays is removed with the next build.
        let _ = self.disk.remove(&self.path);
    }
}
