//! From bytes to typed requests: strict JSON bodies, query strings, ids, idempotency keys.

use std::future::{Ready, ready};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::{PayloadError, QueryPayloadError};
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use uuid::Uuid;

use super::Shop;
use super::problem::{
    PAYLOAD_TOO_LARGE, Problem, UNKNOWN_BOOK, UNKNOWN_ORDER, UNSUPPORTED_MEDIA_TYPE,
};
use crate::domain::limits::MAX_BODY_BYTES;
use crate::domain::{BookId, IdempotencyKey, OrderId};

/// A JSON body. Unknown members are refused if `T` says so, as all of ours do.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(problem) = require_json(request).and_then(|()| refuse_parameters(request)) {
            return Box::pin(ready(Err(problem)));
        }
        let bytes = whole(request, payload);
        Box::pin(async move { parse(&bytes.await?).map(Self) })
    }
}

/// The bytes of the body. Neither their number nor the time that they take is without limit.
fn whole(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<web::Bytes, Problem>> + use<> {
    // Their number is that of the application's PayloadConfig.
    let bytes = web::Bytes::from_request(request, payload);
    let shop = request.app_data::<web::Data<Shop>>().cloned();
    async move {
        let shop = shop.ok_or_else(Problem::internal)?;
        match shop.await_body(bytes).await {
            Ok(bytes) => bytes.map_err(|error| unreadable(&error)),
            Err(_) => Err(Problem::request_timeout()),
        }
    }
}

/// Reads a body of permitted length and forgets it: a connection with half a request on it would have
/// to be closed, and whoever was told to wait would have to connect anew.
pub(super) async fn discard(request: &mut ServiceRequest) {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| (1..=MAX_BODY_BYTES).contains(&length)) {
        let (request, payload) = request.parts_mut();
        let _ = whole(request, payload).await;
    }
}

fn require_json(request: &HttpRequest) -> Result<(), Problem> {
    let refuse = |detail: &str| Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE, detail));
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return refuse("the body must be sent without Content-Encoding");
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let essence = content_type.and_then(|it| it.split(';').next()).unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => refuse("the body must be sent with Content-Type: application/json"),
    }
}

/// What changes something takes no parameters. Whoever put `hold_seconds` there would have bought.
fn refuse_parameters(request: &HttpRequest) -> Result<(), Problem> {
    match request.query_string() {
        "" => Ok(()),
        _ => Err(Problem::malformed("the query string: this request takes no parameters")),
    }
}

fn unreadable(error: &actix_web::Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::new(
            &PAYLOAD_TOO_LARGE,
            format!("the body has more than {MAX_BODY_BYTES} bytes"),
        ),
        _ => Problem::malformed("the body could not be read to its end"),
    }
}

/// First whether it is JSON at all (else 400), then whether it is what the route takes (else 422).
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |error: &dyn std::fmt::Display| {
        Problem::malformed(format!("the body is not valid JSON: {error}"))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(&error))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| malformed(&error))?;
    if text.contains('[') {
        refuse_lists_for_objects(text)?;
    }
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        Problem::invalid(vec![(pointer, in_words(&error.into_inner()))])
    })
}

/// serde takes `[1]` for `{"quantity": 1}`: a list of a struct's members in their order. Nobody means
/// that, so every list may hold objects only, and the body itself is one.
fn refuse_lists_for_objects(text: &str) -> Result<(), Problem> {
    // What is nested too deeply for this is no body of ours; the typed reading says what is wrong.
    let Ok(body) = serde_json::from_str::<Value>(text) else { return Ok(()) };
    let refuse =
        |pointer: String| Err(Problem::invalid(vec![(pointer, "must be an object".to_owned())]));
    let Some(members) = body.as_object() else { return refuse(String::new()) };
    for (name, member) in members {
        for (index, element) in member.as_array().into_iter().flatten().enumerate() {
            if !element.is_object() {
                return refuse(format!("/{}/{index}", escape(name)));
            }
        }
    }
    Ok(())
}

