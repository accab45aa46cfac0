//! Safe retries: the same key and the same request get the same answer, once.

use serde_json::{Value, json};

use crate::kit::{Answer, Backend, Call, Client, Scenario, Shop, at_once, new_book};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        every_post_that_changes_stock_can_be_retried,
        the_first_answer_stays_whatever_happens_later,
        a_key_leads_to_the_book_that_it_made_whoever_has_its_isbn,
        the_same_key_with_another_request_is_refused,
        the_same_key_on_another_path_is_another_request,
        a_key_belongs_to_its_client,
        the_same_request_may_be_spelled_differently,
        a_refused_order_is_not_remembered,
        a_request_that_was_wrong_does_not_use_up_its_key,
        a_retry_at_another_server_or_after_a_restart_is_a_retry,
        one_request_sent_many_times_at_once_happens_once,
        another_request_at_the_same_moment_does_not_slip_through,
        a_key_is_1_to_255_printable_characters,
        without_a_key_every_request_counts;
];

type Post = Box<dyn Fn() -> Call>;

/// One of each POST that changes stock.
fn each_post(shop: &Shop, book: i64) -> Vec<(&'static str, Post)> {
    let (admin, storefront) = (shop.admin.clone(), shop.storefront.clone());
    let created = new_book(json!({ "quantity": 3 }));
    let act = |client: &Client, make: fn(&Client, i64) -> Call| -> Post {
        let client = client.clone();
        Box::new(move || make(&client, book))
    };
    vec![
        ("purchase", act(&storefront, |client, book| client.buy(book, 2))),
        ("order", act(&storefront, |client, book| client.order(&[(book, 2)]))),
        ("restock", act(&admin, |client, book| client.restock(book, 5))),
        ("delivery", act(&admin, |client, book| client.restock_many(&[(book, 5)]))),
        ("stocktake", act(&admin, |client, book| client.stocktake(book, 50))),
        ("count that agrees", act(&admin, |client, book| client.stocktake(book, 50))),
        ("book", Box::new(move || admin.post("/v1/books", created.clone()))),
    ]
}

fn every_post_that_changes_stock_can_be_retried(shop: &Shop) {
    let book = shop.book(100);
    for (name, call) in each_post(shop, book) {
        let first = call().key(name).send();
        assert!(matches!(first.status, 200 | 201), "\n{first}");
        let after_first = shop.database.fingerprint();
        for _ in 0..3 {
            let again = call().key(name).send();
            again.replays(&first);
            assert_eq!(again.header("location"), first.header("location"), "{name}");
        }
        assert_eq!(shop.database.fingerprint(), after_first, "{name}");
    }
}

fn the_first_answer_stays_whatever_happens_later(shop: &Shop) {
    let book = shop.book(100);
    let posts = each_post(shop, book);
    let first: Vec<Answer> = posts.iter().map(|(name, call)| call().key(name).send()).collect();
    let made = first.last().unwrap()["id"].as_i64().unwrap();
    // The copies sell out, the prices change, and everything is archived.
    for book in [book, made] {
        shop.storefront.buy(book, shop.admin.quantity(book)).expect(201);
        let path = format!("/v1/books/{book}");
        let dearer = json!({ "price": { "amount": 77 } });
        shop.admin.patch(&path, dearer).if_match("*").expect(200);
        shop.admin.delete(&path).expect(204);
    }
    let after = shop.database.fingerprint();
    for ((name, call), first) in posts.iter().zip(&first) {
        call().key(name).send().replays(first);
    }
    assert_eq!(shop.database.fingerprint(), after);
}

/// No movement says which book a key made that came without copies.
fn a_key_leads_to_the_book_that_it_made_whoever_has_its_isbn(shop: &Shop) {
    let body = new_book(json!({}));
    let create = || shop.admin.post("/v1/books", body.clone()).key("empty").send();
    let first = create();
    create().replays(&first);
    let another = new_book(json!({}))["isbn"].clone();
    let path = format!("/v1/books/{}", first["id"]);
    shop.admin.patch(&path, json!({ "isbn": another })).if_match("*").expect(200);
    create().replays(&first);
    let successor = shop.book_like(json!({ "isbn": body["isbn"] }));
    assert_ne!(first["id"], successor);
    create().replays(&first);
    shop.admin.delete(&path).expect(204);
    create().replays(&first);
}

