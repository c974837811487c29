//! The index: everything that replay and tracing ask for, numbered densely and mapped into memory.
//!
//! Derived from the committed transfers and from nothing else; deleted and rebuilt at will, to the
//! same bytes. Places, assets and pots are numbered in order of first appearance, rows by the total
//! order itself. Its files are hashed when they are written. A small index is verified whenever it is
//! opened, a large one by [`crate::Archive::check`] alone, since that reads all of it.

mod build;
mod dictionary;
mod record;
mod stamp;

use std::path::{Path, PathBuf};

use bytemuck::Pod;
use ledger::{
    Address, Amount, Asset, Chain, Conversion, Kind, Place, Position, Time, Transfer, TxId,
};

use crate::batch::Recorded;
use crate::disk::Mapped;
use crate::error::{ArchiveError, Result};
use crate::order::Transfers;
use dictionary::MappedDictionary;
use record::{
    Detail, NONE, Name, OWNER_NONE, OWNER_OF_PLACE, Origin, OwnerNote, PotRecord, RowRecord,
    address_key, asset_key, place_key,
};
use stamp::Stamp;

/// A pot's balance is stored before every row of its ledger whose number in it is a multiple of
/// this (but 0, where it is 0).
const BALANCE_EVERY: u64 = 64;

/// The index of one commit.
pub struct Index {
    folder: PathBuf,
    chains: Vec<Chain>,
    rows: Mapped<RowRecord>,
    details: Mapped<Detail>,
    origins: Mapped<Origin>,
    merge_times: Mapped<u32>,
    conversions: Mapped<u128>,
    txs: Mapped<[u8; 32]>,
    owner_notes: Mapped<OwnerNote>,
    pots: Mapped<PotRecord>,
    ledgers: Mapped<u32>,
    balances: Mapped<u128>,
    /// Asset and row.
    overflowing: Mapped<[u32; 2]>,
    places: MappedDictionary,
    assets: MappedDictionary,
    owners: MappedDictionary,
    place_pots: Mapped<u32>,
    place_pots_offsets: Mapped<u32>,
    owned: Mapped<u32>,
    owned_offsets: Mapped<u32>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger<'a> {
    /// The pot's balance before the first of `rows`. An outflow beyond the balance leaves 0, since
    /// the shortfall is unknown value that enters and leaves at once (docs/method.md).
    pub balance: u128,
    /// Rows that take from the pot or give to it, ascending. Rows that move nothing (an amount of
    /// zero, the same pot on both sides) are not among them.
    pub rows: &'a [u32],
}

/// True if a row changes the pots that it names: their ledgers have it.
fn moves(row: &RowRecord, amount_to: Option<u128>) -> bool {
    row.from != row.to && (row.amount != 0 || amount_to.is_some_and(|amount| amount != 0))
}

/// Name of the folder of an index.
fn folder_name(stamp: &[u8; 32]) -> String {
    hex::encode(&stamp[..16])
}

impl Index {
    /// Maps the index of these transfers below `parent`.
    pub(crate) fn open(parent: &Path, stamp: [u8; 32]) -> Result<Index> {
        let folder = parent.join(folder_name(&stamp));
        let stamp = Stamp::read(&folder, stamp)?;
        stamp.verify_small(&folder)?;
        let map = Files { folder: &folder, stamp: &stamp };
        let dictionary = |name: &str| -> Result<MappedDictionary> {
            let sorted = map.open(&format!("{name}.sorted"))?;
            Ok(MappedDictionary { names: map.open(name)?, sorted })
        };
        let index = Index {
            chains: Chain::all().collect(),
            rows: map.open("rows")?,
            details: map.open("details")?,
            origins: map.open("origins")?,
            merge_times: map.open("merge_times")?,
            conversions: map.open("conversions")?,
            txs: map.open("txs")?,
            owner_notes: map.open("owner_notes")?,
            pots: map.open("pots")?,
            ledgers: map.open("ledgers")?,
            balances: map.open("balances")?,
            overflowing: map.open("overflowing")?,
            places: dictionary("places")?,
            assets: dictionary("assets")?,
            owners: dictionary("owners")?,
            place_pots: map.open("place_pots")?,
            place_pots_offsets: map.open("place_pots.offsets")?,
            owned: map.open("owned")?,
            owned_offsets: map.open("owned.offsets")?,
            folder: folder.clone(),
        };
        let rows = index.rows.len();
        if [index.details.len(), index.origins.len(), index.merge_times.len()] != [rows; 3] {
            return Err(ArchiveError::integrity(&folder, "files of different numbers of rows"));
        }
        Ok(index)
    }

