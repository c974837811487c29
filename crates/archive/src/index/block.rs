//! Rows in blocks of 64: in each, pots and times have as many bits as its largest needs, and amounts as
//! many as make the block shortest, so that a row is found by its number and takes no more than its
//! neighbours ask for.

use bytemuck::{Pod, Zeroable};

use crate::names::NONE;

/// Rows of a block; the last of a segment may have fewer.
pub(super) const BLOCK_ROWS: usize = 64;
/// Zeros behind the last block, so that eight bytes can be read wherever a number begins.
pub(super) const PADDING: [u8; 8] = [0; 8];

/// One transfer in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowRecord {
    /// Pot, or [`NONE`] for a mint.
    pub(super) from: u32,
    pub(super) to: u32,
    /// See [`super::amount`].
    pub(super) amount: u64,
    pub(super) time: u32,
}

/// Where a block lies, and how its numbers are written: first the pots, sender and receiver of each row,
/// then the amounts, then the times as differences to `time`, each kind from a byte's beginning on and its
/// numbers from the lowest bit of the lowest byte; then the amounts that did not fit.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub(super) struct BlockRecord {
    /// The block's first byte, and in the lowest seven bits its rows.
    at: u64,
    /// The least time of the block.
    time: u32,
    /// Bits of a pot; all of them set are a mint's sender.
    pot_bits: u8,
    /// Bits of an amount; all of them set send to the end of the block.
    amount_bits: u8,
    /// 0 where all times are one.
    time_bits: u8,
    /// Amounts at the end of the block, each behind its row.
    wide: u8,
}

/// Bits that hold a block's number of rows.
const ROWS_BITS: u32 = 7;
/// Bytes of an amount at the end of a block: its row u8, the amount u64.
const WIDE: usize = 9;
/// Numbers of more bits begin at a byte, and have 64.
const MOST_BITS: u32 = 57;

/// Collects rows and writes whole blocks.
#[derive(Default)]
pub(super) struct BlockWriter {
    pub(super) records: Vec<BlockRecord>,
    rows: Vec<RowRecord>,
    bytes: u64,
}

impl BlockWriter {
    /// Adds a row; what is finished goes to `out`.
    pub(super) fn push(&mut self, row: RowRecord, out: &mut Vec<u8>) {
        self.rows.push(row);
        if self.rows.len() == BLOCK_ROWS {
            self.finish(out);
        }
    }

    /// Writes the rows that wait.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        let Some(time) = self.rows.iter().map(|row| row.time).min() else { return };
        let before = out.len();
        let pots = || self.rows.iter().flat_map(|row| [row.from, row.to]);
        // One more than the largest pot, so that it is none of all bits.
        let most = pots().filter(|pot| *pot != NONE).max().unwrap_or(0);
        let pot_bits = bits(u64::from(most) + 1);
        pack(pots().map(u64::from), pot_bits, out);
        let amount_bits = amount_bits(&self.rows);
        let is_wide = |row: &&RowRecord| row.amount >= mask(amount_bits) && amount_bits < 64;
        let fitting = |row: &RowRecord| if is_wide(&row) { u64::MAX } else { row.amount };
        pack(self.rows.iter().map(fitting), amount_bits, out);
        let latest = self.rows.iter().map(|row| row.time - time).max().unwrap_or(0);
        let time_bits = bits(latest.into());
        pack(self.rows.iter().map(|row| u64::from(row.time - time)), time_bits, out);
        let mut wide = 0;
        for (at, row) in self.rows.iter().enumerate().filter(|(_, row)| is_wide(row)) {
            out.push(at as u8);
            out.extend_from_slice(&row.amount.to_le_bytes());
            wide += 1;
        }
        let at = self.bytes << ROWS_BITS | self.rows.len() as u64;
        self.bytes += (out.len() - before) as u64;
        let [pot_bits, amount_bits, time_bits] =
            [pot_bits, amount_bits, time_bits].map(|b| b as u8);
        self.records.push(BlockRecord { at, time, pot_bits, amount_bits, time_bits, wide });
        self.rows.clear();
    }
}

/// Bits that a number needs.
fn bits(number: u64) -> u32 {
    64 - number.leading_zeros()
}

/// As many bits for every amount as make the block shortest, those that do not fit at its end.
fn amount_bits(rows: &[RowRecord]) -> u32 {
    // An amount of all bits set does not fit in them.
    let mut needing = [0usize; 66];
    rows.iter().for_each(|row| needing[bits(row.amount.saturating_add(1)) as usize] += 1);
    let mut wide = rows.len();
    let mut best = (u32::MAX as usize, 64);
    for width in (0..MOST_BITS).chain([64]) {
        wide = if width == 64 { 0 } else { wide - needing[width as usize] };
        let cost = (rows.len() * width as usize).div_ceil(8) + wide * WIDE;
        best = best.min((cost, width));
    }
    best.1
}

