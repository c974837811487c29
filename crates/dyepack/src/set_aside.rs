//! Rows that were not taken in, each with its reason, on their way to `set-aside.jsonl` in the archive.
//!
//! A file may have millions of them, and a reader of junk makes more: they go to disk as they come,
//! the first stay for the summary, and rows that follow each other with one reason share a line. The last
//! line of the file is the checksum of those above it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use archive::Source;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

const NAME: &str = "set-aside.jsonl";
/// How the names of files begin that are being written.
const TEMPORARY: &str = ".set-aside-";
/// Lines of a file that a summary can show.
const FIRST: usize = 1000;
/// Reasons of one row are joined up to this length: a row may give thousands of transfers.
const MAX_REASON: usize = 500;

/// One row of a file, or several that follow each other, and why they were set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SetAside {
    pub(crate) file: String,
    pub(crate) sha256: String,
    /// Counted as the file's reader counts; 0 for what is of no row.
    pub(crate) row: u64,
    /// The last of several rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_row: Option<u64>,
    pub(crate) reason: String,
}

/// What was set aside of one file.
#[derive(Debug)]
pub(crate) struct SetAsideRows {
    file: String,
    sha256: String,
    /// Rows, and remarks that are of no row.
    pub(crate) count: u64,
    /// Rows alone.
    pub(crate) rows: u64,
    /// The first lines.
    pub(crate) first: Vec<SetAside>,
    /// The line that the next row may still join.
    open: Option<SetAside>,
    lines: u64,
    /// Where lines are kept; `None` in a dry run.
    folder: Option<PathBuf>,
    /// All lines, once there is one: thousands of files may be imported at once, and most have none.
    kept: Option<BufWriter<NamedTempFile>>,
}

impl SetAsideRows {
    /// Keeps lines in `folder`, the archive's, if there is one.
    pub(crate) fn new(source: &Source, folder: Option<&Path>) -> SetAsideRows {
        let (file, sha256) = (source.name.clone(), hex::encode(source.sha256));
        let (first, open, folder) = (Vec::new(), None, folder.map(Path::to_path_buf));
        SetAsideRows { file, sha256, count: 0, rows: 0, first, open, lines: 0, folder, kept: None }
    }

    /// Books that a row was not taken in, or not with all of its transfers: once, however many of them
    /// were refused, one after the other.
    pub(crate) fn add(&mut self, row: u64, reason: String) -> anyhow::Result<()> {
        if let Some(open) = self.open.as_mut().filter(|open| row > 0 && open.row > 0) {
            let last = open.last_row.unwrap_or(open.row);
            if row == last {
                return self.join(row, &reason);
            }
            if row == last + 1 && reason == open.reason {
                open.last_row = Some(row);
                self.count += 1;
                self.rows += 1;
                return Ok(());
            }
        }
        self.close()?;
        self.count += 1;
        self.rows += u64::from(row > 0);
        self.open = Some(self.line(row, reason));
        Ok(())
    }

    fn line(&self, row: u64, reason: String) -> SetAside {
        let (file, sha256) = (self.file.clone(), self.sha256.clone());
        SetAside { file, sha256, row, last_row: None, reason }
    }

    /// One more reason for the last row of the open line.
    fn join(&mut self, row: u64, reason: &str) -> anyhow::Result<()> {
        let Some(open) = self.open.as_mut() else { return Ok(()) };
        if open.reason == reason || open.reason.len() + reason.len() >= MAX_REASON {
            return Ok(());
        }
        let joined = format!("{}; {reason}", open.reason);
        if open.row == row {
            open.reason = joined;
            return Ok(());
        }
        // The rows before it had the first reason alone.
        open.last_row = Some(row - 1).filter(|last| *last > open.row);
        self.close()?;
        self.open = Some(self.line(row, joined));
        Ok(())
    }

    /// Writes the open line.
    pub(crate) fn close(&mut self) -> anyhow::Result<()> {
        let Some(line) = self.open.take() else { return Ok(()) };
        self.lines += 1;
        if let (None, Some(folder)) = (&self.kept, &self.folder) {
            let file = temporary(folder).context("cannot write to the archive")?;
            self.kept = Some(BufWriter::new(file));
        }
        if let Some(kept) = &mut self.kept {
            let written = serde_json::to_writer(&mut *kept, &line).map_err(io::Error::from);
            written.and_then(|()| kept.write_all(b"\n")).context("cannot write set-aside rows")?;
        }
        if self.first.len() < FIRST {
            self.first.push(line);
        }
        Ok(())
    }

    /// Lines beyond the first `shown`.
    pub(crate) fn lines_beyond(&self, shown: usize) -> u64 {
        self.lines.saturating_sub(shown as u64)
    }
}

/// A file that is gone with its owner, or with the next writer if that one was killed.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)
}

/// Removes what killed imports left in the folder of an archive, which nobody else writes to now.
pub(crate) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let left = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMPORARY));
    // What cannot be removed is in nobody's way.
    left.for_each(|entry| drop(fs::remove_file(entry.path())));
}

