//! Many who send a byte now and then.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::answers;

/// Slow ones, those who were sent away among them.
pub(super) struct Crowd(Vec<Slow>);

struct Slow {
    stream: TcpStream,
    /// What it sends a byte of, again and again; nothing if it only stays.
    drip: &'static [u8],
    sent: usize,
    received: Vec<u8>,
    is_present: bool,
}

impl Crowd {
    /// So many: with their first head, with their second, with bodies of both kinds, and with nothing at
    /// all to say.
    pub(super) fn slow(address: &str, token: &str, count: usize) -> Self {
        let start = "GET /v1/books HTTP/1.1\r\nHost: siege\r\nX-Slow: ".to_owned();
        let whole = "GET /healthz HTTP/1.1\r\nHost: siege\r\n\r\n";
        let post = |framing: &str| {
            format!(
                "POST /v1/orders HTTP/1.1\r\nHost: siege\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\n{framing}\r\n\r\n"
            )
        };
        let kinds: [(&str, String, &'static [u8]); 5] = [
            ("", start.clone(), b"slow"),
            (whole, start, b"slow"),
            ("", post("Content-Length: 60000"), b" "),
            ("", post("Transfer-Encoding: chunked"), b"1\r\n \r\n"),
            ("", String::new(), b""),
        ];
        let slow = |number: usize| {
            let (first, start, drip) = &kinds[number % kinds.len()];
            Slow::begin(address, first, start, drip)
        };
        Self((0..count).map(slow).collect())
    }

    /// A byte more of everyone.
    pub(super) fn drip(&mut self) {
        self.0.iter_mut().filter(|slow| slow.is_present).for_each(Slow::drip);
    }

    /// How many are still connected.
    pub(super) fn present(&self) -> usize {
        self.0.iter().filter(|slow| slow.is_present).count()
    }

    /// What they were told before they were sent away.
    pub(super) fn statuses(&self) -> impl Iterator<Item = u16> {
        self.0.iter().flat_map(|slow| answers::statuses(&slow.received))
    }
}

impl Slow {
    /// Connects, lets a whole request be answered if it has one, and starts another.
    fn begin(address: &str, first: &str, start: &str, drip: &'static [u8]) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        if !first.is_empty() {
            stream.write_all(first.as_bytes()).unwrap();
            let mut received = Vec::new();
            while answers::statuses(&received).is_empty() {
                let mut part = [0; 1_024];
                let length = stream.read(&mut part).unwrap();
                assert!(length > 0, "closed before its first answer");
                received.extend_from_slice(&part[..length]);
            }
            assert_eq!(answers::statuses(&received), [200]);
        }
        stream.write_all(start.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, drip, sent: 0, received: Vec::new(), is_present: true }
    }

    fn drip(&mut self) {
        if !self.drip.is_empty() {
            let byte = self.drip[self.sent % self.drip.len()];
            self.sent += 1;
            self.is_present &= self.stream.write_all(&[byte]).is_ok();
        }
        let mut part = [0; 1_024];
        match self.stream.read(&mut part) {
            Ok(0) => self.is_present = false,
            Ok(length) => self.received.extend_from_slice(&part[..length]),
            Err(error) => self.is_present &= error.kind() == ErrorKind::WouldBlock,
        }
    }
}
