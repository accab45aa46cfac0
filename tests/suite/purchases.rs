//! One click, one book: the purchase.

use serde_json::{Value, json};

use crate::kit::{Backend, Scenario, Shop, at_once};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_purchase_takes_its_copies_off_the_shelf,
        two_buyers_of_the_last_copy_get_one_copy,
        more_than_there_is_is_refused_with_what_there_is,
        the_price_is_the_one_of_the_moment,
        a_free_book_can_be_bought,
        a_total_may_pass_four_billion,
        a_line_holds_up_to_10_000_copies,
        an_unknown_book_cannot_be_bought,
        an_archived_book_cannot_be_bought_by_who_was_late,
];

fn a_purchase_takes_its_copies_off_the_shelf(shop: &Shop) {
    let book =
        shop.book_like(json!({ "title": "Emma", "price": { "amount": 995 }, "quantity": 5 }));
    let order = shop.storefront.buy(book, 2).expect(201);

    let mut members: Vec<_> = order.body.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["created_at", "expires_at", "id", "lines", "status", "total"]);
    assert_eq!((&order["status"], &order["expires_at"]), (&json!("placed"), &Value::Null));
    assert_eq!(order["total"], json!({ "amount": 1990, "currency": "EUR" }));
    let line = json!({
        "book_id": book, "title": "Emma", "quantity": 2,
        "unit_price": { "amount": 995, "currency": "EUR" },
        "total": { "amount": 1990, "currency": "EUR" },
    });
    assert_eq!(order["lines"], json!([line]));
    assert_eq!(uuid::Uuid::parse_str(&order.id()).unwrap().get_version_num(), 7);

    assert_eq!(order.header("location"), format!("/v1/orders/{}", order.id()));
    assert_eq!(shop.storefront.get(order.header("location")).expect(200).body, order.body);
    assert_eq!(shop.admin.quantity(book), 3);

    let sale = &shop.admin.movements(book)[0];
    assert_eq!((&sale["seq"], &sale["reason"]), (&json!(2), &json!("sale")));
    assert_eq!((&sale["delta"], &sale["quantity_after"]), (&json!(-2), &json!(3)));
    assert_eq!((&sale["order_id"], &sale["entry_id"]), (&json!(order.id()), &Value::Null));
    assert_eq!(sale["reference"], Value::Null);
}

fn two_buyers_of_the_last_copy_get_one_copy(shop: &Shop) {
    let second = shop.second_server();
    let buyers = [shop.storefront.clone(), shop.storefront.at(&second)];
    for _ in 0..20 {
        let book = shop.book(1);
        let mut answers = at_once(2, |buyer| buyers[buyer].buy(book, 1).send());
        answers.sort_by_key(|answer| answer.status);
        let loser = answers.pop().unwrap().refused(409, "out_of_stock");
        let lines = json!([{ "book_id": book, "requested": 1, "available": 0 }]);
        assert_eq!(loser["lines"], lines);
        answers.pop().unwrap().expect(201);
        assert_eq!(shop.admin.quantity(book), 0);
    }
}

fn more_than_there_is_is_refused_with_what_there_is(shop: &Shop) {
    let book = shop.book(3);
    let before = shop.database.fingerprint();
    let refused = shop.storefront.buy(book, 4).refused(409, "out_of_stock");
    assert_eq!(refused["lines"], json!([{ "book_id": book, "requested": 4, "available": 3 }]));
    assert_eq!(shop.database.fingerprint(), before);
    shop.storefront.buy(book, 3).expect(201);
    assert_eq!(shop.admin.quantity(book), 0);
}

fn the_price_is_the_one_of_the_moment(shop: &Shop) {
    let book = shop.book(5);
    let order = shop.storefront.buy(book, 1).expect(201);
    let dearer = json!({ "price": { "amount": 2500 } });
    shop.admin.patch(&format!("/v1/books/{book}"), dearer).if_match("*").expect(200);

    let old = shop.storefront.get(&format!("/v1/orders/{}", order.id())).expect(200);
    assert_eq!(old["total"]["amount"], 1000);
    assert_eq!(shop.storefront.buy(book, 2).expect(201)["total"]["amount"], 5000);
}

fn a_free_book_can_be_bought(shop: &Shop) {
    let book = shop.book_like(json!({ "price": { "amount": 0 }, "quantity": 1 }));
    let order = shop.storefront.buy(book, 1).expect(201);
    assert_eq!(order["total"], json!({ "amount": 0, "currency": "EUR" }));
}

fn a_total_may_pass_four_billion(shop: &Shop) {
    let dear = json!({ "price": { "amount": 100_000_000 }, "quantity": 20_000 });
    let books = [shop.book_like(dear.clone()), shop.book_like(dear)];
    let order = shop.storefront.order(&[(books[0], 10_000), (books[1], 10_000)]).expect(201);
    assert_eq!(order["total"]["amount"], 2_000_000_000_000_i64);
    assert_eq!(order["lines"][0]["total"]["amount"], 1_000_000_000_000_i64);
    let found = shop.storefront.get(order.header("location")).expect(200);
    assert_eq!(found.body, order.body);
}

fn a_line_holds_up_to_10_000_copies(shop: &Shop) {
    let book = shop.book(50_000);
    shop.storefront.buy(book, 10_000).expect(201);
    let refused = shop.storefront.buy(book, 10_001).refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/quantity", "\n{refused}");
    assert_eq!(shop.admin.quantity(book), 40_000);
}

fn an_unknown_book_cannot_be_bought(shop: &Shop) {
    for id in ["999999", "0", "-1", "abc", "1.5", "99999999999999999999999", "%00", "1%27"] {
        for client in [&shop.storefront, &shop.admin] {
            let path = format!("/v1/books/{id}/purchases");
            client.post(&path, json!({ "quantity": 1 })).refused(404, "unknown_book");
            client.get(&format!("/v1/books/{id}")).refused(404, "unknown_book");
        }
    }
}

fn an_archived_book_cannot_be_bought_by_who_was_late(shop: &Shop) {
    let second = shop.second_server();
    let buyers = shop.storefront.at(&second);
    for _ in 0..5 {
        let book = shop.book(1_000);
        let answers = at_once(9, |number| match number {
            0 => shop.admin.delete(&format!("/v1/books/{book}")).send(),
            _ => buyers.buy(book, 1).send(),
        });
        assert_eq!(answers[0].status, 204);
        let sold = answers[1..].iter().filter(|answer| answer.status == 201).count();
        let late = answers[1..].iter().filter(|answer| answer.status == 404).count();
        assert_eq!(sold + late, 8, "only sold or gone");
        assert_eq!(shop.admin.movements(book).len(), 1 + sold);
        buyers.buy(book, 1).refused(404, "unknown_book");
    }
}
