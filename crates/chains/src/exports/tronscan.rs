//! `tronscan`: replies of Tronscan's API (`data[]` with TRX and TRC-10 transfers or transactions,
//! `token_transfers[]` with TRC-20), and its CSV exports as far as their columns name a contract.
//!
//! Source: the API's description in tronscan-frontend (document/api.md) and public readers of it.
//! The API has changed its field names several times; each thing is looked for under all of them.

use ledger::{Amount, Asset, Chain, Kind, Transfer};

use super::field::{Field, Reason, excerpt};
use super::head::{Head, Reply};
use super::out::{Draft, Order};
use super::record::Record;
use super::trongrid::{asset_of, stand};
use super::{Given, Options, ReadError};

pub(super) const NAME: &str = "tronscan";
const RANK: u8 = 3;
const KEYS: &[&str] = &["data", "token_transfers"];
const CHAIN: Chain = Chain::TRON;

const HASH: &[&str] = &["transaction_id", "transactionHash", "hash"];
const HEIGHT: &[&str] = &["block", "block_id"];
const TIME: &[&str] = &["block_ts", "block_timestamp", "timestamp"];
const FROM: &[&str] = &["from_address", "transferFromAddress", "from", "ownerAddress"];
const TO: &[&str] = &["to_address", "transferToAddress", "to", "toAddress"];
const AMOUNT: &[&str] = &["quant", "amount_str", "amount", "contractData.amount"];
/// What says of a transaction how it went; every one that is there must say SUCCESS.
const RESULTS: [&str; 6] =
    ["contractRet", "finalResult", "contract_ret", "final_result", "result", "Result"];

const CSV_HASH: &[&str] = &["Txn Hash", "Transaction Hash", "Hash", "TxHash"];
const CSV_TIME: &[&str] = &["Time(UTC)", "Time (UTC)", "Time", "Timestamp"];
const CSV_HEIGHT: &[&str] = &["Block", "Block Height"];
const CSV_AMOUNT: &[&str] = &["Amount", "Quantity", "Value"];
const CSV_SYMBOL: &[&str] = &["Token Symbol", "Token", "Currency"];
const CSV_CONTRACT: &[&str] =
    &["Token Contract Address", "Token Address", "Contract Address", "Token ID"];
const CSV_RESULT: [&str; 2] = ["Result", "Status"];

const REPLIES: [Reply; 5] = [
    Reply(&["token_transfers"], "Tronscan reply, TRC-20 transfers", RANK),
    Reply(&["quant", "block_ts"], "Tronscan reply, TRC-20 transfers", RANK),
    Reply(&["transferFromAddress"], "Tronscan reply, transfers", RANK),
    Reply(&["contract_type", "hash"], "Tronscan reply, transfers", RANK),
    Reply(&["ownerAddress", "contractType"], "Tronscan reply, transactions", RANK),
];

pub(super) fn sniff(head: &Head) -> Option<(String, u8)> {
    if is_csv(head.columns()) {
        return Some(("Tronscan export".to_string(), RANK));
    }
    head.reply(&REPLIES)
}

fn is_csv(columns: &[String]) -> bool {
    let any = |names: &[&str]| names.iter().any(|name| columns.iter().any(|c| c == name));
    let sides = any(&["From"]) && any(&["To"]);
    any(CSV_HASH) && any(CSV_TIME) && sides && any(CSV_AMOUNT) && any(CSV_SYMBOL)
}

pub(super) fn read(given: Given<'_, '_>) -> Result<(), ReadError> {
    let Given { mut input, options, out, .. } = given;
    out.order(Order::Detect);
    if input.is_json() {
        return input.reply(NAME, KEYS)?.each(NAME, out, json);
    }
    let records = input.table(NAME)?;
    if !records.header().is_some_and(is_csv) {
        let reason = "its header is that of no Tronscan export known here".to_string();
        return Err(ReadError::NotThis { format: NAME, reason });
    }
    records.each(NAME, out, |record, draft| csv(record, options, draft))
}

/// True if the record says that the transaction failed; an error if it is not confirmed yet.
fn failed(record: &Record) -> Result<bool, Reason> {
    if matches!(record.get("confirmed"), Some("false" | "0")) {
        return Err(Reason::new("confirmed: the transaction is not confirmed yet"));
    }
    let reverted = matches!(record.get("revert"), Some("true" | "1"));
    let bad = RESULTS.iter().any(|name| record.get(name).is_some_and(|word| word != "SUCCESS"));
    Ok(reverted || bad)
}