    /// Builds and maps the index of `transfers`; any other index below `parent` goes.
    pub(crate) fn build(parent: &Path, stamp: [u8; 32], transfers: Transfers) -> Result<Index> {
        let temporary = parent.join("building");
        build::fresh_folder(&temporary)?;
        build::build(&temporary, transfers, stamp)?;
        build::publish(parent, &temporary, &folder_name(&stamp))?;
        Index::open(parent, stamp)
    }

    /// What is damaged in the index of these transfers. No index is no damage.
    pub(crate) fn check(parent: &Path, stamp: [u8; 32]) -> Vec<ArchiveError> {
        let folder = parent.join(folder_name(&stamp));
        if !folder.is_dir() {
            return Vec::new();
        }
        let stamp = match Stamp::read(&folder, stamp) {
            Ok(stamp) => stamp,
            Err(error) => return vec![error],
        };
        stamp.files.iter().filter_map(|file| file.verify(&folder).err()).collect()
    }

    fn damaged(&self, file: &str, what: impl std::fmt::Display) -> ArchiveError {
        ArchiveError::integrity(&self.folder.join(file), what)
    }

    /// Number of transfers.
    pub fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Number of pots; they are numbered from 0 in order of first appearance.
    pub fn pot_count(&self) -> u32 {
        self.pots.len().saturating_sub(1) as u32
    }

    /// Number of places, likewise.
    pub fn place_count(&self) -> u32 {
        self.places.names.len() as u32
    }

    /// Number of assets, likewise.
    pub fn asset_count(&self) -> u32 {
        self.assets.names.len() as u32
    }

    /// A transfer in numbers.
    ///
    /// # Panics
    /// Like a slice, if `row` is not below [`Index::rows`].
    #[inline]
    pub fn row(&self, row: u64) -> Row {
        let record = &self.rows[row as usize];
        Row {
            from: if record.from == NONE { None } else { Some(record.from) },
            to: record.to,
            amount: record.amount,
            amount_to: if record.extra == 0 { None } else { self.amount_to(record) },
            time: Time::from_seconds(record.time),
        }
    }

    fn amount_to(&self, record: &RowRecord) -> Option<u128> {
        let number = record.extra.checked_sub(1)?;
        self.conversions.get(number as usize).copied()
    }

    /// A transfer in full, with where it came from.
    pub fn transfer(&self, row: u64) -> Result<Recorded> {
        let bad = || self.damaged("rows", format!("row {row} cannot be read"));
        let at = usize::try_from(row).map_err(|_| bad())?;
        let (Some(record), Some(detail), Some(origin)) =
            (self.rows.get(at), self.details.get(at), self.origins.get(at))
        else {
            return Err(bad());
        };
        let (to_place, to_asset) = self.pot(record.to).ok_or_else(bad)?;
        let PlaceRecord { chain, place: to, owner: to_known } = self.place(to_place)?;
        let (from, from_known, asset) = match record.from {
            NONE => (Place::Mint, None, to_asset),
            pot => {
                let (place, asset) = self.pot(pot).ok_or_else(bad)?;
                let from = self.place(place)?;
                (from.place, from.owner, asset)
            }
        };
        let conversion = match record.extra {
            0 => None,
            _ => Some(Conversion {
                asset: self.asset(to_asset)?.1,
                amount: Amount::new(self.amount_to(record).ok_or_else(bad)?),
            }),
        };
        let transfer = Transfer {
            chain,
            position: position(detail),
            time: Time::from_seconds(record.time),
            tx: self.tx(detail)?,
            kind: *Kind::ALL.get(usize::from(detail.kind)).ok_or_else(bad)?,
            from,
            to,
            from_owner: self.stated_owner(detail.from_owner, from_known, row, 0)?,
            to_owner: self.stated_owner(detail.to_owner, to_known, row, 1)?,
            asset: self.asset(asset)?.1,
            amount: Amount::new(record.amount),
            conversion,
        };
        let Origin { row, import, occurrence } = *origin;
        Ok(Recorded { transfer, import, row, occurrence })
    }

