//! Labels: who is said to be behind an address, by whom, how surely and since when; and the readers
//! of the files in which labels come.
//!
//! One file per format, registered in [`FORMATS`]. A row that cannot be read is set aside with its
//! line and the reason, and the rest is kept; rows of a kind that dyepack does not follow (another
//! chain's coin) are counted by reason. Names are foreign text: control, direction-turning and
//! invisible characters are stripped and the rest is cut to 200 characters, here, at the boundary.

mod category;
mod csv;
mod currency;
mod etherscan;
mod ofac;
mod tagpack;
mod yaml;

use std::collections::BTreeMap;

use ledger::{Address, AddressError, Chain};

use crate::date::Date;
use crate::text;

pub use category::{Category, CategoryError};

/// A larger file is refused unread.
pub const MAX_FILE: usize = 64 << 20;
/// More rows than this are refused; split the file.
pub const MAX_ROWS: usize = 1_000_000;
/// No single field may be longer, in bytes.
pub const MAX_FIELD: usize = 4_096;
/// What a CSV row counts for that states no confidence.
pub const UNSTATED_CONFIDENCE: u8 = 50;

/// What somebody says about one address of one chain. Labels that disagree stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    pub chain: Chain,
    pub address: Address,
    /// Whose address it is said to be.
    pub name: String,
    pub category: Category,
    /// 0 to 100, as its source grades it.
    pub confidence: u8,
    /// Who says so.
    pub source: String,
    /// When it was said.
    pub date: Option<Date>,
    /// The source's own id of the holder (a GraphSense actor, say).
    pub actor: Option<String>,
    /// Where it was said.
    pub uri: Option<String>,
}

/// Why something is no label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    #[error("the label has no name")]
    NoName,
    #[error("nobody is named as the label's source")]
    NoSource,
    #[error("the confidence {0} is above 100")]
    Confidence(u8),
    #[error("the address {0} does not belong to {1}")]
    Chain(Address, Chain),
}

impl Label {
    /// The label with its texts cleaned, or why it cannot stand. Every reader ends here; a label
    /// that is made by hand should too, before it becomes a claim.
    pub fn checked(mut self) -> Result<Label, LabelError> {
        self.name = text::clean(&self.name, text::MAX_NAME);
        self.source = text::clean(&self.source, text::MAX_NAME);
        let optional = |field: Option<String>, max| {
            field.map(|given| text::clean(&given, max)).filter(|kept| !kept.is_empty())
        };
        self.actor = optional(self.actor, text::MAX_NAME);
        self.uri = optional(self.uri, text::MAX_SENTENCE);
        match () {
            () if self.name.is_empty() => Err(LabelError::NoName),
            () if self.source.is_empty() => Err(LabelError::NoSource),
            () if self.confidence > 100 => Err(LabelError::Confidence(self.confidence)),
            () if !self.address.belongs_to(self.chain.family()) => {
                Err(LabelError::Chain(self.address, self.chain))
            }
            () => Ok(self),
        }
    }
}

/// What the caller knows about a file of labels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    /// The file's name without folders; OFAC lists tell their currency by it.
    pub file_name: &'a str,
    /// Who says so, where the file or row does not; may be empty.
    pub source: &'a str,
    /// The date of what the file says, where the file does not state one.
    pub date: Option<&'a Date>,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Line in the file, from 1.
    pub row: usize,
    pub reason: String,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// In the order of the file.
    pub labels: Vec<Label>,
    /// Rows that should have been labels.
    pub set_aside: Vec<SetAside>,
    /// What dyepack does not follow, counted by reason.
    pub skipped: BTreeMap<String, usize>,
}

