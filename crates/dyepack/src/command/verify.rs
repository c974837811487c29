//! `dyepack verify`: takes a saved result, computes it again from the archive, and compares.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cases::case_file::CaseFile;
use cases::digest::{digest, lines};
use cases::result::{PathHop, SCHEMA, TraceResult};
use clap::Args;
use ledger::Time;
use serde::Serialize;
use taint::RuleName;

use crate::archive_folder;
use crate::cli::Global;
use crate::command::trace::find_case;
use crate::exit::{Coded, Exit};
use crate::investigation::{Asked, Investigation, Traced};
use crate::output::{Output, Tone, toned};
use crate::whole_file;

/// Differences that are shown of each kind.
const SHOWN: usize = 10;
/// A result longer than this is refused unread.
const MAX_BYTES: usize = 1 << 30;

/// Compute a saved result again and compare the digest; exit 5 on any difference.
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
}

pub(crate) fn run(args: &VerifyArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let stated = read(&args.result)?;
    let mut differences = Vec::new();
    if digest(&stated) != stated.digest {
        differences
            .push("the file does not say what its own digest says: it was changed".to_string());
    }
    let archive = archive_folder::read(global)?;
    // An index that was changed on the disk would compute the same wrong answer again.
    if let Some(damage) = archive.check().first() {
        let what = format!("the archive is damaged: {}: {}", damage.path.display(), damage.what);
        return Err(Coded::new(Exit::Integrity, what).help("dyepack doctor").into());
    }
    let investigation = Investigation::open(archive)?;
    let traced = recompute(&stated, &investigation, args.full_replay)?;
    differences.extend(compare(&stated, &traced));
    let again = traced.result;
    let verdict = Verdict {
        schema: "dyepack.verify/1",
        result: args.result.display().to_string(),
        stated: stated.digest.clone(),
        recomputed: again.digest.clone(),
        same: differences.is_empty(),
        same_snapshot: again.snapshot == stated.snapshot,
        differences,
    };
    print(&verdict, output)?;
    Ok(if verdict.same { Exit::Ok } else { Exit::Integrity })
}

fn read(path: &Path) -> anyhow::Result<TraceResult> {
    let integrity =
        |what: String| Coded::new(Exit::Integrity, format!("{}: {what}", path.display()));
    let bytes = whole_file::read(path, MAX_BYTES)?;
    if bytes.len() > MAX_BYTES {
        return Err(integrity("larger than any result".to_string()).into());
    }
    let result: TraceResult = serde_json::from_slice(&bytes)
        .map_err(|error| integrity(format!("no readable result ({error})")))?;
    if result.schema != SCHEMA {
        return Err(integrity(format!("schema {:?} is not {SCHEMA}", result.schema)).into());
    }
    Ok(result)
}

fn recompute(
    stated: &TraceResult,
    investigation: &Investigation,
    full_replay: bool,
) -> anyhow::Result<Traced> {
    let asked = &stated.parameters;
    let integrity = |what: &str| Coded::new(Exit::Integrity, what.to_string());
    let case = CaseFile::parse(asked.case_file.as_bytes())
        .map_err(|error| integrity(&format!("the result's case cannot be read: {error}")))?;
    if asked.through.iter().any(|text| text.chars().any(char::is_control)) {
        return Err(integrity("`through` has control characters").into());
    }
    let until = asked.until.as_deref().map(Time::parse).transpose();
    let asked_again = Asked {
        rule: RuleName::parse(&stated.rule).ok_or_else(|| integrity("the rule is unknown"))?,
        until: until.map_err(|error| integrity(&format!("`until`: {error}")))?,
        through: asked.through.clone(),
        max_hops: asked.max_hops,
        service_degree: asked.service_degree,
        label_confidence: asked.label_confidence,
        full_replay,
        list_hops: stated.paths.is_some(),
        ..Asked::plain(&case.id)
    };
    let with: Vec<CaseFile> =
        asked.with.iter().map(|id| find_case(id, investigation)).collect::<Result<_, _>>()?;
    let traced = investigation.trace(&case, &with.iter().collect::<Vec<_>>(), &asked_again)?;
    Ok(traced)
}

