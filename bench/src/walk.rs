//! The bare memory walk: the yardstick for a replay.
//!
//! It reads the same rows and touches the same two pot records in the same order, and does nothing
//! with them: one counter each goes up, so that the record is read, changed and written and the
//! compiler cannot leave it out. Whoever keeps a balance for each pot cannot do less.

use std::hint::black_box;

use bytemuck::{Pod, Zeroable};

use crate::RowRecord;

/// A record of 32 bytes: a balance and as much again. The engine's own state of a pot is no smaller.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct WalkedPot {
    touched: u64,
    rest: [u64; 3],
}

/// Touches the sender's and the receiver's record of every row.
pub fn walk(rows: &[RowRecord], pots: &mut [WalkedPot]) {
    let mut amounts = 0u64;
    for row in rows {
        amounts ^= row.amount as u64;
        if let Some(pot) = pots.get_mut(row.from as usize) {
            pot.touched = pot.touched.wrapping_add(1);
        }
        if let Some(pot) = pots.get_mut(row.to as usize) {
            pot.touched = pot.touched.wrapping_add(1);
        }
    }
    black_box((amounts, pots));
}
