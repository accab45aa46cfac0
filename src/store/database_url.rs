//! Where a database is, as its operator says it, and how much of that may be shown.

use std::fmt;
use std::path::PathBuf;

use super::connection::Backend;
use super::encryption;

/// Where the database is: a URL whose scheme this build understands. Displays without password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    backend: Backend,
    url: String,
}

/// Why a database URL was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDatabaseUrl {
    /// Not one of the three schemes.
    #[error(
        "it must start with sqlite://, postgres:// or mysql://, for instance sqlite://bookstore.db"
    )]
    Scheme,
    /// The scheme is known, but this program was built without it.
    #[error(
        "this program was built without {}; build it with `cargo build --release --features {}`",
        .0.name(), .0.slug()
    )]
    NotCompiledIn(Backend),
    /// `sqlite://` without a file. An in-memory database would be another one for each connection.
    #[error("sqlite:// needs the path of a file, for instance sqlite://bookstore.db")]
    NoFile,
    /// It asks for TLS, which the libpq in this program does not speak. What asks for it.
    #[error(
        "{} asks for TLS, and {}. Should the way to the server be safe without: sslmode=disable",
        .0, encryption::BUILD_WITH_TLS
    )]
    NoTlsToPostgres(String),
    /// It has an `ssl_mode`, which would be dropped.
    #[error(
        "ssl_mode does not reach MariaDB's client library, which this program was built with. Leave it \
         out: with ssl_ca=FILE alone the connection is encrypted, and to a server whose certificate that \
         authority signed, or refused; the server's name is not looked at. A program built with MySQL's \
         own library (libmysqlclient) knows ssl_mode=verify_identity"
    )]
    NoSslMode,
    /// It has a parameter of this name, which would be dropped.
    #[error(
        "the parameter {0} is none that a mysql:// URL may have, and would be ignored. These are: \
         unix_socket, ssl_ca, ssl_cert, ssl_key, and with MySQL's own client library ssl_mode"
    )]
    UnknownParameter(String),
}

impl DatabaseUrl {
    /// Takes a URL with scheme `sqlite`, `postgres`, `postgresql`, `mysql` or `mariadb`. One that asks for
    /// TLS, in itself or together with libpq's part of the environment, is refused by a build that cannot
    /// do that.
    ///
    /// # Errors
    /// [`BadDatabaseUrl`] names the fix.
    pub fn parse(url: &str) -> Result<Self, BadDatabaseUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(BadDatabaseUrl::Scheme)?;
        let (backend, url) = match scheme {
            "sqlite" => (Backend::Sqlite, rest.to_owned()),
            "postgres" | "postgresql" => (Backend::Postgres, url.to_owned()),
            "mysql" | "mariadb" => (Backend::Mysql, format!("mysql://{rest}")),
            _ => return Err(BadDatabaseUrl::Scheme),
        };
        if !backend.is_compiled_in() {
            return Err(BadDatabaseUrl::NotCompiledIn(backend));
        }
        if backend == Backend::Sqlite
            && (rest.is_empty() || rest.starts_with(':') || rest.contains('?'))
        {
            return Err(BadDatabaseUrl::NoFile);
        }
        encryption::refuse_what_is_not_done(backend, &url, |name| std::env::var(name).ok())?;
        Ok(Self { backend, url })
    }

    /// The backend that the scheme names.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The URL with what is secret in it, as the backend's client library takes it: a file for SQLite.
    pub(super) fn as_given(&self) -> &str {
        &self.url
    }

    /// The file of an embedded database.
    pub fn file(&self) -> Option<PathBuf> {
        (self.backend == Backend::Sqlite).then(|| PathBuf::from(&self.url))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.backend == Backend::Sqlite {
            return write!(f, "sqlite://{}", self.url);
        }
        // user:password@host, as libpq and libmariadb read it: the last @ before the path ends it.
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
        // Some password has a / or ? that should have been percent-encoded: who knows where it ends.
        if path.contains('@') {
            return write!(f, "{scheme}://(concealed)");
        }
        // What follows a ? may hold a password too.
        let path = path.split('?').next().unwrap_or_default();
        match authority.rsplit_once('@') {
            None => write!(f, "{scheme}://{authority}{path}"),
            Some((user, host)) => {
                let user = user.split(':').next().unwrap_or_default();
                write!(f, "{scheme}://{user}@{host}{path}")
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_unknown_scheme_and_a_missing_file_are_refused() {
        for url in ["", "bookstore.db", "redis://localhost", "http://postgres://"] {
            assert_eq!(DatabaseUrl::parse(url), Err(BadDatabaseUrl::Scheme), "{url}");
        }
        #[cfg(feature = "sqlite")]
        for url in ["sqlite://", "sqlite://:memory:", "sqlite://a.db?mode=ro"] {
            assert_eq!(DatabaseUrl::parse(url), Err(BadDatabaseUrl::NoFile), "{url}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            (
                "postgres://shop:s3cret@db:5432/books?application_name=shop",
                "postgres://shop@db:5432/books",
            ),
            ("postgres://shop:p@ss@db/books", "postgres://shop@db/books"),
            ("postgres:///books?password=s3cret", "postgres:///books"),
            ("postgres://db/books", "postgres://db/books"),
            (
                "postgres://shop:s3cret@a:1,b:2/books?target_session_attrs=read-write",
                "postgres://shop@a:1,b:2/books",
            ),
            ("postgres://shop:s3/cret@db/books", "postgres://(concealed)"),
            ("postgres://shop:s3?cret@db/books", "postgres://(concealed)"),
            ("postgres://shop@db/books?password=s3@cret", "postgres://(concealed)"),
        ] {
            let url = DatabaseUrl::parse(url).unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_url_or_refused(url in "((sqlite|postgres|mysql|mariadb)://)?.{0,60}") {
            if let Ok(url) = DatabaseUrl::parse(&url) {
                let _ = (url.file(), url.to_string());
            }
        }

        #[test]
        fn no_password_is_ever_shown(
            scheme in "postgres|postgresql|mysql|mariadb", password in "[!-~]{0,20}", rest in "[/?#@]?[!-~]{0,20}",
        ) {
            // Marked, so that it is not found by chance in what is shown.
            let password = format!("{password}SECRET{password}");
            if let Ok(url) = DatabaseUrl::parse(&format!("{scheme}://me:{password}@db.example{rest}")) {
                prop_assert!(!url.to_string().contains("SECRET"), "{}", url);
            }
        }
    }
}
