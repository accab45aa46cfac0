//! Books come, change and go.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::kit::{Backend, Scenario, Shop, isbn, new_book};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_new_book_is_where_its_location_says,
        a_book_that_comes_with_copies_has_an_initial_movement,
        a_book_without_copies_has_no_movement,
        an_isbn_is_understood_in_every_spelling,
        an_isbn_that_does_not_hold_is_refused,
        the_same_isbn_twice_is_a_conflict_that_names_the_book,
        another_currency_is_refused,
        a_title_may_be_any_text_of_500_characters,
        a_change_needs_the_version_it_was_made_on,
        a_change_touches_only_what_it_names,
        a_sale_does_not_make_a_version_stale,
        of_two_changes_at_once_one_is_stale,
        an_isbn_can_be_corrected_but_not_to_that_of_another_book,
        an_archived_book_is_gone_but_its_history_stays,
];

fn a_new_book_is_where_its_location_says(shop: &Shop) {
    let isbn = isbn::thirteen(&isbn::unused_nine());
    let body = json!({
        "isbn": isbn, "title": "The Hobbit", "author": "J. R. R. Tolkien",
        "price": { "amount": 1299, "currency": "EUR" }, "quantity": 7,
    });
    let made = shop.admin.post("/v1/books", body).expect(201);
    let id = made["id"].as_i64().unwrap();
    assert_eq!(made.header("location"), format!("/v1/books/{id}"));

    let found = shop.storefront.anonymous().get(made.header("location")).expect(200);
    assert_eq!(found.body, made.body);
    assert_eq!(found.etag(), made.etag());

    let members: Vec<_> = found.body.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "id",
        "isbn",
        "title",
        "author",
        "price",
        "quantity",
        "version",
        "created_at",
        "updated_at",
    ];
    expected.sort_unstable();
    assert_eq!(members, expected);
    assert_eq!(found["isbn"], isbn);
    assert_eq!(found["title"], "The Hobbit");
    assert_eq!(found["author"], "J. R. R. Tolkien");
    assert_eq!(found["price"], json!({ "amount": 1299, "currency": "EUR" }));
    assert_eq!((&found["quantity"], &found["version"]), (&json!(7), &json!(1)));
    for time in ["created_at", "updated_at"] {
        assert_is_utc(&found[time]);
    }
}

/// RFC 3339 in UTC, and not long ago.
#[track_caller]
fn assert_is_utc(time: &Value) {
    let text = time.as_str().unwrap_or_else(|| panic!("{time} is no time"));
    assert!(text.ends_with('Z') || text.ends_with("+00:00"), "{text} is not UTC");
    let at = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    let age = chrono::Utc::now().signed_duration_since(at).num_minutes().abs();
    assert!(age < 30, "{text} is not now");
}

fn a_book_that_comes_with_copies_has_an_initial_movement(shop: &Shop) {
    let book = shop.book(5);
    let movements = shop.admin.movements(book);
    let [first] = movements.as_slice() else { panic!("{movements:?}") };
    assert_eq!((&first["book_id"], &first["seq"]), (&json!(book), &json!(1)));
    assert_eq!((&first["delta"], &first["quantity_after"]), (&json!(5), &json!(5)));
    assert_eq!((&first["reason"], &first["order_id"]), (&json!("initial"), &Value::Null));
    assert!(first["entry_id"].is_string());
}

fn a_book_without_copies_has_no_movement(shop: &Shop) {
    for quantity in [json!({}), json!({ "quantity": 0 })] {
        let book = shop.book_like(quantity);
        assert_eq!(shop.admin.quantity(book), 0);
        assert!(shop.admin.movements(book).is_empty());
    }
}

fn an_isbn_is_understood_in_every_spelling(shop: &Shop) {
    let nine = isbn::unused_nine();
    let (ten, thirteen) = (isbn::ten(&nine), isbn::thirteen(&nine));
    let id = shop.book_like(json!({ "isbn": ten }));
    assert_eq!(shop.admin.book(id)["isbn"], thirteen);

    let hyphens = format!("{}-{}-{}-{}", &ten[..1], &ten[1..4], &ten[4..9], &ten[9..]);
    let spaces = format!("{} {} {}", &thirteen[..3], &thirteen[3..8], &thirteen[8..]);
    for spelling in [&ten, &thirteen, &hyphens, &spaces] {
        let found = shop.storefront.get("/v1/books").query(&[("isbn", spelling)]).expect(200);
        assert_eq!(found["data"][0]["id"], id, "{spelling}\n{found}");
        assert_eq!(found["data"].as_array().unwrap().len(), 1);
    }

    for written in ["0-8044-2957-X", "080442957x"] {
        let body = new_book(json!({ "isbn": written }));
        let answer = shop.admin.post("/v1/books", body).send();
        match written.contains('-') {
            true => assert_eq!(answer.expect(201)["isbn"], "9780804429573"),
            false => drop(answer.refused(409, "duplicate_isbn")),
        }
    }
    assert_eq!(shop.book_like(json!({ "isbn": "979-10-90636-07-1" })).signum(), 1);
}

