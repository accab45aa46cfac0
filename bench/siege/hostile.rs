//! What attackers say, and how they listen. For the siege, and for its short form among the tests.

use std::io;

use socket2::SockRef;

/// What a segment holds on the internet. Loopback's own segments are so large that the kernel would keep
/// megabytes of answers for each connection, and hide from the server that nobody reads them.
const SEGMENT: u32 = 1_460;

/// The smallest window that a connection can have.
const SMALL_WINDOW: usize = 4_096;

/// Sent of a body at a time.
pub(crate) const PART: usize = 64 << 10;

/// Lets a connection take next to nothing in before it is read from. Before it is made.
pub(crate) fn narrow(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_recv_buffer_size(SMALL_WINDOW)?;
    socket.set_tcp_mss(SEGMENT)
}

/// Somebody who takes their time.
pub(crate) struct Slow {
    /// Sent before everything else, and answered: a whole request, if anything.
    pub(crate) first: &'static [u8],
    /// Sent at once.
    pub(crate) start: Vec<u8>,
    /// Sent byte by byte, again and again.
    pub(crate) drip: &'static [u8],
}

impl Slow {
    /// With a head, of which so many bytes come at once.
    pub(crate) fn head(at_once: usize) -> Self {
        let mut start = b"GET /v1/books HTTP/1.1\r\nHost: siege\r\nX-Slow: ".to_vec();
        start.resize(start.len() + at_once, b'x');
        Self { first: b"", start, drip: b"slow" }
    }

    pub(crate) fn second_head() -> Self {
        Self { first: b"GET /healthz HTTP/1.1\r\nHost: siege\r\n\r\n", ..Self::head(0) }
    }

    /// With a body: by its length, or in chunks.
    pub(crate) fn body(token: &str, is_chunked: bool) -> Self {
        let start = post(Some(token), &framing(is_chunked, 60_000)).into_bytes();
        // A chunk of one byte, byte by byte; as a body of known length it is rubbish, but slow.
        Self { first: b"", start, drip: b"1\r\n \r\n" }
    }
}

/// Far too much for one connection to ask for at once. There are some kinds.
pub(crate) fn wishes(number: usize, bytes: usize) -> Vec<u8> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: s\r\n\r\n");
    match number % 5 {
        0 | 1 => get("/v1/books?limit=100").repeat(16),
        2 => get("/docs/swagger-ui-bundle.js").repeat(4),
        3 => get("/openapi.json").repeat(8),
        _ => {
            let one = get("/");
            one.repeat(bytes / one.len())
        }
    }
    .into_bytes()
}

/// Heads beyond measure, by name.
pub(crate) fn huge_heads() -> [(&'static str, Vec<u8>); 5] {
    let start = "GET /v1/books HTTP/1.1\r\nHost: siege\r\n";
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    [
        ("10,000 headers", format!("{start}{many}\r\n")),
        ("a header of 1 MiB", format!("{start}X: {}\r\n\r\n", "y".repeat(1 << 20))),
        ("a name of 100 KiB", format!("{start}X-{}: y\r\n\r\n", "n".repeat(100 << 10))),
        (
            "an address of 1 MiB",
            format!("GET /{} HTTP/1.1\r\nHost: siege\r\n\r\n", "a".repeat(1 << 20)),
        ),
        ("1 MiB of empty lines", "\n".repeat(1 << 20)),
    ]
    .map(|(name, head)| (name, head.into_bytes()))
}

/// The head of a body of this size, and what is then sent again and again.
pub(crate) fn huge_body(token: Option<&str>, is_chunked: bool, size: usize) -> [Vec<u8>; 2] {
    // As good as spaces to who reads it, but each is a blank line to who looks for the end of a head.
    let part = vec![b'\n'; PART];
    let part = match is_chunked {
        true => [format!("{PART:x}\r\n").as_bytes(), &part, b"\r\n"].concat(),
        false => part,
    };
    [post(token, &framing(is_chunked, size)).into_bytes(), part]
}

fn framing(is_chunked: bool, size: usize) -> String {
    match is_chunked {
        true => "Transfer-Encoding: chunked".to_owned(),
        false => format!("Content-Length: {size}"),
    }
}

/// The head of an order.
fn post(token: Option<&str>, framing: &str) -> String {
    let token = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    format!(
        "POST /v1/orders HTTP/1.1\r\nHost: siege\r\n{token}Content-Type: application/json\r\n\
         {framing}\r\n\r\n"
    )
}
