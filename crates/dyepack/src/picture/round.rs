//! Numbers as people read them: short amounts on one grid, exact amounts with all their digits, and
//! shares. Whatever is printed as parts of a total adds up to the printed total, because what
//! rounding leaves over goes to the parts with the largest remainders.

use ruint::aliases::U256;

/// From this power of ten on, numbers are printed with a factor of the unit.
const LARGEST_PLAIN: i32 = 15;
/// Below this power of ten, a number has so many zeros that base units say it better.
const SMALLEST_PLAIN: i32 = -4;

/// How numbers are written in a language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks<'a> {
    pub(super) point: &'a str,
    pub(super) group: &'a str,
}

/// The grid of a picture's short amounts: one unit and one number of decimals for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    /// Base units of one step, the least that is printed.
    step: U256,
    /// Decimals that a step has in the printed unit.
    decimals: usize,
    suffix: &'static str,
    /// Power of ten that the printed numbers are to be multiplied by; 0 nearly always.
    factor: i32,
}

impl Scale {
    /// The grid on which `largest` (base units) has that many digits; `None` if it is so small a
    /// part of the unit, or has so few digits, that it is better said in base units.
    pub(super) fn new(largest: U256, decimals: u8, digits: usize) -> Option<Scale> {
        let length = if largest.is_zero() { 1 } else { largest.to_string().len() };
        let (length, decimals) = (length as i32, i32::from(decimals));
        let magnitude = length - 1 - decimals;
        let (unit, suffix, fewer) = match magnitude {
            _ if largest.is_zero() => (0, "", 0),
            LARGEST_PLAIN.. => (magnitude.div_euclid(3) * 3, "", 0),
            12.. => (12, "T", 0),
            9.. => (9, "B", 0),
            6.. => (6, "M", 0),
            4.. => (3, "k", 0),
            -1.. => (0, "", 0),
            SMALLEST_PLAIN.. if digits > 2 => (0, "", 1),
            _ => return None,
        };
        // Never coarser than the printed unit itself: fewer digits only drop decimals.
        let step = (length - digits as i32 + fewer).clamp(0, unit + decimals);
        Some(Scale {
            step: power(step),
            decimals: usize::try_from(unit + decimals - step).unwrap_or(0),
            suffix,
            factor: if magnitude >= LARGEST_PLAIN { unit } else { 0 },
        })
    }

    /// The same for whole numbers, which are never too small.
    pub(super) fn whole(largest: U256, digits: usize) -> Scale {
        let least = Scale { step: U256::ONE, decimals: 0, suffix: "", factor: 0 };
        Scale::new(largest, 0, digits).unwrap_or(least)
    }

    /// The steps nearest to an amount.
    pub(super) fn nearest(&self, units: U256) -> U256 {
        let (steps, rest) = units.div_rem(self.step);
        if rest >= self.step - rest { steps + U256::ONE } else { steps }
    }

    /// The steps of parts that add up to `total` steps.
    pub(super) fn split(&self, parts: &[U256], total: U256) -> Vec<U256> {
        share_out(parts.iter().map(|part| part.div_rem(self.step)).collect(), total)
    }

    /// A number of steps, as printed: `401.3k`.
    pub(super) fn print(&self, steps: U256, marks: Marks) -> String {
        format!("{}{}", decimal(steps, self.decimals, false, marks), self.suffix)
    }

    /// The same for an amount that has `steps`: what is there and rounds to nothing is `<0.1k`.
    pub(super) fn print_part(&self, units: U256, steps: U256, marks: Marks) -> String {
        match (steps.is_zero(), units.is_zero()) {
            (true, true) => "0".to_string(),
            (true, false) => format!("<{}", self.print(U256::ONE, marks)),
            (false, _) => self.print(steps, marks),
        }
    }

