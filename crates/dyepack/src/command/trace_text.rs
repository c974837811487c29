//! A trace in words and tables, for a person in a hurry: what was stolen, where it is, whom to call,
//! how sure that is, and how to check it.

use std::collections::BTreeMap;

use cases::result::{Conservation, Holding, TraceResult, grouped};

use crate::output::{Output, Tone, toned};
use crate::table::{Side, table};

/// Endpoints that are shown unless all are asked for.
const SHOWN: usize = 15;

pub(crate) fn text(result: &TraceResult, output: &Output, wide: bool) -> String {
    let mut text = format!("{}\n", toned(Tone::Strong, &heading(result)));
    text.push_str(&format!("{}\n\n", toned(Tone::Faint, &provenance(result))));
    text.push_str(&stolen(result));
    if !result.totals.is_empty() {
        text.push_str(&totals(result, output));
        text.push_str(&conservation(result));
        text.push_str(&endpoints(result, output, wide));
    }
    text.push_str(&unknown(result));
    text.push_str(&overlaps(result));
    text.push_str(&paths(result, output));
    text.push_str(&reported(result));
    text.push_str(&gaps(result));
    text.push_str(&format!("\nDigest {}\nAgain: {}\n", result.digest, result.replay));
    text
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
            format!("{}{heights} {span}, {} transfers", chain.chain, chain.transfers)
        })
        .collect();
    let chains = match chains.is_empty() {
        true => "no data".to_string(),
        false => chains.join("; "),
    };
    let gaps = match result.gaps.len() {
        0 => "no gaps known".to_string(),
        1 => "1 gap".to_string(),
        many => format!("{many} gaps"),
    };
    let digest = result.digest.trim_start_matches("sha256:");
    let short: String = digest.chars().take(12).collect();
    format!("{chains} · {} · {gaps} · {short}…", result.rule)
}

/// An amount with its unit: whole units where decimals are known, else base units.
pub(crate) fn money(amount: Option<&str>, raw: &str, symbol: Option<&str>, asset: &str) -> String {
    let unit = symbol.unwrap_or(asset);
    match amount {
        Some(amount) => format!("{} {unit}", grouped(amount)),
        None => format!("{} base units of {unit}", grouped(raw)),
    }
}

fn stolen(result: &TraceResult) -> String {
    let mut text = String::new();
    for sum in &result.stolen {
        let seeds = result
            .seeds
            .iter()
            .filter(|seed| (&seed.chain, &seed.asset) == (&sum.chain, &sum.asset));
        let (asserted, shown): (Vec<_>, Vec<_>) = seeds.partition(|seed| seed.asserted);
        let how = match (shown.len(), asserted.len()) {
            (0, 1) => "asserted, not in the data".to_string(),
            (0, many) => format!("{many} thefts asserted, not in the data"),
            (1, 0) => "in 1 transfer".to_string(),
            (many, 0) => format!("in {many} transfers"),
            (many, more) => format!("in {many} transfers; {more} more asserted, not in the data"),
        };
        let money = money(sum.amount.as_deref(), &sum.raw, sum.symbol.as_deref(), &sum.asset);
        text.push_str(&format!(
            "Stolen on {}: {} ({how})\n",
            sum.chain,
            toned(Tone::Strong, &money)
        ));
        text.push_str(&already_labelled(result, sum));
        for seed in asserted {
            let tx = seed.tx.as_deref().unwrap_or("no transaction named");
            let source = seed.source.as_deref().unwrap_or("no source");
            text.push_str(&format!("  asserted: {tx}\n  source: {source}\n"));
        }
    }
    text
}

/// What left an asset by conversions.
fn converted_out(result: &TraceResult, chain: &str, asset: &str) -> u128 {
    let same = |line: &&Conservation| line.chain == chain && line.asset == asset;
    let line = result.conservation.iter().flatten().find(same);
    line.map_or(0, |line| raw(&line.converted_out_raw))
}

