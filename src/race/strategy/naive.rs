//! The article's beginning: read the quantity, subtract in memory, write the result back.

use diesel::prelude::*;

use super::{Answer, Buyer, Promise, Sale, Strategy};
use crate::race::server::Server;
use crate::race::table::{BOOK, race_books};
use crate::store::{AnyConnection, Backend};

/// The transaction is no help: where the isolation level lets two of them read the same number, both
/// write the same number less one.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    connection.transaction(|connection| read_subtract_write(connection, buyer))
}

/// Two copies are sold, one leaves the shelf, and no error tells.
pub(super) fn read_subtract_write(
    connection: &mut AnyConnection,
    buyer: &mut dyn Buyer,
) -> QueryResult<Answer> {
    let book = race_books::table.find(BOOK);
    let quantity: i32 = book.select(race_books::quantity).first(connection)?;
    buyer.thinks(quantity);
    if quantity < 1 {
        return Ok(Answer::SoldOut);
    }
    diesel::update(book).set(race_books::quantity.eq(quantity - 1)).execute(connection)?;
    Ok(Answer::Sold)
}

pub(super) const STRATEGY: Strategy = Strategy {
    promise,
    ..Strategy::new(
        "naive",
        "read, subtract in memory, write back, in a transaction",
        Sale::OnConnection(buy),
    )
};

fn promise(server: &Server) -> Promise {
    match server.backend {
        // READ COMMITTED sees the new row and overwrites it; MySQL's REPEATABLE READ does not even
        // see it and overwrites it all the same.
        Backend::Postgres | Backend::Mysql if !server.has_snapshot_isolation => Promise::Loses,
        // A snapshot that is no longer the newest state cannot be written to.
        _ => Promise::Fails,
    }
}
