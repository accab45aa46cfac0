//! The article's cure: lock the row when it is read. Django's `select_for_update()`.

use diesel::prelude::*;

use super::{Answer, Buyer, Sale, Strategy};
use crate::race::server::Server;
use crate::race::table::{BOOK, race_books};
use crate::store::{AnyConnection, Backend};

/// Whoever reads second waits until the first has committed, and then reads what it wrote.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    connection.transaction(|connection| {
        let quantity = lock(connection)?;
        buyer.thinks(quantity);
        if quantity < 1 {
            return Ok(Answer::SoldOut);
        }
        diesel::update(race_books::table.find(BOOK))
            .set(race_books::quantity.eq(quantity - 1))
            .execute(connection)?;
        Ok(Answer::Sold)
    })
}

/// The quantity; the row is the transaction's own until it ends. `.for_update()` is not for a
/// connection that may be anything: an application with one database writes one of these lines.
pub(super) fn lock(connection: &mut AnyConnection) -> QueryResult<i32> {
    let quantity = race_books::table.find(BOOK).select(race_books::quantity);
    match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => quantity.for_update().first(postgres),
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(mysql) => quantity.for_update().first(mysql),
        // The till's transaction on SQLite, which has the one write lock already.
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(sqlite) => quantity.first(sqlite),
    }
}

pub(super) const STRATEGY: Strategy = Strategy {
    lacks,
    ..Strategy::new(
        "select-for-update",
        "lock the row when it is read: SELECT ... FOR UPDATE",
        Sale::OnConnection(buy),
    )
};

fn lacks(server: &Server) -> Option<&'static str> {
    (server.backend == Backend::Sqlite).then_some(
        "SQLite has no row locks and no FOR UPDATE: its one write lock is taken with BEGIN \
         IMMEDIATE, see `immediate`",
    )
}
