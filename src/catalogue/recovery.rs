//! Recovery of an ISBN from what a spreadsheet left of it: for certain, or not at all.
//!
//! A spreadsheet takes an ISBN for a number. It drops the leading zeros of an ISBN-10
//! (`0439023483` becomes `439023483`), appends `.0`, or writes floating-point notation, of which
//! often only twelve digits survive (`9.78043902348e+12`). What decides, in this order:
//!
//! 1. **An ISBN-10**, padded with zeros to ten digits if it is a bare number of at least
//!    [`LEAST_DIGITS`], whose check digit holds. It wins over the ISBN-13 column *even if the two
//!    disagree*: whether that column lost digits or holds the number of another edition, a UPC or
//!    anything else, is more than this program can know, and the ISBN-10 carries its own proof.
//! 2. **An ISBN-13** of which all 13 digits are there and whose prefix and check digit hold.
//! 3. **A shorter ISBN-10**, whose padded check digit holds by chance for one number in eleven
//!    (row numbers, for instance), if the surviving digits of a rounded ISBN-13 agree with it.
//!
//! A number that lost digits never decides by itself, nor does one whose check digit fails.

use crate::domain::{BadIsbn, Isbn};

/// Digits that a bare ISBN-10 must have kept to be believed by its check digit alone. Of real books
/// the group and publisher `0-00` make three leading zeros common; four or more are next to unknown.
const LEAST_DIGITS: usize = 7;

/// Digits that a rounded ISBN-13 must have kept for its agreement to mean something.
const LEAST_SURVIVORS: u32 = 10;

/// ISBN-13 of `0000000000`, which passes every check and means that nobody knew the number.
const PLACEHOLDER: &str = "9780000000002";

/// Which kind of number a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// ISBN-10, with its leading zeros or without, or ISBN-13.
    Any,
    /// ISBN-13 only. A number of ten digits in here may be anything, such as a UPC without its zeros.
    Thirteen,
}

/// Why a row's ISBN could not be recovered: what each of its fields has to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unrecoverable {
    #[error("there is no ISBN")]
    Missing,
    #[error("{}", .0.join("; "))]
    Fields(Vec<String>),
}

/// What a field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// A number that carries its own proof.
    Proven(Isbn),
    /// An ISBN-10 of too few digits to be believed alone.
    Short(Isbn),
    /// About `value`, to within half a `unit`.
    Rounded { value: u64, unit: u64 },
}

/// Why a field says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Isbn(#[from] BadIsbn),
    #[error("a column of ISBN-13s holds only numbers of 13 digits")]
    NotThirteen,
    #[error("all zeros is not the ISBN of a book")]
    Placeholder,
}

/// The one ISBN that these fields, in their order, mean for certain.
///
/// # Errors
/// [`Unrecoverable`] with what is wrong with each field.
pub(super) fn recover<'a>(
    fields: impl Iterator<Item = (Kind, &'a str)>,
) -> Result<Isbn, Unrecoverable> {
    let fields: Vec<_> = fields
        .map(|(kind, text)| (kind, unwrapped(text)))
        .filter(|(_, text)| !text.is_empty())
        .map(|(kind, text)| (kind, text, read(kind, text)))
        .collect();
    if fields.is_empty() {
        return Err(Unrecoverable::Missing);
    }
    let readings =
        || fields.iter().filter_map(|(kind, _, reading)| Some((kind, reading.as_ref().ok()?)));
    let proven = |wanted: Kind| {
        readings().find_map(|(kind, reading)| match reading {
            Reading::Proven(isbn) if *kind == wanted => Some(*isbn),
            _ => None,
        })
    };
    let short = || {
        readings().find_map(|(_, reading)| match reading {
            Reading::Short(isbn) if readings().any(|(_, other)| other.agrees_with(*isbn)) => {
                Some(*isbn)
            }
            _ => None,
        })
    };
    proven(Kind::Any).or_else(|| proven(Kind::Thirteen)).or_else(short).ok_or_else(|| {
        let say = |(_, text, reading): &(Kind, &str, Result<Reading, Unreadable>)| {
            let why = match reading {
                Ok(reading) => reading.shortcoming().to_owned(),
                Err(error) => error.to_string(),
            };
            format!("ISBN {:?}: {why}", excerpt(text))
        };
        Unrecoverable::Fields(fields.iter().map(say).collect())
    })
}

