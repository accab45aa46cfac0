//! What keeps searches right and quick besides the transactions that write books.

use std::sync::Arc;

use super::books::{Vocabulary, words};
use super::{Error, Store};
use crate::domain::BookId;

/// Books indexed in one transaction. It has their rows for some milliseconds, and buyers wait so long.
const AT_ONCE: usize = 200;

impl Store {
    /// How common words are, by the sample taken last. Before the first one all are taken for rare.
    pub fn vocabulary(&self) -> Arc<Vocabulary> {
        Arc::clone(&self.vocabulary.read())
    }

    /// Takes a new sample of the words of all books.
    ///
    /// # Errors
    /// What the database says.
    pub fn renew_vocabulary(&self) -> Result<(), Error> {
        let sample =
            self.read(self.deadline(), |connection| Ok(Vocabulary::sample(connection)?))?;
        *self.vocabulary.write() = Arc::new(sample);
        Ok(())
    }

    /// Writes the words of all books that lack them, until `is_enough`, and tells how many those were.
    ///
    /// # Errors
    /// What the database says; what was written stays.
    pub fn index_books(&self, is_enough: impl Fn() -> bool) -> Result<usize, Error> {
        let mut indexed = 0;
        let mut after = BookId(0);
        while !is_enough() {
            // A plain read first: where nothing lacks, nothing is locked.
            let lacking = self.read(self.deadline(), |connection| {
                Ok(words::missing(connection, after, AT_ONCE)?)
            })?;
            let Some(last) = lacking.last() else { break };
            after = *last;
            self.transaction(|connection| Ok(words::renew(connection, &lacking)?))?;
            indexed += lacking.len();
        }
        Ok(indexed)
    }
}
