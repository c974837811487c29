//! `etherscan`: the CSV exports of Etherscan and its sibling explorers, old headers and new ones:
//! normal transactions, internal transactions, ERC-20 transfers.
//!
//! Values are whole units. Those of the native coin are named by its symbol (`Value_IN(BNB)`),
//! which also tells the chain, except that ETH is the coin of several. `TokenValue` has thousands
//! commas and was divided by decimals that the file does not state.
//! Sources: the headers that public readers of these exports list (BittyTax, among others).

use ledger::{Address, Amount, Chain, Kind, Place, Position, Time, Transfer, TxId};

use super::calls::is_borrowed;
use super::cost;
use super::field::{Field, Reason, excerpt};
use super::file_chain::assumed;
use super::head::Head;
use super::out::{Draft, Order, Out, Stand};
use super::record::Record;
use super::{Given, Options, ReadError};

pub(super) const NAME: &str = "etherscan";

const HASH: [&str; 2] = ["Transaction Hash", "Txhash"];
/// Rows of a full export: Etherscan hands out no more, as its users report.
const FULL: [u64; 1] = [5_000];

const TOKEN_VALUE: [&str; 2] = ["TokenValue", "Value"];

/// Symbols in column names, and the chain whose coin they are. ETH is Ethereum's unless `--chain`
/// says otherwise; MATIC is the old name of POL.
const SYMBOLS: [(&str, &str); 7] = [
    ("ETH", "ethereum"),
    ("BNB", "bsc"),
    ("POL", "polygon"),
    ("MATIC", "polygon"),
    ("AVAX", "avalanche"),
    ("GLMR", "moonbeam"),
    ("RON", "ronin"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    Normal,
    Internal,
    Token,
}

/// What the header says.
struct Layout {
    table: Table,
    /// The symbol in the value columns, where there are any.
    symbol: Option<String>,
    value_in: String,
    value_out: String,
    fee: String,
}

fn layout(columns: &[String]) -> Option<Layout> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let hash = HASH.iter().any(|name| has(name));
    if !(hash && has("UnixTimestamp") && has("From")) {
        return None;
    }
    let symbol = columns.iter().find_map(|column| {
        let symbol = column.strip_prefix("Value_IN(")?.strip_suffix(')')?;
        Some(symbol.to_string())
    });
    let named = |what: &str| match &symbol {
        Some(symbol) => format!("{what}({symbol})"),
        None => String::new(),
    };
    let table = if has("TokenSymbol") && TOKEN_VALUE.iter().any(|name| has(name)) {
        Table::Token
    } else if symbol.is_some() && has("TxTo") {
        Table::Internal
    } else if symbol.is_some() && has(&named("TxnFee")) {
        Table::Normal
    } else {
        return None;
    };
    let (value_in, value_out) = (named("Value_IN"), named("Value_OUT"));
    let fee = named("TxnFee");
    Some(Layout { table, symbol, value_in, value_out, fee })
}

pub(super) fn sniff(head: &Head) -> Option<(String, u8)> {
    let layout = layout(head.columns())?;
    // At one height, value is taken to come before what it pays for: the exports do not tell.
    let (table, rank) = match layout.table {
        Table::Normal => ("export of transactions", 2),
        Table::Internal => ("export of internal transactions", 3),
        Table::Token => ("ERC-20 export", 4),
    };
    let age = if head.has_columns(&["Transaction Hash"]) { "new" } else { "old" };
    Some((format!("Etherscan {table}, {age} header"), rank))
}

pub(super) fn read(given: Given<'_, '_>) -> Result<(), ReadError> {
    let Given { mut input, options, out, .. } = given;
    let records = input.table(NAME)?;
    let layout = records.header().and_then(layout).ok_or_else(|| ReadError::NotThis {
        format: NAME,
        reason: "its header is that of no export of transactions, internal transactions or \
                 ERC-20 transfers"
            .to_string(),
    })?;
    let chain = chain_of(&layout, options, out)?;
    out.order(Order::Detect);
    records.each(NAME, out, |record, draft| {
        let read = Row { record, chain, layout: &layout, options };
        match layout.table {
            Table::Normal => read.normal(draft),
            Table::Internal => read.internal(draft),
            Table::Token => read.token(draft),
        }
    })?;
    out.gap_at_limit(&FULL);
    Ok(())
}

/// The chain of a file: the one given, if it does not contradict the file's symbol.
fn chain_of(layout: &Layout, options: &Options, out: &mut Out<'_>) -> Result<Chain, ReadError> {
    let Some(symbol) = &layout.symbol else { return Ok(assumed(options, out)) };
    let named = SYMBOLS.iter().find(|(known, _)| known == symbol);
    let named = named.and_then(|(_, chain)| Chain::parse(chain).ok());
    match (options.chain, named) {
        (None, Some(Chain::ETHEREUM)) => Ok(assumed(options, out)),
        (None, Some(chain)) => Ok(chain),
        (None, None) => Err(ReadError::NeedsChain),
        (Some(given), Some(named)) if given.native_symbol() == named.native_symbol() => Ok(given),
        (Some(given), _) if given.native_symbol() == symbol.as_str() => Ok(given),
        (Some(given), _) => Err(ReadError::OtherChain {
            file: named.map_or("another chain", Chain::name).to_string(),
            why: format!("its values are in {}", excerpt(symbol)),
            given,
        }),
    }
}

/// What every row of an explorer has.
struct Common {
    tx: TxId,
    height: Option<u64>,
    time: Time,
}

struct Row<'a> {
    record: &'a Record,
    chain: Chain,
    layout: &'a Layout,
    options: &'a Options,
}

