//! Each request against what became of it.

use std::collections::{HashMap, HashSet};

use super::Violation;
use super::there::{Request, There};
use crate::history::{Ask, Facts, History, Lines, Micros, Operation, Outcome};

/// Lost, altered, doubled, phantom, done though refused, answered in two ways.
pub(super) fn check(history: &History, facts: &Facts, there: &There<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for operation in history.operations.iter().filter(|one| one.ask.makes_something()) {
        violations.extend(answers(operation));
        if operation.is_walk_in() {
            violations.extend(walk_in(there, operation));
        } else {
            violations.extend(presence(there, operation));
        }
    }
    violations.extend(phantoms(history, there));
    violations.extend(phantom_walk_ins(history, facts, there));
    violations
}

/// What was granted stays granted, as the same thing: each later answer says so, and that it was there
/// before. Each tells of what was asked for.
fn answers(operation: &Operation) -> Vec<Violation> {
    let key = || operation.key.clone();
    let mut first: Option<&str> = None;
    let mut violations = Vec::new();
    for attempt in &operation.attempts {
        match (&attempt.outcome, first) {
            (Outcome::Granted { id, lines, is_replay }, earlier) => {
                if *lines != told(&operation.ask) {
                    violations.push(Violation::ToldOtherwise { id: id.clone() });
                }
                if let Some(one) = earlier.filter(|one| one != id) {
                    let (one, other) = (one.to_owned(), id.clone());
                    violations.push(Violation::TwoAnswers { key: key(), one, other });
                } else if earlier.is_some() && !is_replay {
                    violations.push(Violation::NoReplay { key: key() });
                }
                first = earlier.or(Some(id));
            }
            (Outcome::Refused { slug }, Some(one)) => {
                let (one, other) = (one.to_owned(), slug.clone());
                violations.push(Violation::TwoAnswers { key: key(), one, other });
            }
            _ => {}
        }
    }
    violations
}

/// The lines of an answer that grants this.
fn told(ask: &Ask) -> Lines {
    match ask {
        Ask::Order { lines, .. } | Ask::Restock { lines } | Ask::Return { lines, .. } => {
            lines.clone()
        }
        Ask::Stocktake { book, counted } => Lines::from([(*book, *counted)]),
        Ask::Confirm { .. } | Ask::Cancel { .. } => Lines::new(),
    }
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
    let waits = waits.map(|(operation, waited)| (operation.key.clone(), waited));
    let looks = history
        .reads
        .iter()
        .map(|read| (format!("a look at book {}", read.book), read.ended - read.sent));
    waits
        .chain(looks)
        .filter(|(_, waited)| *waited > patience)
        .map(|(key, waited)| Violation::NoAnswer { key, waited })
        .collect()
}
