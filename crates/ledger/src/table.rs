//! Many transfers at once, with places and assets behind numbers: what a reader of columns hands on
//! without making a value of each row.

use crate::amount::Amount;
use crate::asset::Asset;
use crate::chain::Chain;
use crate::place::Place;
use crate::position::Position;
use crate::time::Time;
use crate::transfer::{Kind, Transfer};
use crate::txid::TxId;

/// Transfers of one chain that know their full position, name no owners and convert nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub chain: Chain,
    /// Each once; ends of the world are among them.
    pub places: Vec<Place>,
    /// Each once.
    pub assets: Vec<Asset>,
    pub rows: Vec<TableRow>,
}

/// One transfer of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableRow {
    pub height: u64,
    pub tx_index: u32,
    pub index: u32,
    pub time: Time,
    pub kind: Kind,
    pub tx: Option<TxId>,
    /// Numbers in [`Table::places`].
    pub from: u32,
    pub to: u32,
    /// Number in [`Table::assets`].
    pub asset: u32,
    pub amount: Amount,
}

impl Table {
    /// A row as a value.
    ///
    /// # Panics
    /// Like a slice, if there is no such row, or if it names a place or asset that the table has not.
    pub fn transfer(&self, row: usize) -> Transfer {
        let row = &self.rows[row];
        Transfer {
            chain: self.chain,
            position: row.position(),
            time: row.time,
            tx: row.tx,
            kind: row.kind,
            from: self.places[row.from as usize],
            to: self.places[row.to as usize],
            from_owner: None,
            to_owner: None,
            asset: self.assets[row.asset as usize],
            amount: row.amount,
            conversion: None,
        }
    }
}

impl TableRow {
    pub fn position(&self) -> Position {
        Position::full(self.height, self.tx_index, self.index)
    }
}
