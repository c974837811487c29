//! What goes where: data to stdout, everything else to stderr. A reader that went away (`| head -1`) is
//! no error.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::{Color, Global};
use crate::exit::Coded;

/// What a terminal has that does not say how wide it is.
const UNKNOWN_WIDTH: usize = 80;

pub(crate) struct Output {
    quiet: bool,
    pub(crate) json: bool,
    choice: anstream::ColorChoice,
}

/// A colour with a meaning; the word is always printed too.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Warning,
    Bad,
    Strong,
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Strong => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
        }
    }
}

/// The text in a tone; the stream drops the colour where none is wanted.
pub(crate) fn toned(tone: Tone, text: &str) -> String {
    let style = tone.style();
    format!("{style}{text}{style:#}")
}

/// A stranger's words (a file's name, say) without what would steer a terminal or turn its writing
/// round.
pub(crate) fn plain(text: &str) -> String {
    let embeds = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}') || embeds(c);
    let steers = |c: char| c.is_control() || turns(c);
    text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

impl Output {
    pub(crate) fn new(global: &Global) -> Output {
        let choice = match global.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        Output { quiet: global.quiet, json: global.json, choice }
    }

    /// Prints text for the reader of stdout.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        let mut stream = AutoStream::new(io::stdout().lock(), self.choice_for(&io::stdout()));
        stream.write_all(text.as_bytes())?;
        stream.flush()
    }

    /// Prints one document.
    pub(crate) fn document<T: Serialize>(&self, document: &T) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(document).map_err(io::Error::other)?;
        text.push('\n');
        io::stdout().lock().write_all(text.as_bytes())?;
        io::stdout().flush()
    }

    /// Says something to the person at the terminal.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.stderr(text);
        }
    }

    pub(crate) fn warning(&self, text: &str) {
        self.note(&format!("{} {text}", toned(Tone::Warning, "warning:")));
    }

    /// Says what went wrong, why, and what to do next.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        // Some errors say their cause themselves.
        causes.dedup_by(|cause, before| before.ends_with(cause.as_str()));
        // Messages name what strangers wrote; some have several lines.
        let lines: Vec<String> = causes.join(": ").split('\n').map(plain).collect();
        self.stderr(&format!("{} {}", toned(Tone::Bad, "error:"), lines.join("\n")));
        let coded = error.chain().find_map(|cause| cause.downcast_ref::<Coded>());
        if let Some(help) = coded.and_then(|coded| coded.help.as_ref()) {
            self.stderr(&format!("{} {help}", toned(Tone::Strong, "help:")));
        }
    }

    fn stderr(&self, text: &str) {
        let mut stream = AutoStream::new(io::stderr().lock(), self.choice_for(&io::stderr()));
        // Nobody is left to tell if stderr is closed.
        let _ = writeln!(stream, "{text}");
    }

    fn choice_for(&self, stream: &impl anstream::stream::RawStream) -> anstream::ColorChoice {
        match self.choice {
            anstream::ColorChoice::Auto => AutoStream::choice(stream),
            choice => choice,
        }
    }

    /// True if a person reads stdout.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Columns of the terminal that stdout is; `None` if it is none.
    pub(crate) fn columns(&self) -> Option<usize> {
        let size = || terminal_size::terminal_size_of(io::stdout());
        self.is_terminal().then(|| size().map_or(UNKNOWN_WIDTH, |(width, _)| width.0.into()))
    }

    /// True if progress may be drawn.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// True if the reader of stdout went away.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    kinds.into_iter().any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
