//! A small ledger that the bytes choose, two incidents, stops, degrees and hop limits: replay,
//! trace, a resumed replay and the naive oracle give the same answer under all six rules, and so
//! does the range over the rules. The ledger comes from testkit's generator, with amounts replaced,
//! or is written transfer by transfer.
#![no_main]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arbitrary::{Arbitrary, Unstructured};
use ledger::{
    Address, Amount, Asset, Chain, Conversion, Kind, Place, Position, Time, Transfer, TxId,
};
use taint::{
    Asserted, Detail, Label, Outcome, PotLedger, Question, Replay, RuleName, Seeds, Where, range,
    replay, trace,
};
use testkit::{Entry, Finding, Query, Unseen, World, oracle, random_ledger};

struct Setting {
    transfers: Vec<Transfer>,
    seeds: [BTreeSet<usize>; 2],
    asserted: [Option<Unseen>; 2],
    stops: BTreeMap<Address, Where>,
    chain: Chain,
    degree: u32,
    max_hops: Option<u32>,
    half: u64,
    /// Some amount is so large that sums of many outgrow the oracle's 128 bits; the ways to compute
    /// are then compared with each other only.
    huge: bool,
}

/// A hundred amounts below this fit in 128 bits together.
const LARGE: u128 = 1 << 120;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Ok(setting) = setting(&mut Unstructured::new(input)) else { return };
    let mut world = setting.world(setting.transfers.len());
    let asserted = setting.asserted.map(|theft| {
        let (before, place, asset, amount, time) = theft?;
        let pot = world.pot_id(setting.chain, place, asset);
        Some(Asserted { before: before as u64, pot, amount, time, label: Label(0) })
    });
    let incidents = [0, 1].map(|incident| {
        let label = Label(incident as u8);
        let rows = setting.seeds[incident].iter().map(|row| (*row as u64, label)).collect();
        let theft = asserted[incident].map(|theft| Asserted { label, ..theft });
        Seeds::new(rows, theft.into_iter().collect())
    });
    let rows = incidents.iter().flat_map(|seeds| seeds.rows().iter().copied());
    let both = Seeds::new(rows.collect(), Vec::new());
    let run = Run { setting: &setting, world: &world };
    for rule in RuleName::ALL {
        for (incident, seeds) in incidents.iter().enumerate() {
            run.compare(rule, incident, seeds);
        }
        if asserted.iter().all(Option::is_none) {
            run.compare_together(rule, &both);
        }
    }
    run.compare_ranges(&incidents[0]);
});

/// Half of the inputs write the ledger, half let testkit invent it.
fn setting(choices: &mut Unstructured<'_>) -> arbitrary::Result<Setting> {
    let mut setting = match bool::arbitrary(choices)? {
        true => written(choices)?,
        false => invented(choices)?,
    };
    setting.degree = *choices.choose(&[0, 0, 2, 3, 5])?;
    setting.max_hops = *choices.choose(&[None, None, Some(0), Some(1), Some(2)])?;
    setting.half = choices.int_in_range(0..=setting.transfers.len() as u64)?;
    let into = |transfer: &Transfer| transfer.conversion.map_or(Amount::ZERO, |into| into.amount);
    let sent = setting.transfers.iter().map(|transfer| transfer.amount.max(into(transfer)));
    let entered = setting.asserted.iter().flatten().map(|theft| theft.3);
    setting.huge = sent.map(|amount| amount.base_units()).chain(entered).any(|n| n > LARGE);
    Ok(setting)
}

fn invented(choices: &mut Unstructured<'_>) -> arbitrary::Result<Setting> {
    let (seed, utxo) = (u64::arbitrary(choices)?, choices.ratio(1, 3)?);
    let count = choices.int_in_range(1..=60)?;
    let made = random_ledger(seed, count, utxo);
    let mut transfers = made.transfers;
    for _ in 0..choices.int_in_range(0..=8)? {
        let at = choices.choose_index(transfers.len())?;
        let transfer = &mut transfers[at];
        transfer.amount = amount(choices)?;
        if let Some(into) = transfer.conversion.as_mut().filter(|i| i.asset == transfer.asset) {
            into.amount = into.amount.min(transfer.amount);
        }
    }
    let (seeds, asserted, stops, chain) = (made.seeds, made.asserted, made.stops, made.chain);
    let seeds = seeds.map(|rows| rows.into_iter().filter(|at| moves(&transfers[*at])).collect());
    let (degree, max_hops, half, huge) = (0, None, 0, false);
    Ok(Setting { transfers, seeds, asserted, stops, chain, degree, max_hops, half, huge })
}

