//! One attempt at a search: several reads that must see the same index.

use std::time::Instant;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary};

use super::cache::Known;
use super::found::{FoundBooks, push_limit};
use crate::domain::Book;
use crate::store::books::BookRow;
use crate::store::books::index::entry::STAMP;
use crate::store::connection::{AnyConnection, Backend, MultiBackend};
use crate::store::error::Error;

/// Why an attempt ended without a page.
pub(super) enum Halt {
    /// Somebody wrote to the index. Its stamp now.
    Moved(Vec<u8>),
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<diesel::result::Error> for Halt {
    fn from(error: diesel::result::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What is read, beside what is known, under one stamp.
pub(super) struct Reading<'a> {
    connection: &'a mut AnyConnection,
    pub(super) known: Known,
    /// Whether the last read said that what is known is still so.
    is_confirmed: bool,
    /// A common word asked for in a shop that has sold nearly everything needs many reads.
    deadline: Instant,
}

/// A row of `book_index`.
pub(super) type Row = (Vec<u8>, i64, Vec<u8>);

impl<'a> Reading<'a> {
    pub(super) fn new(connection: &'a mut AnyConnection, known: Known, deadline: Instant) -> Self {
        Self { connection, known, is_confirmed: false, deadline }
    }

    pub(super) fn backend(&self) -> Backend {
        self.connection.backend()
    }

    /// Reads these entries and this part of the others, in the order of their names.
    pub(super) fn fetch(
        &mut self,
        entries: &[Vec<u8>],
        part: Option<&Part>,
    ) -> Result<Vec<Row>, Halt> {
        let fetch = Fetch { backend: self.backend(), entries, part };
        let rows: Vec<Row> = fetch.load(self.connection()?)?;
        let (stamps, mut rows): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(entry, _, _)| entry == STAMP);
        let stamp = stamps.into_iter().next().map(|(_, _, stamp)| stamp);
        self.sees(&stamp.unwrap_or_default())?;
        rows.sort_unstable_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        Ok(rows)
    }

    /// Reads books. Each row brings the stamp along; no row, no stamp.
    pub(super) fn books(&mut self, query: FoundBooks) -> Result<Vec<Book>, Halt> {
        self.is_confirmed = false;
        let rows: Vec<(BookRow, Option<Vec<u8>>)> = query.load(self.connection()?)?;
        if let Some((_, stamp)) = rows.first() {
            self.sees(stamp.as_deref().unwrap_or_default())?;
        }
        Ok(rows.into_iter().map(|(row, _)| Book::from(row)).collect())
    }

    /// The connection, as long as there is time.
    fn connection(&mut self) -> Result<&mut AnyConnection, Halt> {
        if Instant::now() >= self.deadline {
            return Err(Error::Busy("the search took too long".to_owned()).into());
        }
        Ok(self.connection)
    }

    /// Takes down under which stamp something was read.
    fn sees(&mut self, stamp: &[u8]) -> Result<(), Halt> {
        if *self.known.stamp != *stamp {
            return Err(Halt::Moved(stamp.to_vec()));
        }
        self.is_confirmed = true;
        Ok(())
    }

    /// Asks the database whether what is known is still so, unless it just said so: then nobody wrote to the
    /// catalogue between the first read and the last, and all of them are of one moment.
    pub(super) fn confirm(&mut self) -> Result<(), Halt> {
        if !self.is_confirmed {
            self.fetch(&[], None)?;
        }
        Ok(())
    }
}

/// Rows whose entry is from `from` on and before `end`; of `from` itself only the blocks after
/// `block`. The first of them, or the last.
pub(super) struct Part {
    pub(super) from: Vec<u8>,
    pub(super) block: i64,
    pub(super) end: Vec<u8>,
    pub(super) is_descending: bool,
    pub(super) limit: i64,
}

impl Part {
    /// Whether the entry of this name is in it.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        *self.from <= *name && *name < *self.end
    }
}

/// Entries by their names, the stamp, and a part of the index:
///
/// ```sql
/// SELECT entry, block, books FROM book_index WHERE entry IN (?, ?) UNION ALL
/// (SELECT entry, block, books FROM book_index
///     WHERE entry >= ? AND entry < ? AND (entry > ? OR block > ?)
///     ORDER BY entry ASC, block ASC LIMIT ?)
/// ```
struct Fetch<'a> {
    backend: Backend,
    entries: &'a [Vec<u8>],
    part: Option<&'a Part>,
}

impl QueryFragment<MultiBackend> for Fetch<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("SELECT entry, block, books FROM book_index WHERE entry IN (");
        out.push_bind_param::<Binary, _>(STAMP)?;
        // In few lengths, so that there are few statements to prepare.
        for place in 0..self.entries.len().next_power_of_two() {
            out.push_sql(", ");
            let entry = self.entries.get(place).map_or(STAMP, Vec::as_slice);
            out.push_bind_param::<Binary, [u8]>(entry)?;
        }
        out.push_sql(")");
        let Some(part) = self.part else { return Ok(()) };
        // SQLite has no parentheses here; MariaDB would put a subquery with bitmaps into a file.
        let (open, close) = match self.backend {
            Backend::Sqlite => ("SELECT entry, block, books FROM (", ") AS part"),
            Backend::Postgres | Backend::Mysql => ("(", ")"),
        };
        out.push_sql(" UNION ALL ");
        out.push_sql(open);
        out.push_sql("SELECT entry, block, books FROM book_index WHERE entry >= ");
        out.push_bind_param::<Binary, _>(&part.from)?;
        out.push_sql(" AND entry < ");
        out.push_bind_param::<Binary, _>(&part.end)?;
        out.push_sql(" AND (entry > ");
        out.push_bind_param::<Binary, _>(&part.from)?;
        out.push_sql(" OR block > ");
        out.push_bind_param::<BigInt, _>(&part.block)?;
        out.push_sql(match part.is_descending {
            false => ") ORDER BY entry ASC, block ASC",
            true => ") ORDER BY entry DESC, block DESC",
        });
        push_limit(out.reborrow(), self.backend, &part.limit)?;
        out.push_sql(close);
        Ok(())
    }
}

impl QueryId for Fetch<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Fetch<'_> {
    type SqlType = (Binary, BigInt, Binary);
}

impl RunQueryDsl<AnyConnection> for Fetch<'_> {}
