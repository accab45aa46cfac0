//! What the index has, against what the books say that it should have.

use std::collections::{BTreeMap, BTreeSet};

use bookstore::domain::BookWords;
use roaring::RoaringTreemap;

use crate::kit::{Backend, Shop};

type Entries = BTreeMap<(Vec<u8>, i64), BTreeSet<u64>>;

/// A book for sale, as the catalogue shows it.
struct Book {
    id: u64,
    title: String,
    author: String,
    price: i32,
}

/// Demands that the index has each book for sale where its words, its title and its price say, and nothing
/// else.
#[track_caller]
pub fn assert_in_step(shop: &Shop) {
    assert_recorded(shop);
    let books: Vec<Book> = shop
        .admin
        .all("/v1/books", &[("limit", "100")])
        .iter()
        .map(|book| Book {
            id: book["id"].as_u64().unwrap(),
            title: book["title"].as_str().unwrap().to_owned(),
            author: book["author"].as_str().unwrap().to_owned(),
            price: book["price"]["amount"].as_i64().unwrap() as i32,
        })
        .collect();
    let (runs, words): (Entries, Entries) =
        entries(shop).into_iter().partition(|((entry, _), _)| matches!(entry[0], b't' | b'p'));
    let expected = expected(&books);
    for (entry, ids) in &words {
        assert_eq!(Some(ids), expected.get(entry), "{}", shown(entry));
    }
    for (entry, ids) in &expected {
        assert_eq!(words.get(entry), Some(ids), "{}", shown(entry));
    }
    assert_runs(&runs, b't', &books, |book| {
        [book.title.as_bytes(), &[0], &book.id.to_be_bytes()].concat()
    });
    assert_runs(&runs, b'p', &books, |book| {
        [&book.price.to_be_bytes()[..], &book.id.to_be_bytes()].concat()
    });
}

fn shown((entry, block): &(Vec<u8>, i64)) -> String {
    format!("{} of block {block}", String::from_utf8_lossy(entry))
}

/// Every book for sale has a record of its version, and nothing else has one.
#[track_caller]
fn assert_recorded(shop: &Shop) {
    let mut connection = shop.database.connect();
    let lacking = "SELECT count(*) FROM books b LEFT JOIN indexed_books s ON s.book_id = b.id
         WHERE b.archived_at IS NULL AND (s.version IS NULL OR s.version <> b.version)";
    let orphans = "SELECT count(*) FROM indexed_books s LEFT JOIN books b
         ON b.id = s.book_id AND b.archived_at IS NULL WHERE b.id IS NULL";
    assert_eq!(connection.number(lacking), 0, "the index lacks books");
    assert_eq!(connection.number(orphans), 0, "the index has what is no book");
}

/// All rows of the index but its stamp.
fn entries(shop: &Shop) -> Entries {
    let sql = match shop.backend() {
        Backend::Postgres => {
            "SELECT encode(entry, 'hex') || ' ' || block || ' ' || encode(books, 'hex') AS word
             FROM book_index WHERE entry <> ''"
        }
        Backend::Mysql => {
            "SELECT CAST(concat(hex(entry), ' ', block, ' ', hex(books)) AS CHAR) AS word
             FROM book_index WHERE entry <> ''"
        }
        Backend::Sqlite => {
            "SELECT hex(entry) || ' ' || block || ' ' || hex(books) AS word
             FROM book_index WHERE entry <> x''"
        }
    };
    let rows = shop.database.connect().texts(sql);
    let row = |row: &String| {
        let parts: Vec<_> = row.split(' ').collect();
        let ids = RoaringTreemap::deserialize_from(&*bytes(parts[2])).unwrap();
        assert!(!ids.is_empty(), "a row without books: {row}");
        ((bytes(parts[0]), parts[1].parse().unwrap()), ids.into_iter().collect())
    };
    rows.iter().map(row).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// Words and their beginnings, with the books that have them.
fn expected(books: &[Book]) -> Entries {
    let mut entries = Entries::new();
    for book in books {
        let block = (book.id / 65_536) as i64;
        for word in BookWords::of(&book.title, &book.author).iter() {
            let letters: Vec<char> = word.as_str().chars().collect();
            let mut names = vec![format!("w{}", word.as_str())];
            names.extend(
                (1..=letters.len().min(3))
                    .map(|length| format!("b{}", letters[..length].iter().collect::<String>())),
            );
            for name in names {
                entries.entry((name.into_bytes(), block)).or_default().insert(book.id);
            }
        }
    }
    entries
}

/// Each book is in the last run that begins at its place or before, and in no other.
#[track_caller]
fn assert_runs(runs: &Entries, mark: u8, books: &[Book], place: impl Fn(&Book) -> Vec<u8>) {
    let runs: BTreeMap<&[u8], &BTreeSet<u64>> = runs
        .iter()
        .filter(|((entry, _), _)| entry[0] == mark)
        .map(|((entry, block), ids)| {
            assert_eq!(*block, 0, "a run has one block");
            assert!(ids.len() <= 256, "a run of {} books", ids.len());
            (&entry[1..], ids)
        })
        .collect();
    assert_eq!(runs.values().map(|ids| ids.len()).sum::<usize>(), books.len());
    for book in books {
        let place = place(book);
        let (_, ids) = runs.range(..=&place[..]).next_back().expect("a run at its place");
        assert!(ids.contains(&book.id), "{} is in another run than that of its place", book.title);
    }
}
