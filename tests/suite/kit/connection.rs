//! A plain connection to a test's database, past the program under test: to look, to hold locks,
//! and to break things on purpose.

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::Backend;

pub enum Connection {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
    #[cfg(feature = "mysql")]
    Mysql(MysqlConnection),
}

/// Runs the same expression on whatever connection this is.
macro_rules! on_each {
    ($self:expr, $connection:ident => $run:expr) => {
        match $self {
            #[cfg(feature = "sqlite")]
            Connection::Sqlite($connection) => $run,
            #[cfg(feature = "postgres")]
            Connection::Postgres($connection) => $run,
            #[cfg(feature = "mysql")]
            Connection::Mysql($connection) => $run,
        }
    };
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Nullable<BigInt>)]
    n: Option<i64>,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Nullable<Text>)]
    word: Option<String>,
}

impl Connection {
    pub fn open(backend: Backend, url: &str) -> Self {
        Self::try_open(backend, url)
            .unwrap_or_else(|error| panic!("cannot connect to {url}: {error}"))
    }

    /// A connection to a database that may be gone.
    pub fn try_open(backend: Backend, url: &str) -> ConnectionResult<Self> {
        match backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite => {
                let path = url.strip_prefix("sqlite://").unwrap_or(url);
                SqliteConnection::establish(path).map(|mut connection| {
                    connection.batch_execute("PRAGMA busy_timeout = 20000").unwrap();
                    Self::Sqlite(connection)
                })
            }
            #[cfg(feature = "postgres")]
            Backend::Postgres => PgConnection::establish(url).map(Self::Postgres),
            #[cfg(feature = "mysql")]
            Backend::Mysql => MysqlConnection::establish(url).map(Self::Mysql),
            #[allow(unreachable_patterns, reason = "no other backend in some builds")]
            _ => panic!("{backend} is not compiled in"),
        }
    }

    pub fn try_run(&mut self, sql: &str) -> QueryResult<()> {
        on_each!(self, connection => connection.batch_execute(sql))
    }

    pub fn run(&mut self, sql: &str) {
        self.try_run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The whole number that `query` selects; 0 for NULL or no row.
    pub fn number(&mut self, query: &str) -> i64 {
        self.try_number(query).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The same of a connection that may be gone.
    pub fn try_number(&mut self, query: &str) -> QueryResult<i64> {
        let integer = if self.is_mysql() { "SIGNED" } else { "BIGINT" };
        let sql = format!("SELECT CAST(({query}) AS {integer}) AS n");
        let rows = on_each!(self, connection => diesel::sql_query(&sql).load::<Number>(connection));
        Ok(rows?[0].n.unwrap_or(0))
    }

    /// The text that `query` selects, if any.
    pub fn text(&mut self, query: &str) -> Option<String> {
        let text = if self.is_mysql() { "CHAR" } else { "TEXT" };
        let sql = format!("SELECT CAST(({query}) AS {text}) AS word");
        let rows = on_each!(self, connection => diesel::sql_query(&sql).load::<Word>(connection));
        rows.unwrap_or_else(|error| panic!("{sql}: {error}")).remove(0).word
    }

    /// The texts that `query` selects as `word`, one of each row.
    #[allow(dead_code, reason = "the storm needs it")]
    pub fn texts(&mut self, query: &str) -> Vec<String> {
        let rows = on_each!(self, connection => diesel::sql_query(query).load::<Word>(connection));
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error}"));
        rows.into_iter().map(|row| row.word.unwrap_or_default()).collect()
    }

    fn is_mysql(&self) -> bool {
        match self {
            #[cfg(feature = "mysql")]
            Self::Mysql(_) => true,
            #[allow(unreachable_patterns, reason = "no other backend in some builds")]
            _ => false,
        }
    }
}
