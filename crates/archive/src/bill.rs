//! What a transaction cost its payer is one thing, however a source divides it.
//!
//! An explorer knows the whole fee, a node what of it the protocol burned, a file made by hand either.
//! So the rows by which two sources tell of one cost are compared as a bill: the same sum is the same
//! cost, and the bill that knows more stays, the divided before the whole. Another sum contradicts. In
//! a file that counts the rows of a transaction in its own way, burned base fee looks like any other
//! burning by the payer; it is taken for the part of the bill that makes the sums equal.

use ledger::{Asset, Kind, Place, Position, Transfer, TxId};

use crate::told::known;

/// What bills are told apart by.
pub(crate) type Payment = (TxId, Place, Asset);

/// One source's rows of a cost; each with the caller's number for it.
#[derive(Debug, Default)]
pub(crate) struct Bill<'a> {
    told: Vec<(usize, &'a Transfer)>,
    /// Other burnings of the asset by the payer in the same transaction.
    burnt: Vec<(usize, &'a Transfer)>,
}

/// How two bills of one payment relate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// These rows of the new bill are told already.
    Told(Vec<usize>),
    /// These rows of the new bill stand in the place of those of the old one.
    Better { new: Vec<usize>, old: Vec<usize> },
    /// The new rows tell of another sum.
    Contradicts(Vec<usize>),
}

/// True for a transaction's fee and for the part of it that readers agreed to place as burned.
pub(crate) fn is_cost(transfer: &Transfer) -> bool {
    match transfer.kind {
        Kind::Fee => true,
        Kind::Burn => transfer.position.index == Some(Position::BASE_FEE),
        _ => false,
    }
}

/// True where a cost stands by readers' agreement.
pub(crate) fn is_at_cost(position: Position) -> bool {
    matches!(position.index, Some(Position::FEE | Position::BASE_FEE))
}

/// Which bill a row may belong to.
pub(crate) fn payment(transfer: &Transfer) -> Option<Payment> {
    let may = matches!(transfer.kind, Kind::Fee | Kind::Burn) && transfer.conversion.is_none();
    transfer.tx.filter(|_| may).map(|tx| (tx, transfer.from, transfer.asset))
}

impl<'a> Bill<'a> {
    pub(crate) fn add(&mut self, number: usize, transfer: &'a Transfer) {
        let rows = if is_cost(transfer) { &mut self.told } else { &mut self.burnt };
        rows.push((number, transfer));
    }

    /// The first row that is surely a cost.
    pub(crate) fn first(&self) -> Option<(usize, &'a Transfer)> {
        self.told.first().copied()
    }

    /// The rows, with or without the other burnings.
    fn rows(&self, with_burnt: bool) -> impl Iterator<Item = &(usize, &'a Transfer)> {
        let burnt = if with_burnt { self.burnt.as_slice() } else { &[] };
        self.told.iter().chain(burnt)
    }

    fn numbers(&self, with_burnt: bool) -> Vec<usize> {
        self.rows(with_burnt).map(|(number, _)| *number).collect()
    }

    /// `None` beyond 128 bits, which equals nothing.
    fn sum(&self, with_burnt: bool) -> Option<u128> {
        let mut amounts = self.rows(with_burnt).map(|(_, row)| row.amount.base_units());
        amounts.try_fold(0u128, u128::checked_add)
    }

    /// How much a bill tells: its division first, then its position.
    fn rank(&self, with_burnt: bool) -> (bool, (bool, bool, bool), bool) {
        let is_divided = self.rows(with_burnt).any(|(_, row)| row.kind == Kind::Burn);
        let position = self.first().map(|(_, row)| row.position).unwrap_or_default();
        (is_divided, known(position), is_at_cost(position))
    }

    /// Compares a new bill with the one that is there; neither is empty.
    pub(crate) fn beside(&self, old: &Bill<'_>) -> Verdict {
        let ways = [(false, false), (true, false), (false, true)];
        let same = |(new_burnt, old_burnt): &(bool, bool)| {
            let sum = self.sum(*new_burnt);
            sum.is_some() && sum == old.sum(*old_burnt)
        };
        match ways.into_iter().find(same) {
            None => Verdict::Contradicts(self.numbers(false)),
            Some((new_burnt, old_burnt)) => match self.rank(new_burnt) > old.rank(old_burnt) {
                false => Verdict::Told(self.numbers(new_burnt)),
                true => {
                    Verdict::Better { new: self.numbers(new_burnt), old: old.numbers(old_burnt) }
                }
            },
        }
    }
}
