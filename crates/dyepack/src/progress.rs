//! Progress on long work: on stderr, on a terminal only, and not before the work has lasted.

use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// A bar over `total` bytes.
pub(crate) fn bytes(output: &Output, name: &str, total: u64) -> ProgressBar {
    let bar = bar(output, Some(total));
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(name.to_string());
    bar
}

/// A bar over `total` transfers.
pub(crate) fn transfers(output: &Output, name: &str, total: u64) -> ProgressBar {
    let bar = bar(output, Some(total));
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(name.to_string());
    bar
}

/// A spinner with words.
pub(crate) fn spinner(output: &Output, words: &str) -> ProgressBar {
    let bar = bar(output, None);
    let style = ProgressStyle::with_template("{spinner} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(words.to_string());
    bar.enable_steady_tick(Duration::from_millis(300));
    bar
}

/// A bar that is drawn once the work has lasted, if there is somebody to see it.
fn bar(output: &Output, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    if output.shows_progress() {
        let waiting = bar.downgrade();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            if let Some(bar) = waiting.upgrade().filter(|bar| !bar.is_finished()) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        });
    }
    bar
}