fn pack(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let (mut word, mut filled) = (0u128, 0);
    for number in numbers {
        word |= u128::from(number & mask(width)) << filled;
        filled += width;
        while filled >= 8 {
            out.push(word as u8);
            word >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(word as u8);
    }
}

impl BlockRecord {
    #[inline]
    fn rows(&self) -> usize {
        (self.at & ((1 << ROWS_BITS) - 1)) as usize
    }

    #[inline]
    fn own<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.first_byte()..).unwrap_or(&[])
    }

    /// A row of the block, counted from its first. What lies beyond `bytes`, as only a damaged file has
    /// it, reads as zeros.
    #[inline]
    pub(super) fn row(&self, bytes: &[u8], row: usize) -> RowRecord {
        let (bytes, rows) = (self.own(bytes), self.rows());
        let (pots, amounts, times) =
            (self.pot_bits.into(), self.amount_bits.into(), self.time_bits.into());
        let of_amounts = (2 * rows * usize::from(self.pot_bits)).div_ceil(8);
        let of_times = of_amounts + (rows * usize::from(self.amount_bits)).div_ceil(8);
        let mut amount = number(bytes, of_amounts, row, amounts);
        if self.wide > 0 && amount == mask(amounts) {
            let end = of_times + (rows * usize::from(self.time_bits)).div_ceil(8);
            amount = self.wide_amount(bytes, end, row);
        }
        RowRecord {
            from: pot(bytes, 2 * row, pots),
            to: pot(bytes, 2 * row + 1, pots),
            amount,
            time: self.time.wrapping_add(number(bytes, of_times, row, times) as u32),
        }
    }

    #[cold]
    fn wide_amount(&self, bytes: &[u8], end: usize, row: usize) -> u64 {
        let wide = bytes.get(end..).unwrap_or(&[]).chunks_exact(WIDE).take(self.wide.into());
        let own = wide.into_iter().find(|one| usize::from(one[0]) == row);
        own.and_then(|one| one[1..].first_chunk()).map_or(0, |amount| u64::from_le_bytes(*amount))
    }

    /// Where in the section the block begins.
    pub(super) fn first_byte(&self) -> usize {
        usize::try_from(self.at >> ROWS_BITS).unwrap_or(usize::MAX)
    }

    /// The pots of a row alone.
    #[inline]
    pub(super) fn pots(&self, bytes: &[u8], row: usize) -> (u32, u32) {
        let (bytes, width) = (self.own(bytes), self.pot_bits.into());
        (pot(bytes, 2 * row, width), pot(bytes, 2 * row + 1, width))
    }
}

#[inline]
fn pot(bytes: &[u8], at: usize, width: u32) -> u32 {
    match number(bytes, 0, at, width) {
        none if none == mask(width) => NONE,
        pot => pot as u32,
    }
}

#[inline]
fn mask(width: u32) -> u64 {
    if width == 0 { 0 } else { u64::MAX >> (64 - width.min(64)) }
}

/// The number at a place among those of so many bits that begin at a byte.
#[inline]
fn number(bytes: &[u8], from: usize, at: usize, width: u32) -> u64 {
    let bit = at * width as usize;
    let word = bytes.get(from + bit / 8..).and_then(|rest| rest.first_chunk::<8>());
    word.map_or(0, |word| u64::from_le_bytes(*word) >> (bit % 8) & mask(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMOUNTS: [u64; 9] =
        [0, 1, 254, 255, 256, (1 << 56) - 1, 1 << 57, u64::MAX >> 2, u64::MAX];

    #[test]
    fn every_row_comes_back() {
        let most = [0, 1, 254, 255, 256, 65_534, 65_535, (1 << 24) - 2, (1 << 24) - 1, NONE - 1];
        let mut rows = Vec::new();
        for (n, pot) in most.into_iter().enumerate() {
            for (m, amount) in AMOUNTS.into_iter().enumerate() {
                let from = if m % 2 == 0 { NONE } else { pot };
                let time = 1000 + (n * m * m * 70_000) as u32;
                rows.push(RowRecord { from, to: pot, amount, time });
            }
        }
        for length in [1, 63, 64, 65, rows.len()] {
            for rows in rows.chunks(length) {
                let (mut writer, mut bytes) = (BlockWriter::default(), Vec::new());
                rows.iter().for_each(|row| writer.push(*row, &mut bytes));
                writer.finish(&mut bytes);
                bytes.extend(PADDING);
                for (n, row) in rows.iter().enumerate() {
                    let block = writer.records[n / BLOCK_ROWS];
                    assert_eq!(block.row(&bytes, n % BLOCK_ROWS), *row);
                    assert_eq!(block.pots(&bytes, n % BLOCK_ROWS), (row.from, row.to));
                }
            }
        }
    }
}
