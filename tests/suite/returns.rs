//! Returns: copies of a placed order come back, never more than it sold.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Answer, Backend, Scenario, Shop};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        copies_come_back_in_several_returns,
        no_more_comes_back_than_was_sold,
        a_return_can_be_retried,
        only_what_is_placed_can_be_returned,
        what_was_returned_cannot_be_called_off,
        returns_are_for_admins,
        an_archived_book_can_be_returned;
];

fn returned(order: &Answer) -> Vec<i64> {
    let lines = order["lines"].as_array().unwrap();
    lines.iter().map(|line| line["returned"].as_i64().unwrap_or(0)).collect()
}

fn copies_come_back_in_several_returns(shop: &Shop) {
    let [a, b] = shop.books([5, 5]);
    let order = shop.storefront.order(&[(a, 3), (b, 2)]).expect(201);
    assert_eq!(returned(&order), [0, 0]);
    let body = json!({
        "lines": [{ "book_id": b, "quantity": 1 }, { "book_id": a, "quantity": 1 },
                  { "book_id": a, "quantity": 1 }],
        "reference": " parcel 12 ",
    });
    let path = format!("/v1/orders/{}/returns", order.id());
    let entry = shop.admin.post(&path, body).expect(201);
    assert_eq!((&entry["reason"], &entry["reference"]), (&json!("return"), &json!("parcel 12")));
    assert_eq!(entry["order_id"], order["id"]);
    let short = |movement: &Value| (movement["book_id"].clone(), movement["delta"].clone());
    let moved: Vec<_> = entry["movements"].as_array().unwrap().iter().map(short).collect();
    assert_eq!(moved, [(json!(a), json!(2)), (json!(b), json!(1))], "one movement a book");
    assert_eq!((shop.admin.quantity(a), shop.admin.quantity(b)), (4, 4));

    shop.admin.take_back(&order, &[(a, 1)]).expect(201);
    let now = shop.storefront.get(order.header("location")).expect(200);
    assert_eq!(returned(&now), [3, 1]);
    assert_eq!(now["status"], "placed");
    assert_eq!(now["total"], order["total"], "what was sold stays what was sold");
    let newest = &shop.admin.movements(a)[0];
    assert_eq!((&newest["reason"], &newest["order_id"]), (&json!("return"), &Value::Null));
    assert_eq!(shop.admin.quantity(a), 5);
}

fn no_more_comes_back_than_was_sold(shop: &Shop) {
    let [a, b, other] = shop.books([5, 5, 5]);
    let order = shop.storefront.order(&[(a, 3), (b, 1)]).expect(201);
    shop.admin.take_back(&order, &[(a, 2)]).expect(201);
    let before = shop.database.fingerprint();
    let lines = [(a, 1), (a, 1), (b, 1), (other, 1), (999_999, 1)];
    let refused = shop.admin.take_back(&order, &lines).refused(409, "returns_exceed_sale");
    let expected = json!([
        { "book_id": a, "sold": 3, "returned": 2, "requested": 2 },
        { "book_id": other, "sold": 0, "returned": 0, "requested": 1 },
        { "book_id": 999_999, "sold": 0, "returned": 0, "requested": 1 },
    ]);
    assert_eq!(refused["lines"], expected);
    for (lines, pointer) in [(json!([]), "/lines"), (json!([[a, 1]]), "/lines/0")] {
        let path = format!("/v1/orders/{}/returns", order.id());
        let refused = shop.admin.post(&path, json!({ "lines": lines }));
        let refused = refused.refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "\n{refused}");
    }
    shop.admin.take_back(&order, &[(a, 0)]).refused(422, "invalid_request");
    shop.admin.take_back(&order, &[(a, 10_001)]).refused(422, "invalid_request");
    assert_eq!(shop.database.fingerprint(), before);
    shop.admin.take_back(&order, &[(a, 1), (b, 1)]).expect(201);
}

fn a_return_can_be_retried(shop: &Shop) {
    let book = shop.book(5);
    let order = shop.storefront.buy(book, 3).expect(201);
    let other = shop.storefront.buy(book, 1).expect(201);
    let call = || shop.admin.take_back(&order, &[(book, 2)]).key("parcel");
    let first = call().expect(201);
    for _ in 0..2 {
        call().send().replays(&first);
    }
    // Also when everything is back meanwhile.
    shop.admin.take_back(&order, &[(book, 1)]).expect(201);
    call().send().replays(&first);
    let reused = "idempotency_key_reused";
    shop.admin.take_back(&order, &[(book, 1)]).key("parcel").refused(422, reused);
    shop.admin.take_back(&other, &[(book, 2)]).key("parcel").refused(422, reused);
    assert_eq!(shop.admin.quantity(book), 4);
}

fn only_what_is_placed_can_be_returned(shop: &Shop) {
    let book = shop.book(9);
    let held = shop.storefront.hold(&[(book, 1)], 600).expect(201);
    let cancelled = shop.storefront.hold(&[(book, 1)], 600).expect(201);
    shop.storefront.cancel(&cancelled).expect(200);
    let before = shop.database.fingerprint();
    for (order, state) in [(&held, "held"), (&cancelled, "cancelled")] {
        let refused = shop.admin.take_back(order, &[(book, 1)]).refused(409, "order_state");
        assert_eq!(refused["state"], state, "\n{refused}");
    }
    assert_eq!(shop.database.fingerprint(), before);
    shop.storefront.confirm(&held).expect(200);
    shop.admin.take_back(&held, &[(book, 1)]).expect(201);
}

fn what_was_returned_cannot_be_called_off(shop: &Shop) {
    let book = shop.book(9);
    let order = shop.storefront.buy(book, 3).expect(201);
    shop.admin.take_back(&order, &[(book, 1)]).expect(201);
    let before = shop.database.fingerprint();
    let refused = shop.admin.cancel(&order).refused(409, "order_state");
    assert_eq!(refused["state"], "placed");
    assert!(refused["detail"].as_str().unwrap().contains("returned"), "\n{refused}");
    assert_eq!(shop.database.fingerprint(), before);
    shop.admin.take_back(&order, &[(book, 2)]).expect(201);
    assert_eq!(shop.admin.quantity(book), 9);
}

fn returns_are_for_admins(shop: &Shop) {
    let book = shop.book(9);
    let order = shop.storefront.buy(book, 3).expect(201);
    let before = shop.database.fingerprint();
    shop.storefront.take_back(&order, &[(book, 1)]).refused(403, "forbidden");
    shop.storefront.anonymous().take_back(&order, &[(book, 1)]).refused(401, "unauthorized");
    for id in [uuid::Uuid::now_v7().to_string().as_str(), "1", "%00"] {
        let body = json!({ "lines": [{ "book_id": book, "quantity": 1 }] });
        let path = format!("/v1/orders/{id}/returns");
        shop.admin.call(Method::POST, &path).json(&body).refused(404, "unknown_order");
    }
    assert_eq!(shop.database.fingerprint(), before);
}

fn an_archived_book_can_be_returned(shop: &Shop) {
    let book = shop.book(9);
    let order = shop.storefront.buy(book, 3).expect(201);
    shop.admin.delete(&format!("/v1/books/{book}")).expect(204);
    shop.admin.take_back(&order, &[(book, 3)]).expect(201);
    assert_eq!(shop.admin.movements(book)[0]["quantity_after"], 9);
}
