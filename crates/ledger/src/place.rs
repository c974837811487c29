//! Places: where value sits, or where it comes from and goes to.
//!
//! On account chains a place is an account. On UTXO chains it is an output, and a transaction is a
//! place too, empty before and after: inputs flow into it, outputs flow out of it. That one idea
//! keeps the engine free of chain-specific code. Mint, burn and fee are the ends of the world.

use crate::address::{Address, AddressError};
use crate::chain::{Chain, Family};
use crate::txid::TxId;

/// One side of a transfer, within one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// An account, or a Bitcoin address where output indexes are not known.
    Account(Address),
    /// An unspent transaction output.
    Output { tx: TxId, index: u32 },
    /// A UTXO transaction, between its inputs and its outputs.
    Transaction(TxId),
    /// Where new value comes from: an issuer, a block reward.
    Mint,
    /// Where value ends.
    Burn,
    /// Where fees go; they are not followed to the producer.
    Fee,
}

/// Why a text is no place of its chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("{0} has no outputs; name an address")]
    NoOutputs(Chain),
    #[error("not an output written txid:index: {0:?}")]
    Output(String),
}

impl Place {
    /// Reads an address or, where there is a colon, an output `txid:index` or a transaction `tx:txid`.
    pub fn parse(chain: Chain, text: &str) -> Result<Place, PlaceError> {
        let Some((left, right)) = text.split_once(':') else {
            return Ok(Place::Account(Address::parse(chain, text)?));
        };
        let bad = || PlaceError::Output(text.chars().take(90).collect());
        if chain.family() != Family::Bitcoin {
            return Err(PlaceError::NoOutputs(chain));
        }
        if left == "tx" {
            return TxId::parse(right).map(Place::Transaction).map_err(|_| bad());
        }
        let digits = right.len() <= 10 && right.bytes().all(|b| b.is_ascii_digit());
        let index = right.parse().ok().filter(|_| digits).ok_or_else(bad)?;
        TxId::parse(left).map(|tx| Place::Output { tx, index }).map_err(|_| bad())
    }

    /// The canonical text; [`Place::parse`] reads it back, except the three ends of the world, whose
    /// text is empty as it is in `transfers` files.
    pub fn text(&self, chain: Chain) -> String {
        match self {
            Place::Account(address) => address.to_string(),
            Place::Output { tx, index } => format!("{}:{index}", tx.text(chain)),
            Place::Transaction(tx) => format!("tx:{}", tx.text(chain)),
            Place::Mint | Place::Burn | Place::Fee => String::new(),
        }
    }

    /// The account's address; `None` for every other kind of place.
    pub fn account(&self) -> Option<Address> {
        match self {
            Place::Account(address) => Some(*address),
            _ => None,
        }
    }

    /// True where value can stay: an account, an output or a transaction.
    pub fn holds_value(&self) -> bool {
        matches!(self, Place::Account(_) | Place::Output { .. } | Place::Transaction(_))
    }
}
