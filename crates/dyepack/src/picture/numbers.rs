//! All amounts of a picture as they are printed, decided at once, so that what stands side by side
//! agrees: a bar's parts with its total, what moves on with what arrives, the right bar with the
//! whole.

use ruint::aliases::U256;

use super::View;
use super::columns::{Columns, Part};
use super::kinds::Kind;
use super::round::{self, Marks, Scale};
use super::svg::clean;
use super::words::Words;

/// Symbols are foreign text; longer ones are cut.
const MAX_SYMBOL: usize = 12;

/// Printed amounts, in steps of one scale.
pub(super) struct Numbers<'a> {
    scale: Scale,
    marks: Marks<'a>,
    decimals: u8,
    /// The unit of exact amounts: `ETH`, `base units of XYZ`.
    unit: String,
    /// The unit of short amounts: the same, or base units where amounts are tiny.
    scaled: String,
    /// That unit where there is little room.
    pub(super) short_unit: String,
    /// What arrived, for each bar.
    pub(super) arrived: Vec<U256>,
    /// Of that, what is newly labelled and what was converted in.
    pub(super) entered: Vec<[U256; 2]>,
    /// The parts of each bar.
    pub(super) parts: Vec<Vec<U256>>,
    /// The parts of the bar at the right.
    pub(super) now: Vec<U256>,
    /// Their shares, in tenths of a percent.
    pub(super) shares: Vec<U256>,
    /// All that is in the picture.
    pub(super) total: U256,
}

impl<'a> Numbers<'a> {
    /// Short amounts have `digits` digits where the largest is.
    pub(super) fn new(
        view: &View,
        columns: &Columns,
        words: &'a Words,
        digits: usize,
    ) -> Numbers<'a> {
        let symbol = clean(view.symbol.unwrap_or(""), MAX_SYMBOL);
        let decimals = view.decimals.unwrap_or(0);
        let (unit, short) = unit(&symbol, view.decimals, words);
        let (scale, (scaled, short_unit)) = match Scale::new(columns.extent, decimals, digits) {
            Some(scale) => (scale, (unit.clone(), short)),
            None => (Scale::whole(columns.extent, digits), self::unit(&symbol, None, words)),
        };
        let Bars { arrived, entered, parts } = split_bars(&scale, columns);
        let total = scale.nearest(columns.arrived());
        let sound = sound(&columns.now);
        let accounted = sound.iter().fold(U256::ZERO, |sum, units| sum + units);
        let target = if accounted == columns.arrived() { total } else { scale.nearest(accounted) };
        let mut now = scale.split(&sound, target);
        let mut shares = round::permille(&sound);
        if let Some(excess) = columns.now.last().filter(|part| part.kind == Kind::Excess) {
            now.push(scale.nearest(excess.units));
            shares.push(U256::ZERO);
        }
        let marks = words.marks();
        Numbers {
            scale,
            marks,
            decimals,
            unit,
            scaled,
            short_unit,
            arrived,
            entered,
            parts,
            now,
            shares,
            total,
        }
    }

    /// A short amount without its unit.
    pub(super) fn short(&self, units: U256, steps: U256) -> String {
        self.scale.print_part(units, steps, self.marks)
    }

    /// The same, rounded on its own.
    pub(super) fn nearest(&self, units: U256) -> String {
        self.short(units, self.scale.nearest(units))
    }

    /// The unit that short amounts are in.
    pub(super) fn scaled_unit(&self) -> String {
        format!("{}{}", self.scale.factor(), self.scaled)
    }

    /// What stands before the unit where short amounts are very large or very small.
    pub(super) fn factor(&self) -> String {
        self.scale.factor()
    }

    /// An amount with all its digits and its unit.
    pub(super) fn exact(&self, units: U256) -> String {
        format!("{}\u{a0}{}", round::exact(units, self.decimals, self.marks), self.unit)
    }

    /// An amount in base units, with the word where the unit is another.
    pub(super) fn base_units(&self, units: U256, words: &Words) -> String {
        let number = round::exact(units, 0, self.marks);
        words.fill("picture.unit.base-amount", &[("number", &number)])
    }

    /// A share as printed.
    pub(super) fn percent(&self, units: U256, share: U256) -> String {
        round::percent(units, share, self.marks)
    }

    /// A part's share in a whole, rounded down on its own.
    pub(super) fn share(&self, units: U256, whole: U256) -> String {
        let thousand = U256::from(1000u16);
        let share = if whole.is_zero() { U256::ZERO } else { units * thousand / whole };
        self.percent(units, share)
    }

    /// A count, with all its digits if there are few.
    pub(super) fn count(&self, count: U256) -> String {
        const MOST: u64 = 999_000_000_000_000;
        let scale = Scale::whole(count.min(U256::from(MOST)), 4);
        if count < U256::from(100_000u32) {
            return round::exact(count, 0, self.marks);
        }
        let more = if count > U256::from(MOST) { ">" } else { "" };
        format!("{more}{}", scale.print(scale.nearest(count.min(U256::from(MOST))), self.marks))
    }
}

/// The units of all parts but an excess, which lies over the others.
fn sound(parts: &[Part]) -> Vec<U256> {
    parts.iter().filter(|part| part.kind != Kind::Excess).map(|part| part.units).collect()
}

#[derive(Default)]
struct Bars {
    arrived: Vec<U256>,
    entered: Vec<[U256; 2]>,
    parts: Vec<Vec<U256>>,
}

/// From left to right: what a bar sends on is printed as what arrives at the next.
fn split_bars(scale: &Scale, columns: &Columns) -> Bars {
    let mut bars = Bars::default();
    let mut sent: Option<(U256, U256)> = None;
    for bar in &columns.bars {
        let moved = match sent {
            Some((units, steps)) if units == bar.moved_in => steps,
            _ => scale.nearest(bar.moved_in),
        };
        let entered = scale.nearest(bar.entered());
        let apart = scale.split(&[bar.injected, bar.converted_in], entered);
        let units = sound(&bar.parts);
        let sum = units.iter().fold(U256::ZERO, |sum, units| sum + units);
        let whole = moved + entered;
        let target = if sum == bar.arrived() { whole } else { scale.nearest(sum) };
        let mut steps = scale.split(&units, target);
        let on = bar.parts.iter().position(|part| part.kind == Kind::MovedOn);
        sent = on.map(|at| (bar.parts[at].units, steps[at]));
        if let Some(excess) = bar.parts.last().filter(|part| part.kind == Kind::Excess) {
            steps.push(scale.nearest(excess.units));
        }
        bars.arrived.push(whole);
        bars.entered.push([apart[0], apart[1]]);
        bars.parts.push(steps);
    }
    bars
}

fn unit(symbol: &str, decimals: Option<u8>, words: &Words) -> (String, String) {
    let own = |key: &str| words.get(key).to_string();
    match (symbol, decimals) {
        ("", None) => (own("picture.unit.base"), own("picture.unit.base")),
        (symbol, None) => {
            (words.fill("picture.unit.base-of", &[("symbol", symbol)]), own("picture.unit.base"))
        }
        ("", Some(_)) => (own("picture.unit.unnamed"), own("picture.unit.unnamed")),
        (symbol, Some(_)) => (symbol.to_string(), symbol.to_string()),
    }
}
