//! The siding: somebody keeps a row locked, a person at a console or an instance that hangs. Whoever needs it
//! waits, and nobody else does.

use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;

use crate::kit::{
    Answer, Backend, Call, Connection, Metrics, Scenario, Shop, all_wait, block, eventually, hold,
    hold_order, let_go, run_out,
};
use crate::operate::DOCUMENT;
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::SERVERS:
        a_locked_title_stops_no_other,
        two_locked_titles_do_not_wait_for_each_other,
        a_locked_title_stops_no_end_of_another_hold,
        a_locked_order_stops_no_end_of_another_hold,
        who_stands_aside_is_told_in_time_and_nothing_is_sold,
        who_stands_aside_keeps_nobody_else_out,
        who_stands_aside_is_answered_before_the_service_stops,
        a_locked_title_keeps_no_other_of_a_hold_that_ran_out,
        a_locked_title_keeps_no_other_of_a_delivery,
        a_locked_title_stops_no_other_edit,
        the_manual_finds_who_keeps_a_row_locked;
];

fn sent(calls: impl IntoIterator<Item = Call>) -> Vec<JoinHandle<Answer>> {
    calls.into_iter().map(|call| std::thread::spawn(move || call.send())).collect()
}

fn answers(waiting: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn nobody_is_answered(waiting: &[JoinHandle<Answer>]) {
    assert!(!waiting.iter().any(JoinHandle::is_finished), "answered without the lock");
}

fn a_locked_title_stops_no_other(shop: &Shop) {
    let [before, locked, after] = shop.books([100, 10, 100]);
    let holder = hold(shop, locked);
    let buyer = &shop.storefront;
    let waiting = sent([
        buyer.buy(locked, 1),
        // Whoever waits for the second must not have the first meanwhile.
        buyer.order(&[(before, 1), (locked, 1)]),
        buyer.order(&[(locked, 1), (after, 1)]),
        buyer.hold(&[(locked, 1)], 600),
    ]);
    all_wait(&waiting);
    for _ in 0..20 {
        for other in [before, after] {
            buyer.buy(other, 1).expect(201);
            buyer.hold(&[(other, 1)], 600).expect(201);
        }
    }
    // What lies between them is not touched.
    for _ in 0..5 {
        buyer.order(&[(before, 1), (after, 1)]).expect(201);
    }
    let later = sent((0..3).map(|_| buyer.buy(locked, 1)));
    buyer.buy(before, 1).expect(201);
    nobody_is_answered(&waiting);
    nobody_is_answered(&later);
    let_go(holder);
    for answer in answers(waiting).into_iter().chain(answers(later)) {
        assert_eq!(answer.status, 201, "\n{answer}");
    }
    assert_eq!([before, locked, after].map(|book| shop.admin.quantity(book)), [53, 3, 54]);
    shop.server().logs("somebody keeps it locked", 1);
    // It is like any other again.
    buyer.buy(locked, 1).expect(201);
}

fn two_locked_titles_do_not_wait_for_each_other(shop: &Shop) {
    let [first, second, other] = shop.books([10, 10, 10]);
    let holders = [first, second].map(|book| hold(shop, book));
    let server = shop.server_on(&shop.database.url, &["--request-timeout", "30"]);
    let buyer = &shop.storefront.at(&server);
    let for_first = sent((0..2).map(|_| buyer.buy(first, 1)));
    let for_both = sent([buyer.order(&[(first, 1), (second, 1)])]);
    let for_second = sent((0..2).map(|_| buyer.buy(second, 1)));
    all_wait(&for_second);
    buyer.buy(other, 1).expect(201);
    let [holder_of_first, holder_of_second] = holders;
    let_go(holder_of_second);
    for answer in answers(for_second) {
        assert_eq!(answer.status, 201, "\n{answer}");
    }
    nobody_is_answered(&for_first);
    nobody_is_answered(&for_both);
    buyer.buy(other, 1).expect(201);
    let_go(holder_of_first);
    for answer in answers(for_first).into_iter().chain(answers(for_both)) {
        assert_eq!(answer.status, 201, "\n{answer}");
    }
    assert_eq!([first, second, other].map(|book| shop.admin.quantity(book)), [7, 7, 8]);
}

fn a_locked_title_stops_no_end_of_another_hold(shop: &Shop) {
    let [locked, other] = shop.books([10, 10]);
    let buyer = &shop.storefront;
    let stuck: Vec<_> = (0..4).map(|_| buyer.hold(&[(locked, 2)], 600).expect(201)).collect();
    let free = buyer.hold(&[(other, 3)], 600).expect(201);
    let holder = hold(shop, locked);
    let waiting = sent(stuck.iter().map(|order| buyer.cancel(order)));
    all_wait(&waiting);
    buyer.cancel(&free).expect(200);
    assert_eq!(shop.admin.quantity(other), 10);
    nobody_is_answered(&waiting);
    let_go(holder);
    for answer in answers(waiting) {
        assert_eq!(answer["status"], "cancelled");
    }
    assert_eq!(shop.admin.quantity(locked), 10);
}

fn a_locked_order_stops_no_end_of_another_hold(shop: &Shop) {
    let book = shop.book(10);
    let buyer = &shop.storefront;
    let [stuck, free, paid] =
        [1, 2, 4].map(|copies| buyer.hold(&[(book, copies)], 600).expect(201));
    let holder = hold_order(shop, &stuck);
    let waiting = sent([buyer.confirm(&stuck)]);
    all_wait(&waiting);
    buyer.confirm(&paid).expect(200);
    let cancelling = sent([buyer.cancel(&stuck)]);
    all_wait(&cancelling);
    buyer.cancel(&free).expect(200);
    nobody_is_answered(&waiting);
    nobody_is_answered(&cancelling);
    let_go(holder);
    // One of both came first.
    let [confirmed, cancelled] =
        [&answers(waiting)[0], &answers(cancelling)[0]].map(|it| it.status);
    assert!(matches!([confirmed, cancelled], [200, 409] | [409, 200]), "{confirmed} {cancelled}");
    let sold = 4 + i64::from(confirmed == 200);
    assert_eq!(shop.admin.quantity(book), 10 - sold);
}

fn who_stands_aside_is_told_in_time_and_nothing_is_sold(shop: &Shop) {
    let server = shop.server_on(&shop.database.url, &["--request-timeout", "3"]);
    let client = shop.storefront.at(&server);
    let [locked, other] = shop.books([10, 10]);
    let holder = hold(shop, locked);
    let order = |number: usize| client.buy(locked, 1).key(&format!("aside {number}"));
    let waiting = sent((0..4).map(order));
    all_wait(&waiting);
    client.buy(other, 1).expect(201);
    for answer in answers(waiting) {
        answer.refused(503, "overloaded");
    }
    let_go(holder);
    client.buy(locked, 1).expect(201);
    assert_eq!(shop.admin.quantity(locked), 9, "an order that was refused was sold");
    for number in 0..4 {
        assert!(!order(number).expect(201).is_replay());
    }
}

fn who_stands_aside_keeps_nobody_else_out(shop: &Shop) {
    const LIMIT: usize = 4;
    let limits = ["--queue-limit", "4", "--metrics-listen", "127.0.0.1:0"];
    let server = shop.server_on(&shop.database.url, &limits);
    let client = shop.storefront.at(&server);
    let [locked, other] = shop.books([100, 100]);
    let holder = hold(shop, locked);
    let mut waiting = sent([client.buy(locked, 1)]);
    let number = |name: &str| Metrics::of(&server).number(name, &[("desk", "sales")]);
    eventually(Duration::from_secs(30), "the siding is full", || {
        // Each as soon as there is room in the line.
        waiting.extend(sent([client.buy(locked, 1)]));
        (number("bookstore_till_aside") == LIMIT as f64).then_some(())
    });
    let refused = || waiting.iter().filter(|thread| thread.is_finished()).count();
    let are_refused = || (waiting.len() - refused() == LIMIT).then_some(());
    eventually(Duration::from_secs(30), "the others are refused", are_refused);
    let oldest = number("bookstore_till_oldest_seconds");
    assert!(oldest > 0.0, "{oldest}");
    client.buy(locked, 1).refused(503, "overloaded");
    for _ in 0..10 {
        client.buy(other, 1).expect(201);
    }
    let_go(holder);
    let answers = answers(waiting);
    let sold = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(sold, LIMIT);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.refused(503, "overloaded");
    }
    assert_eq!(shop.admin.quantity(locked), 100 - LIMIT as i64);
    eventually(Duration::from_secs(30), "nobody stands aside", || {
        let numbers = ["bookstore_till_aside", "bookstore_till_oldest_seconds"].map(number);
        (numbers == [0.0, 0.0]).then_some(())
    });
}

