//! The state of pots: a balance each, and for those that taint has reached, what they hold.
//!
//! A replay keeps every pot in a flat table, because it sees every balance change. A trace keeps only
//! the pots that it follows; the others' balances come with their ledgers when taint arrives.

use ledger::Time;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::content::Content;
use crate::pot_ledger::{PotId, Where};
use crate::seeds::Label;
use crate::table::{Line, Table};

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
/// A checkpoint does not keep it: the ledger may have grown since, and a place become busy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stopping {
    #[default]
    NotAsked,
    Never,
    Always(Where),
    /// A suspected service for what comes after the row in [`PotState::busy_after`].
    AfterBusy,
}

/// What is known of a pot that taint has reached, beside what it holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reached {
    pub(crate) arrivals: SmallVec<[Arrivals; 1]>,
    /// Shortfalls since taint was first held here, per label.
    pub(crate) unknown: SmallVec<[(Label, u128); 1]>,
    pub(crate) shared: Vec<Shared>,
}

impl Reached {
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

/// One pot, with all that can be known of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PotState<C> {
    pub(crate) balance: u128,
    /// The default while no unit in the pot carries a label.
    pub(crate) content: C,
    #[serde(skip)]
    pub(crate) busy_after: u32,
    #[serde(skip)]
    pub(crate) stopping: Stopping,
    /// False while a trace does not follow the pot, so that its balance means nothing.
    pub(crate) followed: bool,
    pub(crate) reached: Option<Box<Reached>>,
}

impl<C: Default> PotState<C> {
    pub(crate) fn new(followed: bool) -> PotState<C> {
        let (content, stopping) = (C::default(), Stopping::NotAsked);
        PotState { balance: 0, content, busy_after: 0, stopping, followed, reached: None }
    }
}

/// A pot as a table has it: in full, or as a line of its own.
pub(crate) enum Found<'a, C> {
    State(&'a PotState<C>),
    Line(&'a Line),
}

/// All pots of a run.
pub(crate) enum Pots<C> {
    /// A replay's: every pot, by number.
    Flat(Table<C>),
    /// A trace's: those that it has met.
    Met(FxHashMap<PotId, PotState<C>>),
}

impl<C: Content> Pots<C> {
    /// A replay's. Units with `label` may stand in lines, where a run has no other and keeps nothing but
    /// amounts.
    pub(crate) fn flat(count: usize, label: Option<Label>) -> Pots<C> {
        Pots::Flat(Table::new(count, label))
    }

    pub(crate) fn met() -> Pots<C> {
        Pots::Met(FxHashMap::default())
    }

    /// True if pots are followed one by one, as taint comes to them.
    pub(crate) fn is_lazy(&self) -> bool {
        match self {
            Pots::Flat(table) => table.is_lazy(),
            Pots::Met(_) => true,
        }
    }

    /// The same pots in a table, among `count`.
    pub(crate) fn spread(self, count: usize, label: Option<Label>) -> Pots<C> {
        let Pots::Met(met) = self else { return self };
        let mut table = Table::lazy(count, label);
        for (pot, state) in met {
            *table.open(pot) = state;
            table.close(pot);
        }
        Pots::Flat(table)
    }

    /// How many pots there may be.
    pub(crate) fn count(&self) -> usize {
        match self {
            Pots::Flat(table) => table.len(),
            Pots::Met(pots) => pots.len(),
        }
    }

    /// The pot, if the run follows it.
    pub(crate) fn followed(&mut self, pot: PotId) -> Option<&mut PotState<C>> {
        match self {
            Pots::Flat(table) => table.follows(pot).then(|| table.open(pot)),
            Pots::Met(pots) => pots.get_mut(&pot).filter(|state| state.followed),
        }
    }

    /// True if a trace's pot holds no labelled units.
    pub(crate) fn is_clean(&self, pot: PotId) -> bool {
        match self {
            Pots::Flat(_) => false,
            Pots::Met(pots) => pots.get(&pot).is_some_and(|state| !state.content.is_kept()),
        }
    }

    /// The pot's state, made if a trace meets it for the first time.
    pub(crate) fn meet(&mut self, pot: PotId) -> &mut PotState<C> {
        match self {
            Pots::Met(pots) => pots.entry(pot).or_insert_with(|| PotState::new(false)),
            Pots::Flat(table) => table.open(pot),
        }
    }

    /// Says that a pot will not be changed for now.
    pub(crate) fn close(&mut self, pot: PotId) {
        if let Pots::Flat(table) = self {
            table.close(pot);
        }
    }

    /// Shows the pots that taint has reached, by number.
    #[inline]
    pub(crate) fn each_reached<'s>(&'s self, mut each: impl FnMut(PotId, Found<'s, C>)) {
        let is_reached = |state: &PotState<C>| state.reached.is_some() || state.content.is_kept();
        match self {
            Pots::Flat(table) => table.each_labelled(|pot, found| match &found {
                Found::State(state) if !is_reached(state) => {}
                _ => each(pot, found),
            }),
            Pots::Met(pots) => {
                let known = pots.iter().filter(|(_, state)| is_reached(state));
                let mut all: Vec<_> = known.collect();
                all.sort_unstable_by_key(|(pot, _)| **pot);
                all.into_iter().for_each(|(pot, state)| each(*pot, Found::State(state)));
            }
        }
    }
}
