//! The digest of a result: what must be equal on every machine, however it was computed.
//!
//! It is SHA-256 over lines of tab-separated fields, described to the byte in docs/trace-json.md so that
//! the other side can take it with ten lines of any language. It covers the rule and its parameters, the
//! seeds as matched, stops met, what was stolen, holdings, totals, conservation, and unknown value; it
//! leaves out names, symbols, prices, files, versions and the snapshot.

use sha2::{Digest, Sha256};

use crate::result::TraceResult;

const HEADER: &str = "dyepack-trace-digest/1";

/// The digest of what a result says, as `sha256:` and 64 digits; compare it with its `digest` field.
pub fn digest(result: &TraceResult) -> String {
    let mut hash = Sha256::new();
    for line in lines(result) {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    format!("sha256:{}", hex::encode(hash.finalize()))
}

/// The lines that are hashed, in order.
pub fn lines(result: &TraceResult) -> Vec<String> {
    let mut lines = vec![HEADER.to_string()];
    lines.extend(parameters(result));
    for mut section in [
        seeds(result),
        sums(result),
        holdings(result),
        totals(result),
        conservation(result),
        stops(result),
        unknown(result),
    ] {
        section.sort_unstable();
        lines.extend(section);
    }
    lines
}

/// One line; what is null is a hyphen.
fn line(name: &str, fields: &[Option<&str>]) -> String {
    let mut line = name.to_string();
    for field in fields {
        line.push('\t');
        line.push_str(field.unwrap_or("-"));
    }
    line
}

fn number<N: ToString>(number: Option<N>) -> Option<String> {
    number.map(|number| number.to_string())
}

fn parameters(result: &TraceResult) -> Vec<String> {
    let asked = &result.parameters;
    let mut through: Vec<&str> = asked.through.iter().map(String::as_str).collect();
    through.sort_unstable();
    through.dedup();
    let mut lines = vec![
        line("rule", &[Some(&result.rule)]),
        line("until", &[asked.until.as_deref()]),
        line("max_hops", &[number(asked.max_hops).as_deref()]),
        line("service_degree", &[Some(&asked.service_degree.to_string())]),
        line("label_confidence", &[Some(&asked.label_confidence.to_string())]),
    ];
    lines.extend(through.into_iter().map(|text| line("through", &[Some(text)])));
    lines
}

fn seeds(result: &TraceResult) -> Vec<String> {
    let seeds = result.seeds.iter().map(|seed| {
        line(
            "seed",
            &[
                Some(&seed.chain),
                number(seed.height).as_deref(),
                number(seed.tx_index).as_deref(),
                number(seed.index).as_deref(),
                Some(&seed.time),
                seed.tx.as_deref(),
                seed.from.as_deref(),
                Some(&seed.to),
                Some(&seed.asset),
                Some(&seed.raw),
                Some(if seed.asserted { "asserted" } else { "on-chain" }),
            ],
        )
    });
    seeds.collect()
}

fn sums(result: &TraceResult) -> Vec<String> {
    let sums = result.stolen.iter();
    sums.map(|sum| line("stolen", &[Some(&sum.chain), Some(&sum.asset), Some(&sum.raw)])).collect()
}

fn holdings(result: &TraceResult) -> Vec<String> {
    let holdings = result.holdings.iter().map(|holding| {
        line(
            "holding",
            &[
                Some(&holding.chain),
                holding.place.as_deref(),
                Some(&holding.asset),
                Some(&holding.end),
                Some(&holding.raw),
                Some(&holding.low_raw),
                Some(&holding.high_raw),
                number(holding.hops).as_deref(),
                holding.first_time.as_deref(),
                holding.last_time.as_deref(),
            ],
        )
    });
    holdings.collect()
}

fn totals(result: &TraceResult) -> Vec<String> {
    let totals = result.totals.iter().map(|total| {
        let places = total.places.to_string();
        let fields = [&total.chain, &total.asset, &total.end, &total.raw, &places];
        line("total", &fields.map(|field| Some(field.as_str())))
    });
    totals.collect()
}

fn conservation(result: &TraceResult) -> Vec<String> {
    let sums = result.conservation.iter().flatten().map(|sum| {
        let ok = if sum.ok { "ok" } else { "broken" };
        let fields = [&sum.chain, &sum.asset, &sum.in_raw, &sum.out_raw];
        let fields = fields.map(|field| Some(field.as_str()));
        line("conservation", &[fields.as_slice(), &[Some(ok)]].concat())
    });
    sums.collect()
}

fn stops(result: &TraceResult) -> Vec<String> {
    let stops = result.stops.iter();
    stops
        .map(|stop| line("stop", &[Some(&stop.chain), Some(&stop.place), Some(&stop.end)]))
        .collect()
}

fn unknown(result: &TraceResult) -> Vec<String> {
    let unknown = result.unknown.iter().map(|unknown| {
        let fields = [&unknown.chain, &unknown.place, &unknown.asset, &unknown.raw];
        line("unknown", &fields.map(|field| Some(field.as_str())))
    });
    unknown.collect()
}
