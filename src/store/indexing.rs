//! The index by which books are found, besides the transactions that write books.

use std::sync::Arc;
use std::time::Instant;

use super::books::IndexCache;
use super::books::index::{Portion, amiss, clearing, renew};
use super::{AnyConnection, Backend, Error, Store};
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
                self.step(|connection| renew(connection, &ids))?;
                indexed += ids.len();
            }
        }
    }

    /// Takes all books out of the index, and whatever else is there. [`Store::index_books`] then puts
    /// them in again; what somebody writes meanwhile is indexed by the end of that too.
    ///
    /// # Errors
    /// What the database says. It must then run again: some books may be neither found nor known to be
    /// missing.
    pub fn clear_index(&self) -> Result<(), Error> {
        self.walk(BookId(0), clearing::forget)?;
        self.walk(clearing::THE_STAMP, clearing::clear)?;
        self.walk(BookId(0), clearing::recall)
    }

    /// Takes one step after another, each in a transaction, until there is none.
    fn walk<P>(
        &self,
        start: P,
        step: impl Fn(&mut AnyConnection, &P) -> Result<Option<P>, Error>,
    ) -> Result<(), Error> {
        let mut came_to = Some(start);
        while let Some(after) = came_to {
            came_to = self.step(|connection| step(connection, &after))?;
        }
        Ok(())
    }

    /// Runs a transaction that is one of many, and lets others in before the next. Of SQLite's writers one
    /// has its turn, and those in other processes only look now and then whether it is over: the longer they
    /// wait, the more seldom. In as much time as they waited they do look.
    fn step<T>(
        &self,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut began = Instant::now();
        let done = self.transaction(|connection| {
            began = Instant::now();
            work(connection)
        })?;
        if self.backend == Backend::Sqlite {
            std::thread::sleep(began.elapsed());
        }
        Ok(done)
    }
}
