//! The database's clock: the only one that all instances share.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::connection::{AnyConnection, Backend};
use super::sql_types::{Moment, Timestamptz};

/// The database's time now, not that of the transaction's start: a transaction that waited for a
/// lock writes a later time than the one it waited for.
pub(super) fn now(connection: &mut AnyConnection) -> QueryResult<DateTime<Utc>> {
    let sql = match connection.backend() {
        Backend::Postgres => "clock_timestamp()",
        Backend::Mysql => "sysdate(6)",
        Backend::Sqlite => "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    };
    let Moment(now) =
        diesel::select(diesel::dsl::sql::<Timestamptz>(sql)).get_result(connection)?;
    Ok(now)
}
