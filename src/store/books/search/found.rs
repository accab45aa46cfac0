//! The SQL of a page of found books: by their ids, those that the filters let through, sorted.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Text};

use super::candidates;
use crate::store::books::BookRow;
use crate::store::books::index::entry::{NO_BLOCK, STAMP};
use crate::store::books::listing::{Filter, Listing, SortBy};
use crate::store::connection::{AnyConnection, Backend, MultiBackend};

type Columns = <BookRow as Selectable<MultiBackend>>::SelectExpression;

/// Lengths of lists of ids on MySQL, which knows no arrays: few, so that there are few statements to
/// prepare. The last one is the longest that comes.
const LENGTHS: [usize; 4] = [1, 24, 104, candidates::LARGEST_CHUNK];

/// ```sql
/// SELECT ..., (SELECT books FROM book_index WHERE entry = '' AND block = 0)
/// FROM books WHERE id IN (...) AND ... ORDER BY title, id LIMIT 21
/// ```
///
/// The stamp comes from the same moment as the books. By hand, for the books are to be looked up by their
/// ids and sorted then: a planner may think that it meets them soon along the order.
pub(super) struct FoundBooks {
    backend: Backend,
    ids: Vec<i64>,
    /// The same as text, where a list may be one value.
    list: String,
    filters: Vec<Filter>,
    order: &'static str,
    limit: i64,
    columns: Columns,
}

impl FoundBooks {
    pub(super) fn new(
        backend: Backend,
        ids: &[u64],
        filters: Vec<Filter>,
        listing: &Listing,
        limit: usize,
    ) -> Self {
        let mut ids: Vec<i64> = ids.iter().map(|id| *id as i64).collect();
        let texts: Vec<_> = ids.iter().map(i64::to_string).collect();
        let texts = texts.join(",");
        let list = match backend {
            Backend::Postgres => format!("{{{texts}}}"),
            Backend::Sqlite => format!("[{texts}]"),
            Backend::Mysql => {
                let length = LENGTHS.into_iter().find(|length| *length >= ids.len());
                if let (Some(length), Some(last)) = (length, ids.last().copied()) {
                    ids.resize(length, last);
                }
                String::new()
            }
        };
        let order = match (listing.sort_by, listing.is_descending) {
            (SortBy::Id, false) => "books.id ASC",
            (SortBy::Id, true) => "books.id DESC",
            (SortBy::Title, false) => "books.title ASC, books.id ASC",
            (SortBy::Title, true) => "books.title DESC, books.id DESC",
            (SortBy::Price, false) => "books.price_minor ASC, books.id ASC",
            (SortBy::Price, true) => "books.price_minor DESC, books.id DESC",
        };
        let columns = <BookRow as Selectable<MultiBackend>>::construct_selection();
        Self { backend, ids, list, filters, order, limit: limit as i64, columns }
    }

    fn push_source<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        match self.backend {
            // OFFSET 0 keeps the planner from looking in.
            Backend::Postgres => {
                out.push_sql("(SELECT * FROM books WHERE id = ANY (CAST(");
                out.push_bind_param::<Text, _>(&self.list)?;
                out.push_sql(" AS bigint[])) OFFSET 0) AS books WHERE TRUE");
            }
            // The table's own tree is no index in the sense of this.
            Backend::Sqlite => {
                out.push_sql("books NOT INDEXED WHERE books.id IN (SELECT value FROM json_each(");
                out.push_bind_param::<Text, _>(&self.list)?;
                out.push_sql("))");
            }
            Backend::Mysql => {
                out.push_sql("books FORCE INDEX (PRIMARY) WHERE books.id IN (");
                for (number, id) in self.ids.iter().enumerate() {
                    out.push_sql(if number == 0 { "" } else { ", " });
                    out.push_bind_param::<BigInt, _>(id)?;
                }
                out.push_sql(")");
            }
        }
        Ok(())
    }
}

impl QueryFragment<MultiBackend> for FoundBooks {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(", (SELECT books FROM book_index WHERE entry = ");
        out.push_bind_param::<Binary, _>(STAMP)?;
        out.push_sql(" AND block = ");
        out.push_bind_param::<BigInt, _>(&NO_BLOCK)?;
        out.push_sql(") FROM ");
        self.push_source(out.reborrow())?;
        for filter in &self.filters {
            out.push_sql(" AND ");
            filter.walk_ast(out.reborrow())?;
        }
        out.push_sql(" ORDER BY ");
        out.push_sql(self.order);
        push_limit(out, self.backend, &self.limit)
    }
}

/// `LIMIT ?`, as a sum on SQLite: that one plans by the value of a bare parameter, and prepares the statement
/// anew each time that one is bound.
pub(super) fn push_limit<'b>(
    mut out: AstPass<'_, 'b, MultiBackend>,
    backend: Backend,
    limit: &'b i64,
) -> QueryResult<()> {
    out.push_sql(" LIMIT ");
    out.push_bind_param::<BigInt, _>(limit)?;
    if backend == Backend::Sqlite {
        out.push_sql(" + 0");
    }
    Ok(())
}

impl QueryId for FoundBooks {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for FoundBooks {
    type SqlType = (<Columns as Expression>::SqlType, diesel::sql_types::Nullable<Binary>);
}

impl RunQueryDsl<AnyConnection> for FoundBooks {}
