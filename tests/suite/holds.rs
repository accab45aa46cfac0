//! Holds: copies off the shelf while a buyer pays, and then exactly one of confirmed, cancelled and
//! expired.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{
    Answer, Backend, Client, Commit, Proxy, Scenario, Shop, clock_of, eventually, hold_order,
    let_go, run_out, wait_for_strikes,
};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_hold_takes_the_copies_and_says_until_when,
        a_confirmed_hold_is_a_sale,
        a_cancelled_hold_gives_everything_back,
        a_hold_that_runs_out_gives_everything_back,
        only_an_admin_cancels_what_is_placed,
        what_is_settled_cannot_be_settled_otherwise,
        what_runs_out_before_its_turn_is_neither_confirmed_nor_cancelled,
        a_hold_is_its_clients_and_the_admins,
        a_retry_of_a_hold_is_the_order_as_it_is_now,
        the_length_of_a_hold_is_a_second_to_a_day,
        a_hold_and_a_sale_are_two_requests,
        confirm_and_cancel_take_no_body,
        an_archived_book_gets_its_copies_back,
        the_holds_of_a_book_say_why_it_is_sold_out,
        a_full_shelf_keeps_a_hold_and_lets_others_go,
        a_damaged_book_keeps_no_other_hold,
        an_admin_who_cancels_what_is_just_confirmed_does_not_change_that_answer,
        a_key_may_come_along_with_a_confirmation,
        orders_are_listed_by_status_and_time;
    Shop on Backend::SERVERS:
        a_locked_book_keeps_no_confirmation_and_no_other_hold,
        a_wish_whose_commit_was_carried_out_is_found_again,
        a_wish_whose_commit_never_arrived_is_done_again;
];

fn state_of(answer: &Answer) -> (&str, bool) {
    (answer["status"].as_str().unwrap(), answer["expires_at"].is_null())
}

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// Reason and delta of each movement, oldest first.
fn ledger(shop: &Shop, book: i64) -> Vec<(String, i64)> {
    let movements = shop.admin.movements(book);
    let short = |movement: &Value| {
        (movement["reason"].as_str().unwrap().to_owned(), movement["delta"].as_i64().unwrap())
    };
    movements.iter().rev().map(short).collect()
}

fn moved(lines: &[(&str, i64)]) -> Vec<(String, i64)> {
    lines.iter().map(|(reason, delta)| ((*reason).to_owned(), *delta)).collect()
}

#[track_caller]
fn refuses_in_state(answer: Answer, state: &str) {
    let refused = answer.refused(409, "order_state");
    assert_eq!(refused["state"], state, "\n{refused}");
}

fn a_hold_takes_the_copies_and_says_until_when(shop: &Shop) {
    let [a, b] = shop.books([10, 10]);
    let held = shop.storefront.hold(&[(a, 3), (b, 1)], 600).expect(201);
    assert_eq!(state_of(&held), ("held", false));
    let kept = moment(&held["expires_at"]) - moment(&held["created_at"]);
    assert_eq!(kept, TimeDelta::seconds(600), "\n{held}");
    assert_eq!((shop.admin.quantity(a), shop.admin.quantity(b)), (7, 9));
    assert_eq!(ledger(shop, a), moved(&[("initial", 10), ("sale", -3)]));
    let read = shop.storefront.get(held.header("location")).expect(200);
    assert_eq!(read.body, held.body);
    shop.storefront.buy(a, 8).refused(409, "out_of_stock");
}

fn a_confirmed_hold_is_a_sale(shop: &Shop) {
    let book = shop.book(5);
    let held = shop.storefront.hold(&[(book, 2)], 600).expect(201);
    let confirmed = shop.storefront.confirm(&held).expect(200);
    assert_eq!(state_of(&confirmed), ("placed", true));
    for member in ["id", "lines", "total", "created_at"] {
        assert_eq!(confirmed[member], held[member], "\n{confirmed}");
    }
    let before = shop.database.fingerprint();
    let again = shop.storefront.confirm(&held).expect(200);
    assert_eq!(again.body, confirmed.body);
    assert_eq!(shop.database.fingerprint(), before, "confirmed twice is confirmed once");
    // One that was never held is confirmed as it is.
    let bought = shop.storefront.buy(book, 1).expect(201);
    assert_eq!(shop.storefront.confirm(&bought).expect(200).body, bought.body);
    assert_eq!(shop.admin.quantity(book), 2);
    assert_eq!(ledger(shop, book), moved(&[("initial", 5), ("sale", -2), ("sale", -1)]));
}

