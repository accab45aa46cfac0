//! The promise, checked by SQL alone: every invariant is one query that returns what breaks it.
//!
//! One query sees one state of the database, so an audit may run while the shop sells.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;

use super::clock;
use super::connection::{AnyConnection, Backend};
use super::error::Error;
use super::orders::has_status;
use super::sql_types::{Id, Moment, Uuid};
use crate::domain::OrderStatus;
use crate::schema::{books, orders, stock_movements};

/// Something that must hold, with the query for what breaks it.
pub struct Invariant {
    /// Its name in findings.
    pub slug: &'static str,
    /// What must hold, in words.
    pub claim: &'static str,
    /// Says what is wrong; `{expected}` and `{found}` stand for the query's columns.
    detail: &'static str,
    /// Returns the columns `book_id, order_id, entry_id, seq, expected, found`. In it `{big}` and
    /// `{uuid}` stand for the backend's types in a CAST, `{null}` for a number that is not there
    /// and `{none}` for an id that is not there.
    sql: &'static str,
}

/// In the order in which they are checked.
pub const INVARIANTS: [Invariant; 13] = [
    Invariant {
        slug: "negative_quantity",
        claim: "no quantity is negative",
        detail: "a quantity is below zero: {found}",
        sql: "SELECT id AS book_id, {none} AS order_id, {none} AS entry_id, {null} AS seq, \
                CAST(0 AS {big}) AS expected, CAST(quantity AS {big}) AS found \
              FROM books WHERE quantity < 0 \
              UNION ALL \
              SELECT book_id, {none}, {none}, seq, CAST(0 AS {big}), CAST(quantity_after AS {big}) \
              FROM stock_movements WHERE quantity_after < 0",
    },
    Invariant {
        slug: "ledger_gap",
        claim: "a book's movements are numbered 1, 2, 3 ... up to its last_seq",
        detail: "the ledger should run from 1 to {expected} without a gap but has {found} movements \
                 or other numbers",
        sql: "SELECT b.id AS book_id, {none} AS order_id, {none} AS entry_id, {null} AS seq, \
                CAST(b.last_seq AS {big}) AS expected, CAST(count(m.seq) AS {big}) AS found \
              FROM books b LEFT JOIN stock_movements m ON m.book_id = b.id \
              GROUP BY b.id, b.last_seq \
              HAVING count(m.seq) <> b.last_seq OR coalesce(min(m.seq), 1) <> 1 \
                OR coalesce(max(m.seq), 0) <> b.last_seq",
    },
    Invariant {
        slug: "ledger_chain",
        claim: "each quantity_after is the one before plus the delta",
        detail: "the quantity after this movement should be {expected}, the one before plus its \
                 delta, but is {found}",
        sql: "SELECT book_id, {none} AS order_id, {none} AS entry_id, seq, \
                CAST(prior + delta AS {big}) AS expected, CAST(quantity_after AS {big}) AS found \
              FROM (SELECT book_id, seq, delta, quantity_after, \
                      CAST(coalesce(lag(quantity_after) \
                        OVER (PARTITION BY book_id ORDER BY seq), 0) AS {big}) AS prior \
                    FROM stock_movements) chain \
              WHERE quantity_after <> prior + delta",
    },
    Invariant {
        slug: "quantity",
        claim: "a book's quantity is what its newest movement left",
        detail: "the quantity should be {expected}, what the newest movement left, but is {found}",
        sql: "SELECT b.id AS book_id, {none} AS order_id, {none} AS entry_id, \
                CAST(b.last_seq AS {big}) AS seq, \
                CAST(coalesce(m.quantity_after, 0) AS {big}) AS expected, \
                CAST(b.quantity AS {big}) AS found \
              FROM books b LEFT JOIN stock_movements m \
                ON m.book_id = b.id AND m.seq = b.last_seq \
              WHERE b.quantity <> coalesce(m.quantity_after, 0)",
    },
    Invariant {
        slug: "movement_book",
        claim: "every movement has its book",
        detail: "the movement belongs to no book",
        sql: "SELECT m.book_id AS book_id, {none} AS order_id, {none} AS entry_id, m.seq AS seq, \
                {null} AS expected, {null} AS found \
              FROM stock_movements m LEFT JOIN books b ON b.id = m.book_id WHERE b.id IS NULL",
    },
    Invariant {
        slug: "movement_origin",
        claim: "a sale or release has its order, all else its stock entry",
        detail: "the movement has not the order (sale, release) or the entry of its reason (all \
                 else) that it must have",
        sql: "SELECT m.book_id AS book_id, m.order_id AS order_id, m.entry_id AS entry_id, \
                m.seq AS seq, {null} AS expected, {null} AS found \
              FROM stock_movements m \
                LEFT JOIN orders o ON o.id = m.order_id \
                LEFT JOIN stock_entries e ON e.id = m.entry_id \
              WHERE CASE WHEN m.reason IN ('sale', 'release') \
                THEN o.id IS NULL OR m.entry_id IS NOT NULL \
                ELSE e.id IS NULL OR m.order_id IS NOT NULL OR e.reason <> m.reason END",
    },
    Invariant {
        slug: "movement_delta",
        claim: "every movement changes the quantity the way its reason does",
        detail: "a movement of this reason cannot change the quantity by {found}",
        sql: "SELECT book_id, order_id, entry_id, seq, {null} AS expected, \
                CAST(delta AS {big}) AS found \
              FROM stock_movements \
              WHERE delta = 0 OR reason NOT IN \
                  ('initial', 'sale', 'release', 'restock', 'stocktake', 'return') \
                OR (reason = 'sale' AND delta > 0) \
                OR (reason IN ('initial', 'release', 'restock', 'return') AND delta < 0)",
    },
    Invariant {
        slug: "order_status",
        claim: "every order has a status that there is, and a held one its end",
        detail: "the order's status is none that there is, or it is held without an end",
        sql: "SELECT {null} AS book_id, o.id AS order_id, {none} AS entry_id, {null} AS seq, \
                {null} AS expected, {null} AS found \
              FROM orders o WHERE o.status NOT IN ('held', 'placed', 'cancelled', 'expired') \
                OR (o.status = 'held' AND o.expires_at IS NULL)",
    },
    Invariant {
        slug: "order_lines",
        claim: "every order has lines",
        detail: "the order has no lines",
        sql: "SELECT {null} AS book_id, o.id AS order_id, {none} AS entry_id, {null} AS seq, \
                {null} AS expected, {null} AS found \
              FROM orders o WHERE NOT EXISTS (SELECT 1 FROM stock_movements m \
                WHERE m.order_id = o.id AND m.reason = 'sale')",
    },
    Invariant {
        slug: "order_total",
        claim: "every order's total is the sum over its lines",
        detail: "the order's total should be {expected}, the sum over its lines, but is {found}",
        sql: "SELECT {null} AS book_id, o.id AS order_id, {none} AS entry_id, {null} AS seq, \
                CAST(sum(-CAST(m.delta AS {big}) * coalesce(m.unit_price_minor, 0)) AS {big}) \
                  AS expected, \
                CAST(o.total_minor AS {big}) AS found \
              FROM orders o JOIN stock_movements m ON m.order_id = o.id AND m.reason = 'sale' \
              GROUP BY o.id, o.total_minor \
              HAVING o.total_minor <> \
                  sum(-CAST(m.delta AS {big}) * coalesce(m.unit_price_minor, 0)) \
                OR count(*) <> count(m.unit_price_minor)",
    },
    Invariant {
        slug: "order_releases",
        claim: "a cancelled or expired order gave back what it sold, any other nothing",
        detail: "an order that is cancelled or expired gives back what it sold, any other nothing; \
                 this one sold {expected} copies of the book and gave back {found}",
        sql: "SELECT m.book_id AS book_id, o.id AS order_id, {none} AS entry_id, {null} AS seq, \
                CAST(sum(CASE WHEN m.reason = 'sale' THEN -m.delta ELSE 0 END) AS {big}) \
                  AS expected, \
                CAST(sum(CASE WHEN m.reason = 'release' THEN m.delta ELSE 0 END) AS {big}) \
                  AS found \
              FROM orders o JOIN stock_movements m ON m.order_id = o.id \
              GROUP BY m.book_id, o.id, o.status \
              HAVING CASE WHEN o.status IN ('cancelled', 'expired') THEN sum(m.delta) <> 0 \
                ELSE sum(CASE WHEN m.reason = 'release' THEN 1 ELSE 0 END) <> 0 END",
    },
    Invariant {
        slug: "order_returns",
        claim: "returns of an order never exceed what it sold",
        detail: "the order sold {expected} copies of the book but {found} came back",
        sql: "SELECT r.book_id AS book_id, r.order_id AS order_id, {none} AS entry_id, \
                {null} AS seq, CAST(coalesce(s.copies, 0) AS {big}) AS expected, \
                CAST(r.copies AS {big}) AS found \
              FROM (SELECT e.order_id, m.book_id, sum(m.delta) AS copies \
                    FROM stock_entries e JOIN stock_movements m ON m.entry_id = e.id \
                    WHERE e.reason = 'return' GROUP BY e.order_id, m.book_id) r \
                LEFT JOIN (SELECT order_id, book_id, -sum(delta) AS copies FROM stock_movements \
                    WHERE reason = 'sale' GROUP BY order_id, book_id) s \
                ON s.order_id = r.order_id AND s.book_id = r.book_id \
              WHERE r.copies > coalesce(s.copies, 0)",
    },
    Invariant {
        slug: "returns_of_placed",
        claim: "only of placed orders copies were returned",
        detail: "copies of the order were returned, but it is not placed",
        sql: "SELECT {null} AS book_id, o.id AS order_id, e.id AS entry_id, {null} AS seq, \
                {null} AS expected, {null} AS found \
              FROM stock_entries e JOIN orders o ON o.id = e.order_id \
              WHERE e.reason = 'return' AND o.status <> 'placed'",
    },
];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<BigInt>)]
    book_id: Option<i64>,
    #[diesel(sql_type = Nullable<Uuid>)]
    order_id: Option<Id>,
    #[diesel(sql_type = Nullable<Uuid>)]
    entry_id: Option<Id>,
    #[diesel(sql_type = Nullable<BigInt>)]
    seq: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    expected: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    found: Option<i64>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The invariant that is broken.
    pub invariant: &'static str,
    /// The book it concerns.
    pub book_id: Option<i64>,
    /// The order it concerns.
    pub order_id: Option<uuid::Uuid>,
    /// The stock entry it concerns.
    pub entry_id: Option<uuid::Uuid>,
    /// The movement it concerns, by its number.
    pub seq: Option<i64>,
    /// What is wrong, in words.
    pub detail: String,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Books, archived ones too.
    pub books: i64,
    /// Orders.
    pub orders: i64,
    /// Stock movements.
    pub movements: i64,
}

