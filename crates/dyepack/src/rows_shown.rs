//! The rows that a person is shown of a result: made once, for the tables of a terminal and of a page,
//! so that both say the same.

use cases::case_file::CaseFile;
use cases::result::{
    Conservation, Gap, Holding, OverlapFound, ReachedFrom, Reported, ReportedFlow, Seed,
    SharedWallet, Sum, Total, TraceResult, UnknownValue, counted, grouped,
};
use ledger::Amount;

use crate::picture::shares;
use crate::table::Column;

/// What stands above everything that poison says.
pub(crate) const POISON: &str = "Poison conserves nothing: it says what was reached, not how much is where. \
    So there is no picture, and amounts must not be added up.";

/// How the digits of an amount are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digits {
    All,
    /// Cut for a terminal; what is cut is marked, and never rounded up.
    Few,
}

pub(crate) const TOTALS: [Column<'_>; 5] = [
    Column::text("asset"),
    Column::word("where"),
    Column::number("amount"),
    Column::number("share"),
    Column::number("places"),
];
pub(crate) const REACHED: [Column<'_>; 3] =
    [Column::text("asset"), Column::word("where"), Column::number("places reached")];
pub(crate) const ENDPOINTS: [Column<'_>; 8] = [
    Column::number("amount"),
    Column::number("low").below(3).named(),
    Column::number("high").below(3).named(),
    Column::word("where"),
    Column::code("address").below(1),
    Column::text("label").below(1),
    Column::number("hops").below(2).named(),
    Column::word("last in (UTC)").below(2).named(),
];
pub(crate) const SEEDS: [Column<'_>; 5] = [
    Column::number("amount"),
    Column::code("to"),
    Column::word("time (UTC)"),
    Column::code("transaction"),
    Column::text("known from"),
];
pub(crate) const UNKNOWN: [Column<'_>; 2] = [Column::code("place"), Column::number("amount")];
pub(crate) const OVERLAPS: [Column<'_>; 4] = [
    Column::text("claimed by"),
    Column::code("place"),
    Column::number("at least"),
    Column::number("at most"),
];
pub(crate) const FLOWS: [Column<'_>; 5] = [
    Column::code("from"),
    Column::code("to"),
    Column::number("amount"),
    Column::word("date"),
    Column::text("source"),
];
pub(crate) const SHARED: [Column<'_>; 3] =
    [Column::code("wallet"), Column::text("reportedly reached from"), Column::text("caution")];
pub(crate) const GAPS: [Column<'_>; 2] = [Column::word("kind"), Column::text("detail")];

/// An amount with its unit: whole units where decimals are known, else base units.
pub(crate) fn money(amount: Option<&str>, raw: &str, symbol: Option<&str>, asset: &str) -> String {
    let shown = grouped(amount.unwrap_or(raw));
    format!("{shown} {}", unit(amount.is_some(), symbol, asset))
}

/// What amounts of an asset count: whole units or base units.
fn unit(whole: bool, symbol: Option<&str>, asset: &str) -> String {
    let name = symbol.unwrap_or(asset);
    if whole { name.to_string() } else { format!("base units of {name}") }
}

/// The same for an amount that stands in the result as base units only: written as the holdings of its
/// asset are.
pub(crate) fn money_of(result: &TraceResult, chain: &str, asset: &str, raw: &str) -> String {
    let same = |holding: &&Holding| holding.chain == chain && holding.asset == asset;
    let known = result.holdings.iter().find(same);
    let symbol = known.and_then(|holding| holding.symbol.as_deref());
    let decimals = known.and_then(|holding| holding.decimals);
    let whole = decimals.zip(Amount::parse(raw).ok());
    let whole = whole.map(|(decimals, units)| units.to_decimal(decimals));
    money(whole.as_deref(), raw, symbol, asset)
}

/// Base units of a sum's asset, written as the sum is: a sum does not state its decimals, but shows
/// them.
pub(crate) fn money_as(sum: &Sum, units: u128) -> String {
    let whole = Amount::parse(&sum.raw).ok().zip(sum.amount.as_ref());
    let decimals = whole.and_then(|(all, amount)| {
        (0..=Amount::MAX_DECIMALS).find(|decimals| all.to_decimal(*decimals) == *amount)
    });
    let amount = decimals.map(|decimals| Amount::new(units).to_decimal(decimals));
    money(amount.as_deref(), &units.to_string(), sum.symbol.as_deref(), &sum.asset)
}

/// The seeds of a sum that was stolen.
pub(crate) fn seeds_of<'a>(
    result: &'a TraceResult,
    sum: &'a Sum,
) -> impl Iterator<Item = &'a Seed> {
    let same = |seed: &&Seed| (&seed.chain, &seed.asset) == (&sum.chain, &sum.asset);
    result.seeds.iter().filter(same)
}

/// How it is known that a sum was stolen.
pub(crate) fn known_from(result: &TraceResult, sum: &Sum) -> String {
    let (asserted, shown): (Vec<_>, Vec<_>) = seeds_of(result, sum).partition(|seed| seed.asserted);
    let transfers = counted(shown.len(), "transfer");
    match (shown.len(), asserted.len()) {
        (0, 1) => "asserted, not in the data".to_string(),
        (0, many) => format!("{} asserted, not in the data", counted(many, "theft")),
        (_, 0) => format!("in {transfers}"),
        (_, more) => format!("in {transfers}; {more} more asserted, not in the data"),
    }
}

/// What the seeds moved a second time, where thefts of the case took the same units twice.
pub(crate) fn already_labelled(result: &TraceResult, sum: &Sum) -> Option<String> {
    let same = |line: &&Conservation| (&line.chain, &line.asset) == (&sum.chain, &sum.asset);
    let line = result.conservation.iter().flatten().find(same)?;
    let injected = raw(&line.in_raw).saturating_sub(raw(&line.converted_in_raw));
    match raw(&sum.raw).saturating_sub(injected) {
        0 => None,
        again => {
            Some(format!("of which {} was stolen already when it moved", money_as(sum, again)))
        }
    }
}

/// Why nothing is stolen in a result where nothing is.
pub(crate) fn nothing_stolen(result: &TraceResult) -> &'static str {
    let case = CaseFile::parse(result.parameters.case_file.as_bytes());
    match case.is_ok_and(|case| case.thefts.is_empty()) {
        true => "the case names no theft",
        false if result.seeds.is_empty() => "nothing matched",
        false => "no sum, because the asset is left out",
    }
}

/// What the inputs leave open, as one line says it behind a dot. Where there is no data it says nothing of
/// gaps, for "no gaps" would say that nothing is missing.
pub(crate) fn incomplete(result: &TraceResult) -> String {
    let assets = result.set_aside_assets.len();
    let rows = result.set_aside.saturating_sub(assets as u64);
    let mut aside = Vec::new();
    if rows > 0 {
        aside.push(format!("{} set aside", counted(rows, "row")));
    }
    if assets > 0 {
        aside.push(format!("{} left out", counted(assets, "asset")));
    }
    let known = match (result.gaps.len(), result.snapshot.chains.is_empty()) {
        (0, true) => None,
        (0, false) if aside.is_empty() => Some("no gaps known".to_string()),
        // What was set aside is missing, whatever else is known.
        (0, false) => Some("no other gaps known".to_string()),
        (count, _) => Some(counted(count, "gap")),
    };
    let parts: Vec<String> = aside.into_iter().chain(known).collect();
    if parts.is_empty() { String::new() } else { format!(" · {}", parts.join(", ")) }
}

/// The words for where value is, for people.
fn where_words(end: &str) -> &str {
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

/// A raw amount of a result, which this program wrote; what cannot be read counts as none.
pub(crate) fn raw(text: &str) -> u128 {
    text.parse().unwrap_or(0)
}

/// Where the value of one asset is now.
pub(crate) struct AssetTotals<'a> {
    pub(crate) chain: &'a str,
    /// What its amounts count.
    pub(crate) unit: String,
    /// Where, amount, share of all, places; the largest first.
    pub(crate) rows: Vec<[String; 4]>,
}

/// Totals by asset, with what was converted out of it. Shares add up to 100 %. Under poison there are
/// none, because its amounts add up to nothing: what it says is [`reached`].
pub(crate) fn totals(result: &TraceResult) -> Vec<AssetTotals<'_>> {
    if result.conservation.is_none() {
        return Vec::new();
    }
    let by_asset = by_asset(result);
    by_asset.iter().filter_map(|all| Some(asset_totals(result, all.first()?, all))).collect()
}

