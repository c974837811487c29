//! Reported flows: which wallets incidents share by what people reported, and by which chain of
//! reports.
//!
//! This is the evidence of the press and of investigators' posts, not of the chains: nothing here
//! was seen in a block, no amount is exact, and a result must say so. Reach goes from a name
//! ("CoinsPaid hot wallet") over flows between addresses. It does not go *through* a name, because
//! one name may stand for many wallets; nor through a labelled stop, because everybody's money
//! meets there; nor back in time where both reports carry a date.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use ledger::{Address, Chain, Time};

use crate::case_file::{CaseFile, End, Flow};
use crate::stop::{Stop, Stops};

/// A flow and where it is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedFlow<'a> {
    /// Id of the case file.
    pub case: &'a str,
    /// Its place among the case's flows, from 1.
    pub number: usize,
    pub flow: &'a Flow,
}

/// How money of one name reportedly came to a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach<'a> {
    /// The name as the first flow writes it.
    pub name: &'a str,
    /// The shortest chain of reports: the first flow begins at the name, the last ends at the
    /// wallet.
    pub flows: Vec<ReportedFlow<'a>>,
}

/// A wallet that money of two or more names reportedly reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedWallet<'a> {
    pub chain: Chain,
    pub address: Address,
    /// By name; one for each.
    pub reached: Vec<Reach<'a>>,
    /// A labelled service, mixer, bridge or swap is no evidence of a link.
    pub stop: Option<Stop>,
}

/// Reports that lead almost everywhere from almost everything show nothing, and listing every way
/// would take more memory than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reported flows make more than {MAX_STEPS} steps; take fewer cases at once")]
pub struct TooManyReports;

/// Steps of all ways together that are followed and kept.
pub const MAX_STEPS: usize = 2_000_000;

type Wallet = (Chain, Address);

/// The wallets that two or more names of these cases share: those reached from most names first,
/// then by chain and address. A case that is given twice counts once.
pub fn shared_wallets<'a>(
    cases: &[&'a CaseFile],
    stops: &Stops,
) -> Result<Vec<SharedWallet<'a>>, TooManyReports> {
    let flows = flows_of(cases);
    let mut by_start: BTreeMap<Wallet, Vec<usize>> = BTreeMap::new();
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, stated) in flows.iter().enumerate() {
        match (&stated.flow.from, stated.flow.from.wallet()) {
            (End::Name(_), _) => by_name.entry(stated.flow.from.key()).or_default().push(at),
            (_, Some(wallet)) => by_start.entry(wallet).or_default().push(at),
            _ => {}
        }
    }
    let mut reached: BTreeMap<Wallet, Vec<Reach<'a>>> = BTreeMap::new();
    let mut budget = MAX_STEPS;
    for first in by_name.values() {
        let ways = reach(&flows, &by_start, first, stops, &mut budget).ok_or(TooManyReports)?;
        for (wallet, chain) in ways {
            let chain: Vec<ReportedFlow<'a>> = chain.iter().map(|at| flows[*at]).collect();
            let Some(End::Name(name)) = chain.first().map(|stated| &stated.flow.from) else {
                continue;
            };
            reached.entry(wallet).or_default().push(Reach { name, flows: chain });
        }
    }
    let mut shared: Vec<SharedWallet<'a>> = reached
        .into_iter()
        .filter(|(_, reached)| reached.len() > 1)
        .map(|((chain, address), reached)| {
            let stop = stops.stop_of(chain, &address).cloned();
            SharedWallet { chain, address, reached, stop }
        })
        .collect();
    shared.sort_by_key(|wallet| std::cmp::Reverse(wallet.reached.len()));
    Ok(shared)
}

/// Every flow of the cases, by case id and number.
pub fn flows_of<'a>(cases: &[&'a CaseFile]) -> Vec<ReportedFlow<'a>> {
    let mut cases: Vec<&CaseFile> = cases.to_vec();
    cases.sort_by_cached_key(|case| (case.id.as_str(), case.to_toml()));
    cases.dedup();
    let numbered = |case: &'a CaseFile| {
        let stated = case.flows.iter().enumerate();
        stated.map(|(at, flow)| ReportedFlow { case: &case.id, number: at + 1, flow })
    };
    cases.into_iter().flat_map(numbered).collect()
}

/// One way to a wallet: by which flow, after which step, and from when on the money can be there.
struct Step {
    flow: usize,
    before: Option<usize>,
    not_before: Option<Time>,
}

/// The shortest chain of flows to every wallet, breadth first. A wallet is visited again only by a
/// way that gets there earlier, because it may open flows that the shorter way was too late for.
fn reach(
    flows: &[ReportedFlow<'_>],
    by_start: &BTreeMap<Wallet, Vec<usize>>,
    first: &[usize],
    stops: &Stops,
    budget: &mut usize,
) -> Option<BTreeMap<Wallet, Vec<usize>>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut earliest: BTreeMap<Wallet, Option<Time>> = BTreeMap::new();
    let mut chains: BTreeMap<Wallet, Vec<usize>> = BTreeMap::new();
    let mut queue: VecDeque<(Option<usize>, usize)> = first.iter().map(|f| (None, *f)).collect();
    while let Some((before, flow)) = queue.pop_front() {
        *budget = budget.checked_sub(1)?;
        let stated = flows[flow].flow;
        let Some(wallet) = stated.to.wallet() else { continue };
        let earlier = before.and_then(|step| steps[step].not_before);
        let date = stated.date.as_ref();
        if let (Some(date), Some(earlier)) = (date, earlier)
            && date.last() < earlier
        {
            continue;
        }
        let not_before = earlier.max(date.map(|date| date.first()));
        if earliest.get(&wallet).is_some_and(|known| *known <= not_before) {
            continue;
        }
        earliest.insert(wallet, not_before);
        steps.push(Step { flow, before, not_before });
        let step = steps.len() - 1;
        if let Entry::Vacant(first) = chains.entry(wallet) {
            let way = first.insert(way_to(&steps, step));
            *budget = budget.checked_sub(way.len())?;
        }
        if stops.stop_of(wallet.0, &wallet.1).is_none() {
            let next = by_start.get(&wallet).into_iter().flatten();
            queue.extend(next.map(|flow| (Some(step), *flow)));
        }
    }
    Some(chains)
}

fn way_to(steps: &[Step], last: usize) -> Vec<usize> {
    let mut way = Vec::new();
    let mut at = Some(last);
    while let Some(step) = at {
        way.push(steps[step].flow);
        at = steps[step].before;
    }
    way.reverse();
    way
}

/// A sentence for people; it says that nothing of it was seen on a chain.
impl fmt::Display for SharedWallet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (chain, address) = (self.chain, self.address);
        write!(f, "reported, not seen on chain: {chain} wallet {address} was reached ")?;
        for (at, reach) in self.reached.iter().enumerate() {
            let between = if at == 0 { "" } else { "; " };
            write!(f, "{between}from {:?}", reach.name)?;
            let inner = reach.flows.len().saturating_sub(1);
            if inner == 0 {
                write!(f, " directly")?;
            }
            for (at, stated) in reach.flows.iter().take(inner).enumerate() {
                let word = if at == 0 { " via" } else { "," };
                write!(f, "{word} {}", stated.flow.to)?;
            }
        }
        match &self.stop {
            None => Ok(()),
            Some(stop) => {
                write!(f, " (no evidence of a link: labelled {:?}, {})", stop.name, stop.category)
            }
        }
    }
}