    /// `×10³⁶ ` before the unit where the numbers are that large, else nothing.
    pub(super) fn factor(&self) -> String {
        if self.factor == 0 {
            return String::new();
        }
        let raised: String = self.factor.to_string().chars().map(superscript).collect();
        format!("×10{raised}\u{a0}")
    }
}

/// Shares of `parts` in their sum, in tenths of a percent; they add up to 1000. All zero if it is.
pub(super) fn permille(parts: &[U256]) -> Vec<U256> {
    let total: U256 = parts.iter().copied().fold(U256::ZERO, |sum, part| sum + part);
    if total.is_zero() {
        return vec![U256::ZERO; parts.len()];
    }
    let thousand = U256::from(1000u16);
    share_out(parts.iter().map(|part| (*part * thousand).div_rem(total)).collect(), thousand)
}

/// Tenths of a percent as printed: `18.0 %`, and `<0.1 %` for a part that rounds to nothing.
pub(super) fn percent(part: U256, permille: U256, marks: Marks) -> String {
    let small = permille.is_zero() && !part.is_zero();
    let shown = if small { U256::ONE } else { permille };
    format!("{}{}\u{a0}%", if small { "<" } else { "" }, decimal(shown, 1, false, marks))
}

/// Shares of `parts` in their sum as tables print them; they add up to 100.0 %.
pub(crate) fn shares(parts: &[u128]) -> Vec<String> {
    let parts: Vec<U256> = parts.iter().copied().map(U256::from).collect();
    let marks = Marks { point: ".", group: "," };
    let printed =
        parts.iter().zip(permille(&parts)).map(|(part, share)| percent(*part, share, marks));
    printed.map(|share| share.replace('\u{a0}', " ")).collect()
}

/// An amount with all its digits: `401,347.000000000000000001`.
pub(super) fn exact(units: U256, decimals: u8, marks: Marks) -> String {
    decimal(units, usize::from(decimals), true, marks)
}

/// Gives each part its whole steps, and then single steps to those with the largest remainders
/// until they add up to `total`; takes from those with the smallest if there are too many.
fn share_out(parts: Vec<(U256, U256)>, total: U256) -> Vec<U256> {
    let mut steps: Vec<U256> = parts.iter().map(|(whole, _)| *whole).collect();
    let mut sum: U256 = steps.iter().copied().fold(U256::ZERO, |sum, part| sum + part);
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| parts[*b].1.cmp(&parts[*a].1).then(a.cmp(b)));
    for at in order.iter().cycle().take(if sum < total { 3 * order.len() } else { 0 }) {
        if sum < total {
            steps[*at] += U256::ONE;
            sum += U256::ONE;
        }
    }
    for at in order.iter().rev().cycle().take(3 * order.len()) {
        if sum > total && !steps[*at].is_zero() {
            steps[*at] -= U256::ONE;
            sum -= U256::ONE;
        }
    }
    steps
}

/// A whole number with the point `decimals` digits from its end.
fn decimal(number: U256, decimals: usize, trim: bool, marks: Marks) -> String {
    let digits = number.to_string();
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    let fraction = if trim { fraction.trim_end_matches('0') } else { fraction };
    let point = if fraction.is_empty() { "" } else { marks.point };
    format!("{}{point}{fraction}", grouped(whole, marks.group))
}

fn grouped(digits: &str, mark: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push_str(mark);
        }
        out.push(digit);
    }
    out
}

fn power(exponent: i32) -> U256 {
    U256::from(10u8).pow(U256::from(exponent.max(0) as u32))
}

