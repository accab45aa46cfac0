//! Watches over connections, so that nobody keeps them: how many one address has, how long each may be
//! there without a request, and how much of what it sends is taken in before it is dealt with.
//!
//! The HTTP layer bounds the time to the first request's headers, and that of an idle connection. It
//! does not bound the headers of a second request, an answer that is taken drop by drop, or a chunked
//! body that nobody wants to read. So each connection has a time at which it is cut, moved on with each
//! request: an atomic number, looked at once a second.

mod body;
mod connection;
#[cfg(test)]
mod contract;
mod entrance;
mod head;
mod paced;

use std::collections::HashMap;
use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use socket2::SockRef;

pub(super) use self::body::heed;
pub(super) use self::connection::{Connection, Request};
pub(super) use self::entrance::{Entrance, Wire};
pub(super) use self::paced::Paced;
use super::address::{Proxies, Source};
use crate::config;
use crate::metrics::{self, Limit};

/// How often the connections are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What the operating system takes in of a peer before it is read, in bytes: its own memory, of which
/// nobody is to have much. Most requests fit in here; a long body takes some more round trips.
const UNREAD: usize = 4 * 1024;

/// Makes the operating system give up a peer that does not take what it is sent, and not take in more of a
/// peer than is read. Connections have this from their listener, with and without TLS.
///
/// # Errors
/// If the operating system does not know how.
pub(super) fn bound(listener: &TcpListener, write_timeout: Duration) -> std::io::Result<()> {
    SockRef::from(listener).set_recv_buffer_size(UNREAD)?;
    // TCP_USER_TIMEOUT (RFC 5482): no byte was acknowledged for so long, or, in Linux, the peer's window
    // was closed for so long (measured with 6.18). Elsewhere the time below has to do.
    #[cfg(target_os = "linux")]
    SockRef::from(listener).set_tcp_user_timeout(Some(write_timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = (listener, write_timeout);
    Ok(())
}

/// All connections of a server.
pub(super) struct Connections {
    started: Instant,
    /// How long a connection may be there after an answer: it takes the answer, idles, and sends the
    /// next headers.
    patience: Duration,
    /// Most of one address; 0 for no limit.
    most_of_one: u32,
    proxies: Proxies,
    metrics: metrics::Limits,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    connections: Vec<Weak<Connection>>,
    of_source: HashMap<Source, u32>,
}

impl Connections {
    pub(super) fn new(
        limits: &config::Limits,
        proxies: Proxies,
        metrics: metrics::Limits,
    ) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            patience: limits.write_timeout + limits.keep_alive + limits.header_timeout,
            most_of_one: limits.address_connections,
            proxies,
            metrics,
            open: Mutex::default(),
        })
    }

    /// `None` if this address has as many as it may.
    fn open(self: &Arc<Self>, peer: IpAddr) -> Option<Arc<Connection>> {
        let peer = peer.to_canonical();
        let counts = self.most_of_one > 0 && !peer.is_loopback() && !self.proxies.contain(peer);
        let source = counts.then(|| Source::from(peer));
        let mut open = self.open.lock();
        if let Some(source) = source {
            let of_source = open.of_source.entry(source).or_default();
            if *of_source >= self.most_of_one {
                self.metrics.refused(Limit::AddressConnections);
                return None;
            }
            *of_source += 1;
        }
        let connection = Arc::new(Connection::new(self, source));
        open.connections.push(Arc::downgrade(&connection));
        self.metrics.opened();
        Some(connection)
    }

    /// One that counted for `source` is no more.
    fn forget(&self, source: Option<Source>) {
        self.metrics.closed();
        let Some(source) = source else { return };
        let mut open = self.open.lock();
        if let Some(of_source) = open.of_source.get_mut(&source) {
            *of_source -= 1;
            if *of_source == 0 {
                open.of_source.remove(&source);
            }
        }
    }

    /// Cuts those whose time is up, again and again, until the runtime ends.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.cut_late();
        }
    }

    fn cut_late(&self) {
        let now = self.in_time(Duration::ZERO);
        for connection in self.all_open() {
            connection.cut_if_late(now);
        }
    }

    /// They are let go of when the lock is free again: the last who lets go takes it.
    fn all_open(&self) -> Vec<Arc<Connection>> {
        let mut open = self.open.lock();
        open.connections.retain(|connection| connection.strong_count() > 0);
        open.connections.iter().filter_map(Weak::upgrade).collect()
    }

    /// Milliseconds after the start that it will be then.
    fn in_time(&self, time: Duration) -> u64 {
        (self.started.elapsed() + time).as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    pub(super) const PATIENCE: Duration = Duration::from_secs(60);

    fn connections(most_of_one: u32) -> Arc<Connections> {
        Arc::new(Connections {
            started: Instant::now(),
            patience: PATIENCE,
            most_of_one,
            proxies: Proxies::new(&["10.0.0.0/8".parse().unwrap()]),
            metrics: Metrics::new("a test").limits.clone(),
            open: Mutex::default(),
        })
    }

    pub(super) fn connection() -> Arc<Connection> {
        connections(0).open("127.0.0.1".parse().unwrap()).unwrap()
    }

    #[test]
    fn an_address_has_no_more_connections_than_it_may() {
        let all = connections(2);
        let open = |peer: &str| all.open(peer.parse().unwrap());
        let first = open("203.0.113.9");
        let second = open("::ffff:203.0.113.9");
        assert!(first.is_some() && second.is_some() && open("203.0.113.9").is_none());
        let another = [open("203.0.113.8"), open("2001:db8::1"), open("2001:db8::2")];
        assert!(another.iter().all(Option::is_some) && open("2001:db8::3").is_none());
        for unlimited in ["127.0.0.1", "::1", "10.1.2.3"] {
            let many = [(); 5].map(|()| open(unlimited));
            assert!(many.iter().all(Option::is_some), "{unlimited}");
        }
        drop(second);
        let again = open("203.0.113.9");
        assert!(again.is_some() && open("203.0.113.9").is_none());
        drop((first, again, another));
        assert!(all.open.lock().of_source.is_empty(), "nobody is remembered for nothing");
        let without = connections(0);
        let many = [(); 5].map(|()| without.open("203.0.113.9".parse().unwrap()));
        assert!(many.iter().all(Option::is_some));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let all = connections(0);
        let kept = all.open("127.0.0.1".parse().unwrap());
        drop(all.open("127.0.0.1".parse().unwrap()));
        assert_eq!(all.all_open().len(), 1);
        assert_eq!(all.open.lock().connections.len(), 1);
        drop(kept);
        assert!(all.all_open().is_empty());
    }
}
