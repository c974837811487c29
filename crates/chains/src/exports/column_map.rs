//! Column maps: a small TOML file that says which column of a CSV is what. docs/import.md has the
//! whole syntax with an example that a test runs. Keys that are not in it are errors.

use std::borrow::Cow;

use ledger::{Amount, Time};
use toml::{Table, Value};

use super::field::{Field, Reason};
use super::record::Record;

/// Longer maps are refused unread.
const MAX_TEXT: usize = 1 << 16;

/// Which column of a CSV is what.
#[derive(Clone, Debug)]
pub struct ColumnMap {
    pub(super) chain: Option<Source>,
    pub(super) height: Option<Source>,
    pub(super) tx_index: Option<Source>,
    pub(super) index: Option<Source>,
    pub(super) time: Source,
    pub(super) tx: Option<Source>,
    pub(super) row_hash: bool,
    pub(super) kind: Option<Source>,
    pub(super) from: Source,
    pub(super) to: Source,
    pub(super) from_owner: Option<Source>,
    pub(super) to_owner: Option<Source>,
    pub(super) asset: Source,
    pub(super) amount: Source,
    pub(super) asset_to: Option<Source>,
    pub(super) amount_to: Option<Source>,
    pub(super) group: Option<Source>,
    pub(super) newest_first: bool,
    pub(super) skip: Vec<Skip>,
}

/// Why a text is no column map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("the column map is longer than {MAX_TEXT} bytes")]
    TooLong,
    #[error("the column map is not TOML: {0}")]
    Toml(String),
    #[error("the column map does not know the key {0:?}")]
    UnknownKey(String),
    #[error("the column map needs {0:?}")]
    Missing(&'static str),
    #[error("{key}: {why}")]
    Value { key: String, why: String },
}

/// Where a field's text comes from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The column, or the map's own key for a constant.
    name: String,
    constant: Option<String>,
    prefix: Option<(String, String)>,
    unit: Unit,
    decimals: Option<Places>,
}

/// How a time is written.
#[derive(Clone, Debug)]
enum Unit {
    /// RFC 3339, a date or Unix seconds.
    Any,
    Seconds,
    Milliseconds,
    Rfc3339,
    Pattern(String),
}

/// Decimal places of an amount that is written in whole units.
#[derive(Clone, Debug)]
enum Places {
    Fixed(u8),
    Column(String),
}

/// Rows to leave out.
#[derive(Clone, Debug)]
pub(super) struct Skip {
    column: String,
    value: String,
    /// Leave out rows that have the value, or those that have another.
    equals: bool,
}

/// A text of a row, with the prefix already replaced.
pub(super) struct Text<'a> {
    name: &'a str,
    text: Cow<'a, str>,
}

impl Text<'_> {
    pub(super) fn field(&self) -> Field<'_> {
        Field { name: self.name, text: &self.text }
    }
}

impl Source {
    /// The text of this field in a row; `None` if it is empty.
    pub(super) fn text<'a>(&'a self, record: &'a Record) -> Option<Text<'a>> {
        let text = match &self.constant {
            Some(text) => text.as_str(),
            None => record.get(&self.name)?,
        };
        let text = match &self.prefix {
            Some((from, to)) if text.starts_with(from.as_str()) => {
                Cow::Owned(format!("{to}{}", &text[from.len()..]))
            }
            _ => Cow::Borrowed(text),
        };
        Some(Text { name: &self.name, text })
    }

    /// The time of a row, in the unit that the map names.
    pub(super) fn time(&self, record: &Record) -> Result<Time, Reason> {
        let text = self.text(record).ok_or_else(|| self.missing())?;
        let field = text.field();
        let parsed = match &self.unit {
            Unit::Any => Time::parse(field.text),
            Unit::Seconds => Time::parse_unix(field.text, 1),
            Unit::Milliseconds => Time::parse_unix(field.text, 1000),
            Unit::Rfc3339 => Time::parse_rfc3339(field.text),
            Unit::Pattern(pattern) => Time::parse_pattern(field.text, pattern),
        };
        parsed.map_err(|why| field.wrong(why))
    }

