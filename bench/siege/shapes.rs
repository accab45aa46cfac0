//! Requests that two readers may take for different things: for one request, or for one with a second
//! hidden in it. Only their bytes are here, and what may be done with them; the siege and the tests send
//! them.
//!
//! Each holds a whole purchase, with an Idempotency-Key and a book of its own, where a reader who falls
//! for it finds a second request. Behind it comes a last, honest request that closes the connection, so
//! that nobody has to guess when the server is done.

/// Who sends it, and what it buys.
pub(crate) struct Bait<'a> {
    /// A good token: a hidden purchase must not fail for want of one.
    pub(crate) token: &'a str,
    /// The book of the purchase that everybody sees.
    pub(crate) outer: i64,
    /// The book of the purchase that is hidden.
    pub(crate) inner: i64,
    /// Makes the keys of one round differ from those of another.
    pub(crate) round: usize,
}

/// What a reader may do with a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Refuse it: no reading of it is safe.
    Refuse,
    /// Refuse it, or take it for the one request that it is.
    RefuseOrOne,
}

/// One such request.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) rule: Rule,
    pub(crate) bytes: Vec<u8>,
    /// The key of the purchase that everybody sees.
    pub(crate) outer_key: String,
    /// The key of the hidden purchase.
    pub(crate) inner_key: String,
}

/// The body of a purchase: 15 bytes, as a chunk's size f.
const BODY: &str = r#"{"quantity": 1}"#;

/// The honest request at the end.
const LAST: &str = "GET /healthz HTTP/1.1\r\nHost: siege\r\nConnection: close\r\n\r\n";

/// Stands in keys for the round and the number of a shape, which have as many digits.
const NUMBER: &str = "ROUND-OF-MANY-NUM";

/// More of a chunk's extension than anybody has a use for.
const MEGABYTES: usize = 3 << 20;

/// What one shape is made of.
struct Draft {
    name: &'static str,
    rule: Rule,
    start: String,
    host: &'static str,
    framing: String,
    body: String,
}

impl Draft {
    fn one(self) -> Self {
        Self { rule: Rule::RefuseOrOne, ..self }
    }

    fn start(self, start: impl Into<String>) -> Self {
        Self { start: start.into(), ..self }
    }

    fn host(self, host: &'static str) -> Self {
        Self { host, ..self }
    }
}

