//! Each request against what became of it.

use std::collections::{HashMap, HashSet};

use super::Violation;
use crate::history::{Ask, Facts, History, Lines, Micros, Movement, Operation, Order, Outcome};

/// Whose request, under which key.
type Request<'a> = (i64, &'a str);

/// What is there, by the request that it came from.
struct There<'a> {
    /// Orders and stock entries that have a key.
    ids: HashMap<Request<'a>, Vec<&'a str>>,
    orders: HashMap<&'a str, &'a Order>,
    /// What each order or entry moved, and of which book.
    moved: HashMap<&'a str, Vec<(i64, &'a Movement)>>,
}

impl<'a> There<'a> {
    fn new(facts: &'a Facts) -> Self {
        let orders = facts.orders.iter().map(|one| ((one.client, one.key.as_str()), &one.id));
        let entries = facts.entries.iter().map(|one| ((one.client, one.key.as_str()), &one.id));
        let mut ids = HashMap::<Request<'_>, Vec<&str>>::new();
        for (request, id) in orders.chain(entries).filter(|((_, key), _)| !key.is_empty()) {
            ids.entry(request).or_default().push(id);
        }
        let orders = facts.orders.iter().map(|order| (order.id.as_str(), order)).collect();
        let mut moved = HashMap::<&str, Vec<(i64, &Movement)>>::new();
        for (book, movements) in &facts.movements {
            for movement in movements {
                moved.entry(&movement.cause).or_default().push((*book, movement));
            }
        }
        Self { ids, orders, moved }
    }

    fn of<'b>(&'b self, operation: &'b Operation) -> &'b [&'b str] {
        let ids = self.ids.get(&(operation.client, operation.key.as_str()));
        ids.map_or(&[], Vec::as_slice)
    }

