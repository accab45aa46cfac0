//! The comment under the article: let the database do the arithmetic. Django's `F("quantity") - 1`.

use diesel::prelude::*;

use super::{Answer, Buyer, Promise, Sale, Strategy};
use crate::race::table::{BOOK, race_books};
use crate::store::AnyConnection;

/// No update is lost. But nobody asks whether a copy is left: the count goes below zero, unless a
/// CHECK constraint stops it, and then the error is all the buyer gets.
pub(super) fn buy(connection: &mut AnyConnection, _: &mut dyn Buyer) -> QueryResult<Answer> {
    diesel::update(race_books::table.find(BOOK))
        .set(race_books::quantity.eq(race_books::quantity - 1))
        .execute(connection)?;
    Ok(Answer::Sold)
}

pub(super) const STRATEGY: Strategy = Strategy {
    promise: |_| Promise::Oversells,
    ..Strategy::new("f-expression", "SET quantity = quantity - 1", Sale::OnConnection(buy))
};
