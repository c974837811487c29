//! Identity: what is a duplicate, what contradicts, what is refused, what a second import changes.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use archive::{Archive, Batch, Entry, Reason, Subject, Token};
use ledger::{Address, Amount, Asset, Block, Chain, Kind, Place, Position, Time, Transfer};
use support::*;

fn placed(height: u64, tx_index: u32, from: u64) -> Transfer {
    let position = Position::full(height, tx_index, 0);
    transfer(Chain::TRON, position, 1000 + height as u32, from, from + 1)
}

fn unplaced(time: u32, from: u64) -> Transfer {
    transfer(Chain::TRON, Position::UNKNOWN, time, from, from + 1)
}

#[test]
fn importing_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [placed(5, 0, 1), placed(5, 1, 2), unplaced(700, 3), placed(9, 0, 4)];
    let first = append(folder.path(), &batch("a", numbered(&rows)));
    assert_eq!((first.transfers, first.already, first.rejected.len()), (4, 0, 0));
    let before = Archive::read(folder.path()).unwrap().digest();
    let second = append(folder.path(), &batch("a", numbered(&rows)));
    assert_eq!((second.transfers, second.already, second.rejected.len()), (0, 4, 0));
    assert_eq!(second.import, 0);
    let third = append(folder.path(), &batch("another name", numbered(&rows)));
    assert_eq!((third.import, third.transfers, third.already), (1, 0, 4));
    let archive = Archive::read(folder.path()).unwrap();
    assert_eq!(archive.digest(), before);
    assert_eq!(archive.imports().len(), 2);
    assert_eq!(archive.imports()[0].transfers, 4);
}

#[test]
fn duplicates_and_conflicts_within_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = placed(5, 0, 1);
    other.amount = Amount::new(999);
    let rows = [placed(5, 0, 1), placed(5, 0, 1), other, placed(6, 0, 1)];
    let done = append(folder.path(), &batch("a", numbered(&rows)));
    assert_eq!((done.transfers, done.already), (2, 1));
    assert_eq!(done.rejected.len(), 1);
    assert_eq!(done.rejected[0].subject, Subject::Row(2));
    assert_eq!(done.rejected[0].reason, Reason::ConflictInSource { row: 0 });
}

#[test]
fn conflicts_with_what_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("a", numbered(&[placed(4, 0, 7), placed(5, 0, 1)])));
    let mut other = placed(5, 0, 1);
    other.kind = Kind::Internal;
    let rows = [placed(4, 0, 7), other, placed(5, 1, 1)];
    let done = append(folder.path(), &batch("b", numbered(&rows)));
    assert_eq!((done.transfers, done.already), (1, 1));
    assert_eq!(done.rejected.len(), 1);
    assert_eq!(done.rejected[0].subject, Subject::Row(1));
    let reason = Reason::ConflictWithArchive { import: 0, row: 1 };
    assert_eq!(done.rejected[0].reason, reason);
    let archive = Archive::read(folder.path()).unwrap();
    assert_eq!(transfers(&archive), [placed(4, 0, 7), placed(5, 0, 1), placed(5, 1, 1)]);
    // Another moment is other content too.
    let late = Transfer { time: Time::from_seconds(1), ..placed(5, 0, 1) };
    let done = append(folder.path(), &batch("c", numbered(&[late])));
    assert_eq!((done.already, done.rejected.len()), (0, 1));
}

#[test]
fn rows_without_position_are_told_apart_by_occurrence() {
    let folder = tempfile::tempdir().unwrap();
    let row = unplaced(700, 3);
    let twice = vec![
        Entry { transfer: row, row: 0, occurrence: 0 },
        Entry { transfer: row, row: 1, occurrence: 1 },
    ];
    assert_eq!(append(folder.path(), &batch("wallet a", twice.clone())).transfers, 2);
    // The same pair of wallets exported from the other side: the same two rows.
    let done = append(folder.path(), &batch("wallet b", twice));
    assert_eq!((done.transfers, done.already), (0, 2));
    // A height alone is no full position: identity is still all of the fields.
    let partial = |amount: u128| Transfer {
        position: Position { height: Some(5), ..Position::UNKNOWN },
        amount: Amount::new(amount),
        ..row
    };
    let rows = numbered(&[partial(1), partial(2), partial(1)]);
    let done = append(folder.path(), &batch("c", rows));
    assert_eq!((done.transfers, done.already, done.rejected.len()), (2, 1, 0));
    let done = append(folder.path(), &batch("d", numbered(&[partial(2), partial(3)])));
    assert_eq!((done.transfers, done.already), (1, 1));
}

