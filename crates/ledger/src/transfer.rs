//! Transfers: the one kind of event that dyepack follows.

use std::fmt;

use crate::address::Address;
use crate::amount::Amount;
use crate::asset::Asset;
use crate::chain::Chain;
use crate::place::Place;
use crate::position::Position;
use crate::time::Time;
use crate::txid::TxId;

/// How a transfer came about, as the chain or the export says. The engine looks only at the places;
/// the kind is kept for people and for the identity of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Native,
    Token,
    Internal,
    Fee,
    Reward,
    Mint,
    Burn,
}

/// A word that is no kind of transfer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind {0:?} (native, token, internal, fee, reward, mint, burn)")]
pub struct KindError(String);

impl Kind {
    pub const ALL: [Kind; 7] = [
        Kind::Native,
        Kind::Token,
        Kind::Internal,
        Kind::Fee,
        Kind::Reward,
        Kind::Mint,
        Kind::Burn,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Native => "native",
            Kind::Token => "token",
            Kind::Internal => "internal",
            Kind::Fee => "fee",
            Kind::Reward => "reward",
            Kind::Mint => "mint",
            Kind::Burn => "burn",
        }
    }

    pub fn parse(text: &str) -> Result<Kind, KindError> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| KindError(text.chars().take(40).collect()))
    }

    /// Checks that a transfer of this kind may have a sender and a receiver that hold value, or not.
    pub fn check_sides(self, from: bool, to: bool) -> Result<(), TransferError> {
        match (self, from, to) {
            (Kind::Fee, _, true) => Err(TransferError::FeeWithReceiver),
            (Kind::Fee, false, _) => Err(TransferError::FeeWithoutPayer),
            (_, false, false) => Err(TransferError::NoSides),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a converting transfer (a swap, a wrap) gives: the sender parts with the transfer's own asset
/// and amount, the receiver gets these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conversion {
    pub asset: Asset,
    pub amount: Amount,
}

/// One movement of one asset from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    pub chain: Chain,
    pub position: Position,
    pub time: Time,
    /// `None` where the source names no transaction (a block reward, a bare export).
    pub tx: Option<TxId>,
    pub kind: Kind,
    pub from: Place,
    pub to: Place,
    /// Who owns the output in `from`; `None` for accounts, which own themselves, and for unknown owners.
    pub from_owner: Option<Address>,
    /// Likewise for `to`.
    pub to_owner: Option<Address>,
    pub asset: Asset,
    pub amount: Amount,
    pub conversion: Option<Conversion>,
}

/// Why a transfer contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    #[error("neither a sender nor a receiver")]
    NoSides,
    #[error("a fee with a receiver")]
    FeeWithReceiver,
    #[error("a fee without a payer")]
    FeeWithoutPayer,
    #[error("a conversion needs a sender and a receiver")]
    OneSidedConversion,
    #[error("a conversion into its own asset makes units out of nothing")]
    GrowingConversion,
}

impl Transfer {
    /// The place behind the sender's field of an account chain: an absent or zero address means that
    /// the value is new.
    pub fn sender(address: Option<Address>) -> Place {
        match address {
            Some(address) if !address.is_zero() => Place::Account(address),
            _ => Place::Mint,
        }
    }

    /// The place behind the receiver's field: an absent or zero address means that the value ends
    /// there, as a fee if the row says that it is one.
    pub fn receiver(address: Option<Address>, kind: Kind) -> Place {
        match address {
            Some(address) if !address.is_zero() => Place::Account(address),
            _ if kind == Kind::Fee => Place::Fee,
            _ => Place::Burn,
        }
    }

    /// Checks what no single field can show. Readers call it on every row before it goes anywhere.
    pub fn check(&self) -> Result<(), TransferError> {
        let (from, to) = (self.from.holds_value(), self.to.holds_value());
        self.kind.check_sides(from, to)?;
        match self.conversion {
            Some(_) if !(from && to) => Err(TransferError::OneSidedConversion),
            Some(into) if self.grows(into) => Err(TransferError::GrowingConversion),
            _ => Ok(()),
        }
    }

    /// A token may take a fee on its way; it cannot arrive as more of itself.
    fn grows(&self, into: Conversion) -> bool {
        into.asset == self.asset && into.amount > self.amount
    }

    /// True if it moves nothing: the same pot on both sides. A swap to oneself is none.
    pub fn is_to_self(&self) -> bool {
        self.from == self.to && self.conversion.is_none_or(|into| into.asset == self.asset)
    }
}