/// Checks every invariant: `checked` is told each one's name when its turn comes, `found` each
/// thing that breaks one.
///
/// # Errors
/// What the database says.
pub fn run(
    connection: &mut AnyConnection,
    mut checked: impl FnMut(&'static str),
    mut found: impl FnMut(Finding),
) -> Result<(), Error> {
    let (big, uuid) = match connection.backend() {
        Backend::Postgres => ("bigint", "uuid"),
        Backend::Mysql => ("signed", "binary(16)"),
        Backend::Sqlite => ("integer", "blob"),
    };
    for invariant in &INVARIANTS {
        checked(invariant.slug);
        let sql = invariant
            .sql
            .replace("{null}", "CAST(NULL AS {big})")
            .replace("{none}", "CAST(NULL AS {uuid})")
            .replace("{big}", big)
            .replace("{uuid}", uuid);
        for row in diesel::sql_query(sql).load::<Row>(connection)? {
            let number = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
            found(Finding {
                invariant: invariant.slug,
                book_id: row.book_id,
                order_id: row.order_id.map(|id| id.0),
                entry_id: row.entry_id.map(|id| id.0),
                seq: row.seq,
                detail: invariant
                    .detail
                    .replace("{expected}", &number(row.expected))
                    .replace("{found}", &number(row.found)),
            });
        }
    }
    Ok(())
}

/// How much there is to audit.
///
/// # Errors
/// What the database says.
pub fn counts(connection: &mut AnyConnection) -> Result<Counts, Error> {
    Ok(Counts {
        books: books::table.count().get_result(connection)?,
        orders: orders::table.count().get_result(connection)?,
        movements: stock_movements::table.count().get_result(connection)?,
    })
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    value: String,
}

/// How long a hold may be overdue before it is worth a warning: sweepers look twice a second.
const SWEEP_IS_LATE: TimeDelta = TimeDelta::minutes(1);

/// Whether copies that should be back are not, which nobody but a serving bookstore puts right.
///
/// # Errors
/// What the database says.
pub fn overdue_warning(connection: &mut AnyConnection) -> Result<Option<String>, Error> {
    let late = Moment(clock::now(connection)? - SWEEP_IS_LATE);
    let count: i64 = orders::table
        .filter(has_status(OrderStatus::Held))
        .filter(orders::expires_at.le(late))
        .count()
        .get_result(connection)?;
    Ok((count > 0).then(|| {
        format!(
            "{count} holds ran out more than a minute ago and their copies are not back on sale: \
             `bookstore serve` takes them back; is it running, and what does its log say?"
        )
    }))
}

/// Where the database server is set up so that a commit may not survive a crash.
///
/// # Errors
/// What the database says.
pub fn durability_warnings(connection: &mut AnyConnection) -> Result<Vec<String>, Error> {
    let (sql, safe): (&str, &[&str]) = match connection.backend() {
        // `reset_val` is the server's own setting; this session's is set by the service.
        Backend::Postgres => (
            "SELECT name::text AS name, reset_val::text AS value FROM pg_settings \
             WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')",
            &["on", "remote_write", "remote_apply"],
        ),
        Backend::Mysql => (
            "SELECT 'innodb_flush_log_at_trx_commit' AS name, \
             CAST(@@GLOBAL.innodb_flush_log_at_trx_commit AS char) AS value",
            &["1"],
        ),
        // Each connection sets itself to WAL with synchronous = FULL.
        Backend::Sqlite => return Ok(Vec::new()),
    };
    let settings: Vec<Setting> = diesel::sql_query(sql).load(connection)?;
    Ok(settings
        .into_iter()
        .filter(|setting| !safe.contains(&setting.value.as_str()))
        .map(|Setting { name, value }| {
            format!("the server has {name} = {value}: a sale it acknowledged may be lost in a crash; set it to {}", safe[0])
        })
        .collect())
}
