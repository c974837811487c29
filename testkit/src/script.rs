//! The fixture language: one transfer a line, as a person would say it.
//!
//! ```text
//! victim -> thief 100 USDT          # everybody is an account; amounts are base units
//! thief -> pool 40 USDT = 3 ETH     # a conversion: 40 USDT leave, 3 ETH arrive
//! -> thief 5 USDT                   # new value
//! thief -> 2 USDT                   # burned
//! thief ->fee 1 TRX                 # a fee
//! ```
//!
//! Each line is a block of its own, three seconds after the one before. TRX is the native coin; every
//! other symbol is a token of that name. A malformed line panics: this is for tests.

use ledger::{Address, Amount, Asset, Chain, Conversion, Kind, Position, Time, Transfer, TxId};

/// The TRON account that a name stands for.
pub fn address_of(name: &str) -> Address {
    let mut body = [0x22; 20];
    let bytes = name.as_bytes();
    body[..bytes.len().min(20)].copy_from_slice(&bytes[..bytes.len().min(20)]);
    Address::Tron(body)
}

fn asset_of(symbol: &str) -> Asset {
    if symbol == "TRX" { Asset::Native } else { Asset::Token(address_of(symbol)) }
}

/// The transfers of a script, in order.
pub fn script(text: &str) -> Vec<Transfer> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    lines
        .filter(|line| !line.is_empty())
        .zip(0..)
        .map(|(line, number)| read(line, number))
        .collect()
}

fn bad(line: &str) -> ! {
    panic!("not a line of the fixture language: {line:?}")
}

fn read(line: &str, number: u32) -> Transfer {
    let (from, rest) = line.split_once("->").unwrap_or_else(|| bad(line));
    let (moved, into) = match rest.split_once('=') {
        Some((moved, into)) => (moved, Some(into)),
        None => (rest, None),
    };
    let words: Vec<&str> = moved.split_whitespace().collect();
    let (to, amount, symbol) = match words[..] {
        [to, amount, symbol] => (to, amount, symbol),
        [amount, symbol] => ("", amount, symbol),
        _ => bad(line),
    };
    let units = |text: &str| Amount::parse(text).unwrap_or_else(|_| bad(line));
    let conversion = into.map(|into| match into.split_whitespace().collect::<Vec<_>>()[..] {
        [amount, symbol] => Conversion { asset: asset_of(symbol), amount: units(amount) },
        _ => bad(line),
    });
    let asset = asset_of(symbol);
    let kind = match (to, asset) {
        ("fee", _) => Kind::Fee,
        (_, Asset::Native) => Kind::Native,
        _ => Kind::Token,
    };
    let account = |name: &str| (!name.is_empty() && name != "fee").then(|| address_of(name));
    let mut tx = [0; 32];
    tx[..4].copy_from_slice(&number.to_be_bytes());
    Transfer {
        chain: Chain::TRON,
        position: Position::full(u64::from(number), 0, 0),
        time: Time::from_seconds(1_690_000_000 + 3 * number),
        tx: Some(TxId::new(tx)),
        kind,
        from: Transfer::sender(account(from.trim())),
        to: Transfer::receiver(account(to), kind),
        from_owner: None,
        to_owner: None,
        asset,
        amount: units(amount),
        conversion,
    }
}
