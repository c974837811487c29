//! A ledger that counts what is read of the pots' own ledgers, for tests and benches of how little that is.

use std::cell::{Cell, RefCell};

use taint::{AssetId, PlaceId, Pot, PotHistory, PotId, PotLedger, Row, RowId};

/// Another ledger, with counts.
pub struct Counted<'a, L> {
    ledger: &'a L,
    /// A row's number here is its own times this.
    apart: RowId,
    /// After so many reads the pots' ledgers read as ended.
    most: u64,
    reads: Cell<u64>,
    /// By row: whether it was read of some pot's ledger.
    was_read: RefCell<Vec<bool>>,
}

impl<'a, L: PotLedger> Counted<'a, L> {
    pub fn new(ledger: &'a L) -> Counted<'a, L> {
        let was_read = RefCell::new(vec![false; ledger.rows() as usize]);
        Counted { ledger, apart: 1, most: u64::MAX, reads: Cell::new(0), was_read }
    }

    /// The same with rows so far apart that a trace never finds it cheaper to pass over those between: what
    /// it reads is then all that the value touched, or what `most` reads found of it.
    pub fn apart(ledger: &'a L, most: u64) -> Counted<'a, L> {
        Counted { apart: 1 << 10, most, ..Counted::new(ledger) }
    }

    /// The number here of a row of the ledger.
    pub fn at(&self, row: RowId) -> RowId {
        row * self.apart
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
        self.at(self.ledger.rows())
    }

    fn row(&self, row: RowId) -> Row {
        self.ledger.row(row / self.apart)
    }

    fn pots(&self) -> usize {
        self.ledger.pots()
    }

    fn pot(&self, pot: PotId) -> Pot {
        self.ledger.pot(pot)
    }

    fn history(&self, pot: PotId, from: RowId) -> PotHistory<Self::Rows<'_>> {
        let PotHistory { balance, rows } = self.ledger.history(pot, from.div_ceil(self.apart));
        let count = |row: &RowId| {
            self.reads.set(self.reads.get() + 1);
            self.was_read.borrow_mut()[*row as usize] = true;
        };
        let rows = rows.take_while(|_| self.reads.get() < self.most).inspect(count);
        PotHistory { balance, rows: Box::new(rows.map(|row| self.at(row))) }
    }

    fn busy_from(&self, place: PlaceId, degree: u32, until: RowId) -> Option<RowId> {
        let busy = self.ledger.busy_from(place, degree, until.div_ceil(self.apart));
        busy.map(|row| self.at(row))
    }

    /// One that no trace comes to: so a trace is not given up for a replay, which reads no pot's ledger.
    fn overflows(&self) -> Vec<(AssetId, RowId)> {
        vec![(AssetId::MAX, 0)]
    }
}
