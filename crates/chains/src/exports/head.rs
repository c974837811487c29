//! The beginning of a file, by which its format is recognised.

use super::record::Record;
use super::records::header_of;

/// So much of a file is looked at, unless a long row hides what it is.
pub(crate) const MAX_HEAD: usize = 64 << 10;

/// What the beginning of a service's reply must mention, what it then is, and its rank.
pub(crate) struct Reply(pub(crate) &'static [&'static str], pub(crate) &'static str, pub(crate) u8);

/// The first bytes of a file, and what they look like.
pub(crate) struct Head<'a> {
    bytes: &'a [u8],
    /// The columns of a CSV; empty for any other file.
    columns: Vec<String>,
    /// The first object of a file of JSON lines.
    line: Option<Record>,
    /// True for a JSON text that is not one object a line.
    document: bool,
}

impl<'a> Head<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Head<'a> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut head = Head { bytes, columns: Vec::new(), line: None, document: false };
        if head.is_parquet() {
            return head;
        }
        let text = bytes.trim_ascii_start();
        match text.first() {
            Some(b'{') => {
                let end = text.iter().position(|b| *b == b'\n').unwrap_or(text.len());
                head.line = Record::from_json(1, &text[..end]).ok();
                head.document = true;
            }
            Some(b'[') => head.document = true,
            _ => head.columns = header_of(bytes),
        }
        head
    }

    /// The bytes themselves, without a byte order mark.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// True for a text that begins as JSON does.
    pub(crate) fn is_json(&self) -> bool {
        self.document
    }

    pub(crate) fn is_parquet(&self) -> bool {
        self.bytes.starts_with(b"PAR1")
    }

    /// True for a CSV that has all these columns.
    pub(crate) fn has_columns(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.columns.iter().any(|column| column == name))
    }

    /// The columns of a CSV.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// True for JSON that begins with an object, on a line of its own, with all these fields.
    pub(crate) fn has_fields(&self, names: &[&str]) -> bool {
        self.line.as_ref().is_some_and(|line| names.iter().all(|name| line.has(name)))
    }

    /// True for a table or reply with all these columns or fields.
    pub(crate) fn names(&self, names: &[&str]) -> bool {
        self.has_columns(names) || self.has_fields(names) || self.mentions(names)
    }

    /// What the first of these that fits says of a reply.
    pub(crate) fn reply(&self, replies: &[Reply]) -> Option<(String, u8)> {
        let Reply(_, what, rank) = replies.iter().find(|Reply(names, ..)| self.mentions(names))?;
        Some((what.to_string(), *rank))
    }

    /// True for JSON whose beginning has all these names, at any depth.
    pub(crate) fn mentions(&self, names: &[&str]) -> bool {
        self.document
            && names.iter().all(|name| {
                let quoted = format!("\"{name}\"");
                self.bytes.windows(quoted.len()).any(|part| part == quoted.as_bytes())
            })
    }
}
