//! Whether something between us and PostgreSQL hands our session to others.
//!
//! pgbouncer in transaction or statement mode gives each transaction to whichever server connection is
//! free. What a session was told (durability, the limit on waiting for a lock, the level of isolation) then
//! holds for a stranger's transactions and not for ours, and a prepared statement is somewhere else: a
//! sale could be acknowledged that is not on disk. So the service refuses to start there.

use diesel::connection::CacheSize;
use diesel::{Connection as _, ConnectionError, PgConnection, QueryResult, RunQueryDsl as _};

/// Said when it is so.
const REFUSAL: &str = "a connection pooler before this PostgreSQL gives every transaction to another session \
    of the server, and the service needs sessions that are its own. With pgbouncer: set pool_mode = session \
    for this database or user; or connect to the server itself";

/// Two connections that take turns show it at once on a pooler that nobody else uses, for it gives both the
/// session that was used last. A busy one may need a few.
const TURNS: usize = 8;

/// Looks with two connections.
///
/// # Errors
/// What to do, if sessions are shared; else what the database says.
pub(super) fn refuse_shared_sessions(
    one: &mut PgConnection,
    other: &mut PgConnection,
) -> Result<(), ConnectionError> {
    match shares_sessions(one, other) {
        Ok(false) => Ok(()),
        Ok(true) => Err(ConnectionError::BadConnection(REFUSAL.to_owned())),
        Err(error) => Err(ConnectionError::CouldntSetupConfiguration(error)),
    }
}

/// Whether both have the same session of the server, or one has another than before. Where there is no
/// pooler, or one in session mode, each has its own and keeps it.
fn shares_sessions(one: &mut PgConnection, other: &mut PgConnection) -> QueryResult<bool> {
    // A prepared statement may be left with another session, and must not be what fails here.
    one.set_prepared_statement_cache_size(CacheSize::Disabled);
    other.set_prepared_statement_cache_size(CacheSize::Disabled);
    let session = process(one)?;
    for _ in 0..TURNS {
        if process(other)? == session || process(one)? != session {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The process of the server that serves `connection` now.
fn process(connection: &mut PgConnection) -> QueryResult<i32> {
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("pg_backend_pid()"))
        .get_result(connection)
}
