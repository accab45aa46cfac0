//! Some server processes on one database, each behind a proxy of its own where there is a line to cut.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use serde_json::json;

use crate::disk::Disk;
use crate::engine::Engine;
use crate::kit::{
    Backend, Bookstore, Client, Connection, Database, Metrics, Proxy, Server, Vitals, create_token,
    eventually, new_book,
};

/// Titles.
const BOOKS: usize = 8;

/// Short, so that many requests come to their deadline.
const REQUEST_TIMEOUT: &str = "2";

/// How long a client may wait for any answer: the deadline of a request and five seconds.
pub const PATIENCE: Duration = Duration::from_secs(7);

/// So few connections to the database that those of all servers are far below its limit.
const SETTINGS: [&str; 10] = [
    "--request-timeout",
    REQUEST_TIMEOUT,
    "--read-connections",
    "2",
    "--write-connections",
    "6",
    "--log",
    "error",
    "--metrics-listen",
    "127.0.0.1:0",
];

/// A server may find its database gone, or behind a line that is cut, for so long.
const LAUNCH: Duration = Duration::from_secs(120);

pub struct Fleet {
    pub ships: Vec<Ship>,
    pub database: Database,
    /// The database's server, if it may be killed.
    pub engine: Option<Engine>,
    /// Where the database is, if that may be full.
    pub disk: Option<Disk>,
    /// Whoever does something to the database is alone in here.
    pub engine_room: Mutex<()>,
    pub storefront: Member,
    pub admin: Member,
    /// What is sold. Nothing is on the shelf before the first restock.
    pub books: Vec<i64>,
}

/// A client of the shop, as the service and as the database know it.
pub struct Member {
    pub token: String,
    pub id: i64,
}

/// One server process, and its successors.
pub struct Ship {
    server: Mutex<Option<Arc<Server>>>,
    /// Where it listens, or listened.
    address: RwLock<String>,
    pub proxy: Option<Proxy>,
    url: String,
    /// What its clock is off by, if it was started with one that can be.
    clock: tempfile::NamedTempFile,
    /// Whoever does something to the server is alone in here, and here whoever does it to the line.
    pub hull: Mutex<()>,
    collisions: AtomicU64,
    pub rigging: Mutex<()>,
}

impl Fleet {
    pub fn launch(backend: Backend, count: usize) -> Self {
        let disk = Disk::of(backend);
        let database = match &disk {
            Some(disk) if backend == Backend::Sqlite => Database::embedded_within(&disk.folder),
            _ => Database::migrated(backend),
        };
        let member = |role: &str, name: &str| {
            let token = create_token(&database, role, name);
            let id =
                database.connect().number(&format!("SELECT id FROM clients WHERE name = '{name}'"));
            Member { token, id }
        };
        let (storefront, admin) =
            (member("storefront", "storm shop"), member("admin", "storm admin"));
        let ships: Vec<_> = (0..count).map(|_| Ship::launch(&database)).collect();
        let manager = Client::to(&ships[0].address(), &admin.token);
        let book = || manager.post("/v1/books", new_book(json!({}))).expect(201)["id"].as_i64();
        let books = (0..BOOKS).filter_map(|_| book()).collect();
        let engine = Engine::of(backend);
        let engine_room = Mutex::default();
        Self { ships, database, engine, disk, engine_room, storefront, admin, books }
    }

    /// Transactions that found the number or the key taken that they were about to write. Whoever has the
    /// row lock never does: without the lock the ledger's key keeps the promise, and this tells.
    pub fn collisions(&self) -> u64 {
        self.ships.iter().map(|ship| ship.collisions.load(Ordering::Relaxed)).sum()
    }

    /// Ends every server as a service manager does: what was taken is finished.
    pub fn land(&self) {
        for ship in &self.ships {
            if let Some(proxy) = &ship.proxy {
                proxy.resume();
                proxy.mend();
            }
            ship.terminate();
        }
    }

    /// Connections to the database that the servers hold, as the database counts them. None if it cannot
    /// be asked now, or has none.
    pub fn connections(&self) -> Option<u64> {
        let Database { backend, url, .. } = &self.database;
        let name = self.database.name();
        let query = match backend {
            Backend::Sqlite => return None,
            Backend::Postgres => format!(
                "SELECT count(*) FROM pg_stat_activity \
                 WHERE datname = '{name}' AND pid <> pg_backend_pid()"
            ),
            Backend::Mysql => format!(
                "SELECT count(*) FROM information_schema.processlist \
                 WHERE db = '{name}' AND id <> connection_id()"
            ),
        };
        let mut connection = Connection::try_open(*backend, url).ok()?;
        connection.try_number(&query).ok().map(|count| count as u64)
    }

    /// What `bookstore audit` says, if it finds anything.
    pub fn audit(&self) -> Option<String> {
        let run = Bookstore::new(["audit"]).on(&self.database).run();
        (run.code != 0).then(|| run.said())
    }
}

impl Ship {
    fn launch(database: &Database) -> Self {
        let is_server = Backend::SERVERS.contains(&database.backend);
        let proxy = is_server.then(|| Proxy::before(database));
        let url = match &proxy {
            Some(proxy) => database.url_through(proxy.port),
            None => database.url.clone(),
        };
        let ship = Self {
            server: Mutex::default(),
            address: RwLock::default(),
            proxy,
            url,
            clock: tempfile::NamedTempFile::new().unwrap(),
            hull: Mutex::default(),
            collisions: AtomicU64::new(0),
            rigging: Mutex::default(),
        };
        ship.relaunch();
        ship
    }

    /// Where its server listens, or listened.
    pub fn address(&self) -> String {
        self.address.read().unwrap().clone()
    }

    /// What the operating system knows of its server.
    pub fn vitals(&self) -> Option<Vitals> {
        self.server.lock().unwrap().as_deref().map(Vitals::of)
    }

    /// Starts a server in the place of the one before.
    pub fn relaunch(&self) {
        self.launch_as(|server| server);
    }

    /// The same, with a clock that [`Self::set_clock`] sets.
    pub fn relaunch_with_clock(&self) {
        self.set_clock("+0");
        self.launch_as(|server| server.with_clock_in(self.clock.path()));
    }

    pub fn set_clock(&self, shift: &str) {
        std::fs::write(self.clock.path(), shift).unwrap();
    }

    fn launch_as(&self, dressed: impl Fn(Bookstore) -> Bookstore) {
        let server = eventually(LAUNCH, "a server starts", || {
            let arguments = ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(SETTINGS);
            let server = Bookstore::new(arguments).env("DATABASE_URL", &self.url);
            Server::try_from(dressed(server)).ok()
        });
        *self.address.write().unwrap() = server.url.clone();
        *self.server.lock().unwrap() = Some(Arc::new(server));
    }

    pub fn crash(&self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            self.take_down_collisions(&server);
            server.crash();
        }
    }

    pub fn terminate(&self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            self.take_down_collisions(&server);
            server.stop();
        }
    }

    fn take_down_collisions(&self, server: &Server) {
        let labels = [("pool", "writers"), ("cause", "key_taken")];
        let collisions = Metrics::of(server).number("bookstore_retries_total", &labels);
        self.collisions.fetch_add(collisions as u64, Ordering::Relaxed);
    }

    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        if let Some(server) = self.server.lock().unwrap().as_ref() {
            server.signal(name);
        }
    }
}
