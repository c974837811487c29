//! Real TRON data: the complete TRC-20 histories of twenty wallets in two Israeli seizure orders.
//! The program's answers are compared with plain code over the same CSV that knows two rules, one
//! token and nothing else. The data has no licence, so it stays where it is.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Room, conserved, list, raw, text};

const USDT: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
const MAP: &str = "\
chain = \"tron\"
kind = \"token\"
tx = { column = \"tx_id\" }
time = { column = \"timestamp\", unit = \"ms\" }
from = { column = \"from_address\" }
to = { column = \"to_address\" }
asset = { column = \"token_id\" }
amount = { column = \"quant\" }
group = { column = \"wallet\" }
skip = [{ column = \"contract_return\", not = \"SUCCESS\" }]
";

fn data() -> Option<PathBuf> {
    let path = "../../../shared/data/unlicensed/tron-aso/trc20_xfers.csv";
    let path = std::env::current_dir().expect("a folder").join(path);
    if !path.is_file() {
        eprintln!("skipped: data not here");
        return None;
    }
    Some(path)
}

/// A row of the export.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Moved {
    time: u64,
    tx: String,
    from: String,
    to: String,
    amount: u128,
    token: String,
}

struct Table {
    /// Each transfer once, by time, then as the file has them.
    moves: Vec<Moved>,
    wallets: BTreeSet<String>,
    /// Address and name of each exchange that the explorer tagged as a receiver.
    exchanges: BTreeMap<String, String>,
}

fn read(path: &Path) -> Table {
    let mut reader = csv::Reader::from_path(path).expect("readable");
    let rows: Vec<HashMap<String, String>> =
        reader.deserialize().collect::<Result<_, _>>().expect("a table");
    let mut table =
        Table { moves: Vec::new(), wallets: BTreeSet::new(), exchanges: BTreeMap::new() };
    let mut counts: HashMap<(String, Moved), u32> = HashMap::new();
    let mut seen = HashSet::new();
    for row in &rows {
        assert_eq!(row["contract_return"], "SUCCESS", "the whole file succeeded");
        let moved = Moved {
            time: row["timestamp"].parse::<u64>().expect("ms") / 1000,
            tx: row["tx_id"].clone(),
            from: row["from_address"].clone(),
            to: row["to_address"].clone(),
            amount: row["quant"].parse().expect("base units"),
            token: row["token_id"].clone(),
        };
        table.wallets.insert(row["wallet"].clone());
        if !row["to_tag"].is_empty() {
            table.exchanges.insert(moved.to.clone(), row["to_tag"].clone());
        }
        // A transfer between two listed wallets stands in both histories.
        let count = counts.entry((row["wallet"].clone(), moved.clone())).or_default();
        *count += 1;
        if seen.insert((moved.clone(), *count)) {
            table.moves.push(moved);
        }
    }
    table.moves.sort_by_key(|moved| moved.time);
    table
}

/// A pot of USDT, oldest units first; true where they are stolen.
#[derive(Default)]
struct Pot {
    runs: VecDeque<(u128, bool)>,
    reached: bool,
}

impl Pot {
    fn sum(&self, stolen: bool) -> u128 {
        self.runs.iter().filter(|run| run.1 == stolen).map(|run| run.0).sum()
    }

    /// Oldest first.
    fn take_fifo(&mut self, mut amount: u128) -> Vec<(u128, bool)> {
        let mut taken = Vec::new();
        while amount > 0 {
            let (units, stolen) = self.runs.pop_front().expect("covered");
            let used = units.min(amount);
            taken.push((used, stolen));
            if units > used {
                self.runs.push_front((units - used, stolen));
            }
            amount -= used;
        }
        taken
    }

    /// The same part of both, the odd unit stays.
    fn take_haircut(&mut self, amount: u128) -> Vec<(u128, bool)> {
        let (clean, stolen) = (self.sum(false), self.sum(true));
        // No amount of USDT comes near 2^64, so the product fits.
        let leaves = stolen * amount / (clean + stolen);
        self.runs = [(clean - (amount - leaves), false), (stolen - leaves, true)].into();
        vec![(amount - leaves, false), (leaves, true)]
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    held: BTreeMap<String, u128>,
    unknown: BTreeMap<String, u128>,
    stolen: u128,
}

/// Where the USDT that the seeds took are, by fifo or by haircut.
fn follow(table: &Table, is_seed: &dyn Fn(&Moved) -> bool, fifo: bool) -> Answer {
    let mut pots: HashMap<String, Pot> = HashMap::new();
    let mut answer = Answer::default();
    let moves = table.moves.iter().filter(|moved| moved.token == USDT && moved.amount > 0);
    for moved in moves.filter(|moved| moved.from != moved.to) {
        let pot = pots.entry(moved.from.clone()).or_default();
        let balance = pot.sum(false) + pot.sum(true);
        if let Some(shortfall) = moved.amount.checked_sub(balance).filter(|s| *s > 0) {
            pot.runs.push_back((shortfall, false));
            if pot.reached {
                *answer.unknown.entry(moved.from.clone()).or_default() += shortfall;
            }
        }
        let mut parcel = match fifo {
            true => pot.take_fifo(moved.amount),
            false => pot.take_haircut(moved.amount),
        };
        if is_seed(moved) {
            parcel = vec![(moved.amount, true)];
            answer.stolen += moved.amount;
        }
        let stolen: u128 = parcel.iter().filter(|run| run.1).map(|run| run.0).sum();
        if table.exchanges.contains_key(&moved.to) {
            *answer.held.entry(moved.to.clone()).or_default() += stolen;
            parcel = vec![(moved.amount, false)];
        }
        let pot = pots.entry(moved.to.clone()).or_default();
        pot.reached |= parcel.iter().any(|run| run.1 && run.0 > 0);
        pot.runs.extend(parcel.into_iter().filter(|run| run.0 > 0));
    }
    for (place, pot) in pots {
        *answer.held.entry(place).or_default() += pot.sum(true);
    }
    answer.held.retain(|_, amount| *amount > 0);
    answer
}

/// The program's answer in the same words.
fn said(result: &Value, table: &Table) -> Answer {
    let mut answer = Answer::default();
    for holding in list(result, "holdings") {
        assert_eq!(text(holding, "asset"), USDT, "nothing but USDT was stolen");
        assert_eq!((text(holding, "symbol"), &holding["decimals"]), ("USDT", &6.into()));
        let place = text(holding, "place").to_string();
        let exchange = table.exchanges.get(&place);
        assert_eq!(text(holding, "where"), if exchange.is_some() { "service" } else { "unspent" });
        assert_eq!(holding["label"].as_str(), exchange.map(String::as_str));
        if raw(holding, "raw") > 0 {
            answer.held.insert(place, raw(holding, "raw"));
        }
    }
    for unknown in list(result, "unknown") {
        answer.unknown.insert(text(unknown, "place").to_string(), raw(unknown, "raw"));
    }
    answer.stolen = list(result, "stolen").iter().map(|sum| raw(sum, "raw")).sum();
    answer
}

fn room(path: &Path, table: &Table) -> Room {
    let room = Room::new();
    room.write("map.toml", MAP);
    let file = path.display().to_string();
    let done = room.json(&["import", &file, "--map", "map.toml"], 0);
    assert_eq!((&done["files"][0]["rows"], &done["files"][0]["new"]), (&4590.into(), &4519.into()));
    assert_eq!(table.moves.len(), 4519);
    let mut labels = "chain,address,name,category,confidence,source,date\n".to_string();
    for (address, name) in &table.exchanges {
        labels.push_str(&format!("tron,{address},{name},exchange,90,the explorer's tag,\n"));
    }
    room.write("labels.csv", labels);
    room.run(&["label", "import", "labels.csv", "--source", "tags"]).expect(0);
    room
}

fn case(to: &str, token: &str, tx: Option<&str>) -> String {
    let tx = tx.map(|tx| format!("tx = \"{tx}\"\n")).unwrap_or_default();
    format!(
        "schema = \"dyepack.case/1\"\nid = \"aso\"\ntitle = \"Seized\"\n\n[[theft]]\n\
         chain = \"tron\"\nto = \"{to}\"\nasset = \"{token}\"\n{tx}"
    )
}

fn trace(room: &Room, case: &str, rule: &str) -> Value {
    room.write("case.toml", case);
    let result = room.json(&["trace", "case.toml", "--rule", rule, "--service-degree", "0"], 0);
    assert!(conserved(&result), "{case}");
    result
}

#[test]
fn no_wallet_was_ever_below_zero() {
    let Some(path) = data() else { return };
    let table = read(&path);
    assert_eq!(table.wallets.len(), 20);
    let mut balances: HashMap<(&str, &str), i128> = HashMap::new();
    for moved in &table.moves {
        let amount = i128::try_from(moved.amount).expect("small");
        let left = balances.entry((&moved.from, &moved.token)).or_default();
        *left -= if moved.from == moved.to { 0 } else { amount };
        assert!(*left >= 0 || !table.wallets.contains(&moved.from), "{moved:?}: {left}");
        let right = balances.entry((&moved.to, &moved.token)).or_default();
        *right += if moved.from == moved.to { 0 } else { amount };
    }
}

#[test]
fn what_reached_the_exchanges_is_exact() {
    let Some(path) = data() else { return };
    let table = read(&path);
    let room = room(&path, &table);
    let mut at_exchanges = BTreeMap::new();
    for (number, wallet) in table.wallets.iter().enumerate() {
        let came = |moved: &&Moved| {
            moved.to == *wallet && moved.token == USDT && moved.amount > 0 && moved.from != moved.to
        };
        let first = table.moves.iter().find(came).expect("every wallet was paid");
        let only_first = |moved: &Moved| moved == first;
        let all = |moved: &Moved| came(&moved);
        // The first payment by one rule and all payments by the other, in turn.
        for (fifo, tx) in [(number % 2 == 0, Some(first.tx.as_str())), (number % 2 == 1, None)] {
            let is_seed: &dyn Fn(&Moved) -> bool = if tx.is_some() { &only_first } else { &all };
            let rule = if fifo { "fifo" } else { "haircut" };
            let result = trace(&room, &case(wallet, USDT, tx), rule);
            let answer = said(&result, &table);
            assert_eq!(answer, follow(&table, is_seed, fifo), "{wallet}, {rule}, {tx:?}");
            let listed = answer.unknown.keys().find(|place| table.wallets.contains(*place));
            assert_eq!(listed, None, "a complete history has no unknown value");
            for (exchange, name) in &table.exchanges {
                *at_exchanges.entry(name.as_str()).or_insert(0) +=
                    answer.held.get(exchange).copied().unwrap_or(0);
            }
        }
    }
    assert!(
        at_exchanges.len() == 4 && at_exchanges.values().all(|sum| *sum > 0),
        "{at_exchanges:?}"
    );
}

/// Anybody can call a token USDT: an asset is its contract.
#[test]
fn tokens_that_only_look_alike_never_mix() {
    let Some(path) = data() else { return };
    let table = read(&path);
    let room = room(&path, &table);
    let others: BTreeSet<&str> = table.moves.iter().map(|moved| moved.token.as_str()).collect();
    let busiest = "TEtJTCuFEzY6jjVNzFtbWGMfrHzfE2aGKU";
    let before = trace(&room, &case(busiest, USDT, None), "haircut");

    // A contract that calls itself USDT pays every listed wallet before its first transfer.
    let contract = "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem";
    let mut fake = "wallet,timestamp,tx_id,from_address,to_address,quant,token_id,token_abbr,\
        contract_return\n"
        .to_string();
    for (number, wallet) in table.wallets.iter().enumerate() {
        let from = "TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag";
        fake.push_str(&format!(
            "{wallet},1500000000000,{number:064x},{from},{wallet},999999999999,{contract},USDT,\
             SUCCESS\n"
        ));
    }
    let file = room.write("fake.csv", fake);
    room.json(&["import", &file, "--map", "map.toml"], 0);
    let after = trace(&room, &case(busiest, USDT, None), "haircut");
    assert_eq!(before["digest"], after["digest"]);
    let of_fake = trace(&room, &case(busiest, contract, None), "haircut");
    let holdings = list(&of_fake, "holdings");
    assert!(holdings.iter().all(|holding| text(holding, "asset") == contract));
    assert!(holdings.iter().all(|holding| holding["symbol"].is_null()), "no symbol by hearsay");
    assert_eq!(holdings.iter().map(|holding| raw(holding, "raw")).sum::<u128>(), 999_999_999_999);

    for token in others.into_iter().filter(|token| *token != USDT) {
        let first = table.moves.iter().find(|m| m.token == token && m.amount > 0 && m.from != m.to);
        let Some(first) = first else { continue };
        let result = trace(&room, &case(&first.to, token, Some(&first.tx)), "fifo");
        assert!(list(&result, "holdings").iter().all(|h| text(h, "asset") == token), "{token}");
        assert!(list(&result, "totals").iter().all(|t| t["symbol"].is_null()), "{token}");
    }
}
