//! `dyepack case`: registers cases, so that others can name them and addresses are screened against them.

use std::path::PathBuf;

use anyhow::Context;
use archive::Archive;
use cases::case_file::{CaseFile, MAX_BYTES};
use cases::claim::{Claim, What};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::archive_folder;
use crate::cli::Global;
use crate::command::label::{now, who};
use crate::exit::{Coded, Exit};
use crate::output::Output;
use crate::sources;
use crate::table::{Column, table};
use crate::whole_file;

/// Register cases: add, list, show, remove.
#[derive(Args)]
pub(crate) struct CaseArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Register a case file; one with the same id is replaced
    Add {
        #[arg(value_name = "CASE.toml", required = true)]
        files: Vec<PathBuf>,
    },
    /// List the registered cases
    List,
    /// Print a registered case
    Show { id: String },
    /// Forget a registered case
    Remove { id: String },
}

const COLUMNS: [Column<'_>; 5] = [
    Column::code("case"),
    Column::word("date"),
    Column::number("thefts"),
    Column::number("flows"),
    Column::text("title").below(1),
];

#[derive(Serialize)]
struct Listed {
    id: String,
    title: String,
    date: Option<String>,
    thefts: usize,
    flows: usize,
    by: String,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    cases: Vec<Listed>,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema: &'static str,
    id: &'a str,
    case_file: String,
}

pub(crate) fn run(args: &CaseArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    match &args.action {
        Action::Add { files } => add(files, global, output),
        Action::List => list(&archive_folder::read(global)?, output),
        Action::Show { id } => show(id, &archive_folder::read(global)?, output),
        Action::Remove { id } => remove(id, global, output),
    }
}

fn add(files: &[PathBuf], global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let mut claims = Vec::new();
    for path in files {
        let bytes = whole_file::read(path, MAX_BYTES)?;
        let case = CaseFile::parse(&bytes);
        let case = case.with_context(|| format!("{} is no case file", path.display()))?;
        output.note(&format!("registered {}: {}", case.id, case.title));
        claims.push(Claim { who: who(), when: now()?, what: What::CaseAdded(case) }.encode()?);
    }
    let archive = archive_folder::write(global)?;
    archive.journal()?.append(&claims)?;
    if output.json { list(&archive, output) } else { Ok(Exit::Ok) }
}

fn list(archive: &Archive, output: &Output) -> anyhow::Result<Exit> {
    let casebook = sources::casebook(archive)?;
    let cases: Vec<Listed> = casebook
        .cases()
        .map(|claimed| Listed {
            id: claimed.what.id.clone(),
            title: claimed.what.title.clone(),
            date: claimed.what.date.as_ref().map(|date| date.text().to_string()),
            thefts: claimed.what.thefts.len(),
            flows: claimed.what.flows.len(),
            by: claimed.who.clone(),
        })
        .collect();
    if output.json {
        output.document(&Document { schema: "dyepack.cases/1", cases })?;
        return Ok(Exit::Ok);
    }
    let rows: Vec<[String; 5]> = cases
        .into_iter()
        .map(|case| {
            let (thefts, flows) = (case.thefts.to_string(), case.flows.to_string());
            [case.id, case.date.unwrap_or_default(), thefts, flows, case.title]
        })
        .collect();
    output.data(&table(output, &COLUMNS, &rows))?;
    Ok(Exit::Ok)
}

fn unknown(id: &str) -> anyhow::Error {
    Coded::new(Exit::NoData, format!("no case {id:?} is registered"))
        .help("dyepack case list")
        .into()
}

fn show(id: &str, archive: &Archive, output: &Output) -> anyhow::Result<Exit> {
    let casebook = sources::casebook(archive)?;
    let known = casebook.case(id).ok_or_else(|| unknown(id))?;
    let case_file = known.what.to_toml();
    match output.json {
        true => output.document(&Shown { schema: "dyepack.case-shown/1", id, case_file })?,
        false => output.data(&case_file)?,
    }
    Ok(Exit::Ok)
}

fn remove(id: &str, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let archive = archive_folder::write(global)?;
    if sources::casebook(&archive)?.case(id).is_none() {
        return Err(unknown(id));
    }
    let claim = Claim { who: who(), when: now()?, what: What::CaseRemoved(id.to_string()) };
    archive.journal()?.append(&[claim.encode()?])?;
    output.note(&format!("removed {id}"));
    if output.json { list(&archive, output) } else { Ok(Exit::Ok) }
}
