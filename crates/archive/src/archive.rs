//! The archive's face: open, append, rewind, ask, read in order, check.
//!
//! Every change writes new files, then replaces the manifest, then removes what it no longer names.
//! A kill between any two of these steps leaves the last commit or the new one.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::{Asset, Block, Chain, Time};

use crate::append;
use crate::batch::{
    Account, Appended, Batch, Reason, Rejected, Source, Subject, Token, asset_fits,
};
use crate::blocks::{self, Headers};
use crate::bulk::OpenPart;
use crate::disk::{self, Disk, Opening, RealDisk};
use crate::error::{ArchiveError, AtPath, Result};
use crate::external::ExternalReader;
use crate::index::{Ground, Index, UNIT};
use crate::journal::{Claims, Journal};
use crate::manifest::{self, Import, Manifest};
use crate::order::Transfers;
use crate::part::Store;
use crate::rewrite::{self, Rewound};

const LOCK: &str = "lock";
const INDEX: &str = "index";
const INDEX_LOCK: &str = "index.lock";
const JOURNAL: &str = "claims.journal";
/// Memory that is used where nobody says how much, in bytes.
const MEMORY: usize = 2 << 30;
/// The names and pots of an index that is being built may take one of so many parts of the memory.
const NAMES_SHARE: usize = 8;

/// An archive, opened at its last commit.
pub struct Archive {
    store: Arc<Store>,
    manifest: Manifest,
    /// True if a commit failed, so that nobody knows whether the disk has it or the one before.
    in_doubt: bool,
    /// Held for as long as this archive may write.
    lock: Option<File>,
    /// A part whose tables are not committed.
    waiting: Option<OpenPart>,
    /// How much memory may be used, in bytes.
    memory: usize,
    /// Rows of the smallest sealed segment of the index.
    segment_unit: u64,
}

/// What an archive holds of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainSummary {
    pub chain: Chain,
    /// Of transfers and block headers.
    pub first_height: Option<u64>,
    pub last_height: Option<u64>,
    /// Of transfers; `None` where there are only headers.
    pub first_time: Option<Time>,
    pub last_time: Option<Time>,
    pub transfers: u64,
    /// Distinct transactions, counted file by file: one that lies in two files counts twice.
    pub transactions: u64,
    /// Block headers.
    pub blocks: u64,
}

/// Something that [`Archive::check`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: PathBuf,
    pub what: String,
}

impl Archive {
    /// Opens an archive for writing, making it where there is none. One process at a time may.
    /// What an earlier kill left behind is removed.
    pub fn open(folder: &Path) -> Result<Archive> {
        Archive::open_on(folder, Arc::new(RealDisk))
    }

