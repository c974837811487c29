//! The segments of an index, asked as one.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::block::RowRecord;
use super::layout::Span;
use super::piece::PieceRows;
use super::segment::Segment;
use crate::names::{NONE, Name, NameTable};

#[derive(Default)]
pub(super) struct Segments {
    /// In order of their rows; each begins where the one before ends.
    pub(super) list: Vec<Segment>,
    /// The one that a row was asked of last: the next row is mostly of it too.
    recent: AtomicUsize,
    fetches_left: AtomicUsize,
}

/// Bytes that are fetched together at least; systems with larger pages fetch more.
const PAGE: usize = 4096;
/// So many bytes between two pages are fetched with them: that costs less than to ask twice.
const GAP: usize = 4 * PAGE;
/// So many times bytes are fetched before they are asked for: who asks more has most of the index in memory
/// by then, where to say so only costs.
const MOST_FETCHES: usize = 1 << 18;

/// Which kind of numbers a segment is looked for by.
type SpanOf = fn(&Segment) -> Span;

/// A kind of what is named: where a segment has its numbers and its names.
pub(super) struct Named {
    span: SpanOf,
    table: fn(&Segment) -> NameTable<'_>,
}

pub(super) const PLACES: Named = Named { span: |it| it.facts.places, table: Segment::places };
pub(super) const ASSETS: Named = Named { span: |it| it.facts.assets, table: Segment::assets };
pub(super) const OWNERS: Named = Named { span: |it| it.facts.owners, table: Segment::owners };

impl Segments {
    pub(super) fn of(list: Vec<Segment>) -> Segments {
        let (recent, fetches_left) = (AtomicUsize::new(0), AtomicUsize::new(MOST_FETCHES));
        Segments { list, recent, fetches_left }
    }

    /// True if the numbers of each segment go on where those of the one before end.
    pub(super) fn are_continuous(&self) -> bool {
        let spans = |at: usize| self.list.get(at).map(|segment| segment.facts.spans());
        (0..self.list.len()).all(|at| {
            let before = at.checked_sub(1).and_then(spans);
            let mut own = spans(at).into_iter().flatten().enumerate();
            own.all(|(kind, (span, limit))| {
                span.follows(before.as_ref().map(|before| &before[kind].0), limit)
            })
        })
    }

    /// The segment that a number belongs to.
    #[inline]
    fn with(&self, number: u64, span: SpanOf) -> Option<&Segment> {
        let at = self.list.partition_point(|segment| span(segment).end() <= number);
        self.list.get(at)
    }

    #[inline]
    pub(super) fn of_row(&self, row: u64) -> Option<&Segment> {
        let recent = self.list.get(self.recent.load(Ordering::Relaxed));
        match recent {
            Some(segment) if segment.facts.rows.has(row) => Some(segment),
            _ => self.look_for_row(row),
        }
    }

    #[cold]
    fn look_for_row(&self, row: u64) -> Option<&Segment> {
        let at = self.list.partition_point(|segment| segment.facts.rows.end() <= row);
        self.recent.store(at, Ordering::Relaxed);
        self.list.get(at)
    }

    fn end(&self, span: SpanOf) -> u64 {
        self.list.last().map_or(0, |segment| span(segment).end())
    }

    pub(super) fn rows(&self) -> u64 {
        self.end(|segment| segment.facts.rows)
    }

    /// How many of a kind are named.
    pub(super) fn count(&self, named: &Named) -> u32 {
        self.end(named.span) as u32
    }

    pub(super) fn pots(&self) -> u32 {
        self.end(|segment| segment.facts.pots) as u32
    }

    /// The name with a number.
    pub(super) fn name(&self, named: &Named, number: u32) -> Option<&[u8]> {
        let segment = self.with(number.into(), named.span)?;
        (named.table)(segment).get(number - (named.span)(segment).first as u32)
    }

    /// The number of a name, looked for in the first `count` segments.
    pub(super) fn find(&self, named: &Named, name: &Name, count: usize) -> Option<u32> {
        let find = |segment: &Segment| {
            let at = (named.table)(segment).find(name.bytes())?;
            Some((named.span)(segment).first as u32 + at)
        };
        self.list.iter().take(count).find_map(find)
    }

    /// The owner of a place, as the first row says that names one.
    pub(super) fn owner_of(&self, place: u32) -> Option<u32> {
        self.list.iter().find_map(|segment| segment.owner_of(place))
    }

    pub(super) fn owned_by(&self, owner: u32) -> impl Iterator<Item = u32> {
        self.list.iter().flat_map(move |segment| segment.owned_by(owner))
    }

    /// The place and asset of a pot.
    #[inline]
    pub(super) fn pot(&self, pot: u32) -> Option<(u32, u32)> {
        let segment = self.with(pot.into(), |segment| segment.facts.pots)?;
        segment.pot(pot - segment.facts.pots.first as u32)
    }

    /// Fetches rows.
    pub(super) fn fetch_rows(&self, rows: impl Iterator<Item = u64>) {
        self.fetch(rows.filter_map(|row| {
            let at = self.list.partition_point(|segment| segment.facts.rows.end() <= row);
            let segment = self.list.get(at)?;
            Some((at, segment.bytes_of_row((row - segment.facts.rows.first) as usize)))
        }));
    }

    /// Fetches what says which places pots are of.
    pub(super) fn fetch_places_of(&self, pots: impl Iterator<Item = u32>) {
        self.fetch(pots.filter_map(|pot| {
            let at = self.list.partition_point(|own| own.facts.pots.end() <= pot.into());
            let segment = self.list.get(at)?;
            Some((at, segment.bytes_of_place(pot - segment.facts.pots.first as u32)?))
        }));
    }

