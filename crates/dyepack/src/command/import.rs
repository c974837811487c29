//! `dyepack import`: files that people already have go in; what cannot be read is named, row by row.

use std::fs;
use std::path::{Path, PathBuf};

use archive::{Archive, ArchiveError};
use cases::label;
use chains::exports::{self, ColumnMap, Context, Look, Options, Recognised};
use clap::Args;
use ledger::{Amount, Asset, Chain};

use crate::archive_folder;
use crate::cli::Global;
use crate::command::import_files;
use crate::command::import_text::{LeftOut, report};
use crate::exit::{Coded, Exit};
use crate::import_file::{self, Imported, Reading, Wanted};
use crate::in_place;
use crate::output::{Output, plain};
use crate::progress;
use crate::set_aside;
use crate::whole_file;

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
    /// Memory to aim at, in bytes or with K, M or G: at least 256M
    #[arg(long, value_name = "SIZE", default_value = "2G", value_parser = memory_size)]
    memory: usize,
    /// Leave the index to the first command that asks for it: more files follow
    #[arg(long)]
    no_index: bool,
    /// Copy nothing: read the files where they are, now and later. They must be Parquet, in order and
    /// complete (docs/import.md)
    #[arg(long, conflicts_with_all = ["dry_run", "map", "decimals"])]
    in_place: bool,
    /// Read everything, write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Less than this is not enough for what one file needs.
const LEAST_MEMORY: usize = 256 << 20;

/// Reads a size ("512M", "2G", "1073741824").
fn memory_size(text: &str) -> Result<usize, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let shift = match unit.to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B') {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("not a number of bytes, or one with K, M or G".to_string()),
    };
    let number: usize = text[..text.len() - unit.len()]
        .parse()
        .map_err(|_| "not a number of bytes, or one with K, M or G".to_string())?;
    let size = number.checked_mul(1 << shift).ok_or("more than any machine has")?;
    match size >= LEAST_MEMORY {
        true => Ok(size),
        false => Err("at least 256M".to_string()),
    }
}

/// A column map longer than this is refused.
const MAX_MAP: usize = 1 << 20;

/// Why a file is left out of which nothing else is known.
const NOT_RECOGNISED: &str = "not recognised";

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
    if let Some(archive) = &mut archive {
        archive.limit_memory(args.memory);
    }
    let mut context = Context::new();
    let mut done = Vec::new();
    for wanted in planned {
        let file = shown(&wanted.path);
        output.note(&format!("{file}: {}", wanted.recognised.what));
        let imported = match &mut archive {
            Some(archive) if args.in_place => {
                let wait = progress::spinner(output, "looking through the file");
                let registered = in_place::register(archive, wanted, options.chain, &wait);
                wait.finish_and_clear();
                registered
            }
            archive => copy(archive.as_mut(), wanted, &options, args.memory, &mut context, output),
        };
        match imported {
            Ok(imported) => {
                if imported.summary.rows == 0 && imported.broken.is_none() {
                    output.warning(&format!("{file}: it holds no rows"));
                }
                done.push(imported);
            }
            Err(error) if is_about_the_archive(&error) => return Err(error),
            Err(error) => {
                output.error(&error);
                left_out.push(LeftOut { file, reason: format!("{error:#}") });
            }
        }
    }
    if let Some(archive) = &archive {
        let mut rows: Vec<_> = done.iter_mut().map(|file| &mut file.set_aside).collect();
        set_aside::keep(archive.folder(), &mut rows)?;
        if !args.no_index {
            archive_folder::index(archive, output)?;
        }
    }
    let digest = archive.map(|archive| format!("sha256:{}", hex::encode(archive.digest())));
    report(output, digest, &done, &left_out)?;
    let set_aside = done.iter().any(|file| file.set_aside.count > 0);
    Ok(match (done.is_empty(), set_aside || !left_out.is_empty()) {
        (true, _) => Exit::Error,
        (false, true) => Exit::Incomplete,
        (false, false) => Exit::Ok,
    })
}

/// Reads a file into the archive, or through if there is none.
fn copy(
    archive: Option<&mut Archive>,
    wanted: Wanted,
    options: &Options,
    memory: usize,
    context: &mut Context,
    output: &Output,
) -> anyhow::Result<Imported> {
    let size = fs::metadata(&wanted.path).map(|meta| meta.len()).unwrap_or(0);
    let bar = progress::bytes(output, &shown(&wanted.path), size);
    let reading = Reading { options, memory, bar: &bar };
    let imported = import_file::import(archive, wanted, &reading, context);
    bar.finish_and_clear();
    imported
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
    match left_out.iter().any(|file| file.reason.starts_with(NOT_RECOGNISED)) {
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
    let of_archive = |cause: &(dyn std::error::Error + 'static)| {
        let found = cause.downcast_ref::<ArchiveError>();
        found.is_some_and(|error| !matches!(error, ArchiveError::NotInPlace { .. }))
    };
    error.chain().any(of_archive)
}

fn usage(message: String) -> anyhow::Error {
    Coded::new(Exit::Usage, message).into()
}

fn options(args: &ImportArgs) -> anyhow::Result<Options> {
    let chain = args.chain.as_deref().map(Chain::parse).transpose();
    let chain = chain.map_err(|error| usage(error.to_string()))?;
    // Several tables are on their way at once.
    let table_rows = Some(import_file::most(args.memory) / 2);
    let mut options = Options { chain, table_rows, ..Options::default() };
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
    planned: Vec<Wanted>,
    /// Those that cannot be read, by name.
    left_out: Vec<LeftOut>,
}

fn plan(args: &ImportArgs) -> anyhow::Result<Plan> {
    if args.format != "auto" && !exports::formats().any(|name| name == args.format) {
        let known: Vec<&str> = exports::formats().collect();
        return Err(usage(format!("no format is called {:?} ({})", args.format, known.join(", "))));
    }
    let mut planned: Vec<(PathBuf, Recognised)> = Vec::new();
    let mut left_out = Vec::new();
    let found = import_files::find(&args.files)?;
    for folder in &found.archives {
        let reason = "a dyepack archive: what is in it was imported before".to_string();
        left_out.push(LeftOut { file: shown(folder), reason });
    }
    for path in found.files {
        match recognise(args, &path)? {
            Ok(recognised) => planned.push((path, recognised)),
            Err(reason) => left_out.push(LeftOut { file: shown(&path), reason }),
        }
    }
    planned.sort_by(|(a, x), (b, y)| (x.rank, a).cmp(&(y.rank, b)));
    let paths: Vec<&Path> = planned.iter().map(|(path, _)| path.as_path()).collect();
    let names = import_files::names(&paths);
    let planned = planned.into_iter().zip(names);
    let wanted = |((path, recognised), name)| Wanted { path, name, recognised };
    Ok(Plan { planned: planned.map(wanted).collect(), left_out })
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
        Look::Nearly { format, missing } => {
            format!("{NOT_RECOGNISED}; nearly {format}: it lacks the column {missing:?}")
        }
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
