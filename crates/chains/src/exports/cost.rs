//! What a transaction of an EVM chain cost, and which part of that the protocol burned (EIP-1559).

use ledger::{Amount, Chain, Place};

use super::out::{Draft, Stand};

/// Chains on which nobody burns a base fee: it goes to whoever runs them, or is zero (bsc).
const BURN_NONE: [&str; 5] = ["arbitrum", "base", "bsc", "optimism", "ronin"];

/// The first block of Ethereum that burned a part of fees (the London upgrade).
const LONDON: u64 = 12_965_000;

/// What a receipt says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Units of gas.
    pub(super) gas: Amount,
    /// All of it, in base units.
    pub(super) total: Amount,
}

impl Cost {
    /// The part that went at the block's base fee, by unit of gas; `None` where the block's and the
    /// receipt's tables contradict each other.
    pub(super) fn at_base_fee(self, price: Amount) -> Option<Amount> {
        let part = self.gas.base_units().checked_mul(price.base_units())?;
        (part <= self.total.base_units()).then_some(Amount::new(part))
    }
}

/// Hands out the rows of a cost: what was burned, then the fee. `base` is the part that went at the
/// block's base fee; where nobody tells it, all counts as fee and a gap says so.
pub(super) fn pay(
    draft: &mut Draft,
    stand: &Stand,
    payer: Place,
    total: Amount,
    base: Option<Amount>,
) {
    let is_before =
        stand.chain == Chain::ETHEREUM && stand.position.height.is_some_and(|h| h < LONDON);
    let burns = !is_before && !BURN_NONE.contains(&stand.chain.name());
    if burns && base.is_none() && !total.is_zero() {
        draft.gap(
            "base-fee",
            "what the protocol burned of fees is not told: all of it counts as fee",
        );
    }
    let burned = base.filter(|_| burns).unwrap_or_default();
    let fee = total.checked_sub(burned).unwrap_or_default();
    if !burned.is_zero() {
        draft.transfer(stand.base_fee(payer, burned));
    }
    if !fee.is_zero() {
        draft.transfer(stand.fee(payer, fee));
    }
}
