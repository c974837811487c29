//! Files that are recognised but not read: each is named for what it is, with what to do about it,
//! so that nobody takes a format that is not built yet, or a packed file, for a damaged one.
//!
//! Sources: the magic numbers of RFC 1952 (gzip), RFC 8878 (zstd), PKWARE's APPNOTE (zip) and
//! Bitcoin Core's networks (blk*.dat); the schemas of bitcoin-etl and graphsense-lib.

use super::head::Head;

/// A file of a known kind that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it looks like {what}, which this version does not read: {remedy}")]
pub struct Unread {
    /// What it is: "a gzip file".
    pub what: &'static str,
    /// What to do: "decompress it (gzip -d FILE)".
    pub remedy: &'static str,
}

const BLOCKS: Unread = Unread {
    what: "raw blocks of Bitcoin Core (blk*.dat, rev*.dat)",
    remedy: "write its transfers as a CSV of the format `transfers` (docs/import.md)",
};
const EXCEL: Unread = Unread {
    what: "a spreadsheet (Excel, OpenDocument)",
    remedy: "export the sheet as CSV, with amounts as text so that no digit is rounded off",
};

/// The first bytes of files that are no text.
const MAGIC: [(&[u8], Unread); 11] = [
    (b"\x1f\x8b", Unread { what: "a gzip file", remedy: "decompress it (gzip -d FILE)" }),
    (b"\x28\xb5\x2f\xfd", Unread { what: "a zstd file", remedy: "decompress it (zstd -d FILE)" }),
    (b"PK\x03\x04", Unread { what: "a zip file", remedy: "unpack it (unzip FILE)" }),
    (b"\xfd7zXZ\x00", Unread { what: "an xz file", remedy: "decompress it (xz -d FILE)" }),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", EXCEL),
    (b"\xff\xfe", Unread { what: "UTF-16 text", remedy: "save it as UTF-8" }),
    (b"\xfe\xff", Unread { what: "UTF-16 text", remedy: "save it as UTF-8" }),
    // Mainnet, testnet 3, signet, regtest.
    (b"\xf9\xbe\xb4\xd9", BLOCKS),
    (b"\x0b\x11\x09\x07", BLOCKS),
    (b"\x0a\x03\xcf\x40", BLOCKS),
    (b"\xfa\xbf\xb5\xda", BLOCKS),
];

/// Names that stand in a zip file only if it is a spreadsheet.
const IN_SPREADSHEETS: [&[u8]; 2] = [b"xl/", b"application/vnd.oasis.opendocument.spreadsheet"];

const BITCOIN_ETL: Unread = Unread {
    what: "a table of bitcoin-etl",
    remedy: "write its inputs and outputs as a CSV of the format `transfers` (docs/import.md)",
};
const GRAPHSENSE: Unread = Unread {
    what: "a raw table of GraphSense",
    remedy: "export it as CSV and describe its columns (--map MAP.toml, docs/import.md)",
};
const JAVA_TRON: Unread = Unread {
    what: "a block from a java-tron node",
    remedy: "import TronGrid's or Tronscan's replies about the accounts instead",
};

/// Fields and columns that only one kind of table has together.
const FIELDS: [(&[&str], Unread); 7] = [
    (&["is_coinbase", "virtual_size"], BITCOIN_ETL),
    (&["merkle_root", "coinbase_param"], BITCOIN_ETL),
    (&["block_id", "block_id_group"], GRAPHSENSE),
    (&["block_id", "tx_hash"], GRAPHSENSE),
    (&["block_id", "block_hash"], GRAPHSENSE),
    (&["transferto_address", "caller_address"], GRAPHSENSE),
    (&["blockID", "block_header"], JAVA_TRON),
];

/// What a file that is no text is.
pub(super) fn binary(beginning: &[u8]) -> Option<Unread> {
    let (magic, unread) = MAGIC.iter().find(|(magic, _)| beginning.starts_with(magic))?;
    let holds = |name: &&[u8]| beginning.windows(name.len()).any(|part| part == *name);
    match magic.starts_with(b"PK") && IN_SPREADSHEETS.iter().any(holds) {
        true => Some(EXCEL),
        false => Some(*unread),
    }
}

/// What a file is that no format of ours took.
pub(super) fn sniff(name: &str, head: &Head<'_>) -> Option<Unread> {
    if let Some(unread) = binary(head.bytes()) {
        return Some(unread);
    }
    // Bitcoin Core 28 and later store their blocks XORed with a key: only the name tells.
    let digits = name.strip_suffix(".dat").and_then(|name| name.get(3..));
    let numbered = digits.is_some_and(|d| d.len() == 5 && d.bytes().all(|b| b.is_ascii_digit()));
    if numbered && (name.starts_with("blk") || name.starts_with("rev")) {
        return Some(BLOCKS);
    }
    let (_, unread) = FIELDS.iter().find(|(names, _)| head.names(names))?;
    Some(*unread)
}