fn who_stands_aside_is_answered_before_the_service_stops(shop: &Shop) {
    let server = shop.second_server();
    let client = shop.storefront.at(&server);
    let [locked, other] = shop.books([10, 10]);
    let holder = hold(shop, locked);
    let waiting = sent((0..3).map(|_| client.buy(locked, 1)));
    all_wait(&waiting);
    client.buy(other, 1).expect(201);
    let stopping = std::thread::spawn({
        let server = server.clone();
        move || server.stop()
    });
    all_wait(&waiting);
    let_go(holder);
    for answer in answers(waiting) {
        assert_eq!(answer.status, 201, "\n{answer}");
    }
    assert_eq!(stopping.join().unwrap(), 0);
    assert_eq!(shop.admin.quantity(locked), 7);
}

/// Whether nobody has this book, asked by somebody who does not wait.
fn is_free(watcher: &mut Connection, book: i64) -> bool {
    watcher.run("BEGIN");
    let query = format!("SELECT id FROM books WHERE id = {book} FOR UPDATE SKIP LOCKED");
    let is_free = watcher.number(&query) == book;
    watcher.run("ROLLBACK");
    is_free
}

/// How often of sixty times, over three seconds, somebody has this book.
fn in_use(shop: &Shop, book: i64) -> usize {
    let mut watcher = shop.database.connect();
    let looks = (0..60).filter(|_| {
        std::thread::park_timeout(Duration::from_millis(50));
        !is_free(&mut watcher, book)
    });
    looks.count()
}

