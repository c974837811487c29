//! Finds the seeds: which transfers of the data a case's thefts are, and which thefts the data cannot
//! show and the case asserts.

use ledger::{Address, Amount, Asset, Chain, Time};
use taint::{NO_POT, PlaceId, PlaceKind, PotId, RowId};

use crate::case_file::{CaseFile, Target, Theft};
use crate::records::{NamedPlace, Records, Unreadable};

mod assert;

pub use assert::AssertedTheft;

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
        let rows = rows_of(records, theft, until)?;
        if !rows.is_empty() {
            if theft.asserted {
                found.notes.push(format!(
                    "theft {}: it is in the data, so the assertion was not needed and was dropped",
                    number + 1
                ));
            }
            check_amount(records, number, theft, &rows, decimals, &mut found);
            found.notes.extend(own_transfers(records, number, theft, &rows));
            found.rows.extend(rows.into_iter().map(|row| (row, number)));
        } else if theft.asserted {
            assert::enter(records, (case, number), (until, last), decimals, &mut found)?;
        } else {
            found.missing.push(number);
        }
    }
    found.rows.sort_unstable();
    found.rows.dedup_by_key(|(row, _)| *row);
    Ok(found)
}

/// The rows that a theft is, ascending. An asserted theft is looked for by its transaction alone:
/// that is known more surely than the moment and the sender stated beside it.
fn rows_of<R: Records>(records: &R, theft: &Theft, until: RowId) -> Result<Vec<RowId>, Unreadable> {
    match (theft.asserted, theft.tx) {
        (false, _) => matching_rows(records, theft, until),
        (true, None) => Ok(Vec::new()),
        (true, Some(_)) => {
            let named = Theft { from: None, since: None, until: None, ..theft.clone() };
            matching_rows(records, &named, until)
        }
    }
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
