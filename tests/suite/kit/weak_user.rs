//! A user of a database server who may do little.

use reqwest::Url;
use uuid::Uuid;

use super::{Backend, Connection, Database};

/// Gone when dropped.
pub struct WeakUser {
    backend: Backend,
    name: String,
    /// Reaches the database as this user.
    pub url: String,
}

impl WeakUser {
    /// One who may connect to `database`, and on MySQL has these `rights` on its tables. On PostgreSQL
    /// nobody but the owner may create anything in it from now on.
    pub fn of(database: &Database, rights: &str) -> Self {
        let name = format!("weak_{}", &Uuid::now_v7().simple().to_string()[16..]);
        let mut connection = database.connect();
        match database.backend {
            Backend::Postgres => {
                connection.run("REVOKE CREATE ON SCHEMA public FROM public");
                connection.run(&format!("CREATE ROLE {name} LOGIN PASSWORD 'feeble'"));
            }
            _ => {
                connection.run(&format!("CREATE USER {name} IDENTIFIED BY 'feeble'"));
                let tables = Url::parse(&database.url).unwrap().path().replace('/', "");
                connection.run(&format!("GRANT {rights} ON {tables}.* TO {name}"));
            }
        }
        let mut url = Url::parse(&database.url).unwrap();
        url.set_username(&name).unwrap();
        url.set_password(Some("feeble")).unwrap();
        Self { backend: database.backend, name, url: url.to_string() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// So many connections at a time, and no more: others keep theirs.
    pub fn may_connect_at_once(&self, connections: usize) {
        let (name, server) = (&self.name, self.backend.server_url().unwrap());
        let sql = match self.backend {
            Backend::Postgres => format!("ALTER ROLE {name} CONNECTION LIMIT {connections}"),
            _ => format!("ALTER USER {name} WITH MAX_USER_CONNECTIONS {connections}"),
        };
        Connection::open(self.backend, &server).run(&sql);
    }

    /// From now on a MySQL server answers this user over TLS alone.
    pub fn must_use_tls(&self) {
        let server = self.backend.server_url().unwrap();
        let sql = format!("ALTER USER {} REQUIRE SSL", self.name);
        Connection::open(self.backend, &server).run(&sql);
    }
}

impl Drop for WeakUser {
    fn drop(&mut self) {
        let Some(server) = self.backend.server_url() else { return };
        let what = if self.backend == Backend::Postgres { "ROLE" } else { "USER" };
        let sql = format!("DROP {what} IF EXISTS {}", self.name);
        if let Err(error) = Connection::open(self.backend, &server).try_run(&sql) {
            eprintln!("left behind: {}: {error}", self.name);
        }
    }
}
