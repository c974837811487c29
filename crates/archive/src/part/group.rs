//! The row group that a part is at: its columns as rows are pushed, and the chunks that they become.
//!
//! Texts that repeat (places, assets, kinds, ends) have keys from the beginning, each place looked for once a
//! table of rows; the Parquet library encodes the others.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    FixedSizeBinaryBuilder, StringBuilder, TimestampMillisecondBuilder, UInt32Builder,
    UInt64Builder,
};
use ledger::{Asset, Chain, Kind, Place, Table, TableRow, TxId};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::Result;
use parquet::file::writer::SerializedFileWriter;
use rustc_hash::FxHashMap;

use super::SCHEMA;
use super::keyed::{KeyedColumn, NULL};
use super::write::compression_level;
use crate::batch::Recorded;
use crate::disk::HashingFile;
use crate::names::{Name, NameBook, chain_number};

/// The columns that have keys, and where they stand among all.
const KEYED: [usize; 8] = [5, 6, 7, 8, 10, 12, 13, 14];
const KIND: usize = 0;
const FROM: usize = 1;
const TO: usize = 2;
const ASSET: usize = 3;
const ASSET_TO: usize = 4;
const FROM_OWNER: usize = 5;
const TO_OWNER: usize = 6;
const END: usize = 7;
/// The columns that name places.
const PLACES: [usize; 4] = [FROM, TO, FROM_OWNER, TO_OWNER];

