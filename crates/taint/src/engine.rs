//! The engine: what one row does to two pots.
//!
//! Every rule, every label, replay and trace go through [`Engine::step`]. A row takes units out of
//! its sender's pot (a shortfall enters first, as unknown value), a seed labels them, a conversion
//! changes their asset, and they arrive: in the receiver's pot, or at a stop, where the label ends.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::content::{Content, TooMuch};
use crate::flows::Flow;
use crate::outcome::Sums;
use crate::pot_ledger::{
    AssetId, NO_POT, PlaceId, PlaceKind, Pot, PotId, PotLedger, Row, RowId, Where,
};
use crate::pots::{PotState, Pots, Reached, Shared, Stopping};
use crate::rule::Rule;
use crate::seeds::{Asserted, Label};
use crate::{Detail, Question, RuleName};

/// A balance or running sum beyond 2^128−1: the asset must be left out of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a balance or sum of asset {asset} does not fit in 128 bits")]
pub struct Overflow {
    pub asset: AssetId,
}

pub(crate) struct Engine<'q, R: Rule, L> {
    pub(crate) question: Question<'q, L>,
    /// Assets left out: value of theirs comes from nowhere and goes nowhere.
    excluded: &'q [AssetId],
    pub(crate) pots: Pots<R::Content>,
    /// Fewest hops of each place so far, per label.
    pub(crate) hops: FxHashMap<(PlaceId, Label), u32>,
    pub(crate) sums: FxHashMap<(Label, AssetId), Sums>,
    pub(crate) flows: Vec<Flow>,
    /// Pots that began to be followed in the last step; a trace then reads their ledgers.
    pub(crate) newly_followed: SmallVec<[PotId; 2]>,
}

/// The labels of a parcel that end at a stop.
type Ended = SmallVec<[(Label, Where); 1]>;

/// Labelled units on their way from one place to another.
struct Parcel<C> {
    content: C,
    /// Per label: units that left with the label, and units that a seed gave it.
    origins: SmallVec<[Origin; 1]>,
}

#[derive(Clone, Copy)]
struct Origin {
    label: Label,
    left: u128,
    injected: u128,
    is_seed: bool,
}

