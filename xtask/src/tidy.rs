//! Tidy: what STYLE.md and ARCHITECTURE.md ask for and a machine can see. It runs as a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::files_below;

/// The arrows of ARCHITECTURE.md: each crate and what of ours it may lean on.
const ARROWS: [(&str, &[&str]); 6] = [
    ("ledger", &[]),
    ("taint", &["ledger"]),
    ("chains", &["ledger"]),
    ("archive", &["ledger"]),
    ("cases", &["ledger", "taint"]),
    ("dyepack", &["ledger", "taint", "chains", "archive", "cases"]),
];
/// Crates that know no file, socket, clock, environment or random source.
const PURE: [&str; 4] = ["ledger", "taint", "chains", "cases"];
const IMPURE: [&str; 6] =
    ["std::fs", "std::net", "std::env", "std::time", "std::process", "SystemTime::now"];
/// Names that say nothing.
const EMPTY_NAMES: [&str; 9] =
    ["common", "util", "utils", "types", "core", "manager", "helper", "helpers", "misc"];
const MAX_LINES: usize = 800;
const MAX_WIDTH: usize = 110;

/// Every fault found, as a sentence that names the file.
pub fn tidy(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    arrows(root, &mut faults)?;
    for path in files_below(root, ".rs")? {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        source(&name, &text, &mut faults);
    }
    main_is_short(root, &mut faults)?;
    rules(root, &mut faults)?;
    Ok(faults)
}

fn arrows(root: &Path, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    for entry in fs::read_dir(root.join("crates"))? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let manifest: toml::Table = text.parse().with_context(|| path.display().to_string())?;
        let Some(may) = allowed.get(name.as_str()) else {
            faults.push(format!(
                "crates/{name}: not in ARCHITECTURE.md's arrows (xtask/src/tidy.rs)"
            ));
            continue;
        };
        let leans = manifest.get("dependencies").and_then(toml::Value::as_table);
        for dependency in leans.into_iter().flat_map(toml::Table::keys) {
            let ours = allowed.contains_key(dependency.as_str());
            if ours && !may.contains(&dependency.as_str()) {
                faults.push(format!("crates/{name} must not lean on {dependency}"));
            }
        }
        reasons(&name, &text, faults);
    }
    Ok(())
}

/// Each dependency that is not ours says on its line why it is there.
fn reasons(name: &str, manifest: &str, faults: &mut Vec<String>) {
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]" || line == "[dev-dependencies]";
        } else if inside
            && line.contains('=')
            && !line.contains(" # ")
            && !line.contains("workspace")
        {
            faults.push(format!("crates/{name}/Cargo.toml: no reason beside: {line}"));
        }
    }
}

fn source(name: &str, text: &str, faults: &mut Vec<String>) {
    let generated = text.contains("@generated");
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    let is_test = name.contains("/tests/") || name.ends_with("_tests.rs");
    if lines > MAX_LINES && !is_test {
        faults.push(format!("{name}: {lines} lines, more than {MAX_LINES}"));
    }
    if !text.starts_with("//!") && !text.starts_with("#!") {
        faults.push(format!("{name}: does not open with prose"));
    }
    for (number, line) in text.lines().enumerate() {
        // A quotation cannot be broken.
        let quotes = line.contains('"');
        if line.chars().count() > MAX_WIDTH && !generated && !is_test && !quotes {
            faults.push(format!("{name}:{}: wider than {MAX_WIDTH} columns", number + 1));
        }
    }
    for part in name.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            faults.push(format!("{name}: {part:?} names nothing"));
        }
    }
    let krate = name.strip_prefix("crates/").and_then(|rest| rest.split('/').next());
    let in_source = name.contains("/src/");
    if in_source && krate.is_some_and(|krate| PURE.contains(&krate)) {
        let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        for (number, line) in code.enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for impure in IMPURE.iter().filter(|impure| line.contains(*impure)) {
                faults.push(format!("{name}:{}: {impure} in a pure crate", number + 1));
            }
        }
    }
}

fn main_is_short(root: &Path, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let lines = fs::read_to_string(root.join("crates/dyepack/src/main.rs"))?.lines().count();
    if lines >= 30 {
        faults.push(format!("crates/dyepack/src/main.rs: {lines} lines; main stays under 30"));
    }
    Ok(())
}

/// Each rule has a file, a section in the documentation, and a place in the tests.
fn rules(root: &Path, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let method = fs::read_to_string(root.join("docs/method.md")).unwrap_or_default();
    let laws = fs::read_to_string(root.join("crates/taint/tests/laws.rs"))?;
    for path in files_below(&root.join("crates/taint/src/rule"), ".rs")? {
        let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if file == "mod" {
            continue;
        }
        if !method.contains(&format!("`{}`", file.replace('_', "-"))) {
            faults.push(format!("docs/method.md does not describe the rule of rule/{file}.rs"));
        }
        let words = file.split('_').map(|word| {
            let (first, rest) = word.split_at(1);
            format!("{}{rest}", first.to_uppercase())
        });
        if !laws.contains(&format!("RuleName::{}", words.collect::<String>())) {
            faults.push(format!("crates/taint/tests/laws.rs does not test rule/{file}.rs"));
        }
    }
    Ok(())
}
