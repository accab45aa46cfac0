//! Text is data: whatever somebody calls a book, an author, a delivery, a request or a client comes back
//! as it went in, from every database; and whatever is searched for, there is an answer.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::import::{Files, book_of, counts, rejects};
use crate::kit::{Backend, Scenario, Shop, isbn};
use crate::scenarios;
use crate::words::ODD;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_book_keeps_its_text_where_it_is_edited_and_where_it_is_sold,
        a_reference_keeps_its_text,
        a_key_stands_for_itself_alone,
        a_client_keeps_its_name,
        an_import_keeps_the_text_of_its_file,
        nul_is_refused_wherever_text_is_kept,
        nul_in_an_address_names_nothing,
        any_book_is_found_by_its_own_text,
        any_query_has_an_answer;
];

/// What is hard to store, to compare, to draw, or to keep apart from a program.
const HARD: [&str; 34] = [
    "'; DROP TABLE books; --",
    "1' OR '1'='1",
    "\" OR \"\"=\"",
    "%' OR title LIKE '%",
    "\\0 \\x00 \\u0000 %00",
    "\\\\' \\\" \\n",
    "$$ $1 :name @variable ?",
    "title:* AND NOT (author)",
    "'foo' & !bar | baz:*",
    "+must -not >more <less ~near",
    "NULL",
    "null",
    "<script>alert(1)</script>",
    "&lt;&#0;&amp;",
    "{{7*7}} ${7*7} %s%n",
    "=1+1",
    "\u{1f4da}\u{1f986}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{1f3fd}",
    "\u{1d518}\u{1d52b}\u{1d526}\u{20000}\u{2f800}",
    "\u{10ffff}\u{e000}\u{ffff}\u{fffd}",
    "\u{202e}gnirts\u{202c}",
    "\u{200f}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{200e} abc",
    "\u{2067}\u{645}\u{631}\u{62d}\u{628}\u{627}\u{2069}",
    "\u{feff}mark",
    "zero\u{200b}width\u{2060}",
    "e\u{301}\u{323} \u{e9} \u{1e17}",
    "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}",
    "\u{212b} \u{c5} A\u{30a}",
    "\u{130}\u{131}\u{df}\u{1e9e}\u{3c2}",
    "\u{fb01} \u{ff21} \u{2460} \u{bd}",
    "\u{1100}\u{1161}\u{11a8} \u{ac01}",
    "\u{915}\u{94d}\u{937}\u{93f}",
    "no\u{a0}break\u{2028}line\u{3000}wide",
    "\u{ad}soft\u{ad}",
];

fn texts() -> impl Iterator<Item = &'static str> {
    HARD.into_iter().chain(ODD)
}

fn a_book_keeps_its_text_where_it_is_edited_and_where_it_is_sold(shop: &Shop) {
    let book = shop.book(1_000);
    let path = format!("/v1/books/{book}");
    for text in texts() {
        let change = json!({ "title": text, "author": text });
        let edited = shop.admin.patch(&path, change).if_match("*").expect(200);
        let there = shop.storefront.book(book);
        for answer in [&edited, &there] {
            assert_eq!((&answer["title"], &answer["author"]), (&json!(text), &json!(text)));
        }
        let order = shop.storefront.buy(book, 1).expect(201);
        let read = shop.storefront.get(order.header("location")).expect(200);
        let listed = shop.storefront.get("/v1/orders").query(&[("limit", "1")]).expect(200);
        for order in [&order.body, &read.body, &listed["data"][0]] {
            assert_eq!(order["lines"][0]["title"], text);
        }
    }
}

fn a_reference_keeps_its_text(shop: &Shop) {
    let book = shop.book(1_000);
    let order = shop.storefront.buy(book, 1_000).expect(201);
    let line = json!([{ "book_id": book, "quantity": 1 }]);
    for text in texts() {
        let one = json!({ "quantity": 1, "reference": text });
        let many = json!({ "lines": line, "reference": text });
        let moved = shop.admin.post(&format!("/v1/books/{book}/restocks"), one).expect(201);
        let arrived = shop.admin.post("/v1/restocks", many.clone()).expect(201);
        let back = shop.admin.post(&format!("/v1/orders/{}/returns", order.id()), many).expect(201);
        for said in [&moved["reference"], &arrived["reference"], &back["reference"]] {
            assert_eq!(said, text);
        }
        let ledger = format!("/v1/books/{book}/movements");
        let ledger = shop.admin.get(&ledger).query(&[("limit", "3")]).expect(200);
        for movement in ledger["data"].as_array().unwrap() {
            assert_eq!(movement["reference"], text);
        }
    }
}

