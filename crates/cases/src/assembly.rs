//! Assembles a result: the engine's numbers, in the words of [`crate::result`].

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Address, Amount, Asset, Chain, Place};
use taint::{
    AssetId, Flow, Label, NO_POT, PlaceKind, PotId, Range, RangedHolding, RowId, Sums, Where,
};

use crate::case_file::CaseFile;
use crate::records::{Records, Unreadable};
use crate::result::{
    AssetLeftOut, Conservation, Gap, Holding, LabelNamed, OverlapFound, PathFound, PathHop,
    PathPosition, Seed, StopMet, Sum, Total, Touched, UnknownValue,
};
use crate::seed::Found;

/// How an asset is written: its symbol, if it is one of the known contracts, and its decimals, if known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
}

/// What names the numbers.
pub struct Naming<'a, R> {
    pub records: &'a R,
    /// How assets are written.
    pub written: &'a dyn Fn(Chain, &Asset) -> Written,
    /// The label to show for an address: of a stop, the one that stops.
    pub label: &'a dyn Fn(Chain, &Address) -> Option<LabelNamed>,
}

/// The parts of a result that come from the engine.
pub struct Assembled {
    pub seeds: Vec<Seed>,
    pub stolen: Vec<Sum>,
    pub holdings: Vec<Holding>,
    pub totals: Vec<Total>,
    pub conservation: Option<Vec<Conservation>>,
    pub stops: Vec<StopMet>,
    pub unknown: Vec<UnknownValue>,
    pub set_aside_assets: Vec<AssetLeftOut>,
    pub touched: Touched,
    /// What follows from the data itself; the imports' and the case's gaps come beside.
    pub gaps: Vec<Gap>,
}

/// A place and an asset in words.
struct PotNamed {
    chain: Chain,
    place: Option<String>,
    owner: Option<Address>,
    asset: Asset,
}

