//! What the tests of the program share: a room of their own on disk, the real binary run in it, and
//! transfers written down as users write them.
#![allow(dead_code)] // each test file uses its part

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use ledger::Transfer;
use serde_json::Value;
use tempfile::TempDir;

/// A folder that goes away, with an archive in it and nothing of the user's around it.
pub(crate) struct Room {
    folder: TempDir,
}

/// What one run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    fn of(output: Output, arguments: &[&str]) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints UTF-8");
        let code = output.status.code();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        let code = code.unwrap_or_else(|| panic!("{arguments:?}: {} {stderr}", output.status));
        Run { code, stdout, stderr }
    }

    /// This run, which must have ended with `code`.
    pub(crate) fn expect(self, code: i32) -> Run {
        assert_eq!(self.code, code, "stderr: {}\nstdout: {:.2000}", self.stderr, self.stdout);
        self
    }

    /// The one document on stdout.
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{error}: {:.500}\n{}", self.stdout, self.stderr))
    }
}

impl Room {
    pub(crate) fn new() -> Room {
        Room { folder: tempfile::tempdir().expect("a folder for tests") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The path of a file here, as an argument.
    pub(crate) fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Writes a file here, and says where it is.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, content).expect("written");
        path.display().to_string()
    }

    /// The program, ready to run in this room: no colour, no configuration, no terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dyepack"));
        command.args(arguments).current_dir(self.folder.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "XDG_DATA_HOME"] {
            command.env_remove(name);
        }
        command.env("HOME", self.folder.path()).env("DYEPACK_USER", "tester");
        command.env("DYEPACK_ARCHIVE", self.path("archive"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().expect("the program starts");
        Run::of(output, arguments)
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Run {
        self.run_with_bytes(arguments, input.as_bytes())
    }

    pub(crate) fn run_with_bytes(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input).expect("the program reads");
        drop(stdin);
        Run::of(child.wait_with_output().expect("ends"), arguments)
    }

    /// Runs with `--json`, which must end with `code` and print one document.
    pub(crate) fn json(&self, arguments: &[&str], code: i32) -> Value {
        self.run(&[arguments, &["--json"]].concat()).expect(code).json()
    }
}

/// The columns of our own format, in the order of `row`.
pub(crate) const HEADER: &str = "chain,height,tx_index,index,time,tx,kind,from,to,asset,amount,\
    asset_to,amount_to,from_owner,to_owner\n";

/// One transfer as a row of our own format, with its line end.
pub(crate) fn row(transfer: &Transfer) -> String {
    let Transfer { chain, position, .. } = *transfer;
    let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
    let owner = |owner: Option<ledger::Address>| owner.map(|o| o.to_string()).unwrap_or_default();
    let into = transfer.conversion;
    let fields = [
        chain.to_string(),
        number(position.height),
        number(position.tx_index.map(u64::from)),
        number(position.index.map(u64::from)),
        transfer.time.to_string(),
        transfer.tx.map(|tx| tx.text(chain)).unwrap_or_default(),
        transfer.kind.to_string(),
        transfer.from.text(chain),
        transfer.to.text(chain),
        transfer.asset.text(chain),
        transfer.amount.to_string(),
        into.map(|into| into.asset.text(chain)).unwrap_or_default(),
        into.map(|into| into.amount.to_string()).unwrap_or_default(),
        owner(transfer.from_owner),
        owner(transfer.to_owner),
    ];
    fields.join(",") + "\n"
}

/// A whole file of our own format.
pub(crate) fn transfers_csv(transfers: &[Transfer]) -> String {
    HEADER.to_string() + &transfers.iter().map(row).collect::<String>()
}

/// A text field of a document; an empty text where it is null.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// An amount of a document.
pub(crate) fn raw(value: &Value, field: &str) -> u128 {
    let digits = text(value, field);
    digits.parse().unwrap_or_else(|_| panic!("{field}: {digits:?} in {value}"))
}

/// A list of a document.
pub(crate) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap_or_else(|| panic!("no list {field:?} in {value:.300}"))
}

/// True if every asset's conservation line is exact.
pub(crate) fn conserved(result: &Value) -> bool {
    let lines = list(result, "conservation");
    lines.iter().all(|line| line["ok"] == true && line["in_raw"] == line["out_raw"])
}

/// The repository's root. Cargo runs tests in the folder of their package; a path that was compiled in
/// may be that of another clone.
pub(crate) fn repository() -> PathBuf {
    std::env::current_dir().expect("a folder").join("../..")
}

/// A file of the repository, as an argument.
pub(crate) fn shipped(path: &str) -> String {
    repository().join(path).display().to_string()
}

/// All files below a folder.
pub(crate) fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files_below(path)) } else { found.push(path) }
    }
    found.sort();
    found
}
