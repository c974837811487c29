//! Writing a part: rows pushed in order, flushed by row groups, named by its hash when it is done.

use std::path::PathBuf;
use std::sync::Arc;

use ledger::{Chain, Table, Transfer, TxId};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::group::Group;
use super::{SCHEMA, Store};
use crate::batch::Recorded;
use crate::disk::{self, HashingFile};
use crate::error::{ArchiveError, AtPath, Result};
use crate::manifest::{Key, Part, Sorting, file_path};

/// Rows of a row group: the unit that a look-up can skip.
const GROUP_ROWS: usize = 1 << 23;
/// A row group ends earlier if its dictionaries, which are in memory until then, have so many bytes.
const DICTIONARY_BYTES: usize = 384 << 20;
/// Rows collected before they are encoded; as many make a page of keys.
const FLUSH_ROWS: usize = 1 << 14;
const _: () = assert!(GROUP_ROWS.is_multiple_of(FLUSH_ROWS));

/// A part that is being written.
pub(crate) struct PartWriter {
    store: Arc<Store>,
    chain: Chain,
    sorting: Sorting,
    number: u64,
    temporary: PathBuf,
    file: SerializedFileWriter<HashingFile>,
    factory: ArrowRowGroupWriterFactory,
    /// `None` between two row groups.
    group: Option<Group>,
    /// [`DICTIONARY_BYTES`] but in tests.
    most_dictionary_bytes: usize,
    seen: Seen,
}

/// What the manifest will say about a part, as its rows pass by.
#[derive(Default)]
pub(crate) struct Seen {
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

/// How a part is compressed and encoded. Numbers rise slowly or hardly change, so their differences are
/// stored; transaction ids and amounts do not repeat enough for a dictionary, addresses do.
pub(crate) fn properties() -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(compression_level()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
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

/// How hard pages are compressed.
pub(super) fn compression_level() -> ZstdLevel {
    ZstdLevel::default()
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
        let writer = ArrowWriter::try_new(file, SCHEMA.clone(), Some(properties()));
        let (file, factory) = writer
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|error| write_error(&temporary, error))?;
        Ok(PartWriter {
            store: Arc::clone(store),
            chain,
            sorting,
            number,
            temporary,
            file,
            factory,
            group: None,
            most_dictionary_bytes: DICTIONARY_BYTES,
            seen: Seen::default(),
        })
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
        self.group()?.push(row)?;
        self.flush_if_full()
    }

    /// Adds the rows of a table, the first of which is row `first` of import `import`.
    pub(crate) fn push_table(&mut self, table: &Table, import: u32, first: u64) -> Result<()> {
        self.seen.note_table(table, import);
        let (mut rows, mut first) = (&table.rows[..], first);
        let mut numbers = None;
        while !rows.is_empty() {
            let group = self.group()?;
            let known = match numbers.take() {
                Some(known) => known,
                None => group.numbers(table)?,
            };
            // Row groups end where rows are encoded.
            let (now, later) = rows.split_at(rows.len().min(FLUSH_ROWS - group.waiting()));
            group.push_rows(table, now, &known, import, first);
            first += now.len() as u64;
            rows = later;
            self.flush_if_full()?;
            numbers = Some(known).filter(|_| self.group.is_some());
        }
        Ok(())
    }

    /// The row group that the next row belongs to.
    fn group(&mut self) -> Result<&mut Group> {
        if self.group.is_none() {
            let group = Group::open(self.chain, &self.file, &self.factory);
            self.group = Some(group.map_err(|error| write_error(&self.temporary, error))?);
        }
        self.group.as_mut().ok_or_else(|| ArchiveError::integrity(&self.temporary, "no row group"))
    }

    fn flush_if_full(&mut self) -> Result<()> {
        let Some(group) = &mut self.group else { return Ok(()) };
        if group.waiting() >= FLUSH_ROWS {
            group.flush().map_err(|error| write_error(&self.temporary, error))?;
            if group.rows() >= GROUP_ROWS || group.dictionary_bytes() >= self.most_dictionary_bytes
            {
                return self.finish_group();
            }
        }
        Ok(())
    }

    fn finish_group(&mut self) -> Result<()> {
        let Some(mut group) = self.group.take() else { return Ok(()) };
        let waits = group.waiting() > 0;
        let flushed = if waits { group.flush() } else { Ok(()) };
        flushed
            .and_then(|()| group.finish(&mut self.file))
            .map_err(|error| write_error(&self.temporary, error))
    }

