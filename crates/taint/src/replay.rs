//! Replay: one pass over all transfers in order. It sees every balance, costs O(rows), and can stop
//! anywhere and go on from a checkpoint; following a live chain is its tail.

use crate::checkpoint::{self, CheckpointError};
use crate::engine::{Engine, Overflow};
use crate::outcome::Outcome;
use crate::pot_ledger::{AssetId, PotLedger, RowId};
use crate::pots::Pots;
use crate::rule::{CleanFirst, Fifo, Haircut, Lifo, Poison, Rule, TaintedFirst};
use crate::seeds::SeedCursor;
use crate::{Question, RuleName, reach};

/// Rows between two looks at what balances have cost.
const LOOKED_UP_TOGETHER: RowId = 1 << 12;

/// Eight times the rows that can be replayed for the price of one balance that is looked up: an eighth of
/// a replay's price is enough to know that more will be looked up. Measured: 20 ns and 400.
const REPLAYED: RowId = 160;

/// Replays every row before `question.until` under `rule`. Assets in `excluded` are left out.
pub fn replay<L: PotLedger>(
    question: Question<'_, L>,
    rule: RuleName,
    excluded: &[AssetId],
) -> Result<Outcome, Overflow> {
    if rule == RuleName::Poison && reach::answers(&question, excluded) {
        return reach::reach(question);
    }
    let mut replay = Replay::new(question, rule, excluded);
    replay.advance(question.until)?;
    replay.finish()
}

/// A replay under way.
pub struct Replay<'q, L> {
    run: Run<'q, L>,
}

enum Run<'q, L> {
    Poison(Pass<'q, Poison, L>),
    Haircut(Pass<'q, Haircut, L>),
    Fifo(Pass<'q, Fifo, L>),
    Lifo(Pass<'q, Lifo, L>),
    CleanFirst(Pass<'q, CleanFirst, L>),
    TaintedFirst(Pass<'q, TaintedFirst, L>),
}

/// A pass over the rows under one rule.
pub(crate) struct Pass<'q, R: Rule, L> {
    pub(crate) engine: Engine<'q, R, L>,
    pub(crate) next: RowId,
    seeds: SeedCursor<'q>,
}

/// Does the same with the pass of whichever rule is running.
macro_rules! with_pass {
    ($run:expr, $pass:ident => $body:expr) => {
        match $run {
            Run::Poison($pass) => $body,
            Run::Haircut($pass) => $body,
            Run::Fifo($pass) => $body,
            Run::Lifo($pass) => $body,
            Run::CleanFirst($pass) => $body,
            Run::TaintedFirst($pass) => $body,
        }
    };
}

impl<'q, L: PotLedger> Replay<'q, L> {
    /// A replay that has seen nothing yet.
    pub fn new(question: Question<'q, L>, rule: RuleName, excluded: &'q [AssetId]) -> Self {
        let run = match rule {
            RuleName::Poison => Run::Poison(Pass::new(question, excluded)),
            RuleName::Haircut => Run::Haircut(Pass::new(question, excluded)),
            RuleName::Fifo => Run::Fifo(Pass::new(question, excluded)),
            RuleName::Lifo => Run::Lifo(Pass::new(question, excluded)),
            RuleName::CleanFirst => Run::CleanFirst(Pass::new(question, excluded)),
            RuleName::TaintedFirst => Run::TaintedFirst(Pass::new(question, excluded)),
        };
        Replay { run }
    }

    /// Replays on, up to and without row `until`. A theft asserted to enter just there enters when that
    /// row is replayed, or in [`Replay::finish`].
    pub fn advance(&mut self, until: RowId) -> Result<(), Overflow> {
        with_pass!(&mut self.run, pass => pass.advance(until))
    }

    /// The answer, of all that has been replayed.
    pub fn finish(self) -> Result<Outcome, Overflow> {
        with_pass!(self.run, pass => pass.finish())
    }

    /// The whole state as bytes. They fit the same ledger only, as it was or with rows added at its end.
    pub fn checkpoint(&self) -> Result<Vec<u8>, CheckpointError> {
        with_pass!(&self.run, pass => checkpoint::save(pass))
    }

    /// Goes on from a checkpoint of the same rule; `question` may have a later `until`.
    pub fn resume(
        question: Question<'q, L>,
        rule: RuleName,
        excluded: &'q [AssetId],
        bytes: &[u8],
    ) -> Result<Self, CheckpointError> {
        let mut replay = Replay::new(question, rule, excluded);
        with_pass!(&mut replay.run, pass => {
            checkpoint::load(pass, bytes)?;
            pass.seeds = SeedCursor::new(question.seeds, pass.next);
        });
        Ok(replay)
    }
}

impl<'q, R: Rule, L: PotLedger> Pass<'q, R, L> {
    fn new(question: Question<'q, L>, excluded: &'q [AssetId]) -> Self {
        question.ledger.pass_over();
        let pots = Pots::flat(question.ledger.pots(), question.label_in_lines());
        let engine = Engine::new(question, excluded, pots);
        Pass { engine, next: 0, seeds: SeedCursor::new(question.seeds, 0) }
    }

    /// Goes on from row `next` with what a trace has found, row by row instead of ledger by ledger. The
    /// balances of pots that taint comes to are still asked for; if there are too many of them, it is
    /// cheaper to replay everything, where each comes by itself.
    pub(crate) fn of_trace(
        mut engine: Engine<'q, R, L>,
        next: RowId,
        seeds: SeedCursor<'q>,
        excluded: &'q [AssetId],
    ) -> Result<Outcome, Overflow> {
        let question = engine.question;
        question.ledger.pass_over();
        // A replay would stop at assets that outgrow 128 bits where no taint comes.
        let may_replay = excluded.is_empty() && question.fits();
        engine.pots = engine.pots.spread(question.ledger.pots(), question.label_in_lines());
        let mut pass = Pass { engine, next, seeds };
        while pass.next < question.until {
            pass.advance(pass.next.saturating_add(LOOKED_UP_TOGETHER))?;
            let dear = pass.engine.looked_up.saturating_mul(REPLAYED) > question.until;
            if may_replay && dear {
                pass = Pass::new(question, excluded);
                pass.advance(question.until)?;
            }
        }
        pass.finish()
    }

    fn advance(&mut self, until: RowId) -> Result<(), Overflow> {
        let ledger = self.engine.question.ledger;
        let until = until.min(self.engine.question.until);
        while self.next < until {
            let seeded = self.seeds.next_row().map_or(until, |row| row.min(until));
            self.engine.pass(self.next..seeded)?;
            self.next = seeded;
            if seeded < until {
                self.seed(seeded, ledger)?;
                self.next = seeded + 1;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Outcome, Overflow> {
        for theft in self.seeds.take_asserted(self.next) {
            self.engine.assert(theft)?;
        }
        Ok(Outcome::of(self.engine))
    }

    fn seed(&mut self, row: RowId, ledger: &L) -> Result<(), Overflow> {
        for theft in self.seeds.take_asserted(row) {
            self.engine.assert(theft)?;
        }
        let labels = self.seeds.take_labels(row);
        self.engine.step(row, &ledger.row(row), labels)
    }
}
