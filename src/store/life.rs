//! What becomes of orders after they were made: confirmed, cancelled, expired. Any number of wishes
//! in one transaction that the caller opened, by the pure rule `domain::fate`: lock the orders, let
//! the database's clock say what is overdue, decide, put copies back, write in bulk.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::connection::AnyConnection;
use super::error::Error;
use super::locking::LockedOrder;
use super::movements::Origin;
use super::{books, clock, entries, locking, movements, orders};
use crate::domain::{
    Act, ClientId, Fate, Order, OrderId, OrderStatus, Refusal, Standing, Wish, fate, release,
};

/// What became of one wish: the order as it is now, or why not.
pub type Outcome = Result<Order, Refusal>;

/// Grants the wishes of clients, in the order they came; as many outcomes as acts. A wish that was
/// granted before is granted again, so that a transaction whose answer was lost may run once more.
///
/// # Errors
/// Only what concerns the transaction as a whole; a refusal is an outcome.
pub fn act(connection: &mut AnyConnection, acts: &[Act]) -> Result<Vec<Outcome>, Error> {
    let locked = locking::orders(connection, acts.iter().map(|act| act.order_id))?;
    let mut turn = Turn::begin(connection, locked)?;
    let refusals: Vec<Option<Refusal>> = acts.iter().map(|act| turn.decide(act)).collect();
    let stuck = turn.write(connection)?;
    let granted = acts.iter().zip(&refusals).filter(|(_, refusal)| refusal.is_none());
    let granted: Vec<OrderId> = granted.map(|(act, _)| act.order_id).collect();
    let orders = orders::load(connection, &granted)?;
    let orders: HashMap<OrderId, Order> =
        orders.into_iter().map(|order| (order.id, order)).collect();
    let outcome = |(act, refusal): (&Act, Option<Refusal>)| {
        let refusal = refusal.or_else(|| stuck.get(&act.order_id).cloned());
        match (refusal, orders.get(&act.order_id)) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(order)) => Ok(order.clone()),
            (None, None) => Err(Refusal::UnknownOrder),
        }
    };
    Ok(acts.iter().zip(refusals).map(outcome).collect())
}

/// Takes back the copies of those of these orders that are overdue, unless another transaction has
/// their rows: that one will see to them. Tells how many expired.
///
/// # Errors
/// What the database says.
pub fn expire(connection: &mut AnyConnection, order_ids: &[OrderId]) -> Result<usize, Error> {
    let locked = locking::free_orders(connection, order_ids.iter().copied())?;
    let ids: Vec<OrderId> = locked.iter().map(|order| OrderId(order.id.0)).collect();
    let mut turn = Turn::begin(connection, locked)?;
    for id in ids {
        turn.wish(id, Wish::Expire);
    }
    let expired = turn.changed.len();
    let stuck = turn.write(connection)?;
    for (id, refusal) in &stuck {
        tracing::error!(order = %id, %refusal, "the copies of a hold cannot come back");
    }
    Ok(expired - stuck.len())
}

/// An order under lock, and what it is at this moment.
struct Subject {
    owner: ClientId,
    standing: Standing,
    status: OrderStatus,
}

/// Orders under lock, and what is to be written.
struct Turn {
    subjects: HashMap<OrderId, Subject>,
    changed: BTreeMap<OrderId, OrderStatus>,
}

impl Turn {
    /// The clock is read after the locks are had: who waited for a lock may have become late.
    fn begin(connection: &mut AnyConnection, locked: Vec<LockedOrder>) -> Result<Self, Error> {
        let now = clock::now(connection)?;
        let ids: Vec<OrderId> = locked.iter().map(|row| OrderId(row.id.0)).collect();
        let returned = entries::returned_copies(connection, &ids)?;
        let returned: HashSet<OrderId> = returned.into_keys().map(|(id, _)| id).collect();
        let subjects = locked
            .into_iter()
            .map(|row| {
                let id = OrderId(row.id.0);
                let status = orders::read_status(id, &row.status)?;
                let expires_at = row.expires_at.map(|moment| moment.0);
                let standing = Standing::at(now, status, expires_at, returned.contains(&id));
                Ok((id, Subject { owner: ClientId(row.client_id), standing, status }))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { subjects, changed: BTreeMap::new() })
    }

    /// Why a client's wish is not granted, if it is not.
    fn decide(&mut self, act: &Act) -> Option<Refusal> {
        let subject = self.subjects.get(&act.order_id);
        if !subject.is_some_and(|subject| act.client.may_see(subject.owner)) {
            return Some(Refusal::UnknownOrder);
        }
        self.wish(act.order_id, act.wish)
    }

    fn wish(&mut self, id: OrderId, wish: Wish) -> Option<Refusal> {
        let Some(subject) = self.subjects.get_mut(&id) else { return Some(Refusal::UnknownOrder) };
        let fate = fate(subject.standing, wish);
        if let Fate::Becomes(status) | Fate::RefusedAndBecomes(status) = fate {
            subject.status = status;
            subject.standing = match status {
                OrderStatus::Held => Standing::Held,
                OrderStatus::Placed => Standing::Placed,
                OrderStatus::Cancelled => Standing::Cancelled,
                OrderStatus::Expired => Standing::Expired,
            };
            self.changed.insert(id, status);
        }
        match fate {
            Fate::Becomes(_) | Fate::Stays => None,
            Fate::Refused | Fate::RefusedAndBecomes(_) => Some(Refusal::OrderState {
                wish,
                status: subject.status,
                has_returns: subject.standing == Standing::Returned,
            }),
        }
    }

    /// Writes what changed. Tells which orders stay as they are because a shelf has no room for
    /// their copies.
    fn write(mut self, connection: &mut AnyConnection) -> Result<HashMap<OrderId, Refusal>, Error> {
        let given_up = self.changed.iter().filter(|(_, status)| status.is_given_up());
        let given_up: Vec<OrderId> = given_up.map(|(id, _)| *id).collect();
        let stuck = put_back(connection, &given_up)?;
        self.changed.retain(|id, _| !stuck.contains_key(id));
        for status in OrderStatus::ALL {
            let of_status = self.changed.iter().filter(|(_, becomes)| **becomes == status);
            let ids: Vec<OrderId> = of_status.map(|(id, _)| *id).collect();
            orders::set_status(connection, &ids, status)?;
        }
        Ok(stuck)
    }
}

/// Puts the copies of orders back on the shelf. Tells for which there is no room.
fn put_back(
    connection: &mut AnyConnection,
    order_ids: &[OrderId],
) -> Result<HashMap<OrderId, Refusal>, Error> {
    let mut stuck = HashMap::new();
    if order_ids.is_empty() {
        return Ok(stuck);
    }
    let lines = movements::sales_of(connection, order_ids)?;
    let mut shelf = books::lock(connection, lines.values().flatten().map(|line| line.book_id))?;
    let mut moved = Vec::with_capacity(lines.len());
    for (&id, lines) in &lines {
        match release(&mut shelf, lines) {
            Ok(back) => moved.extend(back.into_iter().map(|one| (Origin::Order(id), one))),
            Err(refusal) => drop(stuck.insert(id, refusal)),
        }
    }
    let now = clock::now(connection)?;
    movements::record(connection, &moved, now)?;
    Ok(stuck)
}
