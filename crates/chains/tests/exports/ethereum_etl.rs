//! The tables of ethereum-etl, against numbers counted in Python over the same files.

use std::collections::BTreeSet;

use chains::exports::{Context, Options, sniff};
use ledger::{Kind, Place};

use super::{Got, fixture, line, on, read_in};

fn table(path: &str, context: &mut Context) -> Got {
    read_in("ethereum-etl", &fixture(&format!("ethereum-etl/{path}")), &on("ethereum"), context)
}

#[test]
fn ranks_put_blocks_and_receipts_before_transactions() {
    let rank = |name: &str| {
        let text = fixture(&format!("ethereum-etl/block-483920/expected_{name}.csv"));
        sniff(name, &text).expect("known").rank
    };
    let ranks = ["blocks", "receipts", "transactions", "logs", "token_transfers"].map(rank);
    assert!(ranks.windows(2).all(|pair| pair[0] < pair[1]), "{ranks:?}");
}

#[test]
fn a_whole_block_of_streamed_json() {
    let mut context = Context::new();
    let blocks = table("block-17173049/expected_blocks.json", &mut context);
    assert_eq!(blocks.blocks.len(), 1);
    assert_eq!(blocks.rows.len(), 16);
    assert_eq!(blocks.sum(|_| true), 231_693_495_000_000_000);

    let got = table("block-17173049/expected_transactions.json", &mut context);
    assert_eq!((got.summary.rows, got.summary.transactions), (116, 116));
    let count = |kind| got.rows.iter().filter(|(_, _, t)| t.kind == kind).count();
    assert_eq!((count(Kind::Native), count(Kind::Fee)), (51, 114));
    assert_eq!(got.sum(|t| t.kind == Kind::Native), 18_293_723_646_670_454_932);
    // The block's base fee times the gas of its header was burned; two transactions paid no more.
    let burned = got.sum(|t| t.to == Place::Burn);
    assert_eq!((count(Kind::Burn), burned), (116, 80_869_370_967 * 9_755_040));
    assert_eq!(burned + got.sum(|t| t.kind == Kind::Fee), 1_070_942_692_959_154_648);
    assert!(got.gaps.is_empty() && got.set_aside.is_empty(), "{:?}", got.gaps);

    let logs = table("block-17173049/expected_logs.json", &mut context);
    assert_eq!((logs.rows.len(), logs.summary.moved_nothing), (106, 271 - 106));
    assert_eq!(logs.sum(|_| true), 8_968_554_981_176_859_333_479_813_605_998);
    let tokens = table("block-17173049/expected_token_transfers.json", &mut context);
    assert_eq!((tokens.rows.len(), tokens.summary.moved_nothing), (106, 8));
    let set = |got: &Got| got.rows.iter().map(|(_, _, t)| line(t)).collect::<BTreeSet<_>>();
    assert_eq!(set(&logs), set(&tokens));
    assert!(logs.rows.iter().all(|(_, _, t)| t.position.is_full()));

    let alone = table("block-17173049/expected_token_transfers.json", &mut Context::new());
    assert_eq!(alone.kinds_of_gaps(), ["nft-numbers", "no-transaction-index"]);
}

#[test]
fn csv_tables_lean_on_each_other() {
    let mut context = Context::new();
    let alone = table("block-483920/expected_token_transfers.csv", &mut context);
    assert_eq!(alone.rows.len(), 0);
    let why = "the time of block 483920 is unknown: import the blocks table too";
    assert!(alone.set_aside.iter().all(|(_, reason)| reason == why) && alone.set_aside.len() == 2);

    let blocks = table("block-483920/expected_blocks.csv", &mut context);
    assert_eq!(blocks.blocks[0].time.seconds(), 1_446_561_880);
    assert!(blocks.blocks[0].hash.is_some() && blocks.blocks[0].parent.is_some());
    table("block-483920/expected_receipts.csv", &mut context);
    let got = table("block-483920/expected_transactions.csv", &mut context);
    let max = u32::MAX;
    let lines: Vec<String> = got.rows.iter().skip(2).map(|(_, _, t)| line(t)).collect();
    assert_eq!(
        lines,
        [
            "483920:2:0 1446561880 native 0x9df428a91ff0f3635c8f0ce752933b9788926804 > 0x9e669f970ec0f49bb735f20799a7e7c4a1c274e2 11000440000000000 ETH".to_string(),
            format!("483920:2:{max} 1446561880 fee 0x9df428a91ff0f3635c8f0ce752933b9788926804 > FEE 1050000000000000 ETH"),
            "483920:3:0 1446561880 native 0x2a65aca4d5fc5b5c859090a6c34d164135398226 > 0x743b8aeedc163c0e3a0fe9f3910d146c48e70da8 1530219620000000000 ETH".to_string(),
            format!("483920:3:{max} 1446561880 fee 0x2a65aca4d5fc5b5c859090a6c34d164135398226 > FEE 1050000000000000 ETH"),
        ]
    );
    assert_eq!(got.kinds_of_gaps(), ["no-final-line-end", "no-status"]);
    table("block-483920/expected_logs.csv", &mut context);
    let tokens = table("block-483920/expected_token_transfers.csv", &mut context);
    let lines: Vec<String> = tokens.rows.iter().map(|(_, _, t)| line(t)).collect();
    assert_eq!(
        lines[1],
        "483920:1:1000001 1446561880 token 0x9b22a80d5c7b3374a05b446081f97d0a34079e7f > 0x66f183060253cfbe45beff1e6e7ebbe318c81e56 200000 0xf4eced2f682ce333f96f2d8966c613ded8fc95dd"
    );
}