fn a_key_stands_for_itself_alone(shop: &Shop) {
    let book = shop.book(1_000);
    let near =
        ["a", "A", "aa", "a a", "a  a", "a'", "a''", "a%", "a_", "a\\", "a\\\\", "~", "0", "00"];
    let keys: BTreeSet<&str> = texts().filter(|text| text.is_ascii()).chain(near).collect();
    assert!(keys.len() > 50);
    let buy = |key: &str| shop.storefront.buy(book, 1).key(key).expect(201);
    let first: Vec<_> = keys.iter().map(|key| buy(key)).collect();
    let orders: BTreeSet<String> = first.iter().map(|order| order.id()).collect();
    assert_eq!(orders.len(), keys.len(), "two keys were taken for one");
    for (key, first) in keys.iter().zip(&first) {
        buy(key).replays(first);
    }
    assert_eq!(shop.storefront.quantity(book), 1_000 - keys.len() as i64);
    for text in texts().filter(|text| !text.is_ascii()) {
        shop.storefront.buy(book, 1).key(text).refused(400, "invalid_request");
    }
}

fn a_client_keeps_its_name(shop: &Shop) {
    for text in HARD {
        shop.token("storefront", text);
    }
    let listed = shop.bookstore(["token", "list", "--format", "json"]).run().exits(0).json();
    let names: Vec<&Value> =
        listed.as_array().unwrap().iter().map(|client| &client["name"]).collect();
    for text in HARD {
        assert!(names.contains(&&json!(text)), "{text:?} is not among {names:?}");
    }
}

/// What an import makes of white space within: a title stands on one line.
fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn an_import_keeps_the_text_of_its_file(shop: &Shop) {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["isbn", "title", "author", "price", "quantity"]).unwrap();
    let mut write = |title: &str, author: &str| {
        let isbn = isbn::thirteen(&isbn::unused_nine());
        file.write_record([&isbn, title, author, "1.00", "1"]).unwrap();
        isbn
    };
    let good: Vec<_> = texts().map(|text| (text, write(text, text))).collect();
    let bad = [write("nul\0inside", "A"), write("T", "\0"), write("bell\u{7}", "A")];
    let files = Files::with(file.into_inner().unwrap());
    let report = files.import(shop, &[]).exits(1).json();
    let (taken, left) = (good.len() as i64, bad.len() as i64);
    assert_eq!(counts(&report), [taken + left, taken, 0, 0, left], "{report}");
    for (text, isbn) in good {
        let book = book_of(shop, &isbn).unwrap_or_else(|| panic!("{text:?} is not in"));
        let text = on_one_line(text);
        assert_eq!((&book["title"], &book["author"]), (&json!(text), &json!(text)));
    }
    let reasons = rejects(&files.path("books.rejects.csv"));
    assert!(reasons.iter().all(|(_, reason, _)| reason.contains("control")), "{reasons:?}");
    assert!(bad.iter().all(|isbn| book_of(shop, isbn).is_none()));
}

fn nul_is_refused_wherever_text_is_kept(shop: &Shop) {
    let order = shop.storefront.buy(shop.book(1), 1).expect(201);
    shop.is_unchanged_by(|book| {
        let line = json!([{ "book_id": book, "quantity": 1 }]);
        let of = |part: &str| format!("/v1/books/{book}{part}");
        let new = |title: &str, author: &str| {
            let isbn = isbn::thirteen(&isbn::unused_nine());
            json!({ "isbn": isbn, "title": title, "author": author, "price": { "amount": 1 } })
        };
        for text in ["\0", "nul\0inside", "\0before", "after\0", "\u{1f4da}\0", "' OR 1=1\0--"] {
            let returns = format!("/v1/orders/{}/returns", order.id());
            for (method, path, body, pointer) in [
                (Method::POST, "/v1/books", new(text, "A"), "/title"),
                (Method::POST, "/v1/books", new("T", text), "/author"),
                (Method::PATCH, &*of(""), json!({ "title": text }), "/title"),
                (Method::PATCH, &*of(""), json!({ "author": text }), "/author"),
                (
                    Method::POST,
                    &*of("/restocks"),
                    json!({ "quantity": 1, "reference": text }),
                    "/reference",
                ),
                (
                    Method::POST,
                    "/v1/restocks",
                    json!({ "lines": line, "reference": text }),
                    "/reference",
                ),
                (
                    Method::POST,
                    &*returns,
                    json!({ "lines": line, "reference": text }),
                    "/reference",
                ),
            ] {
                let call = shop.admin.call(method, path).json(&body).if_match("*");
                let refused = call.refused(422, "invalid_request");
                assert_eq!(refused["errors"][0]["pointer"], pointer, "\n{refused}");
                let detail = refused["errors"][0]["detail"].as_str().unwrap();
                assert!(detail.contains("U+0000"), "\n{refused}");
            }
        }
    });
}