/// What the seeds moved a second time, where thefts of the case took the same units twice.
fn already_labelled(result: &TraceResult, sum: &cases::result::Sum) -> String {
    let same = |line: &&Conservation| (&line.chain, &line.asset) == (&sum.chain, &sum.asset);
    let Some(line) = result.conservation.iter().flatten().find(same) else { return String::new() };
    let injected = raw(&line.in_raw).saturating_sub(raw(&line.converted_in_raw));
    match raw(&sum.raw).saturating_sub(injected) {
        0 => String::new(),
        again => {
            let holding = result.holdings.iter().find(|holding| holding.asset == sum.asset);
            let again = again.to_string();
            let whole = holding.map_or_else(|| grouped(&again), |holding| holding.whole(&again));
            let unit = sum.symbol.as_deref().unwrap_or(&sum.asset);
            format!("  of which {whole} {unit} were stolen already when they moved\n")
        }
    }
}

/// Parts per thousand that add up to 1000, by largest remainder.
fn permille(parts: &[u128]) -> Vec<u128> {
    let total: u128 = parts.iter().sum();
    if total == 0 {
        return vec![0; parts.len()];
    }
    // Amounts beyond 2^118 would not take the factor; shifted parts keep their proportions.
    let shift = 118u32.saturating_sub(total.leading_zeros().min(118)).min(10);
    let total: u128 = parts.iter().map(|part| part >> shift).sum::<u128>().max(1);
    let scaled: Vec<(u128, u128)> = parts
        .iter()
        .map(|part| ((part >> shift) * 1000 / total, (part >> shift) * 1000 % total))
        .collect();
    let mut shares: Vec<u128> = scaled.iter().map(|(share, _)| *share).collect();
    let missing = 1000 - shares.iter().sum::<u128>().min(1000);
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| scaled[*b].1.cmp(&scaled[*a].1).then(a.cmp(b)));
    for at in order.into_iter().take(missing as usize) {
        shares[at] += 1;
    }
    shares
}

/// The words for where value is, for people.
pub(crate) fn where_words(end: &str) -> &str {
    match end {
        "unspent" => "unspent, in wallets",
        "service" => "at services",
        "suspected-service" => "at suspected services",
        "mixer" => "in mixers",
        "bridge" => "over bridges",
        "swap" => "in swaps",
        "fee" => "paid as fees",
        "burned" => "burned",
        "untraced" => "not followed further",
        other => other,
    }
}

fn raw(text: &str) -> u128 {
    text.parse().unwrap_or(0)
}

fn totals(result: &TraceResult, output: &Output) -> String {
    let mut by_asset: BTreeMap<(&str, &str), Vec<&cases::result::Total>> = BTreeMap::new();
    for total in &result.totals {
        by_asset.entry((&total.chain, &total.asset)).or_default().push(total);
    }
    let mut text = String::new();
    for ((chain, asset), totals) in by_asset {
        let unit = totals[0].symbol.as_deref().unwrap_or(asset);
        let known = totals[0].amount.is_some();
        let unit = if known { unit.to_string() } else { format!("base units of {unit}") };
        text.push_str(&format!("\nWhere it is now ({chain}, {unit})\n"));
        let converted = converted_out(result, chain, asset);
        let mut parts: Vec<u128> = totals.iter().map(|total| raw(&total.raw)).collect();
        parts.push(converted);
        let shares = permille(&parts);
        let row = |words: &str, amount: String, share: u128, places: String| {
            let share = format!("{}.{} %", share / 10, share % 10);
            vec![format!("  {words}"), amount, share, places]
        };
        let mut rows: Vec<(u128, Vec<String>)> = totals
            .iter()
            .zip(&shares)
            .map(|(total, share)| {
                let amount = grouped(total.amount.as_ref().unwrap_or(&total.raw));
                let words = where_words(&total.end);
                (raw(&total.raw), row(words, amount, *share, total.places.to_string()))
            })
            .collect();
        if converted > 0 {
            let amount = match totals[0].decimals {
                Some(decimals) => ledger::Amount::new(converted).to_decimal(decimals),
                None => converted.to_string(),
            };
            let share = shares.last().copied().unwrap_or(0);
            let words = "turned into another asset";
            rows.push((converted, row(words, grouped(&amount), share, String::new())));
        }
        rows.sort_by_key(|(raw, _)| std::cmp::Reverse(*raw));
        let head = [
            ("", Side::Left),
            (unit.as_str(), Side::Right),
            ("share", Side::Right),
            ("places", Side::Right),
        ];
        text.push_str(&table(
            output,
            &head,
            &rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>(),
        ));
    }
    text
}

