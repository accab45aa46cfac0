//! Every operation of the OpenAPI document, called by every kind of caller. What each may do is
//! decided in the table here: a route without a line in it fails.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Answer, Backend, Client, Scenario, Shop, new_book};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        every_operation_lets_in_whom_the_table_says;
    Shop on Backend::EMBEDDED:
        every_operation_has_its_line_in_the_table,
        what_storefronts_may_call_tells_of_no_movement,
        no_caller_finds_metrics_beside_the_api;
];

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    /// Without a token too.
    Anyone,
    /// Storefronts and admins.
    Buyers,
    /// The storefront whose order it is, and admins. To others it is not there.
    Owner,
    /// Admins alone.
    Admins,
}

use Who::{Admins, Anyone, Buyers, Owner};

const TABLE: &[(&str, Who)] = &[
    ("GET /v1/books", Anyone),
    ("POST /v1/books", Admins),
    ("GET /v1/books/{id}", Anyone),
    ("PATCH /v1/books/{id}", Admins),
    ("DELETE /v1/books/{id}", Admins),
    ("POST /v1/books/{id}/purchases", Buyers),
    ("POST /v1/books/{id}/restocks", Admins),
    ("POST /v1/books/{id}/stocktakes", Admins),
    ("GET /v1/books/{id}/movements", Admins),
    ("GET /v1/books/{id}/holds", Admins),
    ("GET /v1/orders", Buyers),
    ("POST /v1/orders", Buyers),
    ("GET /v1/orders/{id}", Owner),
    ("POST /v1/orders/{id}/confirm", Owner),
    ("POST /v1/orders/{id}/cancel", Owner),
    ("POST /v1/orders/{id}/returns", Admins),
    ("POST /v1/restocks", Admins),
    ("GET /healthz", Anyone),
    ("GET /readyz", Anyone),
    ("GET /problems", Anyone),
    ("GET /problems/{slug}", Anyone),
    ("GET /openapi.json", Anyone),
    ("GET /docs", Anyone),
    ("GET /docs/{file}", Anyone),
];

fn document(shop: &Shop) -> Value {
    shop.storefront.anonymous().get("/openapi.json").expect(200).body
}

/// `METHOD /path` of every operation, with what the document says about it.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, it)| (format!("{} {path}", method.to_uppercase()), it))
        })
        .collect()
}

fn decision(operation: &str) -> Who {
    let line = TABLE.iter().find(|(name, _)| *name == operation);
    line.unwrap_or_else(|| panic!("{operation}: nobody decided in TABLE who may call it")).1
}

fn every_operation_has_its_line_in_the_table(shop: &Shop) {
    let document = document(shop);
    let operations = operations(&document);
    for (name, operation) in &operations {
        let roles: Vec<_> = operation["security"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|requirement| requirement["token"].as_array().unwrap())
            .map(|role| role.as_str().unwrap())
            .collect();
        let decided: &[&str] = match decision(name) {
            Anyone => &[],
            Buyers | Owner => &["storefront", "admin"],
            Admins => &["admin"],
        };
        assert_eq!(roles, decided, "{name}: the document says something else than the table");
    }
    for (name, _) in TABLE {
        assert!(operations.iter().any(|(known, _)| known == name), "{name} is no more");
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq)]
enum As {
    /// Somebody without a token.
    Nobody,
    /// Somebody with a token that was revoked.
    Revoked,
    /// The storefront whose order it is.
    Storefront,
    /// Another storefront.
    Stranger,
    Admin,
}

/// How a caller is kept out; `None` if it is not.
fn refusal(who: Who, caller: As) -> Option<(u16, &'static str)> {
    match (who, caller) {
        (Anyone, _) | (_, As::Admin) => None,
        (_, As::Nobody | As::Revoked) => Some((401, "unauthorized")),
        (Admins, As::Storefront | As::Stranger) => Some((403, "forbidden")),
        (Owner, As::Stranger) => Some((404, "unknown_order")),
        (Owner, As::Storefront) | (Buyers, As::Storefront | As::Stranger) => None,
    }
}

