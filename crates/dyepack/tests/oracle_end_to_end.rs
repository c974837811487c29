//! The whole program against the naive oracle: random ledgers go in by `import`, stops by `label
//! import`, thefts by a case file; what `trace --json` says of every holding must be what the
//! slowest and plainest reading of docs/method.md says. Digests must not depend on how it was
//! computed, how the rows were split into files, or how often they were imported.

mod support;

use std::collections::BTreeMap;

use ledger::{Amount, Asset, Chain, Place, Position, Time, Transfer, TxId};
use serde_json::Value;
use support::{HEADER, Room, list, raw, row, text, transfers_csv};
use taint::{RuleName, Where};
use testkit::{Dice, Entry, Finding, Key, Query, RandomLedger, oracle, random_ledger};

/// Ledgers a run; DYEPACK_PROGRAM_LEDGERS raises it for soaking.
fn ledgers() -> u64 {
    let wanted = std::env::var("DYEPACK_PROGRAM_LEDGERS").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(60)
}

/// A random ledger with one incident, as a user would have it.
struct Story {
    seed: u64,
    ledger: RandomLedger,
    incident: usize,
    degree: usize,
    max_hops: Option<u32>,
    room: Room,
}

/// What a result must say of a holding.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    raw: u128,
    low: u128,
    high: u128,
    /// Hops, first and last time; null where the chosen rule never reached the place.
    reached: Option<(u64, String, String)>,
}

/// Place (empty for fees and burns), asset, end.
type Name = (String, String, String);

/// Per asset: stolen; in; out.
type Sums = BTreeMap<String, (u128, u128, u128)>;

/// Everything of a result that the oracle knows too.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    holdings: BTreeMap<Name, Expected>,
    unknown: BTreeMap<(String, String), u128>,
    totals: BTreeMap<(String, String), (u128, u64)>,
    sums: Sums,
}

/// The first ledger of a series in which anything is stolen.
fn story(seed: u64) -> Story {
    let mut series = (0..).filter_map(|turn| try_story(seed, 7_000 + seed + 10_000 * turn));
    series.next().expect("a series has no end")
}

fn try_story(seed: u64, world: u64) -> Option<Story> {
    let utxo = seed.is_multiple_of(3);
    let mut ledger = random_ledger(world, 60 + (seed as usize * 11) % 130, utxo);
    if !utxo {
        number_apart(&mut ledger.transfers);
    }
    let incident = (seed % 2) as usize;
    let transfers = &ledger.transfers;
    if let Some((at, _, asset, amount, time)) = &mut ledger.asserted[incident] {
        // A case states a second, and the theft enters before everything of that second; decimals,
        // with which it states an amount, are known of the native coin.
        let last = transfers.last().expect("a ledger").time;
        *time = transfers.get(*at).map_or(Time::from_seconds(last.seconds() + 60), |t| t.time);
        *at = transfers.partition_point(|transfer| transfer.time < *time);
        *asset = Asset::Native;
        *amount = (*amount).max(1);
    }
    if ledger.seeds[incident].is_empty() && ledger.asserted[incident].is_none() {
        return None;
    }
    let degree = [0, 1000, 4, 7][(seed / 3 % 4) as usize];
    let max_hops = (seed % 5 == 1).then_some((seed % 3) as u32);
    Some(Story { seed, ledger, incident, degree, max_hops, room: Room::new() })
}

/// Gives every transfer a transaction of its own, so that a theft names one of them.
fn number_apart(transfers: &mut [Transfer]) {
    let mut last = (u64::MAX, 0);
    for (number, transfer) in (0u64..).zip(transfers) {
        let height = transfer.position.height.expect("random ledgers have full positions");
        last = if last.0 == height { (height, last.1 + 1) } else { (height, 0) };
        transfer.position = Position::full(height, last.1, 0);
        let mut id = [0x5e; 32];
        id[24..].copy_from_slice(&number.to_be_bytes());
        transfer.tx = Some(TxId::new(id));
    }
}

impl Story {
    fn chain(&self) -> Chain {
        self.ledger.chain
    }

