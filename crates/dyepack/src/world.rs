//! The archive's index as the engine and the casebook read it: [`taint::PotLedger`], [`cases::records`].
//!
//! It adds what the archive cannot know: the pots of asserted thefts whose account stands in no
//! transfer, and which places the casebook's labels stop.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::{Mutex, PoisonError};

use archive::{Index, Ledger, LedgerRows};
use cases::records::{NamedPlace, Records, Unreadable};
use cases::stop::{StopKind, Stops};
use ledger::{Address, Asset, Chain, Place, Time, Transfer};
use rustc_hash::FxHashMap;
use taint::{
    AssetId, NO_POT, PlaceId, PlaceKind, Pot, PotHistory, PotId, PotLedger, Row, RowId, Where,
};

/// An index, lent to the engine.
pub(crate) struct World<'a> {
    index: &'a Index,
    /// Places, assets and pots that no transfer names, numbered after the index's own.
    added_places: Vec<NamedPlace>,
    added_assets: Vec<(Chain, Asset)>,
    added_pots: Vec<(PlaceId, AssetId)>,
    /// What was found for (place, degree, until).
    busy: Mutex<FxHashMap<(PlaceId, u32, RowId), Option<RowId>>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(index: &'a Index) -> World<'a> {
        World {
            index,
            added_places: Vec::new(),
            added_assets: Vec::new(),
            added_pots: Vec::new(),
            busy: Mutex::default(),
        }
    }

    /// The pot of a place and asset, added if no transfer names it.
    pub(crate) fn pot_for(&mut self, chain: Chain, place: Place, asset: Asset) -> PotId {
        let place_id = self.find_place(chain, &place).unwrap_or_else(|| {
            self.added_places.push(NamedPlace { chain, place, owner: place.account() });
            self.index.place_count() + self.added_places.len() as u32 - 1
        });
        let asset_id = self.index.find_asset(chain, &asset).unwrap_or_else(|| {
            let known = self.added_assets.iter().position(|added| *added == (chain, asset));
            let at = known.unwrap_or_else(|| {
                self.added_assets.push((chain, asset));
                self.added_assets.len() - 1
            });
            self.index.asset_count() + at as u32
        });
        let known = self.pots_of(place_id).into_iter().find(|pot| self.pot(*pot).asset == asset_id);
        known.unwrap_or_else(|| {
            self.added_pots.push((place_id, asset_id));
            self.index.pot_count() + self.added_pots.len() as u32 - 1
        })
    }

    fn ids(&self, pot: PotId) -> (PlaceId, AssetId) {
        let added =
            || self.added_pots.get(pot.wrapping_sub(self.index.pot_count()) as usize).copied();
        // A number that is no pot's can only come from damaged files; it stands for the first pot.
        self.index.pot(pot).or_else(added).unwrap_or((0, 0))
    }

    fn named(&self, place: PlaceId) -> NamedPlace {
        if let Some(added) =
            self.added_places.get(place.wrapping_sub(self.index.place_count()) as usize)
        {
            return *added;
        }
        match self.index.place(place) {
            Ok(known) => {
                let owner = known.owner.or(known.place.account());
                NamedPlace { chain: known.chain, place: known.place, owner }
            }
            Err(_) => NamedPlace { chain: Chain::BITCOIN, place: Place::Burn, owner: None },
        }
    }

    /// The pot on the other side of a row that moves `pot`, if it has one.
    fn other_side(&self, row: RowId, pot: PotId) -> Option<PotId> {
        let (from, to) = self.index.pots_of_row(row)?;
        let from = from?;
        Some(if from == pot { to } else { from })
    }

    fn find_busy(&self, place: PlaceId, degree: u32, until: RowId) -> Option<RowId> {
        let pots = self.pots_of(place);
        let mut ledgers: Vec<_> = pots.iter().map(|pot| self.index.ledger(*pot, 0).rows).collect();
        let rows = ledgers.iter().cloned().flat_map(|rows| rows.take_while(|row| *row < until));
        if rows.take(degree as usize).count() < degree as usize {
            // Fewer rows than that have no more counterparties, and most places have few.
            return None;
        }
        let mut next = BinaryHeap::new();
        for (at, rows) in ledgers.iter_mut().enumerate() {
            next.extend(rows.next().map(|row| Reverse((row, at))));
        }
        let mut others = HashSet::new();
        while others.len() < degree as usize {
            // A row brings one at most, so that many rows will be needed.
            let mut soon = Vec::new();
            while soon.len() < degree as usize - others.len()
                && let Some(Reverse((row, at))) =
                    next.pop().filter(|Reverse((row, _))| *row < until)
            {
                soon.push((row, pots[at]));
                next.extend(ledgers[at].next().map(|row| Reverse((row, at))));
            }
            let (last, _) = soon.last()?;
            self.index.fetch_rows(soon.iter().map(|(row, _)| *row));
            let sides = soon.iter().filter_map(|(row, pot)| self.other_side(*row, *pot));
            let sides: Vec<PotId> = sides.collect();
            self.index.fetch_places_of(sides.iter().copied());
            let places = sides.iter().filter_map(|pot| self.index.place_of(*pot));
            others.extend(places.filter(|other| *other != place && self.index.is_account(*other)));
            if others.len() >= degree as usize {
                return Some(*last);
            }
        }
        None
    }
}

