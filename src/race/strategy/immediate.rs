//! What SQLite has instead of row locks: take the one write lock before the first read.
#![cfg_attr(not(feature = "sqlite"), allow(unused, reason = "there is nobody to sell to"))]

use diesel::prelude::*;

use super::again::again;
use super::{Answer, Buyer, Sale, Strategy};
use crate::race::server::Server;
use crate::race::table::{BOOK, race_books};
use crate::store::{AnyConnection, Backend};

/// Who comes second waits at BEGIN, for as long as `PRAGMA busy_timeout` says, and then gets
/// SQLITE_BUSY before it has read anything: it simply begins again.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    again(buyer, |buyer| match connection {
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(sqlite) => sqlite.immediate_transaction(|sqlite| {
            let book = race_books::table.find(BOOK);
            let quantity: i32 = book.select(race_books::quantity).first(sqlite)?;
            buyer.thinks(quantity);
            if quantity < 1 {
                return Ok(Answer::SoldOut);
            }
            diesel::update(book).set(race_books::quantity.eq(quantity - 1)).execute(sqlite)?;
            Ok(Answer::Sold)
        }),
        // Nobody comes here: `lacks` says no before.
        #[allow(unreachable_patterns, reason = "no other backend in some builds")]
        _ => Err(diesel::NotFound),
    })
}

pub(super) const STRATEGY: Strategy = Strategy {
    lacks,
    ..Strategy::new(
        "immediate",
        "SQLite's BEGIN IMMEDIATE: the one write lock before the first read",
        Sale::OnConnection(buy),
    )
};

fn lacks(server: &Server) -> Option<&'static str> {
    (server.backend != Backend::Sqlite).then_some(
        "BEGIN IMMEDIATE is SQLite's: here one row is locked instead of all, see \
         `select-for-update`",
    )
}
