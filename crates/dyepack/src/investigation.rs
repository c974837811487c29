//! One investigation: an open archive and its casebook, asked where the value of a case is.
//!
//! Every command that shows a result (trace, verify, screen, demo) comes through here, so that the same
//! question has the same answer everywhere.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZero;

use archive::{Archive, Index};
use cases::assembly::{Assembled, Naming, Written};
use cases::case_file::CaseFile;
use cases::casebook::Casebook;
use cases::digest::digest;
use cases::records::Records;
use cases::result::{
    Gap, Input, LabelNamed, OverlapFound, Parameters, PathsTo, Program, SCHEMA, Snapshot,
    TraceResult,
};
use cases::seed::{Found, find_seeds};
use cases::stop::{DEFAULT_CONFIDENCE, Stops};
use ledger::{Address, Asset, Chain, Place, Time};
use taint::{
    Asserted, Detail, Label, MAX_LABELS, NO_POT, PotId, PotLedger, Question, Range, RowId,
    RuleName, Seeds, Waterfall, single,
};

use crate::archive_folder;
use crate::labels_shown::LabelsShown;
use crate::output::Output;
use crate::sources;
use crate::world::{StopsHere, World};

/// Counterparties that make an account a suspected service, unless the user says otherwise.
pub(crate) const DEFAULT_DEGREE: u32 = 1000;

/// What results call this program: where it lies is another place for whoever reads them.
pub(crate) const PROGRAM: &str = "dyepack";

/// What the user asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) rule: RuleName,
    pub(crate) until: Option<Time>,
    pub(crate) through: Vec<String>,
    pub(crate) max_hops: Option<u32>,
    pub(crate) service_degree: u32,
    pub(crate) label_confidence: u8,
    pub(crate) full_replay: bool,
    /// How the user named the case and the archive, to say how to ask again.
    pub(crate) case_as_named: String,
    pub(crate) with_as_named: Vec<String>,
    pub(crate) archive_as_named: Option<String>,
    /// List every tainted movement.
    pub(crate) list_hops: bool,
    /// Evidence paths to these addresses, at most so many.
    pub(crate) paths_to: Option<(Address, u32)>,
}

/// An open archive, its index, and what people claim.
pub(crate) struct Investigation {
    pub(crate) archive: Archive,
    pub(crate) index: Index,
    pub(crate) casebook: Casebook,
    decimals: BTreeMap<(Chain, Asset), u8>,
}

/// A result, and what its pictures are drawn from.
pub(crate) struct Traced {
    pub(crate) result: TraceResult,
    pub(crate) waterfalls: Vec<AssetWaterfall>,
    pub(crate) hops: Vec<cases::result::PathHop>,
    /// Thefts of the case that matched nothing.
    pub(crate) missing: usize,
    /// Set where ways to an address were asked for, and the value never came there.
    pub(crate) unreached: Option<Unreached>,
    /// How this archive was named, to say how to check the result.
    pub(crate) archive_as_named: Option<String>,
}

/// An address that the value never came to under the chosen rule.
pub(crate) struct Unreached {
    pub(crate) address: Address,
    /// The rules under which it did.
    pub(crate) by_rules: Vec<&'static str>,
}

pub(crate) struct AssetWaterfall {
    pub(crate) chain: Chain,
    pub(crate) asset: Asset,
    pub(crate) stolen: u128,
    pub(crate) waterfall: Waterfall,
}

impl Asked {
    /// The question that is asked where the user chose nothing.
    pub(crate) fn plain(case_as_named: &str) -> Asked {
        Asked {
            rule: RuleName::Haircut,
            until: None,
            through: Vec::new(),
            max_hops: None,
            service_degree: DEFAULT_DEGREE,
            label_confidence: DEFAULT_CONFIDENCE,
            full_replay: false,
            case_as_named: case_as_named.to_string(),
            with_as_named: Vec::new(),
            archive_as_named: None,
            list_hops: false,
            paths_to: None,
        }
    }
}

impl Investigation {
    pub(crate) fn open(archive: Archive, output: &Output) -> anyhow::Result<Investigation> {
        let casebook = sources::casebook(&archive)?;
        let index = archive_folder::index(&archive, output)?;
        let learned = archive.tokens().into_iter();
        let decimals = learned.map(|token| ((token.chain, token.asset), token.decimals)).collect();
        Ok(Investigation { archive, index, casebook, decimals })
    }

