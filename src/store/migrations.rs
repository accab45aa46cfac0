//! The schema's migrations, embedded in the binary. The Diesel CLI runs the same files.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{AnyConnection, Backend};
use super::database_url::DatabaseUrl;
use super::error::{self, Error};
use crate::metrics::Cause;

#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
#[cfg(feature = "mysql")]
const MYSQL: EmbeddedMigrations = embed_migrations!("migrations/mysql");
#[cfg(feature = "sqlite")]
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Diesel's own table of what ran. Read here without creating it: the service may run as a
/// database user that may not change the schema.
mod ran {
    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
        }
    }
}

/// Why migrations did not run.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database cannot be reached.
    #[error("cannot reach {url}: {reason}. {}", advice(.url))]
    Unreachable {
        /// Where it should be.
        url: DatabaseUrl,
        /// What the database or its client library says.
        reason: String,
    },
    /// A migration failed; those before it stay.
    #[error("the migration failed: {0}")]
    Failed(String),
}

/// What must be there for a database to be reached.
fn advice(url: &DatabaseUrl) -> &'static str {
    match url.backend() {
        Backend::Sqlite => {
            "Its folder must exist and be writable, and the file must be an SQLite database"
        }
        Backend::Postgres | Backend::Mysql => {
            "The server must run and have the database, which `createdb` or CREATE DATABASE makes"
        }
    }
}

/// Runs what is pending and returns the names of what ran, in order. Creates an embedded database
/// that is not there. Two that migrate at once do not harm each other: the second finds nothing
/// left to do.
///
/// # Errors
/// See [`MigrationError`].
pub fn run(url: &DatabaseUrl) -> Result<Vec<String>, MigrationError> {
    let mut connection =
        AnyConnection::open_first(url).map_err(|error| MigrationError::Unreachable {
            url: url.clone(),
            reason: error.to_string().trim().to_owned(),
        })?;
    let failed = |error: &dyn std::fmt::Display| MigrationError::Failed(error.to_string());
    // Held until this connection closes. The session's limit on waiting for locks does not suit a
    // change of schema.
    let lock = match connection.backend() {
        Backend::Postgres => {
            Some("SET lock_timeout = 0; SELECT pg_advisory_lock(hashtext('bookstore migrate'))")
        }
        Backend::Mysql => Some(
            "SET SESSION lock_wait_timeout = DEFAULT; SELECT get_lock('bookstore migrate', 600)",
        ),
        Backend::Sqlite => None,
    };
    if let Some(lock) = lock {
        connection.batch_execute(lock).map_err(|error| failed(&error))?;
    }
    let result = run_pending(&mut connection);
    match result {
        // SQLite has no such lock: whoever lost the race for the first statement looks again.
        Err(_) if !is_pending(&mut connection).map_err(|error| failed(&error))? => Ok(Vec::new()),
        result => result.map_err(|error| failed(&error)),
    }
}

fn run_pending(connection: &mut AnyConnection) -> diesel::migration::Result<Vec<String>> {
    let ran = match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => names(postgres.run_pending_migrations(POSTGRES)?),
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(mysql) => names(mysql.run_pending_migrations(MYSQL)?),
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(sqlite) => names(sqlite.run_pending_migrations(SQLITE)?),
    };
    Ok(ran)
}

fn names(ran: Vec<diesel::migration::MigrationVersion<'_>>) -> Vec<String> {
    ran.iter().map(ToString::to_string).collect()
}

/// Whether the database lacks a migration that this program needs. One that it has and this program
/// does not know is no matter: a newer instance may run beside this one.
///
/// # Errors
/// What the database says.
pub fn is_pending(connection: &mut AnyConnection) -> Result<bool, Error> {
    use ran::__diesel_schema_migrations::dsl::{__diesel_schema_migrations, version};
    let there = __diesel_schema_migrations.select(version).load::<String>(connection);
    let ran = match there {
        Ok(ran) => ran,
        // A node that has lost its cluster, for one, is no database without tables.
        Err(error) if is_temporary(&error) => return Err(error.into()),
        // No such table, as on a new database. A lost connection is told apart by asking again.
        Err(error) => {
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1"))
                .get_result::<i32>(connection)?;
            tracing::debug!(%error, "no migration has run");
            Vec::new()
        }
    };
    let needed = needed(connection.backend())
        .map_err(|error| Error::Unreadable(format!("unreadable migrations: {error}")))?;
    Ok(needed.iter().any(|one| !ran.contains(one)))
}

/// Whether this may be over soon: what has no name of its own here is a table that is not there.
fn is_temporary(error: &diesel::result::Error) -> bool {
    error::cause(error).is_some_and(|cause| cause != Cause::Unknown)
}

/// The versions of the migrations that this program was built with.
fn needed(backend: Backend) -> diesel::migration::Result<Vec<String>> {
    #[cfg(feature = "mysql")]
    use diesel::mysql::Mysql;
    #[cfg(feature = "postgres")]
    use diesel::pg::Pg;
    #[cfg(feature = "sqlite")]
    use diesel::sqlite::Sqlite;

    fn versions<DB: diesel::backend::Backend>(
        source: &impl diesel::migration::MigrationSource<DB>,
    ) -> diesel::migration::Result<Vec<String>> {
        let migrations = source.migrations()?;
        Ok(migrations.iter().map(|one| one.name().version().to_string()).collect())
    }

    match backend {
        #[cfg(feature = "postgres")]
        Backend::Postgres => versions::<Pg>(&POSTGRES),
        #[cfg(feature = "mysql")]
        Backend::Mysql => versions::<Mysql>(&MYSQL),
        #[cfg(feature = "sqlite")]
        Backend::Sqlite => versions::<Sqlite>(&SQLITE),
        #[allow(unreachable_patterns, reason = "reached in builds without every backend")]
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "sqlite")]
    #[test]
    fn whoever_cannot_reach_a_file_is_told_what_must_be_there() {
        let url = DatabaseUrl::parse("sqlite:///nowhere/at/all/bookstore.db").unwrap();
        let said = run(&url).unwrap_err().to_string();
        assert!(said.contains("Its folder must exist and be writable"), "{said}");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn whoever_cannot_reach_a_server_is_told_what_must_be_there() {
        let url = DatabaseUrl::parse("postgres:///books?host=/nowhere/at/all").unwrap();
        let said = run(&url).unwrap_err().to_string();
        assert!(said.contains("The server must run and have the database"), "{said}");
    }
}
