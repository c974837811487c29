//! Which chain a list means when it names a currency. Lists of coins say the chain; lists of tokens
//! (USDT, USDC) mix chains, and there the address's own form decides.

use ledger::{Address, Chain};

/// What a currency word says about where its addresses live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Currency {
    /// The coin of this chain.
    Coin(Chain),
    /// A token that exists on several chains.
    Token,
    /// A chain that dyepack does not read.
    Unsupported,
}

/// Ticker, in upper case, to the name of the chain ("" for tokens of several chains). XBT is the
/// ISO 4217 style code that OFAC writes for bitcoin.
const WORDS: [(&str, &str); 21] = [
    ("ARB", "arbitrum"),
    ("AVAX", "avalanche"),
    ("BASE", "base"),
    ("BNB", "bsc"),
    ("BSC", "bsc"),
    ("BTC", "bitcoin"),
    ("BUSD", ""),
    ("DAI", ""),
    ("ETH", "ethereum"),
    ("GLMR", "moonbeam"),
    ("MATIC", "polygon"),
    ("OP", "optimism"),
    ("POL", "polygon"),
    ("RON", "ronin"),
    ("TRON", "tron"),
    ("TRX", "tron"),
    ("TUSD", ""),
    ("USDC", ""),
    ("USDT", ""),
    ("WETH", ""),
    ("XBT", "bitcoin"),
];

impl Currency {
    pub(crate) fn parse(word: &str) -> Currency {
        let found = WORDS.iter().find(|(ticker, _)| ticker.eq_ignore_ascii_case(word));
        match found {
            None => Currency::Unsupported,
            Some((_, "")) => Currency::Token,
            Some((_, name)) => Chain::parse(name).map_or(Currency::Unsupported, Currency::Coin),
        }
    }

    /// The chain of an address in a list of this currency, or why there is none.
    pub(crate) fn chain_of(self, address: &str) -> Option<Chain> {
        match self {
            Currency::Coin(chain) => Some(chain),
            Currency::Token => Some(chain_by_form(address)),
            Currency::Unsupported => None,
        }
    }
}

/// TRON or Bitcoin (Omni) if the text is an address there; else Ethereum, whose check then judges
/// it.
fn chain_by_form(address: &str) -> Chain {
    [Chain::TRON, Chain::BITCOIN]
        .into_iter()
        .find(|chain| Address::parse(*chain, address).is_ok())
        .unwrap_or(Chain::ETHEREUM)
}
