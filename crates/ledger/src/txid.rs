//! Transaction ids: 32 bytes on every chain that dyepack reads.

use std::fmt;

use crate::chain::{Chain, Family};

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

    /// Reads 64 hexadecimal digits, with or without a leading "0x".
    pub fn parse(text: &str) -> Result<TxId, TxIdError> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let mut bytes = [0; 32];
        match hex::decode_to_slice(digits, &mut bytes) {
            Ok(()) => Ok(TxId(bytes)),
            Err(_) => Err(TxIdError(text.chars().take(80).collect())),
        }
    }

    /// The canonical text on `chain`: "0x…" on EVM chains, bare digits elsewhere.
    pub fn text(&self, chain: Chain) -> String {
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