    /// How an asset is written: symbols of known contracts only, decimals also as imports state them.
    pub(crate) fn written(&self, chain: Chain, asset: &Asset) -> Written {
        match ledger::known_token(chain, asset) {
            Some(token) => {
                Written { symbol: Some(token.symbol.to_string()), decimals: Some(token.decimals) }
            }
            None => {
                Written { symbol: None, decimals: self.decimals.get(&(chain, *asset)).copied() }
            }
        }
    }

    /// Traces a case; `with` are other cases whose claims on the same units are looked for.
    pub(crate) fn trace(
        &self,
        case: &CaseFile,
        with: &[&CaseFile],
        asked: &Asked,
    ) -> anyhow::Result<Traced> {
        let mut world = World::new(&self.index);
        let until = match asked.until {
            Some(time) => self.rows_until(time),
            None => world.rows(),
        };
        let decimals = |chain, asset: &Asset| self.written(chain, asset).decimals;
        let mut seeds = SeedsOf::default();
        let beside = self.beside(case, with);
        for (number, case) in std::iter::once(&case).chain(&beside).enumerate() {
            let found = find_seeds(&world, case, (until, asked.until), &decimals)?;
            seeds.add(Label(number as u8), found, &mut world);
        }
        let stops = Stops::new(&self.casebook, asked.label_confidence, &asked.through);
        let through = passed(&stops, &asked.through);
        let here = StopsHere { world: &world, stops: &stops, through: &through };
        let own = seeds.only(Label(0));
        let question = Question {
            ledger: &world,
            stops: &here,
            seeds: &own,
            until,
            max_hops: asked.max_hops,
            service_degree: asked.service_degree,
            detail: Detail::Flows,
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let range = taint::range(question, asked.rule, asked.full_replay, threads);
        let labels = LabelsShown::new(&self.casebook, &stops);
        let naming = Naming {
            records: &world,
            written: &|chain, asset| self.written(chain, asset),
            label: &|chain, address| labels.of(chain, address),
        };
        let overlaps = overlaps(&naming, question, asked.rule, &seeds, case, &beside);
        let found = &seeds.found[0];
        let assembled = naming.assemble(case, found, &range, Label(0), until)?;
        let mut result = self.document(case, with, asked, found, assembled, overlaps);
        result.gaps.extend(through_gaps(&stops, &reached(&world, &range)));
        result.gaps.sort();
        let mut unreached = None;
        if let Some((address, count)) = asked.paths_to {
            let pots = pots_of_address(&world, &address);
            let flows = range.chosen.flows();
            let paths = taint::paths_to(flows, Label(0), &pots, count as usize);
            result.paths = Some(naming.paths(&paths, flows, case, found)?);
            if !flows.iter().any(|flow| flow.arrived > 0 && pots.contains(&flow.to)) {
                let by_rules = reached_by(question, asked.rule, &pots);
                unreached = Some(Unreached { address, by_rules });
            }
        }
        result.digest = digest(&result);
        Ok(Traced {
            waterfalls: waterfalls(&world, &range),
            hops: match asked.list_hops {
                true => naming.hops(range.chosen.flows(), case, found)?,
                false => Vec::new(),
            },
            missing: found.missing.len(),
            unreached,
            archive_as_named: asked.archive_as_named.clone(),
            result,
        })
    }

    /// The first row that is later than `time` in the total order.
    fn rows_until(&self, time: Time) -> RowId {
        match time.seconds().checked_add(1) {
            Some(next) => self.index.first_row_at(Time::from_seconds(next)),
            None => self.index.rows(),
        }
    }

    /// The cases whose claims on the same units are looked for: those named, and those registered.
    fn beside<'a>(&'a self, case: &CaseFile, with: &[&'a CaseFile]) -> Vec<&'a CaseFile> {
        let mut beside: Vec<&CaseFile> = with.to_vec();
        beside.extend(self.casebook.cases().map(|claimed| &claimed.what));
        let mut seen = vec![case.id.as_str()];
        beside.retain(|other| {
            let new = !seen.contains(&other.id.as_str());
            seen.push(&other.id);
            new && !other.thefts.is_empty()
        });
        beside.truncate(MAX_LABELS - 1);
        beside
    }

    fn document(
        &self,
        case: &CaseFile,
        with: &[&CaseFile],
        asked: &Asked,
        found: &Found,
        assembled: Assembled,
        overlaps: Vec<OverlapFound>,
    ) -> TraceResult {
        let parameters = Parameters {
            until: asked.until.map(|time| time.to_string()),
            through: asked.through.clone(),
            max_hops: asked.max_hops,
            service_degree: asked.service_degree,
            label_confidence: asked.label_confidence,
            with: with.iter().map(|case| case.id.clone()).collect(),
            with_files: with.iter().map(|case| case.to_toml()).collect(),
            paths_to: asked
                .paths_to
                .as_ref()
                .map(|(address, count)| PathsTo { address: address.to_string(), count: *count }),
            case_file: case.to_toml(),
        };
        let mut gaps = sources::gaps(&self.archive);
        let note = |detail: &String| Gap { kind: "case".to_string(), detail: detail.clone() };
        gaps.extend(assembled.gaps);
        gaps.extend(found.notes.iter().chain(&asserted_twice(case, with)).map(note));
        gaps.extend(found.missing.iter().map(|theft| Gap {
            kind: "theft-not-found".to_string(),
            detail: format!("theft {} of the case matches no transfer of the data", theft + 1),
        }));
        TraceResult {
            schema: SCHEMA.to_string(),
            case: case.id.clone(),
            title: case.title.clone(),
            rule: asked.rule.name().to_string(),
            digest: String::new(),
            program: Program {
                name: "dyepack".to_string(),
                version: env!("CARGO_PKG_VERSION").to_string(),
            },
            replay: replay_command(asked),
            parameters,
            inputs: self.archive.imports().iter().map(input).collect(),
            snapshot: self.snapshot(),
            seeds: assembled.seeds,
            stolen: assembled.stolen,
            holdings: assembled.holdings,
            totals: assembled.totals,
            conservation: assembled.conservation,
            stops: assembled.stops,
            overlaps,
            unknown: assembled.unknown,
            gaps,
            set_aside: sources::set_aside(&self.archive) + assembled.set_aside_assets.len() as u64,
            set_aside_assets: assembled.set_aside_assets,
            touched: assembled.touched,
            reported: sources::reported(case, with, &self.casebook),
            paths: None,
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            archive: format!("sha256:{}", hex::encode(self.archive.digest())),
            labels: self.casebook.labels_digest(),
            chains: self.archive.chains().iter().map(sources::chain_covered).collect(),
        }
    }
}

/// Stolen value that an address received.
#[derive(Clone, Debug)]
pub(crate) struct Exposed {
    pub(crate) chain: Chain,
    pub(crate) address: Address,
    pub(crate) asset: Asset,
    pub(crate) received: u128,
    /// Of that, what no transfer shows.
    pub(crate) asserted: u128,
    pub(crate) hops: u32,
    /// True if a theft paid this asset here, or an account did that a theft paid.
    pub(crate) direct: bool,
}

impl Investigation {
    /// Every address that value of a case reached, under one rule.
    pub(crate) fn exposed(&self, case: &CaseFile, asked: &Asked) -> anyhow::Result<Vec<Exposed>> {
        let mut world = World::new(&self.index);
        let decimals = |chain, asset: &Asset| self.written(chain, asset).decimals;
        let found = find_seeds(&world, case, (world.rows(), None), &decimals)?;
        let mut seeds = SeedsOf::default();
        seeds.add(Label(0), found, &mut world);
        let stops = Stops::new(&self.casebook, asked.label_confidence, &asked.through);
        let here = StopsHere { world: &world, stops: &stops, through: &[] };
        let own = seeds.only(Label(0));
        let question = Question {
            ledger: &world,
            stops: &here,
            seeds: &own,
            until: world.rows(),
            max_hops: asked.max_hops,
            service_degree: asked.service_degree,
            detail: Detail::Flows,
        };
        let outcome = single(question, asked.rule);
        let thieves: HashSet<u32> = outcome
            .flows()
            .iter()
            .filter(|flow| flow.injected > 0 && flow.arrived > 0)
            .map(|flow| world.pot(flow.to).place)
            .collect();
        let from_thief = |flow: &&taint::Flow| {
            let by_thief = flow.from != NO_POT && thieves.contains(&world.pot(flow.from).place);
            flow.arrived > 0 && (flow.injected > 0 || by_thief)
        };
        let direct: HashSet<PotId> =
            outcome.flows().iter().filter(from_thief).map(|flow| flow.to).collect();
        let mut exposed: BTreeMap<(Chain, Address, Asset), Exposed> = BTreeMap::new();
        for holding in outcome.holdings(Label(0)) {
            let pot = world.pot(holding.pot);
            let (chain, asset) = world.asset(pot.asset);
            let Some(address) = world.place(pot.place).owner else { continue };
            let (received, hops) = (0, holding.hops);
            let new = Exposed { chain, address, asset, received, asserted: 0, hops, direct: false };
            let known = exposed.entry((chain, address, asset)).or_insert(new);
            known.direct |= direct.contains(&holding.pot);
            known.received = known.received.saturating_add(holding.received);
            known.hops = known.hops.min(holding.hops);
        }
        for theft in &seeds.found[0].asserted {
            if let Place::Account(address) = theft.place
                && let Some(known) = exposed.get_mut(&(theft.chain, address, theft.asset))
            {
                known.asserted = known.asserted.saturating_add(theft.amount.base_units());
            }
        }
        Ok(exposed.into_values().collect())
    }
}

/// The seeds of several cases, by label.
#[derive(Default)]
struct SeedsOf {
    found: Vec<Found>,
    asserted: Vec<Asserted>,
}

impl SeedsOf {
    fn add(&mut self, label: Label, found: Found, world: &mut World<'_>) {
        for theft in &found.asserted {
            let pot: PotId = world.pot_for(theft.chain, theft.place, theft.asset);
            let (before, amount, time) = (theft.before, theft.amount.base_units(), theft.time);
            self.asserted.push(Asserted { before, pot, amount, time, label });
        }
        self.found.push(found);
    }

    fn only(&self, label: Label) -> Seeds {
        let found = &self.found[usize::from(label.0)];
        let rows = found.rows.iter().map(|(row, _)| (*row, label)).collect();
        Seeds::new(rows, self.asserted.iter().filter(|t| t.label == label).copied().collect())
    }

    fn all(&self) -> Seeds {
        let labelled = (0..).map(Label).zip(&self.found);
        let rows =
            labelled.flat_map(|(label, found)| found.rows.iter().map(move |(r, _)| (*r, label)));
        Seeds::new(rows.collect(), self.asserted.clone())
    }
}

/// Units that this case and another both claim, from one run with all of them.
fn overlaps(
    naming: &Naming<'_, World<'_>>,
    question: Question<'_, World<'_>>,
    rule: RuleName,
    seeds: &SeedsOf,
    case: &CaseFile,
    beside: &[&CaseFile],
) -> Vec<OverlapFound> {
    if beside.is_empty() {
        return Vec::new();
    }
    let all = seeds.all();
    let together = single(Question { seeds: &all, detail: Detail::Hops, ..question }, rule);
    let cases = std::iter::once(case).chain(beside.iter().copied());
    let ids: Vec<String> = cases.map(|case| case.id.clone()).collect();
    let ours = together.overlaps().iter().filter(|overlap| overlap.incidents.0 == Label(0));
    naming.overlaps(&ours.copied().collect::<Vec<_>>(), &ids)
}

/// Addresses that the value reached.
fn reached(world: &World<'_>, range: &Range) -> Vec<(Chain, Address)> {
    let places = range.chosen.holdings(Label(0)).map(|holding| world.pot(holding.pot).place);
    let named = places.map(|place| world.place(place));
    named.filter_map(|named| Some((named.chain, named.owner?))).collect()
}

fn waterfalls(world: &World<'_>, range: &Range) -> Vec<AssetWaterfall> {
    if !range.chosen.rule.conserves() {
        return Vec::new();
    }
    let stolen: BTreeMap<u32, u128> =
        range.chosen.sums(Label(0)).map(|(asset, sums)| (asset, sums.stolen)).collect();
    let drawn = taint::waterfall(world, range.chosen.flows(), Label(0)).into_iter();
    let mut all: Vec<AssetWaterfall> = drawn
        .map(|waterfall| {
            let (chain, asset) = world.asset(waterfall.asset);
            let stolen = stolen.get(&waterfall.asset).copied().unwrap_or(0);
            AssetWaterfall { chain, asset, stolen, waterfall }
        })
        .collect();
    // What was stolen comes first, then what it was turned into.
    all.sort_by_key(|drawn| (drawn.stolen == 0, drawn.chain, drawn.asset));
    all
}

fn pots_of_address(world: &World<'_>, address: &Address) -> Vec<PotId> {
    let chains = Chain::all().filter(|chain| address.belongs_to(chain.family()));
    let places = chains.flat_map(|chain| {
        let mut places = world.places_of(chain, address);
        places.extend(world.find_place(chain, &Place::Account(*address)));
        places
    });
    let mut pots: Vec<PotId> = places.flat_map(|place| world.pots_of(place)).collect();
    pots.sort_unstable();
    pots.dedup();
    pots
}

/// The rules but the chosen one under which value comes to one of these pots, if only for a while.
fn reached_by(
    question: Question<'_, World<'_>>,
    chosen: RuleName,
    pots: &[PotId],
) -> Vec<&'static str> {
    let question = Question { detail: Detail::Hops, ..question };
    let reaches = |rule: &RuleName| {
        let outcome = single(question, *rule);
        outcome.holdings(Label(0)).any(|held| held.received > 0 && pots.contains(&held.pot))
    };
    let others = RuleName::ALL.into_iter().filter(|rule| *rule != chosen);
    others.filter(reaches).map(RuleName::name).collect()
}

/// The places that the user asked to trace through.
fn passed(stops: &Stops, through: &[String]) -> Vec<(Chain, Address)> {
    let named = through.iter().flat_map(|text| {
        Chain::all().filter_map(|chain| Some((chain, Address::parse(chain, text.trim()).ok()?)))
    });
    stops.passed_through().chain(named).collect()
}

fn through_gaps(stops: &Stops, reached: &[(Chain, Address)]) -> Vec<Gap> {
    let passed = stops.passed_through().filter(|passed| reached.contains(passed));
    let passed = passed.map(|(chain, address)| Gap {
        kind: "traced-through".to_string(),
        detail: format!("{chain} {address} is a labelled stop, and was traced through as asked"),
    });
    let unmatched = stops.unmatched().iter().map(|text| Gap {
        kind: "through-unmatched".to_string(),
        detail: format!("--through {text:?} names no labelled stop"),
    });
    passed.chain(unmatched).collect()
}

fn input(import: &archive::Import) -> Input {
    Input {
        name: import.name.clone(),
        format: import.format.clone(),
        sha256: hex::encode(import.sha256),
        rows: import.account.rows,
        transfers: import.transfers,
    }
}

/// Thefts that another case of the question asserts too. Whose units are whose is then a matter of the
/// rule, and their overlap may come out as none, though both cases speak of one transaction.
fn asserted_twice(case: &CaseFile, with: &[&CaseFile]) -> Vec<String> {
    let asserted = |case: &'_ CaseFile| -> Vec<_> {
        let all = case.thefts.iter().enumerate();
        let asserted = all.filter(|(_, theft)| theft.asserted && theft.tx.is_some());
        asserted.map(|(n, theft)| (n + 1, (theft.chain, theft.to, theft.asset, theft.tx))).collect()
    };
    let mut notes = Vec::new();
    for other in with {
        let theirs = asserted(other);
        for (number, theft) in asserted(case) {
            if theirs.iter().any(|(_, their)| *their == theft) {
                notes.push(format!(
                    "theft {number}: case {} asserts the same transaction: it is one theft, to be \
                     counted once",
                    other.id
                ));
            }
        }
    }
    notes
}

