//! Dates as somebody stated them. "2023-07-22" is a whole day, and printing it as midnight would
//! claim a precision that nobody gave; so the text is kept beside the first and last second that it
//! covers.

use ledger::{Time, TimeError};

const DAY: u32 = 86_400;

/// A day ("2023-07-22", UTC) or an instant (RFC 3339).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    text: String,
    first: Time,
    last: Time,
}

impl Date {
    /// Reads a day of ten characters or RFC 3339 with a zone; nothing else, no bare numbers.
    pub fn parse(text: &str) -> Result<Date, TimeError> {
        if text.is_empty() {
            return Err(TimeError::Empty);
        }
        if is_day(text) {
            let first = Time::parse(text)?;
            let last = Time::from_seconds(first.seconds().saturating_add(DAY - 1));
            return Ok(Date { text: text.to_string(), first, last });
        }
        let at = Time::parse_rfc3339(text)?;
        Ok(Date { text: at.to_string(), first: at, last: at })
    }

    /// The day as it was stated, or the instant in UTC.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first second that it can mean.
    pub fn first(&self) -> Time {
        self.first
    }

    /// The last second that it can mean.
    pub fn last(&self) -> Time {
        self.last
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_days_and_instants_only() {
        let check = |text: &str, want: Option<(&str, &str, &str)>| {
            let got = Date::parse(text).ok();
            let got = got.map(|d| (d.text.clone(), d.first.to_string(), d.last.to_string()));
            assert_eq!(got, want.map(|(a, b, c)| (a.into(), b.into(), c.into())), "{text:?}");
        };
        let day = ("2023-07-22", "2023-07-22T00:00:00Z", "2023-07-22T23:59:59Z");
        check("2023-07-22", Some(day));
        let instant = "2023-07-22T10:00:00Z";
        check("2023-07-22T12:00:00+02:00", Some((instant, instant, instant)));
        check("2023-02-30", None);
        check("20230722", None);
        check("2023-7-22", None);
        check("1690000000", None);
        check("2107-01-01", None);
        check("yesterday", None);
        check("", None);
    }
}
