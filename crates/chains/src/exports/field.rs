//! A field of a record, and the words of `ledger` that it can be. Every error names the field.

use ledger::{Address, Amount, Asset, Chain, Place, Time, TxId};

/// Why a row is set aside, for people.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason(pub(crate) String);

impl Reason {
    pub(crate) fn new(text: impl Into<String>) -> Reason {
        Reason(text.into())
    }
}

/// A name and a text that is not empty.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

impl<'a> Field<'a> {
    /// A reason that begins with the field's name.
    pub(crate) fn wrong(&self, why: impl std::fmt::Display) -> Reason {
        Reason::new(format!("{}: {why}", self.name))
    }

    /// A whole number of base units.
    pub(crate) fn amount(&self) -> Result<Amount, Reason> {
        Amount::parse(self.text).map_err(|why| self.wrong(why))
    }

    /// Whole units written as a decimal.
    pub(crate) fn decimal(&self, decimals: u8) -> Result<Amount, Reason> {
        Amount::parse_decimal(self.text, decimals).map_err(|why| self.wrong(why))
    }

    /// A block height.
    pub(crate) fn height(&self) -> Result<u64, Reason> {
        self.number("a block height")
    }

    /// An index of 32 bits, a count of decimals, and the like.
    pub(crate) fn number<T: std::str::FromStr>(&self, what: &str) -> Result<T, Reason> {
        let digits = self.text.bytes().all(|b| b.is_ascii_digit());
        let value = self.text.parse().ok().filter(|_| digits);
        value.ok_or_else(|| self.wrong(format!("not {what}: {:?}", excerpt(self.text))))
    }

    /// Decimal places of a token.
    pub(crate) fn decimals(&self) -> Result<u8, Reason> {
        self.number("a count of decimal places")
    }

    /// A time in Unix seconds.
    pub(crate) fn seconds(&self) -> Result<Time, Reason> {
        Time::parse_unix(self.text, 1).map_err(|why| self.wrong(why))
    }

    /// A time in Unix milliseconds.
    pub(crate) fn milliseconds(&self) -> Result<Time, Reason> {
        Time::parse_unix(self.text, 1000).map_err(|why| self.wrong(why))
    }

    /// RFC 3339, a date or Unix seconds.
    pub(crate) fn time(&self) -> Result<Time, Reason> {
        Time::parse(self.text).map_err(|why| self.wrong(why))
    }

    pub(crate) fn tx(&self) -> Result<TxId, Reason> {
        TxId::parse(self.text).map_err(|why| self.wrong(why))
    }

    pub(crate) fn address(&self, chain: Chain) -> Result<Address, Reason> {
        Address::parse(chain, self.text).map_err(|why| self.wrong(why))
    }

    pub(crate) fn place(&self, chain: Chain) -> Result<Place, Reason> {
        Place::parse(chain, self.text).map_err(|why| self.wrong(why))
    }

    pub(crate) fn asset(&self, chain: Chain) -> Result<Asset, Reason> {
        Asset::parse(chain, self.text).map_err(|why| self.wrong(why))
    }

    /// A token by its contract, where a column holds nothing else.
    pub(crate) fn token(&self, chain: Chain) -> Result<Asset, Reason> {
        self.address(chain).map(Asset::Token)
    }
}

/// The beginning of a foreign text, for a message: without what could steer a terminal or turn the
/// direction of the text around it.
pub(crate) fn excerpt(text: &str) -> String {
    printable(text, 60)
}

/// At most `length` characters of a text, those that are not for reading replaced.
pub(crate) fn printable(text: &str, length: usize) -> String {
    let turns = |c: char| {
        let mark = matches!(c, '\u{200e}' | '\u{200f}');
        mark || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let steers = |c: char| c.is_control() || turns(c);
    let shown = text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c });
    shown.take(length).collect()
}