    /// Fetches bytes of segments, each page once, as long as that is worth it.
    fn fetch(&self, bytes: impl Iterator<Item = (usize, Range<usize>)>) {
        let left = self.fetches_left.load(Ordering::Relaxed);
        if left == 0 {
            return;
        }
        let pages = bytes
            .map(|(at, bytes)| (at, bytes.start / PAGE * PAGE, bytes.end.next_multiple_of(PAGE)));
        let mut pages: Vec<(usize, usize, usize)> = pages.collect();
        pages.sort_unstable();
        let near = |end: usize, start: usize| start <= end + GAP;
        let runs =
            pages.chunk_by(|(at, _, end), (other, start, _)| at == other && near(*end, *start));
        let mut fetches = 0;
        for run in runs {
            if let (Some((at, start, _)), Some((_, _, end))) = (run.first(), run.last()) {
                self.list[*at].fetch(*start..*end);
                fetches += 1;
            }
        }
        self.fetches_left.store(left.saturating_sub(fetches), Ordering::Relaxed);
    }

    /// Says that most rows are about to be read in order.
    pub(super) fn read_through(&self) {
        self.fetches_left.store(0, Ordering::Relaxed);
        self.list.iter().for_each(Segment::read_through);
    }

    /// The place alone.
    #[inline]
    pub(super) fn place_of(&self, pot: u32) -> Option<u32> {
        let segment = self.with(pot.into(), |segment| segment.facts.pots)?;
        segment.place_of(pot - segment.facts.pots.first as u32)
    }

    /// True for a place that is an account.
    #[inline]
    pub(super) fn is_account(&self, place: u32) -> bool {
        let segment = self.with(place.into(), PLACES.span);
        segment.is_some_and(|own| own.is_account(place - own.facts.places.first as u32))
    }

    /// The pots of a place, ascending.
    pub(super) fn pots_of(&self, place: u32) -> Vec<u32> {
        let since = self.list.partition_point(|own| own.facts.places.end() <= place.into());
        let first = self.list.get(since).and_then(|segment| segment.first_pot(place));
        let list = self.list.iter().enumerate().skip(since);
        self.fetch(list.flat_map(|(at, segment)| {
            segment.bytes_of_others(place).map(move |bytes| (at, bytes))
        }));
        let others = self.list[since..].iter().flat_map(|segment| segment.other_pots(place));
        first.into_iter().chain(others).collect()
    }

    /// What a pot held before a row. An outflow beyond the balance leaves 0.
    pub(super) fn balance_before(&self, pot: u32, row: u64) -> u128 {
        let end = self.list.partition_point(|segment| segment.facts.rows.first < row);
        // Back to the last balance that is kept, or to where the pot appears; then forward from there.
        let mut balance = 0;
        let mut pieces = Vec::new();
        for segment in self.list[..end].iter().rev() {
            if u64::from(pot) >= segment.facts.pots.end() {
                break;
            }
            let Some(piece) = segment.piece(pot) else { continue };
            let from = (row.min(segment.facts.rows.end()) - segment.facts.rows.first) as u32;
            let (kept, rows) = piece.before(from);
            let rows = rows.take_while(move |at| *at < from);
            self.fetch_rows(rows.clone().map(|at| segment.facts.rows.first + u64::from(at)));
            pieces.push((segment, rows));
            if let Some(kept) = kept {
                balance = kept;
                break;
            }
        }
        for (segment, rows) in pieces.into_iter().rev() {
            for at in rows {
                let record = segment.row(at as usize);
                balance = record.map_or(balance, |record| after(segment, &record, pot, balance));
            }
        }
        balance
    }

    /// The rows from `row` on that move a pot.
    pub(super) fn ledger_from(&self, pot: u32, row: u64) -> LedgerRows<'_> {
        let at = self.list.partition_point(|segment| segment.facts.rows.end() <= row);
        let mut rows =
            LedgerRows { rest: &self.list[at..], pot, first: 0, piece: PieceRows::default() };
        rows.open(row);
        rows
    }
}

/// What a pot holds after a row that moves it.
fn after(segment: &Segment, row: &RowRecord, pot: u32, balance: u128) -> u128 {
    let (leaves, arrives) = segment.amounts(row);
    match row.from == pot {
        true => balance.saturating_sub(leaves),
        false => balance.saturating_add(arrives.unwrap_or(leaves)),
    }
}

/// Numbers of rows that move one pot, ascending, read as they are asked for.
#[derive(Clone)]
pub struct LedgerRows<'a> {
    /// Segments whose pieces were not opened yet.
    rest: &'a [Segment],
    pot: u32,
    /// First row of the segment that is being read.
    first: u64,
    piece: PieceRows<'a>,
}

impl LedgerRows<'_> {
    /// Opens the next piece that there is, at its first row from `row` on.
    fn open(&mut self, row: u64) -> bool {
        while let Some((segment, rest)) = self.rest.split_first() {
            self.rest = rest;
            if let Some(piece) = segment.piece(self.pot) {
                self.first = segment.facts.rows.first;
                let from = row.saturating_sub(self.first) as u32;
                let (_, mut rows) = piece.before(from);
                let mut ahead = rows;
                while ahead.next().is_some_and(|at| at < from) {
                    rows = ahead;
                }
                self.piece = rows;
                return true;
            }
        }
        false
    }
}

impl Iterator for LedgerRows<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        loop {
            if let Some(at) = self.piece.next() {
                return Some(self.first + u64::from(at));
            }
            if !self.open(0) {
                return None;
            }
        }
    }
}

/// A pot, or `None` for a mint's sender.
#[inline]
pub(super) fn pot_or_none(pot: u32) -> Option<u32> {
    (pot != NONE).then_some(pot)
}
