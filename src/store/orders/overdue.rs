//! Which holds have run out.

use diesel::prelude::*;

use super::HoldMark;
use crate::domain::{OrderId, OrderStatus};
use crate::schema::orders;
use crate::store::clock;
use crate::store::connection::{AnyConnection, MultiBackend};
use crate::store::error::Error;
use crate::store::sql_types::{Id, Moment};

/// Holds that have run out and whose copies are not back yet, the longest overdue first.
pub type Overdue = Vec<HoldMark>;

/// At most `limit` holds that have run out by the database's clock, after `after` if given. Reads
/// and locks nothing.
///
/// # Errors
/// What the database says.
pub fn overdue(
    connection: &mut AnyConnection,
    after: Option<HoldMark>,
    limit: usize,
) -> Result<Overdue, Error> {
    let now = Moment(clock::now(connection)?);
    let mut query = orders::table
        .filter(orders::status.eq(OrderStatus::Held.as_str()))
        .filter(orders::expires_at.le(now))
        .order((orders::expires_at, orders::id))
        .select((orders::expires_at.assume_not_null(), orders::id))
        .limit(limit as i64)
        .into_boxed::<MultiBackend>();
    if let Some(HoldMark { expires_at, order_id }) = after {
        let end = Moment(expires_at);
        query = query.filter(
            orders::expires_at
                .gt(end)
                .or(orders::expires_at.eq(end).and(orders::id.gt(Id(order_id.0)))),
        );
    }
    let rows = query.load::<(Moment, Id)>(connection)?;
    let mark = |(Moment(expires_at), Id(id))| HoldMark { expires_at, order_id: OrderId(id) };
    Ok(rows.into_iter().map(mark).collect())
}
