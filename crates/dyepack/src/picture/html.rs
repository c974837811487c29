//! The smallest page that a picture can be sent in: one file without a script and without an
//! address outside of it, for the screen and for paper. Drawings are taken as they are, all else is
//! escaped.

use super::svg::{clean, escape};
use super::words::Words;

const STYLE: &str = include_str!("../../assets/page.css");
/// Cells are foreign text.
const MAX_CELL: usize = 2_000;

/// How a column of a table is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Text,
    /// A time or few words, on one line.
    Word,
    /// At the right, digits below digits.
    Number,
    /// Addresses and digests: every character counts, and a line may break anywhere.
    Code,
}

/// The head of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) name: &'a str,
    pub(crate) align: Align,
}

/// A piece of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Section<'a> {
    Text(&'a str),
    /// A command line, to be copied as it is.
    Command(&'a str),
    /// A drawing made by [`super::draw`], taken in unescaped.
    Figure(&'a str),
    Table {
        caption: &'a str,
        heads: &'a [Head<'a>],
        rows: &'a [Vec<String>],
    },
}

/// A whole page.
pub(crate) fn page(title: &str, lang: &str, sections: &[Section]) -> String {
    let mut body = String::new();
    for section in sections {
        match section {
            Section::Text(text) => body.push_str(&element("p", text)),
            Section::Command(text) => body.push_str(&element("pre", text)),
            Section::Figure(svg) => {
                body.push_str(&format!("<figure tabindex=\"0\">\n{svg}</figure>\n"));
            }
            Section::Table { caption, heads, rows } => table(&mut body, caption, heads, rows),
        }
    }
    let title = clean(title, MAX_CELL);
    let lang = if Words::load(lang).is_some() { lang } else { "en" };
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         {}<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{}{body}</main>\n</body>\n</html>\n",
        element("title", &title),
        element("h1", &title)
    )
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>\n", escape(&clean(text, MAX_CELL)))
}

fn table(out: &mut String, caption: &str, heads: &[Head], rows: &[Vec<String>]) {
    let class = |at: usize| match heads.get(at).map(|head| head.align) {
        Some(Align::Number) => " class=\"number\"",
        Some(Align::Code) => " class=\"code\"",
        Some(Align::Word) => " class=\"word\"",
        _ => "",
    };
    out.push_str("<div class=\"table\" tabindex=\"0\">\n<table>\n");
    out.push_str(&element("caption", caption));
    out.push_str("<thead>\n<tr>");
    for (at, head) in heads.iter().enumerate() {
        let name = escape(&clean(head.name, MAX_CELL));
        out.push_str(&format!("<th scope=\"col\"{}>{name}</th>", class(at)));
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let cell = escape(&clean(cell, MAX_CELL));
            // On a narrow screen a row becomes a card, and each cell says its column's name.
            let name = heads.get(at).map_or("", |head| head.name);
            let name = escape(&clean(name, MAX_CELL));
            out.push_str(&format!("<td{} data-head=\"{name}\">{cell}</td>", class(at)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_file_without_scripts_or_foreign_markup() {
        let heads = [
            Head { name: "Address", align: Align::Code },
            Head { name: "<b>", align: Align::Number },
        ];
        let rows = [vec!["<script>alert(1)</script>".to_string(), "1,234".to_string()]];
        let sections = [
            Section::Text("a & b"),
            Section::Text("\u{202e}x"),
            Section::Figure("<svg></svg>\n"),
            Section::Table { caption: "c", heads: &heads, rows: &rows },
        ];
        let page = page("</title><script>", "xx\"", &sections);
        for forbidden in ["<script", "http:", "https:", "url(", "@import", "\u{202e}", "<b>"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for wanted in [
            "a &amp; b",
            "<svg></svg>",
            "&lt;b&gt;",
            "class=\"number\" data-head=\"&lt;b&gt;\">1,234",
            "\"en\"",
        ] {
            assert!(page.contains(wanted), "{wanted}");
        }
    }
}
