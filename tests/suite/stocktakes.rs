//! An admin counts.

use serde_json::{Value, json};

use crate::kit::{Backend, Scenario, Shop, at_once};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_stocktake_sets_what_was_counted,
        a_stocktake_that_agrees_moves_nothing_but_is_remembered,
        a_stocktake_on_an_old_number_is_refused,
        a_count_has_the_limits_of_a_shelf,
        stocktakes_among_sales_lose_none,
];

fn a_stocktake_sets_what_was_counted(shop: &Shop) {
    let book = shop.book(10);
    for (seq, counted, delta) in [(2, 7, -3), (3, 12, 5), (4, 0, -12), (5, 1, 1)] {
        let movement = shop.admin.stocktake(book, counted).expect(201);
        assert_eq!((&movement["seq"], &movement["reason"]), (&json!(seq), &json!("stocktake")));
        assert_eq!(
            (&movement["delta"], &movement["quantity_after"]),
            (&json!(delta), &json!(counted))
        );
        assert_eq!(movement.body, shop.admin.movements(book)[0]);
        assert_eq!(shop.admin.quantity(book), counted);
    }
    shop.storefront.buy(book, 1).expect(201);
    shop.storefront.buy(book, 1).refused(409, "out_of_stock");
}

fn a_stocktake_that_agrees_moves_nothing_but_is_remembered(shop: &Shop) {
    let book = shop.book(4);
    let entries = || shop.database.connect().number("SELECT count(*) FROM stock_entries");
    let before = entries();
    let agreed = shop.admin.stocktake(book, 4).expect(200);
    assert_eq!((&agreed["seq"], &agreed["delta"]), (&Value::Null, &json!(0)));
    assert_eq!((&agreed["quantity_after"], &agreed["reason"]), (&json!(4), &json!("stocktake")));
    assert_eq!(agreed["book_id"], book);
    assert!(agreed["entry_id"].is_string());
    assert_eq!(entries(), before + 1);
    assert_eq!(shop.admin.movements(book).len(), 1);

    let empty = shop.book(0);
    shop.admin.stocktake(empty, 0).expect(200);
    assert!(shop.admin.movements(empty).is_empty());
}

fn a_stocktake_on_an_old_number_is_refused(shop: &Shop) {
    let book = shop.book(10);
    shop.storefront.buy(book, 1).expect(201);
    let before = shop.database.fingerprint();
    for counted in [8, 9, 10] {
        let refused =
            shop.admin.stocktake_expecting(book, counted, 10).refused(409, "stale_quantity");
        assert_eq!((&refused["expected"], &refused["available"]), (&json!(10), &json!(9)));
    }
    assert_eq!(shop.database.fingerprint(), before);
    shop.admin.stocktake_expecting(book, 8, 9).expect(201);
    shop.admin.stocktake_expecting(book, 8, 8).expect(200);
    assert_eq!(shop.admin.quantity(book), 8);
}

fn a_count_has_the_limits_of_a_shelf(shop: &Shop) {
    let book = shop.book(3);
    for (counted, expected) in [(-1, 3), (2_000_000_001, 3), (3, -1), (3, 2_000_000_001)] {
        shop.admin.stocktake_expecting(book, counted, expected).refused(422, "invalid_request");
    }
    shop.admin.stocktake(book, 2_000_000_000).expect(201);
    shop.admin.stocktake(book, 0).expect(201);
    shop.admin.stocktake(999_999, 1).refused(404, "unknown_book");
}

fn stocktakes_among_sales_lose_none(shop: &Shop) {
    let second = shop.second_server();
    let book = shop.book(10_000);
    let (admin, buyer) = (shop.admin.at(&second), shop.storefront.clone());
    at_once(12, |number| {
        for round in 0..8 {
            match number {
                // Counts what it has just seen: a sale in between makes it stale, never lost.
                0..4 => {
                    let seen = admin.quantity(book);
                    let answer = admin.stocktake_expecting(book, seen - 1, seen).send();
                    assert!(matches!(answer.status, 201 | 409), "\n{answer}");
                }
                4..8 => drop(admin.stocktake(book, 10_000 + round).send().status),
                _ => drop(buyer.buy(book, 1).expect(201)),
            }
        }
    });
    let sold = shop.admin.all(&format!("/v1/books/{book}/movements"), &[("reason", "sale")]);
    assert_eq!(sold.len(), 4 * 8);
}
