//! The manners of the service: every answer says what it is, every refusal explains itself.

use reqwest::Method;
use serde_json::json;

use crate::kit::{Answer, Backend, Scenario, Shop};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_path_that_is_not_there_is_a_problem,
        a_method_that_is_not_there_names_those_that_are,
        what_cannot_be_had_as_json_is_not_acceptable,
        every_other_accept_is_fine,
        a_body_that_is_not_json_is_an_unsupported_media_type,
        a_body_past_64_kib_is_too_large,
        head_is_get_without_a_body,
        a_sane_request_id_is_kept_and_logged,
        every_problem_explains_itself,
        alive_and_ready,
        a_connection_serves_many_requests,
];

fn a_path_that_is_not_there_is_a_problem(shop: &Shop) {
    let book = shop.book(1);
    let paths = [
        "/".to_owned(),
        "/v1".to_owned(),
        "/v2/books".to_owned(),
        "/v1/books/".to_owned() + "1/2/3",
        format!("/v1/books/{book}/theft"),
        "/v1/clients".to_owned(),
        "//v1/books/../x".to_owned(),
        "/%ff%fe".to_owned(),
        "/v1/orders/1/2/3".to_owned(),
        "/problems/no_such_problem".to_owned(),
    ];
    for path in paths {
        for client in [&shop.admin, &shop.storefront.anonymous()] {
            client.get(&path).refused(404, "not_found");
            let posted = client.post(&path, json!({})).send();
            assert!(matches!(posted.status, 404 | 405), "\n{posted}");
        }
    }
}

fn a_method_that_is_not_there_names_those_that_are(shop: &Shop) {
    let book = shop.book(1);
    let of_book = format!("/v1/books/{book}");
    let cases: [(&str, Method, &[&str]); 8] = [
        ("/v1/books", Method::DELETE, &["GET", "POST"]),
        (&of_book, Method::POST, &["GET", "PATCH", "DELETE"]),
        (&of_book, Method::PUT, &["GET", "PATCH", "DELETE"]),
        (&format!("{of_book}/purchases"), Method::GET, &["POST"]),
        (&format!("{of_book}/movements"), Method::POST, &["GET"]),
        ("/v1/orders", Method::PUT, &["GET", "POST"]),
        ("/v1/restocks", Method::GET, &["POST"]),
        ("/healthz", Method::POST, &["GET"]),
    ];
    for (path, method, allowed) in cases {
        let refused = shop.admin.call(method, path).refused(405, "method_not_allowed");
        let header = refused.header("allow").to_owned();
        let named: Vec<_> = header.split(',').map(str::trim).collect();
        assert!(allowed.iter().all(|method| named.contains(method)), "\n{refused}");
        let is_right =
            |method: &&str| allowed.contains(method) || ["HEAD", "OPTIONS"].contains(method);
        assert!(named.iter().all(is_right), "\n{refused}");
    }
}

fn what_cannot_be_had_as_json_is_not_acceptable(shop: &Shop) {
    let book = shop.book(3);
    for accept in ["text/html", "image/png", "text/*, application/xml", "application/json;q=0"] {
        let get = shop.storefront.get("/v1/books").header("Accept", accept);
        get.refused(406, "not_acceptable");
        // Refused before it is carried out, not after.
        shop.storefront.buy(book, 1).header("Accept", accept).refused(406, "not_acceptable");
    }
    assert_eq!(shop.admin.quantity(book), 3);
}

fn every_other_accept_is_fine(shop: &Shop) {
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let plain =
        ["*/*", "application/*", "application/json", "application/json; charset=utf-8", browser];
    for accept in plain.into_iter().chain(["text/html;q=0.5, Application/JSON", "", ",;=;q=x"]) {
        let answer = shop.storefront.get("/v1/books").header("Accept", accept).send();
        let is_garbage = accept.starts_with(',');
        assert!(answer.status == 200 || (is_garbage && answer.status < 500), "{accept}\n{answer}");
    }
    let both = "application/json, application/problem+json";
    shop.storefront.get("/v1/books/0").header("Accept", both).refused(404, "unknown_book");
    let problem = "application/problem+json";
    let answer = shop.storefront.get("/v1/books/0").header("Accept", problem).send();
    assert!(matches!(answer.status, 404 | 406), "\n{answer}");
}

