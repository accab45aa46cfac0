//! Statements as a person writes them.

/// The statement with its values in their places, without the quotes and the table names that Diesel
/// puts around every name.
pub(super) fn readable(query: &str) -> String {
    let (sql, values) = query.split_once(" -- binds: ").unwrap_or((query, "[]"));
    let values: Vec<_> = values.trim_matches(['[', ']']).split(", ").collect();
    let mut plain: String = sql.chars().filter(|letter| !matches!(letter, '"' | '`')).collect();
    plain = plain.replace("race_books.", "");
    // From the last: `$1` is also the beginning of `$10`.
    for (number, value) in values.iter().enumerate().rev() {
        plain = plain.replace(&format!("${}", number + 1), value);
    }
    let mut values = values.into_iter();
    let parts = plain.split('?').enumerate().map(|(number, part)| match number {
        0 => part.to_owned(),
        _ => format!("{}{part}", values.next().unwrap_or("?")),
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn values_stand_where_placeholders_stood() {
        for written in [
            "UPDATE \"race_books\" SET \"quantity\" = $1 WHERE (\"race_books\".\"id\" = $2) -- binds: [9, 1]",
            "UPDATE `race_books` SET `quantity` = ? WHERE (`race_books`.`id` = ?) -- binds: [9, 1]",
        ] {
            assert_eq!(readable(written), "UPDATE race_books SET quantity = 9 WHERE (id = 1)");
        }
        assert_eq!(readable("BEGIN"), "BEGIN");
        assert_eq!(readable("SELECT 1 -- binds: []"), "SELECT 1");
    }
}
