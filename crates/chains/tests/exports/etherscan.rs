//! Etherscan's CSV exports and API replies.

use ledger::{Address, Asset, Chain};

use super::{Expected, check, on, read_in, try_read};
use chains::exports::{Context, Options, ReadError, sniff};

const A: &str = "0x098b716b8aaf21512996dc57eb0615e2383e2f96";
const B: &str = "0x35fb6f6db4fb05e6a4ce86f2c93691425626d4b1";
const C: &str = "0x3ad9db589d201a710ed237c829c7860ba86510fc";
const USDT: &str = "0xdac17f958d2ee523a2206206994597c13d831ec7";
const T1: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";
const T2: &str = "0x2222222222222222222222222222222222222222222222222222222222222222";

/// Puts the short names above into a fixture.
fn fill(text: &str) -> String {
    text.replace("$A", A)
        .replace("$B", B)
        .replace("$C", C)
        .replace("$USDT", USDT)
        .replace("$T1", T1)
        .replace("$T2", T2)
}

fn checked(format: &str, text: &str, options: &Options, expected: &Expected<'_>) {
    let transfers: Vec<String> = expected.transfers.iter().map(|line| fill(line)).collect();
    let transfers: Vec<&str> = transfers.iter().map(String::as_str).collect();
    let tokens: Vec<String> = expected.tokens.iter().map(|line| fill(line)).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let expected = Expected { transfers: &transfers, tokens: &tokens, ..*expected };
    check(format, &fill(text), options, &expected);
}

#[test]
fn normal_old_header_newest_first_with_a_failure() {
    let text = r#""Txhash","Blockno","UnixTimestamp","DateTime","From","To","ContractAddress","Value_IN(ETH)","Value_OUT(ETH)","CurrentValue @ $1642.27/Eth","TxnFee(ETH)","TxnFee(USD)","Historical $Price/Eth","Status","ErrCode","Method"
"$T2","14442836","1648042150","2022-03-23 13:29:10","$A","$B","","0","1.5","2463.4","0.00042","0.69","3000.1","Error(0)","execution reverted","Transfer"
"$T1","14442835","1648042149","2022-03-23 13:29:09","$A","$B","","0","1E-05","0.02","0.00021","0.34","3000.1","","","Transfer"
"#;
    let transfers = [
        "3 14442835:-:0 1648042149 native $A > $B 10000000000000 ETH",
        "3 14442835:-:4294967295 1648042149 fee $A > FEE 210000000000000 ETH",
        "2 14442836:-:4294967295 1648042150 fee $A > FEE 420000000000000 ETH",
    ];
    let gaps = ["base-fee", "chain-assumed", "no-transaction-index"];
    let moved_nothing = 1;
    let expected =
        Expected { transfers: &transfers, gaps: &gaps, moved_nothing, ..Default::default() };
    checked("etherscan", text, &Options::default(), &expected);
    let said = sniff("x.csv", text.as_bytes()).expect("known").what;
    assert_eq!(said, "Etherscan export of transactions, old header");
}

#[test]
fn normal_new_header_of_bsc_with_a_created_contract() {
    let text = r#""Transaction Hash","Blockno","UnixTimestamp","DateTime (UTC)","From","To","ContractAddress","Value_IN(BNB)","Value_OUT(BNB)","CurrentValue @ $600/BNB","TxnFee(BNB)","TxnFee(USD)","Historical $Price/BNB","Status","ErrCode","Method"
"$T1","100","1700000000","2023-11-14 22:13:20","$A","","$C","0","2","1200","0.001","0.6","250","","","0x60806040"
"$T2","101","1700000003","2023-11-14 22:13:23","$B","$A","","3","0","1800","0","0","250","","","Transfer"
"#;
    let transfers = [
        "2 100:-:0 1700000000 native $A > $C 2000000000000000000 BNB",
        "2 100:-:4294967295 1700000000 fee $A > FEE 1000000000000000 BNB",
        "3 101:-:0 1700000003 native $B > $A 3000000000000000000 BNB",
    ];
    let gaps = ["no-transaction-index"];
    let expected = Expected { transfers: &transfers, gaps: &gaps, ..Default::default() };
    checked("etherscan", text, &Options::default(), &expected);
    checked("etherscan", text, &on("bsc"), &expected);
    let (_, outcome) = try_read("etherscan", text.as_bytes(), &on("polygon"), &mut Context::new());
    assert!(matches!(outcome, Err(ReadError::OtherChain { .. })), "{outcome:?}");
}

