//! The third connection: it reads the row, and the database's own word on who waits for whom.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use std::time::Duration;

use crate::race::conflict::Failure;
use crate::race::error::Error;
use crate::race::server::Server;
use crate::race::strategy::MYSQL_LOCK;
use crate::race::table::{BOOK, race_books};
use crate::store::{AnyConnection, Backend};

/// A connection as the database numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session(i64);

impl Session {
    /// Not the number of any connection.
    pub(super) const NOBODY: Self = Self(0);

    /// Asks `connection` for its number. SQLite has no numbers, and nobody who waits.
    pub(super) fn of(connection: &mut AnyConnection) -> QueryResult<Self> {
        let number = match connection.backend() {
            Backend::Postgres => "pg_backend_pid()",
            Backend::Mysql => "connection_id()",
            Backend::Sqlite => "0",
        };
        let number = match connection.backend() {
            Backend::Mysql => format!("CAST({number} AS SIGNED)"),
            Backend::Postgres | Backend::Sqlite => format!("CAST({number} AS BIGINT)"),
        };
        Ok(Self(diesel::select(sql::<BigInt>(&number)).get_result(connection)?))
    }
}

pub(super) struct Watcher<'a> {
    connection: &'a mut AnyConnection,
    is_mariadb: bool,
    looks_in_vain: u32,
}

/// The shortest pause after which InnoDB's picture may be a new one.
const INNODB_PAUSE: Duration = Duration::from_millis(120);

impl<'a> Watcher<'a> {
    /// # Errors
    /// [`Error::CannotSeeLocks`] if the user may not look at InnoDB's locks.
    pub(super) fn new(connection: &'a mut AnyConnection, server: &Server) -> Result<Self, Error> {
        let mut watcher = Self { connection, is_mariadb: server.is_mariadb, looks_in_vain: 0 };
        if server.backend == Backend::Mysql {
            watcher
                .waits_in_innodb(Session::NOBODY, Session::NOBODY)
                .map_err(|error| Error::CannotSeeLocks(Failure::of(&error).said))?;
        }
        Ok(watcher)
    }

    /// How long to listen before the next look.
    ///
    /// InnoDB's views are a picture that is taken anew only if nobody on the whole server looked for
    /// 0.1 s: who looks more often sees the same old picture for ever. Several who look every 0.12 s
    /// keep it old for each other; so each look that saw nothing is followed by a longer pause, of a
    /// length that nobody else has.
    pub(super) fn pace(&self) -> Duration {
        match self.connection.backend() {
            Backend::Postgres => Duration::from_millis(3),
            Backend::Mysql => {
                let share = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
                INNODB_PAUSE + (INNODB_PAUSE * self.looks_in_vain.min(10)).mul_f64(share)
            }
            Backend::Sqlite => Duration::from_millis(100),
        }
    }

    /// The next statement: nobody looked for it yet.
    pub(super) fn starts_anew(&mut self) {
        self.looks_in_vain = 0;
    }

    /// The quantity that is committed.
    pub(super) fn row(&mut self) -> QueryResult<i64> {
        let quantity = race_books::table.find(BOOK).select(race_books::quantity);
        quantity.first::<i32>(self.connection).map(i64::from)
    }

    /// Where the database says that `waiting` waits for `holder`, if it does.
    pub(super) fn sees_waiting(
        &mut self,
        waiting: Session,
        holder: Session,
    ) -> QueryResult<Option<&'static str>> {
        self.looks_in_vain += 1;
        match self.connection.backend() {
            Backend::Postgres => {
                let blocking = format!(
                    "CAST({} = ANY (pg_blocking_pids({})) AS INTEGER)",
                    holder.0, waiting.0
                );
                Ok((self.number(&blocking)? == 1).then_some("pg_blocking_pids"))
            }
            Backend::Mysql if self.waits_in_innodb(waiting, holder)? => {
                Ok(Some(self.innodb_view()))
            }
            Backend::Mysql => Ok(self.waits_for_name(waiting, holder)?.then_some(NAMED_LOCK)),
            Backend::Sqlite => Ok(None),
        }
    }

    fn innodb_view(&self) -> &'static str {
        if self.is_mariadb { "innodb_lock_waits" } else { "data_lock_waits" }
    }

    fn waits_in_innodb(&mut self, waiting: Session, holder: Session) -> QueryResult<bool> {
        let from = match self.is_mariadb {
            true => {
                "information_schema.innodb_lock_waits AS wait \
                 JOIN information_schema.innodb_trx AS w ON w.trx_id = wait.requesting_trx_id \
                 JOIN information_schema.innodb_trx AS h ON h.trx_id = wait.blocking_trx_id \
                 WHERE w.trx_mysql_thread_id = {waiting} AND h.trx_mysql_thread_id = {holder}"
            }
            false => {
                "performance_schema.data_lock_waits AS wait \
                 JOIN performance_schema.threads AS w ON w.thread_id = wait.requesting_thread_id \
                 JOIN performance_schema.threads AS h ON h.thread_id = wait.blocking_thread_id \
                 WHERE w.processlist_id = {waiting} AND h.processlist_id = {holder}"
            }
        };
        let from = from
            .replace("{waiting}", &waiting.0.to_string())
            .replace("{holder}", &holder.0.to_string());
        Ok(self.number(&format!("CAST((SELECT count(*) FROM {from}) AS SIGNED)"))? > 0)
    }

    /// `get_lock` is no lock of InnoDB's.
    fn waits_for_name(&mut self, waiting: Session, holder: Session) -> QueryResult<bool> {
        let both = format!(
            "CAST(coalesce(is_used_lock({MYSQL_LOCK}) = {}, 0) AND \
             (SELECT count(*) FROM information_schema.processlist \
              WHERE id = {} AND state = 'User lock') AS SIGNED)",
            holder.0, waiting.0
        );
        Ok(self.number(&both)? == 1)
    }

    fn number(&mut self, expression: &str) -> QueryResult<i32> {
        diesel::select(sql::<Integer>(expression)).get_result(self.connection)
    }

    /// Ends a session, whatever it is waiting for.
    pub(super) fn end(&mut self, session: Session) -> QueryResult<()> {
        match self.connection.backend() {
            Backend::Postgres => self
                .connection
                .batch_execute(&format!("SELECT pg_terminate_backend({})", session.0)),
            Backend::Mysql => self.connection.batch_execute(&format!("KILL {}", session.0)),
            Backend::Sqlite => Ok(()),
        }
    }
}

/// Where one sees who waits for a lock on a name.
pub(super) const NAMED_LOCK: &str = "is_used_lock";
