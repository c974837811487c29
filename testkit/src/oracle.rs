//! The naive oracle: one incident, one rule, every transfer, text-book steps in the order in which
//! docs/method.md tells them. It keeps every pot as a list of single runs of units, uses 256 bits for
//! every product, and shares no code with the engine. What both say is probably so.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ledger::{Address, Asset, Chain, Place, Time, Transfer};
use ruint::aliases::U256;
use taint::{RuleName, Where};

/// A place, an asset and an end: what results are listed by.
pub type Key = (Chain, Place, Asset, Where);

/// What is asked. `seeds` are indexes of transfers; an asserted theft is (index before which it
/// enters, chain, place, asset, amount, time).
#[derive(Clone)]
pub struct Query {
    pub rule: RuleName,
    pub seeds: BTreeSet<usize>,
    pub asserted: Vec<(usize, Chain, Place, Asset, u128, Time)>,
    pub stops: HashMap<(Chain, Address), Where>,
    pub degree: usize,
    pub max_hops: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub raw: u128,
    pub hops: u32,
    pub first: u32,
    pub last: u32,
}

/// What the oracle found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Every place that tainted value reached, also where nothing is left.
    pub holdings: BTreeMap<Key, Entry>,
    pub unknown: BTreeMap<(Chain, Place, Asset), u128>,
    /// Per chain and asset: injected, converted in, converted out, stolen.
    pub sums: BTreeMap<(Chain, Asset), [u128; 4]>,
}

#[derive(Default)]
struct Pot {
    /// Runs of units, oldest first; true if tainted. For the rules by share: the counts alone.
    runs: Vec<(u128, bool)>,
    poisoned: bool,
}

impl Pot {
    fn balance(&self) -> u128 {
        self.runs.iter().map(|run| run.0).sum()
    }

    fn tainted(&self) -> u128 {
        self.runs.iter().filter(|run| run.1).map(|run| run.0).sum()
    }
}

struct Oracle<'a> {
    query: &'a Query,
    pots: HashMap<(Chain, Place, Asset), Pot>,
    hops: HashMap<(Chain, Place), u32>,
    partners: HashMap<(Chain, Address), HashSet<Address>>,
    busy: HashSet<(Chain, Address)>,
    held: HashSet<(Chain, Place, Asset)>,
    found: Finding,
}

/// Follows one incident through the transfers, in their order.
pub fn oracle(transfers: &[Transfer], query: &Query) -> Finding {
    let mut oracle = Oracle {
        query,
        pots: HashMap::new(),
        hops: HashMap::new(),
        partners: HashMap::new(),
        busy: HashSet::new(),
        held: HashSet::new(),
        found: Finding::default(),
    };
    for at in 0..=transfers.len() {
        for (before, chain, place, asset, amount, time) in &query.asserted {
            if *before == at {
                oracle.assert(*chain, *place, *asset, *amount, *time);
            }
        }
        if let Some(transfer) = transfers.get(at) {
            oracle.transfer(transfer, query.seeds.contains(&at));
        }
    }
    oracle.finish()
}

