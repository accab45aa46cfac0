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
    use proptest::prelude::*;

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

    /// What the standard says of a parent, told by the places of its bytes.
    fn by_places(parent: &[u8]) -> Option<String> {
        let is_dash = |at: usize| parent.get(at) == Some(&b'-');
        if parent.len() < LENGTH || ![2, 35, 52].into_iter().all(is_dash) {
            return None;
        }
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let parts = [&parent[..2], &parent[3..35], &parent[36..52], &parent[53..55]];
        if !parts.concat().iter().all(is_digit) {
            return None;
        }
        let [version, trace, caller, _] = parts.map(|part| String::from_utf8_lossy(part));
        let ends = parent.len() == LENGTH || version != "00" && is_dash(LENGTH);
        let is_named = trace != "0".repeat(32) && caller != "0".repeat(16);
        (ends && is_named && version != "ff").then(|| trace.into_owned())
    }

    /// A parent in which nothing may be wrong, or one byte, or all.
    fn any_parent() -> impl Strategy<Value = Vec<u8>> {
        let version = "00|00|00|cc|ff|[0-9a-f]{2}";
        let trace = "[0-9a-f]{32}|0{32}|0{31}[0-9a-f]";
        let caller = "[0-9a-f]{16}|0{16}|[0-9a-f]0{15}";
        let parts = (version, trace, caller, "[0-9a-f]{2}", "|-|-[ -~]{0,9}|[ -~]");
        let near = parts.prop_map(|(version, trace, caller, flags, rest)| {
            format!("{version}-{trace}-{caller}-{flags}{rest}").into_bytes()
        });
        let edit = (any::<prop::sample::Index>(), b' '..=b'\xff', 0..=2_usize);
        let edited = (near.clone(), edit).prop_map(|(mut parent, (at, byte, removed))| {
            let at = at.index(parent.len() - 1);
            parent.splice(at..at + removed, [byte]);
            parent
        });
        prop_oneof![4 => near, 2 => edited, 1 => prop::collection::vec(b' '..=b'\xff', 0..60)]
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_parent_by_their_places_or_ignored(parent in any_parent()) {
            // What cannot stand in a header at all does not come so far.
            let Ok(value) = HeaderValue::from_bytes(&parent) else { return Ok(()) };
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, value.clone());
            let trace = Trace::of(&headers);
            let id = trace.as_ref().map(|trace| trace.id.clone());
            let readable = by_places(&parent).filter(|_| parent.is_ascii());
            prop_assert_eq!(&id, &readable);
            if let Some(trace) = trace {
                // What goes out is as well formed as what came in has to be.
                let response = trace.response().unwrap();
                prop_assert_eq!(response.len(), LENGTH);
                prop_assert_eq!(by_places(response.as_bytes()), id);
            }
            // Of two nobody knows which one is meant.
            headers.append(TRACEPARENT, value);
            prop_assert!(Trace::of(&headers).is_none());
        }

        #[test]
        fn any_trace_is_known_by_its_id(
            version in 0..0xff_u8, id in 1..=u128::MAX, caller in 1..=u64::MAX, flags in any::<u8>(),
        ) {
            let parent = format!("{version:02x}-{id:032x}-{caller:016x}-{flags:02x}");
            prop_assert_eq!(trace_id(&parent), Some(&*format!("{id:032x}")));
        }
    }
}