    /// The amount of a row in base units, if it has one.
    pub(super) fn amount(&self, record: &Record) -> Result<Amount, Reason> {
        let text = self.text(record).ok_or_else(|| self.missing())?;
        match &self.decimals {
            None => text.field().amount(),
            Some(Places::Fixed(places)) => text.field().decimal(*places),
            Some(Places::Column(column)) => {
                text.field().decimal(record.need(&[column])?.decimals()?)
            }
        }
    }

    pub(super) fn missing(&self) -> Reason {
        Reason::new(format!("{}: missing", self.name))
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        let own = self.constant.is_none().then_some(self.name.as_str());
        let places = match &self.decimals {
            Some(Places::Column(column)) => Some(column.as_str()),
            _ => None,
        };
        own.into_iter().chain(places)
    }
}

impl Skip {
    /// True if the row is to be left out.
    pub(super) fn applies(&self, record: &Record) -> bool {
        (record.get(&self.column).unwrap_or("") == self.value) == self.equals
    }
}

impl ColumnMap {
    /// Reads a column map.
    pub fn parse(text: &str) -> Result<ColumnMap, MapError> {
        if text.len() > MAX_TEXT {
            return Err(MapError::TooLong);
        }
        let mut table: Table =
            text.parse().map_err(|why: toml::de::Error| MapError::Toml(why.message().into()))?;
        let mut take =
            |key: &'static str| table.remove(key).map(|value| source(key, value)).transpose();
        let map = ColumnMap {
            chain: take("chain")?,
            height: take("height")?,
            tx_index: take("tx_index")?,
            index: take("index")?,
            time: take("time")?.ok_or(MapError::Missing("time"))?,
            kind: take("kind")?,
            from: take("from")?.ok_or(MapError::Missing("from"))?,
            to: take("to")?.ok_or(MapError::Missing("to"))?,
            from_owner: take("from_owner")?,
            to_owner: take("to_owner")?,
            asset: take("asset")?.ok_or(MapError::Missing("asset"))?,
            amount: take("amount")?.ok_or(MapError::Missing("amount"))?,
            asset_to: take("asset_to")?,
            amount_to: take("amount_to")?,
            group: take("group")?,
            row_hash: false,
            tx: None,
            newest_first: false,
            skip: Vec::new(),
        };
        map.rest(table)
    }

    /// The keys that are no plain fields.
    fn rest(mut self, mut table: Table) -> Result<ColumnMap, MapError> {
        if let Some(value) = table.remove("tx") {
            self.row_hash = matches!(&value, Value::Table(table)
                if table.len() == 1 && table.get("row_hash") == Some(&Value::Boolean(true)));
            if !self.row_hash {
                self.tx = Some(source("tx", value)?);
            }
        }
        if let Some(value) = table.remove("order") {
            self.newest_first = match value.as_str() {
                Some("newest-first") => true,
                Some("oldest-first") => false,
                _ => return Err(wrong("order", "\"newest-first\" or \"oldest-first\"")),
            };
        }
        if let Some(value) = table.remove("skip") {
            let Value::Array(rules) = value else {
                return Err(wrong("skip", "a list of rules is expected"));
            };
            self.skip = rules.into_iter().map(skip).collect::<Result<_, _>>()?;
        }
        match table.keys().next() {
            Some(key) => Err(MapError::UnknownKey(key.clone())),
            None => Ok(self),
        }
    }

    /// Every column that the map names.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let needed = [&self.time, &self.from, &self.to, &self.asset, &self.amount];
        let optional = [
            &self.chain,
            &self.height,
            &self.tx_index,
            &self.index,
            &self.tx,
            &self.kind,
            &self.from_owner,
            &self.to_owner,
            &self.asset_to,
            &self.amount_to,
            &self.group,
        ];
        let sources = needed.into_iter().chain(optional.into_iter().flatten());
        let skipped = self.skip.iter().map(|skip| skip.column.as_str());
        sources.flat_map(Source::columns).chain(skipped)
    }
}

fn wrong(key: &str, why: impl Into<String>) -> MapError {
    MapError::Value { key: key.to_string(), why: why.into() }
}

