//! The index: everything that replay and tracing ask for, numbered densely and mapped into memory.
//!
//! Derived from the committed transfers and from nothing else; deleted and rebuilt at will, to the
//! same bytes. Places, assets and pots are numbered in order of first appearance, rows by the total
//! order itself. It lies in segments, each of some consecutive rows: what was appended last is small and
//! made anew, the rest stays. Their files are hashed when they are written. A small index is verified
//! whenever it is opened, a large one by [`crate::Archive::check`] alone, since that reads all of it.
//! What replay never asks for (transaction ids, kinds, origins) stays in the parts and is read there.

mod amount;
mod block;
mod build;
mod draft;
mod layout;
mod numbering;
mod piece;
mod run;
mod seal;
mod segment;
mod segments;
mod spill;
mod stamp;
mod sums;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::{Address, Amount, Asset, Chain, Conversion, Place, Time, Transfer};

use crate::batch::Recorded;
use crate::disk::{self, Disk};
use crate::error::{ArchiveError, Result};
use crate::manifest::Part;
use crate::names::{Name, address_of, asset_of, chain_number, chain_of, place_of};
use crate::part::{DetailFile, Details, Store};
pub(crate) use build::{Ground, UNIT};
use segment::{OWNER_NONE, OWNER_OF_PLACE, Segment};
pub use segments::LedgerRows;
use segments::{ASSETS, OWNERS, PLACES, Segments, pot_or_none};
use stamp::Stamp;

/// The index of one commit.
pub struct Index {
    folder: PathBuf,
    segments: Segments,
    store: Arc<Store>,
    parts: Vec<Part>,
    stamp: Stamp,
    details: Details,
}

/// One transfer in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The pot it leaves: (place, asset). `None` for a mint.
    pub from: Option<u32>,
    /// The pot it reaches: (place, asset), or (place, asset_to) of a conversion.
    pub to: u32,
    /// Base units that leave.
    pub amount: u128,
    /// Base units that arrive, where a conversion makes them others.
    pub amount_to: Option<u128>,
    /// As the row states it; see [`Index::merge_time`] for the one that orders.
    pub time: Time,
}

/// What a place number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceRecord {
    pub chain: Chain,
    pub place: Place,
    /// Who owns an output, as the first row says that names an owner.
    pub owner: Option<Address>,
}

/// The rest of a pot's ledger from some row on.
#[derive(Clone)]
pub struct Ledger<'a> {
    /// The pot's balance before the first of `rows`. An outflow beyond the balance leaves 0, since
    /// the shortfall is unknown value that enters and leaves at once (docs/method.md).
    pub balance: u128,
    /// Rows that take from the pot or give to it, ascending. Rows that move nothing (an amount of
    /// zero, the same pot on both sides) are not among them.
    pub rows: LedgerRows<'a>,
}

impl Index {
    /// Maps the index of these transfers in `folder`.
    pub(crate) fn open(folder: &Path, transfers: [u8; 32], ground: &Ground<'_>) -> Result<Index> {
        let disk = &ground.store.disk;
        let stamp = Stamp::read(disk, folder, transfers)?;
        let stamp = stamp.ok_or_else(|| ArchiveError::integrity(folder, "of another format"))?;
        stamp.verify_small(disk, folder)?;
        let segments: Result<Vec<Segment>> =
            stamp.segments.iter().map(|segment| segment.open(disk, folder)).collect();
        let segments = Segments::of(segments?);
        let rows: u64 = ground.parts.iter().map(|part| part.rows).sum();
        let is_whole = ground.parts.iter().all(|part| stamp.part(part.number).is_some());
        if segments.rows() != rows || !segments.are_continuous() || !is_whole {
            return Err(ArchiveError::integrity(folder, "the index has other rows than the parts"));
        }
        Ok(Index {
            folder: folder.to_path_buf(),
            segments,
            store: Arc::clone(ground.store),
            parts: ground.parts.to_vec(),
            stamp,
            details: Details::default(),
        })
    }

    /// Builds the index of the ground's transfers in `folder` and maps it. Segments of an earlier one that
    /// are still true are kept, unless it is to be made `anew`.
    pub(crate) fn build(
        folder: &Path,
        transfers: [u8; 32],
        ground: &Ground<'_>,
        anew: bool,
    ) -> Result<Index> {
        let disk = &ground.store.disk;
        disk::make_folders(&**disk, folder)?;
        let earlier = Stamp::any(disk, folder).filter(|_| !anew);
        let parts = sums::make(folder, ground, earlier.as_ref())?;
        let kept = earlier.map(|earlier| build::still_true(folder, ground, &earlier));
        let segments = build::build(folder, ground, kept.unwrap_or_default())?;
        disk::sync_folder(&**disk, folder)?;
        let stamp = Stamp::new(transfers, parts, segments);
        stamp.write(disk, folder)?;
        build::sweep(&**disk, folder, &stamp, &stamp::file_name(&transfers))?;
        Index::open(folder, transfers, ground)
    }