#[test]
fn receipts_as_json_lines_fill_the_context_too() {
    let mut context = Context::new();
    table("block-483920/expected_receipts.json", &mut context);
    let got = table("block-483920/expected_transactions.csv", &mut context);
    assert_eq!(got.sum(|t| t.kind == Kind::Fee), (50853 * 2 + 21000 * 2) * 50_000_000_000);
}

#[test]
fn withdrawals_in_a_csv_cell() {
    let got = table("blocks-withdrawals/expected_blocks.csv", &mut Context::new());
    assert_eq!((got.blocks.len(), got.rows.len()), (2, 32));
    assert_eq!(got.sum(|_| true), 231_693_495_000_000_000 + 198_354_889_000_000_000);
}

/// Reads a trace file with the times of its blocks known.
fn traces(path: &str, height: u64, context: &mut Context) -> Got {
    let blocks = format!("number,hash,parent_hash,timestamp\n{height},,,1000\n");
    read_in("ethereum-etl", blocks.as_bytes(), &on("ethereum"), context);
    table(path, context)
}

#[test]
fn traces_move_what_really_moved() {
    let reward = format!(
        "1000690:{0}:0 1000 reward MINT > 0xf8b483dba2c3b7176a3da549ad41a48bb3121069 5000000000000000000 ETH",
        u32::MAX
    );
    let top = "1000690:0:0 1000 native 0xaf21e07e5a929d16026a7b4d88f3906a8d2e4942 > 0x5b3c526b152b1f3d8eabe2ec27f49b904ad51cad 64655529900000002048 ETH";
    let lines = |got: &Got| got.rows.iter().map(|(_, _, t)| line(t)).collect::<Vec<_>>();
    let got = traces("parity-traces/create.csv", 1_000_690, &mut Context::new());
    assert_eq!(lines(&got), [top.to_string(), reward]);
    let geth = traces("geth-traces/create.csv", 1_000_690, &mut Context::new());
    assert_eq!(lines(&geth), [top]);
    assert_eq!((got.rows[0].2.tx.is_some(), geth.rows[0].2.tx.is_some()), (true, false));

    for flavour in ["parity", "geth"] {
        let got = traces(&format!("{flavour}-traces/error.csv"), 1_000_895, &mut Context::new());
        assert_eq!(got.sum(|t| t.kind == Kind::Native), 1_100_000_000_000_000_000, "{flavour}");
        let got =
            traces(&format!("{flavour}-traces/subtraces.csv"), 1_000_000, &mut Context::new());
        assert_eq!(got.sum(|t| t.kind != Kind::Reward), 100_437_194_980_000_000_000, "{flavour}");
    }
    let got = traces("parity-traces/suicide.csv", 1_011_973, &mut Context::new());
    assert_eq!(
        lines(&got)[0],
        "1011973:0:1 1000 internal 0x474faa5018639791952fae334e2911700ac7fe9b > 0x83973747eec131bf9a08ac64fb1a518e891bdf4b 50000000000000000 ETH"
    );
    let got = traces("geth-traces/suicide.csv", 1_011_973, &mut Context::new());
    assert!(got.set_aside[0].1.contains("self-destruct"), "{:?}", got.set_aside);
    assert_eq!(traces("parity-traces/empty.csv", 1, &mut Context::new()).summary.rows, 0);
}

#[test]
fn streamed_traces_tell_their_own_times() {
    let got = table("stream-traces/508110.json", &mut Context::new());
    assert_eq!(got.sum(|t| t.kind == Kind::Reward), 8_906_250_000_000_000_000);
    assert_eq!(got.sum(|t| t.kind == Kind::Native), 4_949_989_500_000_000_000);
    assert_eq!(got.rows.len(), 3);
    let got = table("stream-traces/2112234.json", &mut Context::new());
    assert_eq!((got.rows.len(), got.summary.moved_nothing), (1, 1));
}