fn a_cancelled_hold_gives_everything_back(shop: &Shop) {
    let [a, b] = shop.books([5, 5]);
    let held = shop.storefront.hold(&[(b, 5), (a, 2)], 600).expect(201);
    let cancelled = shop.storefront.cancel(&held).expect(200);
    assert_eq!(state_of(&cancelled), ("cancelled", true));
    assert_eq!(cancelled["lines"], held["lines"]);
    let before = shop.database.fingerprint();
    assert_eq!(shop.storefront.cancel(&held).expect(200).body, cancelled.body);
    assert_eq!(shop.database.fingerprint(), before, "cancelled twice is cancelled once");
    assert_eq!(ledger(shop, a), moved(&[("initial", 5), ("sale", -2), ("release", 2)]));
    assert_eq!(ledger(shop, b), moved(&[("initial", 5), ("sale", -5), ("release", 5)]));
    let release = &shop.admin.movements(a)[0];
    assert_eq!((&release["order_id"], &release["entry_id"]), (&held["id"], &Value::Null));
    shop.storefront.buy(b, 5).expect(201);
}

fn a_hold_that_runs_out_gives_everything_back(shop: &Shop) {
    let book = shop.book(5);
    let held = shop.storefront.hold(&[(book, 5)], 1).expect(201);
    eventually(Duration::from_secs(30), "the copies are back", || {
        (shop.admin.quantity(book) == 5).then_some(())
    });
    let expired = shop.storefront.get(held.header("location")).expect(200);
    assert_eq!(expired["status"], "expired");
    assert_eq!(expired["expires_at"], held["expires_at"]);
    assert_eq!(ledger(shop, book), moved(&[("initial", 5), ("sale", -5), ("release", 5)]));
    let released = moment(&shop.admin.movements(book)[0]["created_at"]);
    assert!(released >= moment(&held["expires_at"]), "it expired early");
}

fn only_an_admin_cancels_what_is_placed(shop: &Shop) {
    let book = shop.book(5);
    let bought = shop.storefront.buy(book, 2).expect(201);
    refuses_in_state(shop.storefront.cancel(&bought).send(), "placed");
    assert_eq!(shop.admin.quantity(book), 3);
    let cancelled = shop.admin.cancel(&bought).expect(200);
    assert_eq!(state_of(&cancelled), ("cancelled", true));
    assert_eq!(shop.admin.quantity(book), 5);
    // To the storefront it is now what it wanted.
    shop.storefront.cancel(&bought).expect(200);
    assert_eq!(shop.admin.quantity(book), 5);
}

fn what_is_settled_cannot_be_settled_otherwise(shop: &Shop) {
    let book = shop.book(9);
    let [confirmed, cancelled, expired] =
        [1, 2, 3].map(|copies| shop.storefront.hold(&[(book, copies)], 600).expect(201));
    shop.storefront.confirm(&confirmed).expect(200);
    shop.storefront.cancel(&cancelled).expect(200);
    run_out(shop, &[&expired]);
    eventually(Duration::from_secs(30), "it is expired", || {
        let order = shop.storefront.get(expired.header("location")).expect(200);
        (order["status"] == "expired").then_some(())
    });
    let before = shop.database.fingerprint();
    refuses_in_state(shop.storefront.cancel(&confirmed).send(), "placed");
    refuses_in_state(shop.storefront.confirm(&cancelled).send(), "cancelled");
    for client in [&shop.storefront, &shop.admin] {
        refuses_in_state(client.confirm(&expired).send(), "expired");
        refuses_in_state(client.cancel(&expired).send(), "expired");
    }
    assert_eq!(shop.database.fingerprint(), before);
    assert_eq!(shop.admin.quantity(book), 8);
}