    /// What is damaged in the index of these transfers. No index is no damage, nor is one that another
    /// version of this program made.
    pub(crate) fn check(
        disk: &Arc<dyn Disk>,
        folder: &Path,
        transfers: [u8; 32],
    ) -> Vec<ArchiveError> {
        if disk.length(&folder.join(stamp::file_name(&transfers))).is_err() {
            return Vec::new();
        }
        match Stamp::read(disk, folder, transfers) {
            Ok(stamp) => {
                let files = stamp.iter().flat_map(Stamp::files);
                files.filter_map(|file| file.verify(disk, folder).err()).collect()
            }
            Err(error) => vec![error],
        }
    }

    fn damaged(&self, what: impl std::fmt::Display) -> ArchiveError {
        ArchiveError::integrity(&self.folder, what)
    }

    /// Number of transfers.
    pub fn rows(&self) -> u64 {
        self.segments.rows()
    }

    /// Number of pots; they are numbered from 0 in order of first appearance.
    pub fn pot_count(&self) -> u32 {
        self.segments.pots()
    }

    /// Number of places, likewise.
    pub fn place_count(&self) -> u32 {
        self.segments.count(&PLACES)
    }

    /// Number of assets, likewise.
    pub fn asset_count(&self) -> u32 {
        self.segments.count(&ASSETS)
    }

    /// The segment of a row, and the row counted from its first.
    #[inline]
    fn at(&self, row: u64) -> Option<(&Segment, usize)> {
        let segment = self.segments.of_row(row)?;
        Some((segment, (row - segment.facts.rows.first) as usize))
    }

    /// A transfer in numbers.
    ///
    /// # Panics
    /// Like a slice, if `row` is not below [`Index::rows`].
    #[inline]
    pub fn row(&self, row: u64) -> Row {
        let record = self.at(row).and_then(|(segment, at)| Some((segment, segment.row(at)?)));
        let (segment, record) = record.unwrap_or_else(|| panic!("there is no row {row}"));
        let time = Time::from_seconds(record.time);
        if !segment.has_pots(&record) {
            // Only a damaged file names such pots; nothing moves between them.
            return Row { from: None, to: 0, amount: 0, amount_to: None, time };
        }
        let (amount, amount_to) = segment.amounts(&record);
        Row { from: pot_or_none(record.from), to: record.to, amount, amount_to, time }
    }

    /// The pots of a row alone: what [`Index::row`] says of them, and as cheap as can be.
    #[inline]
    pub fn pots_of_row(&self, row: u64) -> Option<(Option<u32>, u32)> {
        let (segment, at) = self.at(row)?;
        segment.pots_of_row(at).map(|(from, to)| (pot_or_none(from), to))
    }

    /// Says that [`Index::pots_of_row`] will be asked of these rows: what of them lies on disk is fetched
    /// many pages at once. A hint, which changes no answer.
    pub fn fetch_rows(&self, rows: impl Iterator<Item = u64>) {
        self.segments.fetch_rows(rows);
    }

    /// The same of [`Index::place_of`] these pots.
    pub fn fetch_places_of(&self, pots: impl Iterator<Item = u32>) {
        self.segments.fetch_places_of(pots);
    }

    /// Says that most rows are about to be read in order. A hint likewise.
    pub fn read_through(&self) {
        self.segments.read_through();
    }

    /// A transfer in full, with where it came from.
    pub fn transfer(&self, row: u64) -> Result<Recorded> {
        let bad = || self.damaged(format!("row {row} cannot be read"));
        let (segment, at) = self.at(row).ok_or_else(bad)?;
        let Row { from, to, amount, amount_to, time } = self.row(row);
        let (to_place, to_asset) = self.pot(to).ok_or_else(bad)?;
        let PlaceRecord { chain, place: to, owner: to_known } = self.place(to_place)?;
        let (from, from_known, asset) = match from {
            None => (Place::Mint, None, to_asset),
            Some(pot) => {
                let (place, asset) = self.pot(pot).ok_or_else(bad)?;
                let from = self.place(place)?;
                (from.place, from.owner, asset)
            }
        };
        let conversion = match amount_to {
            None => None,
            Some(amount) => {
                let asset = self.asset(to_asset)?.1;
                Some(Conversion { asset, amount: Amount::new(amount) })
            }
        };
        let (number, part_row) = segment.location(at as u32).ok_or_else(bad)?;
        let part = self.parts.iter().find(|part| part.number == number).ok_or_else(bad)?;
        let detail = self.details.get(part, part_row, || self.detail_file(part))?;
        let transfer = Transfer {
            chain,
            position: detail.position,
            time,
            tx: detail.tx,
            kind: detail.kind,
            from,
            to,
            from_owner: self.stated_owner(segment, at, 0, from_known)?,
            to_owner: self.stated_owner(segment, at, 1, to_known)?,
            asset: self.asset(asset)?.1,
            amount: Amount::new(amount),
            conversion,
        };
        let (import, row, occurrence) = (detail.import, detail.row, detail.occurrence);
        Ok(Recorded { transfer, import, row, occurrence })
    }

