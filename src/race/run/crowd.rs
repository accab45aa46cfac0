//! The crowd: threads that are let go at one gate and buy until the purchases or the time run out.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use diesel::QueryResult;
use parking_lot::RwLock;

use super::load::{Load, Onlooker};
use super::tally::Tally;
use crate::race::conflict::{Conflict, Failure};
use crate::race::error::Error;
use crate::race::stop::Stop;
use crate::race::strategy::{Answer, Buyer};

/// Where one buyer asks for a copy: what they are told, or why not.
pub(super) type Counter<'a> = Box<dyn FnMut(&mut dyn Buyer) -> Result<Answer, Failure> + Send + 'a>;

/// The first pause before another try is at most this long; each further one up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// What all buyers share.
struct Crowd<'a> {
    load: &'a Load,
    stop: &'a Stop,
    onlooker: &'a dyn Onlooker,
    /// Shut while this is locked for writing.
    gate: RwLock<()>,
    begun: AtomicU32,
    answered: AtomicU32,
}

/// Lets a buyer go at each of `counters`, and gives what they were told and how long it took them
/// all. `restock` brings copies.
///
/// # Errors
/// If the operating system gives no thread.
pub(super) fn let_go(
    counters: Vec<Counter<'_>>,
    restock: impl FnMut(i32) -> QueryResult<()> + Send,
    load: &Load,
    stop: &Stop,
    onlooker: &dyn Onlooker,
) -> Result<(Tally, Duration), Error> {
    let (begun, answered) = (AtomicU32::new(0), AtomicU32::new(0));
    let crowd = Crowd { load, stop, onlooker, gate: RwLock::new(()), begun, answered };
    let gate = crowd.gate.write();
    std::thread::scope(|scope| {
        let (deliveries, wanted) = mpsc::channel();
        let spawn = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let restocker = spawn("restocker").spawn_scoped(scope, || bring(restock, wanted, load))?;
        let mut buyers = Vec::with_capacity(counters.len());
        for counter in counters {
            let (crowd, deliveries) = (&crowd, deliveries.clone());
            buyers.push(
                spawn("buyer").spawn_scoped(scope, move || crowd.shop(counter, &deliveries))?,
            );
        }
        drop(deliveries);
        let start = Instant::now();
        drop(gate);
        let mut tally = Tally::default();
        for buyer in buyers {
            tally += buyer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        let elapsed = start.elapsed();
        tally += restocker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((tally, elapsed))
    })
}

impl Crowd<'_> {
    /// One buyer after the other at one counter.
    fn shop(&self, mut counter: Counter<'_>, deliveries: &Sender<i32>) -> Tally {
        let mut tally = Tally::default();
        drop(self.gate.read());
        let deadline = Instant::now() + self.load.time_limit;
        while !self.stop.is_wanted()
            && Instant::now() < deadline
            && self.begun.fetch_add(1, Ordering::Relaxed) < self.load.purchases
        {
            let asked = Instant::now();
            let mut customer = Customer { crowd: self, deadline, tries: 0, tally: &mut tally };
            let answer = counter(&mut customer);
            tally.count(answer, asked.elapsed());
            let answered = self.answered.fetch_add(1, Ordering::Relaxed) + 1;
            self.onlooker.answered();
            if let Some(every) = self.load.restock_every
                && answered.is_multiple_of(every)
            {
                // It fails if the restocker is gone, whose tally then says why.
                let _ = deliveries.send(i32::try_from(every).unwrap_or(i32::MAX));
            }
        }
        tally
    }
}

/// One who buys.
struct Customer<'a> {
    crowd: &'a Crowd<'a>,
    deadline: Instant,
    tries: u32,
    tally: &'a mut Tally,
}

impl Buyer for Customer<'_> {
    fn thinks(&mut self, _quantity: i32) {
        // Those who wait for this one's lock want to go home too.
        if !self.crowd.load.think.is_zero() && !self.crowd.stop.is_wanted() {
            std::thread::sleep(self.crowd.load.think);
        }
    }

    fn pays(&mut self) {
        self.thinks(0);
    }

    fn tries_again(&mut self, why: Conflict) -> bool {
        if self.crowd.stop.is_wanted() || Instant::now() >= self.deadline {
            return false;
        }
        self.tally.retries += 1;
        self.tally.deadlocks += u64::from(why == Conflict::Deadlock);
        pause(self.tries);
        self.tries += 1;
        true
    }
}

/// At random, and longer with every try: those who met once must not meet again.
fn pause(tries: u32) {
    let longest = FIRST_PAUSE.saturating_mul(1 << tries.min(16)).min(LONGEST_PAUSE);
    let share = getrandom::u32().unwrap_or(u32::MAX);
    std::thread::sleep(longest.mul_f64(f64::from(share) / f64::from(u32::MAX)));
}

/// Brings copies whenever they are wanted.
fn bring(
    mut restock: impl FnMut(i32) -> QueryResult<()>,
    wanted: Receiver<i32>,
    load: &Load,
) -> Tally {
    let mut tally = Tally::default();
    for copies in wanted {
        let deadline = Instant::now() + load.time_limit;
        let mut tries = 0;
        loop {
            let Err(error) = restock(copies) else {
                tally.restocked += i64::from(copies);
                break;
            };
            if Conflict::of(&error).is_none() || Instant::now() >= deadline {
                tally.fail(Failure::other(format!("a restock failed: {}", Failure::of(&error))));
                break;
            }
            pause(tries);
            tries += 1;
        }
    }
    tally
}
