//! Giving numbers to what rows name, in order of first appearance: places, assets, owners, pots.
//!
//! What was numbered since this build began is in memory, but for names that had to leave it, which are in
//! files beside the segments; what earlier segments hold is asked there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::{Asset, Chain, Place};
use rustc_hash::FxHashMap;

use super::run::{NameRun, Wanted};
use super::segments::{ASSETS, OWNERS, PLACES, Segments};
use crate::disk::Disk;
use crate::error::Result;
use crate::names::{NONE, Name, NameBook, chain_number, next_number};
use crate::part::Named;

pub(super) struct Numbering {
    pub(super) sealed: Segments,
    /// How many of those hold names and pots that are not in memory.
    unread: usize,
    pub(super) places: NameBook,
    /// Names that left memory.
    runs: Vec<NameRun>,
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

/// Assets of the pots that are in memory, from number `first` on, and how the pots of a place are found.
pub(super) struct PotBook {
    pub(super) first: u32,
    pub(super) assets: Vec<u32>,
    /// By pot: the next pot of its place, or none.
    next: Vec<u32>,
    /// Pots of places that have many, or that are not in memory.
    others: FxHashMap<(u32, u32), u32>,
}

/// So many pots of a place are found one after the other; where there are more, by a table.
const CHAINED: usize = 8;

/// What stands in the word of a dictionary's value: 0 where nothing is known of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Note {
    Numbered(u32),
    /// It is in none of the first so many runs; what left memory later was not looked through.
    NotInRuns(usize),
}

impl Note {
    fn of(word: &AtomicU64) -> Note {
        match word.load(Ordering::Relaxed) {
            0 => Note::NotInRuns(0),
            word => match u32::try_from(word - 1) {
                Ok(number) => Note::Numbered(number),
                Err(_) => Note::NotInRuns((u64::MAX - word) as usize),
            },
        }
    }

    fn set(self, word: &AtomicU64) {
        let note = match self {
            Note::Numbered(number) => u64::from(number) + 1,
            Note::NotInRuns(runs) => u64::MAX - runs as u64,
        };
        word.store(note, Ordering::Relaxed);
    }
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
        let [places, assets, owners] = [PLACES, ASSETS, OWNERS].map(|kind| sealed.count(&kind));
        let pots = sealed.pots();
        Numbering {
            unread: sealed.list.len(),
            sealed,
            places: NameBook::starting_at(places),
            runs: Vec::new(),
            assets: NameBook::starting_at(assets),
            owners: NameBook::starting_at(owners),
            first_pots: Vec::new(),
            first_place: places,
            pots: PotBook::starting_at(pots),
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
        let Some(word) = column.note(row) else { return self.end_place(chain, end()) };
        if let Note::Numbered(known) = Note::of(word) {
            return Ok(known);
        }
        if Note::of(word) != Note::NotInRuns(self.runs.len()) {
            self.look_in_runs(chain, column)?;
        }
        if let Note::Numbered(known) = Note::of(word) {
            return Ok(known);
        }
        let place = self.named_place(chain, &column.parsed(row)?.unwrap_or(Place::Mint))?;
        Note::Numbered(place).set(word);
        Ok(place)
    }

