//! Whole numbers in bodies. JSON has one kind of number, and JSON Schema counts each without a fraction
//! among the integers, however it is written: 2, 2.0 and 2e0 ask for the same.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// Up to here every whole number is one that a float can hold exactly (2^53).
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// For `#[serde(deserialize_with = ...)]`.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    from.deserialize_i64(Whole)
}

/// The same where null stands for none. Needs `#[serde(default)]` beside it.
pub(super) fn number_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    from.deserialize_option(OrNull)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        match number.fract() == 0.0 && number.abs() <= MOST_EXACT {
            true => Ok(number as i64),
            false => Err(E::invalid_type(Unexpected::Float(number), &self)),
        }
    }
}

struct OrNull;

impl<'de> Visitor<'de> for OrNull {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        number(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Body {
        #[serde(deserialize_with = "number")]
        one: i64,
        #[serde(default, deserialize_with = "number_or_null")]
        other: Option<i64>,
    }

    fn one(text: &str) -> Option<i64> {
        serde_json::from_str::<Body>(&format!("{{\"one\":{text}}}")).ok().map(|body| body.one)
    }

    #[test]
    fn a_number_is_whole_however_it_is_written() {
        for (text, number) in [
            ("0", 0),
            ("-0.0", 0),
            ("2.0", 2),
            ("2e0", 2),
            ("1.5e1", 15),
            ("-1e2", -100),
            ("9007199254740992.0", 1 << 53),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(one(text), Some(number), "{text}");
        }
        for text in ["1.5", "1e-1", "9007199254740994.0", "1e300", "9223372036854775808", "\"1\""] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn null_is_no_number_and_may_stand_for_none() {
        let other = |text: &str| serde_json::from_str::<Body>(text).map(|body| body.other).ok();
        assert_eq!(one("null"), None);
        assert_eq!(other("{\"one\":1}"), Some(None));
        assert_eq!(other("{\"one\":1,\"other\":null}"), Some(None));
        assert_eq!(other("{\"one\":1,\"other\":7.0}"), Some(Some(7)));
        assert_eq!(other("{\"one\":1,\"other\":7.5}"), None);
    }

    proptest! {
        #[test]
        fn every_whole_number_is_itself(number in any::<i64>()) {
            prop_assert_eq!(one(&number.to_string()), Some(number));
        }

        #[test]
        fn any_decimal_is_the_whole_number_that_it_is_or_refused(
            digits in prop_oneof![-999..1_000_i64, -999_999_999..1_000_000_000_i64],
            exponent in -9..=6_i32,
        ) {
            let power = 10_i64.pow(exponent.unsigned_abs());
            let number = match exponent {
                0.. => Some(digits * power),
                _ => Some(digits / power).filter(|number| number * power == digits),
            };
            prop_assert_eq!(one(&format!("{digits}e{exponent}")), number);
            // The same with a point somewhere in it.
            prop_assert_eq!(one(&format!("{digits}.0E{exponent:+}")), number);
            prop_assert_eq!(one(&format!("{}.0e{}", 1_000 * digits, exponent - 3)), number);
        }
    }
}
