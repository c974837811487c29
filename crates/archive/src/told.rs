//! Two tellings of one transfer.
//!
//! An explorer's CSV knows no index of a transaction, its API does, a node's logs know everything. Who
//! imports two of them must not see the money twice. So where one of two rows of different sources
//! stands at no full position, they are one transfer if they name the same transaction, kind, sides,
//! asset and amount, and nothing that both know of where it stands differs. A source that tells such a
//! transfer n times tells of n: each of them answers to one of the other source's.
//!
//! What a transaction cost its payer is one thing, however a source divides it: an explorer knows the
//! whole fee, a node what of it was burned. Whoever told it first keeps it; another's telling of it, in
//! one row or two and of whatever amount, is the same.

use std::hash::{Hash, Hasher};

use ledger::{Amount, Kind, Place, Position, Time, Transfer};

use crate::batch::{Entry, Recorded};

/// A transfer, equal to every telling of it, wherever and whenever they say it was.
pub(crate) struct Told<'a>(&'a Transfer);

impl<'a> Told<'a> {
    /// `None` where no transaction is named: nothing then tells two payments of a day apart.
    pub(crate) fn of(transfer: &'a Transfer) -> Option<Told<'a>> {
        transfer.tx.map(|_| Told(transfer))
    }
}

impl Told<'_> {
    /// What is compared of it.
    fn said(&self) -> Transfer {
        let (position, time) = (Position::UNKNOWN, Time::default());
        let said = Transfer { position, time, ..*self.0 };
        match is_cost(self.0) {
            true => Transfer { kind: Kind::Fee, to: Place::Fee, amount: Amount::ZERO, ..said },
            false => said,
        }
    }
}

impl PartialEq for Told<'_> {
    fn eq(&self, other: &Told<'_>) -> bool {
        self.said() == other.said()
    }
}

impl Eq for Told<'_> {}

impl Hash for Told<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Transfer { tx, from, to, amount, .. } = self.said();
        (tx, from, to, amount).hash(state);
    }
}

/// True for a transaction's fee and for the part of it that was burned.
pub(crate) fn is_cost(transfer: &Transfer) -> bool {
    match transfer.kind {
        Kind::Fee => true,
        Kind::Burn => is_base_fee(transfer.position),
        _ => false,
    }
}

fn is_base_fee(position: Position) -> bool {
    position.index == Some(Position::BASE_FEE)
}

/// True where a cost stands by readers' agreement, so that its position alone shows what it is.
pub(crate) fn is_at_cost(position: Position) -> bool {
    position.index == Some(Position::FEE) || is_base_fee(position)
}

/// True if a row of the batch can be the committed one, told otherwise. Both are equal as [`Told`].
pub(crate) fn may_be_one(new: &Entry, committed: &Recorded, import: u32) -> bool {
    let (a, b) = (new.transfer.position, committed.transfer.position);
    let is_height_shared = a.height.is_some() && a.height == b.height;
    let is_cost = is_cost(&new.transfer);
    // Whoever counts the rows of a transaction himself counts its fee otherwise than readers agreed.
    let is_moved = is_cost && (is_at_cost(a) || is_at_cost(b));
    (committed.import != import || is_read_again(new, committed))
        && (is_moved || !(a.is_full() && b.is_full()))
        && agree(a.height, b.height)
        && agree(a.tx_index, b.tx_index)
        && (is_cost || agree(a.index, b.index))
        && (is_height_shared || new.transfer.time == committed.transfer.time)
}

/// True if the committed row is of an earlier reading of the same file, which divided the cost of a
/// transaction otherwise, because the table that tells base fees was there once and once was not. In
/// one reading the burned part comes directly before its fee.
fn is_read_again(new: &Entry, committed: &Recorded) -> bool {
    let (a, b) = (new.transfer.position, committed.transfer.position);
    match (is_base_fee(a), is_base_fee(b)) {
        (true, false) => true,
        (false, true) => is_cost(&new.transfer) && new.row <= committed.row,
        _ => false,
    }
}

fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}
