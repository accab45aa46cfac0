//! Lists come in pages: complete, in order, and steady while the catalogue changes under them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kit::{Backend, Client, Scenario, Shop};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        pages_of_any_size_hold_the_same_books_in_the_same_order,
        titles_are_in_the_order_of_their_characters,
        a_cursor_survives_books_that_come_and_go,
        a_cursor_of_one_list_does_not_fit_another,
        a_page_is_20_long_unless_asked_otherwise,
        movements_come_newest_first_and_by_reason,
        a_movement_cursor_survives_new_movements,
];

const SORTS: [&str; 6] = ["title", "-title", "price", "-price", "id", "-id"];

/// Thirty books with many equal titles and prices, so that ties are everywhere.
fn fill(shop: &Shop) {
    for number in 0..30 {
        shop.book_like(json!({
            "title": format!("Title {}", number % 4),
            "price": { "amount": number * 7 % 5 },
            "quantity": number % 2,
        }));
    }
}

fn ids(books: &[Value]) -> Vec<i64> {
    books.iter().map(|book| book["id"].as_i64().unwrap()).collect()
}

fn pages_of_any_size_hold_the_same_books_in_the_same_order(shop: &Shop) {
    fill(shop);
    for sort in SORTS {
        let whole = shop.storefront.all("/v1/books", &[("sort", sort), ("limit", "100")]);
        assert_eq!(ids(&whole).into_iter().collect::<BTreeSet<_>>().len(), 30, "{sort}");
        assert_is_sorted(&whole, sort);
        for limit in ["1", "7", "29", "30"] {
            let pages = shop.storefront.all("/v1/books", &[("sort", sort), ("limit", limit)]);
            assert_eq!(ids(&pages), ids(&whole), "sort={sort} limit={limit}");
        }
        let stocked = [("sort", sort), ("limit", "4"), ("in_stock", "true"), ("q", "title")];
        let stocked = shop.storefront.all("/v1/books", &stocked);
        let expected: Vec<_> = whole.iter().filter(|book| book["quantity"] == 1).cloned().collect();
        assert_eq!(ids(&stocked), ids(&expected), "{sort}");
    }
    assert_eq!(
        ids(&shop.storefront.all("/v1/books", &[])),
        ids(&shop.storefront.all("/v1/books", &[])),
    );
}

#[track_caller]
fn assert_is_sorted(books: &[Value], sort: &str) {
    let key = |book: &Value| -> (String, i64) {
        match sort.trim_start_matches('-') {
            "title" => (book["title"].as_str().unwrap().to_owned(), 0),
            "price" => (String::new(), book["price"]["amount"].as_i64().unwrap()),
            _ => (String::new(), book["id"].as_i64().unwrap()),
        }
    };
    let mut keys: Vec<_> = books.iter().map(key).collect();
    if sort.starts_with('-') {
        keys.reverse();
    }
    assert!(keys.is_sorted(), "sort={sort}: {keys:?}");
}

fn titles_are_in_the_order_of_their_characters(shop: &Shop) {
    // One order on every database, so that a page means the same everywhere.
    let titles =
        ["Zebra", "apple", "Éclair", "Apple", "\u{1f986} duck", "100", "\u{ffee}", "a", "A B"];
    for title in titles {
        shop.titled(title, "someone");
    }
    let mut expected = titles;
    expected.sort_unstable();
    let found = shop.storefront.all("/v1/books", &[("sort", "title"), ("limit", "2")]);
    let found: Vec<_> = found.iter().map(|book| book["title"].as_str().unwrap()).collect();
    assert_eq!(found, expected);
}

fn a_cursor_survives_books_that_come_and_go(shop: &Shop) {
    for sort in SORTS {
        let old: BTreeSet<_> = (0..12)
            .map(|number| shop.book_like(json!({ "title": format!("{sort} {number:02}"), "price": { "amount": number } })))
            .collect();
        let mut seen = Vec::new();
        let mut after = String::new();
        let mut archived = None;
        loop {
            let mut query = vec![("sort", sort), ("limit", "3")];
            if !after.is_empty() {
                query.push(("after", &after));
            }
            let page = shop.storefront.get("/v1/books").query(&query).expect(200);
            seen.extend(ids(page["data"].as_array().unwrap()));
            let Some(next) = page["next"].as_str() else { break };
            after = next.to_owned();
            // Books arrive before, at and behind the cursor, and the one it stands on goes. Only for
            // some pages: a list that grows as fast as it is read has no end.
            for title in ["!", "m", "~"].iter().filter(|_| seen.len() < 12) {
                shop.book_like(json!({ "title": title, "price": { "amount": 6 } }));
            }
            let stands_on = *seen.last().unwrap();
            if archived.is_none() && old.contains(&stands_on) {
                shop.admin.delete(&format!("/v1/books/{stands_on}")).expect(204);
                archived = Some(stands_on);
            }
        }
        let times_seen = |id: &i64| seen.iter().filter(|other| *other == id).count();
        for id in &old {
            assert_eq!(times_seen(id), 1, "sort={sort}: book {id} in {seen:?}");
        }
    }
}

