//! The copy leaves the shelf before the buyer pays. The bookstore's orders with `hold_seconds` do this.

use diesel::prelude::*;

use super::{Answer, Buyer, Sale, Strategy};
use crate::race::table::{BOOK, race_books};
use crate::store::AnyConnection;

/// Two short statements and nothing between them but the buyer, for as long as it takes. Only who has a
/// copy is asked to pay.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    let book = race_books::table.find(BOOK);
    let is_held = diesel::update(book.filter(race_books::quantity.ge(1)))
        .set((
            race_books::quantity.eq(race_books::quantity - 1),
            race_books::held.eq(race_books::held + 1),
        ))
        .execute(connection)?;
    if is_held == 0 {
        return Ok(Answer::SoldOut);
    }
    buyer.pays();
    diesel::update(book).set(race_books::held.eq(race_books::held - 1)).execute(connection)?;
    Ok(Answer::Sold)
}

pub(super) const STRATEGY: Strategy = Strategy::new(
    "hold",
    "take the copy off the shelf, then take the money",
    Sale::OnConnection(buy),
);
