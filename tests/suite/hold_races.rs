//! Many wishes for the same orders at the same moment, from two server processes: exactly one of
//! confirmed, cancelled and expired happens, and everybody is told which.

use std::sync::Barrier;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::kit::{
    Answer, Backend, Call, Scenario, Shop, at_once, clock_of, eventually, run_all_out, run_out,
    variable,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_hundred_copies_are_held_and_sold_a_hundred_times,
        confirmation_and_expiry_never_both_happen,
        of_confirmation_and_cancellation_one_happens,
        everybody_who_cancels_at_once_gives_the_copies_back_once,
        of_two_returns_of_the_same_copy_one_wins,
        ten_thousand_holds_run_out_once_while_the_shop_sells;
];

fn a_hundred_copies_are_held_and_sold_a_hundred_times(shop: &Shop) {
    const BUYERS: usize = 32;
    const PURCHASES: usize = 400;
    let servers = [shop.wide_server(), shop.wide_server()];
    let book = shop.book(100);
    let outcomes = at_once(BUYERS, |buyer| {
        // Held at one server, confirmed at the other.
        let at = |turn: usize| shop.storefront.at(&servers[(buyer + turn) % 2]);
        let mine = (buyer..PURCHASES).step_by(BUYERS);
        mine.map(|turn| {
            let held = at(turn).hold(&[(book, 1)], 600).send();
            if held.status == 409 {
                return false;
            }
            let held = held.expect(201);
            assert_eq!(at(turn + 1).confirm(&held).expect(200)["status"], "placed");
            true
        })
        .collect::<Vec<bool>>()
    });
    let outcomes: Vec<bool> = outcomes.into_iter().flatten().collect();
    assert_eq!(outcomes.len(), PURCHASES);
    assert_eq!(outcomes.iter().filter(|placed| **placed).count(), 100);
    assert_eq!(shop.admin.quantity(book), 0);
    let placed = shop.admin.all("/v1/orders", &[("limit", "100"), ("status", "placed")]);
    assert_eq!(placed.len(), 100);
}

/// Two thousand holds end while their buyers confirm them, some before, some after, some at the very
/// moment.
fn confirmation_and_expiry_never_both_happen(shop: &Shop) {
    const ROUNDS: usize = 4;
    const BUYERS: usize = 10;
    const HOLDS: usize = 50;
    let servers = [shop.server(), shop.second_server()];
    let book = shop.book(1_000_000);
    let mut counts = [0, 0];
    for _ in 0..ROUNDS {
        let told = at_once(BUYERS, |buyer| {
            let client = shop.storefront.at(&servers[buyer % 2]);
            let held: Vec<Answer> =
                (0..HOLDS).map(|_| client.hold(&[(book, 1)], 2).expect(201)).collect();
            let end = |order: &Answer| -> DateTime<Utc> {
                order["expires_at"].as_str().unwrap().parse().unwrap()
            };
            // They end one after the other, in the order in which they were made: whoever confirms
            // the middle one at its end is early for some and late for others.
            let middle = end(&held[HOLDS / 2]);
            let mut clock = shop.database.connect();
            eventually(Duration::from_secs(60), "they are about to end", || {
                (clock_of(&mut clock, shop.backend()) >= middle).then_some(())
            });
            let late = held.iter().rev().map(|order| (order.id(), client.confirm(order).send()));
            late.collect::<Vec<_>>()
        });
        for (id, answer) in told.into_iter().flatten() {
            let order = shop.admin.get(&format!("/v1/orders/{id}")).expect(200);
            match answer.status {
                200 => {
                    assert_eq!([&answer["status"], &order["status"]], ["placed"; 2]);
                    counts[0] += 1;
                }
                _ => {
                    let refused = answer.refused(409, "order_state");
                    assert_eq!([&refused["state"], &order["status"]], ["expired"; 2]);
                    counts[1] += 1;
                }
            }
        }
    }
    let [placed, expired] = counts;
    assert_eq!(placed + expired, (ROUNDS * BUYERS * HOLDS) as i64);
    assert!(placed > 0 && expired > 0, "{placed} were in time and {expired} too late: no race");
    assert_eq!(shop.admin.quantity(book), 1_000_000 - placed);
}

/// How often those who want different things of one order meet. The bar is 2,000: with
/// BOOKSTORE_TEST_MEETINGS=2000.
fn meetings() -> usize {
    variable("BOOKSTORE_TEST_MEETINGS").map_or(200, |count| count.parse().unwrap())
}

fn of_confirmation_and_cancellation_one_happens(shop: &Shop) {
    let servers = [shop.server(), shop.second_server()];
    let book = shop.book(10_000);
    let mut placed = 0;
    let held: Vec<_> =
        (0..meetings()).map(|_| shop.storefront.hold(&[(book, 1)], 3_600).expect(201)).collect();
    for (held, answers) in meet(4, &held, |thread, held| {
        let client = shop.storefront.at(&servers[thread / 2]);
        if thread % 2 == 0 { client.confirm(held) } else { client.cancel(held) }
    }) {
        let order = shop.storefront.get(held.header("location")).expect(200);
        let is_placed = order["status"] == "placed";
        placed += i64::from(is_placed);
        for (thread, answer) in answers.into_iter().enumerate() {
            if (thread % 2 == 0) == is_placed {
                assert_eq!(answer.expect(200)["status"], order["status"]);
            } else {
                let refused = answer.refused(409, "order_state");
                assert_eq!(refused["state"], order["status"]);
            }
        }
    }
    assert_eq!(shop.admin.quantity(book), 10_000 - placed);
}

