//! Speaking HTTP as a storefront or an admin does.

use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::{ClientBuilder, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Authority, Server};

/// Someone with a token, or without one, at one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::blocking::Client,
    base: String,
    pub token: Option<String>,
}

impl Client {
    pub fn new(server: &Server, token: &str) -> Self {
        Self::to(&server.url, token)
    }

    /// A client of whatever listens there.
    pub fn to(url: &str, token: &str) -> Self {
        let http = builder().build().unwrap();
        Self { http, base: url.to_owned(), token: Some(token.to_owned()) }
    }

    /// The same client at a server that speaks TLS, trusting these authorities and no other.
    pub fn trusting(&self, server: &Server, authorities: &[&Authority]) -> Self {
        let certificate = |authority: &&Authority| {
            reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap()
        };
        let trust = |builder: ClientBuilder, authority| {
            builder.add_root_certificate(certificate(authority))
        };
        let http = authorities.iter().fold(builder().tls_built_in_root_certs(false), trust);
        Self { http: http.build().unwrap(), ..self.at(server) }
    }

    /// The same client at another server.
    pub fn at(&self, server: &Server) -> Self {
        self.at_url(&server.url)
    }

    pub fn at_url(&self, url: &str) -> Self {
        Self { base: url.to_owned(), ..self.clone() }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    pub fn call(&self, method: Method, path: &str) -> Call {
        let shown = format!("{method} {path}");
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        Call { request, shown }
    }

    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub fn head(&self, path: &str) -> Call {
        self.call(Method::HEAD, path)
    }

    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    pub fn post(&self, path: &str, body: Value) -> Call {
        self.call(Method::POST, path).json(&body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Call {
        self.call(Method::PATCH, path).json(&body)
    }

    pub fn buy(&self, book: i64, copies: i64) -> Call {
        self.post(&format!("/v1/books/{book}/purchases"), json!({ "quantity": copies }))
    }

    pub fn order(&self, lines: &[(i64, i64)]) -> Call {
        self.post("/v1/orders", json!({ "lines": lines_of(lines) }))
    }

    /// An order that is held for so many seconds.
    pub fn hold(&self, lines: &[(i64, i64)], seconds: i64) -> Call {
        self.post("/v1/orders", json!({ "lines": lines_of(lines), "hold_seconds": seconds }))
    }

    pub fn confirm(&self, order: &Answer) -> Call {
        self.call(Method::POST, &format!("/v1/orders/{}/confirm", order.id()))
    }

    pub fn cancel(&self, order: &Answer) -> Call {
        self.call(Method::POST, &format!("/v1/orders/{}/cancel", order.id()))
    }

    /// A return of an order's copies.
    pub fn take_back(&self, order: &Answer, lines: &[(i64, i64)]) -> Call {
        let path = format!("/v1/orders/{}/returns", order.id());
        self.post(&path, json!({ "lines": lines_of(lines) }))
    }

    pub fn restock(&self, book: i64, copies: i64) -> Call {
        self.post(&format!("/v1/books/{book}/restocks"), json!({ "quantity": copies }))
    }

    pub fn restock_many(&self, lines: &[(i64, i64)]) -> Call {
        self.post("/v1/restocks", json!({ "lines": lines_of(lines) }))
    }

    pub fn stocktake(&self, book: i64, counted: i64) -> Call {
        self.post(&format!("/v1/books/{book}/stocktakes"), json!({ "counted": counted }))
    }

    pub fn stocktake_expecting(&self, book: i64, counted: i64, expected: i64) -> Call {
        let body = json!({ "counted": counted, "expected": expected });
        self.post(&format!("/v1/books/{book}/stocktakes"), body)
    }

    pub fn book(&self, book: i64) -> Answer {
        self.get(&format!("/v1/books/{book}")).expect(200)
    }

    pub fn quantity(&self, book: i64) -> i64 {
        self.book(book)["quantity"].as_i64().unwrap()
    }

    /// Every movement of a book, newest first.
    pub fn movements(&self, book: i64) -> Vec<Value> {
        self.all(&format!("/v1/books/{book}/movements"), &[("limit", "100")])
    }

    /// Every item of a list, page by page.
    pub fn all(&self, path: &str, query: &[(&str, &str)]) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = None::<String>;
        loop {
            let cursor = after.iter().map(|cursor| ("after", cursor.as_str()));
            let page = self.get(path).query(query).query(&cursor.collect::<Vec<_>>()).expect(200);
            items.extend(page["data"].as_array().unwrap().iter().cloned());
            assert!(items.len() <= 100_000, "{path} never ends");
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return items,
            }
        }
    }
}

fn builder() -> ClientBuilder {
    let builder = reqwest::blocking::Client::builder();
    builder.timeout(Duration::from_secs(90)).pool_max_idle_per_host(128)
}

pub fn lines_of(lines: &[(i64, i64)]) -> Value {
    lines.iter().map(|(book, copies)| json!({ "book_id": book, "quantity": copies })).collect()
}

/// A request that was not sent yet.
pub struct Call {
    request: RequestBuilder,
    shown: String,
}

impl Call {
    /// Names the request, so that it can be sent again safely.
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub fn if_match(self, etag: &str) -> Self {
        self.header("If-Match", etag)
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = reqwest::header::HeaderValue::from_bytes(value.as_ref()).unwrap();
        self.request = self.request.header(name, value);
        self
    }

    pub fn query(mut self, query: &[(&str, &str)]) -> Self {
        for (name, value) in query {
            self.shown += &format!(" {name}={value}");
        }
        self.request = self.request.query(query);
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.shown += &format!(" {}", shortened(&body.to_string()));
        self.request = self.request.json(body);
        self
    }

    /// Sends exactly these bytes as what `content_type` says.
    pub fn raw(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        self.shown += &format!(" [{content_type}] {}", shortened(&String::from_utf8_lossy(&body)));
        self.request = self.request.header("Content-Type", content_type).body(body);
        self
    }

    /// Sends it. No answer at all is an error of the test.
    #[track_caller]
    pub fn send(self) -> Answer {
        let shown = self.shown.clone();
        self.try_send().unwrap_or_else(|error| panic!("{shown}: no answer: {error:?}"))
    }

    /// Sends it to a server that may be gone.
    pub fn try_send(self) -> Result<Answer, reqwest::Error> {
        Answer::read(self.shown, self.request.send()?)
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        self.send().expect(status)
    }

    /// Demands the problem of this name with this status.
    #[track_caller]
    pub fn refused(self, status: u16, slug: &str) -> Answer {
        self.send().refused(status, slug)
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