#[test]
fn internal_export_leaves_out_failed_and_borrowed_calls() {
    let text = r#""Transaction Hash","Blockno","UnixTimestamp","DateTime (UTC)","ParentTxFrom","ParentTxTo","ParentTxETH_Value","From","TxTo","ContractAddress","Value_IN(ETH)","Value_OUT(ETH)","CurrentValue @ $3114.81/Eth","Historical $Price/Eth","Status","ErrCode","Type"
"$T1","14442835","1648042149","2022-03-23 13:29:09","$A","$B","0","$B","$A","","173600","0","1","3000","0","","call"
"$T2","14442836","1648042150","2022-03-23 13:29:10","$A","$B","0","$B","$A","","1","0","1","3000","1","out of gas","call"
"$T1","14442835","1648042149","2022-03-23 13:29:09","$A","$B","0","$B","$A","","7","0","1","3000","0","","delegatecall"
"$T1","14442835","1648042149","2022-03-23 13:29:09","$A","$B","0","$B","$A","","7","0","1","3000","0","","delegatecall_0_1"
"$T1","14442835","1648042149","2022-03-23 13:29:09","$A","$B","0","$B","$A","","7","0","1","3000","0","","staticcall"
"$T1","14442835","1648042149","2022-03-23 13:29:09","$A","$B","0","$B","$A","","7","0","1","3000","0","","callcode"
"$T1","14442835","1648042149","2022-03-23 13:29:09","$A","$B","0","$B","$A","","7","0","1","3000","0","","call_0"
"#;
    let transfers = [
        "2 14442835:-:- 1648042149 internal $B > $A 173600000000000000000000 ETH",
        "8 14442835:-:- 1648042149 internal $B > $A 7000000000000000000 ETH",
    ];
    let gaps = ["no-transaction-index", "order-in-transaction"];
    let moved_nothing = 5;
    let expected =
        Expected { transfers: &transfers, gaps: &gaps, moved_nothing, ..Default::default() };
    checked("etherscan", text, &on("ethereum"), &expected);
}

const TOKENS: &str = r#""Transaction Hash","Blockno","UnixTimestamp","DateTime (UTC)","From","To","TokenValue","USDValueDayOfTx","ContractAddress","TokenName","TokenSymbol"
"$T1","14442840","1648042264","2022-03-23 13:31:04","$B","$A","1,234,567.5","1","$USDT","Tether USD","USDT"
"$T1","14442840","1648042264","2022-03-23 13:31:04","0x0000000000000000000000000000000000000000","$A","2","1","$USDT","Tether USD","USDT"
"$T2","14442841","1648042270","2022-03-23 13:31:10","$A","$B","5","","$C","Fake USDT","USDT"
"$T2","14442841","1648042270","2022-03-23 13:31:10","$A","$B","12,34","1","$USDT","Tether USD","USDT"
"$T2","14442841","1648042270","2022-03-23 13:31:10","$A","$B","0.0000001","1","$USDT","Tether USD","USDT"
"$T2","14442841","1648042270","2022-03-23 13:31:10","0x098B716B8Aaf21512996dC57EB0615e2383E2f97","$B","1","1","$USDT","Tether USD","USDT"
"#;

#[test]
fn tokens_need_known_decimals_and_commas_in_place() {
    let gaps = ["no-transaction-index", "order-in-transaction"];
    let known = [
        "2 14442840:-:- 1648042264 token $B > $A 1234567500000 $USDT",
        "3 14442840:-:- 1648042264 token MINT > $A 2000000 $USDT",
    ];
    let unknown = format!("TokenValue: decimals of {C} are unknown (--decimals {C}=N)");
    let bad = [
        (4, unknown.as_str()),
        (5, "TokenValue: commas out of place: \"12,34\""),
        (6, "TokenValue: the amount has a remainder below one base unit"),
        (7, "From: the checksum is wrong (EIP-55)"),
    ];
    let tokens = ["$USDT 6 USDT"];
    let expected = Expected {
        transfers: &known,
        set_aside: &bad,
        gaps: &gaps,
        tokens: &tokens,
        ..Default::default()
    };
    checked("etherscan", TOKENS, &on("ethereum"), &expected);

    let mut options = on("ethereum");
    let fake = Address::parse(Chain::ETHEREUM, C).expect("address");
    options.decimals.set(Chain::ETHEREUM, Asset::Token(fake), 18);
    let all =
        [known[0], known[1], "4 14442841:-:- 1648042270 token $A > $B 5000000000000000000 $C"];
    let tokens = ["$USDT 6 USDT", "$C 18 USDT"];
    let expected = Expected {
        transfers: &all,
        set_aside: &bad[1..],
        gaps: &gaps,
        tokens: &tokens,
        ..Default::default()
    };
    checked("etherscan", TOKENS, &options, &expected);
}