/// Writes what was set aside of these files to `set-aside.jsonl` in the archive; the lines of a file
/// that was imported before are replaced.
pub(crate) fn keep(folder: &Path, done: &mut [&mut SetAsideRows]) -> anyhow::Result<()> {
    let path = folder.join(NAME);
    let cannot = || format!("cannot write {NAME}");
    let new = BufWriter::new(temporary(folder).with_context(cannot)?);
    let mut new = Hashing { writer: new, hash: Sha256::new() };
    let mut is_empty = true;
    if let Ok(before) = File::open(&path) {
        is_empty = false;
        for line in BufReader::new(before).lines() {
            let line = line.with_context(|| format!("{NAME} cannot be read: dyepack doctor"))?;
            let of = serde_json::from_str::<OfFile>(&line).ok();
            let is_other = of.is_none_or(|of| done.iter().all(|rows| rows.sha256 != of.sha256));
            if is_other && serde_json::from_str::<Checksum>(&line).is_err() {
                writeln!(new, "{line}").with_context(cannot)?;
            }
        }
    }
    for rows in done.iter_mut().filter(|rows| rows.count > 0) {
        is_empty = false;
        let Some(kept) = &mut rows.kept else { continue };
        kept.flush().with_context(cannot)?;
        let mut lines = kept.get_ref().reopen().with_context(cannot)?;
        io::copy(&mut lines, &mut new).with_context(cannot)?;
    }
    if is_empty {
        return Ok(());
    }
    let Hashing { mut writer, hash } = new;
    let checksum = Checksum { sha256_of_lines: hex::encode(hash.finalize()) };
    writeln!(writer, "{}", serde_json::to_string(&checksum)?).with_context(cannot)?;
    let new = writer.into_inner().map_err(io::IntoInnerError::into_error).with_context(cannot)?;
    new.as_file().sync_all().with_context(cannot)?;
    new.persist(&path).with_context(cannot)?;
    Ok(())
}

/// What is wrong with the set-aside rows of an archive, with the file; `None` if nothing is, or there are
/// none.
pub(crate) fn check(folder: &Path) -> Option<(PathBuf, String)> {
    let path = folder.join(NAME);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some((path, error.to_string())),
    };
    let end = text.len().saturating_sub(1);
    let last = text[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let checksum = Checksum { sha256_of_lines: hex::encode(Sha256::digest(&text[..last])) };
    let expected = serde_json::to_string(&checksum).ok()? + "\n";
    (text[last..] != *expected.as_bytes())
        .then(|| (path, "its last line is not the checksum of those above it".to_string()))
}

/// A writer that hashes what it writes.
struct Hashing<W> {
    writer: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checksum {
    sha256_of_lines: String,
}

/// Which file a line is about.
#[derive(Deserialize)]
struct OfFile {
    sha256: String,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn rows(folder: Option<&Path>) -> SetAsideRows {
        let source = Source { name: "a.csv".into(), sha256: [7; 32], format: "transfers".into() };
        SetAsideRows::new(&source, folder)
    }

    /// A file of junk made a line of 150 bytes, and as much memory, of every two bytes.
    #[test]
    fn rows_that_follow_each_other_with_one_reason_share_a_line() {
        let check = |given: &[(u64, &str)], counts: (u64, u64), want: &[&str]| {
            let mut rows = rows(None);
            given.iter().for_each(|(row, why)| rows.add(*row, why.to_string()).expect("added"));
            rows.close().expect("closed");
            let line = |aside: &SetAside| match aside.last_row {
                Some(last) => format!("{}-{last} {}", aside.row, aside.reason),
                None => format!("{} {}", aside.row, aside.reason),
            };
            let lines: Vec<String> = rows.first.iter().map(line).collect();
            assert_eq!(lines, want);
            assert_eq!((rows.count, rows.rows), counts, "{given:?}");
        };
        check(&[], (0, 0), &[]);
        check(&[(2, "a"), (3, "a"), (4, "a"), (6, "a")], (4, 4), &["2-4 a", "6 a"]);
        check(&[(2, "a"), (3, "b"), (4, "b")], (3, 3), &["2 a", "3-4 b"]);
        check(&[(2, "a"), (2, "b"), (2, "a; b"), (3, "a")], (2, 2), &["2 a; b", "3 a"]);
        check(&[(2, "a"), (3, "a"), (4, "a"), (4, "b")], (3, 3), &["2-3 a", "4 a; b"]);
        check(&[(2, "a"), (3, "a"), (3, "b")], (2, 2), &["2 a", "3 a; b"]);
        check(&[(2, "a"), (0, "a"), (0, "a")], (3, 1), &["2 a", "0 a", "0 a"]);
    }

    #[test]
    fn a_second_import_replaces_the_lines_of_its_file_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        keep(folder.path(), &mut [&mut rows(Some(folder.path()))]).expect("kept");
        assert!(!path.exists(), "nothing was set aside");
        fs::write(&path, "{\"sha256\":\"00\",\"row\":1}\n").expect("written");
        for reason in ["first", "second"] {
            let mut rows = rows(Some(folder.path()));
            rows.add(5, reason.to_string()).expect("added");
            rows.close().expect("closed");
            keep(folder.path(), &mut [&mut rows]).expect("kept");
            let text = fs::read_to_string(&path).expect("there");
            assert_eq!(text.lines().count(), 3, "{text}");
            assert_eq!(check(folder.path()), None);
            for at in 0..text.len() {
                let mut damaged = text.clone().into_bytes();
                damaged[at] ^= 1;
                fs::write(&path, damaged).expect("written");
                assert!(check(folder.path()).is_some(), "byte {at}");
            }
            fs::write(&path, &text).expect("written");
            assert!(text.starts_with("{\"sha256\":\"00\"") && text.contains(reason), "{text}");
        }
    }
}
