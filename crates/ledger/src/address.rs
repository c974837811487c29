//! Addresses: parsed and checked on the way in, kept as bytes, written in one canonical form.
//!
//! Two addresses are the same when all their bytes are; a shared beginning or end means nothing,
//! because attackers grind look-alikes ("address poisoning"). The canonical text is Base58Check for
//! TRON, lower-case hexadecimal for EVM chains, Base58Check or lower-case bech32/bech32m for Bitcoin.
//!
//! Sources: TRON's address format (0x41 and 20 bytes, Base58Check), EIP-55, BIP 13, BIP 173, BIP 350.

use std::fmt;

use sha3::{Digest, Keccak256};

use crate::chain::{Chain, Family};

/// No address of any chain here is longer; longer text is refused before it is decoded.
const MAX_TEXT: usize = 100;
const TRON_PREFIX: u8 = 0x41;
const P2PKH_PREFIX: u8 = 0x00;
const P2SH_PREFIX: u8 = 0x05;
const BITCOIN_HRP: &str = "bc";

/// An account or a script that can own value, without its chain (a [`crate::Place`] adds it).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// The 20 bytes of an EVM account.
    Evm([u8; 20]),
    /// The 20 bytes behind TRON's prefix 0x41.
    Tron([u8; 20]),
    /// Pay to public-key hash ("1…").
    P2pkh([u8; 20]),
    /// Pay to script hash ("3…").
    P2sh([u8; 20]),
    /// A witness program ("bc1…"): version 0–16, 2–40 bytes, the rest of the array zero.
    Witness { version: u8, length: u8, program: [u8; 40] },
}

/// Why a text is no address of its chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address is empty")]
    Empty,
    #[error("the address is longer than any address of this chain")]
    TooLong,
    #[error("not an address of this chain: {0}")]
    Shape(&'static str),
    #[error("the checksum is wrong (Base58Check)")]
    Base58Checksum,
    #[error("the checksum is wrong (EIP-55): the mix of upper and lower case does not fit")]
    Eip55Checksum,
    #[error("the checksum or form is wrong (bech32/bech32m)")]
    Bech32,
}

impl Address {
    /// Reads an address of `chain`. TRON also accepts the 21 bytes in hexadecimal ("41…").
    ///
    /// EVM addresses in one case only carry no checksum and are taken as they are; mixed case must
    /// satisfy EIP-55.
    pub fn parse(chain: Chain, text: &str) -> Result<Address, AddressError> {
        match text.len() {
            0 => return Err(AddressError::Empty),
            n if n > MAX_TEXT => return Err(AddressError::TooLong),
            _ => {}
        }
        match chain.family() {
            Family::Evm => parse_evm(text),
            Family::Tron => parse_tron(text),
            Family::Bitcoin => parse_bitcoin(text),
        }
    }

    /// The address of an account chain with this 20-byte body; `None` for Bitcoin.
    pub fn from_body(chain: Chain, body: [u8; 20]) -> Option<Address> {
        match chain.family() {
            Family::Evm => Some(Address::Evm(body)),
            Family::Tron => Some(Address::Tron(body)),
            Family::Bitcoin => None,
        }
    }

    /// True for the account of twenty zero bytes, which nobody holds: tokens are minted from it and
    /// burned to it, so it is never a place.
    pub fn is_zero(&self) -> bool {
        matches!(self, Address::Evm(body) | Address::Tron(body) if *body == [0; 20])
    }

    /// True if the address is written in the way of this family of chains.
    pub fn belongs_to(&self, family: Family) -> bool {
        match self {
            Address::Evm(_) => family == Family::Evm,
            Address::Tron(_) => family == Family::Tron,
            Address::P2pkh(_) | Address::P2sh(_) | Address::Witness { .. } => {
                family == Family::Bitcoin
            }
        }
    }

    /// The EIP-55 form of an EVM address, for places where a person compares by eye; the canonical
    /// form for all others.
    pub fn checksummed(&self) -> String {
        match self {
            Address::Evm(body) => format!("0x{}", eip55(body)),
            _ => self.to_string(),
        }
    }
}

