//! Foreign bytes: whatever is thrown at the readers, they return, in bounded time, without a panic.
//! Seeded, so that a failure repeats.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use std::time::{Duration, Instant};

use cases::case_file::CaseFile;
use cases::claim::{Claim, What};
use cases::label::{FORMATS, Format, Origin, Reading};

const SEEDS: [(&str, &[u8]); 8] = [
    ("lazarus.yaml", include_bytes!("../../../data/labels/lazarus.yaml")),
    ("tornado_cash.yaml", include_bytes!("../../../data/labels/tornado_cash.yaml")),
    (
        "sanctioned_addresses_USDT.txt",
        include_bytes!("../../../data/labels/sanctioned_addresses_USDT.txt"),
    ),
    ("sanctioned_addresses_USDT.json", include_bytes!("fixtures/sanctioned_addresses_USDT.json")),
    ("fbi.csv", include_bytes!("../../../data/labels/fbi.csv")),
    ("etherscan-labels.csv", include_bytes!("fixtures/etherscan-labels.csv")),
    ("graphsense.actorpack.yaml", include_bytes!("fixtures/graphsense.actorpack.yaml")),
    ("case.toml", include_bytes!("../../../examples/coinspaid-2023/case.toml")),
];

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Every reader on the same bytes; each label that comes out must stand by itself.
fn check(bytes: &[u8]) {
    let _ = Claim::decode(bytes);
    if let Ok(case) = CaseFile::parse(bytes) {
        assert_eq!(CaseFile::parse(case.to_toml().as_bytes()), Ok(case));
    }
    for file_name in ["sanctioned_addresses_USDT.txt", "x.yaml", "x"] {
        let _ = Format::sniff(file_name, bytes);
    }
    let origin = Origin { file_name: "sanctioned_addresses_USDT.txt", source: "S", date: None };
    for format in &FORMATS {
        if let Ok(Reading { labels, set_aside, .. }) = format.read(bytes, &origin) {
            for label in labels {
                assert_eq!(label.clone().checked(), Ok(label));
            }
            assert!(set_aside.iter().all(|aside| aside.reason.len() < 2_000));
        }
    }
}

#[test]
fn random_bytes() {
    let mut random = Random(1);
    for _ in 0..400 {
        let length = random.below(400);
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        check(&bytes);
        let words = [
            "tags:\n",
            "- ",
            "a: ",
            "&x ",
            "*x ",
            "[",
            "]",
            "{",
            "}",
            "\"",
            "'",
            "|",
            ">",
            "? ",
            "\n",
            " ",
            "\t",
            "#",
            "---\n",
            "...\n",
            "%YAML 1.1\n",
            "[[theft]]\n",
            "= ",
            ",",
            "chain",
            "!!",
            "\u{feff}",
        ];
        let text: String = (0..length).map(|_| words[random.below(words.len())]).collect();
        check(text.as_bytes());
    }
}

#[test]
fn truncated_and_flipped_files() {
    let mut random = Random(2);
    let case = CaseFile::parse(SEEDS[7].1).unwrap();
    let when = ledger::Time::from_seconds(1_700_000_000);
    let claim = Claim { who: "me".into(), when, what: What::CaseAdded(case) }.encode().unwrap();
    for (_, bytes) in SEEDS.into_iter().chain([("claim", claim.as_slice())]) {
        let bytes = &bytes[..bytes.len().min(3_000)];
        for _ in 0..60 {
            check(&bytes[..random.below(bytes.len() + 1)]);
            let mut flipped = bytes.to_vec();
            for _ in 0..=random.below(4) {
                let at = random.below(flipped.len());
                flipped[at] ^= 1 << random.below(8);
            }
            check(&flipped);
            let (a, b) = (random.below(bytes.len()), random.below(bytes.len()));
            check(&[&bytes[a.min(b)..a.max(b)], &bytes[..a], &bytes[b..]].concat());
        }
    }
}

/// What has brought other parsers down: it must end quickly, by whatever answer.
#[test]
fn known_bombs_end_quickly() {
    let mut laughs = String::from("a0: &a0 {b: c}\n");
    let mut lists = String::from("a0: &a0 [x, x]\n");
    for n in 1..60 {
        let all = vec![format!("*a{}", n - 1); 10].join(", ");
        laughs += &format!("a{n}: &a{n} [{all}]\n");
        lists += &format!("a{n}: &a{n} [{all}]\n");
    }
    let text =
        format!("a: &a \"{}\"\ntags:\n{}", "x".repeat(1 << 20), "- {label: *a}\n".repeat(10_000));
    let keys: String = (0..100_000).map(|n| format!("k{n}: v\n")).collect();
    let tags = "- {address: x, currency: ETH}\n".repeat(10_000);
    let bombs = [
        format!("{laughs}tags: [*a59]\n"),
        format!("{lists}tags: *a59\n"),
        text,
        format!("{keys}tags:\n{tags}"),
        "[".repeat(1 << 20),
        "{".repeat(1 << 20),
        "- ".repeat(1 << 20),
        "? ".repeat(1 << 20),
        "&a ".repeat(1 << 19),
        "!!x ".repeat(1 << 19),
        "a: ".repeat(1 << 19),
        format!("tags: \"{}", "x".repeat(4 << 20)),
        format!("tags: |\n{}", " x\n".repeat(1 << 18)),
        "\n".repeat(4 << 20),
        "#".repeat(4 << 20),
        "- a\n".repeat(1 << 17),
        format!("chain,address,name,category\n\"{}", "x,\n".repeat(1 << 18)),
        format!("chain,address,name,category\n{}", ",".repeat(4 << 20)),
        format!("[{}", "[],".repeat(1 << 18)),
        format!("chain,address,name,category\n{}", "a\n".repeat(1_000_001)),
    ];
    for (number, bomb) in bombs.iter().enumerate() {
        let started = Instant::now();
        check(bomb.as_bytes());
        assert!(
            started.elapsed() < Duration::from_secs(9),
            "bomb {number}: {:?}",
            started.elapsed()
        );
    }
}
