//! Amounts: whole numbers of base units (wei, sun, satoshi) in 128 bits.
//!
//! The number inside is private, so every sum is checked and no amount is ever rounded, wrapped or
//! made from a float. Decimal text ("182163.95603", "1e-05") is read digit by digit.

use std::fmt;

use ruint::aliases::U256;

/// Decimal text longer than this is refused unread.
const MAX_TEXT: usize = 120;

/// A number of base units of one asset.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Amount(u128);

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("the amount is empty")]
    Empty,
    #[error("the amount is negative")]
    Negative,
    #[error("the amount is not a whole number of base units: {0:?}")]
    NotAnInteger(String),
    #[error("the amount is not a decimal number: {0:?}")]
    NotADecimal(String),
    #[error("the amount does not fit in 128 bits")]
    TooLarge,
    #[error("the amount has a remainder below one base unit ({decimals} decimals)")]
    Remainder { decimals: u8 },
}

impl Amount {
    pub const ZERO: Amount = Amount(0);
    pub const MAX: Amount = Amount(u128::MAX);
    /// Decimals of an asset: 10^38 fits in 128 bits, 10^39 does not.
    pub const MAX_DECIMALS: u8 = 38;

    pub const fn new(base_units: u128) -> Amount {
        Amount(base_units)
    }

    pub const fn base_units(self) -> u128 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` beyond 2^128−1.
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    /// The difference, or `None` below zero.
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// ⌊self · numerator / denominator⌋ with a 256-bit product; `None` if the denominator is zero
    /// or the result does not fit.
    pub fn mul_div(self, numerator: Amount, denominator: Amount) -> Option<Amount> {
        if denominator.0 == 0 {
            return None;
        }
        if let Some(product) = self.0.checked_mul(numerator.0) {
            return Some(Amount(product / denominator.0));
        }
        let product = U256::from(self.0) * U256::from(numerator.0);
        u128::try_from(product / U256::from(denominator.0)).ok().map(Amount)
    }

    /// Reads base units: decimal digits only. A sign, a point, an exponent, a blank or a thousands
    /// comma is an error.
    pub fn parse(text: &str) -> Result<Amount, AmountError> {
        if text.is_empty() {
            return Err(AmountError::Empty);
        }
        if let Some(rest) = text.strip_prefix('-')
            && !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(AmountError::Negative);
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AmountError::NotAnInteger(excerpt(text)));
        }
        text.parse().map(Amount).map_err(|_| AmountError::TooLarge)
    }

    /// Reads whole units written as a plain or scientific decimal, exactly: `"1.5"` with 6 decimals
    /// is 1,500,000. What is left below one base unit is an error, never rounded.
    pub fn parse_decimal(text: &str, decimals: u8) -> Result<Amount, AmountError> {
        if text.is_empty() {
            return Err(AmountError::Empty);
        }
        let bad = || AmountError::NotADecimal(excerpt(text));
        if text.len() > MAX_TEXT || decimals > Amount::MAX_DECIMALS {
            return Err(bad());
        }
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = split_exponent(unsigned).ok_or_else(bad)?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        if digits().next().is_none() || !digits().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        // The value is (the digits) · 10^shift base units.
        let shift = i64::from(decimals) + exponent - fraction.len() as i64;
        let significant: Vec<u8> = digits().skip_while(|b| *b == b'0').collect();
        if significant.is_empty() {
            return Ok(Amount::ZERO);
        }
        if negative {
            return Err(AmountError::Negative);
        }
        shift_digits(significant, shift, decimals)
    }

    /// Whole units as a plain decimal, without trailing zeros: `1500000` with 6 decimals is `"1.5"`.
    pub fn to_decimal(self, decimals: u8) -> String {
        let digits = self.0.to_string();
        let places = usize::from(decimals);
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
    }
}

/// Splits `"1.5e-3"` into `"1.5"` and −3; `None` if the exponent is no small integer.
fn split_exponent(text: &str) -> Option<(&str, i64)> {
    match text.split_once(['e', 'E']) {
        None => Some((text, 0)),
        Some((mantissa, exponent)) => {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            let fits = !digits.is_empty()
                && digits.len() <= 4
                && digits.bytes().all(|b| b.is_ascii_digit());
            let value: i64 = if fits { digits.parse().ok()? } else { return None };
            Some((mantissa, if exponent.starts_with('-') { -value } else { value }))
        }
    }
}

fn shift_digits(mut digits: Vec<u8>, shift: i64, decimals: u8) -> Result<Amount, AmountError> {
    if shift < 0 {
        let cut = usize::try_from(-shift).unwrap_or(usize::MAX);
        let tail = digits.len().saturating_sub(cut);
        if cut > digits.len() || digits[tail..].iter().any(|b| *b != b'0') {
            return Err(AmountError::Remainder { decimals });
        }
        digits.truncate(tail);
    }
    let zeros = u128::try_from(shift.max(0)).unwrap_or(u128::MAX);
    if digits.len() as u128 + zeros > 39 {
        return Err(AmountError::TooLarge);
    }
    digits.extend(std::iter::repeat_n(b'0', zeros as usize));
    digits
        .iter()
        .try_fold(0u128, |sum, digit| sum.checked_mul(10)?.checked_add(u128::from(digit - b'0')))
        .map(Amount)
        .ok_or(AmountError::TooLarge)
}

/// The first characters of a foreign text, for an error message.
fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
