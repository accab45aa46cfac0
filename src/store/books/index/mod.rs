//! The index by which books are found: for each word the ids of its books, as bitmaps in `book_index`.
//! Written in the transactions that write books; docs/decisions/0007-search.md says why it is our own.
//!
//! Whoever writes has [`locking::catalogue`] first, before the rows of books. So one transaction at a time
//! writes here, none waits for another while it has a book that somebody buys, and none can meet another
//! in a circle. What the index has of a book is in `indexed_books`, for it must be taken out again.

mod changes;
pub(in crate::store) mod clearing;
pub(in crate::store) mod entry;
mod portion;
mod records;
pub(super) mod rows;
pub(super) mod runs;

use std::collections::HashSet;

use diesel::prelude::*;

use changes::Changes;
pub use portion::Portion;
use records::Record;

use crate::domain::BookId;
use crate::schema::books;
use crate::store::connection::AnyConnection;
use crate::store::error::Error;
use crate::store::locking;

/// A book as it is to be found.
pub(in crate::store) struct IndexedBook<'a> {
    pub(in crate::store) book_id: BookId,
    pub(in crate::store) version: i64,
    pub(in crate::store) title: &'a str,
    pub(in crate::store) author: &'a str,
    pub(in crate::store) price_minor: i32,
}

/// Puts books into the index, in place of what it has of them. [`locking::catalogue`] comes first.
pub(super) fn write(
    connection: &mut AnyConnection,
    books: &[IndexedBook<'_>],
) -> Result<(), Error> {
    let ids: Vec<i64> = books.iter().map(|book| book.book_id.0).collect();
    let there = records::load(connection, &ids)?;
    let records: Vec<_> = books.iter().map(Record::of).collect();
    let mut changes = Changes::default();
    for record in &records {
        changes.replace(record.book_id, there.get(&record.book_id), Some(record));
    }
    records::save(connection, &records, &there)?;
    changes.write(connection)
}

/// Takes books out of the index: nobody is to find them any more. [`locking::catalogue`] comes first.
pub(super) fn remove(connection: &mut AnyConnection, book_ids: &[BookId]) -> Result<(), Error> {
    let ids: Vec<i64> = book_ids.iter().map(|id| id.0).collect();
    let mut changes = Changes::default();
    for (id, record) in &records::load(connection, &ids)? {
        changes.replace(*id, Some(record), None);
    }
    records::remove(connection, &ids)?;
    changes.write(connection)
}

/// The next books after `after` of which the index has not what it should have, or something that it
/// should not: who wrote them knew nothing of it. In id order, each with the bytes of its text.
pub(in crate::store) fn amiss(
    connection: &mut AnyConnection,
    after: BookId,
    limit: usize,
) -> Result<Vec<(BookId, usize)>, Error> {
    let mut ids = records::missing(connection, after, limit)?;
    ids.extend(records::left_over(connection, after, limit)?);
    ids.sort_unstable();
    ids.truncate(limit);
    Ok(ids)
}

/// Makes the index have of these books what it should have.
///
/// It does without their locks, so that no sale waits for it: no other writer of the index can change
/// them meanwhile, and what somebody changes who knows nothing of it has a newer version.
pub(in crate::store) fn renew(
    connection: &mut AnyConnection,
    book_ids: &[BookId],
) -> Result<(), Error> {
    locking::catalogue(connection)?;
    let rows = books::table
        .filter(books::id.eq_any(book_ids.iter().map(|id| id.0)))
        .filter(books::archived_at.is_null())
        .select((books::id, books::version, books::title, books::author, books::price_minor))
        .load::<(i64, i64, String, String, i32)>(connection)?;
    let for_sale: HashSet<i64> = rows.iter().map(|row| row.0).collect();
    let gone: Vec<BookId> =
        book_ids.iter().copied().filter(|id| !for_sale.contains(&id.0)).collect();
    let there: Vec<_> = rows
        .iter()
        .map(|(id, version, title, author, price_minor)| IndexedBook {
            book_id: BookId(*id),
            version: *version,
            title,
            author,
            price_minor: *price_minor,
        })
        .collect();
    write(connection, &there)?;
    remove(connection, &gone)
}
