//! Whatever body is sent, the answer is a refusal that says why, never a 5xx, and nothing has changed.

use reqwest::Method;
use serde_json::json;

use crate::kit::{Answer, Backend, Scenario, Shop, isbn};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        broken_json_is_refused,
        wrong_types_and_numbers_are_refused_by_name,
        unknown_fields_are_refused_by_name,
        what_changes_something_takes_no_parameters,
        missing_fields_are_refused_by_name,
        text_that_no_database_should_see_is_refused,
];

const JSON: &str = "application/json";

/// Every POST and PATCH with a body, as (method, path, a body that is right).
pub fn bodies(book: i64) -> Vec<(Method, String, String)> {
    let isbn = isbn::thirteen(&isbn::unused_nine());
    let line = format!(r#"{{"book_id":{book},"quantity":1}}"#);
    let of = |part: &str| format!("/v1/books/{book}{part}");
    let new = format!(
        r#"{{"isbn":"{isbn}","title":"T","author":"A","price":{{"amount":1}},"quantity":1}}"#
    );
    vec![
        (Method::POST, of("/purchases"), r#"{"quantity":1}"#.to_owned()),
        (Method::POST, "/v1/orders".to_owned(), format!(r#"{{"lines":[{line}]}}"#)),
        (Method::POST, of("/restocks"), r#"{"quantity":1,"reference":"r"}"#.to_owned()),
        (Method::POST, "/v1/restocks".to_owned(), format!(r#"{{"lines":[{line}]}}"#)),
        (Method::POST, of("/stocktakes"), r#"{"counted":1,"expected":100}"#.to_owned()),
        (Method::POST, "/v1/books".to_owned(), new),
        (Method::PATCH, of(""), r#"{"title":"T","price":{"amount":1}}"#.to_owned()),
    ]
}

fn send(shop: &Shop, method: &Method, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    let mut call = shop.admin.call(method.clone(), path).raw(JSON, body);
    if *method == Method::PATCH {
        call = call.if_match("*");
    }
    call.send()
}

fn broken_json_is_refused(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        // Some are of a wrong type as well: that they are no JSON comes first.
        let deep = "[".repeat(60_000);
        let broken: [&[u8]; 16] = [
            deep.as_bytes(),
            b"[",
            b"{\"quantity\":\"1\"",
            b"",
            b"{",
            b"}",
            b"{]",
            b"{\"quantity\":}",
            b"{\"quantity\":1,}",
            b"{'quantity':1}",
            b"{\"quantity\":01}",
            b"{\"quantity\":NaN}",
            b"\xff\xfe",
            b"{\"quantity\":1} {}",
            b"{\"quantity\":1}garbage",
            b"{\"quantity\":\"\xff\"}",
        ];
        for (method, path, right) in bodies(book) {
            for body in broken {
                send(shop, &method, &path, body).refused(400, "invalid_request");
            }
            for cut in 1..right.len() {
                send(shop, &method, &path, &right.as_bytes()[..cut])
                    .refused(400, "invalid_request");
            }
        }
    });
}

/// Bodies with one thing wrong, and the pointer to it (RFC 6901).
fn wrong_values(book: i64) -> Vec<(String, String, String)> {
    let numbers = [
        "null",
        "\"1\"",
        "true",
        "[]",
        "{}",
        "1.5",
        "1e-2",
        "-1",
        "-9223372036854775808",
        "1e300",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "2147483648",
        "100000000000000000000000000000000000000000",
        "-0.1",
    ];
    let of = |part: &str| format!("/v1/books/{book}{part}");
    let mut wrong = Vec::new();
    for number in numbers.into_iter().chain(["0"]) {
        let quantity = format!(r#"{{"quantity":{number}}}"#);
        let line = format!(r#"{{"lines":[{{"book_id":{book},"quantity":{number}}}]}}"#);
        wrong.push((of("/purchases"), quantity.clone(), "/quantity"));
        wrong.push((of("/restocks"), quantity, "/quantity"));
        wrong.push(("/v1/orders".to_owned(), line.clone(), "/lines/0/quantity"));
        wrong.push(("/v1/restocks".to_owned(), line, "/lines/0/quantity"));
    }
    for number in numbers.iter().filter(|number| **number != "null") {
        let expected = format!(r#"{{"counted":1,"expected":{number}}}"#);
        wrong.push((of("/stocktakes"), expected, "/expected"));
    }
    for number in numbers {
        wrong.push((of("/stocktakes"), format!(r#"{{"counted":{number}}}"#), "/counted"));
        let isbn = isbn::thirteen("000000000");
        let new = |price: &str, quantity: &str| {
            format!(
                r#"{{"isbn":"{isbn}","title":"T","author":"A","price":{price},"quantity":{quantity}}}"#
            )
        };
        let price = format!(r#"{{"amount":{number}}}"#);
        wrong.push(("/v1/books".to_owned(), new(&price, "1"), "/price/amount"));
        if number != "null" {
            wrong.push(("/v1/books".to_owned(), new(r#"{"amount":1}"#, number), "/quantity"));
        }
    }
    for lines in ["null", "1", "\"x\"", "{}", "[]", "[1]", "[null]", "[[]]", "[[1,1]]", "[\"x\"]"] {
        for path in ["/v1/orders", "/v1/restocks"] {
            wrong.push((path.to_owned(), format!(r#"{{"lines":{lines}}}"#), "/lines"));
        }
    }
    for id in ["null", "\"1\"", "1.5", "[]", "true", "9223372036854775808"] {
        let lines = format!(r#"{{"lines":[{{"book_id":{id},"quantity":1}}]}}"#);
        wrong.push(("/v1/orders".to_owned(), lines, "/lines/0/book_id"));
    }
    for body in ["null", "1", "\"x\"", "[]", "[1]", "true"] {
        wrong.push((of("/purchases"), body.to_owned(), ""));
    }
    wrong.push((of("/restocks"), r#"{"quantity":1,"reference":5}"#.to_owned(), "/reference"));
    wrong.into_iter().map(|(path, body, pointer)| (path, body, pointer.to_owned())).collect()
}

fn wrong_types_and_numbers_are_refused_by_name(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        for (path, body, pointer) in wrong_values(book) {
            let refused = send(shop, &Method::POST, &path, body).refused(422, "invalid_request");
            let named = refused["errors"][0]["pointer"].as_str();
            let is_named = named.is_some_and(|named| named.starts_with(&pointer));
            assert!(is_named, "does not point at {pointer:?}\n{refused}");
            assert!(refused["errors"][0]["detail"].is_string(), "\n{refused}");
        }
        let many =
            format!("[{}]", vec![format!(r#"{{"book_id":{book},"quantity":1}}"#); 101].join(","));
        for path in ["/v1/orders", "/v1/restocks"] {
            let refused = send(shop, &Method::POST, path, format!(r#"{{"lines":{many}}}"#));
            assert_eq!(refused.refused(422, "invalid_request")["errors"][0]["pointer"], "/lines");
        }
        // JSON has no such limit, but every reader of it does (RFC 8259, 6).
        for number in ["1e400", "-1e400"] {
            let path = format!("/v1/books/{book}/purchases");
            let refused = send(shop, &Method::POST, &path, format!(r#"{{"quantity":{number}}}"#));
            assert!(matches!(refused.status, 400 | 422), "\n{refused}");
        }
        // An id beyond every book is well formed: it is only unknown.
        for id in [0, -1, i64::MAX, i64::MIN] {
            let answer = shop.storefront.order(&[(id, 1)]).send().expect(422);
            assert!(answer.body.to_string().contains(&id.to_string()) || id < 1, "\n{answer}");
        }
    });
}

fn unknown_fields_are_refused_by_name(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        for (method, path, right) in bodies(book) {
            let body = format!(r#"{},"surprise":1}}"#, &right[..right.len() - 1]);
            let refused = send(shop, &method, &path, body).refused(422, "invalid_request");
            assert_eq!(refused["errors"][0]["pointer"], "/surprise", "\n{refused}");
            let twice = format!("{},{}", &right[..right.len() - 1], &right[1..]);
            let refused = send(shop, &method, &path, twice);
            assert!(matches!(refused.status, 400 | 422), "a field given twice\n{refused}");
        }
        let nested = format!(r#"{{"lines":[{{"book_id":{book},"quantity":1,"price":0}}]}}"#);
        for path in ["/v1/orders", "/v1/restocks"] {
            let refused = send(shop, &Method::POST, path, nested.clone());
            let refused = refused.refused(422, "invalid_request");
            assert_eq!(refused["errors"][0]["pointer"], "/lines/0/price", "\n{refused}");
        }
        let refused = shop.admin.get("/v1/books?surprise=1").refused(400, "invalid_request");
        let detail = refused["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("the query string: unknown parameter `surprise`"),
            "\n{refused}"
        );
    });
}

/// Whoever put `hold_seconds` there and not into the body would have bought.
fn what_changes_something_takes_no_parameters(shop: &Shop) {
    let order = shop.storefront.hold(&[(shop.book(1), 1)], 600).expect(201).id();
    shop.is_unchanged_by(|book| {
        let acts = ["confirm", "cancel"].map(|act| format!("/v1/orders/{order}/{act}"));
        let acts = acts.map(|path| (Method::POST, path, "{}".to_owned()));
        for (method, path, right) in bodies(book).into_iter().chain(acts) {
            let path = format!("{path}?hold_seconds=60");
            let refused = send(shop, &method, &path, right).refused(400, "invalid_request");
            assert!(refused["detail"].as_str().unwrap().contains("parameters"), "\n{refused}");
        }
    });
}

fn missing_fields_are_refused_by_name(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        for (path, body, missing) in [
            (format!("/v1/books/{book}/purchases"), json!({}), "quantity"),
            (format!("/v1/books/{book}/restocks"), json!({ "reference": "r" }), "quantity"),
            (format!("/v1/books/{book}/stocktakes"), json!({ "expected": 1 }), "counted"),
            ("/v1/orders".to_owned(), json!({}), "lines"),
            ("/v1/orders".to_owned(), json!({ "lines": [{ "book_id": book }] }), "quantity"),
            ("/v1/restocks".to_owned(), json!({ "lines": [{ "quantity": 1 }] }), "book_id"),
            (
                "/v1/books".to_owned(),
                json!({ "title": "T", "author": "A", "price": { "amount": 1 } }),
                "isbn",
            ),
        ] {
            let refused = shop.admin.post(&path, body).refused(422, "invalid_request");
            assert!(refused["errors"].to_string().contains(missing), "\n{refused}");
        }
    });
}

fn text_that_no_database_should_see_is_refused(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        let isbn = isbn::thirteen(&isbn::unused_nine());
        let new = |title: &str, author: &str| json!({ "isbn": isbn, "title": title, "author": author, "price": { "amount": 1 } });
        let path = format!("/v1/books/{book}");
        for bad in ["nul\0inside", "\0", "", "   "] {
            for body in [new(bad, "A"), new("T", bad)] {
                shop.admin.post("/v1/books", body).refused(422, "invalid_request");
            }
            let change = shop.admin.patch(&path, json!({ "title": bad })).if_match("*");
            change.refused(422, "invalid_request");
        }
        shop.admin.post("/v1/books", new("T", &"a".repeat(1_001))).refused(422, "invalid_request");
        let nul = json!({ "quantity": 1, "reference": "nul\0inside" });
        shop.admin.post(&format!("{path}/restocks"), nul).refused(422, "invalid_request");
        // A lone surrogate is no text at all.
        let lone =
            format!(r#"{{"isbn":"{isbn}","title":"\ud800","author":"A","price":{{"amount":1}}}}"#);
        let refused = send(shop, &Method::POST, "/v1/books", lone);
        assert!(matches!(refused.status, 400 | 422), "\n{refused}");
        let megabyte = new(&"x".repeat(1 << 20), "A");
        shop.admin.post("/v1/books", megabyte).refused(413, "payload_too_large");
        for lie in ["text/plain", "multipart/form-data; boundary=x", "application/octet-stream"] {
            let call = shop.admin.call(Method::POST, "/v1/books");
            let call = call.raw(lie, new("T", "A").to_string());
            call.refused(415, "unsupported_media_type");
        }
        for kind in ["application/json; charset=utf-16", JSON] {
            let utf16: Vec<u8> =
                "{\"quantity\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
            let answer =
                shop.admin.call(Method::POST, &format!("{path}/purchases")).raw(kind, utf16).send();
            assert!(matches!(answer.status, 400 | 415), "\n{answer}");
        }
        let zipped = shop.admin.call(Method::POST, &format!("{path}/purchases"));
        let zipped = zipped.raw(JSON, "not zipped").header("Content-Encoding", "gzip").send();
        assert!(matches!(zipped.status, 400 | 415), "\n{zipped}");
    });
}
