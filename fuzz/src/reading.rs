//! A reader of exports under oath: whatever it hands out is whole, is counted, reads back from its
//! own text, and comes out again when the same bytes are read again, in pieces of another size.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::ops::ControlFlow;

use chains::exports::{ColumnMap, Context, Item, Options, ReadError, Summary, read, read_parquet};
use ledger::{Address, Asset, Chain, Family, Place, Transfer, TxId};

use crate::spans;

/// Longer reasons and details are not for people.
const MAX_MESSAGE: usize = 300;

/// All that one reading gave.
#[derive(Debug, PartialEq)]
pub struct Taken {
    pub items: Vec<Item>,
    /// The error as text, because I/O errors do not compare.
    pub outcome: Result<Summary, String>,
}

/// A receiver of what a reader finds.
pub type Sink<'a> = &'a mut dyn FnMut(Item) -> ControlFlow<()>;

/// Runs a reader to its end.
pub fn take(run: impl FnOnce(Sink<'_>) -> Result<Summary, ReadError>) -> Taken {
    let mut items = Vec::new();
    let outcome = run(&mut |item| {
        match item {
            Item::Table { row, table } => {
                let rows = (0..table.rows.len()).zip(row..);
                let item = |(at, row)| {
                    Item::Transfer { row, group: None, transfer: table.transfer(at) }
                };
                items.extend(rows.map(item));
            }
            other => items.push(other),
        }
        ControlFlow::Continue(())
    });
    Taken { items, outcome: outcome.map_err(|error| error.to_string()) }
}

/// Fuzzes a text format: the first byte chooses the chain and the size of the pieces in which the
/// bytes come the second time, the rest are up to four files that share a context.
pub fn text(format: &str, input: &[u8], map: Option<ColumnMap>) {
    let (choices, input) = spans::choice(input);
    let chain = [None, Some(Chain::ETHEREUM), Some(Chain::TRON), Some(Chain::BITCOIN)];
    let mut options = Options { chain: chain[usize::from(choices & 3)], map, ..Options::default() };
    options.decimals.set(Chain::ETHEREUM, Asset::Token(Address::Evm([0x11; 20])), choices >> 4);
    let piece = 1 + usize::from(choices >> 2);
    let (mut once, mut again) = (Context::new(), Context::new());
    for file in spans::files(input) {
        let first = take(|sink| read(format, &mut { file }, &options, &mut once, sink));
        first.check();
        let mut pieces = BufReader::with_capacity(piece, file);
        let second = take(|sink| read(format, &mut pieces, &options, &mut again, sink));
        assert_eq!(first, second, "read whole and in pieces of {piece}");
        stops(format, file, &options, &first);
    }
}

/// A receiver that has enough gets no second item.
fn stops(format: &str, file: &[u8], options: &Options, whole: &Taken) {
    let mut seen = 0;
    let outcome = read(format, &mut { file }, options, &mut Context::new(), &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    match outcome {
        Err(ReadError::Stopped) => assert_eq!(seen, 1),
        // Another context than that of the files before may find nothing.
        outcome => assert!(seen == 0 && outcome.is_ok() == whole.outcome.is_ok()),
    }
}

/// Fuzzes a Parquet file.
pub fn parquet(file: bytes::Bytes, options: &Options) {
    let first = take(|sink| read_parquet("transfers", file.clone(), options, sink));
    first.check();
    let second = take(|sink| read_parquet("transfers", file, options, sink));
    assert_eq!(first, second, "read twice");
}

impl Taken {
    /// Everything that must hold of a single reading.
    pub fn check(&self) {
        let mut counted = Summary::default();
        let mut gaps = BTreeSet::new();
        for item in &self.items {
            match item {
                Item::Transfer { transfer, row, .. } => {
                    counted.transfers += 1;
                    assert!(*row > 0, "rows count from 1");
                    check_transfer(transfer);
                }
                // `take` hands out its rows.
                Item::Table { .. } => unreachable!("a table among rows"),
                Item::Block(_) => counted.blocks += 1,
                Item::Token { chain, asset, symbol, .. } => {
                    check_asset(*chain, *asset);
                    symbol.iter().for_each(|symbol| check_text(symbol));
                }
                Item::SetAside { row, reason } => {
                    counted.set_aside += 1;
                    assert!(*row > 0 && !reason.is_empty(), "set aside without row or reason");
                    check_text(reason);
                }
                Item::Gap { kind, detail } => {
                    assert!(gaps.insert(kind), "the gap {kind} twice");
                    check_text(detail);
                }
            }
        }
        let Ok(summary) = &self.outcome else { return };
        assert_eq!(summary.transfers, counted.transfers);
        assert_eq!(summary.blocks, counted.blocks);
        assert_eq!(summary.set_aside, counted.set_aside);
        assert!(summary.set_aside + summary.moved_nothing <= summary.rows, "{summary:?}");
        assert!(summary.transactions <= summary.rows, "{summary:?}");
    }
}

/// A transfer is consistent, and all of it reads back from its own text.
pub fn check_transfer(transfer: &Transfer) {
    let chain = transfer.chain;
    assert_eq!(transfer.check(), Ok(()), "{transfer:?}");
    for place in [transfer.from, transfer.to] {
        if place.holds_value() {
            assert_eq!(Place::parse(chain, &place.text(chain)), Ok(place));
        }
        assert!(!place.account().is_some_and(|address| address.is_zero()), "{transfer:?}");
        if matches!(place, Place::Output { .. } | Place::Transaction(_)) {
            assert_eq!(chain.family(), Family::Bitcoin, "{transfer:?}");
        }
    }
    assert!(!matches!(transfer.from, Place::Burn | Place::Fee), "{transfer:?}");
    assert_ne!(transfer.to, Place::Mint, "{transfer:?}");
    for owner in [transfer.from_owner, transfer.to_owner].into_iter().flatten() {
        assert_eq!(Address::parse(chain, &owner.to_string()), Ok(owner));
    }
    check_asset(chain, transfer.asset);
    if let Some(into) = transfer.conversion {
        check_asset(chain, into.asset);
    }
    if let Some(tx) = transfer.tx {
        assert_eq!(TxId::parse(&tx.text(chain)), Ok(tx));
    }
}

fn check_asset(chain: Chain, asset: Asset) {
    assert_eq!(Asset::parse(chain, &asset.text(chain)), Ok(asset));
}

/// A text that a stranger may have had a hand in is short and cannot steer a terminal.
fn check_text(text: &str) {
    assert!(text.chars().count() <= MAX_MESSAGE, "{text:?}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
