//! Appending: what is new in a batch becomes new parts, and committed rows that tell less than some of it
//! give way.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::Chain;

use crate::batch::{Batch, Entry, Recorded, Rejected, entries_of};
use crate::bulk::OpenPart;
use crate::compare::{Fate, Findings, Group};
use crate::error::Result;
use crate::manifest::{Manifest, Part, Sorting};
use crate::order::order_in_block;
use crate::part::{PartWriter, Store};
use crate::rewrite;

/// What the rows of a batch came to.
#[derive(Default)]
pub(crate) struct Sorted {
    pub(crate) parts: Vec<Part>,
    pub(crate) added: u64,
    pub(crate) already: u64,
    /// True if committed rows gave way to some of the batch.
    pub(crate) replaced: bool,
    pub(crate) renumbered: u64,
    pub(crate) rejected: Vec<Rejected>,
}

/// Writes what is new of a batch's transfers. Nothing is committed.
pub(crate) fn write_batch(
    store: &Arc<Store>,
    manifest: &mut Manifest,
    batch: &Batch,
    import: u32,
) -> Result<Sorted> {
    let Some((first, table)) = &batch.table else {
        return write_new(store, manifest, &batch.entries, import);
    };
    match OpenPart::begin(store, manifest, batch, import)? {
        Some(open) => {
            let (added, (_, _, part)) = (open.rows(), open.finish()?);
            Ok(Sorted { added, parts: part.into_iter().collect(), ..Sorted::default() })
        }
        None => write_new(store, manifest, &entries_of(*first, table), import),
    }
}

/// Sorts `entries` into new parts of `import`, and takes out of the manifest's what gives way to them.
/// Nothing is committed.
fn write_new(
    store: &Arc<Store>,
    manifest: &mut Manifest,
    entries: &[Entry],
    import: u32,
) -> Result<Sorted> {
    let mut sorted = Sorted::default();
    let mut findings = Findings::of(entries.len());
    for (number, entry) in entries.iter().enumerate() {
        if let Err(reason) = crate::batch::check(&entry.transfer) {
            findings.refuse(number, entry, reason);
        }
    }
    for group in groups(entries, &findings.fates, import) {
        group.compare_within(&mut findings);
        group.compare_committed(store, manifest, &mut findings)?;
        let number = manifest.take_number();
        let mut writer = PartWriter::create(store, group.chain, group.sorting, number)?;
        for number in &group.order {
            let Entry { transfer, row, occurrence } = entries[*number as usize];
            let fate = findings.fates[*number as usize];
            if matches!(fate, Fate::New | Fate::Better) {
                writer.push(&Recorded { transfer, import, row, occurrence })?;
                sorted.added += u64::from(fate == Fate::New);
            }
        }
        sorted.parts.extend(writer.finish()?);
    }
    sorted.replaced = !findings.dropped.is_empty();
    rewrite::drop_rows(store, manifest, &findings.dropped)?;
    let is_there = |fate: &&Fate| matches!(fate, Fate::Already | Fate::Better);
    sorted.already = findings.fates.iter().filter(is_there).count() as u64;
    sorted.renumbered = findings.renumbered;
    sorted.rejected = findings.rejected;
    sorted.rejected.sort_by_key(|rejected| rejected.subject);
    Ok(sorted)
}

/// The batch by chain and sorting, each group in order; equal keys keep the order of the batch.
fn groups<'a>(entries: &'a [Entry], fates: &[Fate], import: u32) -> Vec<Group<'a>> {
    let mut members: BTreeMap<(Chain, bool), Vec<u32>> = BTreeMap::new();
    for (number, entry) in entries.iter().enumerate() {
        if fates[number] == Fate::New {
            let key = (entry.transfer.chain, entry.transfer.position.height.is_none());
            members.entry(key).or_default().push(number as u32);
        }
    }
    members
        .into_iter()
        .map(|((chain, without_height), mut order)| {
            let sorting = if without_height { Sorting::Time } else { Sorting::Height };
            order.sort_by_cached_key(|number| {
                let Entry { transfer, row, .. } = &entries[*number as usize];
                match transfer.position.height {
                    Some(height) => {
                        (height, order_in_block(transfer.kind, transfer.position), *row)
                    }
                    None => (transfer.time.seconds().into(), (0, 0), *row),
                }
            });
            Group { chain, sorting, entries, import, order }
        })
        .collect()
}
