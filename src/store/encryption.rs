//! TLS to the database: what a URL asks for, and whether this build can do it. A client library leaves out
//! what it cannot do or has never heard of, and says nothing: the connection would be in clear text.

use super::connection::Backend;
use super::database_url::BadDatabaseUrl;
use super::secrets::decode;

/// Whether the libpq in this build speaks TLS: the bundled one is built without OpenSSL.
const LIBPQ_SPEAKS_TLS: bool = !cfg!(feature = "bundled");

/// What to do about that.
pub(super) const BUILD_WITH_TLS: &str = "this program's libpq was built without it. Build one with the \
    system's libpq (Debian: libpq-dev, libsqlite3-dev) by `cargo build --release --no-default-features \
    --features sqlite,postgres`";

/// Whether `ssl_mode` reaches the MySQL client library in this build. Diesel hands it to MySQL's own, but
/// MariaDB's has no such option.
#[cfg(feature = "mysql")]
const MYSQL_KNOWS_SSL_MODE: bool = mysqlclient_sys::SUPPORTS_MYSQL_SSL_MODE;
#[cfg(not(feature = "mysql"))]
const MYSQL_KNOWS_SSL_MODE: bool = false;

/// What makes libpq use TLS besides `sslmode`: parameter, and the environment variable behind it.
const LIBPQ_FILES: [(&str, &str); 5] = [
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
];

/// The parameters of a MySQL URL that Diesel hands on. It drops any other.
const MYSQL_PARAMETERS: [&str; 5] = ["unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_mode"];

/// Refuses a URL that asks for what this build cannot do. `variable` looks into the environment, as libpq
/// does for what the URL leaves open.
pub(super) fn refuse_what_is_not_done(
    backend: Backend,
    url: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), BadDatabaseUrl> {
    let parameters = Parameters::of(url);
    match backend {
        Backend::Postgres => refuse_postgres(&parameters, variable, LIBPQ_SPEAKS_TLS),
        Backend::Mysql => refuse_mysql(&parameters, MYSQL_KNOWS_SSL_MODE),
        Backend::Sqlite => Ok(()),
    }
}

fn refuse_postgres(
    parameters: &Parameters,
    variable: impl Fn(&str) -> Option<String>,
    speaks_tls: bool,
) -> Result<(), BadDatabaseUrl> {
    match libpq_is_asked(parameters, variable) {
        Some(by) if !speaks_tls => Err(BadDatabaseUrl::NoTlsToPostgres(by)),
        _ => Ok(()),
    }
}

/// What libpq `said`, with what to do if it was asked for TLS by what only it reads, as a service file.
pub(super) fn explain(said: String) -> String {
    match said.contains("SSL support is not compiled in") {
        true => format!("{}: {BUILD_WITH_TLS}", said.trim_end()),
        false => said,
    }
}

/// What makes libpq insist on TLS, if anything does. `sslmode=prefer`, which is also the default, is content
/// without.
fn libpq_is_asked(
    parameters: &Parameters,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let set = |parameter: &str, name: &str| {
        let given = parameters.last(parameter).map(|value| (parameter.to_owned(), value));
        given.or_else(|| {
            let value = variable(name).filter(|value| !value.is_empty())?;
            Some((name.to_owned(), value))
        })
    };
    // As the JDBC driver spells it; libpq reads it as sslmode=require.
    let is_jdbc = parameters.last("sslmode").is_none()
        && parameters.last("ssl").is_some_and(|value| value == "true");
    if is_jdbc {
        return Some("ssl=true".to_owned());
    }
    if let Some((by, mode)) = set("sslmode", "PGSSLMODE") {
        let is_content = ["disable", "allow", "prefer"].contains(&mode.as_str());
        return (!is_content).then(|| format!("{by}={mode}"));
    }
    // Files of certificates are of no use without it.
    LIBPQ_FILES.iter().find_map(|(parameter, name)| Some(set(parameter, name)?.0))
}

fn refuse_mysql(parameters: &Parameters, knows_ssl_mode: bool) -> Result<(), BadDatabaseUrl> {
    for (name, _) in &parameters.0 {
        if !MYSQL_PARAMETERS.contains(&name.as_str()) {
            // Where a ? stands in a password, half of that would look like a name.
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
            let shown = if is_name && !parameters.may_hold_a_password() { name } else { "..." };
            return Err(BadDatabaseUrl::UnknownParameter(shown.to_owned()));
        }
    }
    match parameters.last("ssl_mode") {
        Some(_) if !knows_ssl_mode => Err(BadDatabaseUrl::NoSslMode),
        _ => Ok(()),
    }
}

/// Whether a MySQL URL must not end in a connection in clear text. Without `ssl_mode`, a client library takes
/// files of certificates for a wish, and goes on without TLS when the server does not offer it.
#[cfg(feature = "mysql")]
pub(super) fn must_be_encrypted(url: &str) -> bool {
    let parameters = Parameters::of(url);
    let mode = parameters.last("ssl_mode").map(|mode| mode.to_lowercase());
    let has_files =
        ["ssl_ca", "ssl_cert", "ssl_key"].iter().any(|name| parameters.last(name).is_some());
    has_files && !matches!(mode.as_deref(), Some("disabled" | "preferred"))
}