impl PotLedger for World<'_> {
    type Rows<'a>
        = LedgerRows<'a>
    where
        Self: 'a;

    fn rows(&self) -> RowId {
        self.index.rows()
    }

    fn row(&self, row: RowId) -> Row {
        if row >= self.index.rows() {
            // Only a damaged index names such a row; it moves nothing.
            let (from, to, time) = (NO_POT, NO_POT, Time::default());
            return Row { from, to, amount: 0, amount_to: 0, converts: false, time };
        }
        let known = self.index.row(row);
        let amount_to = known.amount_to.unwrap_or(known.amount);
        let from = known.from.unwrap_or(NO_POT);
        let converts = match (known.amount_to, known.from) {
            (Some(to), Some(from)) => {
                to != known.amount || self.ids(from).1 != self.ids(known.to).1
            }
            _ => false,
        };
        let (to, amount, time) = (known.to, known.amount, known.time);
        Row { from, to, amount, amount_to, converts, time }
    }

    fn pass_over(&self) {
        self.index.read_through();
    }

    fn sides(&self, row: RowId) -> (PotId, PotId) {
        let (from, to) = self.index.pots_of_row(row).unwrap_or((None, NO_POT));
        (from.unwrap_or(NO_POT), to)
    }

    fn pots(&self) -> usize {
        self.index.pot_count() as usize + self.added_pots.len()
    }

    fn pot(&self, pot: PotId) -> Pot {
        let (place, asset) = self.ids(pot);
        if self.index.is_account(place) {
            return Pot { place, asset, kind: PlaceKind::Account };
        }
        let kind = match self.named(place).place {
            Place::Account(_) => PlaceKind::Account,
            Place::Output { .. } => PlaceKind::Output,
            Place::Transaction(_) => PlaceKind::Transaction,
            Place::Fee => PlaceKind::Fee,
            Place::Burn | Place::Mint => PlaceKind::Burn,
        };
        Pot { place, asset, kind }
    }

    fn history(&self, pot: PotId, from: RowId) -> PotHistory<LedgerRows<'_>> {
        let Ledger { balance, rows } = self.index.ledger(pot, from);
        PotHistory { balance, rows }
    }

    fn busy_from(&self, place: PlaceId, degree: u32, until: RowId) -> Option<RowId> {
        // Rules that run side by side ask the same; the second one waits.
        let mut known = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry((place, degree, until)).or_insert_with(|| self.find_busy(place, degree, until))
    }

    fn overflows(&self) -> Vec<(AssetId, RowId)> {
        self.index.overflowing_assets()
    }
}

impl Records for World<'_> {
    fn place(&self, place: PlaceId) -> NamedPlace {
        self.named(place)
    }

    fn asset(&self, asset: AssetId) -> (Chain, Asset) {
        let added = self.added_assets.get(asset.wrapping_sub(self.index.asset_count()) as usize);
        let known = || self.index.asset(asset).unwrap_or((Chain::BITCOIN, Asset::Native));
        added.copied().unwrap_or_else(known)
    }

    fn transfer(&self, row: RowId) -> Result<Transfer, Unreadable> {
        let recorded = self.index.transfer(row).map_err(|error| Unreadable(error.into()))?;
        Ok(recorded.transfer)
    }

    fn find_place(&self, chain: Chain, place: &Place) -> Option<PlaceId> {
        let added = || {
            let same = |added: &NamedPlace| added.chain == chain && added.place == *place;
            let at = self.added_places.iter().position(same)?;
            Some(self.index.place_count() + at as u32)
        };
        self.index.find_place(chain, place).or_else(added)
    }

    fn places_of(&self, chain: Chain, address: &Address) -> Vec<PlaceId> {
        self.index.places_owned_by(chain, address)
    }

    fn pots_of(&self, place: PlaceId) -> Vec<PotId> {
        let added = self.added_pots.iter().zip(self.index.pot_count()..);
        let added = added.filter(|((own, _), _)| *own == place).map(|(_, pot)| pot);
        self.index.pots_of(place).into_iter().chain(added).collect()
    }

    fn first_row_at(&self, time: Time) -> RowId {
        self.index.first_row_at(time)
    }
}

/// The casebook's stops, asked by number.
pub(crate) struct StopsHere<'a> {
    pub(crate) world: &'a World<'a>,
    pub(crate) stops: &'a Stops,
    /// Places that `--through` names, which are no suspected services either.
    pub(crate) through: &'a [(Chain, Address)],
}

impl taint::Stops for StopsHere<'_> {
    fn stop(&self, place: PlaceId) -> Option<Where> {
        let named = self.world.named(place);
        let stop = self.stops.stop_of(named.chain, &named.owner?)?;
        Some(match stop.kind {
            StopKind::Service => Where::Service,
            StopKind::Mixer => Where::Mixer,
            StopKind::Bridge => Where::Bridge,
            StopKind::Swap => Where::Swap,
        })
    }

    fn through(&self, place: PlaceId) -> bool {
        let named = self.world.named(place);
        named.owner.is_some_and(|owner| self.through.contains(&(named.chain, owner)))
    }
}
