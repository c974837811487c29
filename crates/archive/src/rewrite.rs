//! Changing what is committed without adding to it: rewinding a chain after a reorganisation, and
//! merging small parts so that reading never has to open thousands, dropping rows that another source
//! tells better.
//!
//! All write new files beside the old ones; the caller commits and then removes the old.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::Chain;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::batch::Recorded;
use crate::blocks;
use crate::error::Result;
use crate::manifest::{BlockPart, Manifest, Part, Sorting};
use crate::order::{Merge, Stretch};
use crate::part::{Columns, PartWriter, Store};

/// Small parts of similar size are merged when there are this many of them, and large ones when more than
/// this many hold rows of one height or time.
const FAN: usize = 16;
/// A part of at least so many rows is large.
const LARGE: u64 = 1 << 20;
/// What is merged is cut into parts of so many rows, so that dropping some rows rewrites no more.
pub(crate) const MOST: u64 = 1 << 23;

/// What [`crate::Archive::rewind`] dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewound {
    pub transfers: u64,
    pub blocks: u64,
}

/// Parts whose numbers of rows lie within a factor of 16 are of one tier.
fn tier(rows: u64) -> u32 {
    rows.max(1).ilog2() / 4
}

/// Merges small parts and block files, tier by tier, until none has too many, then large parts where too
/// many overlap: whoever reads in order has all of those open at once. Registered files stay. Returns
/// the paths of the files that were merged, for whoever commits to remove.
pub(crate) fn compact(store: &Arc<Store>, manifest: &mut Manifest) -> Result<Vec<String>> {
    let mut merged_away = Vec::new();
    let class = |p: &Part| {
        let is_small = p.rows < LARGE && p.external.is_none();
        is_small.then_some((p.chain, p.sorting == Sorting::Time, tier(p.rows)))
    };
    while let Some(chosen) = crowded(&manifest.parts, class).or_else(|| deepest(&manifest.parts)) {
        let (old, kept) = split(std::mem::take(&mut manifest.parts), &chosen);
        manifest.parts = kept;
        merged_away.extend(old.iter().map(|part| part.path.clone()));
        let merged = rewrite(store, manifest, old, |_| true)?;
        manifest.parts.extend(merged);
    }
    while let Some(chosen) = crowded(&manifest.blocks, |p| Some((p.chain, tier(p.rows)))) {
        let (old, kept) = split(std::mem::take(&mut manifest.blocks), &chosen);
        manifest.blocks = kept;
        merged_away.extend(old.iter().map(|part| part.path.clone()));
        let number = manifest.take_number();
        let chain = old[0].chain;
        let headers = blocks::load(store, &old, chain, 0, u64::MAX)?;
        manifest.blocks.extend(blocks::write(store, chain, number, &headers)?);
    }
    Ok(merged_away)
}

/// The heights or times of a part's first and last rows.
fn span(part: &Part) -> (u64, u64) {
    match part.sorting {
        Sorting::Height => (part.first.height.unwrap_or(0), part.last.height.unwrap_or(0)),
        Sorting::Time => (part.first.time.into(), part.last.time.into()),
    }
}

/// Parts of one chain and sorting that all hold one height or time, where more than [`FAN`] do. Those
/// that only touch there do not count, nor those that are cut off from others of the same height, nor
/// registered files.
fn deepest(parts: &[Part]) -> Option<Vec<usize>> {
    for (number, part) in parts.iter().enumerate() {
        let (start, _) = span(part);
        let is_open = |other: &Part| {
            let (from, to) = span(other);
            other.external.is_none()
                && (other.chain, other.sorting) == (part.chain, part.sorting)
                && from <= start
                && (start < to || (from == start && other.rows < MOST))
        };
        let open: Vec<usize> = (0..parts.len()).filter(|at| is_open(&parts[*at])).collect();
        if open.len() > FAN && open.contains(&number) {
            return Some(open);
        }
    }
    None
}

/// The members of the first class that has [`FAN`] of them.
fn crowded<P, K: Ord>(parts: &[P], class: impl Fn(&P) -> Option<K>) -> Option<Vec<usize>> {
    let mut classes: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (number, part) in parts.iter().enumerate() {
        if let Some(class) = class(part) {
            classes.entry(class).or_default().push(number);
        }
    }
    classes.into_values().find(|members| members.len() >= FAN)
}

