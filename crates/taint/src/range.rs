//! How much the answer depends on the rule: every conserving rule is run, and each holding gets the
//! least and the most that any of them puts there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::engine::Overflow;
use crate::outcome::{Holding, Outcome};
use crate::pot_ledger::{AssetId, PotId, PotLedger, Where};
use crate::replay::replay;
use crate::seeds::Label;
use crate::trace::trace;
use crate::{Detail, Question, RuleName};

/// A holding under the chosen rule, with its bounds over the conserving rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangedHolding {
    pub pot: PotId,
    pub end: Where,
    /// `None` where the chosen rule never reached the place.
    pub chosen: Option<Holding>,
    pub low: u128,
    pub high: u128,
}

impl RangedHolding {
    /// Units there under the chosen rule.
    pub fn raw(&self) -> u128 {
        self.chosen.map_or(0, |holding| holding.raw)
    }
}

/// The chosen rule's outcome, and the others' bounds.
pub struct Range {
    pub chosen: Outcome,
    others: Vec<Outcome>,
    /// Assets that outgrew 128 bits and were left out, ascending.
    pub excluded: Vec<AssetId>,
}

/// Runs the chosen rule as asked, and every other conserving rule for its bounds; by full replay, or
/// by indexed trace. An asset that overflows is left out and everything is run again. Rules know nothing
/// of each other, so up to `threads` of them run at once; the answer is the same for any number.
pub fn range<L: PotLedger + Sync>(
    question: Question<'_, L>,
    rule: RuleName,
    full_replay: bool,
    threads: usize,
) -> Range {
    let attempt = |excluded: &[AssetId]| attempt(question, rule, full_replay, threads, excluded);
    let ((chosen, others), excluded) = without_overflows(question, attempt);
    Range { chosen, others, excluded }
}

/// Runs one rule by indexed trace, without bounds; assets that overflow are left out.
pub fn single<L: PotLedger>(question: Question<'_, L>, rule: RuleName) -> Outcome {
    without_overflows(question, |excluded| trace(question, rule, excluded)).0
}

/// Repeats an attempt until no asset overflows; what it gives, and the assets that were left out.
fn without_overflows<L: PotLedger, T>(
    question: Question<'_, L>,
    attempt: impl Fn(&[AssetId]) -> Result<T, Overflow>,
) -> (T, Vec<AssetId>) {
    let until = question.until;
    let beyond = question.ledger.overflows().into_iter().filter(|(_, row)| *row < until);
    let mut excluded: Vec<AssetId> = beyond.map(|(asset, _)| asset).collect();
    loop {
        excluded.sort_unstable();
        excluded.dedup();
        match attempt(&excluded) {
            Ok(found) => return (found, excluded),
            // An asset is excluded once, and there are finitely many.
            Err(Overflow { asset }) => excluded.push(asset),
        }
    }
}

fn attempt<L: PotLedger + Sync>(
    question: Question<'_, L>,
    rule: RuleName,
    full_replay: bool,
    threads: usize,
    excluded: &[AssetId],
) -> Result<(Outcome, Vec<Outcome>), Overflow> {
    let detail = if question.max_hops.is_some() { Detail::Hops } else { Detail::Amounts };
    let bounds = Question { detail, ..question };
    let others = RuleName::CONSERVING.into_iter().filter(|other| *other != rule);
    let jobs: Vec<_> =
        std::iter::once((question, rule)).chain(others.map(|other| (bounds, other))).collect();
    let run = |(question, rule): (Question<'_, L>, RuleName)| match full_replay {
        true => replay(question, rule, excluded),
        false => trace(question, rule, excluded),
    };
    if threads <= 1 {
        let chosen = run(jobs[0])?;
        sums_fit(question, &chosen)?;
        let others = jobs[1..].iter().map(|job| run(*job)).collect::<Result<_, _>>()?;
        return Ok((chosen, others));
    }
    // Of several errors the first in order counts, as if the rules had run one after another.
    let mut found = at_once(&jobs, threads, &run).into_iter();
    let Some(chosen) = found.next().transpose()? else { unreachable!("the chosen rule is a job") };
    sums_fit(question, &chosen)?;
    let others = found.collect::<Result<_, _>>()?;
    Ok((chosen, others))
}

/// Does some jobs on some threads; the results in the order of the jobs.
fn at_once<J: Copy + Sync, T: Send>(
    jobs: &[J],
    threads: usize,
    run: &(dyn Fn(J) -> T + Sync),
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else { return done };
            done.push((at, run(*job)));
        }
    };
    let mut all = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(jobs.len())).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for helper in helpers {
            all.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

/// Everything that a result adds up must fit, or the asset has no result.
fn sums_fit<L: PotLedger>(question: Question<'_, L>, outcome: &Outcome) -> Result<(), Overflow> {
    for label in question.seeds.labels() {
        let mut held: BTreeMap<AssetId, u128> = BTreeMap::new();
        for holding in outcome.holdings(label) {
            let asset = question.ledger.pot(holding.pot).asset;
            let sum = held.entry(asset).or_default();
            *sum = sum.checked_add(holding.raw).ok_or(Overflow { asset })?;
        }
        for (asset, sums) in outcome.sums(label) {
            let held = held.get(&asset).copied().unwrap_or(0);
            let fits = sums.injected.checked_add(sums.converted_in).is_some()
                && held.checked_add(sums.converted_out).is_some();
            if !fits {
                return Err(Overflow { asset });
            }
        }
    }
    Ok(())
}

impl Range {
    /// Where the value of an incident is or may be: every place with a raw or high above zero, by
    /// pot and end.
    pub fn holdings(&self, label: Label) -> Vec<RangedHolding> {
        let mut found: BTreeMap<(PotId, Where), RangedHolding> = BTreeMap::new();
        for holding in self.chosen.holdings(label) {
            let (pot, end) = (holding.pot, holding.end);
            let ranged = RangedHolding { pot, end, chosen: Some(holding), low: 0, high: 0 };
            found.insert((pot, end), ranged);
        }
        let chosen = self.chosen.rule.conserves().then_some(&self.chosen);
        let conserving: Vec<&Outcome> = chosen.into_iter().chain(&self.others).collect();
        let mut amounts: BTreeMap<(PotId, Where), Vec<u128>> = BTreeMap::new();
        for outcome in &conserving {
            for holding in outcome.holdings(label) {
                amounts.entry((holding.pot, holding.end)).or_default().push(holding.raw);
            }
        }
        for ((pot, end), amounts) in amounts {
            let new = RangedHolding { pot, end, chosen: None, low: 0, high: 0 };
            let ranged = found.entry((pot, end)).or_insert(new);
            ranged.high = amounts.iter().copied().max().unwrap_or(0);
            // A rule that never reached the place puts nothing there.
            let everywhere = amounts.len() == conserving.len();
            ranged.low = if everywhere { amounts.into_iter().min().unwrap_or(0) } else { 0 };
        }
        let listed = |holding: &RangedHolding| holding.raw() > 0 || holding.high > 0;
        found.into_values().filter(listed).collect()
    }
}
