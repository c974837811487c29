//! Readers catch the panics of the Parquet library, so libFuzzer's own hook, which ends the run at
//! every panic, must not see them. A panic of ours must still end it, caught or not.

use std::backtrace::Backtrace;
use std::sync::Once;

static ONCE: Once = Once::new();

/// Ends the run at a panic of this project's code, and lets the libraries' be caught. One that
/// nobody catches ends the run too.
pub fn let_libraries_panic() {
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let file = panic.location().map_or("", |place| place.file());
            if file.contains("registry") {
                return;
            }
            let trace = Backtrace::force_capture().to_string();
            // Where the place is the standard library's, whoever called it is meant.
            let caller = trace.lines().find(|line| line.contains("registry") || ours(line));
            if ours(file) || caller.is_none_or(ours) {
                eprintln!("{panic}\n{trace}");
                std::process::abort();
            }
        }));
    });
}

fn ours(path: &str) -> bool {
    !path.contains("/src/guarded.rs")
        && ["/crates/", "/fuzz/targets/", "/fuzz/src/", "targets/"].iter().any(|p| path.contains(p))
}
