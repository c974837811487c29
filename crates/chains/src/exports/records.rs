//! The rows of a text file as records, from CSV, JSON lines or JSON lists, with the loop that hands
//! them to a format and sets aside what it refuses.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use csv_core::ReadRecordResult;

use super::field::Reason;
use super::json::{Element, Elements, NextPage};
use super::lines::{Line, Lines};
use super::out::{Draft, Out};
use super::record::Record;
use super::{MAX_RECORD, ReadError, unread};

/// How much is looked at to tell CSV from JSON.
const PEEK: u64 = 4096;
/// A quoted field that runs over more lines was never closed.
const MAX_RECORD_LINES: usize = 100;
/// A table with more columns is refused.
const MAX_COLUMNS: usize = 1024;

/// A text as it was given, with its first bytes looked at.
pub(crate) struct Input<'a> {
    source: io::Chain<io::Cursor<Vec<u8>>, &'a mut dyn BufRead>,
    first: Option<u8>,
    /// Why this is no text of ours.
    reason: Option<String>,
}

impl<'a> Input<'a> {
    /// Looks at the beginning and drops a byte order mark.
    pub(crate) fn new(source: &'a mut dyn BufRead) -> io::Result<Input<'a>> {
        let mut beginning = Vec::new();
        (&mut *source).take(PEEK).read_to_end(&mut beginning)?;
        if beginning.starts_with(b"\xef\xbb\xbf") {
            beginning.drain(..3);
        }
        let first = beginning.iter().copied().find(|b| !b.is_ascii_whitespace());
        let reason = not_text(&beginning);
        Ok(Input { source: io::Cursor::new(beginning).chain(source), first, reason })
    }

    /// True if there is nothing to read.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// True if the text is JSON rather than CSV.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.first, Some(b'{' | b'['))
    }

