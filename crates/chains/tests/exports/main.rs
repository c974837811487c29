//! Every format through one `check`: what a file gives, row by row, against what was worked out
//! without this crate. Numbers of real files were counted in Python over the same files.

mod broken;
mod ethereum_etl;
mod etherscan;
mod look;
mod mapped;
mod transfers;
mod tron;

use std::ops::ControlFlow;

use chains::exports::{Context, Item, Options, ReadError, Summary, read, sniff};
use ledger::{Block, Chain, Place, Transfer};

/// All that a file gave.
#[derive(Default)]
pub struct Got {
    pub rows: Vec<(u64, Option<String>, Transfer)>,
    pub blocks: Vec<Block>,
    pub tokens: Vec<String>,
    pub set_aside: Vec<(u64, String)>,
    pub gaps: Vec<(String, String)>,
    pub summary: Summary,
}

impl Got {
    pub fn take(&mut self, item: Item) {
        match item {
            Item::Transfer { row, group, transfer } => self.rows.push((row, group, transfer)),
            Item::Table { row, table } => {
                let rows = (0..table.rows.len()).zip(row..);
                self.rows.extend(rows.map(|(at, row)| (row, None, table.transfer(at))));
            }
            Item::Block(block) => self.blocks.push(block),
            Item::Token { chain, asset, decimals, symbol } => {
                let symbol = symbol.unwrap_or_default();
                self.tokens.push(format!("{} {decimals} {symbol}", asset.text(chain)));
            }
            Item::SetAside { row, reason } => self.set_aside.push((row, reason)),
            Item::Gap { kind, detail } => self.gaps.push((kind, detail)),
        }
    }

    /// Each transfer on a line: row, position, time, kind, sides, amount, asset.
    pub fn lines(&self) -> Vec<String> {
        self.rows.iter().map(|(row, _, transfer)| format!("{row} {}", line(transfer))).collect()
    }

    pub fn kinds_of_gaps(&self) -> Vec<&str> {
        self.gaps.iter().map(|(kind, _)| kind.as_str()).collect()
    }

    pub fn sum(&self, wanted: impl Fn(&Transfer) -> bool) -> u128 {
        let transfers = self.rows.iter().map(|(_, _, transfer)| transfer);
        transfers.filter(|transfer| wanted(transfer)).map(|t| t.amount.base_units()).sum()
    }
}

pub fn line(transfer: &Transfer) -> String {
    let part = |part: Option<String>| part.unwrap_or_else(|| "-".to_string());
    let side = |place: Place| match place {
        Place::Mint => "MINT".to_string(),
        Place::Burn => "BURN".to_string(),
        Place::Fee => "FEE".to_string(),
        place => place.text(transfer.chain),
    };
    let position = transfer.position;
    format!(
        "{}:{}:{} {} {} {} > {} {} {}",
        part(position.height.map(|n| n.to_string())),
        part(position.tx_index.map(|n| n.to_string())),
        part(position.index.map(|n| n.to_string())),
        transfer.time.seconds(),
        transfer.kind,
        side(transfer.from),
        side(transfer.to),
        transfer.amount,
        transfer.asset.text(transfer.chain),
    )
}

pub fn try_read(
    format: &str,
    text: &[u8],
    options: &Options,
    context: &mut Context,
) -> (Got, Result<Summary, ReadError>) {
    let mut got = Got::default();
    let mut source = text;
    let outcome = read(format, &mut source, options, context, &mut |item| {
        got.take(item);
        ControlFlow::Continue(())
    });
    if let Ok(summary) = &outcome {
        got.summary = *summary;
    }
    (got, outcome)
}

/// Reads a file that the sniffer must recognise as `format`, to its end.
pub fn read_in(format: &str, text: &[u8], options: &Options, context: &mut Context) -> Got {
    if format != "map" && !text.is_empty() {
        let recognised = sniff("file", text).expect("recognised");
        assert_eq!(recognised.format, format, "{recognised:?}");
    }
    let (got, outcome) = try_read(format, text, options, context);
    outcome.expect("reads");
    assert_eq!(got.summary.transfers, got.rows.len() as u64);
    assert_eq!(got.summary.set_aside, got.set_aside.len() as u64);
    got
}

/// What a file must give.
#[derive(Default)]
pub struct Expected<'a> {
    pub transfers: &'a [&'a str],
    /// Rows and the beginnings of the reasons.
    pub set_aside: &'a [(u64, &'a str)],
    pub gaps: &'a [&'a str],
    pub tokens: &'a [&'a str],
    pub moved_nothing: u64,
}

pub fn check(format: &str, text: &str, options: &Options, expected: &Expected<'_>) {
    let got = read_in(format, text.as_bytes(), options, &mut Context::new());
    assert_eq!(got.lines(), expected.transfers);
    let rows: Vec<u64> = got.set_aside.iter().map(|(row, _)| *row).collect();
    let wanted: Vec<u64> = expected.set_aside.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, wanted, "{:?}", got.set_aside);
    for ((_, reason), (row, beginning)) in got.set_aside.iter().zip(expected.set_aside) {
        assert!(reason.starts_with(beginning), "row {row}: {reason:?}, not {beginning:?}");
    }
    assert_eq!(got.kinds_of_gaps(), expected.gaps, "{:?}", got.gaps);
    assert_eq!(got.tokens, expected.tokens);
    assert_eq!(got.summary.moved_nothing, expected.moved_nothing);
}

#[test]
fn a_receiver_can_stop_the_reading() {
    let text = b"time,from,to,asset,amount\n1,,17AuTmGhZ4HBoJtntpN9n6vHkP5LNnrt5q,BTC,1\n2,,,,\n";
    let mut source = &text[..];
    let mut seen = 0;
    let outcome = read("transfers", &mut source, &on("bitcoin"), &mut Context::new(), &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    assert!(matches!(outcome, Err(ReadError::Stopped)) && seen == 1, "{outcome:?} {seen}");
    let unknown = try_read("nothing", b"", &on("tron"), &mut Context::new()).1;
    assert!(matches!(unknown, Err(ReadError::UnknownFormat(_))));
}

pub fn on(chain: &str) -> Options {
    Options { chain: Chain::parse(chain).ok(), ..Options::default() }
}

/// A file of the fixtures; cargo runs tests in the folder of their package.
pub fn fixture(path: &str) -> Vec<u8> {
    let path = format!("tests/data/{path}");
    std::fs::read(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}
