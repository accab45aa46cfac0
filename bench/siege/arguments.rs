//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::attacks::Attack;

/// Besieges the bookstore on loopback, and looks whether an honest client notices.
///
/// Starts the release build of the server on a database of its own, and shops there at a steady rate:
/// orders with keys, books, pages. First in peace; then during each attack alone; then during all of them
/// at once; then in peace again. Nothing leaves this machine, and every attack has its bounds.
///
/// Exit codes: 0 all bars are met, 1 one was missed, 2 wrong usage or environment.
#[derive(Debug, Clone, Parser)]
#[command(name = "scripts/siege", after_help = after_help())]
pub(crate) struct Arguments {
    /// A tenth of everything, to see that it works; its figures say little
    #[arg(long)]
    pub(crate) quick: bool,

    /// Only these attacks
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<Attack>,

    /// Not each attack alone, only all at once
    #[arg(long)]
    pub(crate) no_solos: bool,

    /// Seconds of all attacks at once [default: 60]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=600))]
    seconds: Option<u64>,

    /// Requests a second of the honest client
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=2_000))]
    pub(crate) rate: u32,

    /// The database: an empty one that may be filled with rubbish [default: a new SQLite file]
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,

    /// How standard output is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,

    /// A file for the results as JSON as well
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// The server's program
    #[arg(long, value_name = "FILE", default_value = "target/release/bookstore")]
    pub(crate) server: PathBuf,

    /// What `bookstore serve` is told besides, after --: for instance -- --header-timeout 5
    #[arg(last = true, value_name = "SERVER_ARGUMENT")]
    pub(crate) server_arguments: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables for people.
    Table,
    /// JSON for programs.
    Json,
}

impl Arguments {
    /// What is done at once.
    pub(crate) fn attacks(&self) -> Vec<Attack> {
        if self.only.is_empty() { Attack::ALL.to_vec() } else { self.only.clone() }
    }

    /// How much of each attack there is.
    pub(crate) fn scale(&self) -> f64 {
        if self.quick { 0.1 } else { 1.0 }
    }

    pub(crate) fn calm(&self) -> Duration {
        Duration::from_secs(if self.quick { 4 } else { 20 })
    }

    pub(crate) fn solo(&self) -> Duration {
        Duration::from_secs(if self.quick { 3 } else { 15 })
    }

    pub(crate) fn all_at_once(&self) -> Duration {
        let usual = if self.quick { 6 } else { 60 };
        Duration::from_secs(self.seconds.unwrap_or(usual))
    }
}

fn after_help() -> String {
    let attacks =
        Attack::ALL.iter().map(|attack| format!("  {:<18} {}", attack.name(), attack.what()));
    let attacks: Vec<_> = attacks.collect();
    format!(
        "Attacks:\n{}\n\nExamples:\n  \
         scripts/siege                          all of it, some five minutes\n  \
         scripts/siege --quick                  a look at whether everything works\n  \
         scripts/siege --on postgres            on a throw-away PostgreSQL\n  \
         scripts/siege --only never-readers --no-solos\n  \
         scripts/siege -- --header-timeout 3    with another setting of the server",
        attacks.join("\n")
    )
}
