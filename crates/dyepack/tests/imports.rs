//! What several files tell of one chain: what counts twice, what counts once, and in which order.

mod support;

use support::{Room, list, text};
use testkit::address_of;

/// Explorers list two equal payments of one second as two equal rows: both count. The same history
/// exported again, or the other side's view of it, adds nothing.
#[test]
fn equal_rows_without_a_position_count_as_often_as_they_stand() {
    let room = Room::new();
    let (a, b) = (address_of("a"), address_of("b"));
    let line = |wallet: &str| format!("{wallet},2023-07-22,{a},{b},TRX,5\n");
    let head = "wallet,time,from,to,asset,amount\n";
    let map = "chain = \"tron\"\ntime = { column = \"time\" }\n\
        from = { column = \"from\" }\nto = { column = \"to\" }\nasset = { column = \"asset\" }\n\
        amount = { column = \"amount\" }\n";
    room.write("whole.toml", map);
    room.write("grouped.toml", format!("{map}group = {{ column = \"wallet\" }}\n"));
    // Two payments, seen by both wallets.
    let text = [head, &line("a"), &line("b"), &line("a"), &line("b")].concat();
    room.write("both.csv", &text);
    room.write("other.csv", text.replace("a,2023", "c,2023"));
    let new = |archive: &str, file: &str, map: &str| {
        let archive = room.at(archive);
        let arguments = ["import", file, "--map", map, "--archive", &archive];
        room.json(&arguments, 0)["files"][0]["new"].as_u64().expect("a count")
    };
    assert_eq!(new("grouped", "both.csv", "grouped.toml"), 2);
    assert_eq!(new("grouped", "both.csv", "grouped.toml"), 0);
    assert_eq!(new("grouped", "other.csv", "grouped.toml"), 0);
    assert_eq!(new("whole", "both.csv", "whole.toml"), 4);
    assert_eq!(new("whole", "other.csv", "whole.toml"), 0);
}

/// Files of two kinds that tell of the same transfers doubled them, whichever came first.
#[test]
fn one_transfer_told_by_two_files_counts_once() {
    let room = Room::new();
    let tables = support::repository().join("crates/chains/tests/data/ethereum-etl");
    let table = |name: &str| format!("{}/block-17173049/expected_{name}.json", tables.display());
    let (hash, a, b) =
        (format!("0x{:064x}", 7), format!("0x{:040x}", 10), format!("0x{:040x}", 11));
    room.write(
        "export.csv",
        format!(
            "Transaction Hash,Blockno,UnixTimestamp,DateTime (UTC),From,To,ContractAddress,\
             Value_IN(ETH),Value_OUT(ETH),CurrentValue @ $1/Eth,TxnFee(ETH),TxnFee(USD),\
             Historical $Price/Eth,Status,ErrCode,Method\n\
             {hash},100,1700000000,2023-11-14 22:13:20,{a},{b},,0,2,0,0.000021,0,0,,,Transfer\n"
        ),
    );
    room.write(
        "api.json",
        format!(
            "{{\"status\":\"1\",\"message\":\"OK\",\"result\":[{{\"blockNumber\":\"100\",\
             \"timeStamp\":\"1700000000\",\"hash\":\"{hash}\",\"nonce\":\"0\",\"blockHash\":\"{hash}\",\
             \"transactionIndex\":\"4\",\"from\":\"{a}\",\"to\":\"{b}\",\
             \"value\":\"2000000000000000000\",\"gas\":\"21000\",\"gasPrice\":\"1000000000\",\
             \"isError\":\"0\",\"txreceipt_status\":\"1\",\"input\":\"0x\",\"contractAddress\":\"\",\
             \"cumulativeGasUsed\":\"21000\",\"gasUsed\":\"21000\",\"confirmations\":\"1\"}}]}}"
        ),
    );
    let mut archives = 0;
    let mut check = |first: &str, second: &str, want: [u64; 2]| {
        archives += 1;
        let archive = room.at(&format!("archive-{archives}"));
        let counts = |file: &str| {
            let told = room.json(&["import", file, "--archive", &archive], 0);
            let count = |key: &str| told["files"][0][key].as_u64().expect("a count");
            [count("new"), count("already")]
        };
        counts(first);
        assert_eq!(counts(second), want, "{second}");
    };
    check("export.csv", "api.json", [0, 2]);
    check("api.json", "export.csv", [0, 2]);
    // The logs leave out what is no token; the other table writes eight numbers of NFTs as amounts.
    check(&table("token_transfers"), &table("logs"), [0, 106]);
    check(&table("logs"), &table("token_transfers"), [8, 106]);
}

