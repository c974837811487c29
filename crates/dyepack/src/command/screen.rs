//! `dyepack screen`: is an address exposed to a registered case, or labelled? It never says that an
//! address is clean: only what is known, and until when.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::Context;
use cases::casebook::Casebook;
use cases::label::Category;
use cases::records::Records;
use cases::result::{ChainCovered, counted};
use clap::Args;
use ledger::{Address, Amount, Chain, Place};
use serde::Serialize;
use taint::PotLedger;

use crate::address_asked;
use crate::archive_folder;
use crate::cli::Global;
use crate::exit::{Coded, Exit};
use crate::investigation::{self, Exposed, Investigation};
use crate::output::{Output, Tone, plain, toned};
use crate::rows_shown::money;
use crate::table::sentence;
use crate::world::World;

/// Say whether addresses received stolen value, by every registered case, and who is said to be behind them.
#[derive(Args)]
#[command(after_help = "Examples:\n  dyepack screen 0x3cff…\n  dyepack screen - < addresses.txt")]
pub(crate) struct ScreenArgs {
    /// Addresses, or `-` for one a line on stdin
    #[arg(required = true, value_name = "ADDRESS|-")]
    addresses: Vec<String>,
    /// The chain to look on [default: every chain that the address fits]
    #[arg(long, value_name = "NAME")]
    chain: Option<String>,
    /// Exit 10 if any is exposed, or listed: labelled sanctioned, theft, scam or mixer
    #[arg(long)]
    fail_on_exposure: bool,
}

/// Bytes of stdin that are read: some millions of addresses.
const MAX_STDIN: u64 = 256 << 20;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    /// Registered cases that were asked: of none, nobody is exposed.
    cases: usize,
    results: Vec<Screened>,
}

#[derive(Serialize)]
struct Screened {
    chain: Option<String>,
    address: String,
    verdict: &'static str,
    /// Why it is no address, where it is none.
    reason: Option<String>,
    exposure: Vec<Exposure>,
    labels: Vec<LabelShown>,
    as_of: Vec<ChainCovered>,
}

#[derive(Serialize)]
struct Exposure {
    incident: String,
    asset: String,
    symbol: Option<String>,
    /// Tainted value that the address received, in base units (haircut).
    raw: String,
    amount: Option<String>,
    /// That, in parts per million of all that it received of the asset; null if it received none.
    share_ppm: Option<u64>,
    hops: u32,
    /// True if it is the thief's account or was paid by it.
    direct: bool,
}

#[derive(Serialize)]
struct LabelShown {
    name: String,
    category: String,
    confidence: u8,
    source: String,
}

/// What all cases say of all addresses: by chain and address.
type Exposures = BTreeMap<(Chain, Address), Vec<(String, Exposed)>>;

pub(crate) fn run(args: &ScreenArgs, global: &Global, output: &Output) -> anyhow::Result<Exit> {
    let chain = args.chain.as_deref().map(Chain::parse).transpose();
    let chain = chain.map_err(|error| Coded::new(Exit::Usage, error.to_string()))?;
    let asked = addresses(&args.addresses)?;
    let investigation = Investigation::open(archive_folder::read(global)?, output)?;
    let cases = investigation.casebook.cases().count();
    if asked.is_empty() {
        let nothing = Coded::new(Exit::NoData, "no address given");
        output.error(&nothing.help("one or more a line on stdin, or as arguments").into());
    }
    if cases == 0 {
        no_case(args.fail_on_exposure, output);
    }
    let exposures = exposures(&investigation)?;
    let world = World::new(&investigation.index);
    let results: Vec<Screened> = asked
        .iter()
        .flat_map(|asked| match asked {
            Asked::Address(text) => screen(text, chain, &investigation, &world, &exposures),
            Asked::Unreadable { text, why } => vec![unreadable(text, why)],
        })
        .collect();
    for asked in &asked {
        if let Asked::Unreadable { why, .. } = asked {
            output.warning(why);
        }
    }
    let exit = exit_of(&results, cases, args.fail_on_exposure);
    if output.json {
        output.document(&Document { schema: "dyepack.screen/1", cases, results })?;
    } else {
        let told = results.iter().map(|result| told(result, cases, output));
        output.data(&told.collect::<String>())?;
    }
    Ok(exit)
}

/// Says that without a case there is no exposure; as an error where a gate depends on it.
fn no_case(fail_on_exposure: bool, output: &Output) {
    match fail_on_exposure {
        false => output.warning(
            "no case is registered, so nothing but labels can be found (dyepack case add CASE.toml)",
        ),
        true => {
            let message = "--fail-on-exposure: no case is registered, so no exposure can be found";
            let error = Coded::new(Exit::NoData, message).help("dyepack case add CASE.toml");
            output.error(&error.into());
        }
    }
}

