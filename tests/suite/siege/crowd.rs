//! Many who send a byte now and then.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::answers;
use super::hostile::Slow;

/// Slow ones, those who were sent away among them.
pub(super) struct Crowd(Vec<Caller>);

struct Caller {
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
        let slow = |number: usize| match number % 5 {
            0 => Slow::head(0),
            1 => Slow::second_head(),
            2 => Slow::body(token, false),
            3 => Slow::body(token, true),
            _ => Slow { first: b"", start: Vec::new(), drip: b"" },
        };
        Self((0..count).map(|number| Caller::begin(address, &slow(number))).collect())
    }

    /// A byte more of everyone.
    pub(super) fn drip(&mut self) {
        self.0.iter_mut().filter(|caller| caller.is_present).for_each(Caller::drip);
    }

    /// How many are still connected.
    pub(super) fn present(&self) -> usize {
        self.0.iter().filter(|caller| caller.is_present).count()
    }

    /// What they were told before they were sent away.
    pub(super) fn statuses(&self) -> impl Iterator<Item = u16> {
        self.0.iter().flat_map(|caller| answers::statuses(&caller.received))
    }
}

impl Caller {
    /// Connects, lets a whole request be answered if it has one, and starts another.
    fn begin(address: &str, Slow { first, start, drip }: &Slow) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        if !first.is_empty() {
            stream.write_all(first).unwrap();
            let mut received = Vec::new();
            while answers::statuses(&received).is_empty() {
                let mut part = [0; 1_024];
                let length = stream.read(&mut part).unwrap();
                assert!(length > 0, "closed before its first answer");
                received.extend_from_slice(&part[..length]);
            }
            assert_eq!(answers::statuses(&received), [200]);
        }
        stream.write_all(start).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, drip: *drip, sent: 0, received: Vec::new(), is_present: true }
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
