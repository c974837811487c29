//! The elements of JSON lists, one at a time, each with a bound on its size.
//!
//! This finds only where an element begins and ends (brackets outside of strings); what is in it is
//! serde_json's to read. So a reply of a gigabyte costs the memory of its largest element, and an
//! element that is damaged inside does not take its neighbours with it.

use std::io::{self, BufRead};

use super::MAX_RECORD;
use super::lines::fill;

/// One element, or what stands in its place.
pub(crate) enum Element {
    Json(Vec<u8>),
    /// The element is not read, for this reason; reading can go on.
    Bad(String),
}

enum State {
    /// Between documents.
    Outside,
    /// In a list; the flag tells whether an object lies around it.
    List(bool),
    /// Among the members of the outer object.
    Object,
    End,
}

/// The member of a reply that says whether more pages follow, and how to read that in its value.
#[derive(Clone, Copy)]
pub(crate) struct NextPage(pub(crate) &'static str, pub(crate) fn(&[u8]) -> bool);

/// Reads the elements of every list in a text: a bare list, or one under a key of an object.
pub(crate) struct Elements<'a> {
    source: &'a mut dyn BufRead,
    /// The keys whose lists are wanted; `None` for every list.
    keys: Option<&'static [&'static str]>,
    next_page: Option<NextPage>,
    state: State,
    /// True once any list was found.
    pub(crate) found: bool,
    /// True if the last reply says that it is not the last page.
    pub(crate) more_pages: bool,
}

impl<'a> Elements<'a> {
    pub(crate) fn new(source: &'a mut dyn BufRead, keys: &'static [&'static str]) -> Elements<'a> {
        Elements { keys: Some(keys), ..Elements::of_any_list(source) }
    }

    /// Reads every list, under whatever key.
    pub(crate) fn of_any_list(source: &'a mut dyn BufRead) -> Elements<'a> {
        let (keys, next_page, state) = (None, None, State::Outside);
        Elements { source, keys, next_page, state, found: false, more_pages: false }
    }

    /// Heeds what the reply says about pages after it.
    pub(crate) fn paged(self, next_page: NextPage) -> Elements<'a> {
        Elements { next_page: Some(next_page), ..self }
    }

    /// The next element; `None` at the end of the text.
    pub(crate) fn next(&mut self) -> io::Result<Option<Element>> {
        loop {
            let byte = self.skip_blanks()?;
            match (&self.state, byte) {
                (State::End, _) | (State::Outside, None) => return Ok(None),
                (_, None) => return Ok(self.end("the file ends in the middle")),
                (State::Outside, Some(b'[')) => self.enter(State::List(false)),
                (State::Outside, Some(b'{')) => self.enter(State::Object),
                (State::Outside, Some(_)) => return Ok(self.end("neither a list nor an object")),
                (State::List(inner), Some(b']')) => {
                    let next = if *inner { State::Object } else { State::Outside };
                    self.enter(next);
                }
                (State::List(_), Some(b'}')) => return Ok(self.end("a list closed by a brace")),
                (State::List(_), Some(_)) => return self.capture().map(Some),
                (State::Object, Some(b'}')) => self.enter(State::Outside),
                (State::Object, Some(b'"')) => {
                    if let Some(bad) = self.member()? {
                        return Ok(Some(bad));
                    }
                }
                (State::Object, Some(_)) => return Ok(self.end("an object without a name")),
            }
        }
    }

    fn enter(&mut self, state: State) {
        self.source.consume(1);
        self.found |= matches!(state, State::List(_));
        self.state = state;
    }

    fn end(&mut self, why: &str) -> Option<Element> {
        self.state = State::End;
        Some(Element::Bad(format!("not JSON from here on: {why}")))
    }

    /// Reads a name and, unless it opens a list that is wanted, its value.
    fn member(&mut self) -> io::Result<Option<Element>> {
        let name = match self.capture()? {
            Element::Json(name) => serde_json::from_slice::<String>(&name).unwrap_or_default(),
            Element::Bad(_) => String::new(),
        };
        if self.skip_blanks()? != Some(b':') {
            return Ok(self.end("a name without a value"));
        }
        self.source.consume(1);
        let wanted = self.keys.is_none_or(|keys| keys.contains(&name.as_str()));
        match self.skip_blanks()? {
            Some(b'[') if wanted => {
                self.enter(State::List(true));
                Ok(None)
            }
            Some(b'}' | b']') | None => Ok(self.end("a name without a value")),
            Some(_) => match self.capture()? {
                Element::Json(value) if wanted => {
                    let value = String::from_utf8_lossy(&value);
                    let value: String = value.chars().take(100).collect();
                    Ok(Some(Element::Bad(format!("{name}: not a list but {value}"))))
                }
                Element::Json(value) => {
                    if let Some(NextPage(_, says)) = self.next_page.filter(|it| it.0 == name) {
                        self.more_pages = says(&value);
                    }
                    Ok(None)
                }
                Element::Bad(_) => Ok(None),
            },
        }
    }

    /// Takes one value, which begins at the next byte.
    fn capture(&mut self) -> io::Result<Element> {
        let mut scan = Scan::default();
        let mut bytes = Vec::new();
        let mut too_long = false;
        loop {
            let buffer = fill(self.source)?;
            if buffer.is_empty() {
                break;
            }
            let mut taken = 0;
            let mut finished = false;
            for &byte in buffer {
                match scan.step(byte) {
                    Step::Before => finished = true,
                    Step::Last => {
                        taken += 1;
                        finished = true;
                    }
                    Step::More => taken += 1,
                }
                if finished {
                    break;
                }
            }
            too_long |= bytes.len() + taken > MAX_RECORD;
            if !too_long {
                bytes.extend_from_slice(&buffer[..taken]);
            }
            self.source.consume(taken);
            if finished {
                break;
            }
        }
        Ok(if too_long {
            Element::Bad(format!("longer than {MAX_RECORD} bytes"))
        } else {
            Element::Json(bytes)
        })
    }

    /// The next byte that is no blank and no comma.
    fn skip_blanks(&mut self) -> io::Result<Option<u8>> {
        loop {
            let buffer = fill(self.source)?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b',');
            match buffer.iter().position(|b| !blank(b)) {
                Some(at) => {
                    let byte = buffer[at];
                    self.source.consume(at);
                    return Ok(Some(byte));
                }
                None => {
                    let all = buffer.len();
                    self.source.consume(all);
                }
            }
        }
    }
}

/// Where in a value the scan stands.
#[derive(Default)]
struct Scan {
    begun: bool,
    depth: u64,
    in_string: bool,
    escaped: bool,
}

enum Step {
    /// The byte belongs to the value, and more follow.
    More,
    /// The byte is the value's last.
    Last,
    /// The value ended before this byte.
    Before,
}

impl Scan {
    fn step(&mut self, byte: u8) -> Step {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    return if self.depth == 0 { Step::Last } else { Step::More };
                }
                _ => {}
            }
            return Step::More;
        }
        let first = !self.begun;
        self.begun = true;
        match byte {
            b'"' if first || self.depth > 0 => self.in_string = true,
            b'{' | b'[' if first || self.depth > 0 => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Step::Last;
                }
            }
            b',' | b'}' | b']' | b':' | b' ' | b'\n' | b'\r' | b'\t'
                if !first && self.depth == 0 =>
            {
                return Step::Before;
            }
            _ => {}
        }
        Step::More
    }
}
