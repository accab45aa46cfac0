//! What the database behind the URL is, as far as the strategies care.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::store::{AnyConnection, Backend};

/// A database and what it can do.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its kind.
    pub backend: Backend,
    /// What it calls itself, such as `PostgreSQL 15.18` or `MariaDB 10.11.19`.
    pub version: String,
    /// Whether it is MariaDB, where the backend is MySQL's.
    pub is_mariadb: bool,
    /// Major and minor number.
    number: (u32, u32),
    /// MariaDB's `innodb_snapshot_isolation`: at REPEATABLE READ a row that changed since the
    /// snapshot cannot be written (error 1020). Off as long as MariaDB and MySQL behave as they
    /// always did, on by default from MariaDB 11.6 on.
    pub has_snapshot_isolation: bool,
}

impl Server {
    /// Asks the database what it is.
    pub(super) fn ask(connection: &mut AnyConnection) -> QueryResult<Self> {
        let backend = connection.backend();
        let said = ask_version(connection)?;
        let is_mariadb = said.contains("MariaDB");
        let plain = said.split(['-', ' ']).next().unwrap_or_default();
        let name = match backend {
            Backend::Postgres => "PostgreSQL",
            Backend::Mysql if is_mariadb => "MariaDB",
            Backend::Mysql => "MySQL",
            Backend::Sqlite => "SQLite",
        };
        let mut numbers = plain.split('.').map(|part| part.parse().unwrap_or_default());
        let number = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        let has_snapshot_isolation = is_mariadb && ask_snapshot_isolation(connection)?;
        let version = format!("{name} {plain}");
        Ok(Self { backend, version, is_mariadb, number, has_snapshot_isolation })
    }

    /// Whether `SELECT ... FOR UPDATE` may be followed by `SKIP LOCKED`.
    pub(super) fn has_skip_locked(&self) -> bool {
        match self.backend {
            Backend::Postgres => self.number >= (9, 5),
            Backend::Mysql if self.is_mariadb => self.number >= (10, 6),
            Backend::Mysql => self.number >= (8, 0),
            Backend::Sqlite => false,
        }
    }

    /// Whether `SELECT ... FOR UPDATE` may be followed by `NOWAIT`.
    pub(super) fn has_nowait(&self) -> bool {
        match self.backend {
            Backend::Postgres => true,
            Backend::Mysql if self.is_mariadb => self.number >= (10, 3),
            Backend::Mysql => self.number >= (8, 0),
            Backend::Sqlite => false,
        }
    }
}

fn ask_version(connection: &mut AnyConnection) -> QueryResult<String> {
    let version = match connection.backend() {
        Backend::Postgres => "current_setting('server_version')",
        Backend::Mysql => "version()",
        Backend::Sqlite => "sqlite_version()",
    };
    diesel::select(sql::<Text>(version)).get_result(connection)
}

fn ask_snapshot_isolation(connection: &mut AnyConnection) -> QueryResult<bool> {
    // Asked this way it is no error on a server that has never heard of it.
    let rows = "(SELECT count(*) FROM information_schema.session_variables \
                WHERE variable_name = 'innodb_snapshot_isolation' AND variable_value = 'ON')";
    Ok(diesel::select(sql::<BigInt>(rows)).get_result::<i64>(connection)? > 0)
}