impl Bait<'_> {
    /// Every shape.
    pub(crate) fn shapes(&self) -> Vec<Shape> {
        let lists = [
            self.hidden_codings(),
            self.differing_lengths(),
            self.broken_chunks(),
            self.odd_heads(),
            self.bodies_that_nobody_asked_for(),
        ];
        let drafts = lists.into_iter().flatten().enumerate();
        drafts.map(|(number, draft)| self.finish(number, draft)).collect()
    }

    /// Two purchases one after the other, as pipelining allows: both must run. It shows that a hidden
    /// one would have run, had anybody read it.
    pub(crate) fn pipelined(&self) -> Shape {
        let framing = format!("Content-Length: {}\r\n", BODY.len());
        let draft = self.draft("pipelined", framing, BODY.to_owned() + &self.inner()).one();
        self.finish(999, draft)
    }

    fn finish(&self, number: usize, draft: Draft) -> Shape {
        let Draft { name, rule, start, host, framing, body } = draft;
        let token = self.token;
        let whole = format!(
            "{start}{host}Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Idempotency-Key: outer-{NUMBER}\r\n{framing}\r\n{body}{LAST}"
        );
        let number = format!("{:013}-{number:03}", self.round);
        Shape {
            name,
            rule,
            bytes: whole.replace(NUMBER, &number).into_bytes(),
            outer_key: format!("outer-{number}"),
            inner_key: format!("inner-{number}"),
        }
    }

    /// A purchase of the outer book with lines about its length, and what follows the head.
    fn draft(
        &self,
        name: &'static str,
        framing: impl Into<String>,
        body: impl Into<String>,
    ) -> Draft {
        Draft {
            name,
            rule: Rule::Refuse,
            start: format!("POST /v1/books/{}/purchases HTTP/1.1\r\n", self.outer),
            host: "Host: siege\r\n",
            framing: framing.into(),
            body: body.into(),
        }
    }

    /// The hidden purchase.
    fn inner(&self) -> String {
        format!(
            "POST /v1/books/{}/purchases HTTP/1.1\r\nHost: siege\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nIdempotency-Key: inner-{NUMBER}\r\n\
             Content-Length: {}\r\n\r\n{BODY}",
            self.inner,
            self.token,
            BODY.len()
        )
    }

    /// A length that covers the hidden purchase, and a coding that ends before it, for whoever sees
    /// that line.
    fn hidden_codings(&self) -> Vec<Draft> {
        let body = format!("0\r\n\r\n{}", self.inner());
        let length = format!("Content-Length: {}", body.len());
        let with = |(name, line): (&'static str, &str)| {
            self.draft(name, format!("{length}\r\n{line}\r\n"), &body)
        };
        let must_be_refused = [
            ("length and coding", "Transfer-Encoding: chunked"),
            ("coding with a space before the colon", "Transfer-Encoding : chunked"),
            ("coding with a tab before the colon", "Transfer-Encoding\t: chunked"),
            ("coding folded onto the length", " Transfer-Encoding: chunked"),
            ("coding folded onto the length with a tab", "\tTransfer-Encoding: chunked"),
            ("coding folded onto another line", "X-Note: a\r\n Transfer-Encoding: chunked"),
            ("coding whose value is folded", "Transfer-Encoding:\r\n chunked"),
            ("coding behind a bare LF", "X-Note: a\nTransfer-Encoding: chunked"),
            ("coding behind a bare CR", "X-Note: a\rTransfer-Encoding: chunked"),
            ("coding behind two CR", "X-Note: a\r\rTransfer-Encoding: chunked"),
            ("coding behind CR CR LF", "X-Note: a\r\r\nTransfer-Encoding: chunked"),
            ("coding behind a NUL", "X-Note: a\0Transfer-Encoding: chunked"),
            ("coding with a vertical tab", "Transfer-Encoding: \x0bchunked"),
            ("coding with a NUL", "Transfer-Encoding: chunked\0"),
            ("coding with a NUL in its name", "Transfer-Encoding\0: chunked"),
            ("coding that nobody knows", "Transfer-Encoding: xchunked"),
            ("coding in quotes", "Transfer-Encoding: \"chunked\""),
            ("coding with a parameter", "Transfer-Encoding: chunked;q=1"),
            ("coding identity", "Transfer-Encoding: identity"),
            ("codings, chunked first", "Transfer-Encoding: chunked, identity"),
            ("codings, chunked last", "Transfer-Encoding: gzip, chunked"),
            ("coding twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
            ("coding without a value", "Transfer-Encoding:"),
        ];
        let are_other_headers = [
            ("coding with an underscore", "Transfer_Encoding: chunked"),
            ("coding under another name", "X-Transfer-Encoding: chunked"),
        ];
        let mut drafts: Vec<_> = must_be_refused.map(with).into();
        drafts.extend(are_other_headers.map(with).map(Draft::one));
        let first = format!("Transfer-Encoding: chunked\r\n{length}\r\n");
        drafts.push(self.draft("coding and length", first, &body));
        drafts.push(self.coding_covers_what_the_length_does_not());
        // A bare LF ends the head for some; what then follows is covered by the length.
        let early = format!("{length}\r\n\nTransfer-Encoding: chunked\r\n");
        drafts.push(self.draft("coding behind an empty line of a bare LF", early, &body).one());
        let many: String = (0..200).map(|number| format!("X-{number}: y\r\n")).collect();
        let last = format!("{length}\r\n{many}Transfer-Encoding: chunked\r\n");
        drafts.push(self.draft("coding behind 200 headers", last, &body));
        drafts
    }

    /// The other way round: the length ends before the hidden purchase, and the coding covers it.
    fn coding_covers_what_the_length_does_not(&self) -> Draft {
        let inner = self.inner();
        let size = format!("{:x}\r\n", inner.len());
        let framing = format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", size.len());
        self.draft("coding longer than the length", framing, format!("{size}{inner}\r\n0\r\n\r\n"))
    }

    /// A length that ends before the hidden purchase, and one that covers it or is no length.
    fn differing_lengths(&self) -> Vec<Draft> {
        let body = BODY.to_owned() + &self.inner();
        let (short, long) = (BODY.len(), body.len());
        let framings = [
            ("two lengths", format!("Content-Length: {short}\r\nContent-Length: {long}\r\n")),
            ("two lengths, the long one first", {
                format!("Content-Length: {long}\r\nContent-Length: {short}\r\n")
            }),
            ("two lengths in a list", format!("Content-Length: {short}, {long}\r\n")),
            ("two lengths, one folded", format!("Content-Length: {short}\r\n {long}\r\n")),
            ("two lengths, one behind a bare LF", {
                format!("X-Note: a\nContent-Length: {long}\r\nContent-Length: {short}\r\n")
            }),
            ("length with a space before the colon", format!("Content-Length : {short}\r\n")),
            ("length with a space in its name", format!("Content Length: {short}\r\n")),
        ];
        let values = [
            ("length with a plus", "+15"),
            ("length below zero", "-15"),
            ("length in hexadecimal", "0xf"),
            ("length with a point", "15.0"),
            ("length of two numbers", "1 5"),
            ("length with a semicolon", "15;"),
            ("length without a value", ""),
            ("length beyond 64 bits", "18446744073709551631"),
            ("length with a vertical tab", "15\x0b"),
        ];
        let mut drafts = Vec::new();
        for (name, framing) in framings {
            drafts.push(self.draft(name, framing, &body));
        }
        for (name, value) in values {
            drafts.push(self.draft(name, format!("Content-Length: {value}\r\n"), &body));
        }
        drafts
    }

    /// A chunked body that is broken before its end, which somebody may overlook.
    fn broken_chunks(&self) -> Vec<Draft> {
        let inner = self.inner();
        let coding = "Transfer-Encoding: chunked\r\n";
        let chunked = |name, body: String| self.draft(name, coding, body + &inner);
        let sized = |(name, size): (&'static str, &str)| {
            chunked(name, format!("{size}{BODY}\r\n0\r\n\r\n"))
        };
        let sizes = [
            ("chunk size beyond 64 bits", "1000000000000000f\r\n"),
            ("chunk size with 0x", "0xf\r\n"),
            ("chunk size with a plus", "+f\r\n"),
            ("chunk size below zero", "-f\r\n"),
            ("chunk size behind a space", " f\r\n"),
            ("chunk size with a NUL", "f\0\r\n"),
            ("chunk size of two numbers", "f f\r\n"),
            ("chunk size that is empty", "\r\n"),
            ("chunk size before a bare LF", "f\n"),
            ("chunk size before a bare CR", "f\r"),
            ("chunk extension with a bare LF", "f;a\nb\r\n"),
            ("chunk extension with a bare CR", "f;a\rb\r\n"),
        ];
        let mut drafts: Vec<_> = sizes.map(sized).into();
        drafts.extend([
            chunked("chunk before a bare LF", format!("f\r\n{BODY}\n0\r\n\r\n")),
            chunked("chunk without an end", format!("f\r\n{BODY}0\r\n\r\n")),
            chunked("chunk longer than its size", format!("f\r\n{BODY}XX\r\n0\r\n\r\n")),
            chunked("last chunk before a bare LF", format!("f\r\n{BODY}\r\n0\n\n")),
            // What follows is not broken: it belongs to the body, however it looks.
            chunked("request for a trailer", format!("f\r\n{BODY}\r\n0\r\n")).one(),
            self.draft("chunk extension of megabytes", coding, {
                format!("f;a={}\r\n{BODY}\r\n0\r\n\r\n", "x".repeat(MEGABYTES))
            })
            .one(),
            // Waits for 4 GiB, which never come.
            chunked("chunk size beyond 32 bits", format!("10000000f\r\n{BODY}\r\n0\r\n\r\n")).one(),
        ]);
        drafts
    }

    /// Heads that are odd in another way than in the length they tell.
    fn odd_heads(&self) -> Vec<Draft> {
        let length = format!("Content-Length: {}\r\n", BODY.len());
        let covered = format!("0\r\n\r\n{}", self.inner());
        let covers = format!("Content-Length: {}\r\n", covered.len());
        let plain = |name| self.draft(name, &length, BODY);
        let path = format!("/v1/books/{}/purchases", self.outer);
        let post = |rest: &str| format!("POST {path} {rest}");
        let lines = "Host: siege\nX-Note: a\n";
        vec![
            plain("absolute form with another host")
                .start(format!("POST http://elsewhere.example{path} HTTP/1.1\r\n"))
                .one(),
            plain("no host").host(""),
            plain("two hosts").host("Host: siege\r\nHost: elsewhere\r\n"),
            plain("host that is folded").host("Host: siege\r\n elsewhere\r\n"),
            plain("host with a space before the colon").host("Host : siege\r\n"),
            plain("lines that end with a bare LF").start(post("HTTP/1.1\n")).host(lines).one(),
            plain("first line with a bare CR").start(post("HTTP/1.1\rX-Note: a\r\n")),
            plain("first line that is folded").start(post("HTTP/1.1\r\n X-Note: a\r\n")),
            plain("version 1.2").start(post("HTTP/1.2\r\n")),
            plain("version 2.0").start(post("HTTP/2.0\r\n")),
            plain("version in small letters").start(post("http/1.1\r\n")),
            plain("no version").start(format!("POST {path}\r\n")),
            plain("version 1.0").start(post("HTTP/1.0\r\n")).one(),
            self.draft("version 1.0 with a coding", "Transfer-Encoding: chunked\r\n", &covered)
                .start(post("HTTP/1.0\r\n")),
            self.draft(
                "version 1.0 with length and coding",
                format!("{covers}Transfer-Encoding: chunked\r\n"),
                &covered,
            )
            .start(post("HTTP/1.0\r\n")),
            self.draft(
                "header name of 100 KiB",
                format!("{length}X-{}: a\r\n", "n".repeat(100 << 10)),
                BODY,
            ),
            self.draft(
                "upgrade to a websocket",
                format!("{length}Connection: Upgrade\r\nUpgrade: websocket\r\n"),
                BODY,
            )
            .one(),
        ]
    }

    /// A body where nobody reads one: it must not be read as the next request.
    fn bodies_that_nobody_asked_for(&self) -> Vec<Draft> {
        let inner = self.inner();
        let get = format!("GET /v1/books/{} HTTP/1.1\r\n", self.outer);
        let covers = format!("Content-Length: {}\r\n", inner.len());
        let coding = "Transfer-Encoding: chunked\r\n";
        let chunk = format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
        let nowhere = "POST /nowhere HTTP/1.1\r\n";
        vec![
            self.draft("GET with a body", &covers, &inner).start(&get).one(),
            self.draft("GET with chunks", coding, &chunk).start(&get).one(),
            self.draft("no such path, with a body", &covers, &inner).start(nowhere).one(),
            self.draft("no such path, with chunks", coding, &chunk).start(nowhere).one(),
        ]
    }
}
