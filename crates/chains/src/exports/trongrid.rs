//! `trongrid`: TronGrid's replies about an account: `/v1/accounts/{a}/transactions` and
//! `…/transactions/trc20`.
//!
//! Sources: developers.tron.network (TronGrid v1 API), the contract types of TRON's protocol
//! (tron.proto). The first list has heights but no index of a transaction in its block, the second
//! has neither. Addresses come in hexadecimal or Base58Check.

use ledger::{Amount, Asset, Chain, Kind, Place, Position, Time, Transfer, TxId};

use super::field::{Field, Reason, excerpt};
use super::head::{Head, Reply};
use super::json::NextPage;
use super::out::{Draft, Order, Stand};
use super::record::Record;
use super::{Given, ReadError};

pub(super) const NAME: &str = "trongrid";
const RANK: u8 = 3;
const KEYS: &[&str] = &["data"];
const CHAIN: Chain = Chain::TRON;

/// No transaction has more internal transfers; more are set aside.
const MAX_INTERNAL: usize = 10_000;

/// Contract types that move value to nobody else: votes, stakes, delegations, settings.
const STILL: [&str; 24] = [
    "AccountCreateContract",
    "AccountPermissionUpdateContract",
    "AccountUpdateContract",
    "AssetIssueContract",
    "CancelAllUnfreezeV2Contract",
    "ClearABIContract",
    "DelegateResourceContract",
    "FreezeBalanceContract",
    "FreezeBalanceV2Contract",
    "ProposalApproveContract",
    "ProposalCreateContract",
    "ProposalDeleteContract",
    "SetAccountIdContract",
    "UnDelegateResourceContract",
    "UnfreezeAssetContract",
    "UnfreezeBalanceContract",
    "UnfreezeBalanceV2Contract",
    "UpdateAssetContract",
    "UpdateBrokerageContract",
    "UpdateEnergyLimitContract",
    "UpdateSettingContract",
    "VoteWitnessContract",
    "WithdrawExpireUnfreezeContract",
    "WitnessUpdateContract",
];

const REPLIES: [Reply; 4] = [
    Reply(
        &["transaction_id", "token_info", "block_timestamp"],
        "TronGrid reply, TRC-20 transfers of an account",
        RANK,
    ),
    Reply(&["txID", "raw_data"], TRANSACTIONS, RANK),
    Reply(&["internal_tx_id", "tx_id"], TRANSACTIONS, RANK),
    Reply(&["data", "success", "meta"], TRANSACTIONS, RANK),
];
const TRANSACTIONS: &str = "TronGrid reply, transactions of an account";

pub(super) fn sniff(head: &Head) -> Option<(String, u8)> {
    head.reply(&REPLIES)
}

pub(super) fn read(given: Given<'_, '_>) -> Result<(), ReadError> {
    let Given { mut input, out, .. } = given;
    let records = input.paged_reply(NAME, KEYS, NextPage("meta", says_more))?;
    out.order(Order::Detect);
    records.each(NAME, out, |record, draft| {
        if record.has("token_info.address") || record.has("token_info.symbol") {
            token(record, draft)
        } else if record.has("internal_tx_id") {
            lone_internal(record, draft)
        } else {
            Row::new(record, draft)?.transaction(draft)
        }
    })
}

/// True if the `meta` of a reply leads to a next page; that of the last page does not.
fn says_more(meta: &[u8]) -> bool {
    let meta = Record::from_json(0, meta);
    meta.is_ok_and(|meta| meta.field(&["fingerprint", "links.next"]).is_some())
}

/// Where a row of TRON stands, as far as its interfaces tell.
pub(super) fn stand(tx: TxId, height: Option<u64>, time: Time) -> Stand {
    let position = Position { height, tx_index: None, index: None };
    Stand { chain: CHAIN, position, time, tx: Some(tx) }
}

fn token(record: &Record, draft: &mut Draft) -> Result<(), Reason> {
    let tx = record.need(&["transaction_id"])?.tx()?;
    draft.of(Some(tx));
    let time = record.need(&["block_timestamp"])?.milliseconds()?;
    match record.get("type") {
        Some("Approval") => {
            draft.moves_nothing();
            return Ok(());
        }
        None | Some("Transfer") => {}
        Some(other) => return Err(Reason::new(format!("type: unknown: {}", excerpt(other)))),
    }
    let asset = record.need(&["token_info.address"])?.token(CHAIN)?;
    let amount = record.need(&["value"])?.amount()?;
    if let Some(decimals) = record.field(&["token_info.decimals"]) {
        draft.token(CHAIN, asset, decimals.decimals()?, record.get("token_info.symbol"));
    }
    let side = |name| record.field(&[name]).map(|field| field.address(CHAIN)).transpose();
    let from = Transfer::sender(side("from")?);
    let to = Transfer::receiver(side("to")?, Kind::Token);
    let height =
        record.field(&["block", "block_number"]).map(|field| field.height()).transpose()?;
    let transfer = stand(tx, height, time).transfer(Kind::Token);
    draft.transfer(Transfer { from, to, asset, amount, ..transfer });
    Ok(())
}