/// Asked in time, but its turn comes too late: the clock is read under the lock. The sweeper has not
/// been there, since it leaves alone what another transaction has.
fn what_runs_out_before_its_turn_is_neither_confirmed_nor_cancelled(shop: &Shop) {
    for wish in [Client::confirm, Client::cancel] {
        let book = shop.book(5);
        let held = shop.storefront.hold(&[(book, 2)], 2).expect(201);
        let mut holder = hold_order(shop, &held);
        let call = wish(&shop.storefront, &held);
        let waiting = std::thread::spawn(move || call.send());
        let end = moment(&held["expires_at"]);
        let mut now = || clock_of(&mut holder, shop.backend());
        assert!(now() < end, "the test was too slow to ask in time");
        eventually(Duration::from_secs(30), "its time is over", || (now() >= end).then_some(()));
        assert!(!waiting.is_finished(), "answered without the lock");
        let_go(holder);
        refuses_in_state(waiting.join().unwrap(), "expired");
        assert_eq!(shop.admin.quantity(book), 5, "whoever is told so finds the copies on sale");
    }
}

fn a_hold_is_its_clients_and_the_admins(shop: &Shop) {
    let book = shop.book(9);
    let stranger = shop.another_storefront();
    let [one, other] = [(); 2].map(|()| shop.storefront.hold(&[(book, 1)], 600).expect(201));
    let before = shop.database.fingerprint();
    stranger.confirm(&one).refused(404, "unknown_order");
    stranger.cancel(&one).refused(404, "unknown_order");
    stranger.get(one.header("location")).refused(404, "unknown_order");
    let nobody = uuid::Uuid::now_v7();
    for wish in ["confirm", "cancel"] {
        for id in [nobody.to_string().as_str(), "1", "x"] {
            let path = format!("/v1/orders/{id}/{wish}");
            shop.admin.call(Method::POST, &path).refused(404, "unknown_order");
        }
    }
    assert_eq!(shop.database.fingerprint(), before);
    shop.admin.confirm(&one).expect(200);
    shop.admin.cancel(&other).expect(200);
}

fn a_retry_of_a_hold_is_the_order_as_it_is_now(shop: &Shop) {
    let book = shop.book(9);
    let place = |seconds| shop.storefront.hold(&[(book, 1)], seconds).key("mine").send();
    let held = place(600).expect(201);
    place(600).replays(&held);
    let confirmed = shop.storefront.confirm(&held).expect(200);
    let again = place(600).expect(201);
    assert!(again.is_replay());
    assert_eq!(again.body, confirmed.body);
    shop.admin.cancel(&held).expect(200);
    assert_eq!(place(600).expect(201)["status"], "cancelled");
    place(601).refused(422, "idempotency_key_reused");
    assert_eq!(shop.admin.quantity(book), 9);
}

fn the_length_of_a_hold_is_a_second_to_a_day(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        for wrong in [json!(0), json!(-1), json!(86_401), json!(1.5), json!("60")] {
            let body =
                json!({ "lines": [{ "book_id": book, "quantity": 1 }], "hold_seconds": wrong });
            let refused = shop.storefront.post("/v1/orders", body).refused(422, "invalid_request");
            assert_eq!(refused["errors"][0]["pointer"], "/hold_seconds", "\n{refused}");
        }
        let body = json!({ "lines": [{ "book_id": book, "quantity": 0 }], "hold_seconds": 0 });
        let refused = shop.storefront.post("/v1/orders", body).refused(422, "invalid_request");
        assert_eq!(refused["errors"].as_array().unwrap().len(), 2, "\n{refused}");
        let path = format!("/v1/books/{book}/purchases");
        let body = json!({ "quantity": 1, "hold_seconds": 60 });
        shop.storefront.post(&path, body).refused(422, "invalid_request");
    });
    let book = shop.book(2);
    for seconds in [1, 86_400] {
        shop.storefront.hold(&[(book, 1)], seconds).expect(201);
    }
    let body =
        json!({ "lines": [{ "book_id": shop.book(1), "quantity": 1 }], "hold_seconds": null });
    assert_eq!(shop.storefront.post("/v1/orders", body).expect(201)["status"], "placed");
}

