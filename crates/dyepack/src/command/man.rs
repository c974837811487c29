//! `dyepack man`: manual pages, to stdout or one file a command.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Output;

/// Print the manual page, or write one for each command.
#[derive(Args)]
pub(crate) struct ManArgs {
    /// Write dyepack.1 and a page for each command here; made if it is not there
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, output: &Output) -> anyhow::Result<Exit> {
    let command = Cli::command();
    match &args.dir {
        Some(dir) => {
            fs::create_dir_all(dir)
                .and_then(|()| clap_mangen::generate_to(command, dir))
                .with_context(|| format!("cannot write manual pages to {}", dir.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            output.data(&String::from_utf8(page)?)?;
        }
    }
    Ok(Exit::Ok)
}
