//! A replay's table of pots: 32 bytes each, side by side, because nearly every row of a chain does no
//! more than move a balance, and waits for memory more than for arithmetic.
//!
//! A [`Line`] holds the balance, the units with the run's only label, and how value that enters ends.
//! Whatever does not fit (a second incident, an age, times, numbers of 2^112 and more) is *opened*: the
//! whole state lies in an arena then, and the line says where. Opening and closing change no answer.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use rustc_hash::FxHashMap;

use crate::Question;
use crate::content::Content;
use crate::memory::Records;
use crate::pot_ledger::{NO_POT, PotId, PotLedger, Row, RowId, Where};
use crate::pot_set::PotSet;
use crate::pots::{Arrivals, Found, PotState, Reached, Stopping};
use crate::prefetch::prefetch;
use crate::rule::Rule;
use crate::seeds::Label;

/// How many rows ahead pots are fetched.
const AHEAD: RowId = 24;

/// How many neighbours are asked together how value ends in them.
const TOGETHER: PotId = 64;

/// Numbers from here on do not fit in a line; the flags lie above.
const LIMIT: u128 = 1 << 112;
/// The low half of a number, and what a line has of its high half.
const LOW: u128 = u64::MAX as u128;
const HIGH: u128 = (LIMIT - 1) & !LOW;
const OPENED: u128 = LIMIT;
const ASKED: u128 = LIMIT << 1;
const STOPS: u128 = LIMIT << 2;
/// The number of the end in [`Where::ALL`], where value stops.
const END: u32 = 112 + 3;

/// One pot. Zeros are a pot that nothing has touched yet.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(32))]
pub(crate) struct Line {
    /// The balance, and the flags above it.
    balance: u128,
    /// Units with the label; what arrived with it, where value stops; of an opened pot, its number in
    /// the arena.
    tainted: u128,
}

impl Line {
    #[inline]
    fn balance(self) -> u128 {
        self.balance & (LIMIT - 1)
    }

    /// The two halves of both numbers, each to be changed alone.
    #[inline]
    fn words(&mut self) -> Words<'_> {
        let words: &mut [u64; 4] = bytemuck::cast_mut(self);
        match words {
            #[cfg(target_endian = "little")]
            [balance, flags, tainted, tainted_high] => {
                Words { balance, flags, tainted, tainted_high }
            }
            #[cfg(target_endian = "big")]
            [flags, balance, tainted_high, tainted] => {
                Words { balance, flags, tainted, tainted_high }
            }
        }
    }

    #[inline]
    fn has(self, flag: u128) -> bool {
        self.balance & flag != 0
    }

    #[inline]
    fn with_balance(self, balance: u128) -> u128 {
        (self.balance & !(LIMIT - 1)) | balance
    }

    /// True if units with the label may leave.
    #[inline]
    fn is_tainted(self) -> bool {
        self.tainted != 0 && !self.has(STOPS)
    }

    /// Units with the label that the line speaks of, and how they ended; `None` if there are none.
    #[inline]
    pub(crate) fn labelled(self) -> Option<(u128, Where)> {
        let end = match self.stopping() {
            Stopping::Always(end) => end,
            _ => Where::Unspent,
        };
        (self.tainted != 0).then_some((self.tainted, end))
    }

    #[inline]
    fn stopping(self) -> Stopping {
        match (self.has(ASKED), self.has(STOPS)) {
            (false, _) => Stopping::NotAsked,
            (true, false) => Stopping::Never,
            (true, true) => Stopping::Always(Where::ALL[(self.balance >> END) as usize & 15]),
        }
    }

    fn flags(stopping: Stopping) -> Option<u128> {
        match stopping {
            Stopping::NotAsked => Some(0),
            Stopping::Never => Some(ASKED),
            Stopping::Always(end) => Some(ASKED | STOPS | (end as u128) << END),
            Stopping::AfterBusy => None,
        }
    }
}

/// A [`Line`] in words: the low half of each number, and the high half with what stands above it.
struct Words<'a> {
    balance: &'a mut u64,
    flags: &'a mut u64,
    tainted: &'a mut u64,
    tainted_high: &'a mut u64,
}

/// A flag as it stands in [`Words`].
const fn word(flag: u128) -> u64 {
    (flag >> 64) as u64
}

/// Where only some pots are followed, as taint comes to them: their lines lie in the order in which they
/// were met, so that few pots need little memory.
struct Few {
    /// The pots whose balances mean something.
    followed: PotSet,
    /// The number of each pot's line, of those that were met.
    numbers: FxHashMap<PotId, u32>,
    /// The pot of each line.
    pots: Vec<PotId>,
}

