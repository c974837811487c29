//! Block headers, as far as following value needs them: when a height was, and what it stands on.

use crate::chain::Chain;
use crate::time::Time;

/// One block of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    pub chain: Chain,
    pub height: u64,
    pub time: Time,
    /// The block's own hash, where the source states it.
    pub hash: Option<[u8; 32]>,
    /// The hash of the block before it, where the source states it.
    pub parent: Option<[u8; 32]>,
}