impl Oracle<'_> {
    fn assert(&mut self, chain: Chain, place: Place, asset: Asset, amount: u128, time: Time) {
        let sums = self.found.sums.entry((chain, asset)).or_default();
        sums[0] += amount;
        sums[3] += amount;
        let parcel = vec![(amount, true)];
        self.arrive(chain, place, place.account(), asset, parcel, 0, time);
    }

    fn transfer(&mut self, transfer: &Transfer, is_seed: bool) {
        let Transfer { chain, from, to, asset, time, .. } = *transfer;
        let amount = transfer.amount.base_units();
        let (asset_to, amount_to) = match transfer.conversion {
            Some(into) => (into.asset, into.amount.base_units()),
            None => (asset, amount),
        };
        let same_pot = from == to && asset == asset_to;
        if same_pot || (amount == 0 && amount_to == 0) {
            return;
        }
        let mut parcel = vec![(amount, false)];
        if from != Place::Mint && amount > 0 {
            parcel = self.leave((chain, from, asset), amount);
        }
        if is_seed && amount > 0 {
            let already: u128 = parcel.iter().filter(|run| run.1).map(|run| run.0).sum();
            let sums = self.found.sums.entry((chain, asset)).or_default();
            sums[0] += amount - already;
            sums[3] += amount;
            parcel = vec![(amount, true)];
        }
        if asset != asset_to || amount != amount_to {
            parcel = self.convert(chain, asset, asset_to, parcel, amount, amount_to);
        }
        let hops = match self.hops.get(&(chain, from)) {
            _ if is_seed => 0,
            None => 0,
            Some(hops) if matches!(to, Place::Transaction(_)) => *hops,
            Some(hops) => hops + 1,
        };
        let owner = transfer.to_owner.or(to.account());
        self.arrive(chain, to, owner, asset_to, parcel, hops, time);
        self.meet(transfer, amount > 0 || amount_to > 0);
    }

    /// Counts the two sides as each other's counterparties, after the transfer.
    fn meet(&mut self, transfer: &Transfer, moves: bool) {
        let (Some(from), Some(to)) = (transfer.from.account(), transfer.to.account()) else {
            return;
        };
        if from == to || !moves {
            return;
        }
        for (one, other) in [(from, to), (to, from)] {
            let key = (transfer.chain, one);
            let partners = self.partners.entry(key).or_default();
            partners.insert(other);
            if self.query.degree > 0 && partners.len() >= self.query.degree {
                self.busy.insert(key);
            }
        }
    }

    /// Takes `amount` units out of a pot, in the order in which the rule lets them leave.
    fn leave(&mut self, key: (Chain, Place, Asset), amount: u128) -> Vec<(u128, bool)> {
        let held = self.held.contains(&key);
        let pot = self.pots.entry(key).or_default();
        let balance = pot.balance();
        if amount > balance {
            let shortfall = amount - balance;
            pot.runs.push((shortfall, false));
            if held {
                *self.found.unknown.entry(key).or_default() += shortfall;
            }
        }
        let (balance, tainted) = (pot.balance(), pot.tainted());
        let leaving = match self.query.rule {
            RuleName::Fifo => return take_runs(&mut pot.runs, amount),
            RuleName::Lifo => {
                pot.runs.reverse();
                let taken = take_runs(&mut pot.runs, amount);
                pot.runs.reverse();
                return taken;
            }
            RuleName::Poison if pot.poisoned => amount,
            RuleName::Poison => 0,
            RuleName::Haircut => {
                let share = U256::from(tainted) * U256::from(amount) / U256::from(balance);
                u128::try_from(share).expect("a share is no more than the whole")
            }
            RuleName::CleanFirst => amount - amount.min(balance - tainted),
            RuleName::TaintedFirst => amount.min(tainted),
        };
        let stays = if self.query.rule == RuleName::Poison { 0 } else { tainted - leaving };
        pot.runs = vec![(balance - amount - stays.min(balance - amount), false), (stays, true)];
        vec![(leaving, true), (amount - leaving, false)]
    }

    fn convert(
        &mut self,
        chain: Chain,
        asset: Asset,
        asset_to: Asset,
        parcel: Vec<(u128, bool)>,
        amount: u128,
        amount_to: u128,
    ) -> Vec<(u128, bool)> {
        let scale = |units: u128| {
            if amount == 0 {
                return 0;
            }
            let scaled = U256::from(units) * U256::from(amount_to) / U256::from(amount);
            u128::try_from(scaled).expect("no more than what all units become")
        };
        let tainted: u128 = parcel.iter().filter(|run| run.1).map(|run| run.0).sum();
        let by_age = matches!(self.query.rule, RuleName::Fifo | RuleName::Lifo);
        let mut converted = Vec::new();
        if by_age {
            let mut start = 0;
            for (units, is_tainted) in parcel {
                converted.push((scale(start + units) - scale(start), is_tainted));
                start += units;
            }
        } else {
            converted = vec![(scale(tainted), true), (amount_to - scale(tainted), false)];
        }
        if amount == 0 {
            converted = vec![(amount_to, false)];
        }
        let arrived: u128 = converted.iter().filter(|run| run.1).map(|run| run.0).sum();
        if tainted > 0 {
            self.found.sums.entry((chain, asset)).or_default()[2] += tainted;
        }
        if arrived > 0 {
            self.found.sums.entry((chain, asset_to)).or_default()[1] += arrived;
        }
        converted
    }

    #[allow(clippy::too_many_arguments)]
    fn arrive(
        &mut self,
        chain: Chain,
        place: Place,
        owner: Option<Address>,
        asset: Asset,
        parcel: Vec<(u128, bool)>,
        hops: u32,
        time: Time,
    ) {
        let tainted: u128 = parcel.iter().filter(|run| run.1).map(|run| run.0).sum();
        let whole: u128 = parcel.iter().map(|run| run.0).sum();
        let place_hops = self.hops.get(&(chain, place)).map_or(hops, |known| hops.min(*known));
        let end = self.end(chain, place, owner, place_hops);
        let key = (chain, place, asset);
        if tainted > 0 {
            let known = self.hops.entry((chain, place)).or_insert(hops);
            *known = hops.min(*known);
            let seconds = time.seconds();
            let new = Entry { raw: 0, hops: 0, first: seconds, last: seconds };
            let entry = self.found.holdings.entry((chain, place, asset, end)).or_insert(new);
            entry.raw += tainted;
            entry.first = entry.first.min(seconds);
            entry.last = entry.last.max(seconds);
        }
        if matches!(place, Place::Fee | Place::Burn) {
            return;
        }
        let pot = self.pots.entry(key).or_default();
        if tainted > 0 && end == Where::Unspent {
            self.held.insert(key);
            pot.poisoned = true;
            pot.runs.extend(parcel);
        } else {
            pot.runs.push((whole, false));
        }
        pot.runs.retain(|run| run.0 > 0);
    }

    fn end(&self, chain: Chain, place: Place, owner: Option<Address>, hops: u32) -> Where {
        match place {
            Place::Fee => return Where::Fee,
            Place::Burn => return Where::Burned,
            _ => {}
        }
        if let Some(end) = owner.and_then(|owner| self.query.stops.get(&(chain, owner))) {
            return *end;
        }
        if place.account().is_some_and(|address| self.busy.contains(&(chain, address))) {
            return Where::SuspectedService;
        }
        match self.query.max_hops {
            Some(most) if hops > most => Where::Untraced,
            _ => Where::Unspent,
        }
    }

    fn finish(mut self) -> Finding {
        for ((chain, place, asset, end), entry) in &mut self.found.holdings {
            entry.hops = self.hops[&(*chain, *place)];
            if *end == Where::Unspent && self.query.rule != RuleName::Poison {
                entry.raw = self.pots[&(*chain, *place, *asset)].tainted();
            }
        }
        self.found
    }
}

/// Takes units from the front of a list of runs.
fn take_runs(runs: &mut Vec<(u128, bool)>, amount: u128) -> Vec<(u128, bool)> {
    let mut left = amount;
    let mut taken = Vec::new();
    while left > 0 {
        let (units, tainted) = runs.remove(0);
        let used = units.min(left);
        taken.push((used, tainted));
        left -= used;
        if units > used {
            runs.insert(0, (units - used, tainted));
        }
    }
    taken
}
