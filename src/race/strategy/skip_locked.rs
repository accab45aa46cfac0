//! Django's `select_for_update(skip_locked=True)`: rows that somebody has locked are not there.

use diesel::prelude::*;

use super::{Answer, Buyer, Promise, Sale, Strategy};
use crate::race::server::Server;
use crate::race::table::{BOOK, race_books};
use crate::store::{AnyConnection, Backend};

/// Right for a queue of jobs, where any row will do. For the one row that everybody wants it looks as
/// if there were no such book, and the buyer is sent away although copies are there.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    connection.transaction(|connection| {
        let Some(quantity) = lock(connection).optional()? else {
            return Ok(Answer::TurnedAway);
        };
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

fn lock(connection: &mut AnyConnection) -> QueryResult<i32> {
    let quantity = race_books::table.find(BOOK).select(race_books::quantity);
    match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => quantity.for_update().skip_locked().first(postgres),
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(mysql) => quantity.for_update().skip_locked().first(mysql),
        // Nobody comes here: `lacks` says no before.
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(sqlite) => quantity.first(sqlite),
    }
}

pub(super) const STRATEGY: Strategy = Strategy {
    promise: |_| Promise::TurnsAway,
    lacks,
    ..Strategy::new(
        "skip-locked",
        "FOR UPDATE SKIP LOCKED: a locked row is not there",
        Sale::OnConnection(buy),
    )
};

fn lacks(server: &Server) -> Option<&'static str> {
    match server.backend {
        Backend::Sqlite => Some("SQLite has no row locks, so there is none to skip"),
        _ if server.has_skip_locked() => None,
        _ => Some("this version has no SKIP LOCKED: it came with MySQL 8.0 and MariaDB 10.6"),
    }
}