/// Regression: the call of a transaction whose table was read must not count twice, and both tables
/// must give the same transfer.
#[test]
fn a_top_level_call_counts_once() {
    let header = "hash,block_number,transaction_index,from_address,to_address,value,gas_price,receipt_gas_used,receipt_status\n";
    let tx = format!("0x{}", "ab".repeat(32));
    let (a, b, c) = (
        "0x098b716b8aaf21512996dc57eb0615e2383e2f96",
        "0x35fb6f6db4fb05e6a4ce86f2c93691425626d4b1",
        "0x3ad9db589d201a710ed237c829c7860ba86510fc",
    );
    let blocks = "number,hash,parent_hash,timestamp\n9,,,1000\n";
    let own = format!("{header}{tx},9,2,{a},{b},5,1,0,1\n");
    let traces = format!(
        "block_number,transaction_hash,transaction_index,from_address,to_address,value,trace_type,call_type,trace_address,error,status\n\
         9,{tx},2,{a},{b},5,call,call,,,1\n\
         9,{tx},2,{b},{c},4,call,call,0,out of gas,0\n\
         9,{tx},2,{c},{a},4,call,call,\"0,0\",,\n\
         9,{tx},2,{b},{c},3,call,delegatecall,1,,1\n\
         9,{tx},2,{b},{c},2,call,call,2,,1\n"
    );
    let read = |text: &str, context: &mut Context| {
        read_in("ethereum-etl", text.as_bytes(), &on("ethereum"), context)
    };
    let mut both = Context::new();
    read(blocks, &mut both);
    let from_transactions = read(&own, &mut both);
    let inner = read(&traces, &mut both);
    assert_eq!(inner.lines(), [format!("6 9:2:4 1000 internal {b} > {c} 2 ETH")]);
    let mut only = Context::new();
    read(blocks, &mut only);
    let alone = read(&traces, &mut only);
    assert_eq!(alone.rows.len(), 2);
    assert_eq!(alone.rows[0].2, from_transactions.rows[0].2);
}

#[test]
fn logs_give_the_token_transfers() {
    let mut context = Context::new();
    let blocks = "number,hash,parent_hash,timestamp\n1452581,,,1000\n";
    read_in("ethereum-etl", blocks.as_bytes(), &on("ethereum"), &mut context);
    let logs = table("logs/logs.csv", &mut context);
    let tokens = table("logs/expected_token_transfers.csv", &mut context);
    let set = |got: &Got| {
        got.rows
            .iter()
            .map(|(_, _, t)| {
                let mut transfer = *t;
                transfer.position.tx_index = None;
                line(&transfer)
            })
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(set(&logs), set(&tokens));
}

#[test]
fn tokens_and_the_chain() {
    let got = table("tokens/expected_tokens.csv", &mut Context::new());
    assert_eq!(got.tokens, ["0x86fa049857e0209aa7d9e616f7eb3b3b78ecfdb0 18 EOS"]);
    let text = fixture("ethereum-etl/tokens/expected_tokens.json");
    let got = read_in("ethereum-etl", &text, &Options::default(), &mut Context::new());
    assert_eq!(got.kinds_of_gaps(), ["chain-assumed"]);
    assert_eq!(got.tokens, ["0xdbdacfc9eb9d42559ac1efbdb40460c728139e6a 0 "]);
}

#[test]
fn logs_of_other_shapes_and_times_as_bigquery_prints_them() {
    let topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
    let side = format!("0x{}098b716b8aaf21512996dc57eb0615e2383e2f96", "0".repeat(24));
    let token = "0xdac17f958d2ee523a2206206994597c13d831ec7";
    let tx = format!("0x{}", "ab".repeat(32));
    let zero = format!("0x{}", "0".repeat(64));
    let row = |topics: &str, data: &str| {
        format!("1,{tx},2,9,{token},{data},\"{topics}\",2022-03-23 13:29:09 UTC\n")
    };
    let header = "log_index,transaction_hash,transaction_index,block_number,address,data,topics,block_timestamp\n";
    let text = [
        header.to_string(),
        row(&format!("{topic},{side},{zero}"), &format!("0x{:064x}", 77)),
        row(&format!("{topic},{side},{side},{side}"), "0x"),
        row(topic, &format!("0x{}", "00".repeat(96))),
        row(&format!("{topic},{side},{side}"), &format!("0x1{:063x}", 0)),
        row(&format!("{topic},{side},{topic}"), &zero),
        row(&zero, "0x"),
        row("", "0x"),
    ]
    .concat();
    let got = read_in("ethereum-etl", text.as_bytes(), &on("ethereum"), &mut Context::new());
    let thief = "0x098b716b8aaf21512996dc57eb0615e2383e2f96";
    assert_eq!(got.lines(), [format!("2 9:2:1000001 1648042149 token {thief} > BURN 77 {token}")]);
    let reasons: Vec<&str> = got.set_aside.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "topics: a transfer of unusual shape: of a token or of an NFT?",
            "data: the amount does not fit in 128 bits",
            "topics: not an address in 32 bytes",
        ]
    );
    assert_eq!(got.summary.moved_nothing, 3);
}