fn an_isbn_that_does_not_hold_is_refused(shop: &Shop) {
    let before = shop.database.fingerprint();
    let wrong = ["", "9780439023482", "0439023484", "043902348", "4006381333931", "97804390234811"];
    for isbn in wrong.into_iter().chain(["978043902348X", "X439023483", "٩٧٨٠٤٣٩٠٢٣٤٨١"])
    {
        let answer = shop.admin.post("/v1/books", new_book(json!({ "isbn": isbn })));
        let answer = answer.refused(422, "invalid_request");
        assert_eq!(answer["errors"][0]["pointer"], "/isbn", "\n{answer}");
        shop.storefront.get("/v1/books").query(&[("isbn", isbn)]).refused(400, "invalid_request");
    }
    assert_eq!(shop.database.fingerprint(), before);
}

fn the_same_isbn_twice_is_a_conflict_that_names_the_book(shop: &Shop) {
    let body = new_book(json!({ "quantity": 3 }));
    let first = shop.admin.post("/v1/books", body.clone()).expect(201);
    let second = shop.admin.post("/v1/books", body).refused(409, "duplicate_isbn");
    assert_eq!(second["book_id"], first["id"]);
}

fn another_currency_is_refused(shop: &Shop) {
    for currency in ["USD", "eur", ""] {
        let price = json!({ "price": { "amount": 5, "currency": currency } });
        let answer = shop.admin.post("/v1/books", new_book(price));
        let answer = answer.refused(422, "invalid_request");
        assert_eq!(answer["errors"][0]["pointer"], "/price/currency", "\n{answer}");
    }
}

fn a_title_may_be_any_text_of_500_characters(shop: &Shop) {
    let titles =
        ["雪国 — 'Schnee\"land' \\ %_ 🦆; DROP TABLE books", &"🦆".repeat(500), "\u{202e}x"];
    for title in titles {
        let author = "é".repeat(1_000);
        let id = shop.book_like(json!({ "title": title, "author": author, "quantity": 1 }));
        let book = shop.admin.book(id);
        assert_eq!((&book["title"], &book["author"]), (&json!(title), &json!(author)));
        let order = shop.storefront.buy(id, 1).expect(201);
        assert_eq!(order["lines"][0]["title"], title);
    }
    for (member, long) in [("title", "🦆".repeat(501)), ("author", "é".repeat(1_001))] {
        let answer = shop.admin.post("/v1/books", new_book(json!({ member: long })));
        let answer = answer.refused(422, "invalid_request");
        assert_eq!(answer["errors"][0]["pointer"], format!("/{member}"), "\n{answer}");
    }
}

fn a_change_needs_the_version_it_was_made_on(shop: &Shop) {
    let book = shop.book(1);
    let path = format!("/v1/books/{book}");
    let etag = shop.admin.book(book).etag();
    let change = json!({ "title": "Second thoughts" });

    shop.admin.patch(&path, change.clone()).refused(428, "precondition_required");
    let changed = shop.admin.patch(&path, change.clone()).if_match(&etag).expect(200);
    assert_eq!((&changed["title"], &changed["version"]), (&json!("Second thoughts"), &json!(2)));
    assert_ne!(changed.etag(), etag);
    assert_eq!(shop.admin.book(book).etag(), changed.etag());

    shop.admin.patch(&path, change.clone()).if_match(&etag).refused(412, "precondition_failed");
    let third = shop.admin.patch(&path, json!({ "title": "Third" })).if_match("*").expect(200);
    assert_eq!(third["version"], 3);
    // RFC 9110, 13.1.1: the header may list several tags.
    let list = format!("{etag}, {}", third.etag());
    shop.admin.patch(&path, json!({ "title": "Fourth" })).if_match(&list).expect(200);

    shop.admin.patch("/v1/books/999999", change).if_match("*").refused(404, "unknown_book");
}