fn conservation(result: &TraceResult) -> String {
    let Some(sums) = &result.conservation else {
        return "\nPoison conserves nothing: it says what was reached, not how much is where.\n"
            .to_string();
    };
    let line = |sum: &Conservation| {
        let word = if sum.ok { toned(Tone::Good, "ok") } else { toned(Tone::Bad, "BROKEN") };
        let converted = match (sum.converted_in_raw.as_str(), sum.converted_out_raw.as_str()) {
            ("0", "0") => String::new(),
            (into, out) => format!(" (of which converted in {into}, out {out})"),
        };
        format!(
            "Conservation, {} {}: {} in = {} out{converted} [{word}]\n",
            sum.chain, sum.asset, sum.in_raw, sum.out_raw
        )
    };
    format!("\n{}", sums.iter().map(line).collect::<String>())
}

fn endpoints(result: &TraceResult, output: &Output, wide: bool) -> String {
    let shown = |holding: &&Holding| holding.address.is_some() && (raw(&holding.raw) > 0 || wide);
    let all: Vec<&Holding> = result.holdings.iter().filter(shown).collect();
    let count = if wide || !output.is_terminal() { all.len() } else { SHOWN.min(all.len()) };
    let short = output.is_terminal() && !wide;
    let rows: Vec<Vec<String>> = all.iter().take(count).map(|h| endpoint(h, short)).collect();
    let head = [
        ("amount", Side::Right),
        ("low", Side::Right),
        ("high", Side::Right),
        ("where", Side::Left),
        ("address", Side::Left),
        ("label", Side::Left),
        ("hops", Side::Right),
        ("last in (UTC)", Side::Left),
    ];
    let mut text = format!("\nEndpoints ({} of {})\n", rows.len(), all.len());
    text.push_str(&table(output, &head, &rows));
    if count < all.len() {
        text.push_str("--wide shows all; --csv and --json have every field\n");
    }
    text
}

/// `short` cuts fractions for a terminal; what is cut is marked, and never rounded up.
fn endpoint(holding: &Holding, short: bool) -> Vec<String> {
    let unit = holding.symbol.as_deref().unwrap_or(&holding.asset);
    let amount = |raw: &String| match short {
        true => cut(&holding.whole(raw)),
        false => holding.whole(raw),
    };
    vec![
        format!("{} {unit}", amount(&holding.raw)),
        amount(&holding.low_raw),
        amount(&holding.high_raw),
        holding.end.clone(),
        holding.place.clone().unwrap_or_default(),
        holding.label.clone().unwrap_or_default(),
        holding.hops.map(|hops| hops.to_string()).unwrap_or_default(),
        holding.last_time.as_deref().map(|time| minute(time, short)).unwrap_or_default(),
    ]
}

/// At most four digits of a fraction, or three that say something.
fn cut(amount: &str) -> String {
    let Some((whole, fraction)) = amount.split_once('.') else { return amount.to_string() };
    let zeros = fraction.bytes().take_while(|digit| *digit == b'0').count();
    let kept = if whole == "0" { 4.max(zeros + 3) } else { 4 };
    match fraction.get(..kept) {
        Some(start) if fraction.len() > kept => format!("{whole}.{start}…"),
        _ => amount.to_string(),
    }
}

/// A time to the minute for a terminal, else as it is.
fn minute(time: &str, short: bool) -> String {
    match time.get(..16) {
        Some(minute) if short => minute.replace('T', " "),
        _ => time.to_string(),
    }
}

fn unknown(result: &TraceResult) -> String {
    if result.unknown.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\nUnknown value: {} places paid out more than the data shows them to have had; \
         the rest is neither tainted nor called clean\n",
        result.unknown.len()
    );
    for unknown in result.unknown.iter().take(SHOWN) {
        let (amount, raw) = (unknown.amount.as_deref(), &unknown.raw);
        let money = money(amount, raw, unknown.symbol.as_deref(), &unknown.asset);
        text.push_str(&format!("  {} {money}\n", unknown.place));
    }
    text
}

