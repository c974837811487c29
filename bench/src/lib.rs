//! The bench: an invented chain of any size, our engine under the clock, and the least that any
//! engine would have to do. No program of ours leans on it.
//!
//! [`invent`] makes transfers and [`flat`] writes them so that every peer can read them. [`PotRows`]
//! lends them to the engine, [`walk`] is the yardstick, [`Checksum`] is what must agree before anyone
//! speaks of speed. Times are nanoseconds: there is no float here, and no ratio. [`spends`] is for
//! clusters, [`laundering`] for how well value is found.

mod checksum;
pub mod flat;
pub mod laundering;
mod pot_rows;
mod spends;
mod walk;
mod world;

pub use checksum::Checksum;
pub use pot_rows::{PotRows, RowRecord};
pub use spends::{Spenders, Spends, spends};
pub use walk::{WalkedPot, walk};
pub use world::{Shape, invent};