fn told_by(format: &str, name: &str, transfers: &[Transfer]) -> Batch {
    let mut batch = batch(name, occurring(transfers));
    batch.source.format = format.into();
    batch
}

/// An explorer knows a fee as one number, a node which part of it was burned, who writes a file by hand
/// either: it is one fee, told best by who divides it, whoever comes first.
#[test]
fn a_cost_told_whole_and_divided_counts_once() {
    let at = |tx_index: Option<u32>, index: Option<u32>, kind: Kind, amount: u128| Transfer {
        position: Position { height: Some(5), tx_index, index },
        kind,
        to: if kind == Kind::Fee { Place::Fee } else { Place::Burn },
        amount: Amount::new(amount),
        ..placed(5, 0, 1)
    };
    let (fee, base) = (Some(Position::FEE), Some(Position::BASE_FEE));
    let divided = |tx_index, at_burn, at_fee| {
        vec![at(tx_index, at_burn, Kind::Burn, 7), at(tx_index, at_fee, Kind::Fee, 3)]
    };
    let explorer = ("explorer", "explorer", vec![at(None, fee, Kind::Fee, 10)]);
    let node = ("node", "node", divided(Some(3), base, fee));
    let node_without_blocks = ("node", "node", vec![at(Some(3), fee, Kind::Fee, 10)]);
    let node_all_burned = ("node", "node", vec![at(Some(3), base, Kind::Burn, 10)]);
    let own = ("own", "whole.csv", vec![at(Some(3), Some(7), Kind::Fee, 10)]);
    let own_divided = ("own", "divided.csv", divided(Some(3), Some(6), Some(7)));
    let own_with_agreed_fee = ("own", "agreed.csv", divided(Some(3), Some(7), fee));
    let own_loose = ("own", "loose.csv", vec![at(None, None, Kind::Fee, 10)]);
    let own_loose_divided = ("own", "loose-divided.csv", divided(None, None, None));
    // Format, file, rows.
    type Telling<'a> = &'a (&'a str, &'a str, Vec<Transfer>);
    let check = |a: Telling<'_>, b: Telling<'_>, stays: Telling<'_>| {
        for (first, second) in [(a, b), (b, a)] {
            let folder = tempfile::tempdir().unwrap();
            append(folder.path(), &told_by(first.0, first.1, &first.2));
            // Twice, because what was replaced must not come back.
            for (format, file, rows) in [second, first, second] {
                let done = append(folder.path(), &told_by(format, file, rows));
                let counts = (done.transfers, done.already as usize, done.rejected.len());
                assert_eq!(counts, (0, rows.len(), 0), "{first:?} {second:?}");
            }
            let mut kept = transfers(&Archive::read(folder.path()).unwrap());
            kept.sort_by_key(|row| row.kind == Kind::Fee);
            assert_eq!(kept, stays.2, "{first:?} {second:?}");
        }
    };
    check(&explorer, &node, &node);
    check(&explorer, &node_without_blocks, &node_without_blocks);
    check(&explorer, &own, &own);
    check(&explorer, &own_divided, &own_divided);
    check(&explorer, &own_loose_divided, &own_loose_divided);
    check(&own, &node, &node);
    check(&own, &node_without_blocks, &node_without_blocks);
    check(&own_divided, &node, &node);
    check(&own_with_agreed_fee, &node, &node);
    check(&own_with_agreed_fee, &explorer, &own_with_agreed_fee);
    check(&own, &own_divided, &own_divided);
    check(&own_divided, &node_without_blocks, &own_divided);
    check(&own_loose, &node, &node);
    check(&own_loose, &own_loose_divided, &own_loose_divided);
    check(&own_loose_divided, &node, &node);
    // The same file read again, with and without the table that tells base fees.
    check(&node_without_blocks, &node, &node);
    check(&node_without_blocks, &node_all_burned, &node_all_burned);
}

