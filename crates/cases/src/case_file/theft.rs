//! One `[[theft]]`: which transfers took the money, or, where the data cannot show them, what is
//! asserted and by whom.

use ledger::{Address, Asset, Chain, Place, PlaceError, Time, TxId};

use super::document::TheftKeys;
use super::{CaseFileError, Entry, StatedAmount};
use crate::date::Date;
use crate::text;

/// Where a theft arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The thief's account; on UTXO chains, the owner of outputs. A burn has no receiver, so the zero
    /// address matches nothing.
    Address(Address),
    /// One output of a UTXO transaction.
    Output { tx: TxId, index: u32 },
}

impl Target {
    /// The place that it names.
    pub fn place(&self) -> Place {
        match *self {
            Target::Address(address) => Place::Account(address),
            Target::Output { tx, index } => Place::Output { tx, index },
        }
    }
}

/// Transfers that took something: all that match `to` and `asset`, and `from`, `tx` and the window
/// where they are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theft {
    pub chain: Chain,
    pub to: Target,
    /// Only from this victim; the zero address matches mints.
    pub from: Option<Address>,
    /// Only in this transaction.
    pub tx: Option<TxId>,
    pub asset: Asset,
    /// What was stolen in all, to check the match against; what enters, if asserted.
    pub amount: Option<StatedAmount>,
    /// First second, inclusive. An asserted theft enters then.
    pub since: Option<Time>,
    /// Last second, inclusive; a bare date means its last second.
    pub until: Option<Time>,
    /// The transfer itself is not in the data.
    pub asserted: bool,
    /// Who says so, if not the case's sources.
    pub source: Option<String>,
}

impl Theft {
    pub(super) fn read(
        entry: &Entry,
        keys: &TheftKeys,
        sources: &[String],
    ) -> Result<Theft, CaseFileError> {
        let chain = entry.chain(&keys.chain)?;
        let asset = asset(entry, chain, &keys.asset)?;
        let from = keys.from.as_deref().map(|from| entry.address("from", chain, from));
        let tx = keys.tx.as_deref().map(TxId::parse).transpose();
        let decimals = ledger::known_token(chain, &asset).map(|token| token.decimals);
        let amount = keys.amount.as_deref().map(|text| StatedAmount::parse(text, decimals));
        let source = keys.source.as_deref();
        let source = source.map(|text| entry.text("source", text, text::MAX_SENTENCE));
        let since = entry.date("since", keys.since.as_deref())?;
        let until = entry.date("until", keys.until.as_deref())?;
        let theft = Theft {
            chain,
            to: target(entry, chain, &keys.to)?,
            from: from.transpose()?,
            tx: tx.map_err(|why| entry.fail("tx", why))?,
            asset,
            amount: amount.transpose().map_err(|why| entry.fail("amount", why))?,
            since: since.as_ref().map(Date::first),
            until: until.as_ref().map(Date::last),
            asserted: keys.asserted,
            source: source.transpose()?,
        };
        theft.check(entry, sources)?;
        Ok(theft)
    }

    fn check(&self, entry: &Entry, sources: &[String]) -> Result<(), CaseFileError> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since > until
        {
            return Err(entry.fail("until", format!("it lies before since ({since})")));
        }
        if !self.asserted {
            return Ok(());
        }
        let needs = |what| entry.fail("asserted", format!("an asserted theft needs {what}"));
        match &self.to {
            _ if self.amount.is_none() => Err(needs("an amount")),
            _ if self.since.is_none() => Err(needs("since, the moment at which it enters")),
            _ if self.source.is_none() && sources.is_empty() => {
                Err(needs("a source: its own, or the sources of the case"))
            }
            Target::Address(address) if address.is_zero() => {
                Err(needs("an account that can hold it; nobody holds the zero address"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn keys(&self) -> TheftKeys {
        TheftKeys {
            chain: self.chain.to_string(),
            to: self.to.place().text(self.chain),
            from: self.from.map(|from| from.to_string()),
            tx: self.tx.map(|tx| tx.text(self.chain)),
            asset: self.asset.text(self.chain),
            amount: self.amount.as_ref().map(|amount| amount.text.clone()),
            since: self.since.map(|time| time.to_string()),
            until: self.until.map(|time| time.to_string()),
            asserted: self.asserted,
            source: self.source.clone(),
        }
    }
}

fn target(entry: &Entry, chain: Chain, text: &str) -> Result<Target, CaseFileError> {
    match Place::parse(chain, text) {
        Ok(Place::Account(address)) => Ok(Target::Address(address)),
        Ok(Place::Output { tx, index }) => Ok(Target::Output { tx, index }),
        Ok(_) => Err(entry.fail("to", "name an address or one output (txid:index)")),
        Err(why @ PlaceError::NoOutputs(_)) => Err(entry.fail("to", why)),
        Err(why) => Err(entry.fail("to", format!("{why} ({:?} on {chain})", text::excerpt(text)))),
    }
}

/// An asset, with a hint for those who write a symbol where only a contract is certain.
pub(super) fn asset(entry: &Entry, chain: Chain, text: &str) -> Result<Asset, CaseFileError> {
    Asset::parse(chain, text).map_err(|why| match ledger::contract_hint(chain, text) {
        None => entry.fail("asset", why),
        Some(contract) => entry.fail(
            "asset",
            format!("a symbol names no token, its contract does; perhaps you mean {contract}"),
        ),
    })
}
