//! The shipped table of tokens: every row reads, and agrees with facts stated elsewhere.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use ledger::{Address, Asset, Chain, contract_hint, known_token, known_tokens};

const SHIPPED: &str = include_str!("../../../data/tokens.csv");

/// Chain, contract, symbol, decimals: stated by EIP-55 or Base58Check texts that were not copied
/// from the table, and decimals from the tokens' own `decimals()`.
fn check(chain: &str, contract: &str, symbol: &str, decimals: u8, stable: bool) {
    let chain = Chain::parse(chain).unwrap();
    let asset = Asset::parse(chain, contract).unwrap();
    let token = known_token(chain, &asset).unwrap_or_else(|| panic!("{contract}"));
    assert_eq!((token.symbol, token.decimals, token.stable), (symbol, decimals, stable));
}

#[test]
fn every_row_reads_with_a_good_checksum() {
    assert_eq!(known_tokens().count(), SHIPPED.lines().count() - 1);
    for line in SHIPPED.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let chain = Chain::parse(fields[0]).unwrap();
        let contract = Address::parse(chain, fields[1]).unwrap();
        assert_eq!(contract.checksummed(), fields[1], "{line}");
        assert!(fields.len() == 5 && matches!(fields[4], "yes" | "no"), "{line}");
        assert_eq!(contract_hint(chain, fields[2]), Some(contract), "a symbol stands once: {line}");
    }
}

#[test]
fn well_known_tokens() {
    check("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT", 6, true);
    check("tron", "TNUC9Qb1rRpS5CbWLmNMxXBjyFoydXjWFR", "WTRX", 6, false);
    check("ethereum", "0xdac17f958d2ee523a2206206994597c13d831ec7", "USDT", 6, true);
    check("ethereum", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "USDC", 6, true);
    check("ethereum", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "WETH", 18, false);
    check("ethereum", "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", "WBTC", 8, false);
    check("bsc", "0x55d398326f99059ff775485246999027b3197955", "USDT", 18, true);
    check("bsc", "0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d", "USDC", 18, true);
}

#[test]
fn natives_are_known_and_look_alikes_are_not() {
    for chain in Chain::all() {
        let token = known_token(chain, &Asset::Native).unwrap();
        assert_eq!(
            (token.symbol, token.decimals),
            (chain.native_symbol(), chain.native_decimals())
        );
    }
    let usdt =
        Address::parse(Chain::ETHEREUM, "0xdac17f958d2ee523a2206206994597c13d831ec7").unwrap();
    assert_eq!(known_token(Chain::parse("bsc").unwrap(), &Asset::Token(usdt)), None);
    assert_eq!(known_token(Chain::TRON, &Asset::Trc10(1_000_001)), None);
    assert_eq!(known_token(Chain::ETHEREUM, &Asset::Token(Address::Evm([1; 20]))), None);
}
