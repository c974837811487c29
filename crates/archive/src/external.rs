//! Files that are registered in place: somebody's own Parquet becomes a part of the archive where it lies.
//!
//! Nothing is copied, and nothing of it is ever written, merged or removed. Its hash is in the manifest like
//! that of any part, so a change is found. Its columns are whatever its format has: who registers it says how
//! it is read ([`ExternalReader`]). It must tell all that a part needs to stand as it is: rows of one
//! chain, complete, in order, none of which can meet another that is committed. What has to give way later,
//! to a rewind or to a source that tells more, is copied then.

use std::fmt::Debug;
use std::ops::Range;
use std::path::Path;

use ledger::{Chain, Table, TableRow};

use crate::archive::{Archive, import_ordinal};
use crate::batch::{Account, Source, is_sound};
use crate::bulk::{comes_after, stands_apart};
use crate::disk::SummedFile;
use crate::error::{ArchiveError, AtPath, Result};
use crate::manifest::{External, Manifest, Part, Sorting};
use crate::part::{ExternalPart, Seen};

/// Reads the formats in which files may be registered.
pub trait ExternalReader: Debug + Send + Sync {
    /// Rows `rows` of row group `group` of a file: all of them, in order, or why they cannot stand in a
    /// table. `chain` is that of files which do not say it themselves.
    fn read(
        &self,
        format: &str,
        chain: Option<Chain>,
        file: ExternalFile,
        group: usize,
        rows: Range<usize>,
    ) -> std::result::Result<Option<Table>, String>;
}

/// A registered file, every byte of which is compared with what was registered as it is read.
pub type ExternalFile = SummedFile;

/// What [`Archive::register`] did, committed when it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Its transfers.
    pub rows: u64,
    pub transactions: u64,
    /// True if the archive had them already, and nothing was done.
    pub already: bool,
}

impl Archive {
    /// Makes a file of `format` a part of the archive, where it lies. `progress` is told how many of its rows
    /// were looked at.
    ///
    /// # Errors
    /// [`ArchiveError::NotInPlace`] says why a file has to be imported instead.
    pub fn register(
        &mut self,
        path: &Path,
        name: &str,
        format: &str,
        chain: Option<Chain>,
        account: Account,
        progress: &dyn Fn(u64),
    ) -> Result<Registered> {
        self.writable()?;
        self.settle(false)?;
        let full = self.store().disk.true_path(path).at(path)?;
        let unfit = |what: &str| ArchiveError::not_in_place(&full, what);
        let own = self.store().disk.true_path(self.folder()).at(self.folder())?;
        if full.starts_with(own) {
            return Err(unfit("it lies in the archive's own folder"));
        }
        let text = full.to_str().ok_or_else(|| unfit("its path is no text"))?.to_string();
        let external = External {
            format: format.to_string(),
            names_chain: chain.is_none(),
            import: 0,
            heights: Vec::new(),
        };
        let looked = ExternalPart::look(self.store(), &full, external, chain).map_err(not_damaged);
        let (mut file, (sha256, bytes)) = looked?;
        if let Some(known) = self.known(&file, &sha256, format)? {
            self.lies_now_at(&sha256, text)?;
            return Ok(known);
        }
        let mut next = self.manifest().clone();
        let source = Source { name: name.to_string(), sha256, format: format.to_string() };
        file.external.import = import_ordinal(&mut next, &source)?;
        let looked = look_through(&file, &next, progress).map_err(not_damaged)?;
        let Looked { chain, seen, heights } = looked;
        file.external.heights = heights;
        let number = next.take_number();
        let import = file.external.import;
        let part = seen.part(chain, Sorting::Height, number, text, (sha256, bytes));
        let part = Part { external: Some(file.external), ..part };
        let registered =
            Registered { sha256, rows: part.rows, transactions: part.transactions, already: false };
        let record = &mut next.imports[import as usize];
        record.account = Account { rows: part.rows, ..account };
        record.transfers += part.rows;
        record.complete = true;
        next.parts.push(part);
        self.compact_and_commit(next)?;
        Ok(registered)
    }

    /// What is there of a file whose import is complete, if that is of the file's chain: the same bytes may
    /// have been read as another's.
    fn known(
        &self,
        file: &ExternalPart,
        sha256: &[u8; 32],
        format: &str,
    ) -> Result<Option<Registered>> {
        let import = self.import(sha256, format).filter(|import| import.complete);
        let (Some(import), Some((group, rows))) = (import, file.pieces().next()) else {
            return Ok(None);
        };
        let chain = file.read(group, rows).map_err(not_damaged)?.chain;
        let of_import =
            |part: &&Part| part.chain == chain && part.imports.contains(&import.ordinal);
        Ok(self.manifest().parts.iter().find(of_import).map(|part| Registered {
            sha256: *sha256,
            rows: import.account.rows,
            transactions: part.transactions,
            already: true,
        }))
    }

    /// Notes where a registered file lies now, if it is no longer where it was.
    fn lies_now_at(&mut self, sha256: &[u8; 32], path: String) -> Result<()> {
        let mut next = self.manifest().clone();
        let disk = &self.store().disk;
        let is_gone = |path: &str| disk.length(Path::new(path)).is_err();
        let lost = |part: &&mut Part| {
            part.sha256 == *sha256 && part.external.is_some() && is_gone(&part.path)
        };
        next.parts.iter_mut().filter(lost).for_each(|part| part.path.clone_from(&path));
        self.commit(next)
    }
}

/// A file that is not registered yet is no part of the archive that could be damaged.
fn not_damaged(error: ArchiveError) -> ArchiveError {
    match error {
        ArchiveError::Integrity { path, what } => ArchiveError::NotInPlace { path, what },
        other => other,
    }
}

/// What is to be known of a file that can be registered.
struct Looked {
    chain: Chain,
    seen: Seen,
    /// First and last height of each row group.
    heights: Vec<(u64, u64)>,
}

/// Reads all of a file, and refuses it where it cannot be registered.
fn look_through(
    file: &ExternalPart,
    manifest: &Manifest,
    progress: &dyn Fn(u64),
) -> Result<Looked> {
    let unfit = |what: String| ArchiveError::not_in_place(file.path(), what);
    let (mut seen, mut heights) = (Seen::default(), Vec::new());
    let mut before: Option<(Chain, TableRow)> = None;
    for (group, rows) in file.pieces() {
        let table = file.read(group, rows)?;
        for (number, row) in (seen.rows() + 1..).zip(&table.rows) {
            if before.is_some_and(|(_, last)| !comes_after(&last, row)) {
                return Err(unfit(format!(
                    "row {number} does not come after the row before it (a fee is the last row of \
                     its transaction)"
                )));
            }
            if before.is_some_and(|(chain, _)| chain != table.chain) {
                return Err(unfit(format!(
                    "row {number} is of another chain than those before it"
                )));
            }
            before = Some((table.chain, *row));
        }
        if let (Some(first), Some(last)) = (table.rows.first(), table.rows.last()) {
            heights.resize(group + 1, (first.height, last.height));
            heights[group].1 = last.height;
        }
        if !is_sound(&table) {
            return Err(unfit("a row of it contradicts itself".to_string()));
        }
        if !stands_apart(manifest, &table, file.external.import) {
            return Err(unfit(format!(
                "the archive has rows of {} at heights or times of its own, which may be the same",
                table.chain
            )));
        }
        seen.note_table(&table, file.external.import);
        progress(seen.rows());
    }
    let (chain, _) = before.ok_or_else(|| unfit("it holds no rows".to_string()))?;
    Ok(Looked { chain, seen, heights })
}