    fn tx(&self, detail: &Detail) -> Result<Option<TxId>> {
        if detail.tx == NONE {
            return Ok(None);
        }
        let tx = self.txs.get(detail.tx as usize);
        tx.map(|tx| Some(TxId::new(*tx))).ok_or_else(|| self.damaged("details", "no such txid"))
    }

    fn stated_owner(
        &self,
        stated: u8,
        known: Option<Address>,
        row: u64,
        side: u32,
    ) -> Result<Option<Address>> {
        match stated {
            OWNER_NONE => Ok(None),
            OWNER_OF_PLACE => Ok(known),
            _ => {
                let wanted = (row, side);
                let key = |note: &OwnerNote| (u64::from(note.row), note.side);
                let note = self.owner_notes.binary_search_by_key(&wanted, key).ok();
                let owner = note.and_then(|at| self.owner_address(self.owner_notes[at].owner));
                owner.map(Some).ok_or_else(|| self.damaged("owner_notes", "an owner is missing"))
            }
        }
    }

    fn owner_address(&self, owner: u32) -> Option<Address> {
        self.owners.names.get(owner as usize)?.address()
    }

    /// The time by which a row was merged with other chains: of rows with a height the latest time
    /// of its chain so far, of others their own. Never falls from row to row.
    ///
    /// # Panics
    /// Like a slice, if `row` is not below [`Index::rows`].
    pub fn merge_time(&self, row: u64) -> Time {
        Time::from_seconds(self.merge_times[row as usize])
    }

    /// The first row whose merge time is `time` or later; [`Index::rows`] if there is none.
    pub fn first_row_at(&self, time: Time) -> u64 {
        self.merge_times.partition_point(|at| *at < time.seconds()) as u64
    }

    /// The place and the asset of a pot; `None` for a number that is no pot's.
    #[inline]
    pub fn pot(&self, pot: u32) -> Option<(u32, u32)> {
        let record = self.pots.get(pot as usize).filter(|record| record.place != NONE)?;
        Some((record.place, record.asset))
    }

    /// What a place number stands for.
    pub fn place(&self, place: u32) -> Result<PlaceRecord> {
        let bad = || self.damaged("places", format!("place {place} cannot be read"));
        let name: &Name = self.places.names.get(place as usize).ok_or_else(bad)?;
        let owner = match name.owner {
            NONE => None,
            owner => Some(self.owner_address(owner).ok_or_else(bad)?),
        };
        let chain = name.chain(&self.chains).ok_or_else(bad)?;
        Ok(PlaceRecord { chain, place: name.place().ok_or_else(bad)?, owner })
    }

    /// What an asset number stands for.
    pub fn asset(&self, asset: u32) -> Result<(Chain, Asset)> {
        let bad = || self.damaged("assets", format!("asset {asset} cannot be read"));
        let name = self.assets.names.get(asset as usize).ok_or_else(bad)?;
        Ok((name.chain(&self.chains).ok_or_else(bad)?, name.asset().ok_or_else(bad)?))
    }

    /// The number of a place, if a transfer names it.
    pub fn find_place(&self, chain: Chain, place: &Place) -> Option<u32> {
        self.places.find(&place_key(self.chain_number(chain)?, place))
    }

