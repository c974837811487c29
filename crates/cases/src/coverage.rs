//! What a result must say of the data it was found in: places at which the data ends, and value that
//! reached the thief from elsewhere. Neither changes an amount; both keep a reader from taking
//! "unspent" for "still there", or what is not tainted for clean.

use std::collections::BTreeMap;

use ledger::Amount;
use taint::{AssetId, PlaceKind, PotId, RangedHolding, RowId, Where};

use crate::assembly::Naming;
use crate::records::Records;
use crate::result::{Gap, counted, grouped};
use crate::seed::Found;

/// Thieves' accounts that are named one by one.
const NAMED: usize = 10;

impl<R: Records> Naming<'_, R> {
    /// The gaps that follow from the data itself, up to row `until`.
    pub(crate) fn coverage(
        &self,
        found: &Found,
        holdings: &[RangedHolding],
        until: RowId,
    ) -> Vec<Gap> {
        let mut gaps = self.edges(holdings, until);
        gaps.extend(self.unfinished(holdings));
        gaps.extend(self.other_receipts(found, holdings, until));
        gaps
    }

    /// Places that hold value and never send any of its asset, as no unspent output does: the data may
    /// end there.
    fn edges(&self, holdings: &[RangedHolding], until: RowId) -> Vec<Gap> {
        let mut all: BTreeMap<AssetId, (u64, u64, u128)> = BTreeMap::new();
        for holding in holdings.iter().filter(|h| h.end == Where::Unspent && h.raw() > 0) {
            let pot = self.records.pot(holding.pot);
            let (places, silent, raw) = all.entry(pot.asset).or_default();
            *places += 1;
            let is_place = matches!(pot.kind, PlaceKind::Account | PlaceKind::Output);
            if is_place && !self.sends(holding.pot, until) {
                *silent += 1;
                *raw = raw.saturating_add(holding.raw());
            }
        }
        let silent = all.into_iter().filter(|(_, (_, silent, _))| *silent > 0);
        let gap = |(asset, (places, silent, raw)): (AssetId, (u64, u64, u128))| Gap {
            kind: "edge-of-data".to_string(),
            detail: format!(
                "of {}, {silent} never sent any of it in this data ({}): what happened there later may \
                 lie outside it",
                counted(places, "unspent place"),
                self.money(asset, raw)
            ),
        };
        silent.map(gap).collect()
    }

    /// Transactions that hold value at the end: a UTXO transaction is empty before and after, so an
    /// output or the fee is not in the data.
    fn unfinished(&self, holdings: &[RangedHolding]) -> Vec<Gap> {
        let mut all: BTreeMap<AssetId, (u64, u128)> = BTreeMap::new();
        for holding in holdings.iter().filter(|h| h.end == Where::Unspent && h.raw() > 0) {
            let pot = self.records.pot(holding.pot);
            if pot.kind == PlaceKind::Transaction {
                let (count, raw) = all.entry(pot.asset).or_default();
                *count += 1;
                *raw = raw.saturating_add(holding.raw());
            }
        }
        let gap = |(asset, (count, raw)): (AssetId, (u64, u128))| Gap {
            kind: "no-fee-row".to_string(),
            detail: format!(
                "{} {} more than {} out ({}): an output or the fee is not in the data, and nobody can \
                 spend what is left",
                counted(count, "transaction"),
                if count == 1 { "takes in" } else { "take in" },
                if count == 1 { "it gives" } else { "they give" },
                self.money(asset, raw)
            ),
        };
        all.into_iter().map(gap).collect()
    }

    fn sends(&self, pot: PotId, until: RowId) -> bool {
        let mut rows = self.records.history(pot, 0).rows.take_while(|row| *row < until);
        rows.any(|row| self.records.row(row).from == pot)
    }

    /// What reached the thieves' accounts besides what the case names and what was followed there.
    fn other_receipts(&self, found: &Found, holdings: &[RangedHolding], until: RowId) -> Vec<Gap> {
        let mut asserted: BTreeMap<PotId, u128> = BTreeMap::new();
        for theft in &found.asserted {
            let place = self.records.find_place(theft.chain, &theft.place);
            for pot in place.into_iter().flat_map(|place| self.records.pots_of(place)) {
                let asset = self.records.asset(self.records.pot(pot).asset);
                if asset == (theft.chain, theft.asset) {
                    let sum = asserted.entry(pot).or_default();
                    *sum = sum.saturating_add(theft.amount.base_units());
                }
            }
        }
        for (row, _) in &found.rows {
            asserted.entry(self.records.row(*row).to).or_default();
        }
        let mut others: Vec<(PotId, u128, u128)> = asserted
            .into_iter()
            .map(|(pot, asserted)| {
                let all = self.received_besides(pot, found, until);
                let tainted = tainted(holdings, pot).saturating_sub(asserted);
                let seeded = self.received(pot, until).saturating_sub(all);
                (pot, all, all.saturating_sub(tainted.saturating_sub(seeded)))
            })
            .filter(|(_, _, other)| *other > 0)
            .collect();
        others.sort_by_key(|(pot, _, other)| (std::cmp::Reverse(*other), *pot));
        let named = others.into_iter().take(NAMED);
        named.map(|(pot, all, other)| self.other_gap(pot, all, other)).collect()
    }

    fn other_gap(&self, pot: PotId, all: u128, other: u128) -> Gap {
        let numbers = self.records.pot(pot);
        let named = self.records.place(numbers.place);
        Gap {
            kind: "other-receipts".to_string(),
            detail: format!(
                "{} also received {} in transfers that are no theft of the case; {} of it is neither \
                 tainted nor called clean",
                named.place.text(named.chain),
                self.money(numbers.asset, all),
                self.money(numbers.asset, other)
            ),
        }
    }

    /// All that a pot received.
    fn received(&self, pot: PotId, until: RowId) -> u128 {
        let rows = self.records.history(pot, 0).rows.take_while(|row| *row < until);
        let received = rows.map(|row| self.records.row(row)).filter(|row| row.to == pot);
        received.fold(0, |sum, row| sum.saturating_add(row.amount_to))
    }

    /// What a pot received in transfers that are no seed.
    fn received_besides(&self, pot: PotId, found: &Found, until: RowId) -> u128 {
        let is_seed = |row: &RowId| found.rows.binary_search_by_key(row, |(row, _)| *row).is_ok();
        let rows = self.records.history(pot, 0).rows.take_while(|row| *row < until);
        let others = rows.filter(|row| !is_seed(row)).map(|row| self.records.row(row));
        others.filter(|row| row.to == pot).fold(0, |sum, row| sum.saturating_add(row.amount_to))
    }

    fn money(&self, asset: AssetId, raw: u128) -> String {
        let (chain, asset) = self.records.asset(asset);
        let written = (self.written)(chain, &asset);
        let unit = written.symbol.unwrap_or_else(|| asset.text(chain));
        match written.decimals {
            Some(decimals) => format!("{} {unit}", grouped(&Amount::new(raw).to_decimal(decimals))),
            None => format!("{} base units of {unit}", grouped(&raw.to_string())),
        }
    }
}

/// What arrived tainted at a pot under the chosen rule.
fn tainted(holdings: &[RangedHolding], pot: PotId) -> u128 {
    let here = holdings.iter().filter(|holding| holding.pot == pot);
    let chosen = here.filter_map(|holding| holding.chosen);
    chosen.fold(0, |sum, chosen| sum.saturating_add(chosen.received))
}
