//! The state of pots: a balance each, and for those that taint has reached, what they hold.
//!
//! A replay keeps every pot in a flat table, because it sees every balance change. A trace keeps only
//! the pots that it follows; the others' balances come with their ledgers when taint arrives.

use ledger::Time;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::pot_ledger::{PotId, RowId, Where};
use crate::seeds::Label;

/// Tainted receipts of one pot that ended in the same way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arrivals {
    pub(crate) label: Label,
    pub(crate) end: Where,
    /// Sum of what arrived tainted.
    pub(crate) received: u128,
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Arrivals {
    pub(crate) fn first_time(&self) -> Time {
        Time::from_seconds(self.first)
    }

    pub(crate) fn last_time(&self) -> Time {
        Time::from_seconds(self.last)
    }
}

/// Units at a stop that two incidents claim: the least and the most.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shared {
    pub(crate) labels: (Label, Label),
    pub(crate) end: Where,
    pub(crate) low: u128,
    pub(crate) high: u128,
}

/// Where tainted value that enters a pot ends; asked once a pot, since it costs a look into the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stopping {
    NotAsked,
    Never,
    Always(Where),
    /// A suspected service for what comes after that row.
    After(RowId),
}

/// What is known of a pot that taint has reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reached<C> {
    /// `None` while no unit in the pot carries a label.
    pub(crate) content: Option<C>,
    pub(crate) arrivals: SmallVec<[Arrivals; 1]>,
    /// Shortfalls since taint was first held here, per label.
    pub(crate) unknown: SmallVec<[(Label, u128); 1]>,
    pub(crate) shared: Vec<Shared>,
    pub(crate) stopping: Stopping,
}

impl<C> Reached<C> {
    /// The record of arrivals of this label and end, made if it is new.
    pub(crate) fn arrivals(&mut self, label: Label, end: Where, time: Time) -> &mut Arrivals {
        let known = self.arrivals.iter().position(|a| a.label == label && a.end == end);
        let at = known.unwrap_or_else(|| {
            let seconds = time.seconds();
            let new = Arrivals { label, end, received: 0, first: seconds, last: seconds };
            self.arrivals.push(new);
            self.arrivals.len() - 1
        });
        &mut self.arrivals[at]
    }
}

impl<C> Default for Reached<C> {
    fn default() -> Reached<C> {
        let (arrivals, unknown) = (SmallVec::new(), SmallVec::new());
        let (shared, stopping) = (Vec::new(), Stopping::NotAsked);
        Reached { content: None, arrivals, unknown, shared, stopping }
    }
}

/// One pot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PotState<C> {
    pub(crate) balance: u128,
    pub(crate) reached: Option<Box<Reached<C>>>,
    /// False while a trace does not follow the pot, so that its balance means nothing.
    pub(crate) followed: bool,
}

/// All pots of a run.
pub(crate) enum Pots<C> {
    /// A replay's: every pot, by number.
    Flat(Vec<PotState<C>>),
    /// A trace's: those that it has met.
    Met(FxHashMap<PotId, PotState<C>>),
}

impl<C> Pots<C> {
    pub(crate) fn flat(count: usize) -> Pots<C> {
        let pot = || PotState { balance: 0, reached: None, followed: true };
        Pots::Flat(std::iter::repeat_with(pot).take(count).collect())
    }

    pub(crate) fn met() -> Pots<C> {
        Pots::Met(FxHashMap::default())
    }

    /// The pot, if the run follows it.
    pub(crate) fn followed(&mut self, pot: PotId) -> Option<&mut PotState<C>> {
        match self {
            Pots::Flat(pots) => pots.get_mut(pot as usize),
            Pots::Met(pots) => pots.get_mut(&pot).filter(|state| state.followed),
        }
    }

    /// The pot's state, made if a trace meets it for the first time.
    pub(crate) fn meet(&mut self, pot: PotId) -> &mut PotState<C> {
        let new = || PotState { balance: 0, reached: None, followed: false };
        match self {
            Pots::Met(pots) => pots.entry(pot).or_insert_with(new),
            Pots::Flat(pots) => {
                if pots.len() <= pot as usize {
                    let grown = || PotState { followed: true, ..new() };
                    pots.resize_with(pot as usize + 1, grown);
                }
                &mut pots[pot as usize]
            }
        }
    }

    /// The pots that taint has reached, by number.
    pub(crate) fn reached(&self) -> Vec<(PotId, &PotState<C>, &Reached<C>)> {
        let mut all: Vec<(PotId, &PotState<C>, &Reached<C>)> = match self {
            Pots::Flat(pots) => (0..)
                .zip(pots)
                .filter_map(|(pot, state)| Some((pot, state, &**state.reached.as_ref()?)))
                .collect(),
            Pots::Met(pots) => pots
                .iter()
                .filter_map(|(pot, state)| Some((*pot, state, &**state.reached.as_ref()?)))
                .collect(),
        };
        all.sort_unstable_by_key(|(pot, _, _)| *pot);
        all
    }
}
