//! Brings one file into the archive: hashes it, recognises it, reads it in batches, and keeps account
//! of what was new, what was there, and what was set aside.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use archive::{Account, Archive, Batch, Entry, Source, Subject, Token};
use chains::exports::{Context, Item, Options, ReadError, Recognised, Summary};
use indicatif::ProgressBar;
use ledger::Transfer;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::output::plain;

/// Transfers that are held before they are written as one part.
const BATCH: usize = 1 << 20;
/// How much of a file is looked at to recognise it.
const HEAD: usize = 64 << 10;

/// A row that was not taken in, and why.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SetAside {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) row: u64,
    pub(crate) reason: String,
}

/// What became of one file.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) name: String,
    pub(crate) sha256: [u8; 32],
    pub(crate) recognised: Recognised,
    pub(crate) summary: Summary,
    /// Transfers that were new to the archive.
    pub(crate) new: u64,
    pub(crate) already: u64,
    pub(crate) set_aside: Vec<SetAside>,
    /// Why reading ended before the file's end.
    pub(crate) broken: Option<String>,
}

/// The first bytes of a file.
pub(crate) fn head(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.take(HEAD as u64)
        .read_to_end(&mut head)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(head)
}

/// The SHA-256 of a file's bytes.
pub(crate) fn hash(path: &Path) -> anyhow::Result<[u8; 32]> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        }
    }
}

/// Reads a file into the archive; with no archive, only reads it.
pub(crate) fn import(
    archive: Option<&mut Archive>,
    path: &Path,
    recognised: Recognised,
    options: &Options,
    context: &mut Context,
    bar: &ProgressBar,
) -> anyhow::Result<Imported> {
    let name = path.file_name().map(|name| plain(&name.to_string_lossy()));
    let name = name.unwrap_or_else(|| plain(&path.display().to_string()));
    let sha256 = hash(path)?;
    let source = Source { name: name.clone(), sha256, format: recognised.format.to_string() };
    let mut intake = Intake::new(archive, source);
    let mut failure = None;
    let outcome = {
        let mut sink = |item: Item| match intake.take(item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        };
        read(path, &recognised, options, context, bar, &mut sink)
    };
    if let Some(error) = failure {
        return Err(error);
    }
    let (summary, broken) = match outcome {
        Ok(summary) => (summary, None),
        Err(error) if intake.counted == 0 => {
            return Err(anyhow!(error).context(format!("cannot read {}", path.display())));
        }
        // What came before the damage is kept, and the import says that it is not whole.
        Err(error) => (intake.partial_summary(), Some(error.to_string())),
    };
    if let Some(reason) = &broken {
        intake.set_aside(0, format!("the file could not be read to its end: {reason}"));
    }
    intake.flush(broken.is_none(), summary.rows)?;
    let Intake { new, already, set_aside, .. } = intake;
    Ok(Imported { name, sha256, recognised, summary, new, already, set_aside, broken })
}

fn read(
    path: &Path,
    recognised: &Recognised,
    options: &Options,
    context: &mut Context,
    bar: &ProgressBar,
    sink: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<Summary, ReadError> {
    let file = File::open(path)?;
    if recognised.parquet {
        return chains::exports::read_parquet(recognised.format, file, options, sink);
    }
    let mut reader = BufReader::with_capacity(1 << 18, bar.wrap_read(file));
    chains::exports::read(recognised.format, &mut reader, options, context, sink)
}

/// Collects what a reader hands out, and writes it in batches.
struct Intake<'a> {
    archive: Option<&'a mut Archive>,
    source: Source,
    batch: Batch,
    /// Equal rows so far, by group, of rows without a full position.
    equals: HashMap<(Option<String>, Transfer), u32>,
    /// Rows that equal an earlier one of the file, or group, in everything.
    repeated: u64,
    counted: u64,
    transfers: u64,
    /// Where the file has each transfer of the batch.
    lines: Vec<u64>,
    new: u64,
    already: u64,
    set_aside: Vec<SetAside>,
    gaps: Vec<archive::Gap>,
}

