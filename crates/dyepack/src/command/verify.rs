//! `dyepack verify`: takes a saved result, computes it again from the archive, and compares.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use cases::case_file::CaseFile;
use cases::digest::digest;
use cases::result::{SCHEMA, TraceResult, counted};
use clap::Args;
use ledger::Time;
use serde::Serialize;
use serde_json::Value;
use taint::RuleName;

use crate::archive_folder;
use crate::cli::Global;
use crate::command::trace::any_address;
use crate::command::verify_compare::{SHOWN, differences, is_same_world, not_compared};
use crate::exit::{Coded, Exit};
use crate::investigation::{Asked, Investigation, Traced};
use crate::output::{Output, Tone, plain, toned};
use crate::table::sentence;
use crate::whole_file;

/// A result longer than this is refused unread.
const MAX_BYTES: usize = 1 << 30;

/// Compute a saved result again and compare; exit 5 on any difference, 4 where the archive is another.
#[derive(Args)]
#[command(
    after_help = "Example:\n  dyepack trace case.toml --json > result.json\n  dyepack verify result.json"
)]
pub(crate) struct VerifyArgs {
    /// What `dyepack trace --json` printed
    #[arg(value_name = "RESULT.json")]
    result: PathBuf,
    /// Compute it by the other way: pass over every transfer
    #[arg(long)]
    full_replay: bool,
}

#[derive(Serialize)]
struct Verdict {
    schema: &'static str,
    result: String,
    stated: String,
    recomputed: String,
    same: bool,
    /// False where the archive or the labels are not those that the result was made from.
    same_snapshot: bool,
    differences: Vec<String>,
    /// What the file says and this verdict does not cover.
    not_compared: Vec<String>,
}

pub(crate) fn run(args: &VerifyArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let (stated, mut found) = read(&args.result)?;
    if digest(&stated) != stated.digest {
        found.push("the file does not say what its own digest says: it was changed".to_string());
    }
    let archive = archive_folder::read(global)?;
    // An index that was changed on the disk would compute the same wrong answer again.
    if let Some(damage) = archive.check().first() {
        let what = format!("the archive is damaged: {}: {}", damage.path.display(), damage.what);
        return Err(Coded::new(Exit::Integrity, what).help("dyepack doctor").into());
    }
    let investigation = Investigation::open(archive, output)?;
    let traced = recompute(&stated, &investigation, args)?;
    found.extend(differences(&stated, &traced.result));
    let again = traced.result;
    let verdict = Verdict {
        schema: "dyepack.verify/1",
        result: args.result.display().to_string(),
        stated: stated.digest.clone(),
        recomputed: again.digest.clone(),
        same: found.is_empty(),
        same_snapshot: is_same_world(&stated, &again),
        differences: found,
        not_compared: not_compared(&stated, &again),
    };
    print(&verdict, output)?;
    Ok(match (verdict.same, verdict.same_snapshot) {
        (false, _) => Exit::Integrity,
        // A changed word about the inputs must not open what an unchanged one would have kept shut.
        (true, false) => Exit::Incomplete,
        (true, true) => Exit::Ok,
    })
}

/// A refusal that names the file.
fn integrity(path: &Path, what: impl Display) -> anyhow::Error {
    Coded::new(Exit::Integrity, format!("{}: {what}", plain(&path.display().to_string()))).into()
}

/// The result in a file, and a sentence for each field that nothing here can verify.
fn read(path: &Path) -> anyhow::Result<(TraceResult, Vec<String>)> {
    let bytes = whole_file::read(path, MAX_BYTES)?;
    if bytes.len() > MAX_BYTES {
        return Err(integrity(path, "larger than any result"));
    }
    let unreadable = |error| integrity(path, format!("no readable result ({error})"));
    let result: TraceResult = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if result.schema != SCHEMA {
        return Err(integrity(path, format!("schema {:?} is not {SCHEMA}", result.schema)));
    }
    // What was read, written again, is all that will be compared.
    let known = serde_json::to_value(&result).map_err(unreadable)?;
    let given: Value = serde_json::from_slice(&bytes).map_err(unreadable)?;
    let mut strange = Vec::new();
    strange_fields(&given, &known, String::new(), &mut strange);
    let more = strange.len().saturating_sub(SHOWN);
    strange.truncate(SHOWN);
    let says = |field| format!("`{field}` is no field of {SCHEMA} that this version can verify");
    let mut sentences: Vec<String> = strange.into_iter().map(says).collect();
    if more > 0 {
        sentences.push(format!("and {} more", counted(more, "such field")));
    }
    Ok((result, sentences))
}

