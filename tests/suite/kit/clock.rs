//! Waiting for something to happen, and letting many things happen at once.

use std::sync::Barrier;
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
