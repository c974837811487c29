//! Thefts that the data does not show: they enter as the case states them, and what stands beside
//! them in the data is told.

use ledger::{Amount, Asset, Chain, Place, Time};
use taint::RowId;

use super::{Decimals, Found, rows_of};
use crate::case_file::{CaseFile, Target, Theft};
use crate::records::{Records, Unreadable};

/// A theft that enters as stated, because the data does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssertedTheft {
    /// Index of the theft in the case, from 0.
    pub theft: usize,
    pub chain: Chain,
    pub place: Place,
    pub asset: Asset,
    pub amount: Amount,
    pub time: Time,
    /// The row before which it enters.
    pub before: RowId,
}

/// Enters the theft with that number, or says in `found` why it cannot enter.
pub(super) fn enter<R: Records>(
    records: &R,
    (case, number): (&CaseFile, usize),
    (until, last): (RowId, Option<Time>),
    decimals: Decimals<'_>,
    found: &mut Found,
) -> Result<(), Unreadable> {
    let theft = &case.thefts[number];
    let asserted = match as_stated(records, number, theft, last, decimals) {
        Ok(asserted) => asserted,
        Err(why) => {
            found.notes.push(format!("theft {}: {why}", number + 1));
            found.missing.push(number);
            return Ok(());
        }
    };
    let mut note = |what: String| found.notes.push(format!("theft {}: {what}", number + 1));
    let money = |theft: &AssertedTheft| (theft.chain, theft.place, theft.asset, theft.amount);
    let twins = found.asserted.iter().filter(|known| money(known) == money(&asserted));
    let twins: Vec<usize> = twins.map(|known| known.theft).collect();
    // A transaction is one, whatever moment is stated beside it.
    let same_tx = |twin: &&usize| theft.tx.is_some() && case.thefts[**twin].tx == theft.tx;
    let may_be_one = |twin: &&usize| match (case.thefts[**twin].tx, theft.tx) {
        (None, None) => case.thefts[**twin].since == theft.since,
        (one, other) => one.is_none() || other.is_none(),
    };
    if let Some(twin) = twins.iter().find(same_tx) {
        note(format!(
            "theft {} asserts the same of the same transaction: it counts once",
            twin + 1
        ));
        return Ok(());
    }
    if let Some(twin) = twins.iter().find(may_be_one) {
        note(format!(
            "theft {} asserts the same; not both name a transaction, so both count",
            twin + 1
        ));
    }
    if moves_other(records, theft, until)? {
        note(
            "its transaction is in the data, but moves none of that asset to the receiver, so the \
             assertion stands"
                .to_string(),
        );
    } else if last.is_some() && !rows_of(records, theft, RowId::MAX)?.is_empty() {
        note(
            "its transaction is in the data after the end of the trace; until then it enters as \
             stated"
                .to_string(),
        );
    }
    found.asserted.push(asserted);
    Ok(())
}

fn as_stated<R: Records>(
    records: &R,
    number: usize,
    theft: &Theft,
    last: Option<Time>,
    decimals: Decimals<'_>,
) -> Result<AssertedTheft, &'static str> {
    let time = theft.since.ok_or("an asserted theft needs a time")?;
    let stated = theft.amount.as_ref().ok_or("an asserted theft needs an amount")?;
    let amount = match (stated.base_units, decimals(theft.chain, &theft.asset)) {
        (Some(amount), _) => amount,
        (None, Some(decimals)) => stated
            .in_base_units(decimals)
            .map_err(|_| "the stated amount does not fit the asset")?,
        (None, None) => return Err("the decimals of the asset are not known: import them"),
    };
    let before = records.first_row_at(time);
    // By the time, because rows may be imported later that are later than both.
    if last.is_some_and(|last| time > last) {
        return Err("it was asserted for a time after the end of the trace");
    }
    let (chain, asset, place) = (theft.chain, theft.asset, theft.to.place());
    Ok(AssertedTheft { theft: number, chain, place, asset, amount, time, before })
}

/// True if the theft's transaction brings its receiver another asset.
fn moves_other<R: Records>(records: &R, theft: &Theft, until: RowId) -> Result<bool, Unreadable> {
    let Target::Address(receiver) = theft.to else { return Ok(false) };
    if theft.tx.is_none() {
        return Ok(false);
    }
    for place in records.places_of(theft.chain, &receiver) {
        for pot in records.pots_of(place) {
            for row in records.history(pot, 0).rows.take_while(|row| *row < until) {
                let is_there = records.row(row).to == pot;
                if is_there && records.transfer(row)?.tx == theft.tx {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