fn every_operation_lets_in_whom_the_table_says(shop: &Shop) {
    let document = document(shop);
    let callers = [
        (As::Nobody, shop.storefront.anonymous()),
        (As::Revoked, revoked(shop)),
        (As::Storefront, shop.storefront.clone()),
        (As::Stranger, shop.another_storefront()),
        (As::Admin, shop.admin.clone()),
    ];
    for (name, operation) in operations(&document) {
        for (caller, client) in &callers {
            let case = Case::new(shop, &document, &name, operation);
            let outcome = refusal(decision(&name), *caller);
            case.is_answered(shop, client, *caller, outcome);
        }
    }
    let own = |caller: As| {
        let (_, client) = callers.iter().find(|(it, _)| *it == caller).unwrap();
        client.all("/v1/orders", &[])
    };
    let (mine, theirs) = (own(As::Storefront), own(As::Stranger));
    assert!(!mine.is_empty() && !theirs.is_empty());
    assert!(mine.iter().all(|order| !theirs.contains(order)), "somebody sees another's orders");
    assert!(own(As::Admin).len() >= mine.len() + theirs.len(), "an admin sees every order");
}

/// A storefront whose token is good no more.
fn revoked(shop: &Shop) -> Client {
    let client = shop.admin.with_token(&shop.token("storefront", "a shop that closed"));
    let listed = shop.bookstore(["token", "list", "--format", "json"]).run().exits(0).json();
    let closed = |it: &&Value| it["name"] == "a shop that closed";
    let id = listed.as_array().unwrap().iter().find(closed).unwrap()["id"].to_string();
    shop.bookstore(["token", "revoke", id.trim_matches('"')]).run().exits(0);
    client
}

/// What no buyer may change: the catalogue, tokens, and the stock by anything but a sale and its end.
fn beyond_buying(shop: &Shop) -> Vec<i64> {
    let mut connection = shop.database.connect();
    let sums = [
        "SELECT count(*) FROM stock_entries",
        "SELECT count(*) FROM stock_movements WHERE reason NOT IN ('sale', 'release')",
        "SELECT 1000 * count(*) + sum(version) FROM books",
        "SELECT sum(price_minor) + sum(length(title)) + sum(length(author)) FROM books",
        "SELECT count(*) FROM books WHERE archived_at IS NOT NULL",
        "SELECT count(*) FROM clients WHERE revoked_at IS NULL",
    ];
    sums.map(|query| connection.number(query)).into()
}

/// The names of all schemas that a success of this operation can show.
fn shown(document: &Value, operation: &Value) -> BTreeSet<String> {
    let responses = operation["responses"].as_object().unwrap();
    let successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
    let mut unread: Vec<&Value> = successes.map(|(_, response)| &response["content"]).collect();
    let mut names = BTreeSet::new();
    while let Some(value) = unread.pop() {
        unread.extend(value.as_object().into_iter().flat_map(|members| members.values()));
        unread.extend(value.as_array().into_iter().flatten());
        let Some(name) = value["$ref"].as_str().and_then(|it| it.split("/schemas/").nth(1)) else {
            continue;
        };
        if names.insert(name.to_owned()) {
            unread.push(&document["components"]["schemas"][name]);
        }
    }
    names
}

fn what_storefronts_may_call_tells_of_no_movement(shop: &Shop) {
    const FOR_ADMINS: [&str; 3] = ["Movement", "StockEntry", "Hold"];
    let document = document(shop);
    let mut told = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let shown = shown(&document, operation);
        let is_shown = |schema: &&str| {
            // One of them, or a page of them.
            shown.iter().any(|name| name.strip_prefix("Page_").unwrap_or(name) == *schema)
        };
        for schema in FOR_ADMINS.into_iter().filter(is_shown) {
            assert_eq!(decision(&name), Admins, "{name} shows a {schema}");
            told.insert(schema);
        }
        // Stock moves by what is called on orders, or by admins.
        if !name.starts_with("GET ") && decision(&name) != Admins {
            assert_eq!(operation["tags"], json!(["Orders"]), "{name}");
        }
    }
    assert_eq!(told, BTreeSet::from(FOR_ADMINS), "no operation shows these any more");
}

