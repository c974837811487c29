//! The Parquet twin of an invented chain, in our own `transfers` format: what `dyepack import` reads.
//!
//! Each place is a TRON account made from its number, an asset TRX or a contract, four transfers a
//! transaction, some two hundred a block. Amounts are 64-bit integers, as users' tables have them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::builder::{Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use bench::flat::{self, FlatPot, FlatRow};
use ledger::{Address, Chain};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use taint::NO_POT;
use testkit::Dice;

const ROWS_A_BATCH: usize = 1 << 14;
const ROWS_A_GROUP: usize = 1 << 18;
const ROWS_A_BLOCK: u64 = 200;
const ROWS_A_TRANSACTION: u64 = 4;
/// 2023-07-22, and TRON's three seconds a block.
const FIRST_SECOND: i64 = 1_690_000_000;
const SECONDS_A_BLOCK: i64 = 3;

const TEXTS: [&str; 6] = ["tx", "kind", "from", "to", "asset", "chain"];
const NUMBERS: [&str; 5] = ["height", "tx_index", "index", "time", "amount"];

/// Writes `transfers.parquet` beside the flat files of a folder.
pub(crate) fn write_transfers(folder: &Path) -> Result<()> {
    let path = folder.join("transfers.parquet");
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    let text = |name: &&str| Field::new(*name, DataType::Utf8, true);
    let number = |name: &&str| Field::new(*name, DataType::Int64, false);
    let fields: Vec<Field> = TEXTS.iter().map(text).chain(NUMBERS.iter().map(number)).collect();
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROWS_A_GROUP))
        .set_column_dictionary_enabled(ColumnPath::from("tx"), false)
        .build();
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))?;
    let mut columns = Columns::new(flat::read_pots(folder)?)?;
    let mut write = |columns: &mut Columns| -> Result<()> {
        Ok(writer.write(&RecordBatch::try_new(schema.clone(), columns.take())?)?)
    };
    flat::read_rows(folder, |row| {
        columns.push(row);
        if columns.rows.is_multiple_of(ROWS_A_BATCH as u64) { write(&mut columns) } else { Ok(()) }
    })?;
    write(&mut columns)?;
    writer.close()?;
    Ok(())
}

/// The rows that are not written yet.
struct Columns {
    pots: Vec<FlatPot>,
    assets: Vec<String>,
    /// The text of a place, made when it is first needed.
    accounts: Vec<Option<Box<str>>>,
    rows: u64,
    texts: [StringBuilder; 6],
    numbers: [Int64Builder; 5],
}

impl Columns {
    fn new(pots: Vec<FlatPot>) -> Result<Columns> {
        let places = pots.iter().map(|pot| pot.place as usize + 1).max().unwrap_or(0);
        let mut assets = vec![Chain::TRON.native_symbol().to_string()];
        assets.extend((1..4).map(|number| account(u32::MAX - number)));
        let (texts, numbers) = Default::default();
        Ok(Columns { pots, assets, accounts: vec![None; places], rows: 0, texts, numbers })
    }

    fn push(&mut self, row: &FlatRow) {
        let height = self.rows / ROWS_A_BLOCK;
        let in_block = self.rows % ROWS_A_BLOCK;
        let (tx_index, index) = (in_block / ROWS_A_TRANSACTION, in_block % ROWS_A_TRANSACTION);
        let asset = self.pots[row.to as usize].asset as usize;
        let kind = match (row.from, asset) {
            (NO_POT, _) => "mint",
            (_, 0) => "native",
            _ => "token",
        };
        let [tx, kinds, from, to, assets, chain] = &mut self.texts;
        tx.append_value(txid(self.rows / ROWS_A_TRANSACTION));
        kinds.append_value(kind);
        for (pot, column) in [(row.from, from), (row.to, to)] {
            match self.pots.get(pot as usize) {
                None => column.append_null(),
                Some(FlatPot { place, .. }) => {
                    let known = &mut self.accounts[*place as usize];
                    column.append_value(known.get_or_insert_with(|| account(*place).into()));
                }
            }
        }
        assets.append_value(&self.assets[asset]);
        chain.append_value(Chain::TRON.name());
        let time = FIRST_SECOND + SECONDS_A_BLOCK * height as i64;
        let numbers = [height as i64, tx_index as i64, index as i64, time, row.amount as i64];
        for (column, number) in self.numbers.iter_mut().zip(numbers) {
            column.append_value(number);
        }
        self.rows += 1;
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        let texts = self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        let numbers = self.numbers.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        texts.chain(numbers).collect()
    }
}

/// The account of a place.
fn account(place: u32) -> String {
    let mut dice = Dice::new(u64::from(place));
    let mut body = [0; 20];
    for part in body.chunks_mut(8) {
        part.copy_from_slice(&dice.roll().to_be_bytes()[..part.len()]);
    }
    Address::Tron(body).to_string()
}

/// The id of a transaction, from its number.
fn txid(number: u64) -> String {
    let mut dice = Dice::new(!number);
    let parts = [dice.roll(), dice.roll(), dice.roll(), dice.roll()];
    parts.map(|part| format!("{part:016x}")).concat()
}
