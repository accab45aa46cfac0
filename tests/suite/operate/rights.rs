//! The rights of the database user that serves: enough for the whole life of a shop, and each of them
//! needed for it.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::kit::{
    Answer, Backend, Bookstore, Call, Client, Connection, Estate, Finished, Server, create_token,
    eventually, isbn, new_book,
};

const CONNECTIONS: [&str; 4] = ["--read-connections", "2", "--write-connections", "6"];

/// A shop that is served by someone with few rights.
struct Restricted {
    estate: Estate,
    server: Server,
    admin: Client,
    storefront: Client,
}

impl Restricted {
    fn open(backend: Backend) -> Self {
        let estate = Estate::open(backend);
        let server = Server::start(&estate.service_url(), &CONNECTIONS);
        let admin = Client::new(&server, &create_token(&estate.database, "admin", "the manager"));
        let storefront = create_token(&estate.database, "storefront", "the web shop");
        let storefront = admin.with_token(&storefront);
        Self { estate, server, admin, storefront }
    }

    fn bookstore<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Bookstore {
        Bookstore::new(arguments).env("DATABASE_URL", &self.estate.service_url())
    }
}

/// What did not go as it should.
type Wrong = String;

fn want(call: Call, status: u16) -> Result<Answer, Wrong> {
    let answer = call.try_send().map_err(|error| error.to_string())?;
    if answer.status == status { Ok(answer) } else { Err(answer.to_string()) }
}

fn done(run: Finished) -> Result<Finished, Wrong> {
    if run.code == 0 { Ok(run) } else { Err(run.to_string()) }
}

/// The whole life of a shop but for what only time brings.
fn live(shop: &Restricted) -> Result<(), Wrong> {
    let book = fill_the_catalogue(shop)?;
    sell(shop, book)?;
    move_stock(shop, book)?;
    look(shop, book)?;
    run_commands(shop)
}

fn fill_the_catalogue(shop: &Restricted) -> Result<i64, Wrong> {
    let admin = &shop.admin;
    let kept = want(admin.post("/v1/books", new_book(json!({ "quantity": 50 }))), 201)?;
    let gone = want(admin.post("/v1/books", new_book(json!({}))), 201)?;
    let path = |answer: &Answer| format!("/v1/books/{}", answer["id"]);
    let edit = json!({ "title": "Another title", "price": { "amount": 500 } });
    want(admin.patch(&path(&kept), edit).if_match(&kept.etag()), 200)?;
    want(admin.delete(&path(&gone)), 204)?;
    Ok(kept["id"].as_i64().unwrap())
}

fn sell(shop: &Restricted, book: i64) -> Result<(), Wrong> {
    let (admin, storefront) = (&shop.admin, &shop.storefront);
    let key = isbn::unused_nine();
    let order = want(storefront.order(&[(book, 3)]).key(&key), 201)?;
    let again = want(storefront.order(&[(book, 3)]).key(&key), 201)?;
    if !again.is_replay() {
        return Err(again.to_string());
    }
    want(storefront.buy(book, 1), 201)?;
    let [confirmed, cancelled] = [
        want(storefront.hold(&[(book, 1)], 600), 201)?,
        want(storefront.hold(&[(book, 1)], 600), 201)?,
    ];
    want(storefront.confirm(&confirmed), 200)?;
    want(storefront.cancel(&cancelled), 200)?;
    want(admin.cancel(&confirmed), 200)?;
    want(admin.take_back(&order, &[(book, 1)]), 201)?;
    Ok(())
}

fn move_stock(shop: &Restricted, book: i64) -> Result<(), Wrong> {
    want(shop.admin.restock(book, 5), 201)?;
    want(shop.admin.restock_many(&[(book, 1)]), 201)?;
    want(shop.admin.stocktake(book, 40), 201)?;
    want(shop.admin.stocktake(book, 40), 200)?;
    Ok(())
}

