//! Pages of orders, and of the holds on a book.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::mark::{HoldMark, has_status};
use super::{Row, complete};
use crate::domain::{BookId, Client, ClientId, Hold, Order, OrderId, OrderStatus, Reason};
use crate::schema::{orders, stock_movements};
use crate::store::books::Page;
use crate::store::connection::{AnyConnection, MultiBackend};
use crate::store::error::Error;
use crate::store::sql_types::{Id, Moment};

/// Which orders a page may show.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those with this status.
    pub status: Option<OrderStatus>,
    /// Only those made at this moment or later.
    pub from: Option<DateTime<Utc>>,
    /// Only those made before this moment.
    pub until: Option<DateTime<Utc>>,
}

/// A page of the orders that `client` may see, the newest first, before order `after` if given.
/// Newest means made last by an instance's clock, which is what the ids are sorted by; the filter
/// goes by the database's clock.
///
/// # Errors
/// What the database says.
pub fn list(
    connection: &mut AnyConnection,
    client: Client,
    filter: &Filter,
    after: Option<OrderId>,
    limit: usize,
) -> Result<Page<Order, OrderId>, Error> {
    let mut query = orders::table
        .order(orders::id.desc())
        .select(Row::as_select())
        .limit(limit as i64 + 1)
        .into_boxed::<MultiBackend>();
    if !client.is_admin() {
        query = query.filter(orders::client_id.eq(client.id.0));
    }
    if let Some(status) = filter.status {
        query = query.filter(has_status(status));
    }
    if let Some(from) = filter.from {
        query = query.filter(orders::created_at.ge(Moment(from)));
    }
    if let Some(until) = filter.until {
        query = query.filter(orders::created_at.lt(Moment(until)));
    }
    if let Some(after) = after {
        query = query.filter(orders::id.lt(Id(after.0)));
    }
    let mut rows = query.load(connection)?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let items = complete(connection, rows)?;
    let next = items.last().filter(|_| has_more).map(|order| order.id);
    Ok(Page { items, next })
}

/// A page of the orders that hold copies of a book, those that end first first, after `after` if
/// given. One that is overdue is among them until its copies are back.
///
/// # Errors
/// What the database says.
pub fn holds_of(
    connection: &mut AnyConnection,
    book_id: BookId,
    after: Option<HoldMark>,
    limit: usize,
) -> Result<Page<Hold, HoldMark>, Error> {
    let mut query = orders::table
        .inner_join(stock_movements::table)
        .filter(has_status(OrderStatus::Held))
        .filter(stock_movements::book_id.eq(book_id.0))
        .filter(stock_movements::reason.eq(Reason::Sale.as_str()))
        .order((orders::expires_at, orders::id))
        .select((
            orders::id,
            orders::client_id,
            stock_movements::delta,
            orders::expires_at.assume_not_null(),
            orders::created_at,
        ))
        .limit(limit as i64 + 1)
        .into_boxed::<MultiBackend>();
    if let Some(mark) = after {
        query = query.filter(mark.those_behind());
    }
    let rows = query.load::<(Id, i64, i32, Moment, Moment)>(connection)?;
    let has_more = rows.len() > limit;
    let hold =
        |(id, client_id, delta, Moment(expires_at), Moment(created_at)): (Id, _, i32, _, _)| Hold {
            order_id: OrderId(id.0),
            client_id: ClientId(client_id),
            copies: -delta,
            expires_at,
            created_at,
        };
    let items: Vec<_> = rows.into_iter().take(limit).map(hold).collect();
    let mark = |last: &Hold| HoldMark { expires_at: last.expires_at, order_id: last.order_id };
    let next = items.last().filter(|_| has_more).map(mark);
    Ok(Page { items, next })
}
