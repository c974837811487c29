//! Assets: the native coin of a chain, or a token by its contract. Never by its symbol: anybody can
//! deploy a contract that calls itself USDT.

use crate::address::{Address, AddressError};
use crate::chain::{Chain, Family};

/// What is moved, within one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asset {
    /// The chain's own coin.
    Native,
    /// A token that lives in a contract (ERC-20, TRC-20 …).
    Token(Address),
    /// A TRC-10 token, by its number.
    Trc10(u32),
}

/// Why a text names no asset of its chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    #[error("the asset is empty")]
    Empty,
    #[error("the asset {text:?} is neither {native} nor a contract of the chain ({why})")]
    Unknown { text: String, native: &'static str, why: AddressError },
    #[error("the TRC-10 number {0:?} is out of range")]
    Trc10(String),
    #[error("the chain has no asset but {native}: {text:?}")]
    NativeOnly { text: String, native: &'static str },
}

impl Asset {
    /// Reads the native symbol ("TRX", "ETH", "BTC"), a contract address, or on TRON the number of
    /// a TRC-10 token.
    pub fn parse(chain: Chain, text: &str) -> Result<Asset, AssetError> {
        let native = chain.native_symbol();
        if text.is_empty() {
            return Err(AssetError::Empty);
        }
        if text == native {
            return Ok(Asset::Native);
        }
        let excerpt = || text.chars().take(60).collect();
        match chain.family() {
            Family::Bitcoin => Err(AssetError::NativeOnly { text: excerpt(), native }),
            Family::Tron if is_trc10_number(text) => {
                text.parse().map(Asset::Trc10).map_err(|_| AssetError::Trc10(excerpt()))
            }
            Family::Tron | Family::Evm => Address::parse(chain, text)
                .map(Asset::Token)
                .map_err(|why| AssetError::Unknown { text: excerpt(), native, why }),
        }
    }

    /// The canonical text on `chain`; [`Asset::parse`] reads it back.
    pub fn text(&self, chain: Chain) -> String {
        match self {
            Asset::Native => chain.native_symbol().to_string(),
            Asset::Token(contract) => contract.to_string(),
            Asset::Trc10(number) => number.to_string(),
        }
    }
}

fn is_trc10_number(text: &str) -> bool {
    (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}
