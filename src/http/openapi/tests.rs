//! The document says what the code does: the copy is fresh, every route is there, every example
//! fits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::TEXT;
use crate::http::routes;

#[test]
fn the_copy_in_the_tree_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, TEXT.as_str()).unwrap();
    }
    let copy = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        copy == *TEXT,
        "docs/openapi.json is not what the code says; write it anew with \
         `UPDATE_OPENAPI=1 cargo test --lib openapi`"
    );
}

#[test]
fn every_route_is_in_the_document_and_every_operation_is_routed() {
    let document: Value = serde_json::from_str(&TEXT).unwrap();
    let documented: BTreeSet<_> = operations(&document)
        .map(|(path, method, _)| format!("{} {path}", method.to_uppercase()))
        .collect();
    // HEAD is answered wherever GET is; the document says so once.
    let routed: BTreeSet<_> =
        routes::listed().into_iter().filter(|route| !route.starts_with("HEAD ")).collect();
    assert_eq!(documented, routed);
}

#[test]
fn every_answer_is_told_with_an_example_and_a_request_id() {
    let document: Value = serde_json::from_str(&TEXT).unwrap();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{name}");
        let body = &operation["requestBody"]["content"]["application/json"];
        assert!(body.is_null() || has_example(&document, body), "{name}: no example of a request");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let name = format!("{name} {status}");
            assert!(!response["description"].as_str().unwrap().is_empty(), "{name}");
            assert!(response["headers"]["X-Request-Id"].is_object(), "{name}: no request id");
            let is_api = path.starts_with("/v1/");
            for (kind, content) in response["content"].as_object().into_iter().flatten() {
                let is_told = !is_api || has_example(&document, content);
                assert!(is_told, "{name}: no example of {kind}");
            }
        }
    }
}

#[test]
fn every_operation_tells_how_it_is_limited() {
    let document: Value = serde_json::from_str(&TEXT).unwrap();
    for (path, method, operation) in operations(&document) {
        let responses = &operation["responses"];
        for header in ["Retry-After", "RateLimit", "RateLimit-Policy"] {
            let is_told = responses["429"]["headers"][header].is_object();
            assert!(is_told, "{method} {path}: no {header} with 429");
        }
        let takes_body = operation["requestBody"].is_object() || path.ends_with("/confirm");
        assert!(!takes_body || responses["408"].is_object(), "{method} {path}: no 408");
    }
}

#[test]
fn every_link_leads_to_an_operation_that_takes_what_it_brings() {
    let document: Value = serde_json::from_str(&TEXT).unwrap();
    let by_id: BTreeMap<_, _> = operations(&document)
        .map(|(.., operation)| (operation["operationId"].as_str().unwrap(), operation))
        .collect();
    let mut led_to = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            for (name, link) in response["links"].as_object().into_iter().flatten() {
                let name = format!("{method} {path} {status} -> {name}");
                let id = link["operationId"].as_str().unwrap();
                let next = by_id.get(id).unwrap_or_else(|| panic!("{name}: no such operation"));
                for (parameter, expression) in link["parameters"].as_object().unwrap() {
                    let expression = expression.as_str().unwrap();
                    assert!(takes(next, parameter), "{name}: takes no {parameter}");
                    let is_there = brings(&document, operation, response, expression);
                    assert!(is_there, "{name}: {expression} is nowhere");
                }
                led_to.insert(id);
            }
        }
    }
    let with_path = |path: &str| path.starts_with("/v1/") && path.contains('{');
    for (path, _, operation) in operations(&document).filter(|(path, ..)| with_path(path)) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(led_to.contains(id), "no link leads to {id} {path}");
    }
}

/// Whether an operation has a parameter of this name.
fn takes(operation: &Value, name: &str) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|it| it["name"] == name)
}

/// Whether the document says that there is something at this place of a call or its answer.
fn brings(document: &Value, operation: &Value, response: &Value, expression: &str) -> bool {
    if let Some(name) = expression.strip_prefix("$response.header.") {
        return response["headers"][name].is_object();
    }
    if let Some(("path" | "query", name)) =
        expression.strip_prefix("$request.").and_then(|rest| rest.split_once('.'))
    {
        return takes(operation, name);
    }
    let Some(pointer) = expression.strip_prefix("$response.body#/") else { return false };
    let whole = |schema: &Value| match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    };
    let body = whole(&response["content"]["application/json"]["schema"]);
    let inner = |schema: Value, step: &str| match step.parse::<usize>() {
        Ok(_) => whole(&schema["items"]),
        Err(_) => whole(&schema["properties"][step]),
    };
    !pointer.split('/').fold(body, inner).is_null()
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
    })
}

/// Whether a media type has an example, itself or in its schema.
fn has_example(document: &Value, content: &Value) -> bool {
    let schema = match content["schema"]["$ref"].as_str() {
        Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => &content["schema"],
    };
    // A page is shown by one of its items.
    let item = &schema["properties"]["data"]["items"];
    let own = [&content["example"], &content["examples"], &schema["example"], &schema["examples"]];
    own.into_iter().chain([&item["example"]]).any(|example| !example.is_null())
}
