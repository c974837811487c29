//! Writing a part: rows pushed in order, flushed by row groups, named by its hash when it is done.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, StringBuilder, TimestampMillisecondBuilder, UInt32Builder,
    UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use ledger::{Asset, Chain, Place, Table, TableRow, Transfer, TxId};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use rustc_hash::FxHashMap;

use super::{SCHEMA, Store};
use crate::batch::Recorded;
use crate::disk::{self, HashingFile};
use crate::error::{ArchiveError, AtPath, Result};
use crate::manifest::{Key, Part, Sorting, file_path};

/// Rows of a row group: the unit that a look-up can skip.
const GROUP_ROWS: usize = 1 << 23;
/// A row group's addresses are written once each up to so many bytes of them.
const DICTIONARY_BYTES: usize = 256 << 20;
/// Rows collected before they are encoded.
const FLUSH_ROWS: usize = 1 << 14;
/// Texts remembered, so that a base58 checksum is not computed for every row.
const CACHE: usize = 1 << 18;

/// A part that is being written.
pub(crate) struct PartWriter {
    store: Arc<Store>,
    chain: Chain,
    sorting: Sorting,
    number: u64,
    temporary: PathBuf,
    writer: ArrowWriter<HashingFile>,
    columns: Columns,
    texts: Texts,
    seen: Seen,
}

/// What the manifest will say about the part.
#[derive(Default)]
struct Seen {
    rows: u64,
    transactions: u64,
    tx: Option<TxId>,
    first: Key,
    last: Key,
    min_time: u32,
    max_time: u32,
    imports: Vec<u32>,
    lacks_tx_index: bool,
}

#[derive(Default)]
struct Texts {
    places: FxHashMap<Place, Box<str>>,
    assets: FxHashMap<Asset, Box<str>>,
}

struct Columns {
    height: UInt64Builder,
    tx_index: UInt32Builder,
    index: UInt32Builder,
    time: TimestampMillisecondBuilder,
    tx: FixedSizeBinaryBuilder,
    kind: StringBuilder,
    from: StringBuilder,
    to: StringBuilder,
    asset: StringBuilder,
    amount: StringBuilder,
    asset_to: StringBuilder,
    amount_to: StringBuilder,
    from_owner: StringBuilder,
    to_owner: StringBuilder,
    end: StringBuilder,
    import: UInt32Builder,
    row: UInt64Builder,
    occurrence: UInt32Builder,
    rows: usize,
}

/// How a part is compressed and encoded. Numbers rise slowly or hardly change, so their differences are
/// stored; transaction ids and amounts do not repeat enough for a dictionary, addresses do.
pub(crate) fn properties() -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by("dyepack".to_string());
    for column in ["height", "tx_index", "index", "time", "import", "row", "occurrence"] {
        builder = plain(builder, column, Encoding::DELTA_BINARY_PACKED);
    }
    for column in ["amount", "amount_to"] {
        builder = plain(builder, column, Encoding::DELTA_LENGTH_BYTE_ARRAY);
    }
    for column in ["tx", "hash", "parent"] {
        builder = plain(builder, column, Encoding::PLAIN);
    }
    builder.build()
}

/// Without a dictionary, encoded so.
fn plain(
    builder: WriterPropertiesBuilder,
    column: &str,
    encoding: Encoding,
) -> WriterPropertiesBuilder {
    builder
        .set_column_dictionary_enabled(ColumnPath::from(column), false)
        .set_column_encoding(ColumnPath::from(column), encoding)
}

impl PartWriter {
    pub(crate) fn create(
        store: &Arc<Store>,
        chain: Chain,
        sorting: Sorting,
        number: u64,
    ) -> Result<PartWriter> {
        let temporary = temporary_path(store, chain, number)?;
        let file = HashingFile::create(&store.disk, &temporary)?;
        let writer = ArrowWriter::try_new(file, SCHEMA.clone(), Some(properties()))
            .map_err(|error| write_error(&temporary, error))?;
        let columns = Columns::new();
        let (texts, seen) = (Texts::default(), Seen::default());
        let store = Arc::clone(store);
        Ok(PartWriter { store, chain, sorting, number, temporary, writer, columns, texts, seen })
    }

    pub(crate) fn chain(&self) -> Chain {
        self.chain
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.seen.rows
    }

    /// Adds the next row; the caller keeps the order.
    pub(crate) fn push(&mut self, row: &Recorded) -> Result<()> {
        self.seen.push(row);
        self.columns.push(row, &mut self.texts);
        if self.columns.rows >= FLUSH_ROWS { self.flush() } else { Ok(()) }
    }

