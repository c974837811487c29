//! Files that dyepack writes itself: what it found in data, or was told, and no data. Read as data, a
//! result would become evidence for itself, and some of them look the part: a movement of `trace --hops`
//! has a time, sides, an asset and an amount, but in whole units and for each theft that it is of.

use super::head::Head;

/// A file of dyepack's own: what it is, and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is {0}")]
pub struct Own(&'static str);

/// Fields that only a tainted movement has.
pub(super) const HOP: [&str; 2] = ["taint_out_raw", "taint_in_raw"];
const SET_ASIDE: [&str; 4] = ["file", "sha256", "row", "reason"];
const HOLDINGS: [&str; 5] = ["place", "where", "raw", "low_raw", "high_raw"];

const MOVEMENTS: Own = Own("a result of dyepack, not data: the movements of a trace (--hops)");
const ROWS: Own = Own("a result of dyepack, not data: rows that an import set aside");
const TABLE: Own = Own("a result of dyepack, not data: the holdings of a trace (--csv)");
const DOCUMENT: Own = Own("a result of dyepack, not data: a document of --json");
const CASE: Own = Own("a case file, not data: dyepack case add FILE, or dyepack trace FILE");
const ARCHIVE: Own = Own("a part of a dyepack archive, not data");

pub(super) fn sniff(head: &Head<'_>) -> Option<Own> {
    let table = |names: &[&str]| head.has_columns(names) || head.has_fields(names);
    // Of a list, any element will do; of lines the first one speaks, and others are set aside one by one.
    let list = head.bytes().trim_ascii_start().starts_with(b"[") && head.mentions(&HOP);
    match () {
        () if table(&HOP) || list => Some(MOVEMENTS),
        () if table(&SET_ASIDE) => Some(ROWS),
        () if table(&HOLDINGS) => Some(TABLE),
        () if head.is_json() && is_document(head.bytes()) => Some(DOCUMENT),
        () if !head.is_json() && is_case(head.bytes()) => Some(CASE),
        () if is_of_archive(head) => Some(ARCHIVE),
        () => None,
    }
}

/// True for JSON that names a schema of ours. It stands first as written, but tools sort keys.
fn is_document(bytes: &[u8]) -> bool {
    let name = b"\"schema\"";
    let starts = bytes.windows(name.len()).enumerate().filter(|(_, part)| part == name);
    starts.into_iter().any(|(at, _)| {
        let rest = bytes[at + name.len()..].trim_ascii_start();
        let value = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        value.is_some_and(|value| value.starts_with(b"\"dyepack."))
    })
}

/// True for TOML that names a schema of ours before its first table.
fn is_case(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.take_while(|line| !line.starts_with(b"[")).any(|line| {
        let value = line.strip_prefix(b"schema").map(<[u8]>::trim_ascii_start);
        let value = value.and_then(|value| value.strip_prefix(b"=")).map(<[u8]>::trim_ascii_start);
        value.is_some_and(|value| {
            value.starts_with(b"\"dyepack.") || value.starts_with(b"'dyepack.")
        })
    })
}

/// True for an archive's manifest, the stamp of its index, or its journal of claims.
fn is_of_archive(head: &Head<'_>) -> bool {
    let named = |name| head.is_json() && head.mentions(&[name]);
    named("dyepack.archive") || named("dyepack.index") || head.bytes().starts_with(b"dyepack.")
}
