//! The index by which books are found, besides the transactions that write books.

use std::sync::Arc;

use super::books::IndexCache;
use super::books::index::{Portion, amiss, renew};
use super::{Error, Store};
use crate::domain::BookId;

impl Store {
    /// What this process remembers of the index.
    pub fn index_cache(&self) -> Arc<IndexCache> {
        Arc::clone(&self.index_cache)
    }

    /// Puts all books into the index that it lacks or has in another version, and takes out those that are
    /// not for sale, until `is_enough`. Tells how many those were.
    ///
    /// # Errors
    /// What the database says; what was written stays.
    pub fn index_books(&self, is_enough: impl Fn() -> bool) -> Result<usize, Error> {
        let mut indexed = 0;
        let mut after = BookId(0);
        loop {
            // A plain read first: where nothing is amiss, nothing is locked.
            let amiss = self.read(self.deadline(), |connection| {
                amiss(connection, after, Portion::MOST_BOOKS)
            })?;
            let Some((last, _)) = amiss.last() else { return Ok(indexed) };
            after = *last;
            for portion in Portion::cut(&amiss) {
                if is_enough() {
                    return Ok(indexed);
                }
                let ids: Vec<_> = portion.iter().map(|(id, _)| *id).collect();
                self.transaction(|connection| renew(connection, &ids))?;
                indexed += ids.len();
            }
        }
    }
}