/// A burning of the payer's own stands beside his bill, whoever tells of either.
#[test]
fn what_is_burned_beside_a_cost_stays() {
    let row = |index: u32, kind: Kind, amount: u128| Transfer {
        position: Position::full(5, 3, index),
        kind,
        to: if kind == Kind::Fee { Place::Fee } else { Place::Burn },
        amount: Amount::new(amount),
        ..placed(5, 0, 1)
    };
    let own = [row(1, Kind::Burn, 30), row(2, Kind::Fee, 60), row(3, Kind::Burn, 40)];
    let explorer = [row(Position::FEE, Kind::Fee, 100)];
    let node = [row(Position::BASE_FEE, Kind::Burn, 40), row(Position::FEE, Kind::Fee, 60)];
    let files = [("own", &own[..]), ("explorer", &explorer), ("node", &node)];
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1], [1, 2, 0], [2, 0, 1]] {
        let folder = tempfile::tempdir().unwrap();
        for number in order.into_iter().chain(order) {
            let (name, rows) = files[number];
            assert_eq!(append(folder.path(), &told_by(name, name, rows)).rejected, [], "{order:?}");
        }
        let kept = transfers(&Archive::read(folder.path()).unwrap());
        assert_eq!(kept, [own[0], node[0], node[1]], "{order:?}");
    }
}

/// A token from the zero address counted twice, because another source called it a mint; and one
/// transaction at two indexes of its block counted twice in silence.
#[test]
fn words_for_a_mint_and_two_places_in_a_block() {
    let loose = Transfer {
        position: Position { height: Some(5), ..Position::UNKNOWN },
        kind: Kind::Token,
        from: Place::Mint,
        ..placed(5, 3, 1)
    };
    let full = Transfer { position: Position::full(5, 3, 0), kind: Kind::Mint, ..loose };
    for [first, second] in [[loose, full], [full, loose]] {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &told_by("a", "a", &[first]));
        assert_eq!(append(folder.path(), &told_by("b", "b", &[second])).already, 1);
        assert_eq!(transfers(&Archive::read(folder.path()).unwrap()), [full]);
    }
    // Also at one position.
    let token = Transfer { kind: Kind::Token, ..full };
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &told_by("a", "a", &[full]));
    assert_eq!(append(folder.path(), &told_by("b", "b", &[token])).already, 1);
    let elsewhere = Transfer { position: Position::full(5, 4, 0), ..full };
    let done = append(folder.path(), &told_by("b", "b", &[elsewhere]));
    assert_eq!(done.rejected[0].reason, Reason::OtherPlace { import: 0, row: 0 });
}

/// Two sums for one cost: the second was dropped in silence, or kept because strangers had moved the
/// same amount.
#[test]
fn another_sum_for_one_cost_is_refused() {
    let fee = |amount: u128, position: Position| Transfer {
        position,
        kind: Kind::Fee,
        to: Place::Fee,
        amount: Amount::new(amount),
        ..placed(5, 0, 1)
    };
    let at_height = Position { height: Some(5), ..Position::UNKNOWN };
    let strangers = Transfer { amount: Amount::new(30), ..placed(5, 9, 40) };
    let check = |first: Transfer, second: &[Transfer], refused: usize| {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &told_by("own", "first", &[first]));
        let done = append(folder.path(), &told_by("own", "second", second));
        let reason = Reason::OtherCost { import: 0, row: 0 };
        let reasons: Vec<&Reason> = done.rejected.iter().map(|one| &one.reason).collect();
        assert_eq!(reasons, vec![&reason; refused], "{second:?}");
        assert_eq!(done.transfers as usize, second.len() - refused);
    };
    check(fee(30, at_height), &[fee(70, at_height)], 1);
    check(fee(30, at_height), &[fee(70, at_height), strangers], 1);
    check(fee(30, Position::UNKNOWN), &[fee(70, Position::UNKNOWN), strangers], 1);
    // What was burned beside it may be part of that sum.
    let burned = Transfer { kind: Kind::Burn, to: Place::Burn, ..fee(41, at_height) };
    check(fee(100, at_height), &[burned, fee(60, at_height)], 2);
    // One format that knows full positions may tell of several costs.
    check(fee(30, Position::full(5, 0, 1)), &[fee(70, Position::full(5, 0, 2)), strangers], 0);
    // Of another payer, or of another transaction: another cost.
    check(fee(30, at_height), &[Transfer { tx: Some(tx(9)), ..fee(70, at_height) }], 0);
    let other = placed(5, 0, 2).from;
    check(fee(30, at_height), &[Transfer { from: other, ..fee(70, at_height) }], 0);
}

