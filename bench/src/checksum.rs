//! What an answer comes down to: two runs with the same checksum found the same value in the same
//! pots. It is made of text, so that a script can make it too.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha256};
use taint::{Holding, Label, Outcome};

/// How much is where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checksum {
    /// Pots that taint has reached, also those that it has left again where the run kept them.
    pub reached: u64,
    /// Pots that hold some, or at which some ended.
    pub pots: u64,
    /// The sum of that, in base units of all assets.
    pub sum: String,
    /// The sum of the numbers of the transfers with which taint first came to each pot, likewise.
    pub first_sum: String,
    /// SHA-256 of a line "pot units" for each of `pots`, by number.
    pub amounts: String,
    /// SHA-256 of a line "pot row" for each of `reached`: the row with which taint first came.
    pub arrivals: String,
}

impl Checksum {
    /// The checksum of an incident's part of an outcome, whose times are row numbers.
    pub fn of(outcome: &Outcome, label: Label) -> Checksum {
        let mut holdings: Vec<Holding> = outcome.holdings(label).collect();
        holdings.sort_unstable_by_key(|holding| holding.pot);
        let (mut sum, mut first_sum, mut pots) = (0u128, 0u128, 0);
        let (mut amounts, mut arrivals) = (Sha256::new(), Sha256::new());
        let mut line = String::new();
        for holding in &holdings {
            let first = holding.first_time.seconds();
            first_sum += u128::from(first);
            line.clear();
            let _ = writeln!(line, "{} {first}", holding.pot);
            arrivals.update(&line);
            if holding.raw > 0 {
                pots += 1;
                sum += holding.raw;
                line.clear();
                let _ = writeln!(line, "{} {}", holding.pot, holding.raw);
                amounts.update(&line);
            }
        }
        Checksum {
            reached: holdings.len() as u64,
            pots,
            sum: sum.to_string(),
            first_sum: first_sum.to_string(),
            amounts: hex::encode(amounts.finalize()),
            arrivals: hex::encode(arrivals.finalize()),
        }
    }

    /// True if the same units are in the same pots: all that a run without times can be asked.
    pub fn same_amounts(&self, other: &Checksum) -> bool {
        (&self.pots, &self.sum, &self.amounts) == (&other.pots, &other.sum, &other.amounts)
    }
}
