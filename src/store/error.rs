//! What can go wrong in the store, and which of it a retry may cure.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::domain::Refusal;

/// Why the store did not do what was asked. Whatever the reason, nothing was changed, unless the
/// connection was lost during a commit and could not be had back in time.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule said no: the caller's request cannot be had.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database could not be reached, or cannot write (a full disk, a read-only file).
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Others kept the rows, or the connections, until the deadline.
    #[error("the database was busy until the deadline: {0}")]
    Busy(String),
    /// The database said something that neither a retry nor the caller can help.
    #[error("the database failed: {0}")]
    Database(DieselError),
    /// A row holds what this version cannot read.
    #[error("the database holds {0}")]
    Unreadable(String),
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

/// What a failed attempt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// Somebody else was faster or holds a lock: run it again.
    Again,
    /// The connection may be gone: find out, and run it again on another one.
    Reconnect,
    /// The database cannot write now.
    Wait,
    /// Nothing helps.
    None,
}

impl Error {
    pub(super) fn cure(&self) -> Cure {
        match self {
            Self::Database(error) => cure(error),
            Self::Unavailable(_) => Cure::Wait,
            Self::Refused(_) | Self::Busy(_) | Self::Unreadable(_) => Cure::None,
        }
    }
}

fn cure(error: &DieselError) -> Cure {
    match error {
        // The only unique violations that reach this point are two writers that took the same
        // idempotency key, ISBN or ledger number at once: the second run finds what the other wrote.
        DieselError::DatabaseError(
            DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::UniqueViolation,
            _,
        ) => Cure::Again,
        DieselError::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        )
        | DieselError::BrokenTransactionManager
        | DieselError::AlreadyInTransaction
        | DieselError::NotInTransaction => Cure::Reconnect,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            by_message(information.message())
        }
        DieselError::RollbackErrorOnCommit { .. } => Cure::Reconnect,
        _ => Cure::None,
    }
}

/// Diesel has no kind for these. SQLite and MariaDB say them in English whatever the locale; a
/// PostgreSQL that speaks another language ends in `Reconnect`, which is slower but right.
fn by_message(message: &str) -> Cure {
    const AGAIN: [&str; 6] = [
        "deadlock",                 // PostgreSQL 40P01, MySQL 1213
        "lock timeout",             // PostgreSQL 55P03
        "Lock wait timeout",        // MySQL 1205
        "database is locked",       // SQLITE_BUSY
        "database table is locked", // SQLITE_LOCKED
        "Record has changed",       // MariaDB 1020
    ];
    const WAIT: [&str; 7] = [
        "disk is full",          // SQLITE_FULL
        "No space left",         // PostgreSQL 53100
        "is full",               // MySQL 1114
        "disk I/O error",        // SQLITE_IOERR
        "unable to open",        // SQLITE_CANTOPEN
        "readonly database",     // SQLITE_READONLY
        "read-only transaction", // PostgreSQL 25006, a standby
    ];
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&AGAIN) {
        Cure::Again
    } else if says(&WAIT) {
        Cure::Wait
    } else {
        Cure::Reconnect
    }
}
