//! Safe retries: the key a client chose for a request, and the hash that says which request it was.
//!
//! Source: the IETF draft "The Idempotency-Key HTTP Header Field".

use sha2::{Digest, Sha256};

use super::Client;
use super::limits::MAX_IDEMPOTENCY_KEY;

/// What a client calls one of its requests: 1..=255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// The key is empty, too long, or has a character outside printable ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an Idempotency-Key is 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters")]
pub struct BadKey;

impl IdempotencyKey {
    /// Takes the bytes of a header's value. Space is allowed within, not at either end.
    ///
    /// # Errors
    /// [`BadKey`] if the length or a character is not allowed.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadKey> {
        let printable = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        let padded = bytes.first() == Some(&b' ') || bytes.last() == Some(&b' ');
        if !printable || padded || bytes.is_empty() || bytes.len() > MAX_IDEMPOTENCY_KEY {
            return Err(BadKey);
        }
        String::from_utf8(bytes.to_vec()).map(Self).map_err(|_| BadKey)
    }

    /// The key itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of what was asked: two requests with one hash ask the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestHash(pub [u8; 32]);

impl RequestHash {
    /// Hashes the parts of a request in a fixed order. Each part goes in with its length, so that
    /// no two lists of parts run together.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

/// Who asks, under which key if any, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The client that asks.
    pub client: Client,
    /// The client's own name for this request; without one, no retry is recognised.
    pub key: Option<IdempotencyKey>,
    /// What is asked.
    pub hash: RequestHash,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_printable_ascii_within_their_length() {
        assert!(IdempotencyKey::parse(b"order 17/b~").is_ok());
        assert!(IdempotencyKey::parse(&[b'k'; 255]).is_ok());
        for bad in [&b""[..], &[b'k'; 256], b"tab\there", b"nul\0", "é".as_bytes(), b" padded"] {
            assert_eq!(IdempotencyKey::parse(bad), Err(BadKey));
        }
    }

    #[test]
    fn parts_do_not_run_together_in_a_hash() {
        assert_ne!(RequestHash::of(&[b"ab", b"c"]), RequestHash::of(&[b"a", b"bc"]));
        assert_ne!(RequestHash::of(&[b"ab"]), RequestHash::of(&[b"ab", b""]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_key_as_they_are_or_refused(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                prop::collection::vec(b' '..=b'~', 0..300),
            ],
        ) {
            let is_padded = bytes.first() == Some(&b' ') || bytes.last() == Some(&b' ');
            let is_printable = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
            let is_right = is_printable && !is_padded && (1..=255).contains(&bytes.len());
            let key = IdempotencyKey::parse(&bytes);
            prop_assert_eq!(key.is_ok(), is_right);
            if let Ok(key) = key {
                prop_assert_eq!(key.as_str().as_bytes(), bytes);
            }
        }
    }
}
