//! What a search means: the words of a query against the words of a title and its author.

use super::BadText;
use super::limits::MAX_SEARCH;

/// The words of a query, folded to lower case. All of them must occur, the last one as a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchWords(Vec<String>);

impl SearchWords {
    /// Splits `query` into words; anything that is neither letter nor digit separates them. `None`
    /// if there is no word in it, which then finds everything.
    ///
    /// # Errors
    /// [`BadText`] if the query is longer than 200 characters.
    pub fn parse(query: &str) -> Result<Option<Self>, BadText> {
        let length = query.chars().count();
        if length > MAX_SEARCH {
            return Err(BadText::TooLong { max: MAX_SEARCH, length });
        }
        let words: Vec<_> = words(query).collect();
        Ok((!words.is_empty()).then_some(Self(words)))
    }

    /// Whether a book of this title and author is meant.
    pub fn matches(&self, title: &str, author: &str) -> bool {
        let there: Vec<_> = words(title).chain(words(author)).collect();
        let Some((last, whole)) = self.0.split_last() else { return true };
        whole.iter().all(|word| there.contains(word))
            && there.iter().any(|word| word.starts_with(last.as_str()))
    }

    /// For each word its longest run of ASCII letters and digits, if it has one. Every match has
    /// all of these in its title or author in some case, so a database that folds ASCII only can
    /// leave out most of what does not match. They hold no character with a meaning in a pattern.
    pub fn ascii_runs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|word| {
            word.split(|c: char| !c.is_ascii_alphanumeric())
                .max_by_key(|run| run.len())
                .filter(|run| !run.is_empty())
        })
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(query: &str, title: &str, author: &str) -> bool {
        SearchWords::parse(query).unwrap().is_none_or(|words| words.matches(title, author))
    }

    #[test]
    fn all_words_must_occur_in_any_order_and_the_last_one_as_a_prefix() {
        let book = ("The Hunger Games (The Hunger Games, #1)", "Suzanne Collins");
        for query in ["hunger", "HUNGER gam", "collins hunger", "games suz", "#1", "", "  ,%_ "] {
            assert!(finds(query, book.0, book.1), "{query}");
        }
        for query in ["unger", "gam hunger", "hunger gamesx", "collins rowling"] {
            assert!(!finds(query, book.0, book.1), "{query}");
        }
    }

    #[test]
    fn letters_beyond_ascii_are_words_too() {
        assert!(finds("война и мир", "Война и мир", "Лев Толстой"));
        assert!(finds("ém", "Germinal", "Émile Zola"));
    }

    proptest! {
        #[test]
        fn what_matches_has_every_ascii_run(query in "[a-zé% ]{0,12}", title in "[a-zA-ZÉ ]{0,30}") {
            if let Some(words) = SearchWords::parse(&query).unwrap() && words.matches(&title, "") {
                let folded = title.to_ascii_lowercase();
                for run in words.ascii_runs() {
                    prop_assert!(folded.contains(run));
                }
            }
        }
    }
}
