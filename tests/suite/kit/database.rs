//! A database of its own for every test, gone when the test ends.

use std::path::{Path, PathBuf};

use reqwest::Url;
use uuid::Uuid;

use super::{Backend, Bookstore, Connection};

pub struct Database {
    pub backend: Backend,
    pub url: String,
    name: String,
    /// Keeps the embedded database's folder as long as the database.
    folder: tempfile::TempDir,
}

impl Database {
    /// A database without any table.
    pub fn empty(backend: Backend) -> Self {
        let database = Self::unmade(backend);
        if let Some(server) = backend.server_url() {
            let name = &database.name;
            Connection::open(backend, &server).run(&format!("CREATE DATABASE {name}"));
        }
        database
    }

    /// A database that is yet to be made, under this name; gone when the test ends all the same.
    pub fn unmade(backend: Backend) -> Self {
        Self::unmade_within(&std::env::temp_dir(), backend)
    }

    /// The same; an embedded one lies in a folder in `place`.
    fn unmade_within(place: &Path, backend: Backend) -> Self {
        let folder = tempfile::Builder::new().prefix("bookstore-test-").tempdir_in(place).unwrap();
        let name = format!("bookstore_test_{}", Uuid::now_v7().simple());
        let url = match backend.server_url() {
            None => format!("sqlite://{}", folder.path().join("bookstore.db").display()),
            Some(server) => {
                let mut url = Url::parse(&server).unwrap();
                url.set_path(&name);
                url.to_string()
            }
        };
        Self { backend, url, name, folder }
    }

    /// A database with all tables, made by `bookstore migrate`.
    pub fn migrated(backend: Backend) -> Self {
        let database = Self::empty(backend);
        database.migrate();
        database
    }

    /// An embedded database with all tables, in a folder in `place`.
    #[allow(dead_code, reason = "the storm needs it")]
    pub fn embedded_within(place: &Path) -> Self {
        let database = Self::unmade_within(place, Backend::Sqlite);
        database.migrate();
        database
    }

    fn migrate(&self) {
        Bookstore::new(["migrate"]).on(self).run().exits(0);
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.backend, &self.url)
    }

    /// A connection on which the schema's own rules are off, to damage what they protect.
    pub fn connect_without_rules(&self) -> Connection {
        let mut connection = self.connect();
        connection.run(match self.backend {
            Backend::Sqlite => "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON",
            Backend::Mysql => "SET foreign_key_checks = 0; SET check_constraint_checks = 0",
            // The replica role fires no foreign key triggers; checks have no switch but to be dropped.
            Backend::Postgres => {
                "SET session_replication_role = replica;
                 DO $$ DECLARE rule record; BEGIN
                     FOR rule IN SELECT conrelid::regclass AS of, conname FROM pg_constraint
                                 WHERE contype = 'c' AND conrelid <> 0
                                   AND connamespace = 'public'::regnamespace
                     LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', rule.of, rule.conname);
                     END LOOP;
                 END $$"
            }
        });
        connection
    }

    /// How this database writes the id of an order or entry.
    pub fn uuid_literal(&self, id: &str) -> String {
        let id: Uuid = id.parse().unwrap();
        match self.backend {
            Backend::Postgres => format!("'{id}'"),
            Backend::Sqlite | Backend::Mysql => format!("X'{}'", id.simple()),
        }
    }

    /// How this database writes bytes.
    pub fn bytes_literal(&self, bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self.backend {
            Backend::Postgres => format!("'\\x{digits}'"),
            Backend::Sqlite | Backend::Mysql => format!("X'{digits}'"),
        }
    }

    /// The file of the embedded database.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("bookstore.db")
    }

    /// The same database, reached through another port of this machine.
    pub fn url_through(&self, port: u16) -> String {
        let mut url = Url::parse(&self.url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        url.to_string()
    }

    /// Where the server of this database listens.
    pub fn server_address(&self) -> String {
        let url = Url::parse(&self.url).unwrap();
        let usual = if self.backend == Backend::Postgres { 5432 } else { 3306 };
        format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(usual))
    }

    /// Sums over every table: two equal ones mean that nothing was added, removed or counted
    /// between them.
    pub fn fingerprint(&self) -> String {
        const SUMS: [&str; 11] = [
            "SELECT count(*) FROM clients",
            "SELECT count(*) FROM books",
            "SELECT sum(quantity) + 3 * sum(last_seq) + 7 * sum(version) + 11 * sum(price_minor) FROM books",
            "SELECT sum(length(title)) + 3 * sum(length(author)) + sum(id) FROM books",
            "SELECT count(*) FROM books WHERE archived_at IS NOT NULL",
            "SELECT count(*) FROM orders",
            "SELECT sum(total_minor) FROM orders",
            "SELECT count(*) FROM orders WHERE status = 'held'",
            "SELECT count(*) FROM orders WHERE status = 'placed'",
            "SELECT count(*) FROM stock_entries",
            "SELECT 1000000 * count(*) + sum(delta) + 3 * sum(quantity_after) FROM stock_movements",
        ];
        let mut connection = self.connect();
        SUMS.map(|query| connection.number(query).to_string()).join(" ")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(server) = self.backend.server_url() else { return };
        let force = if self.backend == Backend::Postgres { " WITH (FORCE)" } else { "" };
        let sql = format!("DROP DATABASE IF EXISTS {}{force}", self.name);
        if let Err(error) = Connection::open(self.backend, &server).try_run(&sql) {
            eprintln!("left behind: {}: {error}", self.name);
        }
    }
}
