//! A segment in the making: rows are numbered and written as they come; names, pots and ledgers follow
//! when it is sealed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ledger::Chain;
use rustc_hash::FxHashMap;

use super::amount::AmountTables;
use super::block::{BlockWriter, PADDING, RowRecord};
use super::layout::{ChainEnd, Facts, Origins, SegmentWriter, SourcePart, Span, chain_names};
use super::numbering::{Numbering, PotFound};
use super::segment::{OWNER_NONE, OWNER_NOTED, OWNER_OF_PLACE, OwnerNote, Pair, Run, Segment};
use super::spill::{Movement, Spill};
use crate::disk::Disk;
use crate::error::Result;
use crate::manifest::Part;
use crate::names::NONE;
use crate::order::{Consumed, Stretch, Timed};
use crate::part::RowBatch;

/// Bytes of rows collected before they are written.
const FLUSH: usize = 1 << 18;

/// How far a part is read.
pub(super) struct PartProgress {
    sha256: [u8; 32],
    /// How many of its rows were taken.
    taken: u64,
    /// One more than the furthest of them.
    furthest: u64,
}

/// How far everything is read, over all segments.
#[derive(Default)]
pub(super) struct Progress {
    /// By number of the part.
    parts: BTreeMap<u64, PartProgress>,
    /// By name of the chain: the latest time and the greatest height.
    ends: BTreeMap<String, (u32, Option<u64>)>,
    merge_time: u32,
}

pub(super) struct Draft {
    pub(super) writer: SegmentWriter,
    /// Where the numbers of this segment begin.
    pub(super) first: Facts,
    pub(super) rows: u32,
    blocks: BlockWriter,
    /// Blocks that wait to be written.
    buffer: Vec<u8>,
    pub(super) merge_notes: Vec<Pair>,
    pub(super) amounts: AmountTables,
    /// One bit a new pot: set where it is the first of a new place.
    pub(super) first_pots: Vec<u64>,
    /// Pot and place of the other new ones, in order of pot.
    pub(super) other_pots: Vec<Pair>,
    pub(super) place_owners: Vec<Pair>,
    /// Empty as long as no row states an owner.
    pub(super) row_owners: Vec<u8>,
    pub(super) owner_notes: Vec<OwnerNote>,
    runs: Vec<Run>,
    /// Numbers of the parts that `runs` speak of.
    sources: Vec<u64>,
    pub(super) spill: Spill,
    /// Room for rows on their way.
    numbered: Vec<Numbered>,
}

/// So many rows get their places, then their pots, then their room in the segment: what a row asks memory
/// for is then on its way while the next ones ask.
const ROWS_AT_ONCE: usize = 256;

/// What a row names, in numbers; the sender first.
struct Numbered {
    places: [u32; 2],
    assets: [u32; 2],
    pots: [u32; 2],
}

impl Numbered {
    #[inline]
    fn of(batch: &RowBatch, row: usize, numbering: &mut Numbering) -> Result<Numbered> {
        let chain = batch.chain;
        let from = numbering.place(chain, &batch.from, row, || batch.sender(row))?;
        let to = numbering.place(chain, &batch.to, row, || batch.receiver(row))?;
        let asset = numbering.asset(chain, &batch.asset, row)?.unwrap_or(0);
        let asset_to = numbering.asset(chain, &batch.asset_to, row)?.unwrap_or(asset);
        Ok(Numbered { places: [from, to], assets: [asset, asset_to], pots: [NONE; 2] })
    }
}

