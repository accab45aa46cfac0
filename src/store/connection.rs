//! One connection type over the three backends, and how each of them is opened.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, ConnectionError, QueryResult};

use super::database_url::{BadDatabaseUrl, DatabaseUrl};
#[cfg(feature = "mysql")]
use super::galera;
use super::{encryption, secrets};
#[cfg(feature = "postgres")]
use super::{pooling, silence};

/// How long each lock is waited for before the transaction is given up and run again. One statement that locks
/// many rows may wait so long for each of them.
pub const LOCK_WAIT: Duration = Duration::from_secs(1);

/// A database system that this build may speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// Embedded SQLite.
    Sqlite,
}

impl Backend {
    /// The name people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL/MariaDB",
            Self::Sqlite => "SQLite",
        }
    }

    /// Its name in JSON and among the features of this package.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Sqlite => "sqlite",
        }
    }

    /// Whether a transaction locks single rows. SQLite has one writer at a time.
    pub fn has_row_locks(self) -> bool {
        self != Self::Sqlite
    }

    pub(super) fn is_compiled_in(self) -> bool {
        match self {
            Self::Postgres => cfg!(feature = "postgres"),
            Self::Mysql => cfg!(feature = "mysql"),
            Self::Sqlite => cfg!(feature = "sqlite"),
        }
    }
}

/// An open connection to one of the backends.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(diesel::PgConnection),
    /// MySQL and MariaDB.
    #[cfg(feature = "mysql")]
    Mysql(diesel::MysqlConnection),
    /// SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite(diesel::SqliteConnection),
}

/// Runs an expression with the concrete connection of whatever backend it is, for the few
/// statements that Diesel's `MultiConnection` does not carry.
macro_rules! on_backend {
    ($connection:expr, $concrete:ident => $body:expr) => {
        match $connection {
            #[cfg(feature = "postgres")]
            $crate::store::connection::AnyConnection::Postgres($concrete) => $body,
            #[cfg(feature = "mysql")]
            $crate::store::connection::AnyConnection::Mysql($concrete) => $body,
            #[cfg(feature = "sqlite")]
            $crate::store::connection::AnyConnection::Sqlite($concrete) => $body,
        }
    };
}
pub(super) use on_backend;

impl AnyConnection {
    /// Opens a connection and sets it up so that a commit is on disk and a wait for a lock ends.
    ///
    /// # Errors
    /// What the database's client library says, without what is secret in the URL.
    pub(crate) fn open(url: &DatabaseUrl) -> Result<Self, ConnectionError> {
        let mut connection = Self::open_as_it_comes(url)?;
        connection.set_up().map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }

    /// The same at the start of a program, where the way to the server is looked at too: a pooler that
    /// shares sessions out is refused.
    ///
    /// # Errors
    /// As [`AnyConnection::open`].
    pub(super) fn open_first(url: &DatabaseUrl) -> Result<Self, ConnectionError> {
        #[allow(unused_mut, reason = "changed only where PostgreSQL is compiled in")]
        let mut first = Self::open(url)?;
        #[cfg(feature = "postgres")]
        #[allow(irrefutable_let_patterns, reason = "no other backend in some builds")]
        if let Self::Postgres(first) = &mut first
            && let Self::Postgres(mut other) = Self::open_as_it_comes(url)?
        {
            pooling::refuse_shared_sessions(first, &mut other)?;
        }
        Ok(first)
    }

    /// Opens a connection with the settings that the server gives to everybody: what an application
    /// has that never thought about them.
    ///
    /// # Errors
    /// As [`AnyConnection::open`].
    pub(crate) fn open_as_it_comes(url: &DatabaseUrl) -> Result<Self, ConnectionError> {
        Self::establish(url).map_err(|error| match error {
            // libpq repeats what it cannot read of a URL.
            ConnectionError::BadConnection(said) => {
                let said = secrets::conceal(url.as_given(), &said);
                ConnectionError::BadConnection(encryption::explain(said))
            }
            ConnectionError::InvalidConnectionUrl(said) => {
                ConnectionError::InvalidConnectionUrl(secrets::conceal(url.as_given(), &said))
            }
            other => other,
        })
    }

