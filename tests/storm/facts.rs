//! What the database holds when the storm is over, read past the service.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::history::{Entry, Facts, Movement, Order};
use crate::kit::{Backend, Connection, Database};

pub fn gather(database: &Database) -> Facts {
    let mut connection = database.connect();
    let id = |column: &str| match database.backend {
        Backend::Postgres => format!("CAST({column} AS TEXT)"),
        Backend::Sqlite | Backend::Mysql => format!("hex({column})"),
    };
    let cause = id("coalesce(order_id, entry_id)");
    let mut rows = |columns: &str, rest: &str| rows(&mut connection, columns, rest);
    let requests = format!("{}, client_id, coalesce(idempotency_key, '')", id("id"));
    let overdue =
        format!("CASE WHEN expires_at < {} THEN 1 ELSE 0 END", long_ago(database.backend));
    let columns = format!("{requests}, status, {overdue}");
    let orders = rows(&columns, "orders").into_iter().map(|row| {
        let [id, client, key, status, overdue] = row.try_into().unwrap();
        let is_overdue = overdue == "1" && status == "held";
        Order { id: uuid(&id), client: client.parse().unwrap(), key, status, is_overdue }
    });
    let orders = orders.collect();
    let columns = format!("{requests}, coalesce({}, '')", id("order_id"));
    let entries = rows(&columns, "stock_entries").into_iter().map(|row| {
        let [id, client, key, order] = row.try_into().unwrap();
        let order = (!order.is_empty()).then(|| uuid(&order));
        Entry { id: uuid(&id), client: client.parse().unwrap(), key, order }
    });
    let entries = entries.collect();
    let mut movements = BTreeMap::<i64, Vec<Movement>>::new();
    let columns = format!("book_id, seq, delta, quantity_after, reason, {cause}");
    for row in rows(&columns, "stock_movements ORDER BY book_id, seq") {
        let [book, seq, delta, quantity_after, reason, cause] = row.try_into().unwrap();
        let number = |text: &str| -> i64 { text.parse().unwrap() };
        movements.entry(number(&book)).or_default().push(Movement {
            seq: number(&seq),
            delta: number(&delta),
            quantity_after: number(&quantity_after),
            reason,
            cause: uuid(&cause),
        });
    }
    let quantities = rows("id, quantity", "books").into_iter().map(|row| {
        let [id, quantity] = row.try_into().unwrap();
        (id.parse().unwrap(), quantity.parse().unwrap())
    });
    Facts { orders, entries, movements, quantities: quantities.collect() }
}

/// A moment by which everybody had time to take back what ran out before.
fn long_ago(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "strftime('%Y-%m-%d %H:%M:%f', 'now', '-15 seconds')",
        Backend::Postgres => "now() - interval '15 seconds'",
        Backend::Mysql => "utc_timestamp(6) - INTERVAL 15 SECOND",
    }
}

fn rows(connection: &mut Connection, columns: &str, rest: &str) -> Vec<Vec<String>> {
    let query = format!("SELECT concat_ws('|', {columns}) AS word FROM {rest}");
    let split = |row: String| row.split('|').map(str::to_owned).collect();
    connection.texts(&query).into_iter().map(split).collect()
}

/// As the service writes it.
fn uuid(text: &str) -> String {
    text.parse::<Uuid>().unwrap().to_string()
}
