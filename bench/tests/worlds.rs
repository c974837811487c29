//! Invented worlds keep the promises that every peer relies on, and the engine's two ways agree on them.

use std::path::Path;

use anyhow::Result;
use bench::flat::{self, FlatRow, WorldFacts};
use bench::{Checksum, PotRows, Shape, invent};
use taint::{Detail, Label, PotLedger, Question, RuleName, Seeds};

const ROWS: u64 = 20_000;

fn world(folder: &Path, shape: Shape, seed: u64) -> Result<(WorldFacts, Vec<FlatRow>)> {
    let facts = invent(folder, shape, seed, ROWS)?;
    let mut rows = Vec::new();
    flat::read_rows(folder, |row| {
        rows.push(*row);
        Ok(())
    })?;
    Ok((facts, rows))
}

#[test]
fn every_peer_may_rely_on_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    for (shape, seed) in [(Shape::Known, 1), (Shape::Hubs, 2)] {
        let (facts, rows) = world(folder.path(), shape, seed).unwrap();
        let pots = flat::read_pots(folder.path()).unwrap();
        assert_eq!((rows.len() as u64, pots.len() as u64), (ROWS, facts.pots));
        let mut seen = 0;
        for row in &rows {
            assert!((1..1 << 62).contains(&row.amount) && row.from != row.to);
            let to = pots[row.to as usize];
            if row.from != taint::NO_POT {
                assert_eq!(pots[row.from as usize].asset, to.asset);
            }
            // Pots are numbered as they first appear.
            for pot in [row.from, row.to].into_iter().filter(|pot| *pot != taint::NO_POT) {
                assert!(pot <= seen, "{row:?}");
                seen = seen.max(pot + 1);
            }
        }
        assert_eq!(facts.thefts.len(), 6);
        for theft in &facts.thefts {
            let thief = pots[rows[*theft as usize].to as usize].place;
            assert!(!facts.stops.contains(&thief));
        }
        assert_eq!(facts.stops.is_empty(), shape == Shape::Hubs);
    }
}

#[test]
fn a_seed_decides_every_byte() {
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    for (folder, seed) in folders.iter().zip([7, 7, 8]) {
        world(folder.path(), Shape::Known, seed).unwrap();
    }
    for name in ["rows.bin", "pots.bin", "world.json"] {
        let [a, b, c] =
            [0, 1, 2].map(|at: usize| std::fs::read(folders[at].path().join(name)).unwrap());
        assert!(a == b && a != c, "{name}");
    }
}

#[test]
fn ledgers_and_replay_agree_under_every_rule() {
    let folder = tempfile::tempdir().unwrap();
    let (facts, _) = world(folder.path(), Shape::Hubs, 3).unwrap();
    let mut ledger = PotRows::read(folder.path(), &facts).unwrap();
    ledger.make_ledgers();
    let seeds = Seeds::new(facts.thefts.iter().map(|row| (*row, Label(0))).collect(), Vec::new());
    let question = Question {
        ledger: &ledger,
        stops: &ledger,
        seeds: &seeds,
        until: ledger.rows(),
        max_hops: None,
        service_degree: 0,
        detail: Detail::Hops,
    };
    for rule in RuleName::ALL {
        let replayed = Checksum::of(&taint::replay(question, rule, &[]).unwrap(), Label(0));
        let traced = Checksum::of(&taint::trace(question, rule, &[]).unwrap(), Label(0));
        assert_eq!(replayed, traced, "{rule:?}");
        assert!(replayed.pots > 100, "{rule:?}: the thefts must lead somewhere");
    }
}
