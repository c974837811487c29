//! What one table of an import tells about the rows of another: when a block was, where a
//! transaction stands in it, whether it failed and what it cost.

use std::collections::{HashMap, HashSet};

use ledger::{Address, Amount, Chain, Time, TxId};

use super::cost::Cost;

/// Blocks and transactions remembered; beyond that, rows are read as if the tables were not there.
const MAX_BLOCKS: usize = 20_000_000;
const MAX_TRANSACTIONS: usize = 5_000_000;

/// Knowledge carried from file to file of one import, within bounds.
#[derive(Clone, Debug, Default)]
pub struct Context {
    times: HashMap<(Chain, u64), Time>,
    /// By unit of gas, of blocks that burn one.
    base_fees: HashMap<(Chain, u64), Amount>,
    places: HashMap<(Chain, TxId), (u64, u32)>,
    ids: HashMap<(Chain, u64, u32), TxId>,
    /// Transactions whose own value was handed out, by where they stand.
    valued: HashSet<(Chain, u64, u32)>,
    receipts: HashMap<(Chain, TxId), Receipt>,
    /// Blocks whose logs were read, and the logs in them that move an NFT.
    logged: HashSet<(Chain, u64)>,
    nfts: HashSet<(Chain, u64, u32)>,
}

/// What a receipt says about a transaction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receipt {
    /// `None` before Byzantium, when receipts did not tell.
    pub(crate) success: Option<bool>,
    pub(crate) cost: Option<Cost>,
    pub(crate) created: Option<Address>,
}

impl Context {
    /// An import that has read nothing yet.
    pub fn new() -> Context {
        Context::default()
    }

    pub(crate) fn note_block(&mut self, chain: Chain, height: u64, time: Time) {
        if self.times.len() < MAX_BLOCKS {
            self.times.insert((chain, height), time);
        }
    }

    pub(crate) fn time(&self, chain: Chain, height: u64) -> Option<Time> {
        self.times.get(&(chain, height)).copied()
    }

    pub(crate) fn note_base_fee(&mut self, chain: Chain, height: u64, price: Amount) {
        if self.base_fees.len() < MAX_BLOCKS {
            self.base_fees.insert((chain, height), price);
        }
    }

    pub(crate) fn base_fee(&self, chain: Chain, height: u64) -> Option<Amount> {
        self.base_fees.get(&(chain, height)).copied()
    }

    pub(crate) fn note_place(&mut self, chain: Chain, tx: TxId, height: u64, tx_index: u32) {
        if self.places.len() < MAX_TRANSACTIONS {
            self.places.insert((chain, tx), (height, tx_index));
            self.ids.insert((chain, height, tx_index), tx);
        }
    }

    /// The transaction's index in the block at `height`.
    pub(crate) fn tx_index(&self, chain: Chain, tx: TxId, height: u64) -> Option<u32> {
        let (known, tx_index) = self.places.get(&(chain, tx)).copied()?;
        (known == height).then_some(tx_index)
    }

    pub(crate) fn tx_at(&self, chain: Chain, height: u64, tx_index: u32) -> Option<TxId> {
        self.ids.get(&(chain, height, tx_index)).copied()
    }

    pub(crate) fn note_valued(&mut self, chain: Chain, height: u64, tx_index: u32) {
        if self.valued.len() < MAX_TRANSACTIONS {
            self.valued.insert((chain, height, tx_index));
        }
    }

    pub(crate) fn is_valued(&self, chain: Chain, height: u64, tx_index: u32) -> bool {
        self.valued.contains(&(chain, height, tx_index))
    }

    pub(crate) fn note_receipt(&mut self, chain: Chain, tx: TxId, receipt: Receipt) {
        if self.receipts.len() < MAX_TRANSACTIONS {
            self.receipts.insert((chain, tx), receipt);
        }
    }

    pub(crate) fn receipt(&self, chain: Chain, tx: TxId) -> Option<Receipt> {
        self.receipts.get(&(chain, tx)).copied()
    }

    pub(crate) fn note_log(&mut self, chain: Chain, height: u64, nft: Option<u32>) {
        if self.logged.len() < MAX_BLOCKS && self.nfts.len() < MAX_TRANSACTIONS {
            self.logged.insert((chain, height));
            self.nfts.extend(nft.map(|log_index| (chain, height, log_index)));
        }
    }

    /// Whether a log moves an NFT; `None` if the logs of its block were not read.
    pub(crate) fn is_nft(&self, chain: Chain, height: u64, log_index: u32) -> Option<bool> {
        let nft = self.nfts.contains(&(chain, height, log_index));
        self.logged.contains(&(chain, height)).then_some(nft)
    }
}
