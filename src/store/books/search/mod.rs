//! Books with certain words, page by page: the bitmaps of the words say which books, the order of the list
//! which of them are on the page, and the database what these look like.
//!
//! That takes two reads or more, and somebody may write in between. Each read brings the index's stamp
//! along: is it another one, the search begins anew. So a page is what one moment had of the catalogue, and
//! what this process remembers of the index is never older than the page.

mod cache;
mod candidates;
mod found;
mod matches;
mod reading;

use std::time::Instant;

pub use cache::IndexCache;
use candidates::Candidates;
use found::FoundBooks;
use reading::{Halt, Reading};

use super::listing::{Listing, filters};
use crate::domain::{Book, SearchWords};
use crate::store::connection::AnyConnection;
use crate::store::error::Error;
use crate::store::transaction;

/// So often a search begins anew while others write, before it takes a moment of its own.
const ATTEMPTS: usize = 3;

/// In a moment of its own the first attempt finds out what its stamp is.
const ATTEMPTS_IN_ONE_MOMENT: usize = 2;

/// The first `wanted` books of the listing with these words.
///
/// # Errors
/// [`Error::Busy`] if that takes until `deadline`; what the database says.
pub(super) fn find(
    connection: &mut AnyConnection,
    cache: &IndexCache,
    words: &SearchWords,
    listing: &Listing,
    wanted: usize,
    deadline: Instant,
) -> Result<Vec<Book>, Error> {
    let try_with = |connection: &mut AnyConnection, cache: &IndexCache, attempts: usize| {
        for _ in 0..attempts {
            let reading = Reading::new(connection, cache.known(), deadline);
            match attempt(reading, words, listing, wanted) {
                Ok(books) => return Ok(Some(books)),
                Err(Halt::Moved(stamp)) => cache.turn_to(&stamp),
                Err(Halt::Failed(error)) => return Err(error),
            }
        }
        Ok(None)
    };
    if let Some(books) = try_with(connection, cache, ATTEMPTS)? {
        return Ok(books);
    }
    tracing::debug!("the catalogue changes all the time: searching one moment of it");
    transaction::one_moment(connection, |connection| {
        let cache = IndexCache::default();
        try_with(connection, &cache, ATTEMPTS_IN_ONE_MOMENT)?
            .ok_or_else(|| Error::Unreadable("a moment in which book_index changes".to_owned()))
    })
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
    while books.len() < wanted {
        let chunk = candidates.next(&mut reading)?;
        if chunk.is_empty() {
            break;
        }
        let missing = wanted - books.len();
        let query = FoundBooks::new(reading.backend(), &chunk, filters(listing), listing, missing);
        books.extend(reading.books(query)?);
    }
    reading.confirm()?;
    Ok(books)
}

#[cfg(test)]
mod tests;
