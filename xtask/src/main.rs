//! `cargo run -p xtask -- tidy | mutants`: work on the tree itself, as no part of the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let outcome = match task.as_deref() {
        Some("tidy") => xtask::tidy(&xtask::root()).map(|faults| {
            faults.iter().for_each(|fault| eprintln!("{fault}"));
            faults.is_empty()
        }),
        Some("mutants") => xtask::mutants(&xtask::root()),
        _ => {
            eprintln!("usage: cargo run -p xtask -- tidy | mutants");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