/// A transaction's fee was paid before its own internal call brought the coins.
#[test]
fn a_fee_is_paid_after_what_its_transaction_brings() {
    let [hash, thief, contract] = [7, 10, 11].map(|n| format!("0x{n:040x}"));
    let hash = format!("0x{}{}", "0".repeat(24), &hash[2..]);
    let reply = |fields: &str| {
        format!(
            "{{\"status\":\"1\",\"message\":\"OK\",\"result\":[{{\"blockNumber\":\"100\",\
             \"timeStamp\":\"1700000000\",\"hash\":\"{hash}\",\"isError\":\"0\",{fields}}}]}}"
        )
    };
    let room = Room::new();
    room.write(
        "list.json",
        reply(&format!(
            "\"nonce\":\"0\",\"transactionIndex\":\"4\",\"from\":\"{thief}\",\"to\":\"{contract}\",\
             \"value\":\"0\",\"gas\":\"10\",\"gasPrice\":\"2\",\"gasUsed\":\"5\",\"input\":\"0x\""
        )),
    );
    room.write(
        "internal.json",
        reply(&format!(
            "\"from\":\"{contract}\",\"to\":\"{thief}\",\"value\":\"100\",\"type\":\"call\",\
             \"traceId\":\"0\""
        )),
    );
    room.write(
        "case.toml",
        format!(
            "schema = \"dyepack.case/1\"\nid = \"paid\"\ntitle = \"Paid\"\n\n[[theft]]\n\
             chain = \"ethereum\"\nto = \"{thief}\"\nasset = \"ETH\"\n"
        ),
    );
    for files in [["list.json", "internal.json"], ["internal.json", "list.json"]] {
        let archive = room.at(files[0].trim_end_matches(".json"));
        for file in files {
            room.run(&["import", file, "--archive", &archive]).expect(0);
        }
        let result = room.json(&["trace", "case.toml", "--archive", &archive], 0);
        let held: Vec<(&str, &str)> = list(&result, "holdings")
            .iter()
            .map(|holding| (text(holding, "where"), text(holding, "raw")))
            .collect();
        assert_eq!(held, [("unspent", "90"), ("fee", "10")], "{files:?}");
    }
}

/// An explorer's internal calls have no index in the block: they stood before the transaction of an
/// ethereum-etl table that paid them, and the contract seemed to keep what it had passed on.
#[test]
fn an_internal_call_stands_after_the_payment_that_it_passes_on() {
    let address = |n: u8| format!("0x{n:040x}");
    let (hash, victim, contract, thief) =
        (format!("0x{:064x}", 7), address(9), address(10), address(11));
    let room = Room::new();
    room.write(
        "transactions.csv",
        format!(
            "hash,nonce,block_hash,block_number,transaction_index,from_address,to_address,value,gas,\
             gas_price,input,block_timestamp,max_fee_per_gas,max_priority_fee_per_gas,\
             transaction_type\n\
             {hash},0,{hash},100,4,{victim},{contract},100,21000,1,0x,1700000000,,,0\n"
        ),
    );
    room.write(
        "internal.json",
        format!(
            "{{\"status\":\"1\",\"message\":\"OK\",\"result\":[{{\"blockNumber\":\"100\",\
             \"timeStamp\":\"1700000000\",\"hash\":\"{hash}\",\"isError\":\"0\",\
             \"from\":\"{contract}\",\"to\":\"{thief}\",\"value\":\"100\",\"type\":\"call\",\
             \"traceId\":\"0\"}}]}}"
        ),
    );
    room.write(
        "case.toml",
        format!(
            "schema = \"dyepack.case/1\"\nid = \"passed-on\"\ntitle = \"Passed on\"\n\n[[theft]]\n\
             chain = \"ethereum\"\nto = \"{contract}\"\nasset = \"ETH\"\n"
        ),
    );
    for files in [["transactions.csv", "internal.json"], ["internal.json", "transactions.csv"]] {
        let archive = room.at(files[0].split('.').next().expect("a name"));
        for file in files {
            room.run(&["import", file, "--archive", &archive]).expect(0);
        }
        let result = room.json(&["trace", "case.toml", "--archive", &archive], 0);
        let held: Vec<(&str, &str)> = list(&result, "holdings")
            .iter()
            .map(|holding| (text(holding, "address"), text(holding, "raw")))
            .collect();
        assert_eq!(held, [(thief.as_str(), "100")], "{files:?}");
    }
}

