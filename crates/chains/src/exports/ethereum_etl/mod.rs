//! `ethereum-etl`: the tables of blockchain-etl/ethereum-etl as CSV or JSON lines: blocks,
//! receipts, transactions, logs, token_transfers, traces, tokens.
//!
//! Source: ethereum-etl's schema.md and its own test resources. The tables lean on each other: only
//! blocks (and the streamed JSON) tell times, only receipts what failed and what it cost. So files
//! are read in the order of their ranks, with one `Context`.
//!
//! The index of a transfer in its transaction: 0 for the transaction's own value, the number of the
//! call in trace order for internal transfers (from 1), 1,000,000 + log index for tokens, the
//! greatest numbers for what it cost. Block rewards and withdrawals follow the last transaction.

mod traces;

use ledger::{Address, Amount, Block, Chain, Kind, Position, Time, Transfer, TxId};

use super::context::Receipt;
use super::cost::{self, Cost};
use super::field::{Field, Reason};
use super::file_chain::evm;
use super::head::Head;
use super::out::{Draft, Stand};
use super::record::Record;
use super::{Context, Given, ReadError};

pub(super) const NAME: &str = "ethereum-etl";

/// Token transfers stand behind a transaction's calls, in the order of the block's logs.
const FIRST_LOG: u32 = 1_000_000;
/// Stands behind every transaction of a block.
const AFTER_TRANSACTIONS: u32 = u32::MAX;
/// Keccak-256 of `Transfer(address,address,uint256)`.
const TRANSFER_TOPIC: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
/// Withdrawals of the beacon chain are counted in gwei (EIP-4895).
const WEI_PER_GWEI: u128 = 1_000_000_000;
/// More withdrawals of one block are not possible (EIP-4895: 16).
const MAX_WITHDRAWALS: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Blocks,
    Receipts,
    Transactions,
    Logs,
    TokenTransfers,
    Traces,
    Tokens,
}

/// The tables by the columns that only they have, and their ranks.
pub(super) const TABLES: [(Table, &str, u8, &[&str]); 7] = [
    (Table::Blocks, "blocks", 0, &["number", "hash", "parent_hash", "timestamp"]),
    (Table::Receipts, "receipts", 1, &["transaction_hash", "cumulative_gas_used", "gas_used"]),
    (
        Table::Transactions,
        "transactions",
        2,
        &["hash", "block_number", "transaction_index", "value", "gas_price"],
    ),
    (Table::Logs, "logs", 3, &["log_index", "transaction_hash", "address", "topics", "data"]),
    (
        Table::TokenTransfers,
        "token_transfers",
        4,
        &["token_address", "from_address", "to_address", "value", "log_index"],
    ),
    (Table::Traces, "traces", 3, &["block_number", "trace_type", "trace_address", "value"]),
    (Table::Tokens, "tokens", 3, &["address", "symbol", "decimals", "total_supply"]),
];

pub(super) fn sniff(head: &Head) -> Option<(String, u8)> {
    let (_, name, rank, _) = TABLES.iter().find(|(.., columns)| {
        head.has_columns(columns) || head.has_fields(columns) || long_line(head, columns)
    })?;
    Some((format!("ethereum-etl table {name}"), *rank))
}

/// A first line that is longer than the head still mentions its fields.
fn long_line(head: &Head, columns: &[&str]) -> bool {
    head.mentions(columns) && head.mentions(&["item_id"])
}

pub(super) fn read(given: Given<'_, '_>) -> Result<(), ReadError> {
    let Given { mut input, options, context, out } = given;
    let records = input.table(NAME)?;
    let of_header = records.header().map(|header| {
        let has = |column: &&str| header.iter().any(|name| name == column);
        TABLES.iter().find(|(.., columns)| columns.iter().all(has)).map(|(table, ..)| *table)
    });
    if of_header == Some(None) {
        let reason = "its header is that of no table".to_string();
        return Err(ReadError::NotThis { format: NAME, reason });
    }
    let chain = evm(options, out, "a table of ethereum-etl")?;
    let mut calls = traces::Calls::default();
    records.each(NAME, out, |record, draft| {
        let table = of_header.flatten().or_else(|| {
            let found = TABLES.iter().find(|(.., columns)| columns.iter().all(|c| record.has(c)));
            found.map(|(table, ..)| *table)
        });
        let table = table.ok_or_else(|| Reason::new("a row of no table of ethereum-etl"))?;
        let row = Row { record, chain };
        match table {
            Table::Blocks => row.block(context, draft),
            Table::Receipts => row.receipt(context),
            Table::Transactions => row.transaction(context, draft),
            Table::Logs => row.log(context, draft),
            Table::TokenTransfers => row.token_transfer(context, draft),
            Table::Traces => row.trace(&mut calls, context, draft),
            Table::Tokens => row.token(draft),
        }
    })
}

