//! What a transaction cost its payer is one thing, however a source divides it.
//!
//! An explorer knows the whole fee, a node what of it the protocol burned, a file made by hand either.
//! So the rows by which two sources tell of one cost are compared as a bill: the same sum is the same
//! cost, and the bill that knows more stays, the divided before the whole. Another sum contradicts. In
//! a file that counts the rows of a transaction in its own way, burned base fee looks like any other
//! burning by the payer; those are taken for part of the bill that make the sums equal.

use ledger::{Asset, Kind, Place, Position, Transfer, TxId};

use crate::told::known;

/// Burnings beyond so many are not tried as parts of a bill.
const TRIED: usize = 8;

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
    /// These rows of the new bill are told already, by those of the old one.
    Told { new: Vec<usize>, old: Vec<usize> },
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

    /// One of the rows, a cost if there is one.
    pub(crate) fn first(&self) -> Option<(usize, &'a Transfer)> {
        self.told.first().or(self.burnt.first()).copied()
    }

    /// The bill with each choice of the burnings beside it, the fewest first.
    fn readings(&self) -> Vec<Reading<'_, 'a>> {
        let tried = &self.burnt[..self.burnt.len().min(TRIED)];
        let mut readings: Vec<Reading<'_, 'a>> = (0..1_u32 << tried.len())
            .map(|chosen| {
                let burnt = (0..).zip(tried).filter(|(n, _)| chosen >> n & 1 == 1);
                Reading(self.told.iter().chain(burnt.map(|(_, row)| row)).collect())
            })
            .filter(|reading| !reading.0.is_empty())
            .collect();
        readings.sort_by_key(|reading| reading.0.len());
        readings
    }

    /// Compares a new bill with the one that is there; `None` where they have nothing to do with each
    /// other. If `only_divided`, both are of one format that counts rows, and may be two costs: then only
    /// a division that adds up is one cost. `wins_tie` says which stays where both tell as much.
    pub(crate) fn beside(
        &self,
        old: &Bill<'_>,
        only_divided: bool,
        wins_tie: bool,
    ) -> Option<Verdict> {
        let (new_ones, old_ones) = (self.readings(), old.readings());
        let pairs = new_ones.iter().flat_map(|new| old_ones.iter().map(move |old| (new, old)));
        let same = |(new, old): &(&Reading<'_, '_>, &Reading<'_, '_>)| {
            // Burnings on both sides that are no costs are compared as other transfers are.
            let one_side = new.is_plain() || old.is_plain();
            let may_be_one = !only_divided || new.is_divided() != old.is_divided();
            one_side && may_be_one && new.sum().is_some_and(|sum| old.sum() == Some(sum))
        };
        match pairs.into_iter().find(same) {
            Some((new, old))
                if new.rank() > old.rank() || (new.rank() == old.rank() && wins_tie) =>
            {
                Some(Verdict::Better { new: new.numbers(), old: old.numbers() })
            }
            Some((new, old)) => Some(Verdict::Told { new: new.numbers(), old: old.numbers() }),
            None if only_divided || self.told.is_empty() || old.told.is_empty() => None,
            // What the source burned beside it may be part of its bill, and would count twice.
            None => {
                let rows = self.told.iter().chain(&self.burnt);
                Some(Verdict::Contradicts(rows.map(|(number, _)| *number).collect()))
            }
        }
    }
}

/// A bill with some of the burnings beside it.
struct Reading<'b, 'a>(Vec<&'b (usize, &'a Transfer)>);

impl Reading<'_, '_> {
    /// True if all of it is surely a cost.
    fn is_plain(&self) -> bool {
        self.0.iter().all(|(_, row)| is_cost(row))
    }

    fn numbers(&self) -> Vec<usize> {
        self.0.iter().map(|(number, _)| *number).collect()
    }

    /// `None` beyond 128 bits, which equals nothing.
    fn sum(&self) -> Option<u128> {
        self.0.iter().try_fold(0u128, |sum, (_, row)| sum.checked_add(row.amount.base_units()))
    }

    fn is_divided(&self) -> bool {
        self.0.iter().any(|(_, row)| row.kind == Kind::Burn)
    }

    /// How much it tells: its division first, then its position.
    fn rank(&self) -> (bool, (bool, bool, bool), bool) {
        let position = self.0.first().map(|(_, row)| row.position).unwrap_or_default();
        (self.is_divided(), known(position), is_at_cost(position))
    }
}
