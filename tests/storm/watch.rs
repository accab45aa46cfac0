//! When a storm is over, and how far it is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::faults::{Count, Fault};
use crate::history::Micros;

/// A shop that sells nothing for so long, whatever goes wrong, is stuck.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// How often it tells how far it is: a soak of hours not as often as a short storm.
const TELL_EVERY: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(60)];

/// So long after a fault what is slow may still be its doing.
const RECOVERY: Duration = Duration::from_secs(2);

const GLANCE: Duration = Duration::from_millis(20);

/// What a storm goes on for.
#[derive(Debug, Clone)]
pub enum Goal {
    Time(Duration),
    /// So many acknowledged orders, and at least so many of each fault.
    Orders(usize, Count),
}

/// Something that went wrong: at which server, if it was done to one, and from when to when.
#[derive(Debug, Clone, Copy)]
pub struct Strike {
    pub fault: Fault,
    #[allow(dead_code, reason = "for whoever reads what is kept of a storm")]
    pub ship: usize,
    #[allow(dead_code, reason = "the same")]
    pub began: Micros,
    #[allow(dead_code, reason = "the same")]
    pub ended: Micros,
}

pub struct Watch {
    pub start: Instant,
    goal: Goal,
    acknowledged: AtomicUsize,
    strikes: Mutex<Vec<Strike>>,
    /// Faults that last, and when the last one before was over.
    under_way: AtomicUsize,
    last_fault: AtomicU64,
    is_stuck: AtomicBool,
    is_broken: AtomicBool,
    has_ended: AtomicBool,
}

impl Watch {
    pub fn new(goal: Goal) -> Self {
        Self {
            start: Instant::now(),
            goal,
            acknowledged: AtomicUsize::new(0),
            strikes: Mutex::default(),
            under_way: AtomicUsize::new(0),
            last_fault: AtomicU64::new(0),
            is_stuck: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        }
    }

    /// An order was acknowledged.
    pub fn acknowledge(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Does a fault; `act` tells whether it was done.
    pub fn disturb(&self, fault: Fault, ship: usize, act: impl FnOnce() -> bool) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let began = self.now();
        let is_done = act();
        let ended = self.now();
        if is_done {
            self.strikes.lock().unwrap().push(Strike { fault, ship, began, ended });
        }
        // The time first, so that nobody sees neither.
        self.last_fault.store(ended, Ordering::Relaxed);
        self.under_way.fetch_sub(1, Ordering::Release);
    }

    /// A fault could not be done, or not be undone: the storm shows nothing any more, and ends.
    pub fn break_off(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    fn now(&self) -> Micros {
        self.start.elapsed().as_micros() as Micros
    }

    /// Whether no fault has reached into the time from `sent` until now.
    pub fn was_calm_since(&self, sent: Micros) -> bool {
        let is_calm = self.under_way.load(Ordering::Acquire) == 0;
        is_calm && self.last_fault.load(Ordering::Relaxed) + RECOVERY.as_micros() as Micros <= sent
    }

    /// All that went wrong.
    pub fn strikes(&self) -> Vec<Strike> {
        self.strikes.lock().unwrap().clone()
    }

    /// How often each fault was done.
    pub fn faults(&self) -> Count {
        let mut faults = Count::new();
        for strike in self.strikes.lock().unwrap().iter() {
            *faults.entry(strike.fault).or_default() += 1;
        }
        faults
    }

    pub fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    pub fn is_over(&self) -> bool {
        self.is_stuck()
            || self.is_broken()
            || match &self.goal {
                Goal::Time(time) => self.start.elapsed() >= *time,
                Goal::Orders(orders, _) => {
                    self.acknowledged() >= *orders && self.missing().is_empty()
                }
            }
    }

    /// Faults that are still to be done before it may be over.
    pub fn missing(&self) -> Count {
        let Goal::Orders(_, wanted) = &self.goal else { return Count::new() };
        let done = self.faults();
        let left = |(fault, wanted): (&Fault, &usize)| {
            let done = done.get(fault).copied().unwrap_or_default();
            wanted.checked_sub(done).filter(|left| *left > 0).map(|left| (*fault, left))
        };
        wanted.iter().filter_map(left).collect()
    }

    /// Waits so long. False if the storm is over by then.
    pub fn wait(&self, how_long: Duration) -> bool {
        std::thread::sleep(how_long);
        !self.is_over()
    }

    /// Waits until the faults are no further than the sales, so that they are spread over all of them.
    pub fn keep_pace(&self) {
        let Goal::Orders(orders, wanted) = &self.goal else { return };
        let total: usize = wanted.values().sum();
        let is_ahead = || {
            let done: usize = self.faults().values().sum();
            let sold = self.acknowledged();
            sold < *orders && done * orders > sold * total + orders * total / 50
        };
        while is_ahead() && !self.is_over() {
            std::thread::sleep(GLANCE);
        }
    }

    /// The clients have ended.
    pub fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    /// Tells every now and then how far it is, until the clients have ended.
    pub fn tell(&self) {
        let (mut last_told, mut told_orders) = (self.start, 0);
        let (mut last_sale, mut sales) = (Instant::now(), 0);
        while !self.has_ended.load(Ordering::Relaxed) {
            std::thread::sleep(GLANCE);
            let orders = self.acknowledged();
            if orders > sales {
                (last_sale, sales) = (Instant::now(), orders);
            }
            if last_sale.elapsed() > LONGEST_SILENCE {
                self.is_stuck.store(true, Ordering::Relaxed);
            }
            if last_told.elapsed() >= self.tell_every() {
                let rate = (orders - told_orders) as f64 / last_told.elapsed().as_secs_f64();
                println!("{}, {rate:.0} a second", self.progress());
                (last_told, told_orders) = (Instant::now(), orders);
            }
        }
    }

    fn tell_every(&self) -> Duration {
        let [often, seldom] = TELL_EVERY;
        match self.goal {
            Goal::Time(time) => (time / 60).clamp(often, seldom),
            Goal::Orders(..) => often,
        }
    }

    fn progress(&self) -> String {
        let seconds = self.start.elapsed().as_secs();
        let (orders, faults) = (self.acknowledged(), self.faults().values().sum::<usize>());
        match &self.goal {
            Goal::Time(time) => {
                format!("{seconds} of {} s: {orders} orders, {faults} faults", time.as_secs())
            }
            Goal::Orders(wanted, all) => {
                let all: usize = all.values().sum();
                format!("{seconds} s: {orders} of {wanted} orders, {faults} of {all} faults")
            }
        }
    }
}