struct Row<'a> {
    record: &'a Record,
    chain: Chain,
}

impl<'a> Row<'a> {
    fn address(&self, name: &'static str) -> Result<Option<Address>, Reason> {
        self.record.field(&[name]).map(|field| field.address(self.chain)).transpose()
    }

    fn index(&self, name: &'static str) -> Result<Option<u32>, Reason> {
        self.record.field(&[name]).map(|field| field.number("an index")).transpose()
    }

    /// When the row's block was: by the row itself, or by the table of blocks.
    fn time(&self, context: &Context, height: u64) -> Result<Time, Reason> {
        match self.record.field(&["block_timestamp"]) {
            Some(field) => time_of(&field),
            None => context.time(self.chain, height).ok_or_else(|| {
                Reason::new(format!(
                    "the time of block {height} is unknown: import the blocks table too"
                ))
            }),
        }
    }

    fn native(&self, position: Position, time: Time, tx: Option<TxId>, kind: Kind) -> Transfer {
        Stand { chain: self.chain, position, time, tx }.transfer(kind)
    }

    fn block(&self, context: &mut Context, draft: &mut Draft) -> Result<(), Reason> {
        let height = self.record.need(&["number"])?.height()?;
        let time = time_of(&self.record.need(&["timestamp"])?)?;
        let hash = |name| -> Result<Option<[u8; 32]>, Reason> {
            let field = self.record.field(&[name]);
            field.map(|field| field.tx().map(|id| *id.bytes())).transpose()
        };
        let block = Block {
            chain: self.chain,
            height,
            time,
            hash: hash("hash")?,
            parent: hash("parent_hash")?,
        };
        self.withdrawals(height, time, draft)?;
        draft.block(block);
        context.note_block(self.chain, height, time);
        if let Some(price) = self.record.field(&["base_fee_per_gas"]) {
            context.note_base_fee(self.chain, height, price.amount()?);
        }
        Ok(())
    }

    /// Value that comes from the beacon chain: numbered fields in JSON, one text in CSV.
    fn withdrawals(&self, height: u64, time: Time, draft: &mut Draft) -> Result<(), Reason> {
        let parsed;
        let record = match self.record.field(&["withdrawals"]) {
            Some(text) if text.text.starts_with('{') => {
                let list = format!("{{\"withdrawals\":[{}]}}", text.text);
                parsed = Record::from_json(self.record.row, list.as_bytes())
                    .map_err(|Reason(why)| text.wrong(why))?;
                &parsed
            }
            _ => self.record,
        };
        for index in 0..MAX_WITHDRAWALS {
            let path = |name: &str| format!("withdrawals.{index}.{name}");
            let (address, amount) = (path("address"), path("amount"));
            let Some(to) = record.field(&[&address]) else { break };
            let gwei = record.need(&[&amount])?;
            let wei = gwei.amount()?.base_units().checked_mul(WEI_PER_GWEI);
            let amount = Amount::new(wei.ok_or_else(|| gwei.wrong("does not fit in 128 bits"))?);
            let position = Position::full(height, AFTER_TRANSACTIONS, index as u32);
            let to = Transfer::receiver(Some(to.address(self.chain)?), Kind::Mint);
            let new = self.native(position, time, None, Kind::Mint);
            draft.transfer(Transfer { to, amount, ..new });
        }
        Ok(())
    }

    fn receipt(&self, context: &mut Context) -> Result<(), Reason> {
        let tx = self.record.need(&["transaction_hash"])?.tx()?;
        let receipt = Receipt {
            success: self.status("status")?,
            cost: self.cost("gas_used", &["effective_gas_price"], "l1_fee")?,
            created: self.address("contract_address")?,
        };
        context.note_receipt(self.chain, tx, receipt);
        Ok(())
    }

