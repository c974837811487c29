//! What of a saved result must be equal when it is computed again, and what nobody can compare.
//!
//! The digest covers what must be equal on every machine. The rest follows from things that may have
//! changed since without a lie: files, labels, the words of the command. One list says which field
//! hangs on which of them, and both the comparison and what is said of it come from that list.

use std::collections::BTreeSet;

use cases::digest::lines;
use cases::result::{Input, TraceResult, counted};
use serde_json::Value;

use crate::output::plain;

/// Differences that are shown of each kind.
pub(crate) const SHOWN: usize = 10;

/// What a field follows from, beside the case and what was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// Nothing that can be computed.
    Words,
    /// The transfers of the archive.
    Transfers,
    Labels,
    /// Which files were imported, and what could not be read of them.
    Inputs,
    /// How those files were called.
    Names,
}

/// Fields that are compared only where what they follow from is the same; all others always are.
const FOLLOWS: [(&str, On); 17] = [
    ("program", On::Words),
    ("replay", On::Words),
    ("snapshot.archive", On::Transfers),
    ("snapshot.chains", On::Transfers),
    ("holdings[].transactions", On::Transfers),
    ("set_aside_assets", On::Transfers),
    ("overlaps", On::Transfers),
    ("touched", On::Transfers),
    ("paths", On::Transfers),
    ("snapshot.labels", On::Labels),
    ("holdings[].label", On::Labels),
    ("holdings[].label_source", On::Labels),
    ("reported.shared_wallets", On::Labels),
    ("inputs", On::Inputs),
    ("gaps", On::Inputs),
    ("set_aside", On::Inputs),
    ("inputs[].name", On::Names),
];

/// Which of it is the same as when the result was made.
struct Same {
    transfers: bool,
    labels: bool,
    inputs: bool,
    names: bool,
}

impl Same {
    fn of(stated: &TraceResult, again: &TraceResult) -> Same {
        let unnamed = |result: &TraceResult| {
            let mut inputs = result.inputs.clone();
            inputs.iter_mut().for_each(|input| input.name.clear());
            inputs
        };
        let transfers = stated.snapshot.archive == again.snapshot.archive;
        let labels = stated.snapshot.labels == again.snapshot.labels;
        // What is unknown of the data depends on all three.
        let inputs = transfers && labels && unnamed(stated) == unnamed(again);
        Same { transfers, labels, inputs, names: inputs && stated.inputs == again.inputs }
    }

    fn has(&self, on: On) -> bool {
        match on {
            On::Words => false,
            On::Transfers => self.transfers,
            On::Labels => self.labels,
            On::Inputs => self.inputs,
            On::Names => self.names,
        }
    }
}

/// The fields of a result that a verdict does not cover, words of the command first.
pub(crate) fn not_compared(stated: &TraceResult, again: &TraceResult) -> Vec<String> {
    let same = Same::of(stated, again);
    let left = FOLLOWS.iter().filter(|(_, on)| !same.has(*on));
    // A field that is left out whole is not named a second time for a part of it.
    let whole = |name: &str| match name.split_once("[]") {
        Some((list, _)) => FOLLOWS.iter().any(|(field, on)| *field == list && !same.has(*on)),
        None => false,
    };
    let mut fields: Vec<String> =
        left.filter(|(name, _)| !whole(name)).map(|(name, _)| name.replace("[]", "")).collect();
    if same.transfers {
        fields.push("overlaps with cases that `with` does not name".to_string());
    }
    fields
}

/// True if archive, labels and inputs are those that the result was made from.
pub(crate) fn is_same_world(stated: &TraceResult, again: &TraceResult) -> bool {
    Same::of(stated, again).inputs
}

/// What differs, named.
pub(crate) fn differences(stated: &TraceResult, again: &TraceResult) -> Vec<String> {
    let (old, new) = (lines(stated), lines(again));
    let before: BTreeSet<&String> = old.iter().collect();
    let after: BTreeSet<&String> = new.iter().collect();
    let said = |line: &&String| plain(&line.replace('\t', " "));
    let gone = before.difference(&after).map(|line| format!("stated only: {}", said(line)));
    let come = after.difference(&before).map(|line| format!("computed only: {}", said(line)));
    let mut found: Vec<String> = gone.take(SHOWN).chain(come.take(SHOWN)).collect();
    if found.is_empty() {
        let same = Same::of(stated, again);
        let (mut stated, mut again) = (stated.clone(), again.clone());
        if !same.names {
            forget_names(&mut stated, &mut again);
        }
        let (stated, again) = (comparable(&stated, &same), comparable(&again, &same));
        differing(&stated, &again, "", &mut found);
        let more = found.len().saturating_sub(SHOWN);
        found.truncate(SHOWN);
        if more > 0 {
            found.push(format!("and {}", counted(more, "further difference")));
        }
    }
    found
}

/// Takes the files' names off the gaps that begin with them in both results, where they may differ.
fn forget_names(stated: &mut TraceResult, again: &mut TraceResult) {
    let unnamed = |inputs: &[Input], detail: &str| -> Option<String> {
        let mut names = inputs.iter().map(|input| format!("{}: ", input.name));
        names.find_map(|name| Some(detail.strip_prefix(name.as_str())?.to_string()))
    };
    for (one, other) in stated.gaps.iter_mut().zip(&mut again.gaps) {
        let rest = unnamed(&stated.inputs, &one.detail).zip(unnamed(&again.inputs, &other.detail));
        if let Some((of_one, of_other)) = rest {
            (one.detail, other.detail) = (of_one, of_other);
        }
    }
}

/// The fields that must be equal.
fn comparable(result: &TraceResult, same: &Same) -> Value {
    let mut kept = result.clone();
    let named = &result.parameters.with;
    kept.overlaps.retain(|found| found.incidents.iter().any(|id| named.contains(id)));
    let mut value = serde_json::to_value(kept).unwrap_or_default();
    for (field, _) in FOLLOWS.iter().filter(|(_, on)| !same.has(*on)) {
        remove(&mut value, field);
    }
    value
}

/// Removes a field named as in [`FOLLOWS`].
fn remove(value: &mut Value, field: &str) {
    match (field.split_once('.'), value) {
        (None, Value::Object(fields)) => drop(fields.remove(field)),
        (Some((head, rest)), Value::Object(fields)) => {
            let name = head.trim_end_matches("[]");
            match fields.get_mut(name) {
                Some(Value::Array(items)) => items.iter_mut().for_each(|item| remove(item, rest)),
                Some(inner) => remove(inner, rest),
                None => {}
            }
        }
        _ => {}
    }
}

fn differing(stated: &Value, again: &Value, at: &str, found: &mut Vec<String>) {
    match (stated, again) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                let [one, other] =
                    [one, other].map(|fields| fields.get(name).unwrap_or(&Value::Null));
                differing(one, other, &at, found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (number, (one, other)) in one.iter().zip(other).enumerate() {
                differing(one, other, &format!("{at}[{number}]"), found);
            }
        }
        _ if stated == again => {}
        _ => found.push(format!("`{at}`: stated {}, computed {}", shown(stated), shown(again))),
    }
}

/// A value in a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(items) => counted(items.len(), "item"),
        Value::Object(_) => "something".to_string(),
        Value::Null => "nothing".to_string(),
        value => {
            let text = plain(&value.to_string());
            match text.char_indices().nth(80) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
    }
}
