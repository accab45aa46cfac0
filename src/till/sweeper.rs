//! The sweeper: takes back the copies of holds that ran out. Every instance has one, and none needs
//! to know of the others: rows that another one has locked are left to it.
//!
//! It waits for a book only with no other in hand, as whoever wants what somebody keeps locked must. A hold
//! whose copies cannot come back because its rows are damaged must not keep the others: its books are set
//! aside, and tried again one at a time.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::tally;
use crate::domain::{BookId, OrderId};
use crate::store::life::{self, Swept};
use crate::store::orders::HoldMark;
use crate::store::{Error, Store, orders};

/// How often it looks. Copies are on sale again within two seconds after a hold ran out, also when a
/// look just missed it and the transaction has to wait for a flash sale.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Most holds that run out in one transaction. It has the rows of their books as long as a batch of
/// the till has: buyers wait for one batch more, not for thousands of holds.
const AT_ONCE: usize = 256;

/// How long one transaction is tried.
const PATIENCE: Duration = Duration::from_secs(1);

/// A thread that sweeps until it is stopped or dropped.
pub struct Sweeper {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// Starts to sweep.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(store: Store) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let mut broom = Broom {
            store,
            stop: Arc::clone(&stop),
            aside: VecDeque::new(),
            stuck: HashSet::new(),
            kept: None,
        };
        let thread = std::thread::Builder::new().name("sweeper".to_owned()).spawn(move || {
            while !broom.stop.within(LOOK_EVERY) {
                match broom.look() {
                    Ok(left) => broom.store.metrics().sweeps.done(left),
                    Err(error) => {
                        broom.store.metrics().sweeps.failed();
                        tracing::warn!(%error, "holds that ran out are not taken back");
                    }
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Sweeper {
    /// Ends after the transaction that runs, if one does. What is left, another instance takes, or
    /// this one when it starts again.
    fn drop(&mut self) {
        self.stop.now();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the sweeper had died");
        }
    }
}

/// Orders that are due, each with the books whose copies it holds.
type Due = Vec<(OrderId, BTreeSet<BookId>)>;

struct Broom {
    store: Store,
    stop: Arc<Stop>,
    /// Books with damaged rows, whose holds could not be taken back when that was last tried.
    aside: VecDeque<BookId>,
    /// The book that was waited for in vain last.
    kept: Option<BookId>,
    /// Holds that were told of as stuck, so that each is told of once.
    stuck: HashSet<OrderId>,
}

impl Broom {
    /// Takes back everything that is overdue, some at a time; then what others had the books of; last, what
    /// one of the books that were set aside holds. Tells how many holds are left.
    fn look(&mut self) -> Result<u64, Error> {
        let second_try = self.aside.front().copied();
        let mut again: Vec<OrderId> = Vec::new();
        let mut lacking = BTreeMap::<BookId, Vec<OrderId>>::new();
        let mut after: Option<HoldMark> = None;
        let mut left = 0;
        loop {
            // A plain read first: where nothing is due, nothing is locked.
            let deadline = Instant::now() + PATIENCE;
            let (page, due) = self.store.read(deadline, |connection| {
                let page = orders::overdue(connection, after, AT_ONCE)?;
                let ids: Vec<OrderId> = page.iter().map(|mark| mark.order_id).collect();
                Ok((page, life::books_of(connection, &ids)?.into_iter().collect::<Due>()))
            })?;
            // Past those that another instance has, and those that cannot come back.
            after = page.last().copied();
            let (set_aside, ready): (Due, Due) =
                due.into_iter().partition(|(_, books)| self.is_aside(books));
            let is_asked_for = |books: &BTreeSet<BookId>| {
                books.iter().all(|book| Some(*book) == second_try || !self.aside.contains(book))
            };
            let asked_for = set_aside.iter().filter(|(_, books)| is_asked_for(books));
            again.extend(asked_for.map(|(id, _)| *id));
            again.truncate(AT_ONCE);
            let began = Instant::now();
            let due = set_aside.len() + ready.len();
            left += due.saturating_sub(self.take_back(ready, &mut lacking)?) as u64;
            // As long as that took, the till has the books for itself.
            if page.len() < AT_ONCE || self.stop.within(began.elapsed()) {
                break;
            }
        }
        left = left.saturating_sub(self.wait_for_books(lacking)? as u64);
        if let Some(book) = second_try {
            self.aside.pop_front();
            match self.expire(&again, None) {
                Ok(swept) => left = left.saturating_sub(swept.expired as u64),
                Err(error) => {
                    self.aside.push_back(book);
                    return Err(error);
                }
            }
        }
        Ok(left)
    }

    fn is_aside(&self, books: &BTreeSet<BookId>) -> bool {
        books.iter().any(|book| self.aside.contains(book))
    }

    /// Takes back what others had the books of: of one book after the other, until one is waited for in
    /// vain. The next look begins behind that one. Tells how many expired.
    fn wait_for_books(&mut self, lacking: BTreeMap<BookId, Vec<OrderId>>) -> Result<usize, Error> {
        let behind = |book: &BookId| Some(*book) <= self.kept;
        let (later, first): (Vec<_>, Vec<_>) = lacking.into_iter().partition(|(it, _)| behind(it));
        let mut expired = 0;
        for (book, mut ids) in first.into_iter().chain(later) {
            ids.truncate(AT_ONCE);
            match self.expire(&ids, Some(book)) {
                Ok(swept) => expired += swept.expired,
                Err(Error::Busy(reason)) => {
                    tracing::debug!(%book, reason, "others keep the book of holds that ran out");
                    self.kept = Some(book);
                    return Ok(expired);
                }
                Err(error) => return Err(error),
            }
        }
        self.kept = None;
        Ok(expired)
    }

    /// Takes back all of these at once; if that fails, those of the same books at a time, and sets
    /// aside the books with which it fails again. Notes who lacks a book that others have, and tells how many
    /// expired.
    fn take_back(
        &mut self,
        due: Due,
        lacking: &mut BTreeMap<BookId, Vec<OrderId>>,
    ) -> Result<usize, Error> {
        let ids: Vec<OrderId> = due.iter().map(|(id, _)| *id).collect();
        let mut note = |swept: Swept| {
            for (order, book) in swept.lacking {
                lacking.entry(book).or_default().push(order);
            }
            swept.expired
        };
        match self.expire(&ids, None) {
            Err(error @ (Error::Unavailable(_) | Error::InDoubt(_))) => return Err(error),
            Err(_) => {}
            Ok(swept) => return Ok(note(swept)),
        }
        let mut groups = BTreeMap::<BTreeSet<BookId>, Vec<OrderId>>::new();
        for (id, books) in due {
            groups.entry(books).or_default().push(id);
        }
        // The smallest first: of one that holds books 1 and 2 it is not known which is to blame.
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(books, _)| books.len());
        let mut expired = 0;
        for (books, ids) in groups {
            if self.is_aside(&books) {
                continue;
            }
            match self.expire(&ids, None) {
                Ok(swept) => expired += note(swept),
                Err(error) => {
                    tracing::warn!(?books, %error, "holds that ran out are set aside");
                    self.aside.extend(books);
                }
            }
        }
        Ok(expired)
    }

    /// Takes back the copies of these holds, as far as their books can be had, and waits for one of these.
    fn expire(&mut self, ids: &[OrderId], waits_for: Option<BookId>) -> Result<Swept, Error> {
        if ids.is_empty() {
            return Ok(Swept::default());
        }
        let run = || {
            self.store.transaction_until(Instant::now() + PATIENCE, |connection| {
                life::expire(connection, ids, waits_for)
            })
        };
        // After a panic nothing of the transaction is left: its connection is closed.
        let swept = catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|_| Err(Error::Unreadable("what a rule did not expect".to_owned())))?;
        tracing::debug!(expired = swept.expired, due = ids.len(), "took back holds that ran out");
        for (order, refusal) in &swept.stuck {
            if self.stuck.insert(*order) {
                tracing::error!(order_id = %order, %refusal, "the copies of a hold cannot come back");
            }
        }
        tally::expired(&self.store.metrics().sales, swept.expired);
        Ok(swept)
    }
}

/// The word to stop, for a thread that waits.
#[derive(Default)]
pub(super) struct Stop {
    is_said: Mutex<bool>,
    said: Condvar,
}

impl Stop {
    pub(super) fn now(&self) {
        *self.is_said.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.said.notify_all();
    }

    /// Waits for so long, and tells whether the word came.
    pub(super) fn within(&self, time: Duration) -> bool {
        let is_said = self.is_said.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.said.wait_timeout_while(is_said, time, |is_said| !*is_said);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_the_word_waits_out_the_time_and_goes_when_it_comes() {
        let stop = Stop::default();
        let (began, time) = (Instant::now(), Duration::from_millis(30));
        assert!(!stop.within(time));
        assert!(began.elapsed() >= time, "it did not wait");
        stop.now();
        assert!(stop.within(Duration::from_secs(600)));
    }
}
