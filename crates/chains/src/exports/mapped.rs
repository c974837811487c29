//! Any CSV, read by a column map.

use ledger::{Chain, Conversion, Position, TxId};
use sha2::{Digest, Sha256};

use super::column_map::{ColumnMap, Source, Text};
use super::field::Reason;
use super::out::{Draft, Order};
use super::record::Record;
use super::transfers::{Parts, assemble};
use super::{Given, Options, ReadError};

pub(super) const NAME: &str = "map";

/// Keeps the hash of a row apart from every other use of the same function.
const ROW_DOMAIN: &[u8] = b"dyepack.row/1\0";

/// A map must be there, and the chain be told by it or beside it.
pub(super) fn suits(options: &Options) -> Result<(), ReadError> {
    let map = options.map.as_ref().ok_or(ReadError::NeedsMap)?;
    match map.chain.is_none() && options.chain.is_none() {
        true => Err(ReadError::NeedsChain),
        false => Ok(()),
    }
}

pub(super) fn read(given: Given<'_, '_>) -> Result<(), ReadError> {
    let Given { mut input, options, out, .. } = given;
    let map = options.map.as_ref().ok_or(ReadError::NeedsMap)?;
    let records = input.table(NAME)?;
    if let Some(header) = records.header() {
        for column in map.columns() {
            if !header.iter().any(|name| name == column) {
                return Err(ReadError::UnknownColumn(column.to_string()));
            }
        }
    }
    out.order(if map.newest_first { Order::NewestFirst } else { Order::AsWritten });
    records.each(NAME, out, |record, draft| row(record, map, options, draft))
}

fn row(
    record: &Record,
    map: &ColumnMap,
    options: &Options,
    draft: &mut Draft,
) -> Result<(), Reason> {
    if map.skip.iter().any(|skip| skip.applies(record)) {
        draft.moves_nothing();
        return Ok(());
    }
    let text = |source: &'_ Option<Source>| -> Option<String> {
        source.as_ref()?.text(record).map(|text| text.field().text.to_string())
    };
    let chain = match map.chain.as_ref().and_then(|source| source.text(record)) {
        Some(name) => Chain::parse(name.field().text).map_err(|why| name.field().wrong(why))?,
        None => options.chain.ok_or_else(|| Reason::new("chain: missing"))?,
    };
    let tx = match of(&map.tx, record) {
        _ if map.row_hash => Some(row_hash(record)),
        Some(text) => Some(text.field().tx()?),
        None => None,
    };
    let asset = map.asset.text(record).ok_or_else(|| map.asset.missing())?;
    let (kind, from, to) = (of(&map.kind, record), map.from.text(record), map.to.text(record));
    let (from_owner, to_owner) = (of(&map.from_owner, record), of(&map.to_owner, record));
    draft.group(text(&map.group).as_deref());
    draft.of(tx);
    let parts = Parts {
        chain,
        position: position(map, record)?,
        time: map.time.time(record)?,
        tx,
        kind: kind.as_ref().map(Text::field),
        from: from.as_ref().map(Text::field),
        to: to.as_ref().map(Text::field),
        from_owner: from_owner.as_ref().map(Text::field),
        to_owner: to_owner.as_ref().map(Text::field),
        asset: asset.field().asset(chain)?,
        amount: map.amount.amount(record)?,
        conversion: conversion(map, record, chain)?,
    };
    assemble(parts, draft)
}

fn of<'a>(source: &'a Option<Source>, record: &'a Record) -> Option<Text<'a>> {
    source.as_ref()?.text(record)
}

fn position(map: &ColumnMap, record: &Record) -> Result<Position, Reason> {
    let index = |source| -> Result<Option<u32>, Reason> {
        of(source, record).map(|text| text.field().number("an index")).transpose()
    };
    Ok(Position {
        height: of(&map.height, record).map(|text| text.field().height()).transpose()?,
        tx_index: index(&map.tx_index)?,
        index: index(&map.index)?,
    })
}

fn conversion(
    map: &ColumnMap,
    record: &Record,
    chain: Chain,
) -> Result<Option<Conversion>, Reason> {
    match (of(&map.asset_to, record), &map.amount_to) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(Reason::new("amount_to: missing beside asset_to")),
        (Some(asset), Some(amount)) => Ok(Some(Conversion {
            asset: asset.field().asset(chain)?,
            amount: amount.amount(record)?,
        })),
    }
}

/// The id of a row that names no transaction: SHA-256 over its fields as written, each with its
/// length. Equal rows have equal ids; the archive tells them apart by their number in the file.
fn row_hash(record: &Record) -> TxId {
    let mut hash = Sha256::new();
    hash.update(ROW_DOMAIN);
    for value in record.values() {
        hash.update((value.len() as u64).to_le_bytes());
        hash.update(value.as_bytes());
    }
    TxId::of_row(hash.finalize().into())
}
