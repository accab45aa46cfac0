//! What becomes of orders after they were made: confirmed, cancelled, expired. Any number of wishes
//! in one transaction that the caller opened: lock the orders, then the books whose copies may come
//! back, read the database's clock, let the pure rule `domain::settle` decide, write in bulk.
//!
//! A wish that was granted before is granted again, so that a transaction whose answer was lost may
//! run once more.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::connection::AnyConnection;
use super::error::Error;
use super::movements::Origin;
use super::{books, clock, entries, locking, movements, orders};
use crate::domain::{
    Act, BookId, Change, Order, OrderId, OrderStatus, Refusal, Settlement, Shelf, Standing,
    Subjects, Wish, settle,
};

/// What became of one wish: the order as it stood then, or why not.
pub type Outcome = Result<Order, Refusal>;

/// What became of wishes.
#[derive(Debug)]
pub struct Acted<T> {
    /// One for each wish, in their order.
    pub outcomes: Vec<T>,
    /// What this transaction changed: a wish that was granted before changes nothing.
    pub changed: BTreeMap<OrderId, Change>,
}

/// Grants wishes, in the order they came; as many outcomes as acts.
///
/// # Errors
/// Only what concerns the transaction as a whole; a refusal is an outcome.
pub fn act(connection: &mut AnyConnection, acts: &[Act]) -> Result<Acted<Outcome>, Error> {
    let mut subjects = locking::orders(connection, acts.iter().map(|act| act.order_id))?;
    let Settlement { outcomes, changed, .. } = give(connection, &mut subjects, acts)?;
    Ok(Acted { outcomes: answer(connection, acts, outcomes)?, changed })
}

/// Confirms what can be confirmed without touching a book, so that whoever has paid never waits for
/// a book that others have. `None` for a hold that has run out: its copies must go back first, which
/// is for [`act`].
///
/// # Errors
/// As [`act`].
pub fn confirm(
    connection: &mut AnyConnection,
    acts: &[Act],
) -> Result<Acted<Option<Outcome>>, Error> {
    let mut subjects = locking::orders(connection, acts.iter().map(|act| act.order_id))?;
    let now = clock::now(connection)?;
    let is_overdue = |act: &Act| {
        let subject = subjects.get(&act.order_id);
        subject.is_some_and(|subject| subject.standing(now) == Standing::Overdue)
    };
    let (late, timely): (Vec<Act>, Vec<Act>) = acts.iter().copied().partition(is_overdue);
    let settlement = settle(&mut Shelf::default(), &mut subjects, now, &timely);
    write(connection, &settlement)?;
    let Settlement { outcomes, changed, .. } = settlement;
    let mut outcomes = answer(connection, &timely, outcomes)?.into_iter();
    let outcome = |act| if late.contains(act) { None } else { outcomes.next() };
    Ok(Acted { outcomes: acts.iter().map(outcome).collect(), changed })
}

/// What came of a sweep.
#[derive(Debug, Default)]
pub struct Swept {
    /// Holds that expired.
    pub expired: usize,
    /// Holds left as they are because another transaction has a book of theirs: the first of these.
    pub lacking: BTreeMap<OrderId, BookId>,
    /// Holds whose copies find no room on the shelf.
    pub stuck: Vec<(OrderId, Refusal)>,
}

/// Takes back the copies of those of these orders that are overdue. Leaves out those whose rows another
/// transaction has, which will see to them, and those of whose books another has one: it waits for none, but
/// for the one that it is told to wait for.
///
/// # Errors
/// What the database says.
pub fn expire(
    connection: &mut AnyConnection,
    order_ids: &[OrderId],
    waits_for: Option<BookId>,
) -> Result<Swept, Error> {
    let mut subjects = locking::free_orders(connection, order_ids.iter().copied())?;
    take_lines(connection, &mut subjects)?;
    let mut shelf = locking::free_books(connection, books_of_all(&subjects), waits_for)?;
    let mut swept = Swept::default();
    subjects.retain(|id, subject| {
        let books = subject.lines.iter().map(|line| line.book_id);
        let lacks = books.filter(|book| shelf.get(*book).is_none()).min();
        swept.lacking.extend(lacks.map(|book| (*id, book)));
        lacks.is_none()
    });
    let acts: Vec<Act> = subjects
        .keys()
        .map(|&order_id| Act { client: None, order_id, wish: Wish::Expire })
        .collect();
    let settlement = settle_with(connection, &mut shelf, &mut subjects, &acts)?;
    swept.expired = settlement.changed.len();
    for (act, outcome) in acts.iter().zip(settlement.outcomes) {
        if let Err(full @ Refusal::ShelfFull { .. }) = outcome {
            swept.stuck.push((act.order_id, full));
        }
    }
    Ok(swept)
}

