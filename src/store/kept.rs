//! Which rows others keep locked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::connection::AnyConnection;
use super::error::Error;
use super::locking;
use crate::domain::{BookId, OrderId};

/// Something that a transaction needs for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// The row of a book.
    Book(BookId),
    /// The row of an order.
    Order(OrderId),
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Book(id) => write!(f, "book {id}"),
            Self::Order(id) => write!(f, "order {id}"),
        }
    }
}

/// Those of `rows` that another transaction has locked, each with the last number of its ledger: if that moves,
/// they are being sold, and not kept. Waits for none of them; those that are free it has itself, until it ends.
///
/// # Errors
/// What the database says.
pub fn by_others(
    connection: &mut AnyConnection,
    rows: &BTreeSet<Row>,
) -> Result<BTreeMap<Row, i64>, Error> {
    let (book_ids, order_ids) = apart(rows);
    // In the order of all locks.
    let orders = locking::orders_of_others(connection, &order_ids)?;
    let books = locking::books_of_others(connection, &book_ids)?;
    let orders = orders.into_iter().map(|id| (Row::Order(id), 0));
    let books = books.into_iter().map(|(id, last_seq)| (Row::Book(id), last_seq));
    Ok(orders.chain(books).collect())
}

/// Waits until nobody else has `row`, as long as a lock may be waited for.
///
/// # Errors
/// What the database says.
pub fn wait_for(connection: &mut AnyConnection, row: Row) -> Result<(), Error> {
    match row {
        Row::Book(id) => locking::book_row(connection, id)?,
        Row::Order(id) => locking::order_row(connection, id)?,
    }
    Ok(())
}

fn apart(rows: &BTreeSet<Row>) -> (BTreeSet<BookId>, BTreeSet<OrderId>) {
    let (mut book_ids, mut order_ids) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        match *row {
            Row::Book(id) => book_ids.insert(id),
            Row::Order(id) => order_ids.insert(id),
        };
    }
    (book_ids, order_ids)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_log_names_what_is_kept() {
        let order = OrderId(Uuid::from_u128(7));
        let named = [Row::Book(BookId(7)), Row::Order(order)].map(|row| row.to_string());
        assert_eq!(named, ["book 7".to_owned(), format!("order {order}")]);
    }
}
