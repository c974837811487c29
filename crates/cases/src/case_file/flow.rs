//! One `[[flow]]`: a movement that somebody reported. Its ends are addresses or, where the report
//! gives none, names ("CoinsPaid hot wallet"). A text that was meant as an address and is mistyped
//! is an error, because as a name it would silently link nothing.

use std::fmt;

use ledger::{Address, Asset, Chain};

use super::document::FlowKeys;
use super::theft::asset;
use super::{CaseFileError, Entry, StatedAmount, resembles};
use crate::date::Date;
use crate::text;

/// Where a reported movement began or ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    Address(Chain, Address),
    /// Somebody or something without a stated address. Names are equal without regard to case.
    Name(String),
}

/// A movement reported by somebody; it is not in the data, or not known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// `None` where the report does not say, as for what reached a wallet over several chains.
    pub chain: Option<Chain>,
    pub from: End,
    pub to: End,
    pub asset: Option<Asset>,
    /// Unknown stays unknown.
    pub amount: Option<StatedAmount>,
    pub date: Option<Date>,
    /// Who says so: the sentence, best verbatim.
    pub source: String,
}

impl Flow {
    pub(super) fn read(entry: &Entry, keys: &FlowKeys) -> Result<Flow, CaseFileError> {
        let chain = keys.chain.as_deref().map(|text| entry.chain(text)).transpose()?;
        let asset = match (chain, keys.asset.as_deref()) {
            (_, None) => None,
            (Some(chain), Some(text)) => Some(asset(entry, chain, text)?),
            (None, Some(_)) => return Err(entry.fail("asset", "say on which chain")),
        };
        if asset.is_none() && keys.amount.is_some() {
            return Err(entry.fail("amount", "say of which asset"));
        }
        let token = chain.zip(asset).and_then(|(chain, asset)| ledger::known_token(chain, &asset));
        let decimals = token.map(|token| token.decimals);
        let amount = keys.amount.as_deref().map(|text| StatedAmount::parse(text, decimals));
        let flow = Flow {
            chain,
            from: end(entry, "from", chain, &keys.from)?,
            to: end(entry, "to", chain, &keys.to)?,
            asset,
            amount: amount.transpose().map_err(|why| entry.fail("amount", why))?,
            date: entry.date("date", keys.date.as_deref())?,
            source: entry.text("source", &keys.source, text::MAX_SENTENCE)?,
        };
        match flow.from == flow.to {
            true => Err(entry.fail("to", "it is where the flow comes from")),
            false => Ok(flow),
        }
    }

    pub(super) fn keys(&self) -> FlowKeys {
        FlowKeys {
            chain: self.chain.map(|chain| chain.to_string()),
            from: self.from.to_string(),
            to: self.to.to_string(),
            asset: self.asset.zip(self.chain).map(|(asset, chain)| asset.text(chain)),
            amount: self.amount.as_ref().map(|amount| amount.text.clone()),
            date: self.date.as_ref().map(|date| date.text().to_string()),
            source: self.source.clone(),
        }
    }
}

fn end(
    entry: &Entry,
    field: &'static str,
    chain: Option<Chain>,
    text: &str,
) -> Result<End, CaseFileError> {
    let text = entry.text(field, text, text::MAX_NAME)?;
    // Without a chain, only the forms that belong to one chain say where an address is.
    let chains = chain.map_or(vec![Chain::BITCOIN, Chain::TRON], |chain| vec![chain]);
    let parsed = chains.iter().map(|chain| (*chain, Address::parse(*chain, &text)));
    if let Some((chain, address)) = parsed.clone().find_map(|(c, a)| a.ok().map(|a| (c, a))) {
        return Ok(End::Address(chain, address));
    }
    let Some(family) = resembles(&text) else { return Ok(End::Name(text)) };
    let mut own = parsed.filter_map(|(c, a)| (c.family() == family).then_some(a.err()).flatten());
    let why = match (own.next(), chain) {
        (Some(why), _) => why.to_string(),
        (None, Some(chain)) => format!("it looks like an address of another chain than {chain}"),
        (None, None) => "say on which chain: its form is that of several chains".to_string(),
    };
    Err(entry.fail(field, format!("{why} ({:?}; it is no name either)", text::excerpt(&text))))
}

impl End {
    /// What to compare ends by: names without regard to case.
    pub(crate) fn key(&self) -> String {
        match self {
            End::Address(chain, address) => format!("{chain}:{address}"),
            End::Name(name) => name.to_lowercase(),
        }
    }

    /// The address, unless it is the zero address, which nobody holds.
    pub fn wallet(&self) -> Option<(Chain, Address)> {
        match self {
            End::Address(chain, address) if !address.is_zero() => Some((*chain, *address)),
            _ => None,
        }
    }
}

/// The address in canonical form, or the name.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Address(_, address) => write!(f, "{address}"),
            End::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Family;

    #[test]
    fn tells_addresses_from_names() {
        let check = |text: &str, want: Option<Family>| assert_eq!(resembles(text), want, "{text}");
        check("CoinsPaid hot wallet", None);
        check("Tornado.Cash", None);
        check("The 2023 attackers", None);
        check("0x Protocol", None);
        check("", None);
        check("TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ah", Some(Family::Tron));
        check("TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag (SlowMist)", Some(Family::Tron));
        check("0x098b716b8aaf21512996dc57eb0615e2383e2f9", Some(Family::Evm));
        check("0x098b…2f96", Some(Family::Evm));
        check("(TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag),", Some(Family::Tron));
        check("TGGMvМ3hCQnmDnteP2ynt3RVkrEp2S11Ag", Some(Family::Tron)); // a Cyrillic letter
        check("bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wl", Some(Family::Bitcoin));
        check("3LU8wRu4ZnXP4UM8Yo6kkTiGHM9BubgyiH", Some(Family::Bitcoin));
    }
}
