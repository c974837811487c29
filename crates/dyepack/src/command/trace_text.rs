//! A trace in words and tables, for a person in a hurry: what was stolen, where it is, whom to call,
//! how sure that is, and how to check it.

use cases::result::{Holding, PathFound, PathHop, Reported, TraceResult, counted};

use crate::investigation::{Unreached, replay_as};
use crate::output::{Output, Tone, toned};
use crate::rows_shown::{self, Digits, ENDPOINTS, money, money_of, raw};
use crate::table::{Column, sentence, table};

/// Endpoints that are shown unless all are asked for.
const SHOWN: usize = 15;
const TOTALS: [Column<'_>; 4] = [
    Column::word(""),
    Column::number("amount"),
    Column::number("share").below(2),
    Column::number("places").below(1).named(),
];
const REACHED: [Column<'_>; 2] = [Column::word(""), Column::number("places reached")];
/// A path's line has no room for three long names; they stand below it.
const PATH: [Column<'_>; 6] = [
    Column::word("time (UTC)").below(3),
    Column::code("from").below(1).named(),
    Column::code("to").below(1).named(),
    Column::number("amount"),
    Column::number("tainted").below(2).named(),
    Column::code("tx").below(1).named(),
];

/// `program` is how a shell finds this one, for the command that asks again.
pub(crate) fn text(result: &TraceResult, output: &Output, wide: bool, program: &str) -> String {
    let head = sentence(output, 0, &heading(result));
    let mut text = format!("{}\n", toned(Tone::Strong, head.trim_end()));
    let strip = sentence(output, 0, &provenance(result));
    text.push_str(&format!("{}\n\n", toned(Tone::Faint, strip.trim_end())));
    text.push_str(&stolen(result, output));
    if !result.totals.is_empty() {
        text.push_str(&match result.conservation {
            Some(_) => totals(result, output) + &conservation(result, output),
            None => reached(result, output),
        });
        text.push_str(&endpoints(result, output, wide));
    }
    text.push_str(&unknown(result, output));
    text.push_str(&overlaps(result, output));
    text.push_str(&paths(result, output));
    text.push_str(&result.reported.as_ref().map(|it| reported(it, output)).unwrap_or_default());
    text.push_str(&gaps(result, output));
    let again = replay_as(&result.replay, program);
    text.push_str(&format!("\nDigest {}\nAgain: {again}\n", result.digest));
    text
}

/// That the value never came to the address that was asked about, and by which rules it would have.
pub(crate) fn unreached(unreached: &Unreached, rule: &str) -> String {
    let Unreached { address, by_rules } = unreached;
    let others = match by_rules.as_slice() {
        [] => "nor under any other".to_string(),
        rules => format!("but it is under {} (--rule {})", rules.join(", "), rules[0]),
    };
    format!("{address} was never reached by value of the case under {rule}, {others}")
}

fn heading(result: &TraceResult) -> String {
    format!("{} · {} · rule {}", result.title, result.case, result.rule)
}

/// Where the answer comes from, on one line.
pub(crate) fn provenance(result: &TraceResult) -> String {
    let chains: Vec<String> = result
        .snapshot
        .chains
        .iter()
        .map(|chain| {
            let span = match (&chain.first_time, &chain.last_time) {
                (Some(first), Some(last)) => format!("{first} to {last}"),
                _ => "no transfers".to_string(),
            };
            let heights = match (chain.first_height, chain.last_height) {
                (Some(first), Some(last)) => format!(" #{first}-{last}"),
                _ => String::new(),
            };
            let transfers = counted(chain.transfers, "transfer");
            format!("{}{heights} {span}, {transfers}", chain.chain)
        })
        .collect();
    let chains = if chains.is_empty() { "no data".to_string() } else { chains.join("; ") };
    let gaps = rows_shown::incomplete(result);
    let digest = result.digest.trim_start_matches("sha256:");
    let short: String = digest.chars().take(12).collect();
    format!("{chains} · {}{gaps} · {short}…", result.rule)
}

fn stolen(result: &TraceResult, output: &Output) -> String {
    let mut text = String::new();
    if result.stolen.is_empty() {
        text.push_str(&format!("Stolen: {}\n", rows_shown::nothing_stolen(result)));
    }
    for sum in &result.stolen {
        let how = rows_shown::known_from(result, sum);
        let money = money(sum.amount.as_deref(), &sum.raw, sum.symbol.as_deref(), &sum.asset);
        let told = sentence(output, 0, &format!("Stolen on {}: {money} ({how})", sum.chain));
        text.push_str(&told.replacen(&money, &toned(Tone::Strong, &money), 1));
        let again = rows_shown::already_labelled(result, sum);
        text.extend(again.map(|again| sentence(output, 2, &again)));
        for seed in rows_shown::seeds_of(result, sum).filter(|seed| seed.asserted) {
            let tx = seed.tx.as_deref().unwrap_or("no transaction named");
            let source = seed.source.as_deref().unwrap_or("no source");
            text.push_str(&sentence(output, 2, &format!("asserted: {tx}")));
            text.push_str(&sentence(output, 2, &format!("source: {source}")));
        }
    }
    text
}

fn totals(result: &TraceResult, output: &Output) -> String {
    let mut text = String::new();
    for asset in rows_shown::totals(result) {
        text.push_str(&format!("\nWhere it is now ({}, {})\n", asset.chain, asset.unit));
        text.push_str(&table(output, &TOTALS, &asset.rows));
        let unspent = rows_shown::unspent_words(result, Some(&asset.unit));
        text.extend(unspent.map(|words| sentence(output, 0, &words)));
    }
    text
}

/// In place of totals where amounts add up to nothing.
fn reached(result: &TraceResult, output: &Output) -> String {
    let mut text = format!("\n{}", sentence(output, 0, rows_shown::POISON));
    for asset in rows_shown::reached(result) {
        text.push_str(&format!("\nReached ({}, {})\n", asset.chain, asset.unit));
        text.push_str(&table(output, &REACHED, &asset.rows));
    }
    let unspent = rows_shown::unspent_words(result, None);
    text.extend(unspent.map(|words| sentence(output, 0, &words)));
    text
}

fn conservation(result: &TraceResult, output: &Output) -> String {
    let line = |(words, ok): (String, bool)| {
        let word = if ok { toned(Tone::Good, "ok") } else { toned(Tone::Bad, "BROKEN") };
        format!("{} [{word}]\n", sentence(output, 0, &words).trim_end())
    };
    format!("\n{}", rows_shown::conservation(result).into_iter().map(line).collect::<String>())
}

fn endpoints(result: &TraceResult, output: &Output, wide: bool) -> String {
    let shown = |holding: &&Holding| holding.place.is_some() && (raw(&holding.raw) > 0 || wide);
    let all: Vec<&Holding> = result.holdings.iter().filter(shown).collect();
    let short = output.is_terminal() && !wide;
    let count = if short { SHOWN.min(all.len()) } else { all.len() };
    let digits = if short { Digits::Few } else { Digits::All };
    let shown = all.iter().take(count);
    let rows: Vec<[String; 8]> = shown.map(|it| rows_shown::endpoint(it, digits)).collect();
    let mut text = format!("\nEndpoints ({} of {})\n", rows.len(), all.len());
    text.push_str(&table(output, &ENDPOINTS, &rows));
    if short {
        let all = "--wide shows all, with all digits; --csv and --json have every field";
        text.push_str(&sentence(output, 0, all));
    }
    text
}

fn unknown(result: &TraceResult, output: &Output) -> String {
    let rows = rows_shown::unknown(result);
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", sentence(output, 0, &rows_shown::unknown_words(result)));
    for row in rows.iter().take(SHOWN) {
        text.push_str(&sentence(output, 2, &row.join(" ")));
    }
    text.push_str(&more(rows.len()));
    text
}

/// That a list was cut; nothing where it was not.
fn more(count: usize) -> String {
    match count.saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("  and {more} more, in --json\n"),
    }
}