impl<'q, R: Rule, L: PotLedger> Engine<'q, R, L> {
    pub(crate) fn new(
        question: Question<'q, L>,
        excluded: &'q [AssetId],
        pots: Pots<R::Content>,
    ) -> Engine<'q, R, L> {
        Engine {
            question,
            excluded,
            pots,
            hops: FxHashMap::default(),
            sums: FxHashMap::default(),
            flows: Vec::new(),
            newly_followed: SmallVec::new(),
        }
    }

    /// Applies one row; `seeds` are the incidents of which it is a seed.
    pub(crate) fn step(
        &mut self,
        id: RowId,
        row: &Row,
        seeds: &[(RowId, Label)],
    ) -> Result<(), Overflow> {
        let (row, seeds) = if self.excluded.is_empty() {
            (*row, seeds)
        } else {
            self.without_excluded(row, seeds)
        };
        let row = &row;
        if row.moves_nothing() {
            return Ok(());
        }
        let mut left = None;
        if row.from != NO_POT && row.amount > 0 {
            left = self.withdraw(row.from, row.amount)?;
        }
        if left.is_none() && seeds.is_empty() {
            return self.deposit_clean(row.to, row.amount_to);
        }
        let content = left.unwrap_or_else(|| R::Content::clean(row.amount));
        let mut parcel = self.seal(content, row, seeds)?;
        if row.converts {
            self.convert(&mut parcel, row)?;
            self.record_vanished(id, row, &parcel);
        }
        if row.to == NO_POT {
            return Ok(());
        }
        self.deposit(id, row, parcel)
    }

    /// Lets a theft enter that the data cannot show.
    pub(crate) fn assert(&mut self, theft: &Asserted) -> Result<(), Overflow> {
        let asset = self.question.ledger.pot(theft.pot).asset;
        if theft.amount == 0 || self.excluded.contains(&asset) {
            return Ok(());
        }
        let (pot, amount) = (theft.pot, theft.amount);
        let mut content = R::Content::clean(amount);
        content.mark(theft.label, amount);
        self.add_sums(theft.label, asset, |sums| {
            Some(Sums {
                stolen: sums.stolen.checked_add(amount)?,
                injected: sums.injected.checked_add(amount)?,
                ..sums
            })
        })?;
        let label = theft.label;
        let origin = Origin { label, left: 0, injected: amount, is_seed: true };
        let parcel = Parcel { content, origins: SmallVec::from_iter([origin]) };
        let row = Row {
            from: pot,
            to: pot,
            amount,
            amount_to: amount,
            converts: false,
            time: theft.time,
        };
        self.deposit(theft.before, &row, parcel)
    }

    /// The row as it looks when assets are left out: value converted from one is new, value converted
    /// into one is gone, and it is no seed of one.
    fn without_excluded<'s>(
        &self,
        row: &Row,
        seeds: &'s [(RowId, Label)],
    ) -> (Row, &'s [(RowId, Label)]) {
        let gone = |pot: PotId| {
            pot != NO_POT && self.excluded.contains(&self.question.ledger.pot(pot).asset)
        };
        let to = if gone(row.to) { NO_POT } else { row.to };
        if gone(row.from) {
            return (Row { from: NO_POT, to, amount: row.amount_to, converts: false, ..*row }, &[]);
        }
        let seeds = if row.from == NO_POT && to == NO_POT { &[] } else { seeds };
        (Row { to, ..*row }, seeds)
    }

    /// Takes `amount` out of a pot; what left with labels, or `None`.
    fn withdraw(&mut self, pot: PotId, amount: u128) -> Result<Option<R::Content>, Overflow> {
        let Some(state) = self.pots.followed(pot) else { return Ok(None) };
        if let Some(shortfall) = amount.checked_sub(state.balance).filter(|s| *s > 0) {
            state.balance = amount;
            if let Some(reached) = state.reached.as_mut()
                && note_shortfall(reached, shortfall).is_err()
            {
                return Err(Overflow { asset: self.question.ledger.pot(pot).asset });
            }
        }
        let balance = state.balance;
        state.balance = balance - amount;
        let Some(reached) = state.reached.as_mut() else { return Ok(None) };
        let Some(content) = reached.content.as_mut() else { return Ok(None) };
        let left = R::take(content, balance, amount);
        if content.is_clean() {
            reached.content = None;
        }
        Ok((!left.is_clean()).then_some(left))
    }

    /// Notes where the labels of a parcel come from, and gives it those of its seeds.
    fn seal(
        &mut self,
        content: R::Content,
        row: &Row,
        seeds: &[(RowId, Label)],
    ) -> Result<Parcel<R::Content>, Overflow> {
        let mut origins: SmallVec<[Origin; 1]> = content
            .labels()
            .into_iter()
            .map(|label| Origin { label, left: content.of(label), injected: 0, is_seed: false })
            .collect();
        let mut content = content;
        // A pot that was left out sends nothing that could be labelled.
        let seedable = row.amount > 0 && (row.to != NO_POT || row.converts);
        for (_, label) in seeds.iter().filter(|_| seedable) {
            let known = origins.iter().position(|origin| origin.label == *label);
            let at = known.unwrap_or_else(|| {
                origins.push(Origin { label: *label, left: 0, injected: 0, is_seed: true });
                origins.len() - 1
            });
            origins[at].is_seed = true;
            origins[at].injected = row.amount - origins[at].left.min(row.amount);
            content.mark(*label, row.amount);
            let (amount, injected) = (row.amount, origins[at].injected);
            self.add_sums(*label, self.asset_sent(row), |sums| {
                Some(Sums {
                    stolen: sums.stolen.checked_add(amount)?,
                    injected: sums.injected.checked_add(injected)?,
                    ..sums
                })
            })?;
        }
        Ok(Parcel { content, origins })
    }

    /// The asset that the sender parts with.
    fn asset_sent(&self, row: &Row) -> AssetId {
        let pot = if row.from == NO_POT { row.to } else { row.from };
        self.question.ledger.pot(pot).asset
    }

    fn convert(&mut self, parcel: &mut Parcel<R::Content>, row: &Row) -> Result<(), Overflow> {
        let sent = self.asset_sent(row);
        for origin in &parcel.origins {
            let out = parcel.content.of(origin.label);
            self.add_sums(origin.label, sent, |sums| {
                Some(Sums { converted_out: sums.converted_out.checked_add(out)?, ..sums })
            })?;
        }
        parcel.content.convert(row.amount, row.amount_to);
        if row.to == NO_POT {
            return Ok(());
        }
        let got = self.question.ledger.pot(row.to).asset;
        for origin in &parcel.origins {
            let arrived = parcel.content.of(origin.label);
            if arrived > 0 {
                self.add_sums(origin.label, got, |sums| {
                    Some(Sums { converted_in: sums.converted_in.checked_add(arrived)?, ..sums })
                })?;
            }
        }
        Ok(())
    }

    /// Keeps the movements of a conversion by which nothing labelled arrived, rounded off or left out.
    fn record_vanished(&mut self, id: RowId, row: &Row, parcel: &Parcel<R::Content>) {
        let gone = |origin: &&Origin| row.to == NO_POT || parcel.content.of(origin.label) == 0;
        let origins: SmallVec<[Origin; 1]> = parcel.origins.iter().filter(gone).copied().collect();
        for origin in &origins {
            self.record(id, row, origin, 0, Where::Unspent, 0);
        }
    }

    /// Keeps one movement, if movements are kept.
    fn record(
        &mut self,
        row_id: RowId,
        row: &Row,
        origin: &Origin,
        arrived: u128,
        end: Where,
        hops: u32,
    ) {
        if self.question.detail == Detail::Flows {
            self.flows.push(Flow {
                row: row_id,
                label: origin.label,
                from: row.from,
                to: row.to,
                left: origin.left,
                injected: origin.injected,
                arrived,
                converts: row.converts,
                end,
                hops,
                asserted: row.from == row.to,
            });
        }
    }

    fn add_sums(
        &mut self,
        label: Label,
        asset: AssetId,
        change: impl FnOnce(Sums) -> Option<Sums>,
    ) -> Result<(), Overflow> {
        if R::NAME == RuleName::Poison {
            // Poison conserves nothing; its sums would only overflow. What was stolen is kept.
            let sums = self.sums.entry((label, asset)).or_default();
            if let Some(changed) = change(Sums { stolen: sums.stolen, ..Sums::default() }) {
                sums.stolen = changed.stolen;
                return Ok(());
            }
            return Err(Overflow { asset });
        }
        let sums = self.sums.entry((label, asset)).or_default();
        *sums = change(*sums).ok_or(Overflow { asset })?;
        Ok(())
    }

    fn deposit_clean(&mut self, to: PotId, amount: u128) -> Result<(), Overflow> {
        if to == NO_POT {
            return Ok(());
        }
        let Some(state) = self.pots.followed(to) else { return Ok(()) };
        let Some(balance) = state.balance.checked_add(amount) else {
            // Only pots that hold value can be too full; fee and burn are counted per label alone.
            return self.too_full(to);
        };
        state.balance = balance;
        if let Some(content) = state.reached.as_mut().and_then(|r| r.content.as_mut()) {
            content.add_clean(amount);
        }
        Ok(())
    }

    fn too_full(&self, pot: PotId) -> Result<(), Overflow> {
        let Pot { asset, kind, .. } = self.question.ledger.pot(pot);
        match kind {
            PlaceKind::Fee | PlaceKind::Burn => Ok(()),
            PlaceKind::Account | PlaceKind::Output | PlaceKind::Transaction => {
                Err(Overflow { asset })
            }
        }
    }

    /// Lets a parcel arrive.
    fn deposit(
        &mut self,
        id: RowId,
        row: &Row,
        mut parcel: Parcel<R::Content>,
    ) -> Result<(), Overflow> {
        if parcel.content.is_clean() {
            return self.deposit_clean(row.to, row.amount_to);
        }
        let pot = self.question.ledger.pot(row.to);
        let stop = self.stop_at(row.to, pot, id);
        let (held, ended) = self.end_each(id, row, pot, stop, &mut parcel)?;
        let overflow = |TooMuch| Overflow { asset: pot.asset };
        let shared = if ended.len() > 1 { overlaps(&parcel.content, &ended, row) } else { vec![] };
        for (label, _) in &ended {
            parcel.content.unmark(*label);
        }
        if held {
            self.follow(row.to, id);
        }
        let state = self.pots.meet(row.to);
        let before = state.balance;
        if state.followed {
            state.balance = before.saturating_add(row.amount_to);
            if before.checked_add(row.amount_to).is_none() {
                self.too_full(row.to)?;
            }
        }
        let state = self.pots.meet(row.to);
        let reached = state.reached.get_or_insert_default();
        reached.add_shared(shared).map_err(overflow)?;
        match reached.content.as_mut() {
            Some(content) if held => content.add(parcel.content).map_err(overflow)?,
            Some(content) => content.add_clean(row.amount_to),
            None if held => {
                let mut content = R::Content::clean(before);
                content.add(parcel.content).map_err(overflow)?;
                reached.content = Some(content);
            }
            None => {}
        }
        Ok(())
    }

    /// Records where each label of a parcel ends up: true if some is held in the pot, and the labels
    /// that end at a stop.
    fn end_each(
        &mut self,
        id: RowId,
        row: &Row,
        pot: Pot,
        stop: Option<Where>,
        parcel: &mut Parcel<R::Content>,
    ) -> Result<(bool, Ended), Overflow> {
        let mut held = false;
        let mut ended = Ended::new();
        for origin in &parcel.origins {
            let arrived = parcel.content.of(origin.label);
            if arrived == 0 {
                continue;
            }
            let tracks_hops = self.question.detail != Detail::Amounts;
            let hops = if tracks_hops { self.hops_on_arrival(row, pot, origin) } else { 0 };
            let cut = self.question.max_hops.is_some_and(|most| hops > most);
            let end = stop.unwrap_or(if cut { Where::Untraced } else { Where::Unspent });
            match end {
                Where::Unspent => held = true,
                _ => ended.push((origin.label, end)),
            }
            let label = origin.label;
            if tracks_hops {
                let known = self.hops.entry((pot.place, label)).or_insert(hops);
                *known = hops.min(*known);
            }
            let reached = self.pots.meet(row.to).reached.get_or_insert_default();
            let arrivals = reached.arrivals(label, end, row.time);
            arrivals.last = arrivals.last.max(row.time.seconds());
            arrivals.first = arrivals.first.min(row.time.seconds());
            arrivals.received = match arrivals.received.checked_add(arrived) {
                Some(sum) => sum,
                // A followed pot's receipts may add up to more than it ever holds.
                None if end == Where::Unspent && R::NAME != RuleName::Poison => u128::MAX,
                None => return Err(Overflow { asset: pot.asset }),
            };
            self.record(id, row, origin, arrived, end, hops);
        }
        Ok((held, ended))
    }

    fn hops_on_arrival(&self, row: &Row, pot: Pot, origin: &Origin) -> u32 {
        if origin.is_seed || row.from == NO_POT {
            return 0;
        }
        let sender = self.question.ledger.pot(row.from).place;
        let hops = self.hops.get(&(sender, origin.label)).copied().unwrap_or(0);
        match pot.kind {
            PlaceKind::Transaction => hops,
            _ => hops.saturating_add(1),
        }
    }

    /// Where tainted value that arrives with row `id` ends, if it is not followed further.
    fn stop_at(&mut self, pot_id: PotId, pot: Pot, id: RowId) -> Option<Where> {
        let reached = self.pots.meet(pot_id).reached.get_or_insert_default();
        let mut stopping = reached.stopping;
        if stopping == Stopping::NotAsked {
            stopping = self.ask_stopping(pot);
            self.pots.meet(pot_id).reached.get_or_insert_default().stopping = stopping;
        }
        match stopping {
            Stopping::Always(end) => Some(end),
            Stopping::After(row) if row < id => Some(Where::SuspectedService),
            Stopping::After(_) | Stopping::Never | Stopping::NotAsked => None,
        }
    }

    fn ask_stopping(&self, pot: Pot) -> Stopping {
        match pot.kind {
            PlaceKind::Fee => return Stopping::Always(Where::Fee),
            PlaceKind::Burn => return Stopping::Always(Where::Burned),
            PlaceKind::Transaction => return Stopping::Never,
            PlaceKind::Account | PlaceKind::Output => {}
        }
        let Question { ledger, stops, service_degree, .. } = self.question;
        if let Some(end) = stops.stop(pot.place) {
            return Stopping::Always(end);
        }
        let counts = pot.kind == PlaceKind::Account && service_degree > 0;
        if !counts || stops.through(pot.place) {
            return Stopping::Never;
        }
        let busy = ledger.busy_from(pot.place, service_degree);
        busy.map_or(Stopping::Never, Stopping::After)
    }

    /// Begins to follow a pot that taint enters with row `id`.
    fn follow(&mut self, pot: PotId, id: RowId) {
        if let Pots::Met(_) = self.pots {
            let ledger = self.question.ledger;
            let state = self.pots.meet(pot);
            if !state.followed {
                state.followed = true;
                state.balance = ledger.history(pot, id).balance;
                self.newly_followed.push(pot);
            }
        }
    }
}

