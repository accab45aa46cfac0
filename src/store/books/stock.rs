//! The stock of books: the row lock that every change of it takes first, and the write.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer};

use crate::domain::{BookId, Movement, Shelf, Stock};
use crate::schema::books;
use crate::store::connection::{AnyConnection, MultiBackend};
use crate::store::sql_types::Moment;

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

/// Locks the rows of `book_ids` until the transaction ends and returns what is on the shelf.
///
/// This is the article's `select_for_update()`: `SELECT ... WHERE id IN (...) ORDER BY id FOR
/// UPDATE`. Always in id order and in one statement, so that two orders never wait for each other
/// in a circle. SQLite has no row locks and needs none: the transaction began with `BEGIN
/// IMMEDIATE` and is the only writer.
pub(in crate::store) fn lock(
    connection: &mut AnyConnection,
    book_ids: impl IntoIterator<Item = BookId>,
) -> QueryResult<Shelf> {
    let ids: BTreeSet<i64> = book_ids.into_iter().map(|id| id.0).collect();
    let rows = books::table.filter(books::id.eq_any(ids)).order(books::id).select((
        books::id,
        books::title,
        books::price_minor,
        books::quantity,
        books::last_seq,
        books::archived_at,
    ));
    let locked: Vec<StockRow> = match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => rows.for_update().load(postgres)?,
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(mysql) => rows.for_update().load(mysql)?,
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(sqlite) => rows.load(sqlite)?,
    };
    Ok(locked.into_iter().map(Stock::from).collect())
}

/// Writes quantity and `last_seq` of each book that `movements` moved, once, to what its last
/// movement says. The rows must be locked.
pub(in crate::store) fn save_stock(
    connection: &mut AnyConnection,
    moved: &[Movement],
) -> QueryResult<()> {
    let newest: BTreeMap<BookId, &Movement> =
        moved.iter().map(|movement| (movement.book_id, movement)).collect();
    let newest: Vec<&Movement> = newest.into_values().collect();
    for some in newest.chunks(StockUpdate::MOST) {
        StockUpdate(some).execute(connection)?;
    }
    Ok(())
}

/// `UPDATE books SET quantity = CASE id WHEN 7 THEN 3 ... END, last_seq = CASE id WHEN 7 THEN 12
/// ... END WHERE id IN (7, ...)`: many books in one statement that all three databases understand.
struct StockUpdate<'a>(&'a [&'a Movement]);

impl StockUpdate<'_> {
    /// Keeps the bound values far below every database's limit, the least being SQLite's 32,766.
    const MOST: usize = 500;
}

impl QueryId for StockUpdate<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<AnyConnection> for StockUpdate<'_> {}

impl QueryFragment<MultiBackend> for StockUpdate<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // One statement a length: only the shortest is worth a place in the statement cache.
        if self.0.len() > 1 {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("UPDATE books SET quantity = CASE id");
        for movement in self.0 {
            out.push_sql(" WHEN ");
            out.push_bind_param::<BigInt, _>(&movement.book_id.0)?;
            out.push_sql(" THEN ");
            out.push_bind_param::<Integer, _>(&movement.quantity_after)?;
        }
        out.push_sql(" END, last_seq = CASE id");
        for movement in self.0 {
            out.push_sql(" WHEN ");
            out.push_bind_param::<BigInt, _>(&movement.book_id.0)?;
            out.push_sql(" THEN ");
            out.push_bind_param::<BigInt, _>(&movement.seq)?;
        }
        out.push_sql(" END WHERE id IN (");
        for (index, movement) in self.0.iter().enumerate() {
            if index > 0 {
                out.push_sql(", ");
            }
            out.push_bind_param::<BigInt, _>(&movement.book_id.0)?;
        }
        out.push_sql(")");
        Ok(())
    }
}