    fn case_toml(&self) -> String {
        let mut toml = "schema = \"dyepack.case/1\"\nid = \"story\"\ntitle = \"A story\"\n\
            sources = [\"a test\"]\n"
            .to_string();
        let chain = self.chain();
        let mut theft = |to: String, asset: Asset, rest: String| {
            let asset = asset.text(chain);
            toml.push_str(&format!(
                "\n[[theft]]\nchain = \"{chain}\"\nto = \"{to}\"\nasset = \"{asset}\"\n{rest}\n"
            ));
        };
        for at in &self.ledger.seeds[self.incident] {
            let transfer = &self.ledger.transfers[*at];
            let tx = transfer.tx.expect("all have one").text(chain);
            theft(transfer.to.text(chain), transfer.asset, format!("tx = \"{tx}\""));
        }
        if let Some((_, place, asset, amount, time)) = self.ledger.asserted[self.incident] {
            let amount = Amount::new(amount).to_decimal(chain.native_decimals());
            let rest = format!("asserted = true\namount = \"{amount}\"\nsince = \"{time}\"");
            theft(place.text(chain), asset, rest);
        }
        toml
    }

    /// Imports the rows and the stops, and writes the case.
    fn set_up(&self) {
        let room = &self.room;
        let rows = room.write("rows.csv", transfers_csv(&self.ledger.transfers));
        let done = room.json(&["import", &rows], 0);
        assert_eq!(done["files"][0]["new"], self.ledger.transfers.len(), "ledger {}", self.seed);
        room.write("case.toml", self.case_toml());
        if !self.ledger.stops.is_empty() {
            room.run(&[
                "label",
                "import",
                &room.write("labels.csv", self.labels()),
                "--source",
                "t",
            ])
            .expect(0);
        }
    }

    fn labels(&self) -> String {
        let mut csv = "chain,address,name,category,confidence,source,date\n".to_string();
        for (number, (address, end)) in self.ledger.stops.iter().enumerate() {
            let services = ["exchange", "payment", "otc", "gambling", "swap-service"];
            let category = match end {
                Where::Service => services[number % services.len()],
                Where::Mixer => "mixer",
                Where::Bridge => "bridge",
                _ => "dex",
            };
            let chain = self.chain();
            csv.push_str(&format!("{chain},{address},Stop {number},{category},90,t,\n"));
        }
        csv
    }

    /// Traces by a rule; an asset that outgrew 128 bits makes the run incomplete.
    fn trace(&self, rule: RuleName, more: &[&str]) -> (Value, String) {
        let degree = self.degree.to_string();
        let hops = self.max_hops.map(|hops| hops.to_string());
        let mut arguments = vec!["trace", "case.toml", "--json", "--rule", rule.name()];
        arguments.extend(["--service-degree", &degree]);
        arguments.extend(hops.iter().flat_map(|hops| ["--max-hops", hops.as_str()]));
        arguments.extend(more);
        let run = self.room.run(&arguments);
        let result = run.json();
        let left_out = result.get("set_aside_assets").is_some();
        let code = if left_out { 4 } else { 0 };
        (result, run.expect(code).stdout)
    }

    fn find(&self, rule: RuleName) -> Finding {
        let chain = self.chain();
        let asserted = self.ledger.asserted[self.incident].iter();
        let query = Query {
            rule,
            seeds: self.ledger.seeds[self.incident].clone(),
            asserted: asserted.map(|(b, p, a, n, t)| (*b, chain, *p, *a, *n, *t)).collect(),
            stops: self.ledger.stops.iter().map(|(a, end)| ((chain, *a), *end)).collect(),
            degree: self.degree,
            max_hops: self.max_hops,
        };
        oracle(&self.ledger.transfers, &query)
    }

    fn expected(&self, rule: RuleName) -> Answer {
        let own = self.find(rule);
        let mut all: BTreeMap<Key, Vec<u128>> = BTreeMap::new();
        for other in RuleName::CONSERVING {
            for (key, entry) in self.find(other).holdings {
                all.entry(key).or_default().push(entry.raw);
            }
        }
        for key in own.holdings.keys() {
            all.entry(*key).or_default();
        }
        let chain = self.chain();
        let holding = |(key, amounts): (Key, Vec<u128>)| {
            let chosen = own.holdings.get(&key);
            let all_reach = amounts.len() == RuleName::CONSERVING.len();
            let time = |seconds: u32| Time::from_seconds(seconds).to_string();
            let reached = |e: &Entry| (u64::from(e.hops), time(e.first), time(e.last));
            let expected = Expected {
                raw: chosen.map_or(0, |entry| entry.raw),
                low: amounts.iter().copied().min().filter(|_| all_reach).unwrap_or(0),
                high: amounts.iter().copied().max().unwrap_or(0),
                reached: chosen.map(reached),
            };
            let (_, place, asset, end) = key;
            ((place.text(chain), asset.text(chain), end.name().to_string()), expected)
        };
        let mut holdings: BTreeMap<Name, Expected> = all.into_iter().map(holding).collect();
        holdings.retain(|_, expected| expected.raw > 0 || expected.high > 0);
        let name = |place: &Place, asset: &Asset| (place.text(chain), asset.text(chain));
        let unknown = own.unknown.iter().map(|((_, p, a), amount)| (name(p, a), *amount));
        let unknown = unknown.collect();
        let sums = sums_of(&own, &holdings, rule, chain);
        Answer { totals: totals_of(&holdings), holdings, unknown, sums }
    }
}