impl Reading {
    /// Whether this is a rounded number that `isbn` may have been before.
    fn agrees_with(self, isbn: Isbn) -> bool {
        let Self::Rounded { value, unit } = self else { return false };
        let survivors =
            value.checked_ilog10().map_or(0, |log| log + 1).saturating_sub(unit.ilog10());
        let exact: Option<u64> = isbn.to_string().parse().ok();
        survivors >= LEAST_SURVIVORS && exact.is_some_and(|exact| exact.abs_diff(value) * 2 <= unit)
    }

    /// Why it does not decide.
    fn shortcoming(self) -> &'static str {
        match self {
            Self::Proven(_) => "it is an ISBN",
            Self::Short(_) => {
                "too few digits to be sure that it is an ISBN-10 without its leading zeros"
            }
            Self::Rounded { .. } => {
                "digits were lost to floating-point notation; export the column as text"
            }
        }
    }
}

fn read(kind: Kind, text: &str) -> Result<Reading, Unreadable> {
    let reading = match Number::parse(text) {
        Some(Number::Rounded { value, unit }) => return Ok(Reading::Rounded { value, unit }),
        Some(Number::Exact(digits)) => whole(kind, &digits)?,
        None => whole(kind, text)?,
    };
    match reading {
        Reading::Proven(isbn) | Reading::Short(isbn) if isbn.to_string() == PLACEHOLDER => {
            Err(Unreadable::Placeholder)
        }
        reading => Ok(reading),
    }
}

/// Reads digits none of which was rounded away; leading zeros may be missing from an ISBN-10.
fn whole(kind: Kind, text: &str) -> Result<Reading, Unreadable> {
    if kind == Kind::Any {
        return padded(text);
    }
    let isbn = Isbn::parse(text)?;
    match text.chars().filter(|c| !matches!(c, '-' | ' ')).count() {
        13 => Ok(Reading::Proven(isbn)),
        _ => Err(Unreadable::NotThirteen),
    }
}

fn padded(text: &str) -> Result<Reading, Unreadable> {
    // With hyphens or spaces it was never taken for a number, and lost nothing.
    let is_bare = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'X' | b'x'));
    if !is_bare || text.len() >= 10 {
        return Ok(Reading::Proven(Isbn::parse(text)?));
    }
    let isbn = Isbn::parse(&format!("{text:0>10}"))?;
    Ok(if text.len() < LEAST_DIGITS { Reading::Short(isbn) } else { Reading::Proven(isbn) })
}

/// A number as spreadsheets and data frames write it.
enum Number {
    /// All its digits.
    Exact(String),
    /// About `value`; the digits below `unit` are gone.
    Rounded { value: u64, unit: u64 },
}

impl Number {
    /// Reads `439023483.0`, `4.39023483e+08` and `9,78043902348E+12`; nothing without a point or
    /// an exponent.
    fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let (mantissa, exponent) = match lower.split_once('e') {
            Some((mantissa, exponent)) => (mantissa.replace(',', "."), exponent.parse().ok()?),
            None => (lower, 0_usize),
        };
        let (before, after) = match mantissa.split_once('.') {
            Some(parts) => parts,
            None if exponent > 0 => (mantissa.as_str(), ""),
            None => return None,
        };
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // Fifteen digits hold every ISBN, and keep what follows within 64 bits.
        if before.is_empty() || !is_digits(before) || !is_digits(after) || exponent > 14 {
            return None;
        }
        if after.len() < exponent {
            let unit = 10_u64.checked_pow(u32::try_from(exponent - after.len()).ok()?)?;
            let value = format!("{before}{after}").parse::<u64>().ok()?.checked_mul(unit)?;
            return Some(Self::Rounded { value, unit });
        }
        let (kept, fraction) = after.split_at(exponent);
        fraction.bytes().all(|byte| byte == b'0').then(|| Self::Exact(format!("{before}{kept}")))
    }
}

/// Takes off what people put around a number so that spreadsheets leave it alone: `="0439023483"`
/// and `'0439023483`.
fn unwrapped(text: &str) -> &str {
    let text = text.trim();
    let formula = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    formula.or_else(|| text.strip_prefix('\'')).unwrap_or(text).trim()
}

/// Enough of `text` to find it again.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
