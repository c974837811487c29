//! Invents transactions that spend several inputs together, for clusters: who signs is all that counts, so
//! there are no amounts and no times.
//!
//! A folder holds `offsets.bin` (where the inputs of each transaction begin, and the end) and
//! `addresses.bin` (the owner of each input), both 4 bytes a number, little-endian. Owners are numbered from
//! 1 as they first appear, as an address table would; 0 is nobody, because GraphSense keeps it so.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use testkit::Dice;

use crate::world::by_rank;

/// Inputs of each transaction.
const INPUTS: u64 = 3;

/// Who spends together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Spenders {
    /// Wallets whose activity follows a power law; each pays with old addresses of its own and new ones.
    Wallets,
    /// Anybody with anybody by a power law, numbered at random: one large cluster, many small ones, and
    /// nothing that is used together lies together. Not like a chain; the hardest case for memory.
    Scattered,
}

/// Transactions in the layout of [`cases::cluster::Inputs`].
#[derive(Debug, PartialEq, Eq)]
pub struct Spends {
    pub offsets: Vec<u32>,
    pub addresses: Vec<u32>,
    /// One more than the greatest address.
    pub count: u64,
}

/// Invents `transactions` with three inputs each.
pub fn spends(spenders: Spenders, seed: u64, transactions: u64) -> Result<Spends> {
    ensure!((1..1 << 28).contains(&transactions), "from 1 to 2^28 transactions");
    let mut dice = Dice::new(seed);
    let (addresses, count) = match spenders {
        Spenders::Wallets => wallets(&mut dice, transactions),
        Spenders::Scattered => scattered(&mut dice, transactions),
    };
    let offsets = (0..=transactions).map(|at| (at * INPUTS) as u32).collect();
    Ok(Spends { offsets, addresses, count })
}

fn wallets(dice: &mut Dice, transactions: u64) -> (Vec<u32>, u64) {
    let (mut all, mut inputs, mut next) = (Vec::<Vec<u32>>::new(), Vec::new(), 1);
    for _ in 0..transactions {
        let known = all.len() as u64;
        let wallet = if known == 0 || dice.one_in(4) { known } else { by_rank(dice, known) };
        if wallet == known {
            all.push(Vec::new());
        }
        let own = &mut all[wallet as usize];
        for _ in 0..INPUTS {
            let input = if own.is_empty() || dice.one_in(2) {
                own.push(next);
                next += 1;
                next - 1
            } else {
                *dice.pick(own)
            };
            inputs.push(input);
        }
    }
    (inputs, u64::from(next))
}

fn scattered(dice: &mut Dice, transactions: u64) -> (Vec<u32>, u64) {
    let count = 2 * transactions;
    let mut numbers: Vec<u32> = (1..=count as u32).collect();
    for at in (1..count).rev() {
        numbers.swap(at as usize, dice.below(at + 1) as usize);
    }
    let half = |dice: &mut Dice| match dice.one_in(2) {
        true => by_rank(dice, count),
        false => dice.below(count),
    };
    let inputs = (0..transactions * INPUTS).map(|_| numbers[half(dice) as usize]).collect();
    (inputs, count + 1)
}

impl Spends {
    /// Writes the flat form that peers read.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        fs::write(folder.join("offsets.bin"), bytemuck::cast_slice(&self.offsets))?;
        fs::write(folder.join("addresses.bin"), bytemuck::cast_slice(&self.addresses))?;
        Ok(())
    }
}
