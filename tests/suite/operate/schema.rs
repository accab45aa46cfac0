//! Program and schema a version apart, as they are for a while in every upgrade; and a database that
//! moves to another address.

use serde_json::json;

use crate::kit::{Backend, Shop};

const NEWEST: &str = "SELECT max(version) FROM __diesel_schema_migrations";

/// The schema first, then the programs: meanwhile the old ones sell on.
pub fn a_newer_schema_carries_an_older_program(shop: &Shop) {
    let book = shop.book(10);
    let mut database = shop.database.connect();
    database.run("CREATE TABLE shelfmarks (id INTEGER NOT NULL PRIMARY KEY)");
    database.run("ALTER TABLE books ADD COLUMN shelfmark INTEGER");
    database.run("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')");
    let again = shop.second_server();
    for client in [shop.storefront.clone(), shop.storefront.at(&again)] {
        client.get("/readyz").expect(200);
        client.buy(book, 1).expect(201);
    }
    shop.admin.restock(book, 1).expect(201);
    shop.admin.post("/v1/books", crate::kit::new_book(json!({ "quantity": 1 }))).expect(201);
}

/// The other way round: a program of the next version starts before its migrations ran.
pub fn a_program_whose_migrations_did_not_run_is_not_ready(shop: &Shop) {
    let book = shop.book(10);
    let mut database = shop.database.connect();
    let newest = database.text(NEWEST).unwrap();
    database.run(&format!("DELETE FROM __diesel_schema_migrations WHERE version = '{newest}'"));
    let refused = shop.bookstore(["serve", "--listen", "127.0.0.1:0"]).run().exits(2);
    refused.says(&["bookstore migrate"]);
    shop.storefront.get("/readyz").refused(503, "database_unavailable");
    shop.server().logs("run `bookstore migrate`", 1);
    database.run(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{newest}')"));
    shop.storefront.get("/readyz").expect(200);
    shop.storefront.buy(book, 1).expect(201);
}

/// Nobody listens on port 1: as after a failover to the second address.
pub fn a_primary_is_found_among_several_addresses(shop: &Shop) {
    assert_eq!(shop.backend(), Backend::Postgres);
    let address = shop.database.server_address();
    let several = format!("127.0.0.1:1,{address}");
    let url = shop.database.url.replace(&address, &several) + "?target_session_attrs=read-write";
    let server = shop.server_on(&url, &[]);
    let book = shop.book(2);
    shop.storefront.at(&server).buy(book, 1).expect(201);
}