fn by_asset(result: &TraceResult) -> Vec<Vec<&Total>> {
    let same_asset = |a: &&Total, b: &&Total| (&a.chain, &a.asset) == (&b.chain, &b.asset);
    let all: Vec<&Total> = result.totals.iter().collect();
    all.chunk_by(same_asset).map(<[&Total]>::to_vec).collect()
}

/// How many places poison reached with one asset.
pub(crate) struct AssetReached<'a> {
    pub(crate) chain: &'a str,
    pub(crate) unit: String,
    /// Where, and places; the most first.
    pub(crate) rows: Vec<[String; 2]>,
}

/// In place of totals under poison; nothing under the other rules.
pub(crate) fn reached(result: &TraceResult) -> Vec<AssetReached<'_>> {
    if result.conservation.is_some() {
        return Vec::new();
    }
    by_asset(result).into_iter().filter_map(asset_reached).collect()
}

fn asset_reached(mut totals: Vec<&Total>) -> Option<AssetReached<'_>> {
    let first = *totals.first()?;
    totals.sort_by_key(|total| std::cmp::Reverse(total.places));
    let row = |total: &&Total| [where_words(&total.end).into(), total.places.to_string()];
    let unit = first.symbol.clone().unwrap_or_else(|| first.asset.clone());
    let rows = totals.iter().map(row).collect();
    Some(AssetReached { chain: first.chain.as_str(), unit, rows })
}

