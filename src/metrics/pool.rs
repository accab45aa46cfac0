//! Connections to the database, and what had to be run again on them.

use super::{Book, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

/// Why a transaction or a read was run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Two transactions that cannot both be had, by the database's judgement.
    Serialization,
    /// Two transactions waited for each other.
    Deadlock,
    /// A lock was not to be had in time.
    LockTimeout,
    /// Another process has the file of an embedded database.
    Busy,
    /// Another writer took the same idempotency key, ISBN or ledger number.
    KeyTaken,
    /// The connection was lost.
    LostConnection,
    /// The database cannot write now: a full disk, a standby.
    CannotWrite,
    /// An error that nobody could name, on a connection that still answers.
    Unknown,
}

impl Cause {
    const ALL: [Self; 8] = [
        Self::Serialization,
        Self::Deadlock,
        Self::LockTimeout,
        Self::Busy,
        Self::KeyTaken,
        Self::LostConnection,
        Self::CannotWrite,
        Self::Unknown,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Serialization => "serialization",
            Self::Deadlock => "deadlock",
            Self::LockTimeout => "lock_timeout",
            Self::Busy => "busy",
            Self::KeyTaken => "key_taken",
            Self::LostConnection => "lost_connection",
            Self::CannotWrite => "cannot_write",
            Self::Unknown => "unknown",
        }
    }
}

/// How the connections of a pool are used at a moment.
#[derive(Debug, Clone, Copy)]
pub struct PoolUse {
    /// Most that may be open.
    pub limit: u32,
    /// Open.
    pub open: u32,
    /// In use.
    pub in_use: u32,
}

/// One pool. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    limit: IntGauge,
    open: IntGauge,
    in_use: IntGauge,
    waiting: IntGauge,
    failures: IntCounter,
    retries: [IntCounter; Cause::ALL.len()],
}

impl Pool {
    /// Counts somebody as waiting for a connection while `get` runs.
    pub fn waiting<T>(&self, get: impl FnOnce() -> T) -> T {
        self.waiting.inc();
        let got = get();
        self.waiting.dec();
        got
    }

    /// A connection could not be opened.
    pub fn failed_to_connect(&self) {
        self.failures.inc();
    }

    /// A transaction or a read is run again.
    pub fn runs_again(&self, cause: Cause) {
        self.retries[cause as usize].inc();
    }

    /// Takes down how the connections are used now.
    pub fn note(&self, now: PoolUse) {
        self.limit.set(now.limit.into());
        self.open.set(now.open.into());
        self.in_use.set(now.in_use.into());
    }
}

/// The metrics of both pools, told apart by the label `pool`.
pub(super) struct Family {
    limit: IntGaugeVec,
    open: IntGaugeVec,
    in_use: IntGaugeVec,
    waiting: IntGaugeVec,
    failures: IntCounterVec,
    retries: IntCounterVec,
}

impl Family {
    pub(super) fn new(book: &Book) -> Self {
        let pool = &["pool"];
        Self {
            limit: book.gauges("pool_connections_limit", "Connections that may be open.", pool),
            open: book.gauges("pool_connections_open", "Connections that are open.", pool),
            in_use: book.gauges("pool_connections_in_use", "Connections that are in use.", pool),
            waiting: book.gauges("pool_waiting", "Threads that wait for a connection.", pool),
            failures: book.counters(
                "pool_connect_failures_total",
                "Attempts to open a connection to the database that failed.",
                pool,
            ),
            retries: book.counters(
                "retries_total",
                "Transactions (writers) and reads (readers) that were run again, by cause.",
                &["pool", "cause"],
            ),
        }
    }

    /// Those of readers and writers.
    pub(super) fn pools(&self) -> [Pool; 2] {
        ["readers", "writers"].map(|name| self.pool(name))
    }

    fn pool(&self, name: &str) -> Pool {
        Pool {
            limit: self.limit.with_label_values(&[name]),
            open: self.open.with_label_values(&[name]),
            in_use: self.in_use.with_label_values(&[name]),
            waiting: self.waiting.with_label_values(&[name]),
            failures: self.failures.with_label_values(&[name]),
            retries: Cause::ALL.map(|cause| self.retries.with_label_values(&[name, cause.word()])),
        }
    }
}