impl Few {
    /// The number of the pot's line; 0, which is nobody's, if it was never met.
    #[inline]
    fn number(&self, pot: PotId) -> usize {
        self.numbers.get(&pot).map_or(0, |number| *number as usize)
    }
}

/// The pots of a replay, or of a trace that passes over all rows.
pub(crate) struct Table<C> {
    /// By number of the pot, or as [`Few::numbers`] says.
    lines: Records<Line>,
    arena: Vec<PotState<C>>,
    /// Places in the arena that are free again.
    free: Vec<u32>,
    asking: Asking,
    /// None where every pot is followed.
    few: Option<Few>,
    /// The label whose units stand in lines; none where a run has several, or wants more than amounts.
    label: Option<Label>,
}

impl<C: Content> Table<C> {
    pub(crate) fn new(count: usize, label: Option<Label>) -> Table<C> {
        Table {
            lines: Records::to_fill(count),
            arena: Vec::new(),
            free: Vec::new(),
            asking: Asking::default(),
            few: None,
            label,
        }
    }

    /// A table in which pots are followed one by one, as taint comes to them.
    pub(crate) fn lazy(count: usize, label: Option<Label>) -> Table<C> {
        let (followed, numbers) = (PotSet::new(count), FxHashMap::default());
        let few = Some(Few { followed, numbers, pots: vec![NO_POT] });
        // The first line stands for all pots that were never met.
        let mut lines = Records::sparse(0);
        lines.push(Line::zeroed());
        Table { lines, few, ..Table::new(0, label) }
    }

    /// True if pots are followed one by one.
    pub(crate) fn is_lazy(&self) -> bool {
        self.few.is_some()
    }

    /// True if the balance of the pot means something.
    #[inline]
    pub(crate) fn follows(&self, pot: PotId) -> bool {
        match &self.few {
            Some(few) => few.followed.has(pot),
            None => (pot as usize) < self.lines.get().len(),
        }
    }

    /// How many pots have a line.
    pub(crate) fn len(&self) -> usize {
        self.lines.get().len()
    }

    /// The number of the pot's line, if it has one.
    #[inline]
    fn line_at(&self, pot: PotId) -> Option<usize> {
        match &self.few {
            Some(few) => Some(few.number(pot)).filter(|number| *number != 0),
            None => Some(pot as usize).filter(|number| *number < self.lines.get().len()),
        }
    }

    /// The same, of pots whose balances mean something.
    #[inline]
    fn followed_at(&self, pot: PotId) -> Option<usize> {
        self.line_at(pot).filter(|_| self.follows(pot))
    }

    /// The number of the pot's line, made if it has none.
    fn make_line(&mut self, pot: PotId) -> usize {
        let Some(few) = &mut self.few else {
            while self.lines.get().len() <= pot as usize {
                self.lines.push(Line::zeroed());
            }
            return pot as usize;
        };
        let next = few.pots.len() as u32;
        let number = *few.numbers.entry(pot).or_insert(next);
        if number == next {
            few.pots.push(pot);
            self.lines.push(Line::zeroed());
        }
        number as usize
    }

    /// Applies rows of a ledger that are no seeds as long as each is within what lines can say; the first
    /// that is not, or the end.
    pub(crate) fn pass<R: Rule, L: PotLedger>(
        &mut self,
        question: &Question<'_, L>,
        rows: Range<RowId>,
    ) -> RowId {
        if self.is_lazy() {
            let mut next = self.scan::<R, L>(question, rows.clone());
            while next < rows.end && self.move_clean(&question.ledger.row(next)) {
                next = self.scan::<R, L>(question, next + 1..rows.end);
            }
            return next;
        }
        let (ledger, last) = (question.ledger, question.until.saturating_sub(AHEAD).min(rows.end));
        let mut next = rows.start;
        while next < rows.end {
            let lines = self.lines.get_mut();
            next = pass_narrow::<R, L>(ledger, lines, next..rows.end, last);
            if next == rows.end {
                break;
            }
            let row = ledger.row(next);
            let moved = move_wide::<R, L>(question, lines, &mut self.asking, &row);
            if !moved && !self.move_clean(&row) {
                break;
            }
            next += 1;
        }
        next
    }

