//! Building the index: one pass over the transfers in order that numbers everything and writes the
//! rows, then one pass over the rows that fills each pot's ledger and balances.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use bytemuck::Pod;
use ledger::{Address, Chain, Kind, Place, Time, TxId};

use super::dictionary::{Dictionary, Pairs, next_number};
use super::record::{
    Detail, NONE, OWNER_NONE, OWNER_NOTED, OWNER_OF_PLACE, Origin, OwnerNote, PotRecord, RowRecord,
    address_key, asset_key, place_key,
};
use super::stamp::{FileStamp, Stamp};
use super::{BALANCE_EVERY, moves};
use crate::batch::Recorded;
use crate::disk::{self, HashingFile, Mapped};
use crate::error::{AtPath, Result};
use crate::order::Transfers;

/// Rows with their merge times, handed from the thread that decodes to the one that numbers.
type Chunk = Vec<(Time, Recorded)>;
const CHUNK_ROWS: usize = 2048;
const READ_AHEAD: usize = 4;

/// Builds the index of `transfers` in `folder`, which must be empty.
pub(super) fn build(folder: &Path, mut transfers: Transfers, stamp: [u8; 32]) -> Result<()> {
    let mut numbering = Numbering::create(folder)?;
    thread::scope(|scope| {
        let (chunks, read) = mpsc::sync_channel(READ_AHEAD);
        scope.spawn(move || read_ahead(&mut transfers, &chunks));
        for chunk in read {
            for (merge_time, recorded) in &chunk? {
                numbering.push(*merge_time, recorded)?;
            }
        }
        Ok(())
    })?;
    let Numbering { streams, files, places, assets, owners, pots, counts, rows, .. } = numbering;
    let mut files = files;
    streams.finish(&mut files)?;
    let rows: Mapped<RowRecord> = Mapped::open(&folder.join("rows"), rows)?;
    write_ledgers(folder, &mut files, &rows, &pots, &counts)?;
    write_pots_by_place(folder, &mut files, &pots, places.names.len())?;
    write_owned(folder, &mut files, &places, owners.names.len())?;
    for (name, dictionary) in [("places", &places), ("assets", &assets), ("owners", &owners)] {
        write_file(folder, &mut files, name, &dictionary.names)?;
        write_file(folder, &mut files, &format!("{name}.sorted"), &dictionary.sorted())?;
    }
    Stamp::new(stamp, files).write(folder)
}

/// Decodes rows on a thread of its own, in order, until they end, fail or are wanted no more.
fn read_ahead(transfers: &mut Transfers, chunks: &SyncSender<Result<Chunk>>) {
    loop {
        let rows = std::iter::from_fn(|| transfers.next_timed().transpose());
        let chunk: Result<Chunk> = rows.take(CHUNK_ROWS).collect();
        let more = chunk.as_ref().is_ok_and(|chunk| chunk.len() == CHUNK_ROWS);
        if chunks.send(chunk).is_err() || !more {
            return;
        }
    }
}

/// A file of records that is being written.
struct Stream {
    path: PathBuf,
    name: &'static str,
    writer: BufWriter<HashingFile>,
    records: u64,
}

impl Stream {
    fn create(folder: &Path, name: &'static str) -> Result<Stream> {
        let path = folder.join(name);
        let writer = BufWriter::with_capacity(1 << 18, HashingFile::create(&path)?);
        Ok(Stream { path, name, writer, records: 0 })
    }

    fn push<T: Pod>(&mut self, record: &T) -> Result<()> {
        self.records += 1;
        self.writer.write_all(bytemuck::bytes_of(record)).at(&self.path)
    }

    fn finish(self, files: &mut Vec<FileStamp>) -> Result<()> {
        let file = self.writer.into_inner().map_err(|error| error.into_error()).at(&self.path)?;
        let (sha256, _) = file.finish(&self.path)?;
        files.push(FileStamp { name: self.name.into(), records: self.records, sha256 });
        Ok(())
    }
}

