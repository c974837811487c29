//! The command line: what all commands share, and the list of commands. Each command's own options
//! stand in its file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command;

/// Follow stolen coins, to the unit.
#[derive(Parser)]
#[command(name = "dyepack", version = version(), max_term_width = 100, propagate_version = true)]
#[command(after_help = "Exit codes: 0 ok · 1 error · 2 usage · 3 no data for what was asked · \
    4 finished but incomplete · 5 integrity · 10 exposed or listed (with --fail-on-exposure)")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Clone)]
pub(crate) struct Global {
    /// Folder of the archive [env: DYEPACK_ARCHIVE] [default: the user's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    /// Print one JSON document instead of tables
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Colour on the terminal; NO_COLOR and CLICOLOR_FORCE count too
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

impl Global {
    /// The same with the archive that the environment names, where no option does. A variable that is
    /// set to nothing counts as not set: scripts unset one so.
    pub(crate) fn or_environment(&self) -> Global {
        let named = || std::env::var_os("DYEPACK_ARCHIVE").filter(|folder| !folder.is_empty());
        let archive = self.archive.clone().or_else(|| named().map(PathBuf::from));
        Global { archive, ..self.clone() }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Import(command::import::ImportArgs),
    Trace(command::trace::TraceArgs),
    Screen(command::screen::ScreenArgs),
    Case(command::case::CaseArgs),
    Label(command::label::LabelArgs),
    Verify(command::verify::VerifyArgs),
    Doctor(command::doctor::DoctorArgs),
    Demo(command::demo::DemoArgs),
    Completions(command::completions::CompletionsArgs),
    Man(command::man::ManArgs),
}

/// Program version, commit, and the schema of results.
pub(crate) fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("DYEPACK_COMMIT"), ", dyepack.trace/1)")
}
