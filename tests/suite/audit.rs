//! The audit sees every way in which the ledger can be wrong, and names what is.

use serde_json::json;

use crate::kit::{Backend, Scenario, Shop};
use crate::scenarios;

mod ledger;

use ledger::Ledger;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_busy_shop_adds_up,
        an_audit_while_books_are_sold_finds_nothing;
    Shop on Backend::POSTGRES:
        a_server_that_may_lose_a_commit_is_a_warning;
    DamagedShop on Backend::ALL:
        a_gap_in_the_numbers_is_found,
        a_first_movement_that_is_not_number_1_is_found,
        a_wrong_number_of_the_newest_movement_is_found,
        a_movement_that_does_not_follow_the_one_before_is_found,
        a_first_movement_that_does_not_start_from_nothing_is_found,
        a_quantity_that_is_not_the_ledgers_is_found,
        copies_without_any_movement_are_found,
        a_negative_quantity_is_found,
        a_negative_quantity_in_the_ledger_is_found,
        a_total_that_is_not_that_of_the_lines_is_found,
        a_sale_without_its_order_is_found,
        a_sale_of_an_order_that_is_gone_is_found,
        a_restock_without_its_entry_is_found,
        a_restock_of_an_entry_that_is_gone_is_found,
        a_movement_with_both_an_order_and_an_entry_is_found,
        a_movement_of_a_book_that_is_gone_is_found,
        a_sale_that_adds_copies_is_found,
        an_order_without_lines_is_found,
        a_cancelled_order_that_gave_nothing_back_is_found,
        an_expired_order_that_gave_back_too_little_is_found,
        a_cancelled_order_that_gave_back_everything_is_right,
        a_placed_order_that_gave_something_back_is_found,
        returns_beyond_what_was_sold_are_found,
        a_return_of_a_book_that_was_not_in_the_order_is_found,
        returns_of_what_was_sold_are_right,
        returns_of_what_was_not_sold_for_good_are_found,
        a_hold_without_an_end_is_found,
        a_status_that_there_is_not_is_found,
        holds_that_nobody_takes_back_are_a_warning,
        everything_wrong_at_once_is_found_in_one_go,
];

fn a_busy_shop_adds_up(shop: &Shop) {
    let [a, b] = shop.books([10, 0]);
    shop.storefront.order(&[(a, 2)]).expect(201);
    shop.admin.restock_many(&[(a, 1), (b, 2)]).expect(201);
    shop.admin.stocktake(a, 3).expect(201);
    shop.admin.stocktake(a, 3).expect(200);
    shop.admin.delete(&format!("/v1/books/{b}")).expect(204);
    let audit = shop.bookstore(["audit", "--format", "json"]).run().exits(0).json();
    let expected = json!({
        "ok": true, "backend": shop.backend().name(), "books": 2, "orders": 1, "movements": 5,
        "findings": [], "warnings": audit["warnings"],
    });
    assert_eq!(audit, expected);
    // A developer's own server may be set so that there is something to warn of.
    for warning in audit["warnings"].as_array().unwrap() {
        assert!(warning.as_str().unwrap().starts_with("the server has "), "{audit}");
    }
    assert!(!shop.bookstore(["audit"]).run().exits(0).stdout.is_empty());
}

fn an_audit_while_books_are_sold_finds_nothing(shop: &Shop) {
    let [a, b] = shop.books([10_000, 10_000]);
    crate::kit::at_once(4, |thread| {
        for _ in 0..if thread == 0 { 4 } else { 60 } {
            match thread {
                0 => shop.audit(),
                1 => drop(shop.admin.restock_many(&[(b, 1), (a, 1)]).expect(201)),
                _ => drop(shop.storefront.order(&[(a, 1), (b, 2)]).expect(201)),
            }
        }
    });
}

fn a_gap_in_the_numbers_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE stock_movements SET seq = 9 WHERE book_id = {book} AND seq = 4; UPDATE books SET last_seq = 9 WHERE id = {book}");
    ledger.finds_book("ledger_gap");
}

fn a_first_movement_that_is_not_number_1_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage(
        "UPDATE stock_movements SET seq = seq + 100 WHERE book_id = {book};
         UPDATE books SET last_seq = last_seq + 100 WHERE id = {book}",
    );
    ledger.finds_book("ledger_gap");
}

fn a_wrong_number_of_the_newest_movement_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    for wrong in [3, 5, 0] {
        ledger.damage(&format!("UPDATE books SET last_seq = {wrong} WHERE id = {{book}}"));
        ledger.finds_book("ledger_gap");
    }
    ledger.damage("UPDATE books SET last_seq = 4 WHERE id = {book}");
    assert!(ledger.findings().is_empty());
}

fn a_movement_that_does_not_follow_the_one_before_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE stock_movements SET quantity_after = quantity_after + 1 WHERE book_id = {book} AND seq = 3");
    ledger.finds_book("ledger_chain");
}

fn a_first_movement_that_does_not_start_from_nothing_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE stock_movements SET delta = 11 WHERE book_id = {book} AND seq = 1");
    ledger.finds_book("ledger_chain");
}

