//! The lookout: finds out which rows somebody keeps locked, and which of them are free again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::store::kept::{self, Row};
use crate::store::{self, Store};

/// How long a look may take, or one wait for a lock.
const LONGEST_LOOK: Duration = store::LOCK_WAIT;

/// So much later a row that is not kept, but sold from all the time, is another's or has another last number in
/// its ledger.
const SECOND_LOOK: Duration = Duration::from_millis(100);

pub(super) struct Lookout {
    store: Store,
}

impl Lookout {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Those of `rows` that somebody keeps locked: at two looks, between which nobody sold from them. None if
    /// nobody can tell.
    pub(super) fn kept(&self, rows: &BTreeSet<Row>) -> BTreeSet<Row> {
        let before = self.look(rows).unwrap_or_default();
        if before.is_empty() {
            return BTreeSet::new();
        }
        std::thread::sleep(SECOND_LOOK);
        let now = self.look(&before.keys().copied().collect()).unwrap_or_default();
        unmoved(&before, &now)
    }

    /// Those of `rows` that nobody has locked now. None if nobody can tell.
    pub(super) fn free(&self, rows: &BTreeSet<Row>) -> BTreeSet<Row> {
        let Some(locked) = self.look(rows) else { return BTreeSet::new() };
        rows.iter().filter(|row| !locked.contains_key(row)).copied().collect()
    }

    /// Gets in line for the lock of `row`, as everybody does who wants it, and tells whether it was had: where one
    /// is sold from all the time, no look would find it free.
    pub(super) fn wait_for(&self, row: Row) -> bool {
        let until = Instant::now() + LONGEST_LOOK;
        self.store.peek(until, |connection| kept::wait_for(connection, row)).is_ok()
    }

    fn look(&self, rows: &BTreeSet<Row>) -> Option<BTreeMap<Row, i64>> {
        if rows.is_empty() {
            return Some(BTreeMap::new());
        }
        let until = Instant::now() + LONGEST_LOOK;
        let look = self.store.peek(until, |connection| kept::by_others(connection, rows));
        look.inspect_err(|error| tracing::warn!(%error, "cannot find out which row is locked")).ok()
    }
}

/// Rows that are in both, with the same last number.
fn unmoved(before: &BTreeMap<Row, i64>, now: &BTreeMap<Row, i64>) -> BTreeSet<Row> {
    let is_unmoved = |&(row, last_seq): &(&Row, &i64)| now.get(row) == Some(last_seq);
    before.iter().filter(is_unmoved).map(|(row, _)| *row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::BookId;

    fn book(id: i64) -> Row {
        Row::Book(BookId(id))
    }

    #[test]
    fn what_is_sold_from_or_let_go_of_between_two_looks_is_not_kept() {
        let before = BTreeMap::from([(book(1), 5), (book(2), 5), (book(3), 0), (book(4), 0)]);
        let now = BTreeMap::from([(book(1), 5), (book(2), 6), (book(4), 0), (book(5), 1)]);
        assert_eq!(unmoved(&before, &now), BTreeSet::from([book(1), book(4)]));
    }
}