/// An internal transaction that stands in the list by itself.
fn lone_internal(record: &Record, draft: &mut Draft) -> Result<(), Reason> {
    let tx = record.need(&["tx_id"])?.tx()?;
    draft.of(Some(tx));
    let time = record.need(&["block_timestamp"])?.milliseconds()?;
    let transfer = stand(tx, None, time).transfer(Kind::Internal);
    let before = record.get("data.rejected") == Some("true");
    if before {
        draft.moves_nothing();
        return Ok(());
    }
    let from = Transfer::sender(Some(record.need(&["from_address"])?.address(CHAIN)?));
    let to =
        Transfer::receiver(Some(record.need(&["to_address"])?.address(CHAIN)?), Kind::Internal);
    let transfer = Transfer { from, to, ..transfer };
    if !call_values(record, "data.call_value.", &transfer, draft)? {
        draft.moves_nothing();
    }
    Ok(())
}

/// Values of an internal call by asset: `_` is TRX, a number a TRC-10 token.
fn call_values(
    record: &Record,
    prefix: &str,
    transfer: &Transfer,
    draft: &mut Draft,
) -> Result<bool, Reason> {
    let mut moved = false;
    for name in record.names().iter().filter(|name| name.starts_with(prefix)) {
        let Some(field) = record.field(&[name]) else { continue };
        let asset = asset_of(&Field { name, text: &name[prefix.len()..] })?;
        let amount = field.amount()?;
        if !amount.is_zero() {
            draft.transfer(Transfer { asset, amount, ..*transfer });
            moved = true;
        }
    }
    Ok(moved)
}

/// The asset behind a TRC-10 id, where `_` stands for TRX.
pub(super) fn asset_of(field: &Field<'_>) -> Result<Asset, Reason> {
    if field.text == "_" {
        return Ok(Asset::Native);
    }
    match Asset::parse(CHAIN, field.text) {
        Ok(Asset::Trc10(number)) => Ok(Asset::Trc10(number)),
        _ => Err(field.wrong(format!("no number of a TRC-10 token: {}", excerpt(field.text)))),
    }
}

struct Row<'a> {
    record: &'a Record,
    tx: TxId,
    height: Option<u64>,
    time: Time,
}

impl<'a> Row<'a> {
    fn new(record: &'a Record, draft: &mut Draft) -> Result<Row<'a>, Reason> {
        let tx = record.need(&["txID"])?.tx()?;
        draft.of(Some(tx));
        let height = record.field(&["blockNumber"]).map(|field| field.height()).transpose()?;
        Ok(Row { record, tx, height, time: record.need(&["block_timestamp"])?.milliseconds()? })
    }

    fn value(&self, name: &str) -> Option<Field<'a>> {
        let path = format!("raw_data.contract.0.parameter.value.{name}");
        let known = self.record.names().iter().find(|known| **known == path)?;
        self.record.field(&[known])
    }

