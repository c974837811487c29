//! `dyepack label`: who is said to be behind an address, by whom, and how sure. Nothing is overwritten:
//! what two sources say stands side by side.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use archive::Archive;
use cases::casebook::Casebook;
use cases::claim::{Claim, What};
use cases::date::Date;
use cases::label::{Category, FORMATS, Format, Label, MAX_FILE, Origin, Reading};
use cases::result::counted;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Subcommand};
use ledger::{Address, Chain, Time};
use serde::Serialize;

use crate::address_asked;
use crate::archive_folder;
use crate::cli::Global;
use crate::exit::{Coded, Exit};
use crate::output::{Output, plain};
use crate::sources;
use crate::table::{Column, table};
use crate::whole_file;

/// Rows set aside that a person is shown of a file.
const TOLD: usize = 5;

/// Labels of addresses: import, add, list, explain.
#[derive(Args)]
pub(crate) struct LabelArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Import labels: CSV, GraphSense TagPacks, OFAC SDN lists, Etherscan labels
    Import {
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// What the files are [default: by their names and content]
        #[arg(long, value_name = "NAME", value_parser = format_names())]
        format: Option<String>,
        /// Who says so
        #[arg(long, value_name = "NAME")]
        source: String,
    },
    /// Add one label
    Add {
        chain: String,
        address: String,
        name: String,
        /// exchange, payment, otc, gambling, mixer, bridge, dex, swap-service, defi, mining, sanctioned,
        /// theft, scam, victim, other
        #[arg(long)]
        category: String,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
        confidence: u8,
        /// Who says so
        #[arg(long)]
        source: String,
    },
    /// List all labels
    List,
    /// Everything that is said of an address
    Explain { address: String },
}

const COLUMNS: [Column<'_>; 7] = [
    Column::word("chain"),
    Column::code("address"),
    Column::text("name").below(3),
    Column::word("category").below(2),
    Column::number("confidence").below(2).named(),
    Column::text("source").below(1),
    Column::word("date").below(1),
];

#[derive(Serialize)]
struct LabelShown {
    chain: String,
    address: String,
    name: String,
    category: String,
    confidence: u8,
    source: String,
    date: Option<String>,
    actor: Option<String>,
    uri: Option<String>,
    claimed_by: String,
    claimed_at: String,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    labels: Vec<LabelShown>,
}

#[derive(Serialize)]
struct ImportDocument {
    schema: &'static str,
    files: Vec<FileDone>,
}

#[derive(Serialize)]
struct FileDone {
    file: String,
    format: String,
    labels: usize,
    set_aside: Vec<RowSetAside>,
    skipped: std::collections::BTreeMap<String, usize>,
}

#[derive(Serialize)]
struct RowSetAside {
    row: usize,
    reason: String,
}

pub(crate) fn run(args: &LabelArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Import { files, format, source } => {
            import(files, format.as_deref(), source, global, output)
        }
        Action::Add { chain, address, name, category, confidence, source } => {
            let label = one(chain, address, name, category, *confidence, source)?;
            let archive = archive_folder::write(global)?;
            let (chain, address) = (label.chain, label.address);
            append(&archive, vec![label])?;
            if output.json {
                let casebook = sources::casebook(&archive)?;
                return show(
                    casebook.labels_of(chain, &address).into_iter().map(shown).collect(),
                    output,
                );
            }
            Ok(Exit::Ok)
        }
        Action::List => {
            let casebook = sources::casebook(&archive_folder::read(global)?)?;
            show(casebook.labels().map(shown).collect(), output)
        }
        Action::Explain { address } => explain(address, global, output),
    }
}

/// The formats by name, each with what it is: `--help` and a refusal list them.
fn format_names() -> PossibleValuesParser {
    FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.what)).into()
}

/// Who makes a claim from this command line.
pub(crate) fn who() -> String {
    std::env::var("DYEPACK_USER")
        .or_else(|_| std::env::var("USER"))
        .unwrap_or_else(|_| "user".into())
}

/// The time of a claim.
pub(crate) fn now() -> anyhow::Result<Time> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(Time::from_u64(since.context("the clock stands before 1970")?.as_secs())?)
}

fn usage(message: impl ToString) -> anyhow::Error {
    Coded::new(Exit::Usage, message.to_string()).into()
}

fn one(
    chain: &str,
    address: &str,
    name: &str,
    category: &str,
    confidence: u8,
    source: &str,
) -> anyhow::Result<Label> {
    let chain = Chain::parse(chain).map_err(usage)?;
    let label = Label {
        chain,
        address: Address::parse(chain, address)
            .map_err(|error| usage(format!("{address}: {error}")))?,
        name: name.to_string(),
        category: Category::parse(category).map_err(usage)?,
        confidence,
        source: source.to_string(),
        date: Some(Date::parse(&now()?.to_string())?),
        actor: None,
        uri: None,
    };
    label.checked().map_err(usage)
}

