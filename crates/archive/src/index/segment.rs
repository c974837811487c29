//! A sealed segment: some consecutive rows of the total order, with the names and pots that appear in
//! them for the first time and a piece of the ledger of every pot that they move.
//!
//! Numbers are those of the whole index. Whoever asks has found out which segment to ask.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use super::amount::unpack;
use super::block::{BLOCK_ROWS, BlockRecord, RowRecord};
use super::layout::{Facts, Located, Origins, SegmentFile};
use super::piece::{PIECES_A_GROUP, Piece};
use crate::disk::Disk;
use crate::error::{ArchiveError, Result};
use crate::names::{NONE, NameTable};

/// Words of `first_pots` whose ones are counted together.
pub(super) const WORDS_A_RANK: usize = 8;
/// Of each so many other pots, in order of place, the last one's place is kept in `other_pots.tops`.
pub(super) const OTHERS_A_TOP: usize = 8;
/// Of each so many old pots the last one is kept in `old_pots.tops`: a page of them.
pub(super) const OLD_A_TOP: usize = 1024;
/// Of the sections that say where others' records lie, those of up to so many bytes are fetched at once.
const MOST_FETCHED: usize = 16 << 20;

/// Two numbers, of which the first is searched for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
pub(super) struct Pair(pub(super) u32, pub(super) u32);

/// Rows that follow each other in the total order and in a part.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct Run {
    /// Counted from the segment's first row.
    pub(super) row: u32,
    /// Place in the footer's list of parts.
    pub(super) source: u32,
    pub(super) part_row: u64,
}

/// An owner that a row states and the place's record does not.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct OwnerNote {
    /// Counted from the segment's first row.
    pub(super) row: u32,
    /// 0 for the sender's, 1 for the receiver's.
    pub(super) side: u32,
    pub(super) owner: u32,
}

/// An asset of which a balance passed 2^128−1, and the first row of the segment that did it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct Overflow {
    pub(super) row: u64,
    pub(super) asset: u32,
    pub(super) padding: u32,
}

/// What a row says of the owner of a place.
pub(super) const OWNER_NONE: u8 = 0;
/// The owner that the place has by then.
pub(super) const OWNER_OF_PLACE: u8 = 1;
/// Another: see `owner_notes`.
pub(super) const OWNER_NOTED: u8 = 2;

/// A table of names in a file.
#[derive(Clone, Copy)]
struct LocatedNames {
    bytes: Located<u8>,
    groups: Located<u64>,
    sorted: Located<u32>,
}

pub(super) struct Segment {
    file: SegmentFile,
    pub(super) facts: Facts,
    origins_file: SegmentFile,
    pub(super) origins: Origins,
    rows: Located<u8>,
    row_blocks: Located<BlockRecord>,
    merge_notes: Located<Pair>,
    wide: Located<u128>,
    conversions: Located<[u128; 2]>,
    places: LocatedNames,
    assets: LocatedNames,
    owners: LocatedNames,
    accounts: Located<u64>,
    place_owners: Located<Pair>,
    owned: Located<Pair>,
    row_owners: Located<u8>,
    owner_notes: Located<OwnerNote>,
    first_pots: Located<u64>,
    first_pot_ranks: Located<u32>,
    pot_assets: Located<u8>,
    other_pots: Located<u32>,
    other_pots_by_place: Located<u32>,
    other_pots_tops: Located<u32>,
    old_pots: Located<u32>,
    old_pots_tops: Located<u32>,
    pieces: Located<u8>,
    piece_groups: Located<u64>,
    overflows: Located<Overflow>,
    runs: Located<Run>,
}

impl Segment {
    /// Maps a segment and where its rows come from.
    pub(super) fn open(disk: &Arc<dyn Disk>, path: &Path, origins: &Path) -> Result<Segment> {
        let (file, facts) = SegmentFile::open(disk, path)?;
        let (origins_file, origins) = SegmentFile::open(disk, origins)?;
        let names = |name: &str| -> Result<LocatedNames> {
            let bytes = file.locate(name)?;
            let groups = file.locate(&format!("{name}.groups"))?;
            Ok(LocatedNames { bytes, groups, sorted: file.locate(&format!("{name}.sorted"))? })
        };
        let segment = Segment {
            rows: file.locate("rows")?,
            row_blocks: file.locate("row_blocks")?,
            merge_notes: file.locate("merge_notes")?,
            wide: file.locate("wide")?,
            conversions: file.locate("conversions")?,
            places: names("places")?,
            assets: names("assets")?,
            owners: names("owners")?,
            accounts: file.locate("accounts")?,
            place_owners: file.locate("place_owners")?,
            owned: file.locate("owned")?,
            row_owners: file.locate("row_owners")?,
            owner_notes: file.locate("owner_notes")?,
            first_pots: file.locate("first_pots")?,
            first_pot_ranks: file.locate("first_pots.ranks")?,
            pot_assets: file.locate("pot_assets")?,
            other_pots: file.locate("other_pots")?,
            other_pots_by_place: file.locate("other_pots.by_place")?,
            other_pots_tops: file.locate("other_pots.tops")?,
            old_pots: file.locate("old_pots")?,
            old_pots_tops: file.locate("old_pots.tops")?,
            pieces: file.locate("ledgers")?,
            piece_groups: file.locate("ledgers.groups")?,
            overflows: file.locate("overflows")?,
            runs: origins_file.locate("runs")?,
            file,
            facts,
            origins_file,
            origins,
        };
        segment.check()?;
        segment.file.ask_here_and_there();
        segment.fetch_directories();
        Ok(segment)
    }

