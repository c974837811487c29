//! Figures at scale, run by hand:
//! `DYEPACK_ROWS=5000000 cargo test --release -p archive --test timing -- --ignored --nocapture`
#![allow(clippy::float_arithmetic)] // figures for a person, no amounts
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod support;

use std::time::Instant;

use archive::{Archive, Entry};
use ledger::{Amount, Asset, Chain, Kind, Place, Position, Transfer};
use support::{Dice, account, batch, transfer, tx};

const BATCH: u64 = 2_000_000;

/// A chain like TRON: 2 transfers a transaction, hubs and a long tail, a token and fees.
fn synthetic(dice: &mut Dice, n: u64, places: u64, token: Asset) -> Transfer {
    let (height, in_block) = (50_000_000 + n / 200, n % 200);
    let pick = |dice: &mut Dice| {
        let roll = dice.below(places * places);
        if roll.is_multiple_of(5) { roll % 100 } else { roll.isqrt() }
    };
    let (from, to) = (pick(dice), pick(dice));
    let position = Position::full(height, (in_block / 2) as u32, (in_block % 2) as u32);
    let mut made = transfer(Chain::TRON, position, 1_600_000_000 + (n / 200) as u32 * 3, from, to);
    made.tx = Some(tx(n / 2));
    made.amount = Amount::new(u128::from(dice.below(1 << 36)));
    if !n.is_multiple_of(2) {
        (made.to, made.kind) = (Place::Fee, Kind::Fee);
    } else if n.is_multiple_of(4) {
        (made.asset, made.kind) = (token, Kind::Token);
    }
    made
}

fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0) / 1024
}

fn size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() { size(&entry.path()) } else { meta.len() }
        })
        .sum()
}

#[test]
#[ignore = "minutes; figures for a person"]
fn figures() {
    let rows: u64 = std::env::var("DYEPACK_ROWS").map_or(5_000_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir_in(std::env::var("HOME").unwrap()).unwrap();
    let mut dice = Dice(7);
    let token = Asset::Token(account(Chain::TRON, 1 << 40).account().unwrap());
    let mut archive = Archive::open(folder.path()).unwrap();
    let mut seconds = 0.0;
    let mut last = None;
    for first in (0..rows).step_by(BATCH as usize) {
        let entries: Vec<Entry> = (first..rows.min(first + BATCH))
            .map(|n| Entry {
                transfer: synthetic(&mut dice, n, rows / 5, token),
                row: n,
                occurrence: 0,
            })
            .collect();
        let batch = batch("synthetic", entries);
        let start = Instant::now();
        archive.append(&batch).unwrap();
        seconds += start.elapsed().as_secs_f64();
        last = Some(batch);
    }
    println!("append {rows} rows: {seconds:.1} s, peak {} MiB", status("VmHWM"));
    let start = Instant::now();
    let again = archive.append(&last.unwrap()).unwrap();
    println!("last batch again: {:.1} s, {} already", start.elapsed().as_secs_f64(), again.already);
    let data = size(folder.path());
    println!("parquet: {:.1} bytes a transfer", data as f64 / rows as f64);
    let start = Instant::now();
    let read = archive.transfers().unwrap().filter(|row| row.is_ok()).count();
    assert_eq!(read as u64, rows);
    println!("transfers(): {read} in {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let index = archive.index().unwrap();
    println!("index: {:.1} s, peak {} MiB", start.elapsed().as_secs_f64(), status("VmHWM"));
    let all = size(folder.path());
    println!("index: {:.1} bytes a transfer", (all - data) as f64 / rows as f64);
    println!("{} places, {} pots", index.place_count(), index.pot_count());
    let start = Instant::now();
    let sum = (0..index.rows()).fold(0u128, |sum, row| sum.wrapping_add(index.row(row).amount));
    println!("row(): {:.1} ns each ({sum})", start.elapsed().as_secs_f64() * 1e9 / rows as f64);
}
