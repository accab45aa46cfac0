//! Server processes of the shop before a database that is more than one server.

use std::mem::ManuallyDrop;
use std::time::Duration;

use serde_json::json;

use crate::kit::{Bookstore, Client, Database, Server, create_token, eventually, new_book};

/// Titles.
const BOOKS: usize = 8;

const REQUEST_TIMEOUT: &str = "2";

/// How long a client may wait for any answer: the deadline of a request, five seconds, and three for a
/// machine that starts a database server at that moment.
pub const PATIENCE: Duration = Duration::from_secs(10);

const SETTINGS: [&str; 8] = [
    "--request-timeout",
    REQUEST_TIMEOUT,
    "--read-connections",
    "2",
    "--write-connections",
    "4",
    "--log",
    "error",
];

const LAUNCH: Duration = Duration::from_secs(60);

pub struct Fleet {
    pub ships: Vec<Ship>,
    /// Gone with its servers, of which some may be gone before.
    pub database: ManuallyDrop<Database>,
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

/// One server process.
pub struct Ship {
    server: Server,
}

impl Fleet {
    /// A server for each of `urls`, all of which lead to `database`.
    pub fn launch(database: Database, urls: &[String]) -> Self {
        let member = |role: &str, name: &str| {
            let token = create_token(&database, role, name);
            let id =
                database.connect().number(&format!("SELECT id FROM clients WHERE name = '{name}'"));
            Member { token, id }
        };
        let (storefront, admin) =
            (member("storefront", "cluster shop"), member("admin", "cluster admin"));
        let ships: Vec<_> = urls.iter().map(|url| Ship::launch(url)).collect();
        let manager = Client::to(&ships[0].address(), &admin.token);
        let book = || manager.post("/v1/books", new_book(json!({}))).expect(201)["id"].as_i64();
        let books = (0..BOOKS).filter_map(|_| book()).collect();
        Self { ships, database: ManuallyDrop::new(database), storefront, admin, books }
    }

    /// Ends every server as a service manager does.
    pub fn land(&self) {
        for ship in &self.ships {
            ship.server.stop();
        }
    }

    /// What `bookstore audit` says, if it finds anything.
    pub fn audit(&self) -> Option<String> {
        let run = Bookstore::new(["audit"]).on(&self.database).run();
        (run.code != 0).then(|| run.said())
    }
}

impl Ship {
    fn launch(url: &str) -> Self {
        let server = eventually(LAUNCH, "a server starts", || {
            let arguments = ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(SETTINGS);
            Server::try_from(Bookstore::new(arguments).env("DATABASE_URL", url)).ok()
        });
        Self { server }
    }

    pub fn address(&self) -> String {
        self.server.url.clone()
    }
}
