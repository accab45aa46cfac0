//! `bookstore race replay`.

use std::io::Write as _;

use bookstore::race::{Level, Strategy};
use bookstore::store::DatabaseUrl;
use clap::value_parser;

use super::report::{cure, naive};
use super::{on_a_course, strategies, timeline};
use crate::cli::{Failure, Format};

/// Show the article's two requests, book1 and book2, step by step
///
/// Both run the same code on connections of their own, in turns, one statement at a time: the same
/// every time. Beside each step stands what the row says to everybody else. Who waits for whom is what
/// the database itself says (pg_blocking_pids; InnoDB's lock views, for which MySQL and MariaDB want
/// the privilege PROCESS; SQLITE_BUSY), asked on a third connection.
///
/// Without arguments: naive at the level that the database comes with, and then the cure.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Replay {
    /// The strategy that both follow [default: naive, and then select-for-update or immediate]
    #[arg(long, value_name = "NAME", value_parser = strategies())]
    strategy: Option<&'static Strategy>,

    /// The isolation level of both [default: the one that the database comes with]
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,

    /// Copies on the shelf at the start
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(i32).range(0..=1_000_000_000))]
    copies: i32,

    /// How the timeline looks; JSON is a list of timelines
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

const AFTER_HELP: &str = "\
Try it:
  bookstore race replay                                   the bug, and the cure
  bookstore race replay --level repeatable-read           PostgreSQL refuses, MySQL loses silently
  bookstore race replay --level serializable
  bookstore race replay --strategy f-expression --copies 1";

pub(super) fn run(url: &DatabaseUrl, args: &Replay) -> Result<bool, Failure> {
    let (version, timelines) = on_a_course(url, false, |course| {
        let chosen = match (args.strategy, args.level) {
            (Some(strategy), _) => vec![strategy],
            (None, Some(_)) => vec![naive()],
            (None, None) => vec![naive(), cure(course)],
        };
        let timelines = chosen
            .into_iter()
            .map(|strategy| course.replay(strategy, args.level, args.copies))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((course.server().version.clone(), timelines))
    })?;
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&timelines)?)?,
        Format::Table => {
            let texts: Vec<_> = timelines.iter().map(|one| timeline::of(one, &version)).collect();
            writeln!(out, "{}", texts.join("\n\n"))?;
        }
    }
    Ok(true)
}
