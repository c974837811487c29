//! The short way in for a table of transfers that cannot meet anything: all of it goes into one part as it
//! is. What it writes is what the long way would; where a table is not plainly new, that way is taken.

use ledger::{Position, Table};

use crate::batch::check;
use crate::error::Result;
use crate::manifest::{Manifest, Part, Sorting};
use crate::order::order_in_block;
use crate::part::{PartWriter, Store};

/// Writes the table as a new part of `import`, if nothing in it can be the same as, or contradict, another
/// row of it or a committed one. `None`, and nothing is written, otherwise.
pub(crate) fn write_table(
    store: &Store,
    manifest: &mut Manifest,
    (first, table): (u64, &Table),
    import: u32,
) -> Result<Option<Part>> {
    if !ascends(table) || !stands_apart(manifest, table, import) {
        return Ok(None);
    }
    if !(0..table.rows.len()).all(|row| check(&table.transfer(row)).is_ok()) {
        return Ok(None);
    }
    let number = manifest.take_number();
    let mut writer = PartWriter::create(store, table.chain, Sorting::Height, number)?;
    writer.push_table(table, import, first)?;
    writer.finish()
}

/// True if every row stands after the one before it, by its position and in the order of the archive.
fn ascends(table: &Table) -> bool {
    let key = |row: &ledger::TableRow| {
        let Position { height, tx_index, index } = row.position();
        ((height, order_in_block(row.kind, row.position())), (height, tx_index, index))
    };
    table.rows.is_sorted_by(|a, b| {
        let ((order_a, position_a), (order_b, position_b)) = (key(a), key(b));
        order_a < order_b && position_a < position_b
    })
}

/// True if no committed row is near enough to be compared with: none of the table's heights, and none
/// without a height of its times. Earlier rows of the same reading of the same file may end in the block
/// in which the table begins.
fn stands_apart(manifest: &Manifest, table: &Table, import: u32) -> bool {
    let (Some(first), Some(last)) = (table.rows.first(), table.rows.last()) else { return true };
    let times = || table.rows.iter().map(|row| row.time.seconds());
    let (earliest, latest) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
    let is_open = manifest.imports.get(import as usize).is_some_and(|import| !import.complete);
    manifest.parts.iter().filter(|part| part.chain == table.chain).all(|part| match part.sorting {
        Sorting::Time => part.max_time < earliest || latest < part.min_time,
        Sorting::Height => {
            let (from, to) = (part.first.height, part.last.height);
            let is_own = is_open && part.imports == [import];
            to < Some(first.height)
                || Some(last.height) < from
                || (is_own
                    && to == Some(first.height)
                    && (part.last.tx_index, part.last.index)
                        < (Some(first.tx_index), Some(first.index)))
        }
    })
}
