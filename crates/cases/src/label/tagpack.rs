//! GraphSense TagPacks: YAML with values at the top that every tag below inherits unless it states
//! its own. Words of GraphSense's taxonomies (derived from INTERPOL's Dark Web and Virtual Assets
//! taxonomy) are mapped here; the confidence levels are GraphSense's own (graphsense-tagpack-tool,
//! `confidence.csv`).
//!
//! Only the top and the list of tags are read; `context` and other nested values are not.

use std::collections::BTreeMap;

use ledger::{Address, Chain};

use super::currency::Currency;
use super::yaml::{self, Node};
use super::{Category, Label, MAX_FIELD, Origin, ReadError, Reading, Refusal};
use crate::date::Date;
use crate::text;

/// GraphSense's words for how surely a tag is known, and their levels.
const CONFIDENCE: [(&str, u8); 14] = [
    ("override", 100),
    ("ownership", 100),
    ("ledger_immanent", 100),
    ("manual_transaction", 90),
    ("service_api", 70),
    ("forensic_investigation", 70),
    ("authority_data", 60),
    ("trusted_provider", 50),
    ("service_data", 50),
    ("forensic", 50),
    ("untrusted_transaction", 40),
    ("web_crawl", 20),
    ("heuristic", 10),
    ("unknown", 5),
];
/// GraphSense counts a tag without confidence as "unknown".
const UNKNOWN_CONFIDENCE: u8 = 5;

/// What kind of holder a tag names. Words that are not here say nothing that dyepack acts on.
const CATEGORIES: [(&str, Category); 24] = [
    ("exchange", Category::Exchange),
    ("wallet_service", Category::Exchange),
    ("hosted_wallet", Category::Exchange),
    ("atm", Category::Exchange),
    ("payment_processor", Category::Payment),
    ("otc", Category::Otc),
    ("gambling", Category::Gambling),
    ("mixing_service", Category::Mixer),
    ("mixing", Category::Mixer),
    ("coinjoin", Category::Mixer),
    ("defi_bridge", Category::Bridge),
    ("defi_dex", Category::Dex),
    ("defi", Category::Defi),
    ("defi_lending", Category::Defi),
    ("defi_derivatives", Category::Defi),
    ("defi_derivative", Category::Defi),
    ("miner", Category::Mining),
    ("mining_service", Category::Mining),
    ("victim", Category::Victim),
    ("user", Category::Other),
    ("market", Category::Other),
    ("black_list", Category::Other),
    ("organization", Category::Other),
    ("perpetrator", Category::Other),
];

/// What an address was used for.
const ABUSES: [(&str, Category); 12] = [
    ("service_hack", Category::Theft),
    ("sanction", Category::Sanctioned),
    ("scam", Category::Scam),
    ("phishing", Category::Scam),
    ("investment_fraud", Category::Scam),
    ("ponzi_scheme", Category::Scam),
    ("pyramid_scheme", Category::Scam),
    ("payment_card_fraud", Category::Scam),
    ("extortion", Category::Scam),
    ("sextortion", Category::Scam),
    ("ransomware", Category::Scam),
    ("terrorism", Category::Other),
];

/// The keys of a pack or a tag that are read.
const KEYS: [&str; 13] = [
    "abuse",
    "actor",
    "address",
    "category",
    "concepts",
    "confidence",
    "creator",
    "currency",
    "label",
    "lastmod",
    "network",
    "source",
    "tx_hash",
];

pub(super) fn sniff(file_name: &str, head: &[u8]) -> bool {
    let yaml = file_name.ends_with(".yaml") || file_name.ends_with(".yml");
    let begins = |word: &[u8]| head.split(|b| *b == b'\n').any(|line| line.starts_with(word));
    begins(b"tags:") || begins(b"actors:") || (yaml && begins(b"title:"))
}

pub(super) fn read(bytes: &[u8], origin: &Origin<'_>) -> Result<Reading, ReadError> {
    let pack = yaml::parse(super::utf8(super::without_bom(bytes))?)?;
    let shape = |why: &str| ReadError::Shape { format: "TagPack", why: why.to_string() };
    let tags = match (&pack, pack.get("tags")) {
        (Node::Map(_), Some(Node::List(tags))) => tags,
        (Node::Map(_), Some(Node::Null)) => return Ok(Reading::default()),
        (Node::Map(_), Some(_)) => return Err(shape("\"tags\" is no list")),
        (Node::Map(_), None) if pack.get("actors").is_some() => return Err(ReadError::ActorPack),
        (Node::Map(_), None) => return Err(shape("it has no list of \"tags\"")),
        _ => return Err(shape("it is no mapping")),
    };
    let mut reading = Reading::default();
    let header = fields(&pack);
    for (line, tag) in tags {
        let outcome = match tag {
            Node::Map(_) => label(&Tag { own: fields(tag), header: &header }, origin),
            Node::Refused => Err(Refusal::Aside("an alias to a list or mapping".into())),
            _ => Err(Refusal::Aside("a tag that is no mapping".into())),
        };
        reading.add(*line, outcome)?;
    }
    Ok(reading)
}

/// The fields that are read, as far as they are stated.
type Fields<'a> = BTreeMap<&'static str, &'a Node>;

