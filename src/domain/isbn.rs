//! International Standard Book Numbers, ISO 2108.

use std::fmt;

use serde::Serialize;

/// A valid ISBN-13, held as its 13 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Isbn([u8; 13]);

/// Why a text is not an ISBN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadIsbn {
    /// Something besides digits, hyphens, spaces and a closing X.
    #[error("an ISBN has only digits, hyphens and spaces, and an X at most at the end of ten")]
    Character,
    /// Neither 10 nor 13 digits.
    #[error("an ISBN has 10 or 13 digits, not {0}")]
    Length(usize),
    /// 13 digits that do not start with 978 or 979: another kind of article number.
    #[error("an ISBN of 13 digits starts with 978 or 979")]
    Prefix,
    /// A digit was mistyped or two were swapped.
    #[error("the check digit of this ISBN does not hold")]
    CheckDigit,
}

impl Isbn {
    /// Parses an ISBN-13 or ISBN-10, with or without hyphens and spaces. An ISBN-10 becomes its
    /// ISBN-13.
    ///
    /// # Errors
    /// [`BadIsbn`] says what does not hold.
    pub fn parse(text: &str) -> Result<Self, BadIsbn> {
        // Ten values below 10 or an X, and thirteen digits, are all that can follow: a longer text
        // is not worth collecting.
        let mut values = [0u8; 13];
        let mut length = 0;
        for character in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let value = match character {
                '0'..='9' => character as u8 - b'0',
                'X' | 'x' if length == 9 => 10,
                _ => return Err(BadIsbn::Character),
            };
            if let Some(place) = values.get_mut(length) {
                *place = value;
            }
            length += 1;
        }
        match length {
            10 => Self::from_ten(&values[..10]),
            13 if values.contains(&10) => Err(BadIsbn::Character),
            13 => Self::from_thirteen(values),
            _ => Err(BadIsbn::Length(length)),
        }
    }

    fn from_ten(values: &[u8]) -> Result<Self, BadIsbn> {
        let weighted: u32 =
            values.iter().zip((1..=10u32).rev()).map(|(&v, w)| u32::from(v) * w).sum();
        if !weighted.is_multiple_of(11) {
            return Err(BadIsbn::CheckDigit);
        }
        let mut digits = [9, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        digits[3..12].copy_from_slice(&values[..9]);
        digits[12] = check_digit(&digits);
        Ok(Self(digits))
    }

    fn from_thirteen(digits: [u8; 13]) -> Result<Self, BadIsbn> {
        if !matches!(digits[..3], [9, 7, 8 | 9]) {
            return Err(BadIsbn::Prefix);
        }
        if check_digit(&digits) != digits[12] {
            return Err(BadIsbn::CheckDigit);
        }
        Ok(Self(digits))
    }
}

/// The check digit that the first twelve digits call for: weights 1 and 3 in turn, modulo 10.
fn check_digit(digits: &[u8; 13]) -> u8 {
    let sum: u32 =
        digits[..12].iter().zip([1, 3].iter().cycle()).map(|(&d, w)| u32::from(d) * w).sum();
    ((10 - sum % 10) % 10) as u8
}

impl fmt::Display for Isbn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{digit}"))
    }
}

impl Serialize for Isbn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thirteen_digits_are_taken_with_hyphens_and_spaces() {
        for text in ["9780439023481", "978-0-439-02348-1", " 978 0 439 02348 1 "] {
            assert_eq!(Isbn::parse(text).unwrap().to_string(), "9780439023481");
        }
        assert!(Isbn::parse("979-10-90636-07-1").is_ok());
    }

    #[test]
    fn ten_digits_become_thirteen_also_with_an_x() {
        assert_eq!(Isbn::parse("0439023483").unwrap().to_string(), "9780439023481");
        assert_eq!(Isbn::parse("0-8044-2957-X").unwrap(), Isbn::parse("080442957x").unwrap());
    }

    #[test]
    fn what_is_not_an_isbn_is_refused_with_its_reason() {
        assert_eq!(Isbn::parse(""), Err(BadIsbn::Length(0)));
        assert_eq!(Isbn::parse("043902348"), Err(BadIsbn::Length(9)));
        assert_eq!(Isbn::parse(&"1".repeat(100_000)), Err(BadIsbn::Length(100_000)));
        assert_eq!(Isbn::parse("0439023484"), Err(BadIsbn::CheckDigit));
        assert_eq!(Isbn::parse("9780439023482"), Err(BadIsbn::CheckDigit));
        assert_eq!(Isbn::parse("4006381333931"), Err(BadIsbn::Prefix));
        assert_eq!(Isbn::parse("978043902348X"), Err(BadIsbn::Character));
        assert_eq!(Isbn::parse("978043902X481"), Err(BadIsbn::Character));
        assert_eq!(Isbn::parse("X439023483"), Err(BadIsbn::Character));
        assert_eq!(Isbn::parse("٩780439023481"), Err(BadIsbn::Character));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_and_what_is_parsed_stays_itself(text in ".{0,30}") {
            if let Ok(isbn) = Isbn::parse(&text) {
                prop_assert_eq!(Isbn::parse(&isbn.to_string()), Ok(isbn));
            }
        }

        #[test]
        fn every_single_wrong_digit_is_found(body in prop::array::uniform9(0u8..10), place in 0usize..13, by in 1u8..10) {
            let mut digits = [9, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            digits[3..12].copy_from_slice(&body);
            digits[12] = check_digit(&digits);
            let right: String = digits.iter().map(u8::to_string).collect();
            prop_assert!(Isbn::parse(&right).is_ok());
            digits[place] = (digits[place] + by) % 10;
            let wrong: String = digits.iter().map(u8::to_string).collect();
            prop_assert!(Isbn::parse(&wrong).is_err());
        }
    }
}
