//! Tables: ruled for a person at a terminal, tab-separated and whole for a pipe.

use comfy_table::{CellAlignment, Table, presets};

use crate::output::Output;

/// Which side a column keeps to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// The text of a table.
pub(crate) fn table(output: &Output, head: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    if !output.is_terminal() {
        return tabs(head, rows);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(head.iter().map(|(name, _)| *name));
    for row in rows {
        table.add_row(row);
    }
    for (column, (_, side)) in table.column_iter_mut().zip(head) {
        let alignment = match side {
            Side::Left => CellAlignment::Left,
            Side::Right => CellAlignment::Right,
        };
        column.set_cell_alignment(alignment);
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn tabs(head: &[(&str, Side)], rows: &[Vec<String>]) -> String {
    let names: Vec<String> = head.iter().map(|(name, _)| name.to_string()).collect();
    let mut text = String::new();
    for row in std::iter::once(&names).chain(rows) {
        let fields: Vec<String> =
            row.iter().map(|field| field.replace(['\t', '\n'], " ")).collect();
        text.push_str(&fields.join("\t"));
        text.push('\n');
    }
    text
}
