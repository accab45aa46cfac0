//! A build that cannot do what a database URL asks for says so, and which build can, before it connects.

use crate::kit::{Backend, Bookstore, Database, Finished, Scenario};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::POSTGRES:
        a_libpq_without_tls_refuses_to_be_asked_for_it,
        what_only_libpq_reads_is_explained_too;
    Nothing on Backend::MYSQL:
        parameters_that_would_be_dropped_are_refused;
];

/// The build that README names.
const BUILD: &str = "--no-default-features --features sqlite,postgres";

/// Every command that opens the database would do; this one changes nothing.
fn audit(url: &str) -> Bookstore {
    Bookstore::new(["audit"]).env("DATABASE_URL", url)
}

fn with(database: &Database, parameters: &str) -> String {
    format!("{}?{parameters}", database.url)
}

fn refused(run: Bookstore, words: &[&str]) -> Finished {
    run.run().exits(2).says(&["--database-url", "DATABASE_URL"]).says(words)
}

fn a_libpq_without_tls_refuses_to_be_asked_for_it(backend: Backend) {
    if cfg!(not(feature = "bundled")) {
        return; // This libpq speaks it.
    }
    let database = Database::migrated(backend);
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = with(&database, &format!("sslmode={mode}"));
        refused(audit(&url), &[&format!("sslmode={mode}"), BUILD, "libpq-dev"]);
        let from_outside = audit(&database.url).env("PGSSLMODE", mode);
        refused(from_outside, &[&format!("PGSSLMODE={mode}"), BUILD]);
    }
    refused(audit(&with(&database, "sslrootcert=/ca.pem")), &["sslrootcert", BUILD]);
    refused(audit(&database.url).env("PGSSLROOTCERT", "system"), &["PGSSLROOTCERT", BUILD]);
    for command in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"], &["token", "list"]] {
        let url = with(&database, "sslmode=verify-full");
        let run = Bookstore::new(command.iter().copied()).env("DATABASE_URL", &url);
        refused(run, &["sslmode=verify-full", BUILD]);
    }
    // What is content without TLS goes on as ever.
    for mode in ["prefer", "allow", "disable"] {
        audit(&with(&database, &format!("sslmode={mode}"))).run().exits(0);
    }
    audit(&with(&database, "sslmode=disable")).env("PGSSLMODE", "require").run().exits(0);
}

fn what_only_libpq_reads_is_explained_too(backend: Backend) {
    if cfg!(not(feature = "bundled")) {
        return; // This libpq speaks it.
    }
    let database = Database::migrated(backend);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("services");
    std::fs::write(&file, "[careful]\nsslmode=require\n").unwrap();
    let url = with(&database, "service=careful");
    let run = audit(&url).env("PGSERVICEFILE", file.to_str().unwrap()).run().exits(2);
    run.says(&["sslmode", BUILD]);
}

fn parameters_that_would_be_dropped_are_refused(backend: Backend) {
    let database = Database::migrated(backend);
    for parameter in ["sslmode=require", "useSSL=true", "ssl-mode=REQUIRED", "tls"] {
        let name = parameter.split('=').next().unwrap();
        let words = [&format!("parameter {name} "), "ignored", "ssl_ca"];
        refused(audit(&with(&database, parameter)), &words);
    }
    audit(&database.url).run().exits(0);
    #[cfg(feature = "mysql")]
    if !mysqlclient_sys::SUPPORTS_MYSQL_SSL_MODE {
        for mode in ["required", "verify_ca", "verify_identity", "disabled"] {
            let url = with(&database, &format!("ssl_mode={mode}"));
            refused(audit(&url), &["ssl_mode does not reach", "ssl_ca=FILE", "libmysqlclient"]);
        }
    }
}
