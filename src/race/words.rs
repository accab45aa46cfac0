//! Numbers in sentences.

/// Such as `1 copy` and `50 copies`.
pub fn counted(number: impl Into<i128>, one: &str, many: &str) -> String {
    match number.into() {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    }
}
