//! Labels of the Etherscan family of explorers, as brianleect/etherscan-labels collects them:
//! `chain,address,name,labels` with the explorer's own words joined by ";".
//!
//! The words mix kinds of holder with topics ("gambling" stands on casinos and on the token
//! contract of anything about games), so a row gets a category only where word and name together
//! leave no doubt; all others are kept as "other", which stops nothing.

use ledger::{Address, Chain};

use super::csv::{Row, Table, header_has};
use super::{Category, Label, Origin, ReadError, Reading, Refusal};
use crate::text;

const COLUMNS: [&str; 4] = ["chain", "address", "name", "labels"];
/// An explorer's tag is made by people who see what users report; it is no proof.
const CONFIDENCE: u8 = 60;
/// Where the word is also used for topics: below what stops a trace by default.
const TOPIC_CONFIDENCE: u8 = 40;

/// Words that decide, in this order.
const WORDS: [(&str, Category); 11] = [
    ("heist", Category::Theft),
    ("exploit", Category::Theft),
    ("phish-hack", Category::Scam),
    ("scam", Category::Scam),
    ("ofac-sanctions-lists", Category::Sanctioned),
    ("bridge", Category::Bridge),
    ("exchange", Category::Exchange),
    ("otc", Category::Otc),
    ("gambling", Category::Gambling),
    ("dex", Category::Dex),
    ("mining", Category::Mining),
];

/// Exchanges by the explorer's word and the name that their wallets bear ("Binance 14").
const EXCHANGES: [(&str, &str); 24] = [
    ("ascendex", "AscendEX"),
    ("binance", "Binance"),
    ("bitfinex", "Bitfinex"),
    ("bithumb", "Bithumb"),
    ("bitmart", "Bitmart"),
    ("bitstamp", "Bitstamp"),
    ("coinbase", "Coinbase"),
    ("coinone", "Coinone"),
    ("crypto-com", "Crypto.com"),
    ("deribit", "Deribit"),
    ("digifinex", "DigiFinex"),
    ("ftx", "FTX Exchange"),
    ("gate-io", "Gate.io"),
    ("gemini", "Gemini"),
    ("hitbtc", "HitBTC"),
    ("hotbit", "Hotbit"),
    ("huobi", "Huobi"),
    ("korbit", "Korbit"),
    ("kraken", "Kraken"),
    ("kucoin", "KuCoin"),
    ("okx", "OKX"),
    ("paribu", "Paribu"),
    ("poloniex", "Poloniex"),
    ("upbit", "Upbit"),
];

pub(super) fn sniff(_file_name: &str, head: &[u8]) -> bool {
    header_has(head, &COLUMNS)
}

pub(super) fn read(bytes: &[u8], origin: &Origin<'_>) -> Result<Reading, ReadError> {
    let (table, _) = Table::open(bytes, &COLUMNS, COLUMNS.len())?;
    let mut reading = Reading::default();
    table.rows(&mut reading, |row| label(row, origin))?;
    Ok(reading)
}

fn label(row: &Row<'_>, origin: &Origin<'_>) -> Result<Label, Refusal> {
    let chain = row.get(0)?;
    let chain = Chain::parse(chain).map_err(|_| {
        Refusal::Skip(format!("{} is no chain that dyepack reads", text::excerpt(chain)))
    })?;
    let text = row.get(1)?;
    let address = Address::parse(chain, text).map_err(|why| Refusal::address(text, why))?;
    let (name, words) = (row.get(2)?, row.get(3)?);
    let category = category(name, &words.split(';').map(str::trim).collect::<Vec<_>>());
    let topic = [Category::Otc, Category::Gambling, Category::Dex, Category::Mining];
    let label = Label {
        chain,
        address,
        name: if name.is_empty() { words } else { name }.to_string(),
        category,
        confidence: if topic.contains(&category) { TOPIC_CONFIDENCE } else { CONFIDENCE },
        source: if origin.source.is_empty() { "Etherscan" } else { origin.source }.to_string(),
        date: origin.date.cloned(),
        actor: None,
        uri: None,
    };
    Ok(label.checked()?)
}

fn category(name: &str, words: &[&str]) -> Category {
    let certain = |category: &Category| match category {
        Category::Theft | Category::Scam | Category::Sanctioned => true,
        _ => !is_token(name, words) && !is_backstage(name),
    };
    let mut by_word = WORDS
        .iter()
        .filter(|(word, _)| words.contains(word))
        .map(|(_, category)| *category)
        .filter(certain);
    match by_word.next() {
        Some(crime @ (Category::Theft | Category::Scam)) => crime,
        _ if is_tornado_pool(name) => Category::Mixer,
        _ if is_exchange_wallet(name, words) => Category::Exchange,
        other => other.unwrap_or(Category::Other),
    }
}

/// "Tornado.Cash: 10 ETH", "Tornado.Cash: Router", "Tornado.Cash: Proxy": not its governance or
/// gifts.
fn is_tornado_pool(name: &str) -> bool {
    name.strip_prefix("Tornado.Cash").is_some_and(|rest| {
        let rest = rest.trim_start_matches([':', ' ']);
        rest.starts_with(|c: char| c.is_ascii_digit())
            || rest.contains("Router")
            || rest.contains("Proxy")
    })
}

/// The contract of a token about something is not that thing.
fn is_token(name: &str, words: &[&str]) -> bool {
    let lower = name.to_ascii_lowercase();
    let symbol = lower.ends_with(')') && lower.contains('(');
    let says_so = ["token", "coin", "cash"]
        .iter()
        .any(|word| lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == *word));
    let word = |w: &&str| w.contains("token") || w.ends_with("-pegged") || *w == "stablecoin";
    symbol || says_so || lower.ends_with("token") || words.iter().any(word)
}

/// Accounts of a service's people and workshop through which customers' value does not pass.
fn is_backstage(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["deployer", "rewards", "vesting", "governance", "donat", "multisig", "fee", "grants"]
        .iter()
        .any(|word| lower.contains(word))
}

/// "Binance", "Binance 14", "Kraken: Hot Wallet 2", "Upbit: Cold Wallet".
fn is_exchange_wallet(name: &str, words: &[&str]) -> bool {
    let brands = EXCHANGES.iter().filter(|(word, _)| words.contains(word));
    brands.map(|(_, brand)| *brand).any(|brand| {
        let Some(head) = name.get(..brand.len()) else { return false };
        let rest = name[brand.len()..].trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
        head.eq_ignore_ascii_case(brand)
            && matches!(rest, "" | ": Hot Wallet" | ": Cold Wallet" | ": Wallet")
    })
}
