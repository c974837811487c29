//! Beside the segments, for each part: hashes of its chunks. A trace that asks for a few transaction ids
//! reads a few chunks of the parts and compares these, and need not hash the parts first.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::build::Ground;
use super::layout::{SegmentFile, SegmentWriter};
use super::stamp::{FileStamp, Stamp};
use crate::disk::{Disk, SUMMED, Sums};
use crate::error::{ArchiveError, Result};
use crate::manifest::Part;

/// The file with the hashes of a part's chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartStamp {
    pub(super) number: u64,
    pub(super) sums: FileStamp,
}

/// What its footer says.
#[derive(Serialize, Deserialize)]
struct Facts {
    /// Of the part.
    #[serde(with = "hex::serde")]
    sha256: [u8; 32],
    bytes: u64,
    /// Bytes of a chunk.
    chunk: usize,
}

/// Makes the files of the parts that have none, and verifies these parts in doing so.
pub(super) fn make(
    folder: &Path,
    ground: &Ground<'_>,
    earlier: Option<&Stamp>,
) -> Result<Vec<PartStamp>> {
    let disk = &ground.store.disk;
    let mut stamps = Vec::new();
    for part in ground.parts {
        let known = earlier.and_then(|stamp| stamp.part(part.number));
        let known = known.filter(|known| load(disk, folder, known, part).is_ok());
        stamps.push(match known {
            Some(known) => known.clone(),
            None => {
                let sums = ground.store.sums(part)?;
                let path = folder.join(format!("{:012}.sums.tmp", part.number));
                let mut writer = SegmentWriter::create(disk, &path)?;
                writer.section("chunks", &sums.chunks)?;
                let facts = Facts { sha256: part.sha256, bytes: sums.bytes, chunk: SUMMED };
                let written = writer.finish(&facts)?;
                let sums = FileStamp::settle(disk, &path, part.number, "sums", written)?;
                PartStamp { number: part.number, sums }
            }
        });
    }
    stamps.sort_unstable_by_key(|stamp| stamp.number);
    Ok(stamps)
}

/// The hashes of a part's chunks, if the file is what the stamp says.
pub(super) fn load(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    stamp: &PartStamp,
    part: &Part,
) -> Result<Sums> {
    stamp.sums.verify(disk, folder)?;
    let path = folder.join(&stamp.sums.name);
    let (file, facts): (_, Facts) = SegmentFile::open(disk, &path)?;
    let chunks: Vec<[u8; 32]> = file.records(file.locate("chunks")?).to_vec();
    let is_whole = chunks.len() as u64 == facts.bytes.div_ceil(SUMMED as u64);
    if facts.sha256 != part.sha256 || facts.chunk != SUMMED || !is_whole {
        return Err(ArchiveError::integrity(&path, "the hashes of another file"));
    }
    Ok(Sums { bytes: facts.bytes, chunks })
}
