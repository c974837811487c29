//! An invented chain in memory, as the engine reads one.
//!
//! Rows and pot ledgers have the shape that the archive's index has on disk: 32 bytes a row, a list
//! of row numbers a pot, and a pot's balance before every 64th of them.

use std::path::Path;

use anyhow::Result;
use bytemuck::{Pod, Zeroable};
use ledger::Time;
use taint::{
    AssetId, PlaceId, PlaceKind, Pot, PotHistory, PotId, PotLedger, Row, RowId, Stops, Where,
};

use crate::flat::{self, WorldFacts};

/// Rows of a pot's ledger between two stored balances.
const BALANCE_EVERY: usize = 64;

/// One transfer: 32 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct RowRecord {
    pub amount: u128,
    pub from: u32,
    pub to: u32,
    /// The row's own number, so that first arrivals can be compared exactly.
    pub time: u32,
    pub extra: u32,
}

/// All transfers, and where they are wanted, each pot's own.
pub struct PotRows {
    pub rows: Vec<RowRecord>,
    pots: Vec<Pot>,
    stops: Vec<bool>,
    ledgers: Ledgers,
}

/// The ledgers of all pots, one after another.
#[derive(Default)]
struct Ledgers {
    /// Where each begins in `entries` and in `balances`; one more for the end.
    begins: Vec<(u64, u64)>,
    entries: Vec<u32>,
    balances: Vec<u128>,
}

impl PotRows {
    /// Reads a world's folder; ledgers are made by [`PotRows::make_ledgers`].
    pub fn read(folder: &Path, facts: &WorldFacts) -> Result<PotRows> {
        let mut rows = Vec::with_capacity(usize::try_from(facts.rows)?);
        flat::read_rows(folder, |row| {
            let time = u32::try_from(rows.len())?;
            let (amount, from, to) = (u128::from(row.amount), row.from, row.to);
            rows.push(RowRecord { amount, from, to, time, extra: 0 });
            Ok(())
        })?;
        let kind = PlaceKind::Account;
        let pots = flat::read_pots(folder)?;
        let pots =
            pots.iter().map(|pot| Pot { place: pot.place, asset: pot.asset, kind }).collect();
        let mut stops = vec![false; usize::try_from(facts.places)?];
        for stop in &facts.stops {
            stops[*stop as usize] = true;
        }
        Ok(PotRows { rows, pots, stops, ledgers: Ledgers::default() })
    }

    /// Makes what a trace needs and a replay does not.
    pub fn make_ledgers(&mut self) {
        self.ledgers = Ledgers::of(&self.rows, self.pots.len());
    }
}

impl Ledgers {
    fn of(rows: &[RowRecord], pots: usize) -> Ledgers {
        let mut counts = vec![0u64; pots];
        let touched = |row: &RowRecord| [row.from, row.to].map(|pot| pot as usize);
        for pot in rows.iter().flat_map(touched).filter(|pot| *pot < pots) {
            counts[pot] += 1;
        }
        let (mut begins, mut at) = (Vec::with_capacity(pots + 1), (0, 0));
        for count in counts {
            begins.push(at);
            at = (at.0 + count, at.1 + count.saturating_sub(1) / BALANCE_EVERY as u64);
        }
        begins.push(at);
        let mut ledgers =
            Ledgers { entries: vec![0; at.0 as usize], balances: vec![0; at.1 as usize], begins };
        ledgers.fill(rows, pots);
        ledgers
    }

    fn fill(&mut self, rows: &[RowRecord], pots: usize) {
        // Of each pot: entries so far, and what it holds.
        let mut states = vec![(0u64, 0u128); pots];
        for (number, row) in (0u32..).zip(rows) {
            for (pot, enters) in [(row.from as usize, false), (row.to as usize, true)] {
                let Some((count, balance)) = states.get_mut(pot) else { continue };
                let (entries, balances) = self.begins[pot];
                self.entries[(entries + *count) as usize] = number;
                let every = BALANCE_EVERY as u64;
                if *count > 0 && count.is_multiple_of(every) {
                    self.balances[(balances + *count / every - 1) as usize] = *balance;
                }
                *count += 1;
                *balance = balance_after(*balance, row.amount, enters);
            }
        }
    }
}

fn balance_after(balance: u128, amount: u128, enters: bool) -> u128 {
    if enters { balance.saturating_add(amount) } else { balance.saturating_sub(amount) }
}

type Rows<'a> = std::iter::Map<std::iter::Copied<std::slice::Iter<'a, u32>>, fn(u32) -> RowId>;

impl PotLedger for PotRows {
    type Rows<'a> = Rows<'a>;

    fn rows(&self) -> RowId {
        self.rows.len() as RowId
    }

    #[inline]
    fn row(&self, row: RowId) -> Row {
        let RowRecord { amount, from, to, time, .. } = self.rows[row as usize];
        let time = Time::from_seconds(time);
        Row { from, to, amount, amount_to: amount, converts: false, time }
    }

    fn pots(&self) -> usize {
        self.pots.len()
    }

    fn pot(&self, pot: PotId) -> Pot {
        self.pots[pot as usize]
    }

    fn history(&self, pot: PotId, from: RowId) -> PotHistory<Rows<'_>> {
        let Ledgers { begins, entries, balances } = &self.ledgers;
        let (begin, end) = (begins[pot as usize], begins[pot as usize + 1]);
        let all = &entries[begin.0 as usize..end.0 as usize];
        let first = all.partition_point(|row| u64::from(*row) < from);
        let block = (first / BALANCE_EVERY).min(all.len().saturating_sub(1) / BALANCE_EVERY);
        let mut balance = block.checked_sub(1).map_or(0, |at| balances[begin.1 as usize + at]);
        for row in &all[block * BALANCE_EVERY..first] {
            let row = &self.rows[*row as usize];
            balance = balance_after(balance, row.amount, row.to == pot);
        }
        let number: fn(u32) -> RowId = u64::from;
        PotHistory { balance, rows: all[first..].iter().copied().map(number) }
    }

    /// Never: suspected services are switched off in the bench.
    fn busy_from(&self, _place: PlaceId, _degree: u32, _until: RowId) -> Option<RowId> {
        None
    }

    /// None: fewer than 2^32 amounts below 2^62 stay far below 2^128.
    fn overflows(&self) -> Vec<(AssetId, RowId)> {
        Vec::new()
    }
}

impl Stops for PotRows {
    fn stop(&self, place: PlaceId) -> Option<Where> {
        self.stops[place as usize].then_some(Where::Service)
    }

    fn through(&self, _place: PlaceId) -> bool {
        false
    }
}
