//! Numbers as people read them.

use indicatif::HumanCount;

use crate::race::outcome::Run;

/// `12,345`.
pub(super) fn count(number: impl Into<i64>) -> String {
    let number = number.into();
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", HumanCount(number.unsigned_abs()))
}

/// A rate, to the whole: its last digits are noise.
pub(super) fn rate(per_second: f64) -> String {
    if per_second < 10.0 {
        return format!("{per_second:.1}");
    }
    // Rounded and positive, and no database does 2^64 sales a second.
    HumanCount(per_second.round() as u64).to_string()
}

/// Milliseconds, three digits or so.
pub(super) fn milliseconds(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => rate(value),
    }
}

/// `1 copy`, `2 copies`.
pub(super) fn copies(number: u64) -> String {
    let word = if number == 1 { "copy" } else { "copies" };
    format!("{} {word}", HumanCount(number))
}

/// What was asked of each strategy, such as `800 purchases by 32 buyers, 2,000 copies`.
pub(super) fn load(run: &Run) -> String {
    format!(
        "{} purchases by {} buyers, {} on the shelf",
        count(run.purchases),
        count(run.buyers),
        copies(u64::try_from(run.copies).unwrap_or_default()),
    )
}
