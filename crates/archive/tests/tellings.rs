//! Several sources that tell of the same transactions, each in its own words: what stays is what the one
//! tells that knows most, in whichever order their files come.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use archive::{Archive, Batch};
use ledger::{Amount, Chain, Kind, Place, Position, Transfer};
use support::*;

/// The rows of one transaction as a node tells them: calls and payments, the burned part, the fee.
fn told_by_node(dice: &mut Dice, number: u64) -> Vec<Transfer> {
    let (height, tx_index) = (1 + number / 4, (number % 4) as u32);
    let at = |index| Position::full(height, tx_index, index);
    let payer = account(Chain::ETHEREUM, dice.below(3));
    let plain = Transfer {
        tx: Some(tx(number)),
        ..transfer(Chain::ETHEREUM, at(0), 1000 + height as u32 * 12, 0, 1)
    };
    // Few sides and amounts, so that transactions hold equal transfers.
    let mut rows: Vec<Transfer> = (0..1 + dice.below(3))
        .map(|index| Transfer {
            position: at(1_000_000 + index as u32),
            from: payer,
            to: account(Chain::ETHEREUM, 5 + dice.below(2)),
            amount: Amount::new(1 + u128::from(dice.below(2))),
            ..plain
        })
        .collect();
    let cost = |index, kind, to, amount| Transfer {
        position: at(index),
        kind,
        from: payer,
        to,
        amount: Amount::new(amount),
        ..plain
    };
    rows.push(cost(Position::BASE_FEE, Kind::Burn, Place::Burn, 7 + u128::from(number)));
    rows.push(cost(Position::FEE, Kind::Fee, Place::Fee, 3));
    rows
}

/// The fee as one row, as those tell it who know of no base fee.
fn undivided(rows: &[Transfer]) -> Vec<Transfer> {
    let is_burned = |row: &&Transfer| row.kind == Kind::Burn;
    let burned = rows.iter().find(is_burned).unwrap().amount;
    let whole = |row: &Transfer| match row.kind {
        Kind::Fee => Transfer { amount: row.amount.checked_add(burned).unwrap(), ..*row },
        _ => *row,
    };
    rows.iter().filter(|row| !is_burned(row)).map(whole).collect()
}

/// The ways in which sources tell a transaction; each is a format of its own.
const WAYS: [&str; 5] = ["node", "node without blocks", "explorer", "times", "own"];

fn tell(way: &str, rows: &[Transfer]) -> Vec<Transfer> {
    let place = |rows: Vec<Transfer>, change: &dyn Fn(usize, Position) -> Position| {
        let placed = rows.iter().enumerate();
        placed.map(|(n, row)| Transfer { position: change(n, row.position), ..*row }).collect()
    };
    match way {
        "node" => rows.to_vec(),
        "node without blocks" => undivided(rows),
        "explorer" => place(undivided(rows), &|_, at| Position {
            index: at.index.filter(|index| *index == Position::FEE),
            tx_index: None,
            ..at
        }),
        "times" => place(undivided(rows), &|_, _| Position::UNKNOWN),
        _ => place(rows.to_vec(), &|n, at| Position { index: Some(n as u32), ..at }),
    }
}

/// Files of all sources, in some order: the node's tell everything, the others some transactions each.
fn files(dice: &mut Dice, transactions: &[Vec<Transfer>]) -> Vec<Batch> {
    let mut files = Vec::new();
    for way in WAYS {
        for part in 0..2 {
            let mine = transactions.iter().enumerate().filter(|(number, _)| number % 2 == part);
            let rows: Vec<Transfer> = mine
                .filter(|_| way == "node" || dice.below(3) > 0)
                .flat_map(|(_, rows)| tell(way, rows))
                .collect();
            let mut file = batch(&format!("{way} {part}"), occurring(&rows));
            file.source.format = way.into();
            files.push(file);
        }
    }
    for last in (1..files.len()).rev() {
        files.swap(last, dice.below(last as u64 + 1) as usize);
    }
    files
}

#[test]
fn the_order_of_files_changes_nothing_where_one_of_them_knows_all() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let transactions: Vec<_> = (0..8).map(|number| told_by_node(&mut dice, number)).collect();
        let expected: Vec<Transfer> = transactions.concat();
        let folder = tempfile::tempdir().unwrap();
        let files = files(&mut dice, &transactions);
        let order: Vec<&str> = files.iter().map(|file| file.source.name.as_str()).collect();
        for file in &files {
            let done = append(folder.path(), file);
            assert_eq!(done.rejected, [], "{seed}: {} of {order:?}", file.source.name);
        }
        let archive = Archive::read(folder.path()).unwrap();
        assert_eq!(transfers(&archive), expected, "{seed}: {order:?}");
        let digest = archive.digest();
        for file in files.iter().rev() {
            assert_eq!(append(folder.path(), file).already, file.entries.len() as u64, "{seed}");
        }
        let archive = Archive::read(folder.path()).unwrap();
        assert_eq!(archive.digest(), digest, "{seed}: what is there was told again");
        assert!(archive.check().is_empty());
    }
}