/// What "unspent" means where the data ends at such places: for amounts that count `unit`, or for all.
/// The amounts are those of the gaps, and none under poison. `None` where the data ends nowhere.
pub(crate) fn unspent_words(result: &TraceResult, unit: Option<&str>) -> Option<String> {
    let edges = result.gaps.iter().filter(|gap| gap.kind == "edge-of-data");
    let edges: Vec<String> = edges.filter_map(|gap| Some(edge(gap)?.1.to_string())).collect();
    let counts = |amount: &String| match unit {
        Some(unit) => amount.split_once(' ').is_some_and(|(_, counts)| counts == unit),
        None => true,
    };
    let amounts: Vec<&String> = edges.iter().filter(|it| counts(it)).collect();
    // Tokens of two chains can share a symbol, and the gap does not say which of them it is.
    let sure = result.conservation.is_some() && (unit.is_none() || amounts.len() == 1);
    let of_it = match (amounts.is_empty(), sure) {
        (true, _) => return None,
        (false, true) => amounts.into_iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        (false, false) => "some".to_string(),
    };
    Some(format!(
        "Unspent means: not spent in this data; {of_it} of it is at places where the data ends (see \
         edge-of-data below)"
    ))
}

/// The sentence of a gap where the data ends: before, in and after the brackets of its amount.
fn edge(gap: &Gap) -> Option<(&str, &str, &str)> {
    let (before, rest) = gap.detail.split_once(" in this data (")?;
    let (amount, after) = rest.split_once("): ")?;
    Some((before, amount, after))
}