fn a_quantity_that_is_not_the_ledgers_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE books SET quantity = quantity - 1 WHERE id = {book}");
    ledger.finds_book("quantity");
}

fn copies_without_any_movement_are_found(shop: &Shop) {
    let mut ledger = Ledger::new(shop);
    ledger.book = shop.book(0);
    ledger.damage("UPDATE books SET quantity = 5 WHERE id = {book}");
    ledger.finds_book("quantity");
    ledger.damage("UPDATE books SET quantity = 0, last_seq = 1 WHERE id = {book}");
    ledger.finds_book("ledger_gap");
}

fn a_negative_quantity_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    // Consistent all the way: only the sign is wrong.
    ledger.damage(
        "UPDATE stock_movements SET delta = -11, quantity_after = -6 WHERE book_id = {book} AND seq = 4;
         UPDATE books SET quantity = -6 WHERE id = {book}",
    );
    ledger.finds_book("negative_quantity");
}

fn a_negative_quantity_in_the_ledger_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    // Below zero for a moment, then up again: the sum is right, the way is not.
    ledger.damage(
        "UPDATE stock_movements SET delta = -14, quantity_after = -4 WHERE book_id = {book} AND seq = 2;
         UPDATE stock_movements SET quantity_after = -5 WHERE book_id = {book} AND seq = 3;
         UPDATE stock_movements SET delta = 13 WHERE book_id = {book} AND seq = 4;
         UPDATE orders SET total_minor = 14000 WHERE id = {order}",
    );
    ledger.finds_book("negative_quantity");
}

fn a_total_that_is_not_that_of_the_lines_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE orders SET total_minor = total_minor + 1 WHERE id = {order}");
    ledger.finds_order("order_total", &ledger.order);
    assert_eq!(ledger.findings().len(), 1, "{:#?}", ledger.findings());
}

fn a_sale_without_its_order_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE stock_movements SET order_id = NULL WHERE book_id = {book} AND seq = 2");
    ledger.finds("movement_origin", &[("book_id", json!(ledger.book)), ("seq", json!(2))]);
    // The order has lost its only line by that.
    ledger.finds_order("order_lines", &ledger.order);
}

fn a_sale_of_an_order_that_is_gone_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("DELETE FROM orders WHERE id = {order}");
    ledger.finds("movement_origin", &[("book_id", json!(ledger.book)), ("seq", json!(2))]);
}

fn a_restock_without_its_entry_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE stock_movements SET entry_id = NULL WHERE book_id = {book} AND seq = 4");
    ledger.finds("movement_origin", &[("book_id", json!(ledger.book)), ("seq", json!(4))]);
}

fn a_restock_of_an_entry_that_is_gone_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage(
        "DELETE FROM stock_entries WHERE id =
             (SELECT entry_id FROM stock_movements WHERE book_id = {book} AND seq = 4)",
    );
    ledger.finds("movement_origin", &[("book_id", json!(ledger.book)), ("seq", json!(4))]);
}

fn a_movement_with_both_an_order_and_an_entry_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger
        .damage("UPDATE stock_movements SET order_id = {order} WHERE book_id = {book} AND seq = 4");
    ledger.finds("movement_origin", &[("book_id", json!(ledger.book)), ("seq", json!(4))]);
}

fn a_movement_of_a_book_that_is_gone_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("DELETE FROM books WHERE id = {book}");
    ledger.finds_book("movement_book");
}

fn a_sale_that_adds_copies_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    // A restock that calls itself a sale: every sum is right.
    ledger.damage(
        "UPDATE stock_movements SET reason = 'sale', order_id = {order}, entry_id = NULL,
             unit_price_minor = 0 WHERE book_id = {book} AND seq = 4",
    );
    ledger.finds("movement_delta", &[("book_id", json!(ledger.book)), ("seq", json!(4))]);
}

const NEW_ORDER: &str =
    "INSERT INTO orders (id, client_id, request_hash, status, total_minor, created_at)
    VALUES ({new}, 2, {hash}, 'placed', 0, {now})";

fn an_order_without_lines_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage(NEW_ORDER);
    ledger.finds_order("order_lines", "01900000-0000-7000-8000-000000000001");
    assert_eq!(ledger.findings().len(), 1, "{:#?}", ledger.findings());
}

/// The next movement of the book, as things should be but for what it means.
fn next_movement(reason: &str, delta: i64, of: &str) -> String {
    let column = if reason == "release" { "order_id" } else { "entry_id" };
    format!(
        "INSERT INTO stock_movements (book_id, seq, delta, quantity_after, reason, {column}, created_at)
             SELECT id, last_seq + 1, {delta}, quantity + {delta}, '{reason}', {of}, {{now}}
             FROM books WHERE id = {{book}};
         UPDATE books SET quantity = quantity + {delta}, last_seq = last_seq + 1 WHERE id = {{book}};"
    )
}

fn a_cancelled_order_that_gave_nothing_back_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    for status in ["cancelled", "expired"] {
        ledger.damage(&format!("UPDATE orders SET status = '{status}' WHERE id = {{order}}"));
        ledger.finds_order("order_releases", &ledger.order);
    }
}

