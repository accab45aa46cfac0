//! The index by which books are found, besides the transactions that write books.

use std::sync::Arc;

use super::books::{IndexCache, index};
use super::{Error, Store};
use crate::domain::BookId;

/// Books indexed in one transaction. On SQLite buyers wait so long, elsewhere only who edits a book.
const AT_ONCE: usize = 2_000;

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
        while !is_enough() {
            // A plain read first: where nothing is amiss, nothing is locked.
            let amiss =
                self.read(self.deadline(), |connection| index::amiss(connection, after, AT_ONCE))?;
            let Some(last) = amiss.last() else { break };
            after = *last;
            self.transaction(|connection| index::renew(connection, &amiss))?;
            indexed += amiss.len();
        }
        Ok(indexed)
    }
}
