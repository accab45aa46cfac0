//! Copies arrive.

use serde_json::{Value, json};

use crate::kit::{Backend, Scenario, Shop, at_once};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_restock_adds_its_copies,
        a_delivery_of_many_books_is_one_entry,
        a_delivery_with_an_unknown_book_changes_nothing,
        two_lines_of_one_book_both_arrive,
        no_shelf_holds_more_than_two_billion,
        a_delivery_that_overfills_one_shelf_changes_nothing,
        a_restock_line_holds_up_to_a_million_copies,
        a_reference_is_kept,
        restocks_and_sales_at_once_all_count,
];

fn a_restock_adds_its_copies(shop: &Shop) {
    let book = shop.book(3);
    let version = shop.admin.book(book)["version"].clone();
    let movement = shop.admin.restock(book, 4).expect(201);
    assert_eq!((&movement["book_id"], &movement["seq"]), (&json!(book), &json!(2)));
    assert_eq!((&movement["delta"], &movement["quantity_after"]), (&json!(4), &json!(7)));
    assert_eq!((&movement["reason"], &movement["order_id"]), (&json!("restock"), &Value::Null));
    assert!(movement["entry_id"].is_string());
    assert_eq!(movement.body, shop.admin.movements(book)[0]);
    let after = shop.admin.book(book);
    assert_eq!((&after["quantity"], &after["version"]), (&json!(7), &version));
}

fn a_delivery_of_many_books_is_one_entry(shop: &Shop) {
    let [a, b, c] = shop.books([0, 5, 7]);
    let entry = shop.admin.restock_many(&[(c, 10), (a, 20)]).expect(201);
    let mut members: Vec<_> = entry.body.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["created_at", "id", "movements", "reason", "reference"]);
    assert_eq!((&entry["reason"], &entry["reference"]), (&json!("restock"), &Value::Null));
    let movements = entry["movements"].as_array().unwrap();
    assert_eq!(movements.len(), 2);
    for movement in movements {
        let book = movement["book_id"].as_i64().unwrap();
        assert_eq!(movement["entry_id"], entry["id"]);
        assert_eq!(*movement, shop.admin.movements(book)[0]);
    }
    assert_eq!([a, b, c].map(|book| shop.admin.quantity(book)), [20, 5, 17]);
}

fn a_delivery_with_an_unknown_book_changes_nothing(shop: &Shop) {
    let book = shop.book(1);
    let before = shop.database.fingerprint();
    let refused = shop.admin.restock_many(&[(book, 5), (999_999, 5)]).refused(422, "unknown_book");
    assert_eq!(refused["book_ids"], json!([999_999]));
    shop.admin.restock(999_999, 5).refused(404, "unknown_book");
    assert_eq!(shop.database.fingerprint(), before);
}

fn two_lines_of_one_book_both_arrive(shop: &Shop) {
    let book = shop.book(0);
    shop.admin.restock_many(&[(book, 600_000), (book, 700_000)]).expect(201);
    assert_eq!(shop.admin.quantity(book), 1_300_000);
}

fn no_shelf_holds_more_than_two_billion(shop: &Shop) {
    let book = shop.book(2_000_000_000);
    let before = shop.database.fingerprint();
    shop.admin.restock(book, 1).refused(422, "invalid_request");
    shop.admin.restock_many(&[(book, 1)]).refused(422, "invalid_request");
    assert_eq!(shop.database.fingerprint(), before);
    shop.storefront.buy(book, 2).expect(201);
    shop.admin.restock(book, 3).refused(422, "invalid_request");
    shop.admin.restock(book, 2).expect(201);
    assert_eq!(shop.admin.quantity(book), 2_000_000_000);
}

fn a_delivery_that_overfills_one_shelf_changes_nothing(shop: &Shop) {
    let [nearly_full, empty] = shop.books([1_999_000_001, 0]);
    let before = shop.database.fingerprint();
    let lines = [(empty, 1), (nearly_full, 1_000_000)];
    shop.admin.restock_many(&lines).refused(422, "invalid_request");
    // A hundred millions at once must not wrap around.
    shop.admin.restock_many(&[(nearly_full, 1_000_000); 100]).refused(422, "invalid_request");
    shop.admin.restock_many(&[(nearly_full, 1_000_000); 101]).refused(422, "invalid_request");
    assert_eq!(shop.database.fingerprint(), before);
}

fn a_restock_line_holds_up_to_a_million_copies(shop: &Shop) {
    let book = shop.book(0);
    shop.admin.restock(book, 1_000_000).expect(201);
    let refused = shop.admin.restock(book, 1_000_001).refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/quantity", "\n{refused}");
    let refused = shop.admin.restock_many(&[(book, 1), (book, 1_000_001)]);
    let refused = refused.refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/lines/1/quantity", "\n{refused}");
    assert_eq!(shop.admin.quantity(book), 1_000_000);
}

fn a_reference_is_kept(shop: &Shop) {
    let book = shop.book(0);
    let path = format!("/v1/books/{book}/restocks");
    let note = "Lieferschein 4711 / é".to_owned();
    for reference in [note, "🦆".repeat(200)] {
        let body = json!({ "quantity": 1, "reference": reference });
        assert_eq!(shop.admin.post(&path, body).expect(201)["reference"], reference);
        assert_eq!(shop.admin.movements(book)[0]["reference"], reference);

        let body = json!({ "lines": [{ "book_id": book, "quantity": 1 }], "reference": reference });
        let entry = shop.admin.post("/v1/restocks", body).expect(201);
        assert_eq!(entry["reference"], reference);
        assert_eq!(shop.admin.movements(book)[0]["reference"], reference);
    }
    let body = json!({ "quantity": 1, "reference": "x".repeat(201) });
    let refused = shop.admin.post(&path, body).refused(422, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/reference", "\n{refused}");
}

fn restocks_and_sales_at_once_all_count(shop: &Shop) {
    let second = shop.second_server();
    let [a, b] = shop.books([100, 100]);
    let (admins, buyers) = (
        [shop.admin.clone(), shop.admin.at(&second)],
        [shop.storefront.clone(), shop.storefront.at(&second)],
    );
    at_once(24, |number| {
        let (admin, buyer) = (&admins[number % 2], &buyers[number % 2]);
        for _ in 0..5 {
            match number / 2 % 4 {
                0 => admin.restock_many(&[(b, 3), (a, 2)]).expect(201),
                1 => buyer.order(&[(a, 1), (b, 1)]).expect(201),
                2 => admin.restock(a, 1).expect(201),
                _ => buyer.order(&[(b, 2), (a, 1)]).expect(201),
            };
        }
    });
    // Each of the four kinds ran 6 x 5 times: one more copy of `a` each time, of `b` none.
    assert_eq!(shop.admin.quantity(a), 100 + 30);
    assert_eq!(shop.admin.quantity(b), 100);
    assert_eq!(shop.admin.movements(a).len(), 121);
}
