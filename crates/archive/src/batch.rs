//! What goes in, and what the archive answers: a batch of rows of one source, and which of them
//! were new, already there, or refused.

use ledger::{
    Address, Asset, Block, Chain, Family, Place, Table, TableRow, Transfer, TransferError,
};
use serde::{Deserialize, Serialize};

/// The file (or node) that a batch was read from. Its identity is `sha256` and `format`; the name
/// is kept for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    /// SHA-256 of the file's bytes.
    pub sha256: [u8; 32],
    /// Name of the format it was read as ("etherscan", "bitcoin-blocks" …).
    pub format: String,
}

/// How far a source was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Its first so many transfers were appended, and none of them was refused.
    pub transfers: u64,
    /// How it was read: only who reads it so again counts the same.
    pub reading: String,
}

/// A transfer and where its source says it: what a reader hands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub transfer: Transfer,
    /// Which transfer of the source it is, from 0, in the order in which they happened as far as the
    /// source tells: a reader of a file that lists the newest first counts from its end.
    pub row: u64,
    /// How many equal rows came before this one in the same file or group. Part of the identity
    /// of a transfer without a full position; kept but not compared otherwise.
    pub occurrence: u32,
}

/// The rows of a table, the first of which is row `first` of its source.
pub(crate) fn entries_of(first: u64, table: &Table) -> Vec<Entry> {
    let entry = |(at, row)| Entry { transfer: table.transfer(at), row, occurrence: 0 };
    (0..table.rows.len()).zip(first..).map(entry).collect()
}

/// Decimals and symbol of an asset, as a source states them. Presentation only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub chain: Chain,
    pub asset: Asset,
    pub decimals: u8,
    pub symbol: String,
}

/// What a reader found out about a source, beside its transfers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Records of the source, as a person counts them.
    pub rows: u64,
    /// Those that could not be read.
    pub set_aside: u64,
    /// What the source as a whole does not tell.
    pub gaps: Vec<Gap>,
}

/// Something that a source does not tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// A word for programs ("no-height").
    pub kind: String,
    /// A sentence for people.
    pub detail: String,
}

/// Some rows of one source.
#[derive(Clone, Debug)]
pub struct Batch {
    pub source: Source,
    pub entries: Vec<Entry>,
    /// Transfers as a table, and the row of its first one; the others are the next. No batch has entries
    /// beside it.
    pub table: Option<(u64, Table)>,
    pub blocks: Vec<Block>,
    pub tokens: Vec<Token>,
    /// True with the last batch of the source: the import is then recorded as complete.
    pub last: bool,
    /// True if another table of the source follows at once: rows may wait for it before they are
    /// committed, so that a part is not small.
    pub more: bool,
    /// How far the source is read with this batch, for whoever goes on after a kill; `None` where it
    /// would have to be read from its beginning.
    pub progress: Option<Progress>,
    /// What the reader has to say of the source as a whole; replaces what was said before.
    pub account: Option<Account>,
}

impl Batch {
    /// An empty batch of `source`.
    pub fn new(source: Source) -> Batch {
        Batch {
            source,
            entries: vec![],
            table: None,
            blocks: vec![],
            tokens: vec![],
            last: false,
            more: false,
            progress: None,
            account: None,
        }
    }
}

/// What [`crate::Archive::append`] did, committed when it returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Ordinal of the source, from 0 in order of first append.
    pub import: u32,
    /// Transfers that were new.
    pub transfers: u64,
    /// Transfers that were there already: with the same content, or in another source's words. Where the
    /// batch knows more of one, it now stands as the batch tells it.
    pub already: u64,
    /// Of these, how many a file of another format has at another number in their transaction. Where only
    /// one of the two tells of a row, nobody knows how it lies between the other's.
    pub renumbered: u64,
    /// Block headers that were new or said more than was known.
    pub blocks: u64,
    /// What was refused; everything else went in. In order of subject and row.
    pub rejected: Vec<Rejected>,
}

/// One thing that was refused, for the caller to set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub subject: Subject,
    pub reason: Reason,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The transfer of this source row.
    Row(u64),
    /// A block header.
    Block { chain: Chain, height: u64 },
    /// Metadata of a token.
    Token { chain: Chain, asset: Asset },
}

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("the transfer contradicts itself: {0}")]
    Transfer(#[from] TransferError),
    #[error("the {0} is not of the transfer's chain")]
    OtherChain(&'static str),
    #[error("mint stands as receiver, or burn or fee as sender")]
    WrongEnd,
    #[error("other content than transfer {row} of the same source, at the same position")]
    ConflictInSource { row: u64 },
    #[error("other content than transfer {row} of import {import}, at the same position")]
    ConflictWithArchive { import: u32, row: u64 },
    #[error("another cost of the same transaction than transfer {row} of import {import} tells")]
    OtherCost { import: u32, row: u64 },
    #[error("another index in the block than transfer {row} of import {import} tells")]
    OtherPlace { import: u32, row: u64 },
    #[error("another time, hash or parent than the block known at this height")]
    BlockConflict,
    #[error("other decimals or another symbol than known for this token")]
    TokenConflict,
}

/// A transfer as the archive keeps it, with where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recorded {
    pub transfer: Transfer,
    /// Ordinal of the source that brought it first (see [`crate::Archive::imports`]).
    pub import: u32,
    /// Which transfer of that source it is: see [`Entry::row`].
    pub row: u64,
    /// See [`Entry::occurrence`].
    pub occurrence: u32,
}