    /// Numbers what a dictionary names and the runs know, all at once.
    #[cold]
    fn look_in_runs(&self, chain: Chain, column: &Named<Place>) -> Result<()> {
        let mut wanted: Vec<Wanted> = Vec::new();
        for (asker, word) in column.notes().iter().enumerate() {
            if let Note::Numbered(_) = Note::of(word) {
                continue;
            }
            let Some(place) = column.value(asker) else { continue };
            let name = Name::place(chain_number(chain), &place);
            match self.places.find(name.bytes()) {
                Some(known) => Note::Numbered(known).set(word),
                None => {
                    Note::NotInRuns(self.runs.len()).set(word);
                    wanted.push(Wanted { name, asker: asker as u32, found: None });
                }
            }
        }
        wanted.sort_unstable_by(|a, b| a.name.bytes().cmp(b.name.bytes()));
        self.runs.iter().try_for_each(|run| run.find_all(&mut wanted))?;
        wanted.sort_unstable_by_key(|one| one.asker);
        let mut found = wanted.into_iter().peekable();
        for (asker, word) in column.notes().iter().enumerate() {
            if let Some(Wanted { found: Some(known), .. }) =
                found.next_if(|one| one.asker as usize == asker)
            {
                Note::Numbered(known).set(word);
            }
        }
        Ok(())
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
        if let Some(known) = self.sealed.find(&PLACES, &name, self.unread) {
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
        let name = |asset: &Asset| Name::asset(chain_number(chain), asset);
        let Numbering { assets, sealed, unread, .. } = self;
        number_of(column, row, assets, name, |name| sealed.find(&ASSETS, name, *unread))
    }

    /// The owner that a row states, if it does.
    pub(super) fn owner(
        &mut self,
        chain: Chain,
        column: &Named<Place>,
        row: usize,
    ) -> Result<Option<u32>> {
        let name = |owner: &Place| Name::place(chain_number(chain), owner);
        let Numbering { owners, sealed, unread, .. } = self;
        number_of(column, row, owners, name, |name| sealed.find(&OWNERS, name, *unread))
    }

    /// The owner of a place, set to `stated` if nobody has said one. True if it was set now.
    pub(super) fn settle_owner(&mut self, place: u32, stated: u32) -> (u32, bool) {
        if let Some(known) = self.owner_of.get(&place) {
            return (*known, false);
        }
        let earlier =
            (place < self.sealed.count(&PLACES)).then(|| self.sealed.owner_of(place)).flatten();
        self.owner_of.insert(place, earlier.unwrap_or(stated));
        (earlier.unwrap_or(stated), earlier.is_none())
    }

    /// The number of (place, asset).
    #[inline]
    pub(super) fn pot(&mut self, place: u32, asset: u32) -> Result<PotFound> {
        let Some(at) = place.checked_sub(self.first_place) else {
            return self.pot_of_earlier_place(place, asset);
        };
        let first = self.first_pots[at as usize];
        if first == NONE {
            let pot = self.pots.add(asset)?;
            self.first_pots[at as usize] = pot;
            return Ok(PotFound::First(pot));
        }
        self.pots.of_place(place, first, asset)
    }

    fn pot_of_earlier_place(&mut self, place: u32, asset: u32) -> Result<PotFound> {
        if let Some(known) = self.pots.others.get(&(place, asset)) {
            return Ok(PotFound::Known(*known));
        }
        let pots = self.sealed.pots_of(place);
        let has = |pot: &u32| self.sealed.pot(*pot).is_some_and(|(_, own)| own == asset);
        if let Some(known) = pots.into_iter().find(has) {
            self.pots.others.insert((place, asset), known);
            return Ok(PotFound::Known(known));
        }
        let pot = self.pots.add(asset)?;
        self.pots.others.insert((place, asset), pot);
        Ok(PotFound::Other(pot))
    }

    /// Bytes in memory, roughly.
    pub(super) fn memory(&self) -> usize {
        self.places.memory()
            + 4 * self.first_pots.capacity()
            + 8 * self.pots.assets.capacity()
            + 18 * self.pots.others.capacity()
            + 12 * self.owner_of.capacity()
    }

    /// Lets the names of places leave memory, to a file below `folder`.
    pub(super) fn forget_names(&mut self, disk: &Arc<dyn Disk>, folder: &Path) -> Result<()> {
        let path = folder.join(format!("{}.names.tmp", self.runs.len()));
        self.runs.push(NameRun::write(disk, &self.places, &path)?);
        self.places = NameBook::starting_at(self.places.end());
        Ok(())
    }
}

/// The number of what a row has in a column, from its book or from earlier segments; given now if it
/// has none.
#[inline]
fn number_of<T: Copy>(
    column: &Named<T>,
    row: usize,
    book: &mut NameBook,
    name: impl FnOnce(&T) -> Name,
    find: impl FnOnce(&Name) -> Option<u32>,
) -> Result<Option<u32>> {
    let Some(word) = column.note(row) else { return Ok(None) };
    if let Note::Numbered(known) = Note::of(word) {
        return Ok(Some(known));
    }
    let Some(value) = column.parsed(row)? else { return Ok(None) };
    let name = name(&value);
    let known = book.find(name.bytes()).or_else(|| find(&name));
    let number = known.map_or_else(|| book.add(name.bytes()), Ok)?;
    Note::Numbered(number).set(word);
    Ok(Some(number))
}

impl PotBook {
    fn starting_at(first: u32) -> PotBook {
        PotBook { first, assets: Vec::new(), next: Vec::new(), others: FxHashMap::default() }
    }

    /// The pot of a place that is in memory, whose first pot is `first`.
    fn of_place(&mut self, place: u32, first: u32, asset: u32) -> Result<PotFound> {
        let mut pot = first;
        for left in (0..CHAINED).rev() {
            let at = (pot - self.first) as usize;
            if self.assets[at] == asset {
                return Ok(PotFound::Known(pot));
            }
            if self.next[at] == NONE && left > 0 {
                let added = self.add(asset)?;
                self.next[at] = added;
                return Ok(PotFound::Other(added));
            }
            pot = self.next[at];
        }
        if let Some(known) = self.others.get(&(place, asset)) {
            return Ok(PotFound::Known(*known));
        }
        let added = self.add(asset)?;
        self.others.insert((place, asset), added);
        Ok(PotFound::Other(added))
    }

    /// The number that comes next.
    pub(super) fn end(&self) -> u32 {
        self.first + self.assets.len() as u32
    }

    fn add(&mut self, asset: u32) -> Result<u32> {
        let number = next_number(self.first as usize + self.assets.len(), "pots")?;
        self.assets.push(asset);
        self.next.push(NONE);
        Ok(number)
    }
}
