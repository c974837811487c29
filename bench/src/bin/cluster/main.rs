//! `cluster FOLDER --transactions N`: co-spend clusters of invented transactions, under the clock.
//!
//! The transactions are invented and written for the peer before the clock starts; the table, joining and
//! the names of all addresses are inside.
#![allow(clippy::print_stdout)] // A program of its own: the measurement is its output.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use bench::{Spenders, Spends, spends};
use cases::cluster::{CoSpend, Inputs};
use clap::Parser;
use serde::Serialize;
use sha2::{Digest, Sha256};

#[derive(Parser)]
struct Wanted {
    folder: PathBuf,
    #[arg(long)]
    transactions: u64,
    #[arg(long, value_enum, default_value = "wallets")]
    spenders: Spenders,
    /// Of the random numbers: the same seed makes the same transactions.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often; the fastest counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[derive(Serialize)]
struct Measured {
    transactions: u64,
    inputs: u64,
    /// Addresses, nobody (0) not counted.
    addresses: u64,
    clusters: u64,
    /// Addresses in the largest cluster.
    largest: u64,
    nanos: Vec<u64>,
    /// SHA-256 over each address's cluster, named by its smallest address: 4 bytes each, little-endian.
    partition: String,
}

fn main() -> Result<()> {
    let wanted = Wanted::parse();
    let spends = spends(wanted.spenders, wanted.seed, wanted.transactions)?;
    spends.write(&wanted.folder)?;
    let inputs = Inputs { offsets: &spends.offsets, addresses: &spends.addresses, skip: &[] };
    let (mut nanos, mut names) = (Vec::new(), None::<CoSpend>);
    for _ in 0..wanted.rounds {
        // The last round's table goes first, so that its memory can be had again, as the peer's can.
        drop(names.take());
        let clock = Instant::now();
        let mut clusters = CoSpend::new(spends.count)?;
        clusters.join(inputs)?;
        clusters.names();
        nanos.push(u64::try_from(clock.elapsed().as_nanos())?);
        names = Some(clusters);
    }
    let mut clusters = names.context("at least one round")?;
    println!("{}", serde_json::to_string(&measured(clusters.names(), &spends, nanos))?);
    Ok(())
}

fn measured(names: &[u32], spends: &Spends, nanos: Vec<u64>) -> Measured {
    let mut sizes = vec![0u64; names.len()];
    for name in &names[1..] {
        sizes[*name as usize] += 1;
    }
    Measured {
        transactions: spends.offsets.len() as u64 - 1,
        inputs: spends.addresses.len() as u64,
        addresses: names.len() as u64 - 1,
        clusters: sizes.iter().filter(|size| **size > 0).count() as u64,
        largest: sizes.iter().copied().max().unwrap_or(0),
        nanos,
        partition: hex::encode(Sha256::digest(bytemuck::cast_slice::<u32, u8>(names))),
    }
}
