//! The total order, on small cases by hand and on random ones against a slow sort.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use archive::{Archive, Entry, Recorded};
use ledger::{Chain, Kind, Position, Time, Transfer};
use support::*;

fn order_of(batches: &[(&str, Vec<Entry>)]) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    for (name, entries) in batches {
        append(folder.path(), &batch(name, entries.clone()));
    }
    let archive = Archive::read(folder.path()).unwrap();
    let rows = recorded(&archive);
    assert_eq!(rows, slow_order(&rows));
    rows.iter().map(|recorded| recorded.row).collect()
}

/// The order as docs/archive.md says it, by sorting.
fn slow_order(rows: &[Recorded]) -> Vec<Recorded> {
    let mut chains: Vec<Chain> = rows.iter().map(|r| r.transfer.chain).collect();
    chains.sort();
    chains.dedup();
    let mut timed: Vec<((Time, Chain, u64), Recorded)> = Vec::new();
    for chain in chains {
        let of_chain = || rows.iter().filter(|r| r.transfer.chain == chain);
        let height = |r: &&Recorded| r.transfer.position.height.is_some();
        let mut with: Vec<_> = of_chain().filter(height).collect();
        // A row without it has the least index that any row of its transaction and height states.
        let tx_index = |row: &Recorded| {
            let Transfer { tx, position, .. } = row.transfer;
            position.tx_index.or_else(|| {
                let of_it = of_chain().filter(|r| {
                    r.transfer.position.height == position.height && r.transfer.tx == tx
                });
                of_it.filter_map(|r| r.transfer.position.tx_index).min().filter(|_| tx.is_some())
            })
        };
        with.sort_by_key(|r| {
            let mut p = Position { tx_index: tx_index(r), ..r.transfer.position };
            if r.transfer.kind == Kind::Fee {
                p.index = Some(Position::FEE);
            }
            // What is known, then what is not, then what is last by agreement.
            let rank = |known: Option<u32>, last: u32| match known {
                Some(known) if known < last => (0, known),
                None => (1, 0),
                Some(last) => (2, last),
            };
            let (tx, row) = (rank(p.tx_index, u32::MAX), rank(p.index, Position::BASE_FEE));
            (p.height, tx, row, r.import, r.row)
        });
        let mut without: Vec<_> = of_chain().filter(|r| !height(r)).collect();
        without.sort_by_key(|r| (r.transfer.time, r.import, r.row));
        let mut latest = Time::default();
        let mut placed: Vec<(Time, &Recorded)> =
            without.into_iter().map(|r| (r.transfer.time, r)).collect();
        for row in with {
            latest = latest.max(row.transfer.time);
            placed.push((latest, row));
        }
        placed.sort_by_key(|(time, _)| *time);
        let numbered = placed.into_iter().enumerate();
        timed.extend(numbered.map(|(n, (time, r))| ((time, chain, n as u64), *r)));
    }
    timed.sort_by_key(|(key, _)| *key);
    timed.into_iter().map(|(_, row)| row).collect()
}

fn at(chain: Chain, position: Position, time: u32, row: u64) -> Entry {
    Entry { transfer: transfer(chain, position, time, row, row + 1), row, occurrence: 0 }
}

#[test]
fn heights_order_whatever_the_clock_says() {
    let tron = |height, time, row| at(Chain::TRON, Position::full(height, 0, 0), time, row);
    let got = order_of(&[("a", vec![tron(3, 30, 3), tron(1, 50, 1), tron(2, 20, 2)])]);
    assert_eq!(got, [1, 2, 3]);
}

#[test]
fn unknown_parts_come_last_before_fees_and_rewards() {
    let position = |tx_index, index| Position { height: Some(5), tx_index, index };
    let entry = |tx_index, index, row| at(Chain::TRON, position(tx_index, index), 10, row);
    let first = vec![
        entry(Some(0), Some(0), 6),
        entry(Some(0), None, 4),
        entry(None, None, 2),
        entry(None, None, 1),
        entry(None, Some(0), 3),
        entry(Some(u32::MAX), Some(0), 10),
        entry(None, Some(Position::FEE), 9),
        entry(Some(0), Some(Position::FEE), 8),
        entry(Some(0), Some(Position::BASE_FEE), 7),
        entry(Some(1), Some(0), 11),
    ];
    // By import, then by row, where nothing else tells.
    let second = vec![entry(Some(0), None, 0)];
    assert_eq!(order_of(&[("a", first), ("b", second)]), [6, 4, 0, 7, 8, 11, 3, 1, 2, 9, 10]);
}

