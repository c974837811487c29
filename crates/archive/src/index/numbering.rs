//! Giving numbers to what rows name, in order of first appearance: places, assets, owners, pots.
//!
//! What was numbered since this build began is in memory; what earlier segments hold is asked there.

use std::sync::atomic::Ordering;

use ledger::{Asset, Chain, Place};
use rustc_hash::FxHashMap;

use super::names::{NONE, Name, NameBook, chain_number, next_number};
use super::segments::Segments;
use crate::error::Result;
use crate::part::Named;

pub(super) struct Numbering {
    pub(super) sealed: Segments,
    /// How many of those hold names and pots that are not in memory.
    unread: usize,
    pub(super) places: NameBook,
    pub(super) assets: NameBook,
    pub(super) owners: NameBook,
    /// By place, from the book's first on: its first pot.
    first_pots: Vec<u32>,
    first_place: u32,
    pub(super) pots: PotBook,
    /// Owners of places that some row states.
    owner_of: FxHashMap<u32, u32>,
    /// The ends of the world of each chain.
    ends: FxHashMap<(Chain, Place), u32>,
}

/// Assets of the pots that are in memory, from number `first` on, and the pots that are not their place's
/// first.
pub(super) struct PotBook {
    pub(super) first: u32,
    pub(super) assets: Vec<u32>,
    others: FxHashMap<(u32, u32), u32>,
}

/// A pot, and whether it was numbered just now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PotFound {
    Known(u32),
    /// The first of its place.
    First(u32),
    Other(u32),
}

impl PotFound {
    pub(super) fn number(self) -> u32 {
        match self {
            PotFound::Known(pot) | PotFound::First(pot) | PotFound::Other(pot) => pot,
        }
    }
}

impl Numbering {
    /// Goes on behind `sealed`.
    pub(super) fn after(sealed: Segments) -> Numbering {
        let (places, assets, owners) = (sealed.places(), sealed.assets(), sealed.owners());
        let pots = sealed.pots();
        Numbering {
            unread: sealed.list.len(),
            sealed,
            places: NameBook::starting_at(places),
            assets: NameBook::starting_at(assets),
            owners: NameBook::starting_at(owners),
            first_pots: Vec::new(),
            first_place: places,
            pots: PotBook { first: pots, assets: Vec::new(), others: FxHashMap::default() },
            owner_of: FxHashMap::default(),
            ends: FxHashMap::default(),
        }
    }

    /// The place behind row `row` of a column, or the end of the world `end`.
    #[inline]
    pub(super) fn place(
        &mut self,
        chain: Chain,
        column: &Named<Place>,
        row: usize,
        end: impl FnOnce() -> Place,
    ) -> Result<u32> {
        let Some(note) = column.note(row) else { return self.end_place(chain, end()) };
        match note.load(Ordering::Relaxed) {
            0 => {
                let place = column.get(row).unwrap_or(Place::Mint);
                let place = self.named_place(chain, &place)?;
                note.store(u64::from(place) + 1, Ordering::Relaxed);
                Ok(place)
            }
            known => Ok((known - 1) as u32),
        }
    }

    fn end_place(&mut self, chain: Chain, end: Place) -> Result<u32> {
        if end == Place::Mint {
            return Ok(NONE);
        }
        if let Some(known) = self.ends.get(&(chain, end)) {
            return Ok(*known);
        }
        let number = self.named_place(chain, &end)?;
        self.ends.insert((chain, end), number);
        Ok(number)
    }

    fn named_place(&mut self, chain: Chain, place: &Place) -> Result<u32> {
        let name = Name::place(chain_number(chain), place);
        if let Some(known) = self.places.find(name.bytes()) {
            return Ok(known);
        }
        if let Some(known) = self.sealed.find_place(&name, self.unread) {
            return Ok(known);
        }
        self.first_pots.push(NONE);
        self.places.add(name.bytes())
    }

