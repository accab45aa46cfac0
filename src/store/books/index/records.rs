//! The table `indexed_books`: of each book what the index has of it, and so what must be taken out when
//! the book changes.

use std::collections::HashMap;

use diesel::prelude::*;

use super::IndexedBook;
use crate::domain::{BookId, BookWords};
use crate::schema::{books, indexed_books};
use crate::store::connection::{AnyConnection, on_backend};
use crate::store::movements::ROWS_AT_ONCE;

/// What the index has of a book.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = indexed_books)]
pub(super) struct Record {
    pub(super) book_id: i64,
    pub(super) version: i64,
    pub(super) title: String,
    pub(super) price_minor: i32,
    /// Each once, with a space before and behind it.
    pub(super) words: String,
}

impl Record {
    pub(super) fn of(book: &IndexedBook<'_>) -> Self {
        let mut words = String::from(" ");
        for word in BookWords::of(book.title, book.author).iter() {
            words += word.as_str();
            words.push(' ');
        }
        Self {
            book_id: book.book_id.0,
            version: book.version,
            title: book.title.to_owned(),
            price_minor: book.price_minor,
            words,
        }
    }
}

/// The records that there are of these books.
pub(super) fn load(
    connection: &mut AnyConnection,
    ids: &[i64],
) -> QueryResult<HashMap<i64, Record>> {
    let mut records = HashMap::with_capacity(ids.len());
    for some in ids.chunks(ROWS_AT_ONCE) {
        let rows: Vec<Record> = on_backend!(connection, concrete => {
            indexed_books::table
                .filter(indexed_books::book_id.eq_any(some))
                .select(Record::as_select())
                .load(concrete)
        })?;
        records.extend(rows.into_iter().map(|record| (record.book_id, record)));
    }
    Ok(records)
}

/// Writes records, in place of those that `there` has.
pub(super) fn save(
    connection: &mut AnyConnection,
    records: &[Record],
    there: &HashMap<i64, Record>,
) -> QueryResult<()> {
    let (old, new): (Vec<_>, Vec<_>) =
        records.iter().partition(|record| there.contains_key(&record.book_id));
    for some in new.chunks(ROWS_AT_ONCE) {
        on_backend!(connection, concrete => {
            diesel::insert_into(indexed_books::table).values(some.to_vec()).execute(concrete)
        })?;
    }
    for record in old {
        diesel::update(indexed_books::table.find(record.book_id))
            .set(record)
            .execute(connection)?;
    }
    Ok(())
}

/// Removes the records of these books.
pub(super) fn remove(connection: &mut AnyConnection, ids: &[i64]) -> QueryResult<()> {
    for some in ids.chunks(ROWS_AT_ONCE) {
        diesel::delete(indexed_books::table)
            .filter(indexed_books::book_id.eq_any(some))
            .execute(connection)?;
    }
    Ok(())
}

/// The next books after `after` that have a record, in id order.
pub(super) fn next(
    connection: &mut AnyConnection,
    after: BookId,
    limit: usize,
) -> QueryResult<Vec<i64>> {
    indexed_books::table
        .filter(indexed_books::book_id.gt(after.0))
        .order(indexed_books::book_id)
        .limit(limit as i64)
        .select(indexed_books::book_id)
        .load(connection)
}

/// The same, each with the bytes of its words.
pub(super) fn next_with_size(
    connection: &mut AnyConnection,
    after: BookId,
    limit: usize,
) -> QueryResult<Vec<(BookId, usize)>> {
    let rows = indexed_books::table
        .filter(indexed_books::book_id.gt(after.0))
        .order(indexed_books::book_id)
        .limit(limit as i64)
        .select((indexed_books::book_id, indexed_books::words))
        .load::<(i64, String)>(connection)?;
    Ok(rows.into_iter().map(|(id, words)| (BookId(id), words.len())).collect())
}

/// The next books for sale after `after` whose record is not there, or is that of another version: who
/// wrote them knew nothing of the index. In id order, each with the bytes of its title and author.
pub(super) fn missing(
    connection: &mut AnyConnection,
    after: BookId,
    limit: usize,
) -> QueryResult<Vec<(BookId, usize)>> {
    let rows = books::table
        .left_join(indexed_books::table.on(indexed_books::book_id.eq(books::id)))
        .filter(books::archived_at.is_null())
        .filter(books::id.gt(after.0))
        .filter(
            indexed_books::version
                .is_null()
                .or(indexed_books::version.ne(books::version).assume_not_null()),
        )
        .order(books::id)
        .limit(limit as i64)
        .select((books::id, books::title, books::author))
        .load::<(i64, String, String)>(connection)?;
    let size = |(id, title, author): (_, String, String)| (BookId(id), title.len() + author.len());
    Ok(rows.into_iter().map(size).collect())
}

/// The next books after `after` that have a record and are not for sale: archived, or not there any more,
/// by who knew nothing of the index. In id order, each with the bytes of its words.
pub(super) fn left_over(
    connection: &mut AnyConnection,
    after: BookId,
    limit: usize,
) -> QueryResult<Vec<(BookId, usize)>> {
    let rows = indexed_books::table
        .left_join(books::table.on(books::id.eq(indexed_books::book_id)))
        .filter(indexed_books::book_id.gt(after.0))
        .filter(books::id.is_null().or(books::archived_at.is_not_null()))
        .order(indexed_books::book_id)
        .limit(limit as i64)
        .select((indexed_books::book_id, indexed_books::words))
        .load::<(i64, String)>(connection)?;
    Ok(rows.into_iter().map(|(id, words)| (BookId(id), words.len())).collect())
}
