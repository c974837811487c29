//! Claims: what people say, as records of the append-only journal. The archive keeps them as opaque
//! bytes; this module alone knows what is in them.
//!
//! A claim is one JSON object with `"v": 1`, a `kind`, who makes it and when. Encoding is
//! canonical: equal claims are equal bytes. A record of a later version, or of a kind that this
//! version does not know, is not understood and not an error: it is handed back, so that a program
//! that is behind the others says so instead of stopping. Anything else that does not read is
//! damage.

use ledger::{Address, Chain, Time};
use serde::{Deserialize, Serialize};

use crate::case_file::{CaseFile, MAX_BYTES, is_case_id};
use crate::date::Date;
use crate::label::{Category, Label};
use crate::text;

/// A longer record is refused unread: a case file and room for JSON's escapes.
pub const MAX_CLAIM: usize = 2 * MAX_BYTES + (1 << 20);
/// The version that this program writes.
pub const VERSION: u64 = 1;

/// Somebody saying something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who makes the claim: the user, a peer, the program on somebody's order.
    pub who: String,
    /// When it was made, by the caller's clock.
    pub when: Time,
    pub what: What,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Replaces an earlier label with the same [`LabelKey`].
    LabelAdded(Label),
    LabelRetracted(LabelKey),
    /// Replaces an earlier case with the same id.
    CaseAdded(CaseFile),
    /// The id of a case.
    CaseRemoved(String),
}

/// What tells one label from another. A label that is stated again with another confidence, date,
/// actor or link replaces itself; another name, category or source is another opinion and stands
/// beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelKey {
    pub chain: Chain,
    pub address: Address,
    pub name: String,
    pub category: Category,
    pub source: String,
}

impl From<&Label> for LabelKey {
    fn from(label: &Label) -> LabelKey {
        LabelKey {
            chain: label.chain,
            address: label.address,
            name: label.name.clone(),
            category: label.category,
            source: label.source.clone(),
        }
    }
}

/// What a record turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    Claim(Box<Claim>),
    /// Of a later version or an unknown kind: well-formed, but not for this program.
    NotUnderstood {
        version: u64,
        kind: String,
    },
}

/// Why a record is no claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    #[error("the claim is longer than {MAX_CLAIM} bytes")]
    TooLarge,
    #[error("the claim is no JSON of its kind: {0}")]
    Json(String),
    #[error("the claim's {field}: {why}")]
    Field { field: &'static str, why: String },
}

/// The part that every version has.
#[derive(Deserialize)]
struct Envelope {
    v: u64,
    kind: String,
}

/// Keys in the order in which they are written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    v: u64,
    kind: String,
    who: String,
    when: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<LabelKeys>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LabelKeys {
    chain: String,
    address: String,
    name: String,
    category: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confidence: Option<u8>,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
}

const LABEL_ADDED: &str = "label-added";
const LABEL_RETRACTED: &str = "label-retracted";
const CASE_ADDED: &str = "case-added";
const CASE_REMOVED: &str = "case-removed";

impl Claim {
    /// The canonical bytes. A claim that would not read back is refused here, because in the
    /// journal it could never be taken out again: a label that was not [`Label::checked`], a case
    /// made by hand.
    pub fn encode(&self) -> Result<Vec<u8>, ClaimError> {
        let bytes = to_json(&self.record());
        match Claim::decode(&bytes)? {
            Decoded::Claim(read) if read.what == self.what => Ok(bytes),
            _ => Err(field("kind", "it does not read back as it was made")),
        }
    }

    fn record(&self) -> Record {
        let who = text::clean(&self.who, text::MAX_NAME);
        let mut record = Record {
            v: VERSION,
            kind: String::new(),
            who,
            when: self.when.to_string(),
            label: None,
            case: None,
            id: None,
        };
        match &self.what {
            What::LabelAdded(label) => {
                record.kind = LABEL_ADDED.into();
                record.label = Some(label_keys(label));
            }
            What::LabelRetracted(key) => {
                record.kind = LABEL_RETRACTED.into();
                record.label = Some(LabelKeys {
                    chain: key.chain.to_string(),
                    address: key.address.to_string(),
                    name: key.name.clone(),
                    category: key.category.to_string(),
                    confidence: None,
                    source: key.source.clone(),
                    date: None,
                    actor: None,
                    uri: None,
                });
            }
            What::CaseAdded(case) => {
                record.kind = CASE_ADDED.into();
                record.case = Some(case.to_toml());
            }
            What::CaseRemoved(id) => {
                record.kind = CASE_REMOVED.into();
                record.id = Some(id.clone());
            }
        }
        record
    }

