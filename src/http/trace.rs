//! The trace that a request belongs to, if its caller keeps one: W3C Trace Context. This service keeps no
//! spans of its own; it takes the trace's id over into its log lines and names itself in the answer.

use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// From the draft of Trace Context, level 2: which part of the trace this service's answer was.
pub(super) const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// `VERSION-TRACE-PARENT-FLAGS` of version 00.
const LENGTH: usize = 55;

/// A request's place in a trace.
pub(super) struct Trace {
    /// 32 hexadecimal digits.
    pub(super) id: String,
    /// This request's own part of the trace.
    pub(super) span: SpanId,
}

/// Shown as 16 hexadecimal digits; never zero.
#[derive(Clone, Copy)]
pub(super) struct SpanId(u64);

impl SpanId {
    fn new() -> Self {
        // The lower half of a UUID is random but for its two topmost bits, which are 10.
        Self(Uuid::now_v7().as_u64_pair().1)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Trace {
    /// The trace that the caller names; `None` if there is none, several, or one that is not well
    /// formed, which the standard wants to be ignored.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT);
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let id = trace_id(value.to_str().ok()?)?.to_owned();
        Some(Self { id, span: SpanId::new() })
    }

    /// The header of the answer. Nothing was recorded: the flags are zero.
    pub(super) fn response(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("00-{}-{}-00", self.id, self.span)).ok()
    }
}

fn trace_id(parent: &str) -> Option<&str> {
    let mut parts = parent.splitn(5, '-');
    let mut next = |digits| parts.next().filter(|part| is_hexadecimal(part, digits));
    let (version, trace, caller, _flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    // A later version may have more parts.
    let is_whole = parent.len() == LENGTH || version != "00";
    let is_zero = |part: &str| part.bytes().all(|digit| digit == b'0');
    (version != "ff" && is_whole && !is_zero(trace) && !is_zero(caller)).then_some(trace)
}

fn is_hexadecimal(part: &str, digits: usize) -> bool {
    part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_well_formed_parent_is_taken_over() {
        for parent in [
            format!("00-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-00f067aa0ba902b7-00"),
            format!("cc-{ID}-00f067aa0ba902b7-01"),
            format!("cc-{ID}-00f067aa0ba902b7-01-what-the-future-will-be-like"),
        ] {
            assert_eq!(trace_id(&parent), Some(ID), "{parent}");
        }
    }

    #[test]
    fn rubbish_is_ignored() {
        for parent in [
            String::new(),
            "-".to_owned(),
            ID.to_owned(),
            format!("00-{ID}-00f067aa0ba902b7"),
            format!("00-{ID}-00f067aa0ba902b7-01-what"),
            format!("00-{ID}-00f067aa0ba902b7-01-"),
            format!("cc-{ID}-00f067aa0ba902b7-01.what"),
            format!("ff-{ID}-00f067aa0ba902b7-01"),
            format!("0-{ID}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", ID.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{ID}-0000000000000000-01"),
            format!("00-{ID}-00f067aa0ba902b7-0x"),
            format!(" 00-{ID}-00f067aa0ba902b7-01"),
            format!("00-{}é-00f067aa0ba902b7-01", &ID[2..]),
        ] {
            assert_eq!(trace_id(&parent), None, "{parent}");
        }
    }

    #[test]
    fn a_span_id_is_16_digits_and_its_own() {
        let [one, other] = [(); 2].map(|()| SpanId::new().to_string());
        assert!(is_hexadecimal(&one, 16) && one != other, "{one} {other}");
    }
}