    /// A part for reading here and there.
    fn detail_file(&self, part: &Part) -> Result<DetailFile> {
        let stamp =
            self.stamp.part(part.number).ok_or_else(|| self.damaged("a part is missing"))?;
        let sums = sums::load(&self.store.disk, &self.folder, stamp, part)?;
        DetailFile::open(&self.store, part, sums)
    }

    fn stated_owner(
        &self,
        segment: &Segment,
        at: usize,
        side: u32,
        known: Option<Address>,
    ) -> Result<Option<Address>> {
        match segment.stated_owner(at as u32, side) {
            OWNER_NONE => Ok(None),
            OWNER_OF_PLACE => Ok(known),
            _ => {
                let owner = segment.noted_owner(at as u32, side);
                let owner = owner.and_then(|owner| self.owner_address(owner));
                owner.map(Some).ok_or_else(|| segment.damaged("an owner is missing"))
            }
        }
    }

    fn owner_address(&self, owner: u32) -> Option<Address> {
        address_of(self.segments.name(&OWNERS, owner)?)
    }

    /// The time by which a row was merged with other chains: of rows with a height the latest time
    /// of its chain so far, of others their own. Never falls from row to row.
    ///
    /// # Panics
    /// Like a slice, if `row` is not below [`Index::rows`].
    pub fn merge_time(&self, row: u64) -> Time {
        let (segment, at) = self.at(row).unwrap_or_else(|| panic!("there is no row {row}"));
        Time::from_seconds(segment.merge_time(at))
    }

    /// The first row whose merge time is `time` or later; [`Index::rows`] if there is none.
    pub fn first_row_at(&self, time: Time) -> u64 {
        let (mut low, mut high) = (0, self.rows());
        while low < high {
            let middle = low.midpoint(high);
            if self.merge_time(middle) < time { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The place and the asset of a pot; `None` for a number that is no pot's.
    #[inline]
    pub fn pot(&self, pot: u32) -> Option<(u32, u32)> {
        self.segments.pot(pot)
    }

    /// The place of a pot alone, which costs less.
    #[inline]
    pub fn place_of(&self, pot: u32) -> Option<u32> {
        self.segments.place_of(pot)
    }

    /// True if a place is an account, and not an output, a transaction or an end of the world.
    #[inline]
    pub fn is_account(&self, place: u32) -> bool {
        self.segments.is_account(place)
    }

    /// What a place number stands for.
    pub fn place(&self, place: u32) -> Result<PlaceRecord> {
        let bad = || self.damaged(format!("place {place} cannot be read"));
        let name = self.segments.name(&PLACES, place).ok_or_else(bad)?;
        let owner = match self.segments.owner_of(place) {
            None => None,
            Some(owner) => Some(self.owner_address(owner).ok_or_else(bad)?),
        };
        let chain = chain_of(name).ok_or_else(bad)?;
        Ok(PlaceRecord { chain, place: place_of(name).ok_or_else(bad)?, owner })
    }

    /// What an asset number stands for.
    pub fn asset(&self, asset: u32) -> Result<(Chain, Asset)> {
        let bad = || self.damaged(format!("asset {asset} cannot be read"));
        let name = self.segments.name(&ASSETS, asset).ok_or_else(bad)?;
        Ok((chain_of(name).ok_or_else(bad)?, asset_of(name).ok_or_else(bad)?))
    }

    /// The number of a place, if a transfer names it.
    pub fn find_place(&self, chain: Chain, place: &Place) -> Option<u32> {
        self.segments.find(&PLACES, &Name::place(chain_number(chain), place), usize::MAX)
    }

    /// The number of an asset, if a transfer names it.
    pub fn find_asset(&self, chain: Chain, asset: &Asset) -> Option<u32> {
        self.segments.find(&ASSETS, &Name::asset(chain_number(chain), asset), usize::MAX)
    }

    /// The account itself, if it is a place, and every place that a row says it owns.
    pub fn places_owned_by(&self, chain: Chain, address: &Address) -> Vec<u32> {
        let name = Name::address(chain_number(chain), address);
        let mut places: Vec<u32> =
            self.segments.find(&PLACES, &name, usize::MAX).into_iter().collect();
        if let Some(owner) = self.segments.find(&OWNERS, &name, usize::MAX) {
            places.extend(self.segments.owned_by(owner));
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The pots of a place, one for each asset it ever held or gave; none for no place.
    pub fn pots_of(&self, place: u32) -> Vec<u32> {
        self.segments.pots_of(place)
    }

    /// Assets of which some pot's balance passed 2^128−1 and was held there, each with the row at
    /// which one first did: they must be left out of every result.
    pub fn overflowing_assets(&self) -> Vec<(u32, u64)> {
        let mut found = std::collections::BTreeMap::new();
        for overflow in self.segments.list.iter().flat_map(Segment::overflows) {
            found.entry(overflow.asset).or_insert(overflow.row);
        }
        found.into_iter().collect()
    }

    /// A pot's ledger from `from_row` on; empty for a number that is no pot's.
    pub fn ledger(&self, pot: u32, from_row: u64) -> Ledger<'_> {
        let balance = self.segments.balance_before(pot, from_row);
        Ledger { balance, rows: self.segments.ledger_from(pot, from_row) }
    }
}
