//! `bookstore race run`.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bookstore::race::{Load, STRATEGIES, Strategy};
use bookstore::store::DatabaseUrl;
use clap::value_parser;

use super::progress::Progress;
use super::{on_a_course, report, strategies, table};
use crate::cli::{Failure, Format};

/// Put each strategy under load and count what it loses
///
/// Every buyer is a thread with a connection of its own; all are let go at one gate. Strategies run
/// one after the other on the same row. Nothing is slowed down to make one lose.
///
/// Buyers run at the isolation level that the database comes with (READ COMMITTED on PostgreSQL,
/// REPEATABLE READ on MySQL and MariaDB), whatever this server is set to.
///
/// Exit code: 0 each strategy behaved as its description says (that naive loses is expected), 1 one
/// did not, 2 wrong usage or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Run {
    /// A strategy; may be given several times [default: all]
    #[arg(long = "strategy", value_name = "NAME", value_parser = strategies(), hide_possible_values = false)]
    strategies: Vec<&'static Strategy>,

    /// Buyers at once, each with a connection of its own
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = value_parser!(u32).range(1..=1_000))]
    buyers: u32,

    /// Purchases that they try together, one copy each
    #[arg(long, value_name = "N", default_value_t = 800, value_parser = value_parser!(u32).range(1..=100_000_000))]
    purchases: u32,

    /// Copies on the shelf at the start; with fewer than purchases it shows who sells too many
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = value_parser!(i32).range(0..=1_000_000_000))]
    copies: i32,

    /// Most seconds that each strategy takes
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = value_parser!(u64).range(1..=3_600))]
    seconds: u64,

    /// Milliseconds that the application takes between reading and writing
    ///
    /// A program that does more than subtract: inside the transaction, if there is one. f-expression
    /// and atomic-update have nothing in between; the till takes it once for all it serves together.
    #[arg(long, value_name = "T", default_value_t = 0, value_parser = value_parser!(u64).range(0..=1_000))]
    think_ms: u64,

    /// After every N answered purchases N copies come in, from a restocker beside the buyers
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1_000_000))]
    restock_every: Option<u32>,

    /// Give the table a CHECK (quantity >= 0), as the bookstore's own has
    #[arg(long)]
    check_constraint: bool,

    /// How the result looks
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,

    /// Write a page with pictures too: a minute more, for it also measures 1 to 128 buyers
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
The columns:
  acknowledged    buyers who were told that they have a copy
  refused         buyers who were told no: sold out, row locked, or an error
  final quantity  what the row said in the end
  lost updates    acknowledged copies that left no trace in the quantity
  oversold        copies acknowledged beyond what was there
  retries         tries beyond the first; deadlocks: those that a deadlock made needed
  sales/s         acknowledged copies a second
  p50, p99        half, and 99 of 100, of the purchases took at most so many milliseconds

Try it:
  bookstore race run                                      all of them, 2,000 copies for 800 buyers
  bookstore race run --copies 50 --purchases 400          who sells more than there is?
  bookstore race run --strategy naive --strategy till --think-ms 5
  bookstore race run --copies 50 --strategy f-expression --check-constraint
  bookstore race run --report race.html                   with pictures, to show around";

pub(super) fn run(url: &DatabaseUrl, args: &Run) -> Result<bool, Failure> {
    let page = args.report.as_deref().map(page).transpose()?;
    let chosen = args.chosen();
    let load = args.load();
    let progress = Progress::new();
    let (run, report) = on_a_course(url, args.check_constraint, |course| {
        let run = course.run(&load, &chosen, &progress)?;
        let report = match &page {
            Some(_) => Some(report::gather(course, run.clone(), &load, &chosen, &progress)?),
            None => None,
        };
        Ok((run, report))
    })
    .inspect_err(|_| progress.clear())?;
    progress.clear();
    if let (Some(mut file), Some(report)) = (page, report) {
        file.write_all(bookstore::race::report::render(&report).as_bytes())?;
    }
    let text = match args.format {
        Format::Json => serde_json::to_string_pretty(&run)?,
        Format::Table => table::of(&run),
    };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(run.results.iter().all(|outcome| outcome.as_expected))
}

/// Where the report goes, before minutes are spent on what could not be written.
fn page(path: &Path) -> Result<File, String> {
    File::create(path).map_err(|error| format!("--report {}: {error}", path.display()))
}

impl Run {
    /// In the order of the story, each once.
    fn chosen(&self) -> Vec<&'static Strategy> {
        let is_chosen = |one: &&'static Strategy| {
            self.strategies.is_empty() || self.strategies.iter().any(|name| name.name == one.name)
        };
        STRATEGIES.into_iter().filter(is_chosen).collect()
    }

    fn load(&self) -> Load {
        Load {
            buyers: self.buyers,
            purchases: self.purchases,
            copies: self.copies,
            time_limit: Duration::from_secs(self.seconds),
            think: Duration::from_millis(self.think_ms),
            restock_every: self.restock_every,
        }
    }
}
