//! How many books are indexed in one transaction.

use crate::domain::BookId;

/// Books that are to be indexed in one transaction, as far as they are counted. By books and by their text:
/// each word is a row of the index, and a book may have a thousand of them.
#[derive(Debug, Default)]
pub struct Portion {
    books: usize,
    bytes: usize,
}

impl Portion {
    /// Enough that most of what the index has of a word is written once for many books, few enough that
    /// who edits a book, and on SQLite who buys one, does not wait long.
    pub const MOST_BOOKS: usize = 2_000;

    /// Bytes of titles and authors. A catalogue has some 70 a book, and so comes to the other limit first.
    const MOST_BYTES: usize = 256 * 1024;

    /// Takes a book in whose title and author have so many bytes.
    pub fn add(&mut self, bytes: usize) {
        self.books += 1;
        self.bytes += bytes;
    }

    /// Whether no more should come.
    pub fn is_full(&self) -> bool {
        self.books >= Self::MOST_BOOKS || self.bytes >= Self::MOST_BYTES
    }

    /// The books, each with the bytes of its text, in portions.
    pub(in crate::store) fn cut(
        books: &[(BookId, usize)],
    ) -> impl Iterator<Item = &[(BookId, usize)]> {
        let mut portion = Self::default();
        books.chunk_by(move |(_, bytes), _| {
            portion.add(*bytes);
            let is_full = portion.is_full();
            if is_full {
                portion = Self::default();
            }
            !is_full
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sizes: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let books: Vec<_> = (1..).map(BookId).zip(sizes).collect();
        let portions: Vec<_> = Portion::cut(&books).collect();
        assert_eq!(portions.concat(), books, "each is in one of them");
        portions.iter().map(|portion| portion.len()).collect()
    }

    #[test]
    fn a_portion_ends_by_books_or_by_their_text() {
        assert_eq!(cut([]), [] as [usize; 0]);
        assert_eq!(cut([70; 4_500]), [2_000, 2_000, 500]);
        // As long as a title and an author may be, in four bytes a letter.
        assert_eq!(cut([6_000; 100]), [44, 44, 12]);
        assert_eq!(cut([1_000_000; 3]), [1, 1, 1]);
        assert_eq!(cut([vec![70; 1_999], vec![300_000, 70]].concat()), [2_000, 1]);
    }
}
