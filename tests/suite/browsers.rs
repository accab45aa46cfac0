//! What browsers are told: whose pages may use the API, and what they must not make of an answer.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use crate::kit::{Answer, Backend, Call, Client, Scenario, Server, Shop};
use crate::scenarios;

// No database has a say in it.
pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::EMBEDDED:
        no_other_site_is_let_in_unless_it_is_named,
        a_named_site_is_let_in_and_no_other,
        a_named_site_may_read_refusals_too,
        every_answer_is_what_it_says_it_is,
];

const SITE: &str = "https://shop.example";

/// A server that lets two sites in.
fn open_to_sites(shop: &Shop) -> (Arc<Server>, Client) {
    let sites = ["--cors-origin", SITE, "--cors-origin", "http://localhost:3000"];
    let server = shop.server_on(&shop.database.url, &sites);
    let client = shop.storefront.at(&server);
    (server, client)
}

fn preflight(client: &Client, origin: &str, method: &str, headers: &str) -> Call {
    let call = client.anonymous().call(Method::OPTIONS, "/v1/orders").header("Origin", origin);
    let call = call.header("Access-Control-Request-Method", method);
    if headers.is_empty() { call } else { call.header("Access-Control-Request-Headers", headers) }
}

/// The words of a header that is a list, in lower case.
fn list(answer: &Answer, header: &str) -> Vec<String> {
    answer.header(header).split(',').map(|word| word.trim().to_ascii_lowercase()).collect()
}

fn no_other_site_is_let_in_unless_it_is_named(shop: &Shop) {
    let client = &shop.storefront;
    let asked = preflight(client, SITE, "POST", "authorization").refused(405, "method_not_allowed");
    let answer = client.get("/v1/books").header("Origin", SITE).expect(200);
    for answer in [asked, answer] {
        let told = answer.headers.keys().find(|name| name.as_str().starts_with("access-control"));
        assert!(told.is_none(), "\n{answer}");
    }
}

fn a_named_site_is_let_in_and_no_other(shop: &Shop) {
    let (_server, client) = open_to_sites(shop);
    for site in [SITE, "http://localhost:3000"] {
        let sent = "authorization,content-type,idempotency-key,if-match,if-none-match";
        for method in ["GET", "POST", "PATCH", "DELETE"] {
            let allowed = preflight(&client, site, method, sent).expect(200);
            assert_eq!(allowed.header("access-control-allow-origin"), site, "\n{allowed}");
            assert!(
                list(&allowed, "access-control-allow-methods").contains(&method.to_lowercase())
            );
            let headers = list(&allowed, "access-control-allow-headers");
            assert!(sent.split(',').all(|name| headers.contains(&name.to_owned())), "\n{allowed}");
            assert!(!allowed.header("access-control-max-age").is_empty(), "\n{allowed}");
        }
        let answer = client.get("/v1/books").header("Origin", site).expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), site, "\n{answer}");
    }
    for stranger in [
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example/",
        "null",
        "*",
    ] {
        let refused = preflight(&client, stranger, "POST", "").refused(400, "invalid_request");
        let answer = client.get("/v1/books").header("Origin", stranger).expect(200);
        for answer in [refused, answer] {
            assert_eq!(answer.header("access-control-allow-origin"), "", "{stranger}\n{answer}");
        }
    }
    preflight(&client, SITE, "BREW", "").refused(400, "invalid_request");
    preflight(&client, SITE, "POST", "x-secret").refused(400, "invalid_request");
    // A browser's own credentials are no business of ours, and caches keep sites apart.
    let answer = client.get("/v1/books").header("Origin", SITE).expect(200);
    assert_eq!(answer.header("access-control-allow-credentials"), "", "\n{answer}");
    assert!(list(&answer, "vary").contains(&"origin".to_owned()), "\n{answer}");
    // Who is no browser notices nothing.
    let plain = client.get("/v1/books").expect(200);
    assert_eq!(plain.header("access-control-allow-origin"), "", "\n{plain}");
}

fn a_named_site_may_read_refusals_too(shop: &Shop) {
    let limits = ["--client-rate", "1", "--cors-origin", SITE];
    let server = shop.server_on(&shop.database.url, &limits);
    let client = shop.storefront.at(&server);
    let book = shop.book(10);
    let of_the_site = |call: Call| call.header("Origin", SITE).send();
    let mut answers = vec![
        of_the_site(client.buy(book, 1).key("once")),
        of_the_site(client.anonymous().buy(book, 1)),
        of_the_site(client.anonymous().get("/v1/books/999999")),
        of_the_site(client.anonymous().get("/nowhere")),
        of_the_site(client.anonymous().get("/v1/books").header("Accept", "text/html")),
        of_the_site(client.anonymous().post("/v1/orders", json!({}))),
    ];
    let limited = (0..20).map(|_| of_the_site(client.get("/v1/orders")));
    answers.extend(limited.filter(|answer| answer.status == 429).take(1));
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [201, 401, 404, 404, 406, 401, 429]);
    for answer in answers {
        assert_eq!(answer.header("access-control-allow-origin"), SITE, "\n{answer}");
        let readable = list(&answer, "access-control-expose-headers");
        for header in [
            "etag",
            "location",
            "retry-after",
            "ratelimit",
            "ratelimit-policy",
            "idempotent-replayed",
        ] {
            assert!(readable.contains(&header.to_owned()), "{header}\n{answer}");
        }
    }
}

fn every_answer_is_what_it_says_it_is(shop: &Shop) {
    let book = shop.book(10);
    let client = &shop.storefront;
    let etag = client.book(book).etag();
    let answers = [
        client.get("/v1/books").expect(200),
        client.get(&format!("/v1/books/{book}")).header("If-None-Match", &etag).expect(304),
        client.buy(book, 1).expect(201),
        client.anonymous().buy(book, 1).expect(401),
        client.get("/nowhere").expect(404),
        client.get("/healthz").expect(200),
        client.get("/openapi.json").expect(200),
        client.get("/docs").expect(200),
        client.get("/problems").expect(200),
    ];
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "\n{answer}");
    }
}