    /// Syncs the file under its final name. `None`, and no file, if no row was pushed.
    pub(crate) fn finish(mut self) -> Result<Option<Part>> {
        if self.seen.rows == 0 {
            drop(self.file);
            self.store.disk.remove(&self.temporary).at(&self.temporary)?;
            return Ok(None);
        }
        self.finish_group()?;
        let file = self.file.into_inner().map_err(|e| write_error(&self.temporary, e))?;
        let (sha256, bytes) = file.finish()?;
        let path = file_path(self.chain, "part", self.number, &sha256);
        settle(&self.store, &self.temporary, &path, &sha256)?;
        let PartWriter { chain, sorting, number, seen, .. } = self;
        Ok(Some(seen.part(chain, sorting, number, path, (sha256, bytes))))
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
    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn note_table(&mut self, table: &Table, import: u32) {
        for row in &table.rows {
            let position = row.position();
            let key = Key {
                height: position.height,
                tx_index: position.tx_index,
                index: position.index,
                time: row.time.seconds(),
            };
            self.note(key, row.tx, import);
        }
    }

    /// The part with these rows, in the file at `path`.
    pub(crate) fn part(
        self,
        chain: Chain,
        sorting: Sorting,
        number: u64,
        path: String,
        (sha256, bytes): ([u8; 32], u64),
    ) -> Part {
        let Seen { rows, transactions, first, last, min_time, max_time, .. } = self;
        let mut imports = self.imports;
        imports.sort_unstable();
        Part {
            chain,
            sorting,
            number,
            path,
            sha256,
            bytes,
            rows,
            transactions,
            first,
            last,
            min_time,
            max_time,
            imports,
            lacks_tx_index: self.lacks_tx_index,
            external: None,
        }
    }

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

#[cfg(test)]
mod tests {
    use ledger::{Address, Amount, Asset, Kind, Place, TableRow, Time};

    use super::*;
    use crate::disk::RealDisk;
    use crate::part::{Batches, Columns};

    /// Rows of which each names a new place.
    fn table(rows: u32) -> Table {
        let place = |number: u32| {
            let mut body = [7; 20];
            body[..4].copy_from_slice(&number.to_be_bytes());
            Place::Account(Address::Evm(body))
        };
        let row = |number: u32| TableRow {
            height: u64::from(number),
            tx_index: 0,
            index: 0,
            time: Time::from_seconds(number),
            kind: Kind::Native,
            tx: None,
            from: number,
            to: number + 1,
            asset: 0,
            amount: Amount::new(number.into()),
        };
        Table {
            chain: Chain::parse("ethereum").unwrap(),
            places: (0..=rows).map(place).collect(),
            assets: vec![Asset::Native],
            rows: (0..rows).map(row).collect(),
        }
    }

    #[test]
    fn a_row_group_ends_before_its_dictionaries_grow_too_large() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::new(Arc::new(RealDisk), folder.path()));
        let table = table(5 * FLUSH_ROWS as u32 / 2);
        let mut paths = Vec::new();
        for as_table in [true, false] {
            let mut writer = PartWriter::create(&store, table.chain, Sorting::Height, 0).unwrap();
            writer.most_dictionary_bytes = 1;
            if as_table {
                writer.push_table(&table, 3, 0).unwrap();
            } else {
                for row in 0..table.rows.len() {
                    let transfer = table.transfer(row);
                    let row = row as u64;
                    writer.push(&Recorded { transfer, import: 3, row, occurrence: 0 }).unwrap();
                }
            }
            let part = writer.finish().unwrap().unwrap();
            let mut rows = 0;
            for batch in Batches::open(&store, &part, Columns::All, 0).unwrap() {
                let batch = batch.unwrap();
                for row in 0..batch.len() {
                    let expected = table.transfer(rows);
                    assert_eq!(batch.recorded(row).transfer, expected);
                    rows += 1;
                }
            }
            assert_eq!(rows, table.rows.len());
            let file = store.open(&folder.path().join(&part.path)).unwrap();
            let read = parquet::file::serialized_reader::SerializedFileReader::new(file).unwrap();
            assert_eq!(parquet::file::reader::FileReader::num_row_groups(&read), 3);
            paths.push(part.path);
        }
        assert_eq!(paths[0], paths[1], "rows and tables make other files");
    }
}