/// The files that grow by the row.
struct Streams {
    rows: Stream,
    details: Stream,
    origins: Stream,
    merge_times: Stream,
    conversions: Stream,
    txs: Stream,
    owner_notes: Stream,
}

impl Streams {
    fn finish(self, files: &mut Vec<FileStamp>) -> Result<()> {
        let all = [
            self.rows,
            self.details,
            self.origins,
            self.merge_times,
            self.conversions,
            self.txs,
            self.owner_notes,
        ];
        all.into_iter().try_for_each(|stream| stream.finish(files))
    }
}

/// The first pass.
struct Numbering {
    streams: Streams,
    files: Vec<FileStamp>,
    chains: Vec<Chain>,
    places: Dictionary,
    assets: Dictionary,
    owners: Dictionary,
    pots: Pairs,
    /// Rows in each pot's ledger.
    counts: Vec<u32>,
    rows: u64,
    last_tx: Option<TxId>,
}

impl Numbering {
    fn create(folder: &Path) -> Result<Numbering> {
        Ok(Numbering {
            streams: Streams {
                rows: Stream::create(folder, "rows")?,
                details: Stream::create(folder, "details")?,
                origins: Stream::create(folder, "origins")?,
                merge_times: Stream::create(folder, "merge_times")?,
                conversions: Stream::create(folder, "conversions")?,
                txs: Stream::create(folder, "txs")?,
                owner_notes: Stream::create(folder, "owner_notes")?,
            },
            files: Vec::new(),
            chains: Chain::all().collect(),
            places: Dictionary::default(),
            assets: Dictionary::default(),
            owners: Dictionary::default(),
            pots: Pairs::default(),
            counts: Vec::new(),
            rows: 0,
            last_tx: None,
        })
    }

    fn push(&mut self, merge_time: Time, recorded: &Recorded) -> Result<()> {
        let transfer = &recorded.transfer;
        let number = next_number(usize::try_from(self.rows).unwrap_or(usize::MAX), "transfers")?;
        let chain = self.chain_number(transfer.chain);
        let from_place = match transfer.from {
            Place::Mint => NONE,
            place => self.places.number(&place_key(chain, &place))?,
        };
        let to_place = self.places.number(&place_key(chain, &transfer.to))?;
        let asset = self.assets.number(&asset_key(chain, &transfer.asset))?;
        let asset_to = match &transfer.conversion {
            Some(into) => self.assets.number(&asset_key(chain, &into.asset))?,
            None => asset,
        };
        let from = if from_place == NONE { NONE } else { self.pots.number((from_place, asset))? };
        let to = self.pots.number((to_place, asset_to))?;
        let extra = match &transfer.conversion {
            Some(into) => {
                self.streams.conversions.push(&into.amount.base_units())?;
                self.streams.conversions.records as u32
            }
            None => 0,
        };
        let amount = transfer.amount.base_units();
        let time = transfer.time.seconds();
        let row = RowRecord { amount, from, to, time, extra };
        self.count(&row, transfer.conversion.is_some_and(|into| !into.amount.is_zero()));
        self.streams.rows.push(&row)?;
        self.streams.merge_times.push(&merge_time.seconds())?;
        self.streams.origins.push(&Origin {
            row: recorded.row,
            import: recorded.import,
            occurrence: recorded.occurrence,
        })?;
        let from_owner =
            self.owner(number, 0, chain, from_place, &transfer.from, transfer.from_owner)?;
        let to_owner = self.owner(number, 1, chain, to_place, &transfer.to, transfer.to_owner)?;
        let detail = self.detail(recorded, from_owner, to_owner)?;
        self.streams.details.push(&detail)?;
        self.rows += 1;
        Ok(())
    }

    fn chain_number(&self, chain: Chain) -> u8 {
        self.chains.iter().position(|known| *known == chain).unwrap_or(0) as u8
    }

    fn count(&mut self, row: &RowRecord, converts: bool) {
        self.counts.resize(self.pots.pairs.len(), 0);
        if row.from != row.to && (row.amount != 0 || converts) {
            for pot in [row.from, row.to] {
                if let Some(count) = self.counts.get_mut(pot as usize) {
                    *count += 1;
                }
            }
        }
    }

