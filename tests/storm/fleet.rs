//! Some server processes on one database, each behind a proxy of its own where there is a line to cut.

use std::sync::{Arc, Mutex, RwLock};

use serde_json::json;

use crate::engine::Engine;
use crate::kit::{Backend, Bookstore, Client, Database, Proxy, Server, create_token, new_book};

/// Titles.
const BOOKS: usize = 8;

/// Short, so that a storm of a minute sees many requests come to their deadline.
const REQUEST_TIMEOUT: &str = "5";

pub struct Fleet {
    pub ships: Vec<Ship>,
    pub database: Database,
    /// The database's server, if it may be killed.
    pub engine: Option<Engine>,
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
}

impl Fleet {
    pub fn launch(backend: Backend, count: usize) -> Self {
        let database = Database::migrated(backend);
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
        Self { ships, database, engine, storefront, admin, books }
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
        let ship = Self { server: Mutex::new(None), address: RwLock::default(), proxy, url };
        ship.relaunch();
        ship
    }

    /// Where its server listens, or listened.
    pub fn address(&self) -> String {
        self.address.read().unwrap().clone()
    }

    /// Starts a server in the place of the one before.
    pub fn relaunch(&self) {
        let server = Server::start(&self.url, &["--request-timeout", REQUEST_TIMEOUT]);
        *self.address.write().unwrap() = server.url.clone();
        *self.server.lock().unwrap() = Some(Arc::new(server));
    }

    pub fn crash(&self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            server.crash();
        }
    }

    pub fn terminate(&self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            server.stop();
        }
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
