//! Prices and quantities as files write them.

use crate::domain::{Counted, OutOfRange, Price};

/// Minor units in one major unit, as in cents and euros. A file in a currency with another ratio
/// needs a `price_minor` column.
const MINOR_PER_MAJOR: i64 = 100;

/// The unit that a price column counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Euros: a decimal amount.
    Major,
    /// Cents: a whole number.
    Minor,
}

/// Why a number in a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAmount {
    #[error("is not a plain amount such as 12.99 (no currency sign, at most two decimals)")]
    Price,
    #[error("may have a decimal or a thousands separator; write it with two decimals")]
    Ambiguous,
    #[error("is not a whole number such as 12")]
    Whole,
    #[error(transparent)]
    Range(#[from] OutOfRange),
}

/// Reads a price: in major units `12.99`, `12,99`, `12`, `1,299.00` or `1.299,00`, but not `1,299`
/// or `1.299`, which are one thing here and another there; in minor units a whole number.
pub(super) fn price(unit: Unit, text: &str) -> Result<Price, BadAmount> {
    let minor = match unit {
        Unit::Major => major(text.trim())?,
        Unit::Minor => whole(text)?,
    };
    Ok(Price::parse(minor)?)
}

/// Reads a number of copies: `12`, or `12.0` as data frames write it.
pub(super) fn quantity(text: &str) -> Result<Counted, BadAmount> {
    Ok(Counted::parse(whole(text)?)?)
}

fn whole(text: &str) -> Result<i64, BadAmount> {
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => {
            digits
        }
        Some(_) => return Err(BadAmount::Whole),
        None => text,
    };
    digits_of(digits).ok_or(BadAmount::Whole)
}

fn major(text: &str) -> Result<i64, BadAmount> {
    let (before, fraction) = match text.rfind(['.', ',']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let cents = match fraction {
        None => 0,
        Some(fraction) => match (fraction.len(), digits_of(fraction)) {
            (1, Some(tenths)) => tenths * 10,
            (2, Some(cents)) => cents,
            (3, Some(_)) => return Err(BadAmount::Ambiguous),
            _ => return Err(BadAmount::Price),
        },
    };
    // What separates thousands cannot be what separates cents.
    let separator = if text.as_bytes().get(before.len()) == Some(&b',') { '.' } else { ',' };
    let units = ungrouped(before, separator).ok_or(BadAmount::Price)?;
    units
        .checked_mul(MINOR_PER_MAJOR)
        .and_then(|minor| minor.checked_add(cents))
        .ok_or(BadAmount::Price)
}

/// The number that `1234` or `1,234` is. `.99` has none, and means nothing whole.
fn ungrouped(text: &str, separator: char) -> Option<i64> {
    if !text.contains(separator) {
        return digits_of(text);
    }
    let mut groups = text.split(separator);
    let is_first_fine = groups.next().is_some_and(|first| (1..=3).contains(&first.len()));
    (is_first_fine && groups.all(|group| group.len() == 3))
        .then(|| digits_of(&text.replace(separator, "")))?
}

/// A number of ASCII digits and nothing else. One too great for 64 bits is past every limit: it
/// becomes the greatest.
fn digits_of(text: &str) -> Option<i64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_price_in_major_units_becomes_minor_units() {
        let table = [
            ("12.99", 1299),
            ("12,99", 1299),
            ("12", 1200),
            ("12.0", 1200),
            ("12.5", 1250),
            ("0", 0),
            ("0.05", 5),
            (" 7.25 ", 725),
            ("1,299.00", 129_900),
            ("1.299,00", 129_900),
            ("1,000,000.00", 100_000_000),
            ("1000000", 100_000_000),
        ];
        for (text, minor) in table {
            assert_eq!(price(Unit::Major, text).map(Price::get), Ok(minor), "{text}");
        }
    }

    #[test]
    fn what_may_mean_two_prices_is_refused() {
        for text in ["1,299", "1.299", "12.990"] {
            assert_eq!(price(Unit::Major, text), Err(BadAmount::Ambiguous), "{text}");
        }
        let wrong = [
            "",
            "-1",
            "+1",
            "cheap",
            "€12.99",
            "$5",
            "12.99 EUR",
            "12.",
            ".",
            ".99",
            "1 299.00",
            "1e3",
            "12.9900",
            "1,29,00.00",
            "1,299,00",
            "1.299.00",
            "1234,567.00",
            "٣",
            "1_000",
            "12.99\0",
        ];
        for text in wrong {
            assert_eq!(price(Unit::Major, text), Err(BadAmount::Price), "{text}");
        }
        for text in ["1000000.01", "9223372036854775807"] {
            assert!(price(Unit::Major, text).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_numbers_are_whole() {
        assert_eq!(price(Unit::Minor, "1299").map(Price::get), Ok(1299));
        assert_eq!(price(Unit::Minor, "12.99"), Err(BadAmount::Whole));
        assert_eq!(quantity(" 5.0 ").map(Counted::get), Ok(5));
        assert_eq!(quantity("2000000000").map(Counted::get), Ok(2_000_000_000));
        for text in ["", "-1", "5.5", "5.", "x", "1,000"] {
            assert_eq!(quantity(text), Err(BadAmount::Whole), "{text}");
        }
        for text in ["2000000001", "99999999999999999999999"] {
            assert!(matches!(quantity(text), Err(BadAmount::Range(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_written_with_two_decimals_is_read_back(minor in 0i32..=100_000_000, point in "[.,]") {
            let text = format!("{}{point}{:02}", minor / 100, minor % 100);
            prop_assert_eq!(price(Unit::Major, &text).map(Price::get), Ok(minor));
        }

        #[test]
        fn any_text_is_an_amount_or_refused(text in "[0-9.,]{0,25}|.{0,10}") {
            let _ = price(Unit::Major, &text);
            let _ = price(Unit::Minor, &text);
            let _ = quantity(&text);
        }
    }
}