fn the_same_key_with_another_request_is_refused(shop: &Shop) {
    let [book, other] = shop.books([100, 100]);
    shop.storefront.buy(book, 1).key("k").expect(201);
    shop.admin.restock(book, 1).key("k").expect(201);
    let before = shop.database.fingerprint();
    let reused = "idempotency_key_reused";
    shop.storefront.buy(book, 2).key("k").refused(422, reused);
    shop.storefront.buy(other, 1).key("k").refused(422, reused);
    // Also when it would be refused for another reason.
    shop.storefront.buy(book, 1_000).key("k").refused(422, reused);
    shop.admin.restock(book, 2).key("k").refused(422, reused);
    shop.admin.restock(other, 1).key("k").refused(422, reused);
    let named = json!({ "quantity": 1, "reference": "another" });
    shop.admin.post(&format!("/v1/books/{book}/restocks"), named).key("k").refused(422, reused);
    assert_eq!(shop.database.fingerprint(), before);
    assert!(shop.storefront.buy(book, 1).key("k").expect(201).is_replay());
}

fn the_same_key_on_another_path_is_another_request(shop: &Shop) {
    let book = shop.book(100);
    let reused = "idempotency_key_reused";
    shop.admin.buy(book, 1).key("k").expect(201);
    let before = shop.database.fingerprint();
    shop.admin.order(&[(book, 1)]).key("k").refused(422, reused);
    shop.admin.restock(book, 1).key("k").refused(422, reused);
    shop.admin.restock_many(&[(book, 1)]).key("k").refused(422, reused);
    shop.admin.stocktake(book, 1).key("k").refused(422, reused);
    shop.admin.post("/v1/books", new_book(json!({ "quantity": 1 }))).key("k").refused(422, reused);
    shop.admin.restock(book, 1).key("r").expect(201);
    shop.admin.buy(book, 1).key("r").refused(422, reused);
    shop.admin.stocktake(book, 1).key("r").refused(422, reused);
    assert_ne!(shop.database.fingerprint(), before);
    assert_eq!(shop.admin.quantity(book), 100);
}

fn a_key_belongs_to_its_client(shop: &Shop) {
    let book = shop.book(10);
    let clients = [shop.storefront.clone(), shop.another_storefront(), shop.admin.clone()];
    let orders = clients.each_ref().map(|client| client.buy(book, 1).key("same").expect(201));
    assert!(orders.iter().all(|order| !order.is_replay()));
    assert_eq!(shop.admin.quantity(book), 7);
    for (client, order) in clients.iter().zip(&orders) {
        client.buy(book, 1).key("same").send().replays(order);
    }
}

