//! Building the index: segments are laid out by the number of rows alone, those that are there and still
//! true are kept, and the others are made in one pass over the transfers in order.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use super::draft::{Draft, Progress};
use super::numbering::Numbering;
use super::seal::{Balances, seal};
use super::segment::Segment;
use super::segments::Segments;
use super::stamp::{FileStamp, SegmentStamp, Stamp};
use crate::disk::{self, Disk};
use crate::error::{ArchiveError, AtPath, Result};
use crate::manifest::{Part, Sorting};
use crate::order::{Stretches, Timed};
use crate::part::{Batches, Columns, Store};

/// Rows of the last, small segment stay below this; every other segment has this many times a power of
/// [`FAN`].
pub(crate) const UNIT: u64 = 1 << 17;
/// How many segments of one size make one of the next.
const FAN: u64 = 2;
/// No segment has more than this power of units: what must be in memory while one is made follows from
/// its size.
const LARGEST: u32 = 8;
/// Stretches that are decoded ahead.
const READ_AHEAD: usize = 8;

/// The sizes of the segments of so many rows, largest first: the same for the same number, however the
/// rows came.
fn layout(rows: u64, unit: u64) -> Vec<u64> {
    let (mut sizes, mut left) = (Vec::new(), rows);
    for size in (0..=LARGEST).rev().map(|power| unit * FAN.pow(power)) {
        sizes.extend(std::iter::repeat_n(size, (left / size) as usize));
        left %= size;
    }
    sizes.extend((left > 0).then_some(left));
    sizes
}

/// What an index is built from.
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a Arc<Store>,
    pub(crate) parts: &'a [Part],
    /// Bytes that names and pots may take in memory before names leave it.
    pub(crate) memory: usize,
    /// Rows of the smallest sealed segment: [`UNIT`] but in tests.
    pub(crate) unit: u64,
    /// Told how many of the rows are in segments, now and then.
    pub(crate) progress: &'a dyn Fn(u64),
}

impl Ground<'_> {
    fn layout(&self) -> Vec<u64> {
        layout(self.parts.iter().map(|part| part.rows).sum(), self.unit)
    }
}

/// Makes the segments in `folder` that are missing, behind those of `kept` that are still true. Returns
/// the stamps of all.
pub(super) fn build(
    folder: &Path,
    ground: &Ground<'_>,
    kept: Vec<(SegmentStamp, Segment)>,
) -> Result<Vec<SegmentStamp>> {
    let mut progress = Progress::of(ground.parts);
    kept.iter().for_each(|(_, segment)| progress.go_on(segment));
    let (mut stamps, segments): (Vec<_>, Vec<_>) = kept.into_iter().unzip();
    let sizes: Vec<u64> = ground.layout().split_off(segments.len());
    if sizes.is_empty() {
        return Ok(stamps);
    }
    let numbering = Numbering::after(Segments::of(segments));
    let stretches = Stretches::open(
        ground.store,
        ground.parts,
        Columns::Numbered,
        &progress.consumed(),
        &progress.latest(),
    )?;
    thread::scope(|scope| {
        let (sender, stretches_read) = mpsc::sync_channel(READ_AHEAD);
        scope.spawn(move || read_ahead(stretches, &sender));
        let balances = Balances::starting_at(numbering.sealed.pots());
        let mut builder = Builder {
            folder,
            ground,
            stretches: stretches_read,
            left: None,
            numbering,
            progress,
            balances,
        };
        for size in sizes {
            stamps.push(builder.segment(size)?);
        }
        Ok(stamps)
    })
}

/// Decodes on a thread of its own, in order, until the rows end, fail or are wanted no more.
fn read_ahead(mut stretches: Stretches, sender: &SyncSender<Result<Timed>>) {
    while let Some(next) = stretches.step().transpose() {
        let failed = next.is_err();
        if sender.send(next).is_err() || failed {
            return;
        }
    }
}

struct Builder<'a> {
    folder: &'a Path,
    ground: &'a Ground<'a>,
    stretches: Receiver<Result<Timed>>,
    /// What is left of a stretch that the last segment ended in.
    left: Option<Timed>,
    numbering: Numbering,
    progress: Progress,
    balances: Balances,
}

impl Builder<'_> {
    /// Makes the next segment, of `size` rows.
    fn segment(&mut self, size: u64) -> Result<SegmentStamp> {
        let disk = &self.ground.store.disk;
        let first = self.numbering.sealed.rows();
        let temporary = self.folder.join(format!("{first:012}.tmp"));
        let mut draft = Draft::create(disk, &temporary, first, &self.numbering)?;
        let mut missing = size;
        while missing > 0 {
            let next = match self.left.take() {
                Some(left) => left,
                None => match self.stretches.recv() {
                    Ok(next) => next?,
                    Err(_) => return Err(fewer_rows(self.folder)),
                },
            };
            let count = next.stretch.rows.len().min(usize::try_from(missing).unwrap_or(usize::MAX));
            let latest = draft.push(&next, count, &mut self.numbering, &mut self.progress)?;
            missing -= count as u64;
            (self.ground.progress)(first + size - missing);
            let mut rest = next;
            rest.stretch.rows.start += count;
            rest.latest = latest;
            self.left = Some(rest).filter(|rest| !rest.stretch.rows.is_empty());
        }
        let origins = self.folder.join(format!("{first:012}.origins.tmp"));
        let written = draft.write_origins(disk, &origins, &self.progress)?;
        let origins = FileStamp::settle(disk, &origins, first, "origins", written)?;
        let written = seal(draft, &self.numbering, &self.progress, &mut self.balances)?;
        let segment = FileStamp::settle(disk, &temporary, first, "segment", written)?;
        let stamp = SegmentStamp::new(size, segment, origins);
        self.numbering.sealed.list.push(stamp.open(disk, self.folder)?);
        if self.numbering.memory() > self.ground.memory {
            self.numbering.forget_names(disk, self.folder)?;
        }
        Ok(stamp)
    }
}

