//! Which holds have run out.

use diesel::prelude::*;

use super::mark::{HoldMark, has_status};
use crate::domain::{OrderId, OrderStatus};
use crate::schema::orders;
use crate::store::clock;
use crate::store::connection::{AnyConnection, MultiBackend};
use crate::store::error::Error;
use crate::store::sql_types::{Id, Moment};

/// At most `limit` holds that have run out by the database's clock and whose copies are not back,
/// the longest overdue first, behind `after` if given. Reads and locks nothing.
///
/// # Errors
/// What the database says.
pub fn overdue(
    connection: &mut AnyConnection,
    after: Option<HoldMark>,
    limit: usize,
) -> Result<Vec<HoldMark>, Error> {
    let now = Moment(clock::now(connection)?);
    let mut query = orders::table
        .filter(has_status(OrderStatus::Held))
        .filter(orders::expires_at.le(now))
        .order((orders::expires_at, orders::id))
        .select((orders::expires_at.assume_not_null(), orders::id))
        .limit(limit as i64)
        .into_boxed::<MultiBackend>();
    if let Some(mark) = after {
        query = query.filter(mark.those_behind());
    }
    let rows = query.load::<(Moment, Id)>(connection)?;
    let mark = |(Moment(expires_at), Id(id))| HoldMark { expires_at, order_id: OrderId(id) };
    Ok(rows.into_iter().map(mark).collect())
}
