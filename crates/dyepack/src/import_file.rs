//! Brings one file into the archive: hashes it, recognises it, reads it in batches, and keeps account
//! of what was new, what was there, and what was set aside.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use anyhow::{Context as _, anyhow};
use archive::{
    Account, Archive, Batch, Entry, Import, Progress, Reason, Rejected, Source, Subject, Token,
};
use bytes::Bytes;
use chains::exports::{self, Context, Item, Look, Options, ReadError, Recognised, Summary};
use indicatif::ProgressBar;
use ledger::{Table, Transfer, TxId};
use parquet::file::reader::{ChunkReader, Length};
use sha2::{Digest, Sha256};

use crate::set_aside::SetAsideRows;

/// Transfers that are held before they are written as one part, where memory allows; it may use up to so
/// many bytes for each.
const BATCH: usize = 1 << 20;
const BYTES_A_TRANSFER: usize = 1 << 10;
/// Items that are handed from thread to thread at once, and how many such the writer may be behind.
const ITEMS: usize = 256;
const READ_AHEAD: usize = 1;
/// How much of a file is looked at to recognise it.
const HEAD: usize = 64 << 10;

/// A file to bring in, and what the import calls it.
pub(crate) struct Wanted {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) recognised: Recognised,
}

/// What became of one file.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) name: String,
    pub(crate) sha256: [u8; 32],
    pub(crate) recognised: Recognised,
    pub(crate) summary: Summary,
    /// Transfers that were new to the archive; `None` where there was none to compare with.
    pub(crate) new: Option<u64>,
    pub(crate) already: Option<u64>,
    pub(crate) set_aside: SetAsideRows,
    /// What the file does not tell.
    pub(crate) gaps: Vec<archive::Gap>,
    /// Why reading ended before the file's end.
    pub(crate) broken: Option<String>,
}

/// The first bytes of a file.
pub(crate) fn head(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.take(HEAD as u64)
        .read_to_end(&mut head)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(head)
}

/// What a file looks like.
pub(crate) fn look(path: &Path) -> anyhow::Result<Look> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    exports::look(&file_name(path), &mut BufReader::new(file))
        .with_context(|| format!("cannot read {}", path.display()))
}

/// A file's name without its folders, by which some formats are told apart.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The SHA-256 of a file's bytes.
pub(crate) fn hash(path: &Path) -> anyhow::Result<[u8; 32]> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        }
    }
}

/// Memory that an import may use where nobody says how much, in bytes.
pub(crate) const MEMORY: usize = 2 << 30;

/// How files are read.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) options: &'a Options,
    /// Bytes that may be used.
    pub(crate) memory: usize,
    /// Over the bytes of the file.
    pub(crate) bar: &'a ProgressBar,
}

/// How a file is read, in a word that is the same if it is read so again: only of formats that need no
/// other file beside it.
fn way_of_reading(recognised: &Recognised, options: &Options) -> Option<String> {
    let chain = options.chain.map_or("-", |chain| chain.name());
    (recognised.format == "transfers")
        .then(|| format!("{} {chain} {}", env!("DYEPACK_COMMIT"), recognised.parquet))
}

/// How many transfers go into a batch with so much memory.
pub(crate) fn most(memory: usize) -> usize {
    BATCH.min(memory / BYTES_A_TRANSFER / 2)
}

