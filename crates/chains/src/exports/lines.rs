//! Physical lines of a text file, numbered as an editor numbers them, with a bound on their length.
//!
//! A line ends at a line feed, a carriage return, or both. What is longer than the bound is skipped
//! to its end and reported as such: one damaged line costs neither memory nor its neighbours.

use std::io::{self, BufRead};

use super::MAX_RECORD;

/// One physical line.
pub(crate) struct Line {
    pub(crate) number: u64,
    /// The bytes with the line's end as it was written; `None` if there are too many of them.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Reads lines one after the other.
pub(crate) struct Lines<'a> {
    source: &'a mut dyn BufRead,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(source: &'a mut dyn BufRead) -> Lines<'a> {
        Lines { source, number: 0 }
    }

    /// The next line; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut length = 0usize;
        loop {
            let buffer = fill(self.source)?;
            if buffer.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let end = buffer.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let taken = end.map_or(buffer.len(), |at| at + 1);
            length = length.saturating_add(taken);
            if length <= MAX_RECORD {
                bytes.extend_from_slice(&buffer[..taken]);
            }
            let returned = end.is_some_and(|at| buffer[at] == b'\r');
            self.source.consume(taken);
            if returned && fill(self.source)?.first() == Some(&b'\n') {
                self.source.consume(1);
                bytes.push(b'\n');
            }
            if end.is_some() {
                break;
            }
        }
        self.number += 1;
        Ok(Some(Line { number: self.number, bytes: (length <= MAX_RECORD).then_some(bytes) }))
    }
}

/// The buffer of a reader, read again when a signal interrupted it.
pub(crate) fn fill(source: &mut dyn BufRead) -> io::Result<&[u8]> {
    loop {
        match source.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    source.fill_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_line_ends_count_and_long_lines_are_skipped() {
        let mut text = b"a\r\nb\rc\n\n".to_vec();
        text.extend(vec![b'x'; MAX_RECORD + 1]);
        text.extend(b"\nlast");
        let mut source = io::BufReader::with_capacity(3, &text[..]);
        let mut lines = Lines::new(&mut source);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().expect("reads") {
            seen.push((line.number, line.bytes.map(|b| String::from_utf8_lossy(&b).into_owned())));
        }
        let text = |text: &str| Some(text.to_string());
        let expected = [text("a\r\n"), text("b\r"), text("c\n"), text("\n"), None, text("last")];
        assert_eq!(seen, (1u64..).zip(expected).collect::<Vec<_>>());
    }
}
