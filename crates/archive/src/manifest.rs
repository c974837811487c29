//! The manifest: the only truth about what is committed.
//!
//! `manifest.json` is one JSON document `{"dyepack.archive": 1, "sha256": "…", "state": {…}}`; the
//! hash is over the exact text of `state`. It is replaced as a whole by a rename, so a reader sees
//! one commit or the next, and a damaged one is refused instead of believed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use ledger::{Asset, Chain};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::batch::{Account, Progress, Token};
use crate::disk::{self, Disk};
use crate::error::{ArchiveError, AtPath, Result};

pub(crate) const NAME: &str = "manifest.json";
const FORMAT: u32 = 1;
/// A manifest longer than this is refused unread.
const MAX_BYTES: u64 = 1 << 30;
/// No archive counts further, of rows or of files; so sums over all that a manifest names fit.
const MAX_COUNT: u64 = 1 << 40;

/// A source that was appended, and how far it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// From 0, in order of first append; settles order where positions are not full.
    pub ordinal: u32,
    pub name: String,
    pub format: String,
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
    /// What its reader said of it as a whole.
    pub account: Account,
    /// Transfers that this source was the first to bring (rewinds are not taken off).
    pub transfers: u64,
    /// True once the last batch was appended and nothing of it was rewound since.
    pub complete: bool,
    /// How far it got, where it is not complete and can be gone on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// By what the rows of a part are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sorting {
    /// Rows with a height: by (height, tx_index, index, import, row).
    Height,
    /// Rows without: by (time, import, row).
    Time,
}

/// First or last row of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) height: Option<u64>,
    pub(crate) tx_index: Option<u32>,
    pub(crate) index: Option<u32>,
    pub(crate) time: u32,
}

/// One committed file of transfers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    #[serde(with = "chain_name")]
    pub(crate) chain: Chain,
    pub(crate) sorting: Sorting,
    pub(crate) number: u64,
    pub(crate) path: String,
    #[serde(with = "hex::serde")]
    pub(crate) sha256: [u8; 32],
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    /// Runs of equal transaction ids: exact per part where a transaction's rows stand together.
    pub(crate) transactions: u64,
    pub(crate) first: Key,
    pub(crate) last: Key,
    pub(crate) min_time: u32,
    pub(crate) max_time: u32,
    /// Ordinals of the imports that have rows here, ascending.
    pub(crate) imports: Vec<u32>,
    /// True if some row does not know its transaction's index (or nobody noted whether).
    #[serde(default = "yes")]
    pub(crate) lacks_tx_index: bool,
    /// How it is read where it is a registered file: `path` is then absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) external: Option<External>,
}

/// What is to be known of a registered file beside what every part says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct External {
    pub(crate) format: String,
    /// True if its rows say of which chain they are.
    pub(crate) names_chain: bool,
    /// Ordinal of the import that all its rows are of.
    pub(crate) import: u32,
    /// First and last height of each row group. What the file itself says of that is nobody's word.
    pub(crate) heights: Vec<(u64, u64)>,
}

/// One committed file of block headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockPart {
    #[serde(with = "chain_name")]
    pub(crate) chain: Chain,
    pub(crate) number: u64,
    pub(crate) path: String,
    #[serde(with = "hex::serde")]
    pub(crate) sha256: [u8; 32],
    pub(crate) rows: u64,
    pub(crate) first_height: u64,
    pub(crate) last_height: u64,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TokenText {
    chain: String,
    asset: String,
    decimals: u8,
    symbol: String,
    /// Ordinal of the import that said so.
    source: u32,
}

/// Everything that is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Number of the next file; never used twice.
    pub(crate) next_number: u64,
    pub(crate) parts: Vec<Part>,
    pub(crate) blocks: Vec<BlockPart>,
    pub(crate) imports: Vec<Import>,
    tokens: Vec<TokenText>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "dyepack.archive")]
    format: u32,
    sha256: String,
    #[serde(borrow)]
    state: &'a RawValue,
}

