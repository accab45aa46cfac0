//! A line of people at a desk whose trade does what each test says: who is told what, and who is counted.
//! The store behind it is an empty file; what is done to stock, `tests/suite` sees.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use parking_lot::Mutex;

use super::queue::{Jobs, Ticket};
use super::{
    Checkout as _, Desk, Error, Indexer, Settings, Sweeper, Till, Trade, batch, queue, worker,
};
use crate::domain::Refusal;
use crate::metrics::{self, Metrics, TurnedAway};
use crate::store::throwaway::Throwaway;
use crate::store::{self, Store};

/// What becomes of each run that somebody is served in; when all is used up, it is granted.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<VecDeque<Result<(), store::Error>>>>);

impl Script {
    fn of(runs: impl IntoIterator<Item = store::Error>) -> Self {
        Self(Arc::new(Mutex::new(runs.into_iter().map(Err).collect())))
    }
}

/// Gives everybody what the script of the first in the batch says, and their number in it.
struct Scripted;

impl Trade for Scripted {
    type Ask = Script;
    type Answer = usize;

    fn meter(metrics: &Metrics) -> &metrics::Desk {
        &metrics.looks_desk
    }

    fn serve(
        _: &Store,
        _: Instant,
        asks: &[Script],
    ) -> Result<Vec<Result<usize, Refusal>>, store::Error> {
        asks[0].0.lock().pop_front().unwrap_or(Ok(()))?;
        Ok((0..asks.len()).map(Ok).collect())
    }
}

/// An empty database in a folder of its own.
struct Shop(Throwaway);

impl Shop {
    fn open() -> Self {
        Self(Throwaway::empty())
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn line(&self, limit: usize) -> (queue::Queue<Scripted>, Jobs<Scripted>) {
        queue::new(self.store().metrics(), limit)
    }

    /// How many hold on to the store's numbers, as all do who hold on to the store.
    fn holders(&self) -> usize {
        Arc::strong_count(self.store().metrics())
    }

    /// A number of the desk, as Prometheus reads it.
    fn number(&self, name: &str, labels: &str) -> f64 {
        let page = self.store().metrics_page();
        let start = format!("bookstore_till_{name}{{desk=\"looks\"{labels}}} ");
        let found = page.lines().find_map(|line| line.strip_prefix(start.as_str()));
        found.unwrap_or_else(|| panic!("no {start}in\n{page}")).parse().unwrap()
    }

    fn turned_away(&self, why: TurnedAway) -> f64 {
        let word = format!("{why:?}").to_lowercase();
        self.number("turned_away_total", &format!(",reason=\"{word}\""))
    }
}

/// Far enough that nothing here comes near it.
fn later() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

fn in_doubt() -> store::Error {
    store::Error::InDoubt("cut".to_owned())
}

fn unavailable() -> store::Error {
    store::Error::Unavailable("gone".to_owned())
}

fn busy() -> store::Error {
    store::Error::Busy("locked".to_owned())
}

/// What is ready without waiting.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { future.now_or_never() }).expect("it is not ready")
}

fn answer(mut ticket: Ticket<usize>) -> Result<usize, Error> {
    ready(ticket.answer_by(later())).unwrap()
}

/// Two in one batch, of whom the second waits longer, whose runs fail so.
fn told(
    shop: &Shop,
    runs: impl IntoIterator<Item = store::Error>,
    patience: Option<Duration>,
) -> [Result<usize, Error>; 2] {
    let (queue, mut jobs) = shop.line(2);
    let script = Script::of(runs);
    let soon = Instant::now() + Duration::from_secs(60);
    let tickets = [soon, later()].map(|deadline| queue.push(script.clone(), deadline).unwrap());
    let unserved = batch::serve(shop.store(), jobs.take(2).unwrap(), patience);
    assert!(unserved.is_empty());
    tickets.map(answer)
}

#[test]
fn busy_is_the_word_for_nothing_done_and_is_not_said_after_a_doubt() {
    let shop = Shop::open();
    let [first, second] = told(&shop, [busy(), busy()], None);
    assert!(matches!(first, Err(Error::Store(store::Error::Busy(_)))), "{first:?}");
    assert!(matches!(second, Err(Error::Store(store::Error::Busy(_)))), "{second:?}");
    // The first run ends early. In doubt, there is no other end to the next ones than the deadline.
    for (runs, patience) in [
        (vec![in_doubt(), busy()], None),
        (vec![in_doubt(), busy(), busy()], Some(Duration::from_secs(1))),
    ] {
        let [first, second] = told(&shop, runs, patience);
        assert!(matches!(first, Err(Error::Store(store::Error::InDoubt(_)))), "{first:?}");
        assert!(matches!(second, Err(Error::Store(store::Error::InDoubt(_)))), "{second:?}");
    }
}

#[test]
fn whoever_others_keep_waiting_is_given_back_untouched() {
    let shop = Shop::open();
    let (queue, mut jobs) = shop.line(2);
    // While the database is away there is nothing to look after.
    let script = Script::of([unavailable(), unavailable(), busy()]);
    let tickets = [0; 2].map(|_| queue.push(script.clone(), later()).unwrap());
    let patience = Some(Duration::from_secs(1));
    let unserved = batch::serve(shop.store(), jobs.take(2).unwrap(), patience);
    assert_eq!(unserved.len(), 2);
    assert!(batch::serve(shop.store(), unserved, patience).is_empty());
    assert_eq!(tickets.map(|ticket| answer(ticket).unwrap()), [0, 1]);
}