    /// The same where only some pots are followed: what moves between others is passed over.
    fn scan<R: Rule, L: PotLedger>(
        &mut self,
        question: &Question<'_, L>,
        rows: Range<RowId>,
    ) -> RowId {
        let (ledger, lines) = (question.ledger, self.lines.get_mut());
        let Some(few) = &self.few else { return rows.start };
        let last = question.until.saturating_sub(AHEAD).min(rows.end);
        for id in rows.clone() {
            if id < last {
                let (from, to) = ledger.sides(id + AHEAD);
                for pot in [from, to] {
                    if few.followed.has(pot) {
                        prefetch(lines, few.number(pot));
                    }
                }
            }
            let row = ledger.row(id);
            let follows = (few.followed.has(row.from), few.followed.has(row.to));
            if follows == (false, false) {
                continue;
            }
            let (from, to) = (few.number(row.from), few.number(row.to));
            // Stands for a pot that nobody follows, and of which nothing is known.
            let mut other = Line { balance: row.amount & LOW, tainted: 0 };
            let moved = match follows {
                (false, true) => move_narrow::<R>(&mut other, &mut lines[to], &row),
                // Where value stops, only what came is counted.
                (true, false) if !lines[to].has(STOPS) => {
                    other.balance = 0;
                    move_narrow::<R>(&mut lines[from], &mut other, &row)
                }
                _ => match lines.get_disjoint_mut([from, to]) {
                    Ok([paying, paid]) => move_narrow::<R>(paying, paid, &row),
                    Err(_) => false,
                },
            };
            if !moved {
                return id;
            }
        }
        rows.end
    }

    /// Moves units out of a pot that holds no label, opened or not. False, and nothing is done, where a
    /// row asks for more than two sums. It must agree with what the engine's `withdraw` and
    /// `deposit_clean` do with such a row: a trace goes by those.
    fn move_clean(&mut self, row: &Row) -> bool {
        let (from, to) = match (self.followed_at(row.from), self.followed_at(row.to)) {
            (Some(from), Some(to)) => (from, to),
            _ => return false,
        };
        let (lines, arena) = (self.lines.get_mut(), &mut self.arena);
        let Ok([paying, paid]) = lines.get_disjoint_mut([from, to]) else { return false };
        // A pot that taint has left behind still counts its shortfalls.
        let asks_more = |state: &PotState<C>| {
            let counts_shortfall = state.reached.is_some() && row.amount > state.balance;
            state.content.is_kept() || counts_shortfall
        };
        let is_tainted = match paying.has(OPENED) {
            true => asks_more(&arena[paying.tainted as usize]),
            false => paying.is_tainted(),
        };
        if is_tainted {
            return false;
        }
        // Whoever is paid comes first, since that can fail.
        if paid.has(OPENED) {
            let to = &mut arena[paid.tainted as usize];
            let Some(sum) = to.balance.checked_add(row.amount_to) else { return false };
            to.balance = sum;
            if to.content.is_kept() {
                to.content.add_clean(row.amount_to);
            }
        } else {
            let sum = paid.balance().checked_add(row.amount_to);
            let Some(sum) = sum.filter(|sum| *sum < LIMIT) else { return false };
            paid.balance = paid.with_balance(sum);
        }
        if paying.has(OPENED) {
            let from = &mut arena[paying.tainted as usize];
            from.balance = from.balance.saturating_sub(row.amount);
        } else {
            paying.balance = paying.with_balance(paying.balance().saturating_sub(row.amount));
        }
        true
    }

    /// The whole state of a pot, to be changed; it lies in the arena until it is [`Table::close`]d.
    #[inline]
    pub(crate) fn open(&mut self, pot: PotId) -> &mut PotState<C> {
        let known = self.line_at(pot).map(|number| self.lines.get()[number]);
        let at = match known.filter(|line| line.has(OPENED)) {
            Some(line) => line.tainted as usize,
            None => self.open_line(pot),
        };
        &mut self.arena[at]
    }

    /// Puts what a line says into the arena; where it lies there.
    fn open_line(&mut self, pot: PotId) -> usize {
        let number = self.make_line(pot);
        let mut state = self.state_of(&self.lines.get()[number]);
        state.followed = self.follows(pot);
        let at = match self.free.pop() {
            Some(at) => {
                self.arena[at as usize] = state;
                at as usize
            }
            None => {
                self.arena.push(state);
                self.arena.len() - 1
            }
        };
        self.lines.get_mut()[number] = Line { balance: OPENED, tainted: at as u128 };
        at
    }

