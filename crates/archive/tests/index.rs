//! The index against naive recomputation, and the same bytes however the batches were cut.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use archive::{Archive, Entry, Index};
use ledger::{Amount, Asset, Chain, Place, Position, Time, Transfer};
use proptest::prelude::*;
use support::*;

type Pot = (Chain, Place, Asset);

/// Balance after each row that moves it, of every pot.
fn naive_ledgers(transfers: &[Transfer]) -> HashMap<Pot, Vec<(u32, u128)>> {
    let mut ledgers: HashMap<Pot, Vec<(u32, u128)>> = HashMap::new();
    for (row, t) in transfers.iter().enumerate() {
        let (asset_to, amount_to) = match t.conversion {
            Some(into) => (into.asset, into.amount.base_units()),
            None => (t.asset, t.amount.base_units()),
        };
        let amount = t.amount.base_units();
        let from = (t.chain, t.from, t.asset);
        let to = (t.chain, t.to, asset_to);
        if from == to || (amount == 0 && amount_to == 0) {
            continue;
        }
        let mut change = |pot: Pot, change: &dyn Fn(u128) -> u128| {
            let ledger = ledgers.entry(pot).or_default();
            let balance = ledger.last().map_or(0, |(_, balance)| *balance);
            ledger.push((row as u32, change(balance)));
        };
        if t.from != Place::Mint {
            change(from, &|balance| balance.saturating_sub(amount));
        }
        change(to, &|balance| balance + amount_to);
    }
    ledgers
}

fn check_against_naive(archive: &Archive) {
    let index = archive.index().unwrap();
    let all = recorded(archive);
    assert_eq!(index.rows(), all.len() as u64);
    for (row, expected) in all.iter().enumerate() {
        assert_eq!(index.transfer(row as u64).unwrap(), *expected, "row {row}");
    }
    let transfers: Vec<Transfer> = all.iter().map(|r| r.transfer).collect();
    check_pots(&index, &naive_ledgers(&transfers));
    check_places(&index, &transfers);
    check_times(&index);
}

fn check_pots(index: &Index, naive: &HashMap<Pot, Vec<(u32, u128)>>) {
    let empty = Vec::new();
    for pot in 0..index.pot_count() {
        let (place, asset) = index.pot(pot).unwrap();
        let record = index.place(place).unwrap();
        let (chain, asset) = index.asset(asset).unwrap();
        assert_eq!(chain, record.chain);
        let expected = naive.get(&(chain, record.place, asset)).unwrap_or(&empty);
        for from_row in 0..=index.rows() {
            let ledger = index.ledger(pot, from_row);
            let before = expected.partition_point(|(row, _)| u64::from(*row) < from_row);
            let rows = expected[before..].iter().map(|(row, _)| u64::from(*row));
            assert!(ledger.rows.eq(rows), "pot {pot} from row {from_row}");
            let balance = before.checked_sub(1).map_or(0, |last| expected[last].1);
            assert_eq!(ledger.balance, balance, "pot {pot} from row {from_row}");
        }
    }
    assert!(naive.len() <= index.pot_count() as usize);
    assert_eq!(index.pot(index.pot_count()), None);
    assert_eq!(index.ledger(index.pot_count(), 0).rows.next(), None);
    assert_eq!(index.ledger(u32::MAX, 0).rows.next(), None);
}

fn check_places(index: &Index, transfers: &[Transfer]) {
    let mut owned: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for t in transfers {
        for (place, owner) in [(t.from, t.from_owner), (t.to, t.to_owner)] {
            if place == Place::Mint {
                assert_eq!(index.find_place(t.chain, &place), None);
                continue;
            }
            let number = index.find_place(t.chain, &place).unwrap();
            // Numbered in order of first appearance.
            if seen.insert(number) {
                assert_eq!(number as usize, seen.len() - 1);
            }
            let record = index.place(number).unwrap();
            assert_eq!((record.chain, record.place), (t.chain, place));
            if let Some(address) = place.account() {
                owned.entry((t.chain, address)).or_default().insert(number);
            }
            if owner.is_some() {
                owned.entry((t.chain, record.owner.unwrap())).or_default().insert(number);
            }
            let pots = index.pots_of(number);
            assert!(!pots.is_empty());
            assert!(pots.iter().all(|pot| index.pot(*pot).unwrap().0 == number));
        }
        assert!(index.find_asset(t.chain, &t.asset).is_some());
    }
    assert_eq!(index.place_count() as usize, seen.len());
    for ((chain, address), places) in owned {
        assert_eq!(index.places_owned_by(chain, &address), places.into_iter().collect::<Vec<_>>());
    }
    assert_eq!(index.find_place(Chain::TRON, &account(Chain::TRON, 77_777)), None);
    assert!(index.pots_of(u32::MAX).is_empty());
}

