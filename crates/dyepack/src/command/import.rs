//! `dyepack import`: files that people already have go in; what cannot be read is named, row by row.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use archive::Archive;
use cases::label;
use chains::exports::{self, ColumnMap, Context, Look, Options, Recognised};
use clap::Args;
use ledger::{Amount, Asset, Chain};
use serde::Serialize;

use crate::archive_folder;
use crate::cli::Global;
use crate::exit::{Coded, Exit};
use crate::import_file::{self, Imported};
use crate::output::{Output, Tone, plain, toned};
use crate::progress;
use crate::set_aside::{self, SetAside};
use crate::whole_file;

/// Lines of rows set aside that a person is shown of a file.
const TOLD: usize = 5;

/// Import explorer exports, API replies, tables of well-known tools, or any CSV with a column map.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  dyepack import export-0x098b….csv\n  dyepack import downloads/ --chain tron\n  dyepack import table.csv --map columns.toml"
)]
pub(crate) struct ImportArgs {
    /// Files and folders
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// What the files are; `auto` looks at each one's beginning
    #[arg(long, value_name = "NAME", default_value = "auto")]
    format: String,
    /// The chain of files that do not say it themselves
    #[arg(long, value_name = "NAME")]
    chain: Option<String>,
    /// How to read a CSV of any shape (docs/import.md)
    #[arg(long, value_name = "MAP.toml")]
    map: Option<PathBuf>,
    /// Decimal places of a token, for exports that print whole units; may be repeated
    #[arg(long, value_name = "TOKEN=N")]
    decimals: Vec<String>,
    /// Read everything, write nothing
    #[arg(long)]
    dry_run: bool,
}

/// A column map longer than this is refused.
const MAX_MAP: usize = 1 << 20;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    files: Vec<FileDone<'a>>,
    /// Files of which nothing went in, and why.
    left_out: &'a [LeftOut],
    archive: String,
}

#[derive(Serialize)]
struct LeftOut {
    file: String,
    reason: String,
}

/// Why a file is left out of which nothing else is known.
const NOT_RECOGNISED: &str = "not recognised";

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.reason)
    }
}

#[derive(Serialize)]
struct FileDone<'a> {
    file: String,
    format: String,
    what: String,
    sha256: String,
    rows: u64,
    blocks: u64,
    transactions: u64,
    transfers: u64,
    new: u64,
    already: u64,
    moved_nothing: u64,
    set_aside: u64,
    /// The first of them; all are in set-aside.jsonl.
    set_aside_rows: &'a [SetAside],
    broken: Option<String>,
}

pub(crate) fn run(args: &ImportArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let options = options(args)?;
    let Plan { planned, mut left_out } = plan(args)?;
    if planned.is_empty() {
        return Err(nothing_to_read(&left_out, output));
    }
    left_out.iter().for_each(|file| output.warning(&format!("left out: {file}")));
    let mut archive = match args.dry_run {
        true => None,
        false => Some(archive_folder::write(global)?),
    };
    let mut context = Context::new();
    let mut done = Vec::new();
    for (path, recognised) in planned {
        output.note(&format!("{}: {}", shown(&path), recognised.what));
        let size = fs::metadata(&path).map(|meta| meta.len()).unwrap_or(0);
        let bar = progress::bytes(output, &shown(&path), size);
        let into = archive.as_mut();
        let imported = import_file::import(into, &path, recognised, &options, &mut context, &bar);
        bar.finish_and_clear();
        match imported {
            Ok(imported) => {
                if imported.summary.rows == 0 && imported.broken.is_none() {
                    output.warning(&format!("{}: it holds no rows", shown(&path)));
                }
                done.push(imported);
            }
            Err(error) if is_about_the_archive(&error) => return Err(error),
            Err(error) => {
                output.error(&error);
                let (file, reason) = (shown(&path), format!("{error:#}"));
                left_out.push(LeftOut { file, reason });
            }
        }
    }
    if let Some(archive) = &archive {
        let mut rows: Vec<_> = done.iter_mut().map(|file| &mut file.set_aside).collect();
        set_aside::keep(archive.folder(), &mut rows)?;
    }
    report(output, archive.as_ref(), &done, &left_out)?;
    let set_aside = done.iter().any(|file| file.set_aside.count > 0);
    Ok(match (done.is_empty(), set_aside || !left_out.is_empty()) {
        (true, _) => Exit::Error,
        (false, true) => Exit::Incomplete,
        (false, false) => Exit::Ok,
    })
}

