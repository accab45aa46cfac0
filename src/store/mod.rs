//! All SQL: connections, transactions, locking, and one file per table. Knows no HTTP.
//!
//! [`Store::read`] and [`Store::transaction`] are the only ways in; what they run is one of the
//! functions of the modules below, which take the open connection.

pub mod audit;
pub mod books;
pub mod clients;
mod clock;
mod connection;
mod database_url;
mod encryption;
mod entries;
mod error;
#[cfg(feature = "mysql")]
mod galera;
mod indexing;
pub mod intake;
pub mod kept;
pub mod life;
mod locking;
pub mod migrations;
pub mod movements;
pub mod orders;
mod pool;
#[cfg(feature = "postgres")]
mod pooling;
#[cfg(feature = "postgres")]
mod postgres;
pub mod sale;
mod secrets;
#[cfg(feature = "postgres")]
mod silence;
pub(crate) mod sql_types;
pub mod stock;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
#[cfg(test)]
#[cfg(feature = "sqlite")]
pub(crate) mod throwaway;
mod token;
mod transaction;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use parking_lot::FairMutex;

pub use connection::{AnyConnection, Backend, LOCK_WAIT};
pub use database_url::{BadDatabaseUrl, DatabaseUrl};
pub use error::Error;
use pool::Pool;
pub use token::{Token, TokenHash};

use crate::metrics::Metrics;

/// How a store is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// Connections for reads.
    pub read_connections: u32,
    /// Connections for transactions. SQLite has one writer at a time and uses one.
    pub write_connections: u32,
    /// How long a request may take before it is given up.
    pub request_timeout: Duration,
}

/// The database of the shop. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    // Reads have connections of their own: a queue of sales before a locked row never takes the
    // last one from them.
    readers: Pool,
    writers: Pool,
    // SQLite has one writer at a time. Who waits for it inside the process waits in line: else the
    // till, which is always about to write, would let no restock pass.
    turn: Option<Arc<FairMutex<()>>>,
    index_cache: Arc<books::IndexCache>,
    request_timeout: Duration,
    metrics: Arc<Metrics>,
}

impl Store {
    /// Opens the store.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with what the database says if it cannot be reached now.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        // r2d2 would keep on trying in the background; at start the reason is wanted at once.
        AnyConnection::open_first(&settings.url)
            .map_err(|error| Error::Unavailable(format!("{}: {error}", settings.url)))?;
        let backend = settings.url.backend();
        let has_one_writer = backend == Backend::Sqlite;
        let metrics = Arc::new(Metrics::new(backend.name()));
        let writers = if has_one_writer { 1 } else { settings.write_connections };
        Ok(Self {
            backend,
            readers: Pool::of_readers(&settings.url, settings.read_connections, &metrics.readers),
            writers: Pool::of_writers(&settings.url, writers, &metrics.writers),
            turn: has_one_writer.then(Arc::default),
            index_cache: Arc::default(),
            request_timeout: settings.request_timeout,
            metrics,
        })
    }

    /// The numbers of this store, and of what serves it.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The same as the page that Prometheus reads.
    pub fn metrics_page(&self) -> String {
        self.readers.note_use();
        self.writers.note_use();
        self.metrics.page()
    }

    /// Leaves an embedded database as one file, which may be copied: what was committed lies beside it
    /// otherwise. Whoever else has it open can prevent that, and does it when it ends.
    ///
    /// # Errors
    /// What the database says.
    pub fn fold(&self) -> Result<(), Error> {
        if self.backend == Backend::Sqlite {
            let mut session = self.writers.get(self.deadline())?;
            session
                .connection
                .batch_execute("PRAGMA busy_timeout = 1000; PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(())
    }

    /// The backend behind it.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// When a request that starts now is given up.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.request_timeout
    }

    /// Runs `work`, which only reads; it never waits for a sale.
    ///
    /// # Errors
    /// See [`Error`]; tried again until `deadline` where that may help.
    pub fn read<T>(
        &self,
        deadline: Instant,
        work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        transaction::read(&self.readers, deadline, work)
    }

    /// Runs `work` in one transaction and commits it, in the time of one request. `work` runs again
    /// when that may help and must recognise what an earlier run may have committed although its
    /// answer was lost.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn transaction<T>(
        &self,
        work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transaction_until(self.deadline(), work)
    }

    /// As [`Store::transaction`], for a request that is given up at `deadline`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn transaction_until<T>(
        &self,
        deadline: Instant,
        work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transaction_on(&BTreeSet::new(), deadline, work)
    }

    /// The same, of `work` that locks `rows`: where somebody keeps one of them, it is waited for with nothing
    /// else in hand.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn transaction_on<T>(
        &self,
        rows: &BTreeSet<kept::Row>,
        deadline: Instant,
        work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let turn = self.turn.as_ref().map(|turn| turn.try_lock_until(deadline));
        if matches!(turn, Some(None)) {
            return Err(Error::Busy("other transactions did not end in time".to_owned()));
        }
        transaction::transaction(&self.writers, rows, deadline, work)
    }

    /// Runs `work` in a transaction that is rolled back: for whoever only wants to know what can be locked.
    ///
    /// # Errors
    /// See [`Error`]; tried again until `deadline` where that may help.
    pub fn peek<T>(
        &self,
        deadline: Instant,
        work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        transaction::undone(&self.writers, deadline, work)
    }
}
