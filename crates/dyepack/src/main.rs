//! The door: reads the command line, runs one command, leaves with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    dyepack::run(std::env::args_os())
}
