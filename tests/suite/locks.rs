//! The lock itself: a sale takes it before it looks at the shelf, and nobody who only looks waits.
//!
//! The ledger's primary key turns a lost lock into a retry instead of a lost update, so the races
//! alone would not notice that it is gone. These scenarios do.

use std::time::Duration;

use crate::kit::{Backend, Client, Scenario, Shop, all_wait, eventually, hold, let_go, lock_table};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_reader_never_waits_for_a_sale,
        a_sale_that_waited_sees_what_the_other_left,
        a_sale_that_never_had_the_lock_is_not_made_later;
    Shop on Backend::SERVERS:
        everything_that_changes_stock_waits_at_the_row_lock;
    Shop on Backend::EMBEDDED:
        nothing_is_refused_for_what_was_there_before_it_had_the_write_lock;
];

fn a_reader_never_waits_for_a_sale(shop: &Shop) {
    let book = shop.book(7);
    let order = shop.storefront.buy(book, 1).expect(201);
    let mut holder = hold(shop, book);
    holder.run(&format!("UPDATE books SET quantity = 0 WHERE id = {book}"));
    for _ in 0..5 {
        assert_eq!(shop.storefront.quantity(book), 6, "what is not committed is not seen");
        let listed = shop.storefront.get("/v1/books").query(&[("in_stock", "true")]).expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1);
        assert_eq!(shop.admin.movements(book).len(), 2);
        shop.storefront.get(order.header("location")).expect(200);
        shop.storefront.get("/v1/orders").expect(200);
        shop.storefront.get("/readyz").expect(200);
    }
    holder.run("ROLLBACK");
}

fn a_sale_that_waited_sees_what_the_other_left(shop: &Shop) {
    let book = shop.book(5);
    for (left, status) in [(1, 201), (0, 409)] {
        let mut holder = hold(shop, book);
        let buyer = buying(&shop.storefront, book);
        if shop.backend() != Backend::Sqlite {
            wait_for_waiters(shop, 1);
        }
        // What another sale would do: take all but `left` copies and write it to the ledger.
        let taken = holder.number(&format!("SELECT quantity FROM books WHERE id = {book}")) - left;
        let seq = holder.number(&format!("SELECT last_seq FROM books WHERE id = {book}")) + 1;
        if taken > 0 {
            holder.run(&stocktake_by_hand(shop, book, seq, -taken, left));
        }
        let_go(holder);
        assert_eq!(buyer.join().unwrap(), status);
        assert_eq!(shop.admin.quantity(book), 0);
    }
}

/// Somebody changes the schema or takes a backup. To be told `overloaded` is to be told that nothing was
/// sold, and that nothing will be.
fn a_sale_that_never_had_the_lock_is_not_made_later(shop: &Shop) {
    let book = shop.book(5);
    let server = shop.server_on(&shop.database.url, &["--request-timeout", "2"]);
    let client = shop.storefront.at(&server);
    let mut holder = shop.database.connect();
    lock_table(shop.backend(), &mut holder, "books");
    client.buy(book, 1).send().refused(503, "overloaded");
    drop(holder);
    client.buy(book, 2).expect(201);
    assert_eq!(shop.admin.quantity(book), 3);
}

fn buying(client: &Client, book: i64) -> std::thread::JoinHandle<u16> {
    let client = client.clone();
    std::thread::spawn(move || client.buy(book, 1).send().status)
}

fn stocktake_by_hand(shop: &Shop, book: i64, seq: i64, delta: i64, left: i64) -> String {
    let id = shop.database.uuid_literal(&uuid::Uuid::now_v7().to_string());
    let hash = shop.database.bytes_literal(&[0; 32]);
    format!(
        "INSERT INTO stock_entries (id, client_id, reason, request_hash, created_at)
             VALUES ({id}, 1, 'stocktake', {hash}, '2026-01-01 00:00:00');
         INSERT INTO stock_movements (book_id, seq, delta, quantity_after, reason, entry_id, created_at)
             VALUES ({book}, {seq}, {delta}, {left}, 'stocktake', {id}, '2026-01-01 00:00:00');
         UPDATE books SET quantity = {left}, last_seq = {seq} WHERE id = {book};"
    )
}

/// Waits until so many statements wait for the lock of a row that they want to read.
///
/// MariaDB would tell lock waits in `innodb_trx`, but shows an old picture to who looks often. One
/// that is in such a statement while the lock is held waits there.
pub fn wait_for_waiters(shop: &Shop, count: i64) {
    let query = match shop.backend() {
        Backend::Postgres => {
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
             AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'"
        }
        _ => {
            "SELECT count(*) FROM information_schema.processlist WHERE db = database()
             AND id <> connection_id() AND command <> 'Sleep' AND info LIKE '%FOR UPDATE%'"
        }
    };
    let mut watcher = shop.database.connect();
    let are_there = || (watcher.number(query) >= count).then_some(());
    eventually(Duration::from_secs(30), "they wait in SELECT ... FOR UPDATE", are_there);
}

fn everything_that_changes_stock_waits_at_the_row_lock(shop: &Shop) {
    let [book, other] = shop.books([100, 100]);
    for act in acts(book, other) {
        let holder = hold(shop, book);
        let (storefront, admin) = (shop.storefront.clone(), shop.admin.clone());
        let waiting = std::thread::spawn(move || act(&storefront, &admin));
        wait_for_waiters(shop, 1);
        let_go(holder);
        assert_eq!(waiting.join().unwrap(), 201);
    }
}

type Act = Box<dyn FnOnce(&Client, &Client) -> u16 + Send>;

/// Each way to change the stock of `book`.
fn acts(book: i64, other: i64) -> Vec<Act> {
    vec![
        Box::new(move |storefront, _| storefront.buy(book, 1).send().status),
        Box::new(move |storefront, _| storefront.order(&[(other, 1), (book, 1)]).send().status),
        Box::new(move |_, admin| admin.restock(book, 1).send().status),
        Box::new(move |_, admin| admin.restock_many(&[(other, 1), (book, 1)]).send().status),
        Box::new(move |_, admin| admin.stocktake(book, 50).send().status),
    ]
}

/// A transaction that reads before it has the write lock would refuse at once, for what the shelf
/// was before the one who has the lock changed it. One that takes the lock first has no answer until
/// it has it.
fn nothing_is_refused_for_what_was_there_before_it_had_the_write_lock(shop: &Shop) {
    let [sold, ordered, counted, filled] = shop.books([0, 0, 0, 2_000_000_000]);
    let mut holder = hold(shop, sold);
    for book in [sold, ordered, counted] {
        holder.run(&stocktake_by_hand(shop, book, 1, 5, 5));
    }
    holder.run(&stocktake_by_hand(shop, filled, 2, -1_999_999_995, 5));
    let acts: [Act; 4] = [
        Box::new(move |storefront, _| storefront.buy(sold, 1).send().status),
        Box::new(move |storefront, _| storefront.order(&[(ordered, 1)]).send().status),
        Box::new(move |_, admin| admin.stocktake_expecting(counted, 4, 5).send().status),
        Box::new(move |_, admin| admin.restock(filled, 1).send().status),
    ];
    let waiting = acts.map(|act| {
        let (storefront, admin) = (shop.storefront.clone(), shop.admin.clone());
        std::thread::spawn(move || act(&storefront, &admin))
    });
    all_wait(&waiting);
    let_go(holder);
    assert_eq!(waiting.map(|act| act.join().unwrap()), [201; 4]);
    assert_eq!(
        [sold, ordered, counted, filled].map(|book| shop.admin.quantity(book)),
        [4, 4, 4, 6]
    );
}
