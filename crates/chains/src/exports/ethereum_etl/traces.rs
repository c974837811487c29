//! The table of traces: calls inside transactions, self-destructs, rewards, the genesis state.
//!
//! Delegate calls, static calls and callcode move nothing, and neither does what failed or lies
//! inside a call that failed. The transaction's own call (without a trace address) is left to the
//! table of transactions where that was read; else it gives the very transfer that table would.

use ledger::{Amount, Kind, Position, Transfer, TxId};

use super::super::Context;
use super::super::calls::is_borrowed;
use super::super::field::{Reason, excerpt};
use super::super::out::Draft;
use super::{AFTER_TRANSACTIONS, FIRST_LOG, Row};

/// Failed calls remembered within one transaction.
const MAX_FAILED: usize = 10_000;

/// Where the reading of traces stands: the number of the call, and the failed calls around it.
#[derive(Default)]
pub(super) struct Calls {
    height: Option<u64>,
    tx_index: Option<u32>,
    next: u32,
    failed: Vec<String>,
}

impl Calls {
    /// The number of the next call of a transaction, or of the next reward of a block; the first
    /// that the file has of a transaction is 1 if it is not the transaction's own.
    fn count(&mut self, height: u64, tx_index: Option<u32>, inner: bool) -> u32 {
        if (self.height, self.tx_index) != (Some(height), tx_index) {
            let next = u32::from(inner);
            *self = Calls { height: Some(height), tx_index, next, failed: Vec::new() };
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        number
    }

    /// True if the call at `address` lies in a failed one.
    fn inside_failed(&self, address: &str) -> bool {
        self.failed.iter().any(|failed| {
            let rest = address.strip_prefix(failed.as_str());
            failed.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
        })
    }
}

impl Row<'_> {
    pub(super) fn trace(
        &self,
        calls: &mut Calls,
        context: &mut Context,
        draft: &mut Draft,
    ) -> Result<(), Reason> {
        let height = self.record.need(&["block_number"])?.height()?;
        let tx_index = self.index("transaction_index")?;
        let inner = self.record.get("trace_address").is_some();
        let number = calls.count(height, tx_index, inner);
        let kind = self.record.need(&["trace_type"])?;
        match kind.text {
            "reward" => self.new_value(Kind::Reward, height, number, context, draft),
            "genesis" => self.new_value(Kind::Mint, height, number, context, draft),
            "daofork" => self.fork(height, number, context, draft),
            "call" | "create" | "create2" | "suicide" | "selfdestruct" => {
                let tx_index = tx_index.ok_or_else(|| Reason::new("transaction_index: missing"))?;
                let call = Call { height, tx_index, number, kind: kind.text };
                self.call(&call, calls, context, draft)
            }
            other => Err(kind.wrong(format!("unknown: {}", excerpt(other)))),
        }
    }

    /// Value that no account gave: a reward after the block's transactions, or the first state.
    fn new_value(
        &self,
        kind: Kind,
        height: u64,
        number: u32,
        context: &Context,
        draft: &mut Draft,
    ) -> Result<(), Reason> {
        let time = self.time(context, height)?;
        let amount = self.record.need(&["value"])?.amount()?;
        let to = self.record.need(&["to_address"])?.address(self.chain)?;
        let position = Position::full(height, AFTER_TRANSACTIONS, number);
        let new = self.native(position, time, None, kind);
        if amount.is_zero() {
            draft.moves_nothing();
        } else {
            draft.transfer(Transfer { to: Transfer::receiver(Some(to), kind), amount, ..new });
        }
        Ok(())
    }

    /// The DAO's accounts were emptied by decree, in no transaction: it stands where such rows do,
    /// after the transactions of its block (it happened before them).
    fn fork(
        &self,
        height: u64,
        number: u32,
        context: &Context,
        draft: &mut Draft,
    ) -> Result<(), Reason> {
        let time = self.time(context, height)?;
        let amount = self.record.need(&["value"])?.amount()?;
        let from = self.record.need(&["from_address"])?.address(self.chain)?;
        let to = self.record.need(&["to_address"])?.address(self.chain)?;
        let position = Position { height: Some(height), tx_index: None, index: Some(number) };
        let moved = self.native(position, time, None, Kind::Internal);
        let (from, to) =
            (Transfer::sender(Some(from)), Transfer::receiver(Some(to), Kind::Internal));
        draft.transfer(Transfer { from, to, amount, ..moved });
        Ok(())
    }

    fn call(
        &self,
        call: &Call<'_>,
        calls: &mut Calls,
        context: &mut Context,
        draft: &mut Draft,
    ) -> Result<(), Reason> {
        let address = self.record.get("trace_address").unwrap_or("");
        let failed = self.status("status")? == Some(false)
            || self.record.get("error").is_some()
            || calls.inside_failed(address);
        if failed && calls.failed.len() < MAX_FAILED && !calls.inside_failed(address) {
            calls.failed.push(address.to_string());
        }
        let own = address.is_empty() && !call.destroys();
        let tx = self.tx_of(call, context)?;
        draft.of(tx);
        let borrowed = self.record.get("call_type").is_some_and(is_borrowed);
        let valued = own && context.is_valued(self.chain, call.height, call.tx_index);
        if failed || borrowed || valued {
            draft.moves_nothing();
            return Ok(());
        }
        let amount = self.value(call)?;
        if amount.is_zero() {
            draft.moves_nothing();
            return Ok(());
        }
        let time = self.time(context, call.height)?;
        let from = self.record.need(&["from_address"])?.address(self.chain)?;
        let to = self.record.need(&["to_address"])?.address(self.chain)?;
        let (kind, index) = match (own, call.number) {
            (true, _) => (Kind::Native, 0),
            (false, number) if number < FIRST_LOG => (Kind::Internal, number),
            _ => {
                return Err(Reason::new(format!("more than {FIRST_LOG} calls of one transaction")));
            }
        };
        let position = Position::full(call.height, call.tx_index, index);
        let moved = self.native(position, time, tx, kind);
        let (from, to) = (Transfer::sender(Some(from)), Transfer::receiver(Some(to), kind));
        draft.transfer(Transfer { from, to, amount, ..moved });
        Ok(())
    }

    /// The transaction's id: geth's traces name none, but where it stands tells.
    fn tx_of(&self, call: &Call<'_>, context: &mut Context) -> Result<Option<TxId>, Reason> {
        let Some(field) = self.record.field(&["transaction_hash"]) else {
            return Ok(context.tx_at(self.chain, call.height, call.tx_index));
        };
        let tx = field.tx()?;
        context.note_place(self.chain, tx, call.height, call.tx_index);
        Ok(Some(tx))
    }

    fn value(&self, call: &Call<'_>) -> Result<Amount, Reason> {
        match self.record.field(&["value"]) {
            Some(value) => value.amount(),
            None if call.destroys() => Err(Reason::new(
                "value: missing: these traces do not tell what a self-destruct moved",
            )),
            None => Err(Reason::new("value: missing")),
        }
    }
}

/// Where a call stands, and what it is.
struct Call<'a> {
    height: u64,
    tx_index: u32,
    number: u32,
    kind: &'a str,
}

impl Call<'_> {
    fn destroys(&self) -> bool {
        matches!(self.kind, "suicide" | "selfdestruct")
    }
}
