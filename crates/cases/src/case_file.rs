//! Case files: an incident as its investigator writes it, in TOML (docs/case-file.md).
//!
//! A `[[theft]]` says what was stolen, precisely enough to find the very transfers in the data. A
//! `[[flow]]` repeats a movement that somebody reported; it links incidents and never enters an
//! exact amount. Nothing is guessed: an unknown key, a mistyped address or an amount that is no
//! exact decimal is an error that says where it stands.
//!
//! [`CaseFile::to_toml`] writes the canonical form, which reads back to the same value; claims keep
//! it.

mod document;
mod flow;
mod theft;

use ledger::{Address, AddressError, Amount, AmountError, Chain, Family, TimeError};

use crate::date::Date;
use crate::text;

pub use flow::{End, Flow};
pub use theft::{Target, Theft};

/// A larger file is refused unread.
pub const MAX_BYTES: usize = 4 << 20;
/// Thefts, and flows, that one case can have.
pub const MAX_ENTRIES: usize = 10_000;
/// Sources that one case can name.
pub const MAX_SOURCES: usize = 1_000;
/// What the first line of a case file says it is.
pub const SCHEMA: &str = "dyepack.case/1";

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFile {
    /// 1 to 64 of a–z, 0–9 and "-"; other cases and commands refer to it.
    pub id: String,
    pub title: String,
    pub date: Option<Date>,
    /// Who says so: names, titles, links.
    pub sources: Vec<String>,
    pub thefts: Vec<Theft>,
    pub flows: Vec<Flow>,
}

/// An amount as a person wrote it, in whole units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedAmount {
    /// A plain decimal: digits and at most one point.
    pub text: String,
    /// The same in base units, where the decimals of the asset are known.
    pub base_units: Option<Amount>,
}

/// Why a text is no case file. Every message says where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseFileError {
    #[error("the case file is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    #[error("line {line}, column {column}: not UTF-8 text")]
    NotUtf8 { line: usize, column: usize },
    /// Broken TOML, an unknown or missing key, a value of the wrong type.
    #[error("line {line}, column {column}: {why}")]
    Toml { line: usize, column: usize, why: String },
    /// A value that contradicts what it should say. `entry` is "case", "theft 2", "flow 7".
    #[error("{entry}: {field}: {why}")]
    Field { entry: String, field: &'static str, why: String },
}

impl CaseFile {
    /// Reads a whole case file.
    pub fn parse(bytes: &[u8]) -> Result<CaseFile, CaseFileError> {
        document::parse(bytes)
    }

    /// The canonical text: fixed order, addresses and times in canonical form, no comments.
    /// [`CaseFile::parse`] reads it back to an equal value if this value came from it.
    pub fn to_toml(&self) -> String {
        document::write(self)
    }
}

/// True for 1 to 64 characters of a–z, 0–9 and "-".
pub fn is_case_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl StatedAmount {
    /// Reads a plain decimal above zero; with `decimals`, also what it is in base units, exactly.
    pub fn parse(text: &str, decimals: Option<u8>) -> Result<StatedAmount, String> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if text.len() > 80 || !digits(whole) || !digits(fraction) {
            return Err(format!(
                "write whole units as a plain decimal, without sign, commas or exponent: {:?}",
                text::excerpt(text)
            ));
        }
        if text.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
            return Err("it is zero".into());
        }
        let exact = decimals.map(|decimals| Amount::parse_decimal(text, decimals));
        let base_units = exact.transpose().map_err(|why| why.to_string())?;
        Ok(StatedAmount { text: text.to_string(), base_units })
    }

    /// What it is in base units of an asset with these decimals, exactly or not at all.
    pub fn in_base_units(&self, decimals: u8) -> Result<Amount, AmountError> {
        Amount::parse_decimal(&self.text, decimals)
    }
}

/// Collects what is wrong with one entry under its name.
struct Entry {
    name: String,
}

impl Entry {
    fn fail(&self, field: &'static str, why: impl std::fmt::Display) -> CaseFileError {
        let why = text::clean(&why.to_string(), 400);
        CaseFileError::Field { entry: self.name.clone(), field, why }
    }

    fn chain(&self, text: &str) -> Result<Chain, CaseFileError> {
        Chain::parse(text).map_err(|why| self.fail("chain", why))
    }

    /// A name or sentence: cleaned, not empty, not too long.
    fn text(&self, field: &'static str, text: &str, max: usize) -> Result<String, CaseFileError> {
        text::whole(text, max).map_err(|why| self.fail(field, why))
    }

    fn date(&self, field: &'static str, text: Option<&str>) -> Result<Option<Date>, CaseFileError> {
        text.map(Date::parse).transpose().map_err(|why: TimeError| {
            self.fail(field, format!("{why} (write 2023-07-22 or 2023-07-22T10:00:00Z)"))
        })
    }

    /// An address where nothing else may stand.
    fn address(
        &self,
        field: &'static str,
        chain: Chain,
        text: &str,
    ) -> Result<Address, CaseFileError> {
        Address::parse(chain, text).map_err(|why: AddressError| {
            self.fail(field, format!("{why} ({:?} on {chain})", text::excerpt(text)))
        })
    }
}

/// The family in whose way a text is meant to be written as an address, though it may be mistyped.
/// Only its first word counts: an address with a remark behind it is no name either.
fn resembles(text: &str) -> Option<Family> {
    let word = text.split_whitespace().next().unwrap_or_default();
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let digits = word.bytes().any(|b| b.is_ascii_digit());
    let long = word.len() >= 20 && digits && word.chars().all(char::is_alphanumeric);
    let after = |prefix: &str| {
        let head = word.get(..prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then(|| &word[prefix.len()..])
    };
    if after("0x").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit())) {
        return Some(Family::Evm);
    }
    if after("bc1").is_some_and(|rest| rest.len() >= 8) {
        return Some(Family::Bitcoin);
    }
    match word.bytes().next() {
        Some(b'T') if long => Some(Family::Tron),
        Some(b'4') if long && word.len() == 42 => Some(Family::Tron),
        Some(b'1' | b'3') if long => Some(Family::Bitcoin),
        _ => None,
    }
}
