//! A YAML document as a bounded tree of texts. Values keep the text that stands in the file:
//! TagPacks hold unquoted addresses and dates, and no number or date type may reinterpret them.
//!
//! The parser yields events and expands nothing, so the bound on events bounds the work. An alias
//! to a text is that text; an alias to a list or mapping is refused where it stands, which is what
//! defuses nested aliases ("billion laughs").

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::ReadError;
use crate::text;

const MAX_EVENTS: usize = 2_000_000;
const MAX_DEPTH: usize = 24;
/// Of all texts together, aliases counted each time.
const MAX_TEXT: usize = super::MAX_FILE;

/// A value, with the line on which it begins kept beside it by its parent.
#[derive(Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// A plain empty value, `~` or `null`.
    Null,
    List(Vec<(usize, Node)>),
    Map(Vec<(String, Node)>),
    /// An alias to a list or mapping.
    Refused,
}

impl Node {
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Node::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            _ => None,
        }
    }
}

/// Something begun and not yet ended.
enum Open {
    List(Vec<(usize, Node)>),
    Map { entries: Vec<(String, Node)>, key: Option<String> },
}

#[derive(Default)]
struct Builder {
    open: Vec<(usize, Open)>,
    root: Option<Node>,
    texts: BTreeMap<usize, String>,
    text_bytes: usize,
}

/// Reads the first and only document of a text.
pub(super) fn parse(text: &str) -> Result<Node, ReadError> {
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    for count in 0.. {
        let Some(event) = parser.next_event() else { break };
        let (event, span) = event.map_err(|error| {
            let (line, column) = (error.marker().line(), error.marker().col() + 1);
            ReadError::Syntax { line, column, why: text::clean(error.info(), 300) }
        })?;
        let (line, column) = (span.start.line(), span.start.col() + 1);
        let fail = |why: &str| ReadError::Syntax { line, column, why: why.to_string() };
        if count >= MAX_EVENTS {
            return Err(fail("too many values in one document"));
        }
        builder.take(event, line).map_err(fail)?;
    }
    let missing = || ReadError::Shape { format: "YAML", why: "it is empty".into() };
    builder.root.ok_or_else(missing)
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let node = self.text(text, style, anchor)?;
                self.put(line, node)
            }
            Event::Alias(anchor) => {
                let node = match self.texts.get(&anchor).cloned() {
                    None => Node::Refused,
                    Some(text) => self.text(Cow::Owned(text), ScalarStyle::DoubleQuoted, 0)?,
                };
                self.put(line, node)
            }
            Event::SequenceStart(..) => self.begin(line, Open::List(Vec::new())),
            Event::MappingStart(..) => {
                self.begin(line, Open::Map { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::DocumentStart(_) if self.root.is_some() => Err("a second document"),
            _ => Ok(()),
        }
    }

    fn text(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
    ) -> Result<Node, &'static str> {
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        if self.text_bytes > MAX_TEXT {
            return Err("too much text in one document");
        }
        if anchor > 0 {
            self.texts.insert(anchor, text.to_string());
        }
        match style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
            true => Ok(Node::Null),
            false => Ok(Node::Text(text.into_owned())),
        }
    }

    fn begin(&mut self, line: usize, open: Open) -> Result<(), &'static str> {
        if self.open.len() >= MAX_DEPTH {
            return Err("nested too deeply");
        }
        self.open.push((line, open));
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        let Some((line, open)) = self.open.pop() else { return Err("an end without a beginning") };
        let node = match open {
            Open::List(items) => Node::List(items),
            Open::Map { entries, .. } => {
                let keys: BTreeSet<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
                if keys.len() < entries.len() {
                    return Err("a key stands twice in the mapping that ends here");
                }
                Node::Map(entries)
            }
        };
        self.put(line, node)
    }

    fn put(&mut self, line: usize, node: Node) -> Result<(), &'static str> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some((_, Open::List(items))) => items.push((line, node)),
            Some((_, Open::Map { entries, key })) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => match node {
                    Node::Text(name) => *key = Some(name),
                    _ => return Err("a key that is no text"),
                },
            },
        }
        Ok(())
    }
}