/// The error without ` at line 1 column 2`, which the pointer says better, and without Rust's names.
fn in_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    text.split(", expected struct ").next().unwrap_or_default().to_owned()
}

/// The path as a JSON Pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Nothing in the body, or an empty object, which is what some clients send for nothing.
pub(super) struct NoBody;

impl FromRequest for NoBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(problem) = refuse_parameters(request) {
            return Box::pin(ready(Err(problem)));
        }
        let bytes = whole(request, payload);
        Box::pin(async move {
            let bytes = bytes.await?;
            if bytes.trim_ascii().is_empty() {
                return Ok(Self);
            }
            parse::<Nothing>(&bytes).map(|Nothing {}| Self)
        })
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A query string. Unknown parameters are refused if `T` says so, as all of ours do.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            web::Query::<T>::from_query(request.query_string())
                .map(|query| Self(query.into_inner()))
                .map_err(|error| malformed_query(&error)),
        )
    }
}

fn malformed_query(error: &QueryPayloadError) -> Problem {
    let said = match error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        error => error.to_string(),
    };
    // serde speaks of the fields of a struct.
    Problem::malformed(format!("the query string: {}", said.replacen("field", "parameter", 1)))
}

/// The `{id}` of a path under `/books`. What is not a number names no book.
pub(super) struct BookPath(pub(super) BookId);

impl FromRequest for BookPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").unwrap_or_default();
        let is_canonical = id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
        ready(match id.parse() {
            Ok(id) if is_canonical => Ok(Self(BookId(id))),
            _ => Err(Problem::new(&UNKNOWN_BOOK, "no such book")),
        })
    }
}

/// The `{id}` of a path under `/orders`. What is not a UUID names no order.
pub(super) struct OrderPath(pub(super) OrderId);

impl FromRequest for OrderPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").unwrap_or_default();
        let id = Uuid::try_parse(id).map(OrderId);
        if let Ok(id) = id {
            tracing::Span::current().record("order_id", tracing::field::display(id));
        }
        ready(id.map(Self).map_err(|_| Problem::new(&UNKNOWN_ORDER, "no such order")))
    }
}

/// The header `Idempotency-Key`, if there.
pub(super) struct Key(pub(super) Option<IdempotencyKey>);

impl FromRequest for Key {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all("idempotency-key");
        let key = values.next().map(|value| IdempotencyKey::parse(value.as_bytes())).transpose();
        ready(match (key, values.next()) {
            (Ok(key), None) => Ok(Self(key)),
            (Ok(_), Some(_)) => Err(Problem::malformed("there is more than one Idempotency-Key")),
            (Err(error), _) => Err(Problem::malformed(error.to_string())),
        })
    }
}

/// Collects what is wrong with the members of a body, so that the caller is told all at once.
#[derive(Default)]
pub(super) struct Faults(Vec<(String, String)>);

impl Faults {
    /// The value, or `None` after noting the error under `pointer`.
    pub(super) fn take<T>(
        &mut self,
        pointer: impl Into<String>,
        parsed: Result<T, impl std::fmt::Display>,
    ) -> Option<T> {
        parsed.map_err(|error| self.0.push((pointer.into(), error.to_string()))).ok()
    }

    /// Notes an error.
    pub(super) fn note(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push((pointer.into(), detail.into()));
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        Self::invalid(faults.0)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use actix_web::test::TestRequest;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    /// Bodies as ours are: objects, lists of objects, members that may be left out, nothing unknown.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        lines: Vec<Line>,
        reference: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        book_id: i64,
        quantity: i64,
    }

    /// Any members, under any names.
    type Members = std::collections::BTreeMap<String, i64>;

    fn any_body() -> impl Strategy<Value = Body> {
        let line = (any::<i64>(), any::<i64>());
        let line = line.prop_map(|(book_id, quantity)| Line { book_id, quantity });
        (prop::collection::vec(line, 0..3), prop::option::of(".{0,8}"))
            .prop_map(|(lines, reference)| Body { lines, reference })
    }

