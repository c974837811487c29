//! Tables: ruled for a person at a terminal, tab-separated and whole for a pipe.
//!
//! A terminal breaks lines that are too long wherever it likes, and then nobody can read a table.
//! So columns that do not fit move to a line of their own below their row, and only free text is ever
//! cut: an address, a transaction or an amount stays whole, because people copy it.

use comfy_table::{CellAlignment, Table, presets};
use unicode_width::UnicodeWidthStr;

use crate::output::Output;

/// What stands in a column, and so how it is set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Free text: may be cut.
    Text,
    /// Few words or a time.
    Word,
    /// At the right, digits below digits.
    Number,
    /// An address, a place, a transaction: every character counts.
    Code,
}

/// A column of a table.
#[derive(Clone, Copy)]
pub(crate) struct Column<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    /// The order in which columns leave the line where it is too long; 0 for never.
    below: u8,
    /// Says its name below the line too, because its value does not tell what it is.
    named: bool,
}

impl<'a> Column<'a> {
    const fn new(name: &'a str, kind: Kind) -> Column<'a> {
        Column { name, kind, below: 0, named: false }
    }

    pub(crate) const fn text(name: &'a str) -> Column<'a> {
        Column::new(name, Kind::Text)
    }

    pub(crate) const fn word(name: &'a str) -> Column<'a> {
        Column::new(name, Kind::Word)
    }

    pub(crate) const fn number(name: &'a str) -> Column<'a> {
        Column::new(name, Kind::Number)
    }

    pub(crate) const fn code(name: &'a str) -> Column<'a> {
        Column::new(name, Kind::Code)
    }

    pub(crate) const fn below(self, below: u8) -> Column<'a> {
        Column { below, ..self }
    }

    pub(crate) const fn named(self) -> Column<'a> {
        Column { named: true, ..self }
    }
}

/// Between two columns, and between two fields below a row.
const GAP: usize = 2;
/// How far lines below a row are indented.
const INDENT: usize = 4;
/// Text is not cut shorter than this.
const LEAST: usize = 8;
const CUT: &str = "… marks text that was cut to fit; --json has all of it\n";

/// The text of a table.
pub(crate) fn table(
    output: &Output,
    columns: &[Column<'_>],
    rows: &[impl AsRef<[String]>],
) -> String {
    let head: Vec<String> = columns.iter().map(|column| column.name.to_string()).collect();
    let one_line = |field: &String| field.replace(['\t', '\n'], " ");
    let rows = rows.iter().map(|row| row.as_ref().iter().map(one_line).collect());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    match output.columns() {
        Some(width) => ruled(width, columns, &lines),
        None => lines.iter().map(|line| line.join("\t") + "\n").collect(),
    }
}

/// A sentence, broken between its words where a person reads it on a terminal. Later lines are
/// indented further than the first.
pub(crate) fn sentence(output: &Output, indent: usize, text: &str) -> String {
    folded(output.columns(), indent, text)
}

fn folded(width: Option<usize>, indent: usize, text: &str) -> String {
    let room = width.unwrap_or(usize::MAX);
    let mut out = " ".repeat(indent);
    let mut at = indent;
    for (number, word) in text.split(' ').enumerate() {
        let wide = word.width();
        if number > 0 && at + 1 + wide > room {
            out.push('\n');
            out.push_str(&" ".repeat(indent + GAP));
            at = indent + GAP;
        } else if number > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += wide;
    }
    out + "\n"
}

/// The first line is the head.
fn ruled(width: usize, columns: &[Column<'_>], lines: &[Vec<String>]) -> String {
    let (stay, widths) = fitted(width, columns, lines);
    let field = |line: usize, at: usize| lines[line].get(at).map_or("", String::as_str);
    let mut cut_any = false;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for number in 0..lines.len() {
        let cells = stay.iter().map(|at| cut(field(number, *at), widths[*at], &mut cut_any));
        let cells: Vec<String> = cells.collect();
        match number {
            0 => table.set_header(cells),
            _ => table.add_row(cells),
        };
    }
    for (column, at) in table.column_iter_mut().zip(&stay) {
        column.set_cell_alignment(match columns[*at].kind {
            Kind::Number => CellAlignment::Right,
            _ => CellAlignment::Left,
        });
    }
    let moved: Vec<usize> = (0..columns.len()).filter(|at| !stay.contains(at)).collect();
    let mut text = String::new();
    for (number, line) in table.lines().enumerate() {
        text.push_str(line.trim_end());
        text.push('\n');
        let fields = moved.iter().map(|at| (columns[*at], field(number, *at)));
        let fields = fields.filter(|(_, field)| !field.is_empty());
        let said = |(column, field): (Column<'_>, &str)| match column.named && number > 0 {
            true => (format!("{} {field}", column.name), column.kind),
            false => (field.to_string(), column.kind),
        };
        let fields: Vec<(String, Kind)> = fields.map(said).collect();
        below(width, &fields, &mut text, &mut cut_any);
    }
    if cut_any {
        text.push_str(CUT);
    }
    text
}

/// Which columns stay in the line, and how wide each may be.
fn fitted(width: usize, columns: &[Column<'_>], lines: &[Vec<String>]) -> (Vec<usize>, Vec<usize>) {
    let widest = |at: usize| lines.iter().filter_map(|line| Some(line.get(at)?.width())).max();
    let mut widths: Vec<usize> = (0..columns.len()).map(|at| widest(at).unwrap_or(0)).collect();
    let staying = |rank: u8| -> Vec<usize> {
        let stays = |at: &usize| columns[*at].below == 0 || columns[*at].below > rank;
        (0..columns.len()).filter(stays).collect()
    };
    // The table's style begins a line with a blank.
    let long = |stay: &[usize], widths: &[usize]| {
        1 + stay.iter().map(|at| widths[*at] + GAP).sum::<usize>().saturating_sub(GAP)
    };
    let last = columns.iter().map(|column| column.below).max().unwrap_or(0);
    let rank = (0..=last).find(|rank| long(&staying(*rank), &widths) <= width).unwrap_or(last);
    let stay = staying(rank);
    for at in stay.iter().rev().filter(|at| columns[**at].kind == Kind::Text) {
        let excess = long(&stay, &widths).saturating_sub(width);
        let least = widths[*at].min(LEAST.max(columns[*at].name.width()));
        widths[*at] = widths[*at].saturating_sub(excess).max(least);
    }
    (stay, widths)
}

/// The fields that left the line, as many beside each other as fit.
fn below(width: usize, fields: &[(String, Kind)], text: &mut String, cut_any: &mut bool) {
    let mut at = 0;
    for (field, kind) in fields {
        let room = match kind {
            Kind::Text => width.saturating_sub(INDENT).max(LEAST),
            _ => usize::MAX,
        };
        let field = cut(field, room, cut_any);
        let wide = field.width();
        if at > 0 && at + GAP + wide <= width {
            text.push_str(&" ".repeat(GAP));
            at += GAP + wide;
        } else {
            text.push_str(if at > 0 { "\n" } else { "" });
            text.push_str(&" ".repeat(INDENT));
            at = INDENT + wide;
        }
        text.push_str(&field);
    }
    text.push_str(if at > 0 { "\n" } else { "" });
}

/// The text, or its beginning with "…" where it is wider than `room`.
fn cut(text: &str, room: usize, cut_any: &mut bool) -> String {
    if text.width() <= room {
        return text.to_string();
    }
    *cut_any = true;
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if kept.width() >= room {
            kept.pop();
            break;
        }
    }
    kept.truncate(kept.trim_end().len());
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column<'_>; 5] = [
        Column::number("amount"),
        Column::word("where"),
        Column::code("address").below(1),
        Column::text("label").below(1),
        Column::number("hops").below(2).named(),
    ];
    const ADDRESS: &str = "0x002c93452d54b6d64bfa9879fcab14a74f1bdd44";

    fn rows(label: &str) -> Vec<Vec<String>> {
        let row = |fields: [&str; 5]| fields.map(str::to_string).to_vec();
        vec![
            row(COLUMNS.map(|column| column.name)),
            row(["8,311.2850… ETH", "unspent", ADDRESS, label, "2"]),
            row(["1 ETH", "service", ADDRESS, "", "10"]),
        ]
    }

    /// What does not fit moves below, in order; what is copied stays whole; no line is too long.
    #[test]
    fn a_table_fits_its_terminal_and_keeps_addresses_whole() {
        let check = |width: usize, label: &str, want: &[&str]| {
            let got = ruled(width, &COLUMNS, &rows(label));
            let lines: Vec<&str> = got.lines().collect();
            assert_eq!(lines, want, "{width}");
            let unbroken = |line: &str| line.contains(ADDRESS) || CUT.starts_with(line);
            let fits = |line: &&str| line.width() <= width || unbroken(line);
            assert!(lines.iter().all(fits), "{width}: {got}");
        };
        let (address, below) = (ADDRESS, format!("    {ADDRESS}"));
        check(
            90,
            "A",
            &[
                "          amount  where    address                                     label  hops",
                &format!(" 8,311.2850… ETH  unspent  {address}  A         2"),
                &format!("           1 ETH  service  {address}           10"),
            ],
        );
        check(
            80,
            "Exchange",
            &[
                "          amount  where    hops",
                "    address  label",
                " 8,311.2850… ETH  unspent     2",
                &format!("{below}  Exchange"),
                "           1 ETH  service    10",
                &below,
            ],
        );
        check(
            26,
            "the name of a very long exchange",
            &[
                "          amount  where",
                "    address  label  hops",
                " 8,311.2850… ETH  unspent",
                &below,
                "    the name of a very lo…",
                "    hops 2",
                "           1 ETH  service",
                &below,
                "    hops 10",
                CUT.trim_end(),
            ],
        );
    }

    #[test]
    fn text_in_the_line_is_cut_and_wide_characters_count_twice() {
        let columns = [Column::code("case"), Column::text("title")];
        let lines = [["case", "title"], ["ronin-2022", "橋橋橋橋橋橋橋橋橋橋"]];
        let lines = lines.map(|line| line.map(str::to_string).to_vec());
        let got = ruled(24, &columns, &lines);
        assert_eq!(got, format!(" case        title\n ronin-2022  橋橋橋橋橋…\n{CUT}"));
    }

    #[test]
    fn sentences_break_between_words_only() {
        let check = |width, want: &str| {
            assert_eq!(folded(width, 2, &format!("more than {ADDRESS} had")), want);
        };
        check(None, &format!("  more than {ADDRESS} had\n"));
        check(Some(80), &format!("  more than {ADDRESS} had\n"));
        check(Some(49), &format!("  more than\n    {ADDRESS}\n    had\n"));
        check(Some(10), &format!("  more\n    than\n    {ADDRESS}\n    had\n"));
    }
}