/// Value left in a transaction was called unspent, though nobody can spend it.
#[test]
fn a_fee_that_no_row_tells_is_named() {
    let room = Room::new();
    let [tx, before, earlier] = [7, 6, 5].map(|n| format!("{n:064x}"));
    let owner = ["1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"];
    let head =
        "chain,height,tx_index,index,time,tx,kind,from,to,asset,amount,from_owner,to_owner\n";
    let row = |index: u32, from: &str, to: &str, amount: u32, owners: [&str; 2]| {
        let [a, b] = owners;
        format!("bitcoin,5,1,{index},1300000000,{tx},native,{from},{to},BTC,{amount},{a},{b}\n")
    };
    let transaction = format!("tx:{tx}");
    let whole = [
        head.to_string(),
        format!(
            "bitcoin,4,1,0,1290000000,{before},native,{earlier}:0,{before}:0,BTC,60,{},{}\n",
            owner[1], owner[0]
        ),
        row(0, &format!("{before}:0"), &transaction, 60, [owner[0], ""]),
        row(1, &transaction, &format!("{tx}:0"), 58, ["", owner[1]]),
    ]
    .concat();
    let check = |file: &str, text: &str, told: bool| {
        room.write(file, text);
        let archive = room.at(&format!("archive-of-{file}"));
        room.run(&["import", file, "--archive", &archive]).expect(0);
        room.write(
            "case.toml",
            format!(
                "schema = \"dyepack.case/1\"\nid = \"left\"\ntitle = \"Left\"\n\n[[theft]]\n\
                 chain = \"bitcoin\"\nto = \"{}\"\nasset = \"BTC\"\n",
                owner[0]
            ),
        );
        let result = room.json(&["trace", "case.toml", "--archive", &archive], 0);
        let named = list(&result, "gaps").iter().any(|gap| gap["kind"] == "no-fee-row");
        assert_eq!(named, told, "{file}: {}", result["gaps"]);
    };
    check("without.csv", &whole, true);
    let fee = format!("bitcoin,5,1,2,1300000000,{tx},fee,{transaction},,BTC,2,,\n");
    check("with.csv", &(whole.clone() + &fee), false);
}

const A: &str = "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem";
const B: &str = "TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag";

/// A file of one payment at a height of its own.
fn payment(height: u32) -> String {
    format!(
        "chain,height,tx_index,index,time,from,to,asset,amount\n\
         tron,{height},0,0,2023-07-22T00:00:00Z,{A},{B},TRX,5000000\n"
    )
}

fn theft() -> String {
    format!(
        "schema = \"dyepack.case/1\"\nid = \"c\"\ntitle = \"t\"\n\n[[theft]]\n\
         chain = \"tron\"\nto = \"{B}\"\nasset = \"TRX\"\n"
    )
}

/// The movements of a trace came back in as transfers of a millionth of their amounts.
#[test]
fn results_are_no_data() {
    let room = Room::new();
    room.json(&["import", &room.write("in/rows.csv", payment(1) + "tron,1,0\n")], 4);
    room.write("in/case.toml", theft());
    let trace = ["trace", "in/case.toml", "--hops", "in/hops.jsonl"];
    room.write("in/result.json", room.run(&[&trace[..], &["--json"]].concat()).expect(0).stdout);
    room.write("in/holdings.csv", room.run(&["trace", "in/case.toml", "--csv"]).expect(0).stdout);
    room.write("in/screen.json", room.run(&["screen", B, "--json"]).expect(0).stdout);
    std::fs::copy(room.path("archive/set-aside.jsonl"), room.path("in/aside.jsonl"))
        .expect("there");
    let before = room.json(&["doctor"], 0)["archive"].clone();
    let done = room.json(&["import", &room.at("in")], 4);
    assert_eq!(list(&done, "files").len(), 1, "{done}");
    let left_out = list(&done, "left_out");
    let of_result = "a result of dyepack, not data";
    for (name, why) in [
        ("hops.jsonl", of_result),
        ("result.json", of_result),
        ("holdings.csv", of_result),
        ("screen.json", of_result),
        ("aside.jsonl", of_result),
        ("case.toml", "dyepack case add"),
    ] {
        let found = left_out.iter().find(|file| text(file, "file").ends_with(name));
        let reason = found.map(|file| text(file, "reason")).unwrap_or_default();
        assert!(reason.contains(why), "{name}: {left_out:?}");
    }
    assert_eq!(left_out.len(), 6, "{left_out:?}");
    // Nor does insisting help.
    for further in [&[][..], &["--format", "transfers"], &["--format", "tronscan"]] {
        let run = room.run(&[&["import", "in/hops.jsonl"], further].concat()).expect(3);
        assert!(run.stderr.contains(of_result), "{further:?}: {}", run.stderr);
    }
    assert_eq!(room.json(&["doctor"], 0)["archive"], before);
}

