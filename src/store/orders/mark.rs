//! The place of a hold among others, those that end first coming first.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::domain::{OrderId, OrderStatus};
use crate::schema::orders;
use crate::store::sql_types::{Id, Moment};

/// Where a hold stands: by its end, then by its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldMark {
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// The order that holds.
    pub order_id: OrderId,
}

impl HoldMark {
    /// The condition that an order is behind it. In this form an index is entered at the mark: a bare
    /// OR would have it read from its start, past all that was there before.
    pub(super) fn those_behind(self) -> those_behind {
        those_behind(Moment(self.expires_at), Id(self.order_id.0))
    }
}

#[diesel::dsl::auto_type]
fn those_behind(end: Moment, id: Id) -> _ {
    orders::expires_at.ge(end).and(orders::expires_at.gt(end).or(orders::id.gt(id)))
}

/// The condition that an order has this status, as a literal: an index that is about some statuses
/// only is of no use to a plan that does not know which one is meant.
pub(in crate::store) fn has_status(status: OrderStatus) -> SqlLiteral<Bool> {
    sql(&format!("orders.status = '{}'", status.as_str()))
}
