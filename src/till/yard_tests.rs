use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::domain::{BookId, OrderId, Refusal};
use crate::metrics::{Desk, Metrics};
use crate::store::{self, Store};
use crate::till::queue::{self, Ticket};

/// Wants rows.
struct Wanting;

impl Trade for Wanting {
    type Ask = &'static str;
    type Answer = ();

    fn meter(metrics: &Metrics) -> &Desk {
        &metrics.sales_desk
    }

    fn serve(
        _: &Store,
        _: Instant,
        _: &[&'static str],
    ) -> Result<Vec<Result<(), Refusal>>, store::Error> {
        unreachable!("nobody is served in a yard")
    }
}

fn book(id: i64) -> Row {
    Row::Book(BookId(id))
}

fn order(id: u128) -> Row {
    Row::Order(OrderId(Uuid::from_u128(id)))
}

type Person = (Job<Wanting>, Vec<Row>);

/// Somebody of this name who wants these rows and has so many seconds left, and what they may take it back by.
fn person_with_ticket(name: &'static str, rows: &[Row], seconds: u64) -> (Person, Ticket<()>) {
    let (queue, mut jobs) = queue::new::<Wanting>(&Arc::new(Metrics::new("none")), 1);
    let ticket = queue.push(name, Instant::now() + Duration::from_secs(seconds)).unwrap();
    let job = jobs.take(1).unwrap().remove(0);
    assert!(job.begin());
    ((job, rows.to_vec()), ticket)
}

fn person(name: &'static str, rows: &[Row], seconds: u64) -> Person {
    person_with_ticket(name, rows, seconds).0
}

fn names(jobs: &[Job<Wanting>]) -> Vec<&'static str> {
    jobs.iter().map(|job| job.ask).collect()
}

fn yard(limit: usize, locked: &[Row]) -> Yard<Wanting> {
    let mut yard = Yard::new(limit);
    yard.lock(locked.iter().copied().collect());
    yard
}

/// Puts everybody aside, for whom there must be room.
fn put_aside(yard: &mut Yard<Wanting>, people: Vec<Person>) {
    // When everybody had time.
    let then = people[0].0.receipt.came - Duration::from_secs(1);
    let Sorted { free, too_many, late } = yard.sort(people, then);
    assert!(free.is_empty() && too_many.is_empty() && late.is_empty());
}

#[test]
fn who_needs_what_is_locked_stands_aside_as_long_as_there_is_room() {
    let mut yard = yard(2, &[book(1), order(1)]);
    assert_eq!(*yard.locked(), BTreeSet::from([book(1), order(1)]));
    let people = vec![
        person("a", &[book(1)], 60),
        person("b", &[book(2), order(2)], 60),
        person("c", &[book(2), order(1)], 60),
        person("d", &[], 60),
        person("e", &[book(1)], 60),
    ];
    let Sorted { free, too_many, late } = yard.sort(people, Instant::now());
    assert_eq!((names(&free), names(&too_many)), (vec!["b", "d"], vec!["e"]));
    assert!(late.is_empty());
    assert_eq!((yard.count(), yard.lacked()), (2, BTreeSet::from([book(1), order(1)])));
}

#[test]
fn who_lacks_nothing_any_more_is_served_and_keeps_the_place() {
    let mut yard = yard(3, &[book(1), book(2)]);
    put_aside(
        &mut yard,
        vec![
            person("a", &[book(1)], 60),
            person("b", &[book(1), book(2)], 60),
            person("c", &[book(1)], 60),
        ],
    );
    assert!(yard.take_free(9).is_empty());
    yard.free(&BTreeSet::from([book(1)]));
    assert_eq!(yard.lacked(), BTreeSet::from([book(2)]));
    assert_eq!(names(&yard.take_free(1)), ["a"]);
    assert_eq!(names(&yard.take_free(9)), ["c"]);
    assert!(yard.take_free(9).is_empty());
    assert_eq!(yard.count(), 3);
    let people = vec![person("d", &[book(2)], 60), person("e", &[book(1)], 60)];
    let Sorted { free, too_many, .. } = yard.sort(people, Instant::now());
    assert_eq!((names(&free), names(&too_many)), (vec!["e"], vec!["d"]));
}

