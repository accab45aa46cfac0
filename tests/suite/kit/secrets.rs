//! What must be in nothing that the program says, whatever a test does to it.

use std::collections::{BTreeSet, HashSet};

use reqwest::Url;

use super::Backend;

/// How every token begins, and how many characters follow.
const PREFIX: &str = "bks_";
const LENGTH: usize = 43;

/// So short a password is found in innocent words too.
const SHORTEST: usize = 5;

/// Tokens that were handed out and passwords that were used.
#[derive(Debug, Default)]
pub struct Secrets {
    /// Without what every one begins with.
    tokens: HashSet<Vec<u8>>,
    passwords: BTreeSet<String>,
}

impl Secrets {
    /// Notes every whole token in `text`.
    pub fn note_tokens(&mut self, text: &str) {
        for (at, _) in text.match_indices(PREFIX) {
            let rest = &text.as_bytes()[at + PREFIX.len()..];
            let length = rest.iter().take_while(|byte| is_of_token(**byte)).count();
            if length == LENGTH {
                self.tokens.insert(rest[..LENGTH].to_owned());
            }
        }
    }

    /// Notes a password, if it is long enough to be told from a word.
    pub fn note_password(&mut self, password: &str) {
        if password.len() >= SHORTEST {
            self.passwords.insert(password.to_owned());
        }
    }

    /// Notes the passwords of a database's URL, as they stand there and as they are meant. What is no
    /// URL has none.
    pub fn note_url(&mut self, url: &str) {
        let Ok(url) = Url::parse(url) else { return };
        if !url.cannot_be_a_base()
            && let Some(password) = url.password()
        {
            self.note_password(password);
            // A query's value is decoded, and a password is encoded like one.
            let decoded = Url::parse(&format!("http://h/?p={password}")).unwrap();
            decoded.query_pairs().for_each(|(_, password)| self.note_password(&password));
        }
        for (name, value) in url.query_pairs() {
            if name == "password" {
                self.note_password(&value);
            }
        }
    }

    /// Takes in others.
    pub fn absorb(&mut self, others: &Self) {
        self.tokens.extend(others.tokens.iter().cloned());
        self.passwords.extend(others.passwords.iter().cloned());
    }

    /// How many tokens and passwords there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.tokens.len(), self.passwords.len())
    }

    /// Whether `line` holds one of them, or what could be a token.
    pub fn are_in(&self, line: &str) -> bool {
        line.contains(PREFIX)
            || self.passwords.iter().any(|password| line.contains(password.as_str()))
            || self.has_bare_token(line)
    }

    /// Whether `line` holds a token without its beginning.
    fn has_bare_token(&self, line: &str) -> bool {
        let words = line.as_bytes().split(|byte| !is_of_token(*byte));
        let long = words.filter(|word| word.len() >= LENGTH);
        long.flat_map(|word| word.windows(LENGTH)).any(|part| self.tokens.contains(part))
    }
}

/// The alphabet of base64url.
fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Demands that `log` holds neither a token nor the password of a test's database.
#[track_caller]
pub fn assert_none_in(log: &str) {
    let mut secrets = Secrets::default();
    Backend::SERVERS
        .iter()
        .filter_map(|backend| backend.server_url())
        .for_each(|url| secrets.note_url(&url));
    let leak = log.lines().find(|line| secrets.are_in(line));
    assert_eq!(leak, None, "the log holds a secret");
}