    fn establish(url: &DatabaseUrl) -> Result<Self, ConnectionError> {
        match url.backend() {
            #[cfg(feature = "postgres")]
            Backend::Postgres => {
                let url = silence::bounded(url.as_given(), |name| std::env::var(name).ok());
                diesel::PgConnection::establish(&url).map(Self::Postgres)
            }
            #[cfg(feature = "mysql")]
            Backend::Mysql => {
                let mut connection = diesel::MysqlConnection::establish(url.as_given())?;
                if encryption::must_be_encrypted(url.as_given()) {
                    insist_on_encryption(&mut connection)?;
                }
                Ok(Self::Mysql(connection))
            }
            #[cfg(feature = "sqlite")]
            Backend::Sqlite => {
                diesel::SqliteConnection::establish(url.as_given()).map(Self::Sqlite)
            }
            #[allow(unreachable_patterns, reason = "reached in builds without every backend")]
            backend => {
                let error = BadDatabaseUrl::NotCompiledIn(backend);
                Err(ConnectionError::InvalidConnectionUrl(error.to_string()))
            }
        }
    }

    fn set_up(&mut self) -> QueryResult<()> {
        let lock_wait = LOCK_WAIT.as_secs();
        let milliseconds = LOCK_WAIT.as_millis();
        let statements = match self.backend() {
            // Weaker settings of the server are raised, a stronger one (remote_apply) is kept. A
            // service that stopped in the middle of a transaction must not hold its locks for ever.
            Backend::Postgres => format!(
                "SET TIME ZONE 'UTC'; SET jit = off; \
                 SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write'); \
                 SET lock_timeout = {milliseconds}; \
                 SET idle_in_transaction_session_timeout = '30s'; \
                 SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"
            ),
            // The second wait is for whole tables, which a change of schema or a backup locks. Left alone it
            // is a day, and the sale is made long after its buyer was told that nobody knows. Errors are told
            // apart by what they say in English. MySQL cannot end a transaction that idles.
            Backend::Mysql => format!(
                "SET NAMES utf8mb4; \
                 SET SESSION time_zone = '+00:00', sql_mode = 'TRADITIONAL', lc_messages = 'en_US', \
                 innodb_lock_wait_timeout = {lock_wait}, lock_wait_timeout = {lock_wait} \
                 /*M!100300 , idle_transaction_timeout = 30 */; \
                 SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
            ),
            // The wait first: turning WAL on needs the file for itself for a moment.
            Backend::Sqlite => format!(
                "PRAGMA busy_timeout = {milliseconds}; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"
            ),
        };
        self.batch_execute(&statements)?;
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql(mysql) => galera::see_what_others_committed(mysql),
            #[allow(unreachable_patterns, reason = "no other backend in some builds")]
            _ => Ok(()),
        }
    }

    /// Sets up a connection for transactions, which look rows up by their keys and never read a
    /// table from end to end. PostgreSQL plans a statement once and keeps the plan: one made while
    /// the tables were empty would read all of them for every batch, until the next ANALYZE.
    ///
    /// # Errors
    /// What the database says.
    pub(super) fn set_up_for_transactions(&mut self) -> QueryResult<()> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.batch_execute(
                "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off",
            ),
            #[cfg(feature = "mysql")]
            Self::Mysql(mysql) => galera::survive_lost_transactions(mysql),
            #[allow(unreachable_patterns, reason = "no other backend in some builds")]
            _ => Ok(()),
        }
    }

    /// Whether a transaction may be lost here without a word, and must look after itself.
    ///
    /// # Errors
    /// What the database says.
    pub(super) fn may_lose_transactions(&mut self) -> QueryResult<bool> {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql(mysql) => galera::is_node(mysql),
            #[allow(unreachable_patterns, reason = "no other backend in some builds")]
            _ => Ok(false),
        }
    }

    /// The backend behind this connection.
    pub fn backend(&self) -> Backend {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Backend::Postgres,
            #[cfg(feature = "mysql")]
            Self::Mysql(_) => Backend::Mysql,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Backend::Sqlite,
        }
    }
}

/// Gives a connection up that is in clear text, whatever its client library thinks of that.
#[cfg(feature = "mysql")]
fn insist_on_encryption(connection: &mut diesel::MysqlConnection) -> Result<(), ConnectionError> {
    use diesel::RunQueryDsl;

    #[derive(diesel::QueryableByName)]
    struct Status {
        #[diesel(sql_type = diesel::sql_types::Text, column_name = "Value")]
        cipher: String,
    }

    let status = diesel::sql_query("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        .get_result::<Status>(connection)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    match status.cipher.is_empty() {
        false => Ok(()),
        true => Err(ConnectionError::BadConnection(
            "the URL has files of certificates, but the server offers no TLS, or somebody on the way \
             to it keeps it from us"
                .to_owned(),
        )),
    }
}
