//! One connection: whose turn it is to speak, and the time at which it is cut.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::Connections;
use crate::http::address::Source;
use crate::metrics::Limit;

/// How long a connection is left open after its last answer, for the peer to read that.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// So many bytes are welcome when nobody knows how many there will be.
pub(super) const ANY_NUMBER: usize = usize::MAX;

/// The end of a connection that is cut: it is never late again.
const CUT: u64 = u64::MAX;

/// One connection. It ends with the last who knows of it: the stream that HTTP is spoken on.
pub(in crate::http) struct Connection {
    /// Whom it counts for, if for anybody.
    pub(super) source: Option<Source>,
    requests: AtomicU32,
    /// Bytes of a request's body that somebody waits for.
    awaited: AtomicUsize,
    /// Whether the HTTP layer wanted to read when it was not the peer's turn.
    is_held_back: AtomicBool,
    /// The HTTP layer's.
    task: AtomicWaker,
    /// Milliseconds after the start at which it is cut if no request is under way, or [`CUT`].
    ends: AtomicU64,
    all: Arc<Connections>,
}

impl Connection {
    pub(super) fn new(all: &Arc<Connections>, source: Option<Source>) -> Self {
        Self {
            source,
            requests: AtomicU32::new(0),
            awaited: AtomicUsize::new(0),
            is_held_back: AtomicBool::new(false),
            task: AtomicWaker::new(),
            ends: AtomicU64::new(all.in_time(all.patience)),
            all: Arc::clone(all),
        }
    }

    /// Notes that a request is under way, for as long as what it gives back is there. A connection is
    /// not cut meanwhile: requests have time limits of their own.
    pub(in crate::http) fn begin(self: &Arc<Self>) -> Request {
        self.requests.fetch_add(1, Ordering::AcqRel);
        Request { connection: Arc::clone(self), is_last: false }
    }

    /// How many bytes of the peer are welcome now: [`ANY_NUMBER`] if nothing that it asked for is under way,
    /// else what is needed for that of its body. Any other number is of one whose length is known, which has
    /// at least so many.
    pub(super) fn welcome(&self) -> usize {
        match self.requests.load(Ordering::Acquire) {
            0 => ANY_NUMBER,
            _ => self.awaited.load(Ordering::Acquire),
        }
    }

    /// Notes that somebody waits for so many bytes of the body, or for none any more.
    pub(super) fn await_body(&self, bytes: usize) {
        self.awaited.store(bytes, Ordering::Release);
        if bytes > 0 {
            self.go_on();
        }
    }

    /// The HTTP layer's task is woken by [`Self::go_on`].
    pub(super) fn hold_back(&self) {
        self.is_held_back.store(true, Ordering::Release);
    }

    /// Lets the HTTP layer read on if it was held back.
    pub(super) fn go_on(&self) {
        if self.is_held_back.swap(false, Ordering::AcqRel) {
            self.task.wake();
        }
    }

    /// To be asked by the HTTP layer's task whenever it may have to wait: it is woken when the connection
    /// is cut.
    ///
    /// # Errors
    /// If it is cut.
    pub(super) fn check(&self, task: &mut Context<'_>) -> io::Result<()> {
        self.task.register(task.waker());
        match self.ends.load(Ordering::Acquire) {
            CUT => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn cut_if_late(&self, now: u64) {
        let ends = self.ends.load(Ordering::Acquire);
        let is_late = ends < now && self.requests.load(Ordering::Acquire) == 0;
        // Else a request came and went meanwhile, and it has its time from then on.
        let is_cut = is_late
            && self.ends.compare_exchange(ends, CUT, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if is_cut {
            self.all.metrics.refused(Limit::Silence);
            self.task.wake();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.forget(self.source);
    }
}

/// A request on a connection.
pub(in crate::http) struct Request {
    connection: Arc<Connection>,
    is_last: bool,
}

impl Request {
    /// Lets the connection end soon after this one's answer, whatever the peer still sends.
    pub(in crate::http) fn is_last(&mut self) {
        self.is_last = true;
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let Connection { requests, ends, all, .. } = &*self.connection;
        let time = if self.is_last { FAREWELL } else { all.patience };
        ends.store(all.in_time(time), Ordering::Release);
        self.connection.await_body(0);
        requests.fetch_sub(1, Ordering::AcqRel);
        self.connection.go_on();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PATIENCE, connection};
    use super::*;

    impl Connection {
        fn is_cut_after(&self, time: Duration) -> bool {
            self.cut_if_late(self.all.in_time(time));
            self.ends.load(Ordering::Acquire) == CUT
        }
    }

    #[test]
    fn a_connection_is_cut_when_its_time_is_up() {
        let connection = connection();
        assert!(!connection.is_cut_after(PATIENCE / 2));
        let request = connection.begin();
        assert!(!connection.is_cut_after(PATIENCE * 2), "a request is under way");
        drop(request);
        assert!(!connection.is_cut_after(PATIENCE / 2), "it has its time from the last answer on");
        assert!(connection.is_cut_after(PATIENCE * 2));
    }

    #[test]
    fn after_its_last_request_a_connection_has_a_moment_left() {
        let connection = connection();
        connection.begin().is_last();
        assert!(!connection.is_cut_after(Duration::ZERO));
        assert!(connection.is_cut_after(FAREWELL * 2));
    }
}
