//! What an operation can answer besides its success: the problems that it names above its handler
//! as `x-problems`, those that every operation of its kind has, and the headers of them all.

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Components, ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr};
use utoipa::{Modify, ToSchema};

use super::examples;
use super::problem_view::ProblemView;
use crate::http::problem::Problem;

/// The extension that lists what an operation may refuse, as `"STATUS slug"`.
const PROBLEMS: &str = "x-problems";

/// Media type of a problem.
const PROBLEM_JSON: &str = "application/problem+json";

/// Completes every operation.
pub(super) struct Answers;

impl Modify for Answers {
    fn modify(&self, document: &mut OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let methods = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
            for operation in methods.into_iter().flatten() {
                complete(path, operation);
            }
        }
        let components = document.components.get_or_insert_with(Components::new);
        for problem in examples::problems() {
            let example = ExampleBuilder::new()
                .summary(problem.title())
                .value(Some(problem.json(examples::INSTANCE)))
                .build();
            components.examples.insert(name_of(&problem), RefOr::T(example));
        }
        for (name, description, example) in HEADERS {
            components.headers.insert((*name).to_owned(), RefOr::T(header(description, example)));
        }
    }
}

/// Headers that every answer, or every problem of a status, has.
const HEADERS: &[(&str, &str, &str)] = &[
    ("X-Request-Id", "The request's id, as in the log.", examples::INSTANCE),
    ("Retry-After", "Seconds to wait before trying again.", "1"),
    (
        "RateLimit",
        "What is left of the limit that counts the caller, and for how many seconds (IETF draft).",
        "\"client\";r=0;t=1",
    ),
    (
        "RateLimit-Policy",
        "The limit that counts the caller: so much, in so many seconds (IETF draft).",
        "\"client\";q=100;w=2",
    ),
    ("WWW-Authenticate", "What is wrong with the token (RFC 6750).", "Bearer realm=\"bookstore\""),
];

fn header(description: &str, example: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::String).examples([json!(example)]).build();
    let mut header = Header::new(schema);
    header.description = Some(description.to_owned());
    header
}

fn complete(path: &str, operation: &mut Operation) {
    let description = operation.description.take().unwrap_or_default();
    operation.description = Some(format!("{description}\n\n{}", who(operation)));
    for (status, slug) in problems_of(path, operation) {
        let problem = examples::find(status, &slug)
            .unwrap_or_else(|| panic!("{path}: there is no example of {status} {slug}"));
        refuse(operation, &problem);
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.headers.insert("X-Request-Id".to_owned(), header_ref("X-Request-Id"));
        }
    }
}

/// Who may call it, for readers: the page shows no roles of its own.
fn who(operation: &Operation) -> &'static str {
    match operation.security.as_ref().map(Vec::len) {
        None => "**Who:** anyone, without a token.",
        Some(1) => "**Who:** admin.",
        Some(_) => "**Who:** storefront, admin.",
    }
}

/// What the operation names, and what all like it can answer, the own ones first.
fn problems_of(path: &str, operation: &mut Operation) -> Vec<(StatusCode, String)> {
    let extensions = operation.extensions.as_mut();
    let named = extensions.and_then(|extensions| extensions.remove(PROBLEMS)).unwrap_or_default();
    operation.extensions = None;
    let named = named.as_array().into_iter().flatten().filter_map(Value::as_str);
    let named = named.map(str::to_owned).collect::<Vec<_>>();
    let usual = usual(path, operation).into_iter().map(str::to_owned);
    let read = |entry: String| {
        let (status, slug) = entry.split_once(' ')?;
        Some((StatusCode::from_bytes(status.as_bytes()).ok()?, slug.to_owned()))
    };
    let all = named.into_iter().chain(usual);
    all.map(|entry| read(entry).expect("a problem is written as `STATUS slug`")).collect()
}

fn usual(path: &str, operation: &Operation) -> Vec<&'static str> {
    let mut usual = Vec::new();
    let parameters = operation.parameters.iter().flatten();
    let has_readable_parts = parameters
        .filter_map(|it| match it {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
        .any(|it| it.parameter_in == ParameterIn::Query || it.name == "Idempotency-Key");
    if has_readable_parts || operation.request_body.is_some() {
        usual.push("400 invalid_request");
    }
    if operation.request_body.is_some() {
        usual.extend([
            "408 request_timeout",
            "413 payload_too_large",
            "415 unsupported_media_type",
            "422 invalid_request",
        ]);
    }
    if let Some(requirements) = &operation.security {
        usual.push("401 unauthorized");
        // With a requirement for each role, no role is left that is forbidden.
        if requirements.len() < super::ROLES.len() {
            usual.push("403 forbidden");
        }
    }
    usual.push("429 rate_limited");
    if path.starts_with("/v1/") {
        usual.extend([
            "406 not_acceptable",
            "500 internal_error",
            "503 overloaded",
            "503 database_unavailable",
        ]);
    }
    usual
}

fn refuse(operation: &mut Operation, problem: &Problem) {
    let (status, slug) = problem.status_and_slug();
    let responses = &mut operation.responses.responses;
    let response = responses
        .entry(status.as_str().to_owned())
        .or_insert_with(|| RefOr::T(ResponseBuilder::new().build()));
    let RefOr::T(response) = response else { return };
    let line = format!("`{slug}`: {}.", problem.title());
    if !response.description.contains(&line) {
        let separator = if response.description.is_empty() { "" } else { " " };
        response.description += separator;
        response.description += &line;
    }
    for name in problem.header_names() {
        let known = HEADERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        if let Some((known, ..)) = known {
            response.headers.insert((*known).to_owned(), header_ref(known));
        }
    }
    let example = Ref::new(format!("#/components/examples/{}", name_of(problem)));
    problem_content(response).examples.insert(slug.to_owned(), RefOr::Ref(example));
}

fn problem_content(response: &mut Response) -> &mut Content {
    let empty = || {
        let schema = Ref::from_schema_name(ProblemView::name());
        RefOr::T(ContentBuilder::new().schema(Some(schema)).build())
    };
    match response.content.entry(PROBLEM_JSON.to_owned()).or_insert_with(empty) {
        RefOr::T(content) => content,
        RefOr::Ref(_) => unreachable!("no content of ours is a reference"),
    }
}

fn header_ref(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn name_of(problem: &Problem) -> String {
    let (status, slug) = problem.status_and_slug();
    format!("{slug}_{}", status.as_u16())
}