fn parse_evm(text: &str) -> Result<Address, AddressError> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = digits.ok_or(AddressError::Shape("it does not begin with 0x"))?;
    let body = body_from_hex(digits).ok_or(AddressError::Shape("not 40 hexadecimal digits"))?;
    let lower = digits.bytes().any(|b| b.is_ascii_lowercase());
    let upper = digits.bytes().any(|b| b.is_ascii_uppercase());
    if lower && upper && eip55(&body) != digits {
        return Err(AddressError::Eip55Checksum);
    }
    Ok(Address::Evm(body))
}

fn parse_tron(text: &str) -> Result<Address, AddressError> {
    if let Some(digits) = text.strip_prefix("41")
        && let Some(body) = body_from_hex(digits)
    {
        return Ok(Address::Tron(body));
    }
    match decode_base58(text)? {
        (TRON_PREFIX, body) => Ok(Address::Tron(body)),
        _ => Err(AddressError::Shape("a Base58Check text, but not TRON's (T…)")),
    }
}

fn parse_bitcoin(text: &str) -> Result<Address, AddressError> {
    if text.len() > 3 && text.is_char_boundary(3) && text[..3].eq_ignore_ascii_case("bc1") {
        let (hrp, version, data) =
            bech32::segwit::decode(text).map_err(|_| AddressError::Bech32)?;
        if !hrp.as_str().eq_ignore_ascii_case(BITCOIN_HRP) || data.len() > 40 {
            return Err(AddressError::Bech32);
        }
        let mut program = [0; 40];
        program[..data.len()].copy_from_slice(&data);
        let length = data.len() as u8;
        return Ok(Address::Witness { version: version.to_u8(), length, program });
    }
    match decode_base58(text)? {
        (P2PKH_PREFIX, body) => Ok(Address::P2pkh(body)),
        (P2SH_PREFIX, body) => Ok(Address::P2sh(body)),
        _ => Err(AddressError::Shape("a Base58Check text of another network")),
    }
}

fn decode_base58(text: &str) -> Result<(u8, [u8; 20]), AddressError> {
    let bytes = bs58::decode(text).with_check(None).into_vec().map_err(|error| match error {
        bs58::decode::Error::InvalidChecksum { .. } => AddressError::Base58Checksum,
        bs58::decode::Error::NoChecksum => AddressError::Shape("too short"),
        _ => AddressError::Shape("a character that Base58 does not have"),
    })?;
    match bytes.split_first() {
        Some((prefix, body)) => body
            .try_into()
            .map(|body| (*prefix, body))
            .map_err(|_| AddressError::Shape("not 21 bytes long")),
        None => Err(AddressError::Shape("too short")),
    }
}

fn body_from_hex(digits: &str) -> Option<[u8; 20]> {
    let mut body = [0; 20];
    hex::decode_to_slice(digits, &mut body).ok().map(|()| body)
}

/// The 40 digits of an EVM address, each letter upper-case where the hash of the lower-case text
/// has a nibble of 8 or more (EIP-55).
fn eip55(body: &[u8; 20]) -> String {
    let lower = hex::encode(body);
    let hash = Keccak256::digest(lower.as_bytes());
    lower
        .chars()
        .enumerate()
        .map(|(i, digit)| {
            let nibble = hash[i / 2] >> (4 * (1 - i % 2)) & 0x0f;
            if nibble >= 8 { digit.to_ascii_uppercase() } else { digit }
        })
        .collect()
}

fn base58(prefix: u8, body: &[u8; 20]) -> String {
    let mut bytes = [prefix; 21];
    bytes[1..].copy_from_slice(body);
    bs58::encode(bytes).with_check().into_string()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Evm(body) => write!(f, "0x{}", hex::encode(body)),
            Address::Tron(body) => f.write_str(&base58(TRON_PREFIX, body)),
            Address::P2pkh(body) => f.write_str(&base58(P2PKH_PREFIX, body)),
            Address::P2sh(body) => f.write_str(&base58(P2SH_PREFIX, body)),
            Address::Witness { version, length, program } => {
                let data = &program[..usize::from(*length).min(40)];
                let version = bech32::Fe32::try_from(*version).map_err(|_| fmt::Error)?;
                let text = bech32::segwit::encode(bech32::hrp::BC, version, data);
                f.write_str(&text.map_err(|_| fmt::Error)?)
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
