//! Stops: labelled places where following value ends, because what leaves them is not what came in.
//!
//! Exchanges, payment processors, OTC desks, casinos and swap services pay out of one common fund;
//! mixers exist to cut the trail; behind bridges and swaps the value goes on as something else. Any
//! label that is sure enough stops, on its own chain and for all time. Where several do, mixer
//! comes before bridge before service before swap, so that the least followable reading holds.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Address, Chain};

use crate::casebook::{Casebook, by_confidence};
use crate::label::{Category, Label};

/// The confidence from which a label stops, unless the user says otherwise.
pub const DEFAULT_CONFIDENCE: u8 = 50;

/// How value is lost from sight, the strongest claim first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StopKind {
    Mixer,
    Bridge,
    Service,
    Swap,
}

impl StopKind {
    /// The word for it in results (`where`).
    pub fn name(self) -> &'static str {
        match self {
            StopKind::Mixer => "mixer",
            StopKind::Bridge => "bridge",
            StopKind::Service => "service",
            StopKind::Swap => "swap",
        }
    }

    /// What a label of this category stops as, if it does.
    pub fn of(category: Category) -> Option<StopKind> {
        match category {
            Category::Exchange
            | Category::Payment
            | Category::Otc
            | Category::Gambling
            | Category::SwapService => Some(StopKind::Service),
            Category::Mixer => Some(StopKind::Mixer),
            Category::Bridge => Some(StopKind::Bridge),
            Category::Dex => Some(StopKind::Swap),
            Category::Defi
            | Category::Mining
            | Category::Sanctioned
            | Category::Theft
            | Category::Scam
            | Category::Victim
            | Category::Other => None,
        }
    }
}

/// A place where following ends, and the label that names it: the surest of the winning kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    pub kind: StopKind,
    pub name: String,
    pub category: Category,
    pub confidence: u8,
    /// Who says so.
    pub source: String,
}

/// All stops under one set of options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    stops: BTreeMap<(Chain, Address), Stop>,
    passed: BTreeSet<(Chain, Address)>,
    unmatched: Vec<String>,
}

/// What one `--through` names; a text may be several of these at once.
struct Through<'a> {
    text: &'a str,
    name: String,
    category: Option<Category>,
    addresses: Vec<(Chain, Address)>,
    matched: bool,
}

impl Stops {
    /// Stops by every label of at least this confidence. Each `through` is a label's name (without
    /// regard to case) or an address, which frees the whole place, or a category, which silences
    /// the labels of that category: a place that another label stops still stops.
    pub fn new(book: &Casebook, confidence: u8, through: &[String]) -> Stops {
        let mut through: Vec<Through<'_>> = through.iter().map(|text| Through::new(text)).collect();
        let mut stops = Stops::default();
        let mut labels = book.labels().map(|claimed| &claimed.what).peekable();
        while let Some(first) = labels.next() {
            let place = (first.chain, first.address);
            let mut here = vec![first];
            while let Some(next) = labels.next_if(|next| (next.chain, next.address) == place) {
                here.push(next);
            }
            stops.add(place, &here, confidence, &mut through);
        }
        let unmatched = through.iter().filter(|one| !one.matched);
        stops.unmatched = unmatched.map(|one| one.text.to_string()).collect();
        stops
    }

    fn add(
        &mut self,
        place: (Chain, Address),
        labels: &[&Label],
        confidence: u8,
        through: &mut [Through<'_>],
    ) {
        if place.1.is_zero() {
            return;
        }
        let mut freed = false;
        for one in through.iter_mut() {
            let named = labels.iter().any(|label| label.name.to_lowercase() == one.name);
            if named || one.addresses.contains(&place) {
                one.matched = true;
                freed = true;
            }
        }
        let sure = labels.iter().filter(|label| label.confidence >= confidence);
        let stopping: Vec<(StopKind, &Label)> =
            sure.filter_map(|label| Some((StopKind::of(label.category)?, *label))).collect();
        let mut kept: Vec<(StopKind, &Label)> = Vec::new();
        for (kind, label) in &stopping {
            let mut silenced = false;
            for one in through.iter_mut().filter(|one| one.category == Some(label.category)) {
                one.matched = true;
                silenced = true;
            }
            if !silenced {
                kept.push((*kind, label));
            }
        }
        kept.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| by_confidence(a.1, b.1)));
        match kept.first().filter(|_| !freed) {
            Some((kind, label)) => {
                self.stops.insert(place, Stop::new(*kind, label));
            }
            None if !stopping.is_empty() => {
                self.passed.insert(place);
            }
            None => {}
        }
    }

    /// The stop at an address of a chain, if there is one.
    pub fn stop_of(&self, chain: Chain, address: &Address) -> Option<&Stop> {
        self.stops.get(&(chain, *address))
    }

    /// Every stop, by chain and address.
    pub fn iter(&self) -> impl Iterator<Item = (Chain, Address, &Stop)> {
        self.stops.iter().map(|((chain, address), stop)| (*chain, *address, stop))
    }

    /// Places that would stop but for `through`: a result has to disclose them.
    pub fn passed_through(&self) -> impl Iterator<Item = (Chain, Address)> {
        self.passed.iter().copied()
    }

    /// Those of `through` that freed nothing, in the order given: most likely mistyped.
    pub fn unmatched(&self) -> &[String] {
        &self.unmatched
    }
}

impl Stop {
    fn new(kind: StopKind, label: &Label) -> Stop {
        Stop {
            kind,
            name: label.name.clone(),
            category: label.category,
            confidence: label.confidence,
            source: label.source.clone(),
        }
    }
}

impl Through<'_> {
    fn new(text: &str) -> Through<'_> {
        let given = text.trim();
        let parsed = |chain| Some((chain, Address::parse(chain, given).ok()?));
        Through {
            text,
            name: given.to_lowercase(),
            category: Category::parse(&given.to_ascii_lowercase()).ok(),
            addresses: Chain::all().filter_map(parsed).collect(),
            matched: false,
        }
    }
}
