//! A trace as one page to keep or send: pictures, endpoints, what is not known, how to check it. It says
//! what the terminal says, by the same rows.

use cases::result::{Holding, TraceResult};

use crate::command::trace_text::provenance;
use crate::investigation::{PROGRAM, Traced, verify_command};
use crate::picture::{Align, Drawing, Head, Section, page as html_page};
use crate::rows_shown::{self, Digits, money, reported_words, unknown_words};
use crate::table::{Column, Kind};

/// Endpoints on the page; the JSON has all.
const SHOWN: usize = 500;
const CHECK: &str =
    "A saved result (dyepack trace … --json > result.json) is computed again and compared by:";

/// A table before it is set.
struct Table {
    caption: String,
    columns: Vec<Column<'static>>,
    rows: Vec<Vec<String>>,
    /// Sentences directly under it.
    below: Vec<String>,
}

impl Table {
    /// Leaves out columns that no row has anything in.
    fn without_empty(mut self) -> Table {
        let says = |at: &usize| {
            self.rows.iter().any(|row| row.get(*at).is_some_and(|field| !field.is_empty()))
        };
        let kept: Vec<usize> = (0..self.columns.len()).filter(says).collect();
        self.columns = kept.iter().map(|at| self.columns[*at]).collect();
        for row in &mut self.rows {
            *row = kept.iter().map(|at| std::mem::take(&mut row[*at])).collect();
        }
        self
    }
}

pub(crate) fn page(traced: &Traced, drawings: &[Drawing]) -> String {
    let result = &traced.result;
    let summary = format!("Stolen: {}. Rule: {}.", stolen(result), result.rule);
    let strip = provenance(result);
    let tables: Vec<Table> = tables(traced).into_iter().map(Table::without_empty).collect();
    let heads: Vec<Vec<Head<'_>>> = tables.iter().map(|table| heads(&table.columns)).collect();
    let digest = format!("Digest {}. Computed again by:", result.digest);
    let verify = verify_command(PROGRAM, "result.json", traced.archive_as_named.as_deref());
    let mut sections = vec![Section::Text(&summary), Section::Text(&strip)];
    if result.conservation.is_none() {
        sections.push(Section::Text(rows_shown::POISON));
    }
    sections.extend(drawings.iter().map(|drawing| Section::Figure(&drawing.svg)));
    for (table, heads) in tables.iter().zip(&heads).filter(|(table, _)| !table.rows.is_empty()) {
        sections.push(Section::Table { caption: &table.caption, heads, rows: &table.rows });
        sections.extend(table.below.iter().map(|text| Section::Text(text)));
    }
    sections.extend([
        Section::Text(&digest),
        Section::Command(&result.replay),
        Section::Text(CHECK),
        Section::Command(&verify),
    ]);
    html_page(&format!("{} · {}", result.title, result.case), "en", &sections)
}

/// What was stolen, by asset.
fn stolen(result: &TraceResult) -> String {
    let sums: Vec<String> = result
        .stolen
        .iter()
        .map(|sum| {
            let money = money(sum.amount.as_deref(), &sum.raw, sum.symbol.as_deref(), &sum.asset);
            let known = std::iter::once(rows_shown::known_from(result, sum));
            let words: Vec<String> =
                known.chain(rows_shown::already_labelled(result, sum)).collect();
            format!("{money} ({})", words.join("; "))
        })
        .collect();
    match sums.is_empty() {
        true => rows_shown::nothing_stolen(result).to_string(),
        false => sums.join(", "),
    }
}

fn heads(columns: &[Column<'static>]) -> Vec<Head<'static>> {
    let head = |column: &Column<'static>| Head {
        name: column.name,
        align: match column.kind {
            Kind::Text => Align::Text,
            Kind::Word => Align::Word,
            Kind::Number => Align::Number,
            Kind::Code => Align::Code,
        },
    };
    columns.iter().map(head).collect()
}

/// Every table of the page, in its order; those without rows are left out.
fn tables(traced: &Traced) -> Vec<Table> {
    let result = &traced.result;
    let listed: Vec<&Holding> =
        result.holdings.iter().filter(|holding| holding.place.is_some()).collect();
    let shown = listed.iter().take(SHOWN);
    let endpoints = rows(shown.map(|holding| rows_shown::endpoint(holding, Digits::All)));
    let unknown = rows(rows_shown::unknown(result));
    let reported = result.reported.as_ref();
    let table = |caption: &str, columns: &[Column<'static>], rows| Table {
        caption: caption.into(),
        columns: columns.to_vec(),
        rows,
        below: Vec::new(),
    };
    vec![
        where_now(result),
        table(
            &format!("Endpoints: {} of {}", endpoints.len(), listed.len()),
            &rows_shown::ENDPOINTS,
            endpoints,
        ),
        table("The theft", &rows_shown::SEEDS, rows(rows_shown::seeds(result))),
        table(&unknown_words(result), &rows_shown::UNKNOWN, unknown),
        table("Claimed twice", &rows_shown::OVERLAPS, rows(rows_shown::overlaps(result))),
        table(
            &reported.map(reported_words).unwrap_or_default(),
            &rows_shown::FLOWS,
            rows(reported.map(rows_shown::flows).unwrap_or_default()),
        ),
        table(
            "Wallets that several incidents reportedly share",
            &rows_shown::SHARED,
            rows(reported.map(rows_shown::shared_wallets).unwrap_or_default()),
        ),
        table("What the data does not say", &rows_shown::GAPS, rows(rows_shown::gaps(result))),
    ]
}

/// Where it is now; under poison, what was reached.
fn where_now(result: &TraceResult) -> Table {
    let totals = rows_shown::totals(result).into_iter().flat_map(|asset| {
        let unit = format!("{} {}", asset.chain, asset.unit);
        asset
            .rows
            .into_iter()
            .map(move |[end, amount, share, places]| [unit.clone(), end, amount, share, places])
    });
    let reached = rows_shown::reached(result).into_iter().flat_map(|asset| {
        let unit = format!("{} {}", asset.chain, asset.unit);
        asset.rows.into_iter().map(move |[end, places]| [unit.clone(), end, places])
    });
    let mut below: Vec<String> = rows_shown::unspent_words(result, None).into_iter().collect();
    below.extend(rows_shown::conservation(result).into_iter().map(|(words, ok)| {
        let word = if ok { "ok" } else { "BROKEN" };
        format!("{words} [{word}]")
    }));
    match result.conservation {
        Some(_) => Table {
            caption: "Where it is now".into(),
            columns: rows_shown::TOTALS.to_vec(),
            rows: rows(totals),
            below,
        },
        None => Table {
            caption: "Reached".into(),
            columns: rows_shown::REACHED.to_vec(),
            rows: rows(reached),
            below,
        },
    }
}

fn rows<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> Vec<Vec<String>> {
    rows.into_iter().map(Vec::from).collect()
}
