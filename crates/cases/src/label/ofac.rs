//! The addresses that the US Treasury's OFAC lists with its Specially Designated Nationals, as
//! 0xB10C/ofac-sanctioned-digital-currency-addresses publishes them: one file per currency,
//! `sanctioned_addresses_XXX.txt` (an address a line) or `.json` (an array of texts). The currency
//! is in the file's name only. OFAC does not say whose an address is in these lists, so all carry
//! the name "OFAC SDN".

use ledger::Address;

use super::currency::Currency;
use super::{Category, Label, MAX_FIELD, Origin, ReadError, Reading, Refusal};
use crate::text;

/// The whole of OFAC's list is some hundred kilobytes.
const MAX_LIST: usize = 8 << 20;
const PREFIX: &str = "sanctioned_addresses_";

pub(super) fn sniff(file_name: &str, _head: &[u8]) -> bool {
    currency_word(file_name).is_some()
}

/// "ETH" of "sanctioned_addresses_ETH.txt", whatever follows ("_ETH (1).txt").
fn currency_word(file_name: &str) -> Option<&str> {
    let rest = file_name.strip_prefix(PREFIX)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    (1..=10).contains(&end).then(|| &rest[..end])
}

pub(super) fn read(bytes: &[u8], origin: &Origin<'_>) -> Result<Reading, ReadError> {
    let word = currency_word(origin.file_name)
        .ok_or_else(|| ReadError::NoCurrency(text::excerpt(origin.file_name)))?;
    if bytes.len() > MAX_LIST {
        let why = format!("it is larger than {} MiB", MAX_LIST >> 20);
        return Err(ReadError::Shape { format: "OFAC", why });
    }
    let bytes = super::without_bom(bytes);
    let mut reading = Reading::default();
    match bytes.trim_ascii_start().first() {
        Some(b'[') => {
            let entries: Vec<serde_json::Value> =
                serde_json::from_slice(bytes).map_err(|error| ReadError::Syntax {
                    line: error.line(),
                    column: error.column(),
                    why: text::clean(&error.to_string(), 300),
                })?;
            for (at, entry) in entries.iter().enumerate() {
                let outcome = match entry.as_str() {
                    Some(address) => label(address, word, origin),
                    None => Err(Refusal::Aside("an entry that is no text".into())),
                };
                reading.add(at + 1, outcome)?;
            }
        }
        _ => {
            for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
                let line = line.trim_ascii();
                if line.is_empty() {
                    continue;
                }
                let outcome = std::str::from_utf8(line)
                    .map_err(|_| Refusal::Aside("not UTF-8 text".into()))
                    .and_then(|address| label(address, word, origin));
                reading.add(at + 1, outcome)?;
            }
        }
    }
    Ok(reading)
}

fn label(address: &str, word: &str, origin: &Origin<'_>) -> Result<Label, Refusal> {
    if address.len() > MAX_FIELD {
        return Err(Refusal::Aside(format!("a field of more than {MAX_FIELD} bytes")));
    }
    let chain = Currency::parse(word)
        .chain_of(address)
        .ok_or_else(|| Refusal::Skip(format!("{word} is no chain that dyepack reads")))?;
    let address = Address::parse(chain, address).map_err(|why| Refusal::address(address, why))?;
    let source = if origin.source.is_empty() { "OFAC" } else { origin.source };
    let label = Label {
        chain,
        address,
        name: "OFAC SDN".into(),
        category: Category::Sanctioned,
        confidence: 100,
        source: source.into(),
        date: origin.date.cloned(),
        actor: None,
        uri: None,
    };
    Ok(label.checked()?)
}