impl Manifest {
    /// Reads the manifest of `folder`; `None` if there is none.
    pub(crate) fn load(disk: &Arc<dyn Disk>, folder: &Path) -> Result<Option<Manifest>> {
        let path = folder.join(NAME);
        match disk.length(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).at(&path),
            Ok(bytes) if bytes > MAX_BYTES => {
                return Err(ArchiveError::integrity(&path, "longer than any manifest"));
            }
            Ok(_) => {}
        }
        let text = disk::read_whole(disk, &path).at(&path)?;
        let bad = |what: String| ArchiveError::integrity(&path, what);
        let envelope: Envelope<'_> =
            serde_json::from_slice(&text).map_err(|e| bad(format!("not a manifest: {e}")))?;
        if envelope.format != FORMAT {
            return Err(bad(format!("format {}, this program reads {FORMAT}", envelope.format)));
        }
        let hash = hex::encode(Sha256::digest(envelope.state.get().as_bytes()));
        if hash != envelope.sha256 {
            return Err(bad("its own checksum does not match".into()));
        }
        let manifest: Manifest = serde_json::from_str(envelope.state.get())
            .map_err(|e| bad(format!("not a manifest: {e}")))?;
        manifest.check().map_err(bad)?;
        Ok(Some(manifest))
    }

    /// Replaces the manifest of `folder` by this one: the commit.
    pub(crate) fn commit(&self, disk: &Arc<dyn Disk>, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let encode = |error: serde_json::Error| ArchiveError::integrity(&path, error);
        let state = serde_json::to_string_pretty(self).map_err(encode)?;
        let sha256 = hex::encode(Sha256::digest(state.as_bytes()));
        let state = RawValue::from_string(state).map_err(encode)?;
        let envelope = Envelope { format: FORMAT, sha256, state: &state };
        let text = serde_json::to_vec(&envelope).map_err(encode)?;
        disk::write_atomically(disk, &path, &text)
    }

    /// What the types do not say. Paths of the archive's own files are derived, so that none can lead out of
    /// the folder.
    fn check(&self) -> std::result::Result<(), String> {
        for part in &self.parts {
            let path = file_path(part.chain, "part", part.number, &part.sha256);
            let is_ours = part.external.is_none() && part.path == path;
            let is_external = part.external.is_some() && Path::new(&part.path).is_absolute();
            if !(is_ours || is_external) || part.rows == 0 {
                return Err(format!("part {} is not as the archive writes it", part.path));
            }
        }
        for part in &self.blocks {
            if part.path != file_path(part.chain, "blocks", part.number, &part.sha256) {
                return Err(format!("part {} is not as the archive writes it", part.path));
            }
        }
        if self.counts().any(|count| count > MAX_COUNT) {
            return Err(format!("a count is larger than {MAX_COUNT}"));
        }
        let numbered = self.imports.iter().enumerate().all(|(i, m)| m.ordinal as usize == i);
        if !numbered {
            return Err("the imports are not numbered in order".into());
        }
        self.tokens.iter().try_for_each(|text| text.parse().map(|_| ()))
    }

    /// Every number that is added to or summed up.
    fn counts(&self) -> impl Iterator<Item = u64> {
        let parts = self.parts.iter().flat_map(|part| [part.rows, part.transactions]);
        let blocks = self.blocks.iter().map(|part| part.rows);
        let imports = self.imports.iter();
        let imports = imports.flat_map(|m| [m.transfers, m.account.rows, m.account.set_aside]);
        [self.next_number].into_iter().chain(parts).chain(blocks).chain(imports)
    }

    /// What is known about tokens, in order of (chain, asset), with the import that said so.
    pub(crate) fn tokens(&self) -> Vec<(Token, u32)> {
        let mut tokens: Vec<_> = self.tokens.iter().filter_map(|text| text.parse().ok()).collect();
        tokens.sort_by_key(|(token, _): &(Token, u32)| (token.chain, token.asset));
        tokens
    }

    pub(crate) fn add_token(&mut self, token: &Token, source: u32) {
        self.tokens.push(TokenText {
            chain: token.chain.name().into(),
            asset: token.asset.text(token.chain),
            decimals: token.decimals,
            symbol: token.symbol.clone(),
            source,
        });
    }

    pub(crate) fn import(&self, sha256: &[u8; 32], format: &str) -> Option<&Import> {
        self.imports.iter().find(|import| import.sha256 == *sha256 && import.format == format)
    }

    /// The number of a new file.
    pub(crate) fn take_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// SHA-256 over the hashes of all files of transfers, in order of hash.
    pub(crate) fn transfers_digest(&self) -> [u8; 32] {
        digest("dyepack.transfers/1", self.parts.iter().map(|part| part.sha256).collect())
    }

    /// SHA-256 over everything committed that a reader can see, but not over names or imports.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let tokens: Vec<_> =
            self.tokens().into_iter().map(|(token, _)| token_hash(&token)).collect();
        let blocks = self.blocks.iter().map(|part| part.sha256).collect();
        let mut all = Sha256::new();
        all.update(self.transfers_digest());
        all.update(digest("dyepack.blocks/1", blocks));
        all.update(digest("dyepack.tokens/1", tokens));
        all.finalize().into()
    }
}

impl TokenText {
    fn parse(&self) -> std::result::Result<(Token, u32), String> {
        let chain = Chain::parse(&self.chain).map_err(|e| e.to_string())?;
        let asset = Asset::parse(chain, &self.asset).map_err(|e| e.to_string())?;
        let symbol = self.symbol.clone();
        Ok((Token { chain, asset, decimals: self.decimals, symbol }, self.source))
    }
}

fn digest(domain: &str, mut hashes: Vec<[u8; 32]>) -> [u8; 32] {
    hashes.sort_unstable();
    let mut all = Sha256::new();
    all.update(domain.as_bytes());
    hashes.iter().for_each(|hash| all.update(hash));
    all.finalize().into()
}

fn token_hash(token: &Token) -> [u8; 32] {
    let asset = token.asset.text(token.chain);
    let text = format!("{}\0{asset}\0{}\0{}", token.chain, token.decimals, token.symbol);
    Sha256::digest(text.as_bytes()).into()
}

/// `chain=<name>/<kind>-<number>-<first 16 digits of its sha256>.parquet`, below the archive.
pub(crate) fn file_path(chain: Chain, kind: &str, number: u64, sha256: &[u8; 32]) -> String {
    format!("chain={chain}/{kind}-{number:08}-{}.parquet", hex::encode(&sha256[..8]))
}

/// A chain by its name.
mod chain_name {
    use ledger::Chain;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(chain: &Chain, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(chain.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Chain, D::Error> {
        Chain::parse(&String::deserialize(input)?).map_err(D::Error::custom)
    }
}
