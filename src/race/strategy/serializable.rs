//! The naive code, and a database that is told to let nobody notice: SERIALIZABLE.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::again::again;
use super::naive::read_subtract_write;
use super::{Answer, Buyer, Sale, Strategy};
use crate::race::level::Level;
use crate::store::{AnyConnection, Backend};

/// Of two that meet, one is refused: with 40001 on PostgreSQL, as a deadlock on MySQL and MariaDB,
/// with SQLITE_BUSY on SQLite. Without the second try this is no cure but a source of errors.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    const SERIALIZABLE: &str = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";
    again(buyer, |buyer| match connection.backend() {
        Backend::Postgres => connection.transaction(|connection| {
            connection.batch_execute(SERIALIZABLE)?;
            read_subtract_write(connection, buyer)
        }),
        Backend::Mysql => {
            // Here it stands before the transaction that it is for.
            connection.batch_execute(SERIALIZABLE)?;
            connection.transaction(|connection| read_subtract_write(connection, buyer))
        }
        // Every transaction of SQLite is.
        Backend::Sqlite => {
            connection.transaction(|connection| read_subtract_write(connection, buyer))
        }
    })
}

pub(super) const STRATEGY: Strategy = Strategy {
    level: Some(Level::Serializable),
    ..Strategy::new(
        "serializable",
        "the naive code at SERIALIZABLE, tried again when it is refused",
        Sale::OnConnection(buy),
    )
};
