//! What a caller is told whose order may have been placed though nobody can look: never that it was not.

use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use crate::kit::{
    Backend, Commit, Connection, Proxy, Scenario, Shop, all_wait, eventually, hold, let_go,
    new_book, wait_for_strikes,
};
use crate::locks::wait_for_waiters;
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::SERVERS:
        an_order_in_doubt_is_not_called_turned_away;
    Shop on Backend::MYSQL:
        an_order_that_its_node_says_was_not_committed_is_not_called_turned_away;
    Shop on Backend::POSTGRES:
        a_book_in_doubt_is_locked_before_it_is_called_new;
];

fn an_order_in_doubt_is_not_called_turned_away(shop: &Shop) {
    is_not_called_turned_away(shop, Commit::Delivered);
}

/// A node that loses its cluster says so to a COMMIT that the others may have.
fn an_order_that_its_node_says_was_not_committed_is_not_called_turned_away(shop: &Shop) {
    is_not_called_turned_away(shop, Commit::Denied);
}

/// How often somebody else may come too late to the book.
const ATTEMPTS: usize = 10;

fn is_not_called_turned_away(shop: &Shop, fate: Commit) {
    assert!((0..ATTEMPTS).any(|_| is_left_in_doubt(shop, fate)), "the server could always look");
}

/// The commit is carried out and nothing, or something else, is said of that; then somebody else has the
/// book for so long that the server cannot look what became of it. `overloaded` would say that nothing was
/// sold. False if the server was faster than somebody else.
fn is_left_in_doubt(shop: &Shop, fate: Commit) -> bool {
    let proxy = Proxy::before(&shop.database);
    let url = shop.database.url_through(proxy.port);
    let server = shop.server_on(&url, &["--request-timeout", "2"]);
    let book = shop.book(5);
    let client = shop.storefront.at(&server);
    let key = format!("the last copy but four of {book}");
    let before = hold(shop, book);
    let order = client.buy(book, 1).key(&key);
    let buyer = std::thread::spawn(move || order.send());
    wait_for_waiters(shop, 1);
    // Next in line after the buyer, and there to stay.
    let after = std::thread::scope(|scope| {
        let after = scope.spawn(|| hold(shop, book));
        wait_for_waiters(shop, 2);
        proxy.strike(fate, 1);
        let_go(before);
        wait_for_strikes(&proxy);
        after.join().unwrap()
    });
    let answer = answered_meanwhile(buyer, after);
    if answer.status == 201 {
        return false;
    }
    answer.refused(503, "database_unavailable");
    let again = client.buy(book, 1).key(&key).expect(201);
    assert!(again.is_replay(), "it was sold by the first request\n{again}");
    assert_eq!(shop.admin.quantity(book), 4);
    true
}

fn answered_meanwhile<T>(buyer: JoinHandle<T>, holder: Connection) -> T {
    let answer = buyer.join().unwrap();
    let_go(holder);
    answer
}

/// A synchronous standby has what was committed before a lock that it has, and may not have what was only
/// looked at. A book without copies and key is recognised by the moment when it was written.
fn a_book_in_doubt_is_locked_before_it_is_called_new(shop: &Shop) {
    let proxy = Proxy::before(&shop.database);
    let server = shop.server_on(&shop.database.url_through(proxy.port), &[]);
    let admin = shop.admin.at(&server);
    // The first run has looked for an earlier entry and waits for its turn to write the catalogue.
    let mut catalogue = shop.database.connect();
    catalogue.run("BEGIN; SELECT 1 FROM book_index WHERE entry = '' FOR UPDATE");
    let answer = std::thread::spawn(move || admin.post("/v1/books", new_book(json!({}))).send());
    wait_for_statement(shop, "UPDATE \"book_index\"");
    // The second run does not come past the entries before somebody else has the book.
    let mut entries = shop.database.connect();
    let entries = std::thread::spawn(move || {
        entries.run("BEGIN; LOCK TABLE stock_entries IN ACCESS EXCLUSIVE MODE");
        entries
    });
    wait_for_statement(shop, "BEGIN; LOCK TABLE");
    proxy.strike(Commit::Delivered, 1);
    let_go(catalogue);
    let entries = entries.join().unwrap();
    let book = shop.database.connect().number("SELECT id FROM books");
    let holder = hold(shop, book);
    let_go(entries);
    let answers = [answer];
    all_wait(&answers);
    let_go(holder);
    let [answer] = answers.map(|answer| answer.join().unwrap());
    assert_eq!((answer.status, &answer["id"]), (201, &json!(book)), "{answer}");
    wait_for_strikes(&proxy);
}

/// Waits until a statement that begins so waits for a lock.
fn wait_for_statement(shop: &Shop, begins: &str) {
    let query = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
         AND wait_event_type = 'Lock' AND query LIKE '{begins}%'"
    );
    let mut watcher = shop.database.connect();
    let waits = || (watcher.number(&query) > 0).then_some(());
    eventually(Duration::from_secs(30), "it waits for the lock", waits);
}