fn look(shop: &Restricted, book: i64) -> Result<(), Wrong> {
    want(shop.admin.get("/readyz"), 200)?;
    want(shop.storefront.get("/v1/orders"), 200)?;
    want(shop.admin.get(&format!("/v1/books/{book}/movements")), 200)?;
    want(shop.admin.get(&format!("/v1/books/{book}/holds")), 200)?;
    let found = want(shop.admin.get("/v1/books").query(&[("q", "another titl")]), 200)?;
    if found["data"].as_array().is_none_or(Vec::is_empty) {
        return Err(found.to_string());
    }
    Ok(())
}

fn run_commands(shop: &Restricted) -> Result<(), Wrong> {
    let create = ["token", "create", "--role", "storefront", "--name", "a till"];
    done(shop.bookstore(create).run())?;
    let listed = done(shop.bookstore(["token", "list", "--format", "json"]).run())?.json();
    let newest = listed.as_array().unwrap().last().unwrap()["id"].to_string();
    done(shop.bookstore(["token", "revoke", &newest]).run())?;
    let folder = tempfile::tempdir().unwrap();
    let isbn = isbn::thirteen(&isbn::unused_nine());
    import(shop, folder.path(), &isbn, "As it came", &[])?;
    import(shop, folder.path(), &isbn, "As it is", &["--update"])?;
    done(shop.bookstore(["audit"]).run())?;
    Ok(())
}

fn import(
    shop: &Restricted,
    folder: &Path,
    isbn: &str,
    title: &str,
    flags: &[&str],
) -> Result<(), Wrong> {
    let csv = format!("isbn,title,author,quantity\n{isbn},{title},A. Writer,3\n");
    std::fs::write(folder.join("books.csv"), csv).unwrap();
    let arguments = [&["import", "books.csv"], flags].concat();
    done(shop.bookstore(arguments).within(folder).run()).map(drop)
}

pub fn the_service_lives_without_the_right_to_change_tables(backend: Backend) {
    let shop = Restricted::open(backend);
    live(&shop).unwrap_or_else(|wrong| panic!("{wrong}\n{}", shop.server.log()));
    a_hold_runs_out(&shop);
    the_indexer_works(&shop);
    what_the_service_must_not_do_is_refused(&shop);
    live(&shop).unwrap_or_else(|wrong| panic!("{wrong}\n{}", shop.server.log()));
    Bookstore::new(["audit"]).on(&shop.estate.database).run().exits(0);
}

fn a_hold_runs_out(shop: &Restricted) {
    let book = shop.admin.post("/v1/books", new_book(json!({ "quantity": 1 }))).expect(201);
    let book = book["id"].as_i64().unwrap();
    shop.storefront.hold(&[(book, 1)], 1).expect(201);
    eventually(Duration::from_secs(60), "the copy is back", || {
        (shop.admin.quantity(book) == 1).then_some(())
    });
}

/// A book that somebody else put into the table is found by its words.
fn the_indexer_works(shop: &Restricted) {
    let title = format!("Unindexed {}", isbn::unused_nine());
    let isbn = isbn::thirteen(&isbn::unused_nine());
    let sql = format!(
        "INSERT INTO books (isbn, title, author, price_minor) VALUES ('{isbn}', '{title}', 'A', 1)"
    );
    shop.estate.database.connect().run(&sql);
    let find = || shop.admin.get("/v1/books").query(&[("q", &title)]).expect(200);
    assert_eq!(find()["data"], json!([]));
    let second = Server::start(&shop.estate.service_url(), &CONNECTIONS);
    eventually(Duration::from_secs(60), "the indexer of the second one finds it", || {
        (find()["data"][0]["isbn"] == isbn).then_some(())
    });
    assert_eq!(second.stop(), 0);
}