pub(super) struct Group {
    chain: Chain,
    /// Rows that were pushed.
    rows: usize,
    /// Rows that wait to be encoded.
    waiting: usize,
    columns: Columns,
    keyed: Vec<KeyedColumn>,
    /// One for each column of the schema; those of [`KEYED`] are not used.
    writers: Vec<ArrowColumnWriter>,
    places: PlaceKeys,
    assets: FxHashMap<Asset, [u32; 2]>,
    /// There are so few that they are found by looking through them.
    kinds: Vec<(Kind, u32)>,
    ends: Vec<(&'static str, u32)>,
}

/// Keys of places by number and column.
struct PlaceKeys {
    names: NameBook,
    keys: [Vec<u32>; PLACES.len()],
}

/// The columns without keys.
struct Columns {
    height: UInt64Builder,
    tx_index: UInt32Builder,
    index: UInt32Builder,
    time: TimestampMillisecondBuilder,
    tx: FixedSizeBinaryBuilder,
    amount: StringBuilder,
    amount_to: StringBuilder,
    import: UInt32Builder,
    row: UInt64Builder,
    occurrence: UInt32Builder,
}

impl Group {
    pub(super) fn open(
        chain: Chain,
        file: &SerializedFileWriter<HashingFile>,
        factory: &ArrowRowGroupWriterFactory,
    ) -> Result<Group> {
        let number = file.flushed_row_groups().len();
        let column =
            |at: usize| KeyedColumn::new(file.schema_descr().column(at), compression_level());
        Ok(Group {
            chain,
            rows: 0,
            waiting: 0,
            columns: Columns::new(),
            keyed: KEYED.into_iter().map(column).collect::<Result<_>>()?,
            writers: factory.create_column_writers(number)?,
            places: PlaceKeys { names: NameBook::starting_at(0), keys: Default::default() },
            assets: FxHashMap::default(),
            kinds: Vec::new(),
            ends: Vec::new(),
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Rows that wait to be encoded.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Bytes of all dictionaries so far.
    pub(super) fn dictionary_bytes(&self) -> usize {
        self.keyed.iter().map(KeyedColumn::dictionary_bytes).sum()
    }

    pub(super) fn push(&mut self, recorded: &Recorded) -> crate::error::Result<()> {
        let transfer = &recorded.transfer;
        let columns = &mut self.columns;
        columns.height.append_option(transfer.position.height);
        columns.tx_index.append_option(transfer.position.tx_index);
        columns.index.append_option(transfer.position.index);
        columns.time.append_value(i64::from(transfer.time.seconds()) * 1000);
        columns.push_tx(transfer.tx);
        append_number(&mut columns.amount, transfer.amount.base_units());
        match &transfer.conversion {
            Some(into) => append_number(&mut columns.amount_to, into.amount.base_units()),
            None => columns.amount_to.append_null(),
        }
        columns.push_origin(recorded.import, recorded.row, recorded.occurrence);
        let owners = [transfer.from_owner, transfer.to_owner].map(|o| o.map(Place::Account));
        let sides = [transfer.from, transfer.to].map(|side| Some(side).filter(Place::holds_value));
        for (column, place) in PLACES.into_iter().zip(sides.into_iter().chain(owners)) {
            let key = match place {
                Some(place) => {
                    let number = self.place_number(&place)?;
                    self.place_key(column, number, &place)
                }
                None => NULL,
            };
            self.keyed[column].push(key);
        }
        let asset = self.asset_key(ASSET, &transfer.asset);
        self.keyed[ASSET].push(asset);
        let asset_to = transfer.conversion.map(|into| self.asset_key(ASSET_TO, &into.asset));
        self.keyed[ASSET_TO].push(asset_to.unwrap_or(NULL));
        let kind = self.kind_key(transfer.kind);
        self.keyed[KIND].push(kind);
        let end = self.end_key(&transfer.from, &transfer.to);
        self.keyed[END].push(end);
        self.rows += 1;
        self.waiting += 1;
        Ok(())
    }

    /// The numbers by which this group knows the places of a table; [`NULL`] for ends of the world.
    pub(super) fn numbers(&mut self, table: &Table) -> crate::error::Result<Vec<u32>> {
        let number = |place: &Place| match place.holds_value() {
            true => self.place_number(place),
            false => Ok(NULL),
        };
        table.places.iter().map(number).collect()
    }

    /// Adds rows of a table, the first of which is row `first` of import `import`. `numbers` are those of
    /// the table's places.
    pub(super) fn push_rows(
        &mut self,
        table: &Table,
        rows: &[TableRow],
        numbers: &[u32],
        import: u32,
        first: u64,
    ) {
        let mut assets = vec![NULL; table.assets.len()];
        for (row, source_row) in rows.iter().zip(first..) {
            let columns = &mut self.columns;
            columns.height.append_value(row.height);
            columns.tx_index.append_value(row.tx_index);
            columns.index.append_value(row.index);
            columns.time.append_value(i64::from(row.time.seconds()) * 1000);
            columns.push_tx(row.tx);
            append_number(&mut columns.amount, row.amount.base_units());
            columns.amount_to.append_null();
            columns.push_origin(import, source_row, 0);
            let mut is_whole = true;
            for (column, side) in [(FROM, row.from as usize), (TO, row.to as usize)] {
                let key = match numbers[side] {
                    NULL => NULL,
                    number => self.place_key(column, number, &table.places[side]),
                };
                is_whole &= key != NULL;
                self.keyed[column].push(key);
            }
            let end = match is_whole {
                true => NULL,
                false => {
                    self.end_key(&table.places[row.from as usize], &table.places[row.to as usize])
                }
            };
            self.keyed[END].push(end);
            let asset = row.asset as usize;
            if assets[asset] == NULL {
                assets[asset] = self.asset_key(ASSET, &table.assets[asset]);
            }
            self.keyed[ASSET].push(assets[asset]);
            let kind = self.kind_key(row.kind);
            self.keyed[KIND].push(kind);
            for column in [ASSET_TO, FROM_OWNER, TO_OWNER] {
                self.keyed[column].push(NULL);
            }
        }
        self.rows += rows.len();
        self.waiting += rows.len();
    }

    fn place_number(&mut self, place: &Place) -> crate::error::Result<u32> {
        let PlaceKeys { names, keys } = &mut self.places;
        let name = Name::place(chain_number(self.chain), place);
        if let Some(known) = names.find(name.bytes()) {
            return Ok(known);
        }
        keys.iter_mut().for_each(|keys| keys.push(NULL));
        names.add(name.bytes())
    }

    #[inline]
    fn place_key(&mut self, column: usize, number: u32, place: &Place) -> u32 {
        let at = PLACES.iter().position(|place| *place == column).unwrap_or(0);
        let key = &mut self.places.keys[at][number as usize];
        if *key == NULL {
            *key = self.keyed[column].add_text(&place.text(self.chain));
        }
        *key
    }

    fn asset_key(&mut self, column: usize, asset: &Asset) -> u32 {
        let keys = self.assets.entry(*asset).or_insert([NULL; 2]);
        let key = &mut keys[usize::from(column == ASSET_TO)];
        if *key == NULL {
            *key = self.keyed[column].add_text(&asset.text(self.chain));
        }
        *key
    }

    fn kind_key(&mut self, kind: Kind) -> u32 {
        if let Some((_, key)) = self.kinds.iter().find(|(known, _)| *known == kind) {
            return *key;
        }
        let key = self.keyed[KIND].add_text(kind.name());
        self.kinds.push((kind, key));
        key
    }

    fn end_key(&mut self, from: &Place, to: &Place) -> u32 {
        let Some(end) = end_name(from).or_else(|| end_name(to)) else { return NULL };
        if let Some((_, key)) = self.ends.iter().find(|(known, _)| *known == end) {
            return *key;
        }
        let key = self.keyed[END].add_text(end);
        self.ends.push((end, key));
        key
    }

    /// Encodes the rows that wait.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.waiting = 0;
        self.keyed.iter_mut().try_for_each(KeyedColumn::flush)?;
        for (at, array) in self.columns.take() {
            let field = &SCHEMA.fields()[at];
            for leaf in compute_leaves(field, &array)? {
                self.writers[at].write(&leaf)?;
            }
        }
        Ok(())
    }

    /// Writes the group, all rows of which are encoded.
    pub(super) fn finish(self, file: &mut SerializedFileWriter<HashingFile>) -> Result<()> {
        let Group { keyed, writers, places, .. } = self;
        // The names are of no use any more, and what follows needs memory too.
        drop(places);
        let mut group = file.next_row_group()?;
        let mut keyed = KEYED.into_iter().zip(keyed).peekable();
        for (at, writer) in writers.into_iter().enumerate() {
            match keyed.next_if(|(own, _)| *own == at) {
                Some((_, column)) => {
                    let (bytes, close) = column.close()?;
                    group.append_column(&bytes, close)?;
                }
                None => writer.close()?.append_to_row_group(&mut group)?,
            }
        }
        group.close().map(|_| ())
    }
}

impl Columns {
    fn new() -> Columns {
        Columns {
            height: UInt64Builder::new(),
            tx_index: UInt32Builder::new(),
            index: UInt32Builder::new(),
            time: TimestampMillisecondBuilder::new().with_timezone("UTC"),
            tx: FixedSizeBinaryBuilder::new(32),
            amount: StringBuilder::new(),
            amount_to: StringBuilder::new(),
            import: UInt32Builder::new(),
            row: UInt64Builder::new(),
            occurrence: UInt32Builder::new(),
        }
    }

    fn push_tx(&mut self, tx: Option<TxId>) {
        match tx {
            // The builder was made for 32 bytes, the only way in which this can fail.
            Some(tx) => self.tx.append_value(tx.bytes()).unwrap_or_default(),
            None => self.tx.append_null(),
        }
    }

    fn push_origin(&mut self, import: u32, row: u64, occurrence: u32) {
        self.import.append_value(import);
        self.row.append_value(row);
        self.occurrence.append_value(occurrence);
    }

    /// The columns so far, each with its place among all of a part; none are left.
    fn take(&mut self) -> [(usize, ArrayRef); 10] {
        [
            (0, Arc::new(self.height.finish())),
            (1, Arc::new(self.tx_index.finish())),
            (2, Arc::new(self.index.finish())),
            (3, Arc::new(self.time.finish())),
            (4, Arc::new(self.tx.finish())),
            (9, Arc::new(self.amount.finish())),
            (11, Arc::new(self.amount_to.finish())),
            (15, Arc::new(self.import.finish())),
            (16, Arc::new(self.row.finish())),
            (17, Arc::new(self.occurrence.finish())),
        ]
    }
}

/// The word of the `end` column.
fn end_name(place: &Place) -> Option<&'static str> {
    match place {
        Place::Mint => Some("mint"),
        Place::Burn => Some("burn"),
        Place::Fee => Some("fee"),
        _ => None,
    }
}

fn append_number(column: &mut StringBuilder, number: u128) {
    // Writing to memory cannot fail; the empty value ends the text.
    let _ = write!(column, "{number}");
    column.append_value("");
}
