//! The waterfall as a picture needs it: parts in their order, long tails folded into one bar, every
//! part at its place on one scale, and each hop checked: what arrived must be what is accounted
//! for.
//!
//! All sums are 256 bits wide: a value that is converted there and back arrives more than once.

use ruint::aliases::U256;
use taint::{HopColumn, Waterfall};

use super::kinds::Kind;

/// After this many bars, all later hops share one.
const SINGLE: usize = 12;

/// A hop, or a link between two hops, whose amounts do not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Imbalance {
    pub(crate) hop: usize,
    /// Base units by which it is off.
    pub(crate) difference: U256,
    /// True if value arrived and is nowhere, false if more is accounted for than arrived.
    pub(crate) missing: bool,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) units: U256,
    /// Where it begins on the common scale, in base units from the top.
    pub(super) start: U256,
}

impl Part {
    pub(super) fn end(&self) -> U256 {
        self.start + self.units
    }
}

/// One bar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) hop: usize,
    pub(super) folded: bool,
    pub(super) wallets: U256,
    pub(super) injected: U256,
    pub(super) moved_in: U256,
    pub(super) converted_in: U256,
    /// Where the bar begins on the common scale.
    pub(super) top: U256,
    /// Without empty ones, from the top; those of broken conservation last.
    pub(super) parts: Vec<Part>,
    /// Fees and burned apart, for the text of their common segment.
    pub(super) lost: [U256; 2],
}

impl Column {
    pub(super) fn arrived(&self) -> U256 {
        self.injected + self.moved_in + self.converted_in
    }

    /// What came from outside the picture.
    pub(super) fn entered(&self) -> U256 {
        self.injected + self.converted_in
    }

    pub(super) fn part(&self, kind: Kind) -> Option<&Part> {
        self.parts.iter().find(|part| part.kind == kind)
    }

    fn units(&self, kind: Kind) -> U256 {
        self.part(kind).map_or(U256::ZERO, |part| part.units)
    }

    /// The part that moves on, if empty where it would be.
    pub(super) fn moved_on(&self) -> (U256, U256) {
        let before: U256 = self
            .parts
            .iter()
            .filter(|part| part.kind < Kind::MovedOn)
            .fold(self.top, |sum, part| sum + part.units);
        (before, before + self.units(Kind::MovedOn))
    }
}

/// All bars, and what they add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) bars: Vec<Column>,
    /// The bar at the right: every kind but what moved on.
    pub(super) now: Vec<Part>,
    /// Fees and burned apart.
    pub(super) lost: [U256; 2],
    /// Newly labelled.
    pub(super) injected: U256,
    /// Came in by conversions.
    pub(super) converted_in: U256,
    /// What the whole height of the picture stands for.
    pub(super) extent: U256,
    /// In the order of hops.
    pub(super) imbalances: Vec<Imbalance>,
}

impl Columns {
    pub(super) fn new(waterfall: &Waterfall) -> Columns {
        // Of an asset that the value was converted into, the first hops are empty.
        let empty = |column: &&HopColumn| **column == HopColumn::default();
        let first = waterfall.columns.iter().take_while(empty).count();
        let columns = &waterfall.columns[first..];
        let tail = if columns.len() > SINGLE + 1 { SINGLE } else { columns.len() };
        let (single, folded) = columns.split_at(tail);
        let mut bars: Vec<Column> =
            single.iter().enumerate().map(|(at, column)| bar(first + at, column)).collect();
        if !folded.is_empty() {
            bars.push(fold(first + tail, folded));
        }
        let mut top = U256::ZERO;
        for bar in &mut bars {
            bar.top = top;
            place(top, &mut bar.parts);
            top = bar.moved_on().0;
        }
        let mut all = Columns {
            injected: sum(bars.iter().map(|bar| bar.injected)),
            converted_in: sum(bars.iter().map(|bar| bar.converted_in)),
            lost: [0, 1].map(|at| sum(bars.iter().map(|bar| bar.lost[at]))),
            imbalances: imbalances(&waterfall.columns),
            bars,
            ..Columns::default()
        };
        all.now = all.sums();
        let ends = all.bars.iter().flat_map(|bar| {
            let last = bar.parts.iter().map(Part::end).max().unwrap_or_default();
            [bar.top + bar.arrived(), last]
        });
        let lowest = ends.chain(all.now.iter().map(Part::end)).max().unwrap_or_default();
        all.extent = lowest.max(all.arrived());
        all
    }