fn a_hold_and_a_sale_are_two_requests(shop: &Shop) {
    let book = shop.book(9);
    shop.storefront.order(&[(book, 1)]).key("sale").expect(201);
    shop.storefront.hold(&[(book, 1)], 60).key("sale").refused(422, "idempotency_key_reused");
    shop.storefront.hold(&[(book, 1)], 60).key("hold").expect(201);
    shop.storefront.order(&[(book, 1)]).key("hold").refused(422, "idempotency_key_reused");
    assert_eq!(shop.admin.quantity(book), 7);
}

fn confirm_and_cancel_take_no_body(shop: &Shop) {
    let book = shop.book(9);
    let held = shop.storefront.hold(&[(book, 1)], 600).expect(201);
    let before = shop.database.fingerprint();
    for wish in ["confirm", "cancel"] {
        let path = format!("/v1/orders/{}/{wish}", held.id());
        let call = || shop.storefront.call(Method::POST, &path);
        call().raw("application/json", "{").refused(400, "invalid_request");
        call().raw("application/json", "[]").refused(422, "invalid_request");
        call().raw("application/json", "{\"paid\": true}").refused(422, "invalid_request");
        call().raw("application/json", vec![b' '; 70_000]).refused(413, "payload_too_large");
        shop.storefront.get(&path).refused(405, "method_not_allowed");
    }
    assert_eq!(shop.database.fingerprint(), before);
    let path = format!("/v1/orders/{}/confirm", held.id());
    shop.storefront.post(&path, json!({})).expect(200);
}

fn an_archived_book_gets_its_copies_back(shop: &Shop) {
    let book = shop.book(9);
    let [confirmed, cancelled] =
        [2, 3].map(|copies| shop.storefront.hold(&[(book, copies)], 600).expect(201));
    shop.admin.delete(&format!("/v1/books/{book}")).expect(204);
    shop.storefront.confirm(&confirmed).expect(200);
    shop.storefront.cancel(&cancelled).expect(200);
    let all = [("initial", 9), ("sale", -2), ("sale", -3), ("release", 3)];
    assert_eq!(ledger(shop, book), moved(&all));
}

fn the_holds_of_a_book_say_why_it_is_sold_out(shop: &Shop) {
    let [book, other] = shop.books([6, 1]);
    let path = format!("/v1/books/{book}/holds");
    let order = |copies, seconds| shop.storefront.hold(&[(book, copies)], seconds).expect(201);
    let [late, soon, middle] = [order(1, 900), order(2, 300), order(3, 600)];
    shop.storefront.hold(&[(other, 1)], 100).expect(201);
    assert_eq!(shop.admin.quantity(book), 0);
    let listed = shop.admin.all(&path, &[]);
    let expected = [&soon, &middle, &late].map(|order| {
        json!({
            "order_id": order["id"], "client_id": listed[0]["client_id"],
            "quantity": order["lines"][0]["quantity"],
            "expires_at": order["expires_at"], "created_at": order["created_at"],
        })
    });
    assert_eq!(listed, expected, "the next to end comes first");
    assert_eq!(shop.admin.all(&path, &[("limit", "1")]), expected);

    shop.storefront.confirm(&soon).expect(200);
    shop.storefront.cancel(&middle).expect(200);
    assert_eq!(shop.admin.all(&path, &[]), expected[2..]);
    shop.storefront.get(&path).refused(403, "forbidden");
    shop.admin.get("/v1/books/999999/holds").refused(404, "unknown_book");
    shop.admin.get(&path).query(&[("after", "abc")]).refused(400, "invalid_request");
    shop.admin.get(&path).query(&[("limit", "0")]).refused(400, "invalid_request");
    shop.admin.get(&path).query(&[("status", "held")]).refused(400, "invalid_request");
    shop.admin.delete(&format!("/v1/books/{book}")).expect(204);
    assert_eq!(shop.admin.all(&path, &[]), expected[2..]);
}

