//! Foreign bytes as a CSV that a column map explains; the maps are fixed.
#![no_main]

use chains::exports::ColumnMap;
use fuzz::{reading, spans};

/// Names everything that a map can name.
const WHOLE: &str = r#"
chain = { column = "chain" }
height = { column = "height" }
tx_index = { column = "tx_index" }
index = { column = "index" }
tx = { column = "tx" }
kind = { column = "kind" }
time = { column = "time", unit = "ms" }
from = { column = "from", prefix = { from = "\\x", to = "0x" } }
to = { column = "to" }
from_owner = { column = "from_owner" }
to_owner = { column = "to_owner" }
asset = { column = "asset" }
amount = { column = "amount", decimals = { column = "places" } }
asset_to = { column = "asset_to" }
amount_to = { column = "amount_to" }
group = { column = "group" }
order = "newest-first"
skip = [{ column = "kind", equals = "approval" }]
"#;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let maps = [
        include_str!("../../examples/ronin-2022/map.toml"),
        include_str!("../../examples/bitfinex-2016/map.toml"),
        WHOLE,
    ];
    let (choice, input) = spans::choice(input);
    let map = ColumnMap::parse(maps[usize::from(choice) % maps.len()]).expect("a good map");
    reading::text("map", input, Some(map));
});
