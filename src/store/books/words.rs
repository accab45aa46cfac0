//! The table `book_search`: the words by which books are found. Written in the transaction that
//! writes the book; its full-text index follows by itself.

use std::borrow::Cow;
use std::collections::HashSet;

use diesel::prelude::*;

use crate::domain::{BookId, BookWords, Word};
use crate::schema::{book_search, books};
use crate::store::connection::{AnyConnection, Backend, on_backend};
use crate::store::{locking, movements};

/// What a MySQL word begins with, so that none is too short for its index or a stop word.
const MYSQL_MARK: &str = "qqq";

/// `word` as this backend has it in its rows. A space parts it from others; it holds no character with
/// a meaning in a pattern but `_`.
pub(super) fn spelt(backend: Backend, word: &Word) -> Cow<'_, str> {
    match backend {
        Backend::Postgres | Backend::Sqlite => Cow::Borrowed(word.as_str()),
        Backend::Mysql => Cow::Owned(format!("{MYSQL_MARK}{}", word.in_ascii())),
    }
}

/// A book whose words are to be written.
pub(super) struct Entry<'a> {
    pub(super) book_id: BookId,
    pub(super) version: i64,
    pub(super) title: &'a str,
    pub(super) author: &'a str,
}

#[derive(Insertable)]
#[diesel(table_name = book_search)]
struct Row {
    book_id: i64,
    version: i64,
    words: String,
}

impl Row {
    fn of(backend: Backend, entry: &Entry<'_>) -> Self {
        let mut words = String::from(" ");
        for word in BookWords::of(entry.title, entry.author).iter() {
            words += &spelt(backend, word);
            words.push(' ');
        }
        Self { book_id: entry.book_id.0, version: entry.version, words }
    }
}

/// Writes the words of books, in place of those that are there. The rows of the books must be locked
/// or new.
pub(super) fn write(connection: &mut AnyConnection, entries: &[Entry<'_>]) -> QueryResult<()> {
    let backend = connection.backend();
    let ids: Vec<i64> = entries.iter().map(|entry| entry.book_id.0).collect();
    let mut there: HashSet<i64> = HashSet::new();
    for some in ids.chunks(movements::ROWS_AT_ONCE) {
        there.extend(
            book_search::table
                .filter(book_search::book_id.eq_any(some))
                .select(book_search::book_id)
                .load::<i64>(connection)?,
        );
    }
    let rows = entries.iter().map(|entry| Row::of(backend, entry));
    let (old, new): (Vec<Row>, Vec<Row>) = rows.partition(|row| there.contains(&row.book_id));
    for some in new.chunks(movements::ROWS_AT_ONCE) {
        on_backend!(connection, concrete => {
            diesel::insert_into(book_search::table).values(some).execute(concrete)
        })?;
    }
    for row in old {
        diesel::update(book_search::table.find(row.book_id))
            .set((book_search::version.eq(row.version), book_search::words.eq(row.words)))
            .execute(connection)?;
    }
    Ok(())
}

/// Removes the words of a book: nobody is to find it any more.
pub(super) fn remove(connection: &mut AnyConnection, book_id: BookId) -> QueryResult<()> {
    diesel::delete(book_search::table.find(book_id.0)).execute(connection)?;
    Ok(())
}

/// The next books for sale after `after` whose words are not there, or are those of another version:
/// who wrote them knew nothing of words. In id order.
pub(in crate::store) fn missing(
    connection: &mut AnyConnection,
    after: BookId,
    limit: usize,
) -> QueryResult<Vec<BookId>> {
    let ids = books::table
        .left_join(book_search::table)
        .filter(books::archived_at.is_null())
        .filter(books::id.gt(after.0))
        .filter(
            book_search::version
                .is_null()
                .or(book_search::version.ne(books::version).assume_not_null()),
        )
        .order(books::id)
        .limit(limit as i64)
        .select(books::id)
        .load::<i64>(connection)?;
    Ok(ids.into_iter().map(BookId).collect())
}

/// Writes the words of these books anew.
pub(in crate::store) fn renew(
    connection: &mut AnyConnection,
    book_ids: &[BookId],
) -> QueryResult<()> {
    locking::books(connection, book_ids.iter().copied())?;
    let rows = books::table
        .filter(books::id.eq_any(book_ids.iter().map(|id| id.0)))
        .filter(books::archived_at.is_null())
        .select((books::id, books::version, books::title, books::author))
        .load::<(i64, i64, String, String)>(connection)?;
    let entries: Vec<_> = rows
        .iter()
        .map(|(id, version, title, author)| Entry {
            book_id: BookId(*id),
            version: *version,
            title,
            author,
        })
        .collect();
    write(connection, &entries)
}