#[test]
fn the_oldest_token_header_has_no_height() {
    let text = r#""Txhash","UnixTimestamp","DateTime","From","To","Value","ContractAddress","TokenName","TokenSymbol"
"$T1","1600000000","9/13/2020 12:26:40 PM","$B","$A","1","$USDT","Tether USD","USDT"
"#;
    let transfers = ["2 -:-:- 1600000000 token $B > $A 1000000 $USDT"];
    let gaps = ["chain-assumed", "no-height", "order-in-transaction"];
    let tokens = ["$USDT 6 USDT"];
    let expected =
        Expected { transfers: &transfers, gaps: &gaps, tokens: &tokens, ..Default::default() };
    checked("etherscan", text, &Options::default(), &expected);
}

const TXLIST: &str = r#"{"status":"1","message":"OK","result":[
{"blockNumber":"14442836","timeStamp":"1648042150","hash":"$T2","nonce":"7","blockHash":"$T1","transactionIndex":"5","from":"$A","to":"$B","value":"7","gas":"21000","gasPrice":"20","isError":"1","txreceipt_status":"0","input":"0x","contractAddress":"","gasUsed":"21000"},
{"blockNumber":"14442835","timeStamp":"1648042149","hash":"$T1","nonce":"6","blockHash":"$T1","transactionIndex":"3","from":"$A","to":"","value":"340282366920938463463374607431768211455","gas":"21000","gasPrice":"10","isError":"0","txreceipt_status":"1","input":"0x","contractAddress":"$C","gasUsed":"21000"},
{"blockNumber":"14442834","timeStamp":"1648042148","hash":"$T1","nonce":"5","transactionIndex":"2","from":"$A","to":"$B","value":"340282366920938463463374607431768211456","gasPrice":"10","isError":"0","txreceipt_status":"1","gasUsed":"21000"},
{"blockNumber":"14442834","timeStamp":"1648042148","hash":"$T1","nonce":"5","transactionIndex":"2","from":"$A","to":"$B","value":1e18,"gasPrice":"10","isError":"0","txreceipt_status":"1","gasUsed":"21000"}
]}"#;

#[test]
fn txlist_pays_fees_of_failures_too() {
    let transfers = [
        "2 14442835:3:0 1648042149 native $A > $C 340282366920938463463374607431768211455 ETH",
        "2 14442835:3:4294967295 1648042149 fee $A > FEE 210000 ETH",
        "1 14442836:5:4294967295 1648042150 fee $A > FEE 420000 ETH",
    ];
    let bad = [
        (3, "value: the amount does not fit in 128 bits"),
        (4, "value: the amount is not a whole number of base units: \"1e18\""),
    ];
    let expected = Expected {
        transfers: &transfers,
        set_aside: &bad,
        gaps: &["base-fee", "chain-assumed"],
        moved_nothing: 1,
        ..Default::default()
    };
    checked("etherscan-api", TXLIST, &Options::default(), &expected);
    let bare = TXLIST.split_once("\"result\":").expect("has it").1.trim_end_matches('}');
    checked("etherscan-api", bare, &Options::default(), &expected);
}