    fn detail(&mut self, recorded: &Recorded, from_owner: u8, to_owner: u8) -> Result<Detail> {
        let transfer = &recorded.transfer;
        let position = transfer.position;
        if transfer.tx != self.last_tx
            && let Some(tx) = &transfer.tx
        {
            self.streams.txs.push(tx.bytes())?;
            self.last_tx = transfer.tx;
        }
        let tx = if transfer.tx.is_some() { (self.streams.txs.records - 1) as u32 } else { NONE };
        let kind = Kind::ALL.iter().position(|kind| *kind == transfer.kind).unwrap_or(0) as u8;
        let known = u8::from(position.height.is_some())
            | u8::from(position.tx_index.is_some()) << 1
            | u8::from(position.index.is_some()) << 2;
        Ok(Detail {
            height: position.height.unwrap_or(0),
            tx_index: position.tx_index.unwrap_or(0),
            index: position.index.unwrap_or(0),
            tx,
            kind,
            known,
            from_owner,
            to_owner,
        })
    }

    /// Notes the owner that a row states for a place of its; the first one stated is the place's.
    fn owner(
        &mut self,
        row: u32,
        side: u32,
        chain: u8,
        number: u32,
        place: &Place,
        owner: Option<Address>,
    ) -> Result<u8> {
        let Some(owner) = owner else { return Ok(OWNER_NONE) };
        let owner = self.owners.number(&address_key(chain, &owner))?;
        if place.holds_value() {
            let known = &mut self.places.names[number as usize].owner;
            if *known == NONE {
                *known = owner;
            }
            if *known == owner {
                return Ok(OWNER_OF_PLACE);
            }
        }
        self.streams.owner_notes.push(&OwnerNote { row, side, owner })?;
        Ok(OWNER_NOTED)
    }
}

/// The second pass: which rows touch each pot, and its balance before every 64th of them.
fn write_ledgers(
    folder: &Path,
    files: &mut Vec<FileStamp>,
    rows: &[RowRecord],
    pots: &Pairs,
    counts: &[u32],
) -> Result<()> {
    let conversions = files.iter().find(|f| f.name == "conversions").map_or(0, |f| f.records);
    let conversions: Mapped<u128> = Mapped::open(&folder.join("conversions"), conversions)?;
    let records = pot_records(pots, counts);
    let end = records[pots.pairs.len()];
    let mut entries = vec![0u32; end.entries as usize];
    let mut balances = vec![0u128; end.balances as usize];
    let mut states: Vec<PotState> = records.iter().map(PotState::starting).collect();
    let mut overflowing: BTreeMap<u32, u32> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        let into = row.extra.checked_sub(1).and_then(|n| conversions.get(n as usize)).copied();
        if !moves(row, into) {
            continue;
        }
        for pot in [row.from, row.to] {
            let Some(state) = states.get_mut(pot as usize) else { continue };
            entries[state.next as usize] = number as u32;
            state.next += 1;
            if state.filled > 0 && u64::from(state.filled).is_multiple_of(BALANCE_EVERY) {
                balances[state.next_balance as usize] = state.balance;
                state.next_balance += 1;
            }
            state.filled += 1;
            if pot == row.from {
                state.balance = state.balance.saturating_sub(row.amount);
            } else if let Some(sum) = state.balance.checked_add(into.unwrap_or(row.amount)) {
                state.balance = sum;
            } else {
                state.balance = u128::MAX;
                overflowing.entry(state.asset).or_insert(number as u32);
            }
        }
    }
    let overflowing: Vec<[u32; 2]> =
        overflowing.into_iter().map(|(asset, row)| [asset, row]).collect();
    write_file(folder, files, "pots", &records)?;
    write_file(folder, files, "ledgers", &entries)?;
    write_file(folder, files, "balances", &balances)?;
    write_file(folder, files, "overflowing", &overflowing)?;
    Ok(())
}

