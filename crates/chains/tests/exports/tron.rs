//! TronGrid's and Tronscan's replies and exports.

use chains::exports::{Options, ReadError};

use super::{Context, Expected, check, on, read_in, try_read};

const A: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
const B: &str = "TNMW5iEH7CCudMTGFJA9Ch6KSf6J3hAJem";
const T1: &str = "1111111111111111111111111111111111111111111111111111111111111111";
/// The hexadecimal form of `A`.
const A_HEX: &str = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c";

fn fill(text: &str) -> String {
    text.replace("$AX", A_HEX).replace("$A", A).replace("$B", B).replace("$T", T1)
}

fn checked(format: &str, text: &str, options: &Options, expected: &Expected<'_>) {
    let transfers: Vec<String> = expected.transfers.iter().map(|line| fill(line)).collect();
    let transfers: Vec<&str> = transfers.iter().map(String::as_str).collect();
    let tokens: Vec<String> = expected.tokens.iter().map(|line| fill(line)).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let expected = Expected { transfers: &transfers, tokens: &tokens, ..*expected };
    check(format, &fill(text), options, &expected);
}

const GAPS: [&str; 2] = ["no-transaction-index", "order-in-transaction"];

/// One transaction of TronGrid's list, with what stands in its contract.
fn transaction(result: &str, kind: &str, value: &str, rest: &str) -> String {
    format!(
        r#"{{"ret":[{{"contractRet":"{result}","fee":1100000}}],"signature":["00"],"txID":"$T","net_usage":0,"raw_data_hex":"0a","net_fee":345000,"energy_usage":0,"blockNumber":62258698,"block_timestamp":1717419792000,"energy_fee":0,"raw_data":{{"contract":[{{"parameter":{{"value":{{{value}}},"type_url":"x"}},"type":"{kind}"}}],"expiration":1,"timestamp":1}},"internal_transactions":[{rest}]}}"#
    )
}

#[test]
fn trongrid_transactions() {
    let sides = r#""owner_address":"$AX","to_address":"$B""#;
    let called = r#""owner_address":"$AX","contract_address":"$B""#;
    let inner = r#"{"internal_tx_id":"i","data":{"note":"63616c6c","rejected":false,"call_value":{"_":30,"1002000":4}},"to_address":"$AX","from_address":"$B"},
        {"hash":"h","caller_address":"$B","transferTo_address":"$AX","callValueInfo":[{"callValue":8},{}],"note":"6"},
        {"caller_address":"$B","transferTo_address":"$AX","callValueInfo":[{"callValue":9}],"rejected":true}"#;
    let list = [
        transaction("SUCCESS", "TransferContract", &format!("\"amount\":5,{sides}"), ""),
        transaction("OUT_OF_ENERGY", "TriggerSmartContract", &format!("\"call_value\":6,{called}"), inner),
        transaction("SUCCESS", "TriggerSmartContract", &format!("\"call_value\":7,{called}"), inner),
        transaction("SUCCESS", "TransferAssetContract", &format!("\"amount\":8,\"asset_name\":\"31303032303030\",{sides}"), ""),
        transaction("SUCCESS", "VoteWitnessContract", "\"owner_address\":\"$AX\"", ""),
        transaction("SUCCESS", "ExchangeTransactionContract", "\"owner_address\":\"$AX\"", ""),
        r#"{"internal_tx_id":"i","tx_id":"$T","block_timestamp":1717419792000,"from_address":"$AX","to_address":"$B","data":{"rejected":false,"call_value":{"_":2}}}"#.to_string(),
    ];
    let text = format!(
        r#"{{"data":[{}],"success":true,"meta":{{"at":1,"page_size":6}}}}"#,
        list.join(",")
    );
    let transfers = [
        "1 62258698:-:- 1717419792 native $A > $B 5 TRX",
        "1 62258698:-:4294967295 1717419792 fee $A > FEE 1100000 TRX",
        "2 62258698:-:4294967295 1717419792 fee $A > FEE 1100000 TRX",
        "3 62258698:-:- 1717419792 native $A > $B 7 TRX",
        "3 62258698:-:- 1717419792 internal $B > $A 30 TRX",
        "3 62258698:-:- 1717419792 internal $B > $A 4 1002000",
        "3 62258698:-:- 1717419792 internal $B > $A 8 TRX",
        "3 62258698:-:4294967295 1717419792 fee $A > FEE 1100000 TRX",
        "4 62258698:-:- 1717419792 token $A > $B 8 1002000",
        "4 62258698:-:4294967295 1717419792 fee $A > FEE 1100000 TRX",
        "5 62258698:-:4294967295 1717419792 fee $A > FEE 1100000 TRX",
        "7 -:-:- 1717419792 internal $A > $B 2 TRX",
    ];
    let set_aside = [(6, "raw_data.contract.0.type: ExchangeTransactionContract may move value")];
    let gaps = ["no-height", GAPS[0], GAPS[1]];
    let expected = Expected {
        transfers: &transfers,
        set_aside: &set_aside,
        gaps: &gaps,
        moved_nothing: 2,
        ..Default::default()
    };
    checked("trongrid", &text, &Options::default(), &expected);
}

