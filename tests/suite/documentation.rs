//! What a stranger finds: the OpenAPI document, the page that shows it, and what each problem means.

use serde_json::Value;

use crate::kit::{Answer, Backend, Scenario, Shop};
use crate::scenarios;

// No database has a say in what these pages show.
pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::EMBEDDED:
        the_document_is_served_as_it_lies_in_the_tree,
        a_store_with_another_currency_says_so,
        the_page_loads_nothing_from_elsewhere,
        every_type_of_problem_has_a_page_for_terminals_and_for_browsers,
];

fn the_document_is_served_as_it_lies_in_the_tree(shop: &Shop) {
    let served = shop.storefront.anonymous().get("/openapi.json").expect(200);
    assert!(served.header("content-type").starts_with("application/json"));
    let copy = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let copy: Value = serde_json::from_str(&std::fs::read_to_string(copy).unwrap()).unwrap();
    assert_eq!(served.body, copy);
    assert_eq!(copy["openapi"], "3.1.0");
}

fn a_store_with_another_currency_says_so(shop: &Shop) {
    let server = shop.server_on(&shop.database.url, &["--currency", "USD"]);
    let document = shop.admin.at(&server).get("/openapi.json").expect(200);
    let price = &document["components"]["schemas"]["Price"]["properties"]["currency"];
    assert_eq!(price["enum"], serde_json::json!(["USD", null]));
    assert!(!document.body.to_string().contains("\"EUR\""), "an example is in another currency");
    let new = |currency: &str| {
        let price = serde_json::json!({ "amount": 1, "currency": currency });
        crate::kit::new_book(serde_json::json!({ "price": price }))
    };
    shop.admin.at(&server).post("/v1/books", new("USD")).expect(201);
    shop.admin.at(&server).post("/v1/books", new("EUR")).refused(422, "invalid_request");
}

fn the_page_loads_nothing_from_elsewhere(shop: &Shop) {
    let anyone = shop.storefront.anonymous();
    let page = anyone.get("/docs").expect(200);
    is_guarded(&page);
    let html = page.body.as_str().unwrap();
    let links = html.split(['"', '\'']).skip(1).step_by(2);
    let files: Vec<_> = links.filter(|link| link.contains('.')).collect();
    assert!(files.len() >= 5, "{html}");
    for file in files {
        assert!(!file.contains("//") && !file.starts_with('/'), "{file} is elsewhere");
        let file = anyone.get(&format!("/{file}")).expect(200);
        if !file.header("content-type").contains("json") {
            is_guarded(&file);
        }
    }
    anyone.get("/docs/swagger-initializer.js").refused(404, "not_found");
    anyone.get("/docs/..%2Fopenapi.json").refused(404, "not_found");
}

/// A browser lets nothing into it but what this service serves.
fn is_guarded(answer: &Answer) {
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "\n{answer}");
    for hole in ["unsafe-inline", "unsafe-eval", "http", "*"] {
        assert!(!policy.contains(hole), "{hole}\n{answer}");
    }
    assert!(policy.contains("frame-ancestors 'none'"), "\n{answer}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
}

fn every_type_of_problem_has_a_page_for_terminals_and_for_browsers(shop: &Shop) {
    let anyone = shop.storefront.anonymous();
    let list = anyone.get("/problems").expect(200);
    let document = anyone.get("/openapi.json").expect(200);
    let types = document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].clone();
    let listed: Vec<Value> =
        list.body.as_str().unwrap().lines().map(|line| Value::String(line.to_owned())).collect();
    assert_eq!(Value::Array(listed), types);

    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let as_page = |path: &str| {
        let page = anyone.get(path).header("Accept", browser).expect(200);
        assert!(page.header("content-type").starts_with("text/html"), "\n{page}");
        is_guarded(&page);
        page
    };
    as_page("/problems");
    for path in types.as_array().unwrap() {
        let path = path.as_str().unwrap();
        let text = anyone.get(path).header("Accept", "*/*").expect(200);
        assert!(text.header("content-type").starts_with("text/plain"), "\n{text}");
        let paragraphs = text.body.as_str().unwrap().trim_end().split("\n\n").count();
        assert_eq!(paragraphs, 4, "slug, title, what happened, what to do\n{text}");
        let page = as_page(path);
        let html = page.body.as_str().unwrap();
        assert!(html.contains("What to do") && html.contains(&format!("{path}\"")), "\n{page}");
    }
}
