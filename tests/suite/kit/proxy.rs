//! A TCP proxy between a server and its database that can be cut, and can swallow the answer to a
//! commit.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Database, eventually};

/// What happens to the next COMMITs that come by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// The database gets it, then the line dies: the server cannot know that it was carried out.
    Delivered,
    /// The line dies before the database gets it.
    Lost,
    /// MariaDB gets it, and what is said of that is what a node says that lost its cluster meanwhile.
    #[allow(dead_code, reason = "the storm has no need of it")]
    Denied,
}

/// MariaDB's packet for Galera's error 1180. To a COMMIT, which is the first packet of its command.
fn denial() -> Vec<u8> {
    let said = b"\xff\x9c\x04#HY000WSREP replication failed. Check your wsrep connection state";
    let (length, number) = (said.len() as u8, 1);
    [&[length, 0, 0, number], said.as_slice()].concat()
}

pub struct Proxy {
    pub port: u16,
    wires: Arc<Wires>,
}

struct Wires {
    database: String,
    is_cut: AtomicBool,
    is_stalled: AtomicBool,
    is_closed: AtomicBool,
    /// Milliseconds that each message to the database is late.
    delay: AtomicU64,
    /// Connections that are open.
    open: AtomicUsize,
    lines: Mutex<Vec<TcpStream>>,
    fate: Mutex<Option<Commit>>,
    commits_left: AtomicUsize,
}

impl Proxy {
    pub fn before(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let wires = Arc::new(Wires {
            database: database.server_address(),
            is_cut: AtomicBool::new(false),
            is_stalled: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            delay: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            lines: Mutex::default(),
            fate: Mutex::new(None),
            commits_left: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&wires);
        std::thread::spawn(move || {
            for line in listener.incoming().flatten() {
                if accepting.is_closed.load(Ordering::SeqCst) {
                    return;
                }
                accepting.connect(line);
            }
        });
        Self { port: address.port(), wires }
    }

    /// Drops every connection, and every new one until [`Self::mend`].
    pub fn cut(&self) {
        self.wires.is_cut.store(true, Ordering::SeqCst);
        self.wires.drop_lines();
    }

    /// Connections that are open.
    #[allow(dead_code, reason = "the storm needs it")]
    pub fn open(&self) -> usize {
        self.wires.open.load(Ordering::SeqCst)
    }

    pub fn mend(&self) {
        self.wires.is_cut.store(false, Ordering::SeqCst);
    }

    /// Lets each message to the database be late by so much.
    #[allow(dead_code, reason = "the storm needs it")]
    pub fn delay(&self, each: Duration) {
        self.wires.delay.store(each.as_millis() as u64, Ordering::SeqCst);
    }

    /// Keeps every connection open and lets no message to the database through but for its first half,
    /// until [`Self::resume`].
    pub fn stall(&self) {
        self.wires.is_stalled.store(true, Ordering::SeqCst);
    }

    pub fn resume(&self) {
        self.wires.is_stalled.store(false, Ordering::SeqCst);
    }

    /// Does this to each of the next `count` COMMITs.
    pub fn strike(&self, fate: Commit, count: usize) {
        *self.wires.fate.lock().unwrap() = Some(fate);
        self.wires.commits_left.store(count, Ordering::SeqCst);
    }

    /// COMMITs that are still to be struck.
    pub fn commits_left(&self) -> usize {
        self.wires.commits_left.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wires.is_closed.store(true, Ordering::SeqCst);
        self.wires.drop_lines();
        // Wakes the thread that accepts, so that it sees that it is over.
        let _ = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port)));
    }
}

impl Wires {
    fn connect(self: &Arc<Self>, server: TcpStream) {
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        let Ok(database) = TcpStream::connect(&self.database) else { return };
        let ends = [server, database];
        for end in &ends {
            end.set_nodelay(true).unwrap();
            self.lines.lock().unwrap().push(end.try_clone().unwrap());
        }
        let [server, database] = ends;
        // The cut may have come between the check and the push.
        if self.is_cut.load(Ordering::SeqCst) {
            self.drop_lines();
            return;
        }
        let (from, to) = (database.try_clone().unwrap(), server.try_clone().unwrap());
        let is_denied = Arc::new(AtomicBool::new(false));
        let denied = Arc::clone(&is_denied);
        std::thread::spawn(move || copy(from, to, &denied));
        let wires = Arc::clone(self);
        self.open.fetch_add(1, Ordering::SeqCst);
        std::thread::spawn(move || {
            wires.forward(server, database, &is_denied);
            wires.open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    fn drop_lines(&self) {
        for line in self.lines.lock().unwrap().drain(..) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }

    /// Copies what the server says to the database, with an eye on COMMITs.
    fn forward(&self, mut server: TcpStream, mut database: TcpStream, is_denied: &AtomicBool) {
        let mut buffer = [0; 64 * 1024];
        while let Ok(length @ 1..) = server.read(&mut buffer) {
            let mut said = &buffer[..length];
            std::thread::sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
            if self.is_stalled.load(Ordering::SeqCst) {
                let (first, rest) = said.split_at(length / 2);
                if database.write_all(first).is_err() {
                    break;
                }
                said = rest;
                self.wait_out_stall();
            }
            let fate = self.fate_of(&buffer[..length]);
            if fate == Some(Commit::Delivered) {
                // Nothing comes back any more, but the database reads this to its end.
                let _ = server.shutdown(Shutdown::Both);
                let _ = database.write_all(said);
                let _ = database.shutdown(Shutdown::Write);
                return;
            }
            if fate == Some(Commit::Denied) {
                is_denied.store(true, Ordering::SeqCst);
                if database.write_all(said).is_err() {
                    break;
                }
                continue;
            }
            if fate == Some(Commit::Lost) || database.write_all(said).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
        let _ = database.shutdown(Shutdown::Both);
    }

    fn wait_out_stall(&self) {
        while self.is_stalled.load(Ordering::SeqCst) && !self.is_closed.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn fate_of(&self, said: &[u8]) -> Option<Commit> {
        // The end of PostgreSQL's message, and of MariaDB's: nothing else has the word there.
        let is_commit = said.ends_with(b"COMMIT\0") || said.ends_with(b"COMMIT");
        let is_struck = is_commit
            && self
                .commits_left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        is_struck.then(|| *self.fate.lock().unwrap()).flatten()
    }
}

/// Copies what the database says, but for the answer to a COMMIT that is denied.
fn copy(mut from: TcpStream, mut to: TcpStream, is_denied: &AtomicBool) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let is_denied = is_denied.swap(false, Ordering::SeqCst);
        let said = if is_denied { denial() } else { buffer[..length].to_vec() };
        if to.write_all(&said).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Waits until `count` COMMITs were struck.
pub fn wait_for_strikes(proxy: &Proxy) {
    let struck = || (proxy.commits_left() == 0).then_some(());
    eventually(Duration::from_secs(60), "the commits are struck", struck);
}