fn import(
    files: &[PathBuf],
    format: Option<&str>,
    source: &str,
    global: &Global,
    output: &Output,
) -> anyhow::Result<Exit> {
    let archive = archive_folder::write(global)?;
    let mut done = Vec::new();
    let mut first_error = None;
    for path in files {
        let (format, reading) = match read(path, format, source) {
            Ok(read) => read,
            Err(error) if files.len() > 1 => {
                // One bad file keeps no other out.
                output.error(&error);
                first_error.get_or_insert(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        let count = reading.labels.len();
        append(&archive, reading.labels)?;
        done.push(FileDone {
            file: plain(&path.display().to_string()),
            format: format.name.to_string(),
            labels: count,
            set_aside: reading
                .set_aside
                .into_iter()
                .map(|row| RowSetAside { row: row.row, reason: row.reason })
                .collect(),
            skipped: reading.skipped,
        });
    }
    if let (true, Some(error)) = (done.is_empty(), first_error.take()) {
        return Err(error);
    }
    let incomplete = first_error.is_some() || done.iter().any(|file| !file.set_aside.is_empty());
    if output.json {
        output.document(&ImportDocument { schema: "dyepack.label-import/1", files: done })?;
    } else {
        output.data(&done.iter().map(told).collect::<String>())?;
    }
    Ok(if incomplete { Exit::Incomplete } else { Exit::Ok })
}

fn told(file: &FileDone) -> String {
    let mut text = format!(
        "{}: {} · {}, {} set aside\n",
        file.file,
        file.format,
        counted(file.labels, "label"),
        counted(file.set_aside.len(), "row")
    );
    for row in file.set_aside.iter().take(TOLD) {
        text.push_str(&format!("  row {}: {}\n", row.row, row.reason));
    }
    match file.set_aside.len().saturating_sub(TOLD) {
        0 => {}
        more => text.push_str(&format!("  … and {more} more (--json lists all)\n")),
    }
    for (reason, count) in &file.skipped {
        text.push_str(&format!("  {count} left out: {reason}\n"));
    }
    text
}

/// Reads a label file.
pub(crate) fn read(
    path: &Path,
    format: Option<&str>,
    source: &str,
) -> anyhow::Result<(&'static Format, Reading)> {
    let bytes = whole_file::read(path, MAX_FILE)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let format = match format {
        Some(wanted) => Format::parse(wanted)
            .ok_or_else(|| usage(format!("no label format is called {wanted:?}")))?,
        None => Format::sniff(&name, &bytes).ok_or_else(|| {
            let known: Vec<String> =
                FORMATS.iter().map(|known| format!("{} ({})", known.name, known.what)).collect();
            let message = format!("{}: recognised as no label format", path.display());
            Coded::new(Exit::Usage, message).help(format!("--format NAME: {}", known.join(" · ")))
        })?,
    };
    let origin = Origin { file_name: &name, source, date: None };
    let reading = format.read(&bytes, &origin);
    Ok((format, reading.with_context(|| format!("cannot read {}", path.display()))?))
}

/// Appends labels to the journal as claims of this user.
pub(crate) fn append(archive: &Archive, labels: Vec<Label>) -> anyhow::Result<()> {
    let (who, when) = (who(), now()?);
    let claim = |label| Claim { who: who.clone(), when, what: What::LabelAdded(label) }.encode();
    let claims: Vec<Vec<u8>> = labels.into_iter().map(claim).collect::<Result<_, _>>()?;
    archive.journal()?.append(&claims)?;
    Ok(())
}

fn explain(address: &str, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let casebook: Casebook = sources::casebook(&archive_folder::read(global)?)?;
    let chains = address_asked::fitting(address, None);
    if chains.is_empty() {
        return Err(address_asked::refused(address));
    }
    let labels: Vec<LabelShown> = chains
        .iter()
        .flat_map(|(chain, address)| casebook.labels_of(*chain, address))
        .map(shown)
        .collect();
    let none = labels.is_empty();
    show(labels, output)?;
    Ok(if none { Exit::NoData } else { Exit::Ok })
}

fn shown(claimed: &cases::casebook::Claimed<Label>) -> LabelShown {
    let label = &claimed.what;
    LabelShown {
        chain: label.chain.to_string(),
        address: label.address.to_string(),
        name: label.name.clone(),
        category: label.category.name().to_string(),
        confidence: label.confidence,
        source: label.source.clone(),
        date: label.date.as_ref().map(|date| date.text().to_string()),
        actor: label.actor.clone(),
        uri: label.uri.clone(),
        claimed_by: claimed.who.clone(),
        claimed_at: claimed.when.to_string(),
    }
}

fn show(labels: Vec<LabelShown>, output: &Output) -> anyhow::Result<Exit> {
    if output.json {
        output.document(&Document { schema: "dyepack.labels/1", labels })?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<[String; 7]> = labels
        .into_iter()
        .map(|label| {
            let (confidence, date) = (label.confidence.to_string(), label.date.unwrap_or_default());
            let LabelShown { chain, address, name, category, source, .. } = label;
            [chain, address, name, category, confidence, source, date]
        })
        .collect();
    output.data(&table(output, &COLUMNS, &rows))?;
    Ok(Exit::Ok)
}