    /// Fetches what says where the records of the large sections lie, as far as it is small, at one go:
    /// each look-up begins there.
    fn fetch_directories(&self) {
        let sections = [
            self.row_blocks.span(),
            self.first_pots.span(),
            self.first_pot_ranks.span(),
            self.accounts.span(),
            self.other_pots_tops.span(),
            self.old_pots_tops.span(),
            self.places.groups.span(),
            self.piece_groups.span(),
        ];
        let small = sections.into_iter().filter(|section| section.len() <= MOST_FETCHED);
        small.for_each(|section| self.file.fetch(section));
    }

    /// Says that most of the rows are about to be read in order.
    pub(super) fn read_through(&self) {
        self.file.read_through();
    }

    /// Says that some bytes of the file will be asked for soon.
    pub(super) fn fetch(&self, bytes: Range<usize>) {
        self.file.fetch(bytes);
    }

    /// Where in the file the block of a row lies; the row is counted from the segment's first.
    pub(super) fn bytes_of_row(&self, at: usize) -> Range<usize> {
        let blocks = self.section(self.row_blocks);
        let begins = |block: usize| blocks.get(block).map_or(usize::MAX, BlockRecord::first_byte);
        self.rows.part(begins(at / BLOCK_ROWS)..begins(at / BLOCK_ROWS + 1))
    }

    /// Where in the file it says which place a pot is of, unless that is the pot's number itself; `at` counts
    /// from the first that appears here.
    pub(super) fn bytes_of_place(&self, at: u32) -> Option<Range<usize>> {
        let (is_first, firsts_before) = self.rank(at)?;
        let other = at.saturating_sub(firsts_before) as usize * size_of::<u32>();
        (!is_first).then(|| self.other_pots.part(other..other + size_of::<u32>()))
    }

    /// Numbers of records that must agree.
    fn check(&self) -> Result<()> {
        let rows = self.facts.rows.count;
        let found = [
            (self.section(self.row_blocks).len() as u64, rows.div_ceil(BLOCK_ROWS as u64)),
            (self.section(self.places.sorted).len() as u64, self.facts.places.count),
            (self.section(self.accounts).len() as u64, self.facts.places.count.div_ceil(64)),
            (self.section(self.assets.sorted).len() as u64, self.facts.assets.count),
            (
                self.section(self.pot_assets).len() as u64,
                self.facts.pots.count.saturating_mul(self.facts.asset_width.into()),
            ),
            (self.section(self.first_pots).len() as u64, self.facts.pots.count.div_ceil(64)),
            (
                self.section(self.other_pots_tops).len() as u64,
                (self.section(self.other_pots_by_place).len() / OTHERS_A_TOP) as u64,
            ),
            (
                self.section(self.old_pots_tops).len() as u64,
                (self.section(self.old_pots).len() / OLD_A_TOP) as u64,
            ),
        ];
        let is_sound = matches!(self.facts.asset_width, 1 | 2 | 4) && rows < 1 << 31;
        match is_sound && found.iter().all(|(found, wanted)| found == wanted) {
            true => Ok(()),
            false => Err(self.damaged("sections of different numbers of records")),
        }
    }

    pub(super) fn damaged(&self, what: impl std::fmt::Display) -> ArchiveError {
        ArchiveError::integrity(self.file.path(), what)
    }

    #[inline]
    fn section<T: Pod>(&self, located: Located<T>) -> &[T] {
        self.file.records(located)
    }