fn a_body_that_is_not_json_is_an_unsupported_media_type(shop: &Shop) {
    let book = shop.book(3);
    let before = shop.database.fingerprint();
    let path = format!("/v1/books/{book}/purchases");
    let form = "application/x-www-form-urlencoded";
    for kind in ["text/plain", form, "application/xml", "application/jsonx", "json", "/", "é"] {
        let call = shop.storefront.call(Method::POST, &path).raw(kind, r#"{"quantity":1}"#);
        call.refused(415, "unsupported_media_type");
    }
    let untold = shop.storefront.call(Method::POST, &path).header("Content-Length", "0").send();
    assert!(matches!(untold.status, 400 | 415), "neither type nor body\n{untold}");
    assert_eq!(shop.database.fingerprint(), before);
    let charset = shop.storefront.call(Method::POST, &path);
    charset.raw("Application/JSON; charset=UTF-8", r#"{"quantity":1}"#).expect(201);
}

fn a_body_past_64_kib_is_too_large(shop: &Shop) {
    let book = shop.book(3);
    let path = format!("/v1/books/{book}/purchases");
    let body = r#"{"quantity":1}"#;
    let padded = |length: usize| body.to_owned() + &" ".repeat(length - body.len());
    let send = |length| {
        shop.storefront.call(Method::POST, &path).raw("application/json", padded(length)).send()
    };
    send(64 * 1024).expect(201);
    send(64 * 1024 + 1).refused(413, "payload_too_large");
    assert_eq!(shop.admin.quantity(book), 2);
}

fn head_is_get_without_a_body(shop: &Shop) {
    let book = shop.book(1);
    for path in ["/v1/books", &format!("/v1/books/{book}"), "/healthz", "/readyz", "/v1/orders"] {
        let (get, head) = (shop.storefront.get(path).send(), shop.storefront.head(path).send());
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_null(), "{path}");
        for header in ["content-type", "etag"] {
            assert_eq!(head.header(header), get.header(header), "{path}: {header}");
        }
    }
    assert!(!shop.storefront.head(&format!("/v1/books/{book}")).send().etag().is_empty());
    assert_eq!(shop.storefront.head("/v1/books/999999").send().status, 404);
}

fn a_sane_request_id_is_kept_and_logged(shop: &Shop) {
    let id = "checkout-42_7f.3";
    let server = shop.server_on(&shop.database.url, &["--log", "bookstore=debug"]);
    let client = shop.storefront.at(&server);
    let ask = |id: &[u8]| client.get("/v1/books/999999").header("X-Request-Id", id).send();
    let kept = ask(id.as_bytes()).refused(404, "unknown_book");
    assert_eq!((kept.header("x-request-id"), &kept["instance"]), (id, &json!(id)));
    let is_logged = || server.log().contains(id).then_some(());
    crate::kit::eventually(std::time::Duration::from_secs(10), "the id is in the log", is_logged);

    let long = "x".repeat(1_000);
    for odd in [&b""[..], long.as_bytes(), b"with space \" and quote", b"\xff\xfe", "é".as_bytes()]
    {
        let answer = ask(odd).refused(404, "unknown_book");
        assert_ne!(answer.header("x-request-id").as_bytes(), odd, "an odd id is replaced");
    }
    let ids = [(); 2].map(|()| client.get("/v1/books").expect(200));
    assert_ne!(ids[0].header("x-request-id"), ids[1].header("x-request-id"));
}

fn every_problem_explains_itself(shop: &Shop) {
    let slugs = [
        "not_found",
        "method_not_allowed",
        "not_acceptable",
        "payload_too_large",
        "unsupported_media_type",
        "unauthorized",
        "forbidden",
        "precondition_required",
        "precondition_failed",
        "unknown_book",
        "unknown_order",
        "duplicate_isbn",
        "out_of_stock",
        "invalid_request",
        "idempotency_key_reused",
        "stale_quantity",
        "rate_limited",
        "request_timeout",
        "overloaded",
        "database_unavailable",
        "internal_error",
    ];
    for slug in slugs {
        let page: Answer =
            shop.storefront.anonymous().get(&format!("/problems/{slug}")).expect(200);
        assert!(page.body.to_string().len() > 40, "says too little\n{page}");
    }
}

fn alive_and_ready(shop: &Shop) {
    for path in ["/healthz", "/readyz"] {
        shop.storefront.anonymous().get(path).expect(200);
        shop.storefront.anonymous().get(path).header("Accept", "*/*").expect(200);
    }
}

fn a_connection_serves_many_requests(shop: &Shop) {
    // A refusal must leave the connection in a state that the next request can use.
    let book = shop.book(500);
    let path = format!("/v1/books/{book}/purchases");
    for _ in 0..20 {
        let post = || shop.storefront.call(Method::POST, &path);
        post().raw("application/json", "{").refused(400, "invalid_request");
        post().raw("text/plain", "x".repeat(60_000)).refused(415, "unsupported_media_type");
        shop.storefront
            .anonymous()
            .call(Method::POST, &path)
            .raw("application/json", " ".repeat(60_000))
            .refused(401, "unauthorized");
        shop.storefront.buy(book, 1).expect(201);
    }
    assert_eq!(shop.admin.quantity(book), 480);
}
