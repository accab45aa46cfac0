//! Django's `select_for_update(nowait=True)`: a locked row is an error at once.

use diesel::prelude::*;

use super::{Answer, Buyer, Promise, Sale, Strategy};
use crate::race::conflict::Conflict;
use crate::race::server::Server;
use crate::race::table::{BOOK, race_books};
use crate::store::{AnyConnection, Backend};

/// Nobody waits, so nobody can pile up behind a slow one; but who comes second is sent away although
/// copies are there.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    let sale = connection.transaction(|connection| {
        let quantity = lock(connection)?;
        buyer.thinks(quantity);
        if quantity < 1 {
            return Ok(Answer::SoldOut);
        }
        diesel::update(race_books::table.find(BOOK))
            .set(race_books::quantity.eq(quantity - 1))
            .execute(connection)?;
        Ok(Answer::Sold)
    });
    match sale {
        Err(error) if Conflict::of(&error) == Some(Conflict::Locked) => Ok(Answer::TurnedAway),
        sale => sale,
    }
}

fn lock(connection: &mut AnyConnection) -> QueryResult<i32> {
    let quantity = race_books::table.find(BOOK).select(race_books::quantity);
    match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => quantity.for_update().no_wait().first(postgres),
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(mysql) => quantity.for_update().no_wait().first(mysql),
        // Nobody comes here: `lacks` says no before.
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(sqlite) => quantity.first(sqlite),
    }
}

pub(super) const STRATEGY: Strategy = Strategy {
    promise: |_| Promise::TurnsAway,
    lacks,
    ..Strategy::new(
        "nowait",
        "FOR UPDATE NOWAIT: a locked row is an error at once",
        Sale::OnConnection(buy),
    )
};

fn lacks(server: &Server) -> Option<&'static str> {
    match server.backend {
        Backend::Sqlite => Some("SQLite has no row locks: with busy_timeout = 0 nobody waits"),
        _ if server.has_nowait() => None,
        _ => Some("this version has no NOWAIT: it came with MySQL 8.0 and MariaDB 10.3"),
    }
}
