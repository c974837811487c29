//! Finds the seeds: which transfers of the data a case's thefts are, and which thefts the data cannot
//! show and the case asserts.

use ledger::{Address, Amount, Asset, Chain, Place, Time};
use taint::{NO_POT, PlaceId, PlaceKind, PotId, RowId};

use crate::case_file::{CaseFile, Target, Theft};
use crate::records::{NamedPlace, Records, Unreadable};

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

/// What was found for the thefts of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Rows that are seeds, ascending, each with the index of the first theft that it is.
    pub rows: Vec<(RowId, usize)>,
    pub asserted: Vec<AssertedTheft>,
    /// Indexes of thefts that match nothing.
    pub missing: Vec<usize>,
    /// What a reader must know: assertions that the data made unnecessary, amounts that do not fit.
    pub notes: Vec<String>,
}

/// Decimals of an asset, where somebody knows them.
pub type Decimals<'a> = &'a dyn Fn(Chain, &Asset) -> Option<u8>;

/// Matches every theft of a case against the rows before `until`, which is the end of the data or the
/// first row after `last`.
pub fn find_seeds<R: Records>(
    records: &R,
    case: &CaseFile,
    (until, last): (RowId, Option<Time>),
    decimals: Decimals<'_>,
) -> Result<Found, Unreadable> {
    let mut found = Found::default();
    for (number, theft) in case.thefts.iter().enumerate() {
        let rows = match (theft.asserted, theft.tx) {
            (false, _) => matching_rows(records, theft, until)?,
            // A transaction is known more surely than the moment and the sender stated beside it.
            (true, Some(_)) => {
                let named = Theft { from: None, since: None, until: None, ..theft.clone() };
                matching_rows(records, &named, until)?
            }
            (true, None) => Vec::new(),
        };
        match (!rows.is_empty(), theft.asserted) {
            (true, asserted) => {
                if asserted {
                    found.notes.push(format!(
                        "theft {}: it is in the data, so the assertion was not needed and was dropped",
                        number + 1
                    ));
                }
                check_amount(records, number, theft, &rows, decimals, &mut found);
                found.notes.extend(own_transfers(records, number, theft, &rows));
                found.rows.extend(rows.into_iter().map(|row| (row, number)));
            }
            (false, true) => match assert(records, number, theft, last, decimals) {
                Ok(asserted) => {
                    found.asserted.push(asserted);
                    if moves_other(records, theft, until)? {
                        found.notes.push(format!(
                            "theft {}: its transaction is in the data, but moves none of that asset \
                             to the receiver, so the assertion stands",
                            number + 1
                        ));
                    }
                }
                Err(why) => {
                    found.notes.push(format!("theft {}: {why}", number + 1));
                    found.missing.push(number);
                }
            },
            (false, false) => found.missing.push(number),
        }
    }
    found.rows.sort_unstable();
    found.rows.dedup_by_key(|(row, _)| *row);
    Ok(found)
}

fn assert<R: Records>(
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

/// Compares the stated amount, if there is one, with the sum of what matched.
fn check_amount<R: Records>(
    records: &R,
    number: usize,
    theft: &Theft,
    rows: &[RowId],
    decimals: Decimals<'_>,
    found: &mut Found,
) {
    let Some(stated) = &theft.amount else { return };
    let known = decimals(theft.chain, &theft.asset);
    let base_units = stated.base_units.or_else(|| stated.in_base_units(known?).ok());
    let amounts = rows.iter().map(|row| Amount::new(records.row(*row).amount));
    let sum = amounts.into_iter().try_fold(Amount::ZERO, Amount::checked_add);
    if base_units.is_none() || base_units != sum {
        let shown = match (sum, known) {
            (Some(sum), Some(decimals)) => sum.to_decimal(decimals),
            (Some(sum), None) => format!("{sum} base units"),
            (None, _) => "more than 128 bits hold".to_string(),
        };
        let asset = theft.asset.text(theft.chain);
        found.notes.push(format!(
            "theft {}: the case states {} {asset}, the data shows {shown}",
            number + 1,
            stated.text
        ));
    }
}

/// A swap of the thief's own, or his change, is matched where the case names neither sender nor
/// transaction: what he already had is then stolen too.
fn own_transfers<R: Records>(
    records: &R,
    number: usize,
    theft: &Theft,
    rows: &[RowId],
) -> Option<String> {
    let Target::Address(receiver) = theft.to else { return None };
    if theft.from.is_some() || theft.tx.is_some() {
        return None;
    }
    let is_own =
        |row: &&RowId| comes_from(records, theft.chain, records.row(**row).from, &receiver);
    match rows.iter().filter(is_own).count() {
        0 => None,
        own => Some(format!(
            "theft {}: {own} of the {} matched transfers left the receiver's own hands (a swap, change); \
             name `from` or `tx` to leave them out",
            number + 1,
            rows.len()
        )),
    }
}

/// The rows that a theft matches, ascending.
fn matching_rows<R: Records>(
    records: &R,
    theft: &Theft,
    until: RowId,
) -> Result<Vec<RowId>, Unreadable> {
    let places: Vec<PlaceId> = match theft.to {
        Target::Address(address) => records.places_of(theft.chain, &address),
        Target::Output { .. } => {
            records.find_place(theft.chain, &theft.to.place()).into_iter().collect()
        }
    };
    let mut matched = Vec::new();
    for pot in places.into_iter().flat_map(|place| records.pots_of(place)) {
        for row in records.history(pot, 0).rows.take_while(|row| *row < until) {
            if matches(records, theft, pot, row)? {
                matched.push(row);
            }
        }
    }
    matched.sort_unstable();
    matched.dedup();
    Ok(matched)
}

fn matches<R: Records>(
    records: &R,
    theft: &Theft,
    pot: PotId,
    row_id: RowId,
) -> Result<bool, Unreadable> {
    let row = records.row(row_id);
    let moves = row.to == pot && row.from != row.to && row.amount > 0;
    let early = theft.since.is_some_and(|since| row.time < since);
    let late = theft.until.is_some_and(|until| row.time > until);
    // A seed is matched by what the sender parts with, also in a swap.
    let sent = records.pot(if row.converts { row.from } else { row.to }).asset;
    if !moves || early || late || records.asset(sent) != (theft.chain, theft.asset) {
        return Ok(false);
    }
    if let Some(from) = &theft.from
        && !comes_from(records, theft.chain, row.from, from)
    {
        return Ok(false);
    }
    match theft.tx {
        None => Ok(true),
        wanted => Ok(records.transfer(row_id)?.tx == wanted),
    }
}

/// True if the sender is that account, an output of that owner, or a transaction one of whose inputs
/// that owner spent; the zero address stands for new value.
fn comes_from<R: Records>(records: &R, chain: Chain, sender: PotId, wanted: &Address) -> bool {
    if sender == NO_POT {
        return wanted.is_zero();
    }
    let pot = records.pot(sender);
    if pot.kind != PlaceKind::Transaction {
        return owned_by(records.place(pot.place), chain, wanted);
    }
    records.history(sender, 0).rows.any(|row| {
        let input = records.row(row);
        let spends = input.to == sender && input.from != NO_POT;
        spends && owned_by(records.place(records.pot(input.from).place), chain, wanted)
    })
}

fn owned_by(place: NamedPlace, chain: Chain, wanted: &Address) -> bool {
    place.chain == chain && place.owner.as_ref() == Some(wanted)
}