    /// Adds the rows of a table, the first of which is row `first` of import `import`.
    pub(crate) fn push_table(&mut self, table: &Table, import: u32, first: u64) -> Result<()> {
        let chain = table.chain;
        let place = |place: &Place| place.holds_value().then(|| place.text(chain));
        let places: Vec<Option<String>> = table.places.iter().map(place).collect();
        let assets: Vec<String> = table.assets.iter().map(|asset| asset.text(chain)).collect();
        for (row, source_row) in table.rows.iter().zip(first..) {
            let position = row.position();
            let key = Key {
                height: position.height,
                tx_index: position.tx_index,
                index: position.index,
                time: row.time.seconds(),
            };
            self.seen.note(key, row.tx, import);
            let sides = [row.from, row.to].map(|side| places[side as usize].as_deref());
            let ends = [row.from, row.to].map(|side| end_name(&table.places[side as usize]));
            let asset = &assets[row.asset as usize];
            self.columns.push_row(row, sides, ends[0].or(ends[1]), asset);
            self.columns.push_origin(import, source_row, 0);
            if self.columns.rows >= FLUSH_ROWS {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let bad = |error: &dyn std::fmt::Display| ArchiveError::integrity(&self.temporary, error);
        let batch =
            RecordBatch::try_new(SCHEMA.clone(), self.columns.take()).map_err(|e| bad(&e))?;
        self.writer.write(&batch).map_err(|error| write_error(&self.temporary, error))
    }

    /// Syncs the file under its final name. `None`, and no file, if no row was pushed.
    pub(crate) fn finish(mut self) -> Result<Option<Part>> {
        if self.seen.rows == 0 {
            drop(self.writer);
            self.store.disk.remove(&self.temporary).at(&self.temporary)?;
            return Ok(None);
        }
        self.flush()?;
        let file = self.writer.into_inner().map_err(|e| write_error(&self.temporary, e))?;
        let (sha256, bytes) = file.finish()?;
        let path = file_path(self.chain, "part", self.number, &sha256);
        settle(&self.store, &self.temporary, &path, &sha256)?;
        let mut imports = self.seen.imports;
        imports.sort_unstable();
        Ok(Some(Part {
            chain: self.chain,
            sorting: self.sorting,
            number: self.number,
            path,
            sha256,
            bytes,
            rows: self.seen.rows,
            transactions: self.seen.transactions,
            first: self.seen.first,
            last: self.seen.last,
            min_time: self.seen.min_time,
            max_time: self.seen.max_time,
            imports,
            lacks_tx_index: self.seen.lacks_tx_index,
        }))
    }
}

/// A full disk is no damage.
pub(crate) fn write_error(
    path: &std::path::Path,
    error: parquet::errors::ParquetError,
) -> ArchiveError {
    let source = std::io::Error::other(error);
    ArchiveError::Io { path: path.to_path_buf(), source }
}

/// Where a new file of `chain` is written until its hash is known.
pub(crate) fn temporary_path(store: &Store, chain: Chain, number: u64) -> Result<PathBuf> {
    let folder = store.folder.join(format!("chain={chain}"));
    store.make_durable(chain, &folder)?;
    Ok(folder.join(format!("{number:08}.tmp")))
}

/// Gives a synced file its final name.
pub(crate) fn settle(
    store: &Store,
    temporary: &std::path::Path,
    path: &str,
    sha256: &[u8; 32],
) -> Result<()> {
    let full = store.folder.join(path);
    store.disk.rename(temporary, &full).at(&full)?;
    store.trust(sha256);
    disk::sync_name(&*store.disk, &full)
}

impl Seen {
    fn push(&mut self, row: &Recorded) {
        let Transfer { position, time, tx, .. } = row.transfer;
        let key = Key {
            height: position.height,
            tx_index: position.tx_index,
            index: position.index,
            time: time.seconds(),
        };
        self.note(key, tx, row.import);
    }

    fn note(&mut self, key: Key, tx: Option<TxId>, import: u32) {
        let time = key.time;
        if self.rows == 0 {
            (self.first, self.min_time) = (key, time);
        }
        if tx.is_some() && tx != self.tx {
            self.transactions += 1;
        }
        self.tx = tx;
        self.lacks_tx_index |= key.tx_index.is_none();
        self.last = key;
        self.min_time = self.min_time.min(time);
        self.max_time = self.max_time.max(time);
        self.rows += 1;
        if self.imports.last() != Some(&import) && !self.imports.contains(&import) {
            self.imports.push(import);
        }
    }
}

impl Texts {
    fn place(&mut self, chain: Chain, place: &Place) -> &str {
        if self.places.len() >= CACHE {
            self.places.clear();
        }
        self.places.entry(*place).or_insert_with(|| place.text(chain).into())
    }

    fn asset(&mut self, chain: Chain, asset: &Asset) -> &str {
        if self.assets.len() >= CACHE {
            self.assets.clear();
        }
        self.assets.entry(*asset).or_insert_with(|| asset.text(chain).into())
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
            kind: StringBuilder::new(),
            from: StringBuilder::new(),
            to: StringBuilder::new(),
            asset: StringBuilder::new(),
            amount: StringBuilder::new(),
            asset_to: StringBuilder::new(),
            amount_to: StringBuilder::new(),
            from_owner: StringBuilder::new(),
            to_owner: StringBuilder::new(),
            end: StringBuilder::new(),
            import: UInt32Builder::new(),
            row: UInt64Builder::new(),
            occurrence: UInt32Builder::new(),
            rows: 0,
        }
    }

    fn push(&mut self, recorded: &Recorded, texts: &mut Texts) {
        let transfer = &recorded.transfer;
        let chain = transfer.chain;
        self.height.append_option(transfer.position.height);
        self.tx_index.append_option(transfer.position.tx_index);
        self.index.append_option(transfer.position.index);
        self.time.append_value(i64::from(transfer.time.seconds()) * 1000);
        self.push_tx(transfer.tx);
        self.kind.append_value(transfer.kind.name());
        for (column, place) in [(&mut self.from, transfer.from), (&mut self.to, transfer.to)] {
            column.append_option(place.holds_value().then(|| texts.place(chain, &place)));
        }
        self.asset.append_value(texts.asset(chain, &transfer.asset));
        append_number(&mut self.amount, transfer.amount.base_units());
        match &transfer.conversion {
            Some(into) => {
                self.asset_to.append_value(texts.asset(chain, &into.asset));
                append_number(&mut self.amount_to, into.amount.base_units());
            }
            None => {
                self.asset_to.append_null();
                self.amount_to.append_null();
            }
        }
        let owners =
            [(&mut self.from_owner, transfer.from_owner), (&mut self.to_owner, transfer.to_owner)];
        for (column, owner) in owners {
            column.append_option(owner.map(|o| texts.place(chain, &Place::Account(o))));
        }
        self.end.append_option(end_name(&transfer.from).or_else(|| end_name(&transfer.to)));
        self.push_origin(recorded.import, recorded.row, recorded.occurrence);
    }

    /// A row of a table with its texts; [`Columns::push_origin`] ends it.
    fn push_row(
        &mut self,
        row: &TableRow,
        [from, to]: [Option<&str>; 2],
        end: Option<&str>,
        asset: &str,
    ) {
        self.height.append_value(row.height);
        self.tx_index.append_value(row.tx_index);
        self.index.append_value(row.index);
        self.time.append_value(i64::from(row.time.seconds()) * 1000);
        self.push_tx(row.tx);
        self.kind.append_value(row.kind.name());
        self.from.append_option(from);
        self.to.append_option(to);
        self.asset.append_value(asset);
        append_number(&mut self.amount, row.amount.base_units());
        self.asset_to.append_null();
        self.amount_to.append_null();
        self.from_owner.append_null();
        self.to_owner.append_null();
        self.end.append_option(end);
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
        self.rows += 1;
    }

    /// The columns so far, in the order of the schema; none are left.
    fn take(&mut self) -> Vec<ArrayRef> {
        self.rows = 0;
        vec![
            Arc::new(self.height.finish()),
            Arc::new(self.tx_index.finish()),
            Arc::new(self.index.finish()),
            Arc::new(self.time.finish()),
            Arc::new(self.tx.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.from.finish()),
            Arc::new(self.to.finish()),
            Arc::new(self.asset.finish()),
            Arc::new(self.amount.finish()),
            Arc::new(self.asset_to.finish()),
            Arc::new(self.amount_to.finish()),
            Arc::new(self.from_owner.finish()),
            Arc::new(self.to_owner.finish()),
            Arc::new(self.end.finish()),
            Arc::new(self.import.finish()),
            Arc::new(self.row.finish()),
            Arc::new(self.occurrence.finish()),
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