    /// The number of an asset, if a transfer names it.
    pub fn find_asset(&self, chain: Chain, asset: &Asset) -> Option<u32> {
        self.assets.find(&asset_key(self.chain_number(chain)?, asset))
    }

    /// The account itself, if it is a place, and every place that a row says it owns.
    pub fn places_owned_by(&self, chain: Chain, address: &Address) -> Vec<u32> {
        let Some(number) = self.chain_number(chain) else { return Vec::new() };
        let key = address_key(number, address);
        let mut places: Vec<u32> = self.places.find(&key).into_iter().collect();
        if let Some(owner) = self.owners.find(&key) {
            places.extend(slice_of(&self.owned, &self.owned_offsets, owner));
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    fn chain_number(&self, chain: Chain) -> Option<u8> {
        self.chains.iter().position(|known| *known == chain).and_then(|n| u8::try_from(n).ok())
    }

    /// The pots of a place, one for each asset it ever held or gave; none for no place.
    pub fn pots_of(&self, place: u32) -> &[u32] {
        slice_of(&self.place_pots, &self.place_pots_offsets, place)
    }

    /// Assets of which some pot's balance passed 2^128−1 and was held there, each with the row at
    /// which one first did: they must be left out of every result.
    pub fn overflowing_assets(&self) -> Vec<(u32, u64)> {
        self.overflowing.iter().map(|[asset, row]| (*asset, u64::from(*row))).collect()
    }

    /// A pot's ledger from `from_row` on; empty for a number that is no pot's.
    pub fn ledger(&self, pot: u32, from_row: u64) -> Ledger<'_> {
        let nothing = Ledger { balance: 0, rows: &[] };
        let at = pot as usize;
        let (Some(this), Some(next)) = (self.pots.get(at), self.pots.get(at + 1)) else {
            return nothing;
        };
        let Some(all) = self.ledgers.get(this.entries as usize..next.entries as usize) else {
            return nothing;
        };
        let first = all.partition_point(|row| u64::from(*row) < from_row);
        let every = BALANCE_EVERY as usize;
        // A balance is stored before row 64, 128 … only: not after the last row.
        let block = (first / every).min(all.len().saturating_sub(1) / every);
        let mut balance = match block.checked_sub(1) {
            Some(block) => self.balances.get(this.balances as usize + block).copied().unwrap_or(0),
            None => 0,
        };
        for row in &all[block * every..first] {
            balance = self.balance_after(pot, balance, *row);
        }
        Ledger { balance, rows: &all[first..] }
    }

    fn balance_after(&self, pot: u32, balance: u128, row: u32) -> u128 {
        match self.rows.get(row as usize) {
            Some(record) if record.from == pot => balance.saturating_sub(record.amount),
            Some(record) => {
                let arrives = self.amount_to(record).unwrap_or(record.amount);
                balance.saturating_add(arrives)
            }
            None => balance,
        }
    }
}

/// The files of an index, by name.
struct Files<'a> {
    folder: &'a Path,
    stamp: &'a Stamp,
}

impl Files<'_> {
    fn open<T: Pod>(&self, name: &str) -> Result<Mapped<T>> {
        Mapped::open(&self.folder.join(name), self.stamp.records(self.folder, name)?)
    }
}

fn position(detail: &Detail) -> Position {
    let known = |bit: u8| detail.known & bit != 0;
    Position {
        height: known(1).then_some(detail.height),
        tx_index: known(2).then_some(detail.tx_index),
        index: known(4).then_some(detail.index),
    }
}

/// The slice of `list` that belongs to `class`; empty where there is none.
fn slice_of<'a>(list: &'a [u32], offsets: &[u32], class: u32) -> &'a [u32] {
    let at = class as usize;
    let (Some(from), Some(to)) = (offsets.get(at), offsets.get(at.wrapping_add(1))) else {
        return &[];
    };
    list.get(*from as usize..*to as usize).unwrap_or(&[])
}
