//! Where in what a peer sends a head may end: with a blank line. It is looked for to make one request at a
//! time of it, and says when something is handed on, never whether: what a request is, and where it begins
//! and ends, the HTTP layer alone decides.

/// Bytes of the shortest line that a request can begin with, which is `A / HTTP/1.0` (RFC 9112, section 3).
const SHORTEST: usize = 12;

/// What may be a head, as far as it came.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Head {
    /// Its bytes. Empty lines before it, which the HTTP layer skips, do not count: were each the end of a head,
    /// it would get them one by one, and look at all that it has got with each.
    length: usize,
    /// Whether nothing is in its last line yet.
    is_line_empty: bool,
}

impl Head {
    /// Goes by what is to be handed on at once of `bytes`, which follow: how much that is, and whether a head
    /// may end in it. It is all of them, unless another head may end behind the first.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut first = None;
        for (at, byte) in bytes.iter().enumerate() {
            if !self.may_end_with(*byte) {
                continue;
            }
            if let Some((end, there)) = first.replace((at + 1, *self)) {
                *self = there;
                return (end, true);
            }
        }
        (bytes.len(), first.is_some())
    }

    /// Goes by one byte: whether a head may end with it. One does not that has less in it than a request's first
    /// line: else a body of hardly anything but blank lines would be handed on in as many parts.
    fn may_end_with(&mut self, byte: u8) -> bool {
        let is_blank = byte == b'\n' && self.is_line_empty;
        let may_end = is_blank && self.length >= SHORTEST;
        self.is_line_empty = byte == b'\n' || byte == b'\r' && self.is_line_empty;
        self.length = match byte {
            _ if is_blank => 0,
            b'\r' | b'\n' if self.length == 0 => 0,
            _ => self.length + 1,
        };
        may_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts in which `bytes` are handed on.
    fn parts(bytes: &str) -> Vec<&str> {
        let (mut head, mut left, mut parts) = (Head::default(), bytes, Vec::new());
        while !left.is_empty() {
            let (length, _) = head.pass(left.as_bytes());
            let (part, rest) = left.split_at(length);
            parts.push(part);
            left = rest;
        }
        parts
    }

    #[test]
    fn heads_are_parted_behind_their_blank_lines() {
        let heads = [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\n\n",
            "A / HTTP/1.0\n\n",
            "\r\n\r\n\nGET / HTTP/1.1\r\nHost: x\n\r\n",
        ];
        assert_eq!(parts(&heads.concat()), heads);
    }

    #[test]
    fn nothing_but_empty_lines_is_one_part() {
        for line in ["\n", "\r\n", "\r", "\n\r", "\r\r\n"] {
            let lines = line.repeat(2_000);
            assert_eq!(parts(&lines), [&lines], "{line:?}");
            for before in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "{}", "1\r\n"] {
                let all = before.to_owned() + &lines;
                assert_eq!(parts(&all), [&all], "{line:?} after {before:?}");
            }
        }
    }

    #[test]
    fn small_chunks_of_empty_lines_are_one_part() {
        for chunk in ["1\r\n\n\r\n", "2\r\n\n\n\r\n", "1;a=b\r\n\n\r\n"] {
            let chunks = chunk.repeat(500);
            assert_eq!(parts(&chunks), [&chunks], "{chunk:?}");
        }
    }

    #[test]
    fn a_head_behind_a_body_is_parted_from_the_next() {
        let head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        for body in [
            "{\"quantity\":1}",
            "{}\n",
            "\n\n\n",
            "5\r\nab\n\n\n\r\n0\r\n\r\n",
            "0\r\nA: b\r\n\r\n",
        ] {
            let all = body.to_owned() + &head.repeat(2);
            let parts = parts(&all);
            assert!(parts.iter().all(|part| part.matches("GET").count() <= 1), "{parts:?}");
        }
    }
}
