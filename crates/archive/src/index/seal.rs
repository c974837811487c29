//! Sealing a segment: what was collected beside the rows is written behind them, and the movements are
//! sorted into ledgers, pot by pot.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::draft::{Draft, Progress};
use super::layout::SegmentWriter;
use super::numbering::Numbering;
use super::piece::{PIECES_A_GROUP, PieceWriter};
use super::segment::{OLD_A_TOP, OTHERS_A_TOP, Overflow, Pair, WORDS_A_RANK};
use super::spill::{BUCKET, Movement};
use crate::error::Result;
use crate::names::{NONE, NameBook};

/// Bytes of ledgers collected before they are written.
const FLUSH: usize = 1 << 18;
/// Stands for a balance that needs more than 64 bits.
const WIDE: u64 = u64::MAX;

/// What pots held at the end of the last segment, from the first pot of this build on.
pub(super) struct Balances {
    first: u32,
    narrow: Vec<u64>,
    wide: FxHashMap<u32, u128>,
}

impl Balances {
    pub(super) fn starting_at(pot: u32) -> Balances {
        Balances { first: pot, narrow: Vec::new(), wide: FxHashMap::default() }
    }

    fn get(&self, pot: u32, numbering: &Numbering) -> u128 {
        let Some(at) = pot.checked_sub(self.first) else {
            return numbering.sealed.balance_before(pot, u64::MAX);
        };
        match self.narrow.get(at as usize) {
            Some(&WIDE) => self.wide.get(&pot).copied().unwrap_or(0),
            Some(narrow) => u128::from(*narrow),
            None => 0,
        }
    }

    fn set(&mut self, pot: u32, balance: u128) {
        let Some(at) = pot.checked_sub(self.first) else { return };
        if at as usize >= self.narrow.len() {
            self.narrow.resize(at as usize + 1, 0);
        }
        self.narrow[at as usize] = match u64::try_from(balance) {
            Ok(narrow) if narrow != WIDE => narrow,
            _ => {
                self.wide.insert(pot, balance);
                WIDE
            }
        };
    }
}

/// Writes all that belongs to the rows of a draft. `balances` are those before it, and afterwards those
/// behind it. Returns the file's SHA-256 and length.
pub(super) fn seal(
    mut draft: Draft,
    numbering: &Numbering,
    progress: &Progress,
    balances: &mut Balances,
) -> Result<([u8; 32], u64)> {
    draft.finish_rows()?;
    let mut facts = draft.facts(numbering, progress);
    let writer = &mut draft.writer;
    writer.section("merge_notes", &draft.merge_notes)?;
    writer.section("wide", &draft.amounts.wide)?;
    writer.section("conversions", &draft.amounts.conversions)?;
    write_names(writer, "places", &numbering.places, facts.places.first as u32)?;
    writer.section("accounts", &numbering.places.accounts_since(facts.places.first as u32))?;
    write_names(writer, "assets", &numbering.assets, facts.assets.first as u32)?;
    write_names(writer, "owners", &numbering.owners, facts.owners.first as u32)?;
    let (sorted, swapped) = both_ways(std::mem::take(&mut draft.place_owners));
    writer.section("place_owners", &sorted)?;
    writer.section("owned", &swapped)?;
    if !draft.row_owners.is_empty() {
        draft.row_owners.resize(draft.rows as usize, 0);
    }
    writer.section("row_owners", &draft.row_owners)?;
    writer.section("owner_notes", &draft.owner_notes)?;
    writer.section("first_pots", &draft.first_pots)?;
    writer.section("first_pots.ranks", &ranks(&draft.first_pots))?;
    let new_pots = (facts.pots.first as u32 - numbering.pots.first) as usize;
    let (assets, most) = (&numbering.pots.assets[new_pots..], numbering.assets.end());
    facts.asset_width = writer.narrow_section("pot_assets", assets.iter().copied(), most)?;
    let mut others = std::mem::take(&mut draft.other_pots);
    writer
        .section("other_pots", &others.iter().map(|Pair(_, place)| *place).collect::<Vec<_>>())?;
    others.sort_unstable_by_key(|Pair(pot, place)| (*place, *pot));
    let by_place: Vec<u32> = others.iter().map(|Pair(pot, _)| *pot).collect();
    writer.section("other_pots.by_place", &by_place)?;
    let tops = others.chunks_exact(OTHERS_A_TOP).map(|chunk| chunk[OTHERS_A_TOP - 1].1);
    writer.section("other_pots.tops", &tops.collect::<Vec<u32>>())?;
    write_ledgers(&mut draft, numbering, balances)?;
    draft.spill.remove();
    draft.writer.finish(&facts)
}

fn write_names(writer: &mut SegmentWriter, name: &str, book: &NameBook, from: u32) -> Result<()> {
    let (bytes, groups, sorted) = book.since(from);
    writer.section(name, bytes)?;
    writer.section(&format!("{name}.groups"), &groups)?;
    writer.section(&format!("{name}.sorted"), &sorted)
}

/// The pairs in order, and turned round in order.
fn both_ways(mut pairs: Vec<Pair>) -> (Vec<Pair>, Vec<Pair>) {
    pairs.sort_unstable();
    let mut swapped: Vec<Pair> = pairs.iter().map(|Pair(a, b)| Pair(*b, *a)).collect();
    swapped.sort_unstable();
    (pairs, swapped)
}

/// How many ones come before each block of words.
fn ranks(words: &[u64]) -> Vec<u32> {
    let mut before = 0;
    let block = |words: &[u64]| {
        let rank = before;
        before += words.iter().map(|word| word.count_ones()).sum::<u32>();
        rank
    };
    words.chunks(WORDS_A_RANK).map(block).collect()
}

