//! `dyepack completions`: a completion script for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Output;

/// Print a completion script for a shell.
#[derive(Args)]
#[command(
    after_help = "Example:\n  dyepack completions bash > ~/.local/share/bash-completion/completions/dyepack"
)]
pub(crate) struct CompletionsArgs {
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, output: &Output) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dyepack", &mut script);
    output.data(&String::from_utf8(script)?)?;
    Ok(Exit::Ok)
}