    /// Reads one record of the journal.
    pub fn decode(bytes: &[u8]) -> Result<Decoded, ClaimError> {
        if bytes.len() > MAX_CLAIM {
            return Err(ClaimError::TooLarge);
        }
        let json =
            |error: serde_json::Error| ClaimError::Json(text::clean(&error.to_string(), 300));
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(json)?;
        let known = [LABEL_ADDED, LABEL_RETRACTED, CASE_ADDED, CASE_REMOVED];
        match envelope.v {
            0 => return Err(field("v", "there is no version 0")),
            VERSION if known.contains(&envelope.kind.as_str()) => {}
            version => {
                let kind = text::excerpt(&envelope.kind);
                return Ok(Decoded::NotUnderstood { version, kind });
            }
        }
        let record: Record = serde_json::from_slice(bytes).map_err(json)?;
        let who = text::whole(&record.who, text::MAX_NAME).map_err(|why| field("who", why))?;
        let when = Time::parse_rfc3339(&record.when).map_err(|why| field("when", why))?;
        Ok(Decoded::Claim(Box::new(Claim { who, when, what: what(record)? })))
    }
}

/// The one payload that the kind calls for, and none beside it.
fn what(record: Record) -> Result<What, ClaimError> {
    match (record.kind.as_str(), record.label, record.case, record.id) {
        (LABEL_ADDED, Some(keys), None, None) => Ok(What::LabelAdded(label(&keys)?)),
        (LABEL_RETRACTED, Some(keys), None, None) => {
            Ok(What::LabelRetracted(LabelKey::from(&label(&keys)?)))
        }
        (CASE_ADDED, None, Some(text), None) => {
            CaseFile::parse(text.as_bytes()).map(What::CaseAdded).map_err(|why| field("case", why))
        }
        (CASE_REMOVED, None, None, Some(id)) if is_case_id(&id) => Ok(What::CaseRemoved(id)),
        (CASE_REMOVED, None, None, Some(_)) => Err(field("id", "it is no id of a case")),
        _ => Err(field("kind", "label, case and id do not fit it")),
    }
}

fn field(field: &'static str, why: impl std::fmt::Display) -> ClaimError {
    ClaimError::Field { field, why: text::clean(&why.to_string(), 300) }
}

fn label_keys(label: &Label) -> LabelKeys {
    LabelKeys {
        chain: label.chain.to_string(),
        address: label.address.to_string(),
        name: label.name.clone(),
        category: label.category.to_string(),
        confidence: Some(label.confidence),
        source: label.source.clone(),
        date: label.date.as_ref().map(|date| date.text().to_string()),
        actor: label.actor.clone(),
        uri: label.uri.clone(),
    }
}

fn label(keys: &LabelKeys) -> Result<Label, ClaimError> {
    let chain = Chain::parse(&keys.chain).map_err(|why| field("chain", why))?;
    let date = keys.date.as_deref().map(Date::parse).transpose();
    let label = Label {
        chain,
        address: Address::parse(chain, &keys.address).map_err(|why| field("address", why))?,
        name: keys.name.clone(),
        category: Category::parse(&keys.category).map_err(|why| field("category", why))?,
        confidence: keys.confidence.unwrap_or_default(),
        source: keys.source.clone(),
        date: date.map_err(|why| field("date", why))?,
        actor: keys.actor.clone(),
        uri: keys.uri.clone(),
    };
    label.checked().map_err(|why| field("label", why))
}

/// The canonical bytes of a label, without who claimed it.
pub(crate) fn canonical_label(label: &Label) -> Vec<u8> {
    to_json(&label_keys(label))
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Structs of texts and small integers: there is nothing in them that JSON could not hold.
    serde_json::to_vec(value).unwrap_or_default()
}
