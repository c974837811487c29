//! What a file is: also where a long first row hides it, and where it is of a kind that is known and
//! not read.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use chains::exports::{Context, Look, MAX_RECORD, ReadError, look};

use super::{on, try_read};

fn seen(name: &str, bytes: impl Into<Vec<u8>>) -> Look {
    look(name, &mut Cursor::new(bytes.into())).expect("nothing fails in memory")
}

/// A row of `fields` behind one that is too long to be held.
fn hidden(fields: &str, (before, between, after): (&str, &str, &str)) -> String {
    let long = "f".repeat(2 * MAX_RECORD);
    format!("{before}{{\"input\":\"{long}\"}}{between}{{{fields}}}{after}")
}

/// As JSON lines; as a reply on one line, on two, and spread out; as a bare list.
const LINES: (&str, &str, &str) = ("", "\n", "\n");
const REPLY: (&str, &str, &str) = ("{\"page\":1,\"data\":[", ",", "]}");
const TWO_LINES: (&str, &str, &str) = ("{\"result\":[", ",\n", "]}");
const SPREAD: (&str, &str, &str) = ("{\n \"token_transfers\": [\n  ", ",\n  ", "\n ]\n}\n");
const LIST: (&str, &str, &str) = ("[", ",", "]");

#[test]
fn a_long_first_row_does_not_hide_what_a_file_is() {
    let ours = "\"time\":1,\"from\":\"\",\"to\":\"\",\"asset\":\"\",\"amount\":1";
    let api = "\"blockNumber\":\"1\",\"timeStamp\":\"1\",\"nonce\":\"1\"";
    let grid = "\"txID\":\"\",\"raw_data\":{}";
    let scan = "\"quant\":\"1\",\"block_ts\":1";
    let blocks = "\"number\":1,\"hash\":\"\",\"parent_hash\":\"\",\"timestamp\":1";
    let cases = [
        ("transfers", ours, LINES),
        ("ethereum-etl", blocks, LINES),
        ("etherscan-api", api, REPLY),
        ("etherscan-api", api, TWO_LINES),
        ("etherscan-api", api, LIST),
        ("trongrid", grid, REPLY),
        ("tronscan", scan, SPREAD),
    ];
    for (format, fields, around) in cases {
        let file = hidden(fields, around);
        let Look::Ours(recognised) = seen("x", file) else { panic!("{format}, {around:?}") };
        assert_eq!(recognised.format, format);
    }
    let nothing = hidden("\"a\":1", REPLY);
    assert_eq!(seen("x", nothing), Look::Unknown);
}

#[test]
fn what_is_known_and_not_read_is_named() {
    let sheet = [&b"PK\x03\x04\x14\x00"[..], &[0; 40], b"xl/workbook.xml"].concat();
    let etl = "{\"hash\":\"\",\"virtual_size\":1,\"is_coinbase\":false,\"inputs\":[]}\n";
    let cases: [(&str, &[u8], &str, &str); 13] = [
        ("a.csv.gz", b"\x1f\x8b\x08\x00\x00", "a gzip file", "gzip -d"),
        ("a.zst", b"\x28\xb5\x2f\xfd\x04", "a zstd file", "zstd -d"),
        ("a.zip", b"PK\x03\x04\x14\x00", "a zip file", "unzip"),
        ("a.xlsx", &sheet, "a spreadsheet", "as CSV"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "a spreadsheet", "as CSV"),
        ("a.csv", b"\xff\xfet\x00i\x00", "UTF-16 text", "UTF-8"),
        ("blk.bin", b"\xf9\xbe\xb4\xd9\x1d\x01\x00\x00", "raw blocks", "docs/import.md"),
        ("blk00003.dat", b"\x11\x22\x33\x44", "raw blocks", "docs/import.md"),
        ("t.json", etl.as_bytes(), "a table of bitcoin-etl", "docs/import.md"),
        ("b.csv", b"hash,merkle_root,coinbase_param\n", "a table of bitcoin-etl", "docs/import"),
        ("b.csv", b"block_id_group,block_id,timestamp\n", "a raw table of GraphSense", "--map"),
        ("t.csv", b"tx_hash,block_id,value\n", "a raw table of GraphSense", "--map"),
        ("n.json", b"{\"blockID\":\"0\",\"block_header\":{}}", "a block from a java-tron", "Tron"),
    ];
    for (name, bytes, what, remedy) in cases {
        let Look::Unread(unread) = seen(name, bytes) else { panic!("{name} is not named") };
        let told = unread.to_string();
        assert!(told.starts_with(&format!("it looks like {what}")), "{name}: {told}");
        assert!(unread.remedy.contains(remedy), "{name}: {told}");
    }
    assert_eq!(seen("blk00003.dat.txt", "a,b\n"), Look::Unknown);
    assert_eq!(seen("blk0000x.dat", "a,b\n"), Look::Unknown);
    assert_eq!(seen("notes.txt", "PK, call the exchange\n"), Look::Unknown);
    assert_eq!(seen("e.csv", "\n \n"), Look::Empty);
}

