//! What a search means: the words of a query against the words of a title and its author.

use super::folding;
use super::limits::MAX_SEARCH;
use super::{BadText, Isbn};

/// What somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// The book with this number, whatever its words.
    Isbn(Isbn),
    /// Books with these words.
    Words(SearchWords),
}

impl Search {
    /// Reads a query: an ISBN, in any spelling, or words. `None` if there is neither, which then
    /// finds everything.
    ///
    /// # Errors
    /// [`BadText`] if the query is longer than 200 characters.
    pub fn parse(query: &str) -> Result<Option<Self>, BadText> {
        let length = query.chars().count();
        if length > MAX_SEARCH {
            return Err(BadText::TooLong { max: MAX_SEARCH, length });
        }
        if let Ok(isbn) = Isbn::parse(query) {
            return Ok(Some(Self::Isbn(isbn)));
        }
        Ok(SearchWords::parse(query).map(Self::Words))
    }
}

/// The words of a query, folded. All of them must occur, the last one as the beginning of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchWords {
    whole: Vec<Word>,
    beginning: Word,
}

impl SearchWords {
    fn parse(query: &str) -> Option<Self> {
        let mut words = folding::words(query);
        let beginning = Word(words.pop()?);
        Some(Self { whole: distinct(words), beginning })
    }

    /// Words that must occur.
    pub fn whole(&self) -> &[Word] {
        &self.whole
    }

    /// What a word must begin with.
    pub fn beginning(&self) -> &Word {
        &self.beginning
    }

    /// Whether a book with this title and author has all of them.
    pub fn are_in(&self, title: &str, author: &str) -> bool {
        let there = BookWords::of(title, author);
        self.whole.iter().all(|word| there.iter().any(|other| other == word))
            && there.iter().any(|word| word.0.starts_with(&self.beginning.0))
    }
}

/// A folded word: letters and digits only, one at least, in 80 bytes at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Word(String);

impl Word {
    /// The word itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The different words by which a book is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookWords(Vec<Word>);

impl BookWords {
    /// The words of a title and its author.
    pub fn of(title: &str, author: &str) -> Self {
        let mut words = folding::words(title);
        words.extend(folding::words(author));
        Self(distinct(words))
    }

    /// Each word once.
    pub fn iter(&self) -> impl Iterator<Item = &Word> {
        self.0.iter()
    }
}

/// Each word once, where it came first.
fn distinct(words: Vec<String>) -> Vec<Word> {
    let mut seen = std::collections::HashSet::new();
    words.into_iter().filter(|word| seen.insert(word.clone())).map(Word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, title: &str, author: &str) -> bool {
        let Some(Search::Words(words)) = Search::parse(query).unwrap() else { return true };
        words.are_in(title, author)
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
    fn all_words_of_a_query_are_whole_but_the_last() {
        let Some(Search::Words(words)) = Search::parse("The HUNGER the ga").unwrap() else {
            panic!("no words")
        };
        let whole: Vec<_> = words.whole().iter().map(Word::as_str).collect();
        assert_eq!((&whole[..], words.beginning().as_str()), (&["the", "hunger"][..], "ga"));
    }

    #[test]
    fn letters_beyond_ascii_are_words_too() {
        assert!(finds("война и мир", "Война и мир", "Лев Толстой"));
        assert!(finds("ém", "Germinal", "Émile Zola"));
        assert!(finds("EMILE", "Germinal", "E\u{301}mile Zola"));
    }

    #[test]
    fn an_isbn_is_looked_up_in_every_spelling() {
        let isbn = Isbn::parse("9780439023481").unwrap();
        for query in ["978-0-439-02348-1", "0439023483", " 978 0 439 02348 1 "] {
            assert_eq!(Search::parse(query).unwrap(), Some(Search::Isbn(isbn)), "{query}");
        }
        assert!(matches!(Search::parse("9780439023482").unwrap(), Some(Search::Words(_))));
    }

    #[test]
    fn a_query_is_bounded_and_may_be_nothing() {
        assert!(Search::parse(&"é".repeat(MAX_SEARCH)).is_ok());
        assert!(Search::parse(&"é".repeat(MAX_SEARCH + 1)).is_err());
        assert_eq!(Search::parse(" %_*\0\u{200f} ").unwrap(), None);
    }
}
