//! The chains that dyepack knows, in one table. A [`Chain`] is an index into it: two bytes of
//! meaning, copied freely, ordered by name because that is how chains are merged (docs/method.md).

use std::cmp::Ordering;
use std::fmt;

/// How a family of chains writes addresses and moves value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Accounts of 21 bytes, Base58Check with prefix 0x41.
    Tron,
    /// Accounts of 20 bytes, EIP-55.
    Evm,
    /// Unspent outputs owned by scripts.
    Bitcoin,
}

struct Entry {
    name: &'static str,
    family: Family,
    /// EIP-155 chain id; 0 where the family has none.
    id: u64,
    native: &'static str,
    decimals: u8,
}

const fn evm(name: &'static str, id: u64, native: &'static str) -> Entry {
    Entry { name, family: Family::Evm, id, native, decimals: 18 }
}

/// Sorted by name, so that the index orders as the name does.
const TABLE: [Entry; 11] = [
    evm("arbitrum", 42161, "ETH"),
    evm("avalanche", 43114, "AVAX"),
    evm("base", 8453, "ETH"),
    Entry { name: "bitcoin", family: Family::Bitcoin, id: 0, native: "BTC", decimals: 8 },
    evm("bsc", 56, "BNB"),
    evm("ethereum", 1, "ETH"),
    evm("moonbeam", 1284, "GLMR"),
    evm("optimism", 10, "ETH"),
    evm("polygon", 137, "POL"),
    evm("ronin", 2020, "RON"),
    Entry { name: "tron", family: Family::Tron, id: 0, native: "TRX", decimals: 6 },
];

/// One blockchain. Chains order by the bytes of their names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(u8);

/// A name that is not in the table. The message lists the names that are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown chain {0:?} ({names})", names = TABLE.map(|entry| entry.name).join(", "))]
pub struct ChainError(String);

impl Chain {
    pub const BITCOIN: Chain = Chain(3);
    pub const ETHEREUM: Chain = Chain(5);
    pub const TRON: Chain = Chain(10);

    /// Every chain, by name.
    pub fn all() -> impl Iterator<Item = Chain> {
        (0..TABLE.len() as u8).map(Chain)
    }

    /// Finds a chain by its name, in lower case as in the table.
    pub fn parse(name: &str) -> Result<Chain, ChainError> {
        Chain::all()
            .find(|chain| chain.name() == name)
            .ok_or_else(|| ChainError(name.chars().take(40).collect()))
    }

    /// Finds an EVM chain by its EIP-155 id.
    pub fn from_evm_id(id: u64) -> Option<Chain> {
        Chain::all().find(|chain| chain.evm_id() == Some(id))
    }

    fn entry(self) -> &'static Entry {
        &TABLE[usize::from(self.0)]
    }

    pub fn name(self) -> &'static str {
        self.entry().name
    }

    pub fn family(self) -> Family {
        self.entry().family
    }

    /// The EIP-155 chain id, for EVM chains.
    pub fn evm_id(self) -> Option<u64> {
        (self.family() == Family::Evm).then(|| self.entry().id)
    }

    /// Symbol of the native coin: TRX, ETH, BTC …
    pub fn native_symbol(self) -> &'static str {
        self.entry().native
    }

    /// Decimal places of the native coin: one whole coin is 10^decimals base units.
    pub fn native_decimals(self) -> u8 {
        self.entry().decimals
    }
}

impl Ord for Chain {
    fn cmp(&self, other: &Chain) -> Ordering {
        self.name().as_bytes().cmp(other.name().as_bytes())
    }
}

impl PartialOrd for Chain {
    fn partial_cmp(&self, other: &Chain) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_name_what_they_say() {
        assert_eq!(Chain::BITCOIN.name(), "bitcoin");
        assert_eq!(Chain::ETHEREUM.name(), "ethereum");
        assert_eq!(Chain::TRON.name(), "tron");
    }

    #[test]
    fn table_is_sorted_and_names_parse_back() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
        for chain in Chain::all() {
            assert_eq!(Chain::parse(chain.name()), Ok(chain));
        }
        let wrong = Chain::parse("Tron").map_err(|error| error.to_string());
        let message = wrong.expect_err("names are in lower case");
        assert!(message.starts_with("unknown chain \"Tron\" (arbitrum, avalanche, "), "{message}");
        assert!(message.ends_with(", ronin, tron)"), "{message}");
        assert_eq!(Chain::from_evm_id(56).map(Chain::name), Some("bsc"));
    }
}
