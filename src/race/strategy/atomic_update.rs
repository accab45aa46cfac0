//! The comment under the article, made whole: the condition goes into the same statement.

use diesel::prelude::*;

use super::{Answer, Buyer, Sale, Strategy};
use crate::race::table::{BOOK, race_books};
use crate::store::AnyConnection;

/// One statement asks and takes. The number of rows that it changed is the answer: none, and there
/// was no copy left.
pub(super) fn buy(connection: &mut AnyConnection, _: &mut dyn Buyer) -> QueryResult<Answer> {
    let in_stock = race_books::table.find(BOOK).filter(race_books::quantity.ge(1));
    let changed = diesel::update(in_stock)
        .set(race_books::quantity.eq(race_books::quantity - 1))
        .execute(connection)?;
    Ok(if changed == 1 { Answer::Sold } else { Answer::SoldOut })
}

pub(super) const STRATEGY: Strategy = Strategy::new(
    "atomic-update",
    "f-expression WHERE quantity >= 1, and the row count checked",
    Sale::OnConnection(buy),
);
