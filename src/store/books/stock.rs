//! The stock of books, written. The row lock that comes first is `store::locking::books`.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer};

use crate::domain::{BookId, Movement};
use crate::store::connection::{AnyConnection, MultiBackend};

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
