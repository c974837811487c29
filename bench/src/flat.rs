//! The flat form of an invented chain: what the engine and all its peers read.
//!
//! A folder holds `rows.bin` (16 bytes a transfer, little-endian: amount u64, sending pot u32,
//! receiving pot u32; `0xffffffff` for no sender), `pots.bin` (8 bytes a pot: place u32, asset u32) and
//! `world.json`. The time of a transfer is its number. Amounts are below 2^62, so they are exact in a
//! signed 64-bit column; no transfer moves nothing and none goes to its own pot, so no peer has to ask.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

/// One transfer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct FlatRow {
    pub amount: u64,
    /// [`taint::NO_POT`] for new value.
    pub from: u32,
    pub to: u32,
}

/// One pot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct FlatPot {
    pub place: u32,
    pub asset: u32,
}

/// What the two tables do not say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorldFacts {
    pub shape: String,
    /// Of the random numbers.
    pub seed: u64,
    pub rows: u64,
    pub pots: u64,
    pub places: u64,
    /// The transfers that took the money, ascending.
    pub thefts: Vec<u64>,
    /// Places at which value is not followed further, ascending.
    pub stops: Vec<u32>,
}

/// Writes the transfers of a world as they are invented.
pub struct RowsFile {
    file: BufWriter<File>,
}

impl RowsFile {
    pub fn create(folder: &Path) -> Result<RowsFile> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let path = folder.join("rows.bin");
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        Ok(RowsFile { file: BufWriter::with_capacity(1 << 20, file) })
    }

    pub fn push(&mut self, row: &FlatRow) -> Result<()> {
        Ok(self.file.write_all(bytemuck::bytes_of(row))?)
    }

    /// Writes the rest of the folder. `world.json` comes last: with it the folder is whole.
    pub fn finish(mut self, folder: &Path, pots: &[FlatPot], facts: &WorldFacts) -> Result<()> {
        self.file.flush()?;
        fs::write(folder.join("pots.bin"), bytemuck::cast_slice(pots))?;
        fs::write(folder.join("world.json"), serde_json::to_vec_pretty(facts)?)?;
        Ok(())
    }
}

pub fn read_facts(folder: &Path) -> Result<WorldFacts> {
    let path = folder.join("world.json");
    let bytes = fs::read(&path).with_context(|| format!("{}: run `generate`", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| path.display().to_string())
}

pub fn read_pots(folder: &Path) -> Result<Vec<FlatPot>> {
    let bytes = fs::read(folder.join("pots.bin"))?;
    ensure!(bytes.len().is_multiple_of(size_of::<FlatPot>()), "pots.bin is cut off");
    Ok(bytemuck::allocation::pod_collect_to_vec(&bytes))
}

/// Gives every transfer to `each`, in order.
pub fn read_rows(folder: &Path, mut each: impl FnMut(&FlatRow) -> Result<()>) -> Result<()> {
    let path = folder.join("rows.bin");
    let mut file = File::open(&path).with_context(|| path.display().to_string())?;
    let mut chunk = vec![FlatRow::zeroed(); 1 << 16];
    let mut left = usize::try_from(file.metadata()?.len())? / size_of::<FlatRow>();
    while left > 0 {
        let count = left.min(chunk.len());
        file.read_exact(bytemuck::cast_slice_mut(&mut chunk[..count]))?;
        chunk[..count].iter().try_for_each(&mut each)?;
        left -= count;
    }
    Ok(())
}