/// That what came in is what went out, and whether it is, for each asset; nothing under poison.
pub(crate) fn conservation(result: &TraceResult) -> Vec<(String, bool)> {
    let line = |sum: &Conservation| {
        let money = |raw: &str| money_of(result, &sum.chain, &sum.asset, raw);
        let converted = match (sum.converted_in_raw.as_str(), sum.converted_out_raw.as_str()) {
            ("0", "0") => String::new(),
            (into, out) => {
                format!(" (of which converted in {}, out {})", money(into), money(out))
            }
        };
        let (into, out) = (money(&sum.in_raw), money(&sum.out_raw));
        (format!("Conservation on {}: {into} in = {out} out{converted}", sum.chain), sum.ok)
    };
    result.conservation.iter().flatten().map(line).collect()
}

fn asset_totals<'a>(
    result: &TraceResult,
    first: &'a Total,
    totals: &[&'a Total],
) -> AssetTotals<'a> {
    let unit = unit(first.decimals.is_some(), first.symbol.as_deref(), &first.asset);
    let mut parts: Vec<(u128, &str, String)> = totals
        .iter()
        .map(|total| (raw(&total.raw), where_words(&total.end), total.places.to_string()))
        .collect();
    let same = |line: &&Conservation| (&line.chain, &line.asset) == (&first.chain, &first.asset);
    let line = result.conservation.iter().flatten().find(same);
    let converted = line.map_or(0, |line| raw(&line.converted_out_raw));
    if converted > 0 {
        parts.push((converted, "turned into another asset", String::new()));
    }
    let shares = shares(&parts.iter().map(|part| part.0).collect::<Vec<_>>());
    let mut rows: Vec<(u128, [String; 4])> = parts
        .into_iter()
        .zip(shares)
        .map(|((units, words, places), share)| {
            let amount = match first.decimals {
                Some(decimals) => Amount::new(units).to_decimal(decimals),
                None => units.to_string(),
            };
            (units, [words.to_string(), grouped(&amount), share, places])
        })
        .collect();
    rows.sort_by_key(|(units, _)| std::cmp::Reverse(*units));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    AssetTotals { chain: &first.chain, unit, rows }
}

/// One place where value is. Low, chosen and high have one unit, which stands beside the chosen.
pub(crate) fn endpoint(holding: &Holding, digits: Digits) -> [String; 8] {
    let amount = |raw: &String| match digits {
        Digits::Few => cut(&holding.whole(raw)),
        Digits::All => holding.whole(raw),
    };
    let unit = unit(holding.decimals.is_some(), holding.symbol.as_deref(), &holding.asset);
    let time = |time: &String| minute(time, digits);
    [
        format!("{} {unit}", amount(&holding.raw)),
        amount(&holding.low_raw),
        amount(&holding.high_raw),
        holding.end.clone(),
        whose(holding),
        holding.label.clone().unwrap_or_default(),
        holding.hops.map(|hops| hops.to_string()).unwrap_or_default(),
        holding.last_time.as_ref().map(time).unwrap_or_default(),
    ]
}