/// The books that these orders took copies of.
///
/// # Errors
/// What the database says.
pub fn books_of(
    connection: &mut AnyConnection,
    order_ids: &[OrderId],
) -> Result<HashMap<OrderId, BTreeSet<BookId>>, Error> {
    let lines = movements::sales_of(connection, order_ids)?;
    let books = lines
        .into_iter()
        .map(|(id, lines)| (id, lines.into_iter().map(|line| line.book_id).collect()));
    Ok(books.collect())
}

/// Grants wishes that may put copies back, and writes what came of them.
fn give(
    connection: &mut AnyConnection,
    subjects: &mut Subjects,
    acts: &[Act],
) -> Result<Settlement, Error> {
    let placed = subjects.iter().filter(|(_, subject)| subject.status == OrderStatus::Placed);
    let placed: Vec<OrderId> = placed.map(|(id, _)| *id).collect();
    for (id, _) in entries::returned_copies(connection, &placed)?.into_keys() {
        subjects.entry(id).and_modify(|subject| subject.has_returns = true);
    }
    take_lines(connection, subjects)?;
    let mut shelf = books::lock(connection, books_of_all(subjects))?;
    settle_with(connection, &mut shelf, subjects, acts)
}

/// Takes down what those of these orders hold that have copies.
fn take_lines(connection: &mut AnyConnection, subjects: &mut Subjects) -> Result<(), Error> {
    let with_copies = subjects.iter().filter(|(_, subject)| !subject.status.is_given_up());
    let with_copies: Vec<OrderId> = with_copies.map(|(id, _)| *id).collect();
    for (id, lines) in movements::sales_of(connection, &with_copies)? {
        subjects.entry(id).and_modify(|subject| subject.lines = lines);
    }
    Ok(())
}

fn books_of_all(subjects: &Subjects) -> impl Iterator<Item = BookId> {
    subjects.values().flat_map(|subject| &subject.lines).map(|line| line.book_id)
}

fn settle_with(
    connection: &mut AnyConnection,
    shelf: &mut Shelf,
    subjects: &mut Subjects,
    acts: &[Act],
) -> Result<Settlement, Error> {
    // The clock is read after the locks are had: who waited for them may have become late.
    let now = clock::now(connection)?;
    let settlement = settle(shelf, subjects, now, acts);
    write(connection, &settlement)?;
    Ok(settlement)
}

fn write(connection: &mut AnyConnection, settlement: &Settlement) -> Result<(), Error> {
    for status in OrderStatus::ALL {
        let changed = settlement.changed.iter().filter(|(_, change)| change.is == status);
        let ids: Vec<OrderId> = changed.map(|(id, _)| *id).collect();
        orders::set_status(connection, &ids, status)?;
    }
    if settlement.moved.is_empty() {
        return Ok(());
    }
    let moved = settlement.moved.iter().map(|(id, movement)| (Origin::Order(*id), *movement));
    let now = clock::now(connection)?;
    movements::record(connection, &moved.collect::<Vec<_>>(), now)?;
    Ok(())
}

/// Completes what was granted to orders, each as it stood when its turn came. No later turn changes more than
/// its status: an order that was granted something has no end to come.
fn answer(
    connection: &mut AnyConnection,
    acts: &[Act],
    outcomes: Vec<Result<OrderStatus, Refusal>>,
) -> Result<Vec<Outcome>, Error> {
    let granted = acts.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
    let granted: Vec<OrderId> = granted.map(|(act, _)| act.order_id).collect();
    let orders = orders::load(connection, &granted)?;
    let orders: HashMap<OrderId, Order> =
        orders.into_iter().map(|order| (order.id, order)).collect();
    acts.iter()
        .zip(outcomes)
        .map(|(act, outcome)| match outcome {
            Err(refusal) => Ok(Err(refusal)),
            Ok(status) => {
                let order = orders.get(&act.order_id).cloned().ok_or_else(|| {
                    Error::Unreadable(format!("no order {}, which is locked", act.order_id))
                })?;
                Ok(Ok(Order { status, ..order }))
            }
        })
        .collect()
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
