//! Decimal places of tokens, for exports that print whole units and do not say how many places
//! there are. A token is its contract, never its symbol.

use std::collections::BTreeMap;

use ledger::{Asset, Chain};

/// Well-known contracts: chain, contract, decimal places. No other contract is guessed.
/// Source: the contracts' own `decimals()`, as their explorers show it.
const KNOWN: &[(&str, &str, u8)] = &[
    ("arbitrum", "0x82af49447d8a07e3bd95bd0d56f35241523fbab1", 18), // WETH
    ("arbitrum", "0xaf88d065e77c8cc2239327c5edb3a432268e5831", 6),  // USDC
    ("arbitrum", "0xfd086bc7cd5c481dcc9c85ebe478a1c0b69fcbb9", 6),  // USDT
    ("arbitrum", "0xff970a61a04b1ca14834a43f5de4533ebddb5cc8", 6),  // USDC.e
    ("avalanche", "0x9702230a8ea53601f5cd2dc00fdbc13d4df4a8c7", 6), // USDT
    ("avalanche", "0xb31f66aa3c1e785363f0875a1b74e27b85fd66c7", 18), // WAVAX
    ("avalanche", "0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e", 6), // USDC
    ("base", "0x4200000000000000000000000000000000000006", 18),     // WETH
    ("base", "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913", 6),      // USDC
    ("bsc", "0x2170ed0880ac9a755fd29b2688956bd959f933f8", 18),      // ETH
    ("bsc", "0x55d398326f99059ff775485246999027b3197955", 18),      // USDT
    ("bsc", "0x7130d2a12b9bcbfae4f2634d864a1ee1ce3ead9c", 18),      // BTCB
    ("bsc", "0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d", 18),      // USDC
    ("bsc", "0xbb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c", 18),      // WBNB
    ("bsc", "0xe9e7cea3dedca5984780bafc599bd69add087d56", 18),      // BUSD
    ("ethereum", "0x1f9840a85d5af5bf1d1762f925bdaddc4201f984", 18), // UNI
    ("ethereum", "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8),  // WBTC
    ("ethereum", "0x4fabb145d64652a948d72533023f6e7a623c7c53", 18), // BUSD
    ("ethereum", "0x514910771af9ca656af840dff83e8264ecf986ca", 18), // LINK
    ("ethereum", "0x6b175474e89094c44da98b954eedeac495271d0f", 18), // DAI
    ("ethereum", "0x95ad61b0a150d79219dcf64e1e6cc01f0b64c4ce", 18), // SHIB
    ("ethereum", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6),  // USDC
    ("ethereum", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18), // WETH
    ("ethereum", "0xdac17f958d2ee523a2206206994597c13d831ec7", 6),  // USDT
    ("optimism", "0x0b2c639c533813f4aa9d7837caf62653d097ff85", 6),  // USDC
    ("optimism", "0x4200000000000000000000000000000000000006", 18), // WETH
    ("optimism", "0x7f5c764cbc14f9669b88837ca1490cca17c31607", 6),  // USDC.e
    ("optimism", "0x94b008aa00579c1307b0ef2c499ad98a8ce58e58", 6),  // USDT
    ("polygon", "0x0d500b1d8e8ef31e21c99d1db9a6444d3adf1270", 18),  // WPOL
    ("polygon", "0x2791bca1f2de4661ed88a30c99a7a9449aa84174", 6),   // USDC.e
    ("polygon", "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359", 6),   // USDC
    ("polygon", "0xc2132d05d31c914a87c6611c10748aeb04b58e8f", 6),   // USDT
    ("tron", "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8", 6),              // USDC
    ("tron", "TNUC9Qb1rRpS5CbWLmNMxXBjyFoydXjWFR", 6),              // WTRX
    ("tron", "TPYmHEhy5n8TCEfYGqW2rPxsghSfzghPDn", 18),             // USDD, the old one
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", 6),              // USDT
    ("tron", "TUpMhErZL2fhh4sVNULAbNKLokS4GjC1F4", 18),             // TUSD
];

/// Decimal places by chain and asset: the native coins, the well-known tokens, and what was added.
#[derive(Clone, Debug)]
pub struct Decimals {
    tokens: BTreeMap<(Chain, Asset), u8>,
}

impl Default for Decimals {
    /// The native coins and the well-known tokens.
    fn default() -> Decimals {
        let known = KNOWN.iter().filter_map(|(chain, contract, decimals)| {
            let chain = Chain::parse(chain).ok()?;
            Some(((chain, Asset::parse(chain, contract).ok()?), *decimals))
        });
        Decimals { tokens: known.collect() }
    }
}

impl Decimals {
    /// Adds or replaces a token's decimal places (`--decimals TOKEN=N`).
    pub fn set(&mut self, chain: Chain, asset: Asset, decimals: u8) {
        self.tokens.insert((chain, asset), decimals);
    }

    /// The decimal places of an asset, if they are known.
    pub fn get(&self, chain: Chain, asset: Asset) -> Option<u8> {
        match asset {
            Asset::Native => Some(chain.native_decimals()),
            _ => self.tokens.get(&(chain, asset)).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_contract_is_an_address_and_stands_once() {
        assert_eq!(Decimals::default().tokens.len(), KNOWN.len());
    }
}
