//! Somebody else's transaction that has the lock of a book, so that what comes meanwhile waits.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Answer, Backend, Call, Connection, Shop};

/// So long nothing that waits for the lock may have an answer; on SQLite, which tells nobody who
/// waits, also how long those who come at once have to get in line.
const PATIENCE: Duration = Duration::from_secs(1);

/// Takes the lock of `book` as a sale does and keeps it until [`let_go`].
pub fn hold(shop: &Shop, book: i64) -> Connection {
    let mut holder = shop.database.connect();
    match shop.backend() {
        Backend::Sqlite => holder.run("BEGIN IMMEDIATE"),
        _ => {
            holder.run("BEGIN");
            holder.number(&format!("SELECT quantity FROM books WHERE id = {book} FOR UPDATE"));
        }
    }
    holder
}

/// Takes the lock of `order` as a confirmation does and keeps it until [`let_go`].
pub fn hold_order(shop: &Shop, order: &Answer) -> Connection {
    let mut holder = shop.database.connect();
    match shop.backend() {
        Backend::Sqlite => holder.run("BEGIN IMMEDIATE"),
        _ => {
            holder.run("BEGIN");
            let id = shop.database.uuid_literal(&order.id());
            holder.number(&format!("SELECT total_minor FROM orders WHERE id = {id} FOR UPDATE"));
        }
    }
    holder
}

/// Takes the lock of a whole table, as a change of its schema does, and keeps it as long as the connection.
pub fn lock_table(backend: Backend, holder: &mut Connection, table: &str) {
    holder.run(&match backend {
        Backend::Sqlite => "BEGIN EXCLUSIVE".to_owned(),
        Backend::Postgres => format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
        Backend::Mysql => format!("LOCK TABLES {table} WRITE"),
    });
}

pub fn let_go(mut holder: Connection) {
    holder.run("COMMIT");
}

/// Demands that nothing is answered while the lock is held.
#[track_caller]
pub fn all_wait<T>(waiting: &[JoinHandle<T>]) {
    let patience = Instant::now() + PATIENCE;
    while Instant::now() < patience {
        assert!(!waiting.iter().any(JoinHandle::is_finished), "answered without the lock");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Sends `calls` while the lock of `book` is held, so that they meet in the till: the first one
/// waits for the lock, the others for the first. What `meanwhile` does to the database is committed
/// when the lock is let go. Gives the answers, in the order of the calls.
pub fn meet_in_the_till(
    shop: &Shop,
    book: i64,
    calls: Vec<Call>,
    meanwhile: impl FnOnce(&mut Connection),
) -> Vec<Answer> {
    let mut holder = hold(shop, book);
    let waiting: Vec<_> =
        calls.into_iter().map(|call| std::thread::spawn(move || call.send())).collect();
    all_wait(&waiting);
    meanwhile(&mut holder);
    let_go(holder);
    waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
}
