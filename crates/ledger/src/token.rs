//! Symbols and decimals of tokens that everybody meets, from the shipped `data/tokens.csv`, and of
//! the native coins. An asset is its contract: nothing here is ever found by a symbol that a
//! contract claims.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::address::Address;
use crate::asset::Asset;
use crate::chain::Chain;

const SHIPPED: &str = include_str!("../../../data/tokens.csv");

/// How an asset is written for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub symbol: &'static str,
    /// One whole unit is 10^decimals base units.
    pub decimals: u8,
    /// Meant to be worth one US dollar.
    pub stable: bool,
}

/// The token behind an asset, if it is the native coin or stands in the shipped table.
pub fn known_token(chain: Chain, asset: &Asset) -> Option<Token> {
    match asset {
        Asset::Native => Some(Token {
            symbol: chain.native_symbol(),
            decimals: chain.native_decimals(),
            stable: false,
        }),
        Asset::Token(contract) => table().get(&(chain, *contract)).copied(),
        Asset::Trc10(_) => None,
    }
}

/// The contract in the shipped table that bears this symbol on this chain: for hints to people who
/// wrote a symbol where a contract belongs, never for reading data.
pub fn contract_hint(chain: Chain, symbol: &str) -> Option<Address> {
    let mut rows = table().iter();
    let found = rows.find(|((on, _), token)| *on == chain && token.symbol == symbol);
    found.map(|((_, contract), _)| *contract)
}

/// Every token of the shipped table, by chain and contract.
pub fn known_tokens() -> impl Iterator<Item = (Chain, Address, Token)> {
    table().iter().map(|((chain, contract), token)| (*chain, *contract, *token))
}

fn table() -> &'static BTreeMap<(Chain, Address), Token> {
    static TABLE: OnceLock<BTreeMap<(Chain, Address), Token>> = OnceLock::new();
    TABLE.get_or_init(|| SHIPPED.lines().skip(1).filter_map(row).collect())
}

/// The table is ours and tested whole; a row that does not read is left out.
fn row(line: &'static str) -> Option<((Chain, Address), Token)> {
    let mut fields = line.split(',');
    let chain = Chain::parse(fields.next()?).ok()?;
    let contract = Address::parse(chain, fields.next()?).ok()?;
    let symbol = fields.next()?;
    let decimals = fields.next()?.parse().ok()?;
    let stable = fields.next()? == "yes";
    Some(((chain, contract), Token { symbol, decimals, stable }))
}