fn a_cursor_of_one_list_does_not_fit_another(shop: &Shop) {
    let book = shop.book(100);
    fill(shop);
    for _ in 0..3 {
        shop.storefront.buy(book, 1).expect(201);
    }
    let next = |client: &Client, path: &str, query: &[(&str, &str)]| {
        client.get(path).query(query).query(&[("limit", "2")]).expect(200)["next"]
            .as_str()
            .unwrap_or_else(|| panic!("{path}: no next page"))
            .to_owned()
    };
    let movements = format!("/v1/books/{book}/movements");
    let cursors = [
        ("/v1/books", "title", next(&shop.admin, "/v1/books", &[("sort", "title")])),
        ("/v1/books", "-title", next(&shop.admin, "/v1/books", &[("sort", "-title")])),
        ("/v1/books", "price", next(&shop.admin, "/v1/books", &[("sort", "price")])),
        ("/v1/orders", "", next(&shop.admin, "/v1/orders", &[])),
        (&movements, "", next(&shop.admin, &movements, &[])),
    ];
    for (path, sort, _) in &cursors {
        for (other_path, other_sort, cursor) in &cursors {
            let mut query = vec![("after", cursor.as_str())];
            if !sort.is_empty() {
                query.push(("sort", sort));
            }
            let answer = shop.admin.get(path).query(&query).send();
            match (path, sort) == (other_path, other_sort) {
                true => drop(answer.expect(200)),
                false => drop(answer.refused(400, "invalid_request")),
            }
        }
    }
}

fn a_page_is_20_long_unless_asked_otherwise(shop: &Shop) {
    fill(shop);
    let page = shop.storefront.get("/v1/books").expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 20);
    assert!(page["next"].is_string());
    let last = shop.storefront.get("/v1/books").query(&[("limit", "30")]).expect(200);
    assert_eq!(last["data"].as_array().unwrap().len(), 30);
    assert!(last["next"].is_null(), "nothing follows\n{last}");
    for limit in ["0", "101", "-1", "x", "", "1.5", "99999999999999999999"] {
        for path in ["/v1/books", "/v1/orders"] {
            let call = shop.admin.get(path).query(&[("limit", limit)]);
            call.refused(400, "invalid_request");
        }
    }
    for (name, value) in [("sort", "author"), ("sort", ""), ("in_stock", "perhaps"), ("after", "")]
    {
        shop.admin.get("/v1/books").query(&[(name, value)]).refused(400, "invalid_request");
    }
}

fn movements_come_newest_first_and_by_reason(shop: &Shop) {
    let book = shop.book(10);
    shop.storefront.buy(book, 2).expect(201);
    shop.admin.restock(book, 5).expect(201);
    shop.storefront.buy(book, 1).expect(201);
    shop.admin.stocktake(book, 20).expect(201);

    let path = format!("/v1/books/{book}/movements");
    let all = shop.admin.movements(book);
    let story = |movements: &[Value]| -> Vec<(i64, String, i64, i64)> {
        let row = |m: &Value| {
            let number = |name: &str| m[name].as_i64().unwrap();
            (
                number("seq"),
                m["reason"].as_str().unwrap().to_owned(),
                number("delta"),
                number("quantity_after"),
            )
        };
        movements.iter().map(row).collect()
    };
    let expected = [
        (5, "stocktake".to_owned(), 8, 20),
        (4, "sale".to_owned(), -1, 12),
        (3, "restock".to_owned(), 5, 13),
        (2, "sale".to_owned(), -2, 8),
        (1, "initial".to_owned(), 10, 10),
    ];
    assert_eq!(story(&all), expected);
    assert_eq!(story(&shop.admin.all(&path, &[("limit", "2")])), expected);
    let exact = shop.admin.get(&path).query(&[("limit", "5")]).expect(200);
    assert_eq!((exact["data"].as_array().unwrap().len(), &exact["next"]), (5, &Value::Null));
    let sales = shop.admin.all(&path, &[("reason", "sale"), ("limit", "1")]);
    assert_eq!(story(&sales), [expected[1].clone(), expected[3].clone()]);
    shop.admin.get(&path).query(&[("reason", "theft")]).refused(400, "invalid_request");
    shop.admin.get("/v1/books/999999/movements").refused(404, "unknown_book");
}

fn a_movement_cursor_survives_new_movements(shop: &Shop) {
    let book = shop.book(100);
    for _ in 0..5 {
        shop.storefront.buy(book, 1).expect(201);
    }
    let path = format!("/v1/books/{book}/movements");
    let first = shop.admin.get(&path).query(&[("limit", "2")]).expect(200);
    for _ in 0..5 {
        shop.storefront.buy(book, 1).expect(201);
    }
    let after = [("limit", "2"), ("after", first["next"].as_str().unwrap())];
    let second = shop.admin.get(&path).query(&after).expect(200);
    let seqs: Vec<_> =
        second["data"].as_array().unwrap().iter().map(|m| m["seq"].clone()).collect();
    assert_eq!(seqs, [4, 3]);
}
