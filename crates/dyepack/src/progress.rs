//! Progress on long work: on stderr, on a terminal only, and not before the work has lasted.

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

/// A spinner with words.
pub(crate) fn spinner(output: &Output, words: &str) -> ProgressBar {
    let bar = bar(output, None);
    bar.set_message(words.to_string());
    bar.enable_steady_tick(Duration::from_millis(300));
    bar
}

fn bar(output: &Output, total: Option<u64>) -> ProgressBar {
    let target = match output.shows_progress() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    ProgressBar::with_draw_target(total, target)
}
