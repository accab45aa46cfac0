//! What came back on a connection, and whether that may be the answer to a shape.

use super::shapes::{Rule, Shape};

/// What a server did with a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Closed the connection, with or without saying why.
    Refused(Option<u16>),
    /// Took it for one request and answered with this status.
    One(u16),
}

/// The status of every whole answer in `bytes`, in order. Interim ones (1xx) don't count. The service
/// sends every body with its length.
pub(crate) fn statuses(mut bytes: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some((status, rest)) = next(bytes) {
        if status >= 200 {
            statuses.push(status);
        }
        bytes = rest;
    }
    statuses
}

/// The status of the answer that `bytes` begin with, once its head is whole, and what comes after it.
fn next(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (head, length) = head(bytes)?;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let status = text.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    Some((status, bytes.get(head + length..).unwrap_or_default()))
}

/// Where the head of the answer ends that `bytes` begin with, and how long its body is.
pub(crate) fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some((end, length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)))
}

/// What the server did with `shape`, if that is allowed; else what is wrong. `statuses` are its answers
/// until it closed the connection.
pub(crate) fn judge(shape: &Shape, statuses: &[u16]) -> Result<Outcome, String> {
    let wrong = |what: &str| Err(format!("{}: {what}, answers {statuses:?}", shape.name));
    if statuses.iter().any(|status| *status >= 500) {
        return wrong("it made the server fail");
    }
    let is_refusal = |status: &u16| (400..500).contains(status);
    let outcome = match statuses {
        [] => Outcome::Refused(None),
        [only] if is_refusal(only) => Outcome::Refused(Some(*only)),
        // The last request, which closes, is answered; or what looked like one more was no request.
        [first] | [first, 200] => Outcome::One(*first),
        [first, second] if is_refusal(second) => Outcome::One(*first),
        _ => return wrong("it was taken for several requests"),
    };
    match (shape.rule, outcome) {
        (Rule::Refuse, Outcome::One(_)) => wrong("it was not refused"),
        _ => Ok(outcome),
    }
}
