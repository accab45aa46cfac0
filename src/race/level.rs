//! Isolation levels: what a transaction may see of the others.

use diesel::QueryResult;
use diesel::connection::SimpleConnection;

use crate::store::{AnyConnection, Backend, DatabaseUrl};

/// How long SQLite waits for another writer in a run: longer than any run, so that a buyer gets in
/// line like those of the other databases. In a replay it does not wait at all.
const PATIENCE_MS: u32 = 60_000;

/// An isolation level of the SQL standard. SQLite has none to choose: it is always serializable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Each statement sees what is committed when it begins.
    ReadCommitted,
    /// Each transaction sees what was committed when it began to read.
    RepeatableRead,
    /// As if the transactions ran one after the other.
    Serializable,
}

impl Level {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadCommitted => "read-committed",
            Self::RepeatableRead => "repeatable-read",
            Self::Serializable => "serializable",
        }
    }

    /// Its name in SQL.
    fn sql(self) -> &'static str {
        match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }

    /// What a backend comes with; `None` where there is nothing to choose.
    pub fn default_of(backend: Backend) -> Option<Self> {
        match backend {
            Backend::Postgres => Some(Self::ReadCommitted),
            Backend::Mysql => Some(Self::RepeatableRead),
            Backend::Sqlite => None,
        }
    }

    /// Makes it the level of every later transaction of `connection`, which must not be SQLite's.
    pub(super) fn set(self, connection: &mut AnyConnection) -> QueryResult<()> {
        let of_the_session = match connection.backend() {
            Backend::Postgres => "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL",
            Backend::Mysql | Backend::Sqlite => "SET SESSION TRANSACTION ISOLATION LEVEL",
        };
        connection.batch_execute(&format!("{of_the_session} {}", self.sql()))
    }
}

/// A buyer's connection: what an application has that sets nothing, at the level that the database
/// comes with, whatever this server is configured to. Else the same strategy would be one thing here
/// and another there, and the verdicts would have to guess.
pub(super) fn open_for_buyer(url: &DatabaseUrl) -> diesel::ConnectionResult<AnyConnection> {
    let mut connection = AnyConnection::open_as_it_comes(url)?;
    let set_up = match url.backend() {
        Backend::Sqlite => {
            connection.batch_execute(&format!("PRAGMA busy_timeout = {PATIENCE_MS}"))
        }
        // We tell what it says apart, as an application would by the number of the error.
        Backend::Mysql => connection.batch_execute("SET SESSION lc_messages = 'en_US'"),
        Backend::Postgres => Ok(()),
    };
    let level = Level::default_of(url.backend());
    let set_up = set_up.and_then(|()| level.map_or(Ok(()), |level| level.set(&mut connection)));
    set_up.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}