fn the_same_request_may_be_spelled_differently(shop: &Shop) {
    let book = shop.book(10);
    let spellings = [
        format!(r#"{{"lines":[{{"book_id":{book},"quantity":1}}]}}"#),
        format!(" {{ \"lines\" : [ {{ \"quantity\" : 1 ,\n \"book_id\" : {book} }} ] }} "),
        // The same numbers: JSON Schema has no other integers than numbers without a fraction.
        format!(r#"{{"lines":[{{"book_id":{book}.0,"quantity":10e-1}}]}}"#),
    ];
    let send = |body: &String| {
        let call = shop.storefront.call(reqwest::Method::POST, "/v1/orders");
        call.raw("application/json; charset=utf-8", body.as_str()).key("spelling").expect(201)
    };
    let [first, again, once_more] = spellings.each_ref().map(send);
    again.replays(&first);
    once_more.replays(&first);
}

fn a_refused_order_is_not_remembered(shop: &Shop) {
    let book = shop.book(0);
    shop.storefront.buy(book, 1).key("patience").refused(409, "out_of_stock");
    shop.admin.stocktake_expecting(book, 4, 5).key("count").refused(409, "stale_quantity");
    shop.admin.restock(book, 5).expect(201);
    let order = shop.storefront.buy(book, 1).key("patience").expect(201);
    assert!(!order.is_replay());
    shop.storefront.buy(book, 1).key("patience").send().replays(&order);
    shop.admin.restock(book, 1).expect(201);
    assert!(!shop.admin.stocktake_expecting(book, 4, 5).key("count").expect(201).is_replay());
}

fn a_request_that_was_wrong_does_not_use_up_its_key(shop: &Shop) {
    let book = shop.book(5);
    shop.storefront.buy(book, 0).key("oops").refused(422, "invalid_request");
    shop.storefront.buy(999_999, 1).key("oops").refused(404, "unknown_book");
    shop.storefront.order(&[(999_999, 1)]).key("oops").refused(422, "unknown_book");
    assert!(!shop.storefront.buy(book, 1).key("oops").expect(201).is_replay());
}

fn a_retry_at_another_server_or_after_a_restart_is_a_retry(shop: &Shop) {
    let book = shop.book(100);
    let posts = each_post(shop, book);
    let first: Vec<Answer> = posts.iter().map(|(name, call)| call().key(name).send()).collect();
    let second = shop.second_server();
    let order = shop.storefront.at(&second).buy(book, 2).key("purchase").send();
    order.replays(&first[0]);
    let restock = shop.admin.at(&second).restock(book, 5).key("restock").send();
    restock.replays(&first[2]);

    assert_eq!(shop.server().stop(), 0);
    second.crash();
    let third = shop.second_server();
    shop.storefront.at(&third).buy(book, 2).key("purchase").send().replays(&first[0]);
    let agreed = shop.admin.at(&third).stocktake(book, 50).key("count that agrees").send();
    agreed.replays(&first[5]);
}

fn one_request_sent_many_times_at_once_happens_once(shop: &Shop) {
    let second = shop.second_server();
    let book = shop.book(1_000);
    let (storefronts, admins) = (
        [shop.storefront.clone(), shop.storefront.at(&second)],
        [shop.admin.clone(), shop.admin.at(&second)],
    );
    for round in 0..8 {
        let key = format!("round {round}");
        let created = new_book(json!({ "quantity": 9 }));
        let before = shop.admin.quantity(book);
        let answers = at_once(16, |number| {
            let (storefront, admin) = (&storefronts[number % 2], &admins[number % 2]);
            let call = match round % 4 {
                0 => storefront.buy(book, 1),
                1 => admin.restock(book, 1),
                2 => admin.stocktake(book, before - 1),
                _ => admin.post("/v1/books", created.clone()),
            };
            call.key(&key).expect(201)
        });
        let (replays, first): (Vec<&Answer>, Vec<_>) = answers.iter().partition(|a| a.is_replay());
        assert_eq!(first.len(), 1, "round {round}: one is the first");
        for replay in replays {
            replay.replays(first[0]);
        }
        let change = [-1, 1, -1, 0][round % 4];
        assert_eq!(shop.admin.quantity(book), before + change, "round {round}");
    }
}

fn another_request_at_the_same_moment_does_not_slip_through(shop: &Shop) {
    let second = shop.second_server();
    let [book, other] = shop.books([1_000, 1_000]);
    let storefronts = [shop.storefront.clone(), shop.storefront.at(&second)];
    for round in 0..10 {
        let key = format!("conflict {round}");
        let answers = at_once(8, |number| {
            // Different books: no row lock makes these wait for each other.
            let wanted = if number < 4 { book } else { other };
            storefronts[number % 2].buy(wanted, 1).key(&key).send()
        });
        let won: Vec<Value> =
            answers.iter().filter(|a| a.status == 201).map(|a| a["id"].clone()).collect();
        assert_eq!(won.len(), 4, "the request that won, and its three retries");
        assert!(won.iter().all(|id| *id == won[0]));
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            answer.refused(422, "idempotency_key_reused");
        }
    }
    let sold = 2_000 - shop.admin.quantity(book) - shop.admin.quantity(other);
    assert_eq!(sold, 10);
}

fn a_key_is_1_to_255_printable_characters(shop: &Shop) {
    let book = shop.book(10);
    let before = shop.database.fingerprint();
    let long = "k".repeat(256);
    for key in [&b""[..], long.as_bytes(), b"tab\tinside", "é".as_bytes(), b"\xff\xfe"] {
        for call in [shop.storefront.buy(book, 1), shop.storefront.order(&[(book, 1)])] {
            call.header("Idempotency-Key", key).refused(400, "invalid_request");
        }
        let restock = shop.admin.restock(book, 1);
        restock.header("Idempotency-Key", key).refused(400, "invalid_request");
    }
    // Two keys are as good as none.
    let two = shop.storefront.buy(book, 1).key("one").key("two");
    two.refused(400, "invalid_request");
    assert_eq!(shop.database.fingerprint(), before);
    for key in ["k".repeat(255).as_str(), "0", "a b/c?d=\"e\"'; --", "~"] {
        let first = shop.storefront.buy(book, 1).key(key).expect(201);
        shop.storefront.buy(book, 1).key(key).send().replays(&first);
    }
    // Keys are told apart by their characters, not by what a collation makes of them.
    let keys =
        ["case", "CASE", "Case"].map(|key| shop.storefront.buy(book, 1).key(key).expect(201));
    assert!(keys.iter().all(|order| !order.is_replay()));
    assert_eq!(shop.admin.quantity(book), 3);
}

fn without_a_key_every_request_counts(shop: &Shop) {
    let book = shop.book(10);
    let orders = [(); 3].map(|()| shop.storefront.buy(book, 1).expect(201));
    assert!(orders.iter().all(|order| !order.is_replay()));
    assert_eq!(shop.admin.quantity(book), 7);
}
