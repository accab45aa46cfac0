//! The scratch tables: made, recognised as ours, and removed whatever happens. Nothing else in the
//! database is touched, or even read.
//!
//! `race_owner` is there before `race_books` and goes after it, and the name of its one column says
//! whose it is: whenever a race is killed, what it leaves is recognised by the next one.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::conflict::Failure;
use super::error::Error;
use super::guard::Guard;
use super::table::{BOOK, race_books};
use crate::store::{AnyConnection, Backend, DatabaseUrl};

/// What race tables are made of, in the order in which they are made.
const OURS: [&str; 2] = ["race_owner", "race_books"];

/// The scratch tables, on a connection of their own. They are gone when this is closed or dropped.
pub(super) struct Scratch {
    url: DatabaseUrl,
    connection: AnyConnection,
    are_there: bool,
    _guard: Guard,
}

impl Scratch {
    /// Makes the tables, after it has removed those of an earlier race that could not do so itself.
    /// `has_check` forbids a quantity below zero by a CHECK constraint.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Another`], [`Error::NotOurs`], [`Error::CannotCreate`].
    pub(super) fn create(url: &DatabaseUrl, has_check: bool) -> Result<Self, Error> {
        let mut connection = AnyConnection::open(url).map_err(|error| Error::Unreachable {
            url: url.clone(),
            reason: error.to_string().trim().to_owned(),
        })?;
        let guard = Guard::take(url, &mut connection)?;
        let found = find(&mut connection)?;
        if !found.is_empty() && !are_ours(&mut connection, &found) {
            return Err(Error::NotOurs { url: url.clone(), names: found });
        }
        if !found.is_empty() {
            tracing::info!("removing the scratch tables of a race that was killed");
        }
        let cannot =
            |error| Error::CannotCreate { reason: Failure::of(&error).said, advice: advice(url) };
        // Also if there are none: who may not do this now could not clean up later.
        drop_all(&mut connection).map_err(cannot)?;
        make_owner(&mut connection).map_err(cannot)?;
        let mut scratch = Self { url: url.clone(), connection, are_there: true, _guard: guard };
        make_books(&mut scratch.connection, has_check).map_err(cannot)?;
        Ok(scratch)
    }

    /// The connection that the tables were made on.
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }

    /// Puts so many copies on the shelf.
    pub(super) fn fill(&mut self, copies: i32) -> QueryResult<()> {
        diesel::update(race_books::table.find(BOOK))
            .set((
                race_books::quantity.eq(copies),
                race_books::version.eq(1),
                race_books::held.eq(0),
            ))
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// What is on the shelf.
    pub(super) fn quantity(&mut self) -> QueryResult<i64> {
        let book = race_books::table.find(BOOK).select(race_books::quantity);
        book.first::<i32>(&mut self.connection).map(i64::from)
    }

    /// Removes the tables.
    ///
    /// # Errors
    /// [`Error::CannotRemove`] names what is left.
    pub(super) fn close(mut self) -> Result<(), Error> {
        self.remove()
    }

    fn remove(&mut self) -> Result<(), Error> {
        if !self.are_there {
            return Ok(());
        }
        let removed = drop_all(&mut self.connection).or_else(|_| {
            // The connection may be what is broken.
            let mut another = AnyConnection::open(&self.url).map_err(|error| error.to_string())?;
            drop_all(&mut another).map_err(|error| Failure::of(&error).said)
        });
        // Said once; nobody tries a third time.
        self.are_there = false;
        removed.map_err(Error::CannotRemove)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            tracing::error!("{error}");
        }
    }
}

/// Tables whose names begin with `race_`, in alphabetical order.
fn find(connection: &mut AnyConnection) -> QueryResult<Vec<String>> {
    let names = match connection.backend() {
        // Not information_schema: it hides what the user may not touch.
        Backend::Postgres => {
            "relname::text FROM pg_class WHERE relnamespace = to_regnamespace(current_schema()) \
             AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relname LIKE 'race\\_%' ORDER BY 1"
        }
        Backend::Mysql => {
            "table_name FROM information_schema.tables WHERE table_schema = database() \
             AND table_name LIKE 'race\\_%' ORDER BY 1"
        }
        Backend::Sqlite => {
            "name FROM sqlite_master WHERE type IN ('table', 'view') \
             AND name LIKE 'race\\_%' ESCAPE '\\' ORDER BY 1"
        }
    };
    diesel::select(sql::<Text>(names)).load(connection)
}

/// Whether all of `found` were made by a race.
fn are_ours(connection: &mut AnyConnection, found: &[String]) -> bool {
    let are_known = found.iter().all(|name| OURS.contains(&name.as_str()));
    let has_mark = "SELECT made_by_bookstore_race FROM race_owner WHERE 1 = 0";
    are_known && connection.batch_execute(has_mark).is_ok()
}

fn make_owner(connection: &mut AnyConnection) -> QueryResult<()> {
    let engine = engine(connection.backend());
    connection.batch_execute(&format!(
        "CREATE TABLE race_owner (made_by_bookstore_race INTEGER NOT NULL){engine}"
    ))
}

fn make_books(connection: &mut AnyConnection, has_check: bool) -> QueryResult<()> {
    let check =
        if has_check { ", CONSTRAINT race_books_quantity CHECK (quantity >= 0)" } else { "" };
    let engine = engine(connection.backend());
    connection.batch_execute(&format!(
        "CREATE TABLE race_books (id INTEGER NOT NULL PRIMARY KEY, title VARCHAR(200) NOT NULL, \
         quantity INTEGER NOT NULL, version INTEGER NOT NULL, held INTEGER NOT NULL DEFAULT 0{check}){engine}"
    ))?;
    diesel::insert_into(race_books::table)
        .values((
            race_books::id.eq(BOOK),
            race_books::title.eq("The book that everybody wants"),
            race_books::quantity.eq(0),
            race_books::version.eq(1),
        ))
        .execute(connection)?;
    Ok(())
}

/// The one with row locks and transactions, also where another is the default.
fn engine(backend: Backend) -> &'static str {
    match backend {
        Backend::Mysql => " ENGINE = InnoDB",
        Backend::Postgres | Backend::Sqlite => "",
    }
}

fn drop_all(connection: &mut AnyConnection) -> QueryResult<()> {
    // MariaDB waits for a table's metadata for a day, if nobody says otherwise.
    if connection.backend() == Backend::Mysql {
        connection.batch_execute("SET SESSION lock_wait_timeout = 10")?;
    }
    for name in OURS.iter().rev() {
        connection.batch_execute(&format!("DROP TABLE IF EXISTS {name}"))?;
    }
    Ok(())
}

fn advice(url: &DatabaseUrl) -> String {
    let grant = match url.backend() {
        Backend::Postgres => "GRANT CREATE ON SCHEMA public TO the user of DATABASE_URL",
        Backend::Mysql => {
            "GRANT CREATE, DROP, SELECT, INSERT, UPDATE, DELETE on the database to the user of \
             DATABASE_URL"
        }
        Backend::Sqlite => "Make the file and its folder writable",
    };
    format!("{grant}, or set DATABASE_URL to a database where it may, for instance an empty one")
}
