//! The sample catalogue of a store that nobody filled yet.

use super::Intake;
use crate::domain::{Author, BookEdit, Counted, Isbn, NewBook, Price, Title};
use crate::store::intake::{Arrival, Fate};
use crate::store::{self, Store};

/// What the stock entry of the samples refers to.
const REFERENCE: &str = "sample catalogue";

/// A book as it is written below.
struct Sample {
    isbn: &'static str,
    title: &'static str,
    author: &'static str,
    price_minor: i64,
    quantity: i64,
}

const fn sample(
    isbn: &'static str,
    title: &'static str,
    author: &'static str,
    price_minor: i64,
    quantity: i64,
) -> Sample {
    Sample { isbn, title, author, price_minor, quantity }
}

/// Well-known books, each under the number of a real edition. Prices and quantities are made up.
const SAMPLES: [Sample; 24] = [
    sample("9780143039952", "The Odyssey", "Homer", 1500, 12),
    sample("9780142437230", "Don Quixote", "Miguel de Cervantes Saavedra", 1800, 9),
    sample("9780679783268", "Pride and Prejudice", "Jane Austen", 899, 40),
    sample("9780141439471", "Frankenstein", "Mary Wollstonecraft Shelley", 950, 18),
    sample("9780142437209", "Jane Eyre", "Charlotte Brontë", 999, 22),
    sample("9780140449266", "The Count of Monte Cristo", "Alexandre Dumas", 1650, 8),
    sample("9780142437247", "Moby-Dick or, The Whale", "Herman Melville", 1400, 11),
    sample("9780143058144", "Crime and Punishment", "Fyodor Dostoyevsky", 1350, 14),
    sample("9780451529176", "Middlemarch", "George Eliot", 795, 7),
    sample("9780393970128", "Dracula", "Bram Stoker", 1275, 16),
    sample("9780099428640", "The Trial", "Franz Kafka", 1099, 10),
    sample("9780743273565", "The Great Gatsby", "F. Scott Fitzgerald", 1299, 30),
    sample("9780060929879", "Brave New World", "Aldous Huxley", 1249, 20),
    sample("9780156012195", "The Little Prince", "Antoine de Saint-Exupéry", 1150, 35),
    sample("9780451524935", "1984", "George Orwell", 999, 38),
    sample("9780679732761", "Invisible Man", "Ralph Ellison", 1595, 6),
    sample("9780802130303", "Ficciones", "Jorge Luis Borges", 1425, 5),
    sample("9780385474542", "Things Fall Apart", "Chinua Achebe", 1195, 15),
    sample("9780061120084", "To Kill a Mockingbird", "Harper Lee", 1099, 25),
    sample("9780060531041", "One Hundred Years of Solitude", "Gabriel García Márquez", 1499, 13),
    sample("9780441007318", "The Left Hand of Darkness", "Ursula K. Le Guin", 1395, 9),
    sample("9780156001311", "The Name of the Rose", "Umberto Eco", 1550, 10),
    sample("9781400033416", "Beloved", "Toni Morrison", 1399, 12),
    sample("9780571225385", "The Remains of the Day", "Kazuo Ishiguro", 1195, 17),
];

impl Sample {
    /// `None` only if it breaks a rule of the domain, which a test below rules out.
    fn arrival(&self) -> Option<Arrival> {
        let new = NewBook {
            isbn: Isbn::parse(self.isbn).ok()?,
            title: Title::parse(self.title).ok()?,
            author: Author::parse(self.author).ok()?,
            price: Price::parse(self.price_minor).ok()?,
            quantity: Counted::parse(self.quantity).ok()?,
        };
        Some(Arrival { new, edit: BookEdit::default() })
    }
}

/// Adds the sample catalogue and tells how many of its books are new.
///
/// # Errors
/// What the database says; then none of it is in.
pub fn fill(store: &Store) -> Result<usize, store::Error> {
    let arrivals: Vec<Arrival> = SAMPLES.iter().filter_map(Sample::arrival).collect();
    let fates = Intake::new(store, REFERENCE, false).take_in(&arrivals)?;
    Ok(fates.into_iter().filter(|fate| *fate == Fate::Imported).count())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_sample_is_a_book_and_no_isbn_is_there_twice() {
        let arrivals: Vec<_> = SAMPLES.iter().filter_map(Sample::arrival).collect();
        assert_eq!(arrivals.len(), SAMPLES.len());
        let isbns: BTreeSet<_> = arrivals.iter().map(|arrival| arrival.new.isbn).collect();
        assert_eq!(isbns.len(), SAMPLES.len());
        assert!(arrivals.iter().all(|arrival| arrival.new.price.get() > 0));
        assert!(arrivals.iter().all(|arrival| (5..=40).contains(&arrival.new.quantity.get())));
    }
}