fn check_times(index: &Index) {
    let times: Vec<Time> = (0..index.rows()).map(|row| index.merge_time(row)).collect();
    assert!(times.is_sorted());
    for time in times.iter().flat_map(|t| [t.seconds() - 1, t.seconds(), t.seconds() + 1]) {
        let time = Time::from_seconds(time);
        assert_eq!(index.first_row_at(time) as usize, times.partition_point(|at| *at < time));
    }
}

/// Name and bytes of every segment of the index.
fn index_bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder.join("index")).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<(String, Vec<u8>)> = files
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    let stamps = files.iter().filter(|(name, _)| name.ends_with(".json")).count();
    assert_eq!(stamps, 1, "old indexes are removed");
    files.retain(|(name, _)| name.ends_with(".segment"));
    files.sort();
    files
}

#[test]
fn random_worlds_match_the_naive_ledgers() {
    for (seed, count) in [(1, 60), (2, 500), (3, 900)] {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &batch("a", numbered(&random_world(seed, count))));
        check_against_naive(&Archive::read(folder.path()).unwrap());
    }
}

#[test]
fn ledgers_cross_the_stored_balances() {
    // One pair of accounts, so that their ledgers hold hundreds of rows, at every length near 128.
    for count in [1, 127, 128, 129, 255, 256, 257, 500] {
        let mut dice = Dice(count);
        let rows: Vec<Transfer> = (0..count)
            .map(|n| {
                let (from, to) = if dice.below(2) == 0 { (1, 2) } else { (2, 1) };
                let position = Position::full(n, 0, 0);
                let made = transfer(Chain::TRON, position, 100 + n as u32, from, to);
                Transfer { amount: Amount::new(u128::from(dice.below(9))), ..made }
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &batch("a", numbered(&rows)));
        check_against_naive(&Archive::read(folder.path()).unwrap());
    }
}

#[test]
fn rows_without_positions_and_contradicting_owners_come_back() {
    let mut rows = random_world(5, 90);
    let owner = |n: u64| account(Chain::BITCOIN, n).account();
    for (n, row) in rows.iter_mut().enumerate() {
        match n % 5 {
            0 => row.position = Position::UNKNOWN,
            1 => row.position.tx_index = None,
            2 if row.chain == Chain::BITCOIN => row.to_owner = owner(n as u64),
            _ => {}
        }
        if n % 11 == 0 {
            row.tx = None;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("a", numbered(&rows)));
    let archive = Archive::read(folder.path()).unwrap();
    let index = archive.index().unwrap();
    for (row, expected) in recorded(&archive).iter().enumerate() {
        assert_eq!(index.transfer(row as u64).unwrap(), *expected);
    }
}

#[test]
fn a_balance_beyond_128_bits_marks_its_asset() {
    let at = |height, from: u64, amount| Transfer {
        amount: Amount::new(amount),
        ..transfer(Chain::TRON, Position::full(height, 0, 0), height as u32, from, 9)
    };
    let folder = tempfile::tempdir().unwrap();
    let rows = [at(1, 1, u128::MAX), at(2, 2, 0), at(3, 2, 1), at(4, 3, 5)];
    append(folder.path(), &batch("a", numbered(&rows)));
    let index = Archive::read(folder.path()).unwrap().index().unwrap();
    assert_eq!(index.overflowing_assets(), [(0, 2)]);
    let pot = index.pots_of(index.find_place(Chain::TRON, &account(Chain::TRON, 9)).unwrap())[0];
    let ledger = index.ledger(pot, 4);
    assert_eq!((ledger.balance, ledger.rows.count()), (u128::MAX, 0));
    assert!(index.ledger(pot, 0).rows.eq([0, 2, 3]));
}

#[test]
fn the_index_is_rebuilt_to_the_same_bytes_and_when_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("a", numbered(&random_world(8, 200))));
    let archive = Archive::read(folder.path()).unwrap();
    archive.index().unwrap();
    let first = index_bytes(folder.path());
    let stamp = archive.digest();
    archive.rebuild_index(&|_| {}).unwrap();
    assert_eq!(index_bytes(folder.path()), first);
    let rows = folder.path().join("index").join(&first[0].0);
    let mut bytes = std::fs::read(&rows).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&rows, &bytes).unwrap();
    let problems = archive.check();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, rows);
    std::fs::write(&rows, &bytes[..50]).unwrap();
    archive.index().unwrap();
    assert_eq!(index_bytes(folder.path()), first);
    assert!(archive.check().is_empty());
    assert_eq!(archive.digest(), stamp);
}

