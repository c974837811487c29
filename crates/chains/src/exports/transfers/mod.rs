//! `transfers`: our own format, as CSV, JSON lines or Parquet; docs/import.md lists its columns.
//!
//! The columns may stand in any order. `time`, `from`, `to`, `asset` and `amount` must be there;
//! what else is unknown stays empty. The last step, from parsed parts to a checked transfer, is
//! shared with the column map.

mod columns;
pub(super) mod parquet;

use ledger::{
    Address, Amount, Asset, Chain, Conversion, Kind, Place, Position, Time, Transfer, TxId,
};

use super::field::{Field, Reason};
use super::head::Head;
use super::out::{Draft, Out};
use super::own;
use super::record::Record;
use super::{Given, Options, ReadError};

pub(super) const NAME: &str = "transfers";
const RANK: u8 = 3;

pub(super) const REQUIRED: [&str; 5] = ["time", "from", "to", "asset", "amount"];
const OPTIONAL: [&str; 10] = [
    "chain",
    "height",
    "tx_index",
    "index",
    "tx",
    "kind",
    "asset_to",
    "amount_to",
    "from_owner",
    "to_owner",
];

pub(super) fn sniff(head: &Head) -> Option<(String, u8)> {
    if head.is_parquet() {
        return Some(("transfers as Parquet".to_string(), RANK));
    }
    if head.has_columns(&REQUIRED) {
        return Some(("transfers as CSV".to_string(), RANK));
    }
    head.has_fields(&REQUIRED).then(|| ("transfers as JSON lines".to_string(), RANK))
}

pub(super) fn read(given: Given<'_, '_>) -> Result<(), ReadError> {
    let Given { mut input, options, out, .. } = given;
    let records = input.table(NAME)?;
    if let Some(header) = records.header() {
        check_columns(header, options, out)?;
    }
    records.each(NAME, out, |record, draft| row(record, options, draft))
}

/// Refuses a table without the columns that every row needs, and names those that are not ours.
fn check_columns(
    columns: &[String],
    options: &Options,
    out: &mut Out<'_>,
) -> Result<(), ReadError> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    if let Some(missing) = REQUIRED.iter().find(|name| !has(name)) {
        let reason = format!("column {missing:?} is missing");
        return Err(ReadError::NotThis { format: NAME, reason });
    }
    if !has("chain") && options.chain.is_none() {
        return Err(ReadError::NeedsChain);
    }
    let ours = |name: &str| REQUIRED.contains(&name) || OPTIONAL.contains(&name);
    let strange: Vec<&str> =
        columns.iter().map(String::as_str).filter(|name| !ours(name)).collect();
    if !strange.is_empty() {
        out.gap("unknown-columns", format!("not read: {}", strange.join(", ")));
    }
    Ok(())
}

fn row(record: &Record, options: &Options, draft: &mut Draft) -> Result<(), Reason> {
    // Its amount is in whole units, which no check would notice where it has no fraction.
    if own::HOP.iter().any(|name| record.has(name)) {
        return Err(Reason::new("a movement that dyepack traced (trace --hops), not a transfer"));
    }
    let chain = match record.field(&["chain"]) {
        Some(field) => Chain::parse(field.text).map_err(|why| field.wrong(why))?,
        None => options.chain.ok_or_else(|| Reason::new("chain: missing"))?,
    };
    let number = |name| record.field(&[name]).map(|field| field.number("an index")).transpose();
    let tx = record.field(&["tx"]).map(|field| field.tx()).transpose()?;
    let conversion = match (record.field(&["asset_to"]), record.field(&["amount_to"])) {
        (None, None) => None,
        (Some(asset), Some(amount)) => {
            Some(Conversion { asset: asset.asset(chain)?, amount: amount.amount()? })
        }
        (Some(_), None) => return Err(Reason::new("amount_to: missing beside asset_to")),
        (None, Some(_)) => return Err(Reason::new("asset_to: missing beside amount_to")),
    };
    draft.of(tx);
    let parts = Parts {
        chain,
        position: Position {
            height: record.field(&["height"]).map(|field| field.height()).transpose()?,
            tx_index: number("tx_index")?,
            index: number("index")?,
        },
        time: record.need(&["time"])?.time()?,
        tx,
        kind: record.field(&["kind"]),
        from: record.field(&["from"]),
        to: record.field(&["to"]),
        from_owner: record.field(&["from_owner"]),
        to_owner: record.field(&["to_owner"]),
        asset: record.need(&["asset"])?.asset(chain)?,
        amount: record.need(&["amount"])?.amount()?,
        conversion,
    };
    assemble(parts, draft)
}