/// Reads a file into the archive; with no archive, only reads it.
pub(crate) fn import(
    archive: Option<&mut Archive>,
    wanted: Wanted,
    reading: &Reading<'_>,
    context: &mut Context,
) -> anyhow::Result<Imported> {
    let Wanted { path, name, recognised } = wanted;
    let compares = archive.is_some();
    let way = way_of_reading(&recognised, reading.options);
    let (mut intake, outcome) = thread::scope(|scope| -> anyhow::Result<_> {
        let (sender, items) = mpsc::sync_channel(READ_AHEAD);
        let (path, recognised) = (&path, &recognised);
        let reader = scope.spawn(move || {
            let mut sender = Sender { sender, items: Vec::new() };
            let mut sink = |item: Item| sender.send(item);
            let outcome = read(path, recognised, reading, context, &mut sink);
            // If nobody receives any more, the writer says why.
            let _ = sender.flush();
            outcome
        });
        // The file is hashed while its first rows are read.
        let sha256 = hash(path)?;
        let source = Source { name: name.clone(), sha256, format: recognised.format.to_string() };
        let mut intake = Intake::new(archive, source, most(reading.memory), way)?;
        for item in items.into_iter().flatten() {
            intake.take(item)?;
        }
        // A reader panics only over a bug of ours.
        let outcome = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((intake, outcome))
    })?;
    let (summary, broken) = match outcome {
        Ok(summary) => (summary, None),
        // A header that cannot be is no beginning of an import, whatever else it says.
        Err(error) if intake.rows == 0 => {
            return Err(anyhow!(error).context(format!("cannot read {}", path.display())));
        }
        // What came before the damage is kept, and the import says that it is not whole.
        Err(error) => (intake.partial_summary(), Some(error.to_string())),
    };
    if let Some(reason) = &broken {
        let what = format!("the file could not be read to its end: {reason}");
        intake.set_aside.add(0, what)?;
    }
    intake.flush(broken.is_none(), summary.rows)?;
    intake.set_aside.close()?;
    let Intake { source, new, already, set_aside, gaps, .. } = intake;
    let (new, already) = (compares.then_some(new), compares.then_some(already));
    let sha256 = source.sha256;
    Ok(Imported { name, sha256, recognised, summary, new, already, set_aside, gaps, broken })
}

