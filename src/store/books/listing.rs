//! Pages of the catalogue: filtered, sorted, each starting where the one before ended.

use std::time::Instant;

use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::BookRow;
use super::search::{self, IndexCache};
use crate::domain::{Book, Isbn, Search};
use crate::schema::books;
use crate::store::connection::{AnyConnection, MultiBackend};
use crate::store::error::Error;

/// A condition on a book.
pub(super) type Filter = Box<dyn BoxableExpression<books::table, MultiBackend, SqlType = Bool>>;

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
    /// What is looked for: words of title and author, or one book's ISBN.
    pub search: Option<Search>,
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

/// One page of the books for sale.
///
/// # Errors
/// [`Error::Busy`] if a search takes until `deadline`; what the database says.
pub fn list(
    connection: &mut AnyConnection,
    cache: &IndexCache,
    listing: &Listing,
    deadline: Instant,
) -> Result<Page<Book, Mark>, Error> {
    // One more than asked for tells whether there is a next page.
    let wanted = listing.limit + 1;
    let mut found = match (&listing.search, listing.isbn) {
        (Some(Search::Words(words)), None) => {
            search::find(connection, cache, words, listing, wanted, deadline)?
        }
        // One book at most: whether it has the words it says itself.
        (Some(Search::Words(words)), Some(_)) => {
            let mut books = read(connection, listing, wanted)?;
            books.retain(|book| words.are_in(&book.title, &book.author));
            books
        }
        (Some(Search::Isbn(_)) | None, _) => read(connection, listing, wanted)?,
    };
    let has_more = found.len() >= wanted;
    found.truncate(listing.limit);
    let next = if has_more { found.last().map(Mark::of) } else { None };
    Ok(Page { items: found, next })
}

/// The first `limit` books that the listing's filters let through, whatever their words.
fn read(connection: &mut AnyConnection, listing: &Listing, limit: usize) -> QueryResult<Vec<Book>> {
    let mut query = books::table.select(BookRow::as_select()).into_boxed();
    for filter in filters(listing) {
        query = query.filter(filter);
    }
    let query = match (listing.sort_by, listing.is_descending) {
        (SortBy::Id, false) => query.order(books::id.asc()),
        (SortBy::Id, true) => query.order(books::id.desc()),
        (SortBy::Title, false) => query.order((books::title.asc(), books::id.asc())),
        (SortBy::Title, true) => query.order((books::title.desc(), books::id.desc())),
        (SortBy::Price, false) => query.order((books::price_minor.asc(), books::id.asc())),
        (SortBy::Price, true) => query.order((books::price_minor.desc(), books::id.desc())),
    };
    let rows = query.limit(limit as i64).load::<BookRow>(connection)?;
    Ok(rows.into_iter().map(Book::from).collect())
}

/// What the listing asks of a book besides words.
pub(super) fn filters(listing: &Listing) -> Vec<Filter> {
    let mut filters: Vec<Filter> = vec![Box::new(books::archived_at.is_null())];
    let sought = match &listing.search {
        Some(Search::Isbn(isbn)) => Some(*isbn),
        _ => None,
    };
    for isbn in listing.isbn.into_iter().chain(sought) {
        filters.push(Box::new(books::isbn.eq(isbn.to_string())));
    }
    match listing.in_stock {
        Some(true) => filters.push(Box::new(books::quantity.gt(0))),
        Some(false) => filters.push(Box::new(books::quantity.eq(0))),
        None => {}
    }
    filters.extend(listing.after.as_ref().map(|mark| after(listing, mark)));
    filters
}

/// What comes after `mark`.
fn after(listing: &Listing, mark: &Mark) -> Filter {
    /// For the order by `$column`, then by id.
    macro_rules! keyset {
        ($column:expr, $value:expr) => {{
            let (value, id) = ($value, mark.id);
            match listing.is_descending {
                false => {
                    Box::new($column.ge(value.clone()).and($column.gt(value).or(books::id.gt(id))))
                }
                true => {
                    Box::new($column.le(value.clone()).and($column.lt(value).or(books::id.lt(id))))
                }
            }
        }};
    }
    match (listing.sort_by, listing.is_descending) {
        (SortBy::Id, false) => Box::new(books::id.gt(mark.id)),
        (SortBy::Id, true) => Box::new(books::id.lt(mark.id)),
        (SortBy::Title, _) => keyset!(books::title, mark.title.clone()),
        (SortBy::Price, _) => keyset!(books::price_minor, mark.price_minor),
    }
}
