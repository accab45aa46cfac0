//! Pages of the catalogue: filtered, sorted, each starting where the one before ended.

use diesel::define_sql_function;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::BookRow;
use crate::domain::{Book, Isbn, SearchWords};
use crate::schema::books;
use crate::store::connection::{AnyConnection, MultiBackend};
use crate::store::error::Error;

define_sql_function! {
    /// Lower case; of ASCII letters only, where the collation is that of bytes.
    fn lower(text: Text) -> Text;
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
