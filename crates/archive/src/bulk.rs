//! The short way in for tables of transfers that cannot meet anything: they go into a part as they are,
//! one behind the other. What it writes is what the long way would; where a table is not plainly new,
//! that way is taken.

use std::sync::Arc;

use ledger::{Table, TableRow};

use crate::batch::{Batch, Progress, Source, is_sound};
use crate::error::Result;
use crate::manifest::{Manifest, Part, Sorting};
use crate::order::order_in_block;
use crate::part::{PartWriter, Store};

/// A part that takes tables of one source, and is not committed yet.
pub(crate) struct OpenPart {
    writer: PartWriter,
    source: Source,
    import: u32,
    last: TableRow,
    /// As the batch says that was added last.
    progress: Option<Progress>,
}

impl OpenPart {
    /// Opens the next part for the table of a batch and adds it, if nothing in it can be the same as, or
    /// contradict, another row of it or a committed one. `None`, and nothing is written, otherwise.
    pub(crate) fn begin(
        store: &Arc<Store>,
        manifest: &mut Manifest,
        batch: &Batch,
        import: u32,
    ) -> Result<Option<OpenPart>> {
        let Some((first, table)) = &batch.table else { return Ok(None) };
        let Some(last) = table.rows.last().copied() else { return Ok(None) };
        if !is_plainly_new(manifest, table, import) {
            return Ok(None);
        }
        let number = manifest.take_number();
        let mut writer = PartWriter::create(store, table.chain, Sorting::Height, number)?;
        writer.push_table(table, import, *first)?;
        let (source, progress) = (batch.source.clone(), batch.progress.clone());
        Ok(Some(OpenPart { writer, source, import, last, progress }))
    }

    /// Adds the table of a batch behind what is there, if it belongs there. False, and nothing is done,
    /// otherwise.
    pub(crate) fn add(&mut self, manifest: &Manifest, batch: &Batch) -> Result<bool> {
        let Some((first, table)) = &batch.table else { return Ok(false) };
        let (Some(next), Some(last)) = (table.rows.first(), table.rows.last()) else {
            return Ok(false);
        };
        let belongs = batch.source == self.source
            && batch.blocks.is_empty()
            && batch.tokens.is_empty()
            && batch.account.is_none()
            && table.chain == self.writer.chain()
            && comes_after(&self.last, next)
            && is_plainly_new(manifest, table, self.import);
        if belongs {
            self.writer.push_table(table, self.import, *first)?;
            self.last = *last;
            self.progress = batch.progress.clone();
        }
        Ok(belongs)
    }

    pub(crate) fn rows(&self) -> u64 {
        self.writer.rows()
    }

    /// The source whose tables it holds, how far that is read, and the part, whole.
    pub(crate) fn finish(self) -> Result<(Source, Option<Progress>, Option<Part>)> {
        Ok((self.source, self.progress, self.writer.finish()?))
    }
}

/// True if neither a row of the table nor a committed one can be the same as a row of it, or contradict it.
fn is_plainly_new(manifest: &Manifest, table: &Table, import: u32) -> bool {
    ascends(table) && stands_apart(manifest, table, import) && is_sound(table)
}

/// True if row `b` stands after `a` in the archive's order, and by its position too.
pub(crate) fn comes_after(a: &TableRow, b: &TableRow) -> bool {
    let order = |row: &TableRow| (row.height, order_in_block(row.kind, row.position()));
    let position = |row: &TableRow| (row.height, row.tx_index, row.index);
    order(a) < order(b) && position(a) < position(b)
}

/// True if every row stands after the one before it.
fn ascends(table: &Table) -> bool {
    table.rows.is_sorted_by(comes_after)
}

/// True if no committed row is near enough to be compared with: none of the table's heights, and none
/// without a height of its times. Earlier rows of the same reading of the same file may end in the block
/// in which the table begins.
pub(crate) fn stands_apart(manifest: &Manifest, table: &Table, import: u32) -> bool {
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
