//! When a run is over, and when something was sold.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const GLANCE: Duration = Duration::from_millis(10);

pub struct Watch {
    pub start: Instant,
    /// Acknowledged orders, when they were.
    sales: Mutex<Vec<Instant>>,
    has_ended: AtomicBool,
}

impl Watch {
    pub fn new() -> Self {
        Self { start: Instant::now(), sales: Mutex::default(), has_ended: AtomicBool::new(false) }
    }

    pub fn acknowledge(&self) {
        self.sales.lock().unwrap().push(Instant::now());
    }

    pub fn is_over(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }

    fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
    }

    /// Ends it when it is dropped, so that nobody goes on for ever when whoever was to end it fails.
    pub fn ending(&self) -> Ending<'_> {
        Ending(self)
    }

    pub fn acknowledged(&self) -> usize {
        self.sales.lock().unwrap().len()
    }

    /// How long after `moment` something was sold for the first time; none if not within `patience`.
    pub fn first_sale_after(&self, moment: Instant, patience: Duration) -> Option<Duration> {
        loop {
            let sales = self.sales.lock().unwrap();
            let first = sales.get(sales.partition_point(|sale| *sale < moment)).copied();
            drop(sales);
            if let Some(first) = first {
                return Some(first - moment);
            }
            if moment.elapsed() > patience {
                return None;
            }
            std::thread::sleep(GLANCE);
        }
    }
}

pub struct Ending<'a>(&'a Watch);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
