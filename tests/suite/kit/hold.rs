//! Holds and the clock that ends them: the database's.

use chrono::{DateTime, Utc};

use super::{Answer, Backend, Connection, Shop};

/// What time it is for the database, now and not when a transaction began.
pub fn clock_of(connection: &mut Connection, backend: Backend) -> DateTime<Utc> {
    let query = match backend {
        Backend::Sqlite => "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
        Backend::Postgres => {
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        }
        Backend::Mysql => "SELECT date_format(utc_timestamp(6), '%Y-%m-%dT%H:%i:%s.%fZ')",
    };
    connection.text(query).unwrap().parse().unwrap()
}

/// Lets these holds run out now, all in the same moment.
pub fn run_out(shop: &Shop, orders: &[&Answer]) {
    let ids: Vec<_> = orders.iter().map(|order| shop.database.uuid_literal(&order.id())).collect();
    let ids = ids.join(", ");
    run_out_where(shop, &format!("id IN ({ids})"));
}

/// Lets every hold run out now.
pub fn run_all_out(shop: &Shop) {
    run_out_where(shop, "status = 'held'");
}

fn run_out_where(shop: &Shop, which: &str) {
    let now = match shop.backend() {
        Backend::Sqlite => "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
        Backend::Postgres => "clock_timestamp()",
        Backend::Mysql => "utc_timestamp(6)",
    };
    let sql = format!("UPDATE orders SET expires_at = {now} WHERE {which}");
    shop.database.connect().run(&sql);
}
