//! The sweeper before holds that cannot come back: they are seen, told of, tried again, and keep no other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::kit::{
    Backend, Metrics, Scenario, Server, Shop, at_once, eventually, hold, let_go, run_all_out,
    run_out,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_hold_that_cannot_come_back_is_seen_and_set_aside_once,
        of_two_damaged_books_the_mended_one_gets_its_copies_back,
        more_stuck_holds_than_are_taken_at_once_keep_no_other;
    Shop on Backend::SERVERS:
        what_is_never_free_is_waited_for;
];

const LONG: Duration = Duration::from_secs(60);

/// Damages the ledger of a book with one hold so that nothing can be written to it: what the key is there
/// for.
fn damage(shop: &Shop, book: i64) {
    shop.database.connect().run(&format!("UPDATE books SET last_seq = 1 WHERE id = {book}"));
}

fn mend(shop: &Shop, book: i64) {
    shop.database.connect().run(&format!("UPDATE books SET last_seq = 2 WHERE id = {book}"));
}

fn says(server: &Server, words: &str, times: usize) {
    eventually(LONG, &format!("{words:?}, {times} times"), || {
        (server.log().matches(words).count() >= times).then_some(())
    });
}

fn a_hold_that_cannot_come_back_is_seen_and_set_aside_once(shop: &Shop) {
    let [damaged, book] = shop.books([5, 5]);
    let [stuck, free] =
        [damaged, book].map(|book| shop.storefront.hold(&[(book, 1)], 600).expect(201));
    // It must not take part: two would meet at the same books.
    shop.server().stop();
    let server = shop.server_on(&shop.database.url, &["--metrics-listen", "127.0.0.1:0"]);
    let admin = shop.admin.at(&server);
    damage(shop, damaged);
    run_out(shop, &[&stuck, &free]);
    let overdue_are = |count: f64| {
        eventually(LONG, &format!("{count} overdue"), || {
            let metrics = Metrics::of(&server);
            (metrics.number("bookstore_holds_overdue", &[]) == count).then_some(metrics)
        })
    };
    overdue_are(1.0);
    assert_eq!(admin.quantity(book), 5);
    says(&server, "holds that ran out are not taken back", 2);
    assert_eq!(server.log().matches("holds that ran out are set aside").count(), 1);
    mend(shop, damaged);
    eventually(LONG, "mended, and it is back", || (admin.quantity(damaged) == 5).then_some(()));
    let metrics = overdue_are(0.0);
    assert!(metrics.number("bookstore_sweeps_total", &[("outcome", "failed")]) >= 2.0);
}

fn of_two_damaged_books_the_mended_one_gets_its_copies_back(shop: &Shop) {
    let books = shop.books([5, 5]);
    let held = books.map(|book| shop.storefront.hold(&[(book, 1)], 600).expect(201));
    books.iter().for_each(|&book| damage(shop, book));
    run_out(shop, &[&held[0], &held[1]]);
    says(&shop.server(), "holds that ran out are set aside", 2);
    for (book, other, left) in [(books[1], books[0], 4), (books[0], books[1], 5)] {
        mend(shop, book);
        eventually(LONG, "mended, and it is back", || {
            (shop.admin.quantity(book) == 5).then_some(())
        });
        assert_eq!(shop.admin.quantity(other), left);
    }
}

/// Others have the title all the time, one after the other, as in a flash sale at many instances: no look would
/// find it free. And it has its turn also behind a title that somebody keeps for good.
fn what_is_never_free_is_waited_for(shop: &Shop) {
    const OTHERS: usize = 3;
    let [before, kept, sold] = shop.books([5, 5, 5]);
    let is_over = AtomicBool::new(false);
    let held = shop.storefront.hold(&[(before, 1), (sold, 2)], 600).expect(201);
    let stuck = shop.storefront.hold(&[(kept, 1)], 600).expect(201);
    let keeper = hold(shop, kept);
    std::thread::scope(|scope| {
        for _ in 0..OTHERS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let holder = hold(shop, sold);
                    std::thread::park_timeout(Duration::from_millis(50));
                    let_go(holder);
                }
            });
        }
        // Whatever happens, they end.
        let _end = Deferred(|| is_over.store(true, Ordering::Relaxed));
        run_out(shop, &[&held, &stuck]);
        eventually(LONG, "all copies are back but those of what is kept", || {
            let left = [before, kept, sold].map(|book| shop.admin.quantity(book));
            (left == [5, 4, 5]).then_some(())
        });
    });
    let_go(keeper);
    eventually(LONG, "these too", || (shop.admin.quantity(kept) == 5).then_some(()));
}

/// Does it when dropped.
struct Deferred<F: Fn()>(F);

impl<F: Fn()> Drop for Deferred<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// As many as go into one transaction, and one behind them.
fn more_stuck_holds_than_are_taken_at_once_keep_no_other(shop: &Shop) {
    const BUYERS: usize = 8;
    const EACH: usize = 32;
    let [full, book] = shop.books([2_000_000_000, 5]);
    at_once(BUYERS, |_| {
        for _ in 0..EACH {
            shop.storefront.hold(&[(full, 1)], 600).expect(201);
        }
    });
    shop.storefront.hold(&[(book, 1)], 600).expect(201);
    shop.admin.restock(full, (BUYERS * EACH) as i64).expect(201);
    run_all_out(shop);
    eventually(LONG, "the one behind them is back", || {
        (shop.admin.quantity(book) == 5).then_some(())
    });
    shop.admin.stocktake(full, 7).expect(201);
    let all = 7 + (BUYERS * EACH) as i64;
    eventually(LONG, "there is room, and all are back", || {
        (shop.admin.quantity(full) == all).then_some(())
    });
}
