//! The engine: what one row does to two pots.
//!
//! Every rule, every label, replay and trace go through [`Engine::step`]. A row takes units out of
//! its sender's pot (a shortfall enters first, as unknown value), a seed labels them, a conversion
//! changes their asset, and they arrive: in the receiver's pot, or at a stop, where the label ends.

use std::ops::Range;

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
    /// Balances that were asked for so far.
    pub(crate) looked_up: RowId,
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
            looked_up: 0,
        }
    }

    /// Applies rows that are no seeds, most of them by the lines of a table alone.
    pub(crate) fn pass(&mut self, rows: Range<RowId>) -> Result<(), Overflow> {
        let (ledger, mut next) = (self.question.ledger, rows.start);
        while next < rows.end {
            if let Pots::Flat(table) = &mut self.pots
                && self.excluded.is_empty()
            {
                next = table.pass::<R, L>(&self.question, next..rows.end);
                if next == rows.end {
                    break;
                }
            }
            self.step(next, &ledger.row(next), &[])?;
            next += 1;
        }
        Ok(())
    }

    /// Applies one row; `seeds` are the incidents of which it is a seed.
    pub(crate) fn step(
        &mut self,
        id: RowId,
        row: &Row,
        seeds: &[(RowId, Label)],
    ) -> Result<(), Overflow> {
        let applied = self.apply(id, row, seeds);
        self.pots.close(row.from);
        self.pots.close(row.to);
        applied
    }

    fn apply(&mut self, id: RowId, row: &Row, seeds: &[(RowId, Label)]) -> Result<(), Overflow> {
        let (row, seeds) = if self.excluded.is_empty() {
            (*row, seeds)
        } else {
            self.without_excluded(row, seeds)
        };
        let row = &row;
        if row.moves_nothing() {
            return Ok(());
        }
        let mut left = R::Content::default();
        if row.from != NO_POT && row.amount > 0 {
            left = self.withdraw(row.from, row.amount)?;
        }
        let is_plain = seeds.is_empty() && !row.converts && row.to != NO_POT;
        match left.is_kept() {
            false if seeds.is_empty() => return self.deposit_clean(row.to, row.amount_to),
            true if is_plain && self.question.detail == Detail::Amounts => {
                return self.deposit_plain(id, row, left);
            }
            true => {}
            false => left = R::Content::clean(row.amount),
        }
        let mut parcel = self.seal(left, row, seeds)?;
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
        let entered = self.deposit(theft.before, &row, parcel);
        self.pots.close(pot);
        entered
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

    /// Takes `amount` out of a pot; what left with labels, or the default if nothing did.
    fn withdraw(&mut self, pot: PotId, amount: u128) -> Result<R::Content, Overflow> {
        let Some(state) = self.pots.followed(pot) else { return Ok(R::Content::default()) };
        if amount > state.balance {
            let shortfall = amount - state.balance;
            state.balance = amount;
            if state.content.is_kept() {
                state.content.add_clean(shortfall);
            }
            let noted = state.reached.as_mut().map(|reached| note_shortfall(reached, shortfall));
            if noted.is_some_and(|noted| noted.is_err()) {
                return Err(Overflow { asset: self.question.ledger.pot(pot).asset });
            }
        }
        let balance = state.balance;
        state.balance = balance - amount;
        if !state.content.is_kept() {
            return Ok(R::Content::default());
        }
        let left = R::take(&mut state.content, balance, amount);
        if state.content.is_clean() {
            state.content = R::Content::default();
        }
        Ok(if left.is_clean() { R::Content::default() } else { left })
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
        if state.content.is_kept() {
            state.content.add_clean(amount);
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
        let stop = self.stop_at(row.to, id);
        let (held, ended) = self.end_each(id, row, pot, stop, &mut parcel)?;
        let overflow = |TooMuch| Overflow { asset: pot.asset };
        let shared = if ended.len() > 1 { overlaps(&parcel.content, &ended, row) } else { vec![] };
        for (label, _) in &ended {
            parcel.content.unmark(*label);
        }
        if held {
            self.follow(row.to, id);
        }
        if !shared.is_empty() {
            let reached = self.pots.meet(row.to).reached.get_or_insert_default();
            reached.add_shared(shared).map_err(overflow)?;
        }
        self.put(row, held.then_some(parcel.content))
    }

    /// Lets labelled units arrive where nothing is asked but amounts: no seed, no conversion.
    fn deposit_plain(&mut self, id: RowId, row: &Row, content: R::Content) -> Result<(), Overflow> {
        match self.stop_at(row.to, id) {
            None => {
                self.follow(row.to, id);
                self.put(row, Some(content))
            }
            Some(end) => {
                let labels = content.labels();
                for label in &labels {
                    self.count_arrival(row, *label, content.of(*label), end)?;
                }
                if labels.len() > 1 {
                    let ended: Ended = labels.iter().map(|label| (*label, end)).collect();
                    let shared = overlaps(&content, &ended, row);
                    let asset = self.question.ledger.pot(row.to).asset;
                    let reached = self.pots.meet(row.to).reached.get_or_insert_default();
                    reached.add_shared(shared).map_err(|TooMuch| Overflow { asset })?;
                }
                self.put(row, None)
            }
        }
    }

    /// Adds what arrives to the pot: `held` with its labels, or nothing but clean units.
    fn put(&mut self, row: &Row, held: Option<R::Content>) -> Result<(), Overflow> {
        let state = self.pots.meet(row.to);
        let before = state.balance;
        if state.followed {
            let Some(balance) = before.checked_add(row.amount_to) else {
                // Said before anything is added: what the pot holds would outgrow 128 bits as well.
                state.balance = u128::MAX;
                return self.too_full(row.to);
            };
            state.balance = balance;
        }
        let kept = state.content.is_kept();
        let added = match held {
            Some(content) => {
                if !kept {
                    state.content = R::Content::clean(before);
                }
                state.content.add(content)
            }
            None if kept => {
                state.content.add_clean(row.amount_to);
                Ok(())
            }
            None => Ok(()),
        };
        let too_much = |TooMuch| Overflow { asset: self.question.ledger.pot(row.to).asset };
        added.map_err(too_much)
    }

    /// Counts what arrived with a label, by how it ends here.
    fn count_arrival(
        &mut self,
        row: &Row,
        label: Label,
        arrived: u128,
        end: Where,
    ) -> Result<(), Overflow> {
        let reached = self.pots.meet(row.to).reached.get_or_insert_default();
        let arrivals = reached.arrivals(label, end, row.time);
        arrivals.last = arrivals.last.max(row.time.seconds());
        arrivals.first = arrivals.first.min(row.time.seconds());
        arrivals.received = match arrivals.received.checked_add(arrived) {
            Some(sum) => sum,
            // A followed pot's receipts may add up to more than it ever holds.
            None if end == Where::Unspent && R::NAME != RuleName::Poison => u128::MAX,
            None => return Err(Overflow { asset: self.question.ledger.pot(row.to).asset }),
        };
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
            let detail = self.question.detail;
            let tracks_hops = matches!(detail, Detail::Hops | Detail::Flows);
            let hops = if tracks_hops { self.hops_on_arrival(row, pot, origin) } else { 0 };
            let label = origin.label;
            let mut place_hops = hops;
            if tracks_hops {
                let known = self.hops.entry((pot.place, label)).or_insert(hops);
                *known = hops.min(*known);
                place_hops = *known;
            }
            // A place within the limit is followed, by whichever way value comes to it.
            let cut = self.question.max_hops.is_some_and(|most| place_hops > most);
            let end = stop.unwrap_or(if cut { Where::Untraced } else { Where::Unspent });
            match end {
                Where::Unspent => held = true,
                _ => ended.push((label, end)),
            }
            if detail != Detail::Amounts || end != Where::Unspent {
                self.count_arrival(row, label, arrived, end)?;
            }
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
    fn stop_at(&mut self, pot: PotId, id: RowId) -> Option<Where> {
        let state = self.pots.meet(pot);
        match state.stopping {
            Stopping::Always(end) => return Some(end),
            Stopping::Never => return None,
            Stopping::AfterBusy => {
                let busy = RowId::from(state.busy_after) < id;
                return busy.then_some(Where::SuspectedService);
            }
            Stopping::NotAsked => {}
        }
        let (stopping, busy) = self.question.stopping(pot);
        let state = self.pots.meet(pot);
        match busy.map(u32::try_from) {
            Some(Ok(row)) => (state.stopping, state.busy_after) = (stopping, row),
            None => state.stopping = stopping,
            // Too far on to be kept in the pot's line; it is asked again.
            Some(Err(_)) => {}
        }
        match stopping {
            Stopping::Always(end) => Some(end),
            _ => busy.filter(|row| *row < id).map(|_| Where::SuspectedService),
        }
    }

    /// True if a trace need not see what comes to the pot, because no taint is there: should some come
    /// again, so does the balance. Runs that count shortfalls have to, once taint has been there.
    pub(crate) fn may_leave(&self, pot: PotId) -> bool {
        let counts_shortfalls = matches!(self.question.detail, Detail::Hops | Detail::Flows);
        !counts_shortfalls && self.pots.is_clean(pot)
    }

    /// Begins to follow a pot that taint enters with row `id`.
    fn follow(&mut self, pot: PotId, id: RowId) {
        if self.pots.is_lazy() {
            let ledger = self.question.ledger;
            let queued = matches!(self.pots, Pots::Met(_));
            let state = self.pots.meet(pot);
            if !state.followed {
                state.followed = true;
                state.balance = ledger.history(pot, id).balance;
                self.looked_up += 1;
                if queued {
                    self.newly_followed.push(pot);
                }
            }
        }
    }
}

impl<L: PotLedger> Question<'_, L> {
    /// How value that enters a pot ends, and from which row on where that depends on a row.
    #[inline]
    pub(crate) fn stopping(&self, pot: PotId) -> (Stopping, Option<RowId>) {
        let pot = self.ledger.pot(pot);
        match pot.kind {
            PlaceKind::Fee => return (Stopping::Always(Where::Fee), None),
            PlaceKind::Burn => return (Stopping::Always(Where::Burned), None),
            PlaceKind::Transaction => return (Stopping::Never, None),
            PlaceKind::Account | PlaceKind::Output => {}
        }
        let Question { ledger, stops, service_degree, until, .. } = *self;
        if let Some(end) = stops.stop(pot.place) {
            return (Stopping::Always(end), None);
        }
        let counts = pot.kind == PlaceKind::Account && service_degree > 0;
        if !counts || stops.through(pot.place) {
            return (Stopping::Never, None);
        }
        match ledger.busy_from(pot.place, service_degree, until) {
            Some(row) => (Stopping::AfterBusy, Some(row)),
            None => (Stopping::Never, None),
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

/// Counts a shortfall against the labels that the pot has held.
fn note_shortfall(reached: &mut Reached, shortfall: u128) -> Result<(), TooMuch> {
    let held = reached.arrivals.iter().filter(|a| a.end == Where::Unspent).map(|a| a.label);
    for label in held.collect::<SmallVec<[Label; 2]>>() {
        match reached.unknown.iter_mut().find(|(own, _)| *own == label) {
            Some((_, sum)) => *sum = sum.checked_add(shortfall).ok_or(TooMuch)?,
            None => reached.unknown.push((label, shortfall)),
        }
    }
    Ok(())
}

impl Reached {
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

impl<C: Content> PotState<C> {
    /// Units of the pot that carry `label`; under poison, the sum of its tainted receipts.
    pub(crate) fn tainted(&self, label: Label) -> u128 {
        self.content.of(label)
    }
}