/// What two sources say of one transaction, and how many transfers there are then, whichever comes first.
#[test]
fn two_tellings_of_a_transfer_are_one() {
    let at = |height: Option<u64>, tx_index: Option<u32>, index: Option<u32>| Transfer {
        position: Position { height, tx_index, index },
        ..placed(5, 0, 1)
    };
    let (full, partial) = (at(Some(5), Some(3), Some(7)), at(Some(5), None, None));
    let later = |transfer: Transfer| Transfer {
        time: Time::from_seconds(transfer.time.seconds() + 1),
        ..transfer
    };
    let check = |what: &str, a: &[Transfer], b: &[Transfer], want: usize| {
        for (first, second) in [(a, b), (b, a)] {
            let folder = tempfile::tempdir().unwrap();
            append(folder.path(), &batch("first", occurring(first)));
            let done = append(folder.path(), &batch("second", occurring(second)));
            assert_eq!(done.rejected, [], "{what}");
            assert_eq!(done.already as usize, first.len() + second.len() - want, "{what}");
            let archive = Archive::read(folder.path()).unwrap();
            assert_eq!(transfers(&archive).len(), want, "{what}");
            let again = append(folder.path(), &batch("second again", occurring(second)));
            assert_eq!((again.transfers, again.already as usize), (0, second.len()), "{what}");
        }
    };
    check("no index of the transaction", &[full], &[at(Some(5), None, Some(7))], 1);
    check("a height", &[full], &[partial], 1);
    check("an index of the transaction", &[at(Some(5), Some(3), None)], &[partial], 1);
    check("the time alone", &[full], &[at(None, None, None)], 1);
    check("the time alone, another", &[full], &[later(at(None, None, None))], 2);
    check("a height, another time", &[full], &[later(partial)], 1);
    check("another height", &[full], &[at(Some(6), None, None)], 2);
    check("another index", &[full], &[at(Some(5), None, Some(8))], 2);
    check("twice in both", &[full, at(Some(5), Some(3), Some(8))], &[partial, partial], 2);
    check("once and twice", &[full], &[partial, partial], 2);
    let (kind, amount) = (Kind::Internal, Amount::new(1));
    check("another kind", &[full], &[Transfer { kind, ..partial }], 2);
    check("another amount", &[full], &[Transfer { amount, ..partial }], 2);
    check("another transaction", &[full], &[Transfer { tx: Some(tx(9)), ..partial }], 2);
    check("no transaction", &[full], &[Transfer { tx: None, ..partial }], 2);
    check("two full positions", &[full], &[at(Some(5), Some(3), Some(8))], 2);
}

/// Whoever came first stayed with the position that it knew, and the order of files decided who held the
/// money.
#[test]
fn the_telling_that_knows_more_stays() {
    let at = |height: Option<u64>, tx_index: Option<u32>, index: Option<u32>| Transfer {
        position: Position { height, tx_index, index },
        ..placed(5, 0, 1)
    };
    let full = at(Some(5), Some(3), Some(7));
    let neighbour = placed(5, 8, 50);
    let check = |stays: Transfer, goes: Transfer| {
        for [first, second] in [[stays, goes], [goes, stays]] {
            let folder = tempfile::tempdir().unwrap();
            append(folder.path(), &told_by("first", "first", &[first, neighbour]));
            append(folder.path(), &told_by("second", "second", &[second]));
            let archive = Archive::read(folder.path()).unwrap();
            let kept = transfers(&archive);
            assert!(kept.len() == 2 && kept.contains(&stays), "{stays:?} and {goes:?}: {kept:?}");
            assert!(archive.check().is_empty());
            let digest = archive.digest();
            for (name, row) in [("first", first), ("second", second)] {
                assert_eq!(append(folder.path(), &told_by(name, name, &[row])).already, 1);
            }
            assert_eq!(Archive::read(folder.path()).unwrap().digest(), digest);
        }
    };
    check(full, at(Some(5), None, None));
    check(full, at(Some(5), None, Some(7)));
    check(full, at(None, None, None));
    check(at(Some(5), Some(3), None), at(Some(5), None, None));
    check(at(Some(5), None, None), at(None, None, None));
}

