//! The casebook: what follows from all claims, in the order of the journal. Derived, never stored;
//! the same claims give the same casebook on every machine.

use std::collections::BTreeMap;

use ledger::{Address, Chain, Time};
use sha2::{Digest, Sha256};

use crate::case_file::CaseFile;
use crate::claim::{Claim, ClaimError, Decoded, LabelKey, What, canonical_label};
use crate::label::Label;

/// Something that is held true, and the claim that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed<T> {
    pub what: T,
    pub who: String,
    pub when: Time,
}

/// A record of the journal that this program is too old for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// Its place in the journal, from 1.
    pub number: usize,
    pub version: u64,
    pub kind: String,
}

/// A record of the journal that is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claim {number} of the journal: {why}")]
pub struct CasebookError {
    /// Its place in the journal, from 1.
    pub number: usize,
    pub why: ClaimError,
}

/// Labels by address, registered cases by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Casebook {
    labels: BTreeMap<(Chain, Address), BTreeMap<LabelKey, Claimed<Label>>>,
    cases: BTreeMap<String, Claimed<CaseFile>>,
    not_understood: Vec<NotUnderstood>,
}

impl Casebook {
    /// Reads the journal from its beginning.
    pub fn from_claims<'a>(
        claims: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Casebook, CasebookError> {
        let mut book = Casebook::default();
        for (at, bytes) in claims.into_iter().enumerate() {
            let number = at + 1;
            match Claim::decode(bytes).map_err(|why| CasebookError { number, why })? {
                Decoded::Claim(claim) => book.apply(*claim),
                Decoded::NotUnderstood { version, kind } => {
                    book.not_understood.push(NotUnderstood { number, version, kind });
                }
            }
        }
        Ok(book)
    }

    /// Takes in one more claim, as the journal grows.
    pub fn apply(&mut self, claim: Claim) {
        let Claim { who, when, what } = claim;
        match what {
            What::LabelAdded(label) => {
                let place = self.labels.entry((label.chain, label.address)).or_default();
                place.insert(LabelKey::from(&label), Claimed { what: label, who, when });
            }
            What::LabelRetracted(key) => {
                let place = (key.chain, key.address);
                if let Some(labels) = self.labels.get_mut(&place) {
                    labels.remove(&key);
                    if labels.is_empty() {
                        self.labels.remove(&place);
                    }
                }
            }
            What::CaseAdded(case) => {
                self.cases.insert(case.id.clone(), Claimed { what: case, who, when });
            }
            What::CaseRemoved(id) => {
                self.cases.remove(&id);
            }
        }
    }

    /// What is said about an address: the surest first, then by name, source and category. Labels
    /// that disagree are all here.
    pub fn labels_of(&self, chain: Chain, address: &Address) -> Vec<&Claimed<Label>> {
        let found = self.labels.get(&(chain, *address));
        let mut found: Vec<_> = found.into_iter().flat_map(BTreeMap::values).collect();
        found.sort_by(|a, b| by_confidence(&a.what, &b.what));
        found
    }

    /// Every label, by chain, address, name, category and source.
    pub fn labels(&self) -> impl Iterator<Item = &Claimed<Label>> {
        self.labels.values().flat_map(BTreeMap::values)
    }

    /// A registered case.
    pub fn case(&self, id: &str) -> Option<&Claimed<CaseFile>> {
        self.cases.get(id)
    }

    /// Every registered case, by id.
    pub fn cases(&self) -> impl Iterator<Item = &Claimed<CaseFile>> {
        self.cases.values()
    }

    /// The records of the journal that need a later program, in order.
    pub fn not_understood(&self) -> &[NotUnderstood] {
        &self.not_understood
    }

    /// "sha256:" and the digest of all labels in canonical form and order. Who claimed them and
    /// when is not in it: importing the same labels anew changes nothing.
    pub fn labels_digest(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(b"dyepack.labels/1\n");
        for label in self.labels() {
            digest.update(canonical_label(&label.what));
            digest.update(b"\n");
        }
        format!("sha256:{}", hex::encode(digest.finalize()))
    }
}

/// The surest first, ties by name, source and category.
pub(crate) fn by_confidence(a: &Label, b: &Label) -> std::cmp::Ordering {
    let key = |label: &Label| (label.name.clone(), label.source.clone(), label.category);
    b.confidence.cmp(&a.confidence).then_with(|| key(a).cmp(&key(b)))
}
