//! `bookstore race`: the article's race, run and replayed on the reader's own database.

mod progress;
mod replay;
mod report;
mod run;
mod table;
mod timeline;

use bookstore::race::{Course, Error, STRATEGIES, Stop, Strategy};
use bookstore::store::DatabaseUrl;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::Failure;

/// See the race: the article's bug and every known cure, on your own database
///
/// A bookstore keeps the number of copies on each book's row. Two sales at once read the same number,
/// subtract in memory, and one overwrites the other: a lost update. `race replay` shows two requests
/// step by step; `race run` puts each known cure under load and counts.
///
/// All happens in two scratch tables, race_owner and race_books, on the database of DATABASE_URL: made
/// for the occasion, removed at the end, also after Ctrl-C. No other table is touched. The database
/// may be empty; a race needs no migrations. On a shop's own database a run takes from its speed.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Run(run::Run),
    Replay(replay::Replay),
}

pub(super) fn run(url: &DatabaseUrl, command: &Command) -> Result<bool, Failure> {
    // Opening a file that is not there would create an empty database.
    if let Some(file) = url.file()
        && !file.exists()
    {
        return Err(format!(
            "there is no database at {url}; create it with `bookstore migrate`, or name another \
             with DATABASE_URL"
        )
        .into());
    }
    match command {
        Command::Run(args) => run::run(url, args),
        Command::Replay(args) => replay::run(url, args),
    }
}

/// Runs `work` on scratch tables, and removes them whatever came of it.
fn on_a_course<T>(
    url: &DatabaseUrl,
    has_check: bool,
    work: impl FnOnce(&mut Course) -> Result<T, Error>,
) -> Result<T, Failure> {
    let mut course = Course::open(url, has_check, Stop::on_signals()?)?;
    let outcome = work(&mut course);
    course.close()?;
    Ok(outcome?)
}

/// The names of the strategies, each with what it does: clap lists them in the help and for a wrong
/// one.
fn strategies() -> impl TypedValueParser<Value = &'static Strategy> {
    let names = STRATEGIES.map(|one| PossibleValue::new(one.name).help(one.summary));
    PossibleValuesParser::new(names)
        .try_map(|name| Strategy::find(&name).ok_or("no strategy of this name"))
}
