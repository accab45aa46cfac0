//! Many wishes for orders that were made: what becomes of each order, of the shelf, and what each who
//! wished is told.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    Client, ClientId, Movement, OrderId, OrderLine, OrderStatus, Refusal, Shelf, Standing,
    Transition, Wish, release, transition,
};

/// What is wished for one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Who wishes it; `None` for the shop itself, which takes back what ran out.
    pub client: Option<Client>,
    /// The order.
    pub order_id: OrderId,
    /// What.
    pub wish: Wish,
}

/// An order that a transaction holds locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Whose it is.
    pub owner: ClientId,
    /// Where it stands.
    pub status: OrderStatus,
    /// When its hold runs out, or ran out.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether copies of it came back.
    pub has_returns: bool,
    /// What goes back on the shelf if it is given up. Needed only if it may be.
    pub lines: Vec<OrderLine>,
}

impl Subject {
    /// Where it stands at `now`.
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        Standing::at(now, self.status, self.expires_at, self.has_returns)
    }

    /// A hold that ended in time has no end any more; one that expired keeps the moment.
    fn turn(&mut self, status: OrderStatus) {
        self.status = status;
        if status != OrderStatus::Expired {
            self.expires_at = None;
        }
    }
}

/// The orders that a transaction holds locked.
pub type Subjects = BTreeMap<OrderId, Subject>;

/// A change of an order's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Where it stood before the first wish.
    pub was: OrderStatus,
    /// Where it stands after the last one.
    pub is: OrderStatus,
}

/// What came of many wishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settlement {
    /// What each who wished is told, in the order of the acts: how the order stands then, or why not.
    pub outcomes: Vec<Result<OrderStatus, Refusal>>,
    /// The orders that have another status now.
    pub changed: BTreeMap<OrderId, Change>,
    /// What went back on the shelf.
    pub moved: Vec<(OrderId, Movement)>,
}

/// Grants `acts` in their order. Each gets exactly what it would get in a transaction of its own, if
/// those ran one after another in this order.
pub fn settle(
    shelf: &mut Shelf,
    subjects: &mut Subjects,
    now: DateTime<Utc>,
    acts: &[Act],
) -> Settlement {
    let mut settlement = Settlement::default();
    for act in acts {
        let subject = subjects.get_mut(&act.order_id);
        let may_see = |subject: &Subject| act.client.is_none_or(|it| it.may_see(subject.owner));
        let outcome = match subject.filter(|subject| may_see(subject)) {
            Some(subject) => grant(shelf, subject, now, act, &mut settlement),
            None => Err(Refusal::UnknownOrder),
        };
        settlement.outcomes.push(outcome);
    }
    settlement
}

fn grant(
    shelf: &mut Shelf,
    subject: &mut Subject,
    now: DateTime<Utc>,
    act: &Act,
    settlement: &mut Settlement,
) -> Result<OrderStatus, Refusal> {
    let transition = transition(subject.standing(now), act.wish);
    if let Some(status) = transition.becomes() {
        match give_up(shelf, subject, status) {
            Ok(moved) => {
                let moved = moved.into_iter().map(|movement| (act.order_id, movement));
                settlement.moved.extend(moved);
                let was = subject.status;
                let change = settlement.changed.entry(act.order_id);
                change.or_insert(Change { was, is: status }).is = status;
                subject.turn(status);
            }
            // No room for its copies: it stays as it is. Too late is too late all the same.
            Err(full) if transition.is_granted() => return Err(full),
            Err(_) => {}
        }
    }
    match transition {
        Transition::Becomes(_) | Transition::Stays => Ok(subject.status),
        Transition::Refused | Transition::RefusedAndBecomes(_) => Err(Refusal::OrderState {
            wish: act.wish,
            status: transition.becomes().unwrap_or(subject.status),
            has_returns: subject.has_returns,
        }),
    }
}

/// Puts an order's copies back, if its new status means that.
fn give_up(
    shelf: &mut Shelf,
    subject: &Subject,
    status: OrderStatus,
) -> Result<Vec<Movement>, Refusal> {
    if status.is_given_up() { release(shelf, &subject.lines) } else { Ok(Vec::new()) }
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