/// The rows without where they stand.
fn movements(rows: &[Transfer]) -> Vec<String> {
    let told = |row: &Transfer| format!("{:?}", Transfer { position: Position::UNKNOWN, ..*row });
    let mut told: Vec<String> = rows.iter().map(told).collect();
    told.sort();
    told
}

/// Two formats gave the same number to two rows of a transaction: one was refused, and its twin came in
/// beside it.
#[test]
fn formats_that_count_rows_differently_tell_each_row_once() {
    for seed in 0..20 {
        let mut dice = Dice(1000 + seed);
        let transactions: Vec<_> = (0..8).map(|number| told_by_node(&mut dice, number)).collect();
        let counted = |rows: &[Transfer], index: &dyn Fn(u32) -> u32| -> Vec<Transfer> {
            let placed = (0..).zip(rows).map(|(n, row)| {
                let position = Position { index: Some(index(n)), ..row.position };
                Transfer { position, ..*row }
            });
            placed.collect()
        };
        let file = |format: &str, tell: &dyn Fn(&Vec<Transfer>) -> Vec<Transfer>| {
            let rows: Vec<Transfer> = transactions.iter().flat_map(tell).collect();
            let mut file = batch(format, occurring(&rows));
            file.source.format = format.into();
            file
        };
        let files = [
            file("forwards", &|rows| counted(rows, &|n| n)),
            file("backwards", &|rows| counted(rows, &|n| rows.len() as u32 - 1 - n)),
            // Equal sides and other amounts meet at one number.
            file("shifted", &|rows| counted(rows, &|n| n + 1)),
            file("explorer", &|rows| tell("explorer", rows)),
        ];
        let mut results = Vec::new();
        for turn in 0..12 {
            let mut order: Vec<&Batch> = files.iter().collect();
            order.rotate_left(turn % 4);
            order[1..].rotate_left(turn / 4);
            let folder = tempfile::tempdir().unwrap();
            let mut renumbered = 0;
            for file in order.iter().chain(&order) {
                let done = append(folder.path(), file);
                assert_eq!(done.rejected, [], "{seed}: {turn}");
                renumbered += done.renumbered;
            }
            assert!(renumbered > 0, "{seed}: {turn}");
            let kept = transfers(&Archive::read(folder.path()).unwrap());
            assert_eq!(movements(&kept), movements(&transactions.concat()), "{seed}: {turn}");
            results.push(kept);
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{seed}");
    }
}

/// The same file read again beside a table that knows indexes, or with a better column map, counted twice.
#[test]
fn a_file_read_again_with_better_knowledge_counts_once() {
    let position = |tx_index| Position { height: Some(5), tx_index, index: Some(1) };
    let row = transfer(Chain::ETHEREUM, position(None), 1000, 1, 2);
    let better = Transfer { position: position(Some(3)), ..row };
    for readings in [[row, better, row], [better, row, better]] {
        let folder = tempfile::tempdir().unwrap();
        for (turn, told) in readings.iter().enumerate() {
            let whole = Batch { last: true, ..batch("one file", occurring(&[*told])) };
            assert_eq!(append(folder.path(), &whole).transfers, u64::from(turn == 0));
        }
        assert_eq!(transfers(&Archive::read(folder.path()).unwrap()), [better]);
    }
}

/// A kill while a better telling takes the place of another leaves the one or the other.
#[test]
fn a_kill_while_a_row_gives_way_loses_no_row() {
    let full = transfer(Chain::ETHEREUM, Position::full(5, 3, 0), 1000, 1, 2);
    let loose = Transfer { position: Position { height: Some(5), ..Position::UNKNOWN }, ..full };
    let other = transfer(Chain::ETHEREUM, Position::full(6, 0, 0), 1012, 3, 4);
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("explorer", occurring(&[loose, other])));
    let manifest = folder.path().join("manifest.json");
    let before = std::fs::read(&manifest).unwrap();
    let part = |folder: &std::path::Path| -> Vec<_> {
        let names = std::fs::read_dir(folder.join("chain=ethereum")).unwrap();
        names.map(|name| name.unwrap().path()).collect()
    };
    let kept: Vec<_> =
        part(folder.path()).into_iter().map(|p| (std::fs::read(&p).unwrap(), p)).collect();
    append(folder.path(), &batch("node", occurring(&[full])));
    assert_eq!(transfers(&Archive::read(folder.path()).unwrap()), [full, other]);
    // Killed before the manifest was replaced: all new files are there, and the old ones still.
    std::fs::write(&manifest, before).unwrap();
    kept.into_iter().for_each(|(bytes, path)| std::fs::write(path, bytes).unwrap());
    assert_eq!(transfers(&Archive::read(folder.path()).unwrap()), [loose, other]);
    append(folder.path(), &batch("node", occurring(&[full])));
    let archive = Archive::read(folder.path()).unwrap();
    assert_eq!(transfers(&archive), [full, other]);
    assert_eq!(part(folder.path()).len(), 2, "garbage is removed");
    assert_eq!(archive.transfers().unwrap().count(), 2);
}
