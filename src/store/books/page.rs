//! The SQL of one page: where its books come from, which are left out, in which order.
//!
//! By hand, for each database has a full-text index of its own, with a language of its own. And the
//! order in which tables are read is not left to a planner: one that takes a rare word for a common
//! one would read the whole catalogue.

use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Text};

use super::BookRow;
use super::route::Term;
use crate::schema::books;
use crate::store::connection::{AnyConnection, Backend, MultiBackend};

/// A condition on a book.
pub(super) type Filter = Box<dyn BoxableExpression<books::table, MultiBackend, SqlType = Bool>>;

type Columns = <BookRow as Selectable<MultiBackend>>::SelectExpression;

/// Where the books of a page come from.
pub(super) enum Source {
    /// All of them.
    Books,
    /// The first `steps` of the page's order, of which those with all words of `patterns` are meant.
    Walk { steps: i64, patterns: Vec<String> },
    /// What the full-text index finds for `query`, of which those with all words of `patterns` are
    /// meant. `ids` are all that the page may have, where ids are its order.
    Index { query: String, patterns: Vec<String>, ids: Option<Ids> },
}

/// Ids on one side of another.
#[derive(Clone, Copy)]
pub(super) enum Ids {
    Above(i64),
    Below(i64),
}

/// `SELECT ... FROM source WHERE filters ORDER BY column, id LIMIT limit`.
pub(super) struct PageQuery {
    backend: Backend,
    source: Source,
    filters: Vec<Filter>,
    /// As SQL.
    order: String,
    limit: i64,
    columns: Columns,
}

impl PageQuery {
    /// `column` of `books` is sorted by, and ids break ties.
    pub(super) fn new(
        backend: Backend,
        source: Source,
        filters: Vec<Filter>,
        (column, is_descending): (&'static str, bool),
        limit: i64,
    ) -> Self {
        let direction = if is_descending { "DESC" } else { "ASC" };
        // SQLite then takes the order from its index, and does not sort.
        let is_streamed = backend == Backend::Sqlite && matches!(source, Source::Index { .. });
        let id = if is_streamed { "found.rowid" } else { "books.id" };
        let order = match column {
            "id" => format!("{id} {direction}"),
            column => format!("books.{column} {direction}, books.id {direction}"),
        };
        let columns = <BookRow as Selectable<MultiBackend>>::construct_selection();
        Self { backend, source, filters, order, limit, columns }
    }

    fn push_filters<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        for (index, filter) in self.filters.iter().enumerate() {
            out.push_sql(if index == 0 { "" } else { " AND " });
            filter.walk_ast(out.reborrow())?;
        }
        Ok(())
    }