fn a_locked_title_keeps_no_other_of_a_hold_that_ran_out(shop: &Shop) {
    let [before, locked, after] = shop.books([10, 10, 10]);
    let buyer = &shop.storefront;
    let both = buyer.hold(&[(before, 1), (locked, 1), (after, 1)], 600).expect(201);
    let one = buyer.hold(&[(before, 2)], 600).expect(201);
    let holder = hold(shop, locked);
    run_out(shop, &[&both, &one]);
    eventually(Duration::from_secs(30), "the other hold is back", || {
        (shop.admin.quantity(before) == 9).then_some(())
    });
    // The sweeper tries the other one again and again meanwhile.
    let [before_is, after_is] = [before, after].map(|book| in_use(shop, book));
    assert!(before_is < 12 && after_is < 12, "{before_is} and {after_is} of sixty times");
    buyer.order(&[(before, 1), (after, 1)]).expect(201);
    let_go(holder);
    eventually(Duration::from_secs(30), "all of it is back", || {
        let left = [before, locked, after].map(|book| shop.admin.quantity(book));
        (left == [9, 10, 9]).then_some(())
    });
}

fn a_locked_title_keeps_no_other_of_a_delivery(shop: &Shop) {
    let [before, locked, after] = shop.books([10, 10, 10]);
    let server = shop.server_on(&shop.database.url, &["--request-timeout", "20"]);
    let admin = shop.admin.at(&server);
    let sold = shop.storefront.order(&[(before, 2), (locked, 2)]).expect(201);
    let holder = hold(shop, locked);
    let delivery = [(before, 5), (locked, 5), (after, 5)];
    let waiting = sent([
        admin.restock_many(&delivery),
        admin.take_back(&sold, &[(before, 1), (locked, 1)]),
        admin.stocktake(locked, 3),
        admin.restock(locked, 5),
    ]);
    all_wait(&waiting);
    // Each has them in hand for a second, once.
    let free_for_long = || (in_use(shop, before) < 12).then_some(());
    eventually(Duration::from_secs(15), "the others are free", free_for_long);
    shop.storefront.order(&[(before, 1), (after, 1)]).expect(201);
    nobody_is_answered(&waiting);
    let_go(holder);
    for answer in answers(waiting) {
        assert!(matches!(answer.status, 200 | 201), "\n{answer}");
    }
    assert_eq!([before, after].map(|book| shop.admin.quantity(book)), [13, 14]);
}

fn a_locked_title_stops_no_other_edit(shop: &Shop) {
    let [locked, gone, other] = shop.books([10, 10, 10]);
    let server = shop.wide_server();
    let admin = shop.admin.at(&server);
    let holders = [locked, gone].map(|book| hold(shop, book));
    let edit = |book: i64, title: &str| {
        let edit = admin.patch(&format!("/v1/books/{book}"), json!({ "title": title }));
        edit.header("If-Match", "*")
    };
    let archive = admin.delete(&format!("/v1/books/{gone}"));
    let waiting = sent([edit(locked, "Later"), archive]);
    all_wait(&waiting);
    // Each at once: others had their turns for a second each, these would not be over before that.
    for _ in 0..12 {
        edit(other, "Now").expect(200);
    }
    nobody_is_answered(&waiting);
    holders.into_iter().for_each(let_go);
    let statuses: Vec<_> = answers(waiting).iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 204]);
}

fn the_manual_finds_who_keeps_a_row_locked(shop: &Shop) {
    let (file, this_session, text) = match shop.backend() {
        Backend::Postgres => ("postgres-who-has-it.sql", "pg_backend_pid()", "TEXT"),
        _ => ("mariadb-who-has-it.sql", "connection_id()", "CHAR"),
    };
    let query = block(DOCUMENT, file).code;
    let query = format!("SELECT CAST(session AS {text}) AS word FROM (\n{query}) AS sessions");
    let book = shop.book(10);
    let mut holder = hold(shop, book);
    let session = holder.number(&format!("SELECT {this_session}")).to_string();
    let waiting = sent([shop.storefront.buy(book, 1)]);
    let mut watcher = shop.database.connect();
    eventually(Duration::from_secs(9), "the culprit is found", || {
        // MariaDB shows an old picture to who looks often.
        std::thread::sleep(Duration::from_millis(200));
        watcher.texts(&query).contains(&session).then_some(())
    });
    let_go(holder);
    assert_eq!(answers(waiting)[0].status, 201);
}
