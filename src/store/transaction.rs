//! The one door to the database: every transaction and every read goes through here, and is run
//! again when the failure is one that a second run can cure.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;
use diesel::connection::{AnsiTransactionManager, TransactionManager as _};

use super::connection::{AnyConnection, Backend, LOCK_WAIT, on_backend};
use super::error::{Cure, Error};
use super::kept::{self, Row};
use super::pool::{Pool, Session};
use crate::metrics::Cause;

/// Errors that nobody could name are given this many attempts in all: a transaction that failed
/// left nothing behind, so running it again does no harm.
const ATTEMPTS_AT_THE_UNKNOWN: u32 = 3;

/// Whoever met another writer at a key finds at the next look what that one wrote. A key that is taken so many
/// times in a row is no matter of time: a damaged ledger, whose next number is there already.
const ATTEMPTS_AT_A_TAKEN_KEY: u32 = 6;

const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Runs `work`, which locks `rows`, in one transaction and commits it.
///
/// PostgreSQL and MySQL run at READ COMMITTED, where a locked row is read in its newest version;
/// SQLite runs `BEGIN IMMEDIATE`, which takes the one write lock before the first read. `work` runs
/// again, from the start, after a serialization failure, a deadlock, a lock timeout, a lost
/// connection, or when another writer took the same key; it must therefore recognise what an
/// earlier run may have committed although its answer was lost.
///
/// Should somebody keep one of `rows` for longer than a lock is waited for, it is waited for with nothing else in
/// hand, so that nobody else waits for what `work` has by then.
///
/// # Errors
/// The error of the last attempt when no cure was left or `deadline` passed; nothing was changed, unless
/// the commit of an attempt is in doubt: its answer was lost, or said that the database could not write.
/// It is [`Error::InDoubt`] then.
pub(super) fn transaction<T>(
    pool: &Pool,
    rows: &BTreeSet<Row>,
    deadline: Instant,
    mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let wait = || wait_for(pool, rows, deadline);
    persist(pool, deadline, |session| attempt(session, &mut work), wait)
}

/// Runs `work`, which only reads, outside a transaction.
///
/// # Errors
/// As [`transaction`].
pub(super) fn read<T>(
    pool: &Pool,
    deadline: Instant,
    mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    persist(pool, deadline, |session| Ok(work(&mut session.connection)?), || ())
}

/// Runs `work` in a transaction that is rolled back: for whoever only wants to know what can be locked.
///
/// # Errors
/// As [`transaction`].
pub(super) fn undone<T>(
    pool: &Pool,
    deadline: Instant,
    mut work: impl FnMut(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let attempt = |session: &mut Session| {
        let connection = &mut session.connection;
        AnyConnection::begin_transaction(connection).map_err(Error::from)?;
        let outcome = work(connection);
        let rollback = AnyConnection::rollback_transaction(connection);
        session.is_broken |= rollback.is_err();
        Ok(outcome?)
    };
    persist(pool, deadline, attempt, || ())
}

/// Has each of `rows` once and lets go of it again, one after the other, however long that takes. What cannot be
/// waited for the transaction will find out by itself.
fn wait_for(pool: &Pool, rows: &BTreeSet<Row>, deadline: Instant) {
    for row in rows {
        let is_kept = || {
            let until = deadline.min(Instant::now() + LOCK_WAIT);
            let had = undone(pool, until, |connection| kept::wait_for(connection, *row));
            matches!(had, Err(Error::Busy(_)))
        };
        while Instant::now() < deadline && is_kept() {}
    }
}

/// Why an attempt failed.
struct Failure {
    error: Error,
    /// Whether all was done but the COMMIT, so that the error is what was said to that.
    is_of_commit: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, is_of_commit: false }
    }
}

impl Failure {
    /// Whether the attempt may have been committed all the same. Whoever lost a race is told so for
    /// certain. A line that breaks tells nothing, and neither does a database that could not write: what a
    /// node of a cluster sent to the others (Galera 1180), or SQLite to the disk, may have arrived.
    fn leaves_doubt(&self, cure: Cure) -> bool {
        self.is_of_commit && cure != Cure::Again
    }
}

/// Runs `work`, which only reads, so that all it reads is of one moment. A connection that cannot leave the
/// transaction again is given up by its pool.
///
/// # Errors
/// What `work` says, and what the database does.
pub(super) fn one_moment<T>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let begin = match connection.backend() {
        Backend::Sqlite => "BEGIN DEFERRED",
        Backend::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Backend::Mysql => {
            // Of the next transaction only; at READ COMMITTED there is no snapshot.
            connection.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
        }
    };
    begin_with(connection, begin)?;
    let outcome = work(connection);
    // There is nothing to keep.
    AnyConnection::rollback_transaction(connection)?;
    outcome
}

/// Begins a transaction by these words, where Diesel's own would say others.
fn begin_with(connection: &mut AnyConnection, words: &str) -> QueryResult<()> {
    on_backend!(connection, concrete => {
        AnsiTransactionManager::begin_transaction_sql(concrete, words)
    })
}

