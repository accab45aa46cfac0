//! How log lines look: text for people, JSON for programs. What is logged is decided where it happens;
//! tokens and passwords never are.

mod json;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

impl Format {
    /// What suits whoever reads standard error: a person at a terminal, else a program.
    fn of_the_reader() -> Self {
        if std::io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Starts to write log lines to standard error. Once a process.
pub(crate) fn start(filter: EnvFilter, format: Option<Format>) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would tell of a line that cannot be written where that cannot be written, and panic: a full
        // disk, or a terminal that was closed, must not end what was about to be told of.
        .log_internal_errors(false);
    match format.unwrap_or_else(Format::of_the_reader) {
        Format::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        Format::Json => {
            log.fmt_fields(json::Members).event_format(json::Line).init();
            // Rust's own words about a panic are several lines and no JSON.
            std::panic::set_hook(Box::new(|panic| {
                let backtrace = std::backtrace::Backtrace::capture();
                tracing::error!(%panic, %backtrace, "panicked");
            }));
        }
    }
}
