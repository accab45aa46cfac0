//! The table `books`: row locks, stock, and the catalogue.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::define_sql_function;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer, Text};

use super::connection::{AnyConnection, MultiBackend, on_backend};
use super::error::Error;
use super::sql_types::Moment;
use super::{clock, movements};
use crate::domain::{
    Book, BookEdit, BookId, Isbn, Movement, NewBook, Refusal, SearchWords, Shelf, Stock,
    first_stock,
};
use crate::schema::books;

define_sql_function! {
    /// Lower case; of ASCII letters only, where the collation is that of bytes.
    fn lower(text: Text) -> Text;
}

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
pub(super) fn lock(
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
pub(super) fn save_stock(connection: &mut AnyConnection, moved: &[Movement]) -> QueryResult<()> {
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

/// What pages are sorted by; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// Identity, which is the order of entry.
    Id,
    /// Title, by its bytes.
    Title,
    /// Price.
    Price,
}

/// The place in a sorted list after which a page starts: that of the last book on the page before.
/// It need not be there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Identity of that book.
    pub id: i64,
    /// Its title.
    pub title: String,
    /// Its price in the minor unit.
    pub price_minor: i32,
}

impl Mark {
    fn of(book: &Book) -> Self {
        Self { id: book.id.0, title: book.title.clone(), price_minor: book.price_minor }
    }
}

/// What to list, in which order.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Words that must occur in title or author.
    pub words: Option<SearchWords>,
    /// Only the book with this ISBN.
    pub isbn: Option<Isbn>,
    /// Only books with (`true`) or without (`false`) copies.
    pub in_stock: Option<bool>,
    /// The order.
    pub sort_by: SortBy,
    /// Greatest first.
    pub is_descending: bool,
    /// Where the page before ended.
    pub after: Option<Mark>,
    /// Most books on the page.
    pub limit: usize,
}

/// A page, and where the next one starts if there is one.
#[derive(Debug, Clone)]
pub struct Page<T, M> {
    /// The items.
    pub items: Vec<T>,
    /// The mark of the next page.
    pub next: Option<M>,
}

/// Books read at once while looking for those that a search means.
const SEARCH_STRIDE: usize = 500;

/// One page of the books for sale.
///
/// # Errors
/// What the database says.
pub fn list(connection: &mut AnyConnection, listing: &Listing) -> Result<Page<Book, Mark>, Error> {
    // One more than asked for tells whether there is a next page.
    let wanted = listing.limit + 1;
    let stride = if listing.words.is_some() { SEARCH_STRIDE } else { wanted };
    let mut found: Vec<Book> = Vec::new();
    let mut after = listing.after.clone();
    loop {
        let rows = stretch(connection, listing, after.as_ref(), stride)?;
        let is_last = rows.len() < stride;
        after = rows.last().map(Mark::of);
        let meant = |book: &Book| {
            listing.words.as_ref().is_none_or(|words| words.matches(&book.title, &book.author))
        };
        found.extend(rows.into_iter().filter(meant));
        if is_last || found.len() >= wanted {
            break;
        }
    }
    let has_more = found.len() >= wanted;
    found.truncate(listing.limit);
    let next = if has_more { found.last().map(Mark::of) } else { None };
    Ok(Page { items: found, next })
}

/// The next `limit` books after `after` that the database's own filters let through.
fn stretch(
    connection: &mut AnyConnection,
    listing: &Listing,
    after: Option<&Mark>,
    limit: usize,
) -> QueryResult<Vec<Book>> {
    let mut query = books::table
        .filter(books::archived_at.is_null())
        .select(BookRow::as_select())
        .limit(limit as i64)
        .into_boxed::<MultiBackend>();
    if let Some(isbn) = listing.isbn {
        query = query.filter(books::isbn.eq(isbn.to_string()));
    }
    match listing.in_stock {
        Some(true) => query = query.filter(books::quantity.gt(0)),
        Some(false) => query = query.filter(books::quantity.eq(0)),
        None => {}
    }
    for run in listing.words.iter().flat_map(SearchWords::ascii_runs) {
        let pattern = format!("%{run}%");
        query = query.filter(
            lower(books::title).like(pattern.clone()).or(lower(books::author).like(pattern)),
        );
    }
    /// Sorts by `$column` and the id and starts after `$mark`.
    macro_rules! keyset {
        ($column:expr, $mark:expr) => {{
            if let Some((value, id)) = $mark {
                query = match listing.is_descending {
                    false => query.filter(
                        $column.ge(value.clone()).and($column.gt(value).or(books::id.gt(id))),
                    ),
                    true => query.filter(
                        $column.le(value.clone()).and($column.lt(value).or(books::id.lt(id))),
                    ),
                };
            }
            match listing.is_descending {
                false => query.order(($column.asc(), books::id.asc())),
                true => query.order(($column.desc(), books::id.desc())),
            }
        }};
    }
    let query = match listing.sort_by {
        SortBy::Id => keyset!(books::id, after.map(|mark| (mark.id, mark.id))),
        SortBy::Title => keyset!(books::title, after.map(|mark| (mark.title.clone(), mark.id))),
        SortBy::Price => keyset!(books::price_minor, after.map(|mark| (mark.price_minor, mark.id))),
    };
    Ok(query.load(connection)?.into_iter().map(Book::from).collect())
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
) -> QueryResult<(Vec<BookId>, Vec<Movement>)> {
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
    for book in new {
        let id = *ids.get(&book.isbn.to_string()).ok_or(diesel::NotFound)?;
        book_ids.push(BookId(id));
        first.extend(first_stock(BookId(id), book.quantity));
    }
    Ok((book_ids, first))
}

/// The id of each of these ISBNs that a book has.
pub(super) fn ids_of(
    connection: &mut AnyConnection,
    isbns: impl Iterator<Item = Isbn>,
) -> QueryResult<std::collections::HashMap<String, i64>> {
    let isbns: Vec<String> = isbns.map(|isbn| isbn.to_string()).collect();
    let mut ids = std::collections::HashMap::with_capacity(isbns.len());
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

/// The moment that an earlier run of the same transaction wrote, if one came that far. A book that
/// bears it was changed by that run: it committed although its answer was lost.
pub type Trace = Option<DateTime<Utc>>;

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
    lock(connection, [book_id])?;
    let book = find_active(connection, book_id)?;
    if *trace == Some(book.updated_at) {
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
    *trace = Some(now);
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

/// Hides a book from the shop; its history stays. `trace` is as for [`edit`].
///
/// # Errors
/// [`Refusal::UnknownBooks`] if there is none for sale.
pub fn archive(
    connection: &mut AnyConnection,
    book_id: BookId,
    trace: &mut Trace,
) -> Result<(), Error> {
    lock(connection, [book_id])?;
    let book = find(connection, book_id)?;
    match book.archived_at {
        None => {}
        Some(archived_at) if *trace == Some(archived_at) => return Ok(()),
        Some(_) => return Err(Refusal::UnknownBooks(vec![book_id]).into()),
    }
    let now = clock::now(connection)?;
    *trace = Some(now);
    let moment = Moment(now);
    diesel::update(books::table.find(book_id.0))
        .set((
            books::archived_at.eq(Some(moment)),
            books::updated_at.eq(moment),
            books::version.eq(book.version + 1),
        ))
        .execute(connection)?;
    Ok(())
}
