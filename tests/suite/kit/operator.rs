//! Whoever looks after a database, with the programs that came with it: psql, mariadb, pg_dump and the
//! like, which are told by environment and home folder where the server is and who asks.

use std::fs::File;

use reqwest::Url;

use super::{Backend, Block, Finished, finish, in_clean_environment};

pub struct Operator {
    backend: Backend,
    home: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Operator {
    /// The one who may do everything on the tests' server.
    pub fn of(backend: Backend) -> Self {
        Self::by(backend, &backend.server_url().unwrap_or_default())
    }

    /// The user of this URL.
    pub fn by(backend: Backend, url: &str) -> Self {
        let home = tempfile::Builder::new().prefix("bookstore-operator-").tempdir().unwrap();
        let mut operator = Self { backend, home, environment: Vec::new() };
        match backend {
            Backend::Sqlite => {}
            Backend::Postgres => operator.environment = in_variables(&Url::parse(url).unwrap()),
            Backend::Mysql => {
                let options = in_option_file(&Url::parse(url).unwrap());
                std::fs::write(operator.home.path().join(".my.cnf"), options).unwrap();
            }
        }
        operator
    }

    /// Runs a block of a document, with these variables besides.
    pub fn run(&self, block: &Block, variables: &[(&str, &str)]) -> Finished {
        let known = self.environment.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<_> = known.chain(variables.iter().copied()).collect();
        block.run(self.home.path(), &all)
    }

    /// Has the server's own client run a file of SQL on `database`; an error ends it.
    pub fn run_sql(&self, database: &str, sql: &str) {
        let file = self.home.path().join("statements.sql");
        std::fs::write(&file, sql).unwrap();
        let mut command = match self.backend {
            Backend::Postgres => {
                let mut psql = in_clean_environment("psql", self.home.path());
                psql.args(["--set=ON_ERROR_STOP=1", "--file=statements.sql", "--dbname", database]);
                psql
            }
            _ => {
                let mut mariadb = in_clean_environment("mariadb", self.home.path());
                mariadb.arg(database).stdin(File::open(&file).unwrap());
                mariadb
            }
        };
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        finish(&mut command, sql).exits(0);
    }
}

fn in_variables(url: &Url) -> Vec<(&'static str, String)> {
    vec![
        ("PGHOST", url.host_str().unwrap().to_owned()),
        ("PGPORT", url.port().unwrap_or(5432).to_string()),
        ("PGUSER", url.username().to_owned()),
        ("PGPASSWORD", url.password().unwrap_or_default().to_owned()),
    ]
}

fn in_option_file(url: &Url) -> String {
    format!(
        "[client]\nprotocol=tcp\nhost={}\nport={}\nuser={}\npassword={}\n",
        url.host_str().unwrap(),
        url.port().unwrap_or(3306),
        url.username(),
        url.password().unwrap_or_default()
    )
}
