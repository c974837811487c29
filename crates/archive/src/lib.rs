//! The archive: transfers and block headers on disk, the index beside them, the journal of claims.
//!
//! Ground state is Parquet in position order, one folder a chain, readable by DuckDB and pandas as
//! it lies; `manifest.json` alone says which files count. The [`Index`] is derived from it, mapped
//! into memory, disposable, and rebuilt to the same bytes. Files, order and identity of transfers,
//! and what a crash can and cannot do, are described in `docs/archive.md`.

mod alike;
mod append;
mod archive;
mod batch;
mod bill;
mod blocks;
mod bulk;
mod compare;
mod disk;
mod error;
mod external;
mod index;
mod journal;
mod manifest;
mod names;
mod order;
mod part;
mod rewrite;
mod told;

pub use archive::{Archive, ChainSummary, Problem};
pub use batch::{
    Account, Appended, Batch, Entry, Gap, Progress, Reason, Recorded, Rejected, Source, Subject,
    Token,
};
pub use disk::{Disk, Opening, RealDisk};
pub use error::{ArchiveError, Result};
pub use external::{ExternalFile, ExternalReader, Registered};
pub use index::{Index, Ledger, LedgerRows, PlaceRecord, Row};
pub use journal::{Claims, Journal, MAX_CLAIM};
pub use manifest::Import;
pub use order::Transfers;
pub use rewrite::Rewound;
