//! `dyepack doctor`: what is missing or damaged, and how to mend it.

use archive::Archive;
use cases::casebook::Casebook;
use cases::result::counted;
use clap::Args;
use serde::Serialize;

use crate::archive_folder;
use crate::cli::Global;
use crate::exit::Exit;
use crate::output::{Output, Tone, toned};
use crate::progress;
use crate::set_aside;
use crate::sources;

/// Check the archive: files, checksums, index, journal, coverage, gaps.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Build the index anew from the data; it comes out the same to the byte
    #[arg(long)]
    rebuild_index: bool,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    folder: String,
    archive: String,
    labels: u64,
    cases: u64,
    chains: Vec<cases::result::ChainCovered>,
    gaps: Vec<cases::result::Gap>,
    set_aside: u64,
    /// Transactions, counted part by part.
    transactions: u64,
    /// Damage, each with the file that it is in.
    problems: Vec<Problem>,
    /// What is worth knowing and no damage.
    notes: Vec<Note>,
}

#[derive(Serialize)]
struct Note {
    file: String,
    what: String,
}

#[derive(Serialize)]
struct Problem {
    file: String,
    what: String,
    help: String,
}

pub(crate) fn run(args: &DoctorArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let archive = archive_folder::read(global)?;
    let mut problems: Vec<Problem> = archive
        .check()
        .into_iter()
        .map(|found| Problem {
            help: help_for(&found.path.display().to_string()),
            file: found.path.display().to_string(),
            what: found.what,
        })
        .collect();
    if args.rebuild_index && problems.iter().all(|problem| problem.file.contains("/index/")) {
        let bar = progress::transfers(output, "building the index", archive.rows());
        archive.rebuild_index(&|rows| bar.set_position(rows))?;
        bar.finish_and_clear();
        problems.clear();
    }
    problems.extend(set_aside::check(archive.folder()).map(|(path, what)| Problem {
        help: "import the files again: what was set aside is written anew".to_string(),
        file: path.display().to_string(),
        what,
    }));
    let journal = archive.folder().join("claims.journal").display().to_string();
    let notes = torn(&archive, &journal).into_iter().collect();
    // A damaged journal is named above, with the place; its claims would be refused for the same.
    let casebook = match problems.iter().any(|problem| problem.file == journal) {
        true => Ok(Casebook::default()),
        false => sources::casebook(&archive),
    };
    if let Err(error) = &casebook {
        problems.push(Problem {
            help: help_for(&journal),
            file: journal,
            what: format!("{error:#}"),
        });
    }
    let casebook = casebook.unwrap_or_default();
    let document = Document {
        schema: "dyepack.doctor/1",
        folder: archive.folder().display().to_string(),
        archive: format!("sha256:{}", hex::encode(archive.digest())),
        labels: casebook.labels().count() as u64,
        cases: casebook.cases().count() as u64,
        chains: archive.chains().iter().map(sources::chain_covered).collect(),
        gaps: sources::gaps(&archive),
        set_aside: sources::set_aside(&archive),
        transactions: archive.chains().iter().map(|chain| chain.transactions).sum(),
        problems,
        notes,
    };
    print(&document, output)?;
    Ok(if document.problems.is_empty() { Exit::Ok } else { Exit::Integrity })
}

/// A kill while a claim is written leaves a part of it, which whoever opens the journal drops: that is
/// no damage, because the write was never confirmed.
fn torn(archive: &Archive, journal: &str) -> Option<Note> {
    let torn = archive.claims().ok()?.torn;
    let what = format!(
        "the last record is not whole: a kill while it was written leaves such a one, or somebody cut the \
         file; {} ignored, and every record before is sound",
        counted(torn, "byte")
    );
    (torn > 0).then(|| Note { file: journal.to_string(), what })
}

fn help_for(path: &str) -> String {
    match path {
        _ if path.contains("/index/") => "dyepack doctor --rebuild-index".to_string(),
        _ if path.ends_with("claims.journal") => {
            "restore it from a backup: claims cannot be computed again".to_string()
        }
        _ => "restore it from a backup, or import its sources into a new archive".to_string(),
    }
}

fn print(document: &Document, output: &Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(output.document(document)?);
    }
    let mut text = format!("Archive {}\n  {}\n", document.folder, document.archive);
    for chain in &document.chains {
        let text_or = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_string());
        let (first, last) = (text_or(&chain.first_time), text_or(&chain.last_time));
        text.push_str(&format!(
            "  {}: {}, {first} to {last}\n",
            chain.chain,
            counted(chain.transfers, "transfer")
        ));
    }
    let (labels, cases) = (document.labels, document.cases);
    text.push_str(&format!(
        "  {}, {}, {} set aside\n",
        counted(labels, "label"),
        counted(cases, "case"),
        counted(document.set_aside, "row")
    ));
    for gap in &document.gaps {
        text.push_str(&format!("  gap: {}: {}\n", gap.kind, gap.detail));
    }
    for note in &document.notes {
        text.push_str(&format!("  note: {}: {}\n", note.file, note.what));
    }
    for problem in &document.problems {
        let bad = toned(Tone::Bad, "damaged:");
        text.push_str(&format!(
            "{bad} {}: {}\n  help: {}\n",
            problem.file, problem.what, problem.help
        ));
    }
    if document.problems.is_empty() {
        text.push_str(&format!("{}\n", toned(Tone::Good, "no damage found")));
    }
    Ok(output.data(&text)?)
}