fn split<P>(parts: Vec<P>, chosen: &[usize]) -> (Vec<P>, Vec<P>) {
    let (mut old, mut kept) = (Vec::new(), Vec::new());
    for (number, part) in parts.into_iter().enumerate() {
        if chosen.contains(&number) { old.push(part) } else { kept.push(part) }
    }
    (old, kept)
}

/// Parts with those rows of `old` (of one chain and sorting) that are to stay.
fn rewrite(
    store: &Arc<Store>,
    manifest: &mut Manifest,
    old: Vec<Part>,
    stays: impl Fn(&Recorded) -> bool,
) -> Result<Vec<Part>> {
    let Some((chain, sorting)) = old.first().map(|part| (part.chain, part.sorting)) else {
        return Ok(Vec::new());
    };
    let mut parts = Vec::new();
    let mut writer: Option<PartWriter> = None;
    for stretch in Merge::new(store, old, Columns::All) {
        let Stretch { batch, rows, .. } = stretch?;
        for row in rows.map(|row| batch.recorded(row)).filter(&stays) {
            if writer.as_ref().is_some_and(|writer| writer.rows() >= MOST) {
                parts.extend(writer.take().map(PartWriter::finish).transpose()?.flatten());
            }
            let open = match &mut writer {
                Some(open) => open,
                none => {
                    let number = manifest.take_number();
                    none.insert(PartWriter::create(store, chain, sorting, number)?)
                }
            };
            open.push(&row)?;
        }
    }
    parts.extend(writer.map(PartWriter::finish).transpose()?.flatten());
    Ok(parts)
}

/// Rows to drop, by number of the part that they stand in. Whole, because a file that was read twice with
/// other tables beside it has numbered its transfers twice.
pub(crate) type Dropped = FxHashMap<u64, FxHashSet<Recorded>>;

/// Drops rows.
pub(crate) fn drop_rows(
    store: &Arc<Store>,
    manifest: &mut Manifest,
    dropped: &Dropped,
) -> Result<()> {
    let (cut, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut manifest.parts)
        .into_iter()
        .partition(|part| dropped.contains_key(&part.number));
    manifest.parts = kept;
    for part in cut {
        let rows = &dropped[&part.number];
        let stays = |row: &Recorded| !rows.contains(row);
        let rest = rewrite(store, manifest, vec![part], stays)?;
        manifest.parts.extend(rest);
    }
    Ok(())
}

/// Drops what stands above `height` on `chain`; rows without a height stay.
pub(crate) fn rewind(
    store: &Arc<Store>,
    manifest: &mut Manifest,
    chain: Chain,
    height: u64,
) -> Result<Rewound> {
    let mut rewound = Rewound::default();
    let above =
        |part: &Part| part.chain == chain && part.last.height.is_some_and(|last| last > height);
    let (cut, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut manifest.parts).into_iter().partition(above);
    manifest.parts = kept;
    for part in cut {
        for import in &part.imports {
            if let Some(import) = manifest.imports.get_mut(*import as usize) {
                (import.complete, import.progress) = (false, None);
            }
        }
        rewound.transfers += part.rows;
        if part.first.height.is_none_or(|first| first <= height) {
            let is_below =
                |row: &Recorded| row.transfer.position.height.is_none_or(|at| at <= height);
            let rest = rewrite(store, manifest, vec![part], is_below)?;
            rewound.transfers -= rest.iter().map(|rest| rest.rows).sum::<u64>();
            manifest.parts.extend(rest);
        }
    }
    rewound.blocks = rewind_blocks(store, manifest, chain, height)?;
    Ok(rewound)
}

fn rewind_blocks(
    store: &Arc<Store>,
    manifest: &mut Manifest,
    chain: Chain,
    height: u64,
) -> Result<u64> {
    let above = |part: &BlockPart| part.chain == chain && part.last_height > height;
    let (cut, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut manifest.blocks).into_iter().partition(above);
    manifest.blocks = kept;
    let mut dropped = 0;
    for part in cut {
        dropped += part.rows;
        if part.first_height <= height {
            let number = manifest.take_number();
            let headers = blocks::load(store, std::slice::from_ref(&part), chain, 0, height)?;
            dropped -= headers.len() as u64;
            manifest.blocks.extend(blocks::write(store, chain, number, &headers)?);
        }
    }
    Ok(dropped)
}
