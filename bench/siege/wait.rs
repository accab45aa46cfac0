//! Waiting for something to happen.

use std::time::{Duration, Instant};

/// Asks again and again until there is an answer; `None` at the deadline.
pub(crate) fn until<T>(deadline: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || start.elapsed() > deadline {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
