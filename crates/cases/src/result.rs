//! The result of a trace as a document: `dyepack.trace/1`, a contract (docs/trace-json.md).
//!
//! What is printed, drawn, reported and verified is this one value. Raw amounts are strings of base
//! units, times RFC 3339 in UTC; what is not known is null. It can be read back, and its digest taken
//! again from what it says.

use ledger::Amount;
use serde::{Deserialize, Serialize};

/// The schema that this version writes and reads.
pub const SCHEMA: &str = "dyepack.trace/1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceResult {
    pub schema: String,
    pub case: String,
    pub title: String,
    pub rule: String,
    /// `sha256:` and the digest of everything that must be equal whoever computes it.
    pub digest: String,
    pub program: Program,
    pub parameters: Parameters,
    /// The command that computes this again.
    pub replay: String,
    pub inputs: Vec<Input>,
    pub snapshot: Snapshot,
    pub seeds: Vec<Seed>,
    pub stolen: Vec<Sum>,
    pub holdings: Vec<Holding>,
    pub totals: Vec<Total>,
    /// Absent under poison, which conserves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conservation: Option<Vec<Conservation>>,
    pub stops: Vec<StopMet>,
    pub overlaps: Vec<OverlapFound>,
    pub unknown: Vec<UnknownValue>,
    pub gaps: Vec<Gap>,
    /// Rows of the imports that could not be read.
    pub set_aside: u64,
    /// Assets left out because a balance or sum outgrew 128 bits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside_assets: Vec<AssetLeftOut>,
    pub touched: Touched,
    /// Movements that somebody reported; they enter no amount above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<PathFound>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    pub name: String,
    pub version: String,
}

/// What was asked; with the archive it is enough to ask again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    pub until: Option<String>,
    pub through: Vec<String>,
    pub max_hops: Option<u32>,
    pub service_degree: u32,
    pub label_confidence: u8,
    /// Cases whose overlaps with this one were computed.
    pub with: Vec<String>,
    /// The files of these cases as they were, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with_files: Vec<String>,
    /// Absent if no paths were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths_to: Option<PathsTo>,
    /// The case file as it was, so that the result can be computed again without it.
    pub case_file: String,
}

/// The end of the paths that were asked for, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathsTo {
    pub address: String,
    pub count: u32,
}

/// A file that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub format: String,
    pub sha256: String,
    pub rows: u64,
    pub transfers: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub archive: String,
    pub labels: String,
    pub chains: Vec<ChainCovered>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainCovered {
    pub chain: String,
    pub first_height: Option<u64>,
    pub last_height: Option<u64>,
    pub first_time: Option<String>,
    pub last_time: Option<String>,
    pub transfers: u64,
}

/// A transfer that took the money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Which theft of the case it is, from 1.
    pub theft: usize,
    pub chain: String,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    pub index: Option<u32>,
    pub time: String,
    pub tx: Option<String>,
    pub from: Option<String>,
    pub to: String,
    pub asset: String,
    pub raw: String,
    pub amount: Option<String>,
    /// True if the data does not show it and the case says so.
    pub asserted: bool,
    /// Who asserts it.
    pub source: Option<String>,
}

/// An amount of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub chain: String,
    pub asset: String,
    pub symbol: Option<String>,
    pub raw: String,
    pub amount: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    pub chain: String,
    /// The account, or the output as txid:index; null for fees and burns.
    pub place: Option<String>,
    pub address: Option<String>,
    pub asset: String,
    pub symbol: Option<String>,
    #[serde(rename = "where")]
    pub end: String,
    pub label: Option<String>,
    /// Who says so, and how sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_source: Option<LabelNamed>,
    pub raw: String,
    pub amount: Option<String>,
    /// One whole unit is 10^decimals base units.
    pub decimals: Option<u8>,
    pub low_raw: String,
    pub high_raw: String,
    pub hops: Option<u32>,
    pub first_time: Option<String>,
    pub last_time: Option<String>,
    /// Of what arrived at a service, mixer, bridge or swap: the transactions that brought it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transactions: Vec<String>,
}

