//! Tables of transfers: whatever they meet, they end where their rows one by one would.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::path::Path;

use archive::{Archive, Batch, Entry};
use ledger::{Chain, Table, TableRow, Transfer};
use proptest::prelude::*;
use support::*;

/// The rows as a table, if they are of a kind that a table can hold.
fn table(rows: &[Transfer]) -> Table {
    let (places, assets, rows_made) = (Vec::new(), Vec::new(), Vec::new());
    let mut table = Table { chain: Chain::TRON, places, assets, rows: rows_made };
    let place = |table: &mut Table, place| {
        let known = table.places.iter().position(|known| *known == place);
        known.unwrap_or_else(|| {
            table.places.push(place);
            table.places.len() - 1
        }) as u32
    };
    for t in rows {
        let asset = table.assets.iter().position(|known| *known == t.asset).unwrap_or_else(|| {
            table.assets.push(t.asset);
            table.assets.len() - 1
        });
        let (from, to) = (place(&mut table, t.from), place(&mut table, t.to));
        table.rows.push(TableRow {
            height: t.position.height.unwrap(),
            tx_index: t.position.tx_index.unwrap(),
            index: t.position.index.unwrap(),
            time: t.time,
            kind: t.kind,
            tx: t.tx,
            from,
            to,
            asset: asset as u32,
            amount: t.amount,
        });
    }
    table
}

/// Name and bytes of all parts.
fn parts(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder.join("chain=tron")).into_iter().flatten();
    let mut files: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .map(|(name, bytes)| (name.rsplit('/').next().unwrap().to_string(), bytes))
        .collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Cut, shuffled, repeated and changed batches, in two archives: as tables and as entries.
    #[test]
    fn a_table_ends_where_its_rows_would(
        seed in 0u64..10_000,
        count in 20u32..120,
        size in 1usize..40,
        disorder in 0u64..4,
        named in 0usize..3,
        waiting in any::<bool>(),
    ) {
        let mut dice = Dice(seed);
        let is_plain = |t: &Transfer| t.chain == Chain::TRON && t.conversion.is_none();
        let mut rows: Vec<Transfer> = random_world(seed, count * 3).into_iter().filter(is_plain).collect();
        for at in (1..rows.len()).filter(|_| disorder > 0) {
            match dice.below(12 * disorder) {
                0 => rows.swap(at, at - 1),
                1 => rows[at].position = rows[at - 1].position,
                2 => rows[at] = rows[at - 1],
                3 => rows[at].to = ledger::Place::Mint,
                _ => {}
            }
        }
        let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut tables = Archive::open(one.path()).unwrap();
        let mut first = 0;
        for (number, chunk) in rows.chunks(size).enumerate() {
            let name = format!("{}", if named == 0 { 0 } else { number % (named + 1) });
            let entries: Vec<Entry> = numbered(chunk)
                .into_iter()
                .map(|entry| Entry { row: entry.row + first, ..entry })
                .collect();
            let more = waiting && dice.below(4) > 0;
            let as_table =
                Batch { table: Some((first, table(chunk))), more, ..batch(&name, vec![]) };
            let got = tables.append(&as_table).unwrap();
            prop_assert_eq!(got, append(other.path(), &batch(&name, entries)));
            first += chunk.len() as u64;
        }
        tables.append(&batch("last", vec![])).unwrap();
        append(other.path(), &batch("last", vec![]));
        if !waiting {
            let names = |folder: &Path| parts(folder).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
            prop_assert_eq!(names(one.path()), names(other.path()));
            prop_assert_eq!(parts(one.path()), parts(other.path()));
            let [one, other] = [&one, &other].map(|folder| Archive::read(folder.path()).unwrap());
            prop_assert_eq!(one.digest(), other.digest());
        }
        let [one, other] = [&one, &other].map(|folder| Archive::read(folder.path()).unwrap());
        prop_assert_eq!(recorded(&one), recorded(&other));
        prop_assert_eq!(one.imports(), other.imports());
    }
}

#[test]
fn a_last_table_that_joined_others_left_its_import_incomplete() {
    let rows: Vec<Transfer> =
        random_world(1, 40).into_iter().filter(|t| t.chain == Chain::TRON).collect();
    let rows: Vec<Transfer> = rows.into_iter().filter(|t| t.conversion.is_none()).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut archive = Archive::open(folder.path()).unwrap();
    for (number, rows) in rows[..4].chunks(2).enumerate() {
        let (more, last) = (number == 0, number == 1);
        let table = Some((number as u64 * 2, table(rows)));
        archive.append(&Batch { table, more, last, ..batch("a", vec![]) }).unwrap();
    }
    assert_eq!(parts(folder.path()).len(), 1, "they did not wait");
    assert!(archive.imports()[0].complete);
}