/// Fields of a file that say something and have no place in a result. Whoever is shown "the same"
/// would take them for verified.
fn strange_fields(given: &Value, known: &Value, at: String, found: &mut Vec<String>) {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            for (name, value) in given {
                let at = if at.is_empty() { plain(name) } else { format!("{at}.{}", plain(name)) };
                match known.get(name) {
                    Some(known) => strange_fields(value, known, at, found),
                    None if value.is_null() => {}
                    None => found.push(at),
                }
            }
        }
        (Value::Array(given), Value::Array(known)) => {
            for (number, (given, known)) in given.iter().zip(known).enumerate() {
                strange_fields(given, known, format!("{at}[{number}]"), found);
            }
        }
        _ => {}
    }
}

fn recompute(
    stated: &TraceResult,
    investigation: &Investigation,
    args: &VerifyArgs,
) -> anyhow::Result<Traced> {
    let asked = &stated.parameters;
    let integrity = |what: String| integrity(&args.result, what);
    let read = |text: &String, whose: &str| {
        CaseFile::parse(text.as_bytes())
            .map_err(|error| integrity(format!("{whose} cannot be read: {error}")))
    };
    let case = read(&asked.case_file, "the result's case")?;
    let others = asked.with_files.iter().map(|text| read(text, "a case of `with_files`"));
    let with: Vec<CaseFile> = others.collect::<Result<_, _>>()?;
    if !with.iter().map(|case| &case.id).eq(&asked.with) {
        return Err(integrity("`with_files` are not the cases that `with` names".to_string()));
    }
    if asked.through.iter().any(|text| text.chars().any(char::is_control)) {
        return Err(integrity("`through` has control characters".to_string()));
    }
    let paths_to = asked.paths_to.as_ref();
    let paths_to = paths_to.map(|asked| Ok((any_address(&asked.address)?, asked.count)));
    let paths_to = paths_to
        .transpose()
        .map_err(|error: anyhow::Error| integrity(format!("`paths_to`: {error}")))?;
    let until = asked.until.as_deref().map(Time::parse).transpose();
    let rule = RuleName::parse(&stated.rule);
    let asked_again = Asked {
        rule: rule.ok_or_else(|| integrity(format!("the rule {:?} is unknown", stated.rule)))?,
        until: until.map_err(|error| integrity(format!("`until`: {error}")))?,
        through: asked.through.clone(),
        max_hops: asked.max_hops,
        service_degree: asked.service_degree,
        label_confidence: asked.label_confidence,
        full_replay: args.full_replay,
        paths_to,
        ..Asked::plain(&case.id)
    };
    let traced = investigation.trace(&case, &with.iter().collect::<Vec<_>>(), &asked_again)?;
    Ok(traced)
}

fn print(verdict: &Verdict, output: &Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(output.document(verdict)?);
    }
    let word = match (verdict.same, verdict.same_snapshot) {
        (true, true) => toned(Tone::Good, "the same"),
        (true, false) => {
            toned(Tone::Strong, "the same amounts, from another archive than it states")
        }
        (false, _) => toned(Tone::Bad, "NOT the same"),
    };
    let mut text = format!(
        "{}: {word}\n  stated     {}\n  recomputed {}\n",
        verdict.result, verdict.stated, verdict.recomputed
    );
    if !verdict.same_snapshot {
        let what = "archive, labels or imported files are not those that the result was made from, so \
                    less could be compared";
        text.push_str(&sentence(output, 2, what));
    }
    for difference in &verdict.differences {
        text.push_str(&format!("  {difference}\n"));
    }
    let not = format!("not compared: {}", verdict.not_compared.join(", "));
    text.push_str(&sentence(output, 2, &not));
    Ok(output.data(&text)?)
}
