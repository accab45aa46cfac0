//! Pages of the catalogue: filtered, sorted, each starting where the one before ended.

use diesel::prelude::*;

use super::page::{self, Filter, Ids, PageQuery, Source};
use super::route::{Route, Term};
use super::{BookRow, Vocabulary};
use crate::domain::{Book, Isbn, Search, SearchWords};
use crate::schema::books;
use crate::store::connection::AnyConnection;
use crate::store::error::Error;

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
/// What the database says.
pub fn list(
    connection: &mut AnyConnection,
    vocabulary: &Vocabulary,
    listing: &Listing,
) -> Result<Page<Book, Mark>, Error> {
    // One more than asked for tells whether there is a next page.
    let wanted = listing.limit + 1;
    let mut found = match &listing.search {
        Some(Search::Words(words)) => search(connection, vocabulary, words, listing, wanted)?,
        Some(Search::Isbn(_)) | None => read(connection, Source::Books, listing, wanted)?,
    };
    let has_more = found.len() >= wanted;
    found.truncate(listing.limit);
    let next = if has_more { found.last().map(Mark::of) } else { None };
    Ok(Page { items: found, next })
}

/// Books with these words.
fn search(
    connection: &mut AnyConnection,
    vocabulary: &Vocabulary,
    words: &SearchWords,
    listing: &Listing,
    wanted: usize,
) -> QueryResult<Vec<Book>> {
    let backend = connection.backend();
    let is_by_id = listing.sort_by == SortBy::Id;
    let route = Route::find(backend, vocabulary, words, wanted, is_by_id);
    if let Some(steps) = route.walk {
        let terms = route.asked.iter().chain(&route.checked);
        let source = Source::Walk { steps, patterns: terms.map(Term::pattern).collect() };
        let found = read(connection, source, listing, wanted)?;
        if found.len() == wanted {
            return Ok(found);
        }
        // They lie further apart than one would think.
    }
    let ids = listing.after.as_ref().filter(|_| is_by_id).map(|mark| match listing.is_descending {
        false => Ids::Above(mark.id),
        true => Ids::Below(mark.id),
    });
    let query = page::in_its_language(backend, &route.asked);
    let patterns = route.checked.iter().map(Term::pattern).collect();
    read(connection, Source::Index { query, patterns, ids }, listing, wanted)
}

/// The first `limit` books of a source that the listing's filters let through.
fn read(
    connection: &mut AnyConnection,
    source: Source,
    listing: &Listing,
    limit: usize,
) -> QueryResult<Vec<Book>> {
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
    let column = match listing.sort_by {
        SortBy::Id => "id",
        SortBy::Title => "title",
        SortBy::Price => "price_minor",
    };
    let order = (column, listing.is_descending);
    let query = PageQuery::new(connection.backend(), source, filters, order, limit as i64);
    let rows: Vec<BookRow> = query.load(connection)?;
    Ok(rows.into_iter().map(Book::from).collect())
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
