//! Mutants: single changes to the engine's arithmetic, each of which must turn the tests red. A test
//! suite that lets one live does not guard the money.
//!
//! The tree's crates `ledger`, `taint` and `testkit`, and the tables that they include, are copied to a
//! folder of their own, one line is changed there, and the tests of `taint` are run. The tree itself is
//! never touched.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::files_below;

struct Mutant {
    name: &'static str,
    file: &'static str,
    line: &'static str,
    instead: &'static str,
}

const fn mutant(
    name: &'static str,
    file: &'static str,
    line: &'static str,
    instead: &'static str,
) -> Mutant {
    Mutant { name, file, line, instead }
}

const MUTANTS: [Mutant; 41] = [
    mutant(
        "a withdrawal leaves the balance as it was",
        "engine.rs",
        "state.balance = balance - amount;",
        "",
    ),
    mutant(
        "a shortfall does not enter",
        "engine.rs",
        "state.balance = amount;",
        "state.balance = amount - 1;",
    ),
    mutant(
        "a clean deposit adds nothing",
        "engine.rs",
        "state.balance = balance;\n        if state",
        "let _ = balance;\n        if state",
    ),
    mutant(
        "a tainted deposit adds nothing",
        "engine.rs",
        "state.balance = balance;\n        }\n        let kept",
        "let _ = balance;\n        }\n        let kept",
    ),
    mutant(
        "clean units do not age the pot",
        "engine.rs",
        "state.content.add_clean(amount);\n        }\n        Ok(())",
        "}\n        Ok(())",
    ),
    mutant(
        "a shortfall is no unit of the pot",
        "engine.rs",
        "state.content.add_clean(shortfall);",
        "",
    ),
    mutant(
        "units stolen twice are injected twice",
        "engine.rs",
        "row.amount - origins[at].left.min(row.amount)",
        "row.amount",
    ),
    mutant(
        "a stop lets its labels in",
        "engine.rs",
        "parcel.content.unmark(*label);",
        "let _ = label;",
    ),
    mutant("hops do not grow", "engine.rs", "_ => hops.saturating_add(1),", "_ => hops,"),
    mutant(
        "a later way lengthens hops",
        "engine.rs",
        "*known = hops.min(*known);",
        "*known = hops;",
    ),
    mutant(
        "the hop limit is one too far",
        "engine.rs",
        "|most| place_hops > most",
        "|most| place_hops > most + 1",
    ),
    mutant(
        "a busy account stops its own first receipt",
        "engine.rs",
        "RowId::from(state.busy_after) < id",
        "RowId::from(state.busy_after) <= id",
    ),
    mutant(
        "unknown value counts before taint",
        "engine.rs",
        ".filter(|a| a.end == Where::Unspent).map(|a| a.label)",
        ".map(|a| a.label)",
    ),
    mutant(
        "haircut rounds up",
        "rule/haircut.rs",
        "mul_div(tainted, amount, balance)",
        "mul_div(tainted, amount, balance) + 1",
    ),
    mutant(
        "clean-first lets taint leave first",
        "rule/clean_first.rs",
        "tainted.saturating_sub(rest)",
        "tainted.min(amount)",
    ),
    mutant("tainted-first takes all", "rule/tainted_first.rs", "tainted.min(amount)", "tainted"),
    mutant(
        "fifo takes the newest",
        "rule/fifo.rs",
        "content.split(amount, false)",
        "content.split(amount, true)",
    ),
    mutant(
        "lifo takes the oldest",
        "rule/lifo.rs",
        "content.split(amount, true)",
        "content.split(amount, false)",
    ),
    mutant(
        "a conversion floors each run alone",
        "content.rs",
        "let edge = mul_div(passed, amount_to, amount);",
        "let edge = arrived + mul_div(units, amount_to, amount);",
    ),
    mutant(
        "a trace starts a pot from nothing",
        "engine.rs",
        "state.balance = ledger.history(pot, id).balance;",
        "",
    ),
    mutant(
        "a clean row leaves the sender's balance as it was",
        "table.rs",
        "from.balance = from.balance.saturating_sub(row.amount);",
        "",
    ),
    mutant("a clean row adds nothing", "table.rs", "to.balance = sum;", ""),
    mutant(
        "units of a clean row do not age the pot",
        "table.rs",
        "to.content.add_clean(row.amount_to);",
        "",
    ),
    mutant(
        "a pot that taint has left counts no shortfall",
        "table.rs",
        "state.content.is_kept() || counts_shortfall",
        "state.content.is_kept() && counts_shortfall",
    ),
    mutant(
        "small taint that leaves stays as well",
        "table.rs",
        "paying.tainted = (tainted - left).into();",
        "let _ = tainted - left;",
    ),
    mutant(
        "small taint does not arrive",
        "table.rs",
        "paid.tainted = arrived.into();",
        "let _ = arrived;",
    ),
    mutant(
        "a small payment leaves the balance as it was",
        "table.rs",
        "u128::from(held.saturating_sub(amount))",
        "u128::from(held)",
    ),
    mutant(
        "a small payment adds nothing",
        "table.rs",
        "paid.balance = paid.balance & !LOW | u128::from(sum);",
        "let _ = sum;",
    ),
    mutant(
        "a stop pays out what came, in small",
        "table.rs",
        "paying.tainted != 0 && paying.balance & STOPS == 0",
        "paying.tainted != 0",
    ),
    mutant(
        "wide taint that leaves stays as well",
        "table.rs",
        "lines[from as usize].tainted = paying.tainted - left;",
        "",
    ),
    mutant("wide taint does not arrive", "table.rs", "lines[to as usize].tainted = arrived;", ""),
    mutant(
        "a stop pays out what came, in wide",
        "table.rs",
        "self.tainted != 0 && !self.has(STOPS)",
        "self.tainted != 0",
    ),
    mutant(
        "a line takes a number that is too wide",
        "table.rs",
        "let fits = state.balance < LIMIT && tainted < LIMIT;",
        "let fits = true;",
    ),
    mutant(
        "reach: a receipt is not counted",
        "reach.rs",
        "self.sum = sum;",
        "let _ = sum; self.sum = 1;",
    ),
    mutant(
        "reach: the first receipt is the last",
        "reach.rs",
        "self.first.min(seconds)",
        "seconds",
    ),
    mutant(
        "reach: a stop poisons",
        "reach.rs",
        "if is_first && to.known == FOLLOWED {",
        "if is_first {",
    ),
    mutant(
        "reach: a busy account stops its own first receipt",
        "reach.rs",
        "follows = *after >= id;",
        "follows = *after > id;",
    ),
    mutant(
        "a trace over rows forgets whom it follows",
        "table.rs",
        "few.followed.add(pot);",
        "let _ = &few.followed;",
    ),
    mutant(
        "a trace over rows overlooks what comes from others",
        "table.rs",
        "(false, true) => move_narrow::<R>(&mut other, &mut lines[to], &row),",
        "(false, true) => true,",
    ),
    mutant(
        "a replay in place of a trace begins where the trace gave up",
        "replay.rs",
        "pass = Pass::new(question, excluded);",
        "let next = pass.next; pass = Pass::new(question, excluded); pass.next = next;",
    ),
    mutant(
        "rules that run at once change places",
        "range.rs",
        "all.sort_unstable_by_key(|(at, _)| *at);",
        "all.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));",
    ),
];