/// Reads `"constant"` or a table with `value` or `column` and what the field allows beside it.
fn source(key: &'static str, value: Value) -> Result<Source, MapError> {
    let plain = |constant: String| Source {
        name: key.to_string(),
        constant: Some(constant),
        prefix: None,
        unit: Unit::Any,
        decimals: None,
    };
    let mut table = match value {
        Value::String(text) => return Ok(plain(text)),
        Value::Integer(number) => return Ok(plain(number.to_string())),
        Value::Table(table) => table,
        _ => return Err(wrong(key, "a text or a table with \"column\" or \"value\" is expected")),
    };
    let mut source = match (table.remove("column"), table.remove("value")) {
        (Some(Value::String(column)), None) => {
            Source { name: column, constant: None, ..plain(String::new()) }
        }
        (None, Some(Value::String(text))) => plain(text),
        (None, Some(Value::Integer(number))) => plain(number.to_string()),
        (Some(_), Some(_)) => return Err(wrong(key, "either \"column\" or \"value\", not both")),
        _ => return Err(wrong(key, "\"column\" or \"value\" with a text is expected")),
    };
    if let Some(value) = table.remove("prefix") {
        source.prefix = Some(prefix(key, value)?);
    }
    if key == "time"
        && let Some(value) = table.remove("unit")
    {
        source.unit = unit(&value)?;
    }
    if matches!(key, "amount" | "amount_to")
        && let Some(value) = table.remove("decimals")
    {
        source.decimals = Some(places(key, value)?);
    }
    match table.keys().next() {
        Some(other) => Err(MapError::UnknownKey(format!("{key}.{other}"))),
        None => Ok(source),
    }
}

fn prefix(key: &str, value: Value) -> Result<(String, String), MapError> {
    let Value::Table(mut table) = value else {
        return Err(wrong(key, "prefix is a table with \"from\" and \"to\""));
    };
    match (table.remove("from"), table.remove("to"), table.keys().next()) {
        (_, _, Some(other)) => Err(MapError::UnknownKey(format!("{key}.prefix.{other}"))),
        (Some(Value::String(from)), Some(Value::String(to)), None) => Ok((from, to)),
        _ => Err(wrong(key, "prefix needs the texts \"from\" and \"to\"")),
    }
}

fn unit(value: &Value) -> Result<Unit, MapError> {
    match value.as_str() {
        Some("s") => Ok(Unit::Seconds),
        Some("ms") => Ok(Unit::Milliseconds),
        Some("rfc3339") => Ok(Unit::Rfc3339),
        Some(pattern) if pattern.contains('%') => Ok(Unit::Pattern(pattern.to_string())),
        _ => Err(wrong("time", "unit is s, ms, rfc3339 or a pattern like %Y-%m-%d %H:%M:%S")),
    }
}

fn places(key: &str, value: Value) -> Result<Places, MapError> {
    match value {
        Value::Integer(places) => match u8::try_from(places) {
            Ok(places) if places <= Amount::MAX_DECIMALS => Ok(Places::Fixed(places)),
            _ => Err(wrong(key, "decimals lie between 0 and 38")),
        },
        Value::Table(mut table) => match (table.remove("column"), table.keys().next()) {
            (_, Some(other)) => Err(MapError::UnknownKey(format!("{key}.decimals.{other}"))),
            (Some(Value::String(column)), None) => Ok(Places::Column(column)),
            _ => Err(wrong(key, "decimals need a \"column\"")),
        },
        _ => Err(wrong(key, "decimals are a number or a table with \"column\"")),
    }
}

fn skip(rule: Value) -> Result<Skip, MapError> {
    let Value::Table(mut table) = rule else {
        return Err(wrong("skip", "a rule is a table with \"column\" and \"not\" or \"equals\""));
    };
    let column = table.remove("column");
    let (not, equals) = (table.remove("not"), table.remove("equals"));
    if let Some(other) = table.keys().next() {
        return Err(MapError::UnknownKey(format!("skip.{other}")));
    }
    match (column, not, equals) {
        (Some(Value::String(column)), Some(Value::String(value)), None) => {
            Ok(Skip { column, value, equals: false })
        }
        (Some(Value::String(column)), None, Some(Value::String(value))) => {
            Ok(Skip { column, value, equals: true })
        }
        _ => Err(wrong("skip", "a rule needs \"column\" and one of \"not\" and \"equals\"")),
    }
}