#[test]
fn trongrid_trc20_newest_first() {
    let text = r#"{"data":[
        {"transaction_id":"$T","token_info":{"symbol":"USDT","address":"$A","decimals":6,"name":"Tether USD"},"block_timestamp":1686038304000,"from":"$B","to":"$A","type":"Transfer","value":"4900000"},
        {"transaction_id":"$T","token_info":{"symbol":"USDT","address":"$A","decimals":6,"name":"Tether USD"},"block_timestamp":1686038303000,"from":"$B","to":"$A","type":"Approval","value":"1"},
        {"transaction_id":"$T","token_info":{"symbol":"USDT","address":"$A","decimals":6,"name":"Tether USD"},"block_timestamp":1686038302000,"from":"T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb","to":"$B","type":"Transfer","value":"2"},
        {"transaction_id":"$T","token_info":{},"block_timestamp":1,"value":"2","from":"$B","to":"$A"}
        ],"success":true,"meta":{"at":1}}"#;
    let transfers =
        ["3 -:-:- 1686038302 token MINT > $B 2 $A", "1 -:-:- 1686038304 token $B > $A 4900000 $A"];
    let expected = Expected {
        transfers: &transfers,
        set_aside: &[(4, "txID: missing")],
        gaps: &["no-height", "order-in-transaction"],
        tokens: &["$A 6 USDT"],
        moved_nothing: 1,
    };
    checked("trongrid", text, &on("tron"), &expected);
    let (_, outcome) = try_read("trongrid", b"", &on("bsc"), &mut Context::new());
    assert!(matches!(outcome, Err(ReadError::OtherChain { .. })));
}

/// A page of several looked like the whole history of an account.
#[test]
fn a_page_that_more_follow_says_so() {
    let page = |meta: &str| format!("{{\"data\":[],\"success\":true,\"meta\":{meta}}}");
    let more = r#"{"at":1,"fingerprint":"abc","links":{"next":"https://x"},"page_size":200}"#;
    let linked = r#"{"links":{"next":"https://api.trongrid.io/v1/…"}}"#;
    let last = r#"{"at":1,"page_size":3,"links":{},"fingerprint":""}"#;
    let cases = [
        (page(more), true),
        (page(linked), true),
        (page(last), false),
        (page("[]"), false),
        // Of pages in one file the last one knows.
        (page(more) + &page(last), false),
        (page(last) + &page(more), true),
    ];
    for (text, more) in cases {
        let got = read_in("trongrid", text.as_bytes(), &on("tron"), &mut Context::new());
        assert_eq!(got.kinds_of_gaps().contains(&"more-pages"), more, "{text}");
    }
}

#[test]
fn tronscan_trc20_transfers() {
    let text = r#"{"total":2,"contractInfo":{},"rangeTotal":2,"token_transfers":[
        {"transaction_id":"$T","status":0,"block_ts":1690000000000,"from_address":"$B","to_address":"$A","block":53000000,"contract_address":"$A","quant":"118351300","confirmed":true,"contractRet":"SUCCESS","finalResult":"SUCCESS","revert":false,"tokenInfo":{"tokenId":"$A","tokenAbbr":"USDT","tokenName":"Tether USD","tokenDecimal":6},"contract_type":"trc20"},
        {"transaction_id":"$T","block_ts":1690000003000,"from_address":"$B","to_address":"$A","block":53000001,"contract_address":"$A","quant":"1","confirmed":true,"contractRet":"REVERT","finalResult":"REVERT","revert":true,"tokenInfo":{"tokenDecimal":6}},
        {"transaction_id":"$T","block_ts":1690000003000,"from_address":"$B","to_address":"$A","block":53000001,"contract_address":"$A","quant":"1","confirmed":false,"contractRet":"SUCCESS"},
        {"transaction_id":"$T","block_ts":1690000003000,"from_address":"$B","to_address":"$A","block":53000001,"contract_address":"$A","quant":1.5,"contractRet":"SUCCESS"}]}"#;
    let set_aside = [
        (3, "confirmed: the transaction is not confirmed yet"),
        (4, "quant: the amount is not a whole number of base units: \"1.5\""),
    ];
    let expected = Expected {
        transfers: &["1 53000000:-:- 1690000000 token $B > $A 118351300 $A"],
        set_aside: &set_aside,
        gaps: &GAPS,
        tokens: &["$A 6 USDT"],
        moved_nothing: 1,
    };
    checked("tronscan", text, &Options::default(), &expected);
}

