//! The examples of the documentation, read from the pages themselves.

#![allow(clippy::unwrap_used)] // a test may stop at what it did not expect

use cases::case_file::CaseFile;
use cases::label::{Category, Format, Origin};

const CASE_FILE: &str = include_str!("../../../docs/case-file.md");
const LABELS: &str = include_str!("../../../docs/labels.md");
const LABEL_DATA: &str = include_str!("../../../data/README.md");

/// The fenced blocks of one language, in order.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn case_files_of_the_page_read() {
    let blocks = blocks(CASE_FILE, "toml");
    let cases: Vec<CaseFile> =
        blocks.iter().map(|text| CaseFile::parse(text.as_bytes()).unwrap()).collect();
    assert_eq!(cases.iter().map(|case| case.thefts.len()).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(cases.iter().map(|case| case.flows.len()).collect::<Vec<_>>(), [0, 2]);
}

/// Each error of the page is what its mistake gives.
#[test]
fn errors_of_the_page_are_real() {
    let head = "schema = \"dyepack.case/1\"\nid = \"x\"\ntitle = \"X\"\nsources = [\"S\"]\n";
    let eth = "chain = \"ethereum\"\n\
               to = \"0x098B716B8Aaf21512996dC57EB0615e2383E2f96\"\nasset = \"ETH\"\n";
    let usdt = "chain = \"tron\"\nto = \"TGGMvM3hCQnmDnteP2ynt3RVkrEp2S11Ag\"\n\
                asset = \"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t\"\n";
    let mistakes = [
        "[[theft]]\nchain = \"tron\"\namout = \"1\"\n".to_string(),
        format!("[[theft]]\n{}", eth.replace("2f96", "2f97")),
        format!("[[theft]]\n{usdt}amount = \"0.0000001\"\n"),
        format!("[[theft]]\n{}", usdt.replace("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT")),
        format!("[[theft]]\n{eth}amount = \"1\"\nasserted = true\n"),
        "[[flow]]\nfrom = \"TJXXmeUbie3JBfK7H3UQb43sWnbhhdTJQy\"\nto = \"A\"\nsource = \"s\"\n"
            .to_string(),
    ];
    let want: Vec<&str> = blocks(CASE_FILE, "text")[0].lines().collect();
    let got: Vec<String> = mistakes
        .iter()
        .map(|lines| CaseFile::parse(format!("{head}{lines}").as_bytes()).unwrap_err().to_string())
        .collect();
    assert_eq!(got, want);
}

#[test]
fn label_files_of_the_page_read() {
    let origin = Origin { file_name: "labels", source: "", date: None };
    let read = |text: &str| {
        let format = Format::sniff("labels", text.as_bytes()).unwrap();
        (format.name, format.read(text.as_bytes(), &origin).unwrap())
    };
    let (name, csv) = read(blocks(LABELS, "csv")[0]);
    assert_eq!((name, csv.labels.len(), csv.set_aside.len()), ("csv", 3, 0));
    let (name, pack) = read(blocks(LABELS, "yaml")[0]);
    assert_eq!((name, pack.labels.len(), pack.set_aside.len()), ("tagpack", 2, 0));
    let confidence: Vec<u8> = pack.labels.iter().map(|label| label.confidence).collect();
    assert_eq!(confidence, [60, 20]);
    assert_eq!(pack.skipped.values().sum::<usize>(), 1);
}

/// Every word of the page's tables maps as the page says.
#[test]
fn tables_of_the_page_are_true() {
    let origin = Origin { file_name: "t.yaml", source: "", date: None };
    let tag = |line: String| {
        let pack = format!(
            "creator: C\nlabel: L\ncurrency: ETH\ntags:\n- address: '0x{}'\n  {line}\n",
            "1".repeat(40)
        );
        let reading = Format::parse("tagpack").unwrap().read(pack.as_bytes(), &origin).unwrap();
        let label = reading.labels.first().unwrap_or_else(|| panic!("{line}")).clone();
        (label.category, label.confidence)
    };
    let words = |cell: &str| -> Vec<String> {
        let words = cell.split([',', '/']).map(str::trim).map(String::from);
        words.filter(|word| !word.is_empty() && !word.contains(' ')).collect()
    };
    let mut seen = 0;
    for line in LABELS.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [levels, level] = cells[..]
            && let Ok(level) = level.parse::<u8>()
        {
            for word in words(levels) {
                assert_eq!(tag(format!("confidence: {word}")).1, level, "{word}");
                seen += 1;
            }
        } else if let [kinds, category] = cells[..]
            && let Ok(category) = Category::parse(category.split(" (").next().unwrap())
            && Category::parse(kinds).is_err()
        {
            for word in words(kinds).into_iter().filter(|word| !word.contains(',')) {
                for key in ["category", "abuse", "concepts: [x]\n  category"] {
                    assert_eq!(tag(format!("{key}: {word}")).0, category, "{word}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen >= 45, "{seen}");
}

/// data/README.md names every shipped label file with its digest.
#[test]
fn shipped_labels_are_what_the_readme_says() {
    use sha2::{Digest, Sha256};
    let folder = "../../data/";
    let mut files: Vec<String> = std::fs::read_dir(format!("{folder}labels"))
        .unwrap()
        .map(|entry| format!("labels/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    files.push("tokens.csv".into());
    assert_eq!(files.len(), 9);
    for file in files {
        let digest = hex::encode(Sha256::digest(std::fs::read(format!("{folder}{file}")).unwrap()));
        let row = LABEL_DATA.lines().find(|line| line.contains(&format!("`{file}`")));
        assert!(row.unwrap_or_else(|| panic!("{file}")).contains(&digest), "{file}: {digest}");
    }
}