/// A movement of a trace reads like a transfer: it came in as one, in whole units taken for base units.
#[test]
fn what_dyepack_wrote_is_no_data() {
    let hop = "\"chain\":\"tron\",\"time\":1,\"from\":\"a\",\"to\":\"b\",\"asset\":\"TRX\",\
               \"amount\":\"1\",\"raw\":\"1000000\",\"taint_out_raw\":\"1\",\"taint_in_raw\":\"1\"";
    let aside = "{\"file\":\"a.csv\",\"sha256\":\"00\",\"row\":2,\"reason\":\"amount: missing\"}\n";
    let holdings =
        "chain,address,place,asset,symbol,where,label,raw,amount,low_raw,high_raw,hops\n";
    let sorted = "{\n \"case\": \"c\",\n \"schema\" : \"dyepack.trace/1\"\n}\n";
    let case = "# stolen, in part\ntitle = \"a, b\"\nschema = \"dyepack.case/1\"\n[[theft]]\n";
    let cases = [
        (format!("{{{hop}}}\n{{{hop}}}\n"), "movements"),
        (format!("[{{{hop}}}]"), "movements"),
        (hidden(hop, LINES), "movements"),
        (aside.to_string(), "set aside"),
        (holdings.to_string(), "holdings"),
        ("{\"schema\":\"dyepack.screen/1\",\"results\":[]}".to_string(), "document"),
        (sorted.to_string(), "document"),
        (case.to_string(), "dyepack case add FILE"),
        ("{\"dyepack.archive\":1,\"sha256\":\"\",\"state\":{}}".to_string(), "archive"),
        ("dyepack.claims/1\u{1}".to_string(), "archive"),
    ];
    for (file, what) in cases {
        let Look::Own(own) = seen("x", file.as_str()) else { panic!("{file:.200} is not known") };
        let told = own.to_string();
        assert!(told.starts_with("it is ") && told.contains("not data"), "{told}");
        assert!(told.contains(what), "{told}");
    }
    // What others write stays theirs, also where it speaks of us.
    let ours = "\"time\":1,\"from\":\"\",\"to\":\"\",\"asset\":\"\",\"amount\":1,\"raw\":\"dyepack.trace/1\"";
    assert!(matches!(seen("x", format!("{{{ours}}}\n")), Look::Ours(_)));
    assert_eq!(seen("x", "note\nschema is dyepack.case/1\n"), Look::Unknown);
}

#[test]
fn a_table_that_lacks_one_column_is_nearly_one() {
    let check = |text: &str, want: Option<(&'static str, &'static str)>| {
        let want = want.map_or(Look::Unknown, |(format, missing)| Look::Nearly { format, missing });
        assert_eq!(seen("x.csv", text), want, "{text}");
    };
    check("time,from,to,asset,note\n", Some(("transfers", "amount")));
    check("tx,time,sender,to,asset,amount\n", Some(("transfers", "from")));
    check("{\"time\":1,\"from\":\"\",\"to\":\"\",\"amount\":1}\n", Some(("transfers", "asset")));
    check("number,hash,timestamp,miner\n", Some(("ethereum-etl", "parent_hash")));
    check("time,from,to,note\n", None);
    check("transaction_hash,gas_used\n", None);
}

/// Who insists on a format is told the same.
#[test]
fn a_packed_file_is_named_under_any_format() {
    for format in ["transfers", "etherscan-api"] {
        let (_, outcome) =
            try_read(format, b"\x1f\x8b\x08\x00", &on("ethereum"), &mut Context::new());
        let Err(ReadError::NotThis { reason, .. }) = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("a gzip file") && reason.contains("gzip -d"), "{reason}");
    }
}

/// A file of `{"a":"xxxx…` that never ends, and counts what is read of it.
struct Endless {
    at: u64,
    read: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = b"{\"a\":\"";
        for (byte, at) in buffer.iter_mut().zip(self.at..) {
            *byte = start.get(at as usize).copied().unwrap_or(b'x');
        }
        self.at += buffer.len() as u64;
        self.read += buffer.len() as u64;
        Ok(buffer.len())
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if let SeekFrom::Start(at) = to {
            self.at = at;
        }
        Ok(self.at)
    }
}

#[test]
fn a_row_without_end_is_given_up() {
    let mut file = BufReader::with_capacity(1 << 20, Endless { at: 0, read: 0 });
    assert_eq!(look("x", &mut file).expect("reads"), Look::Unknown);
    let read = file.into_inner().read;
    assert!((1 << 29..3 << 28).contains(&read), "{read} bytes looked at");
}
