//! Room for connections: each is an open file to the operating system, which allows a process so many,
//! 1,024 where nobody said otherwise. Without room left the service could not reach its database.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files of one database connection: SQLite has the database, its log and the log's index open.
const FILES_OF_THE_DATABASE: u64 = 3;

/// Standard streams, listeners, the machinery of threads, and what is open for a moment.
const OTHER_FILES: u64 = 128;

/// How many of the `wanted` connections can be had beside those to the database, after the limit was
/// raised as far as that is allowed.
pub(super) fn make_room(wanted: u32, database_connections: u32) -> u32 {
    let others = OTHER_FILES + FILES_OF_THE_DATABASE * u64::from(database_connections);
    let limit = raise(others + u64::from(wanted));
    let room = room(limit, others).min(wanted);
    if room < wanted {
        tracing::warn!(
            wanted,
            room,
            "this process may open too few files for so many connections: fewer are taken at once; \
             raise its limit (ulimit -n, LimitNOFILE), or lower --max-connections"
        );
    }
    room
}

/// Raises the limit to `needed` files if it is lower; gives the one that holds then.
fn raise(needed: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current.filter(|current| *current < needed) else { return needed };
    let raised = maximum.map_or(needed, |maximum| maximum.min(needed));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => raised,
        Err(_) => current,
    }
}

/// At least one: a service that takes no connection is none.
fn room(limit: u64, others: u64) -> u32 {
    u32::try_from(limit.saturating_sub(others)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_everything_else() {
        assert_eq!(room(1_024, 200), 824);
        assert_eq!(room(100, 200), 1);
        assert_eq!(room(u64::MAX, 200), u32::MAX);
    }
}
