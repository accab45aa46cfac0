//! Text that people wrote: titles, authors, references. Trimmed, bounded, without control characters.

use serde::Serialize;

use super::limits::{MAX_AUTHOR, MAX_CLIENT_NAME, MAX_REFERENCE, MAX_TITLE};

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadText {
    /// Nothing is left after trimming, where something is needed.
    #[error("must not be empty")]
    Empty,
    /// More characters than the field allows.
    #[error("must be at most {max} characters, not {length}")]
    TooLong {
        /// The most that is allowed.
        max: usize,
        /// What was given.
        length: usize,
    },
    /// NUL, line breaks and their like: no database column or log line is better for them.
    #[error("must not contain control characters (found U+{0:04X})")]
    Control(u32),
}

fn parse(text: &str, max: usize) -> Result<String, BadText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BadText::Empty);
    }
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        return Err(BadText::Control(control.into()));
    }
    match text.chars().count() {
        length if length > max => Err(BadText::TooLong { max, length }),
        _ => Ok(text.to_owned()),
    }
}

/// Defines a text that can only exist trimmed, non-empty and within its length.
macro_rules! text {
    ($(#[$meta:meta])* $name:ident: $max:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Trims `text` and takes it if it is not empty, not too long and free of control
            /// characters.
            ///
            /// # Errors
            /// [`BadText`] says which of these failed.
            pub fn parse(text: &str) -> Result<Self, BadText> {
                parse(text, $max).map(Self)
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text! {
    /// Title of a book: 1..=500 characters.
    Title: MAX_TITLE
}
text! {
    /// Author or authors of a book: 1..=1,000 characters.
    Author: MAX_AUTHOR
}
text! {
    /// What an admin writes beside a stock entry, such as a delivery note: 1..=200 characters.
    /// An empty reference is no reference.
    Reference: MAX_REFERENCE
}
text! {
    /// Name of a client: 1..=200 characters.
    ClientName: MAX_CLIENT_NAME
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_title_is_trimmed_and_counted_in_characters_not_bytes() {
        assert_eq!(Title::parse("  Émile \u{1F4DA} ").unwrap().as_str(), "Émile \u{1F4DA}");
        assert!(Title::parse(&"é".repeat(MAX_TITLE)).is_ok());
        assert_eq!(
            Title::parse(&"é".repeat(MAX_TITLE + 1)),
            Err(BadText::TooLong { max: MAX_TITLE, length: MAX_TITLE + 1 })
        );
    }

    #[test]
    fn emptiness_and_control_characters_are_refused() {
        assert_eq!(Author::parse(" \t "), Err(BadText::Empty));
        assert_eq!(Author::parse("a\0b"), Err(BadText::Control(0)));
        assert_eq!(Reference::parse("a\nb"), Err(BadText::Control(10)));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_the_space_around_it_or_refused(
            text in (".{0,4}|\\PC{0,4}|[a \t\u{a0}\u{85}]{0,4}", 1..170_usize),
        ) {
            let (part, times) = text;
            let text = part.repeat(times);
            // From both ends, one at a time.
            let mut left: std::collections::VecDeque<char> = text.chars().collect();
            while left.front().is_some_and(|c| c.is_whitespace()) {
                left.pop_front();
            }
            while left.back().is_some_and(|c| c.is_whitespace()) {
                left.pop_back();
            }
            let expected = match left.len() {
                0 => Err(BadText::Empty),
                length => match left.iter().find(|c| c.is_control()) {
                    Some(control) => Err(BadText::Control(u32::from(*control))),
                    None if length > 500 => Err(BadText::TooLong { max: 500, length }),
                    None => Ok(left.iter().collect::<String>()),
                },
            };
            prop_assert_eq!(Title::parse(&text).map(|title| title.as_str().to_owned()), expected);
        }
    }
}
