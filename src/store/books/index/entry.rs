//! The names of the index's entries, as bytes whose order is the order of what they name. The first
//! byte says what an entry is; the migration that made `book_index` lists them.

use std::collections::BTreeSet;
use std::ops::Range;

/// Letters of the longest beginning that is an entry of its own. What begins with a longer one is
/// brought together from the words themselves: with a million titles those are a handful.
const LONGEST_BEGINNING: usize = 3;
/// Ids in a block, as a power of two: the most that one container of a Roaring bitmap holds.
const BLOCK_BITS: u32 = 16;

/// The entry without books: its bytes change with each transaction that writes to the index.
pub(in crate::store) const STAMP: &[u8] = b"";

/// The block of the books with this id. Runs have one block, [`NO_BLOCK`].
pub(super) fn block(book_id: i64) -> i64 {
    book_id >> BLOCK_BITS
}

/// The block of an entry that has but one.
pub(in crate::store) const NO_BLOCK: i64 = 0;

/// The entry of a word.
pub(in crate::store::books) fn word(word: &str) -> Vec<u8> {
    named(b'w', word.as_bytes())
}

/// The entry of a beginning, if it is short enough to have one.
pub(in crate::store::books) fn beginning(beginning: &str) -> Option<Vec<u8>> {
    let is_short = beginning.chars().nth(LONGEST_BEGINNING).is_none();
    is_short.then(|| named(b'b', beginning.as_bytes()))
}

/// Where the entries of all words with this beginning lie.
pub(in crate::store::books) fn words_with(beginning: &str) -> Range<Vec<u8>> {
    let first = word(beginning);
    // No UTF-8 has this byte.
    let end = [first.as_slice(), &[0xff]].concat();
    first..end
}

/// The entries by whose words a book is found; `words` are parted by spaces.
pub(super) fn of_words(words: &str) -> BTreeSet<Vec<u8>> {
    let mut entries = BTreeSet::new();
    for one in words.split(' ').filter(|one| !one.is_empty()) {
        entries.insert(word(one));
        for (at, letter) in one.char_indices().take(LONGEST_BEGINNING) {
            entries.insert(named(b'b', &one.as_bytes()[..at + letter.len_utf8()]));
        }
    }
    entries
}

/// An order in which pages are sorted, and whose runs are entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::store::books) enum Order {
    Title,
    Price,
}

impl Order {
    fn mark(self) -> u8 {
        match self {
            Self::Title => b't',
            Self::Price => b'p',
        }
    }

    /// Where the runs of this order lie: none begins before the start.
    pub(in crate::store::books) fn all(self) -> Range<Vec<u8>> {
        vec![self.mark()]..vec![self.mark() + 1]
    }

    /// The place of a book in this order. Ids break ties.
    pub(in crate::store::books) fn place(self, title: &str, price_minor: i32, id: i64) -> Vec<u8> {
        match self {
            // A title has no zero byte, so that one ends before all that go on after it.
            Self::Title => {
                named(self.mark(), &[title.as_bytes(), &[0], &id.to_be_bytes()].concat())
            }
            Self::Price => {
                named(self.mark(), &[&price_minor.to_be_bytes()[..], &id.to_be_bytes()].concat())
            }
        }
    }
}

fn named(mark: u8, name: &[u8]) -> Vec<u8> {
    [&[mark], name].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_book_is_found_by_its_words_and_their_beginnings() {
        let entries: Vec<_> = of_words(" the я8юж ").into_iter().collect();
        let expected = ["bt", "bth", "bthe", "bя", "bя8", "bя8ю", "wthe", "wя8юж"];
        assert_eq!(entries, expected.map(|entry| entry.as_bytes().to_vec()));
        assert_eq!(beginning("я8ю"), Some("bя8ю".as_bytes().to_vec()));
        assert_eq!(beginning("я8юж"), None);
    }

    #[test]
    fn a_block_has_as_many_ids_as_one_container_of_a_bitmap() {
        let blocks = [1, 65_535, 65_536, 131_071, 131_072].map(block);
        assert_eq!(blocks, [0, 0, 1, 1, 2]);
    }

    #[test]
    fn a_word_never_is_a_beginning_or_a_run() {
        let [word, beginning] = [word("pt"), beginning("pt").unwrap()];
        assert_ne!(word, beginning);
        for order in [Order::Title, Order::Price] {
            assert!(!order.all().contains(&word) && !order.all().contains(&beginning));
            assert!(order.all().contains(&order.place("x", 7, 7)));
        }
    }

    proptest! {
        #[test]
        fn words_lie_where_their_beginnings_say(one in "\\w{1,6}", other in "\\w{1,6}") {
            prop_assert_eq!(words_with(&other).contains(&word(&one)), one.starts_with(&other));
        }

        #[test]
        fn places_are_ordered_as_pages_are(
            one in ("[a-cß ]{1,4}", 0..3_i32, 1..300_i64),
            other in ("[a-cß ]{1,4}", 0..3_i32, 1..300_i64),
        ) {
            let place = |order: Order, book: &(String, i32, i64)| order.place(&book.0, book.1, book.2);
            prop_assert_eq!(
                place(Order::Title, &one).cmp(&place(Order::Title, &other)),
                (&one.0, one.2).cmp(&(&other.0, other.2))
            );
            prop_assert_eq!(
                place(Order::Price, &one).cmp(&place(Order::Price, &other)),
                (one.1, one.2).cmp(&(other.1, other.2))
            );
        }
    }
}