    fn status(&self, name: &'static str) -> Result<Option<bool>, Reason> {
        match self.record.field(&[name]) {
            None => Ok(None),
            Some(field) if field.text == "1" => Ok(Some(true)),
            Some(field) if field.text == "0" => Ok(Some(false)),
            Some(field) => Err(field.wrong("neither 0 nor 1")),
        }
    }

    /// Gas times price, with the part for Ethereum where the chain has one.
    fn cost(
        &self,
        gas: &'static str,
        price: &[&'static str],
        l1: &'static str,
    ) -> Result<Option<Cost>, Reason> {
        let (Some(gas), Some(price)) = (self.record.field(&[gas]), self.record.field(price)) else {
            return Ok(None);
        };
        let too_large = || gas.wrong("the fee does not fit in 128 bits");
        let units = gas.amount()?;
        let fee = units.base_units().checked_mul(price.amount()?.base_units());
        let fee = Amount::new(fee.ok_or_else(too_large)?);
        let total = match self.record.field(&[l1]) {
            Some(part) => fee.checked_add(part.amount()?).ok_or_else(too_large)?,
            None => fee,
        };
        Ok(Some(Cost { gas: units, total }))
    }

    /// What the receipt says, from the row's own columns or from the table of receipts.
    fn receipt_of(&self, tx: TxId, context: &Context) -> Result<Receipt, Reason> {
        let known = context.receipt(self.chain, tx).unwrap_or_default();
        let price = ["receipt_effective_gas_price", "gas_price"];
        let own = self.cost("receipt_gas_used", &price, "receipt_l1_fee")?;
        Ok(Receipt {
            success: self.status("receipt_status")?.or(known.success),
            cost: own.or(known.cost),
            created: self.address("receipt_contract_address")?.or(known.created),
        })
    }

    fn transaction(&self, context: &mut Context, draft: &mut Draft) -> Result<(), Reason> {
        let tx = self.record.need(&["hash"])?.tx()?;
        draft.of(Some(tx));
        let height = self.record.need(&["block_number"])?.height()?;
        let tx_index: u32 = self.record.need(&["transaction_index"])?.number("an index")?;
        let time = self.time(context, height)?;
        let from =
            Transfer::sender(Some(self.record.need(&["from_address"])?.address(self.chain)?));
        let amount = self.record.need(&["value"])?.amount()?;
        let receipt = self.receipt_of(tx, context)?;
        if receipt.success.is_none() {
            let detail = "receipts do not tell which transactions failed: all are taken to have \
                          succeeded";
            draft.gap("no-status", detail);
        }
        if receipt.cost.is_none() {
            draft.gap("no-fees", "fees are unknown: import the receipts table before");
        }
        context.note_place(self.chain, tx, height, tx_index);
        context.note_block(self.chain, height, time);
        if receipt.success == Some(false) || amount.is_zero() {
            draft.moves_nothing();
        } else {
            let to = self.address("to_address")?.or(receipt.created).ok_or_else(|| {
                Reason::new(
                    "to_address: empty: only receipts or traces tell which contract was created",
                )
            })?;
            let to = Transfer::receiver(Some(to), Kind::Native);
            let position = Position::full(height, tx_index, 0);
            let own = self.native(position, time, Some(tx), Kind::Native);
            draft.transfer(Transfer { from, to, amount, ..own });
        }
        context.note_valued(self.chain, height, tx_index);
        if let Some(spent) = receipt.cost {
            let position = Position { height: Some(height), tx_index: Some(tx_index), index: None };
            let stand = Stand { chain: self.chain, position, time, tx: Some(tx) };
            let price = context.base_fee(self.chain, height);
            let base = price.and_then(|price| spent.at_base_fee(price));
            cost::pay(draft, &stand, from, spent.total, base);
        }
        Ok(())
    }

    /// A token transfer at its log, from either of the two tables that have it.
    fn token_at(
        &self,
        context: &Context,
        draft: &mut Draft,
        transfer: impl FnOnce(Transfer) -> Result<Transfer, Reason>,
    ) -> Result<(), Reason> {
        let tx = self.record.need(&["transaction_hash"])?.tx()?;
        draft.of(Some(tx));
        let height = self.record.need(&["block_number"])?.height()?;
        let time = self.time(context, height)?;
        let log = self.record.need(&["log_index"])?;
        let index: u32 = log.number("an index")?;
        let index = FIRST_LOG.checked_add(index).filter(|index| *index < Position::BASE_FEE);
        let index = index.ok_or_else(|| log.wrong("too large"))?;
        let tx_index = match self.index("transaction_index")? {
            Some(tx_index) => Some(tx_index),
            None => context.tx_index(self.chain, tx, height),
        };
        let position = Position { height: Some(height), tx_index, index: Some(index) };
        draft.transfer(transfer(self.native(position, time, Some(tx), Kind::Token))?);
        Ok(())
    }

    fn token_transfer(&self, context: &Context, draft: &mut Draft) -> Result<(), Reason> {
        let height = self.record.need(&["block_number"])?.height()?;
        let log_index = self.record.need(&["log_index"])?.number("an index")?;
        match context.is_nft(self.chain, height, log_index) {
            Some(true) => {
                draft.moves_nothing();
                return Ok(());
            }
            Some(false) => {}
            None => {
                let detail = "the table writes the numbers of NFTs as amounts: \
                              import the logs table too to tell them apart";
                draft.gap("nft-numbers", detail);
            }
        }
        let asset = self.record.need(&["token_address"])?.token(self.chain)?;
        let amount = self.record.need(&["value"])?.amount()?;
        let from = Transfer::sender(self.address("from_address")?);
        let to = Transfer::receiver(self.address("to_address")?, Kind::Token);
        self.token_at(context, draft, |bare| Ok(Transfer { from, to, asset, amount, ..bare }))
    }

    fn log(&self, context: &mut Context, draft: &mut Draft) -> Result<(), Reason> {
        let topics = self.record.field(&["topics"]);
        let text = topics.map_or("", |field| field.text);
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let nft = match parts[..] {
            [TRANSFER_TOPIC, _, _, _] => {
                Some(self.record.need(&["log_index"])?.number("an index")?)
            }
            _ => None,
        };
        let height = self.record.need(&["block_number"])?.height()?;
        context.note_log(self.chain, height, nft);
        // Three topics are those of ERC-20; with a fourth the number is an NFT's, not an amount.
        let (topics, from, to) = match (topics, &parts[..]) {
            (Some(topics), [TRANSFER_TOPIC, from, to]) => (topics, from, to),
            (Some(topics), [TRANSFER_TOPIC, ..]) if nft.is_none() => {
                return Err(topics.wrong("a transfer of unusual shape: of a token or of an NFT?"));
            }
            _ => {
                draft.moves_nothing();
                return Ok(());
            }
        };
        let data = self.record.need(&["data"])?;
        let side = |topic: &str| -> Result<Address, Reason> {
            let body = topic.strip_prefix("0x000000000000000000000000");
            let body = body.ok_or_else(|| topics.wrong("not an address in 32 bytes"))?;
            Field { name: topics.name, text: &format!("0x{body}") }.address(self.chain)
        };
        let from = Transfer::sender(Some(side(from)?));
        let to = Transfer::receiver(Some(side(to)?), Kind::Token);
        let asset = self.record.need(&["address"])?.token(self.chain)?;
        let amount = word(&data)?;
        self.token_at(context, draft, |bare| Ok(Transfer { from, to, asset, amount, ..bare }))
    }

    fn token(&self, draft: &mut Draft) -> Result<(), Reason> {
        let asset = self.record.need(&["address"])?.token(self.chain)?;
        let Some(decimals) = self.record.field(&["decimals"]) else { return Ok(()) };
        draft.token(self.chain, asset, decimals.decimals()?, self.record.get("symbol"));
        Ok(())
    }
}

/// Unix seconds, RFC 3339, or the way in which BigQuery prints the same tables.
fn time_of(field: &Field<'_>) -> Result<Time, Reason> {
    let printed = || Time::parse_pattern(field.text, "%Y-%m-%d %H:%M:%S UTC").ok();
    field.time().or_else(|reason| printed().ok_or(reason))
}

/// The amount in the 32 bytes of a log's data.
fn word(data: &Field<'_>) -> Result<Amount, Reason> {
    let digits = data.text.strip_prefix("0x").unwrap_or(data.text);
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(data.wrong("not the 32 bytes of an amount"));
    }
    let (high, low) = digits.split_at(32);
    if high.bytes().any(|b| b != b'0') {
        return Err(data.wrong("the amount does not fit in 128 bits"));
    }
    let amount = u128::from_str_radix(low, 16).map_err(|_| data.wrong("not a number"))?;
    Ok(Amount::new(amount))
}