/// An internal call stood after the transactions of its block, though another row told where its own
/// transaction stands.
#[test]
fn a_row_stands_where_its_transaction_is_known_to_be() {
    let entry = |tx_index, tx_of: u64, row| {
        let position = Position { height: Some(5), tx_index, index: Some(0) };
        let mut entry = at(Chain::ETHEREUM, position, 10, row);
        entry.transfer.tx = Some(tx(tx_of));
        entry
    };
    let known = vec![entry(Some(3), 30, 1), entry(Some(7), 70, 3), entry(Some(9), 90, 5)];
    let calls = vec![entry(None, 70, 4), entry(None, 30, 2), entry(None, 50, 6)];
    for batches in
        [[("known", known.clone()), ("calls", calls.clone())], [("calls", calls), ("known", known)]]
    {
        let mut got = order_of(&batches);
        // What no index tells apart goes by import.
        got.chunks_mut(2).for_each(|pair| pair.sort());
        assert_eq!(got, [1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn rows_without_height_go_by_time_before_equal_ones() {
    let with = |height, time, row| at(Chain::TRON, Position::full(height, 0, 0), time, row);
    let without = |time, row| at(Chain::TRON, Position::UNKNOWN, time, row);
    // Block 2's clock stands back: its merge time is 50.
    let rows =
        vec![with(1, 50, 1), with(2, 40, 2), with(3, 60, 3), without(50, 10), without(45, 11)];
    assert_eq!(
        order_of(&[("a", rows), ("b", vec![without(55, 12), without(60, 13)])]),
        [11, 10, 1, 2, 12, 13, 3]
    );
}

#[test]
fn chains_merge_by_running_time_then_name() {
    let tron = |height, time, row| at(Chain::TRON, Position::full(height, 0, 0), time, row);
    let eth = |height, time, row| at(Chain::ETHEREUM, Position::full(height, 0, 0), time, row);
    let rows =
        vec![tron(1, 10, 1), eth(100, 10, 2), tron(2, 30, 3), tron(3, 15, 4), eth(101, 20, 5)];
    // Equal time: ethereum before tron. Tron's block 3 carries 30, so ethereum's 20 comes first.
    assert_eq!(order_of(&[("a", rows)]), [2, 1, 5, 3, 4]);
}

#[test]
fn random_mixtures_match_the_slow_order() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let mut batches: Vec<(String, Vec<Entry>)> = Vec::new();
        for number in 0..1 + dice.below(4) {
            let entries = (0..dice.below(40)).map(|row| {
                let mut made = random(&mut dice, 1 + row / 3, 0, (row * 4 + number) as u32);
                let position = &mut made.position;
                match dice.below(6) {
                    0 => *position = Position::UNKNOWN,
                    1 => position.index = None,
                    2 => position.tx_index = None,
                    _ => {}
                }
                Entry { transfer: made, row, occurrence: 0 }
            });
            let entries = entries.collect();
            batches.push((format!("source {number}"), entries));
        }
        let named: Vec<(&str, Vec<Entry>)> =
            batches.iter().map(|(name, entries)| (name.as_str(), entries.clone())).collect();
        order_of(&named);
    }
}

#[test]
fn an_import_keeps_its_ordinal_when_it_is_resumed() {
    let without = |row| at(Chain::TRON, Position::UNKNOWN, 10, row);
    let got = order_of(&[
        ("a", vec![without(0)]),
        ("b", vec![without(1)]),
        ("a", vec![without(2)]),
        ("b", vec![without(3)]),
    ]);
    assert_eq!(got, [0, 2, 1, 3]);
}

#[test]
fn an_empty_archive_has_no_transfers() {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    assert_eq!(transfers(&archive), Vec::<Transfer>::new());
    let index = archive.index().unwrap();
    assert_eq!((index.rows(), index.pot_count(), index.place_count()), (0, 0, 0));
    assert_eq!(index.first_row_at(Time::from_seconds(0)), 0);
}
