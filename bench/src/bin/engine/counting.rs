//! A ledger that counts what a trace touches, apart from the clock: the rows of each pot from where the
//! trace began to follow it on, each once, however it came to read them.

use std::cell::RefCell;

use bench::PotRows;
use taint::{AssetId, PlaceId, Pot, PotHistory, PotId, PotLedger, Row, RowId};

/// Notes from which row on each pot is followed.
pub(crate) struct Counting<'a> {
    world: &'a PotRows,
    followed: RefCell<Vec<RowId>>,
}

impl<'a> Counting<'a> {
    pub(crate) fn new(world: &'a PotRows) -> Counting<'a> {
        Counting { world, followed: RefCell::new(vec![RowId::MAX; world.pots()]) }
    }

    /// Rows that touch a followed pot.
    pub(crate) fn touched(&self) -> u64 {
        let followed = self.followed.borrow();
        let is_followed =
            |pot: PotId, id: RowId| followed.get(pot as usize).is_some_and(|from| *from <= id);
        let rows = (0..).zip(&self.world.rows);
        let touched =
            rows.filter(|(id, row)| is_followed(row.from, *id) || is_followed(row.to, *id));
        touched.count() as u64
    }
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
        self.world.row(row)
    }

    fn pots(&self) -> usize {
        self.world.pots()
    }

    fn pot(&self, pot: PotId) -> Pot {
        self.world.pot(pot)
    }

    fn history(&self, pot: PotId, from: RowId) -> PotHistory<Self::Rows<'_>> {
        let first = &mut self.followed.borrow_mut()[pot as usize];
        *first = (*first).min(from);
        self.world.history(pot, from)
    }

    fn busy_from(&self, place: PlaceId, degree: u32) -> Option<RowId> {
        self.world.busy_from(place, degree)
    }

    /// One that no trace comes to: so a trace is not given up for a replay, which asks for no balance.
    fn overflows(&self) -> Vec<(AssetId, RowId)> {
        vec![(AssetId::MAX, 0)]
    }
}