/// Writes the pieces of all pots in order of number: first of those of earlier segments that move here,
/// then of all new ones.
fn write_ledgers(draft: &mut Draft, numbering: &Numbering, balances: &mut Balances) -> Result<()> {
    let first_new = draft.first.pots.first as u32;
    let mut pieces = Pieces::default();
    let mut old_pots: Vec<u32> = Vec::new();
    let mut overflowing: BTreeMap<u32, u32> = BTreeMap::new();
    let mut gathered = Gathered::new();
    draft.writer.begin("ledgers")?;
    for bucket in 0..numbering.pots.end().div_ceil(BUCKET) {
        let first = bucket * BUCKET;
        let end = numbering.pots.end().min(first.saturating_add(BUCKET));
        draft.spill.drain(bucket as usize, |movement| {
            let opening = |pot| balances.get(pot, numbering);
            if moves_beyond(gathered.piece(movement.pot, opening), movement) {
                let known = overflowing.entry(movement.pot).or_insert(movement.row);
                *known = movement.row.min(*known);
            }
        })?;
        for pot in gathered.moved_below(first_new) {
            let piece = gathered.take(pot);
            balances.set(pot, piece.balance);
            old_pots.push(pot);
            pieces.add(piece, &mut draft.writer)?;
        }
        for pot in first.max(first_new)..end {
            let piece = gathered.take(pot);
            balances.set(pot, piece.balance);
            pieces.add(piece, &mut draft.writer)?;
        }
        gathered.clear();
    }
    pieces.flush(&mut draft.writer)?;
    draft.writer.section("ledgers.groups", &pieces.groups)?;
    draft.writer.section("old_pots", &old_pots)?;
    let tops = old_pots.chunks_exact(OLD_A_TOP).map(|chunk| chunk[OLD_A_TOP - 1]);
    draft.writer.section("old_pots.tops", &tops.collect::<Vec<u32>>())?;
    let overflows = by_asset(&overflowing, numbering, draft.first.rows.first);
    draft.writer.section("overflows", &overflows)
}

/// The pieces of the pots of one bucket.
struct Gathered {
    /// By pot within the bucket: place in `pieces`.
    slots: Vec<u32>,
    pieces: Vec<PieceWriter>,
    /// Pots that move, in no order.
    moved: Vec<u32>,
}

impl Gathered {
    fn new() -> Gathered {
        Gathered { slots: vec![NONE; BUCKET as usize], pieces: Vec::new(), moved: Vec::new() }
    }

    fn piece(&mut self, pot: u32, opening: impl FnOnce(u32) -> u128) -> &mut PieceWriter {
        let slot = &mut self.slots[(pot % BUCKET) as usize];
        if *slot == NONE {
            *slot = self.pieces.len() as u32;
            self.pieces.push(PieceWriter::opening(opening(pot)));
            self.moved.push(pot);
        }
        &mut self.pieces[*slot as usize]
    }

    fn moved_below(&mut self, pot: u32) -> Vec<u32> {
        let mut moved: Vec<u32> = self.moved.iter().copied().filter(|own| *own < pot).collect();
        moved.sort_unstable();
        moved
    }

    /// The piece of a pot, empty if it does not move.
    fn take(&mut self, pot: u32) -> PieceWriter {
        let piece = self.pieces.get_mut(self.slots[(pot % BUCKET) as usize] as usize);
        piece.map(std::mem::take).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.moved.iter().for_each(|pot| self.slots[(pot % BUCKET) as usize] = NONE);
        self.moved.clear();
        self.pieces.clear();
    }
}

/// Adds a movement to a pot's piece. True if the balance passed 2^128−1, where it is held.
fn moves_beyond(state: &mut PieceWriter, movement: Movement) -> bool {
    state.push(movement.row);
    if !movement.arrives {
        state.balance = state.balance.saturating_sub(movement.amount);
        return false;
    }
    let sum = state.balance.checked_add(movement.amount);
    state.balance = sum.unwrap_or(u128::MAX);
    sum.is_none()
}

fn by_asset(pots: &BTreeMap<u32, u32>, numbering: &Numbering, first_row: u64) -> Vec<Overflow> {
    let mut assets: BTreeMap<u32, u32> = BTreeMap::new();
    for (pot, row) in pots {
        let asset = match pot.checked_sub(numbering.pots.first) {
            Some(at) => numbering.pots.assets.get(at as usize).copied(),
            None => numbering.sealed.pot(*pot).map(|(_, asset)| asset),
        };
        let known = assets.entry(asset.unwrap_or(0)).or_insert(*row);
        *known = (*row).min(*known);
    }
    let overflow = |(asset, row)| Overflow { row: first_row + u64::from(row), asset, padding: 0 };
    assets.into_iter().map(overflow).collect()
}

#[derive(Default)]
struct Pieces {
    /// First row of the piece before in the group.
    before: u32,
    out: Vec<u8>,
    written: u64,
    groups: Vec<u64>,
    count: usize,
}

impl Pieces {
    fn add(&mut self, piece: PieceWriter, writer: &mut SegmentWriter) -> Result<()> {
        if self.count.is_multiple_of(PIECES_A_GROUP) {
            self.groups.push(self.written + self.out.len() as u64);
            self.before = 0;
        }
        piece.finish(&mut self.before, &mut self.out);
        self.count += 1;
        if self.out.len() >= FLUSH { self.flush(writer) } else { Ok(()) }
    }

    fn flush(&mut self, writer: &mut SegmentWriter) -> Result<()> {
        writer.add(&self.out)?;
        self.written += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }
}