impl Row<'_> {
    fn common(&self, draft: &mut Draft) -> Result<Common, Reason> {
        let tx = self.record.need(&HASH)?.tx()?;
        draft.of(Some(tx));
        let height = self.record.field(&["Blockno"]);
        Ok(Common {
            tx,
            height: height.map(|field| field.height()).transpose()?,
            time: self.record.need(&["UnixTimestamp"])?.seconds()?,
        })
    }

    fn address(&self, names: &[&str]) -> Result<Option<Address>, Reason> {
        self.record.field(names).map(|field| field.address(self.chain)).transpose()
    }

    fn stand(&self, common: &Common) -> Stand {
        let position = Position { height: common.height, tx_index: None, index: None };
        Stand { chain: self.chain, position, time: common.time, tx: Some(common.tx) }
    }

    fn transfer(&self, common: &Common, kind: Kind, from: Place, to: Place) -> Transfer {
        Transfer { from, to, ..self.stand(common).transfer(kind) }
    }

    /// The value of a row: what came in or what went out, seen from the account of the export.
    fn value(&self) -> Result<Amount, Reason> {
        let decimals = self.chain.native_decimals();
        let part = |name: &str| -> Result<Amount, Reason> {
            self.record.field(&[name]).map_or(Ok(Amount::ZERO), |field| field.decimal(decimals))
        };
        let (came, went) = (part(&self.layout.value_in)?, part(&self.layout.value_out)?);
        match (came.is_zero(), went.is_zero()) {
            (false, false) if came != went => Err(Reason::new(format!(
                "{}: contradicts {}",
                self.layout.value_in, self.layout.value_out
            ))),
            (true, _) => Ok(went),
            (false, _) => Ok(came),
        }
    }

    /// True if the transaction failed.
    fn failed(&self) -> Result<bool, Reason> {
        if self.record.field(&["ErrCode"]).is_some() {
            return Ok(true);
        }
        let Some(status) = self.record.field(&["Status"]) else { return Ok(false) };
        let word = status.text.to_ascii_lowercase();
        match word.as_str() {
            "0" | "success" | "ok" => Ok(false),
            "1" if self.layout.table == Table::Internal => Ok(true),
            _ if word.starts_with("error") || word.starts_with("fail") => Ok(true),
            _ => Err(status.wrong(format!("an unknown word: {:?}", excerpt(status.text)))),
        }
    }

    fn normal(&self, draft: &mut Draft) -> Result<(), Reason> {
        let common = self.common(draft)?;
        let from = self.record.need(&["From"])?.address(self.chain)?;
        let from = Transfer::sender(Some(from));
        let amount = self.value()?;
        let fee = self.record.field(&[&self.layout.fee]);
        let decimals = self.chain.native_decimals();
        let fee = fee.map_or(Ok(Amount::ZERO), |field| field.decimal(decimals))?;
        let failed = self.failed()?;
        if !failed && !amount.is_zero() {
            let to = self.receiver(&["To"])?;
            draft.transfer(self.stand(&common).payment(from, to, amount));
        }
        cost::pay(draft, &self.stand(&common), from, fee, None);
        if failed || amount.is_zero() {
            draft.moves_nothing();
        }
        Ok(())
    }

    /// The receiver, or the contract that the transaction created.
    fn receiver(&self, names: &[&str]) -> Result<Place, Reason> {
        let to = match self.address(names)? {
            Some(address) => address,
            None => self.record.need(&["ContractAddress"])?.address(self.chain)?,
        };
        Ok(Transfer::receiver(Some(to), Kind::Native))
    }

    fn internal(&self, draft: &mut Draft) -> Result<(), Reason> {
        let common = self.common(draft)?;
        let from = self.record.need(&["From"])?.address(self.chain)?;
        let amount = self.value()?;
        let borrowed = self.record.get("Type").is_some_and(is_borrowed);
        if borrowed || amount.is_zero() || self.failed()? {
            draft.moves_nothing();
            return Ok(());
        }
        let to = self.receiver(&["TxTo"])?;
        let from = Transfer::sender(Some(from));
        draft.transfer(Transfer { amount, ..self.transfer(&common, Kind::Internal, from, to) });
        Ok(())
    }

    fn token(&self, draft: &mut Draft) -> Result<(), Reason> {
        let common = self.common(draft)?;
        let asset = self.record.need(&["ContractAddress"])?.token(self.chain)?;
        let value = self.record.need(&TOKEN_VALUE)?;
        let decimals = self.options.decimals.get(self.chain, asset).ok_or_else(|| {
            let token = asset.text(self.chain);
            value.wrong(format!("decimals of {token} are unknown (--decimals {token}=N)"))
        })?;
        let amount = without_commas(&value)?;
        let amount = Field { name: value.name, text: &amount }.decimal(decimals)?;
        let from = Transfer::sender(self.address(&["From"])?);
        let to = Transfer::receiver(self.address(&["To"])?, Kind::Token);
        draft.token(self.chain, asset, decimals, self.record.get("TokenSymbol"));
        let transfer = self.transfer(&common, Kind::Token, from, to);
        draft.transfer(Transfer { asset, amount, ..transfer });
        Ok(())
    }
}

/// `1,234.5` without its commas, which must stand where thousands end.
fn without_commas(value: &Field<'_>) -> Result<String, Reason> {
    if !value.text.contains(',') {
        return Ok(value.text.to_string());
    }
    let (whole, fraction) = value.text.split_once('.').unwrap_or((value.text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let grouped = whole.split(',').enumerate().all(|(index, group)| {
        digits(group) && if index == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 }
    });
    if !grouped || !digits(fraction) {
        return Err(value.wrong(format!("commas out of place: {:?}", excerpt(value.text))));
    }
    Ok(value.text.replace(',', ""))
}