/// The command that computes a result again, as it was typed.
fn replay_command(asked: &Asked) -> String {
    let mut words = vec![format!("{PROGRAM} trace"), quoted_path(&asked.case_as_named)];
    let archive = asked.archive_as_named.as_ref();
    words.extend(archive.map(|folder| format!("--archive {}", quoted_path(folder))));
    words.push(format!("--rule {}", asked.rule.name()));
    words.extend(asked.until.map(|time| format!("--until {time}")));
    words.extend(asked.through.iter().map(|text| format!("--through {}", quoted(text))));
    words.extend(asked.max_hops.map(|hops| format!("--max-hops {hops}")));
    words.push(format!("--service-degree {}", asked.service_degree));
    words.push(format!("--label-confidence {}", asked.label_confidence));
    words.extend(asked.with_as_named.iter().map(|case| format!("--with {}", quoted_path(case))));
    words.join(" ")
}

/// The command of a result that asks again, with this program as a shell finds it.
pub(crate) fn replay_as(replay: &str, program: &str) -> String {
    match replay.strip_prefix(PROGRAM) {
        Some(rest) => format!("{}{rest}", quoted(program)),
        None => replay.to_string(),
    }
}

/// The command that computes a saved result again and compares; `program` is this one, as a shell
/// finds it.
pub(crate) fn verify_command(program: &str, result: &str, archive: Option<&str>) -> String {
    let mut words = vec![quoted(program), "verify".to_string(), quoted_path(result)];
    words.extend(archive.map(|folder| format!("--archive {}", quoted_path(folder))));
    words.join(" ")
}

/// A path for a shell; one that begins with a dash would be taken for an option.
fn quoted_path(path: &str) -> String {
    match path.starts_with('-') {
        true => quoted(&format!("./{path}")),
        false => quoted(path),
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The label that a person should see.
pub(crate) type Shown = Option<LabelNamed>;
