//! A text that a user gave as an address: of which chains it is one, and if of none, why. A mistyped
//! address says where to look; "no address" alone does not.

use ledger::{Address, Chain};

use crate::exit::{Coded, Exit};

/// The chains that a text is an address of: of all, or of the one that was named.
pub(crate) fn fitting(text: &str, chain: Option<Chain>) -> Vec<(Chain, Address)> {
    let chains = Chain::all().filter(|known| chain.is_none_or(|named| named == *known));
    chains.filter_map(|chain| Some((chain, Address::parse(chain, text).ok()?))).collect()
}

/// Why a text is no address of the chain, or where none was named, of the one that it resembles most.
pub(crate) fn why_none(text: &str, chain: Option<Chain>) -> Option<String> {
    let chain = chain.unwrap_or_else(|| resembled(text));
    Address::parse(chain, text).err().map(|error| error.to_string())
}

/// The refusal of a text that is an address of no chain.
pub(crate) fn refused(text: &str) -> anyhow::Error {
    let mut message = format!("{text:?} is no address of any chain known here");
    if let Some(why) = why_none(text, None) {
        message.push_str(&format!(" (for {}: {why})", resembled(text)));
    }
    Coded::new(Exit::Usage, message).into()
}

fn resembled(text: &str) -> Chain {
    match text.as_bytes().first() {
        Some(b'T') => Chain::TRON,
        Some(b'0') => Chain::ETHEREUM,
        _ => Chain::BITCOIN,
    }
}