fn what_the_service_must_not_do_is_refused(shop: &Restricted) {
    let backend = shop.estate.database.backend;
    let mut service = Connection::open(backend, &shop.estate.service_url());
    let forbidden = [
        "CREATE TABLE mine (id INTEGER)",
        "ALTER TABLE books ADD COLUMN mine INTEGER",
        "ALTER TABLE books DROP COLUMN price_minor",
        "DROP TABLE stock_movements",
        "DROP TABLE __diesel_schema_migrations",
        "TRUNCATE TABLE stock_movements",
        "CREATE INDEX mine ON books (author)",
        "CREATE VIEW mine AS SELECT * FROM books",
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')",
        "DELETE FROM books",
        "DELETE FROM orders",
        "DELETE FROM clients",
        "DELETE FROM stock_entries",
        "DELETE FROM stock_movements",
        "UPDATE stock_movements SET delta = 1",
        "UPDATE stock_entries SET reference = 'forged'",
        "UPDATE orders SET total_minor = 0",
        "UPDATE orders SET client_id = 1",
        "UPDATE clients SET role = 'admin'",
        "UPDATE clients SET token_hash = NULL",
    ];
    for sql in forbidden {
        let refused = service.try_run(sql).expect_err(sql).to_string();
        // PostgreSQL: "permission denied for ...", "must be owner of ..."; MariaDB: "... denied to user".
        let is_for_want_of_rights = refused.contains("denied") || refused.contains("must be owner");
        assert!(is_for_want_of_rights, "{sql}: {refused}");
    }
}

/// A right on a table, or on a column of one, as it is granted.
struct Right {
    what: String,
    table: String,
    user: String,
}

impl Right {
    fn granted(&self) -> String {
        format!("GRANT {} ON {} TO {}", self.what, self.table, self.user)
    }

    fn revoked(&self) -> String {
        format!("REVOKE {} ON {} FROM {}", self.what, self.table, self.user)
    }
}

/// Every single right on tables in these statements.
fn rights(sql: &str) -> Vec<Right> {
    let lines = sql.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join(" ");
    let statements = lines.split(';').filter_map(|statement| {
        let (what, rest) = statement.trim().strip_prefix("GRANT ")?.split_once(" ON ")?;
        let (table, user) = rest.split_once(" TO ")?;
        (!table.starts_with("SCHEMA ")).then_some((what, table, user))
    });
    statements.flat_map(|(what, table, user)| singly(what, table, user)).collect()
}

/// `SELECT, UPDATE (a, b)` on one or several tables, right by right.
fn singly(what: &str, tables: &str, user: &str) -> Vec<Right> {
    let columns = what.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let words = what.split('(').next().unwrap().split(',').map(str::trim);
    let (of_columns, whole): (Vec<_>, Vec<_>) =
        words.partition(|word| !columns.is_empty() && *word == "UPDATE");
    let columns = columns.split(',').filter(|column| !column.is_empty());
    let of_columns = columns.flat_map(|column| {
        of_columns.iter().map(move |word| format!("{word} ({})", column.trim()))
    });
    let all: Vec<_> = whole.into_iter().map(str::to_owned).chain(of_columns).collect();
    let right = |what: &String, table: &str| Right {
        what: what.clone(),
        table: table.trim().to_owned(),
        user: user.trim().to_owned(),
    };
    tables.split(',').flat_map(|table| all.iter().map(move |what| right(what, table))).collect()
}

/// Takes each right away in turn: without it the shop cannot live.
pub fn no_granted_right_is_one_too_many(backend: Backend) {
    let shop = Restricted::open(backend);
    let rights = rights(&shop.estate.sql("rights", &shop.estate.database));
    assert!(rights.len() >= 15, "{} rights", rights.len());
    let mut root = shop.estate.database.connect();
    for right in rights {
        root.run(&right.revoked());
        let lived = live(&shop);
        root.run(&right.granted());
        assert!(lived.is_err(), "it lives without {}", right.granted());
    }
    live(&shop).unwrap();
}
