//! The TOML of a case file: its keys as structs, read with their places and written in one order.

use serde::{Deserialize, Serialize};

use super::{
    CaseFile, CaseFileError, Entry, Flow, MAX_BYTES, MAX_ENTRIES, MAX_SOURCES, SCHEMA, Theft,
    is_case_id,
};
use crate::text;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    id: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    theft: Vec<TheftKeys>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flow: Vec<FlowKeys>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TheftKeys {
    pub(super) chain: String,
    pub(super) to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tx: Option<String>,
    pub(super) asset: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) asserted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlowKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chain: Option<String>,
    pub(super) from: String,
    pub(super) to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) asset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<String>,
    pub(super) source: String,
}

pub(super) fn parse(bytes: &[u8]) -> Result<CaseFile, CaseFileError> {
    if bytes.len() > MAX_BYTES {
        return Err(CaseFileError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = text::line_and_column(bytes, error.valid_up_to());
        CaseFileError::NotUtf8 { line, column }
    })?;
    let document: Document = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (line, column) = text::line_and_column(bytes, at);
        CaseFileError::Toml { line, column, why: text::clean(error.message(), 400) }
    })?;
    read(&document)
}

fn read(document: &Document) -> Result<CaseFile, CaseFileError> {
    let case = Entry { name: "case".into() };
    if document.schema != SCHEMA {
        let given = text::excerpt(&document.schema);
        return Err(case.fail("schema", format!("{given:?} where {SCHEMA:?} is read")));
    }
    if !is_case_id(&document.id) {
        return Err(case.fail("id", "write 1 to 64 of a-z, 0-9 and \"-\""));
    }
    for (field, count, max) in [
        ("sources", document.sources.len(), MAX_SOURCES),
        ("theft", document.theft.len(), MAX_ENTRIES),
        ("flow", document.flow.len(), MAX_ENTRIES),
    ] {
        if count > max {
            return Err(case.fail(field, format!("{count} entries; the most is {max}")));
        }
    }
    if document.theft.is_empty() && document.flow.is_empty() {
        return Err(case.fail("theft", "there is neither a [[theft]] nor a [[flow]]"));
    }
    let sources = document.sources.iter();
    let sources = sources.map(|source| case.text("sources", source, text::MAX_SENTENCE));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    let numbered = |kind, at| Entry { name: format!("{kind} {}", at + 1) };
    let thefts = document.theft.iter().enumerate();
    let thefts = thefts.map(|(at, keys)| Theft::read(&numbered("theft", at), keys, &sources));
    let thefts = thefts.collect::<Result<_, _>>()?;
    let flows = document.flow.iter().enumerate();
    let flows = flows.map(|(at, keys)| Flow::read(&numbered("flow", at), keys));
    Ok(CaseFile {
        id: document.id.clone(),
        title: case.text("title", &document.title, text::MAX_NAME)?,
        date: case.date("date", document.date.as_deref())?,
        thefts,
        flows: flows.collect::<Result<_, _>>()?,
        sources,
    })
}

pub(super) fn write(case: &CaseFile) -> String {
    let document = Document {
        schema: SCHEMA.into(),
        id: case.id.clone(),
        title: case.title.clone(),
        date: case.date.as_ref().map(|date| date.text().to_string()),
        sources: case.sources.clone(),
        theft: case.thefts.iter().map(Theft::keys).collect(),
        flow: case.flows.iter().map(Flow::keys).collect(),
    };
    // Structs of texts and one bool: there is nothing in them that TOML could not hold.
    toml::to_string(&document).unwrap_or_default()
}
