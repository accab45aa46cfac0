//! A lock that is on nothing but a name, which all who sell agree to take.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable};

use super::naive::read_subtract_write;
use super::{Answer, Buyer, Sale, Strategy, naive, restock};
use crate::race::server::Server;
use crate::store::{AnyConnection, Backend};

/// The naive code, one at a time. Whoever changes the quantity without the lock (a report, an admin,
/// another team's program) is not held back by it, and all is as before.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    match connection.backend() {
        // The session's, not the transaction's: let go after the commit, never before.
        Backend::Mysql => {
            take(connection)?;
            let sale = naive::buy(connection, buyer);
            let_go(connection)?;
            sale
        }
        // The transaction's: it goes when the transaction ends, however it ends.
        _ => connection.transaction(|connection| {
            diesel::sql_query(POSTGRES_LOCK).execute(connection)?;
            read_subtract_write(connection, buyer)
        }),
    }
}

const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('race_books'))";

/// The lock's name, as an expression. One server has one set of names for all its databases, and a
/// name has 64 characters at most.
pub(in crate::race) const MYSQL_LOCK: &str = "left(concat('race_books ', database()), 64)";

/// Waits up to a minute.
fn take(connection: &mut AnyConnection) -> QueryResult<()> {
    let call = format!("get_lock({MYSQL_LOCK}, 60)");
    let has_it: Option<i32> =
        diesel::select(sql::<Nullable<Integer>>(&call)).get_result(connection)?;
    if has_it == Some(1) { Ok(()) } else { Err(diesel::NotFound) }
}

fn let_go(connection: &mut AnyConnection) -> QueryResult<()> {
    let call = format!("release_lock({MYSQL_LOCK})");
    diesel::select(sql::<Nullable<Integer>>(&call)).get_result::<Option<i32>>(connection)?;
    Ok(())
}

/// Copies that come in must take the lock too: it protects only from those who do.
fn restock_under_the_lock(connection: &mut AnyConnection, copies: i32) -> QueryResult<()> {
    match connection.backend() {
        Backend::Mysql => {
            take(connection)?;
            let restocked = restock(connection, copies);
            let_go(connection)?;
            restocked
        }
        _ => connection.transaction(|connection| {
            diesel::sql_query(POSTGRES_LOCK).execute(connection)?;
            restock(connection, copies)
        }),
    }
}

pub(super) const STRATEGY: Strategy = Strategy {
    lacks,
    restock: restock_under_the_lock,
    ..Strategy::new(
        "advisory-lock",
        "the naive code under a lock on a name that all agree on",
        Sale::OnConnection(buy),
    )
};

fn lacks(server: &Server) -> Option<&'static str> {
    (server.backend == Backend::Sqlite).then_some(
        "SQLite has no advisory locks: its one write lock does the same, see `immediate`",
    )
}