/// Found beats incomplete, and incomplete beats nothing known. A mistyped address has no answer: a gate
/// that let it pass would let everything pass. So would one that has no case to ask.
fn exit_of(results: &[Screened], cases: usize, fail_on_exposure: bool) -> Exit {
    let any = |verdicts: &[&str]| results.iter().any(|it| verdicts.contains(&it.verdict));
    match fail_on_exposure {
        true if any(&["exposed", "listed"]) => return Exit::Exposure,
        true if cases == 0 => return Exit::NoData,
        _ => {}
    }
    match (any(&["invalid"]), any(&["exposed", "listed", "no-exposure"])) {
        (true, _) => Exit::Incomplete,
        (false, true) => Exit::Ok,
        (false, false) => Exit::NoData,
    }
}

/// What the user asked about.
enum Asked {
    Address(String),
    /// A row of stdin that is no text: one bad byte must not cost the others their answer.
    Unreadable {
        text: String,
        why: String,
    },
}

fn addresses(given: &[String]) -> anyhow::Result<Vec<Asked>> {
    let mut asked = Vec::new();
    for text in given {
        match text.as_str() {
            "-" => asked.extend(addresses_of(&stdin()?)),
            _ => asked.push(Asked::Address(text.clone())),
        }
    }
    Ok(asked)
}

fn stdin() -> anyhow::Result<Vec<u8>> {
    let mut input = Vec::new();
    std::io::stdin().take(MAX_STDIN + 1).read_to_end(&mut input).context("cannot read stdin")?;
    if input.len() as u64 > MAX_STDIN {
        let message = format!("stdin: longer than {} MiB", MAX_STDIN >> 20);
        return Err(Coded::new(Exit::Error, message).help("screen it in parts").into());
    }
    Ok(input)
}

/// The addresses of a list, in its order, between blanks and line ends.
fn addresses_of(list: &[u8]) -> Vec<Asked> {
    let list = list.strip_prefix(b"\xef\xbb\xbf").unwrap_or(list);
    let mut asked = Vec::new();
    for (row, line) in list.split(|byte| *byte == b'\n').enumerate() {
        match std::str::from_utf8(line) {
            Ok(text) => {
                asked.extend(text.split_whitespace().map(|it| Asked::Address(it.to_string())));
            }
            Err(error) => asked.push(Asked::Unreadable {
                text: String::from_utf8_lossy(line).trim().to_string(),
                why: format!(
                    "stdin, row {}: not UTF-8 text (byte {})",
                    row + 1,
                    error.valid_up_to() + 1
                ),
            }),
        }
    }
    asked
}

fn exposures(investigation: &Investigation) -> anyhow::Result<Exposures> {
    let mut exposures = Exposures::new();
    for claimed in investigation.casebook.cases() {
        for exposed in
            investigation.exposed(&claimed.what, &investigation::Asked::plain(&claimed.what.id))?
        {
            let key = (exposed.chain, exposed.address);
            exposures.entry(key).or_default().push((claimed.what.id.clone(), exposed));
        }
    }
    Ok(exposures)
}

fn screen(
    text: &str,
    chain: Option<Chain>,
    investigation: &Investigation,
    world: &World<'_>,
    exposures: &Exposures,
) -> Vec<Screened> {
    let fitting = address_asked::fitting(text, chain);
    let Some(first) = fitting.first().copied() else {
        return vec![invalid(text, chain)];
    };
    let judged: Vec<Screened> = fitting
        .iter()
        .map(|(chain, address)| judge(*chain, *address, investigation, world, exposures))
        .collect();
    // Of chains that share a form of address, only those that know this one are of interest.
    let (known, unknown): (Vec<_>, Vec<_>) =
        judged.into_iter().partition(|result| result.verdict != "no-data");
    if !known.is_empty() {
        return known;
    }
    let preferred = if fitting.iter().any(|(chain, _)| *chain == Chain::ETHEREUM) {
        Chain::ETHEREUM
    } else {
        first.0
    };
    unknown.into_iter().filter(|result| result.chain.as_deref() == Some(preferred.name())).collect()
}

fn invalid(text: &str, chain: Option<Chain>) -> Screened {
    let reason = address_asked::why_none(text, chain);
    Screened { chain: chain.map(|chain| chain.to_string()), reason, ..no_address(text) }
}

fn unreadable(text: &str, why: &str) -> Screened {
    Screened { reason: Some(why.to_string()), ..no_address(text) }
}

fn no_address(text: &str) -> Screened {
    Screened {
        chain: None,
        address: plain(&text.chars().take(200).collect::<String>()),
        verdict: "invalid",
        reason: None,
        exposure: Vec::new(),
        labels: Vec::new(),
        as_of: Vec::new(),
    }
}

