//! The attacks of ACIDRain (Warszawski and Bailis, SIGMOD 2017), which broke into the stock, the vouchers
//! and the carts of twelve shop systems: two requests at once that each alone are harmless. Here from
//! many connections at two server processes. Those on one order or one key alone are in `races`,
//! `hold_races` and `idempotency`; docs/reliability.md lists them all.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::{Answer, Backend, Client, Company, Scenario, Shop, at_once, eventually};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        an_order_costs_what_its_lines_cost_while_prices_change,
        edits_and_sales_at_once_lose_neither,
        nothing_is_sold_after_an_archive_was_answered,
        nothing_is_ordered_once_a_token_was_refused,
        restocks_counts_and_sales_at_once_add_up,
        one_key_for_many_different_orders_buys_one_of_them,
        a_cancellation_and_a_return_at_once_bring_copies_back_once,
        a_reader_of_pages_meets_everything_that_stays,
        a_reader_of_a_ledger_meets_every_movement_once;
];

/// The admin or the storefront at one of two servers.
fn at_two(shop: &Shop, client: &Client) -> [Client; 2] {
    [client.at(&shop.wide_server()), client.at(&shop.wide_server())]
}

fn amount(money: &Value) -> i64 {
    money["amount"].as_i64().unwrap_or_else(|| panic!("no amount in {money}"))
}

fn path_of(book: i64) -> String {
    format!("/v1/books/{book}")
}

/// Total and lines are read and written by one transaction: no price of another moment gets in.
fn an_order_costs_what_its_lines_cost_while_prices_change(shop: &Shop) {
    const PRICES: [i64; 2] = [1, 1_000];
    let (admins, buyers) = (at_two(shop, &shop.admin), at_two(shop, &shop.storefront));
    let books = shop.books([10_000, 10_000]);
    let buying = Company::of(12);
    let orders = at_once(16, |thread| {
        let mut placed = Vec::new();
        if thread < 4 {
            for price in PRICES.iter().cycle().take_while(|_| buying.is_there()) {
                let body = json!({ "price": { "amount": price } });
                admins[thread % 2]
                    .patch(&path_of(books[thread / 2]), body)
                    .if_match("*")
                    .expect(200);
            }
            return placed;
        }
        let _buys = buying.companion();
        for _ in 0..15 {
            let lines = [(books[0], 2), (books[1], 3)];
            placed.push(buyers[thread % 2].order(&lines).expect(201));
        }
        placed
    });
    let orders: Vec<Answer> = orders.into_iter().flatten().collect();
    assert_eq!(orders.len(), 12 * 15);
    for order in &orders {
        let lines = order["lines"].as_array().unwrap();
        let mut total = 0;
        for line in lines {
            let price = amount(&line["unit_price"]);
            assert!(PRICES.contains(&price), "\n{order}");
            assert_eq!(amount(&line["total"]), price * line["quantity"].as_i64().unwrap());
            total += amount(&line["total"]);
        }
        assert_eq!(amount(&order["total"]), total, "\n{order}");
        let now = shop.storefront.get(order.header("location")).expect(200);
        assert_eq!(now.body, order.body, "what was sold at a price stays sold at it");
    }
}

/// A sale does not bump the version of the book, and an edit does not write the quantity.
fn edits_and_sales_at_once_lose_neither(shop: &Shop) {
    const EDITORS: usize = 6;
    const BUYERS: usize = 6;
    const ROUNDS: usize = 10;
    let (admins, buyers) = (at_two(shop, &shop.admin), at_two(shop, &shop.storefront));
    let book = shop.book(1_000);
    let first_version = shop.admin.book(book)["version"].as_i64().unwrap();
    let edits = at_once(EDITORS + BUYERS, |thread| {
        let mut done = 0;
        for round in 0..ROUNDS {
            if thread >= EDITORS {
                buyers[thread % 2].buy(book, 1).expect(201);
                continue;
            }
            // Reads, and writes only if nobody else has written since.
            let etag = admins[thread % 2].book(book).etag();
            let title = json!({ "title": format!("Edition {thread} {round}") });
            let edit = admins[thread % 2].patch(&path_of(book), title).if_match(&etag).send();
            assert!(matches!(edit.status, 200 | 412), "\n{edit}");
            done += i64::from(edit.status == 200);
        }
        done
    });
    let now = shop.admin.book(book);
    let edits: i64 = edits.iter().sum();
    assert!(edits > 0);
    assert_eq!(now["version"].as_i64().unwrap(), first_version + edits, "an edit was lost\n{now}");
    assert_eq!(now["quantity"], 1_000 - (BUYERS * ROUNDS) as i64, "a sale was lost\n{now}");
}