#[test]
fn many_segments_are_one_index() {
    for (seed, count, unit, memory) in [(11, 130, 1, 2 << 30), (12, 400, 7, 0), (13, 700, 64, 0)] {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &batch("a", numbered(&random_world(seed, count))));
        let mut archive = Archive::read(folder.path()).unwrap();
        archive.set_segment_unit(unit);
        // Without memory names leave it after every segment.
        archive.limit_memory(memory);
        check_against_naive(&archive);
        assert!(index_bytes(folder.path()).len() > 1);
    }
}

#[test]
fn an_account_of_many_assets_has_a_pot_of_each() {
    let token = |n: u64| Asset::Token(account(Chain::TRON, 5000 + n).account().unwrap());
    let mut dice = Dice(3);
    let rows: Vec<Transfer> = (0..300)
        .map(|n| {
            let to = if dice.below(3) == 0 { 2 } else { 3 + dice.below(4) };
            let made = transfer(Chain::TRON, Position::full(n, 0, 0), 100 + n as u32, 1, to);
            Transfer { asset: token(dice.below(30)), ..made }
        })
        .collect();
    for unit in [1000, 16] {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &batch("a", numbered(&rows)));
        let mut archive = Archive::open(folder.path()).unwrap();
        archive.set_segment_unit(unit);
        check_against_naive(&archive);
        let index = archive.index().unwrap();
        let pots = index.pots_of(index.find_place(Chain::TRON, &account(Chain::TRON, 1)).unwrap());
        assert_eq!(pots.len(), 30);
    }
}

/// A name was looked for in what had left memory, and was in none; then another column numbered it, it left
/// memory too, and the first column numbered it once more.
#[test]
fn a_name_that_left_memory_later_is_not_numbered_twice() {
    let mut dice = Dice(1);
    let rows: Vec<Transfer> = (0..2500)
        .map(|n| {
            let (from, to) = (dice.below(1200), dice.below(1200));
            transfer(Chain::TRON, Position::full(n, 0, 0), 100 + n as u32, from, to)
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &batch("a", numbered(&rows)));
    let mut archive = Archive::open(folder.path()).unwrap();
    // Nine segments of 256 rows, and some smaller ones.
    archive.set_segment_unit(1);
    archive.index().unwrap();
    let whole = all_index_bytes(folder.path());
    assert!(whole.len() > 20);
    archive.limit_memory(0);
    archive.rebuild_index(&|_| {}).unwrap();
    assert!(all_index_bytes(folder.path()) == whole, "names that leave memory change the index");
}

/// All files of the index but the stamp.
fn all_index_bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut names = index_names(folder);
    names.retain(|name| !name.ends_with(".json"));
    names.sort();
    let read =
        |name: String| (name.clone(), std::fs::read(folder.join("index").join(name)).unwrap());
    names.into_iter().map(read).collect()
}

/// Grows an archive by batches, with an index after each, and compares it with one made anew.
fn check_growth(batches: Vec<Vec<Entry>>, unit: u64, in_order: bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = 0;
    for (number, entries) in batches.into_iter().enumerate() {
        append(folder.path(), &batch(&format!("{}", number / 3), entries));
        let mut archive = Archive::open(folder.path()).unwrap();
        archive.set_segment_unit(unit);
        let before = index_names(folder.path());
        check_against_naive(&archive);
        let grown = all_index_bytes(folder.path());
        kept += index_names(folder.path()).iter().filter(|name| before.contains(name)).count();
        archive.rebuild_index(&|_| {}).unwrap();
        assert_eq!(all_index_bytes(folder.path()), grown, "after batch {number}");
    }
    assert!(kept > 0 || !in_order, "no segment was ever kept");
}

