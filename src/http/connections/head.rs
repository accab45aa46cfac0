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
    use proptest::prelude::*;

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

    /// Behind which bytes a head may end, told line by line.
    fn ends(bytes: &[u8]) -> Vec<usize> {
        let is_empty = |line: &[u8]| line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        let (mut at, mut length, mut ends) = (0, 0, Vec::new());
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            at += line.len();
            if !is_empty(line) {
                let before = line.iter().take_while(|byte| length == 0 && **byte == b'\r').count();
                length += line.len() - before;
            } else if line.ends_with(b"\n") {
                if length + line.len() > SHORTEST {
                    ends.push(at);
                }
                length = 0;
            }
        }
        ends
    }

    /// Lines of all lengths, many of them empty, and no lines.
    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            3 => Just(b"\n".to_vec()),
            2 => Just(b"\r\n".to_vec()),
            1 => Just(b"\r".to_vec()),
            2 => prop::collection::vec(any::<u8>(), 0..16),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_are_parted_at_the_same_ends_however_they_come(
            packets in prop::collection::vec(any_bytes(), 1..5),
        ) {
            let ends = ends(&packets.concat());
            let (mut head, mut at) = (Head::default(), 0);
            for packet in &packets {
                let packet_end = at + packet.len();
                while at < packet_end {
                    let mut within = ends.iter().filter(|end| at < **end && **end <= packet_end);
                    let (first, second) = (within.next(), within.next());
                    let part_end = first.filter(|_| second.is_some()).unwrap_or(&packet_end);
                    let passed = head.pass(&packet[packet.len() - (packet_end - at)..]);
                    prop_assert_eq!(passed, (part_end - at, first.is_some()));
                    at = *part_end;
                }
            }
        }

        #[test]
        fn any_heads_are_handed_on_one_by_one(
            heads in prop::collection::vec(
                (
                    "[\r\n]{0,3}[A-Z]{1,7} /[!-~]{0,9} HTTP/1.[01](\r\n|\n)",
                    "([A-Za-z-]{1,9}:[ -~\t]{0,9}(\r\n|\n)){0,3}",
                    "\r\n|\n",
                ),
                1..6,
            ),
        ) {
            let heads: Vec<_> =
                heads.into_iter().map(|(line, fields, blank)| line + &fields + &blank).collect();
            let all = heads.concat();
            prop_assert_eq!(parts(&all), heads);
        }
    }
}