#[test]
fn a_source_cut_into_batches_does_not_tell_its_own_rows_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let partial = |index| Transfer {
        position: Position { height: Some(5), tx_index: None, index },
        ..placed(5, 0, 1)
    };
    append(folder.path(), &batch("a", numbered(&[partial(None)])));
    let rest = vec![Entry { transfer: partial(Some(1)), row: 1, occurrence: 0 }];
    assert_eq!(append(folder.path(), &batch("a", rest)).transfers, 1);
}

#[test]
fn what_could_not_be_read_back_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let good = placed(1, 0, 1);
    let evm = Place::Account(Address::Evm([9; 20]));
    let trc10 = Transfer { chain: Chain::ETHEREUM, from: evm, to: evm, ..placed(2, 0, 1) };
    let rows = [
        Transfer { to: evm, ..good },
        Transfer { to: Place::Mint, ..good },
        Transfer { from: Place::Fee, ..good },
        Transfer { from: Place::Mint, to: Place::Burn, ..good },
        Transfer { asset: Asset::Trc10(5), ..trc10 },
        Transfer { to_owner: Some(Address::P2sh([1; 20])), ..good },
        good,
    ];
    let done = append(folder.path(), &batch("a", numbered(&rows)));
    assert_eq!(done.transfers, 1);
    let refused: Vec<Subject> = done.rejected.iter().map(|r| r.subject).collect();
    assert_eq!(refused, (0..6).map(Subject::Row).collect::<Vec<_>>());
}

#[test]
fn every_field_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = random_world(3, 400);
    rows[5].amount = Amount::MAX;
    rows[6].tx = None;
    rows[7].position = Position { index: Some(4), ..Position::UNKNOWN };
    rows[8].time = Time::from_seconds(u32::MAX);
    let segwit = Address::parse(Chain::BITCOIN, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");
    rows.push(Transfer {
        to_owner: Some(segwit.unwrap()),
        ..transfer(Chain::BITCOIN, Position::full(1, 0, 0), 5, 1, 2)
    });
    // A fee that is burned, and one that is not: both have an empty receiver.
    let fee = Transfer { kind: Kind::Fee, to: Place::Burn, ..placed(900, 0, 1) };
    rows.push(fee);
    rows.push(Transfer { to: Place::Fee, ..placed(900, 1, 1) });
    append(folder.path(), &batch("a", numbered(&rows)));
    let archive = Archive::read(folder.path()).unwrap();
    let mut got = recorded(&archive);
    got.sort_by_key(|recorded| recorded.row);
    let got: Vec<Transfer> = got.into_iter().map(|recorded| recorded.transfer).collect();
    assert_eq!(got, rows);
}

#[test]
fn many_small_batches_are_merged_and_stay_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let rows = random_world(11, 120);
    let mut archive = Archive::open(folder.path()).unwrap();
    for (n, row) in rows.iter().enumerate() {
        let mut one = batch("live", vec![Entry { transfer: *row, row: n as u64, occurrence: 0 }]);
        one.blocks = vec![block(row.position.height.unwrap() + n as u64, 1)];
        assert_eq!(archive.append(&one).unwrap().transfers, 1);
    }
    let files = |kind: &str| {
        let folders = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path());
        let names = folders.filter(|f| f.is_dir()).flat_map(|f| std::fs::read_dir(f).unwrap());
        names
            .filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().starts_with(kind))
            .count()
    };
    assert!(files("part-") <= 3 * 2 * 16, "{} parts", files("part-"));
    assert!(files("blocks-") <= 2 * 16, "{} block files", files("blocks-"));
    let whole = tempfile::tempdir().unwrap();
    append(whole.path(), &batch("live", numbered(&rows)));
    assert_eq!(recorded(&archive), recorded(&Archive::read(whole.path()).unwrap()));
    assert!(archive.check().is_empty());
}

fn block(height: u64, hash: u8) -> Block {
    let time = Time::from_seconds(1000 + height as u32);
    Block { chain: Chain::TRON, height, time, hash: Some([hash; 32]), parent: None }
}