    fn checked(&self, format: &'static str) -> Result<(), ReadError> {
        match &self.reason {
            Some(reason) => Err(ReadError::NotThis { format, reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// The rows of a CSV with a header, or of JSON lines, or of a bare JSON list.
    pub(crate) fn table(&mut self, format: &'static str) -> Result<Records<'_>, ReadError> {
        self.checked(format)?;
        match self.first {
            Some(b'{') => Ok(Records::Lines(Lines::new(&mut self.source))),
            Some(b'[') => Ok(Records::List(Elements::new(&mut self.source, &[]), 0)),
            _ => Csv::open(format, &mut self.source).map(|csv| Records::Csv(Box::new(csv))),
        }
    }

    /// The elements of the lists under `keys` of a JSON reply, or of a bare list.
    pub(crate) fn reply(
        &mut self,
        format: &'static str,
        keys: &'static [&'static str],
    ) -> Result<Records<'_>, ReadError> {
        self.checked(format)?;
        if !self.is_json() {
            let reason = "it is not JSON".to_string();
            return Err(ReadError::NotThis { format, reason });
        }
        Ok(Records::List(Elements::new(&mut self.source, keys), 0))
    }

    /// Likewise of a reply that says whether it is the last page.
    pub(crate) fn paged_reply(
        &mut self,
        format: &'static str,
        keys: &'static [&'static str],
        next_page: NextPage,
    ) -> Result<Records<'_>, ReadError> {
        Ok(match self.reply(format, keys)? {
            Records::List(elements, count) => Records::List(elements.paged(next_page), count),
            other => other,
        })
    }
}

fn not_text(beginning: &[u8]) -> Option<String> {
    match beginning.starts_with(b"PAR1") {
        true => Some("it is a Parquet file".to_string()),
        false => unread::binary(beginning).map(|unread| unread.to_string()),
    }
}

/// The rows of a file, one at a time.
pub(crate) enum Records<'a> {
    Csv(Box<Csv<'a>>),
    Lines(Lines<'a>),
    List(Elements<'a>, u64),
}

/// A row, or a place where one should be.
pub(crate) enum Next {
    Record(Record),
    Bad { row: u64, reason: Reason },
}

impl Records<'_> {
    /// The names in the header of a CSV; JSON names its fields row by row.
    pub(crate) fn header(&self) -> Option<&[String]> {
        match self {
            Records::Csv(csv) => Some(&csv.names),
            Records::Lines(_) | Records::List(..) => None,
        }
    }

    fn next(&mut self) -> Result<Option<Next>, ReadError> {
        Ok(match self {
            Records::Csv(csv) => csv.next()?,
            Records::Lines(lines) => next_json_line(lines)?,
            Records::List(elements, count) => elements.next()?.map(|element| {
                *count += 1;
                match element {
                    Element::Json(json) => next_of(*count, Record::from_json(*count, &json)),
                    Element::Bad(why) => Next::Bad { row: *count, reason: Reason(why) },
                }
            }),
        })
    }

    fn found_nothing(&self) -> bool {
        matches!(self, Records::List(elements, 0) if !elements.found)
    }

    fn more_pages(&self) -> bool {
        matches!(self, Records::List(elements, _) if elements.more_pages)
    }

    /// The last line of a CSV ends without a line end: it may be a part of one.
    fn cut(&self) -> bool {
        matches!(self, Records::Csv(csv) if csv.cut)
    }

    /// Hands every record to `read`. What it refuses is set aside, all of it: a row counts wholly
    /// or not at all.
    pub(crate) fn each(
        mut self,
        format: &'static str,
        out: &mut Out<'_>,
        mut read: impl FnMut(&Record, &mut Draft) -> Result<(), Reason>,
    ) -> Result<(), ReadError> {
        let mut draft = Draft::default();
        while let Some(next) = self.next()? {
            match next {
                Next::Bad { row, reason } => out.set_aside(row, reason)?,
                Next::Record(record) => {
                    draft.clear();
                    let outcome = read(&record, &mut draft);
                    out.take(record.row, &mut draft, outcome)?;
                }
            }
        }
        if self.cut() {
            out.gap(
                "no-final-line-end",
                "the last line has no line end: the file may be cut short",
            );
        }
        if self.more_pages() {
            out.gap(
                "more-pages",
                "the reply says that more pages follow: what is on them is missing, unless they are \
                 imported too",
            );
        }
        if self.found_nothing() {
            let reason = "it holds no list of records".to_string();
            return Err(ReadError::NotThis { format, reason });
        }
        Ok(())
    }
}

fn next_of(row: u64, record: Result<Record, Reason>) -> Next {
    match record {
        Ok(record) => Next::Record(record),
        Err(reason) => Next::Bad { row, reason },
    }
}

fn too_long() -> Reason {
    Reason::new(format!("a line longer than {MAX_RECORD} bytes"))
}

fn next_json_line(lines: &mut Lines<'_>) -> io::Result<Option<Next>> {
    while let Some(line) = lines.next()? {
        match line.bytes {
            None => return Ok(Some(Next::Bad { row: line.number, reason: too_long() })),
            Some(bytes) if bytes.trim_ascii().is_empty() => {}
            Some(bytes) => {
                let record = Record::from_json(line.number, &bytes);
                return Ok(Some(next_of(line.number, record)));
            }
        }
    }
    Ok(None)
}

/// A CSV with a header.
pub(crate) struct Csv<'a> {
    lines: Lines<'a>,
    /// Lines read ahead to find the end of a quoted field.
    ahead: VecDeque<Line>,
    names: Arc<[String]>,
    /// Built once: its tables take longer to make than a row takes to read.
    core: csv_core::Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    cut: bool,
}

/// The lines that made a record, and its bytes and ends within the output.
struct Parsed {
    lines: usize,
    length: usize,
    fields: usize,
}

impl<'a> Csv<'a> {
    fn open(format: &'static str, source: &'a mut dyn BufRead) -> Result<Csv<'a>, ReadError> {
        let mut csv = Csv {
            lines: Lines::new(source),
            ahead: VecDeque::new(),
            names: Arc::from([]),
            core: csv_core::Reader::new(),
            output: Vec::new(),
            ends: vec![0; MAX_COLUMNS],
            cut: false,
        };
        let names = match csv.next_fields()? {
            None => Vec::new(),
            Some(Ok((_, text, ends))) => split(&text, &ends),
            Some(Err((_, Reason(reason)))) => {
                return Err(ReadError::NotThis { format, reason: format!("header: {reason}") });
            }
        };
        csv.cut = false;
        for (index, name) in names.iter().enumerate() {
            if !name.is_empty() && names[..index].contains(name) {
                return Err(ReadError::DuplicateColumn(name.clone()));
            }
        }
        csv.names = names.into();
        Ok(csv)
    }

    fn next(&mut self) -> io::Result<Option<Next>> {
        Ok(self.next_fields()?.map(|fields| match fields {
            Ok((row, text, ends)) => {
                Next::Record(Record::new(row, Arc::clone(&self.names), text, ends))
            }
            Err((row, reason)) => Next::Bad { row, reason },
        }))
    }