fn overlaps(result: &TraceResult, output: &Output) -> String {
    let rows = rows_shown::overlaps(result);
    let mut text = String::new();
    for row in rows.iter().take(SHOWN) {
        let [incidents, place, low, high] = row;
        let amount = match low == high {
            true => low.clone(),
            false => format!("between {low} and {high}"),
        };
        let words = format!("Claimed twice, by {incidents}: {place} {amount}");
        text.push_str(&sentence(output, 0, &words));
    }
    text.push_str(&more(rows.len()));
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn paths(result: &TraceResult, output: &Output) -> String {
    let mut text = String::new();
    for (number, path) in result.paths.iter().flatten().enumerate() {
        let PathFound { kinds, hops } = path;
        let kinds = if kinds.is_empty() { "further".to_string() } else { kinds.join(", ") };
        text.push_str(&format!("\nPath {} ({kinds})\n", number + 1));
        let rows: Vec<[String; 6]> = hops.iter().map(|hop| path_hop(result, hop)).collect();
        text.push_str(&table(output, &PATH, &rows));
    }
    text
}

fn path_hop(result: &TraceResult, hop: &PathHop) -> [String; 6] {
    let from = || if hop.asserted { "asserted" } else { "new" }.to_string();
    let arrived = hop.asset_to.as_deref().unwrap_or(&hop.asset);
    [
        hop.time.clone(),
        hop.from.clone().unwrap_or_else(from),
        hop.to.clone().unwrap_or_default(),
        money(hop.amount.as_deref(), &hop.raw, hop.symbol.as_deref(), &hop.asset),
        money_of(result, &hop.chain, arrived, &hop.taint_in_raw),
        hop.tx.clone().unwrap_or_default(),
    ]
}

fn reported(reported: &Reported, output: &Output) -> String {
    let mut text = format!("\n{}", sentence(output, 0, &rows_shown::reported_words(reported)));
    for row in rows_shown::flows(reported) {
        let [from, to, amount, date, _] = &row;
        let date = if date.is_empty() { String::new() } else { format!(" on {date}") };
        text.push_str(&sentence(output, 2, &format!("{from} -> {to}: {amount}{date}")));
    }
    for wallet in &reported.shared_wallets {
        let names: Vec<&str> = wallet.reached_from.iter().map(|from| from.name.as_str()).collect();
        text.push_str(&format!("\n{} {}\n", toned(Tone::Strong, "Shared wallet"), wallet.address));
        let words = match &wallet.not_evidence {
            Some(why) => format!("no evidence of a link: {why}"),
            None => format!("reportedly reached from: {}", names.join(", ")),
        };
        text.push_str(&sentence(output, 2, &words));
        for from in &wallet.reached_from {
            let way = format!("from {} via {}", from.name, from.via.join(" -> "));
            text.push_str(&sentence(output, 2, &way));
        }
    }
    text
}

fn gaps(result: &TraceResult, output: &Output) -> String {
    let rows = rows_shown::gaps(result);
    let lines = rows.iter().map(|[kind, detail]| sentence(output, 2, &format!("{kind}: {detail}")));
    let text: String = lines.collect();
    if text.is_empty() { text } else { format!("\nWhat the data does not say\n{text}") }
}

/// Holdings as CSV; a field that a spreadsheet would take for a formula is quoted with an apostrophe.
pub(crate) fn csv(result: &TraceResult) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "chain",
        "address",
        "place",
        "asset",
        "symbol",
        "where",
        "label",
        "raw",
        "amount",
        "low_raw",
        "high_raw",
        "hops",
        "first_time",
        "last_time",
    ])?;
    for holding in &result.holdings {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let fields = [
            holding.chain.clone(),
            text(&holding.address),
            text(&holding.place),
            holding.asset.clone(),
            text(&holding.symbol),
            holding.end.clone(),
            text(&holding.label),
            holding.raw.clone(),
            text(&holding.amount),
            holding.low_raw.clone(),
            holding.high_raw.clone(),
            holding.hops.map(|hops| hops.to_string()).unwrap_or_default(),
            text(&holding.first_time),
            text(&holding.last_time),
        ];
        writer.write_record(fields.iter().map(|field| defused(field)))?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8(bytes)?)
}

fn defused(field: &str) -> String {
    match field.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{field}"),
        _ => field.to_string(),
    }
}
