//! Readers of the files people already have: explorer exports, API replies, tables of well-known
//! tools, our own format, and any CSV with a column map.
//!
//! A reader takes text and hands [`Item`]s to a sink as it goes. What it cannot read it sets aside
//! with row and reason and reads on; what the format cannot tell it names once a file as a gap.
//! Adding a format touches its file, the list below, its test and docs/import.md.

mod calls;
mod column_map;
mod context;
mod cost;
mod decimals;
mod ethereum_etl;
mod etherscan;
mod etherscan_api;
mod field;
mod file_chain;
mod head;
mod json;
mod lines;
mod look;
mod mapped;
mod out;
mod own;
mod record;
mod records;
mod transfers;
mod trongrid;
mod tronscan;
mod unread;

use std::io::BufRead;
use std::ops::{ControlFlow, Range};

use ledger::{Asset, Block, Chain, Table, Transfer};
use parquet::file::reader::ChunkReader;

pub use column_map::{ColumnMap, MapError};
pub use context::Context;
pub use decimals::Decimals;
pub use look::{Look, look};
pub use own::Own;
pub use unread::Unread;

use field::excerpt;
use head::{Head, MAX_HEAD};
use out::Out;
use records::Input;

/// The longest line, record or JSON element that is read, in bytes; a longer one is set aside.
pub const MAX_RECORD: usize = 1 << 20;

/// What the person importing said about the files.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The chain of files that do not name it themselves.
    pub chain: Option<Chain>,
    /// How to read a CSV of any shape; needed by the format `map`.
    pub map: Option<ColumnMap>,
    /// Decimal places of tokens, for exports that print whole units.
    pub decimals: Decimals,
    /// Rows of a table that is handed out; a million where it is not said.
    pub table_rows: Option<usize>,
}

/// One thing that a reader found.
// Nearly all items are transfers: a box around each would cost more than the size of the rest.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A transfer. Those without a full position come in the order in which they happened, as far
    /// as the file tells: `row` does not rise in a file that lists the newest first.
    Transfer {
        /// The line of a text file (the header is line 1), or the number of the element in a JSON
        /// list or a Parquet file, from 1.
        row: u64,
        /// The part of the file within which equal rows are counted, if a column map names one.
        group: Option<String>,
        transfer: Transfer,
    },
    /// Transfers that follow each other and know all of their position; the first is row `row`, and the
    /// others are the next.
    Table { row: u64, table: Table },
    /// A block header.
    Block(Block),
    /// What the file says about a token. Anybody can deploy a contract with any symbol.
    Token { chain: Chain, asset: Asset, decimals: u8, symbol: Option<String> },
    /// A row that could not be read, and why.
    SetAside { row: u64, reason: String },
    /// Something that the file as a whole does not tell; at most one of each kind a file.
    Gap { kind: String, detail: String },
}

/// What was counted in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records read, with those set aside, without the header.
    pub rows: u64,
    pub blocks: u64,
    /// Runs of records of one transaction id: the number of transactions, where a file keeps the
    /// records of a transaction together.
    pub transactions: u64,
    pub transfers: u64,
    pub set_aside: u64,
    /// Records that by their own word move nothing: failed, zero value, a delegate call, an
    /// approval, an NFT, left out by the column map.
    pub moved_nothing: u64,
}

/// A file that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The name of the format, for [`read`].
    pub format: &'static str,
    /// What the file is, for people: "Etherscan ERC-20 export, old header".
    pub what: String,
    /// Files of one import are read in this order: blocks, receipts, transactions, the rest.
    pub rank: u8,
    /// True for a Parquet file, which goes to [`read_parquet`].
    pub parquet: bool,
}

/// Why a file could not be read at all, or not to its end. Items handed out before stay good.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("no format is called {0:?}")]
    UnknownFormat(String),
    #[error("the file does not look like {format}: {reason}")]
    NotThis { format: &'static str, reason: String },
    #[error("column {0:?} stands twice in the header")]
    DuplicateColumn(String),
    #[error("column {0:?}, which the column map names, is not in the header")]
    UnknownColumn(String),
    #[error("the file does not say which chain it is of: name it (--chain)")]
    NeedsChain,
    #[error("the file is of {file} ({why}), not of {given}")]
    OtherChain { file: String, why: String, given: Chain },
    #[error("the format needs a column map (--map)")]
    NeedsMap,
    #[error("column {column:?} is {found}: {reason}")]
    ColumnType { column: String, found: String, reason: &'static str },
    #[error("the Parquet file is damaged: {0}")]
    Parquet(String),
    #[error("row {row}: {reason}")]
    NotPlain { row: u64, reason: String },
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("stopped by the receiver")]
    Stopped,
}

/// A member of the family: how it is recognised, and how it is read.
struct Format {
    name: &'static str,
    /// What a file of this format is, and its rank; `None` if it is of another.
    sniff: fn(&Head) -> Option<(String, u8)>,
    /// Refuses options with which no file of this format can be read, also an empty one.
    suits: fn(&Options) -> Result<(), ReadError>,
    /// Reads a file in which something stands.
    read: fn(Given<'_, '_>) -> Result<(), ReadError>,
}

/// What a reader works with.
struct Given<'a, 'o> {
    input: Input<'a>,
    options: &'a Options,
    context: &'a mut Context,
    out: &'a mut Out<'o>,
}

