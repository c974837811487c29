//! A set of pots: one bit each, so that whether a row concerns us is asked without leaving the cache.

use crate::pot_ledger::PotId;

/// Pots, by number.
pub(crate) struct PotSet {
    bits: Vec<u64>,
}

impl PotSet {
    /// None of `count` pots.
    pub(crate) fn new(count: usize) -> PotSet {
        PotSet { bits: vec![0; count.div_ceil(64)] }
    }

    #[inline]
    pub(crate) fn has(&self, pot: PotId) -> bool {
        let word = self.bits.get(pot as usize / 64);
        word.is_some_and(|word| word >> (pot % 64) & 1 != 0)
    }

    #[inline]
    pub(crate) fn add(&mut self, pot: PotId) {
        let at = pot as usize / 64;
        if self.bits.len() <= at {
            self.bits.resize(at + 1, 0);
        }
        self.bits[at] |= 1 << (pot % 64);
    }
}