fn json(record: &Record, draft: &mut Draft) -> Result<(), Reason> {
    let tx = record.need(HASH)?.tx()?;
    draft.of(Some(tx));
    let height = record.field(HEIGHT).map(|field| field.height()).transpose()?;
    let time = record.need(TIME)?.milliseconds()?;
    let transaction = record.has("contractType") && record.has("ownerAddress");
    let from = Transfer::sender(record.field(FROM).map(|f| f.address(CHAIN)).transpose()?);
    let moves = !failed(record)? && (!transaction || carries_value(record)?);
    let mut moved = false;
    if moves {
        let amount = record.need(AMOUNT)?.amount()?;
        let asset = json_asset(record, draft)?;
        let kind = if asset == Asset::Native { Kind::Native } else { Kind::Token };
        let to = record.field(TO).map(|field| field.address(CHAIN)).transpose()?;
        let to = Transfer::receiver(to, kind);
        let transfer = stand(tx, height, time).transfer(kind);
        if !transaction || !amount.is_zero() {
            draft.transfer(Transfer { from, to, asset, amount, ..transfer });
            moved = true;
        }
    }
    if !moved {
        draft.moves_nothing();
    }
    if transaction && let Some(fee) = record.field(&["cost.fee"]) {
        let amount = fee.amount()?;
        if !amount.is_zero() {
            draft.transfer(stand(tx, height, time).fee(from, amount));
        }
    }
    Ok(())
}

/// Of a row of `/api/transaction`, whether it is a transfer itself. A call's transfers are in other
/// lists; what else moves value is not read.
fn carries_value(record: &Record) -> Result<bool, Reason> {
    let kind = record.need(&["contractType"])?;
    match kind.text {
        "1" | "2" => Ok(true),
        "31" => match record.field(&["contractData.call_value"]) {
            Some(value) if !value.amount()?.is_zero() => {
                Err(value.wrong("a call with a value: import the list of transfers instead"))
            }
            _ => Ok(false),
        },
        // Votes, stakes, delegations, settings: they move nothing to anybody else.
        "0" | "4" | "5" | "8" | "10" | "11" | "12" | "16" | "17" | "18" | "19" | "33" | "45"
        | "46" | "48" | "49" | "54" | "55" | "56" | "57" | "58" | "59" => Ok(false),
        other => Err(kind.wrong(format!("type {} is not read", excerpt(other)))),
    }
}

/// What is moved: by contract or TRC-10 number, never by a symbol.
fn json_asset(record: &Record, draft: &mut Draft) -> Result<Asset, Reason> {
    const IDS: &[&str] =
        &["contract_address", "tokenInfo.tokenId", "contractData.asset_name", "token_id"];
    let Some(id) = record.field(IDS) else {
        return match record.field(&["tokenName", "token_name"]) {
            None => Ok(Asset::Native),
            Some(name) if matches!(name.text, "_" | "trx" | "TRX") => Ok(Asset::Native),
            Some(name) => {
                let why = format!("the token is named, not numbered: {}", excerpt(name.text));
                Err(name.wrong(why))
            }
        };
    };
    if !id.text.starts_with('T') {
        return asset_of(&id);
    }
    let asset = id.token(CHAIN)?;
    let decimals = record.field(&["tokenInfo.tokenDecimal", "decimals"]);
    if let Some(decimals) = decimals {
        let symbol = record.field(&["tokenInfo.tokenAbbr", "token_name"]).map(|f| f.text);
        draft.token(CHAIN, asset, decimals.decimals()?, symbol);
    }
    Ok(asset)
}

fn csv(record: &Record, options: &Options, draft: &mut Draft) -> Result<(), Reason> {
    let tx = record.need(CSV_HASH)?.tx()?;
    draft.of(Some(tx));
    let height = record.field(CSV_HEIGHT).map(|field| field.height()).transpose()?;
    let time = record.need(CSV_TIME)?;
    let time = time.time().or_else(|_| {
        ledger::Time::parse_pattern(time.text, "%Y-%m-%d %H:%M:%S").map_err(|why| time.wrong(why))
    })?;
    let good = |word: &str| {
        ["success", "successful", "confirmed"].contains(&word.to_ascii_lowercase().as_str())
    };
    if CSV_RESULT.iter().any(|name| record.get(name).is_some_and(|word| !good(word))) {
        draft.moves_nothing();
        return Ok(());
    }
    let asset = csv_asset(record)?;
    let amount = record.need(CSV_AMOUNT)?;
    let decimals = options.decimals.get(CHAIN, asset).ok_or_else(|| {
        let token = asset.text(CHAIN);
        amount.wrong(format!("decimals of {token} are unknown (--decimals {token}=N)"))
    })?;
    let amount: Amount = amount.decimal(decimals)?;
    let kind = if asset == Asset::Native { Kind::Native } else { Kind::Token };
    let side = |name| record.field(&[name]).map(|field: Field| field.address(CHAIN)).transpose();
    let from = Transfer::sender(side("From")?);
    let to = Transfer::receiver(side("To")?, kind);
    let transfer = stand(tx, height, time).transfer(kind);
    draft.transfer(Transfer { from, to, asset, amount, ..transfer });
    Ok(())
}

fn csv_asset(record: &Record) -> Result<Asset, Reason> {
    match record.field(CSV_CONTRACT) {
        Some(id) if id.text.starts_with('T') => id.token(CHAIN),
        Some(id) => asset_of(&id),
        None => match record.need(CSV_SYMBOL)? {
            symbol if symbol.text == "TRX" => Ok(Asset::Native),
            symbol => Err(symbol.wrong("the row names no contract, and a symbol is no token")),
        },
    }
}
