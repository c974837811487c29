//! `etherscan-api`: replies of the account module of Etherscan's API and its siblings' (`txlist`,
//! `txlistinternal`, `tokentx`), whole or only the list.
//!
//! Source: docs.etherscan.io, "Accounts" and "Get An Address's Full Transaction History". Values are
//! base units. `txlistinternal` tells no index of the transaction in its block; the archive takes it from
//! another row of the transaction, where one tells it.

use ledger::{Amount, Chain, Kind, Place, Position, Time, Transfer, TxId};

use super::calls::is_borrowed;
use super::cost;
use super::field::{Reason, excerpt};
use super::file_chain::evm;
use super::head::{Head, Reply};
use super::out::{Draft, Order, Stand};
use super::record::Record;
use super::{Given, ReadError};

pub(super) const NAME: &str = "etherscan-api";
const RANK: u8 = 2;
const KEYS: &[&str] = &["result"];

const HASH: [&str; 2] = ["hash", "transactionHash"];
/// Chains whose fee has a part for Ethereum, which old replies leave out.
const WITH_L1_FEE: [&str; 2] = ["base", "optimism"];
const L1_FEE: &str = "L1FeesPaid";

/// Rows of a full reply: on the free plan, on a paid one, and what page times offset may not exceed.
const FULL: [u64; 3] = [1_000, 5_000, 10_000];

/// What a reply mentions, from the most telling to the least.
const REPLIES: [Reply; 5] = [
    Reply(
        &["timeStamp", "blockNumber", "tokenSymbol"],
        "Etherscan API reply, token transfers",
        RANK + 2,
    ),
    Reply(
        &["timeStamp", "blockNumber", "transactionIndex"],
        "Etherscan API reply, transactions",
        RANK,
    ),
    Reply(&["timeStamp", "blockNumber", "nonce"], "Etherscan API reply, transactions", RANK),
    Reply(&["timeStamp", "blockNumber"], "Etherscan API reply, internal transactions", RANK + 1),
    Reply(&["status", "message", "result"], "Etherscan API reply without rows", RANK),
];

pub(super) fn sniff(head: &Head) -> Option<(String, u8)> {
    head.reply(&REPLIES)
}

pub(super) fn read(given: Given<'_, '_>) -> Result<(), ReadError> {
    let Given { mut input, options, out, .. } = given;
    let records = input.reply(NAME, KEYS)?;
    let chain = evm(options, out, "a reply of Etherscan's API")?;
    out.order(Order::Detect);
    records.each(NAME, out, |record, draft| {
        let row = Row::new(record, chain, draft)?;
        if record.has("tokenID") || record.has("tokenId") {
            return Err(Reason::new("tokenID: an NFT, which has no amount"));
        }
        if record.has("tokenSymbol") || record.has("tokenDecimal") {
            row.token(draft)
        } else if record.has("nonce") || record.has("transactionIndex") {
            row.normal(draft)
        } else {
            row.internal(draft)
        }
    })?;
    out.gap_at_limit(&FULL);
    Ok(())
}

struct Row<'a> {
    record: &'a Record,
    chain: Chain,
    /// `None` in replies about one transaction, which leave out its id.
    tx: Option<TxId>,
    height: u64,
    time: Time,
}

