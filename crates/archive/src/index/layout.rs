//! A file of the index: a header, sections of fixed-width records or bytes, and a footer that says
//! what lies where. `docs/archive-format.md` describes it to the byte.

use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::Pod;
use ledger::Chain;
use memmap2::{Advice, Mmap};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, HashingFile, Opening, map_file};
use crate::error::{ArchiveError, AtPath, Result};

/// Changes whenever the layout does; an index with another number is rebuilt.
pub(super) const FORMAT: u16 = 3;
const MAGIC: &[u8; 14] = b"dyepack.index\n";
/// Every section begins at a multiple of this.
const ALIGN: u64 = 16;
/// Offset and length of the footer, at the end of the file.
const TRAILER: u64 = 16;
/// A footer longer than this is refused unread.
const MAX_FOOTER: u64 = 1 << 28;

/// A run of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) count: u64,
}

impl Span {
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }

    #[inline]
    pub(super) fn has(&self, number: u64) -> bool {
        number.wrapping_sub(self.first) < self.count
    }

    /// True if the run begins where another ends, and ends below `limit`.
    pub(super) fn follows(&self, before: Option<&Span>, limit: u64) -> bool {
        self.first == before.map_or(0, Span::end) && self.end() < limit
    }
}

/// A part of which the segment has rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourcePart {
    pub(super) number: u64,
    #[serde(with = "hex::serde")]
    pub(super) sha256: [u8; 32],
    /// How many of its rows lie in this segment and those before.
    pub(super) consumed: u64,
}

/// How far a chain is read at the end of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChainEnd {
    pub(super) chain: String,
    /// Running maximum of the times of its rows with a height.
    pub(super) latest: u32,
    pub(super) height: Option<u64>,
}

/// Where a section lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Section {
    name: String,
    offset: u64,
    bytes: u64,
}

/// What the footer of a segment says beside the sections. It follows from the transfers alone, however
/// they were brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) rows: Span,
    pub(super) places: Span,
    pub(super) assets: Span,
    pub(super) owners: Span,
    pub(super) pots: Span,
    /// Bytes of a pot's asset in `pot_assets`.
    pub(super) asset_width: u8,
    /// What the chain numbers in names mean.
    pub(super) chains: Vec<String>,
    /// In order of name.
    pub(super) ends: Vec<ChainEnd>,
    /// Merge time of the last row.
    pub(super) merge_time: u32,
}

impl Facts {
    /// What is numbered, with what no number may reach.
    pub(super) fn spans(&self) -> [(Span, u64); 5] {
        let numbers = u64::from(u32::MAX);
        let few = [self.places, self.assets, self.owners, self.pots].map(|span| (span, numbers));
        [(self.rows, 1 << 40), few[0], few[1], few[2], few[3]]
    }
}

/// What the footer of a segment's origins says: where in the parts its rows stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origins {
    /// In order of their first rows here.
    pub(super) parts: Vec<SourcePart>,
    /// True if of each part the segments so far have a beginning, so that reading can go on behind it.
    pub(super) resumable: bool,
}

#[derive(Serialize, Deserialize)]
struct Footer<F> {
    facts: F,
    sections: Vec<Section>,
}

pub(super) fn chain_names() -> Vec<String> {
    Chain::all().map(|chain| chain.name().to_string()).collect()
}

/// A file that is being written, section after section.
pub(super) struct SegmentWriter {
    path: PathBuf,
    writer: BufWriter<HashingFile>,
    at: u64,
    sections: Vec<Section>,
}

impl SegmentWriter {
    pub(super) fn create(disk: &Arc<dyn Disk>, path: &Path) -> Result<SegmentWriter> {
        let file = HashingFile::create(disk, path)?;
        let writer = BufWriter::with_capacity(1 << 18, file);
        let mut made = SegmentWriter { path: path.to_path_buf(), writer, at: 0, sections: vec![] };
        made.raw(MAGIC)?;
        made.raw(&FORMAT.to_le_bytes())?;
        Ok(made)
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.at += bytes.len() as u64;
        self.writer.write_all(bytes).at(&self.path)
    }

    /// Begins a section; what is added from here on belongs to it.
    pub(super) fn begin(&mut self, name: &str) -> Result<()> {
        let padding = self.at.next_multiple_of(ALIGN) - self.at;
        self.raw(&[0; ALIGN as usize][..padding as usize])?;
        self.sections.push(Section { name: name.to_string(), offset: self.at, bytes: 0 });
        Ok(())
    }

    pub(super) fn add<T: Pod>(&mut self, records: &[T]) -> Result<()> {
        let bytes: &[u8] = bytemuck::cast_slice(records);
        if let Some(section) = self.sections.last_mut() {
            section.bytes += bytes.len() as u64;
        }
        self.raw(bytes)
    }

    /// A section of numbers in as many bytes each as the largest, `most`, needs: 1, 2 or 4, which is
    /// returned.
    pub(super) fn narrow_section(
        &mut self,
        name: &str,
        numbers: impl Iterator<Item = u32>,
        most: u32,
    ) -> Result<u8> {
        let width = match most {
            0..=0xff => 1u8,
            0x100..=0xffff => 2,
            _ => 4,
        };
        self.begin(name)?;
        for number in numbers {
            self.add(&number.to_le_bytes()[..usize::from(width)])?;
        }
        Ok(width)
    }