fn nothing_is_sold_after_an_archive_was_answered(shop: &Shop) {
    let (admins, buyers) = (at_two(shop, &shop.admin), at_two(shop, &shop.storefront));
    let [book, other] = shop.books([1_000_000, 1_000_000]);
    let is_archived = AtomicBool::new(false);
    let archiving = Company::of(1);
    let sold = AtomicUsize::new(0);
    at_once(13, |thread| {
        if thread == 0 {
            let _archives = archiving.companion();
            eventually(Duration::from_secs(60), "the sale goes on", || {
                (sold.load(Ordering::Acquire) >= 30).then_some(())
            });
            admins[0].delete(&path_of(book)).expect(204);
            is_archived.store(true, Ordering::Release);
            return;
        }
        // Also as a line beside a book that is for sale.
        let lines = [(other, 1), (book, 1)];
        loop {
            let is_last = !archiving.is_there();
            let was_archived = is_archived.load(Ordering::Acquire);
            let answer = buyers[thread % 2].order(&lines[thread % 2..]).send();
            match answer.status {
                201 => assert!(!was_archived, "sold after it was archived\n{answer}"),
                _ => drop(answer.refused(422, "unknown_book")),
            }
            sold.fetch_add(1, Ordering::Release);
            if is_last {
                return;
            }
        }
    });
    let orders = shop.admin.all("/v1/orders", &[("limit", "100")]);
    let copies = |book: i64| -> i64 {
        let lines = orders.iter().flat_map(|order| order["lines"].as_array().unwrap());
        lines.filter(|line| line["book_id"] == book).map(|l| l["quantity"].as_i64().unwrap()).sum()
    };
    // The refused orders took nothing of the book that was beside it.
    assert_eq!(shop.admin.quantity(other), 1_000_000 - copies(other));
    let ledger = shop.admin.movements(book);
    assert_eq!(ledger.len() as i64, 1 + copies(book));
}