#[test]
fn who_could_not_be_served_stands_there_again() {
    let mut yard = yard(3, &[book(1)]);
    put_aside(&mut yard, vec![person("a", &[book(1)], 60), person("b", &[book(1)], 60)]);
    yard.free(&BTreeSet::from([book(1)]));
    assert_eq!(yard.take_free(9).len(), 2);
    yard.lock(BTreeSet::from([book(3)]));
    let unserved = vec![person("b", &[book(3)], 60), person("c", &[book(2)], 60)];
    yard.put_back(unserved);
    assert_eq!((yard.count(), yard.lacked()), (2, BTreeSet::from([book(3)])));
    assert_eq!(names(&yard.take_free(9)), ["c"]);
}

#[test]
fn who_is_late_leaves_and_the_oldest_is_known() {
    let mut yard = yard(9, &[book(1)]);
    assert_eq!(yard.oldest_came(), None);
    let people = [("a", 60), ("b", 0), ("c", 60)];
    let people = people.map(|(name, seconds)| person(name, &[book(1)], seconds));
    let came = [0, 2].map(|at: usize| people[at].0.receipt.came);
    put_aside(&mut yard, people.into());
    assert_eq!(yard.oldest_came(), Some(came[0]));
    assert_eq!(names(&yard.take_late(Instant::now())), ["b"]);
    assert_eq!(yard.count(), 2);
    // Also while they are being served.
    yard.free(&BTreeSet::from([book(1)]));
    assert_eq!(names(&yard.take_free(1)), ["a"]);
    assert_eq!(yard.oldest_came(), Some(came[0]));
    yard.put_back(Vec::new());
    assert_eq!((yard.oldest_came(), yard.count()), (Some(came[1]), 1));
}

#[test]
fn whoever_comes_has_the_place_of_one_whose_time_is_over() {
    let mut yard = yard(2, &[book(1)]);
    put_aside(&mut yard, vec![person("a", &[book(1)], 0), person("b", &[book(1)], 60)]);
    let people = [("c", 0), ("d", 60), ("e", 60)];
    let people = people.map(|(name, seconds)| person(name, &[book(1)], seconds));
    let Sorted { free, too_many, late } = yard.sort(people.into(), Instant::now());
    assert_eq!((names(&late), names(&too_many)), (vec!["a", "c"], vec!["e"]));
    assert!(free.is_empty());
    assert_eq!(yard.count(), 2);
}

#[test]
fn what_is_newly_locked_is_told_once() {
    let mut yard = yard(9, &[book(1)]);
    assert_eq!(yard.lock(BTreeSet::from([book(1), book(2)])), [book(2)]);
    yard.free(&BTreeSet::from([book(1)]));
    assert_eq!(yard.lock(BTreeSet::from([book(1), book(2)])), [book(1)]);
}

#[test]
fn whoever_stands_aside_may_take_it_back_and_is_not_served_then() {
    let mut yard = yard(9, &[book(1)]);
    let people = ["a", "b", "c"].map(|name| person_with_ticket(name, &[book(1)], 60));
    let (people, tickets): (Vec<_>, Vec<_>) = people.into_iter().unzip();
    assert!(!tickets[0].withdraw(), "it has begun");
    put_aside(&mut yard, people);
    assert!(tickets[1].withdraw());
    yard.free(&BTreeSet::from([book(1)]));
    let free = yard.take_free(9);
    assert_eq!((names(&free), yard.count()), (vec!["a", "c"], 2));
    assert!(!tickets[0].withdraw(), "it is being served");
    let unserved = free.into_iter().map(|job| (job, vec![])).collect();
    yard.put_back(unserved);
    assert!(tickets[0].withdraw());
}
