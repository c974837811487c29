//! dyepack's own label format: CSV with a header of
//! `chain,address,name,category,confidence,source,date` and optionally `actor,uri`, in any order.
//! `confidence`, `source` and `date` may be empty; then the confidence counts 50 and the origin
//! says source and date. A field that begins with "=" is text.

use ::csv::{ByteRecord, ReaderBuilder};
use ledger::{Address, Chain};

use super::{Category, Label, MAX_FIELD, Origin, ReadError, Reading, Refusal, UNSTATED_CONFIDENCE};
use crate::date::Date;
use crate::text;

const COLUMNS: [&str; 9] =
    ["chain", "address", "name", "category", "confidence", "source", "date", "actor", "uri"];
/// The first four must be there.
const REQUIRED: usize = 4;

pub(super) fn sniff(_file_name: &str, head: &[u8]) -> bool {
    header_has(head, &COLUMNS[..REQUIRED])
}

pub(super) fn read(bytes: &[u8], origin: &Origin<'_>) -> Result<Reading, ReadError> {
    let (table, unread) = Table::open(bytes, &COLUMNS, REQUIRED)?;
    let mut reading = Reading::default();
    for name in unread {
        reading.skipped.insert(format!("the column {name:?} is not read"), 1);
    }
    table.rows(&mut reading, |row| label(row, origin))?;
    Ok(reading)
}

fn label(row: &Row<'_>, origin: &Origin<'_>) -> Result<Label, Refusal> {
    let chain = Chain::parse(row.get(0)?).map_err(|why| Refusal::aside("chain", why))?;
    let text = row.get(1)?;
    let address = Address::parse(chain, text).map_err(|why| Refusal::address(text, why))?;
    let category = Category::parse(row.get(3)?).map_err(|why| Refusal::aside("category", why))?;
    let confidence = match row.get(4)? {
        "" => UNSTATED_CONFIDENCE,
        stated => parse_confidence(stated)?,
    };
    let source = match row.get(5)? {
        "" => origin.source,
        stated => stated,
    };
    let date = match row.get(6)? {
        "" => origin.date.cloned(),
        stated => Some(Date::parse(stated).map_err(|why| Refusal::aside("date", why))?),
    };
    let optional = |at| row.get(at).map(|text| Some(text.to_string()));
    let label = Label {
        chain,
        address,
        name: row.get(2)?.to_string(),
        category,
        confidence,
        source: source.to_string(),
        date,
        actor: optional(7)?,
        uri: optional(8)?,
    };
    Ok(label.checked()?)
}

fn parse_confidence(text: &str) -> Result<u8, Refusal> {
    let digits = text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n <= 100).ok_or_else(|| {
        let given = text::excerpt(text);
        Refusal::Aside(format!("confidence: not a whole number from 0 to 100: {given:?}"))
    })
}

/// True if the first line is a CSV header with all these columns.
pub(super) fn header_has(head: &[u8], columns: &[&str]) -> bool {
    let head = super::without_bom(head);
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let names: Vec<String> = String::from_utf8_lossy(line).split(',').map(column_name).collect();
    columns.iter().all(|column| names.iter().any(|name| name == column))
}

fn column_name(field: &str) -> String {
    field.trim().trim_matches('"').trim().to_ascii_lowercase()
}

/// A CSV file whose columns are found by name. Fields are checked one by one, so that a bad one
/// costs its row only.
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    reader: ::csv::Reader<&'a [u8]>,
    /// Of each known column, its place in the row.
    places: Vec<Option<usize>>,
    width: usize,
}

impl<'a> Table<'a> {
    /// Reads the header. Also returns the names of the columns that are not known.
    pub(super) fn open(
        bytes: &'a [u8],
        columns: &[&str],
        required: usize,
    ) -> Result<(Table<'a>, Vec<String>), ReadError> {
        let bytes = super::without_bom(bytes);
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes);
        let header = reader.byte_headers().map_err(|e| ReadError::Header(e.to_string()))?;
        if header.len() > 100 {
            return Err(ReadError::Header("more than 100 columns".into()));
        }
        let names: Vec<String> =
            header.iter().map(|name| column_name(&String::from_utf8_lossy(name))).collect();
        let place = |column: &str| names.iter().position(|name| name == column);
        if let Some(twice) = names.iter().enumerate().find(|(at, n)| place(n) != Some(*at)) {
            let name = text::excerpt(twice.1);
            return Err(ReadError::Header(format!("the column {name:?} stands twice")));
        }
        if let Some(missing) = columns[..required].iter().find(|c| place(c).is_none()) {
            return Err(ReadError::Header(format!("there is no column {missing:?}")));
        }
        let places = columns.iter().map(|column| place(column)).collect();
        let unread = names.iter().filter(|name| !columns.contains(&name.as_str()));
        let unread = unread.map(|name| text::excerpt(name)).collect();
        Ok((Table { bytes, reader, places, width: names.len() }, unread))
    }

    /// Books every row of the file.
    pub(super) fn rows(
        mut self,
        reading: &mut Reading,
        mut label: impl FnMut(&Row<'_>) -> Result<Label, Refusal>,
    ) -> Result<(), ReadError> {
        let mut record = ByteRecord::new();
        let mut lines = Lines { bytes: self.bytes, at: 0, line: 1 };
        loop {
            match self.reader.read_byte_record(&mut record) {
                Ok(false) => return Ok(()),
                Ok(true) => {
                    let line = lines.of(record.position().map_or(0, |at| at.byte()));
                    let fields = Row { record: &record, places: &self.places };
                    let outcome = match record.len() == self.width {
                        true => label(&fields),
                        false => Err(Refusal::Aside(format!(
                            "{} fields where the header has {}",
                            record.len(),
                            self.width
                        ))),
                    };
                    reading.add(line, outcome)?;
                }
                // Reading from memory cannot fail otherwise; a row error is booked and the loop
                // ends.
                Err(error) => {
                    let reason = text::clean(&error.to_string(), 300);
                    return reading.add(lines.line, Err(Refusal::Aside(reason)));
                }
            }
        }
    }
}

/// Counts lines on the way to each record. The reader's own count does not include the line breaks
/// just before a record, which is one off where they are two bytes long.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line on which the record that was begun at this byte has its first character.
    fn of(&mut self, begun: u64) -> usize {
        let begun = usize::try_from(begun).unwrap_or(usize::MAX);
        let from = begun.clamp(self.at, self.bytes.len());
        let breaks = self.bytes[from..].iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        let passed = &self.bytes[self.at..from + breaks];
        self.line += passed.iter().filter(|b| **b == b'\n').count();
        self.at = from + breaks;
        self.line
    }
}

/// One row, by known column.
pub(super) struct Row<'r> {
    record: &'r ByteRecord,
    places: &'r [Option<usize>],
}

impl Row<'_> {
    /// The trimmed field of a known column; empty where the file has no such column.
    pub(super) fn get(&self, column: usize) -> Result<&str, Refusal> {
        let place = self.places.get(column).copied().flatten();
        let field = place.and_then(|at| self.record.get(at)).unwrap_or_default();
        if field.len() > MAX_FIELD {
            return Err(Refusal::Aside(format!("a field of more than {MAX_FIELD} bytes")));
        }
        let text = std::str::from_utf8(field);
        text.map(str::trim).map_err(|_| Refusal::Aside("not UTF-8 text".into()))
    }
}
