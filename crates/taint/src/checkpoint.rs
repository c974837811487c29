//! Checkpoints: the state of a replay as bytes, so that a later one need not start from nothing.
//!
//! They are derived, belong to one ledger, and may always be thrown away. Foreign bytes are refused
//! or decoded into nonsense that stays in bounds; they cannot panic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::outcome::Sums;
use crate::pot_ledger::{AssetId, PlaceId, PotId, PotLedger, RowId};
use crate::pots::{Found, PotState, Pots};
use crate::replay::Pass;
use crate::rule::Rule;
use crate::seeds::Label;
use crate::{Detail, RuleName};

/// Raised with every change of what follows.
const FORMAT: u32 = 1;

/// Why a state cannot be saved or taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("a replay that keeps each movement has no checkpoint")]
    KeepsFlows,
    #[error("the checkpoint is damaged: {0}")]
    Damaged(String),
    #[error("the checkpoint is of another rule, format or ledger")]
    Foreign,
}

#[derive(Serialize, Deserialize)]
struct State<C> {
    format: u32,
    rule: String,
    next: RowId,
    /// Only pots that are not empty and untouched.
    pots: BTreeMap<PotId, PotState<C>>,
    pot_count: u64,
    hops: BTreeMap<(PlaceId, Label), u32>,
    sums: BTreeMap<(Label, AssetId), Sums>,
}

pub(crate) fn save<R: Rule, L: PotLedger>(pass: &Pass<'_, R, L>) -> Result<Vec<u8>, CheckpointError>
where
    R::Content: Clone,
{
    let engine = &pass.engine;
    if engine.question.detail == Detail::Flows {
        return Err(CheckpointError::KeepsFlows);
    }
    let Pots::Flat(table) = &engine.pots else { return Err(CheckpointError::Foreign) };
    let mut pots = BTreeMap::new();
    table.each_touched(|id, found| {
        let pot = match found {
            Found::State(state) => state.clone(),
            Found::Line(line) => table.state_of(line),
        };
        if pot.balance > 0 || pot.reached.is_some() || pot.content.is_kept() {
            pots.insert(id, pot);
        }
    });
    let state = State {
        format: FORMAT,
        rule: R::NAME.name().to_string(),
        next: pass.next,
        pots,
        pot_count: table.len() as u64,
        hops: engine.hops.iter().map(|(key, hops)| (*key, *hops)).collect(),
        sums: engine.sums.iter().map(|(key, sums)| (*key, *sums)).collect(),
    };
    postcard::to_allocvec(&state).map_err(|error| CheckpointError::Damaged(error.to_string()))
}

/// True if a replay could have left the pot so. (Under poison, receipts may add up to anything.)
fn possible<R: Rule>(pot: &PotState<R::Content>) -> bool {
    let fits = !pot.content.is_kept() || pot.content.fits(pot.balance);
    pot.followed && (fits || R::NAME == RuleName::Poison)
}

pub(crate) fn load<R: Rule, L: PotLedger>(
    pass: &mut Pass<'_, R, L>,
    bytes: &[u8],
) -> Result<(), CheckpointError> {
    let state: State<R::Content> =
        postcard::from_bytes(bytes).map_err(|error| CheckpointError::Damaged(error.to_string()))?;
    let engine = &mut pass.engine;
    let pots = engine.question.ledger.pots();
    let fits = state.format == FORMAT
        && state.rule == R::NAME.name()
        && state.next <= engine.question.until
        && state.pot_count <= pots as u64
        && state.pots.iter().all(|(id, pot)| (*id as usize) < pots && possible::<R>(pot));
    if !fits {
        return Err(CheckpointError::Foreign);
    }
    for (id, pot) in state.pots {
        *engine.pots.meet(id) = pot;
        engine.pots.close(id);
    }
    engine.hops = state.hops.into_iter().collect();
    engine.sums = state.sums.into_iter().collect();
    pass.next = state.next;
    Ok(())
}