    /// What the picture must account for: newly labelled and converted in.
    pub(super) fn arrived(&self) -> U256 {
        self.injected + self.converted_in
    }

    /// What it does account for.
    pub(super) fn accounted(&self) -> U256 {
        sum(self.now.iter().filter(|part| part.kind < Kind::Missing).map(|part| part.units))
    }

    fn sums(&self) -> Vec<Part> {
        let kinds = Kind::SOUND.into_iter().filter(|kind| *kind != Kind::MovedOn);
        let mut parts: Vec<Part> = kinds
            .map(|kind| part(kind, sum(self.bars.iter().map(|bar| bar.units(kind)))))
            .collect();
        close(&mut parts, self.arrived());
        place(U256::ZERO, &mut parts);
        parts
    }
}

/// ⌊at · height / extent⌋: a place on the common scale in tenths of a pixel. Heights are
/// differences of two of these, so that parts tile exactly.
pub(super) fn project(at: U256, height: i64, extent: U256) -> i64 {
    if extent.is_zero() {
        return 0;
    }
    let height = U256::from(height.unsigned_abs());
    i64::try_from(at * height / extent).unwrap_or(i64::MAX)
}

fn bar(hop: usize, column: &HopColumn) -> Column {
    let mut bar = flows(hop, column);
    let arrived = bar.arrived();
    close(&mut bar.parts, arrived);
    bar
}

/// The bar of one hop, unchecked.
fn flows(hop: usize, column: &HopColumn) -> Column {
    let ends = |kind: Kind| {
        sum(column
            .exits
            .iter()
            .filter(|(end, _)| Kind::of(**end) == kind)
            .map(|(_, units)| U256::from(*units)))
    };
    let parts = Kind::SOUND.into_iter().map(|kind| {
        let beside = match kind {
            Kind::ConvertedOut => column.converted_out,
            Kind::MovedOn => column.moved_on,
            Kind::Stays => column.stays,
            _ => 0,
        };
        part(kind, ends(kind) + U256::from(beside))
    });
    let lost = [taint::Where::Fee, taint::Where::Burned]
        .map(|end| U256::from(column.exits.get(&end).copied().unwrap_or(0)));
    Column {
        hop,
        wallets: U256::from(column.wallets),
        injected: U256::from(column.injected),
        moved_in: U256::from(column.moved_in),
        converted_in: U256::from(column.converted_in),
        parts: parts.collect(),
        lost,
        ..Column::default()
    }
}

/// One bar for all later hops: what passes between them is inside it and not shown.
fn fold(first: usize, columns: &[HopColumn]) -> Column {
    let bars: Vec<Column> =
        columns.iter().enumerate().map(|(at, column)| flows(first + at, column)).collect();
    let of = |pick: fn(&Column) -> U256| sum(bars.iter().map(pick));
    let mut whole = Column {
        hop: first,
        folded: true,
        wallets: of(|bar| bar.wallets),
        injected: of(|bar| bar.injected),
        converted_in: of(|bar| bar.converted_in),
        moved_in: bars.first().map_or(U256::ZERO, |bar| bar.moved_in),
        lost: [0, 1].map(|at| sum(bars.iter().map(|bar| bar.lost[at]))),
        ..Column::default()
    };
    let ends = Kind::SOUND.into_iter().filter(|kind| *kind != Kind::MovedOn);
    whole.parts =
        ends.map(|kind| part(kind, sum(bars.iter().map(|bar| bar.units(kind))))).collect();
    let arrived = whole.arrived();
    close(&mut whole.parts, arrived);
    whole
}

/// Drops empty parts, and adds what is missing or too much.
fn close(parts: &mut Vec<Part>, arrived: U256) {
    parts.retain(|part| !part.units.is_zero());
    let accounted = sum(parts.iter().map(|part| part.units));
    if accounted < arrived {
        parts.push(part(Kind::Missing, arrived - accounted));
    } else if accounted > arrived {
        parts.push(part(Kind::Excess, accounted - arrived));
    }
}

/// Stacks the parts; an excess lies over the end of the others.
fn place(top: U256, parts: &mut [Part]) {
    let mut at = top;
    for part in parts {
        part.start = if part.kind == Kind::Excess { at - part.units } else { at };
        at = part.end();
    }
}