    /// The same on another disk, such as one that fails.
    pub fn open_on(folder: &Path, disk: Arc<dyn Disk>) -> Result<Archive> {
        disk::make_folders(&*disk, folder)?;
        let path = folder.join(LOCK);
        let lock = disk.open(&path, Opening::Keep).at(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ArchiveError::Locked { path }),
            Err(TryLockError::Error(source)) => return Err(source).at(&path),
        }
        let manifest = match Manifest::load(&disk, folder)? {
            Some(manifest) => {
                // Whoever wrote it may have been killed before it was durable.
                disk::sync_folder(&*disk, folder)?;
                manifest
            }
            None => {
                refuse_orphans(&*disk, folder)?;
                // Who finds a manifest may rely on the folders above it.
                disk::sync_way_to(&*disk, folder)?;
                let empty = Manifest::default();
                empty.commit(&disk, folder)?;
                empty
            }
        };
        let archive = Archive::of(disk, folder, manifest, Some(lock));
        archive.sweep()?;
        Ok(archive)
    }

    /// Opens the last commit of an archive for reading. Takes no lock: what a writer commits later
    /// is not seen, and a file that a later rewind or merge removes is reported as missing.
    pub fn read(folder: &Path) -> Result<Archive> {
        Archive::read_on(folder, Arc::new(RealDisk))
    }

    /// The same on another disk, such as one that fails.
    pub fn read_on(folder: &Path, disk: Arc<dyn Disk>) -> Result<Archive> {
        let Some(manifest) = Manifest::load(&disk, folder)? else {
            refuse_orphans(&*disk, folder)?;
            return Err(ArchiveError::Missing { path: folder.to_path_buf() });
        };
        Ok(Archive::of(disk, folder, manifest, None))
    }

    fn of(disk: Arc<dyn Disk>, folder: &Path, manifest: Manifest, lock: Option<File>) -> Archive {
        Archive {
            store: Arc::new(Store::new(disk, folder)),
            manifest,
            in_doubt: false,
            lock,
            waiting: None,
            memory: MEMORY,
            segment_unit: UNIT,
        }
    }

    /// Sets how much memory indexing aims at, in bytes; 2 GiB where this is not called.
    pub fn limit_memory(&mut self, bytes: usize) {
        self.memory = bytes;
    }

    /// Says who reads files that are registered in place; the first to be named does.
    pub fn read_external_with(&self, reader: Arc<dyn ExternalReader>) {
        self.store.read_external_with(reader);
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Sets the rows of the smallest sealed segment of the index, so that a test has many of them.
    #[doc(hidden)]
    pub fn set_segment_unit(&mut self, rows: u64) {
        self.segment_unit = rows.max(1);
    }

    /// The archive's folder.
    pub fn folder(&self) -> &Path {
        &self.store.folder
    }

    /// Adds what is new in a batch and commits it. Rows that are there already are counted, rows
    /// that contradict are returned; the rest is on the disk when this returns.
    ///
    /// Tables that say that more follow wait for each other: they are on the disk when one returns that
    /// does not, or any other change. After an error those that waited are gone, and all of them have to
    /// be appended again.
    pub fn append(&mut self, batch: &Batch) -> Result<Appended> {
        self.writable()?;
        if let Some(appended) = self.append_waiting(batch)? {
            return Ok(appended);
        }
        let mut next = self.manifest.clone();
        let import = import_ordinal(&mut next, &batch.source)?;
        let sorted = append::write_batch(&self.store, &mut next, batch, import)?;
        next.parts.extend(sorted.parts);
        let mut rejected = sorted.rejected;
        let blocks = self.append_blocks(&mut next, &batch.blocks, &mut rejected)?;
        append_tokens(&mut next, &batch.tokens, import, &mut rejected);
        let record = &mut next.imports[import as usize];
        if let Some(account) = &batch.account {
            record.account = account.clone();
        }
        record.transfers += sorted.added;
        record.complete |= batch.last;
        // What was refused is told by whoever reads the source to its end.
        record.progress =
            batch.progress.clone().filter(|_| !record.complete && rejected.is_empty());
        if sorted.added + blocks == 0 && !sorted.replaced {
            next.next_number = self.manifest.next_number;
            self.commit(next)?;
        } else {
            self.compact_and_commit(next)?;
        }
        let (transfers, already, renumbered) = (sorted.added, sorted.already, sorted.renumbered);
        Ok(Appended { import, transfers, already, renumbered, blocks, rejected })
    }

    /// Adds the table of a batch to the part that waits, or lets it wait, if that is all there is to do.
    fn append_waiting(&mut self, batch: &Batch) -> Result<Option<Appended>> {
        let mut waits = false;
        // A part of which a write failed is not gone on with.
        if let Some(mut open) = self.waiting.take() {
            waits = open.add(&self.manifest, batch)?;
            self.waiting = Some(open);
        }
        if !waits {
            self.settle(false)?;
        }
        let mut next = self.manifest.clone();
        let import = import_ordinal(&mut next, &batch.source)?;
        if !waits && batch.more && batch.account.is_none() {
            self.waiting = OpenPart::begin(&self.store, &mut next, batch, import)?;
        }
        let rows = batch.table.as_ref().map_or(0, |(_, table)| table.rows.len() as u64);
        if !waits && self.waiting.is_none() {
            return Ok(None);
        }
        let is_full = self.waiting.as_ref().is_some_and(|open| open.rows() >= rewrite::MOST);
        if is_full || !batch.more {
            self.settle(batch.last)?;
        }
        Ok(Some(Appended { import, transfers: rows, ..Appended::default() }))
    }

    /// Commits the part that waits, if there is one; with the `last` of its source's tables, the import is
    /// complete.
    pub(crate) fn settle(&mut self, last: bool) -> Result<()> {
        let Some(open) = self.waiting.take() else { return Ok(()) };
        let (source, progress, part) = open.finish()?;
        let mut next = self.manifest.clone();
        let import = import_ordinal(&mut next, &source)?;
        next.take_number();
        let record = &mut next.imports[import as usize];
        record.transfers += part.as_ref().map_or(0, |part| part.rows);
        record.progress = progress;
        record.complete |= last;
        next.parts.extend(part);
        self.compact_and_commit(next)
    }

    fn append_blocks(
        &self,
        next: &mut Manifest,
        batch: &[Block],
        rejected: &mut Vec<Rejected>,
    ) -> Result<u64> {
        let mut by_chain: std::collections::BTreeMap<Chain, Vec<&Block>> = Default::default();
        for block in batch {
            by_chain.entry(block.chain).or_default().push(block);
        }
        let mut added = 0;
        for (chain, batch) in by_chain {
            let heights = || batch.iter().map(|block| block.height);
            let (low, high) = (heights().min().unwrap_or(0), heights().max().unwrap_or(0));
            let mut known = blocks::load(&self.store, &next.blocks, chain, low, high)?;
            let mut fresh = Headers::new();
            for block in batch {
                let united = match known.get(&block.height) {
                    Some(before) => blocks::unite(before, block),
                    None => Some(*block),
                };
                let Some(united) = united else {
                    let subject = Subject::Block { chain, height: block.height };
                    rejected.push(Rejected { subject, reason: Reason::BlockConflict });
                    continue;
                };
                if known.insert(block.height, united) != Some(united) {
                    fresh.insert(block.height, united);
                }
            }
            if !fresh.is_empty() {
                added += fresh.len() as u64;
                let number = next.take_number();
                next.blocks.extend(blocks::write(&self.store, chain, number, &fresh)?);
            }
        }
        Ok(added)
    }

    /// Drops the transfers and headers of `chain` above `height`, atomically. Rows without a height
    /// stay. Imports that lost rows are no longer complete.
    pub fn rewind(&mut self, chain: Chain, height: u64) -> Result<Rewound> {
        self.writable()?;
        self.settle(false)?;
        let mut next = self.manifest.clone();
        let rewound = rewrite::rewind(&self.store, &mut next, chain, height)?;
        self.commit(next)?;
        Ok(rewound)
    }

    /// The highest block known of `chain`: its header, or height and time of the last transfer.
    /// Rows without a height do not count.
    pub fn tip(&self, chain: Chain) -> Result<Option<Block>> {
        let parts = self.manifest.parts.iter().filter(|part| part.chain == chain);
        let last = parts
            .filter_map(|part| Some((part.last.height?, Time::from_seconds(part.last.time))))
            .max();
        let headers = self.manifest.blocks.iter().filter(|part| part.chain == chain);
        let header = headers.map(|part| part.last_height).max();
        match (last, header) {
            (Some((height, time)), header) if header.is_none_or(|header| header < height) => {
                Ok(Some(Block { chain, height, time, hash: None, parent: None }))
            }
            (_, Some(header)) => self.block(chain, header),
            (_, None) => Ok(None),
        }
    }

    /// The header at a height, if one was appended.
    pub fn block(&self, chain: Chain, height: u64) -> Result<Option<Block>> {
        Ok(self.blocks(chain, height, height)?.pop())
    }

    /// The headers between two heights, both inclusive, in order.
    pub fn blocks(&self, chain: Chain, low: u64, high: u64) -> Result<Vec<Block>> {
        let headers = blocks::load(&self.store, &self.manifest.blocks, chain, low, high)?;
        Ok(headers.into_values().collect())
    }

    /// One summary for each chain of which something is known, by name.
    pub fn chains(&self) -> Vec<ChainSummary> {
        Chain::all().filter_map(|chain| self.summary(chain)).collect()
    }

    fn summary(&self, chain: Chain) -> Option<ChainSummary> {
        let parts = || self.manifest.parts.iter().filter(move |part| part.chain == chain);
        let blocks = || self.manifest.blocks.iter().filter(move |part| part.chain == chain);
        if parts().next().is_none() && blocks().next().is_none() {
            return None;
        }
        let lows = blocks().map(|part| part.first_height);
        let highs = blocks().map(|part| part.last_height);
        Some(ChainSummary {
            chain,
            first_height: parts().filter_map(|part| part.first.height).chain(lows).min(),
            last_height: parts().filter_map(|part| part.last.height).chain(highs).max(),
            first_time: parts().map(|part| Time::from_seconds(part.min_time)).min(),
            last_time: parts().map(|part| Time::from_seconds(part.max_time)).max(),
            transfers: parts().map(|part| part.rows).sum(),
            transactions: parts().map(|part| part.transactions).sum(),
            blocks: blocks().map(|part| part.rows).sum(),
        })
    }

    /// Every source that was appended, by ordinal.
    pub fn imports(&self) -> &[Import] {
        &self.manifest.imports
    }

    /// The record of a source, if it was appended.
    pub fn import(&self, sha256: &[u8; 32], format: &str) -> Option<&Import> {
        self.manifest.import(sha256, format)
    }

    /// What is known about tokens, by chain and asset.
    pub fn tokens(&self) -> Vec<Token> {
        self.manifest.tokens().into_iter().map(|(token, _)| token).collect()
    }

    /// SHA-256 over what is committed: transfers, headers, tokens. It stays the same where nothing
    /// was added, and says nothing of file names, sources' names or moments of import. How the
    /// batches were cut does change it; the index and every result are the same then.
    pub fn digest(&self) -> [u8; 32] {
        self.manifest.digest()
    }

    /// All transfers in the total order, streamed.
    pub fn transfers(&self) -> Result<Transfers> {
        Transfers::open(&self.store, &self.manifest.parts)
    }

    /// The claims, read without writing anything.
    pub fn claims(&self) -> Result<Claims> {
        Claims::read(&self.store.disk, &self.store.folder.join(JOURNAL))
    }

    /// The journal of claims, for adding to it; a torn record at its end is cut off and reported.
    pub fn journal(&self) -> Result<Journal> {
        Journal::open(&self.store.disk, &self.store.folder.join(JOURNAL))
    }

    /// The index of this commit, built if it is not there.
    pub fn index(&self) -> Result<Index> {
        self.index_or(false, &|_| {})
    }

    /// The same; while it is built, `progress` is told how many of the [`Archive::rows`] are done.
    pub fn index_watched(&self, progress: &dyn Fn(u64)) -> Result<Index> {
        self.index_or(false, progress)
    }

    /// The index, built anew whether or not it is there.
    pub fn rebuild_index(&self, progress: &dyn Fn(u64)) -> Result<Index> {
        self.index_or(true, progress)
    }

    /// How many transfers are committed.
    pub fn rows(&self) -> u64 {
        self.manifest.parts.iter().map(|part| part.rows).sum()
    }

    fn index_or(&self, anew: bool, progress: &dyn Fn(u64)) -> Result<Index> {
        let folder = self.store.folder.join(INDEX);
        let transfers = self.manifest.transfers_digest();
        let ground = Ground {
            store: &self.store,
            parts: &self.manifest.parts,
            memory: self.memory / NAMES_SHARE,
            unit: self.segment_unit,
            progress,
        };
        // What is there and sound is read without writing anything, also from a disk that forbids it.
        if let (false, Ok(index)) = (anew, Index::open(&folder, transfers, &ground)) {
            self.check_sizes()?;
            return Ok(index);
        }
        let path = self.store.folder.join(INDEX_LOCK);
        let lock = self.store.disk.open(&path, Opening::Keep);
        let lock = lock.map_err(|source| self.no_index(source))?;
        lock.lock().at(&path)?;
        if !anew {
            match Index::open(&folder, transfers, &ground) {
                Err(error) if error.is_integrity() => {}
                other => return other,
            }
        }
        // A segment must not outlive the commit that it was built from: numbers of parts would be used again.
        disk::sync_folder(&*self.store.disk, &self.store.folder)?;
        Index::build(&folder, transfers, &ground, anew).map_err(|error| match error {
            ArchiveError::Io { source, .. } if is_forbidden(&source) => self.no_index(source),
            other => other,
        })
    }

    fn no_index(&self, source: io::Error) -> ArchiveError {
        ArchiveError::NoIndex { path: self.store.folder.clone(), source }
    }

    /// Compares the sizes of the files of transfers with what was committed: the cheap part of
    /// [`Archive::check`], for whoever reads the index and none of these files.
    fn check_sizes(&self) -> Result<()> {
        for part in &self.manifest.parts {
            let path = self.store.folder.join(&part.path);
            let found = match self.store.disk.length(&path) {
                Ok(bytes) if bytes == part.bytes => continue,
                Ok(bytes) => format!("{bytes} bytes long instead of {}", part.bytes),
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).at(&path);
                }
                Err(_) if self.is_superseded(&part.path) => continue,
                Err(_) => "the file is missing".to_string(),
            };
            let what = format!("{found}; `dyepack doctor` names all that is damaged");
            return Err(ArchiveError::integrity(&path, what));
        }
        Ok(())
    }

    /// True if a writer has put another file in the place of this one since the archive was opened.
    fn is_superseded(&self, path: &str) -> bool {
        let now = Manifest::load(&self.store.disk, &self.store.folder).ok().flatten();
        now.is_some_and(|now| !now.parts.iter().any(|part| part.path == path))
    }

    /// Verifies every committed file, the index if there is one, and the journal. Returns what is
    /// damaged or missing, each with its file. A torn record at the journal's end is neither: see
    /// [`Claims::torn`].
    pub fn check(&self) -> Vec<Problem> {
        let parts = self.manifest.parts.iter().map(|part| (&part.path, &part.sha256));
        let blocks = self.manifest.blocks.iter().map(|part| (&part.path, &part.sha256));
        let mut problems = Vec::new();
        for (path, sha256) in parts.chain(blocks) {
            let path = self.store.folder.join(path);
            match disk::hash_file(&self.store.disk, &path) {
                Ok(hash) if hash == *sha256 => {}
                Ok(_) => problems.push(Problem { path, what: "its content was changed".into() }),
                Err(error) => problems.push(Problem { path, what: error.to_string() }),
            }
        }
        let folder = self.store.folder.join(INDEX);
        let mut note = |found: Result<()>| {
            problems.extend(found.err().map(|error| match error {
                ArchiveError::Integrity { path, what } => Problem { path, what },
                other => Problem { path: self.store.folder.clone(), what: other.to_string() },
            }));
        };
        Index::check(&self.store.disk, &folder, self.manifest.transfers_digest())
            .into_iter()
            .for_each(|error| note(Err(error)));
        note(self.claims().map(|_| ()));
        problems
    }

    pub(crate) fn writable(&self) -> Result<()> {
        match self.lock {
            Some(_) => Ok(()),
            None => Err(ArchiveError::ReadOnly { path: self.store.folder.clone() }),
        }
    }

    pub(crate) fn compact_and_commit(&mut self, mut next: Manifest) -> Result<()> {
        let merged = rewrite::compact(&self.store, &mut next)?;
        self.commit(next)?;
        // Some of these were never in a manifest.
        merged.iter().for_each(|path| drop(self.store.disk.remove(&self.store.folder.join(path))));
        Ok(())
    }

    /// Makes `next` the truth, then removes the files that only the old manifest named.
    pub(crate) fn commit(&mut self, next: Manifest) -> Result<()> {
        if next == self.manifest && !self.in_doubt {
            return Ok(());
        }
        self.in_doubt = true;
        // Somebody may see it even if it fails: its numbers are not used again.
        self.manifest.next_number = self.manifest.next_number.max(next.next_number);
        next.commit(&self.store.disk, &self.store.folder)?;
        self.in_doubt = false;
        let old = std::mem::replace(&mut self.manifest, next);
        for path in files(&old) {
            if !files(&self.manifest).any(|kept| kept == path) {
                // Garbage from here on; what cannot be removed now goes with the next opening.
                let _ = self.store.disk.remove(&self.store.folder.join(path));
            }
        }
        Ok(())
    }

    /// Removes what a kill left behind: files of ours that the manifest does not name.
    fn sweep(&self) -> Result<()> {
        let named: std::collections::HashSet<&str> = files(&self.manifest).collect();
        for chain in Chain::all() {
            let folder = self.store.folder.join(format!("chain={chain}"));
            for name in names(&*self.store.disk, &folder)? {
                let ours = name.ends_with(".tmp")
                    || (name.ends_with(".parquet")
                        && (name.starts_with("part-") || name.starts_with("blocks-")));
                if ours && !named.contains(format!("chain={chain}/{name}").as_str()) {
                    let path = folder.join(&name);
                    self.store.disk.remove(&path).at(&path)?;
                }
            }
        }
        Ok(())
    }
}