/// The parts of an archive are Parquet with our columns: walked into, they came to rows set aside and
/// files that cannot be read, in an archive of which they were the content.
#[test]
fn archives_are_not_walked_into() {
    let room = Room::new();
    room.write("in/rows.csv", payment(1));
    room.run(&["import", "in", "--archive", "in/deep/archive"]).expect(0);
    room.write("in/other/manifest.json", "{\"name\":\"somebody's program\"}");
    room.write("in/other/rows.csv", payment(2));
    for archive in ["in/deep/archive", "outside"] {
        let done = room.json(&["import", "in", "--archive", archive], 4);
        let files = list(&done, "files").iter();
        let files: Vec<&str> = files.map(|file| text(file, "file")).collect();
        assert_eq!(files, ["other/rows.csv", "in/rows.csv"], "{done}");
        let left_out = list(&done, "left_out");
        assert_eq!(left_out.len(), 2, "the other manifest and the archive: {done}");
        let of_archive = left_out.iter().find(|it| text(it, "file").ends_with("in/deep/archive"));
        assert!(text(of_archive.expect("named"), "reason").starts_with("a dyepack archive"));
    }
    let run = room.run(&["import", "in/deep"]).expect(3);
    assert!(run.stderr.contains("in/deep/archive: a dyepack archive"), "{}", run.stderr);
    // A part that is named itself cannot be read, and leaves no import behind that never ends.
    let parts = std::fs::read_dir(room.path("in/deep/archive/chain=tron")).expect("listed");
    let part = parts.map(|part| part.expect("an entry").path().display().to_string()).next();
    room.run(&["import", &part.expect("a part"), "--chain", "tron"]).expect(1);
    let state = room.json(&["doctor"], 0);
    assert!(list(&state, "gaps").is_empty(), "{state}");
    let left = room.run(&["import", "in"]).expect(4).stderr;
    assert_eq!(left.matches("in/deep/archive").count(), 1, "one line: {left}");
}

/// Exports of two wallets have one name, and nothing said which of them a row or a gap was of.
#[test]
fn files_of_one_name_are_told_apart() {
    let room = Room::new();
    let rows =
        |height| payment(height).replace("amount\n", "amount,note\n").replace("000\n", "000,\n");
    room.write("in/d1/export.csv", rows(1) + "tron,1,0\n");
    room.write("in/d2/export.csv", rows(2) + "tron,2,0\n");
    room.write("in/d2/single.csv", rows(3));
    let names = ["d1/export.csv", "d2/export.csv", "single.csv"];
    let told = room.run(&["import", "in"]).expect(4).stdout;
    let done = room.json(&["import", "in"], 4);
    for (name, file) in names.iter().zip(list(&done, "files")) {
        assert_eq!(text(file, "file"), *name);
        assert!(told.contains(&format!("\n{name}: ")) || told.starts_with(name), "{told}");
        if *name != "single.csv" {
            assert_eq!(text(&list(file, "set_aside_rows")[0], "file"), *name);
            assert!(told.contains(&format!("  {name} row 3: ")), "{told}");
        }
    }
    let kept = std::fs::read_to_string(room.path("archive/set-aside.jsonl")).expect("kept");
    let kept: Vec<serde_json::Value> = kept
        .lines()
        .filter(|line| !line.contains("sha256_of_lines"))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(kept.iter().map(|row| text(row, "file")).collect::<Vec<_>>(), names[..2]);
    room.write("case.toml", theft());
    let result = room.json(&["trace", "case.toml"], 0);
    let inputs: Vec<&str> = list(&result, "inputs").iter().map(|it| text(it, "name")).collect();
    assert_eq!(inputs, names);
    for name in names {
        let gap = format!("{name}: not read: note");
        assert!(list(&result, "gaps").iter().any(|it| text(it, "detail") == gap), "{name}");
    }
}