fn everybody_who_cancels_at_once_gives_the_copies_back_once(shop: &Shop) {
    let servers = [shop.server(), shop.second_server()];
    let [a, b] = shop.books([20_000, 20_000]);
    let hold = || shop.storefront.hold(&[(a, 2), (b, 3)], 3_600).expect(201);
    let held: Vec<_> = (0..meetings()).map(|_| hold()).collect();
    for (_, answers) in meet(4, &held, |thread, held| {
        let client = if thread == 0 { &shop.admin } else { &shop.storefront };
        client.at(&servers[thread % 2]).cancel(held)
    }) {
        answers.into_iter().for_each(|answer| drop(answer.expect(200)));
    }
    assert_eq!((shop.admin.quantity(a), shop.admin.quantity(b)), (20_000, 20_000));
    // The sweepers join in.
    for _ in 0..10 {
        let held = hold();
        run_out(shop, &[&held]);
        let answers =
            at_once(4, |thread| shop.storefront.at(&servers[thread % 2]).cancel(&held).send());
        answers.into_iter().for_each(|answer| drop(answer.refused(409, "order_state")));
        assert_eq!((shop.admin.quantity(a), shop.admin.quantity(b)), (20_000, 20_000));
    }
}

fn of_two_returns_of_the_same_copy_one_wins(shop: &Shop) {
    let servers = [shop.server(), shop.second_server()];
    let book = shop.book(10_000);
    let sold: Vec<_> = (0..meetings()).map(|_| shop.storefront.buy(book, 1).expect(201)).collect();
    for (_, answers) in meet(2, &sold, |thread, order| {
        shop.admin.at(&servers[thread]).take_back(order, &[(book, 1)])
    }) {
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
    }
    assert_eq!(shop.admin.quantity(book), 10_000);
}

/// Sends `call` for each of `orders` from several threads at the same moment, one order after the
/// other, and gives the answers by order.
fn meet(
    threads: usize,
    orders: &[Answer],
    call: impl Fn(usize, &Answer) -> Call + Sync,
) -> Vec<(&Answer, Vec<Answer>)> {
    let together = Barrier::new(threads);
    let answers = at_once(threads, |thread| {
        let meeting = |order| {
            let call = call(thread, order);
            together.wait();
            call.send()
        };
        orders.iter().map(meeting).collect::<Vec<_>>()
    });
    let mut answers: Vec<_> = answers.into_iter().map(Vec::into_iter).collect();
    let of_one = |order| (order, answers.iter_mut().filter_map(Iterator::next).collect());
    orders.iter().map(of_one).collect()
}

/// One of two servers is killed in the middle of it.
fn ten_thousand_holds_run_out_once_while_the_shop_sells(shop: &Shop) {
    const THREADS: usize = 20;
    const HOLDS: usize = 10_000;
    let doomed = shop.second_server();
    let [book, other] = shop.books([1_000_000, 1_000_000]);
    at_once(THREADS, |thread| {
        for turn in 0..HOLDS / THREADS {
            let lines = [(book, 1), (other, 1)];
            let lines = if turn % 5 == 0 { &lines[..] } else { &lines[..1] };
            let client =
                if thread % 2 == 0 { shop.storefront.at(&doomed) } else { shop.storefront.clone() };
            client.hold(lines, 3_600).expect(201);
        }
    });
    let held = |shop: &Shop| {
        shop.database.connect().number("SELECT count(*) FROM orders WHERE status = 'held'")
    };
    assert_eq!(held(shop), HOLDS as i64);
    run_all_out(shop);
    let sold: i64 = at_once(5, |thread| {
        if thread > 0 {
            let mut sold = 0;
            while held(shop) > 0 {
                sold += i64::from(shop.storefront.buy(book, 1).send().status == 201);
            }
            return sold;
        }
        eventually(Duration::from_secs(60), "the sweep has begun", || {
            (held(shop) < HOLDS as i64).then_some(())
        });
        doomed.crash();
        assert!(held(shop) > 0, "it was over before the server was killed");
        eventually(Duration::from_secs(120), "all of them are back", || {
            (held(shop) == 0).then_some(())
        });
        0
    })
    .iter()
    .sum();
    assert_eq!(shop.admin.quantity(book), 1_000_000 - sold);
    assert_eq!(shop.admin.quantity(other), 1_000_000);
    let releases = "SELECT count(*) FROM stock_movements WHERE reason = 'release'";
    let expected = HOLDS + HOLDS / 5;
    assert_eq!(shop.database.connect().number(releases), expected as i64);
}
