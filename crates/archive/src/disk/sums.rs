//! Hashes of a file's chunks: with them a few bytes of a large file are read and known to be those that were
//! committed, without reading the rest.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use sha2::{Digest, Sha256};

use super::{Disk, DiskFile, Opening};
use crate::error::{AtPath, Result};

/// Bytes of a chunk; the last may have fewer.
pub(crate) const SUMMED: usize = 1 << 16;

/// The SHA-256 of each chunk of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) bytes: u64,
    pub(crate) chunks: Vec<[u8; 32]>,
}

impl Sums {
    /// The SHA-256 of a committed file, and of its chunks.
    pub(crate) fn of_file(disk: &Arc<dyn Disk>, path: &Path) -> Result<([u8; 32], Sums)> {
        let file = DiskFile::open(disk, path, Opening::Read).at_committed(path)?;
        let mut whole = Sha256::new();
        let mut sums = Sums { bytes: 0, chunks: Vec::new() };
        let mut chunk = vec![0; SUMMED];
        loop {
            let read = file.read(&mut chunk, sums.bytes).at(path)?;
            if read > 0 {
                whole.update(&chunk[..read]);
                sums.chunks.push(Sha256::digest(&chunk[..read]).into());
                sums.bytes += read as u64;
            }
            if read < SUMMED {
                return Ok((whole.finalize().into(), sums));
            }
        }
    }
}

/// A file of which every chunk that is read is hashed and compared.
#[derive(Clone, Debug)]
pub struct SummedFile {
    file: Arc<DiskFile>,
    sums: Arc<Sums>,
    /// The last time that the disk refused. The Parquet library hands on the words of an error alone.
    refusal: Arc<Mutex<Option<io::Error>>>,
}

impl SummedFile {
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path, sums: Arc<Sums>) -> Result<SummedFile> {
        let file = DiskFile::open(disk, path, Opening::Read).at_committed(path)?;
        Ok(SummedFile { file: Arc::new(file), sums, refusal: Arc::default() })
    }

    /// The error of the disk behind one that the Parquet library told, if it was the disk's.
    pub(crate) fn take_refusal(&self) -> Option<io::Error> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn read(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read(into, at).map_err(|error| {
            let told = io::Error::new(error.kind(), error.to_string());
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            told
        })
    }

    /// The bytes from `start` on, `length` of them.
    fn bytes(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.sums.bytes);
        let end = end.ok_or_else(|| io::Error::other("it ends before"))?;
        let first = start / SUMMED as u64;
        let (from, until) = (first * SUMMED as u64, end.next_multiple_of(SUMMED as u64));
        let wanted = usize::try_from(until.min(self.sums.bytes).saturating_sub(from));
        let mut read = vec![0; wanted.map_err(io::Error::other)?];
        let count = self.read(&mut read, from)?;
        let sums = self.sums.chunks.iter().skip(usize::try_from(first).map_err(io::Error::other)?);
        let is_true = |(chunk, sum): (&[u8], &[u8; 32])| Sha256::digest(chunk)[..] == sum[..];
        if count != read.len() || !read.chunks(SUMMED).zip(sums).all(is_true) {
            return Err(io::Error::other("its content was changed"));
        }
        let skipped = (start - from) as usize;
        Ok(Bytes::from(read).slice(skipped..skipped + length))
    }
}

impl Length for SummedFile {
    fn len(&self) -> u64 {
        self.sums.bytes
    }
}

impl ChunkReader for SummedFile {
    type T = SummedReader;

    fn get_read(&self, start: u64) -> parquet::errors::Result<SummedReader> {
        Ok(SummedReader { file: self.clone(), at: start, ready: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.bytes(start, length).map_err(|error| ParquetError::General(error.to_string()))
    }
}

/// Reads on from some byte of a file, chunk by chunk.
pub struct SummedReader {
    file: SummedFile,
    at: u64,
    ready: Bytes,
}

impl Read for SummedReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            let chunk_end = (self.at + 1).next_multiple_of(SUMMED as u64);
            let end = chunk_end.min(self.file.sums.bytes);
            self.ready = self.file.bytes(self.at, end.saturating_sub(self.at) as usize)?;
            self.at = end.max(self.at);
        }
        let count = into.len().min(self.ready.len());
        into[..count].copy_from_slice(&self.ready.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn chunks_are_compared_as_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..SUMMED * 3 + 7).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let (whole, sums) = Sums::of_file(&disk, &path).unwrap();
        assert_eq!(whole[..], Sha256::digest(&content)[..]);
        assert_eq!((sums.bytes, sums.chunks.len()), (content.len() as u64, 4));
        let mut changed = content.clone();
        changed[SUMMED + 5] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let file = SummedFile::open(&disk, &path, Arc::new(sums)).unwrap();
        let read = |from: usize, length: usize| file.get_bytes(from as u64, length);
        assert_eq!(read(3, 9).unwrap(), content[3..12]);
        assert_eq!(read(SUMMED * 2 + 1, SUMMED + 6).unwrap(), content[SUMMED * 2 + 1..]);
        assert!(read(SUMMED * 3 + 1, 7).is_err(), "beyond the end");
        // The changed chunk is refused, whichever of its bytes are wanted.
        assert!(read(SUMMED - 1, 2).is_err());
        let mut rest = Vec::new();
        file.get_read(SUMMED as u64 * 2 + 9).unwrap().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, content[SUMMED * 2 + 9..]);
        assert!(file.get_read(9).unwrap().read_to_end(&mut rest).is_err());
    }
}
