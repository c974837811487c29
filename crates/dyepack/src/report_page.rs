//! A trace as one page to keep or send: pictures, endpoints, what is not known, how to check it. It says
//! what the terminal says.

use cases::result::{Holding, TraceResult, grouped};

use crate::command::trace_text::{money, provenance, where_words};
use crate::picture::{Align, Drawing, Head, Section, page as html_page};

/// Endpoints on the page; the JSON has all.
const SHOWN: usize = 500;

pub(crate) fn page(result: &TraceResult, drawings: &[Drawing]) -> String {
    let stolen: Vec<String> = result
        .stolen
        .iter()
        .map(|sum| money(sum.amount.as_deref(), &sum.raw, sum.symbol.as_deref(), &sum.asset))
        .collect();
    let summary = format!("Stolen: {}. Rule: {}.", stolen.join(", "), result.rule);
    let strip = provenance(result);
    let totals = totals(result);
    let endpoints = endpoints(result);
    let seeds = seeds(result);
    let gaps: Vec<Vec<String>> =
        result.gaps.iter().map(|gap| vec![gap.kind.clone(), gap.detail.clone()]).collect();
    let check = format!("Digest {}. Computed again by: {}", result.digest, result.replay);
    let listed = result.holdings.iter().filter(|holding| holding.address.is_some()).count();
    let caption = format!("Endpoints: {} of {listed}", endpoints.len());
    let mut sections = vec![Section::Text(&summary), Section::Text(&strip)];
    sections.extend(drawings.iter().map(|drawing| Section::Figure(&drawing.svg)));
    sections.extend([
        Section::Table { caption: "Where it is now", heads: &TOTALS, rows: &totals },
        Section::Table { caption: &caption, heads: &ENDPOINTS, rows: &endpoints },
        Section::Table { caption: "The theft", heads: &SEEDS, rows: &seeds },
        Section::Table { caption: "What the data does not say", heads: &GAPS, rows: &gaps },
        Section::Text(&check),
    ]);
    html_page(&format!("{} · {}", result.title, result.case), "en", &sections)
}

const fn text(name: &str) -> Head<'_> {
    Head { name, align: Align::Text }
}

const fn number(name: &str) -> Head<'_> {
    Head { name, align: Align::Number }
}

const fn code(name: &str) -> Head<'_> {
    Head { name, align: Align::Code }
}

const TOTALS: [Head<'_>; 4] = [text("asset"), text("where"), number("amount"), number("places")];
const ENDPOINTS: [Head<'_>; 8] = [
    number("amount"),
    number("low"),
    number("high"),
    text("where"),
    code("address"),
    text("label"),
    number("hops"),
    text("last in (UTC)"),
];
const SEEDS: [Head<'_>; 5] =
    [number("amount"), code("to"), text("time (UTC)"), code("transaction"), text("known from")];
const GAPS: [Head<'_>; 2] = [text("kind"), text("detail")];

fn totals(result: &TraceResult) -> Vec<Vec<String>> {
    let totals = result.totals.iter();
    totals
        .map(|total| {
            vec![
                total.symbol.clone().unwrap_or_else(|| total.asset.clone()),
                where_words(&total.end).to_string(),
                grouped(total.amount.as_ref().unwrap_or(&total.raw)),
                total.places.to_string(),
            ]
        })
        .collect()
}

fn endpoints(result: &TraceResult) -> Vec<Vec<String>> {
    let listed = result.holdings.iter().filter(|holding| holding.address.is_some());
    listed.take(SHOWN).map(endpoint).collect()
}

fn endpoint(holding: &Holding) -> Vec<String> {
    let unit = holding.symbol.as_deref().unwrap_or(&holding.asset);
    vec![
        format!("{} {unit}", holding.whole(&holding.raw)),
        holding.whole(&holding.low_raw),
        holding.whole(&holding.high_raw),
        holding.end.clone(),
        holding.place.clone().unwrap_or_default(),
        holding.label.clone().unwrap_or_default(),
        holding.hops.map(|hops| hops.to_string()).unwrap_or_default(),
        holding.last_time.clone().unwrap_or_default(),
    ]
}

fn seeds(result: &TraceResult) -> Vec<Vec<String>> {
    let seeds = result.seeds.iter();
    seeds
        .map(|seed| {
            let known = match (&seed.source, seed.asserted) {
                (Some(source), true) => format!("asserted: {source}"),
                (None, true) => "asserted".to_string(),
                (_, false) => "the data".to_string(),
            };
            vec![
                money(seed.amount.as_deref(), &seed.raw, None, &seed.asset),
                seed.to.clone(),
                seed.time.clone(),
                seed.tx.clone().unwrap_or_default(),
                known,
            ]
        })
        .collect()
}
