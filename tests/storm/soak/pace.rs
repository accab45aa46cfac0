//! How fast a crowd asks: so many requests a second, whoever makes them.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Who could not keep up, because the shop stood still, makes up for so much of it and no more.
const CATCH_UP: Duration = Duration::from_millis(500);

pub struct Pace {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    /// `rate`: requests a second.
    pub fn new(rate: f64) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / rate), next: Mutex::new(Instant::now()) }
    }

    /// Waits until it is one's turn.
    pub fn wait(&self) {
        let turn = {
            let mut next = self.next.lock().unwrap();
            let now = Instant::now();
            let turn = now.checked_sub(CATCH_UP).map_or(*next, |earliest| earliest.max(*next));
            *next = turn + self.interval;
            turn
        };
        std::thread::sleep(turn.saturating_duration_since(Instant::now()));
    }
}
