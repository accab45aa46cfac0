//! What many shop engines do today: ask whether there is a copy, take the money, write it down.

use diesel::prelude::*;

use super::{Answer, Buyer, Promise, Sale, Strategy};
use crate::race::table::{BOOK, race_books};
use crate::store::AnyConnection;

/// No lock can be held while a buyer pays, and none is. Whoever asks meanwhile sees the same copy, pays
/// for it too, and gets it: the write does not ask again.
pub(super) fn buy(connection: &mut AnyConnection, buyer: &mut dyn Buyer) -> QueryResult<Answer> {
    let book = race_books::table.find(BOOK);
    let quantity: i32 = book.select(race_books::quantity).first(connection)?;
    if quantity < 1 {
        return Ok(Answer::SoldOut);
    }
    buyer.pays();
    diesel::update(book)
        .set(race_books::quantity.eq(race_books::quantity - 1))
        .execute(connection)?;
    Ok(Answer::Sold)
}

pub(super) const STRATEGY: Strategy = Strategy {
    promise: |_| Promise::Oversells,
    ..Strategy::new(
        "check-then-pay",
        "ask whether there is a copy, take the money, write it down",
        Sale::OnConnection(buy),
    )
};