/// Every format, in the order in which they are tried.
const FORMATS: [Format; 7] = [
    Format {
        name: transfers::NAME,
        sniff: transfers::sniff,
        suits: file_chain::any,
        read: transfers::read,
    },
    Format {
        name: etherscan::NAME,
        sniff: etherscan::sniff,
        suits: file_chain::any,
        read: etherscan::read,
    },
    Format {
        name: etherscan_api::NAME,
        sniff: etherscan_api::sniff,
        suits: file_chain::any,
        read: etherscan_api::read,
    },
    Format {
        name: trongrid::NAME,
        sniff: trongrid::sniff,
        suits: file_chain::tron_only,
        read: trongrid::read,
    },
    Format {
        name: tronscan::NAME,
        sniff: tronscan::sniff,
        suits: file_chain::tron_only,
        read: tronscan::read,
    },
    Format {
        name: ethereum_etl::NAME,
        sniff: ethereum_etl::sniff,
        suits: file_chain::any,
        read: ethereum_etl::read,
    },
    Format { name: mapped::NAME, sniff: |_| None, suits: mapped::suits, read: mapped::read },
];

/// The names of all formats.
pub fn formats() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.name)
}

/// Recognises a file by its beginning: `head` is its first 64 KiB, or all of it. `None` if it is
/// none of ours, or of any shape and in need of a column map; [`look`] can tell more.
///
/// `name` is the file's name; today only the content counts.
pub fn sniff(_name: &str, head: &[u8]) -> Option<Recognised> {
    recognised_by(&Head::of(&head[..head.len().min(MAX_HEAD)]))
}

fn recognised_by(head: &Head<'_>) -> Option<Recognised> {
    if own::sniff(head).is_some() {
        return None;
    }
    FORMATS.iter().find_map(|format| {
        let (what, rank) = (format.sniff)(head)?;
        Some(Recognised { format: format.name, what, rank, parquet: head.is_parquet() })
    })
}

/// What a file is that dyepack wrote itself, by its beginning; `None` if another wrote it.
pub fn own(head: &[u8]) -> Option<Own> {
    own::sniff(&Head::of(&head[..head.len().min(MAX_HEAD)]))
}

/// A file that the user says is of this format; `None` if no format is called so.
pub fn named(format: &str, head: &[u8]) -> Option<Recognised> {
    let head = Head::of(&head[..head.len().min(MAX_HEAD)]);
    let format = FORMATS.iter().find(|known| known.name == format)?;
    let (what, rank) = (format.sniff)(&head).unwrap_or((format!("{}, as told", format.name), 3));
    Some(Recognised { format: format.name, what, rank, parquet: head.is_parquet() })
}

/// Reads a text file of a format, handing what it finds to `sink`; a `Break` from it ends the
/// reading with [`ReadError::Stopped`].
///
/// `context` carries what one table tells about another; pass the same to every file of an import,
/// in the order of their ranks.
pub fn read(
    format: &str,
    source: &mut dyn BufRead,
    options: &Options,
    context: &mut Context,
    sink: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<Summary, ReadError> {
    let found = FORMATS.iter().find(|known| known.name == format);
    let found = found.ok_or_else(|| ReadError::UnknownFormat(excerpt(format)))?;
    let mut out = Out::new(sink);
    let outcome = read_text(found, source, options, context, &mut out);
    out.finish(outcome)
}

fn read_text(
    format: &Format,
    source: &mut dyn BufRead,
    options: &Options,
    context: &mut Context,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    let input = Input::new(source)?;
    (format.suits)(options)?;
    if input.is_empty() {
        return Ok(());
    }
    (format.read)(Given { input, options, context, out })
}

/// Reads a Parquet file, as [`read`] does for text; only `transfers` comes in this form.
pub fn read_parquet<R: ChunkReader + 'static>(
    format: &str,
    source: R,
    options: &Options,
    sink: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<Summary, ReadError> {
    parquet_only(format)?;
    let mut out = Out::new(sink);
    let outcome = transfers::parquet::read(source, options, &mut out);
    out.finish(outcome)
}

/// Reads rows of one row group of a Parquet file, for whoever leaves the file where it is and reads it here
/// and there. All of them must be such as a [`Table`] holds, of one chain and with full positions; `None` if
/// there are none.
///
/// # Errors
/// [`ReadError::NotPlain`] names the first row that is not.
pub fn read_rows<R: ChunkReader + 'static>(
    format: &str,
    source: R,
    options: &Options,
    group: usize,
    rows: Range<usize>,
) -> Result<Option<Table>, ReadError> {
    parquet_only(format)?;
    transfers::parquet::read_rows(source, options, group, rows)
}

/// What the columns of a Parquet file show to be missing from what is read of it, as kind and detail.
pub fn gaps_of_columns<R: ChunkReader + 'static>(
    format: &str,
    source: R,
    options: &Options,
) -> Result<Vec<(String, String)>, ReadError> {
    parquet_only(format)?;
    let mut gaps = Vec::new();
    let mut sink = |item| {
        if let Item::Gap { kind, detail } = item {
            gaps.push((kind, detail));
        }
        ControlFlow::Continue(())
    };
    let mut out = Out::new(&mut sink);
    let outcome = transfers::parquet::look_at_columns(source, options, &mut out);
    out.finish(outcome)?;
    Ok(gaps)
}

/// Refuses formats that do not come as Parquet.
fn parquet_only(format: &str) -> Result<(), ReadError> {
    if format == transfers::NAME {
        return Ok(());
    }
    let known = FORMATS.iter().find(|known| known.name == format);
    let known = known.ok_or_else(|| ReadError::UnknownFormat(excerpt(format)))?;
    Err(ReadError::NotThis { format: known.name, reason: "it is a Parquet file".to_string() })
}
