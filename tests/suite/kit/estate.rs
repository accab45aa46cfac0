//! A database set up as docs/operate.md says, by the very statements that stand there: one user who
//! migrates, and one who serves and may not change a table. SQLite has no users: there both are one.

use reqwest::Url;
use uuid::Uuid;

use super::{Backend, Bookstore, Connection, Database, Operator, block};

const DOCUMENT: &str = "docs/operate.md";

pub struct Estate {
    // Goes first: who owns something cannot be removed.
    pub database: Database,
    users: Option<Users>,
}

/// Gone when dropped.
struct Users {
    backend: Backend,
    owner: String,
    service: String,
    password: String,
}

impl Estate {
    pub fn open(backend: Backend) -> Self {
        let database = Database::unmade(backend);
        if backend == Backend::Sqlite {
            Bookstore::new(["migrate"]).on(&database).run().exits(0);
            return Self { database, users: None };
        }
        let suffix = Uuid::now_v7().simple().to_string();
        let users = Users {
            backend,
            owner: format!("owner_{}", &suffix[16..]),
            service: format!("service_{}", &suffix[16..]),
            password: format!("word-{suffix}"),
        };
        let estate = Self { database, users: Some(users) };
        let everywhere = if backend == Backend::Postgres { "postgres" } else { "mysql" };
        Operator::of(backend).run_sql(everywhere, &estate.sql("roles", &estate.database));
        Bookstore::new(["migrate"]).env("DATABASE_URL", &estate.owner_url()).run().exits(0);
        estate.grant_on(&estate.database);
        estate
    }

    /// Gives the service its rights on the tables of `database`, which may be a copy.
    pub fn grant_on(&self, database: &Database) {
        if self.users.is_some() {
            let sql = self.sql("rights", database);
            Operator::of(database.backend).run_sql(database.name(), &sql);
        }
    }

    /// A block of SQL of the document for this kind of database, with the names of this estate.
    pub fn sql(&self, what: &str, database: &Database) -> String {
        let users = self.users.as_ref().unwrap();
        let kind = if users.backend == Backend::Postgres { "postgres" } else { "mariadb" };
        let block = block(DOCUMENT, &format!("{kind}-{what}.sql"));
        let values = [
            ("shop", database.name()),
            ("shop_owner", &users.owner),
            ("shop_service", &users.service),
            ("owner_password", &users.password),
            ("service_password", &users.password),
        ];
        filled(&block.code, &values)
    }

    /// Reaches the database as the one who migrates.
    pub fn owner_url(&self) -> String {
        let owner = self.users.as_ref().map(|users| users.owner.as_str());
        self.url_of(owner, &self.database)
    }

    /// Reaches the database as the one who serves.
    pub fn service_url(&self) -> String {
        self.service_url_of(&self.database)
    }

    /// Reaches `database`, which may be a copy, as the one who serves.
    pub fn service_url_of(&self, database: &Database) -> String {
        let service = self.users.as_ref().map(|users| users.service.as_str());
        self.url_of(service, database)
    }

    fn url_of(&self, name: Option<&str>, database: &Database) -> String {
        let (Some(name), Some(users)) = (name, &self.users) else { return database.url.clone() };
        let mut url = Url::parse(&database.url).unwrap();
        url.set_username(name).unwrap();
        url.set_password(Some(&users.password)).unwrap();
        url.to_string()
    }
}

impl Drop for Users {
    fn drop(&mut self) {
        let Some(server) = self.backend.server_url() else { return };
        let what = if self.backend == Backend::Postgres { "ROLE" } else { "USER" };
        for name in [&self.owner, &self.service] {
            let sql = format!("DROP {what} IF EXISTS {name}");
            if let Err(error) = Connection::open(self.backend, &server).try_run(&sql) {
                eprintln!("left behind: {name}: {error}");
            }
        }
    }
}

/// `text` with whole words replaced.
fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_of_word) {
        let (between, from_word) = rest.split_at(start);
        let end = from_word.find(|c| !is_of_word(c)).unwrap_or(from_word.len());
        let (word, after) = from_word.split_at(end);
        let value = values.iter().find(|(name, _)| *name == word);
        out += between;
        out += value.map_or(word, |(_, value)| value);
        rest = after;
    }
    out + rest
}
