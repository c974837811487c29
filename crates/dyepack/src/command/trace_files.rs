//! The files that a trace writes: movements, pictures, a page; and which paths they must not have.

use std::path::{Path, PathBuf};

use cases::result::counted;
use ledger::Chain;

use crate::archive_folder;
use crate::cli::Global;
use crate::command::trace::TraceArgs;
use crate::exit::{Coded, Exit};
use crate::investigation::{AssetWaterfall, Investigation, Traced};
use crate::output::{Output, plain};
use crate::picture::Drawing;
use crate::report_page;
use crate::waterfall_view;
use crate::whole_file;

/// Refuses paths at which a written file would cost another: before any work, and before anything is
/// lost.
pub(crate) fn check(args: &TraceArgs, global: &Global) -> anyhow::Result<()> {
    let asked = [("--svg", &args.svg), ("--html", &args.html), ("--hops", &args.hops)];
    let asked = asked.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?)));
    let asked: Vec<(&str, PathBuf)> =
        asked.map(|(option, path)| (option, whole_file::canonical(path))).collect();
    for (at, (option, path)) in asked.iter().enumerate() {
        if let Some((before, _)) = asked[..at].iter().find(|(_, other)| other == path) {
            return Err(refused(format!("{before} and {option} name the same file")));
        }
        guard(args, global, option, path)?;
    }
    Ok(())
}

/// Refuses a path that is a case file or lies in the archive.
fn guard(args: &TraceArgs, global: &Global, option: &str, path: &Path) -> anyhow::Result<()> {
    if path.starts_with(whole_file::canonical(&archive_folder::folder(global)?)) {
        let message = format!("{option}: {} is in the folder of the archive", path.display());
        return Err(refused(message));
    }
    let cases = std::iter::once(&args.case).chain(&args.with).map(Path::new);
    // What is no file is the id of a case.
    let mut files = cases.filter(|case| case.is_file());
    match files.find(|case| whole_file::canonical(case) == path) {
        Some(case) => {
            Err(refused(format!("{option}: {} is a case file of this trace", case.display())))
        }
        None => Ok(()),
    }
}

fn refused(message: String) -> anyhow::Error {
    Coded::new(Exit::Usage, message).help("name another file").into()
}

/// Writes what was asked for.
pub(crate) fn write(
    args: &TraceArgs,
    global: &Global,
    traced: &Traced,
    investigation: &Investigation,
    output: &Output,
) -> anyhow::Result<()> {
    let drawn = match args.svg.is_some() || args.html.is_some() {
        true => waterfall_view::draw_all(traced, investigation, &args.look)?,
        false => Vec::new(),
    };
    let further = args.svg.as_ref().map_or(Vec::new(), |path| further(path, drawn.len()));
    for path in &further {
        let path = whole_file::canonical(path);
        guard(args, global, "--svg", &path)?;
        let mut others = [&args.html, &args.hops].into_iter().flatten();
        if others.any(|other| whole_file::canonical(other) == path) {
            return Err(refused(format!("--svg: {} has to be a picture too", path.display())));
        }
    }
    if let Some(path) = &args.hops {
        write_hops(path, traced)?;
    }
    if let Some(path) = &args.html {
        whole_file::write(path, report_page::page(traced, &drawn).as_bytes())?;
    }
    if let Some(path) = &args.svg {
        write_pictures(path, &further, &drawn, traced, investigation, output)?;
    }
    Ok(())
}

fn write_hops(path: &Path, traced: &Traced) -> anyhow::Result<()> {
    let mut text = Vec::new();
    for hop in &traced.hops {
        serde_json::to_writer(&mut text, hop)?;
        text.push(b'\n');
    }
    whole_file::write(path, &text)
}

/// Where the pictures after the first go: `x.svg`, `x-2.svg` … Beside a device or pipe there is no room
/// for them.
fn further(path: &Path, pictures: usize) -> Vec<PathBuf> {
    if whole_file::is_stream(path) {
        return Vec::new();
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    (2..=pictures).map(|number| path.with_file_name(format!("{stem}-{number}.svg"))).collect()
}

fn write_pictures(
    path: &Path,
    further: &[PathBuf],
    drawn: &[Drawing],
    traced: &Traced,
    investigation: &Investigation,
    output: &Output,
) -> anyhow::Result<()> {
    if drawn.is_empty() {
        let why = match traced.result.conservation {
            None => "poison conserves nothing",
            Some(_) => "no theft matched",
        };
        output.warning(&format!(
            "--svg: there is nothing to draw, and {} is not written: {why}",
            shown(path)
        ));
        return Ok(());
    }
    let paths = std::iter::once(path).chain(further.iter().map(PathBuf::as_path));
    for ((path, drawing), of) in paths.zip(drawn).zip(&traced.waterfalls) {
        whole_file::write(path, drawing.svg.as_bytes())?;
        if drawn.len() > 1 {
            output.note(&format!("wrote {} ({})", shown(path), named(of, investigation)));
        }
    }
    match drawn.len() - 1 - further.len() {
        0 => {}
        left => output.warning(&format!(
            "--svg: {} takes one picture; {} of other assets not written",
            shown(path),
            counted(left, "picture")
        )),
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    plain(&path.display().to_string())
}

/// The asset of a picture, for people.
fn named(of: &AssetWaterfall, investigation: &Investigation) -> String {
    let chain: Chain = of.chain;
    let symbol = investigation.written(chain, &of.asset).symbol;
    format!("{chain} {}", symbol.unwrap_or_else(|| of.asset.text(chain)))
}