    /// Takes the pot back into its line, if that can say all of it.
    pub(crate) fn close(&mut self, pot: PotId) {
        let Some(number) = self.line_at(pot) else { return };
        let line = self.lines.get()[number];
        if !line.has(OPENED) {
            return;
        }
        let at = line.tainted as usize;
        if let Some(few) = &mut self.few
            && self.arena[at].followed
        {
            few.followed.add(pot);
        }
        let Some(closed) = self.line_of(&self.arena[at]) else { return };
        self.lines.get_mut()[number] = closed;
        self.arena[at] = PotState::new(true);
        self.free.push(at as u32);
    }

    /// Shows the pots that are anything but untouched and empty, by number.
    pub(crate) fn each_touched<'s>(&'s self, each: impl FnMut(PotId, Found<'s, C>)) {
        self.each(|line| line.balance != 0 || line.tainted != 0, each);
    }

    /// Shows the pots in which units with a label may be or have been, by number.
    #[inline]
    pub(crate) fn each_labelled<'s>(&'s self, each: impl FnMut(PotId, Found<'s, C>)) {
        self.each(|line| line.tainted != 0 || line.has(OPENED), each);
    }

    /// Shows the pots whose lines are `wanted`, by number.
    #[inline]
    fn each<'s>(
        &'s self,
        wanted: impl Fn(&Line) -> bool,
        mut each: impl FnMut(PotId, Found<'s, C>),
    ) {
        let lines = self.lines.get();
        let mut show = |pot: PotId, line: &'s Line| {
            if line.has(OPENED) {
                each(pot, Found::State(&self.arena[line.tainted as usize]));
            } else {
                each(pot, Found::Line(line));
            }
        };
        let Some(few) = &self.few else {
            let all = (0..).zip(lines);
            return all.filter(|(_, line)| wanted(line)).for_each(|(pot, line)| show(pot, line));
        };
        let met = few.pots.iter().copied().zip(lines).skip(1);
        let mut met: Vec<(PotId, &Line)> = met.filter(|(_, line)| wanted(line)).collect();
        met.sort_unstable_by_key(|(pot, _)| *pot);
        met.into_iter().for_each(|(pot, line)| show(pot, line));
    }

    /// What a line says, in full.
    pub(crate) fn state_of(&self, line: &Line) -> PotState<C> {
        let mut state = PotState::new(true);
        (state.balance, state.stopping) = (line.balance(), line.stopping());
        let Some((label, (units, end))) = self.label.zip(line.labelled()) else {
            return state;
        };
        if end == Where::Unspent {
            state.content = C::of_one(label, units);
        } else {
            let arrived = Arrivals { label, end, received: units, first: 0, last: 0 };
            let mut reached = Reached::default();
            reached.arrivals.push(arrived);
            state.reached = Some(Box::new(reached));
        }
        state
    }

    /// The line that says all of a state, if one can.
    fn line_of(&self, state: &PotState<C>) -> Option<Line> {
        let flags = Line::flags(state.stopping)?;
        let tainted = match &state.reached {
            None if !state.content.is_kept() => 0,
            None => state.content.as_one(self.label?)?,
            Some(reached) => {
                let label = self.label?;
                let [only] = reached.arrivals.as_slice() else { return None };
                let stops = state.stopping == Stopping::Always(only.end) && only.label == label;
                let plain = reached.unknown.is_empty() && reached.shared.is_empty();
                if !stops || !plain || state.content.is_kept() {
                    return None;
                }
                only.received
            }
        };
        let fits = state.balance < LIMIT && tainted < LIMIT;
        fits.then_some(Line { balance: flags | state.balance, tainted })
    }
}

/// Applies rows as long as [`move_narrow`] can; the first that it cannot, or the end.
#[inline(never)]
fn pass_narrow<R: Rule, L: PotLedger>(
    ledger: &L,
    lines: &mut [Line],
    rows: Range<RowId>,
    last: RowId,
) -> RowId {
    for id in rows.clone() {
        if id < last {
            let (from, to) = ledger.sides(id + AHEAD);
            prefetch(lines, from as usize);
            prefetch(lines, to as usize);
        }
        let row = ledger.row(id);
        let both = lines.get_disjoint_mut([row.from as usize, row.to as usize]);
        if !both.is_ok_and(|[paying, paid]| move_narrow::<R>(paying, paid, &row)) {
            return id;
        }
    }
    rows.end
}