fn no_caller_finds_metrics_beside_the_api(shop: &Shop) {
    let server = shop.server_on(&shop.database.url, &["--metrics-listen", "127.0.0.1:0"]);
    let elsewhere = server.metrics_url();
    assert!(!elsewhere.starts_with(&server.url), "{elsewhere}");
    let clients = [shop.storefront.anonymous(), shop.storefront.clone(), shop.admin.clone()];
    for client in clients.map(|client| client.at(&server)) {
        for path in ["/metrics", "/v1/metrics", "/metrics/", "//metrics", "/docs/../metrics"] {
            client.get(path).refused(404, "not_found");
        }
    }
}

fn is_let_in(answer: &Answer) {
    assert!((200..300).contains(&answer.status), "\n{answer}");
}

/// One call as the document describes it, about a book and an order of the storefront of its own.
struct Case {
    method: Method,
    path: String,
    body: Option<Value>,
    is_conditional: bool,
}

impl Case {
    fn new(shop: &Shop, document: &Value, name: &str, operation: &Value) -> Self {
        let (method, path) = name.split_once(' ').unwrap();
        let book = shop.book(10);
        let order = match path.ends_with("/returns") {
            true => shop.storefront.order(&[(book, 2)]).expect(201),
            false => shop.storefront.hold(&[(book, 2)], 600).expect(201),
        };
        let id = if path.starts_with("/v1/orders") { order.id() } else { book.to_string() };
        let path = path.replace("{id}", &id);
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let named = |name: &str| parameters.iter().find(|it| it["name"] == name);
        let with_examples = ["slug", "file"].iter().filter_map(|name| Some((name, named(name)?)));
        let path = with_examples.fold(path, |path, (name, parameter)| {
            path.replace(&format!("{{{name}}}"), parameter["example"].as_str().unwrap())
        });
        Self {
            method: method.parse().unwrap(),
            path,
            body: example(document, operation).map(|body| about(book, body)),
            is_conditional: named("If-Match").is_some(),
        }
    }

    /// Calls it, and demands this refusal, or a success that does no more than the caller may.
    fn is_answered(
        &self,
        shop: &Shop,
        client: &Client,
        caller: As,
        refusal: Option<(u16, &'static str)>,
    ) {
        let before = (shop.database.fingerprint(), beyond_buying(shop));
        let answer = self.call(client);
        match refusal {
            Some((status, slug)) => {
                answer.refused(status, slug);
                assert_eq!(shop.database.fingerprint(), before.0, "{caller:?} {}", self.path);
            }
            None => is_let_in(&answer),
        }
        if caller != As::Admin {
            assert_eq!(beyond_buying(shop), before.1, "{caller:?} {} {}", self.method, self.path);
        }
        if self.method == Method::GET {
            let expected = refusal.map_or(200, |(status, _)| status);
            client.head(&self.path).expect(expected);
        }
    }

    fn call(&self, client: &Client) -> Answer {
        let call = client.call(self.method.clone(), &self.path);
        let call = self.body.iter().fold(call, |call, body| call.json(body));
        if self.is_conditional { call.if_match("*") } else { call }.send()
    }
}

/// The document's own example of a request.
fn example(document: &Value, operation: &Value) -> Option<Value> {
    let content = operation["requestBody"]["content"]["application/json"].as_object()?;
    let pointer = content["schema"]["$ref"].as_str().unwrap().trim_start_matches('#');
    let schema = document.pointer(pointer).unwrap();
    let example =
        [&schema["example"], &schema["examples"][0]].into_iter().find(|it| it.is_object());
    Some(example.unwrap_or_else(|| panic!("{pointer} has no example")).clone())
}

/// The same request, about this book.
fn about(book: i64, mut body: Value) -> Value {
    if body.get("lines").is_some() {
        body["lines"] = json!([{ "book_id": book, "quantity": 1 }]);
    }
    if body.get("isbn").is_some() {
        body["isbn"] = new_book(json!({}))["isbn"].clone();
    }
    body
}
