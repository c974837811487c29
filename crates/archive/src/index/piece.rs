//! A pot's ledger in one segment: the numbers of its rows, each as the difference to the one before,
//! with the balance every 128 rows.
//!
//! A piece is its length in bytes, the number of rows, the first of them as its difference to the first
//! row of the piece before in the group (up or down), the balances, and the other rows' differences. New
//! pots lie in the order in which they appear, so that their first rows differ little. All numbers but the
//! balances' records are written seven bits a byte, least first (LEB128). With what balance a pot comes
//! from an earlier segment is found there.

use bytemuck::{Pod, Zeroable};
use smallvec::SmallVec;

/// A balance is kept before every row of a piece whose number in it is a multiple of this, but 0.
pub(super) const BALANCE_EVERY: u32 = 128;
/// Pieces are found from every 16th one on.
pub(super) const PIECES_A_GROUP: usize = 16;

/// What a pot held before some row of its piece.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub(super) struct Rest {
    balance: [u8; 16],
    /// The row before, counted from the segment's first.
    row: u32,
    /// Bytes of differences before.
    bytes: u32,
}

/// A piece that is being written.
#[derive(Default)]
pub(super) struct PieceWriter {
    /// What the pot holds now.
    pub(super) balance: u128,
    rests: Vec<Rest>,
    /// Behind the first row.
    deltas: SmallVec<[u8; 16]>,
    rows: u32,
    first: u32,
    last: u32,
}

impl PieceWriter {
    pub(super) fn opening(balance: u128) -> PieceWriter {
        PieceWriter { balance, ..PieceWriter::default() }
    }

    /// Adds a row that is about to change the balance.
    pub(super) fn push(&mut self, row: u32) {
        if self.rows > 0 && self.rows.is_multiple_of(BALANCE_EVERY) {
            let (balance, bytes) = (self.balance.to_le_bytes(), self.deltas.len() as u32);
            self.rests.push(Rest { balance, row: self.last, bytes });
        }
        match self.rows {
            0 => self.first = row,
            _ => write_number(&mut self.deltas, u128::from(row - self.last)),
        }
        self.rows += 1;
        self.last = row;
    }

    /// Appends the piece. `before` is the first row of the piece before, and becomes that of this one, if it
    /// has any.
    pub(super) fn finish(self, before: &mut u32, out: &mut Vec<u8>) {
        let mut head: SmallVec<[u8; 32]> = SmallVec::new();
        write_number(&mut head, u128::from(self.rows));
        if self.rows > 0 {
            let difference = i64::from(self.first) - i64::from(*before);
            write_number(&mut head, u128::from(zigzag(difference)));
            *before = self.first;
        }
        let rests: &[u8] = bytemuck::cast_slice(&self.rests);
        let length = head.len() + rests.len() + self.deltas.len();
        write_number(out, length as u128);
        out.extend_from_slice(&head);
        out.extend_from_slice(rests);
        out.extend_from_slice(&self.deltas);
    }
}

/// Small differences up and down as small numbers.
fn zigzag(difference: i64) -> u64 {
    (difference << 1 ^ difference >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

pub(super) fn write_number(out: &mut impl Extend<u8>, mut number: u128) {
    while number >= 0x80 {
        out.extend([number as u8 | 0x80]);
        number >>= 7;
    }
    out.extend([number as u8]);
}

/// Takes a number off the front; `None` where there is none.
#[inline]
pub(super) fn read_number(bytes: &mut &[u8]) -> Option<u128> {
    let mut number = 0u128;
    for shift in (0..128).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u128::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[inline]
fn read_u32(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0u32;
    for shift in (0..32).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A piece on disk.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    rows: u32,
    first: u32,
    rests: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> Piece<'a> {
    /// The piece at a place among those of a group that begin at `bytes`.
    pub(super) fn nth(bytes: &'a [u8], at: usize) -> Option<Piece<'a>> {
        let (mut rest, mut before) = (bytes, 0);
        for left in (0..=at).rev() {
            let length = usize::try_from(read_number(&mut rest)?).ok()?;
            let (mut piece, behind) = rest.split_at_checked(length)?;
            rest = behind;
            let rows = read_u32(&mut piece)?;
            if rows > 0 {
                let difference = unzigzag(u64::try_from(read_number(&mut piece)?).ok()?);
                before = u32::try_from(i64::from(before) + difference).ok()?;
            }
            if left == 0 {
                return Piece::read(piece, rows, before);
            }
        }
        None
    }

    fn read(bytes: &'a [u8], rows: u32, first: u32) -> Option<Piece<'a>> {
        let rests = (rows.saturating_sub(1) / BALANCE_EVERY) as usize * size_of::<Rest>();
        let (rests, deltas) = bytes.split_at_checked(rests)?;
        Some(Piece { rows, first, rests, deltas })
    }

    /// The last balance that is kept before row `from` (counted from the segment's first), if one is, and
    /// the rows from there on.
    pub(super) fn before(&self, from: u32) -> (Option<u128>, PieceRows<'a>) {
        let size = size_of::<Rest>();
        let rest = |at: usize| {
            bytemuck::pod_read_unaligned::<Rest>(&self.rests[at * size..(at + 1) * size])
        };
        let (mut low, mut high) = (0, self.rests.len() / size);
        while low < high {
            let middle = low.midpoint(high);
            if rest(middle).row < from { low = middle + 1 } else { high = middle }
        }
        match low.checked_sub(1).map(rest) {
            None => {
                let rows = PieceRows {
                    deltas: self.deltas,
                    first: (self.rows > 0).then_some(self.first),
                    last: self.first,
                    left: self.rows.saturating_sub(1),
                };
                (None, rows)
            }
            Some(Rest { balance, row, bytes }) => {
                let deltas = self.deltas.get(bytes as usize..).unwrap_or(&[]);
                let left = self.rows.saturating_sub(low as u32 * BALANCE_EVERY);
                (
                    Some(u128::from_le_bytes(balance)),
                    PieceRows { deltas, first: None, last: row, left },
                )
            }
        }
    }
}

/// Rows of a piece, counted from the segment's first.
#[derive(Clone, Copy, Default)]
pub(super) struct PieceRows<'a> {
    deltas: &'a [u8],
    /// The row that comes next, where no difference leads to it.
    first: Option<u32>,
    last: u32,
    left: u32,
}

impl Iterator for PieceRows<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        self.left = self.left.checked_sub(1)?;
        // What is cut off in the middle ends the piece.
        self.last = self.last.checked_add(read_u32(&mut self.deltas)?)?;
        Some(self.last)
    }
}
