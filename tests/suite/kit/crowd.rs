//! Buyers who order, one order after the other, for as long as something else goes on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Answer, eventually};

/// What the buyers were told was sold.
#[derive(Default)]
pub struct Sales(Mutex<Vec<Answer>>);

impl Sales {
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Waits until so many more orders were acknowledged.
    pub fn wait_for_more(&self, more: usize) {
        let before = self.count();
        eventually(Duration::from_secs(120), "buyers get their orders", || {
            (self.count() >= before + more).then_some(())
        });
    }
}

/// Says that it is over, whatever way the scope is left: buyers must not go on for ever when a test fails.
struct Closing<'a>(&'a AtomicBool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `act` while each of `buyers` places orders: `buy(buyer, number)` places one and gives the answer of
/// success. Gives what `act` gave and all that was sold, in the order in which it was acknowledged.
pub fn buy_meanwhile<T>(
    buyers: usize,
    buy: impl Fn(usize, usize) -> Answer + Sync,
    act: impl FnOnce(&Sales) -> T,
) -> (T, Vec<Answer>) {
    let sales = Sales::default();
    let is_over = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        let _closing = Closing(&is_over);
        for buyer in 0..buyers {
            let (sales, is_over, buy) = (&sales, &is_over, &buy);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let sold = buy(buyer, number);
                    sales.0.lock().unwrap().push(sold);
                }
            });
        }
        act(&sales)
    });
    (done, sales.0.into_inner().unwrap())
}
