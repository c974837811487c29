//! One Parquet file of transfers: its columns, and the folder that holds such files.
//!
//! Columns are named as in the own CSV format. Amounts are strings of digits, because they go up to
//! 2^128−1 and no decimal type that Parquet's readers share goes that far (in DuckDB:
//! `amount::UHUGEINT`).

mod columns;
mod details;
mod external;
mod group;
mod keyed;
mod read;
mod write;

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use ledger::Chain;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::disk::{self, Disk, Opening, Sums};
use crate::error::{ArchiveError, AtPath, Result};
use crate::external::ExternalReader;
use crate::manifest::Part;

pub(crate) use columns::{Columns, Named, RowBatch};
pub(crate) use details::{DetailFile, Details};
pub(crate) use external::ExternalPart;
pub(crate) use read::{Batches, KeyRow, PartReader, primitive, read_keys, seconds};
pub(crate) use write::{PartWriter, Seen, properties, settle, temporary_path, write_error};

pub(crate) const HEIGHT: usize = 0;
pub(crate) const TX_INDEX: usize = 1;
pub(crate) const INDEX: usize = 2;
pub(crate) const TIME: usize = 3;
pub(crate) const KIND: usize = 5;
pub(crate) const AMOUNT: usize = 9;

const OTHER_HASH: &str = "its SHA-256 is not the committed one";

/// The columns of a part, in order.
pub(crate) static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let text = || DataType::Utf8;
    Arc::new(Schema::new(vec![
        Field::new("height", DataType::UInt64, true),
        Field::new("tx_index", DataType::UInt32, true),
        Field::new("index", DataType::UInt32, true),
        Field::new("time", time_type(), false),
        Field::new("tx", DataType::FixedSizeBinary(32), true),
        Field::new("kind", text(), false),
        Field::new("from", text(), true),
        Field::new("to", text(), true),
        Field::new("asset", text(), false),
        Field::new("amount", text(), false),
        Field::new("asset_to", text(), true),
        Field::new("amount_to", text(), true),
        Field::new("from_owner", text(), true),
        Field::new("to_owner", text(), true),
        // Which end of the world an empty side is: mint, burn or fee.
        Field::new("end", text(), true),
        Field::new("import", DataType::UInt32, false),
        Field::new("row", DataType::UInt64, false),
        Field::new("occurrence", DataType::UInt32, false),
    ]))
});

/// Parquet has no seconds, so times are milliseconds; the last three digits are zero.
pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// Runs a step of the Parquet library, which is known to panic over some bytes. Damage does not get
/// that far ([`Store::verified`]); a part that somebody made so, with its right hash, does.
pub(crate) fn guarded<T>(path: &Path, step: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(step))
        .map_err(|_| ArchiveError::integrity(path, "its pages contradict each other"))
}

/// What an error of the Parquet library is: the disk's, where the operating system refused, else damage. The
/// library hands on the words of either.
pub(crate) fn library_error(path: &Path, error: &dyn Display) -> ArchiveError {
    let told = error.to_string();
    match told.contains("(os error ") {
        true => ArchiveError::Io { path: path.to_path_buf(), source: io::Error::other(told) },
        false => ArchiveError::integrity(path, told),
    }
}

/// The archive's folder, and which of its files were found to be what was committed.
pub(crate) struct Store {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: PathBuf,
    verified: Mutex<FxHashSet<[u8; 32]>>,
    /// Chains whose folder is there, whatever happens.
    durable: Mutex<FxHashSet<Chain>>,
    /// Hashes of the chunks of registered files, by the file's.
    external: Mutex<FxHashMap<[u8; 32], Arc<Sums>>>,
    external_reader: OnceLock<Arc<dyn ExternalReader>>,
}

impl Store {
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: &Path) -> Store {
        let (verified, durable, external) = Default::default();
        let (folder, external_reader) = (folder.to_path_buf(), OnceLock::new());
        Store { disk, folder, verified, durable, external, external_reader }
    }

    /// Makes the folder of a chain, if need be, and sees to it once in the life of this store that its name
    /// is durable: whoever made it may have failed or been killed before that.
    fn make_durable(&self, chain: Chain, folder: &Path) -> Result<()> {
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if !durable.contains(&chain) {
            disk::make_folders(&*self.disk, folder)?;
            disk::sync_folder(&*self.disk, &self.folder)?;
            durable.insert(chain);
        }
        Ok(())
    }

    /// Opens a committed file for the Parquet library.
    pub(crate) fn open(&self, path: &Path) -> Result<File> {
        self.disk.open(path, Opening::Read).at_committed(path)
    }

    /// The path of a committed file whose bytes hash to `sha256`. Hashed once in the life of this
    /// store, before the first read: no damaged byte reaches the Parquet decoder.
    pub(crate) fn verified(&self, path: &str, sha256: &[u8; 32]) -> Result<PathBuf> {
        let full = self.folder.join(path);
        let known = |store: &Store| {
            let set = store.verified.lock().unwrap_or_else(PoisonError::into_inner);
            set.contains(sha256)
        };
        if !known(self) {
            if disk::hash_file(&self.disk, &full)? != *sha256 {
                return Err(ArchiveError::integrity(&full, OTHER_HASH));
            }
            self.trust(sha256);
        }
        Ok(full)
    }

    /// Verifies a part, and hashes its chunks on the way.
    pub(crate) fn sums(&self, part: &Part) -> Result<Sums> {
        let path = self.folder.join(&part.path);
        let (sha256, sums) = Sums::of_file(&self.disk, &path)?;
        if sha256 != part.sha256 {
            return Err(ArchiveError::integrity(&path, OTHER_HASH));
        }
        self.trust(&sha256);
        Ok(sums)
    }

    /// The hashes of the chunks of a registered file, which is verified once in the life of this store.
    fn sums_of_external(&self, part: &Part) -> Result<Arc<Sums>> {
        let known = || self.external.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(&part.sha256) {
            return Ok(Arc::clone(known));
        }
        let sums = Arc::new(self.sums(part)?);
        known().insert(part.sha256, Arc::clone(&sums));
        Ok(sums)
    }

    /// Who reads registered files; set once.
    pub(crate) fn read_external_with(&self, reader: Arc<dyn ExternalReader>) {
        let _ = self.external_reader.set(reader);
    }

    fn external_reader(&self) -> Option<Arc<dyn ExternalReader>> {
        self.external_reader.get().cloned()
    }

    /// Notes that this process has just written the file with that hash.
    pub(crate) fn trust(&self, sha256: &[u8; 32]) {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(*sha256);
    }
}
