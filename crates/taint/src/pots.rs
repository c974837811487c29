//! The state of pots: a balance each, and for those that taint has reached, what they hold.
//!
//! A replay keeps every pot in a flat table, because it sees every balance change. A trace keeps only
//! the pots that it follows; the others' balances come with their ledgers when taint arrives.

use ledger::Time;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::content::Content;
use crate::pot_ledger::{PotId, Row, Where};
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

/// One pot: a line of the processor's cache, so that a clean movement touches two lines and a tainted
/// one, under a rule by share, no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(align(64))]
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
    fn new(followed: bool) -> PotState<C> {
        let (content, stopping) = (C::default(), Stopping::NotAsked);
        PotState { balance: 0, content, busy_after: 0, stopping, followed, reached: None }
    }
}

/// A pot that taint has reached.
pub(crate) type ReachedPot<'a, C> = (PotId, &'a PotState<C>);

/// All pots of a run.
pub(crate) enum Pots<C> {
    /// A replay's: every pot, by number.
    Flat(Vec<PotState<C>>),
    /// A trace's: those that it has met.
    Met(FxHashMap<PotId, PotState<C>>),
}

impl<C: Content> Pots<C> {
    pub(crate) fn flat(count: usize) -> Pots<C> {
        Pots::Flat(std::iter::repeat_with(|| PotState::new(true)).take(count).collect())
    }

    pub(crate) fn met() -> Pots<C> {
        Pots::Met(FxHashMap::default())
    }

    /// Touches the pots of some rows, all at once: their memory comes while nothing depends on it.
    pub(crate) fn warm(&self, rows: impl Iterator<Item = Row>) {
        if let Pots::Flat(pots) = self {
            let touch = |pot: PotId| pots.get(pot as usize).map_or(0, |state| state.balance);
            let touched = rows.fold(0, |sum, row| sum ^ touch(row.from) ^ touch(row.to));
            std::hint::black_box(touched);
        }
    }

    /// Moves units out of a replayed pot that holds no label, as nearly every row of a chain does. False,
    /// and nothing is done, where a row asks for more than two sums. It must agree with what the engine's
    /// `withdraw` and `deposit_clean` do with such a row: a trace goes by those.
    #[inline]
    pub(crate) fn move_clean(&mut self, row: &Row) -> bool {
        let Pots::Flat(pots) = self else { return false };
        let both = pots.get_disjoint_mut([row.from as usize, row.to as usize]);
        let Ok([from, to]) = both else { return false };
        // A pot that taint has left behind still counts its shortfalls.
        let counts_shortfall = from.reached.is_some() && row.amount > from.balance;
        if from.content.is_kept() || counts_shortfall {
            return false;
        }
        let Some(balance) = to.balance.checked_add(row.amount_to) else { return false };
        from.balance = from.balance.saturating_sub(row.amount);
        to.balance = balance;
        if to.content.is_kept() {
            to.content.add_clean(row.amount_to);
        }
        true
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
        match self {
            Pots::Met(pots) => pots.entry(pot).or_insert_with(|| PotState::new(false)),
            Pots::Flat(pots) => {
                if pots.len() <= pot as usize {
                    pots.resize_with(pot as usize + 1, || PotState::new(true));
                }
                &mut pots[pot as usize]
            }
        }
    }

    /// The pots that taint has reached, by number.
    pub(crate) fn reached(&self) -> Vec<ReachedPot<'_, C>> {
        let is_reached = |state: &PotState<C>| state.reached.is_some() || state.content.is_kept();
        let mut all: Vec<ReachedPot<'_, C>> = match self {
            Pots::Flat(pots) => (0..).zip(pots).filter(|(_, state)| is_reached(state)).collect(),
            Pots::Met(pots) => {
                let known = pots.iter().map(|(pot, state)| (*pot, state));
                known.filter(|(_, state)| is_reached(state)).collect()
            }
        };
        all.sort_unstable_by_key(|(pot, _)| *pot);
        all
    }
}
