//! The sale: any number of orders in one transaction that the caller opened. Lock the books in id
//! order, look which requests were settled before, let the pure rule decide, write in bulk.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryResult;

use super::connection::AnyConnection;
use super::error::Error;
use super::movements::Origin;
use super::{books, clock, entries, movements, orders};
use crate::domain::batch::{Decision, Earlier, decide};
use crate::domain::{Movement, NewOrder, Order, OrderedLine, Placement, Refusal, Sale, Shelf};

/// What became of one order.
pub type Outcome = Result<Placement, Refusal>;

/// Places orders, in the order they came: each one whole or not at all, whatever becomes of the
/// others. The outcomes are those that the same orders would get one by one, in this order.
///
/// # Errors
/// Only what concerns the transaction as a whole; a refusal is an outcome.
pub fn place(connection: &mut AnyConnection, new: &[NewOrder]) -> Result<Vec<Outcome>, Error> {
    let book_ids = new.iter().flat_map(|order| order.lines().iter().map(|line| line.book_id));
    // The lock comes before the look for earlier requests: a twin that is being placed now holds
    // these rows, and once it lets go its order can be seen.
    let mut shelf = books::lock(connection, book_ids)?;
    let earlier = Earlier {
        orders: orders::settled(connection, new)?,
        entry_keys: entries::taken_keys(connection, new)?,
    };
    let decisions = decide(&mut shelf, new, &earlier);
    let sold: Vec<(&NewOrder, &Sale)> = new
        .iter()
        .zip(&decisions)
        .filter_map(|(order, decision)| match decision {
            Decision::Sold(sale) => Some((order, sale)),
            _ => None,
        })
        .collect();
    let now = write(connection, &sold)?;
    let settled: Vec<_> = earlier.orders.iter().map(|order| order.id).collect();
    let settled = orders::load(connection, &settled)?;
    let settled: HashMap<_, _> = settled.into_iter().map(|order| (order.id, order)).collect();
    decisions
        .iter()
        .zip(new)
        .map(|(decision, order)| match decision {
            Decision::Refused(refusal) => Ok(Err(refusal.clone())),
            Decision::Sold(sale) => Ok(Ok(placed(&shelf, order, sale, now))),
            Decision::Twin(twin) => match &decisions[*twin] {
                Decision::Sold(sale) => Ok(Ok(replay(placed(&shelf, &new[*twin], sale, now)))),
                _ => unreachable!("only an order that was sold has twins"),
            },
            Decision::Settled(id) => {
                let there = settled.get(id).cloned().ok_or_else(|| {
                    Error::Unreadable(format!("no order {id}, which was there just now"))
                })?;
                // The same id means that it was this request that committed: no replay for it.
                Ok(Ok(Placement { order: there, is_replay: *id != order.id }))
            }
        })
        .collect()
}

/// Writes all that was sold, in bulk, and tells when that was.
fn write(
    connection: &mut AnyConnection,
    sold: &[(&NewOrder, &Sale)],
) -> Result<DateTime<Utc>, Error> {
    if sold.is_empty() {
        return Ok(DateTime::UNIX_EPOCH);
    }
    match connection {
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(postgres) => Ok(super::postgres::write_sales(postgres, sold)?),
        #[allow(unreachable_patterns, reason = "no other backend in some builds")]
        other => Ok(write_tables(other, sold)?),
    }
}

/// The same, table by table.
fn write_tables(
    connection: &mut AnyConnection,
    sold: &[(&NewOrder, &Sale)],
) -> QueryResult<DateTime<Utc>> {
    let now = clock::now(connection)?;
    let totals: Vec<_> = sold.iter().map(|(order, sale)| (*order, sale.total_minor)).collect();
    let moved: Vec<_> = sold
        .iter()
        .flat_map(|(order, sale)| {
            sale.movements.iter().map(|movement| (Origin::Order(order.id), *movement))
        })
        .collect();
    orders::insert(connection, &totals, now)?;
    movements::record(connection, &moved, now)?;
    Ok(now)
}

fn placed(shelf: &Shelf, order: &NewOrder, sale: &Sale, now: DateTime<Utc>) -> Placement {
    let order = Order {
        id: order.id,
        client_id: order.request.client.id,
        status: order.status(),
        expires_at: order.expires_at(now),
        lines: sale.movements.iter().map(|movement| line(shelf, movement)).collect(),
        total_minor: sale.total_minor,
        created_at: now,
    };
    Placement { order, is_replay: false }
}

fn replay(placement: Placement) -> Placement {
    Placement { is_replay: true, ..placement }
}

fn line(shelf: &Shelf, sale: &Movement) -> OrderedLine {
    OrderedLine {
        book_id: sale.book_id,
        title: shelf.get(sale.book_id).map(|stock| stock.title.clone()).unwrap_or_default(),
        copies: -sale.delta,
        unit_price_minor: sale.unit_price_minor.unwrap_or_default(),
        returned: 0,
    }
}
