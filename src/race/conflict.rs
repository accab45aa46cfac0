//! What a database says when two meet: which of its errors mean that somebody else was faster.

use std::fmt;

use diesel::result::{DatabaseErrorKind, Error};

/// Why an attempt came to nothing although the same attempt, made alone, would have sold a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conflict {
    /// The row was no longer what had been read, says the application's own check.
    Outrun,
    /// PostgreSQL 40001: no order of these transactions explains what they saw.
    Serialization,
    /// PostgreSQL 40P01, MySQL and MariaDB 1213: each waited for the other.
    Deadlock,
    /// MariaDB 1020, with `innodb_snapshot_isolation`: the row changed since it was read.
    Changed,
    /// SQLITE_BUSY: another connection writes, or wrote since the snapshot was taken.
    Busy,
    /// PostgreSQL 55P03, MySQL 3572 and 1205: the row is locked, and nobody waits for it any longer.
    Locked,
}

impl Conflict {
    /// The conflict behind `error`, if it is one.
    pub fn of(error: &Error) -> Option<Self> {
        let Error::DatabaseError(kind, information) = error else { return None };
        let message = information.message();
        // Diesel has no kind for most of them, and one kind for PostgreSQL's serialization failure
        // and MySQL's deadlock. SQLite speaks English whatever the locale, MariaDB as it is told.
        const WORDS: [(&str, Conflict); 6] = [
            ("deadlock", Conflict::Deadlock),
            ("Record has changed", Conflict::Changed),
            ("database is locked", Conflict::Busy),
            ("could not obtain lock", Conflict::Locked),
            ("Lock wait timeout", Conflict::Locked),
            ("NOWAIT is set", Conflict::Locked),
        ];
        let message = message.replace("Deadlock", "deadlock");
        let by_words = WORDS.iter().find(|(words, _)| message.contains(words));
        match (by_words, kind) {
            (Some((_, conflict)), _) => Some(*conflict),
            (None, DatabaseErrorKind::SerializationFailure) => Some(Self::Serialization),
            (None, _) => None,
        }
    }

    /// The number by which the database's manual knows it.
    fn number(self, message: &str) -> Option<&'static str> {
        match self {
            Self::Outrun => None,
            Self::Serialization => Some("40001"),
            Self::Deadlock if message.starts_with("Deadlock") => Some("1213"),
            Self::Deadlock => Some("40P01"),
            Self::Changed => Some("1020"),
            Self::Busy => Some("SQLITE_BUSY"),
            Self::Locked if message.starts_with("Lock wait timeout") => Some("1205"),
            Self::Locked if message.contains("NOWAIT is set") => Some("3572"),
            Self::Locked => Some("55P03"),
        }
    }
}

/// What a database said instead of doing what it was told. The same failure gives the same words
/// every time: there is no process id, row or time in them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Failure {
    /// One line; with its number if it is a conflict.
    pub(super) said: String,
    /// Whether that is because somebody else was faster.
    pub(super) conflict: Option<Conflict>,
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        let message = match error {
            Error::DatabaseError(_, information) => information.message().to_owned(),
            other => other.to_string(),
        };
        let message = message.lines().next().unwrap_or_default().trim();
        let conflict = Conflict::of(error);
        let said = match conflict.and_then(|conflict| conflict.number(message)) {
            Some(number) => format!("{number}: {message}"),
            None => message.to_owned(),
        };
        Self { said, conflict }
    }

    /// One that no database said.
    pub(super) fn other(said: String) -> Self {
        Self { said, conflict: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}