/// Applies a row to two lines, if all numbers are below 2^64 and nothing has to be asked, as for nearly
/// every row; false, and nothing is done, if not. [`move_wide`] does the same with other rows. Only the
/// words that change are written: the flags and high halves are most of a line.
#[inline(always)]
fn move_narrow<R: Rule>(paying: &mut Line, paid: &mut Line, row: &Row) -> bool {
    let Row { amount, amount_to, converts, .. } = *row;
    let (from, to) = (paying.words(), paid.words());
    let wide = (*from.flags | *to.flags) & word(HIGH | OPENED) | (amount >> 64) as u64;
    if wide != 0 || converts || amount != amount_to {
        return false;
    }
    let amount = amount as u64;
    let Some(sum) = to.balance.checked_add(amount) else { return false };
    if (*from.tainted | *from.tainted_high) != 0 && *from.flags & word(STOPS) == 0 {
        if (*from.tainted_high | *to.tainted_high) != 0 || amount == 0 {
            return false;
        }
        let whole = (*from.balance).max(amount);
        let part = R::part((*from.tainted).into(), whole.into(), amount.into());
        let Some(left) = part.map(|left| left as u64) else { return false };
        let Some(arrived) = to.tainted.checked_add(left) else { return false };
        if left > 0 && *to.flags & word(ASKED) == 0 {
            return false;
        }
        *from.tainted -= left;
        *to.tainted = arrived;
    }
    *from.balance = from.balance.saturating_sub(amount);
    *to.balance = sum;
    true
}

/// Applies a row to two lines, if they can say what comes of it; false, and nothing is done, if not.
fn move_wide<R: Rule, L: PotLedger>(
    question: &Question<'_, L>,
    lines: &mut [Line],
    asking: &mut Asking,
    row: &Row,
) -> bool {
    let Row { from, to, amount, amount_to, converts, .. } = *row;
    let Some(mut paid) = lines.get(to as usize).copied() else { return false };
    let sum = paid.balance() + (amount_to & (LIMIT - 1));
    if paid.has(OPENED) || converts || amount_to >= LIMIT || sum >= LIMIT {
        return false;
    }
    if from == NO_POT {
        lines[to as usize].balance = paid.with_balance(sum);
        return true;
    }
    let Some(paying) = lines.get(from as usize).copied() else { return false };
    if paying.has(OPENED) || from == to || amount >= LIMIT {
        return false;
    }
    let held = paying.balance();
    if paying.is_tainted() {
        let left = match R::part(paying.tainted, held.max(amount), amount) {
            Some(left) if amount > 0 => left,
            _ => return false,
        };
        if left > 0 && !paid.has(ASKED) {
            ask(question, lines, to, asking);
            paid = lines[to as usize];
            if !paid.has(ASKED) {
                return false;
            }
        }
        let arrived = paid.tainted + left;
        if arrived >= LIMIT {
            return false;
        }
        lines[from as usize].tainted = paying.tainted - left;
        lines[to as usize].tainted = arrived;
    }
    lines[from as usize].balance = paying.with_balance(held.saturating_sub(amount));
    lines[to as usize].balance = paid.with_balance(sum);
    true
}

/// Asks how value ends that enters a pot, and notes it in its line.
fn ask<L: PotLedger>(
    question: &Question<'_, L>,
    lines: &mut [Line],
    pot: PotId,
    asking: &mut Asking,
) {
    let count = lines.len().min(question.ledger.pots());
    for pot in asking.together(pot, count, question.service_degree) {
        let line = &mut lines[pot as usize];
        if line.balance & (ASKED | OPENED) == 0 {
            let (stopping, _) = question.stopping(pot);
            line.balance |= Line::flags(stopping).unwrap_or(0);
        }
    }
}

/// Which pots to ask how value ends in them. The answer lies far away; once many pots have been asked,
/// a pot's neighbours are asked with it, because they mostly appeared together and lie together there.
#[derive(Default)]
pub(crate) struct Asking {
    asked: usize,
}

impl Asking {
    /// The pots to ask when `pot` is to be asked, of `count`.
    pub(crate) fn together(
        &mut self,
        pot: PotId,
        count: usize,
        service_degree: u32,
    ) -> Range<PotId> {
        self.asked += 1;
        // To tell a suspected service, its whole ledger is read.
        let alone = service_degree > 0 || self.asked <= count / 64;
        let together = if alone { 1 } else { TOGETHER };
        let first = pot - pot % together;
        first..(first + together).min(count as PotId)
    }
}
