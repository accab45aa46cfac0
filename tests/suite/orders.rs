//! Orders of several lines: all of it or nothing.

use serde_json::{Value, json};

use crate::kit::{Backend, Scenario, Shop, lines_of};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        an_order_takes_every_line,
        one_short_line_refuses_the_whole_order,
        every_short_line_is_named,
        two_lines_of_one_book_are_one,
        two_lines_that_are_too_much_together_are_refused,
        lines_come_back_in_book_order,
        an_unknown_book_refuses_the_whole_order_and_is_named,
        a_hundred_lines_are_an_order_and_one_more_is_not,
        orders_come_newest_first,
        an_order_cursor_survives_new_orders,
        what_is_no_order_is_not_found,
];

fn an_order_takes_every_line(shop: &Shop) {
    let cheap = shop.book_like(json!({ "price": { "amount": 250 }, "quantity": 10 }));
    let dear = shop.book_like(json!({ "price": { "amount": 4000 }, "quantity": 10 }));
    let order = shop.storefront.order(&[(cheap, 4), (dear, 1)]).expect(201);
    assert_eq!(order["total"]["amount"], 5000);
    assert_eq!(order.header("location"), format!("/v1/orders/{}", order.id()));
    assert_eq!((shop.admin.quantity(cheap), shop.admin.quantity(dear)), (6, 9));
    for book in [cheap, dear] {
        assert_eq!(shop.admin.movements(book)[0]["order_id"], order.id());
    }
    assert_eq!(shop.storefront.get(order.header("location")).expect(200).body, order.body);
}

fn one_short_line_refuses_the_whole_order(shop: &Shop) {
    let [plenty, short] = shop.books([10, 1]);
    let before = shop.database.fingerprint();
    for lines in [[(plenty, 2), (short, 2)], [(short, 2), (plenty, 2)]] {
        let refused = shop.storefront.order(&lines).refused(409, "out_of_stock");
        let expected = json!([{ "book_id": short, "requested": 2, "available": 1 }]);
        assert_eq!(refused["lines"], expected);
    }
    assert_eq!(shop.database.fingerprint(), before);
}

fn every_short_line_is_named(shop: &Shop) {
    let [none, one, plenty] = shop.books([0, 1, 100]);
    let lines = [(plenty, 1), (one, 5), (none, 1)];
    let refused = shop.storefront.order(&lines).refused(409, "out_of_stock");
    let expected = json!([
        { "book_id": none, "requested": 1, "available": 0 },
        { "book_id": one, "requested": 5, "available": 1 },
    ]);
    assert_eq!(refused["lines"], expected);
}

fn two_lines_of_one_book_are_one(shop: &Shop) {
    let [a, b] = shop.books([10, 10]);
    let order = shop.storefront.order(&[(b, 1), (a, 2), (b, 3)]).expect(201);
    let lines: Vec<_> = order["lines"].as_array().unwrap().iter().map(short).collect();
    assert_eq!(lines, [(a, 2, 2000), (b, 4, 4000)]);
    assert_eq!(order["total"]["amount"], 6000);
    assert_eq!(shop.admin.movements(b).len(), 2, "one sale, one movement");
}

fn short(line: &Value) -> (i64, i64, i64) {
    let number = |value: &Value| value.as_i64().unwrap();
    (number(&line["book_id"]), number(&line["quantity"]), number(&line["total"]["amount"]))
}

fn two_lines_that_are_too_much_together_are_refused(shop: &Shop) {
    let book = shop.book(5);
    let refused = shop.storefront.order(&[(book, 3), (book, 3)]).refused(409, "out_of_stock");
    assert_eq!(refused["lines"], json!([{ "book_id": book, "requested": 6, "available": 5 }]));
    assert_eq!(shop.admin.quantity(book), 5);
    shop.storefront.order(&[(book, 3), (book, 2)]).expect(201);
}