fn imbalances(columns: &[HopColumn]) -> Vec<Imbalance> {
    let mut found = Vec::new();
    let mut check = |hop: usize, arrived: U256, accounted: U256| {
        if arrived != accounted {
            let missing = arrived > accounted;
            let difference = if missing { arrived - accounted } else { accounted - arrived };
            found.push(Imbalance { hop, difference, missing });
        }
    };
    let mut sent_on = U256::ZERO;
    for (hop, column) in columns.iter().enumerate() {
        let bar = flows(hop, column);
        check(hop, sent_on, bar.moved_in);
        check(hop, bar.arrived(), sum(bar.parts.iter().map(|part| part.units)));
        sent_on = U256::from(column.moved_on);
    }
    check(columns.len(), sent_on, U256::ZERO);
    found
}

fn part(kind: Kind, units: U256) -> Part {
    Part { kind, units, start: U256::ZERO }
}

fn sum(units: impl Iterator<Item = U256>) -> U256 {
    units.fold(U256::ZERO, |sum, units| sum + units)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(moved_in: u128, moved_on: u128, stays: u128) -> HopColumn {
        HopColumn { moved_in, moved_on, stays, ..HopColumn::default() }
    }

    fn seen(columns: Vec<HopColumn>) -> Vec<(usize, u64, bool)> {
        let all = Columns::new(&Waterfall { asset: 0, columns });
        all.imbalances
            .iter()
            .map(|found| (found.hop, found.difference.to::<u64>(), found.missing))
            .collect()
    }

    #[test]
    fn each_hop_and_each_link_is_checked() {
        let first = |moved_on| HopColumn { injected: 100, ..column(0, moved_on, 100 - moved_on) };
        assert_eq!(seen(vec![first(60), column(60, 0, 60)]), []);
        assert_eq!(seen(vec![first(60), column(60, 0, 59)]), [(1, 1, true)]);
        assert_eq!(seen(vec![first(60), column(60, 0, 62)]), [(1, 2, false)]);
        assert_eq!(seen(vec![first(60), column(50, 0, 50)]), [(1, 10, true)]);
        assert_eq!(seen(vec![first(60), column(70, 0, 70)]), [(1, 10, false)]);
        assert_eq!(seen(vec![first(60)]), [(1, 60, true)]);
        assert_eq!(seen(vec![column(5, 0, 5)]), [(0, 5, false)]);
        let both = vec![first(60), column(60, 0, 50), column(10, 0, 10)];
        assert_eq!(seen(both), [(1, 10, true), (2, 10, false)]);
    }

    #[test]
    fn long_tails_are_folded() {
        let of = |hops: u128| {
            let mut columns: Vec<HopColumn> = (0..hops)
                .map(|hop| column(1000 - hop, if hop + 1 < hops { 999 - hop } else { 0 }, 1))
                .collect();
            columns[0].injected = std::mem::take(&mut columns[0].moved_in);
            if let Some(last) = columns.last_mut() {
                last.stays = 1001 - hops;
            }
            Columns::new(&Waterfall { asset: 0, columns })
        };
        for (hops, bars) in [(1, 1), (12, 12), (13, 13), (14, 13), (40, 13)] {
            let all = of(hops);
            assert_eq!(all.bars.len(), bars);
            assert_eq!(all.bars[bars - 1].folded, hops > 13);
            assert_eq!(all.imbalances, []);
            assert_eq!(all.accounted(), U256::from(1000u16));
            assert_eq!(all.extent, U256::from(1000u16));
        }
        let mut columns = vec![HopColumn::default(); 5];
        columns.push(HopColumn { converted_in: 9, stays: 9, ..HopColumn::default() });
        let late = Columns::new(&Waterfall { asset: 0, columns });
        assert_eq!((late.bars.len(), late.bars[0].hop), (1, 5));
        let last = &of(40).bars[12];
        assert_eq!(last.moved_in, U256::from(988u16));
        assert_eq!(last.parts.len(), 1);
        assert_eq!(last.parts[0].units, U256::from(988u16));
    }

    #[test]
    fn sums_beyond_128_bits_are_kept() {
        let most = u128::MAX;
        let column = HopColumn {
            injected: most,
            converted_in: most,
            converted_out: most,
            stays: most,
            ..HopColumn::default()
        };
        let all = Columns::new(&Waterfall { asset: 0, columns: vec![column] });
        assert_eq!(all.imbalances, []);
        assert_eq!(all.arrived(), U256::from(most) + U256::from(most));
        assert_eq!(project(all.extent, 4000, all.extent), 4000);
        assert_eq!(project(U256::from(most), 4000, all.extent), 2000);
    }
}
