//! `--report`: what goes into the page.

use bookstore::race::{
    Course, Error, Level, Load, Onlooker, Report, Run, STRATEGIES, Strategy, Timeline,
};
use bookstore::store::Backend;

/// Copies in the timelines.
const SHELF: i32 = 10;

/// Adds to `plenty` what else the page shows: the same with fewer copies than buyers, throughput
/// against buyers, and the timelines.
pub(super) fn gather(
    course: &mut Course,
    plenty: Run,
    load: &Load,
    chosen: &[&'static Strategy],
    onlooker: &dyn Onlooker,
) -> Result<Report, Error> {
    let purchases = (load.purchases / 2).max(1);
    let copies = i32::try_from(purchases / 8).unwrap_or(i32::MAX).max(1);
    let few = Load { purchases, copies, restock_every: None, ..load.clone() };
    Ok(Report {
        plenty,
        scarce: Some(course.run(&few, chosen, onlooker)?),
        sweep: course.sweep(load, chosen, onlooker)?,
        timelines: timelines(course)?,
        command: command(),
        made_at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    })
}

/// The naive requests at each level that makes a difference, and the cure.
fn timelines(course: &mut Course) -> Result<Vec<Timeline>, Error> {
    let levels: &[Option<Level>] = match course.server().backend {
        Backend::Postgres => &[None, Some(Level::RepeatableRead), Some(Level::Serializable)],
        Backend::Mysql => &[None, Some(Level::Serializable)],
        Backend::Sqlite => &[None],
    };
    let mut timelines = Vec::new();
    for level in levels {
        timelines.push(course.replay(naive(), *level, SHELF)?);
    }
    timelines.push(course.replay(cure(course), None, SHELF)?);
    Ok(timelines)
}

/// The strategy of the article's beginning.
pub(super) fn naive() -> &'static Strategy {
    STRATEGIES[0]
}

/// The article's cure, or what stands in for it.
pub(super) fn cure(course: &Course) -> &'static Strategy {
    let cure = match course.server().backend {
        Backend::Sqlite => "immediate",
        Backend::Postgres | Backend::Mysql => "select-for-update",
    };
    Strategy::find(cure).unwrap_or(STRATEGIES[0])
}

/// The command line, without the database's URL, which may hold a password.
fn command() -> String {
    let mut words = vec!["bookstore".to_owned()];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--database-url" {
            arguments.next();
        } else if !argument.starts_with("--database-url=") {
            words.push(argument);
        }
    }
    words.join(" ")
}
