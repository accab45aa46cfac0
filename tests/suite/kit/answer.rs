//! An answer of the service, held against what every answer must be.

use std::fmt;
use std::ops::Index;

use reqwest::header::HeaderMap;
use serde_json::Value;

pub struct Answer {
    request: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// `Null` if there was no body.
    pub body: Value,
}

impl Answer {
    /// Takes the answer in and checks what holds for all of them: a request id, and a whole problem
    /// when it is a refusal.
    pub fn read(
        request: String,
        response: reqwest::blocking::Response,
    ) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self::of(request, status, headers, &response.bytes()?))
    }

    /// The same, of an answer that came in some other way.
    pub fn of(request: String, status: u16, headers: HeaderMap, bytes: &[u8]) -> Self {
        let is_head = request.starts_with("HEAD ");
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
        };
        let answer = Self { request, status, headers, body };
        assert!(!answer.header("x-request-id").is_empty(), "no request id\n{answer}");
        if status >= 400 && !is_head {
            answer.assert_is_problem();
        }
        answer
    }

    /// RFC 9457, with a stable slug as type and the request id as instance.
    fn assert_is_problem(&self) {
        let content_type = self.header("content-type");
        assert!(content_type.starts_with("application/problem+json"), "no problem\n{self}");
        assert_eq!(self["status"].as_u64(), Some(self.status.into()), "\n{self}");
        assert!(self["type"].as_str().is_some_and(|t| t.starts_with("/problems/")), "\n{self}");
        assert_eq!(self["instance"].as_str(), Some(self.header("x-request-id")), "\n{self}");
        for member in ["title", "detail"] {
            assert!(self[member].as_str().is_some_and(|text| !text.is_empty()), "\n{self}");
        }
        let said = self.body.to_string().to_lowercase();
        for internal in
            ["diesel", "sqlite", "postgres", "mysql", "mariadb", "panicked", ".rs:", "r2d2"]
        {
            assert!(!said.contains(internal), "leaks {internal:?}\n{self}");
        }
        if matches!(self.status, 429 | 503) {
            assert!(self.header("retry-after").parse::<u32>().is_ok(), "no Retry-After\n{self}");
        }
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "\n{self}");
        self
    }

    #[track_caller]
    pub fn refused(self, status: u16, slug: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer["type"], format!("/problems/{slug}"), "\n{answer}");
        answer
    }

    /// A header's value, empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn etag(&self) -> String {
        let etag = self.header("etag");
        assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "no ETag\n{self}");
        etag.to_owned()
    }

    pub fn id(&self) -> String {
        self["id"].as_str().unwrap_or_else(|| panic!("no id\n{self}")).to_owned()
    }

    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == "true"
    }

    /// Demands that this is the answer of `first` again, marked as such.
    #[track_caller]
    pub fn replays(&self, first: &Self) {
        assert!(!first.is_replay(), "the first one is marked as a replay\n{first}");
        assert!(self.is_replay(), "not marked as a replay\n{self}");
        assert_eq!((self.status, &self.body), (first.status, &first.body), "\n{self}");
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, member: &str) -> &Value {
        &self.body[member]
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body: String = self.body.to_string().chars().take(2_000).collect();
        write!(f, "{}\n=> {} {:?}\n{body}", self.request, self.status, self.headers)
    }
}
