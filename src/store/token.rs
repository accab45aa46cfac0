//! API tokens: 256 random bits, known to their holder only. The database has their SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "bks_";
const BYTES: usize = 32;

/// A token. It does not implement `Debug`, so that no log line can hold one.
pub struct Token(String);

/// SHA-256 of a token's text. `Eq` and `Hash` are for remembering it; how long a comparison of two
/// hashes takes says something about a hash, and from there nobody gets to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub(super) [u8; 32]);

impl Token {
    /// A new token from the operating system's source of randomness.
    ///
    /// # Errors
    /// If the operating system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Takes what a client sent, if it has a token's shape.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        let body = text.strip_prefix(PREFIX)?;
        let length = URL_SAFE_NO_PAD.decode_slice(body, &mut bytes).ok()?;
        (length == BYTES).then(|| Self(text.to_owned()))
    }

    /// Whether `text` may hold a token, and must not be shown.
    pub(crate) fn is_within(text: &str) -> bool {
        text.contains(PREFIX)
    }

    /// The text to hand to its holder, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the database keeps. A slow hash would add nothing: 256 random bits cannot be guessed.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl TokenHash {
    /// Whether `stored` is this hash, in a time that does not tell where they differ.
    pub(super) fn matches(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_seen_wherever_it_is() {
        let token = Token::generate().unwrap().reveal().to_owned();
        assert!(Token::is_within(&token) && Token::is_within(&format!("/v1/{token}/x")));
        assert!(!Token::is_within("/v1/books/7"));
    }

    #[test]
    fn a_token_is_read_back_and_hashes_to_the_same() {
        let token = Token::generate().unwrap();
        let again = Token::parse(token.reveal()).unwrap();
        assert!(again.hash().matches(&token.hash().0));
        assert!(!Token::generate().unwrap().hash().matches(&token.hash().0));
    }

    #[test]
    fn what_has_another_shape_is_no_token() {
        let token = Token::generate().unwrap();
        let body = token.reveal().strip_prefix(PREFIX).unwrap();
        for text in
            ["", "bks_", body, &format!("bks_{body}x"), &format!("bks_{}", &body[1..]), "bks_é"]
        {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_token_as_it_is_or_none(
            text in "(bks_)?[A-Za-z0-9_-]{43}|bks_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]|bks_([A-Za-z0-9_-]{4}){9,12}|bks_[A-Za-z0-9_=+/é-]{40,46}|.{0,60}",
        ) {
            // 256 bits are 42 letters of 6 bits, and one of 4 bits and two zeros: another one there would
            // make a second text of the same token.
            let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let is_token = text.strip_prefix("bks_").is_some_and(|body| {
                let is_whole = body.len() == 43 && body.chars().all(is_letter);
                is_whole && body.ends_with(|last| "AEIMQUYcgkosw048".contains(last))
            });
            let token = Token::parse(&text);
            prop_assert_eq!(token.is_some(), is_token);
            if let Some(token) = token {
                prop_assert_eq!(token.reveal(), &text);
                prop_assert!(Token::is_within(&text));
            }
        }

        #[test]
        fn any_256_bits_are_a_token_that_is_read_back(bytes in any::<[u8; BYTES]>()) {
            let token = Token(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)));
            let again = Token::parse(token.reveal());
            prop_assert!(again.is_some_and(|again| again.hash() == token.hash()));
        }
    }
}