    /// Any JSON, of which some has our names.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3..3_i64).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 20, 4, |inner| {
            let name = "lines|reference|book_id|quantity|[~/a]{0,3}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    /// A body of ours with lists of members for objects, as serde would take it.
    fn in_lists(body: &Body, is_whole: bool) -> Value {
        let line = |line: &Line| match is_whole {
            true => serde_json::json!(line),
            false => serde_json::json!([line.book_id, line.quantity]),
        };
        let lines: Vec<Value> = body.lines.iter().map(line).collect();
        match is_whole {
            true => serde_json::json!([lines, body.reference]),
            false => serde_json::json!({ "lines": lines, "reference": body.reference }),
        }
    }

    /// Where a problem says that something is wrong with a body.
    fn pointer_of(problem: &Problem) -> String {
        let said = problem.json("");
        said["errors"][0]["pointer"].as_str().unwrap_or("no pointer").to_owned()
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_body_word_for_word_or_refused(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..60),
                "[\\[\\]{}\",:0-9a-z\\\\ ]{0,60}".prop_map(String::into_bytes),
                any_json().prop_map(|json| json.to_string().into_bytes()),
                (any_body(), any::<bool>())
                    .prop_map(|(body, is_whole)| in_lists(&body, is_whole).to_string().into_bytes()),
                // A body of ours, with something else in one place.
                (any_body(), any::<prop::sample::Index>(), ".{0,2}").prop_map(|(body, at, text)| {
                    let mut bytes = serde_json::to_vec(&body).unwrap();
                    let at = at.index(bytes.len());
                    bytes.splice(at..=at, text.into_bytes());
                    bytes
                }),
            ],
        ) {
            let json = serde_json::from_slice::<Value>(&bytes).ok();
            match parse::<Body>(&bytes) {
                Ok(body) => {
                    let mut read = serde_json::to_value(&body).unwrap();
                    let mut json = json.unwrap();
                    // Left out or null is the same.
                    for value in [&mut read, &mut json] {
                        value.as_object_mut().unwrap().retain(|_, member| !member.is_null());
                    }
                    prop_assert_eq!(read, json);
                }
                Err(problem) => {
                    let status = problem.status_code().as_u16();
                    prop_assert!(status == 422 || status == 400 && json.is_none(), "{}", status);
                }
            }
        }

        #[test]
        fn any_body_is_read_back_however_it_is_laid_out(body in any_body(), is_pretty in any::<bool>()) {
            let bytes = match is_pretty {
                true => serde_json::to_vec_pretty(&body).unwrap(),
                false => serde_json::to_vec(&body).unwrap(),
            };
            prop_assert_eq!(parse::<Body>(&bytes).ok(), Some(body));
        }

        #[test]
        fn any_name_is_pointed_at_so_that_its_member_is_found(
            mut members in prop::collection::btree_map("[~/01]{0,4}|.{0,4}", any::<i64>(), 0..4),
            name in "[~/01]{0,4}|.{0,4}",
            wrong in prop_oneof![
                Just(Value::Null), ".{0,3}".prop_map(Value::from), Just(serde_json::json!([[7]])),
            ],
        ) {
            members.remove(&name);
            let mut body = serde_json::to_value(&members).unwrap();
            body[&name] = wrong.clone();
            let problem = parse::<Members>(body.to_string().as_bytes()).unwrap_err();
            // serde_json has a reading of pointers of its own.
            let found = body.pointer(&pointer_of(&problem));
            prop_assert!(found == Some(&wrong) || found == wrong.get(0), "{:?}", problem);
        }

        #[test]
        fn any_text_in_a_path_is_an_id_to_the_letter_or_names_no_book(
            text in "[0-9]{0,20}|[+-]?[0-9]{1,3}|.{0,6}",
        ) {
            let request = TestRequest::default().param("id", text.clone()).to_http_request();
            let read = BookPath::from_request(&request, &mut Payload::None).into_inner();
            let id = text.parse::<i64>().ok().filter(|id| *id > 0 && id.to_string() == text);
            prop_assert_eq!(read.ok().map(|BookPath(BookId(id))| id), id);
        }
    }
}
