//! Times: whole seconds since 1970 in UTC, as blocks state them. Reading and writing calendar text
//! is chrono's work; the clock is the program's.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};

const MAX_TEXT: usize = 64;

/// Seconds since 1970-01-01T00:00:00Z, until 2106.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(u32);

/// Why a text or number is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    #[error("the time is empty")]
    Empty,
    #[error("not a time: {0:?}")]
    Shape(String),
    #[error("the time lies outside 1970-2106")]
    OutOfRange,
}

impl Time {
    pub const fn from_seconds(seconds: u32) -> Time {
        Time(seconds)
    }

    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// Reads what `transfers` files may hold: RFC 3339 with a zone, a bare date (its first second,
    /// UTC), or whole Unix seconds.
    pub fn parse(text: &str) -> Result<Time, TimeError> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return Time::parse_unix(text, 1);
        }
        if let Ok(date) = NaiveDate::parse_from_str(clip(text)?, "%Y-%m-%d") {
            return Time::from_naive(date.and_time(chrono::NaiveTime::MIN));
        }
        Time::parse_rfc3339(text)
    }

    /// Reads RFC 3339 with its zone ("2022-03-23T13:29:09Z", "… +00:00"); a fraction of a second is
    /// dropped.
    pub fn parse_rfc3339(text: &str) -> Result<Time, TimeError> {
        let parsed = DateTime::parse_from_rfc3339(clip(text)?).map_err(|_| shape(text))?;
        Time::from_i64(parsed.timestamp())
    }

    /// Reads a Unix time counted in 1/`per_second` seconds (1 for seconds, 1000 for milliseconds).
    pub fn parse_unix(text: &str, per_second: u32) -> Result<Time, TimeError> {
        let digits = clip(text)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(shape(text));
        }
        let number: u64 = digits.parse().map_err(|_| TimeError::OutOfRange)?;
        Time::from_u64(number / u64::from(per_second.max(1)))
    }

    /// Reads UTC text by a pattern of `%Y-%m-%d %H:%M:%S` kind (chrono's strftime letters).
    pub fn parse_pattern(text: &str, pattern: &str) -> Result<Time, TimeError> {
        let text = clip(text)?;
        if let Ok(parsed) = NaiveDateTime::parse_from_str(text, pattern) {
            return Time::from_naive(parsed);
        }
        let date = NaiveDate::parse_from_str(text, pattern).map_err(|_| shape(text))?;
        Time::from_naive(date.and_time(chrono::NaiveTime::MIN))
    }

    /// A time from seconds that may be out of range.
    pub fn from_u64(seconds: u64) -> Result<Time, TimeError> {
        u32::try_from(seconds).map(Time).map_err(|_| TimeError::OutOfRange)
    }

    fn from_i64(seconds: i64) -> Result<Time, TimeError> {
        u32::try_from(seconds).map(Time).map_err(|_| TimeError::OutOfRange)
    }

    fn from_naive(naive: NaiveDateTime) -> Result<Time, TimeError> {
        Time::from_i64(naive.and_utc().timestamp())
    }
}

fn clip(text: &str) -> Result<&str, TimeError> {
    match text.len() {
        0 => Err(TimeError::Empty),
        n if n > MAX_TEXT => Err(shape(text)),
        _ => Ok(text),
    }
}

fn shape(text: &str) -> TimeError {
    TimeError::Shape(text.chars().take(40).collect())
}

/// RFC 3339 in UTC with a "Z": the only form in which dyepack prints a time to a machine.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp(i64::from(self.0), 0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
