//! A column of texts that repeat, written as keys of a dictionary that the caller keeps: the Parquet library
//! would look for each row's text anew, which is most of what writing a part costs. What comes out is a
//! column chunk as the library itself writes it: a dictionary page, and data pages of keys behind it.

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

/// Stands for a row without a text.
pub(super) const NULL: u32 = u32::MAX;

/// One column of the row group that is being written.
pub(super) struct KeyedColumn {
    description: ColumnDescPtr,
    level: ZstdLevel,
    compressor: Compressor<'static>,
    /// The dictionary page so far: each text behind its length.
    texts: Vec<u8>,
    count: u32,
    /// The least and the greatest text, where there is one.
    span: Option<(Box<str>, Box<str>)>,
    /// Rows that wait for their page.
    keys: Vec<u32>,
    pages: TrackedWrite<Vec<u8>>,
    locations: Vec<PageLocation>,
    rows: u64,
    nulls: u64,
    /// Bytes before compression, with the pages' heads.
    plain_bytes: usize,
}

impl KeyedColumn {
    pub(super) fn new(description: ColumnDescPtr, level: ZstdLevel) -> Result<KeyedColumn> {
        Ok(KeyedColumn {
            description,
            level,
            compressor: Compressor::new(level.compression_level())?,
            texts: Vec::new(),
            count: 0,
            span: None,
            keys: Vec::new(),
            pages: TrackedWrite::new(Vec::new()),
            locations: Vec::new(),
            rows: 0,
            nulls: 0,
            plain_bytes: 0,
        })
    }

    /// The key of a text that has none; the caller sees to it that it does not come twice.
    pub(super) fn add_text(&mut self, text: &str) -> u32 {
        self.texts.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.texts.extend_from_slice(text.as_bytes());
        match &mut self.span {
            None => self.span = Some((text.into(), text.into())),
            Some((least, _)) if text < &**least => *least = text.into(),
            Some((_, greatest)) if text > &**greatest => *greatest = text.into(),
            Some(_) => {}
        }
        self.count += 1;
        self.count - 1
    }

    pub(super) fn dictionary_bytes(&self) -> usize {
        self.texts.len()
    }

    /// Adds a row: a key, or [`NULL`].
    #[inline]
    pub(super) fn push(&mut self, key: u32) {
        self.keys.push(key);
    }

    /// Writes the rows that wait as a page.
    pub(super) fn flush(&mut self) -> Result<()> {
        let rows = self.keys.len();
        let mut page = Vec::new();
        if self.description.max_def_level() > 0 {
            let levels = self.keys.iter().map(|key| u32::from(*key != NULL));
            page.extend_from_slice(&[0; 4]);
            hybrid(levels, 1, &mut page);
            let length = (page.len() - 4) as u32;
            page[..4].copy_from_slice(&length.to_le_bytes());
        }
        let width = u32::BITS - self.count.saturating_sub(1).leading_zeros();
        page.push(width as u8);
        let keys = self.keys.iter().copied().filter(|key| *key != NULL);
        let values = keys.clone().count();
        hybrid(keys, width, &mut page);
        let packed = Page::DataPage {
            buf: self.compressor.compress(&page)?.into(),
            num_values: rows as u32,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let packed = CompressedPage::new(packed, page.len());
        let written = SerializedPageWriter::new(&mut self.pages).write_page(packed)?;
        self.plain_bytes += written.uncompressed_size;
        let size = i32::try_from(written.compressed_size).map_err(too_large)?;
        self.locations.push(PageLocation {
            offset: written.offset as i64,
            compressed_page_size: size,
            first_row_index: self.rows as i64,
        });
        self.rows += rows as u64;
        self.nulls += (rows - values) as u64;
        self.keys.clear();
        Ok(())
    }

    /// The column's bytes, and what the file's footer says of them. All rows were flushed.
    pub(super) fn close(mut self) -> Result<(Bytes, ColumnCloseResult)> {
        let mut chunk = TrackedWrite::new(Vec::new());
        let dictionary = Page::DictionaryPage {
            buf: self.compressor.compress(&self.texts)?.into(),
            num_values: self.count,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let dictionary = CompressedPage::new(dictionary, self.texts.len());
        self.texts = Vec::new();
        let written = SerializedPageWriter::new(&mut chunk).write_page(dictionary)?;
        let mut bytes = chunk.into_inner()?;
        let head = bytes.len();
        bytes.extend_from_slice(&self.pages.into_inner()?);
        self.locations.iter_mut().for_each(|page| page.offset += head as i64);
        let (least, greatest) = self.span.unzip();
        let text = |text: Box<str>| ByteArray::from(text.into_boxed_bytes().into_vec());
        let nulls = Some(self.nulls);
        let statistics =
            Statistics::byte_array(least.map(text), greatest.map(text), None, nulls, false);
        let metadata = ColumnChunkMetaData::builder(self.description)
            .set_compression(Compression::ZSTD(self.level))
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
            .set_num_values(self.rows as i64)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size((self.plain_bytes + written.uncompressed_size) as i64)
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(head as i64)
            .set_statistics(statistics)
            .build()?;
        let pages = OffsetIndexMetaData {
            page_locations: self.locations,
            unencoded_byte_array_data_bytes: None,
        };
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(pages),
        };
        Ok((bytes.into(), close))
    }
}

fn too_large(error: impl std::fmt::Display) -> ParquetError {
    ParquetError::General(error.to_string())
}

/// Numbers of so many bits each as Parquet writes keys and levels: all of them packed, or one and how often
/// it comes.
fn hybrid(numbers: impl Iterator<Item = u32> + Clone, width: u32, out: &mut Vec<u8>) {
    let mut ahead = numbers.clone();
    let Some(first) = ahead.next() else { return };
    let count = numbers.clone().count();
    if ahead.all(|number| number == first) {
        write_length(count << 1, out);
        out.extend_from_slice(&first.to_le_bytes()[..width.div_ceil(8) as usize]);
        return;
    }
    write_length(count.div_ceil(8) << 1 | 1, out);
    let end = out.len() + count.div_ceil(8) * width as usize;
    out.reserve(end - out.len() + 8);
    let (mut word, mut filled) = (0u64, 0);
    for number in numbers {
        word |= u64::from(number) << filled;
        filled += width;
        if filled >= 32 {
            out.extend_from_slice(&(word as u32).to_le_bytes());
            word >>= 32;
            filled -= 32;
        }
    }
    out.extend_from_slice(&word.to_le_bytes());
    // Whole groups of eight; what is missing is zero.
    out.resize(end, 0);
}

fn write_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}
