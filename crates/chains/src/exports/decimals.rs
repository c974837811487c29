//! Decimal places of tokens, for exports that print whole units and do not say how many places
//! there are. A token is its contract, never its symbol.

use std::collections::BTreeMap;

use ledger::{Asset, Chain};

/// Decimal places by chain and asset: the native coins, the known tokens, and what was added.
#[derive(Clone, Debug, Default)]
pub struct Decimals {
    added: BTreeMap<(Chain, Asset), u8>,
}

impl Decimals {
    /// Adds or replaces a token's decimal places (`--decimals TOKEN=N`).
    pub fn set(&mut self, chain: Chain, asset: Asset, decimals: u8) {
        self.added.insert((chain, asset), decimals);
    }

    /// The decimal places of an asset, if they are known.
    pub fn get(&self, chain: Chain, asset: Asset) -> Option<u8> {
        let added = self.added.get(&(chain, asset)).copied();
        added.or_else(|| ledger::known_token(chain, &asset).map(|token| token.decimals))
    }
}