/// Copies that find no room on the shelf stay with their order, which an admin can see and mend; it
/// must not keep the others from expiring.
fn a_full_shelf_keeps_a_hold_and_lets_others_go(shop: &Shop) {
    let [full, book] = shop.books([2_000_000_000, 5]);
    let [stuck, free] =
        [full, book].map(|book| shop.storefront.hold(&[(book, 5)], 600).expect(201));
    shop.admin.restock(full, 5).expect(201);
    let refused = shop.storefront.cancel(&stuck).refused(422, "invalid_request");
    assert!(refused["detail"].as_str().unwrap().contains("2000000005"), "\n{refused}");
    run_out(shop, &[&stuck, &free]);
    eventually(Duration::from_secs(30), "the other one is back", || {
        (shop.admin.quantity(book) == 5).then_some(())
    });
    let listed = shop.admin.all(&format!("/v1/books/{full}/holds"), &[]);
    assert_eq!(listed.len(), 1);
    shop.admin.stocktake(full, 100).expect(201);
    eventually(Duration::from_secs(30), "there is room, and it is back", || {
        (shop.admin.quantity(full) == 105).then_some(())
    });
}

/// The ledger of a book is damaged so that nothing can be written to it: what the key is there for.
fn a_damaged_book_keeps_no_other_hold(shop: &Shop) {
    let [damaged, book] = shop.books([5, 5]);
    let [stuck, free] =
        [damaged, book].map(|book| shop.storefront.hold(&[(book, 1)], 600).expect(201));
    shop.database.connect().run(&format!("UPDATE books SET last_seq = 1 WHERE id = {damaged}"));
    run_out(shop, &[&stuck, &free]);
    eventually(Duration::from_secs(30), "the other one is back", || {
        (shop.admin.quantity(book) == 5).then_some(())
    });
    // Also what comes later, behind the one that is stuck.
    let later = shop.storefront.hold(&[(book, 2)], 1).expect(201);
    eventually(Duration::from_secs(30), "the later one is back", || {
        let order = shop.storefront.get(later.header("location")).expect(200);
        (order["status"] == "expired").then_some(())
    });
    assert_eq!(shop.admin.quantity(damaged), 4);
    shop.database.connect().run(&format!("UPDATE books SET last_seq = 2 WHERE id = {damaged}"));
    eventually(Duration::from_secs(30), "mended, and it is back", || {
        (shop.admin.quantity(damaged) == 5).then_some(())
    });
}

fn an_admin_who_cancels_what_is_just_confirmed_does_not_change_that_answer(shop: &Shop) {
    let book = shop.book(100);
    for _ in 0..10 {
        let held = shop.storefront.hold(&[(book, 1)], 600).expect(201);
        let holder = hold_order(shop, &held);
        // Both wait for the order, and go on at the same moment.
        let calls = [shop.storefront.confirm(&held), shop.admin.cancel(&held)];
        let waiting = calls.map(|call| std::thread::spawn(move || call.send()));
        let_go(holder);
        let [confirmed, cancelled] = waiting.map(|thread| thread.join().unwrap());
        match confirmed.status {
            200 => assert_eq!(confirmed["status"], "placed"),
            _ => refuses_in_state(confirmed, "cancelled"),
        }
        assert_eq!(cancelled.expect(200)["status"], "cancelled");
    }
    assert_eq!(shop.admin.quantity(book), 100);
}

fn a_key_may_come_along_with_a_confirmation(shop: &Shop) {
    let book = shop.book(9);
    let held = shop.storefront.hold(&[(book, 1)], 600).key("mine").expect(201);
    shop.storefront.confirm(&held).key("").refused(400, "invalid_request");
    shop.storefront.cancel(&held).key(&"k".repeat(256)).refused(400, "invalid_request");
    shop.storefront.confirm(&held).key("mine").expect(200);
    shop.storefront.confirm(&held).key("mine").expect(200);
}

