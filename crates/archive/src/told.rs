//! Two tellings of one transfer.
//!
//! An explorer's CSV knows no index of a transaction, its API does, a node's logs know everything. Who
//! imports two of them must not see the money twice. So where one of two rows of different sources
//! stands at no full position, they are one transfer if they name the same transaction, kind, sides,
//! asset and amount, and nothing that both know of where it stands differs. A source that tells such a
//! transfer n times tells of n: each of them answers to one of the other source's.

use std::hash::{Hash, Hasher};

use ledger::{Position, Time, Transfer};

use crate::batch::Recorded;

/// A transfer, equal to every telling of it, wherever and whenever they say it was.
pub(crate) struct Told<'a>(&'a Transfer);

impl<'a> Told<'a> {
    /// `None` where no transaction is named: nothing then tells two payments of a day apart.
    pub(crate) fn of(transfer: &'a Transfer) -> Option<Told<'a>> {
        transfer.tx.map(|_| Told(transfer))
    }
}

impl PartialEq for Told<'_> {
    fn eq(&self, other: &Told<'_>) -> bool {
        let said = |Told(transfer): &Told<'_>| {
            let (position, time) = (Position::UNKNOWN, Time::default());
            Transfer { position, time, ..**transfer }
        };
        said(self) == said(other)
    }
}

impl Eq for Told<'_> {}

impl Hash for Told<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Told(Transfer { tx, from, to, amount, .. }) = self;
        (tx, from, to, amount).hash(state);
    }
}

/// True if a row of the batch can be the committed one, told otherwise. Both are equal as [`Told`].
pub(crate) fn may_be_one(new: &Transfer, committed: &Recorded, import: u32) -> bool {
    let (a, b) = (new.position, committed.transfer.position);
    let is_height_shared = a.height.is_some() && a.height == b.height;
    committed.import != import
        && !(a.is_full() && b.is_full())
        && agree(a.height, b.height)
        && agree(a.tx_index, b.tx_index)
        && agree(a.index, b.index)
        && (is_height_shared || new.time == committed.transfer.time)
}

fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}