fn index_names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("index")).into_iter().flatten();
    files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_chain_that_grows_at_its_head_keeps_its_segments() {
    let row = |n: u64| transfer(Chain::TRON, Position::full(n, 0, 0), 100 + n as u32, n % 5, n % 7);
    let rows: Vec<Transfer> = (0..90).map(row).collect();
    check_growth(numbered(&rows).chunks(7).map(<[_]>::to_vec).collect(), 4, true);
}

/// A segment ended in the middle of a block, and a row without its transaction's index stands by a row that
/// was read before: whoever went on there put it elsewhere.
#[test]
fn an_index_does_not_go_on_inside_a_block_that_is_placed_by_transaction() {
    let at = |height, tx_index, index, transaction| {
        let position = Position { height: Some(height), tx_index, index: Some(index) };
        let made = transfer(Chain::TRON, position, 100 + height as u32, u64::from(index) + 1, 9);
        Transfer { tx: Some(tx(transaction)), ..made }
    };
    let before = [at(1, Some(0), 0, 1), at(1, Some(1), 0, 5), at(1, Some(2), 0, 6)];
    let block = [at(2, Some(0), 0, 2), at(2, Some(1), 1, 3), at(2, None, 2, 2)];
    // Four rows, of which the last is the block's first, are a segment before and after the last row comes.
    let rows = [before, block].concat();
    check_growth(vec![numbered(&rows), numbered(&[at(3, Some(0), 0, 4)])], 4, false);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    /// Batches in order, as at the head of a chain, and in any other: what is kept of the index is what
    /// a new one would have.
    #[test]
    fn a_grown_index_is_that_made_anew(
        seed in 0u64..1000,
        count in 60u32..160,
        unit in prop::sample::select(vec![3u64, 8, 20]),
        shuffled in any::<bool>(),
        unplaced in any::<bool>(),
    ) {
        let mut rows = random_world(seed, count);
        let mut dice = Dice(seed ^ 0x51);
        if unplaced {
            for row in &mut rows {
                match dice.below(6) {
                    0 => row.position = Position::UNKNOWN,
                    1 => row.position.tx_index = None,
                    _ => {}
                }
            }
        }
        rows.sort_by_key(|row| (row.time, row.position.height));
        let mut batches: Vec<Vec<Entry>> = numbered(&rows).chunks(13).map(<[_]>::to_vec).collect();
        if shuffled {
            for n in (1..batches.len()).rev() {
                batches.swap(n, dice.below(n as u64 + 1) as usize);
            }
        }
        check_growth(batches, unit, false);
    }

    /// Full positions: neither the cut nor the order of the batches shows, not even in the bytes.
    #[test]
    fn cuts_and_order_of_batches_do_not_show(
        seed in 0u64..1000,
        count in 1u32..150,
        cuts in prop::collection::vec(0usize..150, 0..6),
        turn in 0usize..6,
        repeat in 0usize..6,
    ) {
        let rows = random_world(seed, count);
        let entries = numbered(&rows);
        let whole = tempfile::tempdir().unwrap();
        append(whole.path(), &batch("a", entries.clone()));
        let one = Archive::read(whole.path()).unwrap();

        let mut shuffled = entries;
        let mut dice = Dice(seed ^ 0xabc);
        for n in (1..shuffled.len()).rev() {
            shuffled.swap(n, dice.below(n as u64 + 1) as usize);
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(shuffled.len())).collect();
        cuts.extend([0, shuffled.len()]);
        cuts.sort_unstable();
        let mut pieces: Vec<Vec<Entry>> =
            cuts.windows(2).map(|pair| shuffled[pair[0]..pair[1]].to_vec()).collect();
        let turns = turn % pieces.len();
        pieces.rotate_left(turns);
        pieces.push(pieces[repeat % pieces.len()].clone());
        let cut = tempfile::tempdir().unwrap();
        let added: u64 =
            pieces.into_iter().map(|piece| append(cut.path(), &batch("a", piece)).transfers).sum();
        prop_assert_eq!(added, rows.len() as u64);
        let many = Archive::read(cut.path()).unwrap();

        prop_assert_eq!(recorded(&one), recorded(&many));
        one.index().unwrap();
        many.index().unwrap();
        prop_assert_eq!(index_bytes(whole.path()), index_bytes(cut.path()));
    }
}
