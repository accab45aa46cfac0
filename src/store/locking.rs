//! Every row lock. Whoever needs several kinds of rows locks the catalogue first, then orders, then
//! books, each kind in one statement and in id order, so that two transactions never wait for each other
//! in a circle.
//!
//! SQLite has no row locks and needs none: a transaction began with `BEGIN IMMEDIATE` and is the
//! only writer.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::books::index::entry::{NO_BLOCK, STAMP};
use super::connection::AnyConnection;
use super::error::Error;
use super::movements::ROWS_AT_ONCE;
use super::sql_types::{Id, Moment};
use crate::domain::{BookId, ClientId, OrderId, Shelf, Stock, Subject, Subjects};
use crate::schema::{book_index, books, orders};

#[derive(Queryable)]
struct StockRow {
    id: i64,
    title: String,
    price_minor: i32,
    quantity: i32,
    last_seq: i64,
    archived_at: Option<Moment>,
}

impl From<StockRow> for Stock {
    fn from(row: StockRow) -> Self {
        Self {
            book_id: BookId(row.id),
            title: row.title,
            price_minor: row.price_minor,
            quantity: row.quantity,
            last_seq: row.last_seq,
            is_archived: row.archived_at.is_some(),
        }
    }
}

/// Loads `rows`, a query whose type has no name that could be written down, and locks them: `FOR UPDATE`; with
/// `skip_locked`, those that nobody else has.
macro_rules! locked {
    ($connection:expr, $rows:expr $(, $but:ident)?) => {
        match $connection {
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(postgres) => $rows.for_update()$(.$but())?.load(postgres)?,
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(mysql) => $rows.for_update()$(.$but())?.load(mysql)?,
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(sqlite) => $rows.load(sqlite)?,
        }
    };
}

/// What is on the shelf of these books, in id order.
macro_rules! shelf_in_order {
    ($book_ids:expr) => {{
        let ids: BTreeSet<i64> = $book_ids.into_iter().map(|id: BookId| id.0).collect();
        books::table.filter(books::id.eq_any(ids)).order(books::id).select((
            books::id,
            books::title,
            books::price_minor,
            books::quantity,
            books::last_seq,
            books::archived_at,
        ))
    }};
}

/// The rows of these orders, in id order.
macro_rules! orders_in_order {
    ($order_ids:expr) => {{
        let ids: BTreeSet<OrderId> = $order_ids.into_iter().collect();
        orders::table
            .filter(orders::id.eq_any(ids.into_iter().map(|id| Id(id.0)).collect::<Vec<_>>()))
            .order(orders::id)
    }};
}

