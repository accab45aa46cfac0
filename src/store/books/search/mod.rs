//! Books with certain words, page by page: the bitmaps of the words say which books, the order of the list
//! which of them are on the page, and the database what these look like.
//!
//! That takes two reads or more, and somebody may write in between. Each read brings the index's stamp
//! along: is it another one, the search begins anew. So a page is what one moment had, and what this
//! process remembers of the index is never older than the page.

mod cache;
mod candidates;
mod found;
mod matches;
mod reading;

use diesel::RunQueryDsl;

pub use cache::IndexCache;
use candidates::Candidates;
use found::FoundBooks;
use reading::{Halt, Reading};

use super::BookRow;
use super::listing::{Listing, filters};
use crate::domain::{Book, SearchWords};
use crate::store::connection::AnyConnection;
use crate::store::error::Error;

/// So often a search begins anew while others write. Then it takes what it reads, moment by moment, and
/// looks at each book whether it has the words.
const ATTEMPTS: usize = 8;

/// The first `wanted` books of the listing with these words.
pub(super) fn find(
    connection: &mut AnyConnection,
    cache: &IndexCache,
    words: &SearchWords,
    listing: &Listing,
    wanted: usize,
) -> Result<Vec<Book>, Error> {
    for _ in 0..ATTEMPTS {
        let reading = Reading::new(connection, cache.known(), false);
        match attempt(reading, words, listing, wanted) {
            Ok(books) => return Ok(books),
            Err(Halt::Moved(stamp)) => cache.turn_to(&stamp),
            Err(Halt::Failed(error)) => return Err(error),
        }
    }
    let nothing = IndexCache::default();
    let reading = Reading::new(connection, nothing.known(), true);
    match attempt(reading, words, listing, wanted) {
        Ok(mut books) => {
            books.retain(|book| words.are_in(&book.title, &book.author));
            Ok(books)
        }
        Err(Halt::Failed(error)) => Err(error),
        Err(Halt::Moved(_)) => Err(Error::Busy("the index changed all the time".to_owned())),
    }
}

fn attempt(
    mut reading: Reading<'_>,
    words: &SearchWords,
    listing: &Listing,
    wanted: usize,
) -> Result<Vec<Book>, Halt> {
    let ids = matches::find(&mut reading, words)?;
    let mut candidates = Candidates::new(&reading, ids, listing, wanted);
    let mut books: Vec<Book> = Vec::new();
    let backend = reading.connection.backend();
    while books.len() < wanted {
        let chunk = candidates.next(&mut reading)?;
        if chunk.is_empty() {
            break;
        }
        let missing = wanted - books.len();
        let query = FoundBooks::new(backend, &chunk, filters(listing), listing, missing);
        let rows: Vec<(BookRow, Option<Vec<u8>>)> = query.load(reading.connection)?;
        if let Some((_, stamp)) = rows.first() {
            reading.sees(stamp.as_deref().unwrap_or_default())?;
        }
        books.extend(rows.into_iter().map(|(row, _)| Book::from(row)));
    }
    reading.confirm()?;
    Ok(books)
}