impl Holding {
    /// One of its raw amounts, for people: whole units with thousands commas where decimals are known.
    pub fn whole(&self, raw: &str) -> String {
        let units = Amount::parse(raw).ok().zip(self.decimals);
        grouped(
            &units.map_or_else(|| raw.to_string(), |(units, decimals)| units.to_decimal(decimals)),
        )
    }
}

/// Thousands separated by commas, the fraction as it is.
pub fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: Vec<char> = whole.chars().collect();
    let mut text = String::new();
    for (at, digit) in digits.iter().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(*digit);
    }
    if fraction.is_empty() { text } else { format!("{text}.{fraction}") }
}

/// A count with its noun in the right number: "1 flow", "2 flows".
pub fn counted(count: impl std::fmt::Display, noun: &str) -> String {
    let count = count.to_string();
    let ending = if count == "1" { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// Who is said to be behind an address, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelNamed {
    pub name: String,
    pub category: String,
    pub confidence: u8,
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    pub chain: String,
    pub asset: String,
    pub symbol: Option<String>,
    #[serde(rename = "where")]
    pub end: String,
    pub raw: String,
    pub amount: Option<String>,
    pub decimals: Option<u8>,
    pub places: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conservation {
    pub chain: String,
    pub asset: String,
    pub in_raw: String,
    pub out_raw: String,
    pub ok: bool,
    pub converted_in_raw: String,
    pub converted_out_raw: String,
}

/// A place at which value was no longer followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopMet {
    pub chain: String,
    pub place: String,
    #[serde(rename = "where")]
    pub end: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverlapFound {
    pub incidents: Vec<String>,
    pub chain: String,
    pub place: Option<String>,
    pub asset: String,
    #[serde(rename = "where")]
    pub end: String,
    pub low_raw: String,
    pub high_raw: String,
}

/// Value that had to be in a pot although the data does not show where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownValue {
    pub chain: String,
    pub address: Option<String>,
    pub place: String,
    pub asset: String,
    pub symbol: Option<String>,
    pub raw: String,
    pub amount: Option<String>,
}

/// Something that the data does not say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    pub kind: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetLeftOut {
    pub chain: String,
    pub asset: String,
    pub reason: String,
}

/// How far the value spread under the chosen rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    pub transfers: u64,
    pub places: u64,
}

/// What somebody reported and the data does not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    pub flows: Vec<ReportedFlow>,
    pub shared_wallets: Vec<SharedWallet>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedFlow {
    pub chain: Option<String>,
    pub from: String,
    pub to: String,
    pub asset: Option<String>,
    #[serde(default)]
    pub symbol: Option<String>,
    pub amount: Option<String>,
    pub date: Option<String>,
    pub source: String,
}

/// A wallet that the money of several incidents reportedly reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedWallet {
    pub chain: String,
    pub address: String,
    pub reached_from: Vec<ReachedFrom>,
    /// Why it proves little, where it is a labelled service.
    pub not_evidence: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedFrom {
    pub name: String,
    /// The wallets on the shortest reported way, this one last.
    pub via: Vec<String>,
    pub sources: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathFound {
    /// `largest`, `earliest`, `shortest`; empty for further paths.
    pub kinds: Vec<String>,
    pub hops: Vec<PathHop>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathHop {
    pub chain: String,
    pub tx: Option<String>,
    pub position: PathPosition,
    pub time: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub asset: String,
    pub symbol: Option<String>,
    pub raw: String,
    pub amount: Option<String>,
    /// Labelled units that left the sender.
    pub taint_out_raw: String,
    /// Labelled units that arrived, in the receiver's asset.
    pub taint_in_raw: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_to: Option<String>,
    pub asserted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathPosition {
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    pub index: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_nothing_is_plural() {
        for (count, wanted) in [(0, "0 flows"), (1, "1 flow"), (2, "2 flows"), (11, "11 flows")] {
            assert_eq!(counted(count, "flow"), wanted);
        }
    }
}
