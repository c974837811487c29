//! What an import says of its files: a document, or lines for people.

use std::collections::BTreeMap;
use std::fmt;

use archive::Gap;
use serde::Serialize;

use crate::import_file::Imported;
use crate::output::{Output, Tone, toned};
use crate::set_aside::SetAside;
use crate::table::sentence;

/// Lines of rows set aside that a person is shown of a file.
const TOLD: usize = 5;
/// What more files than these do not tell stands once below them all.
const FEW: usize = 3;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    files: Vec<FileDone<'a>>,
    /// Files of which nothing went in, and why.
    left_out: &'a [LeftOut],
    archive: String,
}

/// A file or folder of which nothing goes in.
#[derive(Serialize)]
pub(crate) struct LeftOut {
    pub(crate) file: String,
    pub(crate) reason: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.reason)
    }
}

#[derive(Serialize)]
struct FileDone<'a> {
    file: &'a str,
    format: &'a str,
    what: &'a str,
    sha256: String,
    rows: u64,
    blocks: u64,
    transactions: u64,
    transfers: u64,
    /// Null in a dry run, which compares nothing with the archive.
    new: Option<u64>,
    already: Option<u64>,
    moved_nothing: u64,
    set_aside: u64,
    /// The first of them; all are in set-aside.jsonl.
    set_aside_rows: &'a [SetAside],
    gaps: &'a [Gap],
    broken: Option<&'a str>,
}

/// Prints what became of the files; `archive` is the digest of the archive that they went into.
pub(crate) fn report(
    output: &Output,
    archive: Option<String>,
    done: &[Imported],
    left_out: &[LeftOut],
) -> anyhow::Result<()> {
    if output.json {
        let files = done.iter().map(file_done).collect();
        let archive = archive.unwrap_or_default();
        let schema = "dyepack.import/1";
        return Ok(output.document(&Document { schema, files, left_out, archive })?);
    }
    let mut without: BTreeMap<&Gap, usize> = BTreeMap::new();
    done.iter().flat_map(|file| &file.gaps).for_each(|gap| *without.entry(gap).or_default() += 1);
    let mut text = String::new();
    for file in done {
        text.push_str(&told(file));
        for gap in file.gaps.iter().filter(|gap| without[gap] <= FEW) {
            text.push_str(&sentence(output, 2, &untold(gap, "")));
        }
    }
    for (gap, count) in without.into_iter().filter(|(_, count)| *count > FEW) {
        let of = format!(" ({count} of {} files)", done.len());
        text.push_str(&sentence(output, 0, &untold(gap, &of)));
    }
    if !left_out.is_empty() {
        text.push_str(&toned(Tone::Warning, &format!("left out: {}\n", left_out.len())));
    }
    Ok(output.data(&text)?)
}

/// A gap in a line. Of columns that are not known nothing is missing: they were not read.
fn untold(gap: &Gap, of: &str) -> String {
    match gap.detail.strip_prefix("not read: ") {
        Some(columns) => format!("columns not read{of}: {columns}"),
        None => format!("not told{of}: {}", gap.detail),
    }
}

/// A file in a line, with the first of what was set aside below it. Rows are the file's; a row may
/// give several transfers, or none.
fn told(file: &Imported) -> String {
    let (rows, aside) = (file.summary.rows, &file.set_aside);
    let transfers = match file.new.zip(file.already) {
        Some((new, already)) => format!("{new} new transfers, {already} already there"),
        None => format!("{} transfers, not compared with the archive", file.summary.transfers),
    };
    let mut text = format!(
        "{}: {} · {rows} rows, {} of them set aside · {transfers}\n",
        file.name, file.recognised.format, aside.rows
    );
    for line in aside.first.iter().take(TOLD) {
        let place = match (line.row, line.last_row) {
            (0, _) => String::new(),
            (row, None) => format!(" row {row}"),
            (row, Some(last)) => format!(" rows {row} to {last}"),
        };
        text.push_str(&format!("  {}{place}: {}\n", file.name, line.reason));
    }
    let more = aside.lines_beyond(TOLD);
    if more > 0 {
        let kept = match file.new {
            Some(_) => "in set-aside.jsonl in the archive",
            None => "listed by --json",
        };
        text.push_str(&format!("  … and {more} more, {kept}\n"));
    }
    text
}

fn file_done(file: &Imported) -> FileDone<'_> {
    FileDone {
        file: &file.name,
        format: file.recognised.format,
        what: &file.recognised.what,
        sha256: hex::encode(file.sha256),
        rows: file.summary.rows,
        blocks: file.summary.blocks,
        transactions: file.summary.transactions,
        transfers: file.summary.transfers,
        new: file.new,
        already: file.already,
        moved_nothing: file.summary.moved_nothing,
        set_aside: file.set_aside.count,
        set_aside_rows: &file.set_aside.first,
        gaps: &file.gaps,
        broken: file.broken.as_deref(),
    }
}
