//! No lock at all: write only if the row is still what was read, and start over if it is not.

use diesel::prelude::*;

use super::{Answer, Buyer, Sale, Strategy};
use crate::race::conflict::Conflict;
use crate::race::table::{BOOK, race_books};
use crate::store::AnyConnection;

/// A compare-and-swap. Each round reads anew, outside of any transaction: at REPEATABLE READ a second
/// look inside one would show the old row for ever.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    let book = race_books::table.find(BOOK);
    loop {
        let (quantity, version): (i32, i32) =
            book.select((race_books::quantity, race_books::version)).first(connection)?;
        buyer.thinks(quantity);
        if quantity < 1 {
            return Ok(Answer::SoldOut);
        }
        let changed = diesel::update(book.filter(race_books::version.eq(version)))
            .set((race_books::quantity.eq(quantity - 1), race_books::version.eq(version + 1)))
            .execute(connection)?;
        if changed == 1 {
            return Ok(Answer::Sold);
        }
        if !buyer.tries_again(Conflict::Outrun) {
            return Ok(Answer::GaveUp);
        }
    }
}

pub(super) const STRATEGY: Strategy = Strategy::new(
    "optimistic",
    "write only WHERE version is what was read, else start over",
    Sale::OnConnection(buy),
);
