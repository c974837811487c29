//! Positions: where in a chain a transfer stands.
//!
//! A full position (height, transaction index, index in the transaction) orders a transfer exactly.
//! Explorer exports often lack one or more of the three; such a transfer is ordered by what is known,
//! then by time and row (the archive's work), and the result says so under `gaps`.

/// A place in a chain's order, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

    /// The order of what has one height: a transaction without an index comes after those that have
    /// one, because it mostly is a call of one of them that another source tells (and before rewards,
    /// which have the greatest); so does a row without an index in its transaction, before the fee.
    pub fn order_in_block(&self) -> (u64, u64) {
        let unknown_before = |known: Option<u32>, last: u32| {
            known.map_or(2 * u64::from(last) - 1, |known| 2 * u64::from(known))
        };
        (unknown_before(self.tx_index, u32::MAX), unknown_before(self.index, Position::BASE_FEE))
    }

    /// Nothing known but the time of the transfer.
    pub const UNKNOWN: Position = Position { height: None, tx_index: None, index: None };

    /// True if all three parts are known: at most one transfer of a chain stands there.
    pub fn is_full(&self) -> bool {
        self.height.is_some() && self.tx_index.is_some() && self.index.is_some()
    }
}
