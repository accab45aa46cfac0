//! Every operation of the OpenAPI document, called by every kind of caller. What each may do is
//! decided in the table here: a route without a line in it fails.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Answer, Backend, Client, Scenario, Shop, new_book};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        every_operation_lets_in_whom_the_table_says;
    Shop on Backend::EMBEDDED:
        every_operation_has_its_line_in_the_table;
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

fn every_operation_lets_in_whom_the_table_says(shop: &Shop) {
    let document = document(shop);
    let (anyone, other) = (shop.storefront.anonymous(), shop.another_storefront());
    for (name, operation) in operations(&document) {
        let who = decision(&name);
        let call = |client: &Client| Case::new(shop, &document, &name, operation).call(client);
        let stays_out = |client: &Client, status: u16, slug: &str| {
            let case = Case::new(shop, &document, &name, operation);
            let before = shop.database.fingerprint();
            case.call(client).refused(status, slug);
            assert_eq!(shop.database.fingerprint(), before, "{name}");
        };
        match who {
            Anyone => is_let_in(&call(&anyone)),
            _ => stays_out(&anyone, 401, "unauthorized"),
        }
        match who {
            Admins => stays_out(&shop.storefront, 403, "forbidden"),
            _ => is_let_in(&call(&shop.storefront)),
        }
        match who {
            Admins => stays_out(&other, 403, "forbidden"),
            Owner => stays_out(&other, 404, "unknown_order"),
            Anyone | Buyers => is_let_in(&call(&other)),
        }
        is_let_in(&call(&shop.admin));
    }
    let own = |client: &Client| client.all("/v1/orders", &[]);
    let (mine, theirs) = (own(&shop.storefront), own(&other));
    assert!(!mine.is_empty() && !theirs.is_empty());
    assert!(mine.iter().all(|order| !theirs.contains(order)), "somebody sees another's orders");
    assert!(own(&shop.admin).len() >= mine.len() + theirs.len(), "an admin sees every order");
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
    let example = &document.pointer(pointer).unwrap()["example"];
    assert!(example.is_object(), "{pointer} has no example");
    Some(example.clone())
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