fn lines_come_back_in_book_order(shop: &Shop) {
    let books: [i64; 6] = shop.books([9; 6]);
    let backwards: Vec<_> = books.iter().rev().map(|book| (*book, 1)).collect();
    let order = shop.storefront.order(&backwards).expect(201);
    let of = |order: &Value| -> Vec<i64> {
        order["lines"].as_array().unwrap().iter().map(|line| short(line).0).collect()
    };
    assert_eq!(of(&order.body), books);
    let listed = shop.storefront.get("/v1/orders").expect(200);
    assert_eq!(of(&listed["data"][0]), books);
}

fn an_unknown_book_refuses_the_whole_order_and_is_named(shop: &Shop) {
    let book = shop.book(10);
    let before = shop.database.fingerprint();
    let lines = [(888_888, 1), (book, 1), (777_777, 1), (888_888, 2)];
    let refused = shop.storefront.order(&lines).refused(422, "unknown_book");
    assert_eq!(refused["book_ids"], json!([777_777, 888_888]));
    assert_eq!(shop.database.fingerprint(), before);
}

fn a_hundred_lines_are_an_order_and_one_more_is_not(shop: &Shop) {
    let books: Vec<_> = (0..101).map(|_| shop.book(2)).collect();
    let lines: Vec<_> = books.iter().map(|book| (*book, 1)).collect();
    let order = shop.storefront.order(&lines[..100]).expect(201);
    assert_eq!(order["lines"].as_array().unwrap().len(), 100);
    assert_eq!(order["total"]["amount"], 100_000);

    let before = shop.database.fingerprint();
    for too_many in [lines.clone(), vec![(books[0], 1); 101]] {
        let refused = shop.storefront.order(&too_many).refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], "/lines", "\n{refused}");
    }
    let none = shop.storefront.order(&[]).refused(422, "invalid_request");
    assert_eq!(none["errors"][0]["pointer"], "/lines", "\n{none}");
    assert_eq!(shop.database.fingerprint(), before);
    assert_eq!(lines_of(&lines).as_array().unwrap().len(), 101);
}

fn orders_come_newest_first(shop: &Shop) {
    let book = shop.book(100);
    let mut placed: Vec<_> =
        (1..=7).map(|n| shop.storefront.buy(book, n).expect(201).body).collect();
    placed.reverse();
    for limit in ["1", "3", "7", "100"] {
        assert_eq!(shop.storefront.all("/v1/orders", &[("limit", limit)]), placed, "{limit}");
    }
    let whole = shop.storefront.get("/v1/orders").query(&[("limit", "7")]).expect(200);
    assert!(whole["next"].is_null(), "nothing comes after the last one\n{whole}");
}

fn an_order_cursor_survives_new_orders(shop: &Shop) {
    let book = shop.book(100);
    let old: Vec<_> = (0..5).map(|_| shop.storefront.buy(book, 1).expect(201).id()).collect();
    let first = shop.storefront.get("/v1/orders").query(&[("limit", "2")]).expect(200);
    for _ in 0..3 {
        shop.storefront.buy(book, 1).expect(201);
    }
    let after = [("after", first["next"].as_str().unwrap())];
    let rest = shop.storefront.get("/v1/orders").query(&after).expect(200);
    let ids: Vec<_> =
        rest["data"].as_array().unwrap().iter().map(|order| order["id"].clone()).collect();
    assert_eq!(ids, [&*old[2], &*old[1], &*old[0]]);
    assert!(rest["next"].is_null());
}

fn what_is_no_order_is_not_found(shop: &Shop) {
    let random = uuid::Uuid::now_v7().to_string();
    for id in [random.as_str(), "1", "abc", "%00", "00000000-0000-0000-0000-000000000000"] {
        for client in [&shop.storefront, &shop.admin] {
            client.get(&format!("/v1/orders/{id}")).refused(404, "unknown_order");
        }
    }
}