fn attempt<T>(
    session: &mut Session,
    work: &mut impl FnMut(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Failure> {
    let mut is_of_commit = false;
    let may_lose_transactions = session.may_lose_transactions;
    let whole = |connection: &mut AnyConnection| {
        let value =
            if may_lose_transactions { as_one(connection, work) } else { work(connection) }?;
        is_of_commit = true;
        Ok(value)
    };
    let outcome = committed(session, whole);
    outcome.map_err(|error| Failure { error, is_of_commit })
}

/// Runs `work` in a transaction of the backend's right kind.
fn committed<T>(
    session: &mut Session,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    match &mut session.connection {
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(_) => {
            // `immediate_transaction` would hand `work` a SqliteConnection; these are its parts.
            begin_with(&mut session.connection, "BEGIN IMMEDIATE")?;
            let outcome = work(&mut session.connection);
            match outcome {
                Ok(value) => {
                    AnyConnection::commit_transaction(&mut session.connection)?;
                    Ok(value)
                }
                Err(error) => {
                    // A full disk rolls back by itself, and this one then fails.
                    let rollback = AnyConnection::rollback_transaction(&mut session.connection);
                    session.is_broken |= rollback.is_err();
                    Err(error)
                }
            }
        }
        #[allow(unreachable_patterns, reason = "no other backend in some builds")]
        connection => connection.transaction(work),
    }
}

/// Runs `work` in the transaction that its caller began and will commit, and fails if that was lost on the
/// way: a savepoint is gone with the transaction in which it was set. Whatever is said to the server from
/// the last look on is answered, so that a loss is not missed there.
fn as_one<T>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    connection.batch_execute("SAVEPOINT as_one")?;
    let value = work(connection)?;
    connection.batch_execute("RELEASE SAVEPOINT as_one")?;
    Ok(value)
}

/// Makes attempts until one succeeds, with a `wait` after each that others kept waiting for a lock.
fn persist<T>(
    pool: &Pool,
    deadline: Instant,
    attempt: impl FnMut(&mut Session) -> Result<T, Failure>,
    wait: impl Fn(),
) -> Result<T, Error> {
    let mut is_in_doubt = false;
    try_until(pool, deadline, attempt, wait, &mut is_in_doubt).map_err(|error| match error {
        // An earlier attempt may have been carried out, and this one did not come so far as to look.
        Error::Busy(reason) | Error::Unavailable(reason) if is_in_doubt => Error::InDoubt(reason),
        error => error,
    })
}

fn try_until<T>(
    pool: &Pool,
    deadline: Instant,
    mut attempt: impl FnMut(&mut Session) -> Result<T, Failure>,
    wait: impl Fn(),
    is_in_doubt: &mut bool,
) -> Result<T, Error> {
    let mut pause = FIRST_PAUSE;
    let mut unknown = 0;
    let mut taken = 0;
    loop {
        let mut session = pool.get(deadline)?;
        let failure = match attempt(&mut session) {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let Some(mut cause) = failure.error.cause() else { return Err(failure.error) };
        let cure = Cure::of(cause);
        *is_in_doubt |= failure.leaves_doubt(cure);
        let error = failure.error;
        taken = if cause == Cause::KeyTaken { taken + 1 } else { 0 };
        let mut last = match cure {
            Cure::Again if taken == ATTEMPTS_AT_A_TAKEN_KEY => return Err(error),
            Cure::Again => Error::Busy(error.to_string()),
            Cure::Wait => {
                // Another may have taken this server's place, and be where a new connection leads.
                session.is_broken |= session.connection.backend() != Backend::Sqlite;
                Error::Unavailable(error.to_string())
            }
            Cure::Reconnect if session.is_alive() => {
                unknown += 1;
                if unknown == ATTEMPTS_AT_THE_UNKNOWN {
                    return Err(error);
                }
                error
            }
            Cure::Reconnect => {
                session.is_broken = true;
                cause = Cause::LostConnection;
                Error::Unavailable(error.to_string())
            }
        };
        drop(session);
        if cause == Cause::LockTimeout {
            wait();
        }
        if Instant::now() + pause >= deadline {
            if let Error::Database(error) = last {
                last = Error::Busy(error.to_string());
            }
            return Err(last);
        }
        tracing::debug!(error = %last, ?pause, "running the transaction again");
        pool.meter().runs_again(cause);
        std::thread::sleep(jitter(pause));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Between half of `pause` and all of it, so that those who collided once do not meet again.
fn jitter(pause: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or(u32::MAX);
    pause / 2 + (pause / 2).mul_f64(f64::from(share) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_commit_was_told_leaves_doubt() {
        for (is_of_commit, cure, leaves_doubt) in [
            (true, Cure::Reconnect, true),
            (true, Cure::Wait, true),
            (true, Cure::Again, false),
            (false, Cure::Reconnect, false),
            (false, Cure::Wait, false),
            (false, Cure::Again, false),
        ] {
            let error = Error::Busy(String::new());
            let failure = Failure { error, is_of_commit };
            assert_eq!(failure.leaves_doubt(cure), leaves_doubt, "{is_of_commit} {cure:?}");
        }
    }

    #[test]
    fn a_pause_is_between_half_and_all_of_it() {
        let pause = Duration::from_millis(64);
        let pauses: Vec<_> = (0..64).map(|_| jitter(pause)).collect();
        assert!(pauses.iter().all(|one| (pause / 2..=pause).contains(one)), "{pauses:?}");
        assert!(pauses.iter().any(|one| one != &pauses[0]), "{pauses:?}");
    }
}