fn judge(
    chain: Chain,
    address: Address,
    investigation: &Investigation,
    world: &World<'_>,
    exposures: &Exposures,
) -> Screened {
    let found = exposures.get(&(chain, address)).map(Vec::as_slice).unwrap_or_default();
    let exposure: Vec<Exposure> = found
        .iter()
        .map(|(incident, exposed)| exposure(incident, exposed, investigation, world))
        .collect();
    let labels = labels(&investigation.casebook, chain, &address);
    let listed = investigation.casebook.labels_of(chain, &address).iter().any(|claimed| {
        let bad = [Category::Sanctioned, Category::Theft, Category::Scam, Category::Mixer];
        bad.contains(&claimed.what.category)
    });
    let in_data = !world.places_of(chain, &address).is_empty();
    let verdict = match (exposure.is_empty(), listed, in_data) {
        (false, _, _) => "exposed",
        (true, true, _) => "listed",
        (true, false, true) => "no-exposure",
        (true, false, false) => "no-data",
    };
    let coverage = investigation.snapshot().chains;
    Screened {
        chain: Some(chain.to_string()),
        address: address.to_string(),
        verdict,
        reason: None,
        exposure,
        labels,
        as_of: coverage.into_iter().filter(|covered| covered.chain == chain.name()).collect(),
    }
}

fn labels(casebook: &Casebook, chain: Chain, address: &Address) -> Vec<LabelShown> {
    let labels = casebook.labels_of(chain, address).into_iter();
    labels
        .map(|claimed| LabelShown {
            name: claimed.what.name.clone(),
            category: claimed.what.category.name().to_string(),
            confidence: claimed.what.confidence,
            source: claimed.what.source.clone(),
        })
        .collect()
}

fn exposure(
    incident: &str,
    exposed: &Exposed,
    investigation: &Investigation,
    world: &World<'_>,
) -> Exposure {
    let written = investigation.written(exposed.chain, &exposed.asset);
    let amount = Amount::new(exposed.received);
    let all = all_received(world, exposed);
    let million = Amount::new(1_000_000);
    let share = amount.mul_div(million, Amount::new(all));
    Exposure {
        incident: incident.to_string(),
        asset: exposed.asset.text(exposed.chain),
        symbol: written.symbol,
        raw: amount.to_string(),
        amount: written.decimals.map(|decimals| amount.to_decimal(decimals)),
        share_ppm: share.and_then(|share| u64::try_from(share.base_units()).ok()),
        hops: exposed.hops,
        direct: exposed.direct,
    }
}

/// All that the address ever received of the asset.
fn all_received(world: &World<'_>, exposed: &Exposed) -> u128 {
    let mut sum = exposed.asserted;
    let mut places = world.places_of(exposed.chain, &exposed.address);
    places.extend(world.find_place(exposed.chain, &Place::Account(exposed.address)));
    places.sort_unstable();
    places.dedup();
    for pot in places.into_iter().flat_map(|place| world.pots_of(place)) {
        if world.asset(world.pot(pot).asset) != (exposed.chain, exposed.asset) {
            continue;
        }
        for row in world.history(pot, 0).rows.map(|row| world.row(row)) {
            sum = if row.to == pot { sum.saturating_add(row.amount_to) } else { sum };
        }
    }
    sum
}

fn told(result: &Screened, cases: usize, output: &Output) -> String {
    let verdict = match result.verdict {
        "exposed" | "listed" => toned(Tone::Bad, &result.verdict.to_uppercase()),
        "invalid" => toned(Tone::Warning, "no address"),
        "no-data" => toned(Tone::Faint, "not in the data"),
        _ => {
            let until = result.as_of.first().and_then(|covered| covered.last_time.clone());
            let until = until.unwrap_or_else(|| "now".into());
            format!("no exposure in the data until {until}, of {}", counted(cases, "case"))
        }
    };
    let chain = result.chain.as_deref().unwrap_or("-");
    let mut text = format!("{} ({chain}): {verdict}\n", result.address);
    text.extend(result.reason.iter().map(|reason| sentence(output, 2, reason)));
    for exposure in &result.exposure {
        let (amount, symbol) = (exposure.amount.as_deref(), exposure.symbol.as_deref());
        let money = money(amount, &exposure.raw, symbol, &exposure.asset);
        let share = match exposure.share_ppm {
            Some(ppm) => format!(", {}.{} % of what it received", ppm / 10_000, ppm / 1_000 % 10),
            None => String::new(),
        };
        let way = if exposure.direct { "direct" } else { "indirect" };
        let (incident, hops) = (&exposure.incident, counted(exposure.hops, "hop"));
        let words = format!("{money}{share}, from {incident}, {hops}, {way}");
        text.push_str(&sentence(output, 2, &words));
    }
    for label in &result.labels {
        let words = format!(
            "label: {} ({}, {} of 100, by {})",
            label.name, label.category, label.confidence, label.source
        );
        text.push_str(&sentence(output, 2, &words));
    }
    text
}
