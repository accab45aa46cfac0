//! A bookstore that is open: a fresh database, a running server, an admin and a storefront.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{Backend, Bookstore, Client, Database, Server, isbn, secrets};

/// So few connections that four tests with two servers each stay far below the hundred that a
/// PostgreSQL takes out of the box; still more than one, so that writers meet.
const CONNECTIONS: [&str; 4] = ["--read-connections", "2", "--write-connections", "6"];

pub struct Shop {
    // Servers go before the database that they hold on to.
    servers: Mutex<Vec<Arc<Server>>>,
    pub admin: Client,
    pub storefront: Client,
    pub database: Database,
}

impl Shop {
    pub fn open(backend: Backend) -> Self {
        let database = Database::migrated(backend);
        let server = Arc::new(Server::start(&database.url, &CONNECTIONS));
        let admin = Client::new(&server, &create_token(&database, "admin", "the manager"));
        let storefront = admin.with_token(&create_token(&database, "storefront", "the web shop"));
        Self { servers: Mutex::new(vec![server]), admin, storefront, database }
    }

    pub fn backend(&self) -> Backend {
        self.database.backend
    }

    /// The server that opened with the shop.
    pub fn server(&self) -> Arc<Server> {
        Arc::clone(&self.servers.lock().unwrap()[0])
    }

    /// One more server process on the same database.
    pub fn second_server(&self) -> Arc<Server> {
        self.server_on(&self.database.url, &[])
    }

    /// One more server that reaches the database by `url`, with more arguments.
    pub fn server_on(&self, url: &str, arguments: &[&str]) -> Arc<Server> {
        self.keep(Server::start(url, &[&CONNECTIONS, arguments].concat()))
    }

    /// One more server with so many connections that many writers meet in the database.
    pub fn wide_server(&self) -> Arc<Server> {
        let wide = ["--read-connections", "2", "--write-connections", "13"];
        self.keep(Server::start(&self.database.url, &wide))
    }

    fn keep(&self, server: Server) -> Arc<Server> {
        let server = Arc::new(server);
        self.servers.lock().unwrap().push(Arc::clone(&server));
        server
    }

    /// A token for one more client.
    pub fn token(&self, role: &str, name: &str) -> String {
        create_token(&self.database, role, name)
    }

    /// A storefront besides the usual one.
    pub fn another_storefront(&self) -> Client {
        self.admin.with_token(&self.token("storefront", "another shop"))
    }

    /// A new book with so many copies at 10.00 each.
    pub fn book(&self, copies: i64) -> i64 {
        self.book_like(json!({ "quantity": copies }))
    }

    pub fn books<const N: usize>(&self, copies: [i64; N]) -> [i64; N] {
        copies.map(|copies| self.book(copies))
    }

    pub fn titled(&self, title: &str, author: &str) -> i64 {
        self.book_like(json!({ "title": title, "author": author }))
    }

    /// A new book with these members, and usual ones where it names none.
    pub fn book_like(&self, members: Value) -> i64 {
        let body = new_book(members);
        let answer = self.admin.post("/v1/books", body).expect(201);
        answer["id"].as_i64().unwrap_or_else(|| panic!("the book's id is no number\n{answer}"))
    }

    /// Runs `bookstore` on this shop's database.
    pub fn bookstore<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Bookstore {
        Bookstore::new(arguments).on(&self.database)
    }

    /// Demands that the ledger adds up.
    #[track_caller]
    pub fn audit(&self) {
        let audit = self.bookstore(["audit", "--format", "json"]).run().exits(0).json();
        assert_eq!((&audit["ok"], &audit["findings"]), (&json!(true), &json!([])), "{audit}");
    }

    /// Runs `attack` on a book of 100 copies and demands that neither the database nor the catalogue
    /// looks different, and that the server still sells.
    #[track_caller]
    pub fn is_unchanged_by(&self, attack: impl FnOnce(i64)) {
        let book = self.book(100);
        let looks = || (self.database.fingerprint(), self.admin.all("/v1/books", &[]));
        let before = looks();
        attack(book);
        assert_eq!(looks(), before);
        self.storefront.buy(book, 1).expect(201);
    }

    /// Demands that no server wrote a secret into its log.
    pub fn keeps_secrets(&self) {
        for server in self.servers.lock().unwrap().iter() {
            secrets::assert_none_in(&server.log());
        }
    }

    /// What every server wrote, the end of it.
    pub fn logs(&self) -> String {
        let servers = self.servers.lock().unwrap();
        let ends = servers.iter().map(|server| {
            let log = server.log();
            let lines: Vec<_> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(40)..].join("\n");
            format!("-- log of {}\n{end}\n", server.url)
        });
        ends.collect()
    }
}

/// The body of a request for a book with these members, and usual ones where it names none.
pub fn new_book(members: Value) -> Value {
    let nine = isbn::unused_nine();
    let mut body = json!({
        "isbn": isbn::thirteen(&nine),
        "title": format!("Book {nine}"),
        "author": "A. Writer",
        "price": { "amount": 1000 },
    });
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

pub fn create_token(database: &Database, role: &str, name: &str) -> String {
    let run =
        Bookstore::new(["token", "create", "--role", role, "--name", name]).on(database).run();
    run.exits(0).stdout.trim().to_owned()
}