/// Takes the turn to write the catalogue, until the transaction ends: what books are called, what they
/// cost, and the index by which they are found. Stock is not part of it, and no sale waits here.
///
/// This row and not those of the index, of which each book has dozens: most books have some in common with
/// any other, so that two writers would meet anyhow, and one would wait with a book that somebody buys.
/// What it writes is the index's stamp, by which searches see that something changed.
pub(super) fn catalogue(connection: &mut AnyConnection) -> QueryResult<()> {
    // Unlike any before, also after a row was restored or lost: not counted up from what is there.
    let stamp = uuid::Uuid::now_v7().into_bytes().to_vec();
    let row = book_index::table.find((STAMP, NO_BLOCK));
    let changed = diesel::update(row).set(book_index::books.eq(&stamp)).execute(connection)?;
    if changed == 0 {
        diesel::insert_into(book_index::table)
            .values((
                book_index::entry.eq(STAMP),
                book_index::block.eq(NO_BLOCK),
                book_index::books.eq(&stamp),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Locks the rows of `book_ids` until the transaction ends and returns what is on the shelf.
///
/// This is the article's `select_for_update()`: `SELECT ... WHERE id IN (...) ORDER BY id FOR
/// UPDATE`. Whoever changes the stock of a book comes through here first, or through [`free_books`].
pub(super) fn books(
    connection: &mut AnyConnection,
    book_ids: impl IntoIterator<Item = BookId>,
) -> QueryResult<Shelf> {
    let locked: Vec<StockRow> = locked!(connection, shelf_in_order!(book_ids));
    Ok(locked.into_iter().map(Stock::from).collect())
}

/// The same of those books that nobody else has locked, and leaves out the others: `FOR UPDATE SKIP LOCKED`. Waits
/// for one, if it is given: first, so that it has none in hand meanwhile.
pub(super) fn free_books(
    connection: &mut AnyConnection,
    book_ids: impl IntoIterator<Item = BookId>,
    waits_for: Option<BookId>,
) -> QueryResult<Shelf> {
    let mut rows: Vec<StockRow> = locked!(connection, shelf_in_order!(waits_for));
    let others = book_ids.into_iter().filter(|id| Some(*id) != waits_for);
    let others: Vec<StockRow> = locked!(connection, shelf_in_order!(others), skip_locked);
    rows.extend(others);
    Ok(rows.into_iter().map(Stock::from).collect())
}

/// An order's row, as far as it decides what may become of it.
type Decisive = (Id, i64, String, Option<Moment>);

const DECISIVE: (orders::id, orders::client_id, orders::status, orders::expires_at) =
    (orders::id, orders::client_id, orders::status, orders::expires_at);

/// Locks the rows of `order_ids` until the transaction ends, waiting for whoever has one.
pub(super) fn orders(
    connection: &mut AnyConnection,
    order_ids: impl IntoIterator<Item = OrderId>,
) -> Result<Subjects, Error> {
    let rows = orders_in_order!(order_ids).select(DECISIVE);
    let locked: Vec<Decisive> = locked!(connection, rows);
    locked.into_iter().map(subject).collect()
}

/// Locks those rows of `order_ids` that nobody else has locked, and leaves out the others. For work that
/// whoever has the others is doing already.
pub(super) fn free_orders(
    connection: &mut AnyConnection,
    order_ids: impl IntoIterator<Item = OrderId>,
) -> Result<Subjects, Error> {
    let rows = orders_in_order!(order_ids).select(DECISIVE);
    let locked: Vec<Decisive> = locked!(connection, rows, skip_locked);
    locked.into_iter().map(subject).collect()
}

/// Locks the row of a book, whatever is in it.
pub(super) fn book_row(connection: &mut AnyConnection, id: BookId) -> QueryResult<()> {
    let row = books::table.filter(books::id.eq(id.0)).select(books::id);
    let _: Vec<i64> = locked!(connection, row);
    Ok(())
}

/// The same of an order.
pub(super) fn order_row(connection: &mut AnyConnection, id: OrderId) -> QueryResult<()> {
    let row = orders::table.filter(orders::id.eq(Id(id.0))).select(orders::id);
    let _: Vec<Id> = locked!(connection, row);
    Ok(())
}

/// Those of `book_ids` whose rows somebody else has locked, each with its last number in the ledger. The others
/// this transaction has then.
pub(super) fn books_of_others(
    connection: &mut AnyConnection,
    book_ids: &BTreeSet<BookId>,
) -> QueryResult<BTreeMap<BookId, i64>> {
    let ids: Vec<i64> = book_ids.iter().map(|id| id.0).collect();
    let mut of_others = BTreeMap::new();
    for some in ids.chunks(ROWS_AT_ONCE) {
        let rows = books::table.filter(books::id.eq_any(some)).order(books::id);
        let there = rows.clone().select((books::id, books::last_seq));
        let there: Vec<(i64, i64)> = there.load(connection)?;
        of_others.extend(there.into_iter().map(|(id, last_seq)| (BookId(id), last_seq)));
        let free: Vec<i64> = locked!(connection, rows.select(books::id), skip_locked);
        for id in free {
            of_others.remove(&BookId(id));
        }
    }
    Ok(of_others)
}

/// Those of `order_ids` whose rows somebody else has locked. The others this transaction has then.
pub(super) fn orders_of_others(
    connection: &mut AnyConnection,
    order_ids: &BTreeSet<OrderId>,
) -> QueryResult<BTreeSet<OrderId>> {
    let ids: Vec<OrderId> = order_ids.iter().copied().collect();
    let mut of_others = BTreeSet::new();
    for some in ids.chunks(ROWS_AT_ONCE) {
        let rows = orders_in_order!(some.iter().copied()).select(orders::id);
        let there: Vec<Id> = rows.clone().load(connection)?;
        of_others.extend(there.into_iter().map(|id| OrderId(id.0)));
        let free: Vec<Id> = locked!(connection, rows, skip_locked);
        for id in free {
            of_others.remove(&OrderId(id.0));
        }
    }
    Ok(of_others)
}

fn subject((id, owner, status, expires_at): Decisive) -> Result<(OrderId, Subject), Error> {
    let id = OrderId(id.0);
    let subject = Subject {
        owner: ClientId(owner),
        status: super::orders::read_status(id, &status)?,
        expires_at: expires_at.map(|moment| moment.0),
        has_returns: false,
        lines: Vec::new(),
    };
    Ok((id, subject))
}