#[test]
fn who_comes_too_late_is_counted_and_the_others_are_served() {
    let shop = Shop::open();
    let (queue, mut jobs) = shop.line(9);
    let past = Instant::now();
    let late = [0; 2].map(|_| queue.push(Script::default(), past).unwrap());
    let in_time = [0; 3].map(|_| queue.push(Script::default(), later()).unwrap());
    assert!(batch::serve(shop.store(), jobs.take(9).unwrap(), None).is_empty());
    for ticket in late {
        assert!(matches!(answer(ticket), Err(Error::Late)));
    }
    assert_eq!(in_time.map(|ticket| answer(ticket).unwrap()), [0, 1, 2]);
    assert_eq!(shop.turned_away(TurnedAway::Late), 2.0);
}

#[test]
fn what_has_begun_cannot_be_taken_back_and_what_was_taken_back_never_begins() {
    let shop = Shop::open();
    let (queue, mut jobs) = shop.line(2);
    let tickets = [0; 2].map(|_| queue.push(Script::default(), later()).unwrap());
    let taken = jobs.take(2).unwrap();
    assert!(taken[0].begin() && !tickets[0].withdraw());
    assert!(tickets[1].withdraw() && !taken[1].begin());
}

/// The worker sees only those who still want to be served.
#[test]
fn who_took_it_back_is_counted_as_late() {
    let shop = Shop::open();
    let (queue, jobs) = shop.line(9);
    let tickets = [0; 3].map(|_| queue.push(Script::default(), later()).unwrap());
    assert!(tickets[0].withdraw());
    queue.close();
    worker::run(shop.store(), jobs, 9, None);
    let [_, second, third] = tickets;
    assert_eq!([answer(second), answer(third)].map(Result::unwrap), [0, 1]);
    assert_eq!((shop.number("waiting", ""), shop.turned_away(TurnedAway::Late)), (0.0, 1.0));
}

#[test]
fn nobody_is_no_batch() {
    let shop = Shop::open();
    let (queue, jobs) = shop.line(9);
    assert!(queue.push(Script::default(), later()).unwrap().withdraw());
    queue.close();
    worker::run(shop.store(), jobs, 9, None);
    assert_eq!(shop.number("batch_size_count", ""), 0.0);
}

#[test]
fn a_full_line_takes_nobody_and_says_how_many_it_refused() {
    let shop = Shop::open();
    let (queue, mut jobs) = shop.line(2);
    let push = || queue.push(Script::default(), later());
    let _waiting = [push().unwrap(), push().unwrap()];
    for _ in 0..3 {
        assert!(matches!(push(), Err(Error::Full)));
    }
    assert_eq!((shop.number("waiting", ""), shop.turned_away(TurnedAway::Full)), (2.0, 3.0));
    assert_eq!([jobs.refused(), jobs.refused()], [3, 0]);
    // The siding counts its own there.
    jobs.refusals().fetch_add(2, Ordering::Relaxed);
    assert_eq!(jobs.refused(), 2);
    assert_eq!([jobs.take(1).unwrap().len(), jobs.take(9).unwrap().len()], [1, 1]);
}

#[test]
fn a_closed_line_lets_nobody_in_and_those_who_came_before_are_taken() {
    let shop = Shop::open();
    let (queue, mut jobs) = shop.line(9);
    let _waiting = [0; 2].map(|_| queue.push(Script::default(), later()).unwrap());
    assert!(queue.is_open());
    queue.close();
    assert!(!queue.is_open());
    assert!(matches!(queue.push(Script::default(), later()), Err(Error::Closed)));
    assert_eq!(shop.turned_away(TurnedAway::Closed), 1.0);
    assert_eq!(jobs.take(9).unwrap().len(), 2);
    assert!(jobs.take(9).is_none());
}

#[test]
fn a_till_says_whether_it_takes_orders() {
    let shop = Shop::open();
    let settings = Settings { batch_limit: 2, queue_limit: 9 };
    let till = Till::open("till", shop.store().clone(), &settings).unwrap();
    assert!(till.is_open());
    till.close();
    assert!(!till.is_open());
}

#[test]
fn whoever_worked_has_let_go_of_the_store_when_its_end_returns() {
    let shop = Shop::open();
    let before = shop.holders();
    let settings = Settings { batch_limit: 2, queue_limit: 9 };
    let desk = Desk::<Scripted>::open("looks", shop.store().clone(), &settings).unwrap();
    let asked = desk.ask(Script::default(), later());
    desk.close();
    // The desk's own line counts on.
    assert_eq!(shop.holders(), before + 1, "a worker is still there");
    assert_eq!(ready(asked).unwrap(), 0);
    assert_eq!((shop.number("waiting", ""), shop.turned_away(TurnedAway::Late)), (0.0, 0.0));
    drop(desk);
    drop(Sweeper::start(shop.store().clone()).unwrap());
    assert_eq!(shop.holders(), before, "the sweeper is still there");
    drop(Indexer::start(shop.store().clone()).unwrap());
    assert_eq!(shop.holders(), before, "the indexer is still there");
}