fn an_expired_order_that_gave_back_too_little_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    let release = next_movement("release", 3, "{order}");
    ledger.damage(&format!("UPDATE orders SET status = 'expired' WHERE id = {{order}}; {release}"));
    ledger.finds_order("order_releases", &ledger.order);
    assert_eq!(ledger.findings().len(), 1, "{:#?}", ledger.findings());
}

fn a_cancelled_order_that_gave_back_everything_is_right(shop: &Shop) {
    let ledger = Ledger::new(shop);
    let release = next_movement("release", 4, "{order}");
    ledger
        .damage(&format!("UPDATE orders SET status = 'cancelled' WHERE id = {{order}}; {release}"));
    assert!(ledger.findings().is_empty(), "{:#?}", ledger.findings());
}

fn a_placed_order_that_gave_something_back_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage(&next_movement("release", 4, "{order}"));
    ledger.finds_order("order_releases", &ledger.order);
}

/// A return of so many copies of the book from an order, by an entry of its own.
fn returned(copies: i64, order: &str) -> String {
    format!(
        "INSERT INTO stock_entries (id, client_id, reason, order_id, request_hash, created_at)
             VALUES ({{new}}, 1, 'return', {order}, {{hash}}, {{now}}); {}",
        next_movement("return", copies, "{new}")
    )
}

fn returns_beyond_what_was_sold_are_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage(&returned(2, "{small}"));
    ledger.finds_order("order_returns", &ledger.small_order);
}

fn a_return_of_a_book_that_was_not_in_the_order_is_found(shop: &Shop) {
    let mut ledger = Ledger::new(shop);
    let sold = ledger.order.clone();
    ledger.book = shop.book(5);
    ledger.damage(&returned(1, "{order}"));
    ledger.finds_order("order_returns", &sold);
}

fn returns_of_what_was_sold_are_right(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage(&returned(4, "{order}"));
    assert!(ledger.findings().is_empty(), "{:#?}", ledger.findings());
}

fn returns_of_what_was_not_sold_for_good_are_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage(&returned(1, "{order}"));
    ledger.damage(
        "UPDATE orders SET status = 'held', expires_at = '2126-01-01 00:00:00' WHERE id = {order}",
    );
    ledger.finds_order("returns_of_placed", &ledger.order);
    assert_eq!(ledger.findings().len(), 1, "{:#?}", ledger.findings());
}

fn a_hold_without_an_end_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE orders SET status = 'held' WHERE id = {order}");
    ledger.finds_order("order_status", &ledger.order);
}

fn a_status_that_there_is_not_is_found(shop: &Shop) {
    let ledger = Ledger::new(shop);
    ledger.damage("UPDATE orders SET status = 'paid' WHERE id = {order}");
    ledger.finds_order("order_status", &ledger.order);
}

/// Only PostgreSQL takes such a setting for one database: on MariaDB it would be all tests'.
fn a_server_that_may_lose_a_commit_is_a_warning(shop: &Shop) {
    let warnings = || {
        let audit = shop.bookstore(["audit", "--format", "json"]).run().exits(0).json();
        audit["warnings"].to_string()
    };
    assert!(!warnings().contains("synchronous_commit"), "{}", warnings());
    let name = shop.database.name();
    shop.database.connect().run(&format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let warned = "the server has synchronous_commit = off";
    assert!(warnings().contains(warned), "{}", warnings());
}

fn holds_that_nobody_takes_back_are_a_warning(shop: &Shop) {
    let warnings = || {
        let audit = shop.bookstore(["audit", "--format", "json"]).run().exits(0).json();
        audit["warnings"].as_array().unwrap().clone()
    };
    let book = shop.book(5);
    shop.storefront.hold(&[(book, 1)], 600).expect(201);
    let usual = warnings().len();
    assert_eq!(shop.server().stop(), 0);
    shop.database.connect().run("UPDATE orders SET expires_at = '2026-01-01 00:00:00'");
    let warned = warnings();
    assert_eq!(warned.len(), usual + 1, "{warned:?}");
    assert!(warned[usual].as_str().unwrap().starts_with("1 holds ran out"), "{warned:?}");
    // The next one to open does it.
    let server = shop.second_server();
    let client = shop.storefront.at(&server);
    crate::kit::eventually(std::time::Duration::from_secs(30), "the copy is back", || {
        (client.quantity(book) == 5).then_some(())
    });
    assert_eq!(warnings().len(), usual);
}

fn everything_wrong_at_once_is_found_in_one_go(shop: &Shop) {
    let ledger = Ledger::new(shop);
    let others: [i64; 30] = shop.books([1; 30]);
    ledger.damage("UPDATE books SET quantity = quantity + 7; UPDATE orders SET total_minor = 1");
    let findings = ledger.findings();
    for book in others.iter().chain([&ledger.book]) {
        assert!(findings.iter().any(|finding| finding["book_id"] == *book), "{book}");
    }
    for order in [&ledger.order, &ledger.small_order] {
        assert!(findings.iter().any(|finding| finding["order_id"] == **order), "{order}");
    }
}
