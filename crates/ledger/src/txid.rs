//! Transaction ids: 32 bytes on every chain that dyepack reads.
//!
//! Some exports name no transaction, and the hash of a row stands in, so that two payments of a day
//! can be told apart. Nobody must take it for an id that the chain knows: it begins with a mark of
//! eight bytes, and its text with `row:`.

use std::fmt;

use crate::chain::{Chain, Family};

/// What the bytes of a row's stand-in begin with; a hash does so once in 2^64.
const ROW_MARK: &[u8; 8] = b"row-hash";
/// What its text begins with.
const ROW_TEXT: &str = "row:";

/// The id of a transaction, in the byte order in which its chain prints it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TxId([u8; 32]);

/// A text that is not 64 hexadecimal digits (with or without 0x).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a transaction id of 64 hexadecimal digits: {0:?}")]
pub struct TxIdError(String);

impl TxId {
    pub const fn new(bytes: [u8; 32]) -> TxId {
        TxId(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What stands for the id of a row that names no transaction: its hash, without the first bytes.
    pub fn of_row(hash: [u8; 32]) -> TxId {
        let mut bytes = hash;
        bytes[..ROW_MARK.len()].copy_from_slice(ROW_MARK);
        TxId(bytes)
    }

    /// True if this is no transaction's id, but a row's stand-in.
    pub fn is_of_row(&self) -> bool {
        self.0.starts_with(ROW_MARK)
    }

    /// Reads 64 hexadecimal digits, with or without a leading "0x"; or a row's stand-in as
    /// [`TxId::text`] writes it.
    pub fn parse(text: &str) -> Result<TxId, TxIdError> {
        if let Some(digits) = text.strip_prefix(ROW_TEXT) {
            let mut bytes = [0; 32];
            return match hex::decode_to_slice(digits, &mut bytes[ROW_MARK.len()..]) {
                Ok(()) => Ok(TxId::of_row(bytes)),
                Err(_) => Err(TxIdError(text.chars().take(80).collect())),
            };
        }
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let mut bytes = [0; 32];
        match hex::decode_to_slice(digits, &mut bytes) {
            Ok(()) => Ok(TxId(bytes)),
            Err(_) => Err(TxIdError(text.chars().take(80).collect())),
        }
    }

    /// The canonical text on `chain`: "0x…" on EVM chains, bare digits elsewhere; "row:…" for what
    /// is no transaction's id.
    pub fn text(&self, chain: Chain) -> String {
        if self.is_of_row() {
            return format!("{ROW_TEXT}{}", hex::encode(&self.0[ROW_MARK.len()..]));
        }
        match chain.family() {
            Family::Evm => format!("0x{}", hex::encode(self.0)),
            Family::Tron | Family::Bitcoin => hex::encode(self.0),
        }
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