#[test]
fn tronscan_trx_transfers_of_three_versions() {
    let text = r#"{"total":4,"data":[
        {"id":"","block":10,"transactionHash":"$T","timestamp":1690000000000,"transferFromAddress":"$A","transferToAddress":"$B","amount":5,"tokenName":"_","confirmed":true,"contractRet":"SUCCESS","tokenInfo":{"tokenId":"_","tokenAbbr":"trx","tokenDecimal":6}},
        {"block":11,"transactionHash":"$T","timestamp":1690000001000,"transferFromAddress":"$A","transferToAddress":"$B","amount":6,"tokenName":"BitPound","confirmed":true},
        {"block":11,"transactionHash":"$T","timestamp":1690000001000,"transferFromAddress":"$A","transferToAddress":"$B","amount":6,"tokenName":"x","tokenInfo":{"tokenId":"1002000"},"confirmed":true},
        {"amount":"7","status":0,"block_timestamp":1690000002000,"block":12,"from":"$A","to":"$B","hash":"$T","contract_address":"_","confirmed":1,"contract_type":"TransferContract","contractType":1,"revert":0,"contract_ret":"SUCCESS","final_result":"SUCCESS","decimals":6,"token_name":"trx"},
        {"block":13,"hash":"$T","timestamp":1690000003000,"ownerAddress":"$A","toAddress":"$B","contractType":1,"confirmed":true,"contractData":{"amount":8,"owner_address":"$A","to_address":"$B"},"contractRet":"SUCCESS","result":"SUCCESS","cost":{"fee":1100000,"net_fee":100000}},
        {"block":14,"hash":"$T","timestamp":1690000004000,"ownerAddress":"$A","toAddress":"$B","contractType":31,"confirmed":true,"contractData":{"data":"a9059cbb","contract_address":"$B"},"contractRet":"OUT_OF_ENERGY","cost":{"fee":9}}]}"#;
    let transfers = [
        "1 10:-:- 1690000000 native $A > $B 5 TRX",
        "3 11:-:- 1690000001 token $A > $B 6 1002000",
        "4 12:-:- 1690000002 native $A > $B 7 TRX",
        "5 13:-:- 1690000003 native $A > $B 8 TRX",
        "5 13:-:4294967295 1690000003 fee $A > FEE 1100000 TRX",
        "6 14:-:4294967295 1690000004 fee $A > FEE 9 TRX",
    ];
    let expected = Expected {
        transfers: &transfers,
        set_aside: &[(2, "tokenName: the token is named, not numbered: BitPound")],
        gaps: &GAPS,
        moved_nothing: 1,
        ..Default::default()
    };
    checked("tronscan", text, &Options::default(), &expected);
}

#[test]
fn tronscan_csv_names_contracts_or_is_set_aside() {
    let text = "Txn Hash,Block,Time(UTC),From,To,Amount,Token Symbol,Token Contract Address,Result\n\
        $T,53000001,2023-07-22 04:26:43,$A,$B,1.5,USDT,$A,SUCCESS\n\
        $T,53000000,2023-07-22 04:26:40,$A,$B,118351300,TRX,,SUCCESS\n\
        $T,53000000,2023-07-22 04:26:40,$A,$B,3,USDT,,SUCCESS\n\
        $T,53000000,2023-07-22 04:26:40,$A,$B,3,TRX,,OUT_OF_ENERGY\n";
    let expected = Expected {
        transfers: &[
            "3 53000000:-:- 1690000000 native $A > $B 118351300000000 TRX",
            "2 53000001:-:- 1690000003 token $A > $B 1500000 $A",
        ],
        set_aside: &[(4, "Token Symbol: the row names no contract, and a symbol is no token")],
        gaps: &GAPS,
        moved_nothing: 1,
        ..Default::default()
    };
    checked("tronscan", text, &Options::default(), &expected);
}