    fn names(&self, located: LocatedNames) -> NameTable<'_> {
        NameTable {
            bytes: self.section(located.bytes),
            groups: self.section(located.groups),
            sorted: self.section(located.sorted),
        }
    }

    /// Names of the places that appear first in this segment; likewise assets and owners.
    pub(super) fn places(&self) -> NameTable<'_> {
        self.names(self.places)
    }

    pub(super) fn assets(&self) -> NameTable<'_> {
        self.names(self.assets)
    }

    pub(super) fn owners(&self) -> NameTable<'_> {
        self.names(self.owners)
    }

    /// A row, counted from the segment's first.
    #[inline]
    pub(super) fn row(&self, at: usize) -> Option<RowRecord> {
        let block = self.section(self.row_blocks).get(at / BLOCK_ROWS)?;
        Some(block.row(self.section(self.rows), at % BLOCK_ROWS))
    }

    /// The pots of a row, counted likewise.
    #[inline]
    pub(super) fn pots_of_row(&self, at: usize) -> Option<(u32, u32)> {
        let block = self.section(self.row_blocks).get(at / BLOCK_ROWS)?;
        Some(block.pots(self.section(self.rows), at % BLOCK_ROWS))
    }

    /// What leaves in a row, and what arrives where it is something else.
    #[inline]
    pub(super) fn amounts(&self, row: &RowRecord) -> (u128, Option<u128>) {
        unpack(row.amount, self.section(self.wide), self.section(self.conversions))
    }

    /// The merge time of a row, counted from the segment's first.
    pub(super) fn merge_time(&self, at: usize) -> u32 {
        let notes = self.section(self.merge_notes);
        match notes.binary_search_by_key(&(at as u32), |note| note.0) {
            Ok(found) => notes[found].1,
            Err(_) => self.row(at).map_or(0, |row| row.time),
        }
    }

    /// The place of a pot that appears first here. `at` counts from the first of them.
    pub(super) fn place_of(&self, at: u32) -> Option<u32> {
        if u64::from(at) >= self.facts.pots.count {
            return None;
        }
        let (is_first, firsts_before) = self.rank(at)?;
        match is_first {
            true => (self.facts.places.first as u32).checked_add(firsts_before),
            false => {
                let other = at.checked_sub(firsts_before)?;
                self.section(self.other_pots).get(other as usize).copied()
            }
        }
    }

    /// The place and asset of such a pot.
    pub(super) fn pot(&self, at: u32) -> Option<(u32, u32)> {
        let place = self.place_of(at)?;
        let assets = self.section(self.pot_assets);
        Some((place, number_of_width(assets, at as usize, self.facts.asset_width)))
    }

    /// True if a place that appears first here is an account. `at` counts from the first of them.
    #[inline]
    pub(super) fn is_account(&self, at: u32) -> bool {
        let word = self.section(self.accounts).get(at as usize / 64);
        word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// True if a pot is the first of a new place, and how many such come before it.
    fn rank(&self, at: u32) -> Option<(bool, u32)> {
        let (word, bit) = (at as usize / 64, at % 64);
        let words = self.section(self.first_pots);
        let own = *words.get(word)?;
        let rank = *self.section(self.first_pot_ranks).get(word / WORDS_A_RANK)?;
        let before = words.get(word / WORDS_A_RANK * WORDS_A_RANK..word)?;
        let before: u32 = before.iter().map(|word| word.count_ones()).sum();
        let inside = (own & ((1 << bit) - 1)).count_ones();
        Some((own >> bit & 1 == 1, rank.checked_add(before + inside)?))
    }

    /// The first pot of a place that appears first here.
    pub(super) fn first_pot(&self, place: u32) -> Option<u32> {
        let wanted = place.checked_sub(self.facts.places.first as u32)?;
        let ranks = self.section(self.first_pot_ranks);
        let block = ranks.partition_point(|rank| *rank <= wanted).checked_sub(1)?;
        let words = self.section(self.first_pots);
        let mut left = wanted.checked_sub(ranks[block])?;
        for (at, word) in words.iter().enumerate().skip(block * WORDS_A_RANK).take(WORDS_A_RANK) {
            let ones = word.count_ones();
            if left < ones {
                let mut rest = *word;
                for _ in 0..left {
                    rest &= rest - 1;
                }
                let pot = at as u64 * 64 + u64::from(rest.trailing_zeros());
                return Some((self.facts.pots.first + pot) as u32);
            }
            left -= ones;
        }
        None
    }

    /// Where among the other pots, in order of place, the first of a place stands, if there is one.
    fn near_others(&self, place: u32) -> Range<usize> {
        let length = self.section(self.other_pots_by_place).len();
        below_top(self.section(self.other_pots_tops), OTHERS_A_TOP, length, place)
    }

    /// Where in the file lies what [`Segment::other_pots`] looks at first.
    pub(super) fn bytes_of_others(&self, place: u32) -> impl Iterator<Item = Range<usize>> {
        let near = &self.section(self.other_pots_by_place)[self.near_others(place)];
        let rel = |pot: &u32| pot.checked_sub(self.facts.pots.first as u32);
        near.iter().filter_map(rel).filter_map(|pot| self.bytes_of_place(pot))
    }

    /// Pots of a place that appear here and are not its first, ascending.
    pub(super) fn other_pots(&self, place: u32) -> impl Iterator<Item = u32> {
        let sorted = self.section(self.other_pots_by_place);
        let first = self.facts.pots.first as u32;
        let place_of = move |pot: &u32| self.place_of(pot.checked_sub(first)?);
        let near = self.near_others(place);
        let is_before = |pot: &u32| place_of(pot).is_some_and(|own| own < place);
        let from = near.start + sorted[near].partition_point(is_before);
        sorted[from..].iter().copied().take_while(move |pot| place_of(pot) == Some(place))
    }

    /// The owner of a place that some row of this segment is the first to state.
    pub(super) fn owner_of(&self, place: u32) -> Option<u32> {
        let owners = self.section(self.place_owners);
        let at = owners.binary_search_by_key(&place, |pair| pair.0).ok()?;
        Some(owners[at].1)
    }

    /// Places whose owner some row of this segment is the first to state.
    pub(super) fn owned_by(&self, owner: u32) -> impl Iterator<Item = u32> {
        of_class(self.section(self.owned), owner)
    }

    /// How a row states the owner of its sender (side 0) or receiver (side 1).
    pub(super) fn stated_owner(&self, at: u32, side: u32) -> u8 {
        let stated = self.section(self.row_owners).get(at as usize).copied().unwrap_or(0);
        if side == 0 { stated & 0xf } else { stated >> 4 }
    }

    /// The number of an owner that is none of the place's.
    pub(super) fn noted_owner(&self, at: u32, side: u32) -> Option<u32> {
        let notes = self.section(self.owner_notes);
        let found = notes.binary_search_by_key(&(at, side), |note| (note.row, note.side)).ok()?;
        Some(notes[found].owner)
    }

    /// A pot's piece of the ledger, if the segment has one. `None` too where the file is damaged.
    pub(super) fn piece(&self, pot: u32) -> Option<Piece<'_>> {
        let old = self.section(self.old_pots);
        let first = self.facts.pots.first;
        let at = match u64::from(pot).checked_sub(first) {
            Some(at) if u64::from(pot) < self.facts.pots.end() => old.len() + at as usize,
            Some(_) => return None,
            None => {
                let tops = self.section(self.old_pots_tops);
                let near = below_top(tops, OLD_A_TOP, old.len(), pot);
                near.start + old[near].binary_search(&pot).ok()?
            }
        };
        let group = *self.section(self.piece_groups).get(at / PIECES_A_GROUP)?;
        let bytes = self.section(self.pieces).get(usize::try_from(group).ok()?..)?;
        // A group holds old pots or new ones, or at most once both.
        Piece::nth(bytes, at % PIECES_A_GROUP)
    }

    pub(super) fn overflows(&self) -> &[Overflow] {
        self.section(self.overflows)
    }

    /// The number of the part in which a row stands, and its row there.
    pub(super) fn location(&self, at: u32) -> Option<(u64, u64)> {
        let runs = self.origins_file.records(self.runs);
        let run = runs.get(runs.partition_point(|run| run.row <= at).checked_sub(1)?)?;
        let part = self.origins.parts.get(run.source as usize)?;
        Some((part.number, run.part_row.checked_add(at.checked_sub(run.row)?.into())?))
    }

    /// True if a row names pots that there are.
    #[inline]
    pub(super) fn has_pots(&self, row: &RowRecord) -> bool {
        let end = self.facts.pots.end();
        u64::from(row.to) < end && (row.from == NONE || u64::from(row.from) < end)
    }
}

/// Where in a sorted list of `length` entries the first that is not below `wanted` stands, if there is one.
/// `tops` has the keys of the last of each `apart` entries: with them few pages of the list are touched.
fn below_top(tops: &[u32], apart: usize, length: usize, wanted: u32) -> Range<usize> {
    let from = tops.partition_point(|top| *top < wanted) * apart;
    from.min(length)..(from + apart).min(length)
}

/// The number at a place of a table whose numbers have 1, 2 or 4 bytes.
#[inline]
fn number_of_width(bytes: &[u8], at: usize, width: u8) -> u32 {
    match width {
        1 => u32::from(bytes[at]),
        2 => u32::from(u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]])),
        _ => {
            let own = &bytes[4 * at..4 * at + 4];
            u32::from_le_bytes([own[0], own[1], own[2], own[3]])
        }
    }
}

/// The second numbers of the pairs with this first.
fn of_class(pairs: &[Pair], class: u32) -> impl Iterator<Item = u32> {
    let from = pairs.partition_point(|pair| pair.0 < class);
    pairs[from..].iter().take_while(move |pair| pair.0 == class).map(|pair| pair.1)
}