impl<'a> Row<'a> {
    fn new(record: &'a Record, chain: Chain, draft: &mut Draft) -> Result<Row<'a>, Reason> {
        let tx = match record.field(&HASH) {
            Some(field) => Some(field.tx()?),
            None if record.has("hash") || record.has("nonce") => {
                return Err(Reason::new("hash: missing"));
            }
            None => None,
        };
        draft.of(tx);
        let height = record.need(&["blockNumber"])?.height()?;
        Ok(Row { record, chain, tx, height, time: record.need(&["timeStamp"])?.seconds()? })
    }

    fn stand(&self, tx_index: Option<u32>) -> Stand {
        let position = Position { height: Some(self.height), tx_index, index: None };
        Stand { chain: self.chain, position, time: self.time, tx: self.tx }
    }

    fn tx_index(&self) -> Result<Option<u32>, Reason> {
        let field = self.record.field(&["transactionIndex"]);
        field.map(|field| field.number("an index")).transpose()
    }

    /// The receiver, or the contract that was created.
    fn receiver(&self) -> Result<Place, Reason> {
        let field = match self.record.field(&["to"]) {
            Some(field) => field,
            None => self.record.need(&["contractAddress"])?,
        };
        Ok(Transfer::receiver(Some(field.address(self.chain)?), Kind::Native))
    }

    fn sender(&self) -> Result<Place, Reason> {
        Ok(Transfer::sender(Some(self.record.need(&["from"])?.address(self.chain)?)))
    }

    fn failed(&self) -> Result<bool, Reason> {
        let flag = |name: &str, bad: &str, good: &str| -> Result<bool, Reason> {
            match self.record.field(&[name]) {
                None => Ok(false),
                Some(field) if field.text == bad => Ok(true),
                Some(field) if field.text == good => Ok(false),
                Some(field) => {
                    Err(field.wrong(format!("neither 0 nor 1: {}", excerpt(field.text))))
                }
            }
        };
        Ok(flag("isError", "1", "0")? | flag("txreceipt_status", "0", "1")?)
    }

    fn fee(&self, draft: &mut Draft) -> Result<Amount, Reason> {
        let gas = self.record.need(&["gasUsed"])?.amount()?;
        let price = self.record.need(&["gasPrice"])?;
        let too_large = || price.wrong("the fee does not fit in 128 bits");
        let fee = gas.base_units().checked_mul(price.amount()?.base_units());
        let fee = Amount::new(fee.ok_or_else(too_large)?);
        match self.record.field(&[L1_FEE]) {
            Some(part) => fee.checked_add(part.amount()?).ok_or_else(too_large),
            None if WITH_L1_FEE.contains(&self.chain.name()) => {
                draft.gap("l1-fee", "the reply leaves out the part of fees that goes to Ethereum");
                Ok(fee)
            }
            None => Ok(fee),
        }
    }

    fn normal(&self, draft: &mut Draft) -> Result<(), Reason> {
        let from = self.sender()?;
        let amount = self.record.need(&["value"])?.amount()?;
        let fee = self.fee(draft)?;
        let moves = !self.failed()? && !amount.is_zero();
        let stand = self.stand(self.tx_index()?);
        if moves {
            draft.transfer(stand.payment(from, self.receiver()?, amount));
        } else {
            draft.moves_nothing();
        }
        cost::pay(draft, &stand, from, fee, None);
        Ok(())
    }

    fn internal(&self, draft: &mut Draft) -> Result<(), Reason> {
        let amount = self.record.need(&["value"])?.amount()?;
        let kind = self.record.field(&["callType", "type"]).map_or("call", |field| field.text);
        if is_borrowed(kind) || amount.is_zero() || self.failed()? {
            draft.moves_nothing();
            return Ok(());
        }
        let (from, to) = (self.sender()?, self.receiver()?);
        let transfer = self.stand(None).transfer(Kind::Internal);
        draft.transfer(Transfer { from, to, amount, ..transfer });
        Ok(())
    }

    fn token(&self, draft: &mut Draft) -> Result<(), Reason> {
        let asset = self.record.need(&["contractAddress"])?.token(self.chain)?;
        let amount = self.record.need(&["value"])?.amount()?;
        let side = |name| -> Result<_, Reason> {
            self.record.field(&[name]).map(|field| field.address(self.chain)).transpose()
        };
        let from = Transfer::sender(side("from")?);
        let to = Transfer::receiver(side("to")?, Kind::Token);
        if let Some(decimals) = self.record.field(&["tokenDecimal"]) {
            let symbol = self.record.get("tokenSymbol");
            draft.token(self.chain, asset, decimals.decimals()?, symbol);
        }
        let transfer = self.stand(self.tx_index()?).transfer(Kind::Token);
        draft.transfer(Transfer { from, to, asset, amount, ..transfer });
        Ok(())
    }
}
