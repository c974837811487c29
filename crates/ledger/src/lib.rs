//! The words of dyepack. Every other crate speaks them and none defines its own.
//!
//! A [`Transfer`] moves an [`Amount`] of an [`Asset`] between two [`Place`]s of a [`Chain`], at a
//! [`Position`] that orders it. All of these are values: checked when they are made, compared whole,
//! written in one canonical form. Nothing here reads a file, a socket or a clock, and no amount
//! ever passes through a float.

mod address;
mod amount;
mod asset;
mod block;
mod chain;
mod place;
mod position;
mod table;
mod time;
mod token;
mod transfer;
mod txid;

pub use address::{Address, AddressError};
pub use amount::{Amount, AmountError};
pub use asset::{Asset, AssetError};
pub use block::Block;
pub use chain::{Chain, ChainError, Family};
pub use place::{Place, PlaceError};
pub use position::Position;
pub use table::{Table, TableRow};
pub use time::{Time, TimeError};
pub use token::{Token, contract_hint, known_token, known_tokens};
pub use transfer::{Conversion, Kind, KindError, Transfer, TransferError};
pub use txid::{TxId, TxIdError};
