//! A ledger that counts the rows that are read from it. A trace is counted apart from the clock.

use std::cell::Cell;

use bench::PotRows;
use taint::{AssetId, PlaceId, Pot, PotHistory, PotId, PotLedger, Row, RowId};

/// Counts the rows that are read.
pub(crate) struct Counting<'a> {
    pub(crate) world: &'a PotRows,
    pub(crate) rows: Cell<u64>,
}

impl PotLedger for Counting<'_> {
    type Rows<'a>
        = <PotRows as PotLedger>::Rows<'a>
    where
        Self: 'a;

    fn rows(&self) -> RowId {
        self.world.rows()
    }

    fn row(&self, row: RowId) -> Row {
        self.rows.set(self.rows.get() + 1);
        self.world.row(row)
    }

    fn pots(&self) -> usize {
        self.world.pots()
    }

    fn pot(&self, pot: PotId) -> Pot {
        self.world.pot(pot)
    }

    fn history(&self, pot: PotId, from: RowId) -> PotHistory<Self::Rows<'_>> {
        self.world.history(pot, from)
    }

    fn busy_from(&self, place: PlaceId, degree: u32) -> Option<RowId> {
        self.world.busy_from(place, degree)
    }

    fn overflows(&self) -> Vec<(AssetId, RowId)> {
        Vec::new()
    }
}