fn fewer_rows(folder: &Path) -> ArchiveError {
    ArchiveError::integrity(folder, "the parts hold fewer rows than the manifest says")
}

/// The segments of an earlier index that are as this one must have them: they come first in the layout,
/// all that they were built from is there, and nothing new comes before their end.
pub(super) fn still_true(
    folder: &Path,
    ground: &Ground<'_>,
    earlier: &Stamp,
) -> Vec<(SegmentStamp, Segment)> {
    let parts = ground.parts;
    let mut kept = Vec::new();
    for (stamp, size) in earlier.segments.iter().zip(ground.layout()) {
        match stamp.open(&ground.store.disk, folder) {
            Ok(segment) if stamp.rows == size && holds(&segment, parts) => {
                kept.push((stamp.clone(), segment));
            }
            _ => break,
        }
    }
    // Behind which of them can reading go on?
    while let Some((_, last)) = kept.last() {
        let is_behind = last.origins.resumable
            && comes_after(&kept, parts, earlier)
            && !cuts_block(&kept, ground);
        if is_behind {
            break;
        }
        kept.pop();
    }
    kept
}

/// True if the segment is of this program's chains and its parts are committed.
fn holds(segment: &Segment, parts: &[Part]) -> bool {
    let is_there = |number: u64, sha256: [u8; 32]| {
        parts.iter().any(|part| part.number == number && part.sha256 == sha256)
    };
    segment.facts.chains == super::layout::chain_names()
        && segment.origins.parts.iter().all(|source| is_there(source.number, source.sha256))
}

/// True if every part that the earlier index did not know has only rows that come after the last of
/// `kept`. Some that do may be taken for some that do not; never the other way round.
fn comes_after(kept: &[(SegmentStamp, Segment)], parts: &[Part], earlier: &Stamp) -> bool {
    let Some((_, last)) = kept.last() else { return true };
    let height = |part: &Part| {
        let of_chain = last.facts.ends.iter().find(|end| end.chain == part.chain.name());
        of_chain.and_then(|end| end.height)
    };
    parts.iter().filter(|part| earlier.part(part.number).is_none()).all(|part| {
        part.min_time > last.facts.merge_time
            && part.first.height.is_none_or(|first| Some(first) > height(part))
    })
}

/// True if a block goes on behind the last of `kept` in which rows are placed by what others of their
/// transaction know, some of which may have been read; or if nobody can tell.
fn cuts_block(kept: &[(SegmentStamp, Segment)], ground: &Ground<'_>) -> bool {
    let Some((_, last)) = kept.last() else { return false };
    let mut progress = Progress::of(ground.parts);
    kept.iter().for_each(|(_, segment)| progress.go_on(segment));
    let consumed = progress.consumed();
    let lacking = |part: &Part| {
        let mut of_chain = ground.parts.iter().filter(|other| other.chain == part.chain);
        of_chain.any(|other| other.sorting == Sorting::Height && other.lacks_tx_index)
    };
    let next_height = |part: &Part| {
        let from = consumed.get(&part.number).copied().unwrap_or(0);
        let next = Batches::open(ground.store, part, Columns::Numbered, from).ok()?.next()?.ok()?;
        (next.len() > 0).then(|| next.height(0))?
    };
    ground.parts.iter().any(|part| {
        let end = last.facts.ends.iter().find(|end| end.chain == part.chain.name());
        let is_open = consumed.get(&part.number).is_none_or(|consumed| *consumed < part.rows);
        part.sorting == Sorting::Height
            && end.is_some_and(|end| end.height.is_some())
            && is_open
            && lacking(part)
            && next_height(part) <= end.and_then(|end| end.height)
    })
}

/// Removes what no stamp but this one names.
pub(super) fn sweep(disk: &dyn Disk, folder: &Path, stamp: &Stamp, stamp_name: &str) -> Result<()> {
    for name in disk.names(folder).at(folder)? {
        let path = folder.join(&name);
        if name != stamp_name && stamp.files().all(|file| file.name != name) {
            // Whoever has it mapped keeps it; what cannot be removed now goes with the next build.
            let _ = disk.remove(&path).or_else(|_| disk.remove_folder(&path));
        }
    }
    disk::sync_folder(disk, folder)
}