/// The units of a parcel that two incidents bring to the same stop.
fn overlaps<C: Content>(content: &C, ended: &[(Label, Where)], row: &Row) -> Vec<Shared> {
    let pairs =
        ended.iter().enumerate().flat_map(|(i, a)| ended[i + 1..].iter().map(move |b| (a, b)));
    pairs
        .filter(|(a, b)| a.1 == b.1)
        .map(|(a, b)| {
            let (low, high) = content.overlap(a.0, b.0, row.amount_to);
            Shared { labels: (a.0.min(b.0), a.0.max(b.0)), end: a.1, low, high }
        })
        .collect()
}

/// Counts a shortfall against the labels that the pot has held, and lets it enter as the newest units.
fn note_shortfall<C: Content>(reached: &mut Reached<C>, shortfall: u128) -> Result<(), TooMuch> {
    if let Some(content) = reached.content.as_mut() {
        content.add_clean(shortfall);
    }
    let held = reached.arrivals.iter().filter(|a| a.end == Where::Unspent).map(|a| a.label);
    for label in held.collect::<SmallVec<[Label; 2]>>() {
        match reached.unknown.iter_mut().find(|(own, _)| *own == label) {
            Some((_, sum)) => *sum = sum.checked_add(shortfall).ok_or(TooMuch)?,
            None => reached.unknown.push((label, shortfall)),
        }
    }
    Ok(())
}

impl<C> Reached<C> {
    fn add_shared(&mut self, new: Vec<Shared>) -> Result<(), TooMuch> {
        for one in new {
            let same = |s: &&mut Shared| s.labels == one.labels && s.end == one.end;
            match self.shared.iter_mut().find(same) {
                Some(known) => {
                    known.low = known.low.checked_add(one.low).ok_or(TooMuch)?;
                    known.high = known.high.checked_add(one.high).ok_or(TooMuch)?;
                }
                None => self.shared.push(one),
            }
        }
        Ok(())
    }
}

impl<C> PotState<C> {
    /// Units of the pot that carry `label`; under poison, the sum of its tainted receipts.
    pub(crate) fn tainted(&self, label: Label) -> u128
    where
        C: Content,
    {
        let reached = self.reached.as_ref();
        reached.and_then(|r| r.content.as_ref()).map_or(0, |content| content.of(label))
    }
}