fn superscript(c: char) -> char {
    match c {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        c => c.to_digit(10).and_then(|d| char::from_u32('⁰' as u32 + d)).unwrap_or(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks { point: ".", group: "," };

    fn u(units: u128) -> U256 {
        U256::from(units)
    }

    #[test]
    fn short_amounts_have_four_digits() {
        let check = |units: u128, decimals: u8, want: &str| {
            let got = Scale::new(u(units), decimals, 4).map_or("small".to_string(), |scale| {
                let number = scale.print(scale.nearest(u(units)), MARKS);
                format!("{number} {}", scale.factor()).trim().to_string()
            });
            assert_eq!(got, want, "{units} {decimals}");
        };
        let ether = 10u128.pow(18);
        check(401_347 * ether, 18, "401.3k");
        check(173_600 * ether, 18, "173.6k");
        check(1_234 * ether, 18, "1,234");
        check(12_340 * ether, 18, "12.34k");
        check(1_500_000_000_000, 6, "1.500M");
        check(30_000_000, 6, "30.00");
        check(ether / 250, 18, "0.00400");
        check(ether / 10, 18, "0.1000");
        check(1, 0, "1");
        check(999, 0, "999");
        check(9_999, 0, "9,999");
        check(99_996, 0, "100.00k");
        check(1, 18, "small");
        check(1, 8, "small");
        check(1, 4, "0.0001");
        check(u128::MAX, 0, "340.3 ×10³⁶");
        check(u128::MAX, 18, "340.3 ×10¹⁸");
        check(u128::MAX, 255, "small");
    }

    #[test]
    fn fewer_digits_only_drop_decimals() {
        let check = |units: u128, digits: usize, want: &str| {
            let scale = Scale::new(u(units), 3, digits).unwrap();
            assert_eq!(scale.print(scale.nearest(u(units)), MARKS), want);
        };
        for (digits, want) in [(4, "401.3k"), (3, "401k"), (2, "401k")] {
            check(401_347_000, digits, want);
        }
        for (digits, want) in [(4, "1.235"), (3, "1.24"), (2, "1.2")] {
            check(1_235, digits, want);
        }
    }

    #[test]
    fn exact_amounts_keep_every_digit() {
        assert_eq!(exact(u(1), 18, MARKS), "0.000000000000000001");
        assert_eq!(exact(u(1_234_500_000), 6, MARKS), "1,234.5");
        let largest = "340,282,366,920,938,463,463,374,607,431,768,211,455";
        assert_eq!(exact(u(u128::MAX), 0, MARKS), largest);
    }

    #[test]
    fn parts_add_up_to_the_printed_total() {
        let scale = Scale::new(u(401_347), 0, 4).unwrap();
        let parts = [72_272, 9_772, 26_686, 47_263, 245_354].map(u);
        let steps = scale.split(&parts, scale.nearest(u(401_347)));
        let printed: Vec<String> = steps.iter().map(|steps| scale.print(*steps, MARKS)).collect();
        assert_eq!(printed, ["72.3k", "9.8k", "26.7k", "47.2k", "245.3k"]);
        let shares: Vec<String> =
            permille(&parts).iter().map(|share| percent(u(1), *share, MARKS)).collect();
        assert_eq!(
            shares,
            ["18.0\u{a0}%", "2.4\u{a0}%", "6.7\u{a0}%", "11.8\u{a0}%", "61.1\u{a0}%"]
        );
    }

    #[test]
    fn what_rounds_to_nothing_is_not_called_nothing() {
        let scale = Scale::new(u(401_347), 0, 4).unwrap();
        assert_eq!(scale.print_part(u(3), u(0), MARKS), "<0.1k");
        assert_eq!(scale.print_part(u(0), u(0), MARKS), "0");
        assert_eq!(percent(u(3), u(0), MARKS), "<0.1\u{a0}%");
        assert!(permille(&[]).is_empty());
        assert_eq!(permille(&[u(0), u(0)]), [u(0), u(0)]);
    }

    #[test]
    fn a_total_that_is_one_off_is_met_too() {
        let scale = Scale::new(u(10_000), 0, 4).unwrap();
        for total in [u(99), u(100), u(101), u(102)] {
            let steps = scale.split(&[u(500), u(500)], total);
            assert_eq!(steps[0] + steps[1], total);
        }
    }
}
