//! Each request against what became of it.

use std::collections::{BTreeMap, HashMap};

use super::Violation;
use crate::history::{Ask, Facts, History, Lines, Micros, Operation, Order};

/// Whose request, under which key.
type Request<'a> = (i64, &'a str);

/// What is there, by the request that it came from.
struct There<'a> {
    /// Orders and stock entries.
    ids: HashMap<Request<'a>, Vec<&'a str>>,
    orders: HashMap<&'a str, &'a Order>,
}

impl<'a> There<'a> {
    fn new(facts: &'a Facts) -> Self {
        let orders = facts.orders.iter().map(|one| ((one.client, one.key.as_str()), &one.id));
        let entries = facts.entries.iter().map(|one| ((one.client, one.key.as_str()), &one.id));
        let mut ids = HashMap::<Request<'_>, Vec<&str>>::new();
        for (request, id) in orders.chain(entries) {
            ids.entry(request).or_default().push(id);
        }
        let orders = facts.orders.iter().map(|order| (order.id.as_str(), order)).collect();
        Self { ids, orders }
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
            _ => violations.extend(presence(&there, facts, operation)),
        }
    }
    violations.extend(phantoms(history, &there));
    violations
}

fn two_answers(operation: &Operation) -> Option<Violation> {
    let (_, one) = operation.granted()?;
    let other = operation.attempts.iter().find_map(|attempt| match &attempt.outcome {
        crate::history::Outcome::Granted { id } if id != one => Some(id.clone()),
        _ => None,
    })?;
    Some(Violation::TwoAnswers { key: operation.key.clone(), one: one.to_owned(), other })
}

fn presence(there: &There<'_>, facts: &Facts, operation: &Operation) -> Vec<Violation> {
    let key = operation.key.clone();
    let ids = there.ids.get(&(operation.client, operation.key.as_str()));
    let ids = ids.map_or(&[][..], Vec::as_slice);
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
        if let Some(what) = altered(facts, operation, id) {
            violations.push(Violation::Altered { id: (*id).to_owned(), what });
        }
    }
    violations
}

/// What is not as it was asked for, if anything.
fn altered(facts: &Facts, operation: &Operation, id: &str) -> Option<&'static str> {
    let negative = |lines: &Lines| -> Lines { lines.iter().map(|(id, n)| (*id, -n)).collect() };
    let (reason, wanted) = match &operation.ask {
        Ask::Order { lines, .. } => ("sale", negative(lines)),
        Ask::Restock { lines } => ("restock", lines.clone()),
        Ask::Return { lines, .. } => ("return", lines.clone()),
        Ask::Stocktake { book, counted } => {
            let counts = facts.movements.get(book).into_iter().flatten();
            let mut counts = counts.filter(|one| one.cause == id);
            let is_right = counts.all(|one| one.quantity_after == *counted);
            return (!is_right).then_some("the count is not what was counted");
        }
        Ask::Confirm { .. } | Ask::Cancel { .. } => return None,
    };
    (facts.moved(id, reason) != wanted).then_some("the lines are not those that were asked for")
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
    let asked: BTreeMap<Request<'_>, ()> = history
        .operations
        .iter()
        .map(|operation| ((operation.client, operation.key.as_str()), ()))
        .collect();
    let unasked = there.ids.iter().filter(|(request, _)| !asked.contains_key(*request));
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