/// No file can be read: of one file its reason, of several that each was named before.
fn nothing_to_read(left_out: &[LeftOut], output: &Output) -> anyhow::Error {
    let message = match left_out {
        [one] => one.to_string(),
        several => {
            several.iter().for_each(|file| output.warning(&file.to_string()));
            "none of these files can be read".to_string()
        }
    };
    let error = Coded::new(Exit::NoData, message);
    // The others say themselves what to do about them.
    match left_out.iter().any(|file| file.reason == NOT_RECOGNISED) {
        false => error.into(),
        true => error
            .help("name the format (--format) or describe the columns (--map MAP.toml, docs/import.md)")
            .into(),
    }
}

fn shown(path: &Path) -> String {
    plain(&path.display().to_string())
}

/// A disk that is full or an archive that is damaged ends the import; a bad file does not.
fn is_about_the_archive(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<archive::ArchiveError>().is_some())
}

fn usage(message: String) -> anyhow::Error {
    Coded::new(Exit::Usage, message).into()
}

fn options(args: &ImportArgs) -> anyhow::Result<Options> {
    let chain = args.chain.as_deref().map(Chain::parse).transpose();
    let chain = chain.map_err(|error| {
        let known: Vec<&str> = Chain::all().map(Chain::name).collect();
        usage(format!("{error} ({})", known.join(", ")))
    })?;
    let mut options = Options { chain, ..Options::default() };
    for text in &args.decimals {
        let (token, places) = text
            .split_once('=')
            .ok_or_else(|| usage(format!("--decimals {text:?} is not of the form TOKEN=N")))?;
        let places: u8 =
            places.parse().ok().filter(|places| *places <= Amount::MAX_DECIMALS).ok_or_else(
                || {
                    let most = Amount::MAX_DECIMALS;
                    usage(format!(
                        "--decimals {text:?}: the decimal places are not a number up to {most}"
                    ))
                },
            )?;
        let chains = Chain::all().filter(|one| chain.is_none_or(|chosen| chosen == *one));
        let assets: Vec<(Chain, Asset)> =
            chains.filter_map(|chain| Some((chain, Asset::parse(chain, token).ok()?))).collect();
        if assets.is_empty() {
            return Err(usage(format!(
                "--decimals {text:?}: {token:?} is no token of a known chain"
            )));
        }
        assets.into_iter().for_each(|(chain, asset)| options.decimals.set(chain, asset, places));
    }
    if let Some(path) = &args.map {
        let bytes = whole_file::read(path, MAX_MAP)?;
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_MAP);
        let text = text.ok_or_else(|| {
            usage(format!("{}: not UTF-8, or longer than any column map", path.display()))
        })?;
        let map =
            ColumnMap::parse(&text).map_err(|error| usage(format!("{}: {error}", path.display())));
        options.map = Some(map?);
    }
    Ok(options)
}

struct Plan {
    /// The files to read; tables that explain others come first.
    planned: Vec<(PathBuf, Recognised)>,
    /// Those that cannot be read, by name.
    left_out: Vec<LeftOut>,
}

fn plan(args: &ImportArgs) -> anyhow::Result<Plan> {
    if args.format != "auto" && !exports::formats().any(|name| name == args.format) {
        let known: Vec<&str> = exports::formats().collect();
        return Err(usage(format!("no format is called {:?} ({})", args.format, known.join(", "))));
    }
    let mut planned = Vec::new();
    let mut left_out = Vec::new();
    for path in files_below(&args.files)? {
        match recognise(args, &path)? {
            Ok(recognised) => planned.push((path, recognised)),
            Err(reason) => left_out.push(LeftOut { file: shown(&path), reason }),
        }
    }
    planned.sort_by(|(a, x), (b, y)| (x.rank, a).cmp(&(y.rank, b)));
    Ok(Plan { planned, left_out })
}

