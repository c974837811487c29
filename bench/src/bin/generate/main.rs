//! `generate FOLDER --rows N`: writes an invented chain for the engine and its peers.
#![allow(clippy::print_stdout)] // A program of its own: what it made is its output.

mod transfers_file;

use std::path::PathBuf;

use anyhow::Result;
use bench::Shape;
use clap::Parser;

#[derive(Parser)]
struct Wanted {
    folder: PathBuf,
    /// How many transfers.
    #[arg(long)]
    rows: u64,
    #[arg(long, value_enum, default_value = "known")]
    shape: Shape,
    /// Of the random numbers: the same seed makes the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also the Parquet file that `dyepack import` reads.
    #[arg(long)]
    parquet: bool,
}

fn main() -> Result<()> {
    let wanted = Wanted::parse();
    let facts = bench::invent(&wanted.folder, wanted.shape, wanted.seed, wanted.rows)?;
    if wanted.parquet {
        transfers_file::write_transfers(&wanted.folder)?;
    }
    println!("{}", serde_json::to_string(&facts)?);
    Ok(())
}
