//! The program: reads the command line, opens the archive, lends it to the crates that know, prints
//! what they say. Decisions about value are made below it, never here.

mod address_asked;
mod archive_folder;
mod cli;
mod command;
mod exit;
mod import_file;
mod in_place;
mod investigation;
mod labels_shown;
mod output;
mod picture;
mod progress;
mod report_page;
mod rows_shown;
mod set_aside;
mod sources;
mod table;
mod waterfall_view;
mod whole_file;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::Exit;
use output::Output;

/// The Parquet library panics over some damaged files. That is caught where the library is called, and told
/// as the damage that it is; the panic itself is nothing that a user should see.
fn hush_caught_panics() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_of = |name: &str| panic.location().is_some_and(|at| at.file().contains(name));
        if !["/parquet-", "/arrow-"].into_iter().any(is_of) {
            told(panic);
        }
    }));
}

/// Runs one command line; everything that a user sees went through here.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    hush_caught_panics();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors and go to stdout; clap knows which is which.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    let output = Output::new(&cli.global);
    match dispatch(&cli, &output) {
        Ok(exit) => exit.into(),
        Err(error) if output::is_broken_pipe(&error) => Exit::Ok.into(),
        Err(error) => {
            output.error(&error);
            exit::of_error(&error).into()
        }
    }
}

fn dispatch(cli: &Cli, output: &Output) -> anyhow::Result<Exit> {
    let global = &cli.global.or_environment();
    match &cli.command {
        Command::Import(args) => command::import::run(args, global, output),
        Command::Trace(args) => command::trace::run(args, global, output),
        Command::Screen(args) => command::screen::run(args, global, output),
        Command::Case(args) => command::case::run(args, global, output),
        Command::Label(args) => command::label::run(args, global, output),
        Command::Verify(args) => command::verify::run(args, global, output),
        Command::Doctor(args) => command::doctor::run(args, global, output),
        // It has a folder of its own, whatever the environment says.
        Command::Demo(args) => command::demo::run(args, &cli.global, output),
        Command::Completions(args) => command::completions::run(args, output),
        Command::Man(args) => command::man::run(args, output),
    }
}