impl<'a> Intake<'a> {
    fn new(archive: Option<&'a mut Archive>, source: Source) -> Intake<'a> {
        Intake {
            archive,
            batch: Batch::new(source.clone()),
            source,
            equals: HashMap::new(),
            repeated: 0,
            counted: 0,
            transfers: 0,
            lines: Vec::new(),
            new: 0,
            already: 0,
            set_aside: Vec::new(),
            gaps: Vec::new(),
        }
    }

    fn take(&mut self, item: Item) -> anyhow::Result<()> {
        self.counted += 1;
        match item {
            Item::Transfer { row, group, transfer } => {
                let occurrence = self.occurrence(group, &transfer);
                self.batch.entries.push(Entry { transfer, row: self.transfers, occurrence });
                self.transfers += 1;
                self.lines.push(row);
            }
            Item::Block(block) => self.batch.blocks.push(block),
            Item::Token { chain, asset, decimals, symbol } => {
                let symbol = symbol.unwrap_or_default();
                self.batch.tokens.push(Token { chain, asset, decimals, symbol });
            }
            Item::SetAside { row, reason } => self.set_aside(row, reason),
            Item::Gap { kind, detail } => self.gaps.push(archive::Gap { kind, detail }),
        }
        match self.batch.entries.len() + self.batch.blocks.len() {
            BATCH.. => self.flush_part(false),
            _ => Ok(()),
        }
    }

    fn occurrence(&mut self, group: Option<String>, transfer: &Transfer) -> u32 {
        if transfer.position.is_full() {
            return 0;
        }
        let count = self.equals.entry((group, *transfer)).or_insert(0);
        *count += 1;
        self.repeated += u64::from(*count > 1);
        *count - 1
    }

    fn set_aside(&mut self, row: u64, reason: String) {
        self.set_aside.push(SetAside {
            file: self.source.name.clone(),
            sha256: hex::encode(self.source.sha256),
            row,
            reason,
        });
    }

    /// The counts of a file that was not read to its end.
    fn partial_summary(&self) -> Summary {
        let set_aside = self.set_aside.len() as u64;
        Summary { rows: self.counted, transfers: self.transfers, set_aside, ..Summary::default() }
    }

    fn flush(&mut self, complete: bool, rows: u64) -> anyhow::Result<()> {
        // Rows refused by the last part must be counted in what that part records.
        if !self.batch.entries.is_empty() || !self.batch.blocks.is_empty() {
            self.flush_part(false)?;
        }
        if self.repeated > 0 {
            let detail = format!(
                "{} rows equal another in everything and have no position: each counts as a transfer \
                 of its own",
                self.repeated
            );
            self.gaps.push(archive::Gap { kind: "identical-rows".to_string(), detail });
        }
        self.batch.account = Some(Account {
            rows,
            set_aside: self.set_aside.len() as u64,
            gaps: std::mem::take(&mut self.gaps),
        });
        self.flush_part(complete)
    }

    fn flush_part(&mut self, last: bool) -> anyhow::Result<()> {
        let next = Batch::new(self.source.clone());
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.last = last;
        let first = self.transfers - self.lines.len() as u64;
        let lines = std::mem::take(&mut self.lines);
        let Some(archive) = self.archive.as_mut() else { return Ok(()) };
        let appended = archive.append(&batch).context("cannot write to the archive")?;
        self.new += appended.transfers;
        self.already += appended.already;
        for rejected in appended.rejected {
            let row = match rejected.subject {
                Subject::Row(row) => lines.get((row - first) as usize).copied().unwrap_or(0),
                Subject::Block { .. } | Subject::Token { .. } => 0,
            };
            // Two sources may call a token differently; no row is lost by it.
            if !matches!(rejected.subject, Subject::Token { .. }) {
                self.set_aside(row, rejected.reason.to_string());
            }
        }
        Ok(())
    }
}