/// What a file is, or why it cannot be read.
fn recognise(args: &ImportArgs, path: &Path) -> anyhow::Result<Result<Recognised, String>> {
    let forced = match &args.map {
        Some(_) => Some("map"),
        None => Some(args.format.as_str()).filter(|format| *format != "auto"),
    };
    let head = import_file::head(path)?;
    // Whatever the user calls it: no format and no map makes data of a result.
    if let Some(own) = exports::own(&head) {
        return Ok(Err(own.to_string()));
    }
    if let Some(format) = forced {
        return Ok(exports::named(format, &head).ok_or_else(|| NOT_RECOGNISED.to_string()));
    }
    Ok(Err(match import_file::look(path)? {
        Look::Ours(recognised) => return Ok(Ok(recognised)),
        Look::Own(own) => own.to_string(),
        Look::Unread(unread) => unread.to_string(),
        Look::Empty => "it is empty".to_string(),
        Look::Unknown => match label::Format::sniff(&import_file::file_name(path), &head) {
            Some(format) => format!(
                "it looks like labels ({}), not transfers: \
                 dyepack label import {} --source NAME",
                format.name,
                shown(path)
            ),
            None => NOT_RECOGNISED.to_string(),
        },
    }))
}

/// Files as named, and those in named folders, by name; hidden ones and our own reports left out.
fn files_below(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders: Vec<(PathBuf, usize)> = Vec::new();
    for path in paths {
        let meta = fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?;
        match (meta.is_dir(), meta.is_file()) {
            (true, _) => folders.push((path.clone(), 0)),
            (_, true) => files.push(path.clone()),
            // A pipe or a device may never end, and says something else when it is read again.
            _ => return Err(usage(format!("{}: neither a file nor a folder", path.display()))),
        }
    }
    while let Some((folder, depth)) = folders.pop() {
        let entries = fs::read_dir(&folder);
        let entries = entries.with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let hidden =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            // Links are not followed: a folder of exports must not lead elsewhere, or in circles.
            let kind = fs::symlink_metadata(&path)?.file_type();
            match (hidden, kind.is_dir(), kind.is_file()) {
                (true, _, _) => {}
                (_, true, _) if depth < 16 => folders.push((path, depth + 1)),
                (_, _, true) => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn report(
    output: &Output,
    archive: Option<&Archive>,
    done: &[Imported],
    left_out: &[LeftOut],
) -> anyhow::Result<()> {
    let digest = archive.map(|archive| format!("sha256:{}", hex::encode(archive.digest())));
    if output.json {
        let files = done.iter().map(file_done).collect();
        let archive = digest.unwrap_or_default();
        let schema = "dyepack.import/1";
        return Ok(output.document(&Document { schema, files, left_out, archive })?);
    }
    let mut text: String = done.iter().map(told).collect();
    if !left_out.is_empty() {
        text.push_str(&toned(Tone::Warning, &format!("left out: {}\n", left_out.len())));
    }
    Ok(output.data(&text)?)
}

/// A file in a line, with the first of what was set aside below it. Rows are the file's; a row may
/// give several transfers, or none.
fn told(file: &Imported) -> String {
    let (rows, aside) = (file.summary.rows, &file.set_aside);
    let mut text = format!(
        "{}: {} · {rows} rows, {} of them set aside · {} new transfers, {} already there\n",
        file.name, file.recognised.format, aside.rows, file.new, file.already
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
        let kept = "in set-aside.jsonl in the archive";
        text.push_str(&format!("  … and {more} more, {kept}\n"));
    }
    text
}

fn file_done(file: &Imported) -> FileDone<'_> {
    FileDone {
        file: file.name.clone(),
        format: file.recognised.format.to_string(),
        what: file.recognised.what.clone(),
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
        broken: file.broken.clone(),
    }
}