/// The parameters after a URL's question mark, decoded, in their order.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(url: &str) -> Self {
        let url = url.split('#').next().unwrap_or_default();
        let Some((_, query)) = url.split_once('?') else { return Self(Vec::new()) };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let split = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        };
        Self(pairs.map(split).collect())
    }

    /// The value that counts: libraries let a later one win.
    pub(super) fn last(&self, name: &str) -> Option<String> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn may_hold_a_password(&self) -> bool {
        self.0.iter().any(|(name, value)| name.contains('@') || value.contains('@'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str, environment: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        libpq_is_asked(&Parameters::of(url), variable)
    }

    #[test]
    fn a_url_or_the_environment_can_ask_libpq_for_tls() {
        for (url, environment, by) in [
            ("postgres://h/d?sslmode=require", &[][..], "sslmode=require"),
            ("postgres://h/d?x=1&sslmode=verify%2Dfull", &[], "sslmode=verify-full"),
            ("postgres://h/d?sslmode=prefer&sslmode=verify-ca", &[], "sslmode=verify-ca"),
            ("postgres://h/d?ssl=true", &[], "ssl=true"),
            ("postgres://h/d?sslrootcert=/ca.pem", &[], "sslrootcert"),
            ("postgres://h/d", &[("PGSSLMODE", "require")], "PGSSLMODE=require"),
            ("postgres://h/d?connect_timeout=1", &[("PGSSLROOTCERT", "system")], "PGSSLROOTCERT"),
            // What it means is libpq's to say; that it is no "prefer" is enough.
            ("postgres://h/d?sslmode=sometimes", &[], "sslmode=sometimes"),
        ] {
            assert_eq!(asked(url, environment).as_deref(), Some(by), "{url} {environment:?}");
        }
    }

    #[test]
    fn only_a_libpq_without_tls_is_asked_for_it_in_vain() {
        let nothing = |_: &str| None;
        let refused = |url: &str, speaks| refuse_postgres(&Parameters::of(url), nothing, speaks);
        let error = BadDatabaseUrl::NoTlsToPostgres("sslmode=require".to_owned());
        assert_eq!(refused("postgres://h/d?sslmode=require", false), Err(error));
        assert_eq!(refused("postgres://h/d?sslmode=require", true), Ok(()));
        assert_eq!(refused("postgres://h/d", false), Ok(()));
    }

    #[test]
    fn a_url_may_be_content_without_tls() {
        for (url, environment) in [
            ("postgres://h/d", &[][..]),
            ("postgres://sslmode=require@h/sslmode=require", &[]),
            ("postgres://h/d?sslmode=prefer&sslrootcert=/ca.pem", &[]),
            ("postgres://h/d?sslmode=disable", &[("PGSSLMODE", "require")]),
            ("postgres://h/d", &[("PGSSLMODE", "allow"), ("PGSSLROOTCERT", "/ca.pem")]),
            ("postgres://h/d", &[("PGSSLMODE", "")]),
            ("postgres://h/d?ssl=false", &[]),
        ] {
            assert_eq!(asked(url, environment), None, "{url} {environment:?}");
        }
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn a_mysql_url_with_files_of_certificates_means_it() {
        for (url, must) in [
            ("mysql://h/d", false),
            ("mysql://h/d?unix_socket=/s", false),
            ("mysql://h/d?ssl_ca=/ca.pem", true),
            ("mysql://h/d?ssl_cert=/c.pem&ssl_key=/k.pem", true),
            ("mysql://h/d?ssl_ca=/ca.pem&ssl_mode=VERIFY_CA", true),
            ("mysql://h/d?ssl_ca=/ca.pem&ssl_mode=Preferred", false),
            ("mysql://h/d?ssl_ca=/ca.pem&ssl_mode=disabled", false),
            // Then the library sees to it.
            ("mysql://h/d?ssl_mode=required", false),
        ] {
            assert_eq!(must_be_encrypted(url), must, "{url}");
        }
    }

    #[test]
    fn mysql_parameters_that_would_be_dropped_are_refused() {
        let refused = |url: &str, knows| refuse_mysql(&Parameters::of(url), knows);
        for (url, name) in [
            ("mysql://h/d?sslmode=require", "sslmode"),
            ("mysql://h/d?ssl_ca=/ca.pem&useSSL=true", "useSSL"),
            ("mysql://u:p?ssw0rd@h/d", "..."),
            ("mysql://u:p?ssw0rd&a=b@h/d", "..."),
        ] {
            let error = BadDatabaseUrl::UnknownParameter(name.to_owned());
            assert_eq!(refused(url, true), Err(error), "{url}");
        }
        let modes = ["disabled", "preferred", "required", "verify_ca", "verify_identity"];
        for mode in modes {
            let url = format!("mysql://h/d?ssl_mode={mode}&ssl_ca=/ca.pem");
            assert_eq!(refused(&url, true), Ok(()), "{url}");
            assert_eq!(refused(&url, false), Err(BadDatabaseUrl::NoSslMode), "{url}");
        }
        for url in ["mysql://h/d", "mysql://h/d?", "mysql://h/d?unix_socket=/s&ssl_ca=/ca.pem"] {
            assert_eq!(refused(url, false), Ok(()), "{url}");
        }
    }
}
