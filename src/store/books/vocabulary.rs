//! How common words are, by a sample of the books. It only decides which way a search goes, never
//! what it finds.

use std::collections::BTreeMap;
use std::ops::Bound;

use diesel::dsl::{max, min};
use diesel::prelude::*;

use crate::schema::book_search;
use crate::store::connection::AnyConnection;

/// Books in the sample. A word that a thousandth of all books have is in four of them.
const SAMPLE: usize = 4096;
/// Ids looked up at once.
const AT_ONCE: usize = 512;

/// The words of a sample of the books, as the database spells them, and in how many of its books each
/// occurs.
#[derive(Debug, Default)]
pub struct Vocabulary {
    occurrences: BTreeMap<String, u32>,
    /// Books in the sample.
    sampled: f64,
    /// Books in all, about.
    books: f64,
}

impl Vocabulary {
    /// Takes a sample.
    ///
    /// # Errors
    /// What the database says.
    pub(in crate::store) fn sample(connection: &mut AnyConnection) -> QueryResult<Self> {
        let (first, last) = book_search::table
            .select((min(book_search::book_id), max(book_search::book_id)))
            .first::<(Option<i64>, Option<i64>)>(connection)?;
        let (Some(first), Some(last)) = (first, last) else { return Ok(Self::default()) };
        let ids = random_ids(first, last);
        let mut vocabulary = Self::default();
        for some in ids.chunks(AT_ONCE) {
            let rows = book_search::table
                .filter(book_search::book_id.eq_any(some))
                .select(book_search::words)
                .load::<String>(connection)?;
            rows.iter().for_each(|words| vocabulary.add(words));
        }
        // Ids without a book are as many in the sample as elsewhere.
        let share = vocabulary.sampled / ids.len() as f64;
        vocabulary.books = share * (last - first + 1) as f64;
        Ok(vocabulary)
    }

    fn add(&mut self, words: &str) {
        self.sampled += 1.0;
        for word in words.split_ascii_whitespace() {
            match self.occurrences.get_mut(word) {
                Some(count) => *count += 1,
                None => drop(self.occurrences.insert(word.to_owned(), 1)),
            }
        }
    }

    /// Books in all, about.
    pub(super) fn books(&self) -> f64 {
        self.books
    }

    /// The share of the books that have this word.
    pub(super) fn share_of(&self, word: &str) -> f64 {
        self.share(self.occurrences.get(word).map_or(0.0, |count| f64::from(*count)))
    }

    /// The share of the books that have a word with this beginning.
    pub(super) fn share_of_beginning(&self, beginning: &str) -> f64 {
        let from = (Bound::Included(beginning), Bound::Unbounded);
        let words = self.occurrences.range::<str, _>(from);
        let words = words.take_while(|(word, _)| word.starts_with(beginning));
        self.share(words.map(|(_, count)| f64::from(*count)).sum())
    }

    /// What is not in the sample may be just too rare for it.
    fn share(&self, occurrences: f64) -> f64 {
        if self.sampled == 0.0 {
            return 0.0;
        }
        (occurrences.max(0.25) / self.sampled).min(1.0)
    }
}

/// Different ids from `first` to `last`: all of them if they are few, else some, each as likely.
fn random_ids(first: i64, last: i64) -> Vec<i64> {
    let span = last - first + 1;
    if span <= SAMPLE as i64 {
        return (first..=last).collect();
    }
    let mut random = vec![0; SAMPLE * 8];
    // Without randomness the ids are those of the first books: as good, only less fair.
    let is_random = getrandom::fill(&mut random).is_ok();
    let id = |(place, bytes): (usize, &[u8])| {
        let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let number = if is_random { number } else { place as u64 };
        first + (number % span as u64) as i64
    };
    let mut ids: Vec<i64> = random.chunks_exact(8).enumerate().map(id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_sample() {
        let mut vocabulary = Vocabulary::default();
        for words in [" the ring ", " the rings ", " a hobbit ", " "] {
            vocabulary.add(words);
        }
        assert_eq!(vocabulary.share_of("the"), 0.5);
        assert_eq!(vocabulary.share_of("ring"), 0.25);
        assert_eq!(vocabulary.share_of_beginning("ring"), 0.5);
        assert_eq!(vocabulary.share_of_beginning("r"), 0.5);
        assert!(vocabulary.share_of("dragon") > 0.0);
    }

    #[test]
    fn ids_are_different_and_in_their_bounds() {
        assert_eq!(random_ids(3, 7), [3, 4, 5, 6, 7]);
        let ids = random_ids(5, 100_000);
        assert!(ids.len() > SAMPLE * 9 / 10 && ids.is_sorted_by(|one, next| one < next));
        assert!(ids[0] >= 5 && ids[ids.len() - 1] <= 100_000);
    }
}
