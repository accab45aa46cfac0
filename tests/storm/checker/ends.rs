//! How each order ended: what became of it, who wanted that, and what came back to the shelf.

use std::collections::HashMap;

use super::Violation;
use super::there::There;
use crate::history::{Ask, Facts, History, Lines, Order};

/// What was wanted of one order, and what was granted.
#[derive(Debug, Default)]
struct Wishes {
    confirm: Wish,
    cancel: Wish,
    cancel_by_admin: Wish,
}

#[derive(Debug, Default, Clone, Copy)]
struct Wish {
    is_sent: bool,
    is_granted: bool,
}

/// Ended otherwise than told, as nobody wished, or not at all; copies that came back twice or too many.
pub(super) fn check(history: &History, facts: &Facts, there: &There<'_>) -> Vec<Violation> {
    let wishes = wishes(history);
    let is_hold = holds(history, there);
    let returned = returned(facts, there);
    let none = Wishes::default();
    let mut violations = Vec::new();
    for order in &facts.orders {
        let id = order.id.as_str();
        let wishes = wishes.get(id).unwrap_or(&none);
        violations.extend(wrong_end(order, wishes));
        // Whose the others are nobody can tell.
        let is_hold = is_hold.get(id);
        if is_hold.is_some_and(|is_hold| !is_wanted(&order.status, *is_hold, wishes)) {
            let (order, status) = (order.id.clone(), order.status.clone());
            violations.push(Violation::Unwanted { order, status });
        }
        if order.is_overdue {
            violations.push(Violation::Overdue { order: order.id.clone() });
        }
        if there.lines(id, "release") != released(order, there) {
            violations.push(Violation::WrongRelease { order: order.id.clone() });
        }
        if returned.get(id).is_some_and(|returned| !may_come_back(returned, order, there)) {
            violations.push(Violation::WrongReturn { order: order.id.clone() });
        }
    }
    let gone = wishes.iter().filter(|(order, _)| !there.orders.contains_key(*order));
    let told = gone.filter(|(_, wishes)| wishes.all().iter().any(|wish| wish.is_granted));
    violations.extend(
        told.map(|(order, _)| Violation::Lost { id: (*order).to_owned(), key: String::new() }),
    );
    violations
}

impl Wishes {
    fn all(&self) -> [Wish; 3] {
        [self.confirm, self.cancel, self.cancel_by_admin]
    }
}

fn wishes(history: &History) -> HashMap<&str, Wishes> {
    let mut all = HashMap::<&str, Wishes>::new();
    for operation in &history.operations {
        let (order, by_admin) = match &operation.ask {
            Ask::Confirm { order } => (order, None),
            Ask::Cancel { order, by_admin } => (order, Some(*by_admin)),
            _ => continue,
        };
        let wishes = all.entry(order).or_default();
        let wish = match by_admin {
            None => &mut wishes.confirm,
            Some(false) => &mut wishes.cancel,
            Some(true) => &mut wishes.cancel_by_admin,
        };
        wish.is_sent |= !operation.attempts.is_empty();
        wish.is_granted |= operation.granted().is_some();
    }
    all
}

/// Of each order whose request is known, whether it began as a hold.
fn holds<'a>(history: &'a History, there: &'a There<'a>) -> HashMap<&'a str, bool> {
    let mut holds = HashMap::new();
    for operation in &history.operations {
        let Ask::Order { hold_seconds, .. } = &operation.ask else { continue };
        let named = operation.granted().map(|(_, id)| id);
        let ids = there.of(operation).iter().copied().chain(named);
        holds.extend(ids.map(|id| (id, hold_seconds.is_some())));
    }
    holds
}

/// A confirmed order is sold, and a cancelled one cancelled; an admin may have cancelled a sold one.
fn wrong_end(order: &Order, wishes: &Wishes) -> Option<Violation> {
    let status = order.status.as_str();
    let is_called_off = status == "cancelled" && wishes.cancel_by_admin.is_sent;
    let is_cancelled = wishes.cancel.is_granted || wishes.cancel_by_admin.is_granted;
    let told = if is_cancelled && status != "cancelled" {
        "cancelled"
    } else if wishes.confirm.is_granted && status != "placed" && !is_called_off {
        "placed"
    } else {
        return None;
    };
    Some(Violation::WrongEnd { order: order.id.clone(), told, status: status.to_owned() })
}

/// Whether somebody asked for what became of it, or its time did.
fn is_wanted(status: &str, is_hold: bool, wishes: &Wishes) -> bool {
    match status {
        "held" | "expired" => is_hold,
        "placed" => !is_hold || wishes.confirm.is_sent,
        "cancelled" => wishes.cancel_by_admin.is_sent || is_hold && wishes.cancel.is_sent,
        _ => false,
    }
}

/// What is back on the shelf: all that it took, once, or nothing.
fn released(order: &Order, there: &There<'_>) -> Lines {
    match order.status.as_str() {
        "cancelled" | "expired" => {
            let sold = there.lines(&order.id, "sale");
            sold.into_iter().map(|(book, copies)| (book, -copies)).collect()
        }
        _ => Lines::new(),
    }
}

/// Copies that were brought back of each order.
fn returned<'a>(facts: &'a Facts, there: &There<'_>) -> HashMap<&'a str, Lines> {
    let mut all = HashMap::<&str, Lines>::new();
    for entry in &facts.entries {
        let Some(order) = &entry.order else { continue };
        let returned = all.entry(order).or_default();
        for (book, copies) in there.lines(&entry.id, "return") {
            *returned.entry(book).or_default() += copies;
        }
    }
    all
}

/// No more than was sold, and of what is sold.
fn may_come_back(returned: &Lines, order: &Order, there: &There<'_>) -> bool {
    let sold = there.lines(&order.id, "sale");
    let is_sold =
        |(book, copies): (&i64, &i64)| sold.get(book).is_some_and(|sold| *copies <= -sold);
    order.status == "placed" && returned.iter().all(is_sold)
}
