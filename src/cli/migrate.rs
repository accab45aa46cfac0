//! `bookstore migrate`: the schema, brought up to date or looked at.

use std::io::Write as _;

use bookstore::config;
use bookstore::store::{DatabaseUrl, migrations};

use super::{Failure, connect, open};

/// Bring the database's schema up to date
///
/// Runs the migrations that are built in; what ran already is left alone. The database itself
/// must exist, except an embedded one, which is created.
///
/// Exit code: 0 the schema is up to date, 1 with --check: it is not, 2 wrong usage or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Migrate {
    /// Change nothing, only tell whether a migration is pending
    ///
    /// To ask before a new version of the program takes the place of a running one.
    #[arg(long)]
    check: bool,

    /// Make the index anew by which books are found
    ///
    /// Should searches miss books or find wrong ones, for instance after somebody changed the tables by
    /// hand. Shops go on selling and may change books; until it is done, searches find what is indexed
    /// already. If it is interrupted, run it again.
    #[arg(long, conflicts_with = "check")]
    reindex: bool,
}

const AFTER_HELP: &str = "\
Try it:
  bookstore migrate --database-url postgres://owner@localhost/shop
  bookstore migrate --check                    is anything pending?
  bookstore migrate --reindex                  find every book again";

pub(super) fn run(url: &DatabaseUrl, args: &Migrate) -> Result<bool, Failure> {
    if args.check { check(url) } else { migrate(url, args.reindex) }
}

fn migrate(url: &DatabaseUrl, anew: bool) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    for name in &migrations::run(url)? {
        writeln!(out, "ran {name}")?;
    }
    // A catalogue that is older than its search is found from now on.
    let store = open(url.clone())?;
    if anew {
        store.clear_index()?;
    }
    let indexed = store.index_books(|| false)?;
    if indexed > 0 {
        writeln!(out, "indexed {indexed} books")?;
    }
    writeln!(out, "{url} is up to date")?;
    Ok(true)
}

fn check(url: &DatabaseUrl) -> Result<bool, Failure> {
    let store = connect(&config::store_for_command(url.clone()))?;
    let is_pending = store.read(store.deadline(), migrations::is_pending)?;
    let verdict = match is_pending {
        true => "lacks migrations that this program needs; run `bookstore migrate`",
        false => "is up to date",
    };
    writeln!(std::io::stdout(), "{url} {verdict}")?;
    Ok(!is_pending)
}