    fn push_walk<'b>(
        &'b self,
        steps: &'b i64,
        patterns: &'b [String],
        mut out: AstPass<'_, 'b, MultiBackend>,
    ) -> QueryResult<()> {
        out.push_sql("(SELECT * FROM books WHERE ");
        self.push_filters(out.reborrow())?;
        out.push_sql(&format!(" ORDER BY {} LIMIT ", self.order));
        out.push_bind_param::<BigInt, _>(steps)?;
        out.push_sql(match self.backend {
            // OFFSET 0 keeps the planner from looking in: one row of one table for one of the other.
            Backend::Postgres => {
                ") AS books CROSS JOIN LATERAL (SELECT words FROM book_search \
                 WHERE book_id = books.id OFFSET 0) AS found WHERE TRUE"
            }
            Backend::Mysql => {
                ") AS books STRAIGHT_JOIN book_search AS found ON found.book_id = books.id \
                 WHERE TRUE"
            }
            Backend::Sqlite => {
                ") AS books CROSS JOIN book_search AS found ON found.book_id = books.id WHERE TRUE"
            }
        });
        push_patterns(patterns, "found.words", out)
    }

    fn push_index<'b>(
        &'b self,
        query: &'b str,
        patterns: &'b [String],
        ids: Option<&'b Ids>,
        mut out: AstPass<'_, 'b, MultiBackend>,
    ) -> QueryResult<()> {
        let (from, words, id, until) = match self.backend {
            Backend::Postgres => (
                "(SELECT book_id FROM book_search \
                 WHERE array_to_tsvector(string_to_array(btrim(words), ' ')) @@ CAST(",
                "words",
                "book_id",
                " OFFSET 0) AS found CROSS JOIN LATERAL \
                 (SELECT * FROM books WHERE id = found.book_id OFFSET 0) AS books WHERE ",
            ),
            Backend::Mysql => (
                "book_search AS found STRAIGHT_JOIN books ON books.id = found.book_id \
                 WHERE MATCH (found.words) AGAINST (",
                "found.words",
                "found.book_id",
                " AND ",
            ),
            Backend::Sqlite => (
                "book_search_index AS found CROSS JOIN books ON books.id = found.rowid \
                 WHERE found.book_search_index MATCH (",
                "found.words",
                "found.rowid",
                " AND ",
            ),
        };
        out.push_sql(from);
        out.push_bind_param::<Text, _>(query)?;
        out.push_sql(match self.backend {
            Backend::Postgres => " AS tsquery)",
            Backend::Mysql => " IN BOOLEAN MODE)",
            Backend::Sqlite => ")",
        });
        push_patterns(patterns, words, out.reborrow())?;
        if let Some(ids) = ids {
            let (sign, than) = match ids {
                Ids::Above(than) => (">", than),
                Ids::Below(than) => ("<", than),
            };
            out.push_sql(&format!(" AND {id} {sign} "));
            out.push_bind_param::<BigInt, _>(than)?;
        }
        out.push_sql(until);
        self.push_filters(out)
    }
}

fn push_patterns<'b>(
    patterns: &'b [String],
    words: &str,
    mut out: AstPass<'_, 'b, MultiBackend>,
) -> QueryResult<()> {
    for pattern in patterns {
        out.push_sql(&format!(" AND {words} LIKE "));
        out.push_bind_param::<Text, _>(pattern)?;
    }
    Ok(())
}

impl QueryFragment<MultiBackend> for PageQuery {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // PostgreSQL is to plan each search for its own words.
        if !matches!(self.source, Source::Books) {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM ");
        match &self.source {
            Source::Books => {
                out.push_sql("books WHERE ");
                self.push_filters(out.reborrow())?;
            }
            Source::Walk { steps, patterns } => self.push_walk(steps, patterns, out.reborrow())?,
            Source::Index { query, patterns, ids } => {
                self.push_index(query, patterns, ids.as_ref(), out.reborrow())?;
            }
        }
        out.push_sql(&format!(" ORDER BY {} LIMIT ", self.order));
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl QueryId for PageQuery {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for PageQuery {
    type SqlType = <Columns as Expression>::SqlType;
}

impl RunQueryDsl<AnyConnection> for PageQuery {}

/// A query in the language of the database's index: every term must occur. Terms are letters and
/// digits only (in MySQL's spelling, `_` too), which no language gives a meaning.
pub(super) fn in_its_language(backend: Backend, terms: &[Term]) -> String {
    let term = |term: &Term| {
        let text = &term.text;
        match (backend, term.is_beginning) {
            (Backend::Postgres, false) => format!("'{text}'"),
            (Backend::Postgres, true) => format!("'{text}':*"),
            (Backend::Mysql, false) => format!("+{text}"),
            (Backend::Mysql, true) => format!("+{text}*"),
            (Backend::Sqlite, false) => format!("\"{text}\""),
            (Backend::Sqlite, true) => format!("\"{text}\"*"),
        }
    };
    let and = match backend {
        Backend::Postgres => " & ",
        Backend::Mysql => " ",
        Backend::Sqlite => " AND ",
    };
    terms.iter().map(term).collect::<Vec<_>>().join(and)
}