fn a_change_touches_only_what_it_names(shop: &Shop) {
    let book = shop.book(4);
    let path = format!("/v1/books/{book}");
    let mut expected = shop.admin.book(book).body;
    let changes = [
        ("title", json!("New title")),
        ("author", json!("New author")),
        ("price", json!({ "amount": 1, "currency": "EUR" })),
        ("isbn", json!(isbn::thirteen(&isbn::unused_nine()))),
    ];
    for (version, (member, value)) in (2..).zip(changes) {
        let changed = shop.admin.patch(&path, json!({ member: value })).if_match("*").expect(200);
        // As moments: the text of a whole second has no fraction.
        let moment = |body: &Value| -> DateTime<Utc> {
            body["updated_at"].as_str().unwrap().parse().unwrap()
        };
        assert!(moment(&changed.body) >= moment(&expected));
        expected[member] = value;
        expected["version"] = json!(version);
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed.body, expected);
        assert_eq!(shop.admin.book(book).body, expected);
    }
    // The number of copies has doors of its own.
    let refused = shop.admin.patch(&path, json!({ "quantity": 9 })).if_match("*").send();
    let refused = refused.refused(422, "invalid_request");
    assert!(refused.body.to_string().contains("quantity"), "\n{refused}");
}

fn a_sale_does_not_make_a_version_stale(shop: &Shop) {
    let book = shop.book(4);
    let before = shop.admin.book(book);
    shop.storefront.buy(book, 1).expect(201);
    let after = shop.admin.book(book);
    assert_eq!(after["version"], before["version"]);
    assert_ne!(after.etag(), before.etag(), "the book reads differently, so its tag must differ");
    let path = format!("/v1/books/{book}");
    shop.admin.patch(&path, json!({ "title": "Sold once" })).if_match(&before.etag()).expect(200);
    assert_eq!(shop.admin.quantity(book), 3);
}

fn of_two_changes_at_once_one_is_stale(shop: &Shop) {
    let second = shop.second_server();
    for _ in 0..10 {
        let book = shop.book(0);
        let etag = shop.admin.book(book).etag();
        let editors = [shop.admin.clone(), shop.admin.at(&second)];
        let mut statuses = crate::kit::at_once(8, |number| {
            let change = json!({ "title": format!("Editor {number}") });
            let path = format!("/v1/books/{book}");
            editors[number % 2].patch(&path, change).if_match(&etag).send().status
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
        assert_eq!(shop.admin.book(book)["version"], 2);
    }
}

fn an_isbn_can_be_corrected_but_not_to_that_of_another_book(shop: &Shop) {
    let [one, other] = shop.books([0, 0]);
    let isbn = shop.admin.book(other)["isbn"].clone();
    let path = format!("/v1/books/{one}");
    let refused = shop.admin.patch(&path, json!({ "isbn": isbn })).if_match("*").send();
    assert_eq!(refused.refused(409, "duplicate_isbn")["book_id"], other);
    let own = shop.admin.book(one)["isbn"].clone();
    shop.admin.patch(&path, json!({ "isbn": own })).if_match("*").expect(200);
}

fn an_archived_book_is_gone_but_its_history_stays(shop: &Shop) {
    let book = shop.book(3);
    let order = shop.storefront.buy(book, 1).expect(201);
    let path = format!("/v1/books/{book}");
    assert!(shop.admin.delete(&path).expect(204).body.is_null());

    shop.admin.delete(&path).refused(404, "unknown_book");
    shop.admin.get(&path).refused(404, "unknown_book");
    shop.admin.patch(&path, json!({ "title": "x" })).if_match("*").refused(404, "unknown_book");
    shop.storefront.buy(book, 1).refused(404, "unknown_book");
    let refused = shop.storefront.order(&[(book, 1)]).refused(422, "unknown_book");
    assert_eq!(refused["book_ids"], json!([book]));
    shop.admin.restock(book, 1).refused(404, "unknown_book");
    shop.admin.restock_many(&[(book, 1)]).refused(422, "unknown_book");
    shop.admin.stocktake(book, 1).refused(404, "unknown_book");
    assert!(shop.admin.all("/v1/books", &[]).iter().all(|listed| listed["id"] != book));

    assert_eq!(shop.admin.movements(book).len(), 2);
    let kept = shop.storefront.get(&format!("/v1/orders/{}", order.id())).expect(200);
    assert_eq!(kept.body, order.body);
}
