//! Transfers in memory, with the dense numbers that the engine wants. What the archive does on disk
//! with care, this does in the plainest way.

use std::collections::{HashMap, HashSet};

use ledger::{Address, Asset, Chain, Place, Transfer};
use taint::{
    AssetId, NO_POT, PlaceId, PlaceKind, Pot, PotHistory, PotId, PotLedger, Row, RowId, Stops,
    Where,
};

/// A place of a chain, as a key.
type PlaceKey = (Chain, Place);

#[derive(Default)]
pub struct World {
    pub transfers: Vec<Transfer>,
    rows: Vec<Row>,
    places: Vec<PlaceKey>,
    place_ids: HashMap<PlaceKey, PlaceId>,
    owners: HashMap<PlaceId, Address>,
    assets: Vec<(Chain, Asset)>,
    asset_ids: HashMap<(Chain, Asset), AssetId>,
    pots: Vec<Pot>,
    pot_ids: HashMap<(PlaceId, AssetId), PotId>,
    ledgers: Vec<Vec<RowId>>,
    stops: HashMap<(Chain, Address), Where>,
}

impl World {
    /// The world of these transfers, taken to be in order.
    pub fn new(transfers: Vec<Transfer>) -> World {
        let mut world = World::default();
        for transfer in transfers {
            world.add(transfer);
        }
        world
    }

    /// Makes an address a stop.
    pub fn stop(&mut self, chain: Chain, address: Address, end: Where) {
        self.stops.insert((chain, address), end);
    }

    pub fn stops(&self) -> impl Iterator<Item = (Chain, Address, Where)> {
        self.stops.iter().map(|((chain, address), end)| (*chain, *address, *end))
    }

    /// The number of a pot, made if it is new.
    pub fn pot_id(&mut self, chain: Chain, place: Place, asset: Asset) -> PotId {
        let count = self.places.len() as PlaceId;
        let place_id = *self.place_ids.entry((chain, place)).or_insert(count);
        if place_id == count {
            self.places.push((chain, place));
            if let Some(address) = place.account() {
                self.owners.insert(place_id, address);
            }
        }
        let count = self.assets.len() as AssetId;
        let asset_id = *self.asset_ids.entry((chain, asset)).or_insert(count);
        if asset_id == count {
            self.assets.push((chain, asset));
        }
        let count = self.pots.len() as PotId;
        let pot = *self.pot_ids.entry((place_id, asset_id)).or_insert(count);
        if pot == count {
            let kind = match place {
                Place::Account(_) => PlaceKind::Account,
                Place::Output { .. } => PlaceKind::Output,
                Place::Transaction(_) => PlaceKind::Transaction,
                Place::Fee => PlaceKind::Fee,
                Place::Burn | Place::Mint => PlaceKind::Burn,
            };
            self.pots.push(Pot { place: place_id, asset: asset_id, kind });
            self.ledgers.push(Vec::new());
        }
        pot
    }

    /// The place and asset of a pot, in words.
    pub fn describe(&self, pot: PotId) -> (Chain, Place, Asset) {
        let Pot { place, asset, .. } = self.pots[pot as usize];
        let (chain, place) = self.places[place as usize];
        (chain, place, self.assets[asset as usize].1)
    }

    fn add(&mut self, transfer: Transfer) {
        let Transfer { chain, from, to, asset, amount, .. } = transfer;
        let from_pot = match from {
            Place::Mint => NO_POT,
            from => self.pot_id(chain, from, asset),
        };
        let (asset_to, amount_to) = match transfer.conversion {
            Some(into) => (into.asset, into.amount),
            None => (asset, amount),
        };
        let to_pot = self.pot_id(chain, to, asset_to);
        for (place, owner) in [(from, transfer.from_owner), (to, transfer.to_owner)] {
            if let Some(owner) = owner.or(place.account())
                && let Some(id) = self.place_ids.get(&(chain, place))
            {
                self.owners.entry(*id).or_insert(owner);
            }
        }
        let row = Row {
            from: from_pot,
            to: to_pot,
            amount: amount.base_units(),
            amount_to: amount_to.base_units(),
            converts: from_pot != NO_POT && (asset != asset_to || amount != amount_to),
            time: transfer.time,
        };
        let id = self.rows.len() as RowId;
        let touched: HashSet<PotId> = [from_pot, to_pot].into_iter().collect();
        for pot in touched.into_iter().filter(|pot| *pot != NO_POT) {
            self.ledgers[pot as usize].push(id);
        }
        self.rows.push(row);
        self.transfers.push(transfer);
    }
}

impl PotLedger for World {
    type Rows<'a> = std::iter::Copied<std::slice::Iter<'a, RowId>>;

    fn rows(&self) -> RowId {
        self.rows.len() as RowId
    }

    fn row(&self, row: RowId) -> Row {
        self.rows[row as usize]
    }

    fn pots(&self) -> usize {
        self.pots.len()
    }

    fn pot(&self, pot: PotId) -> Pot {
        self.pots[pot as usize]
    }

    fn history(&self, pot: PotId, from: RowId) -> PotHistory<Self::Rows<'_>> {
        let rows = &self.ledgers[pot as usize];
        let at = rows.partition_point(|row| *row < from);
        let mut balance = 0u128;
        for row in rows[..at].iter().map(|row| &self.rows[*row as usize]) {
            if row.from == row.to {
                continue;
            }
            if row.from == pot {
                balance = balance.saturating_sub(row.amount);
            } else {
                balance = balance.saturating_add(row.amount_to);
            }
        }
        PotHistory { balance, rows: rows[at..].iter().copied() }
    }

    fn busy_from(&self, place: PlaceId, degree: u32, until: RowId) -> Option<RowId> {
        let mut others = HashSet::new();
        for (id, row) in (0..until).zip(&self.rows) {
            let from = (row.from != NO_POT).then(|| self.pots[row.from as usize]);
            let to = self.pots[row.to as usize];
            let other = match from {
                Some(from) if from.place == place => to,
                Some(from) if to.place == place => from,
                _ => continue,
            };
            let moves = row.amount > 0 || row.amount_to > 0;
            if moves && other.kind == PlaceKind::Account && other.place != place {
                others.insert(other.place);
            }
            if others.len() >= degree as usize {
                return Some(id);
            }
        }
        None
    }

    fn overflows(&self) -> Vec<(AssetId, RowId)> {
        let mut balances = vec![0u128; self.pots.len()];
        let mut found: Vec<(AssetId, RowId)> = Vec::new();
        for (id, row) in (0..).zip(&self.rows) {
            if row.from == row.to {
                continue;
            }
            if row.from != NO_POT {
                let balance = &mut balances[row.from as usize];
                *balance = balance.saturating_sub(row.amount);
            }
            let to = self.pots[row.to as usize];
            let balance = &mut balances[row.to as usize];
            let ends = matches!(to.kind, PlaceKind::Fee | PlaceKind::Burn);
            match balance.checked_add(row.amount_to) {
                Some(sum) => *balance = sum,
                None if !ends && !found.iter().any(|(asset, _)| *asset == to.asset) => {
                    found.push((to.asset, id));
                }
                None => {}
            }
        }
        found
    }
}

impl Stops for World {
    fn stop(&self, place: PlaceId) -> Option<Where> {
        let (chain, _) = self.places[place as usize];
        let owner = self.owners.get(&place)?;
        self.stops.get(&(chain, *owner)).copied()
    }

    fn through(&self, _place: PlaceId) -> bool {
        false
    }
}