/// Seeds move something into a place that holds value.
fn moves(transfer: &Transfer) -> bool {
    !transfer.is_to_self() && !transfer.amount.is_zero() && transfer.to.holds_value()
}

/// Small numbers for ties and roundings; near the edges for carries.
fn amount(choices: &mut Unstructured<'_>) -> arbitrary::Result<Amount> {
    Ok(Amount::new(match choices.int_in_range(0..=5)? {
        0..=2 => u128::from(u8::arbitrary(choices)? % 16),
        3 => u128::from(u64::arbitrary(choices)?),
        4 => u128::arbitrary(choices)? >> choices.int_in_range(0..=9u32)?,
        _ => (1 << choices.int_in_range(0..=127u32)?) - u128::from(u8::arbitrary(choices)? & 1),
    }))
}

fn account(number: u8) -> Address {
    Address::Tron([0x10 + number; 20])
}

fn written(choices: &mut Unstructured<'_>) -> arbitrary::Result<Setting> {
    let chain = Chain::TRON;
    let assets = [Asset::Native, Asset::Token(account(100)), Asset::Token(account(101))];
    let mut transfers = Vec::new();
    let mut seeds = [BTreeSet::new(), BTreeSet::new()];
    for number in 0..choices.int_in_range(1..=40u32)? {
        let kinds =
            [Kind::Token, Kind::Token, Kind::Token, Kind::Token, Kind::Mint, Kind::Burn, Kind::Fee];
        let kind = *choices.choose(&kinds)?;
        let side = |choices: &mut Unstructured<'_>| -> arbitrary::Result<Place> {
            Ok(Place::Account(account(choices.int_in_range(0..=6)?)))
        };
        let from = if kind == Kind::Mint { Place::Mint } else { side(choices)? };
        let to = match kind {
            Kind::Burn => Place::Burn,
            Kind::Fee => Place::Fee,
            _ => side(choices)?,
        };
        let asset = *choices.choose(&assets)?;
        let amount_sent = amount(choices)?;
        let mut conversion = None;
        if kind == Kind::Token && choices.ratio(1, 4)? {
            let into = *choices.choose(&assets)?;
            let amount = amount(choices)?;
            // Within one asset, what arrives can only be less: a token that takes a fee on its way.
            let most = if into == asset { amount_sent } else { Amount::MAX };
            conversion = Some(Conversion { asset: into, amount: amount.min(most) });
        }
        let mut tx = [0; 32];
        tx[..4].copy_from_slice(&number.to_be_bytes());
        let transfer = Transfer {
            chain,
            position: Position::full(u64::from(number), 0, 0),
            time: Time::from_seconds(1_690_000_000 + number),
            tx: Some(TxId::new(tx)),
            kind,
            from,
            to,
            from_owner: None,
            to_owner: None,
            asset,
            amount: amount_sent,
            conversion,
        };
        for incident in &mut seeds {
            if choices.ratio(1, 6)? && moves(&transfer) {
                incident.insert(number as usize);
            }
        }
        transfers.push(transfer);
    }
    let mut asserted = [None, None];
    for theft in &mut asserted {
        if choices.ratio(1, 4)? {
            let before = choices.int_in_range(0..=transfers.len())?;
            let place = Place::Account(account(choices.int_in_range(0..=6)?));
            let asset = *choices.choose(&assets)?;
            let time = Time::from_seconds(1_690_000_000);
            *theft = Some((before, place, asset, amount(choices)?.base_units(), time));
        }
    }
    let mut stops = BTreeMap::new();
    for _ in 0..choices.int_in_range(0..=2)? {
        let ends = [Where::Service, Where::Mixer, Where::Bridge, Where::Swap];
        stops.insert(account(choices.int_in_range(0..=6)?), *choices.choose(&ends)?);
    }
    let (degree, max_hops, half, huge) = (0, None, 0, false);
    Ok(Setting { transfers, seeds, asserted, stops, chain, degree, max_hops, half, huge })
}

