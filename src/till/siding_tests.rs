// They open a store, in a file.
#![cfg(feature = "sqlite")]

use std::sync::Mutex as Shared;

use super::*;
use crate::domain::{BookId, Refusal};
use crate::metrics::Metrics;
use crate::store::throwaway::Throwaway;
use crate::till::queue::{self, Ticket};

/// Wants a book. Whoever wants the first one is told that others are busy, until the fourth time.
#[derive(Clone, Default)]
struct Wish {
    book: i64,
    /// How long each run may take.
    runs: Arc<Shared<Vec<Duration>>>,
}

struct Wishing;

impl Trade for Wishing {
    type Ask = Wish;
    type Answer = i64;

    const HAS_SIDING: bool = true;

    fn meter(metrics: &Metrics) -> &Desk {
        &metrics.sales_desk
    }

    fn rows(_: &Store, _: Instant, asks: &[&Wish]) -> Vec<Vec<Row>> {
        asks.iter().map(|ask| vec![book(ask.book)]).collect()
    }

    fn serve(
        _: &Store,
        deadline: Instant,
        asks: &[Wish],
    ) -> Result<Vec<Result<i64, Refusal>>, store::Error> {
        let mut runs = asks[0].runs.lock().unwrap();
        runs.push(deadline.saturating_duration_since(Instant::now()));
        if asks[0].book == 1 && runs.len() < 4 {
            return Err(store::Error::Busy("others".to_owned()));
        }
        Ok(asks.iter().map(|ask| Ok(ask.book)).collect())
    }
}

fn book(id: i64) -> Row {
    Row::Book(BookId(id))
}

/// A siding for four, where these books are known to be locked.
fn siding(locked: &[i64]) -> (Siding<Wishing>, Throwaway) {
    let shop = Throwaway::migrated();
    let settings = Settings { batch_limit: 9, queue_limit: 4 };
    let siding = Siding::new("a desk", shop.store.clone(), &settings, Arc::default());
    siding.state.lock().yard.lock(locked.iter().copied().map(book).collect());
    (siding, shop)
}

/// Somebody who wants this book and has so many seconds left.
fn person(siding: &Siding<Wishing>, book: i64, seconds: u64) -> (Job<Wishing>, Ticket<i64>) {
    let (queue, mut jobs) = queue::new::<Wishing>(siding.store.metrics(), 1);
    let wish = Wish { book, ..Wish::default() };
    let ticket = queue.push(wish, Instant::now() + Duration::from_secs(seconds)).unwrap();
    let job = jobs.take(1).unwrap().remove(0);
    assert!(job.begin());
    (job, ticket)
}

/// Puts aside who lacks something.
fn divert(siding: &Siding<Wishing>, jobs: Vec<Job<Wishing>>) -> Vec<Job<Wishing>> {
    siding.divert(siding.with_rows(jobs))
}

fn people<const N: usize>(
    siding: &Siding<Wishing>,
    wishes: [(i64, u64); N],
) -> (Vec<Job<Wishing>>, Vec<Ticket<i64>>) {
    wishes.into_iter().map(|(book, seconds)| person(siding, book, seconds)).unzip()
}

fn answer(mut ticket: Ticket<i64>) -> Result<i64, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(ticket.answer_by(Instant::now() + Duration::from_secs(60))).unwrap()
}

fn number(siding: &Siding<Wishing>, name: &str) -> f64 {
    let page = siding.store.metrics_page();
    let start = format!("bookstore_till_{name} ");
    let found = page.lines().find_map(|line| line.strip_prefix(start.as_str()));
    found.unwrap_or_else(|| panic!("no {start}in\n{page}")).parse().unwrap()
}

const ASIDE: &str = "aside{desk=\"sales\"}";
const OLDEST: &str = "oldest_seconds{desk=\"sales\"}";

#[test]
fn who_is_put_aside_is_served_when_what_was_locked_is_free() {
    let (siding, _shop) = siding(&[2]);
    let (jobs, tickets) = people(&siding, [(2, 60), (3, 60), (2, 60)]);
    assert_eq!(siding.serve_others(jobs), 1);
    assert_eq!((number(&siding, ASIDE), number(&siding, OLDEST) > 0.0), (2.0, true));
    siding.close();
    siding.run();
    let answers = tickets.into_iter().map(answer).map(Result::unwrap);
    assert_eq!(answers.collect::<Vec<_>>(), [2, 3, 2]);
    assert!(siding.state.lock().yard.locked().is_empty());
    assert_eq!(number(&siding, ASIDE), 0.0);
    assert_eq!(number(&siding, "batch_size_count{desk=\"sales\"}"), 1.0);
}

