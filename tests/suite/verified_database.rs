//! TLS to the database, with a certificate of our own: who is not the server that the URL means is not
//! spoken to. The certificate of the throw-away PostgreSQL is for `localhost`, MariaDB's for 127.0.0.1,
//! and for no other name.

use reqwest::Url;

use crate::kit::{
    Authority, Backend, Bookstore, Client, Database, Missing, Scenario, Server, WeakUser, hide_tls,
    new_book, variable,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::POSTGRES:
        verify_full_sells_over_tls_alone,
        verify_full_speaks_to_nobody_of_another_name,
        verify_full_speaks_to_nobody_of_another_authority,
        verify_full_speaks_to_nobody_without_tls;
    Nothing on Backend::MYSQL:
        ssl_ca_sells_over_tls,
        ssl_ca_speaks_to_nobody_of_another_authority,
        ssl_ca_speaks_to_nobody_without_tls;
];

/// A program that was built with the system's libpq.
const BUILD: &str = "BOOKSTORE_TEST_TLS_BUILD";
/// What the servers of `scripts/with-servers` show.
const CERTIFICATES: [&str; 2] =
    ["BOOKSTORE_TEST_POSTGRES_CERTIFICATE", "BOOKSTORE_TEST_MYSQL_CERTIFICATE"];

pub fn missing() -> Option<Missing> {
    let needed = CERTIFICATES.into_iter().chain(cfg!(feature = "bundled").then_some(BUILD));
    let missing: Vec<_> = needed.filter(|name| variable(name).is_none()).collect();
    let what = format!(
        "verified_database: not set: {}; scripts/test makes the build and the certificates",
        missing.join(", ")
    );
    (!missing.is_empty()).then_some(Missing { what, is_optional: false })
}

/// A run of the build that can do this: libpq's, if it is PostgreSQL's business.
fn bookstore<'a>(backend: Backend, arguments: impl IntoIterator<Item = &'a str>) -> Bookstore {
    match variable(BUILD).filter(|_| backend == Backend::Postgres && cfg!(feature = "bundled")) {
        Some(program) => Bookstore::of(&program, arguments),
        None => Bookstore::new(arguments),
    }
}

/// The certificate that the servers of this kind show: it is its own authority.
fn certificate(backend: Backend) -> String {
    variable(CERTIFICATES[usize::from(backend == Backend::Mysql)]).unwrap()
}

/// `url` by the host that the certificate is for, trusting the authority in `file`.
fn verified(backend: Backend, url: &str, host: &str, file: &str) -> String {
    let parameters = match backend {
        Backend::Postgres => vec![("sslmode", "verify-full"), ("sslrootcert", file)],
        _ => vec![("ssl_ca", file)],
    };
    let mut url = Url::parse(url).unwrap();
    url.set_host(Some(host)).unwrap();
    url.query_pairs_mut().extend_pairs(parameters);
    url.to_string()
}

fn is_refused(backend: Backend, url: &str, words: &[&str]) {
    for command in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let run = bookstore(backend, command.iter().copied()).env("DATABASE_URL", url).run();
        let run = run.exits(2).says(words);
        assert!(!run.said().contains("panicked") && !run.stdout.contains("listening"), "{run}");
    }
}

/// A file with the certificate of an authority that signed nothing.
fn strangers_file(folder: &tempfile::TempDir) -> String {
    let file = folder.path().join("stranger.pem");
    std::fs::write(&file, Authority::new("a stranger").pem()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Migrates, opens and sells by `url`; gives the server, which still runs.
fn sells(backend: Backend, url: &str) -> Server {
    let run = |arguments: &[&'static str]| {
        bookstore(backend, arguments.iter().copied()).env("DATABASE_URL", url)
    };
    run(&["migrate"]).run().exits(0);
    let token = run(&["token", "create", "--role", "admin", "--name", "me"]).run().exits(0).stdout;
    let server = Server::from(run(&["serve", "--listen", "127.0.0.1:0"]));
    let admin = Client::new(&server, token.trim());
    let book = admin.post("/v1/books", new_book(serde_json::json!({ "quantity": 2 }))).expect(201);
    admin.buy(book["id"].as_i64().unwrap(), 1).expect(201);
    run(&["audit"]).run().exits(0);
    server
}

fn verify_full_sells_over_tls_alone(backend: Backend) {
    let database = Database::empty(backend);
    let url = verified(backend, &database.url, "localhost", &certificate(backend));
    let server = sells(backend, &url);
    // One for both: the end of another one would be among those that it counts.
    let mut connection = database.connect();
    let mut connections = |is_encrypted: &str| {
        connection.number(&format!(
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND backend_type = 'client backend' AND {is_encrypted}"
        ))
    };
    assert!(connections("ssl") > 1, "{}", server.log());
    assert_eq!(connections("NOT ssl"), 0);
}

fn verify_full_speaks_to_nobody_of_another_name(backend: Backend) {
    let database = Database::empty(backend);
    let url = verified(backend, &database.url, "127.0.0.1", &certificate(backend));
    is_refused(backend, &url, &["does not match host name"]);
}

fn verify_full_speaks_to_nobody_of_another_authority(backend: Backend) {
    let (database, folder) = (Database::empty(backend), tempfile::tempdir().unwrap());
    let url = verified(backend, &database.url, "localhost", &strangers_file(&folder));
    is_refused(backend, &url, &["certificate verify failed"]);
}

fn verify_full_speaks_to_nobody_without_tls(backend: Backend) {
    let database = Database::empty(backend);
    let hidden = database.url_through(hide_tls(&database));
    let url = verified(backend, &hidden, "localhost", &certificate(backend));
    is_refused(backend, &url, &["server does not support SSL"]);
    // Whoever asks for less is let through in clear text: nothing else is in the way here.
    bookstore(backend, ["migrate"]).env("DATABASE_URL", &hidden).run().exits(0);
}

fn ssl_ca_sells_over_tls(backend: Backend) {
    let database = Database::empty(backend);
    let user = WeakUser::of(&database, "ALL");
    user.must_use_tls();
    // In clear text the server lets this user do nothing.
    let run = bookstore(backend, ["migrate"]).env("DATABASE_URL", &user.url).run();
    run.exits(2).says(&["denied"]);
    let url = verified(backend, &user.url, "127.0.0.1", &certificate(backend));
    sells(backend, &url);
}

fn ssl_ca_speaks_to_nobody_of_another_authority(backend: Backend) {
    let (database, folder) = (Database::empty(backend), tempfile::tempdir().unwrap());
    let url = verified(backend, &database.url, "127.0.0.1", &strangers_file(&folder));
    is_refused(backend, &url, &["certificate"]);
}

fn ssl_ca_speaks_to_nobody_without_tls(backend: Backend) {
    let database = Database::empty(backend);
    let hidden = database.url_through(hide_tls(&database));
    let url = verified(backend, &hidden, "127.0.0.1", &certificate(backend));
    is_refused(backend, &url, &["TLS"]);
    // Whoever asks for less is let through in clear text: nothing else is in the way here.
    bookstore(backend, ["migrate"]).env("DATABASE_URL", &hidden).run().exits(0);
}