fn read(
    path: &Path,
    recognised: &Recognised,
    &Reading { options, bar, .. }: &Reading<'_>,
    context: &mut Context,
    sink: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<Summary, ReadError> {
    let file = File::open(path)?;
    if recognised.parquet {
        let file = Watched { file, bar: bar.clone() };
        return exports::read_parquet(recognised.format, file, options, sink);
    }
    let mut reader = BufReader::with_capacity(1 << 18, bar.wrap_read(file));
    exports::read(recognised.format, &mut reader, options, context, sink)
}

/// A Parquet file that moves a bar as it is read.
struct Watched {
    file: File,
    bar: ProgressBar,
}

impl Watched {
    fn at(&self, offset: u64) {
        // The footer is read first, and columns of a row group lie one behind the other.
        if offset < self.file.len() - self.file.len() / 64 {
            self.bar.set_position(offset.max(self.bar.position()));
        }
    }
}

impl Length for Watched {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for Watched {
    type T = <File as ChunkReader>::T;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.at(start);
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.at(start);
        self.file.get_bytes(start, length)
    }
}

/// Hands items from the thread that reads to the one that writes, some at a time.
struct Sender {
    sender: SyncSender<Vec<Item>>,
    items: Vec<Item>,
}

impl Sender {
    fn send(&mut self, item: Item) -> ControlFlow<()> {
        let is_table = matches!(item, Item::Table { .. });
        self.items.push(item);
        match is_table || self.items.len() >= ITEMS {
            true => self.flush(),
            false => ControlFlow::Continue(()),
        }
    }

    fn flush(&mut self) -> ControlFlow<()> {
        match self.sender.send(std::mem::take(&mut self.items)) {
            Ok(()) => ControlFlow::Continue(()),
            // Whoever writes has failed, and says so.
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Collects what a reader hands out, and writes it in batches.
struct Intake<'a> {
    archive: Option<&'a mut Archive>,
    source: Source,
    /// Transfers of a batch.
    most: usize,
    /// See [`way_of_reading`]; `None` once a row was refused.
    way: Option<String>,
    /// So many transfers were appended before a kill, and are only counted.
    there: u64,
    batch: Batch,
    /// Equal rows so far, by group, of rows without a full position.
    equals: HashMap<(Option<String>, Transfer), u32>,
    /// Rows that equal an earlier one of the file, or group, in everything.
    repeated: u64,
    last_repeated: Option<u64>,
    /// Rows so far that gave anything: one row may give several transfers, a value and a fee.
    rows: u64,
    last_row: Option<u64>,
    last_tx: Option<TxId>,
    transfers: u64,
    /// Where the file has each transfer of the batch.
    lines: Vec<u64>,
    new: u64,
    already: u64,
    renumbered: u64,
    set_aside: SetAsideRows,
    last_aside: Option<u64>,
    /// Rows of the batch that gave transfers and were set aside for another of theirs.
    both: HashSet<u64>,
    gaps: Vec<archive::Gap>,
}

impl<'a> Intake<'a> {
    fn new(
        archive: Option<&'a mut Archive>,
        source: Source,
        most: usize,
        way: Option<String>,
    ) -> anyhow::Result<Intake<'a>> {
        let known =
            archive.as_ref().and_then(|archive| archive.import(&source.sha256, &source.format));
        let progress = known.and_then(|known| known.progress.as_ref());
        let there = progress.filter(|progress| Some(&progress.reading) == way.as_ref());
        let there = there.map_or(0, |progress| progress.transfers);
        let folder = archive.as_ref().map(|archive| archive.folder());
        let set_aside = SetAsideRows::new(&source, folder);
        Ok(Intake {
            archive,
            most,
            way,
            there,
            batch: Batch::new(source.clone()),
            source,
            equals: HashMap::new(),
            repeated: 0,
            last_repeated: None,
            rows: 0,
            last_row: None,
            last_tx: None,
            transfers: 0,
            lines: Vec::new(),
            new: 0,
            already: 0,
            renumbered: 0,
            set_aside,
            last_aside: None,
            both: HashSet::new(),
            gaps: Vec::new(),
        })
    }

    fn take(&mut self, item: Item) -> anyhow::Result<()> {
        let full = self.batch.entries.len() + self.batch.blocks.len() >= self.most;
        match item {
            Item::Transfer { row, group, transfer } => {
                // What a source tells of one transaction is compared as a whole.
                let next = transfer.tx.is_none() || self.last_tx != transfer.tx;
                if full && (next || self.batch.entries.len() >= 2 * self.most) {
                    self.flush_part(false)?;
                }
                self.last_tx = transfer.tx;
                self.rows += u64::from(self.last_row != Some(row));
                self.last_row = Some(row);
                if self.last_aside == Some(row) {
                    self.both.insert(row);
                }
                let occurrence = self.occurrence(row, group, &transfer);
                self.transfers += 1;
                if self.transfers <= self.there {
                    self.already += 1;
                    return Ok(());
                }
                let number = self.transfers - 1;
                self.batch.entries.push(Entry { transfer, row: number, occurrence });
                self.lines.push(row);
            }
            Item::Table { row, table } => self.take_table(row, table)?,
            Item::Block(block) => {
                if full {
                    self.flush_part(false)?;
                }
                self.rows += 1;
                self.batch.blocks.push(block);
            }
            Item::Token { chain, asset, decimals, symbol } => {
                let symbol = symbol.unwrap_or_default();
                self.batch.tokens.push(Token { chain, asset, decimals, symbol });
            }
            Item::SetAside { row, reason } => {
                self.rows += 1;
                self.last_aside = Some(row);
                if self.last_row == Some(row) {
                    self.both.insert(row);
                }
                self.set_aside.add(row, reason)?;
            }
            Item::Gap { kind, detail } => self.gaps.push(archive::Gap { kind, detail }),
        }
        Ok(())
    }

    /// A table is a batch of its own, unless rows wait that may be of its first transaction.
    fn take_table(&mut self, row: u64, mut table: Table) -> anyhow::Result<()> {
        if !self.batch.entries.is_empty() {
            for (at, row) in (0..table.rows.len()).zip(row..) {
                let transfer = table.transfer(at);
                self.take(Item::Transfer { row, group: None, transfer })?;
            }
            return Ok(());
        }
        let rows = table.rows.len() as u64;
        self.rows += rows;
        self.last_row = Some(row + rows - 1);
        self.last_tx = table.rows.last().and_then(|row| row.tx);
        let there = self.there.saturating_sub(self.transfers).min(rows);
        self.already += there;
        table.rows.drain(..there as usize);
        self.transfers += rows;
        if table.rows.is_empty() {
            return Ok(());
        }
        self.lines.extend(row + there..row + rows);
        self.batch.table = Some((self.transfers - table.rows.len() as u64, table));
        self.batch.more = true;
        self.flush_part(false)
    }

    fn occurrence(&mut self, row: u64, group: Option<String>, transfer: &Transfer) -> u32 {
        if transfer.position.is_full() {
            return 0;
        }
        let count = self.equals.entry((group, *transfer)).or_insert(0);
        *count += 1;
        if *count > 1 && self.last_repeated != Some(row) {
            self.repeated += 1;
            self.last_repeated = Some(row);
        }
        *count - 1
    }

    /// The counts of a file that was not read to its end.
    fn partial_summary(&self) -> Summary {
        let set_aside = self.set_aside.count;
        Summary { rows: self.rows, transfers: self.transfers, set_aside, ..Summary::default() }
    }

    fn flush(&mut self, complete: bool, rows: u64) -> anyhow::Result<()> {
        // Rows refused by the last part must be counted in what that part records.
        if !self.batch.entries.is_empty() || !self.batch.blocks.is_empty() {
            self.flush_part(false)?;
        }
        if self.repeated > 0 {
            let detail = format!(
                "{} rows equal another in everything and have no position: each counts as a transfer \
                 of its own",
                self.repeated
            );
            self.gaps.push(archive::Gap { kind: "identical-rows".to_string(), detail });
        }
        if self.renumbered > 0 {
            let detail = format!(
                "{} transfers have another number in their transaction than in a file of another \
                 format: where only one of the files tells of a row, its order in the transaction is not \
                 sure",
                self.renumbered
            );
            self.gaps.push(archive::Gap { kind: "mixed-numbers".to_string(), detail });
        }
        self.batch.account =
            Some(Account { rows, set_aside: self.set_aside.count, gaps: self.gaps.clone() });
        self.flush_part(complete)
    }

    fn flush_part(&mut self, last: bool) -> anyhow::Result<()> {
        let next = Batch::new(self.source.clone());
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.last = last;
        let progress =
            |reading: &String| Progress { transfers: self.transfers, reading: reading.clone() };
        batch.progress = self.way.as_ref().map(progress);
        let first = self.transfers - self.lines.len() as u64;
        let lines = std::mem::take(&mut self.lines);
        let Some(archive) = self.archive.as_mut() else { return Ok(()) };
        let appended = archive.append(&batch).context("cannot write to the archive")?;
        self.new += appended.transfers;
        self.already += appended.already;
        self.renumbered += appended.renumbered;
        let refused = Refused { batch: &batch, imports: archive.imports(), lines: &lines, first };
        if !appended.rejected.is_empty() {
            self.way = None;
        }
        let told: Vec<_> =
            appended.rejected.iter().filter_map(|rejected| refused.told(rejected)).collect();
        for (row, reason) in told {
            // A row is set aside once; what came before is on its way to disk.
            if !self.both.contains(&row) {
                self.set_aside.add(row, reason)?;
            }
        }
        self.both.clear();
        Ok(())
    }
}

/// What is needed to say of a refused row which other row it contradicts.
struct Refused<'a> {
    batch: &'a Batch,
    imports: &'a [Import],
    /// Where the file has each transfer of the batch, which begins with the file's transfer `first`.
    lines: &'a [u64],
    first: u64,
}

impl Refused<'_> {
    /// The row of the file and the reason in a person's words; `None` where no row is lost.
    fn told(&self, rejected: &Rejected) -> Option<(u64, String)> {
        match rejected.subject {
            // Two sources may call a token differently.
            Subject::Token { .. } => None,
            Subject::Block { chain, height } => {
                Some((0, format!("block {height} of {chain}: {}", rejected.reason)))
            }
            Subject::Row(row) => {
                Some((self.line(row).unwrap_or(0), self.reason(row, &rejected.reason)))
            }
        }
    }

    fn line(&self, transfer: u64) -> Option<u64> {
        self.lines.get(self.at(transfer)?).copied()
    }

    fn at(&self, transfer: u64) -> Option<usize> {
        usize::try_from(transfer.checked_sub(self.first)?).ok()
    }

    fn reason(&self, transfer: u64, reason: &Reason) -> String {
        let other = match reason {
            Reason::ConflictInSource { row } => match self.line(*row) {
                Some(line) => format!("row {line} of the same file"),
                None => format!("transfer {} of the same file", row + 1),
            },
            Reason::ConflictWithArchive { import, row } => self.earlier(*import, *row),
            Reason::OtherCost { import, row } => {
                return format!(
                    "contradicts {}, which tells another cost of the same transaction and stays",
                    self.earlier(*import, *row)
                );
            }
            Reason::OtherPlace { import, row } => {
                return format!(
                    "contradicts {}, which puts the same transaction at another index of the block and \
                     stays",
                    self.earlier(*import, *row)
                );
            }
            other => return other.to_string(),
        };
        let position = self.at(transfer).and_then(|at| match &self.batch.table {
            Some((_, table)) => table.rows.get(at).map(|row| row.position()),
            None => self.batch.entries.get(at).map(|entry| entry.transfer.position),
        });
        let position = position.unwrap_or_default();
        let number = |part: Option<u64>| part.map_or("?".to_string(), |part| part.to_string());
        format!(
            "contradicts {other}, which has other content at the same position (height {}, \
             transaction {}, index {}) and stays",
            number(position.height),
            number(position.tx_index.map(u64::from)),
            number(position.index.map(u64::from)),
        )
    }

    /// A transfer that the archive had before: of which file, and the how manieth of it.
    fn earlier(&self, import: u32, row: u64) -> String {
        let number = row + 1;
        let known = self.imports.get(import as usize);
        let this = &self.batch.source;
        match known {
            Some(known) if known.sha256 == this.sha256 && known.format == this.format => {
                format!("transfer {number} of the same file")
            }
            Some(known) => format!("transfer {number} of {}, imported before", known.name),
            None => format!("transfer {number} of import {import}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Amount, Chain, Place, Position, Time};

    use super::*;

    fn transfer(number: u32) -> Transfer {
        let account = |text| Place::parse(Chain::TRON, text).expect("an address");
        Transfer {
            chain: Chain::TRON,
            position: Position::full(number.into(), 0, 0),
            time: Time::from_seconds(1000 + number),
            tx: Some(TxId::new([number as u8; 32])),
            kind: ledger::Kind::Native,
            from: account("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
            to: account("TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem"),
            from_owner: None,
            to_owner: None,
            asset: ledger::Asset::Native,
            amount: Amount::new(5),
            conversion: None,
        }
    }

    /// Reads the first `count` transfers of a file, ten a batch; to its end if `whole`.
    fn read(archive: &mut Archive, way: &str, count: u32, whole: bool) -> (u64, u64) {
        let source = Source { name: "a".into(), sha256: [1; 32], format: "transfers".into() };
        let mut intake = Intake::new(Some(archive), source, 10, Some(way.into())).expect("begun");
        for number in 0..count {
            let row = u64::from(number) + 1;
            let item = Item::Transfer { row, group: None, transfer: transfer(number) };
            intake.take(item).expect("taken");
        }
        if whole {
            intake.flush(true, count.into()).expect("written");
        }
        (intake.new, intake.already)
    }

    #[test]
    fn a_killed_import_goes_on_where_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut archive = Archive::open(folder.path()).expect("made");
        assert_eq!(read(&mut archive, "so", 35, false), (30, 0));
        let progress = |archive: &Archive| archive.imports()[0].progress.clone();
        assert_eq!(progress(&archive).map(|progress| progress.transfers), Some(30));
        // Who reads it in another way compares all of it.
        assert_eq!(read(&mut archive, "otherwise", 15, false), (0, 10));
        assert_eq!(read(&mut archive, "so", 50, true), (20, 30));
        assert_eq!((archive.rows(), progress(&archive)), (50, None));
        assert!(archive.imports()[0].complete);
        assert_eq!(read(&mut archive, "so", 50, true), (0, 50));
        let held: Vec<Transfer> =
            archive.transfers().expect("read").map(|row| row.expect("a row").transfer).collect();
        assert_eq!(held, (0..50).map(transfer).collect::<Vec<_>>());
    }

    #[test]
    fn an_import_with_refused_rows_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut archive = Archive::open(folder.path()).expect("made");
        let mut other =
            Batch::new(Source { name: "b".into(), sha256: [2; 32], format: "transfers".into() });
        let moved = Transfer { amount: Amount::new(6), ..transfer(3) };
        other.entries = vec![Entry { transfer: moved, row: 0, occurrence: 0 }];
        archive.append(&other).expect("written");
        assert_eq!(read(&mut archive, "so", 35, false), (29, 0));
        assert_eq!(archive.imports()[1].progress, None);
    }
}