impl<R: Records> Naming<'_, R> {
    /// Names everything that a run up to row `until` found for one incident.
    pub fn assemble(
        &self,
        case: &CaseFile,
        found: &Found,
        range: &Range,
        label: Label,
        until: RowId,
    ) -> Result<Assembled, Unreadable> {
        let holdings = range.holdings(label);
        let flows = range.chosen.flows();
        let conserves = range.chosen.rule.conserves();
        let sums: BTreeMap<AssetId, Sums> = range.chosen.sums(label).collect();
        Ok(Assembled {
            seeds: self.seeds(case, found, &range.excluded)?,
            stolen: self.stolen(&sums),
            totals: self.totals(&holdings),
            conservation: conserves.then(|| self.conservation(&sums, &holdings)),
            stops: self.stops(&holdings),
            unknown: self.unknown(range, label),
            set_aside_assets: self.left_out(&range.excluded),
            touched: touched(self.records, flows, &holdings),
            gaps: self.coverage(found, &holdings, until),
            holdings: self.holdings(holdings, flows)?,
        })
    }

    fn pot(&self, pot: PotId) -> PotNamed {
        let numbers = self.records.pot(pot);
        let named = self.records.place(numbers.place);
        let (chain, asset) = self.records.asset(numbers.asset);
        let text = named.place.text(chain);
        let place = (!text.is_empty()).then_some(text);
        PotNamed { chain, place, owner: named.owner, asset }
    }

    fn amount(&self, chain: Chain, asset: &Asset, raw: u128) -> Option<String> {
        let decimals = (self.written)(chain, asset).decimals?;
        Some(Amount::new(raw).to_decimal(decimals))
    }

    fn symbol(&self, chain: Chain, asset: &Asset) -> Option<String> {
        (self.written)(chain, asset).symbol
    }

    fn seeds(
        &self,
        case: &CaseFile,
        found: &Found,
        excluded: &[AssetId],
    ) -> Result<Vec<Seed>, Unreadable> {
        let mut seeds = Vec::new();
        for theft in &found.asserted {
            let place = self.records.find_place(theft.chain, &theft.place);
            let pots = place.map(|place| self.records.pots_of(place)).unwrap_or_default();
            let named = (theft.chain, theft.asset);
            let assets = pots.into_iter().map(|pot| self.records.pot(pot).asset);
            if assets.into_iter().any(|a| self.records.asset(a) == named && excluded.contains(&a)) {
                continue;
            }
            seeds.push(Seed {
                theft: theft.theft + 1,
                chain: theft.chain.to_string(),
                height: None,
                tx_index: None,
                index: None,
                time: theft.time.to_string(),
                tx: case.thefts[theft.theft].tx.map(|tx| tx.text(theft.chain)),
                from: case.thefts[theft.theft].from.map(|from| from.to_string()),
                to: theft.place.text(theft.chain),
                asset: theft.asset.text(theft.chain),
                raw: theft.amount.to_string(),
                amount: self.amount(theft.chain, &theft.asset, theft.amount.base_units()),
                asserted: true,
                source: source_of(case, theft.theft),
            });
        }
        for (row, theft) in &found.rows {
            let transfer = self.records.transfer(*row)?;
            let (chain, asset) = (transfer.chain, transfer.asset);
            let numbers = self.records.row(*row);
            let sent = if numbers.from == NO_POT { numbers.to } else { numbers.from };
            if excluded.contains(&self.records.pot(sent).asset) {
                continue;
            }
            let from = transfer.from.text(chain);
            seeds.push(Seed {
                theft: theft + 1,
                chain: chain.to_string(),
                height: transfer.position.height,
                tx_index: transfer.position.tx_index,
                index: transfer.position.index,
                time: transfer.time.to_string(),
                tx: transfer.tx.map(|tx| tx.text(chain)),
                from: (!from.is_empty()).then_some(from),
                to: transfer.to.text(chain),
                asset: asset.text(chain),
                raw: transfer.amount.to_string(),
                amount: self.amount(chain, &asset, transfer.amount.base_units()),
                asserted: false,
                source: None,
            });
        }
        Ok(seeds)
    }

    fn stolen(&self, sums: &BTreeMap<AssetId, Sums>) -> Vec<Sum> {
        let stolen = sums.iter().filter(|(_, sums)| sums.stolen > 0);
        let mut named: Vec<Sum> = stolen
            .map(|(asset, sums)| {
                let (chain, asset) = self.records.asset(*asset);
                Sum {
                    chain: chain.to_string(),
                    asset: asset.text(chain),
                    symbol: self.symbol(chain, &asset),
                    raw: sums.stolen.to_string(),
                    amount: self.amount(chain, &asset, sums.stolen),
                }
            })
            .collect();
        named.sort_by(|a, b| (&a.chain, &a.asset).cmp(&(&b.chain, &b.asset)));
        named
    }

    fn holdings(
        &self,
        mut holdings: Vec<RangedHolding>,
        flows: &[Flow],
    ) -> Result<Vec<Holding>, Unreadable> {
        let mut brought = self.transactions(flows)?;
        let mut named: Vec<(RangedHolding, Holding)> = holdings
            .drain(..)
            .map(|holding| (holding, self.holding(&holding, &mut brought)))
            .collect();
        named.sort_by(|(a, x), (b, y)| {
            let amounts = (b.raw(), b.high).cmp(&(a.raw(), a.high));
            let assets = (&x.chain, &x.asset).cmp(&(&y.chain, &y.asset));
            assets.then(amounts).then_with(|| (&x.place, &x.end).cmp(&(&y.place, &y.end)))
        });
        Ok(named.into_iter().map(|(_, holding)| holding).collect())
    }

    fn holding(
        &self,
        holding: &RangedHolding,
        brought: &mut BTreeMap<(PotId, Where), Vec<String>>,
    ) -> Holding {
        let PotNamed { chain, place, owner, asset } = self.pot(holding.pot);
        let chosen = holding.chosen;
        let label = owner.and_then(|owner| (self.label)(chain, &owner));
        Holding {
            chain: chain.to_string(),
            place,
            address: owner.map(|owner| owner.to_string()),
            asset: asset.text(chain),
            symbol: self.symbol(chain, &asset),
            end: holding.end.name().to_string(),
            label: label.as_ref().map(|label| label.name.clone()),
            label_source: label,
            raw: holding.raw().to_string(),
            amount: self.amount(chain, &asset, holding.raw()),
            decimals: (self.written)(chain, &asset).decimals,
            low_raw: holding.low.to_string(),
            high_raw: holding.high.to_string(),
            hops: chosen.map(|chosen| chosen.hops),
            first_time: chosen.map(|chosen| chosen.first_time.to_string()),
            last_time: chosen.map(|chosen| chosen.last_time.to_string()),
            transactions: brought.remove(&(holding.pot, holding.end)).unwrap_or_default(),
        }
    }

    /// The transactions that brought value to stops: what a request to freeze must name.
    fn transactions(
        &self,
        flows: &[Flow],
    ) -> Result<BTreeMap<(PotId, Where), Vec<String>>, Unreadable> {
        let mut brought: BTreeMap<(PotId, Where), Vec<String>> = BTreeMap::new();
        let asked = |end| !matches!(end, Where::Unspent | Where::Fee | Where::Burned);
        for flow in flows.iter().filter(|flow| asked(flow.end) && !flow.asserted) {
            let transfer = self.records.transfer(flow.row)?;
            let Some(tx) = transfer.tx.map(|tx| tx.text(transfer.chain)) else { continue };
            let known = brought.entry((flow.to, flow.end)).or_default();
            if known.last() != Some(&tx) {
                known.push(tx);
            }
        }
        Ok(brought)
    }

    fn totals(&self, holdings: &[RangedHolding]) -> Vec<Total> {
        let mut sums: BTreeMap<(AssetId, Where), (u128, u64)> = BTreeMap::new();
        for holding in holdings.iter().filter(|holding| holding.raw() > 0) {
            let asset = self.records.pot(holding.pot).asset;
            let (sum, places) = sums.entry((asset, holding.end)).or_default();
            // The engine leaves an asset out whose sums do not fit.
            *sum = sum.saturating_add(holding.raw());
            *places += 1;
        }
        let mut named: Vec<(Where, Total)> = sums
            .into_iter()
            .map(|((asset, end), (sum, places))| {
                let (chain, asset) = self.records.asset(asset);
                let total = Total {
                    chain: chain.to_string(),
                    asset: asset.text(chain),
                    symbol: self.symbol(chain, &asset),
                    end: end.name().to_string(),
                    raw: sum.to_string(),
                    amount: self.amount(chain, &asset, sum),
                    decimals: (self.written)(chain, &asset).decimals,
                    places,
                };
                (end, total)
            })
            .collect();
        named.sort_by(|(a, x), (b, y)| (&x.chain, &x.asset, a).cmp(&(&y.chain, &y.asset, b)));
        named.into_iter().map(|(_, total)| total).collect()
    }

    fn conservation(
        &self,
        sums: &BTreeMap<AssetId, Sums>,
        holdings: &[RangedHolding],
    ) -> Vec<Conservation> {
        let mut held: BTreeMap<AssetId, u128> = BTreeMap::new();
        for holding in holdings {
            let sum = held.entry(self.records.pot(holding.pot).asset).or_default();
            *sum = sum.saturating_add(holding.raw());
        }
        // An asset that only a rounded-off rule reached holds nothing and took nothing in.
        held.retain(|asset, sum| *sum > 0 || sums.contains_key(asset));
        let assets: BTreeSet<AssetId> = sums.keys().chain(held.keys()).copied().collect();
        let line = |id: AssetId| {
            let sums = sums.get(&id).copied().unwrap_or_default();
            let taken_in = sums.injected.saturating_add(sums.converted_in);
            let held = held.get(&id).copied().unwrap_or(0);
            let out = held.saturating_add(sums.converted_out);
            let (chain, asset) = self.records.asset(id);
            Conservation {
                chain: chain.to_string(),
                asset: asset.text(chain),
                in_raw: taken_in.to_string(),
                out_raw: out.to_string(),
                ok: taken_in == out,
                converted_in_raw: sums.converted_in.to_string(),
                converted_out_raw: sums.converted_out.to_string(),
            }
        };
        let mut lines: Vec<Conservation> = assets.into_iter().map(line).collect();
        lines.sort_by(|a, b| (&a.chain, &a.asset).cmp(&(&b.chain, &b.asset)));
        lines
    }

    fn stops(&self, holdings: &[RangedHolding]) -> Vec<StopMet> {
        let ends = |holding: &&RangedHolding| {
            let place = !matches!(holding.end, Where::Unspent | Where::Fee | Where::Burned);
            place && holding.raw() > 0
        };
        let stops: BTreeSet<(String, String, Where)> = holdings
            .iter()
            .filter(ends)
            .map(|holding| {
                let named = self.pot(holding.pot);
                (named.chain.to_string(), named.place.unwrap_or_default(), holding.end)
            })
            .collect();
        let named = |(chain, place, end): (String, String, Where)| StopMet {
            chain,
            place,
            end: end.name().to_string(),
        };
        stops.into_iter().map(named).collect()
    }

    fn unknown(&self, range: &Range, label: Label) -> Vec<UnknownValue> {
        let mut named: Vec<UnknownValue> = range
            .chosen
            .unknown(label)
            .map(|unknown| {
                let PotNamed { chain, place, owner, asset } = self.pot(unknown.pot);
                UnknownValue {
                    chain: chain.to_string(),
                    address: owner.map(|owner| owner.to_string()),
                    place: place.unwrap_or_default(),
                    asset: asset.text(chain),
                    symbol: self.symbol(chain, &asset),
                    raw: unknown.raw.to_string(),
                    amount: self.amount(chain, &asset, unknown.raw),
                }
            })
            .collect();
        named.sort_by(|a, b| (&a.chain, &a.place, &a.asset).cmp(&(&b.chain, &b.place, &b.asset)));
        named
    }

    fn left_out(&self, excluded: &[AssetId]) -> Vec<AssetLeftOut> {
        let mut named: Vec<AssetLeftOut> = excluded
            .iter()
            .map(|asset| {
                let (chain, asset) = self.records.asset(*asset);
                AssetLeftOut {
                    chain: chain.to_string(),
                    asset: asset.text(chain),
                    reason: "a balance or a sum does not fit in 128 bits".to_string(),
                }
            })
            .collect();
        named.sort_by(|a, b| (&a.chain, &a.asset).cmp(&(&b.chain, &b.asset)));
        named
    }

    /// Names overlaps; `incidents` are the ids of the cases by label.
    pub fn overlaps(&self, found: &[taint::Overlap], incidents: &[String]) -> Vec<OverlapFound> {
        let id = |label: Label| incidents.get(usize::from(label.0)).cloned().unwrap_or_default();
        let mut named: Vec<OverlapFound> = found
            .iter()
            .map(|overlap| {
                let PotNamed { chain, place, asset, .. } = self.pot(overlap.pot);
                OverlapFound {
                    incidents: vec![id(overlap.incidents.0), id(overlap.incidents.1)],
                    chain: chain.to_string(),
                    place,
                    asset: asset.text(chain),
                    end: overlap.end.name().to_string(),
                    low_raw: overlap.low.to_string(),
                    high_raw: overlap.high.to_string(),
                }
            })
            .collect();
        named.sort_by(|a, b| {
            (&a.incidents, &a.chain, &a.place, &a.asset).cmp(&(
                &b.incidents,
                &b.chain,
                &b.place,
                &b.asset,
            ))
        });
        named
    }

    /// Names the hops of evidence paths.
    pub fn paths(
        &self,
        paths: &[taint::Path],
        flows: &[Flow],
        case: &CaseFile,
        found: &Found,
    ) -> Result<Vec<PathFound>, Unreadable> {
        let mut named = Vec::new();
        for path in paths {
            let steps = path.flows.iter().map(|at| &flows[*at]);
            let hops =
                steps.map(|flow| self.path_hop(flow, case, found)).collect::<Result<_, _>>()?;
            let kinds = path.kinds.iter().map(|kind| kind.name().to_string()).collect();
            named.push(PathFound { kinds, hops });
        }
        Ok(named)
    }

    /// Names every movement, in order: the file that `--hops` writes.
    pub fn hops(
        &self,
        flows: &[Flow],
        case: &CaseFile,
        found: &Found,
    ) -> Result<Vec<PathHop>, Unreadable> {
        let named = flows.iter().filter(|flow| flow.to != NO_POT);
        named.map(|flow| self.path_hop(flow, case, found)).collect()
    }

    fn path_hop(&self, flow: &Flow, case: &CaseFile, found: &Found) -> Result<PathHop, Unreadable> {
        let to = self.pot(flow.to);
        if flow.asserted {
            let same = |theft: &&crate::seed::AssertedTheft| {
                theft.before == flow.row && theft.amount.base_units() == flow.injected
            };
            let theft = found.asserted.iter().find(same);
            let stated = theft.map(|theft| &case.thefts[theft.theft]);
            let raw = flow.injected.to_string();
            return Ok(PathHop {
                chain: to.chain.to_string(),
                tx: stated.and_then(|theft| theft.tx).map(|tx| tx.text(to.chain)),
                position: PathPosition { height: None, tx_index: None, index: None },
                time: theft.map(|theft| theft.time.to_string()).unwrap_or_default(),
                from: stated.and_then(|theft| theft.from).map(|from| from.to_string()),
                to: to.place,
                asset: to.asset.text(to.chain),
                symbol: self.symbol(to.chain, &to.asset),
                amount: self.amount(to.chain, &to.asset, flow.injected),
                taint_out_raw: raw.clone(),
                taint_in_raw: raw.clone(),
                raw,
                asset_to: None,
                asserted: true,
            });
        }
        let transfer = self.records.transfer(flow.row)?;
        let (chain, asset) = (transfer.chain, transfer.asset);
        let position = transfer.position;
        let text = |place: Place| Some(place.text(chain)).filter(|text| !text.is_empty());
        Ok(PathHop {
            chain: chain.to_string(),
            tx: transfer.tx.map(|tx| tx.text(chain)),
            position: PathPosition {
                height: position.height,
                tx_index: position.tx_index,
                index: position.index,
            },
            time: transfer.time.to_string(),
            from: text(transfer.from),
            to: to.place,
            asset: asset.text(chain),
            symbol: self.symbol(chain, &asset),
            raw: transfer.amount.to_string(),
            amount: self.amount(chain, &asset, transfer.amount.base_units()),
            taint_out_raw: (flow.left + flow.injected).to_string(),
            taint_in_raw: flow.arrived.to_string(),
            asset_to: transfer.conversion.map(|into| into.asset.text(chain)),
            asserted: false,
        })
    }
}

fn source_of(case: &CaseFile, theft: usize) -> Option<String> {
    case.thefts[theft].source.clone().or_else(|| case.sources.first().cloned())
}

fn touched<R: Records>(records: &R, flows: &[Flow], holdings: &[RangedHolding]) -> Touched {
    let mut rows: Vec<u64> =
        flows.iter().filter(|flow| !flow.asserted).map(|flow| flow.row).collect();
    rows.sort_unstable();
    rows.dedup();
    let real = |pot: &PotId| {
        *pot != NO_POT && !matches!(records.pot(*pot).kind, PlaceKind::Fee | PlaceKind::Burn)
    };
    let reached = flows.iter().filter(|flow| flow.arrived > 0).map(|flow| flow.to);
    let held = holdings.iter().filter(|h| h.chosen.is_some()).map(|holding| holding.pot);
    let places: BTreeSet<u32> =
        reached.chain(held).filter(real).map(|pot| records.pot(pot).place).collect();
    Touched { transfers: rows.len() as u64, places: places.len() as u64 }
}
