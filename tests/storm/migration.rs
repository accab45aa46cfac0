//! The newest migration, taken back and run again while the shop sells. No sale needs what it makes: a
//! server that runs must go on, and one that starts meanwhile must wait.

use std::path::Path;
use std::time::Duration;

use crate::kit::{Backend, Bookstore, Connection, Database, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

/// False if it could not be taken back.
pub fn run_again(database: &Database) -> bool {
    let is_back = take_back(database);
    eventually(PATIENCE, "the schema is up to date", || {
        (Bookstore::new(["migrate"]).on(database).run().code == 0).then_some(())
    });
    is_back
}

fn take_back(database: &Database) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let entries = std::fs::read_dir(root.join(database.backend.name())).unwrap();
    let newest = entries.map(|entry| entry.unwrap().path()).max().unwrap();
    let down = std::fs::read_to_string(newest.join("down.sql")).unwrap();
    let name = newest.file_name().unwrap().to_str().unwrap();
    let version: String = name.chars().filter(char::is_ascii_digit).collect();
    let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'");
    let sql = match database.backend {
        Backend::Sqlite => format!("BEGIN IMMEDIATE; {down} {forget}; COMMIT"),
        Backend::Postgres => format!("BEGIN; {down} {forget}; COMMIT"),
        // A change of schema is no part of a transaction there.
        Backend::Mysql => format!("{down} {forget}"),
    };
    let connection = Connection::try_open(database.backend, &database.url);
    connection.is_ok_and(|mut connection| connection.try_run(&sql).is_ok())
}