#[test]
fn whoever_no_room_is_left_for_or_no_time_is_told_so() {
    let (siding, _shop) = siding(&[2]);
    let wishes = [(2, 60), (2, 0), (2, 1), (2, 60), (2, 0), (2, 60), (2, 60)];
    let (jobs, mut tickets) = people(&siding, wishes);
    assert!(divert(&siding, jobs).is_empty());
    assert!(matches!(answer(tickets.pop().unwrap()), Err(Error::Full)));
    // Whoever stands there until it is too late.
    let out_of_time = Instant::now() + Duration::from_secs(1);
    while Instant::now() < out_of_time {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    siding.close();
    siding.run();
    let answers: Vec<_> = tickets.into_iter().map(answer).collect();
    assert!(
        matches!(
            answers[..],
            [Ok(2), Err(Error::Late), Err(Error::Late), Ok(2), Err(Error::Late), Ok(2)]
        ),
        "{answers:?}"
    );
    let turned_away =
        |why| number(&siding, &format!("turned_away_total{{desk=\"sales\",reason=\"{why}\"}}"));
    assert_eq!((turned_away("full"), turned_away("late")), (1.0, 3.0));
    assert_eq!(siding.refused.load(Ordering::Relaxed), 1);
}

#[test]
fn when_nobody_keeps_anything_the_line_has_more_and_more_patience() {
    let (siding, _shop) = siding(&[]);
    let (jobs, tickets) = people(&siding, [(1, 60), (2, 60)]);
    let runs = Arc::clone(&jobs[0].ask.runs);
    assert_eq!(siding.serve_others(jobs), 2);
    assert_eq!(tickets.into_iter().map(|it| answer(it).unwrap()).collect::<Vec<_>>(), [1, 2]);
    let seconds: Vec<_> = runs.lock().unwrap().iter().map(|run| run.as_secs_f64().ceil()).collect();
    assert_eq!(seconds, [1.0, 2.0, 4.0, 8.0]);
}

#[test]
fn who_stands_aside_goes_on_being_tried_while_others_are_busy() {
    let (siding, _shop) = siding(&[1]);
    let (job, ticket) = person(&siding, 1, 60);
    let runs = Arc::clone(&job.ask.runs);
    assert!(divert(&siding, vec![job]).is_empty());
    siding.close();
    siding.run();
    assert_eq!((answer(ticket).unwrap(), runs.lock().unwrap().len()), (1, 4));
}

#[test]
fn nobody_is_put_aside_where_nobody_serves() {
    let (siding, _shop) = siding(&[2]);
    let (job, ticket) = people(&siding, [(2, 60)]);
    assert!(divert(&siding, job).is_empty());
    drop(Closing(&siding));
    assert!(matches!(answer(ticket.into_iter().next().unwrap()), Err(Error::Lost)));
    assert_eq!(number(&siding, ASIDE), 0.0);
    siding.state.lock().yard.lock(BTreeSet::from([book(2)]));
    assert_eq!(divert(&siding, people(&siding, [(2, 60)]).0).len(), 1);
}

/// Also while others come who want something else.
#[test]
fn what_nobody_waits_for_is_looked_at_until_it_is_free() {
    let (siding, _shop) = siding(&[2]);
    let siding = Arc::new(siding);
    std::thread::scope(|scope| {
        // Whatever happens here, the siding closes.
        let entrance = Entrance::to(&siding);
        scope.spawn(|| siding.run());
        let end = Instant::now() + Duration::from_secs(60);
        while !siding.state.lock().yard.locked().is_empty() {
            assert!(Instant::now() < end, "it is locked for ever");
            let (jobs, _tickets) = people(&siding, [(3, 60)]);
            assert_eq!(entrance.serve_others(jobs), 1);
        }
    });
}

/// One of them waits for what no look sees, a thousand times if need be.
#[test]
fn whoever_stands_with_one_who_cannot_be_served_is_served_alone() {
    let (siding, _shop) = siding(&[1, 2]);
    let (jobs, tickets) = people(&siding, [(1, 60), (2, 60), (2, 60), (2, 60)]);
    let runs = Arc::clone(&jobs[0].ask.runs);
    assert!(divert(&siding, jobs).is_empty());
    siding.close();
    siding.run();
    assert!(tickets.into_iter().all(|ticket| answer(ticket).is_ok()));
    // Together with the others once, and then alone: the others went before its second time.
    assert_eq!(runs.lock().unwrap().len(), 4);
    assert_eq!(number(&siding, "batch_size_sum{desk=\"sales\"}"), 4.0);
}

#[test]
fn each_row_that_somebody_lacks_is_waited_for_in_its_turn() {
    let (siding, _shop) = siding(&[2, 5, 7]);
    let (jobs, _tickets) = people(&siding, [(5, 60), (2, 60)]);
    assert!(divert(&siding, jobs).is_empty());
    assert_eq!(siding.wait_for_next(Some(book(2))), Some(book(5)));
    assert_eq!(*siding.state.lock().yard.locked(), BTreeSet::from([book(2), book(7)]));
    assert_eq!(siding.wait_for_next(Some(book(5))), Some(book(2)));
    assert_eq!(siding.wait_for_next(None), None);
}
