//! `dyepack demo`: the main job on a real case that is inside the program: no network, no set-up.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use archive::Archive;
use cases::case_file::CaseFile;
use cases::claim::{Claim, What};
use cases::result::counted;
use chains::exports::{self, ColumnMap, Context, Options};
use clap::Args;

use crate::cli::Global;
use crate::command::trace::conserved;
use crate::command::{label, trace_text};
use crate::exit::{Coded, Exit};
use crate::import_file::{self, MEMORY, Reading, Wanted};
use crate::investigation::{Asked, Investigation, PROGRAM, Traced, verify_command};
use crate::output::{Output, Tone, toned};
use crate::progress;
use crate::report_page;
use crate::sources;
use crate::waterfall_view::{Look, draw_all};
use crate::whole_file;

/// Trace the Ronin theft of 2022 from data inside this program: no network, no set-up.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Folder for the archive, the picture and the result; made if it is not there
    #[arg(default_value = "dyepack-demo", value_name = "DIR")]
    folder: PathBuf,
}

const TRANSACTIONS: &str = include_str!("../../../../examples/ronin-2022/transactions.csv");
const MAP: &str = include_str!("../../../../examples/ronin-2022/map.toml");
const CASE: &str = include_str!("../../../../examples/ronin-2022/case.toml");
/// Shipped labels: file name, content, who says so.
const LABELS: [(&str, &str, &str); 4] = [
    ("lazarus.yaml", include_str!("../../../../data/labels/lazarus.yaml"), "GraphSense TagPacks"),
    ("lazarus2.yaml", include_str!("../../../../data/labels/lazarus2.yaml"), "GraphSense TagPacks"),
    (
        "tornado_cash.yaml",
        include_str!("../../../../data/labels/tornado_cash.yaml"),
        "GraphSense TagPacks",
    ),
    (
        "sanctioned_addresses_ETH.txt",
        include_str!("../../../../data/labels/sanctioned_addresses_ETH.txt"),
        "OFAC SDN list, 2024-09-27",
    ),
];

pub(crate) fn run(args: &DemoArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    if global.archive.is_some() {
        let message = "--archive: the demo has an archive of its own, in the folder named as DIR";
        return Err(Coded::new(Exit::Usage, message).help("dyepack demo DIR").into());
    }
    let folder = &args.folder;
    let inputs = folder.join("inputs");
    fs::create_dir_all(&inputs).with_context(|| format!("cannot make {}", inputs.display()))?;
    let mut archive = Archive::open(&folder.join("archive"))?;
    import(&mut archive, &inputs, output)?;
    claims(&archive, &inputs, output)?;
    let investigation = Investigation::open(archive, output)?;
    let case = CaseFile::parse(CASE.as_bytes())?;
    let archive = folder.join("archive").display().to_string();
    let asked = Asked { archive_as_named: Some(archive), ..Asked::plain(&case.id) };
    let traced = investigation.trace(&case, &[], &asked)?;
    let files = write_files(folder, &traced, &investigation)?;
    if output.json {
        output.document(&traced.result)?;
    } else {
        output.data(&trace_text::text(&traced.result, output, false, &program()))?;
        output.data(&next_steps(folder, &files))?;
    }
    Ok(if conserved(&traced.result) { Exit::Ok } else { Exit::Integrity })
}

fn import(archive: &mut Archive, inputs: &Path, output: &Output) -> anyhow::Result<()> {
    let path = inputs.join("transactions.csv");
    whole_file::write(&path, TRANSACTIONS.as_bytes())?;
    whole_file::write(&inputs.join("map.toml"), MAP.as_bytes())?;
    whole_file::write(&inputs.join("case.toml"), CASE.as_bytes())?;
    let options = Options { map: Some(ColumnMap::parse(MAP)?), ..Options::default() };
    let recognised = exports::named("map", TRANSACTIONS.as_bytes()).context("no format `map`")?;
    let bar = progress::spinner(output, "importing");
    let shown = path.display().to_string();
    let wanted = Wanted { path, name: "transactions.csv".to_string(), recognised };
    let reading = Reading { options: &options, memory: MEMORY, bar: &bar };
    let done = import_file::import(Some(archive), wanted, &reading, &mut Context::new())?;
    bar.finish_and_clear();
    output.note(&format!("imported {shown}: {}", counted(done.summary.rows, "row")));
    Ok(())
}

fn claims(archive: &Archive, inputs: &Path, output: &Output) -> anyhow::Result<()> {
    if sources::casebook(archive)?.cases().next().is_some() {
        return Ok(());
    }
    for (name, content, source) in LABELS {
        let path = inputs.join(name);
        whole_file::write(&path, content.as_bytes())?;
        let (_, reading) = label::read(&path, None, source)?;
        label::append(archive, reading.labels)?;
    }
    // A label that the lists repeat is one label.
    let count = sources::casebook(archive)?.labels().count();
    output.note(&format!("imported {}", counted(count, "label")));
    let case = What::CaseAdded(CaseFile::parse(CASE.as_bytes())?);
    let claim = Claim { who: label::who(), when: label::now()?, what: case };
    archive.journal()?.append(&[claim.encode()?])?;
    Ok(())
}

struct Files {
    picture: PathBuf,
    page: PathBuf,
    result: PathBuf,
}

fn write_files(
    folder: &Path,
    traced: &Traced,
    investigation: &Investigation,
) -> anyhow::Result<Files> {
    let files = Files {
        picture: folder.join("ronin-2022.svg"),
        page: folder.join("ronin-2022.html"),
        result: folder.join("ronin-2022.json"),
    };
    let drawn = draw_all(traced, investigation, &Look::plain())?;
    let first = drawn.first().context("the demo case has no picture")?;
    whole_file::write(&files.picture, first.svg.as_bytes())?;
    let page = report_page::page(traced, &drawn);
    whole_file::write(&files.page, page.as_bytes())?;
    let mut result = serde_json::to_string_pretty(&traced.result)?;
    result.push('\n');
    whole_file::write(&files.result, result.as_bytes())?;
    Ok(files)
}

/// This program as a shell finds it: whole, since a first user has it nowhere on the path.
fn program() -> String {
    let own = std::env::current_exe().map(|path| path.display().to_string());
    own.unwrap_or_else(|_| PROGRAM.to_string())
}

fn next_steps(folder: &Path, files: &Files) -> String {
    let archive = folder.join("archive").display().to_string();
    let result = files.result.display().to_string();
    let steps = [
        ("Picture", files.picture.display().to_string()),
        ("Page", files.page.display().to_string()),
        ("Result", result.clone()),
        ("Verify", verify_command(&program(), &result, Some(&archive))),
    ];
    let lines = steps.iter().map(|(name, what)| format!("{} {what}\n", toned(Tone::Strong, name)));
    format!("\n{}", lines.collect::<String>())
}
