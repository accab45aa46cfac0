//! The table `books`: stock, pages, and the catalogue.

pub(super) mod index;
mod listing;
mod search;
mod stock;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;

pub use listing::{Listing, Mark, Page, SortBy, list};
pub use search::IndexCache;
pub(super) use stock::save_stock;

use index::IndexedBook;

use super::connection::{AnyConnection, on_backend};
use super::error::Error;
pub(super) use super::locking::books as lock;
use super::sql_types::Moment;
use super::{clock, locking, movements};
use crate::domain::{Book, BookEdit, BookId, Isbn, Movement, NewBook, Refusal, first_stock};
use crate::schema::books;

#[derive(Queryable, Selectable)]
#[diesel(table_name = books)]
struct BookRow {
    id: i64,
    isbn: String,
    title: String,
    author: String,
    price_minor: i32,
    quantity: i32,
    last_seq: i64,
    version: i64,
    archived_at: Option<Moment>,
    created_at: Moment,
    updated_at: Moment,
}

impl From<BookRow> for Book {
    fn from(row: BookRow) -> Self {
        Self {
            id: BookId(row.id),
            isbn: row.isbn,
            title: row.title,
            author: row.author,
            price_minor: row.price_minor,
            quantity: row.quantity,
            last_seq: row.last_seq,
            version: row.version,
            archived_at: row.archived_at.map(|moment| moment.0),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
        }
    }
}

/// The book, archived or not.
///
/// # Errors
/// [`Refusal::UnknownBooks`] if there is none.
pub fn find(connection: &mut AnyConnection, book_id: BookId) -> Result<Book, Error> {
    let row =
        books::table.find(book_id.0).select(BookRow::as_select()).first(connection).optional()?;
    Ok(row.map(Book::from).ok_or_else(|| Refusal::UnknownBooks(vec![book_id]))?)
}

/// The book, unless it is archived.
fn find_active(connection: &mut AnyConnection, book_id: BookId) -> Result<Book, Error> {
    let book = find(connection, book_id)?;
    match book.archived_at {
        None => Ok(book),
        Some(_) => Err(Refusal::UnknownBooks(vec![book_id]).into()),
    }
}

/// Those of these books that are for sale: neither unknown nor archived. In no particular order.
///
/// # Errors
/// What the database says.
pub fn find_many_active(
    connection: &mut AnyConnection,
    book_ids: &BTreeSet<BookId>,
) -> Result<Vec<Book>, Error> {
    let ids: Vec<i64> = book_ids.iter().map(|id| id.0).collect();
    let rows = books::table
        .filter(books::id.eq_any(ids))
        .filter(books::archived_at.is_null())
        .select(BookRow::as_select())
        .load(connection)?;
    Ok(rows.into_iter().map(Book::from).collect())
}

/// The book with `isbn`, archived or not.
pub(super) fn find_by_isbn(
    connection: &mut AnyConnection,
    isbn: Isbn,
) -> QueryResult<Option<Book>> {
    let row = books::table
        .filter(books::isbn.eq(isbn.to_string()))
        .select(BookRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(Book::from))
}

/// The book that was created at this moment, if there is one and no other. Reads the whole table: no index
/// has what is asked once in a blue moon.
pub(super) fn only_one_created_at(
    connection: &mut AnyConnection,
    moment: DateTime<Utc>,
) -> QueryResult<Option<Book>> {
    let mut rows = books::table
        .filter(books::created_at.eq(Moment(moment)))
        .select(BookRow::as_select())
        .limit(2)
        .load(connection)?;
    let row = rows.pop().filter(|_| rows.is_empty());
    Ok(row.map(Book::from))
}

#[derive(Insertable)]
#[diesel(table_name = books)]
struct NewBookRow<'a> {
    isbn: String,
    title: &'a str,
    author: &'a str,
    price_minor: i32,
    quantity: i32,
    last_seq: i64,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

/// Writes new books and returns their ids, in the same order, with the movements that put their
/// first copies on the shelf. The movements are not written yet: they need a stock entry.
pub(super) fn insert(
    connection: &mut AnyConnection,
    new: &[NewBook],
    now: DateTime<Utc>,
) -> Result<(Vec<BookId>, Vec<Movement>), Error> {
    locking::catalogue(connection)?;
    let now = Moment(now);
    let rows: Vec<_> = new
        .iter()
        .map(|book| NewBookRow {
            isbn: book.isbn.to_string(),
            title: book.title.as_str(),
            author: book.author.as_str(),
            price_minor: book.price.get(),
            quantity: book.quantity.get(),
            last_seq: i64::from(book.quantity.get() > 0),
            version: 1,
            created_at: now,
            updated_at: now,
        })
        .collect();
    for some in rows.chunks(movements::ROWS_AT_ONCE) {
        on_backend!(connection, concrete => {
            diesel::insert_into(books::table).values(some).execute(concrete)
        })?;
    }
    let ids = ids_of(connection, new.iter().map(|book| book.isbn))?;
    let mut book_ids = Vec::with_capacity(new.len());
    let mut first = Vec::new();
    let mut entries = Vec::with_capacity(new.len());
    for book in new {
        let id = *ids.get(&book.isbn.to_string()).ok_or(diesel::NotFound)?;
        book_ids.push(BookId(id));
        first.extend(first_stock(BookId(id), book.quantity));
        entries.push(IndexedBook {
            book_id: BookId(id),
            version: 1,
            title: book.title.as_str(),
            author: book.author.as_str(),
            price_minor: book.price.get(),
        });
    }
    index::write(connection, &entries)?;
    Ok((book_ids, first))
}

