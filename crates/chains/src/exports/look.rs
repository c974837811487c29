//! A look at a whole file, where its first 64 KiB do not say what it is.
//!
//! JSON names its fields row by row, so a first row that is longer than what is looked at (a call
//! with megabytes of input, or damage) hides what the file is. Then the first row that can be held
//! speaks for the rest. Memory stays that of one row, whatever stands before it.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::head::{Head, MAX_HEAD};
use super::json::{Element, Elements};
use super::lines::Lines;
use super::own::{self, Own};
use super::unread::{self, Unread};
use super::{Recognised, ethereum_etl, recognised_by, transfers};

/// Rows that cannot be held are passed over for so many bytes, then the file stays unknown.
const MAX_PASSED: u64 = 256 << 20;

/// What a file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It can be read.
    Ours(Recognised),
    /// dyepack wrote it itself.
    Own(Own),
    /// It is of a known kind that is not read.
    Unread(Unread),
    /// Nothing stands in it.
    Empty,
    /// A table of ours but for one column that every row needs.
    Nearly { format: &'static str, missing: &'static str },
    /// None of ours; or of any shape, and in need of a column map.
    Unknown,
}

/// Recognises a file by its beginning, and if a long row hides what it is, by the first row that is
/// not too long to be read. `name` is the file's name, without folders.
pub fn look<R: BufRead + Seek>(name: &str, file: &mut R) -> io::Result<Look> {
    let mut beginning = Vec::new();
    file.take(MAX_HEAD as u64).read_to_end(&mut beginning)?;
    let head = Head::of(&beginning);
    if let Some(known) = judged(name, &head) {
        return Ok(known);
    }
    if beginning.trim_ascii().is_empty() && beginning.len() < MAX_HEAD {
        return Ok(Look::Empty);
    }
    if !head.is_json() || beginning.len() < MAX_HEAD {
        return Ok(nearly(&head).unwrap_or(Look::Unknown));
    }
    for sample in [first_line, first_element] {
        file.seek(SeekFrom::Start(0))?;
        let row = sample(&mut (&mut *file).take(MAX_PASSED))?;
        if let Some(known) = row.and_then(|row| judged(name, &Head::of(&row))) {
            return Ok(known);
        }
    }
    Ok(Look::Unknown)
}

fn judged(name: &str, head: &Head<'_>) -> Option<Look> {
    let own = || own::sniff(head).map(Look::Own);
    let unread = || unread::sniff(name, head).map(Look::Unread);
    recognised_by(head).map(Look::Ours).or_else(own).or_else(unread)
}

/// A table that lacks one column: a name that was mistyped, or a column that was not exported.
fn nearly(head: &Head<'_>) -> Option<Look> {
    let own = (transfers::NAME, &transfers::REQUIRED[..]);
    let tables = ethereum_etl::TABLES.iter().map(|(.., names)| (ethereum_etl::NAME, *names));
    std::iter::once(own).chain(tables).find_map(|(format, names)| {
        let lacks = |name: &&&str| !head.has_columns(&[**name]) && !head.has_fields(&[**name]);
        let mut lacking = names.iter().filter(lacks);
        let missing = lacking.next()?;
        // Of a table that is known by three columns, two say nothing.
        let nearly = names.len() > 3 && lacking.next().is_none();
        nearly.then_some(Look::Nearly { format, missing })
    })
}

/// The first line that can be held, if it is an object by itself.
fn first_line(file: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut lines = Lines::new(file);
    while let Some(line) = lines.next()? {
        match line.bytes {
            None => {}
            Some(bytes) if bytes.trim_ascii().is_empty() => {}
            Some(bytes) => {
                let text = bytes.trim_ascii();
                let whole = text.starts_with(b"{") && text.ends_with(b"}");
                return Ok(whole.then_some(bytes));
            }
        }
    }
    Ok(None)
}

/// The first element that can be held of any list of a reply.
fn first_element(file: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut elements = Elements::of_any_list(file);
    while let Some(element) = elements.next()? {
        match element {
            Element::Json(json) if json.starts_with(b"{") => return Ok(Some(json)),
            Element::Json(_) | Element::Bad(_) => {}
        }
    }
    Ok(None)
}
