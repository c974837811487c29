//! Positions: where in a chain a transfer stands.
//!
//! A full position (height, transaction index, index in the transaction) orders a transfer exactly.
//! Explorer exports often lack one or more of the three; such a transfer is ordered by what is known,
//! then by time and row (the archive's work), and the result says so under `gaps`.

/// A place in a chain's order. What is not known orders before what is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Block height.
    pub height: Option<u64>,
    /// Index of the transaction in its block.
    pub tx_index: Option<u32>,
    /// Index of the transfer in its transaction.
    pub index: Option<u32>,
}

impl Position {
    /// The index of a transaction's fee, which is the last of its rows, whatever else is known.
    pub const FEE: u32 = u32::MAX;
    /// The index of the part of the fee that the protocol burned, where a source tells it.
    pub const BASE_FEE: u32 = u32::MAX - 1;

    /// A full position.
    pub const fn full(height: u64, tx_index: u32, index: u32) -> Position {
        Position { height: Some(height), tx_index: Some(tx_index), index: Some(index) }
    }

    /// Nothing known but the time of the transfer.
    pub const UNKNOWN: Position = Position { height: None, tx_index: None, index: None };

    /// True if all three parts are known: at most one transfer of a chain stands there.
    pub fn is_full(&self) -> bool {
        self.height.is_some() && self.tx_index.is_some() && self.index.is_some()
    }
}