/// Somebody has a book for as long as they like.
fn a_locked_book_keeps_no_confirmation_and_no_other_hold(shop: &Shop) {
    let [locked, book] = shop.books([9, 9]);
    let hold = |book, seconds| shop.storefront.hold(&[(book, 1)], seconds).expect(201);
    let [cancelled, expiring] = [hold(locked, 600), hold(locked, 600)];
    let [confirmed, other] = [hold(locked, 600), hold(book, 600)];
    let holder = crate::kit::hold(shop, locked);
    let waiting = {
        let call = shop.storefront.cancel(&cancelled);
        std::thread::spawn(move || call.send())
    };
    run_out(shop, &[&expiring, &other]);
    // What is paid is confirmed, of this book and of others.
    shop.storefront.confirm(&confirmed).expect(200);
    eventually(Duration::from_secs(30), "the other book's copies are back", || {
        (shop.admin.quantity(book) == 9).then_some(())
    });
    shop.storefront.confirm(&hold(book, 600)).expect(200);
    assert!(!waiting.is_finished(), "cancelled without the lock");
    let_go(holder);
    waiting.join().unwrap().expect(200);
    eventually(Duration::from_secs(30), "let go, and it is back", || {
        (shop.admin.quantity(locked) == 8).then_some(())
    });
}

fn a_wish_whose_commit_was_carried_out_is_found_again(shop: &Shop) {
    lose_the_commit_of_each_wish(shop, Commit::Delivered);
}

fn a_wish_whose_commit_never_arrived_is_done_again(shop: &Shop) {
    lose_the_commit_of_each_wish(shop, Commit::Lost);
}

fn lose_the_commit_of_each_wish(shop: &Shop, fate: Commit) {
    let proxy = Proxy::before(&shop.database);
    let server = shop.server_on(&shop.database.url_through(proxy.port), &[]);
    let client = shop.storefront.at(&server);
    let admin = shop.admin.at(&server);
    let book = shop.book(9);
    let [one, other, placed] =
        [1, 2, 3].map(|copies| client.hold(&[(book, copies)], 600).expect(201));
    proxy.strike(fate, 1);
    assert_eq!(client.confirm(&one).expect(200)["status"], "placed");
    wait_for_strikes(&proxy);
    proxy.strike(fate, 1);
    assert_eq!(client.cancel(&other).expect(200)["status"], "cancelled");
    wait_for_strikes(&proxy);
    client.confirm(&placed).expect(200);
    proxy.strike(fate, 1);
    let back = admin.take_back(&placed, &[(book, 3)]).expect(201);
    assert!(!back.is_replay());
    wait_for_strikes(&proxy);
    assert_eq!(shop.admin.quantity(book), 8);
}

fn orders_are_listed_by_status_and_time(shop: &Shop) {
    let book = shop.book(100);
    let held = shop.storefront.hold(&[(book, 1)], 600).expect(201);
    let cancelled = shop.storefront.hold(&[(book, 1)], 600).expect(201);
    shop.storefront.cancel(&cancelled).expect(200);
    let placed: Vec<_> = (0..3).map(|_| shop.storefront.buy(book, 1).expect(201)).collect();
    let ids = |query: &[(&str, &str)]| -> Vec<String> {
        let listed = shop.storefront.all("/v1/orders", &[query, &[("limit", "2")]].concat());
        listed.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&[("status", "held")]), [held.id()]);
    assert_eq!(ids(&[("status", "cancelled")]), [cancelled.id()]);
    assert_eq!(ids(&[("status", "expired")]), [""; 0]);
    let newest_first: Vec<_> = placed.iter().rev().map(Answer::id).collect();
    assert_eq!(ids(&[("status", "placed")]), newest_first);

    // `from` is within, `until` is not.
    let at = |order: &Answer| order["created_at"].as_str().unwrap().to_owned();
    let (first, last) = (at(&placed[0]), at(&placed[2]));
    let between = ids(&[("from", &first), ("until", &last)]);
    assert!(between.contains(&placed[0].id()) && !between.contains(&placed[2].id()), "{between:?}");
    assert!(!between.contains(&held.id()), "{between:?}");
    let berlin = moment(&json!(first)).with_timezone(&chrono::FixedOffset::east_opt(3600).unwrap());
    assert_eq!(ids(&[("from", &berlin.to_rfc3339()), ("until", &last)]), between);
    assert_eq!(ids(&[("from", &first), ("status", "held")]), [""; 0]);

    for (name, wrong) in [("status", "paid"), ("from", "yesterday"), ("until", "2026-11-24")] {
        shop.storefront.get("/v1/orders").query(&[(name, wrong)]).refused(400, "invalid_request");
    }
}
