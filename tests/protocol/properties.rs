//! What must always hold, and what must be seen to happen, lest nothing was checked.

use stateright::{Model, Property};

use super::protocol::{Protocol, Step};
use super::state::{Answer, Buyer, Job, LINE, Progress, SIDING, State, Worker};

/// The copies and the orders add up: nothing is oversold, no update is lost.
pub const COUNT: &str = "the number of copies is right";
/// A buyer has one order at most.
pub const ONCE: &str = "no request is sold twice";
/// An acknowledged sale is there, and stays.
pub const KEPT: &str = "who was told that it was sold has that order";
/// A refusal is true.
pub const REFUSED: &str = "who was told that nothing was sold has no order";
/// Whoever waits is waited for: the service has something left to do. That the buyer may hang up is no answer.
pub const ANSWERED: &str = "nobody waits for ever";

pub fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(COUNT, |protocol: &Protocol, state: &State| {
            let sold = state.database.orders.len();
            usize::from(state.database.quantity) + sold == usize::from(protocol.copies)
                && usize::from(state.database.last_seq) == sold
        }),
        Property::always(ONCE, |_, state: &State| {
            let buyers = 0..state.buyers.len();
            buyers.into_iter().all(|buyer| orders_of(state, buyer).count() <= 1)
        }),
        Property::always(KEPT, |_, state: &State| {
            done(state).all(|(buyer, answer)| match answer {
                Answer::Sold(order) => {
                    order.buyer == buyer && state.database.orders.contains(&order)
                }
                _ => true,
            })
        }),
        Property::always(REFUSED, |_, state: &State| {
            let mut refused = done(state).filter(|(_, answer)| *answer == Answer::OutOfStock);
            refused.all(|(buyer, _)| orders_of(state, buyer).count() == 0)
                && state.promised_unsold.is_disjoint(&state.database.orders)
        }),
        Property::always(ANSWERED, |protocol: &Protocol, state: &State| {
            let waits = |buyer: &Buyer| matches!(buyer.progress, Progress::Waiting(_));
            let mut steps = Vec::new();
            protocol.actions(state, &mut steps);
            let is_service = |step: &Step| {
                !matches!(
                    step,
                    Step::Send { .. }
                        | Step::HangUp { .. }
                        | Step::Crash { .. }
                        | Step::Restart { .. }
                )
            };
            !state.buyers.iter().any(waits) || steps.iter().any(is_service)
        }),
        Property::sometimes("a retry gets the order of the first request", |_, state: &State| {
            done(state).any(|(buyer, answer)| {
                matches!(answer, Answer::Sold(order) if order.attempt < state.buyers[buyer].attempts)
            })
        }),
        Property::sometimes("somebody finds the shelf empty", |protocol: &Protocol, state| {
            let is_enough = usize::from(protocol.copies) >= protocol.buyers.len();
            is_enough || done(state).any(|(_, answer)| answer == Answer::OutOfStock)
        }),
        Property::sometimes("a batch in doubt had been committed", |_, state: &State| {
            waiting_again(state)
                .any(|batch| batch.iter().any(|job| state.database.orders.contains(job)))
        }),
        Property::sometimes("a batch in doubt was not committed", |_, state: &State| {
            state.database.orphan.is_none()
                && waiting_again(state)
                    .any(|batch| batch.iter().all(|job| !state.database.orders.contains(job)))
        }),
        Property::sometimes(
            "a batch runs again while its first COMMIT is open",
            |_, state: &State| {
                state.database.orphan.as_ref().is_some_and(|open| {
                    waiting_again(state)
                        .any(|batch| batch.iter().any(|job| open.sold.contains(job)))
                })
            },
        ),
        Property::sometimes("a request and its retry share a batch", |_, state: &State| {
            state.instances.iter().flat_map(|instance| &instance.workers).any(|it| match it {
                Worker::Decided { batch, .. } => batch.iter().any(|one| {
                    batch
                        .iter()
                        .any(|other| one.buyer == other.buyer && one.attempt < other.attempt)
                }),
                _ => false,
            })
        }),
        Property::sometimes("a request and its retry are at two instances", |_, state: &State| {
            let of = |instance: usize| in_hand(&state.instances[instance].workers[LINE]);
            of(0).iter().any(|one| of(1).iter().any(|other| one.buyer == other.buyer))
        }),
        Property::sometimes(
            "a request is in line and its retry aside",
            |it: &Protocol, state: &State| {
                it.asides == 0
                    || state.instances.iter().any(|instance| {
                        let [line, siding] = instance.workers.each_ref().map(in_hand);
                        line.iter().any(|one| siding.iter().any(|other| one.buyer == other.buyer))
                    })
            },
        ),
        Property::sometimes("whoever stood aside gets the lock", |it: &Protocol, state: &State| {
            let mut sidings = state.instances.iter().map(|instance| &instance.workers[SIDING]);
            it.asides == 0 || sidings.any(|siding| matches!(siding, Worker::Decided { .. }))
        }),
        Property::sometimes("an order outlives the instance that placed it", |_, state: &State| {
            state.instances.iter().any(|instance| !instance.is_up)
                && !state.database.orders.is_empty()
        }),
    ]
}

fn orders_of(state: &State, buyer: usize) -> impl Iterator<Item = &Job> {
    state.database.orders.iter().filter(move |order| order.buyer == buyer)
}

/// Who has an answer, and which.
fn done(state: &State) -> impl Iterator<Item = (usize, Answer)> + '_ {
    state.buyers.iter().enumerate().filter_map(|(number, buyer)| match buyer.progress {
        Progress::Done(Some(answer)) => Some((number, answer)),
        _ => None,
    })
}

fn in_hand(worker: &Worker) -> &[Job] {
    match worker {
        Worker::Waiting { batch, .. } | Worker::Decided { batch, .. } => batch,
        Worker::Idle => &[],
    }
}

fn waiting_again(state: &State) -> impl Iterator<Item = &Vec<Job>> {
    state.instances.iter().flat_map(|instance| &instance.workers).filter_map(|it| match it {
        Worker::Waiting { batch, is_again: true, .. } => Some(batch),
        _ => None,
    })
}
