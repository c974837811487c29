//! A record: one row of a file as named texts, whichever syntax it was written in.
//!
//! CSV gives a record its header's names. A JSON object is flattened: `{"a":{"b":1}}` has the field
//! `a.b`, lists of objects are numbered (`ret.0.fee`), and a list of plain values is also one text
//! joined by commas, as CSV writes it. Numbers stay as they were written, so that no amount ever
//! passes through a float.

use std::collections::HashSet;
use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::field::{Field, Reason, excerpt};

/// Deeper JSON is refused.
const MAX_DEPTH: usize = 16;
/// More fields in one JSON object, nested ones counted, are refused.
const MAX_FIELDS: usize = 8192;
/// A longer name, with those around it, is refused: every field below it would repeat it.
const MAX_NAME: usize = 256;

/// One row.
pub(crate) struct Record {
    /// The line or the number of the element, from 1.
    pub(crate) row: u64,
    names: Arc<[String]>,
    /// The values one after the other, and where each ends.
    text: String,
    ends: Vec<usize>,
}

impl Record {
    /// A row of a table; `ends` has as many entries as `names`.
    pub(crate) fn new(row: u64, names: Arc<[String]>, text: String, ends: Vec<usize>) -> Record {
        Record { row, names, text, ends }
    }

    /// Flattens a JSON object.
    pub(crate) fn from_json(row: u64, json: &[u8]) -> Result<Record, Reason> {
        let json = std::str::from_utf8(json).map_err(|_| Reason::new("not UTF-8 text"))?;
        let raw: &RawValue = serde_json::from_str(json.trim()).map_err(not_json)?;
        if !raw.get().starts_with('{') {
            return Err(Reason::new("not a JSON object"));
        }
        let mut flat = Flat::default();
        flat.add(raw.get(), 0)?;
        Ok(Record { row, names: flat.names.into(), text: flat.text, ends: flat.ends })
    }

    fn value(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// True if the record has the field, even if it is empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// The text of a field without the blanks around it; `None` if it is absent, empty or null.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let index = self.names.iter().position(|known| known == name)?;
        Some(self.value(index).trim()).filter(|text| !text.is_empty())
    }

    /// The first of several fields that has a text: one thing under its names in several versions.
    pub(crate) fn field<'a>(&'a self, names: &[&'a str]) -> Option<Field<'a>> {
        names.iter().find_map(|name| self.get(name).map(|text| Field { name, text }))
    }

    /// Like [`Record::field`], for what no row may lack.
    pub(crate) fn need<'a>(&'a self, names: &[&'a str]) -> Result<Field<'a>, Reason> {
        self.field(names).ok_or_else(|| {
            let name = names.iter().find(|name| self.has(name)).or(names.first());
            Reason::new(format!("{}: missing", name.unwrap_or(&"?")))
        })
    }

    /// The names of all fields.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// All texts, each with its end: what a row's hash is made of.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.value(index))
    }
}

pub(super) fn not_json(error: serde_json::Error) -> Reason {
    Reason::new(format!("not JSON: {error}"))
}

#[derive(Default)]
struct Flat {
    path: String,
    names: Vec<String>,
    text: String,
    ends: Vec<usize>,
}

impl Flat {
    fn add(&mut self, json: &str, depth: usize) -> Result<(), Reason> {
        if depth > MAX_DEPTH {
            return Err(Reason::new(format!("JSON nested deeper than {MAX_DEPTH}")));
        }
        match json.as_bytes().first() {
            Some(b'{') => {
                let members: Members = serde_json::from_str(json).map_err(not_json)?;
                let mut seen = HashSet::with_capacity(members.0.len());
                for (name, value) in &members.0 {
                    if !seen.insert(name) {
                        return Err(Reason::new(format!("{}: stands twice", excerpt(name))));
                    }
                    self.member(name, value.get(), depth)?;
                }
                Ok(())
            }
            Some(b'[') => self.list(json, depth),
            Some(b'"') => {
                let text: String = serde_json::from_str(json).map_err(not_json)?;
                self.push(&text)
            }
            _ if json == "null" => self.push(""),
            _ => self.push(json),
        }
    }

    fn member(&mut self, name: &str, value: &str, depth: usize) -> Result<(), Reason> {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        if self.path.len() > MAX_NAME {
            return Err(Reason::new(format!(
                "{}: a name of more than {MAX_NAME} bytes",
                excerpt(name)
            )));
        }
        self.add(value, depth + 1)?;
        self.path.truncate(length);
        Ok(())
    }

    fn list(&mut self, json: &str, depth: usize) -> Result<(), Reason> {
        let values: Vec<&RawValue> = serde_json::from_str(json).map_err(not_json)?;
        let plain = |value: &&RawValue| !value.get().starts_with(['{', '[']);
        if values.iter().all(plain) {
            let mut joined = String::new();
            for (index, value) in values.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                match serde_json::from_str::<String>(value.get()) {
                    Ok(text) => write!(joined, "{comma}{text}"),
                    Err(_) => write!(joined, "{comma}{}", value.get()),
                }
                .map_err(|_| Reason::new("a list that cannot be written"))?;
            }
            return self.push(&joined);
        }
        for (index, value) in values.iter().enumerate() {
            self.member(&index.to_string(), value.get(), depth)?;
        }
        Ok(())
    }

    fn push(&mut self, value: &str) -> Result<(), Reason> {
        if self.names.len() >= MAX_FIELDS {
            return Err(Reason::new(format!("more than {MAX_FIELDS} fields")));
        }
        self.names.push(self.path.clone());
        self.text.push_str(value);
        self.ends.push(self.text.len());
        Ok(())
    }
}

/// The members of a JSON object in their order, also those that stand twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
