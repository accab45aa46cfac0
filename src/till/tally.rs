//! Counts what was sold and refused, once it is committed.
//!
//! An order is counted by the process that placed it and knows of it. What was committed in a
//! transaction whose answer was lost is counted when the next run finds it; a wish that was granted so
//! is not counted, for the next run changes nothing.

use std::collections::BTreeMap;

use crate::domain::{Change, Order, OrderId, OrderStatus, Placement, Refusal};
use crate::metrics::{HoldEvent, Refused, Sales};
use crate::store::life::Outcome;

/// Orders were placed, held or refused.
pub(super) fn placed(sales: &Sales, outcomes: &[Result<Placement, Refusal>]) {
    // Summed up first: counters are shared with other processors, and a batch has hundreds.
    let (mut placed, mut copies, mut held) = (0, 0, 0);
    for outcome in outcomes {
        match outcome {
            Ok(placement) if placement.is_replay => {}
            Ok(Placement { order, .. }) if order.status == OrderStatus::Placed => {
                placed += 1;
                copies += copies_of(order);
            }
            Ok(_) => held += 1,
            Err(refusal) => sales.refused(reason(refusal)),
        }
    }
    sales.placed(placed, copies);
    sales.hold(HoldEvent::Made, held);
}

/// Orders were confirmed, cancelled, or found to be overdue.
pub(super) fn acted<'a>(
    sales: &Sales,
    outcomes: impl Iterator<Item = &'a Outcome> + Clone,
    changed: &BTreeMap<OrderId, Change>,
) {
    for (id, change) in changed {
        match (change.was, change.is) {
            (OrderStatus::Held, OrderStatus::Placed) => {
                let mut granted = outcomes.clone().flatten();
                sales.confirmed(granted.find(|order| order.id == *id).map_or(0, copies_of));
            }
            (OrderStatus::Held, OrderStatus::Cancelled) => sales.hold(HoldEvent::Cancelled, 1),
            // Confirmed and cancelled again, all in one batch.
            (_, OrderStatus::Cancelled) => sales.cancelled(),
            (_, OrderStatus::Expired) => sales.hold(HoldEvent::Expired, 1),
            (_, OrderStatus::Held | OrderStatus::Placed) => {}
        }
    }
}

/// Orders expired.
pub(super) fn expired(sales: &Sales, count: usize) {
    sales.hold(HoldEvent::Expired, count as u64);
}

fn copies_of(order: &Order) -> u64 {
    order.lines.iter().map(|line| u64::from(line.copies.unsigned_abs())).sum()
}

fn reason(refusal: &Refusal) -> Refused {
    match refusal {
        Refusal::OutOfStock(_) => Refused::OutOfStock,
        Refusal::UnknownBooks(_) => Refused::UnknownBook,
        Refusal::KeyReused => Refused::KeyReused,
        _ => Refused::Other,
    }
}