impl Setting {
    /// The world of the first transfers.
    fn world(&self, count: usize) -> World {
        let mut world = World::new(self.transfers[..count].to_vec());
        for (address, end) in &self.stops {
            world.stop(self.chain, *address, *end);
        }
        world
    }
}

struct Run<'a> {
    setting: &'a Setting,
    world: &'a World,
}

impl<'a> Run<'a> {
    fn question(&self, seeds: &'a Seeds) -> Question<'a, World> {
        Question {
            ledger: self.world,
            stops: self.world,
            seeds,
            until: self.world.rows(),
            max_hops: self.setting.max_hops,
            service_degree: self.setting.degree,
            detail: Detail::Hops,
        }
    }

    fn compare(&self, rule: RuleName, incident: usize, seeds: &'a Seeds) {
        let question = self.question(seeds);
        // A balance beyond 128 bits has no answer, and the oracle none to compare with.
        let replayed = replay(question, rule, &[]);
        let Ok(replayed) = replayed else { return };
        if !self.world.overflows().is_empty() {
            return;
        }
        let label = Label(incident as u8);
        let expected = match self.setting.huge {
            true => self.finding(&replayed, label),
            false => self.ask(rule, incident),
        };
        assert_eq!(self.finding(&replayed, label), expected, "replay, {}", rule.name());
        let traced = trace(question, rule, &[]).expect("fits, as in the replay");
        assert_eq!(self.finding(&traced, label), expected, "trace, {}", rule.name());
        let resumed = self.resumed(question, question, rule);
        assert_eq!(self.finding(&resumed, label), expected, "resumed, {}", rule.name());
        if seeds.asserted().is_empty() {
            // The checkpoint was made when the ledger was shorter. (An asserted theft makes a pot
            // that another ledger may number otherwise.)
            let short = self.setting.world(self.setting.half as usize);
            let until = short.rows();
            let before = Question { ledger: &short, stops: &short, until, ..question };
            let grown = self.resumed(before, question, rule);
            assert_eq!(self.finding(&grown, label), expected, "grown, {}", rule.name());
        }
        let flows = Question { detail: Detail::Flows, ..question };
        let drawn = trace(flows, rule, &[]).expect("fits, as before");
        assert_eq!(self.finding(&drawn, label), expected, "with flows, {}", rule.name());
        if rule.conserves() {
            self.compare_waterfall(&drawn, label);
        }
    }

    /// Replayed half way as one question asks, and on as another does.
    fn resumed(
        &self,
        before: Question<'_, World>,
        after: Question<'_, World>,
        rule: RuleName,
    ) -> Outcome {
        let mut first = Replay::new(before, rule, &[]);
        first.advance(self.setting.half).expect("fits");
        let bytes = first.checkpoint().expect("a checkpoint");
        let mut second = Replay::resume(after, rule, &[], &bytes).expect("its own checkpoint");
        second.advance(after.until).expect("fits");
        second.finish().expect("fits")
    }

    /// The columns of the picture account for every unit.
    fn compare_waterfall(&self, outcome: &Outcome, label: Label) {
        let fit = |sums: taint::Sums| sums.injected.checked_add(sums.converted_in).is_some();
        if !outcome.sums(label).all(|(_, sums)| fit(sums)) {
            return;
        }
        let mut held: BTreeMap<u32, u128> = BTreeMap::new();
        for holding in outcome.holdings(label) {
            *held.entry(self.world.pot(holding.pot).asset).or_default() += holding.raw;
        }
        for waterfall in taint::waterfall(self.world, outcome.flows(), label) {
            let mut drawn = 0;
            for column in &waterfall.columns {
                assert_eq!(column.arrived(), column.accounted(), "{}", outcome.rule.name());
                drawn += column.stays + column.exits.values().sum::<u128>();
            }
            assert_eq!(held.remove(&waterfall.asset).unwrap_or(0), drawn);
        }
        assert!(held.values().all(|left| *left == 0), "held but not drawn");
    }

    /// Two incidents at once are each as if alone, where no theft is asserted.
    fn compare_together(&self, rule: RuleName, both: &'a Seeds) {
        let question = self.question(both);
        let Ok(replayed) = replay(question, rule, &[]) else { return };
        if !self.world.overflows().is_empty() {
            return;
        }
        let traced = trace(question, rule, &[]).expect("fits, as in the replay");
        assert_eq!(replayed.overlaps(), traced.overlaps());
        for incident in 0..2 {
            let label = Label(incident as u8);
            let found = self.finding(&replayed, label);
            assert_eq!(self.finding(&traced, label), found, "together, {}", rule.name());
            if !self.setting.huge {
                assert_eq!(found, self.ask(rule, incident), "together, {}", rule.name());
            }
        }
    }

    /// The range over the rules is the same by replay and by trace, assets that outgrow 128 bits
    /// left out by both.
    fn compare_ranges(&self, seeds: &'a Seeds) {
        let question = self.question(seeds);
        for rule in [RuleName::Haircut, RuleName::Poison] {
            let (replayed, traced) =
                (range(question, rule, true, 1), range(question, rule, false, 1));
            if replayed.excluded == traced.excluded {
                assert_eq!(replayed.holdings(Label(0)), traced.holdings(Label(0)));
            }
            for holding in replayed.holdings(Label(0)) {
                let within = holding.low <= holding.raw() && holding.raw() <= holding.high;
                assert!(within || !rule.conserves(), "{holding:?}");
            }
        }
    }

    fn ask(&self, rule: RuleName, incident: usize) -> Finding {
        let Setting { transfers, seeds, asserted, stops, chain, degree, max_hops, .. } =
            self.setting;
        let asserted = asserted[incident].iter();
        let stops: HashMap<_, _> = stops.iter().map(|(at, end)| ((*chain, *at), *end)).collect();
        let query = Query {
            rule,
            seeds: seeds[incident].clone(),
            asserted: asserted.map(|(b, p, a, n, t)| (*b, *chain, *p, *a, *n, *t)).collect(),
            stops,
            degree: *degree as usize,
            max_hops: *max_hops,
        };
        let mut finding = oracle(transfers, &query);
        if rule == RuleName::Poison {
            // Poison conserves nothing and sums up nothing but what was stolen.
            finding.sums.values_mut().for_each(|sums| *sums = [0, 0, 0, sums[3]]);
        }
        finding.sums.retain(|_, sums| *sums != [0; 4]);
        finding
    }

    /// An outcome in the oracle's words.
    fn finding(&self, outcome: &Outcome, label: Label) -> Finding {
        let mut finding = Finding::default();
        for holding in outcome.holdings(label) {
            let (chain, place, asset) = self.world.describe(holding.pot);
            let entry = Entry {
                raw: holding.raw,
                hops: holding.hops,
                first: holding.first_time.seconds(),
                last: holding.last_time.seconds(),
            };
            finding.holdings.insert((chain, place, asset, holding.end), entry);
        }
        for unknown in outcome.unknown(label) {
            finding.unknown.insert(self.world.describe(unknown.pot), unknown.raw);
        }
        for (asset, sums) in outcome.sums(label) {
            let pot = (0..self.world.pots() as u32).find(|pot| self.world.pot(*pot).asset == asset);
            let (chain, _, asset) = self.world.describe(pot.expect("an asset with a pot"));
            let mut all = [sums.injected, sums.converted_in, sums.converted_out, sums.stolen];
            if outcome.rule == RuleName::Poison {
                all = [0, 0, 0, sums.stolen];
            }
            if all != [0; 4] {
                finding.sums.insert((chain, asset), all);
            }
        }
        finding
    }
}