fn totals_of(holdings: &BTreeMap<Name, Expected>) -> BTreeMap<(String, String), (u128, u64)> {
    let mut totals: BTreeMap<(String, String), (u128, u64)> = BTreeMap::new();
    for ((_, asset, end), holding) in holdings.iter().filter(|(_, holding)| holding.raw > 0) {
        let total = totals.entry((asset.clone(), end.clone())).or_default();
        total.0 += holding.raw;
        total.1 += 1;
    }
    totals
}

fn sums_of(
    own: &Finding,
    holdings: &BTreeMap<Name, Expected>,
    rule: RuleName,
    chain: Chain,
) -> Sums {
    let mut sums = Sums::new();
    for ((_, asset), [injected, converted_in, converted_out, stolen]) in &own.sums {
        let sum = sums.entry(asset.text(chain)).or_default();
        *sum = (*stolen, injected + converted_in, *converted_out);
    }
    for ((_, asset, _), holding) in holdings {
        sums.entry(asset.clone()).or_default().2 += holding.raw;
    }
    // Poison conserves nothing, and says only what was stolen.
    let stolen_only = |sum: &mut (u128, u128, u128)| *sum = (sum.0, 0, 0);
    if !rule.conserves() {
        sums.values_mut().for_each(stolen_only);
    }
    sums.retain(|_, sum| *sum != (0, 0, 0));
    sums
}

/// A result in the oracle's words.
fn said(result: &Value) -> Answer {
    let owned = |value: &Value, field: &str| text(value, field).to_string();
    let holding = |holding: &Value| {
        let name = (owned(holding, "place"), owned(holding, "asset"), owned(holding, "where"));
        let hops = holding["hops"].as_u64();
        let expected = Expected {
            raw: raw(holding, "raw"),
            low: raw(holding, "low_raw"),
            high: raw(holding, "high_raw"),
            reached: hops.map(|h| (h, owned(holding, "first_time"), owned(holding, "last_time"))),
        };
        (name, expected)
    };
    let holdings: Vec<(Name, Expected)> = list(result, "holdings").iter().map(holding).collect();
    let listed = holdings.len();
    let holdings: BTreeMap<Name, Expected> = holdings.into_iter().collect();
    assert_eq!(holdings.len(), listed, "a place, asset and end is listed once");
    let unknown = list(result, "unknown").iter();
    let unknown = unknown.map(|u| ((owned(u, "place"), owned(u, "asset")), raw(u, "raw")));
    let total = |total: &Value| {
        let name = (owned(total, "asset"), owned(total, "where"));
        (name, (raw(total, "raw"), total["places"].as_u64().expect("a count")))
    };
    let mut sums = Sums::new();
    for sum in list(result, "stolen") {
        sums.entry(owned(sum, "asset")).or_default().0 = raw(sum, "raw");
    }
    for line in result["conservation"].as_array().into_iter().flatten() {
        let sum = sums.entry(owned(line, "asset")).or_default();
        (sum.1, sum.2) = (raw(line, "in_raw"), raw(line, "out_raw"));
        assert_eq!(line["ok"], true, "{line}");
    }
    sums.retain(|_, sum| *sum != (0, 0, 0));
    Answer {
        holdings,
        unknown: unknown.collect(),
        totals: list(result, "totals").iter().map(total).collect(),
        sums,
    }
}

/// Every rule of one ledger against the oracle; how many holdings were compared.
fn compare(story: &Story) -> usize {
    let mut compared = 0;
    for rule in RuleName::ALL {
        let case = format!("ledger {}, {}", story.seed, rule.name());
        let (result, saved) = story.trace(rule, &[]);
        let (replayed, _) = story.trace(rule, &["--full-replay"]);
        assert_eq!(result, replayed, "by replay: {case}");
        story.room.write("result.json", &saved);
        let verdict = story.room.json(&["verify", "result.json"], 0);
        assert_eq!((&verdict["same"], &verdict["same_snapshot"]), (&true.into(), &true.into()));
        assert_eq!(result.get("conservation").is_some(), rule.conserves(), "{case}");
        if result.get("set_aside_assets").is_some() {
            continue;
        }
        let expected = story.expected(rule);
        assert_eq!(said(&result), expected, "{case}");
        compared += expected.holdings.len();
    }
    compared
}

