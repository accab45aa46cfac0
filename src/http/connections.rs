//! Watches over connections, so that nobody keeps them: how many one address has, and how long each may
//! be there without a request.
//!
//! The HTTP layer bounds the time to the first request's headers, and that of an idle connection. It
//! does not bound the headers of a second request, an answer that is taken drop by drop, or a chunked
//! body that nobody wants to read. So each connection has a time at which it is cut, moved on with each
//! request: an atomic number, looked at once a second.

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, TcpListener};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use parking_lot::Mutex;
use socket2::{SockRef, Socket};

use super::address::{Proxies, Source};
use crate::config;
use crate::metrics::{self, Limit};

/// How often the connections are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What the operating system takes in of a peer before it is read, in bytes. The HTTP layer takes all that
/// is there and makes requests of it before it looks whether it has too many already: tiny ones cost a
/// hundred times their bytes, and with the usual buffers a connection that sends thousands of them and
/// never reads cost four megabytes. Most requests fit in here; a long body takes some more round trips.
const UNREAD: usize = 4 * 1024;

/// How long a connection is left open after its last answer, for the peer to read that.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection that is never cut, because it was already.
const NEVER: u64 = u64::MAX;

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

/// One connection. It ends with the last who knows of it: the HTTP layer.
pub(super) struct Connection {
    /// The same socket by another number, to close it by.
    socket: Socket,
    /// Whom it counts for, if for anybody.
    source: Option<Source>,
    requests: AtomicU32,
    /// Milliseconds after the start at which it is cut if no request is under way.
    ends: AtomicU64,
    all: Arc<Connections>,
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

    /// Greets those who connect.
    pub(super) fn greeter(
        self: &Arc<Self>,
    ) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + use<> {
        let all = Arc::clone(self);
        move |stream, data| {
            let Some(stream) = tcp_of(stream) else {
                tracing::error!("a connection of a kind that nobody knows: its limits do not hold");
                return;
            };
            let Ok(peer) = stream.peer_addr() else { return };
            let socket = SockRef::from(stream);
            let connection = socket.try_clone().map(|clone| all.open(clone, peer.ip()));
            if let Ok(Some(connection)) = connection {
                data.insert(connection);
            } else {
                // It has too many already, or there is no room to watch over it. Gone already if this
                // fails.
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }

    /// `None` if this address has as many as it may.
    fn open(self: &Arc<Self>, socket: Socket, peer: IpAddr) -> Option<Arc<Connection>> {
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
        let connection = Arc::new(Connection {
            socket,
            source,
            requests: AtomicU32::new(0),
            ends: AtomicU64::new(self.in_time(self.patience)),
            all: Arc::clone(self),
        });
        open.connections.push(Arc::downgrade(&connection));
        self.metrics.opened();
        Some(connection)
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

/// The TCP connection that HTTP is spoken on.
fn tcp_of(stream: &dyn Any) -> Option<&TcpStream> {
    let within_tls = || Some(stream.downcast_ref::<TlsStream<TcpStream>>()?.get_ref().0);
    stream.downcast_ref::<TcpStream>().or_else(within_tls)
}

impl Connection {
    /// Notes that a request is under way, for as long as what it gives back is there. A connection is
    /// not cut meanwhile: requests have time limits of their own.
    pub(super) fn begin(self: &Arc<Self>) -> Request {
        self.requests.fetch_add(1, Ordering::AcqRel);
        Request { connection: Arc::clone(self), is_last: false }
    }

    fn cut_if_late(&self, now: u64) {
        if self.requests.load(Ordering::Acquire) == 0 && self.ends.load(Ordering::Acquire) < now {
            self.ends.store(NEVER, Ordering::Release);
            self.all.metrics.refused(Limit::Silence);
            // Gone already if this fails.
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.metrics.closed();
        let Some(source) = self.source else { return };
        let mut open = self.all.open.lock();
        if let Some(of_source) = open.of_source.get_mut(&source) {
            *of_source -= 1;
            if *of_source == 0 {
                open.of_source.remove(&source);
            }
        }
    }
}

/// A request on a connection.
pub(super) struct Request {
    connection: Arc<Connection>,
    is_last: bool,
}

impl Request {
    /// Lets the connection end soon after this one's answer, whatever the peer still sends.
    pub(super) fn is_last(&mut self) {
        self.is_last = true;
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let Connection { requests, ends, all, .. } = &*self.connection;
        let time = if self.is_last { FAREWELL } else { all.patience };
        ends.store(all.in_time(time), Ordering::Release);
        requests.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};
    use std::net::TcpStream;

    use super::*;
    use crate::metrics::Metrics;

    const PATIENCE: Duration = Duration::from_secs(60);

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

    /// Both ends of a connection: what the service holds, and its peer.
    fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        peer.set_nonblocking(true).unwrap();
        (listener.accept().unwrap().0.into(), peer)
    }

    fn is_open(mut peer: &TcpStream) -> bool {
        match peer.read(&mut [0]) {
            Ok(0) => false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_has_no_more_connections_than_it_may() {
        let all = connections(2);
        let open = |peer: &str| all.open(pair().0, peer.parse().unwrap());
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
        let many = [(); 5].map(|()| without.open(pair().0, "203.0.113.9".parse().unwrap()));
        assert!(many.iter().all(Option::is_some));
    }

    #[test]
    fn a_connection_is_cut_when_its_time_is_up() {
        let all = connections(0);
        let (socket, peer) = pair();
        let connection = all.open(socket, "127.0.0.1".parse().unwrap()).unwrap();
        all.cut_late();
        assert!(is_open(&peer));
        let later = |time| all.in_time(PATIENCE + time);
        connection.cut_if_late(all.in_time(PATIENCE / 2));
        assert!(is_open(&peer));
        let request = connection.begin();
        connection.cut_if_late(later(PATIENCE));
        assert!(is_open(&peer), "a request is under way");
        drop(request);
        connection.cut_if_late(all.in_time(PATIENCE / 2));
        assert!(is_open(&peer), "it has its time from the last answer on");
        connection.cut_if_late(later(PATIENCE));
        assert!(!is_open(&peer));
    }

    #[test]
    fn after_its_last_request_a_connection_has_a_moment_left() {
        let all = connections(0);
        let (socket, peer) = pair();
        let connection = all.open(socket, "127.0.0.1".parse().unwrap()).unwrap();
        connection.begin().is_last();
        connection.cut_if_late(all.in_time(Duration::ZERO));
        assert!(is_open(&peer));
        connection.cut_if_late(all.in_time(FAREWELL * 2));
        assert!(!is_open(&peer));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let all = connections(0);
        let kept = all.open(pair().0, "127.0.0.1".parse().unwrap());
        drop(all.open(pair().0, "127.0.0.1".parse().unwrap()));
        assert_eq!(all.all_open().len(), 1);
        assert_eq!(all.open.lock().connections.len(), 1);
        drop(kept);
        assert!(all.all_open().is_empty());
    }
}
