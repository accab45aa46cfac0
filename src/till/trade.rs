//! What people stand in line for.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use super::tally;
use crate::domain::{Act, Book, BookId, NewOrder, Order, Placement, Refusal};
use crate::metrics::{Desk, Metrics};
use crate::store::kept::Row;
use crate::store::{self, Store, books, life, sale};

/// Something that many may ask for at the same time, and be served together.
pub trait Trade: 'static {
    /// What one asks.
    type Ask: Send;
    /// What one gets.
    type Answer: Send;

    /// Where it is counted how those are served who ask for this.
    fn meter(metrics: &Metrics) -> &Desk;

    /// Whether who asks may have to wait for a lock that somebody keeps, and then stands aside.
    const HAS_SIDING: bool = false;

    /// What has to be locked for each of `asks`, as far as that can be told before `until`.
    fn rows(_: &Store, _until: Instant, asks: &[&Self::Ask]) -> Vec<Vec<Row>> {
        asks.iter().map(|_| Vec::new()).collect()
    }

    /// Serves `asks` in their order; as many outcomes as asks.
    ///
    /// # Errors
    /// What concerns them all.
    fn serve(
        store: &Store,
        deadline: Instant,
        asks: &[Self::Ask],
    ) -> Result<Vec<Result<Self::Answer, Refusal>>, store::Error>;
}

/// Orders, placed in one transaction.
///
/// Order ids are made before the transaction: should the answer to its commit be lost, the next run
/// finds the orders by their ids if they are there, and sells them if not.
pub struct Sales;

impl Trade for Sales {
    type Ask = NewOrder;
    type Answer = Placement;

    const HAS_SIDING: bool = true;

    fn rows(_: &Store, _: Instant, orders: &[&NewOrder]) -> Vec<Vec<Row>> {
        let rows =
            |order: &&NewOrder| order.lines().iter().map(|line| Row::Book(line.book_id)).collect();
        orders.iter().map(rows).collect()
    }

    fn meter(metrics: &Metrics) -> &Desk {
        &metrics.sales_desk
    }

    fn serve(
        store: &Store,
        deadline: Instant,
        asks: &[NewOrder],
    ) -> Result<Vec<Result<Placement, Refusal>>, store::Error> {
        let outcomes =
            store.transaction_until(deadline, |connection| sale::place(connection, asks))?;
        tally::placed(&store.metrics().sales, &outcomes);
        Ok(outcomes)
    }
}

/// Confirmations of holds, granted in one transaction that touches no book. `None` for a hold that
/// has run out: it is for [`Settlements`].
///
/// Granting a wish again changes nothing: should the answer to a commit be lost, the next run finds
/// the orders as the first one left them.
pub struct Confirmations;

impl Trade for Confirmations {
    type Ask = Act;
    type Answer = Option<Order>;

    const HAS_SIDING: bool = true;

    fn rows(_: &Store, _: Instant, acts: &[&Act]) -> Vec<Vec<Row>> {
        acts.iter().map(|act| vec![Row::Order(act.order_id)]).collect()
    }

    fn meter(metrics: &Metrics) -> &Desk {
        &metrics.confirmations_desk
    }

    fn serve(
        store: &Store,
        deadline: Instant,
        asks: &[Act],
    ) -> Result<Vec<Result<Option<Order>, Refusal>>, store::Error> {
        let acted =
            store.transaction_until(deadline, |connection| life::confirm(connection, asks))?;
        tally::acted(&store.metrics().sales, acted.outcomes.iter().flatten(), &acted.changed);
        Ok(acted.outcomes.into_iter().map(Option::transpose).collect())
    }
}

/// Wishes for orders by which copies may come back to their books, granted in one transaction.
pub struct Settlements;

impl Trade for Settlements {
    type Ask = Act;
    type Answer = Order;

    const HAS_SIDING: bool = true;

    fn rows(store: &Store, until: Instant, acts: &[&Act]) -> Vec<Vec<Row>> {
        let ids: Vec<_> = acts.iter().map(|act| act.order_id).collect();
        // Without their books they may have to wait in line: no more than that.
        let books = store.read(until, |connection| life::books_of(connection, &ids));
        let books = books.unwrap_or_default();
        let rows = |id| {
            let books = books.get(id).into_iter().flatten().copied();
            std::iter::once(Row::Order(*id)).chain(books.map(Row::Book)).collect()
        };
        ids.iter().map(rows).collect()
    }

    fn meter(metrics: &Metrics) -> &Desk {
        &metrics.settlements_desk
    }

    fn serve(
        store: &Store,
        deadline: Instant,
        asks: &[Act],
    ) -> Result<Vec<Result<Order, Refusal>>, store::Error> {
        let acted = store.transaction_until(deadline, |connection| life::act(connection, asks))?;
        tally::acted(&store.metrics().sales, acted.outcomes.iter(), &acted.changed);
        Ok(acted.outcomes)
    }
}

/// Looks at single books, read with one query. It begins after the last of them came in, so that
/// nobody sees anything older than the last commit.
pub struct Looks;

impl Trade for Looks {
    type Ask = BookId;
    type Answer = Book;

    fn meter(metrics: &Metrics) -> &Desk {
        &metrics.looks_desk
    }

    fn serve(
        store: &Store,
        deadline: Instant,
        asks: &[BookId],
    ) -> Result<Vec<Result<Book, Refusal>>, store::Error> {
        let ids: BTreeSet<BookId> = asks.iter().copied().collect();
        let found = store.read(deadline, |connection| books::find_many_active(connection, &ids))?;
        let found: HashMap<BookId, Book> = found.into_iter().map(|book| (book.id, book)).collect();
        let answer = |id| found.get(id).cloned().ok_or_else(|| Refusal::UnknownBooks(vec![*id]));
        Ok(asks.iter().map(answer).collect())
    }
}
