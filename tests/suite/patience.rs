//! How long anybody waits for what somebody else has: a request no longer than it was told, and nobody for
//! ever for a server that stands still.

use std::time::{Duration, Instant};

use crate::kit::{
    Backend, Connection, Scenario, Shop, WeakUser, all_wait, hold, let_go, lock_table,
};
use crate::locks::wait_for_waiters;
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::SERVERS:
        who_waits_for_one_thing_after_another_waits_no_longer,
        a_frozen_server_keeps_its_locks_for_half_a_minute_at_most;
    Shop on Backend::MYSQL:
        a_server_that_speaks_german_is_understood;
    Shop on Backend::EMBEDDED:
        a_lock_held_too_long_is_a_503_that_can_be_tried_again;
];

/// First the token cannot be looked up, then the book is locked: a request has one deadline for all.
fn who_waits_for_one_thing_after_another_waits_no_longer(shop: &Shop) {
    const DEADLINE: Duration = Duration::from_secs(8);
    let server = shop.server_on(&shop.database.url, &["--request-timeout", "8"]);
    let book = shop.book(5);
    let _holder = hold(shop, book);
    let mut clients = shop.database.connect();
    lock_table(shop.backend(), &mut clients, "clients");
    let client = shop.storefront.at(&server);
    let sent = Instant::now();
    let waiting = [std::thread::spawn(move || client.buy(book, 1).send())];
    while sent.elapsed() < DEADLINE - Duration::from_secs(2) {
        all_wait(&waiting);
    }
    drop(clients);
    let [answer] = waiting.map(|answer| answer.join().unwrap());
    answer.refused(503, "overloaded");
    let waited = sent.elapsed();
    assert!(waited < DEADLINE + Duration::from_secs(4), "{waited:?}");
}

/// How often the lock may slip from somebody who is being frozen.
const ATTEMPTS: usize = 3;

/// A machine that is gone, or stands still, in the middle of a transaction. Nobody tells the database.
fn a_frozen_server_keeps_its_locks_for_half_a_minute_at_most(shop: &Shop) {
    assert!((0..ATTEMPTS).any(|_| is_frozen_with_a_lock(shop)), "the lock was never kept");
}

/// False if it had given up waiting for the lock just before it was frozen.
fn is_frozen_with_a_lock(shop: &Shop) -> bool {
    let [frozen, other] =
        ["10", "60"].map(|time| shop.server_on(&shop.database.url, &["--request-timeout", time]));
    let book = shop.book(5);
    let key = format!("frozen with {book}");
    let order = shop.storefront.at(&frozen).buy(book, 1).key(&key);
    let holder = hold(shop, book);
    let order = std::thread::spawn(move || order.send());
    wait_for_waiters(shop, 1);
    frozen.signal("STOP");
    let_go(holder);
    let began = Instant::now();
    shop.storefront.at(&other).buy(book, 2).expect(201);
    let was_kept = began.elapsed() > Duration::from_secs(20);
    frozen.signal("CONT");
    let answer = order.join().unwrap();
    if was_kept {
        // Its time is up, and nobody is told that nothing was sold.
        answer.refused(503, "database_unavailable");
    }
    shop.storefront.buy(book, 1).key(&key).expect(201);
    assert_eq!(shop.admin.quantity(book), 2);
    was_kept
}

/// Lets a MariaDB speak German to one user, in sessions that ask for nothing; until dropped.
struct German {
    server: Connection,
    before: String,
}

impl German {
    fn to(shop: &Shop, user: &WeakUser) -> Self {
        let mut server = shop.database.connect();
        let before = server.text("SELECT @@GLOBAL.init_connect").unwrap();
        // Each new session of a user without all rights runs it.
        let name = user.name();
        server.run(&format!(
            "SET GLOBAL init_connect = \"SET lc_messages = \
             IF(SUBSTRING_INDEX(USER(), '@', 1) = '{name}', 'de_DE', @@lc_messages)\""
        ));
        Self { server, before }
    }
}

impl Drop for German {
    fn drop(&mut self) {
        self.server.run(&format!("SET GLOBAL init_connect = \"{}\"", self.before));
    }
}

/// MariaDB has translations, and an operator may want them. Waiting for a lock is no failure in any of them.
fn a_server_that_speaks_german_is_understood(shop: &Shop) {
    let user = WeakUser::of(&shop.database, "ALL");
    let _german = German::to(shop, &user);
    let words = Connection::open(Backend::Mysql, &user.url).try_run("CREATE DATABASE mine");
    assert!(words.unwrap_err().to_string().contains("Benutzer"), "it does not speak German");
    let server = shop.server_on(&user.url, &[]);
    let client = shop.storefront.at(&server);
    let book = shop.book(5);
    let holder = hold(shop, book);
    let waiting = [std::thread::spawn(move || client.buy(book, 1).send())];
    // More often than an error without a name is put up with.
    (0..5).for_each(|_| all_wait(&waiting));
    let_go(holder);
    for answer in waiting {
        answer.join().unwrap().expect(201);
    }
}

fn a_lock_held_too_long_is_a_503_that_can_be_tried_again(shop: &Shop) {
    let server = shop.server_on(&shop.database.url, &["--request-timeout", "1"]);
    let client = shop.storefront.at(&server);
    let book = shop.book(5);
    let mut holder = shop.database.connect();
    holder.run("BEGIN EXCLUSIVE");
    client.buy(book, 1).key("patience").send().refused(503, "overloaded");
    assert_eq!(client.quantity(book), 5);
    holder.run("COMMIT");
    let order = client.buy(book, 1).key("patience").expect(201);
    assert!(!order.is_replay(), "the one that was refused did not happen");
    assert_eq!(shop.admin.quantity(book), 4);
}
