//! A ledger that counts what is read of the pots' own ledgers, for tests and benches of how little that is.

use std::cell::{Cell, RefCell};

use taint::{AssetId, PlaceId, Pot, PotHistory, PotId, PotLedger, Row, RowId};

/// Another ledger, with counts.
pub struct Counted<'a, L> {
    ledger: &'a L,
    reads: Cell<u64>,
    /// By row: whether it was read of some pot's ledger.
    was_read: RefCell<Vec<bool>>,
}

impl<'a, L: PotLedger> Counted<'a, L> {
    pub fn new(ledger: &'a L) -> Counted<'a, L> {
        let was_read = RefCell::new(vec![false; ledger.rows() as usize]);
        Counted { ledger, reads: Cell::new(0), was_read }
    }

    /// How often a row was read of a pot's ledger.
    pub fn reads(&self) -> u64 {
        self.reads.get()
    }

    /// How many rows were, each once.
    pub fn rows_read(&self) -> u64 {
        self.was_read.borrow().iter().filter(|was_read| **was_read).count() as u64
    }
}

impl<L: PotLedger> PotLedger for Counted<'_, L> {
    type Rows<'a>
        = Box<dyn Iterator<Item = RowId> + 'a>
    where
        Self: 'a;

    fn rows(&self) -> RowId {
        self.ledger.rows()
    }

    fn row(&self, row: RowId) -> Row {
        self.ledger.row(row)
    }

    fn pots(&self) -> usize {
        self.ledger.pots()
    }

    fn pot(&self, pot: PotId) -> Pot {
        self.ledger.pot(pot)
    }

    fn history(&self, pot: PotId, from: RowId) -> PotHistory<Self::Rows<'_>> {
        let PotHistory { balance, rows } = self.ledger.history(pot, from);
        let count = |row: &RowId| {
            self.reads.set(self.reads.get() + 1);
            self.was_read.borrow_mut()[*row as usize] = true;
        };
        PotHistory { balance, rows: Box::new(rows.inspect(count)) }
    }

    fn busy_from(&self, place: PlaceId, degree: u32, until: RowId) -> Option<RowId> {
        self.ledger.busy_from(place, degree, until)
    }

    /// One that no trace comes to: so a trace is not given up for a replay, which reads no pot's ledger.
    fn overflows(&self) -> Vec<(AssetId, RowId)> {
        vec![(AssetId::MAX, 0)]
    }
}