/// Why a file holds no labels that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the file is larger than {} MiB", MAX_FILE >> 20)]
    TooLarge,
    #[error("more than {MAX_ROWS} rows; split the file")]
    TooManyRows,
    #[error("not UTF-8 text (line {line}, column {column})")]
    NotUtf8 { line: usize, column: usize },
    #[error("the header: {0}")]
    Header(String),
    #[error("line {line}, column {column}: {why}")]
    Syntax { line: usize, column: usize, why: String },
    #[error("this is no {format} file: {why}")]
    Shape { format: &'static str, why: String },
    #[error(
        "this is a GraphSense ActorPack: it describes actors and holds no addresses; import the \
         TagPacks that refer to it"
    )]
    ActorPack,
    #[error(
        "the name of an OFAC list says its currency (sanctioned_addresses_ETH.txt), \
         and {0:?} does not"
    )]
    NoCurrency(String),
}

/// One format of label files.
pub struct Format {
    /// As in `dyepack label import --format NAME`.
    pub name: &'static str,
    /// What such a file is, in words.
    pub what: &'static str,
    sniff: fn(file_name: &str, head: &[u8]) -> bool,
    read: fn(bytes: &[u8], origin: &Origin<'_>) -> Result<Reading, ReadError>,
}

/// Every format, in the order in which a file is tried. STIX and MISP are read by `share`.
pub const FORMATS: [Format; 4] = [
    Format {
        name: "ofac",
        what: "OFAC SDN list of one currency: sanctioned_addresses_ETH.txt or .json",
        sniff: ofac::sniff,
        read: ofac::read,
    },
    Format {
        name: "tagpack",
        what: "GraphSense TagPack, YAML",
        sniff: tagpack::sniff,
        read: tagpack::read,
    },
    Format {
        name: "etherscan-labels",
        what: "labels of Etherscan and its siblings, CSV: chain,address,name,labels",
        sniff: etherscan::sniff,
        read: etherscan::read,
    },
    Format {
        name: "csv",
        what: "chain,address,name,category and, where known, confidence,source,date",
        sniff: csv::sniff,
        read: csv::read,
    },
];

impl Format {
    /// Finds a format by its name.
    pub fn parse(name: &str) -> Option<&'static Format> {
        const TABLE: &[Format] = &FORMATS;
        TABLE.iter().find(|format| format.name == name)
    }

    /// Recognises a file by its name and its first bytes.
    pub fn sniff(file_name: &str, bytes: &[u8]) -> Option<&'static Format> {
        const TABLE: &[Format] = &FORMATS;
        let head = &bytes[..bytes.len().min(64 << 10)];
        TABLE.iter().find(|format| (format.sniff)(file_name, head))
    }

    /// Reads a whole file.
    pub fn read(&self, bytes: &[u8], origin: &Origin<'_>) -> Result<Reading, ReadError> {
        if bytes.len() > MAX_FILE {
            return Err(ReadError::TooLarge);
        }
        (self.read)(bytes, origin)
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What becomes of a row that is no label.
enum Refusal {
    /// Damaged: set aside with its line.
    Aside(String),
    /// Well-formed, but of a kind that is not followed: counted.
    Skip(String),
}

impl Reading {
    /// Books one row; false once there are too many.
    fn add(&mut self, row: usize, outcome: Result<Label, Refusal>) -> Result<(), ReadError> {
        match outcome {
            Ok(label) => self.labels.push(label),
            Err(Refusal::Aside(reason)) => self.set_aside.push(SetAside { row, reason }),
            Err(Refusal::Skip(reason)) => *self.skipped.entry(reason).or_default() += 1,
        }
        match self.labels.len() + self.set_aside.len() > MAX_ROWS {
            true => Err(ReadError::TooManyRows),
            false => Ok(()),
        }
    }
}

impl Refusal {
    fn aside(field: &str, why: impl std::fmt::Display) -> Refusal {
        Refusal::Aside(text::clean(&format!("{field}: {why}"), 300))
    }

    /// A text that is no address, with the text if a line has room for it.
    fn address(text: &str, why: AddressError) -> Refusal {
        match text.chars().count() {
            1..=100 => Refusal::aside("address", format!("{why}: {text:?}")),
            _ => Refusal::aside("address", why),
        }
    }
}

impl From<LabelError> for Refusal {
    fn from(error: LabelError) -> Refusal {
        Refusal::Aside(error.to_string())
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = text::line_and_column(bytes, error.valid_up_to());
        ReadError::NotUtf8 { line, column }
    })
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}
