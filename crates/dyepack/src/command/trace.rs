//! `dyepack trace`: where the value of a case is now, by which way, and how much that depends on the rule.

use std::path::{Path, PathBuf};

use anyhow::Context;
use archive::Archive;
use cases::case_file::{CaseFile, MAX_BYTES};
use cases::result::TraceResult;
use cases::stop::DEFAULT_CONFIDENCE;
use clap::{ArgGroup, Args};
use ledger::{Address, Time};
use taint::RuleName;

use crate::address_asked;
use crate::archive_folder;
use crate::cli::Global;
use crate::command::{trace_files, trace_text};
use crate::exit::{Coded, Exit, of_error};
use crate::investigation::{Asked, DEFAULT_DEGREE, Investigation, PROGRAM, Traced};
use crate::output::Output;
use crate::progress;
use crate::table::sentence;
use crate::waterfall_view::{Look, PICTURED};
use crate::whole_file;

/// Follow the value of a case to where it is now.
#[derive(Args)]
#[command(
    group = ArgGroup::new(PICTURED).args(["svg", "html"]).multiple(true),
    after_help = "Examples:\n  dyepack trace case.toml\n  dyepack trace ronin-2022 --rule fifo --json | jq .totals\n  dyepack trace case.toml --paths-to 0x098b… --html report.html"
)]
pub(crate) struct TraceArgs {
    /// A case file, or the id of a registered case
    #[arg(value_name = "CASE.toml|CASE-ID")]
    pub(crate) case: String,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// Look for units that these cases claim too
    #[arg(long, value_name = "CASE")]
    pub(crate) with: Vec<String>,
    /// Pass over every transfer instead of only those that matter: slower, same answer
    #[arg(long)]
    full_replay: bool,
    /// Show ways by which the value came to this address; exit 3 if it never did
    #[arg(long, value_name = "ADDRESS")]
    paths_to: Option<String>,
    /// How many of them
    #[arg(long, value_name = "N", default_value_t = 3, requires = "paths_to", value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Print holdings as CSV
    #[arg(long, conflicts_with_all = ["json", "paths_to"])]
    csv: bool,
    /// Write every tainted movement, one JSON a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) hops: Option<PathBuf>,
    /// Draw the hop waterfall; one file for each asset that value was stolen in or converted into
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) look: Look,
    /// Write a page to keep or send: pictures, endpoints, what is not known, how to check it
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// Show all endpoints, with all digits
    #[arg(long)]
    wide: bool,
}

/// The options that decide the answer.
#[derive(Args)]
pub(crate) struct Asking {
    /// poison, haircut, fifo, lifo, clean-first or tainted-first
    #[arg(long, default_value = "haircut", value_parser = parse_rule)]
    pub(crate) rule: RuleName,
    /// Only what happened until then, inclusive (RFC 3339, a date, or Unix seconds)
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) until: Option<Time>,
    /// Trace through stops with this label, of this category, or at this address; may be repeated
    #[arg(long, value_name = "LABEL", value_parser = parse_through)]
    pub(crate) through: Vec<String>,
    /// Follow no further than this many transfers from the theft
    #[arg(long, value_name = "N")]
    pub(crate) max_hops: Option<u32>,
    /// Accounts with this many counterparties are suspected services; 0 for never
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DEGREE)]
    pub(crate) service_degree: u32,
    /// Labels at least this sure stop a trace
    #[arg(long, value_name = "0-100", default_value_t = DEFAULT_CONFIDENCE, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) label_confidence: u8,
}

fn parse_rule(text: &str) -> Result<RuleName, String> {
    RuleName::parse(text).ok_or_else(|| {
        let known: Vec<&str> = RuleName::ALL.iter().map(|rule| rule.name()).collect();
        format!("there is no such rule ({})", known.join(", "))
    })
}

/// A control character could make two questions look like one in what is hashed.
fn parse_through(text: &str) -> Result<String, String> {
    match text.chars().any(char::is_control) {
        true => Err("a label has no control characters".to_string()),
        false => Ok(text.to_string()),
    }
}

/// Digits of the fewest Unix seconds that are taken: fewer are a date without its dashes, or a year.
const UNIX_DIGITS: usize = 9;

/// A bare date means its last second, because `--until` is inclusive.
fn parse_time(text: &str) -> Result<Time, String> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = match all_digits && text.len() >= UNIX_DIGITS {
        true => Time::parse(text),
        false => cases::date::Date::parse(text).map(|date| date.last()),
    };
    time.map_err(|error| match all_digits {
        true => {
            format!("{error}; a day is 2022-04-30, Unix seconds have {UNIX_DIGITS} or 10 digits")
        }
        false => error.to_string(),
    })
}

