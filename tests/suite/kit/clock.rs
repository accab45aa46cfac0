//! Waiting for something to happen, and letting many things happen at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Asks again and again until `happened` gives an answer, or panics at the deadline.
pub fn eventually<T>(deadline: Duration, what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = happened() {
            return answer;
        }
        assert!(start.elapsed() < deadline, "{what}: not within {deadline:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs `act(0)`, `act(1)`, ... each in its own thread, let go at the same moment. The answers come
/// back in order; a panic in one of them is passed on.
pub fn at_once<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let (start, act) = (&start, &act);
                scope.spawn(move || {
                    start.wait();
                    act(number)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// Those whom others keep company for as long as they act.
pub struct Company(AtomicUsize);

/// Somebody of a [`Company`], who leaves also by a panic.
pub struct Companion<'a>(&'a Company);

impl Company {
    /// So many, who must all come.
    pub fn of(count: usize) -> Self {
        Self(AtomicUsize::new(count))
    }

    /// One of them has come, and leaves when this is dropped.
    pub fn companion(&self) -> Companion<'_> {
        Companion(self)
    }

    /// Whether some have not left yet.
    pub fn is_there(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

impl Drop for Companion<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}