/// The same rows in several files, the rows and the files shuffled; then all of them once more.
fn split_up(story: &Story) {
    let rule = RuleName::ALL[story.seed as usize % 6];
    let (result, _) = story.trace(rule, &[]);
    let other = Story { room: Room::new(), ledger: copy(&story.ledger), ..*story };
    let mut dice = Dice::new(story.seed);
    let parts = 2 + dice.below(4);
    let mut files = vec![HEADER.to_string(); parts as usize];
    let mut rows: Vec<String> = other.ledger.transfers.iter().map(row).collect();
    while !rows.is_empty() {
        let taken = rows.swap_remove(dice.below(rows.len() as u64) as usize);
        files[dice.below(parts) as usize].push_str(&taken);
    }
    for (number, text) in files.iter().enumerate() {
        let file = other.room.write(&format!("part-{number}.csv"), text);
        // Some files come alone, the rest as a folder below.
        if dice.one_in(2) {
            other.room.json(&["import", &file], 0);
        }
    }
    let labels = other.room.write("labels.csv", story.labels());
    other.room.write("case.toml", story.case_toml());
    other.room.run(&["label", "import", &labels, "--source", "t"]).expect(0);
    let parts: Vec<String> = (0..files.len()).map(|n| format!("part-{n}.csv")).collect();
    let arguments: Vec<&str> = ["import"].into_iter().chain(parts.iter().map(|p| &**p)).collect();
    let first = other.room.json(&arguments, 0);
    let again = other.room.json(&arguments, 0);
    assert_eq!(first["archive"], again["archive"], "ledger {}", story.seed);
    assert!(list(&again, "files").iter().all(|file| file["new"] == 0 && file["set_aside"] == 0));
    let (split, _) = other.trace(rule, &[]);
    assert_eq!(split["digest"], result["digest"], "ledger {} in parts", story.seed);
    assert_eq!(split["holdings"], result["holdings"], "ledger {} in parts", story.seed);
}

fn copy(ledger: &RandomLedger) -> RandomLedger {
    RandomLedger {
        transfers: ledger.transfers.clone(),
        seeds: ledger.seeds.clone(),
        asserted: ledger.asserted,
        stops: ledger.stops.clone(),
        chain: ledger.chain,
    }
}

/// Imports the same file again: nothing is new, and the archive is the one it was.
fn import_twice(story: &Story) {
    let first = story.room.json(&["import", "rows.csv"], 0);
    let again = story.room.json(&["import", "rows.csv"], 0);
    assert_eq!(first["archive"], again["archive"], "ledger {}", story.seed);
    assert_eq!(again["files"][0]["new"], 0);
    assert_eq!(again["files"][0]["already"], story.ledger.transfers.len());
}

/// Changes one digit of the saved result, in turn at several places.
fn flip(story: &Story) {
    let rule = RuleName::ALL[story.seed as usize % 6];
    let (result, saved) = story.trace(rule, &[]);
    let mut dice = Dice::new(story.seed);
    let from = saved.find("\"seeds\"").expect("seeds come before the amounts");
    let to = saved.find("\"gaps\"").expect("gaps come after them");
    let digits: Vec<usize> = saved
        .bytes()
        .enumerate()
        .skip(from)
        .take(to - from)
        .filter(|(_, byte)| byte.is_ascii_digit())
        .map(|(at, _)| at)
        .collect();
    for _ in 0..3 {
        let at = *dice.pick(&digits);
        let mut bytes = saved.clone().into_bytes();
        bytes[at] = b'0' + (bytes[at] - b'0' + 1) % 10;
        story.room.write("flipped.json", &bytes);
        let around = &saved[at.saturating_sub(60)..(at + 20).min(saved.len())];
        let run = story.room.run(&["verify", "flipped.json"]);
        assert_eq!(run.code, 5, "ledger {}: a digit of …{around}…", story.seed);
    }
    assert!(result["digest"].as_str().is_some_and(|digest| digest.len() == 71));
}

#[test]
fn the_program_says_what_the_oracle_says() {
    let threads = 2;
    let work = |own: u64| {
        let mut compared = 0;
        for seed in (0..ledgers()).filter(|seed| seed % threads == own) {
            let story = story(seed);
            story.set_up();
            compared += compare(&story);
            match seed / 2 % 3 {
                0 => split_up(&story),
                1 => import_twice(&story),
                _ => flip(&story),
            }
        }
        compared
    };
    let compared: usize = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|own| scope.spawn(move || work(own))).collect();
        started.into_iter().map(|thread| thread.join().expect("no thread failed")).sum()
    });
    assert!(compared > 1_000, "the ledgers must not be trivial: {compared} holdings");
}