    #[inline]
    pub(super) fn asset(
        &mut self,
        chain: Chain,
        column: &Named<Asset>,
        row: usize,
    ) -> Result<Option<u32>> {
        let Some((note, named)) = column.note(row).zip(column.get(row)) else { return Ok(None) };
        match note.load(Ordering::Relaxed) {
            0 => {
                let name = Name::asset(chain_number(chain), &named);
                let known = self.assets.find(name.bytes()).or_else(|| self.find_asset(&name));
                let asset = known.map_or_else(|| self.assets.add(name.bytes()), Ok)?;
                note.store(u64::from(asset) + 1, Ordering::Relaxed);
                Ok(Some(asset))
            }
            known => Ok(Some((known - 1) as u32)),
        }
    }

    fn find_asset(&self, name: &Name) -> Option<u32> {
        self.sealed.find_asset(name, self.unread)
    }

    fn find_owner(&self, name: &Name) -> Option<u32> {
        self.sealed.find_owner(name, self.unread)
    }

    /// The owner that a row states, if it does.
    pub(super) fn owner(
        &mut self,
        chain: Chain,
        column: &Named<Place>,
        row: usize,
    ) -> Result<Option<u32>> {
        let Some((note, named)) = column.note(row).zip(column.get(row)) else { return Ok(None) };
        match note.load(Ordering::Relaxed) {
            0 => {
                let name = Name::place(chain_number(chain), &named);
                let known = self.owners.find(name.bytes()).or_else(|| self.find_owner(&name));
                let owner = known.map_or_else(|| self.owners.add(name.bytes()), Ok)?;
                note.store(u64::from(owner) + 1, Ordering::Relaxed);
                Ok(Some(owner))
            }
            known => Ok(Some((known - 1) as u32)),
        }
    }

    /// The owner of a place, set to `stated` if nobody has said one. True if it was set now.
    pub(super) fn settle_owner(&mut self, place: u32, stated: u32) -> (u32, bool) {
        if let Some(known) = self.owner_of.get(&place) {
            return (*known, false);
        }
        let earlier = (place < self.sealed.places()).then(|| self.sealed.owner_of(place)).flatten();
        self.owner_of.insert(place, earlier.unwrap_or(stated));
        (earlier.unwrap_or(stated), earlier.is_none())
    }

    /// The number of (place, asset).
    #[inline]
    pub(super) fn pot(&mut self, place: u32, asset: u32) -> Result<PotFound> {
        if let Some(at) = place.checked_sub(self.first_place) {
            let first = self.first_pots[at as usize];
            if first == NONE {
                let pot = self.pots.add(asset)?;
                self.first_pots[at as usize] = pot;
                return Ok(PotFound::First(pot));
            }
            if self.pots.assets[(first - self.pots.first) as usize] == asset {
                return Ok(PotFound::Known(first));
            }
        }
        self.other_pot(place, asset)
    }

    fn other_pot(&mut self, place: u32, asset: u32) -> Result<PotFound> {
        if let Some(known) = self.pots.others.get(&(place, asset)) {
            return Ok(PotFound::Known(*known));
        }
        if place < self.first_place {
            let pots = self.sealed.pots_of(place);
            let has = |pot: &u32| self.sealed.pot(*pot).is_some_and(|(_, own)| own == asset);
            if let Some(known) = pots.into_iter().find(has) {
                self.pots.others.insert((place, asset), known);
                return Ok(PotFound::Known(known));
            }
        }
        let pot = self.pots.add(asset)?;
        self.pots.others.insert((place, asset), pot);
        Ok(PotFound::Other(pot))
    }

    /// Bytes in memory, roughly.
    pub(super) fn memory(&self) -> usize {
        self.places.memory()
            + 4 * (self.first_pots.capacity() + self.pots.assets.capacity())
            + 18 * self.pots.others.capacity()
            + 12 * self.owner_of.capacity()
    }

    /// Forgets what the segments know by now: from here on they are asked.
    pub(super) fn forget(self) -> Numbering {
        Numbering::after(self.sealed)
    }
}

impl PotBook {
    /// The number that comes next.
    pub(super) fn end(&self) -> u32 {
        self.first + self.assets.len() as u32
    }

    fn add(&mut self, asset: u32) -> Result<u32> {
        let number = next_number(self.first as usize + self.assets.len(), "pots")?;
        self.assets.push(asset);
        Ok(number)
    }
}
