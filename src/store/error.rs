//! What can go wrong in the store, and which of it a retry may cure.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::domain::Refusal;
use crate::metrics::Cause;

/// Why the store did not do what was asked. Nothing was changed, unless it is [`Error::InDoubt`], or
/// [`Error::Database`] after an attempt whose commit is in doubt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule said no: the caller's request cannot be had.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database could not be reached, or cannot write (a full disk, a read-only file).
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The same, after an attempt that may have been committed: its answer was lost, or said that the database
    /// could not write.
    #[error("the database is not available, and nobody knows whether it was done: {0}")]
    InDoubt(String),
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
}

impl Error {
    /// Why an attempt failed, if there is a cure for that.
    pub(super) fn cause(&self) -> Option<Cause> {
        match self {
            Self::Database(error) => cause(error),
            Self::Unavailable(_) => Some(Cause::CannotWrite),
            Self::Refused(_) | Self::Busy(_) | Self::InDoubt(_) | Self::Unreadable(_) => None,
        }
    }
}

impl Cure {
    pub(super) fn of(cause: Cause) -> Self {
        match cause {
            Cause::Serialization
            | Cause::Deadlock
            | Cause::LockTimeout
            | Cause::Busy
            | Cause::KeyTaken => Self::Again,
            Cause::LostConnection | Cause::Unknown => Self::Reconnect,
            Cause::CannotWrite => Self::Wait,
        }
    }
}

/// Why a statement failed, if there is a cure for that.
pub(super) fn cause(error: &DieselError) -> Option<Cause> {
    match error {
        // The only unique violations that reach this point are two writers that took the same
        // idempotency key, ISBN or ledger number at once: the second run finds what the other wrote.
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Some(Cause::KeyTaken),
        // MySQL 1213 is both. (Said to a COMMIT, as a Galera cluster does, Diesel has no kind for it.)
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, information) => {
            let is_deadlock = information.message().starts_with("Deadlock");
            Some(if is_deadlock { Cause::Deadlock } else { Cause::Serialization })
        }
        DieselError::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        )
        | DieselError::BrokenTransactionManager
        | DieselError::AlreadyInTransaction
        | DieselError::NotInTransaction => Some(Cause::LostConnection),
        // PostgreSQL 25006: a standby, or a primary that has become one.
        DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => {
            Some(Cause::CannotWrite)
        }
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            Some(by_message(information.message()))
        }
        DieselError::RollbackErrorOnCommit { .. } => Some(Cause::LostConnection),
        _ => None,
    }
}

/// Diesel has no kind for these. SQLite says them in English, and so does MariaDB, because it is told to. A
/// PostgreSQL that speaks another language, which only a superuser can forbid, ends in `Unknown`: nothing
/// goes wrong by that, but who waits for a lock for some seconds is told of a failure.
fn by_message(message: &str) -> Cause {
    const SAID: [(&str, Cause); 17] = [
        ("deadlock", Cause::Deadlock),        // PostgreSQL 40P01, Galera 1213
        ("Deadlock", Cause::Deadlock),        // MySQL 1213
        ("lock timeout", Cause::LockTimeout), // PostgreSQL 55P03
        ("Lock wait timeout", Cause::LockTimeout), // MySQL 1205
        ("database is locked", Cause::Busy),  // SQLITE_BUSY
        ("database table is locked", Cause::Busy), // SQLITE_LOCKED
        ("Record has changed", Cause::Serialization), // MariaDB 1020
        ("disk is full", Cause::CannotWrite), // SQLITE_FULL
        ("No space left", Cause::CannotWrite), // PostgreSQL 53100
        ("is full", Cause::CannotWrite),      // MySQL 1114
        ("disk I/O error", Cause::CannotWrite), // SQLITE_IOERR
        ("unable to open", Cause::CannotWrite), // SQLITE_CANTOPEN
        ("readonly database", Cause::CannotWrite), // SQLITE_READONLY
        ("--read-only option", Cause::CannotWrite), // MariaDB 1290, a replica
        ("WSREP has not yet prepared", Cause::CannotWrite), // Galera 1047, a node without its cluster
        ("SAVEPOINT as_one does not exist", Cause::Serialization), // a transaction that was lost: `galera`
        ("WSREP replication failed", Cause::CannotWrite),          // Galera 1180
    ];
    let said = SAID.iter().find(|(words, _)| message.contains(words));
    said.map_or(Cause::Unknown, |(_, cause)| *cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: DatabaseErrorKind, words: &str) -> Option<Cause> {
        cause(&DieselError::DatabaseError(kind, Box::new(words.to_owned())))
    }

    #[test]
    fn what_diesel_has_a_kind_for_is_known_by_that() {
        use DatabaseErrorKind::{
            CheckViolation, ClosedConnection, SerializationFailure, UnableToSendCommand,
            UniqueViolation,
        };
        for (kind, words, cause) in [
            (UniqueViolation, "duplicate key", Some(Cause::KeyTaken)),
            (SerializationFailure, "Deadlock found when trying to get lock", Some(Cause::Deadlock)),
            (SerializationFailure, "could not serialize access", Some(Cause::Serialization)),
            (ClosedConnection, "", Some(Cause::LostConnection)),
            (UnableToSendCommand, "", Some(Cause::LostConnection)),
            (CheckViolation, "quantity", None),
        ] {
            assert_eq!(said(kind, words), cause, "{words}");
        }
    }

    #[test]
    fn what_a_database_of_several_servers_says_has_a_cure() {
        use DatabaseErrorKind::{ReadOnlyTransaction, Unknown};
        for (kind, words, cause) in [
            // As Galera says it to a COMMIT that lost: Diesel knows the number only of other statements.
            (
                Unknown,
                "Deadlock found when trying to get lock; try restarting transaction",
                Cause::Deadlock,
            ),
            (Unknown, "Deadlock: wsrep aborted transaction", Cause::Deadlock),
            (
                Unknown,
                "WSREP detected deadlock/conflict and aborted the transaction. Try restarting the \
                 transaction",
                Cause::Deadlock,
            ),
            (Unknown, "WSREP has not yet prepared node for application use", Cause::CannotWrite),
            (
                Unknown,
                "The MariaDB server is running with the --read-only option so it cannot execute this \
                 statement",
                Cause::CannotWrite,
            ),
            (
                ReadOnlyTransaction,
                "cannot execute INSERT in a read-only transaction",
                Cause::CannotWrite,
            ),
        ] {
            assert_eq!(said(kind, words), Some(cause), "{words}");
        }
        assert_eq!(said(Unknown, "Table 'shop.books' doesn't exist"), Some(Cause::Unknown));
    }
}