/// One pass over a mapping, so that no number of foreign keys makes look-ups slow.
fn fields(node: &Node) -> Fields<'_> {
    let Node::Map(entries) = node else { return Fields::new() };
    let known = entries.iter().filter(|(_, value)| *value != Node::Null);
    known.filter_map(|(key, value)| Some((*KEYS.iter().find(|k| **k == key)?, value))).collect()
}

/// A tag and what it inherits.
struct Tag<'a> {
    own: Fields<'a>,
    header: &'a Fields<'a>,
}

impl<'a> Tag<'a> {
    /// A field, the tag's own before the pack's.
    fn stated(&self, key: &str) -> Option<&'a Node> {
        self.own.get(key).or_else(|| self.header.get(key)).copied()
    }

    /// The text of a field.
    fn get(&self, key: &str) -> Result<Option<&'a str>, Refusal> {
        match self.stated(key) {
            None => Ok(None),
            Some(Node::Text(text)) if text.len() > MAX_FIELD => {
                Err(Refusal::Aside(format!("{key}: more than {MAX_FIELD} bytes")))
            }
            Some(Node::Text(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(_) => Err(Refusal::Aside(format!("{key}: no text"))),
        }
    }

    /// The words that classify it: its category, its abuse, its list of concepts.
    fn words(&self) -> Result<Vec<&'a str>, Refusal> {
        let mut words: Vec<&str> = Vec::new();
        words.extend(self.get("category")?);
        words.extend(self.get("abuse")?);
        if let Some(Node::List(items)) = self.stated("concepts") {
            words.extend(items.iter().filter_map(|(_, item)| match item {
                Node::Text(word) => Some(word.trim()),
                _ => None,
            }));
        }
        Ok(words)
    }
}

fn label(tag: &Tag<'_>, origin: &Origin<'_>) -> Result<Label, Refusal> {
    let Some(address) = tag.get("address")? else {
        return Err(match tag.get("tx_hash")? {
            Some(_) => Refusal::Skip("a tag on a transaction".into()),
            None => Refusal::Aside("address: it is missing".into()),
        });
    };
    let chain = chain_of(tag, address)?;
    let address = Address::parse(chain, address).map_err(|why| Refusal::address(address, why))?;
    let confidence = match tag.get("confidence")? {
        None => UNKNOWN_CONFIDENCE,
        Some(word) => lookup(&CONFIDENCE, word).ok_or_else(|| {
            Refusal::Aside(format!("confidence: unknown word {:?}", text::excerpt(word)))
        })?,
    };
    let source = match origin.source {
        "" => tag.get("creator")?.unwrap_or_default(),
        given => given,
    };
    let label = Label {
        chain,
        address,
        name: tag.get("label")?.unwrap_or_default().to_string(),
        category: category(&tag.words()?),
        confidence,
        source: source.to_string(),
        date: date(tag)?.or_else(|| origin.date.cloned()),
        actor: tag.get("actor")?.map(str::to_string),
        uri: tag.get("source")?.map(str::to_string),
    };
    Ok(label.checked()?)
}

/// `network` says the chain where it stands beside a token's `currency`.
fn chain_of(tag: &Tag<'_>, address: &str) -> Result<Chain, Refusal> {
    let word = match (tag.get("network")?, tag.get("currency")?) {
        (Some(word), _) | (None, Some(word)) => word,
        (None, None) => return Err(Refusal::Aside("currency: it is missing".into())),
    };
    Currency::parse(word).chain_of(address).ok_or_else(|| {
        Refusal::Skip(format!("{} is no chain that dyepack reads", text::excerpt(word)))
    })
}

/// A day, also where a time of day follows it without a zone ("2022-04-15 00:00:00").
fn date(tag: &Tag<'_>) -> Result<Option<Date>, Refusal> {
    let Some(stated) = tag.get("lastmod")? else { return Ok(None) };
    let day = stated.get(..10).filter(|_| stated.get(10..11).is_some_and(|c| c == " " || c == "T"));
    Date::parse(stated)
        .or_else(|why| day.map_or(Err(why), Date::parse))
        .map(Some)
        .map_err(|why| Refusal::aside("lastmod", why))
}

/// The first of: a mixer; a theft or scam that it was used for; a service; a sanction or another
/// kind. So the account of a thief at an exchange is never taken for the exchange, and a sanctioned
/// exchange still ends a trace as what it is.
fn category(words: &[&str]) -> Category {
    let kinds: Vec<Category> = words.iter().filter_map(|w| lookup(&CATEGORIES, w)).collect();
    let uses: Vec<Category> = words.iter().filter_map(|w| lookup(&ABUSES, w)).collect();
    let used_for = |wanted| uses.iter().copied().find(|used| *used == wanted);
    let mixer = kinds.iter().copied().find(|kind| *kind == Category::Mixer);
    mixer
        .or_else(|| used_for(Category::Theft))
        .or_else(|| used_for(Category::Scam))
        .or_else(|| kinds.iter().copied().find(|kind| *kind != Category::Other))
        .or_else(|| used_for(Category::Sanctioned))
        .unwrap_or(Category::Other)
}

fn lookup<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
}
