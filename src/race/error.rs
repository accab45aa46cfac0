//! Why a race could not be run. Not why it was lost: that is what it shows.

use crate::store::{self, DatabaseUrl};

/// Why there is nothing to show. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached.
    #[error("{url}: {reason}. Is the database running, and is DATABASE_URL right?")]
    Unreachable {
        /// Where it should be.
        url: DatabaseUrl,
        /// What the database or its client library says.
        reason: String,
    },
    /// There are tables named like ours that are not.
    #[error(
        "{url} has tables of its own named {}: a race needs the prefix race_ for its scratch \
         tables and touches no others. Rename them, or set DATABASE_URL to another database, for \
         instance an empty one", .names.join(", ")
    )]
    NotOurs {
        /// The database.
        url: DatabaseUrl,
        /// Their names, in alphabetical order.
        names: Vec<String>,
    },
    /// The scratch tables cannot be made.
    #[error("cannot create the scratch tables race_owner and race_books: {reason}. {advice}")]
    CannotCreate {
        /// What the database says.
        reason: String,
        /// What would help.
        advice: String,
    },
    /// The scratch tables cannot be removed.
    #[error(
        "the scratch tables are still there: {0}. The next race removes them, or: DROP TABLE \
         race_books; DROP TABLE race_owner"
    )]
    CannotRemove(String),
    /// Another race is run on the same database.
    #[error("another race is run on {0}; wait for its end")]
    Another(DatabaseUrl),
    /// The database takes no more connections.
    #[error(
        "{buyers} buyers need a connection each, but the database gives only {given}: {reason}. \
         Try fewer --buyers, or raise its limit (max_connections)"
    )]
    TooFewConnections {
        /// Connections that were wanted.
        buyers: usize,
        /// Connections that could be had.
        given: usize,
        /// What the database says.
        reason: String,
    },
    /// The backend lacks the strategy that was asked for.
    #[error("{strategy} cannot be replayed on {version}: {reason}")]
    Lacks {
        /// Its name.
        strategy: &'static str,
        /// The database.
        version: String,
        /// Why.
        reason: &'static str,
    },
    /// The isolation level that was asked for cannot be had.
    #[error("--level: {0}; leave it out")]
    Level(String),
    /// The database would tell who waits for whom, but not this user.
    #[error(
        "a replay looks up who waits for whom, and this user may not: {0}. Let an administrator \
         GRANT PROCESS ON *.* to it"
    )]
    CannotSeeLocks(String),
    /// A replay got nowhere.
    #[error("the replay is stuck: {0}")]
    Stuck(String),
    /// Somebody pressed Ctrl-C, or a service manager stopped it.
    #[error("interrupted; the scratch tables are removed")]
    Interrupted,
    /// The database failed in a way that no strategy is to blame for.
    #[error("the database failed: {0}")]
    Database(#[from] diesel::result::Error),
    /// The till's store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The operating system gave no thread, file or signal.
    #[error("the operating system refuses: {0}")]
    System(#[from] std::io::Error),
}