    fn need(&self, name: &str) -> Result<Field<'a>, Reason> {
        self.value(name).ok_or_else(|| Reason::new(format!("{name}: missing")))
    }

    fn stand(&self) -> Stand {
        stand(self.tx, self.height, self.time)
    }

    fn transfer(&self, kind: Kind) -> Transfer {
        self.stand().transfer(kind)
    }

    fn transaction(&self, draft: &mut Draft) -> Result<(), Reason> {
        if self.record.has("raw_data.contract.1.type") {
            return Err(Reason::new("raw_data.contract: more than one contract"));
        }
        let owner = self.need("owner_address")?.address(CHAIN)?;
        let payer = Transfer::sender(Some(owner));
        let result = self.record.get("ret.0.contractRet").unwrap_or("SUCCESS");
        let mut moved = false;
        if result == "SUCCESS" {
            moved = self.contract(payer, draft)?;
            moved |= self.internals(draft)?;
        }
        if !moved {
            draft.moves_nothing();
        }
        let fee = self.record.field(&["ret.0.fee"]);
        let fee = fee.map_or(Ok(Amount::ZERO), |field| field.amount())?;
        if !fee.is_zero() {
            draft.transfer(self.stand().fee(payer, fee));
        }
        Ok(())
    }

    /// What the contract itself moves; true if that is anything.
    fn contract(&self, from: Place, draft: &mut Draft) -> Result<bool, Reason> {
        let kind = self.record.need(&["raw_data.contract.0.type"])?;
        let to = |name| -> Result<Place, Reason> {
            Ok(Transfer::receiver(Some(self.need(name)?.address(CHAIN)?), Kind::Native))
        };
        match kind.text {
            "TransferContract" => {
                let transfer =
                    Transfer { from, to: to("to_address")?, ..self.transfer(Kind::Native) };
                self.moves(transfer, "amount", draft)
            }
            "TransferAssetContract" => {
                let asset = self.trc10(&self.need("asset_name")?)?;
                let transfer = self.transfer(Kind::Token);
                let transfer = Transfer { from, to: to("to_address")?, asset, ..transfer };
                self.moves(transfer, "amount", draft)
            }
            "TriggerSmartContract" => {
                let transfer = self.transfer(Kind::Native);
                let transfer = Transfer { from, to: to("contract_address")?, ..transfer };
                let native = self.moves(transfer, "call_value", draft)?;
                let Some(id) = self.value("token_id").filter(|id| id.text != "0") else {
                    return Ok(native);
                };
                let asset = asset_of(&id)?;
                let transfer = Transfer { asset, kind: Kind::Token, ..transfer };
                Ok(self.moves(transfer, "call_token_value", draft)? || native)
            }
            "WithdrawBalanceContract" => {
                let Some(amount) = self.record.field(&["withdraw_amount"]) else {
                    return Ok(false);
                };
                let reward =
                    Transfer { from: Place::Mint, to: from, ..self.transfer(Kind::Reward) };
                draft.transfer(Transfer { amount: amount.amount()?, ..reward });
                Ok(true)
            }
            "CreateSmartContract" if self.value("new_contract.call_value").is_none() => Ok(false),
            still if STILL.contains(&still) => Ok(false),
            other => {
                let why = format!("{} may move value and is not read", excerpt(other));
                Err(kind.wrong(why))
            }
        }
    }

    fn moves(&self, transfer: Transfer, name: &str, draft: &mut Draft) -> Result<bool, Reason> {
        let amount = self.value(name).map_or(Ok(Amount::ZERO), |field| field.amount())?;
        if amount.is_zero() {
            return Ok(false);
        }
        draft.transfer(Transfer { amount, ..transfer });
        Ok(true)
    }

    /// A TRC-10 id as TronGrid writes it: the digits, or the digits' bytes in hexadecimal.
    fn trc10(&self, field: &Field<'_>) -> Result<Asset, Reason> {
        let pairs = field.text.as_bytes().as_chunks::<2>().0;
        let in_hex = field.text.len() == 2 * pairs.len()
            && !pairs.is_empty()
            && pairs.iter().all(|[a, b]| *a == b'3' && b.is_ascii_digit());
        if !in_hex {
            return asset_of(field);
        }
        let digits: String = pairs.iter().map(|[_, digit]| char::from(*digit)).collect();
        asset_of(&Field { name: field.name, text: &digits })
    }

    /// The internal transfers that were not rejected; true if there are any.
    fn internals(&self, draft: &mut Draft) -> Result<bool, Reason> {
        let mut moved = false;
        for index in 0..=MAX_INTERNAL {
            let prefix = format!("internal_transactions.{index}.");
            if !self.record.names().iter().any(|name| name.starts_with(&prefix)) {
                return Ok(moved);
            }
            moved |= self.internal(&prefix, draft)?;
        }
        Err(Reason::new(format!("internal_transactions: more than {MAX_INTERNAL}")))
    }

    fn internal(&self, prefix: &str, draft: &mut Draft) -> Result<bool, Reason> {
        let record = self.record;
        let path = |name: &str| format!("{prefix}{name}");
        let rejected = [path("rejected"), path("data.rejected")];
        if rejected.iter().any(|name| record.get(name) == Some("true")) {
            return Ok(false);
        }
        let side = |old: &str, new: &str| -> Result<_, Reason> {
            record.need(&[&path(old), &path(new)])?.address(CHAIN)
        };
        let from = Transfer::sender(Some(side("caller_address", "from_address")?));
        let to = side("transferTo_address", "to_address")?;
        let to = Transfer::receiver(Some(to), Kind::Internal);
        let transfer = Transfer { from, to, ..self.transfer(Kind::Internal) };
        let mut moved = call_values(record, &path("data.call_value."), &transfer, draft)?;
        for value in 0..=MAX_INTERNAL {
            let name = path(&format!("callValueInfo.{value}.callValue"));
            let Some(amount) = record.field(&[&name]) else { break };
            let token = path(&format!("callValueInfo.{value}.tokenId"));
            let asset = match record.field(&[&token]) {
                Some(id) if id.text != "0" => asset_of(&id)?,
                _ => Asset::Native,
            };
            let amount = amount.amount()?;
            if !amount.is_zero() {
                draft.transfer(Transfer { asset, amount, ..transfer });
                moved = true;
            }
        }
        Ok(moved)
    }
}