/// What the second pass knows of a pot, side by side because pots are met in no order.
struct PotState {
    balance: u128,
    /// Where its next row goes.
    next: u64,
    /// Where its next stored balance goes.
    next_balance: u64,
    filled: u32,
    asset: u32,
}

impl PotState {
    fn starting(record: &PotRecord) -> PotState {
        let (next, next_balance) = (record.entries, record.balances);
        PotState { balance: 0, next, next_balance, filled: 0, asset: record.asset }
    }
}

/// Where each pot's rows and balances begin, and one record more for where the last ones end.
fn pot_records(pots: &Pairs, counts: &[u32]) -> Vec<PotRecord> {
    let (mut entries, mut balances) = (0, 0);
    let mut records = Vec::with_capacity(counts.len() + 1);
    for ((place, asset), count) in pots.pairs.iter().zip(counts) {
        records.push(PotRecord { place: *place, asset: *asset, entries, balances });
        entries += u64::from(*count);
        balances += u64::from(count.saturating_sub(1)) / BALANCE_EVERY;
    }
    records.push(PotRecord { place: NONE, asset: NONE, entries, balances });
    records
}

fn write_pots_by_place(
    folder: &Path,
    files: &mut Vec<FileStamp>,
    pots: &Pairs,
    places: usize,
) -> Result<()> {
    let members = pots.pairs.iter().map(|(place, _)| *place);
    let (offsets, list) = group(members, places);
    write_file(folder, files, "place_pots", &list)?;
    write_file(folder, files, "place_pots.offsets", &offsets)
}

fn write_owned(
    folder: &Path,
    files: &mut Vec<FileStamp>,
    places: &Dictionary,
    owners: usize,
) -> Result<()> {
    let (offsets, list) = group(places.names.iter().map(|name| name.owner), owners);
    write_file(folder, files, "owned", &list)?;
    write_file(folder, files, "owned.offsets", &offsets)
}

/// The positions of an iterator grouped by its items (which are below `classes`, or none), by
/// counting: where each class begins, and the positions class by class.
fn group(items: impl Iterator<Item = u32> + Clone, classes: usize) -> (Vec<u32>, Vec<u32>) {
    let mut offsets = vec![0u32; classes + 1];
    for class in items.clone().filter(|class| *class != NONE) {
        offsets[class as usize + 1] += 1;
    }
    for class in 0..classes {
        offsets[class + 1] += offsets[class];
    }
    let mut next = offsets.clone();
    let mut list = vec![0u32; offsets[classes] as usize];
    for (position, class) in items.enumerate().filter(|(_, class)| *class != NONE) {
        let slot = &mut next[class as usize];
        list[*slot as usize] = position as u32;
        *slot += 1;
    }
    (offsets, list)
}

fn write_file<T: Pod>(
    folder: &Path,
    files: &mut Vec<FileStamp>,
    name: &str,
    records: &[T],
) -> Result<()> {
    let path = folder.join(name);
    let mut file = HashingFile::create(&path)?;
    file.write_all(bytemuck::cast_slice(records)).at(&path)?;
    let (sha256, _) = file.finish(&path)?;
    files.push(FileStamp { name: name.into(), records: records.len() as u64, sha256 });
    Ok(())
}

/// Makes an empty folder, whatever was there.
pub(super) fn fresh_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).at(folder)?;
    }
    fs::create_dir_all(folder).at(folder)
}

/// Gives a finished index its name and removes every other one.
pub(super) fn publish(parent: &Path, temporary: &Path, name: &str) -> Result<()> {
    let target = parent.join(name);
    disk::sync_folder(temporary)?;
    if target.exists() {
        fs::remove_dir_all(&target).at(&target)?;
    }
    fs::rename(temporary, &target).at(&target)?;
    disk::sync_folder(parent)?;
    for entry in fs::read_dir(parent).at(parent)? {
        let entry = entry.at(parent)?;
        if entry.file_name() != *name {
            // Whoever has it mapped keeps it; what cannot be removed now goes with the next build.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}
