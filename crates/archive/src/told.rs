//! Two tellings of one transfer.
//!
//! An explorer's CSV knows no index of a transaction, its API does, a node's logs know everything. Who
//! imports two of them must not see the money twice. Two rows of different sources are one transfer if
//! they name the same transaction, kind, sides, asset and amount, and nothing that both know of where
//! the transaction stands differs. Each format counts the rows of a transaction in its own way, so only
//! within one do the indexes of rows tell two transfers apart. A source that tells such a transfer n times
//! tells of n: each of them answers to one of the other source's. The telling that knows more of the
//! position stays, so that it does not matter whose file came first. What a transaction cost is
//! compared otherwise: see [`crate::bill`].

use std::hash::{Hash, Hasher};

use ledger::{Kind, Place, Position, Time, Transfer};

use crate::batch::{Entry, Recorded};
use crate::bill;

/// A transfer, equal to every telling of it, wherever and whenever they say it was.
pub(crate) struct Told<'a>(&'a Transfer);

impl<'a> Told<'a> {
    /// `None` where no transaction is named: nothing then tells two payments of a day apart.
    pub(crate) fn of(transfer: &'a Transfer) -> Option<Told<'a>> {
        (transfer.tx.is_some() && !bill::is_cost(transfer)).then_some(Told(transfer))
    }
}

impl PartialEq for Told<'_> {
    fn eq(&self, other: &Told<'_>) -> bool {
        let said = |told: &Told<'_>| {
            let (position, time) = (Position::UNKNOWN, Time::default());
            Transfer { position, time, kind: kind(told.0), ..*told.0 }
        };
        said(self) == said(other)
    }
}

impl Eq for Told<'_> {}

impl Hash for Told<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Transfer { tx, from, to, amount, .. } = self.0;
        (tx, from, to, amount).hash(state);
    }
}

/// True if two rows at one position say the same of one moment, in the same words or others.
pub(crate) fn say_the_same(a: &Transfer, b: &Transfer) -> bool {
    let told = || Told::of(a).zip(Told::of(b)).is_some_and(|(one, other)| one == other);
    a == b || (a.time == b.time && told())
}

/// A token log from the zero address is a mint, whatever its source calls it, and one to it a burn.
fn kind(transfer: &Transfer) -> Kind {
    match (transfer.from, transfer.to) {
        (Place::Mint, _) => Kind::Mint,
        (_, Place::Burn) => Kind::Burn,
        _ => transfer.kind,
    }
}

/// Whose words a committed row is in, seen from a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Teller {
    /// The new row's own file, in the same reading.
    Same,
    /// Another file of the same format, or an earlier reading of the same file, which other tables beside
    /// it or another column map may have made say less.
    SameFormat,
    OtherFormat,
}

/// True if a row of the batch can be the committed one, told otherwise. Both are equal as [`Told`].
pub(crate) fn may_be_one(new: &Entry, committed: &Recorded, teller: Teller) -> bool {
    let (a, b) = (new.transfer.position, committed.transfer.position);
    let is_told_twice = match teller {
        Teller::Same => false,
        Teller::SameFormat => !(a.is_full() && b.is_full()) && agree(a.index, b.index),
        Teller::OtherFormat => true,
    };
    is_told_twice && is_same_moment(&new.transfer, &committed.transfer)
}

/// True if two rows at one full position contradict each other. Within a format that position is a
/// transfer's own; between two it may be two rows of one transaction, unless they tell of one movement.
pub(crate) fn contradict(a: &Transfer, b: &Transfer, teller: Teller) -> bool {
    let movement = |row: &Transfer| (kind(row), row.from, row.to, row.asset);
    teller != Teller::OtherFormat || a.tx.is_none() || a.tx != b.tx || movement(a) == movement(b)
}

/// True if two tellings of one movement put its transaction at two places in one block.
pub(crate) fn is_elsewhere(a: Position, b: Position) -> bool {
    a.height.is_some() && a.height == b.height && !agree(a.tx_index, b.tx_index)
}

/// True if nothing that both know of block, transaction's index and time differs.
pub(crate) fn is_same_moment(a: &Transfer, b: &Transfer) -> bool {
    let is_height_shared = a.position.height.is_some() && a.position.height == b.position.height;
    agree(a.position.height, b.position.height)
        && agree(a.position.tx_index, b.position.tx_index)
        && (is_height_shared || a.time == b.time)
}

/// True if the first telling stays where both are of one transfer: it knows more of the position. Of
/// equal ones `wins_tie` decides; what matters is that it is the same whichever came first, and for all
/// rows of a transaction.
pub(crate) fn knows_more(a: Position, b: Position, wins_tie: bool) -> bool {
    known(a) > known(b) || (known(a) == known(b) && wins_tie)
}

/// Which parts of a position are known, the more telling first.
pub(crate) fn known(position: Position) -> (bool, bool, bool) {
    (position.height.is_some(), position.tx_index.is_some(), position.index.is_some())
}

fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}