pub(crate) fn run(args: &TraceArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let paths_to = args.paths_to.as_deref().map(any_address).transpose()?;
    trace_files::check(args, global)?;
    let empty = tempfile::tempdir().context("cannot make a temporary folder")?;
    let archive = match archive_folder::read(global) {
        // Reports alone need no data.
        Err(error) if of_error(&error) == Exit::NoData && is_report_alone(&args.case) => {
            Archive::open(empty.path())?
        }
        archive => archive?,
    };
    let wait = progress::spinner(output, "opening the archive");
    let investigation = Investigation::open(archive, output)?;
    let case = find_case(&args.case, &investigation)?;
    let with = cases_beside(&args.with, &case, &investigation, output)?;
    let asked = Asked {
        rule: args.asking.rule,
        until: args.asking.until,
        through: args.asking.through.clone(),
        max_hops: args.asking.max_hops,
        service_degree: args.asking.service_degree,
        label_confidence: args.asking.label_confidence,
        full_replay: args.full_replay,
        case_as_named: args.case.clone(),
        with_as_named: args.with.clone(),
        archive_as_named: global.archive.as_ref().map(|folder| folder.display().to_string()),
        list_hops: args.hops.is_some(),
        paths_to: paths_to.map(|address| (address, args.count)),
    };
    wait.set_message(format!("tracing {}", case.id));
    let traced = investigation.trace(&case, &with.iter().collect::<Vec<_>>(), &asked)?;
    wait.finish_and_clear();
    trace_files::write(args, global, &traced, &investigation, output)?;
    print(args, &traced, output)?;
    Ok(exit_of(&traced, &case, output))
}

/// True for a case file that names no theft, only movements that somebody reported.
fn is_report_alone(name: &str) -> bool {
    let bytes = whole_file::read(Path::new(name), MAX_BYTES);
    let case = bytes.ok().and_then(|bytes| CaseFile::parse(&bytes).ok());
    case.is_some_and(|case| case.thefts.is_empty() && !case.flows.is_empty())
}

/// A case by its file or, failing that, by its id.
pub(crate) fn find_case(name: &str, investigation: &Investigation) -> anyhow::Result<CaseFile> {
    let path = Path::new(name);
    if path.is_file() {
        let bytes = whole_file::read(path, MAX_BYTES)?;
        return CaseFile::parse(&bytes).with_context(|| format!("{name} is no case file"));
    }
    if let Some(known) = investigation.casebook.case(name) {
        return Ok(known.what.clone());
    }
    let message = if path.is_dir() {
        format!("{name:?} is a folder, and no case file")
    } else if is_like_a_path(name) && !path.exists() {
        format!("there is no file {name:?}")
    } else {
        format!("{name:?} is neither a case file nor a registered case")
    };
    Err(Coded::new(Exit::NoData, message)
        .help("dyepack case list · dyepack case add CASE.toml")
        .into())
}

/// True for what is meant as a file: no id of a case has a slash or an ending.
fn is_like_a_path(name: &str) -> bool {
    name.contains(std::path::is_separator) || name.to_ascii_lowercase().ends_with(".toml")
}

/// An address of any chain, whichever it fits.
pub(crate) fn any_address(text: &str) -> anyhow::Result<Address> {
    let found = address_asked::fitting(text, None).into_iter().next();
    found.map(|(_, address)| address).ok_or_else(|| address_asked::refused(text))
}

/// The cases of `--with`. Overlaps name cases by their ids, so no two may share one; and a file that
/// hides a registered case says so.
fn cases_beside(
    names: &[String],
    case: &CaseFile,
    investigation: &Investigation,
    output: &Output,
) -> anyhow::Result<Vec<CaseFile>> {
    let mut ids = vec![case.id.clone()];
    let mut with = Vec::new();
    for name in names {
        let beside = find_case(name, investigation)?;
        if ids.contains(&beside.id) {
            let message = format!("--with {name}: a case of the id {} is there already", beside.id);
            return Err(Coded::new(Exit::Usage, message).into());
        }
        if investigation.casebook.case(&beside.id).is_some_and(|known| known.what != beside) {
            output.warning(&format!(
                "--with {name}: another text of case {} is registered, and is not looked at",
                beside.id
            ));
        }
        ids.push(beside.id.clone());
        with.push(beside);
    }
    Ok(with)
}

fn print(args: &TraceArgs, traced: &Traced, output: &Output) -> anyhow::Result<()> {
    let result = &traced.result;
    let unreached = traced.unreached.as_ref();
    let unreached = unreached.map(|it| trace_text::unreached(it, &result.rule));
    if output.json {
        output.document(result)?;
    } else if args.csv {
        output.data(&trace_text::csv(result)?)?;
    } else {
        output.data(&trace_text::text(result, output, args.wide, PROGRAM))?;
    }
    match unreached {
        Some(words) if output.json => output.warning(&words),
        Some(words) => output.data(&format!("\n{}", sentence(output, 0, &words)))?,
        None => {}
    }
    Ok(())
}

/// 5 where the sums do not agree; 3 where no theft was found, or nothing came to the address that was
/// asked about; 4 where some thefts were not found, or an asset was left out; gaps alone are no failure.
fn exit_of(traced: &Traced, case: &CaseFile, output: &Output) -> Exit {
    let result = &traced.result;
    if !conserved(result) {
        return Exit::Integrity;
    }
    let thefts = case.thefts.len();
    match traced.missing {
        _ if thefts == 0 && result.reported.is_some() && traced.unreached.is_none() => Exit::Ok,
        missing if missing == thefts => {
            output.warning("no theft of the case matches the data");
            Exit::NoData
        }
        // What is incomplete cannot say that an address was never reached.
        missing if missing > 0 || !result.set_aside_assets.is_empty() => Exit::Incomplete,
        _ if traced.unreached.is_some() => Exit::NoData,
        _ => Exit::Ok,
    }
}

/// True if what went in is what came out, for every asset.
pub(crate) fn conserved(result: &TraceResult) -> bool {
    result.conservation.iter().flatten().all(|sum| sum.ok)
}