/// An import said what it had read, and not what the files had left out: the first trace did.
#[test]
fn gaps_are_told_when_a_file_comes_in() {
    let room = Room::new();
    let nowhere = |amount: u32| {
        format!("chain,time,from,to,asset,amount,note\ntron,2023-07-22,{A},{B},TRX,{amount},\n")
    };
    room.write("in/own.csv", nowhere(1).replace("note", "remark"));
    (1..=4).for_each(|n| drop(room.write(&format!("in/{n}.csv"), nowhere(n))));
    let done = room.json(&["import", "in"], 0);
    for file in list(&done, "files") {
        let kinds: Vec<&str> = list(file, "gaps").iter().map(|gap| text(gap, "kind")).collect();
        let want = ["no-height", "no-transaction-id", "order-in-transaction", "unknown-columns"];
        assert_eq!(kinds, want, "{file}");
        assert!(list(file, "gaps").iter().all(|gap| !text(gap, "detail").is_empty()), "{file}");
    }
    let told = room.run(&["import", "in"]).expect(0).stdout;
    // What many do not tell stands once, what one does not stands below it.
    assert_eq!(told.matches("no block height").count(), 1, "{told}");
    assert!(told.contains("\nnot told (5 of 5 files): rows have no block height"), "{told}");
    assert!(told.contains("\ncolumns not read (4 of 5 files): note\n"), "{told}");
    let own = told.lines().skip_while(|line| !line.starts_with("own.csv")).nth(1);
    assert_eq!(own, Some("  columns not read: remark"), "{told}");
    let told = room.run(&["import", "in/1.csv", "in/2.csv"]).expect(0).stdout;
    assert_eq!(told.matches("\n  not told: rows have no block height").count(), 2, "{told}");
}

/// "0 new transfers" of a dry run read as if the archive had all of them.
#[test]
fn a_dry_run_says_that_it_compares_nothing() {
    let room = Room::new();
    let aside: String = (0..7).map(|n| format!("tron,x{n}\n,\n")).collect();
    let file = room.write("rows.csv", payment(1) + &aside);
    let told = room.run(&["import", &file, "--dry-run"]).expect(4).stdout;
    assert!(told.contains("1 transfers, not compared with the archive"), "{told}");
    assert!(!told.contains("new") && !told.contains("already"), "{told}");
    assert!(!told.contains("in the archive"), "nothing was kept there: {told}");
    let done = &room.json(&["import", &file, "--dry-run"], 4)["files"][0];
    assert!(done["new"].is_null() && done["already"].is_null(), "{done}");
    assert_eq!(done["transfers"], 1, "{done}");
    let done = &room.json(&["import", &file], 4)["files"][0];
    assert_eq!((&done["new"], &done["already"]), (&1.into(), &0.into()), "{done}");
}

#[test]
fn a_header_that_lacks_a_column_is_said_to() {
    let room = Room::new();
    room.write("noamt.csv", payment(1).replace(",amount", ",amuont"));
    let run = room.run(&["import", "noamt.csv"]).expect(3);
    assert!(
        run.stderr.contains("nearly transfers: it lacks the column \"amount\""),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--map"), "{}", run.stderr);
}

/// The numbers of two formats mixed in one transaction, and nothing said that its order was a guess.
#[test]
fn numbers_of_two_formats_in_one_transaction_are_a_gap() {
    let room = Room::new();
    let row = |index: u32| {
        let tx = format!("{:064x}", 7);
        format!(
            "chain,height,tx_index,index,time,tx,from,to,asset,amount\n\
             tron,5,3,{index},1700000000,{tx},{A},{B},TRX,5000000\n"
        )
    };
    room.write("own.csv", row(0));
    room.write("table.csv", row(4));
    room.write("same.csv", row(0) + "\n");
    room.write(
        "map.toml",
        "chain = \"tron\"\nheight = { column = \"height\" }\ntx_index = { column = \"tx_index\" }\n\
         index = { column = \"index\" }\ntime = { column = \"time\" }\ntx = { column = \"tx\" }\n\
         from = { column = \"from\" }\nto = { column = \"to\" }\nasset = { column = \"asset\" }\n\
         amount = { column = \"amount\" }\n",
    );
    room.run(&["import", "own.csv"]).expect(0);
    for (file, told) in [("same.csv", false), ("table.csv", true)] {
        let done = room.json(&["import", file, "--map", "map.toml"], 0);
        let gaps = list(&done["files"][0], "gaps");
        assert_eq!(gaps.iter().any(|gap| gap["kind"] == "mixed-numbers"), told, "{file}: {gaps:?}");
        assert_eq!(done["files"][0]["already"], 1, "{file}");
    }
}
