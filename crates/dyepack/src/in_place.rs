//! Files that stay where they are and are read there: `dyepack import --in-place`, and whoever opens an
//! archive with such files.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use archive::{Account, Archive, ExternalFile, ExternalReader, Gap, Registered, Source};
use chains::exports::{self, Options, Summary};
use indicatif::ProgressBar;
use ledger::{Chain, Table};

use crate::import_file::{Imported, Wanted};
use crate::set_aside::SetAsideRows;

/// The readers of exports, as the archive asks for them.
#[derive(Debug)]
struct Exports;

impl ExternalReader for Exports {
    fn read(
        &self,
        format: &str,
        chain: Option<Chain>,
        file: ExternalFile,
        group: usize,
        rows: Range<usize>,
    ) -> Result<Option<Table>, String> {
        let options = Options { chain, ..Options::default() };
        exports::read_rows(format, file, &options, group, rows).map_err(|error| error.to_string())
    }
}

/// Lets an archive read the files that are registered in it.
pub(crate) fn with_reader(archive: Archive) -> Archive {
    archive.read_external_with(Arc::new(Exports));
    archive
}

/// Makes a file a part of the archive without a copy. `bar` says how many of its rows were looked at.
pub(crate) fn register(
    archive: &mut Archive,
    wanted: Wanted,
    chain: Option<Chain>,
    bar: &ProgressBar,
) -> anyhow::Result<Imported> {
    let Wanted { path, name, recognised } = wanted;
    if !recognised.parquet {
        return Err(anyhow!("{}: only Parquet is read in place", path.display()));
    }
    let format = recognised.format;
    let watch = |rows: u64| bar.set_message(format!("looking through {name}: {rows} rows"));
    let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    let options = Options { chain, ..Options::default() };
    let gaps = exports::gaps_of_columns(format, file, &options)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let gap = |(kind, detail)| Gap { kind, detail };
    let gaps: Vec<Gap> = gaps.into_iter().map(gap).collect();
    let account = Account { gaps: gaps.clone(), ..Account::default() };
    let registered = archive.register(&path, &name, format, chain, account, &watch)?;
    let Registered { sha256, rows, transactions, already } = registered;
    let source = Source { name: name.clone(), sha256, format: format.to_string() };
    let set_aside = SetAsideRows::new(&source, None);
    let summary = Summary { rows, transfers: rows, transactions, ..Summary::default() };
    let (new, already) = if already { (0, rows) } else { (rows, 0) };
    let (new, already) = (Some(new), Some(already));
    Ok(Imported { name, sha256, recognised, summary, new, already, set_aside, gaps, broken: None })
}