fn nul_in_an_address_names_nothing(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        for path in ["/v1/books/%00", "/v1/orders/%00", "/problems/%00", "/docs/%00", "/%00"] {
            let answer = shop.admin.get(path).send();
            assert_eq!(answer.status, 404, "\n{answer}");
        }
        for (path, names) in [
            ("/v1/books".to_owned(), &["isbn", "sort", "after", "ids", "limit", "in_stock"][..]),
            ("/v1/orders".to_owned(), &["status", "from", "until", "after", "limit"]),
            (format!("/v1/books/{book}/movements"), &["reason", "after", "limit"]),
            (format!("/v1/books/{book}/holds"), &["after", "limit"]),
        ] {
            for name in names {
                for text in ["%00", "1%00", "%001"] {
                    let call = shop.admin.get(&format!("{path}?{name}={text}"));
                    call.refused(400, "invalid_request");
                }
            }
        }
    });
}

/// Texts of all kinds of characters, the same in every run.
fn random_texts(count: usize, piece: impl Strategy<Value = String>) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let text = prop::collection::vec(piece, 1..10).prop_map(|pieces| pieces.concat());
    // As long as a query may be.
    let text = text.prop_map(|text| text.chars().take(200).collect::<String>());
    (0..count).map(|_| text.new_tree(&mut runner).unwrap().current()).collect()
}

/// What may be in a title: no control characters.
fn writable() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "\\PC{1,12}",
        2 => "[a-zà-ÿа-яא-תア-ヺ가-힣]{1,8}",
        2 => any::<char>().prop_filter("text", |c| !c.is_control()).prop_map(String::from),
        2 => prop::sample::select(texts().collect::<Vec<_>>()).prop_map(str::to_owned),
        2 => Just(" ".to_owned()),
    ]
}

fn found(shop: &Shop, query: &str) -> Vec<i64> {
    let books = shop.storefront.all("/v1/books", &[("q", query), ("limit", "100")]);
    books.iter().map(|book| book["id"].as_i64().unwrap()).collect()
}

fn any_book_is_found_by_its_own_text(shop: &Shop) {
    let texts: Vec<String> = random_texts(160, writable())
        .into_iter()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    assert!(texts.len() > 100);
    let mut books = Vec::new();
    for (title, author) in texts.iter().zip(texts.iter().skip(1)) {
        let book = shop.titled(title, author);
        let there = shop.storefront.book(book);
        assert_eq!((&there["title"], &there["author"]), (&json!(title), &json!(author)));
        // Without a single word a query finds everything, and so this book as well.
        for query in [title, author, &title.to_lowercase(), &format!("\u{200f}{title} \u{301}")] {
            let query: String = query.chars().take(200).collect();
            assert!(found(shop, &query).contains(&book), "{title:?} by {author:?}: q={query:?}");
        }
        books.push((title, book));
    }
    // Whatever the titles are, a walk through the pages comes by each book once, and in their order.
    books.sort_unstable();
    let ids: Vec<i64> = books.iter().map(|(_, book)| *book).collect();
    let walk = |sort: &str| {
        let listed = shop.storefront.all("/v1/books", &[("sort", sort), ("limit", "7")]);
        listed.iter().map(|book| book["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(walk("title"), ids);
    assert_eq!(walk("-title"), ids.iter().rev().copied().collect::<Vec<_>>());
}

fn any_query_has_an_answer(shop: &Shop) {
    for text in ["plain words", "O'Brien 100%", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "\u{1f4da}"] {
        shop.titled(text, text);
    }
    let anything = prop_oneof![
        3 => any::<String>(),
        3 => prop::sample::select(texts().collect::<Vec<_>>()).prop_map(str::to_owned),
        2 => prop::sample::select(vec!["\0", "\r\n", "\u{1b}[2J", "\u{7f}", "\u{85}", "a", " ", "OR"])
            .prop_map(str::to_owned),
    ];
    let sorts = ["id", "-id", "title", "-title", "price", "-price"];
    for (number, query) in random_texts(400, anything).iter().enumerate() {
        let call = [("q", query.as_str()), ("sort", sorts[number % sorts.len()]), ("limit", "2")];
        shop.storefront.get("/v1/books").query(&call).expect(200);
    }
    // Bytes that are no text: half a character, a NUL in two bytes, a surrogate, one beyond the last.
    for bytes in ["%ff", "%c3", "%c0%80", "%ed%a0%80", "%f4%90%80%80", "a%", "%zz", "%u0000"] {
        let answer = shop.storefront.get(&format!("/v1/books?q={bytes}")).send();
        assert!(matches!(answer.status, 200 | 400), "\n{answer}");
    }
    let long = "\u{1f4da}".repeat(201);
    shop.storefront.get("/v1/books").query(&[("q", &long)]).refused(400, "invalid_request");
    shop.storefront.get("/v1/books").query(&[("q", &long[4..])]).expect(200);
}