/// True if every mutant is caught.
pub fn mutants(root: &Path) -> anyhow::Result<bool> {
    let folder = std::env::temp_dir().join(format!("dyepack-mutants-{}", std::process::id()));
    copy(root, &folder)?;
    if !passes(&folder)? {
        bail!("the tests fail without any mutant: nothing can be learned");
    }
    let mut alive = 0;
    for mutant in &MUTANTS {
        let path = folder.join("crates/taint/src").join(mutant.file);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        if text.matches(mutant.line).count() != 1 {
            bail!("{}: the line of {:?} is not there once", mutant.file, mutant.name);
        }
        fs::write(&path, text.replace(mutant.line, mutant.instead))?;
        let lives = passes(&folder).with_context(|| mutant.name)?;
        fs::write(&path, text)?;
        eprintln!("{}  {} ({})", if lives { "ALIVE " } else { "caught" }, mutant.name, mutant.file);
        alive += usize::from(lives);
    }
    fs::remove_dir_all(&folder)?;
    eprintln!("{} passed, {alive} failed", MUTANTS.len() - alive);
    Ok(alive == 0)
}

fn copy(root: &Path, folder: &Path) -> anyhow::Result<()> {
    for part in ["crates/ledger", "crates/taint", "testkit", "data"] {
        for ending in [".rs", ".toml", ".csv"] {
            for path in files_below(&root.join(part), ending)? {
                let to = folder.join(path.strip_prefix(root)?);
                fs::create_dir_all(to.parent().context("a file in a folder")?)?;
                fs::copy(&path, &to)?;
            }
        }
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let members = "members = [\"crates/ledger\", \"crates/taint\", \"testkit\"]";
    let own = manifest.lines().map(|line| match line {
        line if line.starts_with("members =") => members,
        line if line.starts_with("exclude =") => "",
        line => line,
    });
    fs::write(folder.join("Cargo.toml"), own.collect::<Vec<_>>().join("\n"))?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

/// True if the tests of `taint` pass; a mutant that does not compile is a fault of the list.
fn passes(folder: &Path) -> anyhow::Result<bool> {
    let cargo = |arguments: &[&str]| {
        Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("cannot run cargo")
    };
    if !cargo(&["test", "-p", "taint", "--no-run"])?.success() {
        bail!("a mutant does not compile");
    }
    Ok(cargo(&["test", "-p", "taint", "--tests"])?.success())
}