fn overlaps(result: &TraceResult) -> String {
    let mut text = String::new();
    for overlap in result.overlaps.iter().take(SHOWN) {
        let place = overlap.place.as_deref().unwrap_or("-");
        text.push_str(&format!(
            "Claimed twice, by {}: {place} {} between {} and {} base units\n",
            overlap.incidents.join(" and "),
            overlap.asset,
            overlap.low_raw,
            overlap.high_raw
        ));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn paths(result: &TraceResult, output: &Output) -> String {
    let Some(paths) = &result.paths else { return String::new() };
    if paths.is_empty() {
        return "\nNo value of the case reached that address under this rule.\n".to_string();
    }
    let mut text = String::new();
    for (number, path) in paths.iter().enumerate() {
        let kinds =
            if path.kinds.is_empty() { "further".to_string() } else { path.kinds.join(", ") };
        text.push_str(&format!("\nPath {} ({kinds})\n", number + 1));
        let head = [
            ("time (UTC)", Side::Left),
            ("from", Side::Left),
            ("to", Side::Left),
            ("amount", Side::Right),
            ("tainted (base units)", Side::Right),
            ("transaction", Side::Left),
        ];
        let rows: Vec<Vec<String>> = path
            .hops
            .iter()
            .map(|hop| {
                vec![
                    hop.time.clone(),
                    hop.from
                        .clone()
                        .unwrap_or_else(|| if hop.asserted { "asserted" } else { "new" }.into()),
                    hop.to.clone().unwrap_or_default(),
                    money(hop.amount.as_deref(), &hop.raw, hop.symbol.as_deref(), &hop.asset),
                    hop.taint_in_raw.clone(),
                    hop.tx.clone().unwrap_or_default(),
                ]
            })
            .collect();
        text.push_str(&table(output, &head, &rows));
    }
    text
}

fn reported(result: &TraceResult) -> String {
    let Some(reported) = &result.reported else { return String::new() };
    let mut text = format!(
        "\nReported by others, not seen on chain here ({} flows; they enter no amount above)\n",
        reported.flows.len()
    );
    for flow in &reported.flows {
        let amount = match (&flow.amount, &flow.asset) {
            (Some(amount), Some(_)) => format!("{} {}", grouped(amount), unit_of(flow)),
            (None, Some(_)) => format!("an unknown amount of {}", unit_of(flow)),
            _ => "an unknown amount".to_string(),
        };
        let date = flow.date.as_deref().map(|date| format!(" on {date}")).unwrap_or_default();
        text.push_str(&format!("  {} -> {}: {amount}{date}\n", flow.from, flow.to));
    }
    for wallet in &reported.shared_wallets {
        let names: Vec<&str> = wallet.reached_from.iter().map(|from| from.name.as_str()).collect();
        let names = names.join(", ");
        text.push_str(&format!("\n{} {}\n", toned(Tone::Strong, "Shared wallet"), wallet.address));
        match &wallet.not_evidence {
            Some(why) => text.push_str(&format!("  no evidence of a link: {why}\n")),
            None => text.push_str(&format!("  reportedly reached from: {names}\n")),
        }
        for from in &wallet.reached_from {
            text.push_str(&format!("  from {} via {}\n", from.name, from.via.join(" -> ")));
        }
    }
    text
}

/// The symbol of a reported asset, or its contract.
fn unit_of(flow: &cases::result::ReportedFlow) -> &str {
    flow.symbol.as_deref().or(flow.asset.as_deref()).unwrap_or("")
}

fn gaps(result: &TraceResult) -> String {
    let mut text = String::new();
    for gap in &result.gaps {
        text.push_str(&format!("  {}: {}\n", gap.kind, gap.detail));
    }
    for asset in &result.set_aside_assets {
        text.push_str(&format!("  left out: {} {}: {}\n", asset.chain, asset.asset, asset.reason));
    }
    let rows = result.set_aside.saturating_sub(result.set_aside_assets.len() as u64);
    if rows > 0 {
        text.push_str(&format!("  set aside: {} rows (set-aside.jsonl in the archive)\n", rows));
    }
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