    /// What an order or an entry moved.
    fn movements<'b>(&'b self, id: &'b str) -> &'b [(i64, &'b Movement)] {
        self.moved.get(id).map_or(&[], Vec::as_slice)
    }

    /// How many copies of each book, for one reason.
    fn lines(&self, id: &str, reason: &str) -> Lines {
        let mut lines = Lines::new();
        for (book, movement) in self.movements(id).iter().filter(|(_, one)| one.reason == reason) {
            *lines.entry(*book).or_default() += movement.delta;
        }
        lines
    }
}

/// Lost, altered, doubled, phantom, done though refused, answered in two ways, ended otherwise.
pub(super) fn check(history: &History, facts: &Facts) -> Vec<Violation> {
    let there = There::new(facts);
    let mut violations = Vec::new();
    for operation in &history.operations {
        violations.extend(two_answers(operation));
        match &operation.ask {
            Ask::Confirm { order } => violations.extend(wrong_end(&there, operation, order, true)),
            Ask::Cancel { order } => violations.extend(wrong_end(&there, operation, order, false)),
            _ if operation.is_walk_in() => violations.extend(walk_in(&there, operation)),
            _ => violations.extend(presence(&there, operation)),
        }
    }
    violations.extend(phantoms(history, &there));
    violations.extend(phantom_walk_ins(history, facts, &there));
    violations
}

fn two_answers(operation: &Operation) -> Option<Violation> {
    let (_, one) = operation.granted()?;
    let other = operation.attempts.iter().find_map(|attempt| match &attempt.outcome {
        Outcome::Granted { id, .. } if id != one => Some(id.clone()),
        _ => None,
    })?;
    Some(Violation::TwoAnswers { key: operation.key.clone(), one: one.to_owned(), other })
}

fn presence(there: &There<'_>, operation: &Operation) -> Vec<Violation> {
    let key = operation.key.clone();
    let ids = there.of(operation);
    let mut violations = Vec::new();
    if ids.len() > 1 {
        violations.push(Violation::Doubled { key: key.clone() });
    }
    if let Some((_, told)) = operation.granted().filter(|(_, told)| !ids.contains(told)) {
        violations.push(Violation::Lost { id: told.to_owned(), key: key.clone() });
    }
    for id in ids {
        if operation.is_refused() {
            violations.push(Violation::RefusedAndDone { id: (*id).to_owned(), key: key.clone() });
        }
        if is_done_after_all(operation) {
            violations.push(Violation::DroppedAndDone { id: (*id).to_owned(), key: key.clone() });
        }
        if let Some(what) = altered(there, operation, id) {
            violations.push(Violation::Altered { id: (*id).to_owned(), what });
        }
    }
    violations
}

/// Whether something is there though every sending up to the first doubt was said to have done nothing:
/// either no sending is left that can have done it, or the one that was granted tells of an earlier one.
fn is_done_after_all(operation: &Operation) -> bool {
    for attempt in &operation.attempts {
        match &attempt.outcome {
            Outcome::Unknown => return false,
            Outcome::Granted { is_replay, .. } => return *is_replay,
            Outcome::Refused { .. } | Outcome::Dropped => {}
        }
    }
    true
}

/// What is not as it was asked for, if anything.
fn altered(there: &There<'_>, operation: &Operation, id: &str) -> Option<&'static str> {
    let (reason, wanted) = match &operation.ask {
        Ask::Order { lines, .. } => ("sale", taken(lines)),
        Ask::Restock { lines } => ("restock", lines.clone()),
        Ask::Return { lines, .. } => ("return", lines.clone()),
        Ask::Stocktake { book, counted } => {
            let mut counts = there.movements(id).iter();
            let is_right = counts.all(|(of, one)| of == book && one.quantity_after == *counted);
            return (!is_right).then_some("the count is not what was counted");
        }
        Ask::Confirm { .. } | Ask::Cancel { .. } => return None,
    };
    (there.lines(id, reason) != wanted).then_some("the lines are not those that were asked for")
}

fn taken(lines: &Lines) -> Lines {
    lines.iter().map(|(book, copies)| (*book, -copies)).collect()
}

/// An order without a key that was granted is there, and is what was asked for.
fn walk_in(there: &There<'_>, operation: &Operation) -> Option<Violation> {
    let (_, id) = operation.granted()?;
    if !there.orders.contains_key(id) {
        return Some(Violation::Lost { id: id.to_owned(), key: String::new() });
    }
    let what = altered(there, operation, id)?;
    Some(Violation::Altered { id: id.to_owned(), what })
}

/// Of the orders without a key, each that is there was granted, or is one of those whose outcome nobody
/// knows. Which one cannot be told, for they have no name; that each is there at most once can.
fn phantom_walk_ins(history: &History, facts: &Facts, there: &There<'_>) -> Vec<Violation> {
    let walk_ins = || history.operations.iter().filter(|operation| operation.is_walk_in());
    let granted: HashSet<&str> =
        walk_ins().filter_map(|one| one.granted().map(|(_, id)| id)).collect();
    let mut in_doubt = HashMap::<(i64, Lines), usize>::new();
    for operation in walk_ins().filter(|operation| operation.is_in_doubt()) {
        if let Ask::Order { lines, .. } = &operation.ask {
            *in_doubt.entry((operation.client, taken(lines))).or_default() += 1;
        }
    }
    let unnamed = facts.orders.iter().filter(|order| order.key.is_empty());
    unnamed
        .filter(|order| !granted.contains(order.id.as_str()))
        .filter(|order| {
            let left = in_doubt.get_mut(&(order.client, there.lines(&order.id, "sale")));
            left.is_none_or(|left| left.checked_sub(1).map(|fewer| *left = fewer).is_none())
        })
        .map(|order| Violation::Phantom { id: order.id.clone() })
        .collect()
}

/// A confirmed order is sold, and a cancelled one cancelled; an admin may have cancelled a sold one.
fn wrong_end(
    there: &There<'_>,
    operation: &Operation,
    order: &str,
    is_confirmed: bool,
) -> Option<Violation> {
    operation.granted()?;
    let told = if is_confirmed { "placed" } else { "cancelled" };
    let status = there.orders.get(order).map_or("gone", |order| order.status.as_str());
    let is_right = status == told || is_confirmed && status == "cancelled";
    let wrong = || Violation::WrongEnd { order: order.to_owned(), told, status: status.to_owned() };
    (!is_right).then(wrong)
}

fn phantoms(history: &History, there: &There<'_>) -> Vec<Violation> {
    let asked: HashSet<Request<'_>> = history
        .operations
        .iter()
        .map(|operation| (operation.client, operation.key.as_str()))
        .collect();
    let unasked = there.ids.iter().filter(|(request, _)| !asked.contains(*request));
    unasked
        .flat_map(|(_, ids)| ids.iter().map(|id| Violation::Phantom { id: (*id).to_owned() }))
        .collect()
}

/// What nobody got an answer to, though in the end nothing went wrong any more.
pub(super) fn unsettled(history: &History) -> Vec<Violation> {
    let open = history.operations.iter().filter(|operation| !operation.is_settled());
    open.map(|operation| Violation::Unsettled { key: operation.key.clone() }).collect()
}

/// Who waited for longer than `patience` for any answer, or for the end of the connection.
pub(super) fn unanswered(history: &History, patience: Micros) -> Vec<Violation> {
    let waits = history.operations.iter().flat_map(|operation| {
        operation.attempts.iter().map(move |attempt| (operation, attempt.ended - attempt.sent))
    });
    waits
        .filter(|(_, waited)| *waited > patience)
        .map(|(operation, waited)| Violation::NoAnswer { key: operation.key.clone(), waited })
        .collect()
}
