//! ISBNs by an implementation of our own, so that the program's is checked and not repeated.

use std::sync::atomic::{AtomicU32, Ordering};

/// The ISBN-13 of nine digits: prefix 978 and a check digit (ISO 2108).
pub fn thirteen(nine: &str) -> String {
    let twelve = format!("978{nine}");
    let sum: u32 =
        digits(&twelve).zip([1, 3].into_iter().cycle()).map(|(d, weight)| d * weight).sum();
    format!("{twelve}{}", (10 - sum % 10) % 10)
}

/// The ISBN-10 of nine digits.
pub fn ten(nine: &str) -> String {
    let sum: u32 = digits(nine).zip((2..=10).rev()).map(|(d, weight)| d * weight).sum();
    match (11 - sum % 11) % 11 {
        10 => format!("{nine}X"),
        check => format!("{nine}{check}"),
    }
}

/// Nine digits that no other book of this run has.
pub fn unused_nine() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{:09}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn digits(text: &str) -> impl Iterator<Item = u32> {
    text.chars().map(|digit| digit.to_digit(10).unwrap())
}
