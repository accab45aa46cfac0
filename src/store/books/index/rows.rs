//! The rows of `book_index`, read and written in bulk.

use std::collections::HashMap;
use std::ops::Range;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary};
use roaring::RoaringTreemap;

use crate::schema::book_index;
use crate::store::connection::{AnyConnection, Backend, MultiBackend, on_backend};
use crate::store::error::Error;

/// Rows in one statement: the largest are 8 KiB, and the least that a server takes at once is the
/// 16 MiB of MariaDB.
const AT_ONCE: usize = 500;

/// Bytes as they are in a row.
pub(in crate::store::books) fn to_bytes(ids: &RoaringTreemap) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(ids.serialized_size());
    ids.serialize_into(&mut bytes).map_err(|error| unreadable(&error))?;
    Ok(bytes)
}

/// The ids in a row.
pub(in crate::store::books) fn from_bytes(bytes: &[u8]) -> Result<RoaringTreemap, Error> {
    RoaringTreemap::deserialize_from(bytes).map_err(|error| unreadable(&error))
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::Unreadable(format!("a bitmap in book_index that none is: {error}"))
}

/// The rows that there are of these entries in this block.
pub(super) fn load(
    connection: &mut AnyConnection,
    block: i64,
    entries: &[Vec<u8>],
) -> Result<HashMap<Vec<u8>, RoaringTreemap>, Error> {
    let mut found = HashMap::with_capacity(entries.len());
    for some in entries.chunks(AT_ONCE) {
        // On the backend itself: PostgreSQL then takes them as one array.
        let rows: Vec<(Vec<u8>, Vec<u8>)> = on_backend!(connection, concrete => {
            book_index::table
                .filter(book_index::block.eq(block))
                .filter(book_index::entry.eq_any(some))
                .select((book_index::entry, book_index::books))
                .load(concrete)
        })?;
        for (entry, books) in rows {
            found.insert(entry, from_bytes(&books)?);
        }
    }
    Ok(found)
}

/// Writes these rows, in place of those that are there; one without books is removed.
pub(super) fn save(
    connection: &mut AnyConnection,
    block: i64,
    rows: &[(Vec<u8>, RoaringTreemap)],
) -> Result<(), Error> {
    for some in rows.chunks(AT_ONCE) {
        let (mut entries, mut books, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (entry, ids) in some {
            if ids.is_empty() {
                gone.push(entry);
            } else {
                entries.push(entry.as_slice());
                books.push(to_bytes(ids)?);
            }
        }
        if !gone.is_empty() {
            on_backend!(connection, concrete => {
                diesel::delete(book_index::table)
                    .filter(book_index::block.eq(block))
                    .filter(book_index::entry.eq_any(gone))
                    .execute(concrete)
            })?;
        }
        if !entries.is_empty() {
            upsert(connection, block, &entries, &books)?;
        }
    }
    Ok(())
}

fn upsert(
    connection: &mut AnyConnection,
    block: i64,
    entries: &[&[u8]],
    books: &[Vec<u8>],
) -> QueryResult<()> {
    match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => {
            use diesel::sql_types::Array;
            diesel::sql_query(
                "INSERT INTO book_index (entry, block, books) \
                 SELECT entry, $1, books FROM unnest($2, $3) AS new (entry, books) \
                 ON CONFLICT (entry, block) DO UPDATE SET books = excluded.books",
            )
            .bind::<BigInt, _>(block)
            .bind::<Array<Binary>, _>(entries)
            .bind::<Array<Binary>, _>(books)
            .execute(postgres)?;
        }
        #[allow(unreachable_patterns, reason = "no other backend in some builds")]
        connection => {
            let backend = connection.backend();
            Upsert { backend, block, entries, books }.execute(connection)?;
        }
    }
    Ok(())
}

/// `INSERT INTO book_index (entry, block, books) VALUES (...), ...`, with what the backend says for "in
/// place of the row that is there".
struct Upsert<'a> {
    backend: Backend,
    block: i64,
    entries: &'a [&'a [u8]],
    books: &'a [Vec<u8>],
}

impl QueryId for Upsert<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<AnyConnection> for Upsert<'_> {}

impl QueryFragment<MultiBackend> for Upsert<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // One statement a length: only that of a whole group is worth a place in the statement cache.
        if self.entries.len() != AT_ONCE {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql("INSERT INTO book_index (entry, block, books) VALUES ");
        for (number, (entry, books)) in self.entries.iter().zip(self.books).enumerate() {
            out.push_sql(if number == 0 { "(" } else { ", (" });
            out.push_bind_param::<Binary, _>(entry)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&self.block)?;
            out.push_sql(", ");
            out.push_bind_param::<Binary, _>(books)?;
            out.push_sql(")");
        }
        out.push_sql(match self.backend {
            Backend::Mysql => " ON DUPLICATE KEY UPDATE books = VALUES(books)",
            Backend::Postgres | Backend::Sqlite => {
                " ON CONFLICT (entry, block) DO UPDATE SET books = excluded.books"
            }
        });
        Ok(())
    }
}

/// The entries in this range, in their order. Of runs only: each has one row.
pub(super) fn entries(
    connection: &mut AnyConnection,
    range: &Range<Vec<u8>>,
) -> QueryResult<Vec<Vec<u8>>> {
    book_index::table
        .filter(book_index::entry.ge(&range.start))
        .filter(book_index::entry.lt(&range.end))
        .order(book_index::entry)
        .select(book_index::entry)
        .load(connection)
}

/// The last entry in this range, from its start to `last` inclusive.
pub(super) fn last_entry(
    connection: &mut AnyConnection,
    start: &[u8],
    last: &[u8],
) -> QueryResult<Option<Vec<u8>>> {
    book_index::table
        .filter(book_index::entry.ge(start))
        .filter(book_index::entry.le(last))
        .order(book_index::entry.desc())
        .select(book_index::entry)
        .first(connection)
        .optional()
}