#[test]
fn headers_agree_grow_or_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::open(folder.path()).unwrap();
    let bare = Block { hash: None, ..block(7, 1) };
    let with_blocks = |blocks: Vec<Block>| Batch { blocks, ..Batch::new(source("b")) };
    assert_eq!(archive.append(&with_blocks(vec![bare, block(8, 2)])).unwrap().blocks, 2);
    assert_eq!(archive.append(&with_blocks(vec![bare, block(8, 2)])).unwrap().blocks, 0);
    let done = archive.append(&with_blocks(vec![block(7, 1), block(8, 3)])).unwrap();
    assert_eq!(done.blocks, 1);
    assert_eq!(done.rejected.len(), 1);
    assert_eq!(done.rejected[0].reason, Reason::BlockConflict);
    assert_eq!(archive.block(Chain::TRON, 7).unwrap(), Some(block(7, 1)));
    assert_eq!(archive.tip(Chain::TRON).unwrap(), Some(block(8, 2)));
    assert_eq!(archive.tip(Chain::BITCOIN).unwrap(), None);
    assert_eq!(archive.append(&with_blocks(vec![bare])).unwrap().blocks, 0);
}

#[test]
fn tokens_are_kept_and_contradictions_returned() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::open(folder.path()).unwrap();
    let asset = Asset::Token(account(Chain::TRON, 1).account().unwrap());
    let usdt = Token { chain: Chain::TRON, asset, decimals: 6, symbol: "USDT".into() };
    let with_tokens = |tokens: Vec<Token>| Batch { tokens, ..Batch::new(source("t")) };
    archive.append(&with_tokens(vec![usdt.clone(), usdt.clone()])).unwrap();
    let other = Token { decimals: 18, ..usdt.clone() };
    let done = archive.append(&with_tokens(vec![other])).unwrap();
    assert_eq!(done.rejected[0].reason, Reason::TokenConflict);
    drop(archive);
    assert_eq!(Archive::read(folder.path()).unwrap().tokens(), [usdt]);
}

#[test]
fn rewind_drops_what_stands_above() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::open(folder.path()).unwrap();
    let rows = [placed(5, 0, 1), placed(6, 0, 1), placed(7, 0, 1), unplaced(9999, 3)];
    let mut all = batch("a", numbered(&rows));
    all.blocks = vec![block(5, 1), block(6, 1), block(7, 1)];
    all.last = true;
    archive.append(&all).unwrap();
    let before = archive.digest();
    assert!(archive.imports()[0].complete);
    let rewound = archive.rewind(Chain::TRON, 6).unwrap();
    assert_eq!((rewound.transfers, rewound.blocks), (1, 1));
    assert_eq!(transfers(&archive), [rows[0], rows[1], rows[3]]);
    assert_eq!(archive.tip(Chain::TRON).unwrap(), Some(block(6, 1)));
    assert!(!archive.imports()[0].complete);
    assert_ne!(archive.digest(), before);
    assert_eq!(archive.rewind(Chain::TRON, 6).unwrap().transfers, 0);
    assert_eq!(archive.index().unwrap().rows(), 3);
    // Another block 7 now takes the place of the old one.
    let other = [placed(7, 0, 9)];
    assert_eq!(archive.append(&batch("b", numbered(&other))).unwrap().transfers, 1);
    assert_eq!(archive.rewind(Chain::TRON, 0).unwrap().transfers, 3);
    assert_eq!(transfers(&archive), [rows[3]]);
    assert!(archive.check().is_empty());
}

#[test]
fn summaries_say_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::open(folder.path()).unwrap();
    let rows = [placed(5, 0, 1), placed(8, 0, 1), unplaced(10, 3)];
    archive.append(&Batch { blocks: vec![block(9, 1)], ..batch("a", numbered(&rows)) }).unwrap();
    let [tron] = archive.chains()[..] else { panic!("one chain") };
    assert_eq!((tron.first_height, tron.last_height), (Some(5), Some(9)));
    assert_eq!(tron.first_time, Some(Time::from_seconds(10)));
    assert_eq!(tron.last_time, Some(Time::from_seconds(1008)));
    assert_eq!((tron.transfers, tron.transactions, tron.blocks), (3, 3, 1));
}

#[test]
fn one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Archive::open(folder.path()).unwrap();
    assert!(matches!(Archive::open(folder.path()), Err(archive::ArchiveError::Locked { .. })));
    let mut reader = Archive::read(folder.path()).unwrap();
    assert!(matches!(
        reader.append(&batch("a", vec![])),
        Err(archive::ArchiveError::ReadOnly { .. })
    ));
    drop(first);
    Archive::open(folder.path()).unwrap();
}
