//! One Parquet file of transfers: its columns, and the folder that holds such files.
//!
//! Columns are named as in the own CSV format. Amounts are strings of digits, because they go up to
//! 2^128−1 and no decimal type that Parquet's readers share goes that far (in DuckDB:
//! `amount::UHUGEINT`).

mod columns;
mod details;
mod group;
mod keyed;
mod read;
mod write;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use ledger::Chain;
use rustc_hash::FxHashSet;

use crate::disk::{self, Disk, Opening, Sums};
use crate::error::{ArchiveError, AtPath, Result};
use crate::manifest::Part;

pub(crate) use columns::{Columns, Named, RowBatch};
pub(crate) use details::{DetailFile, Details};
pub(crate) use read::{Batches, KeyRow, PartReader, primitive, read_keys, seconds};
pub(crate) use write::{PartWriter, properties, settle, temporary_path, write_error};

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

/// The archive's folder, and which of its files were found to be what was committed.
pub(crate) struct Store {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: PathBuf,
    verified: Mutex<FxHashSet<[u8; 32]>>,
    /// Chains whose folder is there, whatever happens.
    durable: Mutex<FxHashSet<Chain>>,
}

impl Store {
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: &Path) -> Store {
        let (verified, durable) = Default::default();
        Store { disk, folder: folder.to_path_buf(), verified, durable }
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

    /// Notes that this process has just written the file with that hash.
    pub(crate) fn trust(&self, sha256: &[u8; 32]) {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(*sha256);
    }
}
