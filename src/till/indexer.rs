//! The indexer: puts books into the index that it lacks, so that a search finds those too.
//!
//! Whoever writes a book through this program writes the index with it. It lacks books after the migration
//! that made it, and when something else wrote to the table of books: a program of the version before,
//! which may run beside this one, or a person.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::sweeper::Stop;
use crate::store::{Error, Store};

/// How often it looks. A look reads the ids of all books.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// A thread that indexes until it is stopped or dropped.
pub struct Indexer {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Indexer {
    /// Starts to index.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(store: Store) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let heard = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("indexer".to_owned()).spawn(move || {
            loop {
                if let Err(error) = index(&store, &heard) {
                    tracing::warn!(%error, "some books may not be found by their words");
                }
                if heard.within(LOOK_EVERY) {
                    return;
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Indexer {
    /// Ends after the transaction that runs, if one does.
    fn drop(&mut self) {
        self.stop.now();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the indexer had died");
        }
    }
}

fn index(store: &Store, stop: &Stop) -> Result<(), Error> {
    let indexed = store.index_books(|| stop.within(Duration::ZERO))?;
    if indexed > 0 {
        tracing::info!(indexed, "books that the index lacked can be found by their words");
    }
    Ok(())
}
