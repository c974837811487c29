//! Movements on their way from rows to ledgers: written in order of rows, read back pot by pot, with
//! bounded memory. Pots are gathered by 2^16; what one such bucket has collected goes to a temporary
//! file whenever its buffer is full.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::piece::{read_number, write_number};
use crate::disk::{Disk, DiskFile, Opening};
use crate::error::{ArchiveError, AtPath, Result};

/// Pots of a bucket.
pub(super) const BUCKET: u32 = 1 << 16;
/// Bytes that a bucket holds in memory.
const BUFFER: usize = 32 << 10;
/// Set in a movement's row where value arrives.
const ARRIVES: u32 = 1 << 31;

/// One pot in one row.
#[derive(Clone, Copy)]
pub(super) struct Movement {
    pub(super) pot: u32,
    /// Counted from the segment's first row.
    pub(super) row: u32,
    pub(super) arrives: bool,
    pub(super) amount: u128,
}

pub(super) struct Spill {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Option<DiskFile>,
    end: u64,
    buckets: Vec<Bucket>,
}

#[derive(Default)]
struct Bucket {
    buffer: Vec<u8>,
    /// Offset and length of what is in the file.
    blocks: Vec<(u64, usize)>,
}

impl Spill {
    /// A spill whose file, if it comes to need one, is made at `path`.
    pub(super) fn new(disk: &Arc<dyn Disk>, path: &Path) -> Spill {
        let (disk, path) = (Arc::clone(disk), path.to_path_buf());
        Spill { disk, path, file: None, end: 0, buckets: Vec::new() }
    }

    pub(super) fn push(&mut self, movement: Movement) -> Result<()> {
        let at = (movement.pot / BUCKET) as usize;
        if at >= self.buckets.len() {
            self.buckets.resize_with(at + 1, Bucket::default);
        }
        let bucket = &mut self.buckets[at];
        let row = movement.row | if movement.arrives { ARRIVES } else { 0 };
        bucket.buffer.extend_from_slice(&((movement.pot % BUCKET) as u16).to_le_bytes());
        bucket.buffer.extend_from_slice(&row.to_le_bytes());
        write_number(&mut bucket.buffer, movement.amount);
        if bucket.buffer.len() >= BUFFER { self.flush(at) } else { Ok(()) }
    }

    fn flush(&mut self, at: usize) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                none.insert(DiskFile::open(&self.disk, &self.path, Opening::New).at(&self.path)?)
            }
        };
        let bucket = &mut self.buckets[at];
        file.write(&bucket.buffer, self.end).at(&self.path)?;
        bucket.blocks.push((self.end, bucket.buffer.len()));
        self.end += bucket.buffer.len() as u64;
        bucket.buffer.clear();
        Ok(())
    }

    /// Hands out the movements of a bucket in order of rows. Its memory is given back.
    pub(super) fn drain(&mut self, at: usize, mut visit: impl FnMut(Movement)) -> Result<()> {
        let Some(bucket) = self.buckets.get_mut(at).map(std::mem::take) else { return Ok(()) };
        let first = at as u32 * BUCKET;
        let mut block = Vec::new();
        for (offset, length) in bucket.blocks {
            block.resize(length, 0);
            if let Some(file) = &self.file
                && file.read(&mut block, offset).at(&self.path)? < length
            {
                return Err(ArchiveError::integrity(&self.path, "the file is cut short"));
            }
            self.visit(first, &block, &mut visit)?;
        }
        self.visit(first, &bucket.buffer, &mut visit)
    }

    fn visit(&self, first: u32, mut bytes: &[u8], visit: &mut impl FnMut(Movement)) -> Result<()> {
        let bad = || ArchiveError::integrity(&self.path, "a temporary file was changed");
        while let Some((head, rest)) = bytes.split_first_chunk::<6>() {
            bytes = rest;
            let pot = first + u32::from(u16::from_le_bytes([head[0], head[1]]));
            let row = u32::from_le_bytes([head[2], head[3], head[4], head[5]]);
            let amount = read_number(&mut bytes).ok_or_else(bad)?;
            visit(Movement { pot, row: row & !ARRIVES, arrives: row & ARRIVES != 0, amount });
        }
        if bytes.is_empty() { Ok(()) } else { Err(bad()) }
    }

    /// Removes the file, if there is one.
    pub(super) fn remove(&mut self) {
        if self.file.take().is_some() {
            // What stays is removed with the next build.
            let _ = self.disk.remove(&self.path);
        }
    }
}