    /// The fields of the next record; on trouble only its first line is given up.
    #[allow(clippy::type_complexity)]
    fn next_fields(
        &mut self,
    ) -> io::Result<Option<Result<(u64, String, Vec<usize>), (u64, Reason)>>> {
        let Some(row) = self.next_row()? else { return Ok(None) };
        let outcome = match self.parse()? {
            Ok(parsed) => self.fields(&parsed).map(|fields| (fields, parsed.lines)),
            Err(reason) => Err(reason),
        };
        let used = outcome.as_ref().map_or(1, |(_, lines)| *lines);
        self.ahead.drain(..used);
        Ok(Some(match outcome {
            Ok(((text, ends), _)) => Ok((row, text, ends)),
            Err(reason) => Err((row, reason)),
        }))
    }

    /// Finds the next line that is not blank.
    fn next_row(&mut self) -> io::Result<Option<u64>> {
        loop {
            if self.ahead.is_empty() && !self.more()? {
                return Ok(None);
            }
            let Some(line) = self.ahead.front() else { return Ok(None) };
            let blank = line.bytes.as_ref().is_some_and(|b| b.trim_ascii().is_empty());
            if !blank {
                return Ok(Some(line.number));
            }
            self.ahead.pop_front();
        }
    }

    fn more(&mut self) -> io::Result<bool> {
        let Some(mut line) = self.lines.next()? else { return Ok(false) };
        if let Some(bytes) = &mut line.bytes
            && !bytes.ends_with(b"\n")
            && !bytes.ends_with(b"\r")
        {
            bytes.push(b'\n');
            self.cut = true;
        }
        self.ahead.push_back(line);
        Ok(true)
    }

    /// Feeds lines until they make a record.
    fn parse(&mut self) -> io::Result<Result<Parsed, Reason>> {
        self.core.reset();
        let mut parsed = Parsed { lines: 0, length: 0, fields: 0 };
        let open = || Ok(Err(Reason::new("a quotation mark is opened and not closed")));
        while parsed.lines < MAX_RECORD_LINES {
            if parsed.lines == self.ahead.len() && !self.more()? {
                return open();
            }
            let Some(bytes) = &self.ahead[parsed.lines].bytes else {
                return if parsed.lines == 0 { Ok(Err(too_long())) } else { open() };
            };
            if parsed.length + bytes.len() > MAX_RECORD {
                return open();
            }
            // A record is never longer than the bytes it is written in.
            self.output.resize(self.output.len().max(parsed.length + bytes.len()), 0);
            parsed.lines += 1;
            let (result, _, written, fields) = self.core.read_record(
                bytes,
                &mut self.output[parsed.length..],
                &mut self.ends[parsed.fields..],
            );
            parsed.length += written;
            parsed.fields += fields;
            match result {
                ReadRecordResult::Record => return Ok(Ok(parsed)),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputEndsFull => {
                    let reason = format!("more than {MAX_COLUMNS} columns");
                    return Ok(Err(Reason::new(reason)));
                }
                ReadRecordResult::OutputFull | ReadRecordResult::End => return open(),
            }
        }
        open()
    }

    fn fields(&self, parsed: &Parsed) -> Result<(String, Vec<usize>), Reason> {
        let text = self.output[..parsed.length].to_vec();
        let mut text = String::from_utf8(text).map_err(|_| Reason::new("not UTF-8 text"))?;
        let mut ends = self.ends[..parsed.fields].to_vec();
        if ends.iter().any(|end| !text.is_char_boundary(*end)) {
            return Err(Reason::new("not UTF-8 text"));
        }
        if self.names.is_empty() {
            return Ok((text, ends));
        }
        let wanted = self.names.len();
        if ends.len() > wanted && ends[wanted - 1] == text.len() {
            ends.truncate(wanted);
            text.truncate(ends[wanted - 1]);
        }
        if ends.len() != wanted {
            let reason = format!("the header has {wanted} fields, the row {}", ends.len());
            return Err(Reason::new(reason));
        }
        Ok((text, ends))
    }
}

/// Cuts a text at its ends, without the blanks around the parts.
fn split(text: &str, ends: &[usize]) -> Vec<String> {
    let mut start = 0;
    ends.iter()
        .map(|&end| {
            let part = text[start..end].trim().to_string();
            start = end;
            part
        })
        .collect()
}

/// The names in the first line of a CSV, or nothing if it does not look like one.
pub(super) fn header_of(beginning: &[u8]) -> Vec<String> {
    let mut source = beginning;
    match Csv::open("", &mut source) {
        Ok(csv) => csv.names.to_vec(),
        Err(_) => Vec::new(),
    }
}
