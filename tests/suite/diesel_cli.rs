//! The plain Diesel CLI works on every backend, and agrees with the program about the schema.

use std::path::Path;

use bookstore::domain::RequestHash;

use crate::kit::{
    Backend, Bookstore, Database, Finished, Missing, Scenario, Server, Shop, finish,
    in_clean_environment, variable,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Nothing on Backend::ALL:
        run_makes_what_migrate_makes,
        redo_and_revert_leave_nothing_behind;
    Shop on Backend::ALL:
        what_migrate_made_the_diesel_cli_can_take_back,
        a_database_of_the_schema_before_holds_is_brought_up_to_date,
        the_schema_before_holds_is_refused_while_one_is_there;
    Nothing on Backend::POSTGRES:
        the_schema_file_is_what_the_diesel_cli_prints;
];

const VARIABLE: &str = "BOOKSTORE_TEST_DIESEL_CLI";

pub fn missing() -> Option<Missing> {
    let what = format!("diesel_cli: no Diesel CLI; set {VARIABLE} to the path of `diesel`");
    variable(VARIABLE).is_none().then_some(Missing { what, is_optional: false })
}

/// Runs the Diesel CLI from the repository.
fn diesel(database: &Database, arguments: &[&str]) -> Finished {
    try_diesel(database, arguments).exits(0)
}

fn try_diesel(database: &Database, arguments: &[&str]) -> Finished {
    let program = variable(VARIABLE).unwrap();
    let home = tempfile::tempdir().unwrap();
    // The Diesel CLI takes a path for SQLite.
    let url = database.url.trim_start_matches("sqlite://");
    let mut command = in_clean_environment(&program, home.path());
    // It formats what it prints with rustfmt, which rustup finds from these.
    for kept in ["HOME", "RUSTUP_HOME", "CARGO_HOME"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("DATABASE_URL", url).args(arguments);
    finish(&mut command, &format!("diesel {}", arguments.join(" ")))
}

/// `diesel migration ...` with this backend's folder.
fn migration(database: &Database, arguments: &[&str]) -> Finished {
    let folder = format!("migrations/{}", database.backend);
    let arguments = [&["migration"], arguments, &["--migration-dir", &folder]].concat();
    diesel(database, &arguments)
}

/// The tables of the bookstore and their columns, as the database itself describes them.
fn schema(database: &Database) -> String {
    let query = match database.backend {
        Backend::Sqlite => {
            "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema
             WHERE name NOT LIKE '%diesel%' AND name NOT LIKE 'sqlite_%' ORDER BY name)"
        }
        Backend::Postgres => {
            "SELECT string_agg(line, ';' ORDER BY line) FROM (
                 SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) AS line
                 FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '%diesel%'
                 UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '%diesel%'
                 UNION ALL SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
                 WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
                   AND conrelid::regclass::text NOT LIKE '%diesel%') AS lines"
        }
        Backend::Mysql => {
            "SELECT group_concat(line ORDER BY line SEPARATOR ';') FROM (
                 SELECT concat_ws(' ', table_name, ordinal_position, column_name, column_type, is_nullable) AS line
                 FROM information_schema.columns WHERE table_schema = database() AND table_name NOT LIKE '%diesel%'
                 UNION ALL SELECT concat_ws(' ', table_name, index_name, seq_in_index, column_name)
                 FROM information_schema.statistics WHERE table_schema = database() AND table_name NOT LIKE '%diesel%')
                 AS line"
        }
    };
    let mut connection = database.connect();
    if database.backend == Backend::Mysql {
        connection.run("SET group_concat_max_len = 1000000");
    }
    connection.text(query).unwrap_or_default()
}

fn run_makes_what_migrate_makes(backend: Backend) {
    let (by_diesel, by_program) = (Database::empty(backend), Database::migrated(backend));
    migration(&by_diesel, &["run"]);
    let expected = schema(&by_program);
    assert!(expected.contains("stock_movements"), "{expected}");
    assert_eq!(schema(&by_diesel), expected);

    // Both keep the same book about what has run.
    let versions = "SELECT count(*) FROM __diesel_schema_migrations";
    let run = by_diesel.connect().number(versions);
    assert_eq!(run, by_program.connect().number(versions));
    Bookstore::new(["migrate"]).on(&by_diesel).run().exits(0);
    assert_eq!(by_diesel.connect().number(versions), run);
    let pending = migration(&by_program, &["list"]);
    assert!(pending.stdout.contains("[X]") && !pending.stdout.contains("[ ]"), "{pending}");

    let server = Server::start(&by_diesel.url, &[]);
    assert_eq!(reqwest::blocking::get(format!("{}/readyz", server.url)).unwrap().status(), 200);
}

fn redo_and_revert_leave_nothing_behind(backend: Backend) {
    let database = Database::empty(backend);
    migration(&database, &["run"]);
    let expected = schema(&database);
    migration(&database, &["redo"]);
    assert_eq!(schema(&database), expected);
    migration(&database, &["redo", "--all"]);
    assert_eq!(schema(&database), expected);
    migration(&database, &["revert", "--all"]);
    assert_eq!(schema(&database), "");
    migration(&database, &["run"]);
    assert_eq!(schema(&database), expected);
}

