//! The till: orders that wait together share a transaction, and nobody is worse off for it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kit::{
    Answer, Backend, Call, Client, Commit, Proxy, Scenario, Shop, at_once, eventually, hold,
    let_go, meet_in_the_till, wait_for_strikes,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        orders_that_wait_together_share_a_transaction,
        a_batch_sells_the_last_copies_to_some_and_tells_the_others,
        twins_in_one_batch_are_one_order,
        a_bad_order_does_not_hurt_its_neighbours,
        an_order_past_its_deadline_is_dropped_and_never_sold,
        more_orders_than_may_wait_are_refused_at_once,
        restocks_and_stocktakes_get_their_turn_in_a_flash_sale,
        stopping_under_load_answers_everyone;
    DamagedShop on Backend::ALL:
        a_damaged_book_does_not_hurt_its_neighbours;
    Shop on Backend::SERVERS:
        a_batch_whose_commit_was_carried_out_is_found_again,
        a_batch_whose_commit_never_arrived_is_sold_again;
];

fn purchases(client: &Client, book: i64, count: usize) -> Vec<Call> {
    (0..count).map(|_| client.buy(book, 1)).collect()
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

fn orders_that_wait_together_share_a_transaction(shop: &Shop) {
    let book = shop.book(100);
    let answers = meet_in_the_till(shop, book, purchases(&shop.storefront, book, 30), |_| {});
    assert_eq!(statuses(&answers), [201; 30]);
    // All that is written by one transaction bears one time.
    let times: BTreeSet<_> =
        answers.iter().map(|answer| answer["created_at"].as_str().unwrap()).collect();
    assert!(times.len() <= 3, "30 orders took {} transactions", times.len());
    assert_eq!(shop.admin.quantity(book), 70);
}

fn a_batch_sells_the_last_copies_to_some_and_tells_the_others(shop: &Shop) {
    let [short, plenty] = shop.books([7, 100]);
    let mut calls = purchases(&shop.storefront, short, 12);
    // All lines or none: those who come too late for one book take nothing of the other.
    calls.extend((0..12).map(|_| shop.storefront.order(&[(plenty, 2), (short, 1)])));
    calls.push(shop.storefront.order(&[(short, 1), (999_999, 1)]));
    let answers = meet_in_the_till(shop, short, calls, |_| {});
    let (last, others) = answers.split_last().unwrap();
    assert_eq!(last.status, 422);
    assert_eq!(statuses(others), [vec![201; 7], vec![409; 17]].concat());
    for refused in others.iter().filter(|answer| answer.status == 409) {
        assert_eq!(refused["lines"].as_array().unwrap().len(), 1, "\n{refused}");
    }
    let baskets = others[12..].iter().filter(|answer| answer.status == 201).count() as i64;
    assert_eq!((shop.admin.quantity(short), shop.admin.quantity(plenty)), (0, 100 - 2 * baskets));
}

fn twins_in_one_batch_are_one_order(shop: &Shop) {
    let [book, other] = shop.books([100, 100]);
    let stranger = shop.another_storefront();
    let same = (0..10).map(|_| shop.storefront.buy(book, 3).key("one"));
    let different = (0..5).map(|_| shop.storefront.order(&[(other, 1), (book, 1)]).key("one"));
    let elsewhere = (0..5).map(|_| stranger.buy(book, 1).key("one"));
    let calls = same.chain(different).chain(elsewhere).collect();
    let answers = meet_in_the_till(shop, book, calls, |_| {});
    let (ours, theirs) = answers.split_at(15);
    for (answers, quantity) in [(ours, 15), (theirs, 5)] {
        assert_eq!(answers.len(), quantity);
        let first = answers.iter().find(|answer| answer.status == 201 && !answer.is_replay());
        let first = first.expect("one of them is the order");
        let placed = answers.iter().filter(|answer| answer.status == 201);
        assert_eq!(placed.clone().filter(|answer| !answer.is_replay()).count(), 1);
        placed.for_each(|answer| assert_eq!(answer["id"], first["id"]));
        let refused = answers.iter().filter(|answer| answer.status != 201);
        for answer in refused {
            assert_eq!(answer["type"], "/problems/idempotency_key_reused", "\n{answer}");
        }
    }
    assert_eq!(shop.admin.all("/v1/orders", &[]).len(), 2);
}

/// What is wrong with the bad order is that its client vanishes while it waits: the database
/// refuses it, and with it the whole transaction.
fn a_bad_order_does_not_hurt_its_neighbours(shop: &Shop) {
    let book = shop.book(100);
    let doomed = shop.another_storefront();
    let mut calls = purchases(&shop.storefront, book, 10);
    calls.insert(5, doomed.buy(book, 50).key("bad"));
    let mut answers = meet_in_the_till(shop, book, calls, |holder| {
        holder.run("DELETE FROM clients WHERE name = 'another shop'");
    });
    answers.remove(5).refused(500, "internal_error");
    assert_eq!(statuses(&answers), [201; 10]);
    assert_eq!(shop.admin.quantity(book), 90);
    // They shared a transaction.
    shop.server().logs("a batch failed", 1);
    shop.storefront.buy(book, 1).expect(201);
}

/// As after a partial restore: the number that comes next is in the ledger already.
fn a_damaged_book_does_not_hurt_its_neighbours(shop: &Shop) {
    let [book, damaged] = shop.books([100, 100]);
    let damage = format!("UPDATE books SET last_seq = last_seq - 1 WHERE id = {damaged}");
    shop.database.connect().run(&damage);
    let mut calls = purchases(&shop.storefront, book, 10);
    calls.insert(5, shop.storefront.order(&[(book, 1), (damaged, 1)]));
    let mut answers = meet_in_the_till(shop, book, calls, |_| {});
    answers.remove(5).refused(500, "internal_error");
    assert_eq!(statuses(&answers), [201; 10]);
    assert_eq!((shop.admin.quantity(book), shop.admin.quantity(damaged)), (90, 100));
}

fn an_order_past_its_deadline_is_dropped_and_never_sold(shop: &Shop) {
    let server = shop.server_on(&shop.database.url, &["--request-timeout", "1"]);
    let client = shop.storefront.at(&server);
    let book = shop.book(100);
    client.get("/v1/orders").expect(200);
    let holder = hold(shop, book);
    // The first may be in a transaction when its time is up; those behind it are not.
    let late = at_once(8, |number| client.buy(book, 1).key(&format!("late {number}")).send());
    let_go(holder);
    for answer in &late {
        assert_eq!(answer.status, 503, "\n{answer}");
        assert!(!answer.header("retry-after").is_empty());
    }
    // One more, so that whatever the worker still had in its hands is done.
    client.buy(book, 1).expect(201);
    assert_eq!(shop.admin.quantity(book), 99, "an order that was refused was sold");
    for number in 0..8 {
        let again = client.buy(book, 1).key(&format!("late {number}")).expect(201);
        assert!(!again.is_replay(), "\n{again}");
    }
}

fn more_orders_than_may_wait_are_refused_at_once(shop: &Shop) {
    let limits = ["--queue-limit", "4", "--batch-limit", "2"];
    let server = shop.server_on(&shop.database.url, &limits);
    let client = shop.storefront.at(&server);
    let book = shop.book(1_000);
    let holder = hold(shop, book);
    let waiting: Vec<_> = purchases(&client, book, 30)
        .into_iter()
        .map(|call| std::thread::spawn(move || call.send()))
        .collect();
    // The lock is still held: who has an answer was refused without waiting. At most 2 are in a
    // transaction and 4 in the queue.
    let refused = || waiting.iter().filter(|thread| thread.is_finished()).count();
    eventually(Duration::from_secs(30), "24 are refused", || (refused() >= 24).then_some(()));
    let_go(holder);
    let answers: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
    let sold = answers.iter().filter(|answer| answer.status == 201).count();
    assert!((4..=6).contains(&sold), "{sold} waited");
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        let refused = answer.refused(503, "overloaded");
        assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    assert_eq!(shop.admin.quantity(book), 1_000 - sold as i64);
    // The log tells of them together, once a second at most, when the next one is served.
    eventually(Duration::from_secs(30), "the log tells how many were refused", || {
        client.buy(book, 1).expect(201);
        (refusals_in(&server.log()).iter().sum::<usize>() == 30 - sold).then_some(())
    });
    let told = Instant::now();
    eventually(Duration::from_secs(30), "time for another line goes by", || {
        client.buy(book, 1).expect(201);
        (told.elapsed() > Duration::from_secs(2)).then_some(())
    });
    assert!(!refusals_in(&server.log()).contains(&0), "told of nobody");
}

/// How many were refused for want of room, as each line about it says.
fn refusals_in(log: &str) -> Vec<usize> {
    let lines = log.lines().filter(|line| line.contains("the queue is full"));
    let said = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    said.map(|line| line["refused"].as_u64().unwrap() as usize).collect()
}

fn restocks_and_stocktakes_get_their_turn_in_a_flash_sale(shop: &Shop) {
    const ROUNDS: i64 = 10;
    let book = shop.book(1_000);
    let is_over = AtomicBool::new(false);
    let sold: i64 = at_once(9, |thread| {
        let mut sold = 0;
        if thread == 0 {
            for round in 0..ROUNDS {
                shop.admin.restock(book, 10).expect(201);
                shop.admin.restock_many(&[(book, 5)]).expect(201);
                let counted = shop.admin.stocktake(book, 1_000 + round).send();
                assert!(matches!(counted.status, 200 | 201), "\n{counted}");
            }
            is_over.store(true, Ordering::SeqCst);
        }
        while !is_over.load(Ordering::SeqCst) {
            shop.storefront.buy(book, 1).expect(201);
            sold += 1;
        }
        sold
    })
    .iter()
    .sum();
    let movements = shop.admin.movements(book);
    let sum_of = |reason: &str| -> i64 {
        let of_reason = movements.iter().filter(|movement| movement["reason"] == json!(reason));
        of_reason.map(|movement| movement["delta"].as_i64().unwrap()).sum()
    };
    assert_eq!(sum_of("sale"), -sold);
    assert_eq!(sum_of("restock"), 15 * ROUNDS);
    let expected = 1_000 - sold + 15 * ROUNDS + sum_of("stocktake");
    assert_eq!(shop.admin.quantity(book), expected);
}

/// Clients that keep their connections open are told that theirs closes, after an answer.
fn stopping_under_load_answers_everyone(shop: &Shop) {
    let book = shop.book(1_000_000);
    let server = shop.second_server();
    let sold: i64 = at_once(13, |thread| {
        let mut sold = 0;
        if thread == 0 {
            eventually(Duration::from_secs(60), "the first sales", || {
                (shop.admin.quantity(book) < 999_900).then_some(())
            });
            assert_eq!(server.stop(), 0);
            return 0;
        }
        let client = Client::new(&server, shop.storefront.token.as_ref().unwrap());
        loop {
            let answer = match client.buy(book, 1).try_send() {
                Ok(answer) => answer,
                // Only who comes anew, after the door was closed, gets none.
                Err(error) => {
                    assert!(error.is_connect(), "{error:?}");
                    return sold;
                }
            };
            match answer.status {
                201 => sold += 1,
                503 => {}
                _ => panic!("\n{answer}"),
            }
            if answer.header("connection") == "close" {
                return sold;
            }
        }
    })
    .iter()
    .sum();
    assert_eq!(shop.admin.quantity(book), 1_000_000 - sold);
}

fn a_batch_whose_commit_was_carried_out_is_found_again(shop: &Shop) {
    lose_the_commits_of_batches(shop, Commit::Delivered);
}

fn a_batch_whose_commit_never_arrived_is_sold_again(shop: &Shop) {
    lose_the_commits_of_batches(shop, Commit::Lost);
}

/// The first order waits for the lock in a transaction, the others for the first. Both transactions
/// lose their COMMIT. Half of the orders have keys.
fn lose_the_commits_of_batches(shop: &Shop, fate: Commit) {
    let proxy = Proxy::before(&shop.database);
    let server = shop.server_on(&shop.database.url_through(proxy.port), &[]);
    let client = shop.storefront.at(&server);
    let book = shop.book(10);
    let order = |number: usize| match number % 2 {
        0 => client.buy(book, 1),
        _ => client.buy(book, 1).key(&format!("{number}")),
    };
    let answers = meet_in_the_till(shop, book, (0..16).map(order).collect(), |_| {
        proxy.strike(fate, 2);
    });
    wait_for_strikes(&proxy);
    assert_eq!(statuses(&answers), [vec![201; 10], vec![409; 6]].concat());
    assert!(!answers.iter().any(Answer::is_replay), "nobody asked twice");
    let orders: BTreeSet<_> =
        answers.iter().filter(|answer| answer.status == 201).map(Answer::id).collect();
    assert_eq!(orders.len(), 10);
    assert_eq!(shop.admin.quantity(book), 0);
    assert_eq!(shop.admin.all("/v1/orders", &[]).len(), 10);
}