/// True if the disk, or this part of it, may only be read.
fn is_forbidden(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// The files that are the archive's own: no registered ones, which it never removes.
fn files(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let parts = manifest.parts.iter().filter(|part| part.external.is_none());
    let parts = parts.map(|part| part.path.as_str());
    parts.chain(manifest.blocks.iter().map(|part| part.path.as_str()))
}

/// Names in a folder; none if there is no folder.
fn names(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>> {
    match disk.names(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.at(folder),
    }
}

/// A folder with data but no manifest lost it; it must not pass for a new archive.
fn refuse_orphans(disk: &dyn Disk, folder: &Path) -> Result<()> {
    for chain in Chain::all() {
        let names = names(disk, &folder.join(format!("chain={chain}")))?;
        if names.iter().any(|name| name.ends_with(".parquet")) {
            let path = folder.join(manifest::NAME);
            return Err(ArchiveError::integrity(
                &path,
                "missing, but there are transfers beside it",
            ));
        }
    }
    Ok(())
}

/// The ordinal of a source; a new one is recorded.
pub(crate) fn import_ordinal(next: &mut Manifest, source: &Source) -> Result<u32> {
    if let Some(import) = next.import(&source.sha256, &source.format) {
        return Ok(import.ordinal);
    }
    let limit = u64::from(u32::MAX);
    let ordinal = u32::try_from(next.imports.len())
        .map_err(|_| ArchiveError::TooLarge { what: "imports", limit })?;
    next.imports.push(Import {
        ordinal,
        name: source.name.clone(),
        format: source.format.clone(),
        sha256: source.sha256,
        account: Account::default(),
        transfers: 0,
        complete: false,
        progress: None,
    });
    Ok(ordinal)
}

fn append_tokens(next: &mut Manifest, batch: &[Token], import: u32, rejected: &mut Vec<Rejected>) {
    if batch.is_empty() {
        return;
    }
    let mut known: std::collections::BTreeMap<(Chain, Asset), Token> =
        next.tokens().into_iter().map(|(token, _)| ((token.chain, token.asset), token)).collect();
    for token in batch {
        let subject = Subject::Token { chain: token.chain, asset: token.asset };
        let reason = match known.get(&(token.chain, token.asset)) {
            Some(before) if before == token => continue,
            Some(_) => Reason::TokenConflict,
            None if !asset_fits(token.chain, &token.asset) => Reason::OtherChain("asset"),
            None => {
                next.add_token(token, import);
                known.insert((token.chain, token.asset), token.clone());
                continue;
            }
        };
        rejected.push(Rejected { subject, reason });
    }
}