/// A server may trust a token for two seconds more; once it has refused it, it never takes it again.
fn nothing_is_ordered_once_a_token_was_refused(shop: &Shop) {
    let book = shop.book(1_000_000);
    let token = shop.token("storefront", "a shop that closes");
    let id = "SELECT id FROM clients WHERE name = 'a shop that closes'";
    let id = shop.database.connect().number(id);
    let thieves = at_two(shop, &shop.storefront.with_token(&token));
    let bought = AtomicUsize::new(0);
    let orders = at_once(9, |thread| {
        let mut orders = BTreeSet::new();
        if thread == 0 {
            eventually(Duration::from_secs(60), "the shop sells", || {
                (bought.load(Ordering::Relaxed) >= 20).then_some(())
            });
            shop.bookstore(["token", "revoke", &id.to_string()]).run().exits(0);
            return orders;
        }
        let thief = &thieves[thread % 2];
        eventually(Duration::from_secs(60), "the token is refused", || {
            let answer = thief.buy(book, 1).send();
            if answer.status == 401 {
                return Some(());
            }
            orders.insert(answer.expect(201).id());
            bought.fetch_add(1, Ordering::Relaxed);
            None
        });
        for _ in 0..5 {
            thief.buy(book, 1).refused(401, "unauthorized");
        }
        orders
    });
    let orders: BTreeSet<String> = orders.into_iter().flatten().collect();
    let listed = shop.admin.all("/v1/orders", &[("limit", "100")]);
    let listed: BTreeSet<_> = listed.iter().map(|o| o["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, orders, "an order without an answer, or an answer without an order");
    assert_eq!(shop.admin.quantity(book), 1_000_000 - orders.len() as i64);
}

/// Read a number, write a number: a count is the lost update by design, unless it says what it expects.
fn restocks_counts_and_sales_at_once_add_up(shop: &Shop) {
    const ROUNDS: usize = 12;
    let (admins, buyers) = (at_two(shop, &shop.admin), at_two(shop, &shop.storefront));
    let book = shop.book(10_000);
    let moved = at_once(15, |thread| {
        let mut moved = 0;
        for round in 0..ROUNDS {
            let admin = &admins[round % 2];
            moved += match thread % 3 {
                0 => {
                    buyers[round % 2].buy(book, 2).expect(201);
                    -2
                }
                1 => admin.restock(book, 7).expect(201)["delta"].as_i64().unwrap(),
                _ => {
                    // The counter found three copies fewer than there were when it looked.
                    let seen = admin.quantity(book);
                    let count = admin.stocktake_expecting(book, seen - 3, seen).send();
                    match count.status {
                        201 => count["delta"].as_i64().unwrap(),
                        _ => {
                            count.refused(409, "stale_quantity");
                            0
                        }
                    }
                }
            };
        }
        moved
    });
    for (thread, moved) in moved.iter().enumerate() {
        assert!(thread % 3 < 2 || moved % 3 == 0, "a count moved what others had moved: {moved}");
    }
    assert_eq!(shop.admin.quantity(book), 10_000 + moved.iter().sum::<i64>());
}

/// What a voucher is elsewhere: something that may be used once.
fn one_key_for_many_different_orders_buys_one_of_them(shop: &Shop) {
    let buyers = at_two(shop, &shop.storefront);
    let books: [i64; 8] = shop.books([100; 8]);
    for round in 0..5 {
        let key = format!("voucher {round}");
        let answers = at_once(16, |thread| {
            let lines = [(books[thread % 8], 1 + thread as i64 / 8)];
            buyers[thread / 4 % 2].order(&lines).key(&key).send()
        });
        let (placed, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(placed.len(), 1, "one key, {} orders", placed.len());
        refused.into_iter().for_each(|answer| drop(answer.refused(422, "idempotency_key_reused")));
    }
    assert_eq!(shop.storefront.all("/v1/orders", &[("limit", "100")]).len(), 5);
}

fn a_cancellation_and_a_return_at_once_bring_copies_back_once(shop: &Shop) {
    let admins = at_two(shop, &shop.admin);
    let book = shop.book(100);
    for _ in 0..10 {
        let order = shop.storefront.buy(book, 5).expect(201);
        let answers = at_once(8, |thread| {
            let admin = &admins[thread / 2 % 2];
            match thread % 2 {
                0 => admin.cancel(&order).send(),
                _ => admin.take_back(&order, &[(book, 5)]).send(),
            }
        });
        let granted = |parity: usize, status: u16| {
            let of_kind = answers.iter().skip(parity).step_by(2);
            of_kind.filter(|answer| answer.status == status).count()
        };
        // All who cancel are told that it is cancelled, or one return has won.
        let (cancelled, returned) = (granted(0, 200), granted(1, 201));
        assert!(matches!((cancelled, returned), (4, 0) | (0, 1)), "{cancelled}, {returned}");
        assert_eq!(shop.admin.quantity(book), 100);
    }
}

/// A cursor is a place in an order, not a count of rows: what comes and goes before it shifts nothing.
fn a_reader_of_pages_meets_everything_that_stays(shop: &Shop) {
    let admins = at_two(shop, &shop.admin);
    let stays: BTreeSet<i64> =
        (0..60).map(|n| shop.titled(&format!("Title {:02}", n * 7 % 60), "Stays")).collect();
    let reading = Company::of(4);
    at_once(8, |thread| {
        if thread < 4 {
            // Books come and go everywhere between the others.
            for round in (0..).take_while(|_| reading.is_there()) {
                let title = format!("Title {:02} and more", (thread * 13 + round * 7) % 60);
                let book = shop.titled(&title, "Goes");
                admins[thread % 2].delete(&path_of(book)).expect(204);
            }
            return;
        }
        let _reads = reading.companion();
        for sort in ["title", "-title", "id", "-id", "price"] {
            let query = [("sort", sort), ("limit", "7")];
            let read = admins[thread % 2].all("/v1/books", &query);
            let read = read.iter().filter(|book| book["author"] == "Stays");
            let read: Vec<i64> = read.map(|book| book["id"].as_i64().unwrap()).collect();
            assert_eq!(read.len(), stays.len(), "{sort}: missed some, or met some twice");
            assert_eq!(read.into_iter().collect::<BTreeSet<_>>(), stays, "{sort}");
        }
    });
}

fn a_reader_of_a_ledger_meets_every_movement_once(shop: &Shop) {
    let (admins, buyers) = (at_two(shop, &shop.admin), at_two(shop, &shop.storefront));
    let book = shop.book(1_000_000);
    (0..40).for_each(|_| drop(shop.storefront.buy(book, 1).expect(201)));
    let reading = Company::of(3);
    at_once(8, |thread| {
        if thread < 5 {
            while reading.is_there() {
                buyers[thread % 2].buy(book, 1).expect(201);
            }
            return;
        }
        let _reads = reading.companion();
        for _ in 0..3 {
            let path = format!("{}/movements", path_of(book));
            let read = admins[thread % 2].all(&path, &[("limit", "9")]);
            let newest = read[0]["seq"].as_i64().unwrap();
            let seqs: Vec<i64> = read.iter().map(|one| one["seq"].as_i64().unwrap()).collect();
            assert_eq!(seqs, (1..=newest).rev().collect::<Vec<_>>());
            for (newer, older) in read.iter().zip(&read[1..]) {
                let after = older["quantity_after"].as_i64().unwrap();
                let delta = newer["delta"].as_i64().unwrap();
                assert_eq!(newer["quantity_after"], after + delta, "{older} {newer}");
            }
        }
    });
}
