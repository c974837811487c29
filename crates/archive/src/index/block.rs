//! Rows in blocks of 64: in each, pots, amounts and times have as many bytes as its largest needs, so
//! that a row is found by its number and takes no more than its neighbours ask for.

use bytemuck::{Pod, Zeroable};

use super::names::NONE;

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
/// then the amounts, then the times as differences to `time`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub(super) struct BlockRecord {
    at: u64,
    /// The least time of the block.
    time: u32,
    /// Bytes of a pot, where all bits set are a mint's sender.
    pot_width: u8,
    amount_width: u8,
    /// 0 where all times are one.
    time_width: u8,
    rows: u8,
}

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
        let pots = || self.rows.iter().flat_map(|row| [row.from, row.to]);
        // One more than the largest pot, so that it is none of all bits.
        let most = pots().filter(|pot| *pot != NONE).max().unwrap_or(0);
        let pot_width = width(u64::from(most) + 1);
        let amount_width = width(self.rows.iter().map(|row| row.amount).max().unwrap_or(0));
        let time_width =
            width(self.rows.iter().map(|row| u64::from(row.time - time)).max().unwrap_or(0));
        let at = self.bytes;
        let before = out.len();
        for pot in pots() {
            out.extend_from_slice(&pot.to_le_bytes()[..usize::from(pot_width)]);
        }
        for row in &self.rows {
            out.extend_from_slice(&row.amount.to_le_bytes()[..usize::from(amount_width)]);
        }
        for row in &self.rows {
            out.extend_from_slice(&(row.time - time).to_le_bytes()[..usize::from(time_width)]);
        }
        self.bytes += (out.len() - before) as u64;
        let rows = self.rows.len() as u8;
        self.records.push(BlockRecord { at, time, pot_width, amount_width, time_width, rows });
        self.rows.clear();
    }
}

/// Bytes that a number needs.
fn width(number: u64) -> u8 {
    (8 - number.leading_zeros() / 8) as u8
}

impl BlockRecord {
    /// A row of the block, counted from its first. What lies beyond `bytes`, as only a damaged file has
    /// it, reads as zeros.
    #[inline]
    pub(super) fn row(&self, bytes: &[u8], row: usize) -> RowRecord {
        let (pots, amounts) = (usize::from(self.pot_width), usize::from(self.amount_width));
        let (times, rows) = (usize::from(self.time_width), usize::from(self.rows));
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let bytes = bytes.get(at..).unwrap_or(&[]);
        let of_amounts = 2 * pots * rows;
        RowRecord {
            from: pot(bytes, 2 * pots * row, pots),
            to: pot(bytes, (2 * row + 1) * pots, pots),
            amount: number(bytes, of_amounts + row * amounts, amounts),
            time: self.time(bytes, of_amounts + rows * amounts, row, times),
        }
    }

    /// The pots of a row alone.
    #[inline]
    pub(super) fn pots(&self, bytes: &[u8], row: usize) -> (u32, u32) {
        let width = usize::from(self.pot_width);
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let bytes = bytes.get(at..).unwrap_or(&[]);
        (pot(bytes, 2 * width * row, width), pot(bytes, (2 * row + 1) * width, width))
    }

    #[inline]
    fn time(&self, bytes: &[u8], at: usize, row: usize, width: usize) -> u32 {
        self.time.wrapping_add(number(bytes, at + row * width, width) as u32)
    }
}

#[inline]
fn pot(bytes: &[u8], at: usize, width: usize) -> u32 {
    match number(bytes, at, width) {
        none if none == mask(width) => NONE,
        pot => pot as u32,
    }
}

#[inline]
fn mask(width: usize) -> u64 {
    if width == 0 { 0 } else { u64::MAX >> (64 - 8 * width.min(8)) }
}

#[inline]
fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
    word.map_or(0, |word| u64::from_le_bytes(*word) & mask(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_comes_back() {
        let most = [0, 1, 254, 255, 256, 65_534, 65_535, (1 << 24) - 2, (1 << 24) - 1, NONE - 1];
        let mut rows = Vec::new();
        for (n, pot) in most.into_iter().enumerate() {
            for (m, amount) in [0, 255, 256, u64::MAX >> 2, u64::MAX].into_iter().enumerate() {
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
