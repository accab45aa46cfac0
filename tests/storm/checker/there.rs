//! What the database holds, so that each request, order and movement is found.

use std::collections::HashMap;

use crate::history::{Facts, Lines, Movement, Operation, Order};

/// Whose request, under which key.
pub(super) type Request<'a> = (i64, &'a str);

/// What is there, by the request that it came from.
pub(super) struct There<'a> {
    /// Orders and stock entries that have a key.
    pub(super) ids: HashMap<Request<'a>, Vec<&'a str>>,
    pub(super) orders: HashMap<&'a str, &'a Order>,
    /// What each order or entry moved, and of which book.
    moved: HashMap<&'a str, Vec<(i64, &'a Movement)>>,
}

impl<'a> There<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
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

    pub(super) fn of<'b>(&'b self, operation: &'b Operation) -> &'b [&'b str] {
        let ids = self.ids.get(&(operation.client, operation.key.as_str()));
        ids.map_or(&[], Vec::as_slice)
    }

    /// What an order or an entry moved.
    pub(super) fn movements<'b>(&'b self, id: &'b str) -> &'b [(i64, &'b Movement)] {
        self.moved.get(id).map_or(&[], Vec::as_slice)
    }

    /// How many copies of each book, for one reason.
    pub(super) fn lines(&self, id: &str, reason: &str) -> Lines {
        let mut lines = Lines::new();
        for (book, movement) in self.movements(id).iter().filter(|(_, one)| one.reason == reason) {
            *lines.entry(*book).or_default() += movement.delta;
        }
        lines
    }
}