fn what_migrate_made_the_diesel_cli_can_take_back(shop: &Shop) {
    // With data in every table: the order of the tables matters.
    let book = shop.book(5);
    shop.storefront.buy(book, 1).expect(201);
    shop.admin.restock(book, 1).expect(201);
    let copy = Database::migrated(shop.backend());
    crate::kit::create_token(&copy, "admin", "me");
    migration(&copy, &["revert", "--all"]);
    assert_eq!(schema(&copy), "");
    shop.server().stop();
    migration(&shop.database, &["redo", "--all"]);
    assert_eq!(shop.database.connect().number("SELECT count(*) FROM books"), 0);
}

const ORDER_LIFE: &str = "2026-11-24-000000";

/// Takes back the migrations that came after the one that brought holds.
fn revert_to_order_life(database: &Database) {
    // The one of search came right after it.
    while !migration(database, &["revert"]).said().contains("2026-11-24-010000_search") {}
}

/// Takes back the migration that brought holds.
fn revert_order_life(database: &Database) -> Finished {
    let folder = format!("migrations/{}", database.backend);
    let run = try_diesel(database, &["migration", "revert", "--migration-dir", &folder]);
    if run.code == 0 {
        assert!(run.said().contains(ORDER_LIFE), "{run}");
    }
    run
}

fn a_database_of_the_schema_before_holds_is_brought_up_to_date(shop: &Shop) {
    let expected = schema(&shop.database);
    let book = shop.book(50);
    assert_eq!(shop.server().stop(), 0);
    revert_to_order_life(&shop.database);
    revert_order_life(&shop.database).exits(0);
    assert_ne!(schema(&shop.database), expected);
    // An order that the program of that schema wrote.
    let id = "01900000-0000-7000-8000-000000000001";
    let literal = shop.database.uuid_literal(id);
    let body = format!(r#"{{"lines":[{{"book_id":{book},"quantity":3}}]}}"#);
    let hash = RequestHash::of(&[b"POST /v1/orders", body.as_bytes()]);
    let hash = shop.database.bytes_literal(&hash.0);
    shop.database.connect().run(&format!(
        "INSERT INTO orders (id, client_id, idempotency_key, request_hash, status, total_minor, created_at)
             VALUES ({literal}, 2, 'old', {hash}, 'placed', 3000, '2026-01-01 00:00:00');
         INSERT INTO stock_movements
                 (book_id, seq, delta, quantity_after, reason, order_id, unit_price_minor, created_at)
             VALUES ({book}, 2, -3, 47, 'sale', {literal}, 1000, '2026-01-01 00:00:00');
         UPDATE books SET quantity = 47, last_seq = 2 WHERE id = {book}"
    ));
    let pending = shop.bookstore(["audit"]).run().exits(2);
    pending.says(&["bookstore migrate"]);
    shop.bookstore(["migrate"]).run().exits(0).says(&[&ORDER_LIFE.replace('-', "")]);
    assert_eq!(schema(&shop.database), expected);
    shop.audit();

    let server = shop.second_server();
    let client = shop.storefront.at(&server);
    let order = client.get(&format!("/v1/orders/{id}")).expect(200);
    assert_eq!(order["status"], "placed");
    assert_eq!(client.confirm(&order).expect(200)["status"], "placed");
    // Its key still stands for it.
    let again = client.order(&[(book, 3)]).key("old").expect(201);
    assert!(again.is_replay() && again.id() == id, "\n{again}");
    shop.admin.at(&server).take_back(&order, &[(book, 1)]).expect(201);
    assert_eq!(client.quantity(book), 48);
}

fn the_schema_before_holds_is_refused_while_one_is_there(shop: &Shop) {
    let book = shop.book(5);
    let held = shop.storefront.hold(&[(book, 1)], 86_400).expect(201);
    let expected = schema(&shop.database);
    revert_to_order_life(&shop.database);
    let before_search = schema(&shop.database);
    let refused = revert_order_life(&shop.database);
    assert_ne!(refused.code, 0, "{refused}");
    refused.says(&["orders are held", "confirm or cancel"]);
    assert_eq!(schema(&shop.database), before_search);
    shop.storefront.buy(book, 1).expect(201);
    shop.storefront.confirm(&held).expect(200);
    revert_order_life(&shop.database).exits(0);
    shop.bookstore(["migrate"]).run().exits(0);
    assert_eq!(schema(&shop.database), expected);
}

fn the_schema_file_is_what_the_diesel_cli_prints(backend: Backend) {
    let database = Database::migrated(backend);
    let printed = diesel(&database, &["print-schema"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema.rs");
    let file = std::fs::read_to_string(path).unwrap();
    assert_eq!(printed.stdout.trim(), file.trim());
}