fn compare(stated: &TraceResult, traced: &Traced) -> Vec<String> {
    let again = &traced.result;
    let (old, new) = (lines(stated), lines(again));
    let before: BTreeSet<&String> = old.iter().collect();
    let after: BTreeSet<&String> = new.iter().collect();
    let gone =
        before.difference(&after).map(|line| format!("stated only: {}", line.replace('\t', " ")));
    let come =
        after.difference(&before).map(|line| format!("computed only: {}", line.replace('\t', " ")));
    let mut differences: Vec<String> = gone.take(SHOWN).chain(come.take(SHOWN)).collect();
    // What the digest leaves out must still be right where it is derived from the same things.
    let amounts = |result: &TraceResult| {
        let holdings =
            result.holdings.iter().map(|h| (h.raw.clone(), h.amount.clone(), h.address.clone()));
        let totals =
            result.totals.iter().map(|t| (t.raw.clone(), t.amount.clone(), t.symbol.clone()));
        let stolen =
            result.stolen.iter().map(|s| (s.raw.clone(), s.amount.clone(), s.symbol.clone()));
        holdings.chain(totals).chain(stolen).collect::<Vec<_>>()
    };
    if differences.is_empty() && amounts(stated) != amounts(again) {
        differences
            .push("whole amounts, symbols or addresses differ from the base units".to_string());
    }
    if differences.is_empty() && stated.digest != again.digest {
        differences.push("the digests differ".to_string());
    }
    let told = |result: &TraceResult| {
        (result.case.clone(), result.title.clone(), result.rule.clone(), result.seeds.clone())
    };
    if differences.is_empty() && told(stated) != told(again) {
        differences.push("the case, its title or its thefts are not as told".to_string());
    }
    if differences.is_empty() && stated.snapshot == again.snapshot {
        differences.extend(outside_the_digest(stated, again));
    }
    let made_up = |hop: &PathHop| !traced.hops.contains(hop);
    if stated.paths.iter().flatten().any(|path| path.hops.iter().any(made_up)) {
        differences.push("a hop of `paths` is no movement of this result".to_string());
    }
    differences
}

/// What follows from archive and labels although the digest leaves it out: names, whole amounts,
/// transactions, gaps, overlaps with the cases that the result names. How files were called may differ
/// between archives of the same content; so may the words of the command.
fn outside_the_digest(stated: &TraceResult, again: &TraceResult) -> Option<String> {
    let named = &stated.parameters.with;
    let same_names = stated.inputs == again.inputs;
    let derived = |result: &TraceResult| {
        let mut derived = result.clone();
        derived.program = again.program.clone();
        derived.replay = String::new();
        derived.paths = None;
        derived.overlaps.retain(|found| found.incidents.iter().any(|id| named.contains(id)));
        if !same_names {
            derived.inputs.iter_mut().for_each(|input| input.name.clear());
            derived.gaps.iter_mut().for_each(|gap| gap.detail.clear());
        }
        derived
    };
    let same = derived(stated) == derived(again);
    (!same).then(|| "something that the digest does not cover differs".to_string())
}

fn print(verdict: &Verdict, output: &Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(output.document(verdict)?);
    }
    let word = match verdict.same {
        true => toned(Tone::Good, "the same"),
        false => toned(Tone::Bad, "NOT the same"),
    };
    let mut text = format!(
        "{}: {word}\n  stated     {}\n  recomputed {}\n",
        verdict.result, verdict.stated, verdict.recomputed
    );
    if !verdict.same_snapshot {
        text.push_str("  the archive or its labels are not those that the result was made from\n");
    }
    for difference in &verdict.differences {
        text.push_str(&format!("  {difference}\n"));
    }
    Ok(output.data(&text)?)
}
