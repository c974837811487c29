//! The program is killed (SIGKILL) again and again while it imports: the archive opens each time, has lost nothing
//! that was there, and in the end a trace has the digest of one that nobody disturbed.
//!
//! `DYEPACK_KILLS` says how often (8 where it is not set).
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::time::Duration;

use ledger::{Kind, Place, Transfer};
use support::{Room, transfers_csv};
use testkit::{Dice, random_ledger};

const FILES: usize = 10;

/// Writes the files to import and a case to trace.
fn furnish(room: &Room, transfers: &[Transfer]) {
    for (number, rows) in transfers.chunks(transfers.len().div_ceil(FILES)).enumerate() {
        room.write(&format!("in/{number:02}.csv"), transfers_csv(rows));
    }
    let is_theft = |t: &&Transfer| {
        t.kind != Kind::Fee
            && !t.amount.is_zero()
            && t.from != t.to
            && matches!((t.from, t.to), (Place::Account(_), Place::Account(_)))
    };
    let stolen = transfers.iter().filter(is_theft).nth(5).unwrap();
    let tx = stolen.tx.unwrap().text(stolen.chain);
    let (chain, to) = (stolen.chain, stolen.to.text(stolen.chain));
    let asset = stolen.asset.text(chain);
    let case = format!(
        "schema = \"dyepack.case/1\"\nid = \"killed\"\ntitle = \"Killed\"\n\n[[theft]]\n\
         chain = \"{chain}\"\nto = \"{to}\"\nasset = \"{asset}\"\ntx = \"{tx}\"\n"
    );
    room.write("case.toml", case);
}

/// Transfers and damage, as `doctor` says; `None` where there is no archive yet.
fn transfers_in(room: &Room, when: &str) -> Option<u64> {
    let run = room.run(&["doctor", "--json"]);
    if run.code == 3 {
        return None;
    }
    let found = run.json();
    assert_eq!((run.code, &found["problems"]), (0, &serde_json::json!([])), "{when}: {found}");
    let chains = found["chains"].as_array().unwrap();
    Some(chains.iter().map(|chain| chain["transfers"].as_u64().unwrap()).sum())
}

#[test]
fn a_killed_import_loses_nothing_and_ends_at_the_same_digest() {
    let kills: u64 = std::env::var("DYEPACK_KILLS").map_or(8, |kills| kills.parse().unwrap());
    let ledger = random_ledger(9, 6_000, false);
    let (calm, room) = (Room::new(), Room::new());
    let mut dice = Dice::new(kills);
    for room in [&calm, &room] {
        furnish(room, &ledger.transfers);
    }
    calm.run(&["import", "in", "--quiet"]).expect(0);
    let expected = calm.json(&["trace", "case.toml"], 0)["digest"].clone();
    let mut before = 0;
    for kill in 0..kills {
        let mut child = room.command(&["import", "in", "--quiet"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(5 + dice.below(400)));
        child.kill().unwrap();
        child.wait().unwrap();
        let there = transfers_in(&room, &format!("kill {kill}")).unwrap_or(0);
        assert!(there >= before, "kill {kill}: {there} transfers of {before}");
        before = there;
        if there == ledger.transfers.len() as u64 {
            // All of it is there: from the beginning once more.
            std::fs::remove_dir_all(room.path("archive")).unwrap();
            before = 0;
        }
    }
    room.run(&["import", "in", "--quiet"]).expect(0);
    assert_eq!(room.json(&["trace", "case.toml"], 0)["digest"], expected);
    assert_eq!(room.json(&["trace", "case.toml", "--full-replay"], 0)["digest"], expected);
    room.run(&["doctor", "--rebuild-index", "--quiet"]).expect(0);
    assert_eq!(room.json(&["trace", "case.toml"], 0)["digest"], expected);
}

/// Every file of an archive, a byte here and there: doctor names the file and exits 5.
#[test]
fn a_flipped_byte_anywhere_is_found_and_named() {
    let room = Room::new();
    furnish(&room, &random_ledger(3, 300, false).transfers);
    let broken = support::HEADER.to_string() + "tron,1,x,0,5,,native,,,TRX,1,,,,\n";
    room.write("in/broken.csv", broken);
    room.run(&["import", "in", "--quiet"]).expect(4);
    room.run(&["case", "add", "case.toml", "--quiet"]).expect(0);
    room.run(&["doctor", "--quiet"]).expect(0);
    let mut dice = Dice::new(1);
    let mut files = Vec::new();
    let mut folders = vec![room.path("archive")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|path| std::fs::metadata(path).unwrap().len() > 0);
    assert!(files.len() >= 6, "{files:?}");
    for path in files {
        let whole = std::fs::read(&path).unwrap();
        let offsets = [0, whole.len() - 1, whole.len() / 2];
        let more: Vec<usize> = (0..3).map(|_| dice.below(whole.len() as u64) as usize).collect();
        for at in offsets.into_iter().chain(more) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << dice.below(8);
            std::fs::write(&path, &bytes).unwrap();
            let run = room.run(&["doctor"]);
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let said = run.stdout.clone() + &run.stderr;
            assert_eq!(run.code, 5, "{name} at {at}: {said}");
            assert!(said.contains(&name), "{name} at {at}: {said}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
    room.run(&["doctor", "--quiet"]).expect(0);
}