/// The id of each of these ISBNs that a book has.
pub(super) fn ids_of(
    connection: &mut AnyConnection,
    isbns: impl Iterator<Item = Isbn>,
) -> QueryResult<HashMap<String, i64>> {
    let isbns: Vec<String> = isbns.map(|isbn| isbn.to_string()).collect();
    let mut ids = HashMap::with_capacity(isbns.len());
    for some in isbns.chunks(movements::ROWS_AT_ONCE) {
        ids.extend(
            books::table
                .filter(books::isbn.eq_any(some))
                .select((books::isbn, books::id))
                .load::<(String, i64)>(connection)?,
        );
    }
    Ok(ids)
}

#[derive(AsChangeset)]
#[diesel(table_name = books)]
struct EditRow<'a> {
    isbn: Option<String>,
    title: Option<&'a str>,
    author: Option<&'a str>,
    price_minor: Option<i32>,
    version: i64,
    updated_at: Moment,
}

/// The moments that earlier runs of the same transaction wrote, as far as they came. A book that bears
/// one of them was changed by that run: it committed although its answer was lost. All of them, since
/// a commit may be carried out late, when the next run has begun.
pub type Trace = Vec<DateTime<Utc>>;

/// Edits the catalogue fields of a book and bumps its version. `trace` is empty before the first
/// run and kept from run to run.
///
/// # Errors
/// [`Refusal::UnknownBooks`], [`Refusal::StaleVersion`] if `versions` is given and the book is at
/// none of them, [`Refusal::DuplicateIsbn`].
pub fn edit(
    connection: &mut AnyConnection,
    book_id: BookId,
    versions: Option<&[i64]>,
    edit: &BookEdit,
    trace: &mut Trace,
) -> Result<Book, Error> {
    locking::catalogue(connection)?;
    lock(connection, [book_id])?;
    let edited = revise(connection, book_id, versions, edit, trace)?;
    index_again(connection, std::slice::from_ref(&edited))?;
    Ok(edited)
}

/// [`edit`] without the index, for which [`index_again`] comes later, and without the locks, which are there.
pub(super) fn revise(
    connection: &mut AnyConnection,
    book_id: BookId,
    versions: Option<&[i64]>,
    edit: &BookEdit,
    trace: &mut Trace,
) -> Result<Book, Error> {
    let book = find_active(connection, book_id)?;
    if trace.contains(&book.updated_at) {
        return Ok(book);
    }
    if versions.is_some_and(|versions| !versions.contains(&book.version)) {
        return Err(Refusal::StaleVersion { current: book.version }.into());
    }
    if let Some(isbn) = edit.isbn
        && let Some(other) = find_by_isbn(connection, isbn)?
        && other.id != book_id
    {
        return Err(Refusal::DuplicateIsbn { isbn, book_id: other.id }.into());
    }
    let now = clock::now(connection)?;
    trace.push(now);
    let changes = EditRow {
        isbn: edit.isbn.map(|isbn| isbn.to_string()),
        title: edit.title.as_ref().map(|title| title.as_str()),
        author: edit.author.as_ref().map(|author| author.as_str()),
        price_minor: edit.price.map(|price| price.get()),
        version: book.version + 1,
        updated_at: Moment(now),
    };
    diesel::update(books::table.find(book_id.0)).set(changes).execute(connection)?;
    find_active(connection, book_id)
}

/// Puts books that changed into the index again.
pub(super) fn index_again(connection: &mut AnyConnection, changed: &[Book]) -> Result<(), Error> {
    let books: Vec<_> = changed
        .iter()
        .map(|book| IndexedBook {
            book_id: book.id,
            version: book.version,
            title: &book.title,
            author: &book.author,
            price_minor: book.price_minor,
        })
        .collect();
    index::write(connection, &books)
}

/// Hides a book from the shop; its history stays. `trace` is as for [`edit`].
///
/// # Errors
/// [`Refusal::UnknownBooks`] if there is none for sale.
pub fn archive(
    connection: &mut AnyConnection,
    book_id: BookId,
    trace: &mut Trace,
) -> Result<(), Error> {
    locking::catalogue(connection)?;
    lock(connection, [book_id])?;
    let book = find(connection, book_id)?;
    match book.archived_at {
        None => {}
        Some(archived_at) if trace.contains(&archived_at) => return Ok(()),
        Some(_) => return Err(Refusal::UnknownBooks(vec![book_id]).into()),
    }
    let now = clock::now(connection)?;
    trace.push(now);
    let moment = Moment(now);
    diesel::update(books::table.find(book_id.0))
        .set((
            books::archived_at.eq(Some(moment)),
            books::updated_at.eq(moment),
            books::version.eq(book.version + 1),
        ))
        .execute(connection)?;
    index::remove(connection, &[book_id])
}
