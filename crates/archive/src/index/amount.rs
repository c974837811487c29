//! Amounts in eight bytes: nearly all are below 2^62, or have so many zeros at their end that digits
//! and a power of ten hold them. The others lie in a table of their own.

/// What a row's eight bytes mean: the two highest bits.
const DECIMAL: u64 = 1 << 62;
const WIDE: u64 = 2 << 62;
const CONVERTED: u64 = 3 << 62;
const KIND: u64 = 3 << 62;
/// Bits of the digits of a decimal; six bits above them hold the power of ten.
const DIGITS: u32 = 56;

const POWERS: [u128; 39] = {
    let mut powers = [1u128; 39];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The tables beside the rows.
#[derive(Default)]
pub(super) struct AmountTables {
    pub(super) wide: Vec<u128>,
    /// What leaves and what arrives.
    pub(super) conversions: Vec<[u128; 2]>,
}

impl AmountTables {
    /// The eight bytes of a row, with what they point to put into the tables.
    pub(super) fn pack(&mut self, amount: u128, amount_to: Option<u128>) -> u64 {
        if let Some(amount_to) = amount_to {
            self.conversions.push([amount, amount_to]);
            return CONVERTED | (self.conversions.len() as u64 - 1);
        }
        if amount < u128::from(DECIMAL) {
            return amount as u64;
        }
        let (digits, zeros) = without_zeros(amount);
        if digits < 1 << DIGITS {
            return DECIMAL | u64::from(zeros) << DIGITS | digits as u64;
        }
        self.wide.push(amount);
        WIDE | (self.wide.len() as u64 - 1)
    }
}

/// The number without the zeros at its end, and how many those are. Not for 0.
fn without_zeros(mut number: u128) -> (u128, u32) {
    let mut zeros = 0;
    for power in [16, 16, 8, 4, 2, 1] {
        if number.is_multiple_of(POWERS[power]) {
            number /= POWERS[power];
            zeros += power as u32;
        }
    }
    (number, zeros)
}

/// What a row's eight bytes say: what leaves, and what arrives where it is something else. A number
/// beyond the tables, which only a damaged file has, reads as 0.
#[inline]
pub(super) fn unpack(
    packed: u64,
    wide: &[u128],
    conversions: &[[u128; 2]],
) -> (u128, Option<u128>) {
    let rest = packed & !KIND;
    match packed & KIND {
        0 => (u128::from(packed), None),
        DECIMAL => {
            let digits = u128::from(rest & ((1 << DIGITS) - 1));
            let power = POWERS.get((rest >> DIGITS) as usize).copied().unwrap_or(0);
            (digits.saturating_mul(power), None)
        }
        WIDE => (wide.get(rest as usize).copied().unwrap_or(0), None),
        _ => {
            let [amount, into] = conversions.get(rest as usize).copied().unwrap_or_default();
            (amount, Some(into))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_comes_back() {
        let mut tables = AmountTables::default();
        let mut amounts = vec![0, 1, u128::MAX, u128::MAX - 1, (1 << 62) - 1, 1 << 62];
        for power in POWERS {
            amounts.extend([power, power.saturating_mul(7), power + 1, power - 1]);
            amounts.extend([power.saturating_mul((1 << 56) - 1), power.saturating_mul(1 << 56)]);
        }
        let packed: Vec<u64> = amounts.iter().map(|amount| tables.pack(*amount, None)).collect();
        for (amount, packed) in amounts.iter().zip(packed) {
            assert_eq!(unpack(packed, &tables.wide, &[]), (*amount, None), "{amount}");
        }
        let packed = tables.pack(5, Some(u128::MAX));
        assert_eq!(unpack(packed, &[], &tables.conversions), (5, Some(u128::MAX)));
        // 4.7 whole tokens of 18 decimals stay in the row.
        let wide = tables.wide.len();
        tables.pack(4_700_000_000_000_000_000, None);
        assert_eq!(tables.wide.len(), wide);
    }
}