/// A transfer whose sides and kind are still text.
pub(super) struct Parts<'a> {
    pub(super) chain: Chain,
    pub(super) position: Position,
    pub(super) time: Time,
    pub(super) tx: Option<TxId>,
    pub(super) kind: Option<Field<'a>>,
    pub(super) from: Option<Field<'a>>,
    pub(super) to: Option<Field<'a>>,
    pub(super) from_owner: Option<Field<'a>>,
    pub(super) to_owner: Option<Field<'a>>,
    pub(super) asset: Asset,
    pub(super) amount: Amount,
    pub(super) conversion: Option<Conversion>,
}

/// Makes the transfer: an empty kind is that of its asset, an empty or zero side is an end of the
/// world, an account owns itself.
pub(super) fn assemble(parts: Parts<'_>, draft: &mut Draft) -> Result<(), Reason> {
    let kind = match parts.kind {
        Some(field) => Kind::parse(field.text).map_err(|why| field.wrong(why))?,
        None if parts.asset == Asset::Native => Kind::Native,
        None => Kind::Token,
    };
    if matches!(kind, Kind::Native | Kind::Token | Kind::Internal) {
        // It may be a mint or a burn, and it may be a field that was lost on the way.
        if parts.from.is_none() {
            draft.gap(
                "no-sender",
                format!("{} rows without a sender count as new value", kind.name()),
            );
        }
        if parts.to.is_none() {
            draft.gap(
                "no-receiver",
                format!("{} rows without a receiver count as burned", kind.name()),
            );
        }
    }
    let place = |field: Option<Field>| field.map(|field| field.place(parts.chain)).transpose();
    let from = match place(parts.from)? {
        None => Transfer::sender(None),
        Some(Place::Account(address)) => Transfer::sender(Some(address)),
        Some(place) => place,
    };
    let to = match place(parts.to)? {
        None => Transfer::receiver(None, kind),
        Some(Place::Account(address)) => Transfer::receiver(Some(address), kind),
        Some(place) => place,
    };
    match kind {
        Kind::Mint | Kind::Reward if from != Place::Mint => {
            return Err(Reason::new(format!("from: a {} row has no sender", kind.name())));
        }
        Kind::Burn if to != Place::Burn => {
            return Err(Reason::new("to: a burn row has no receiver"));
        }
        _ => {}
    }
    draft.transfer(Transfer {
        chain: parts.chain,
        position: parts.position,
        time: parts.time,
        tx: parts.tx,
        kind,
        from,
        to,
        from_owner: owner(parts.from_owner, parts.chain, from)?,
        to_owner: owner(parts.to_owner, parts.chain, to)?,
        asset: parts.asset,
        amount: parts.amount,
        conversion: parts.conversion,
    });
    Ok(())
}

fn owner(field: Option<Field<'_>>, chain: Chain, place: Place) -> Result<Option<Address>, Reason> {
    let Some(field) = field else { return Ok(None) };
    let address = field.address(chain)?;
    match place {
        Place::Output { .. } => Ok(Some(address)),
        Place::Account(account) if account == address => Ok(None),
        _ => Err(field.wrong("only an output has an owner of its own")),
    }
}