impl Draft {
    /// A segment that begins at row `row`, written to `path`.
    pub(super) fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        row: u64,
        numbering: &Numbering,
    ) -> Result<Draft> {
        let mut writer = SegmentWriter::create(disk, path)?;
        writer.begin("rows")?;
        let from = |first: u32| Span { first: first.into(), count: 0 };
        let first = Facts {
            rows: Span { first: row, count: 0 },
            places: from(numbering.places.end()),
            assets: from(numbering.assets.end()),
            owners: from(numbering.owners.end()),
            pots: from(numbering.pots.end()),
            ..Facts::default()
        };
        Ok(Draft {
            writer,
            first,
            rows: 0,
            blocks: BlockWriter::default(),
            buffer: Vec::with_capacity(FLUSH),
            merge_notes: Vec::new(),
            amounts: AmountTables::default(),
            first_pots: Vec::new(),
            other_pots: Vec::new(),
            place_owners: Vec::new(),
            row_owners: Vec::new(),
            owner_notes: Vec::new(),
            runs: Vec::new(),
            sources: Vec::new(),
            spill: Spill::new(disk, &path.with_extension("spill")),
            numbered: Vec::new(),
        })
    }

    /// Adds the first `count` rows of a stretch. Returns the latest time of the chain behind them, if
    /// they have heights.
    pub(super) fn push(
        &mut self,
        timed: &Timed,
        count: usize,
        numbering: &mut Numbering,
        progress: &mut Progress,
    ) -> Result<Option<u32>> {
        let stretch = &timed.stretch;
        let batch = &stretch.batch;
        let rows = stretch.rows.start..stretch.rows.start + count;
        self.note_run(stretch.part, batch.first + rows.start as u64);
        let mut latest = timed.latest;
        for row in rows.clone() {
            let time = batch.times[row];
            latest = latest.map(|latest| latest.max(time));
            let merged = latest.unwrap_or(time);
            if merged != time {
                self.merge_notes.push(Pair(self.rows + (row - rows.start) as u32, merged));
            }
            progress.merge_time = merged;
        }
        let mut numbered = std::mem::take(&mut self.numbered);
        for start in rows.clone().step_by(ROWS_AT_ONCE) {
            let rows = start..rows.end.min(start + ROWS_AT_ONCE);
            numbered.clear();
            for row in rows.clone() {
                numbered.push(Numbered::of(batch, row, numbering)?);
            }
            for row in &mut numbered {
                self.number_pots(row, numbering)?;
            }
            for (row, numbered) in rows.zip(&numbered) {
                self.push_row(batch, row, numbered, numbering)?;
            }
        }
        self.numbered = numbered;
        progress.note(stretch, count, latest);
        Ok(latest)
    }

    fn note_run(&mut self, part: u64, part_row: u64) {
        let source = self.sources.iter().position(|known| *known == part).unwrap_or_else(|| {
            self.sources.push(part);
            self.sources.len() - 1
        }) as u32;
        let goes_on = self.runs.last().is_some_and(|run| {
            run.source == source && run.part_row + u64::from(self.rows - run.row) == part_row
        });
        if !goes_on {
            self.runs.push(Run { row: self.rows, source, part_row });
        }
    }

    /// Gives a row its pots.
    fn number_pots(&mut self, row: &mut Numbered, numbering: &mut Numbering) -> Result<()> {
        let [from, to] = row.places;
        let [asset, asset_to] = row.assets;
        row.pots = match from {
            NONE => [NONE, self.pot(to, asset_to, numbering)?],
            _ => [self.pot(from, asset, numbering)?, self.pot(to, asset_to, numbering)?],
        };
        Ok(())
    }

    fn push_row(
        &mut self,
        batch: &RowBatch,
        row: usize,
        numbered: &Numbered,
        numbering: &mut Numbering,
    ) -> Result<()> {
        let ([from, to], [from_place, to_place]) = (numbered.pots, numbered.places);
        let (amount, amount_to) = (batch.amounts[row], batch.amount_to(row));
        let packed = self.amounts.pack(amount, amount_to);
        let record = RowRecord { from, to, amount: packed, time: batch.times[row] };
        if from != to && (amount != 0 || amount_to.is_some_and(|amount| amount != 0)) {
            let (row, arrives) = (self.rows, amount_to.unwrap_or(amount));
            if from != NONE {
                self.spill.push(Movement { pot: from, row, arrives: false, amount })?;
            }
            self.spill.push(Movement { pot: to, row, arrives: true, amount: arrives })?;
        }
        self.state_owner(0, from_place, batch, row, numbering)?;
        self.state_owner(1, to_place, batch, row, numbering)?;
        self.blocks.push(record, &mut self.buffer);
        if self.buffer.len() >= FLUSH - FLUSH / 8 {
            self.flush()?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes the rows that wait, and where the blocks lie.
    pub(super) fn finish_rows(&mut self) -> Result<()> {
        self.blocks.finish(&mut self.buffer);
        self.buffer.extend_from_slice(&PADDING);
        self.flush()?;
        self.writer.section("row_blocks", &self.blocks.records)
    }

    fn flush(&mut self) -> Result<()> {
        self.writer.add(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    #[inline]
    fn pot(&mut self, place: u32, asset: u32, numbering: &mut Numbering) -> Result<u32> {
        let found = numbering.pot(place, asset)?;
        if let PotFound::First(pot) | PotFound::Other(pot) = found {
            let at = (u64::from(pot) - self.first.pots.first) as usize;
            if at / 64 >= self.first_pots.len() {
                self.first_pots.push(0);
            }
            match found {
                PotFound::First(_) => self.first_pots[at / 64] |= 1 << (at % 64),
                _ => self.other_pots.push(Pair(pot, place)),
            }
        }
        Ok(found.number())
    }

    /// Notes the owner that a row states for its sender (side 0) or receiver (1); the first one stated
    /// is the place's.
    fn state_owner(
        &mut self,
        side: u32,
        place: u32,
        batch: &RowBatch,
        row: usize,
        numbering: &mut Numbering,
    ) -> Result<()> {
        let (column, places) = match side {
            0 => (&batch.from_owner, &batch.from),
            _ => (&batch.to_owner, &batch.to),
        };
        let Some(owner) = numbering.owner(batch.chain, column, row)? else { return Ok(()) };
        let mut stated = OWNER_NOTED;
        // A side without a name is an end of the world, which nobody owns.
        if places.key(row).is_some() {
            let (known, is_new) = numbering.settle_owner(place, owner);
            if is_new {
                self.place_owners.push(Pair(place, owner));
            }
            if known == owner {
                stated = OWNER_OF_PLACE;
            }
        }
        if stated == OWNER_NOTED {
            self.owner_notes.push(OwnerNote { row: self.rows, side, owner });
        }
        let at = self.rows as usize;
        self.row_owners.resize(at + 1, OWNER_NONE);
        self.row_owners[at] |= stated << (4 * side);
        Ok(())
    }

    /// Writes where in the parts the rows stand, now that the segment has all of them.
    pub(super) fn write_origins(
        &self,
        disk: &Arc<dyn Disk>,
        path: &Path,
        progress: &Progress,
    ) -> Result<([u8; 32], u64)> {
        let part = |number: &u64| {
            let known = progress.parts.get(number)?;
            let (sha256, consumed) = (known.sha256, known.taken);
            Some(SourcePart { number: *number, sha256, consumed })
        };
        let mut writer = SegmentWriter::create(disk, path)?;
        writer.section("runs", &self.runs)?;
        writer.finish(&Origins {
            parts: self.sources.iter().filter_map(part).collect(),
            resumable: progress.parts.values().all(|part| part.taken == part.furthest),
        })
    }

    /// What the footer says of the segment, now that it has all its rows.
    pub(super) fn facts(&self, numbering: &Numbering, progress: &Progress) -> Facts {
        let until = |from: Span, end: u32| Span { count: u64::from(end) - from.first, ..from };
        let end = |(chain, (latest, height)): (&String, &(u32, Option<u64>))| ChainEnd {
            chain: chain.clone(),
            latest: *latest,
            height: *height,
        };
        Facts {
            rows: Span { count: self.rows.into(), ..self.first.rows },
            places: until(self.first.places, numbering.places.end()),
            assets: until(self.first.assets, numbering.assets.end()),
            owners: until(self.first.owners, numbering.owners.end()),
            pots: until(self.first.pots, numbering.pots.end()),
            chains: chain_names(),
            ends: progress.ends.iter().map(end).collect(),
            merge_time: progress.merge_time,
            ..Facts::default()
        }
    }
}

impl Progress {
    /// Nothing of these parts is read yet.
    pub(super) fn of(parts: &[Part]) -> Progress {
        let part = |part: &Part| {
            (part.number, PartProgress { sha256: part.sha256, taken: 0, furthest: 0 })
        };
        Progress { parts: parts.iter().map(part).collect(), ..Progress::default() }
    }

    /// Goes on where a segment ended.
    pub(super) fn go_on(&mut self, Segment { facts, origins, .. }: &Segment) {
        for part in &origins.parts {
            if let Some(known) = self.parts.get_mut(&part.number) {
                (known.taken, known.furthest) = (part.consumed, part.consumed);
            }
        }
        for end in &facts.ends {
            self.ends.insert(end.chain.clone(), (end.latest, end.height));
        }
        self.merge_time = facts.merge_time;
    }

    pub(super) fn consumed(&self) -> Consumed {
        self.parts.iter().map(|(number, part)| (*number, part.taken)).collect()
    }

    pub(super) fn latest(&self) -> FxHashMap<Chain, u32> {
        let chain = |name: &String| Chain::parse(name).ok();
        self.ends.iter().filter_map(|(name, (latest, _))| Some((chain(name)?, *latest))).collect()
    }

    /// The first `count` rows of a stretch were taken; `latest` is the chain's latest time by now, if they
    /// have heights.
    fn note(&mut self, stretch: &Stretch, count: usize, latest: Option<u32>) {
        let batch = &stretch.batch;
        let end = stretch.rows.start + count;
        if let Some(part) = self.parts.get_mut(&stretch.part) {
            part.taken += count as u64;
            part.furthest = part.furthest.max(batch.first + end as u64);
        }
        if let (Some(latest), Some(last)) = (latest, end.checked_sub(1)) {
            let known = self.ends.entry(batch.chain.name().to_string()).or_default();
            *known = (latest, known.1.max(batch.height(last)));
        }
    }
}
