//! A small SVG writer: elements, attributes and text, escaped, with coordinates in whole tenths of
//! a pixel. It knows no `style`, no identifier and no reference, so that a drawing can stand inside
//! any page and several can stand side by side.

use std::fmt::Write;

/// A length or position: whole tenths of a pixel.
pub(super) type Tenths = i64;

/// Combining marks beyond this many after one character are dropped; they would leave their line.
const MAX_MARKS: usize = 2;

/// A document, or a part of one, as it grows.
#[derive(Default)]
pub(super) struct Svg {
    out: String,
    open: Vec<&'static str>,
}

impl Svg {
    /// Starts a tag; give it attributes, then end it with [`Tag::open`] or [`Tag::empty`].
    pub(super) fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.out.push('<');
        self.out.push_str(name);
        Tag { svg: self, name }
    }

    /// Closes the element that was opened last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            let _ = writeln!(self.out, "</{name}>");
        }
    }

    /// A `<title>`: what a pointer's tip and a screen reader say about the element just opened.
    pub(super) fn title(&mut self, text: &str) {
        self.words("title", text);
    }

    /// A `<desc>`: the picture in a sentence.
    pub(super) fn desc(&mut self, text: &str) {
        self.words("desc", text);
    }

    fn words(&mut self, name: &str, text: &str) {
        let _ = write!(self.out, "<{name}>{}</{name}>", escape(text));
    }

    /// Takes in what was drawn apart.
    pub(super) fn append(&mut self, part: Svg) {
        self.out.push_str(&part.finish());
    }

    /// The text so far, with every element closed.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }
}

/// A tag whose attributes are being written.
pub(super) struct Tag<'a> {
    svg: &'a mut Svg,
    name: &'static str,
}

impl Tag<'_> {
    pub(super) fn attr(self, name: &str, value: &str) -> Self {
        let _ = write!(self.svg.out, " {name}=\"{}\"", escape(value));
        self
    }

    pub(super) fn px(self, name: &str, value: Tenths) -> Self {
        let _ = write!(self.svg.out, " {name}=\"{}\"", px(value));
        self
    }

    /// Ends the tag and leaves the element open.
    pub(super) fn open(self) {
        self.svg.out.push('>');
        self.svg.open.push(self.name);
    }

    /// Ends the tag, begins the content with `text`, and leaves the element open.
    pub(super) fn open_with(self, text: &str) {
        self.svg.out.push('>');
        self.svg.out.push_str(&escape(text));
        self.svg.open.push(self.name);
    }

    /// Ends the tag of an element without content.
    pub(super) fn empty(self) {
        self.svg.out.push_str("/>\n");
    }

    /// Ends the tag of an element whose content is `text`.
    pub(super) fn text(self, text: &str) {
        let _ = writeln!(self.svg.out, ">{}</{}>", escape(text), self.name);
    }
}

/// Tenths of a pixel as a decimal number of pixels.
pub(super) fn px(tenths: Tenths) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, rest) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

/// Lines at 45° that fill a rectangle, as path data, every `step`.
pub(super) fn hatch(x: Tenths, y: Tenths, width: Tenths, height: Tenths, step: Tenths) -> String {
    let mut path = String::new();
    let mut at = step;
    while at < width + height {
        let from = (x + (at - height).max(0), y + at.min(height));
        let to = (x + at.min(width), y + (at - width).max(0));
        let _ = write!(path, "M{} {}L{} {}", px(from.0), px(from.1), px(to.0), px(to.1));
        at += step;
    }
    path
}

/// A foreign text of at most `max` characters: without control, bidirectional and invisible
/// characters and without towers of combining marks, trimmed, cut with "…".
pub(super) fn clean(text: &str, max: usize) -> String {
    let mut kept = String::new();
    let (mut length, mut marks) = (0, 0);
    for c in text.chars().filter_map(visible) {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MAX_MARKS || (kept.is_empty() && c == ' ') {
            continue;
        }
        if length == max {
            kept.pop();
            kept.truncate(kept.trim_end().len());
            kept.push('…');
            return kept;
        }
        kept.push(c);
        length += 1;
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// A text as markup: what has a meaning there is escaped, what nobody can see is dropped.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter_map(visible) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The character as it may be printed; `None` for those that can only deceive or break markup:
/// control characters, marks of direction, invisible filling, tag and private-use characters.
fn visible(c: char) -> Option<char> {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' => None,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
        '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' => None,
        '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'.. => None,
        c => Some(c),
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_plain_decimals() {
        for (tenths, want) in [(0, "0"), (7, "0.7"), (120, "12"), (-5, "-0.5"), (14_403, "1440.3")]
        {
            assert_eq!(px(tenths), want);
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let check = |given: &str, want: &str| assert_eq!(escape(&clean(given, 30)), want);
        check("<img src=x onerror='1'>\"&", "&lt;img src=x onerror=&#39;1&#39;&gt;&quot;&amp;");
        check("pay\u{202e}eci\u{202c}la\u{0}\u{7f}\u{fffe}", "payecila");
        check("  a\n\tb  ", "a  b");
        check("z\u{301}\u{301}\u{301}\u{301}\u{301}", "z\u{301}\u{301}");
        check(&"x".repeat(10_000), &format!("{}…", "x".repeat(29)));
    }

    #[test]
    fn hatching_stays_in_its_rectangle() {
        let path = hatch(100, 200, 180, 95, 40);
        let points: Vec<Vec<&str>> = path
            .split(['M', 'L'])
            .filter(|point| !point.is_empty())
            .map(|point| point.split(' ').collect())
            .collect();
        assert!(points.len() > 4);
        for point in points {
            let tenths = |text: &str| -> i64 {
                let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
                whole.parse::<i64>().unwrap() * 10 + rest.parse::<i64>().unwrap()
            };
            let (x, y) = (tenths(point[0]), tenths(point[1]));
            assert!((100..=280).contains(&x) && (200..=295).contains(&y), "{x} {y}");
        }
    }

    #[test]
    fn elements_are_closed() {
        let mut svg = Svg::default();
        svg.tag("g").attr("class", "a\"b").open();
        svg.title("1 < 2");
        svg.tag("rect").px("x", 15).empty();
        assert_eq!(
            svg.finish(),
            "<g class=\"a&quot;b\"><title>1 &lt; 2</title><rect x=\"1.5\"/>\n</g>\n"
        );
    }
}
