//! The flat form of a laundered chain, which the ranking peers read: `rows.bin` and `world.json`. The
//! truth is in another file, `truth.json`, which no method reads.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use bytemuck::{Pod, Zeroable};
use serde::Serialize;

use super::{Laundered, VALUE_OF_UNIT};

/// One transfer: 32 bytes, little-endian. Its time is its number. `from` is [`super::NOBODY`] for new
/// value; a swap goes from a place to itself, in another asset.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct LaunderedRow {
    pub amount: u64,
    /// Equal to `amount` unless it is a swap.
    pub amount_to: u64,
    pub from: u32,
    pub to: u32,
    pub asset: u32,
    pub asset_to: u32,
}

/// What everybody who traces may know.
#[derive(Clone, Debug, Serialize)]
pub struct LaunderedFacts {
    pub seed: u64,
    pub places: u32,
    pub theft: u64,
    pub thief: u32,
    pub pool: u32,
    /// Labelled services.
    pub labelled: Vec<u32>,
    /// Places that have met very many others, with the row at which they did, and how many is very many.
    pub suspected: Vec<(u32, u64)>,
    pub degree: u32,
    pub value_of_unit: Vec<u64>,
}

impl Laundered {
    /// Writes the folder.
    pub fn write(&self, folder: &Path, facts: &LaunderedFacts) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        fs::write(folder.join("rows.bin"), bytemuck::cast_slice(&self.rows))?;
        fs::write(folder.join("world.json"), serde_json::to_vec(facts)?)?;
        let truth: Vec<(u32, usize, u64)> =
            self.truth.iter().map(|((place, asset), units)| (*place, *asset, *units)).collect();
        let value = |(_, asset, units): &(u32, usize, u64)| units * VALUE_OF_UNIT[*asset];
        let asked: u64 = truth.iter().map(value).sum();
        let passed: Vec<(u32, u64)> = self.passed.iter().map(|(at, value)| (*at, *value)).collect();
        let truth = serde_json::json!({ "asked": asked, "spent": self.spent, "now": truth, "passed": passed });
        fs::write(folder.join("truth.json"), serde_json::to_vec(&truth)?)?;
        Ok(())
    }
}