/// Refuses what could not be written and read back as the same transfer.
pub(crate) fn check(transfer: &Transfer) -> Result<(), Reason> {
    transfer.check()?;
    check_ends(transfer.from, transfer.to)?;
    let chain = transfer.chain;
    for (what, place) in [("sender", transfer.from), ("receiver", transfer.to)] {
        if !place_fits(chain, &place) {
            return Err(Reason::OtherChain(what));
        }
    }
    let owners = [("sender's owner", transfer.from_owner), ("receiver's owner", transfer.to_owner)];
    for (what, owner) in owners {
        if owner.is_some_and(|address| !fits(chain, &address)) {
            return Err(Reason::OtherChain(what));
        }
    }
    let into = transfer.conversion.map(|conversion| conversion.asset);
    if !asset_fits(chain, &transfer.asset) || into.is_some_and(|a| !asset_fits(chain, &a)) {
        return Err(Reason::OtherChain("asset"));
    }
    Ok(())
}

/// True if [`check`] refuses no row of the table; what only a place or an asset tells is looked at once.
pub(crate) fn is_sound(table: &Table) -> bool {
    let chain = table.chain;
    // One byte a place is at hand where the places themselves are too many for that.
    let holds: Vec<bool> = table.places.iter().map(Place::holds_value).collect();
    let sides_fit = |row: &TableRow| {
        let (from, to) = (row.from as usize, row.to as usize);
        let ends_fit = || check_ends(table.places[from], table.places[to]).is_ok();
        row.kind.check_sides(holds[from], holds[to]).is_ok()
            && (holds[from] && holds[to] || ends_fit())
    };
    table.places.iter().all(|place| place_fits(chain, place))
        && table.assets.iter().all(|asset| asset_fits(chain, asset))
        && table.rows.iter().all(sides_fit)
}

fn check_ends(from: Place, to: Place) -> Result<(), Reason> {
    match matches!(from, Place::Burn | Place::Fee) || to == Place::Mint {
        true => Err(Reason::WrongEnd),
        false => Ok(()),
    }
}

fn place_fits(chain: Chain, place: &Place) -> bool {
    place.account().is_none_or(|address| fits(chain, &address))
}

/// True if the address can be one of the chain: its family, and no bytes beyond its length.
fn fits(chain: Chain, address: &Address) -> bool {
    address.belongs_to(chain.family())
        && match address {
            Address::Witness { version, length, program } => {
                let length = usize::from(*length);
                *version <= 16
                    && (2..=40).contains(&length)
                    && (*version != 0 || length == 20 || length == 32)
                    && program[length..].iter().all(|b| *b == 0)
            }
            _ => true,
        }
}

pub(crate) fn asset_fits(chain: Chain, asset: &Asset) -> bool {
    match asset {
        Asset::Native => true,
        Asset::Token(contract) => {
            chain.family() != Family::Bitcoin && contract.belongs_to(chain.family())
        }
        Asset::Trc10(_) => chain.family() == Family::Tron,
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Amount, Kind, Time};

    use super::*;

    /// Every kind between every two places, in every asset: a table is refused where a row of it would be.
    #[test]
    fn tables_are_checked_as_their_rows_are() {
        let places = [
            Place::Mint,
            Place::Burn,
            Place::Fee,
            Place::Account(Address::Tron([1; 20])),
            Place::Account(Address::Evm([1; 20])),
        ];
        let assets = [
            Asset::Native,
            Asset::Token(Address::Tron([2; 20])),
            Asset::Token(Address::Evm([2; 20])),
        ];
        let mut seen = [0; 2];
        for (chain, from, to) in ["tron", "ethereum"].into_iter().flat_map(|chain| {
            places.into_iter().flat_map(move |from| places.map(|to| (chain, from, to)))
        }) {
            for (kind, asset) in Kind::ALL.into_iter().flat_map(|kind| assets.map(|a| (kind, a))) {
                let row = TableRow {
                    height: 1,
                    tx_index: 0,
                    index: 0,
                    time: Time::from_seconds(1),
                    kind,
                    tx: None,
                    from: 0,
                    to: 1,
                    asset: 0,
                    amount: Amount::new(1),
                };
                let chain = Chain::parse(chain).unwrap();
                let table =
                    Table { chain, places: vec![from, to], assets: vec![asset], rows: vec![row] };
                let transfer = table.transfer(0);
                assert_eq!(is_sound(&table), check(&transfer).is_ok(), "{transfer:?}");
                seen[usize::from(is_sound(&table))] += 1;
            }
        }
        assert!(seen.iter().all(|count| *count > 20), "{seen:?}");
    }
}
