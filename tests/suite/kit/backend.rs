//! Which databases there are, and whether this run can reach them.

use std::fmt;

/// A kind of database that the bookstore runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
    Mysql,
}

impl Backend {
    pub const ALL: &[Self] = &[Self::Sqlite, Self::Postgres, Self::Mysql];
    /// Those that are a server of their own, reached over TCP.
    pub const SERVERS: &[Self] = &[Self::Postgres, Self::Mysql];
    /// Those that are a file.
    pub const EMBEDDED: &[Self] = &[Self::Sqlite];
    /// The one that the schema file is printed from.
    pub const POSTGRES: &[Self] = &[Self::Postgres];
    /// The one whose client library knows little of TLS.
    pub const MYSQL: &[Self] = &[Self::Mysql];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }

    fn is_compiled_in(self) -> bool {
        match self {
            Self::Sqlite => cfg!(feature = "sqlite"),
            Self::Postgres => cfg!(feature = "postgres"),
            Self::Mysql => cfg!(feature = "mysql"),
        }
    }

    fn server_variable(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("BOOKSTORE_TEST_POSTGRES_URL"),
            Self::Mysql => Some("BOOKSTORE_TEST_MYSQL_URL"),
        }
    }

    /// The server on which tests may create databases.
    pub fn server_url(self) -> Option<String> {
        self.server_variable().and_then(variable)
    }

    /// What is missing to run tests on this backend; `None` if all is there.
    pub fn missing(self) -> Option<Missing> {
        if !self.is_compiled_in() {
            let what = format!("{self}: not compiled in; run `cargo test --all-features`");
            return Some(Missing { what, is_optional: false });
        }
        let variable = self.server_variable().filter(|_| self.server_url().is_none())?;
        let what = format!(
            "{self}: no server; set {variable} to one where tests may create databases, or run \
             `scripts/with-servers cargo test --all-features`"
        );
        Some(Missing { what, is_optional: false })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that tests cannot run without.
pub struct Missing {
    /// What it is, and how to run the tests all the same.
    pub what: String,
    /// Whether it is fine to be without it even where everything is required.
    pub is_optional: bool,
}

impl Missing {
    /// Whether tests that need it fail, rather than being left out.
    pub fn is_failure(&self) -> bool {
        !self.is_optional && variable("BOOKSTORE_TEST_REQUIRE").as_deref() == Some("all")
    }
}

/// An environment variable that is set to something.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
