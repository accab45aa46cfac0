//! A pool of open connections, kept by r2d2.

use std::fmt;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::r2d2::R2D2Connection;
use r2d2::{ManageConnection, PooledConnection};

use super::connection::AnyConnection;
use super::database_url::DatabaseUrl;
use super::error::Error;
use crate::metrics::{self, PoolUse};

/// How long r2d2 tries to open a connection before it pauses; also the longest such pause.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection in a pool, with what was found out about it.
pub(super) struct Session {
    pub(super) connection: AnyConnection,
    /// Set when an error left the connection dead or in an unknown state: it is then closed
    /// instead of going back to the pool.
    pub(super) is_broken: bool,
    /// Whether its server may lose a transaction without a word: see `galera`.
    pub(super) may_lose_transactions: bool,
}

impl Session {
    /// Whether the database still answers on this connection.
    pub(super) fn is_alive(&mut self) -> bool {
        self.connection.ping().is_ok()
    }
}

pub(super) struct Manager {
    url: DatabaseUrl,
    set_up: fn(&mut AnyConnection) -> QueryResult<()>,
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<Session, Self::Error> {
        let mut connection = AnyConnection::open(&self.url)?;
        let may_lose_transactions = (self.set_up)(&mut connection)
            .and_then(|()| connection.may_lose_transactions())
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(Session { connection, is_broken: false, may_lose_transactions })
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), Self::Error> {
        session.connection.ping().map_err(diesel::ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        std::thread::panicking() || session.is_broken || session.connection.is_broken()
    }
}

/// Logs what went wrong in the background; whoever waits for a connection is told by its timeout.
struct LogErrors(metrics::Pool);

impl fmt::Debug for LogErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogErrors")
    }
}

impl r2d2::HandleError<diesel::ConnectionError> for LogErrors {
    fn handle_error(&self, error: diesel::ConnectionError) {
        self.0.failed_to_connect();
        tracing::warn!(%error, "cannot open a connection to the database");
    }
}

/// A pool of at most so many connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool {
    connections: r2d2::Pool<Manager>,
    meter: metrics::Pool,
}

impl Pool {
    /// A pool for reads. It opens its connections in the background; [`Pool::get`] waits for them.
    pub(super) fn of_readers(url: &DatabaseUrl, size: u32, meter: &metrics::Pool) -> Self {
        Self::new(size, Manager { url: url.clone(), set_up: |_| Ok(()) }, meter)
    }

    /// The same for transactions.
    pub(super) fn of_writers(url: &DatabaseUrl, size: u32, meter: &metrics::Pool) -> Self {
        let set_up = AnyConnection::set_up_for_transactions;
        Self::new(size, Manager { url: url.clone(), set_up }, meter)
    }

    fn new(size: u32, manager: Manager, meter: &metrics::Pool) -> Self {
        let connections = r2d2::Pool::builder()
            .max_size(size)
            .connection_timeout(CONNECT_TIMEOUT)
            // No ping before each use: a dead connection shows in its first statement, and the
            // transaction is then run again on another one.
            .test_on_check_out(false)
            .error_handler(Box::new(LogErrors(meter.clone())))
            .build_unchecked(manager);
        Self { connections, meter: meter.clone() }
    }

    /// Where what happens on its connections is counted.
    pub(super) fn meter(&self) -> &metrics::Pool {
        &self.meter
    }

    /// Takes down how its connections are used now.
    pub(super) fn note_use(&self) {
        let state = self.connections.state();
        self.meter.note(PoolUse {
            limit: self.connections.max_size(),
            open: state.connections,
            in_use: state.connections.saturating_sub(state.idle_connections),
        });
    }

    /// A connection, waiting for one until `deadline`.
    pub(super) fn get(&self, deadline: Instant) -> Result<PooledConnection<Manager>, Error> {
        let remaining = deadline.saturating_duration_since(Instant::now());
        // r2d2 refuses a timeout of zero by panicking.
        let patience = remaining.max(Duration::from_millis(1));
        let got = self.meter.waiting(|| self.connections.get_timeout(patience));
        got.map_err(|error| match self.connections.state().connections {
            0 => Error::Unavailable(error.to_string()),
            _ => Error::Busy("all connections are in use".to_owned()),
        })
    }
}