    pub(super) fn section<T: Pod>(&mut self, name: &str, records: &[T]) -> Result<()> {
        self.begin(name)?;
        self.add(records)
    }

    /// Writes the footer and syncs. Returns the file's SHA-256 and length.
    pub(super) fn finish<F: Serialize>(mut self, facts: &F) -> Result<([u8; 32], u64)> {
        let footer = Footer { facts, sections: std::mem::take(&mut self.sections) };
        let text =
            serde_json::to_vec(&footer).map_err(|e| ArchiveError::integrity(&self.path, e))?;
        let trailer = [self.at, text.len() as u64];
        self.raw(&text)?;
        self.raw(bytemuck::cast_slice(&trailer))?;
        let file = self.writer.into_inner().map_err(|e| e.into_error()).at(&self.path)?;
        file.finish()
    }
}

/// A file of the index, mapped.
pub(super) struct SegmentFile {
    path: PathBuf,
    map: Mmap,
    sections: Vec<Section>,
}

impl SegmentFile {
    /// Maps a file and reads its footer. Sections are checked to lie in the file.
    pub(super) fn open<F: DeserializeOwned>(
        disk: &Arc<dyn Disk>,
        path: &Path,
    ) -> Result<(SegmentFile, F)> {
        let bad = |what: &dyn std::fmt::Display| ArchiveError::integrity(path, what);
        let file = disk.open(path, Opening::Read).at_committed(path)?;
        let length = file.metadata().at(path)?.len();
        if length < MAGIC.len() as u64 + 2 + TRAILER {
            return Err(bad(&"too short for a segment of the index"));
        }
        let map = map_file(&file).at(path)?;
        let (head, format) = (&map[..MAGIC.len()], [map[MAGIC.len()], map[MAGIC.len() + 1]]);
        if head != MAGIC || u16::from_le_bytes(format) != FORMAT {
            return Err(bad(&"no segment of an index of this format"));
        }
        let trailer = &map[(length - TRAILER) as usize..];
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&trailer[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let (offset, size) = (word(0), word(8));
        let is_inside = offset.checked_add(size) == Some(length - TRAILER) && size <= MAX_FOOTER;
        let text = match is_inside {
            true => &map[offset as usize..(offset + size) as usize],
            false => return Err(bad(&"its end is damaged")),
        };
        let Footer { facts, sections } = serde_json::from_slice(text).map_err(|e| bad(&e))?;
        for section in &sections {
            let end = section.offset.checked_add(section.bytes);
            if !section.offset.is_multiple_of(ALIGN) || end.is_none_or(|end| end > offset) {
                return Err(bad(&format!("section {} lies outside", section.name)));
            }
        }
        Ok((SegmentFile { path: path.to_path_buf(), map, sections }, facts))
    }

    /// Where a section lies in the file: its first byte and how many records it has.
    pub(super) fn locate<T: Pod>(&self, name: &str) -> Result<Located<T>> {
        let bad =
            |what: &str| ArchiveError::integrity(&self.path, format!("section {name} {what}"));
        let section =
            self.sections.iter().find(|s| s.name == name).ok_or_else(|| bad("is missing"))?;
        let (from, bytes) = (section.offset as usize, section.bytes as usize);
        let slice = &self.map[from..from + bytes];
        bytemuck::try_cast_slice::<u8, T>(slice).map_err(|_| bad("is cut"))?;
        Ok(Located { from, bytes, record: std::marker::PhantomData })
    }

    /// The records of a section that was located in this file.
    #[inline]
    pub(super) fn records<T: Pod>(&self, located: Located<T>) -> &[T] {
        bytemuck::cast_slice(&self.map[located.from..located.from + located.bytes])
    }

    /// Says that the file is asked here and there: nothing is read beside what is asked for. Like all that
    /// the system is told of a map, a hint.
    pub(super) fn ask_here_and_there(&self) {
        let _ = self.map.advise(Advice::Random);
    }

    /// Says that most of the file is about to be read in order.
    pub(super) fn read_through(&self) {
        let _ = self.map.advise(Advice::Normal);
    }

    /// Says that some bytes will be asked for soon: what is said of several places before the first is asked
    /// for is fetched at once.
    pub(super) fn fetch(&self, bytes: Range<usize>) {
        let length = bytes.end.min(self.map.len()).saturating_sub(bytes.start);
        if length > 0 {
            let _ = self.map.advise_range(Advice::WillNeed, bytes.start, length);
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A section of a mapped file.
pub(super) struct Located<T> {
    from: usize,
    bytes: usize,
    record: std::marker::PhantomData<T>,
}

impl<T> Located<T> {
    /// Where the section lies in the file.
    pub(super) fn span(&self) -> Range<usize> {
        self.from..self.from + self.bytes
    }

    /// Where bytes of the section lie in the file, as far as there are some.
    pub(super) fn part(&self, bytes: Range<usize>) -> Range<usize> {
        let at = |byte: usize| self.from + byte.min(self.bytes);
        at(bytes.start)..at(bytes.end)
    }
}

impl<T> Clone for Located<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Located<T> {}