/// Whom an endpoint is of: the account, or the owner of an output and which of his outputs it is.
fn whose(holding: &Holding) -> String {
    match (&holding.address, &holding.place) {
        (Some(owner), Some(place)) if owner != place => format!("{owner} in {place}"),
        (owner, place) => place.as_ref().or(owner.as_ref()).cloned().unwrap_or_default(),
    }
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
fn minute(time: &str, digits: Digits) -> String {
    match time.get(..16) {
        Some(minute) if digits == Digits::Few => minute.replace('T', " "),
        _ => time.to_string(),
    }
}

pub(crate) fn seeds(result: &TraceResult) -> Vec<[String; 5]> {
    let row = |seed: &Seed| {
        let known = match (&seed.source, seed.asserted) {
            (Some(source), true) => format!("asserted: {source}"),
            (None, true) => "asserted".to_string(),
            (_, false) => "the data".to_string(),
        };
        let same = |sum: &&Sum| (&sum.chain, &sum.asset) == (&seed.chain, &seed.asset);
        let symbol = result.stolen.iter().find(same).and_then(|sum| sum.symbol.as_deref());
        [
            money(seed.amount.as_deref(), &seed.raw, symbol, &seed.asset),
            seed.to.clone(),
            seed.time.clone(),
            seed.tx.clone().unwrap_or_default(),
            known,
        ]
    };
    result.seeds.iter().map(row).collect()
}

/// What unknown value means, for people; empty if there is none.
pub(crate) fn unknown_words(result: &TraceResult) -> String {
    match result.unknown.len() {
        0 => String::new(),
        count => format!(
            "Unknown value: at {} more was paid out than the data shows to have been there; the rest \
             is neither tainted nor called clean",
            counted(count, "place")
        ),
    }
}

pub(crate) fn unknown(result: &TraceResult) -> Vec<[String; 2]> {
    let row = |unknown: &UnknownValue| {
        let (amount, symbol) = (unknown.amount.as_deref(), unknown.symbol.as_deref());
        [unknown.place.clone(), money(amount, &unknown.raw, symbol, &unknown.asset)]
    };
    result.unknown.iter().map(row).collect()
}

pub(crate) fn overlaps(result: &TraceResult) -> Vec<[String; 4]> {
    let row = |overlap: &OverlapFound| {
        let money = |raw: &str| money_of(result, &overlap.chain, &overlap.asset, raw);
        [
            overlap.incidents.join(" and "),
            overlap.place.clone().unwrap_or_else(|| overlap.end.clone()),
            money(&overlap.low_raw),
            money(&overlap.high_raw),
        ]
    };
    result.overlaps.iter().map(row).collect()
}

/// What reported flows are, for people.
pub(crate) fn reported_words(reported: &Reported) -> String {
    let flows = counted(reported.flows.len(), "flow");
    let enter = if reported.flows.len() == 1 { "it enters" } else { "they enter" };
    format!("Reported by others, not seen on chain here ({flows}; {enter} no amount above)")
}

pub(crate) fn flows(reported: &Reported) -> Vec<[String; 5]> {
    let row = |flow: &ReportedFlow| {
        let unit = flow.symbol.as_deref().or(flow.asset.as_deref());
        let amount = match (&flow.amount, unit) {
            (Some(amount), Some(unit)) => format!("{} {unit}", grouped(amount)),
            (None, Some(unit)) => format!("an unknown amount of {unit}"),
            _ => "an unknown amount".to_string(),
        };
        let date = flow.date.clone().unwrap_or_default();
        [flow.from.clone(), flow.to.clone(), amount, date, flow.source.clone()]
    };
    reported.flows.iter().map(row).collect()
}

pub(crate) fn shared_wallets(reported: &Reported) -> Vec<[String; 3]> {
    let row = |wallet: &SharedWallet| {
        let way = |from: &ReachedFrom| format!("{} via {}", from.name, from.via.join(" -> "));
        let ways: Vec<String> = wallet.reached_from.iter().map(way).collect();
        let but = wallet.not_evidence.as_ref().map(|why| format!("no evidence of a link: {why}"));
        [wallet.address.clone(), ways.join("; "), but.unwrap_or_default()]
    };
    reported.shared_wallets.iter().map(row).collect()
}

/// What the data does not say: a kind and a sentence each.
pub(crate) fn gaps(result: &TraceResult) -> Vec<[String; 2]> {
    let pair = |kind: &str, detail: String| [kind.to_string(), detail];
    let detail = |gap: &Gap| match edge(gap) {
        // Under poison the amount is a sum of what must not be added up.
        Some((before, _, after)) if result.conservation.is_none() => {
            format!("{before} in this data: {after}")
        }
        _ => gap.detail.clone(),
    };
    let mut rows: Vec<[String; 2]> =
        result.gaps.iter().map(|gap| pair(&gap.kind, detail(gap))).collect();
    rows.extend(result.set_aside_assets.iter().map(|asset| {
        pair("left out", format!("{} {}: {}", asset.chain, asset.asset, asset.reason))
    }));
    match result.set_aside.saturating_sub(result.set_aside_assets.len() as u64) {
        0 => {}
        count => rows.push(pair(
            "set aside",
            format!("{} (set-aside.jsonl in the archive)", counted(count, "row")),
        )),
    }
    rows
}