#[test]
fn internal_and_token_lists() {
    let mut context = Context::new();
    let internal = r#"{"status":"1","message":"OK","result":[{"blockNumber":"14442835","timeStamp":"1648042149","hash":"$T1","from":"$C","to":"$A","value":"9","contractAddress":"","input":"","type":"call","gas":"1","gasUsed":"1","traceId":"0_1","isError":"0","errCode":""},
{"blockNumber":"14442835","timeStamp":"1648042149","hash":"$T1","from":"$C","to":"$A","value":"9","contractAddress":"","type":"delegatecall","traceId":"0_2","isError":"0","errCode":""}]}"#;
    let tokens = r#"[{"blockNumber":"14442835","timeStamp":"1648042149","hash":"$T1","nonce":"6","from":"$C","contractAddress":"$USDT","to":"$A","value":"25500000","tokenName":"Tether USD","tokenSymbol":"USDT","tokenDecimal":"6","transactionIndex":"3","gasPrice":"1","gasUsed":"1"},
{"blockNumber":"14442835","timeStamp":"1648042149","hash":"$T1","from":"$C","contractAddress":"$USDT","to":"$A","tokenID":"77","tokenName":"N","tokenSymbol":"N","tokenDecimal":"0","transactionIndex":"3"}]"#;
    let options = on("ethereum");
    read_in("etherscan-api", fill(TXLIST).as_bytes(), &options, &mut context);
    let got = read_in("etherscan-api", fill(internal).as_bytes(), &options, &mut context);
    assert_eq!(got.lines(), [fill("1 14442835:-:- 1648042149 internal $C > $A 9 ETH")]);
    assert_eq!(got.summary.moved_nothing, 1);
    let got = read_in("etherscan-api", fill(tokens).as_bytes(), &options, &mut context);
    assert_eq!(got.lines(), [fill("1 14442835:3:- 1648042149 token $C > $A 25500000 $USDT")]);
    assert_eq!(got.set_aside, [(2, "tokenID: an NFT, which has no amount".to_string())]);
    assert_eq!(got.kinds_of_gaps(), ["order-in-transaction"]);
}

/// Replies about one transaction, recorded by rotki: 14 internal calls, without the transaction's id.
#[test]
fn recorded_replies_about_one_transaction() {
    let folder = "../../../shared/data/unlicensed/recorded-api/hop";
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("skipped: data not here");
        return;
    };
    let (mut replies, mut rows, mut sum) = (0, 0, 0);
    for file in files {
        let text = std::fs::read_to_string(file.expect("an entry").path()).expect("a text");
        for line in text.lines().filter(|line| line.contains("timeStamp")) {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let reply = line["reply"].as_str().expect("a reply").as_bytes();
            let got = read_in("etherscan-api", reply, &on("ethereum"), &mut Context::new());
            assert!(got.set_aside.is_empty(), "{:?}", got.set_aside);
            assert!(got.kinds_of_gaps().contains(&"no-transaction-id"));
            (replies, rows) = (replies + 1, rows + got.summary.rows);
            sum += got.sum(|_| true);
        }
    }
    assert_eq!((replies, rows, sum), (8, 14, 2_877_024_231_047_805_997));
}

#[test]
fn a_refusal_of_the_api_is_no_empty_list() {
    let text = r#"{"status":"0","message":"NOTOK","result":"Max rate limit reached"}"#;
    let (got, _) = try_read("etherscan-api", text.as_bytes(), &on("ethereum"), &mut Context::new());
    let why = "result: not a list but \"Max rate limit reached\"".to_string();
    assert_eq!(got.set_aside, [(1, why)]);
    check(
        "etherscan-api",
        r#"{"status":"0","message":"No transactions found","result":[]}"#,
        &on("ethereum"),
        &Expected::default(),
    );
}

/// A list that was cut where the service cuts looked like all that there is.
#[test]
fn a_full_list_may_be_cut() {
    let api = |rows: usize| {
        let row = fill(
            r#"{"blockNumber":"1","timeStamp":"1","hash":"$T1","from":"$A","to":"$B","value":"0","type":"call"}"#,
        );
        format!("[{}]", vec![row; rows].join(","))
    };
    let csv = |rows: usize| {
        let row = fill("$T1,1,1,$A,$B,,0,0,0,,,\n");
        let head = "Txhash,Blockno,UnixTimestamp,From,To,ContractAddress,Value_IN(ETH),\
                    Value_OUT(ETH),TxnFee(ETH),Status,ErrCode,Method\n";
        head.to_string() + &row.repeat(rows)
    };
    let cases = [
        ("etherscan-api", api(999), false),
        ("etherscan-api", api(1_000), true),
        ("etherscan-api", api(5_000), true),
        ("etherscan-api", api(9_999), false),
        ("etherscan-api", api(10_000), true),
        ("etherscan", csv(1_000), false),
        ("etherscan", csv(5_000), true),
        ("etherscan", csv(5_001), false),
    ];
    for (format, text, full) in cases {
        let got = read_in(format, text.as_bytes(), &on("ethereum"), &mut Context::new());
        assert!(got.set_aside.is_empty(), "{:?}", got.set_aside[0]);
        let gap = got.gaps.iter().find(|(kind, _)| kind == "more-pages");
        assert_eq!(gap.is_some(), full, "{} rows of {format}", got.summary.rows);
        let rows = got.summary.rows.to_string();
        assert!(gap.is_none_or(|(_, detail)| detail.contains(&rows)), "{gap:?}");
    }
}
