//! A search means the same on every database: whatever was written, however it got there, and
//! whatever is asked.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::import::Files;
use crate::index::assert_in_step;
use crate::kit::{Backend, Client, Scenario, Shop, isbn};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        accents_and_case_do_not_count,
        short_and_common_words_are_found,
        every_way_to_write_a_book_is_followed,
        what_another_program_wrote_is_found_after_a_look,
        an_isbn_is_found_with_and_without_hyphens,
        odd_characters_come_back_as_they_went_in_and_never_fail_a_search,
        a_search_finds_what_its_words_say_in_every_order,
];

fn found(client: &Client, query: &[(&str, &str)]) -> Vec<i64> {
    ids(&client.all("/v1/books", query))
}

fn ids(books: &[Value]) -> Vec<i64> {
    books.iter().map(|book| book["id"].as_i64().unwrap()).collect()
}

#[track_caller]
fn assert_finds(shop: &Shop, query: &str, expected: &[i64]) {
    assert_eq!(found(&shop.storefront, &[("q", query)]), expected, "q={query}");
}

fn accents_and_case_do_not_count(shop: &Shop) {
    let zola = shop.titled("L'Œuvre", "Émile ZOLA");
    let composed = shop.titled("Gro\u{df}e Stra\u{df}e", "Łukasz Ærø");
    let greek = shop.titled("ΟΔΥΣΣΕΥΣ", "Ὅμηρος");
    let russian = shop.titled("Ёлка", "Фёдор Достоевский");
    let snow = shop.titled("雪国", "川端康成");
    let wide = shop.titled("Ｆｕｌｌ ｗｉｄｔｈ ﬁn", "\u{1d504}\u{1d505} math");
    let rare = shop.titled("\u{20000}\u{20001} \u{10400}", "한국어 हिन्दी");
    for (query, book) in [
        ("emile zola", zola),
        ("E\u{301}MILE", zola),
        ("l œuv", zola),
        ("oeuvre", zola),
        ("STRASSE grosse", composed),
        ("lukasz aero", composed),
        ("ŁUKASZ ÆR", composed),
        ("οδυσσευς ομηρ", greek),
        ("Οδυσσεύς", greek),
        ("ЕЛКА федор", russian),
        ("ёлка достоевск", russian),
        ("雪", snow),
        ("川端康成 雪国", snow),
        ("full WIDTH fin", wide),
        ("ab math", wide),
        ("\u{20000}", rare),
        ("\u{10428} 한", rare),
        ("हिन्दी", rare),
    ] {
        assert_finds(shop, query, &[book]);
    }
    for query in ["zol emile", "\u{20001}", "国", "かわ", "οδυσσεα"] {
        assert_finds(shop, query, &[]);
    }
}

fn short_and_common_words_are_found(shop: &Shop) {
    let it = shop.titled("It", "Stephen King");
    let the = shop.titled("The The", "A. B.");
    let numbers = shop.titled("1984 1Q84 7", "www");
    let long = shop.titled(&"a".repeat(300), &"я".repeat(300));
    for (query, book) in [
        ("it", it),
        ("the the", the),
        ("a b", the),
        ("the", the),
        ("7", numbers),
        ("www", numbers),
        ("1Q", numbers),
        ("7 1984", numbers),
        (&"a".repeat(200), long),
        (&"я".repeat(30), long),
        ("aaaa", long),
    ] {
        assert_finds(shop, query, &[book]);
    }
    assert_finds(shop, "a", &[the, long]);
}

fn every_way_to_write_a_book_is_followed(shop: &Shop) {
    // Created.
    let book = shop.book_like(json!({ "title": "First thoughts", "author": "Ann", "quantity": 5 }));
    assert_finds(shop, "thoughts ann", &[book]);
    // Edited: title, author, and something else.
    let path = format!("/v1/books/{book}");
    let edit = |change: Value| shop.admin.patch(&path, change).if_match("*").expect(200);
    edit(json!({ "title": "Second opinions" }));
    assert_finds(shop, "thoughts", &[]);
    assert_finds(shop, "opinions ann", &[book]);
    edit(json!({ "author": "Bob" }));
    assert_finds(shop, "ann", &[]);
    edit(json!({ "price": { "amount": 7 } }));
    assert_finds(shop, "bob second", &[book]);
    assert_in_step(shop);
    // What only moves its stock is found as before.
    shop.storefront.buy(book, 1).expect(201);
    shop.admin.restock(book, 3).expect(201);
    assert_finds(shop, "bob second", &[book]);
    // Imported, imported again, and updated by an import.
    let isbn = isbn::thirteen(&isbn::unused_nine());
    let row = |title: &str| format!("isbn,title,author,price\n{isbn},{title},Zoë,1.00\n");
    Files::with(row("Third wheel")).import(shop, &[]).exits(0);
    let third = found(&shop.storefront, &[("q", "zoe wheel")]);
    assert_eq!(third.len(), 1);
    Files::with(row("Fourth estate")).import(shop, &[]).exits(0);
    assert_finds(shop, "estate", &[]);
    Files::with(row("Fourth estate")).import(shop, &["--update"]).exits(0);
    assert_finds(shop, "wheel", &[]);
    assert_finds(shop, "fourth zoe est", &third);
    assert_in_step(shop);
    // Archived.
    shop.admin.delete(&path).expect(204);
    assert_finds(shop, "bob", &[]);
    assert_in_step(shop);
}

fn what_another_program_wrote_is_found_after_a_look(shop: &Shop) {
    let known = shop.titled("Known words", "Ann");
    let archived = shop.titled("Archived words", "Ann");
    let stranger = isbn::thirteen(&isbn::unused_nine());
    shop.database.connect().run(&format!(
        "INSERT INTO books (isbn, title, author, price_minor) VALUES ('{stranger}', 'Strange words', 'Bob', 1);
         UPDATE books SET title = 'Other words', version = version + 1 WHERE id = {known};
         UPDATE books SET archived_at = updated_at, version = version + 1 WHERE id = {archived}"
    ));
    shop.bookstore(["migrate"]).run().exits(0).says(&["indexed 3 books"]);
    assert_in_step(shop);
    let both = found(&shop.storefront, &[("q", "words")]);
    assert_eq!(both.len(), 2);
    assert_finds(shop, "other ann", &[known]);
    assert_finds(shop, "known", &[]);
    let again = shop.bookstore(["migrate"]).run().exits(0);
    assert!(!again.said().contains("indexed"), "{again}");
}

fn an_isbn_is_found_with_and_without_hyphens(shop: &Shop) {
    let nine = isbn::unused_nine();
    let (ten, thirteen) = (isbn::ten(&nine), isbn::thirteen(&nine));
    let book = shop.book_like(json!({ "isbn": thirteen, "title": "Numbered" }));
    shop.titled(&thirteen[..3], "9 7 8");
    let hyphens =
        format!("{}-{}-{}-{}", &thirteen[..3], &thirteen[3..4], &thirteen[4..12], &thirteen[12..]);
    let short = format!("{}-{}-{}", &ten[..1], &ten[1..9], &ten[9..]);
    for spelling in [&thirteen, &ten, &hyphens, &short, &hyphens.replace('-', " ")] {
        assert_finds(shop, spelling, &[book]);
        assert_eq!(found(&shop.storefront, &[("isbn", spelling)]), [book], "isbn={spelling}");
        assert_eq!(found(&shop.storefront, &[("q", spelling), ("isbn", &thirteen)]), [book]);
    }
    let other = isbn::thirteen(&isbn::unused_nine());
    assert_finds(shop, &other, &[]);
    assert_eq!(found(&shop.storefront, &[("q", &thirteen), ("isbn", &other)]), Vec::<i64>::new());
    shop.admin.delete(&format!("/v1/books/{book}")).expect(204);
    assert_finds(shop, &hyphens, &[]);
}

/// Every metacharacter of SQL, of LIKE, and of three languages of searching; what is hard to store
/// and what is hard to draw.
pub const ODD: [&str; 40] = [
    "'",
    "''",
    "\"",
    "\"\"",
    "\\",
    "\\'",
    "%",
    "_",
    "\\%",
    "*",
    "+",
    "-",
    "~",
    "<",
    ">",
    "(",
    ")",
    "()",
    "@",
    "@5",
    ":*",
    "&",
    "|",
    "!",
    "&&",
    "<->",
    "^",
    "{",
    "}",
    "[",
    "]",
    ";",
    "--",
    "/*",
    "$1",
    "?",
    "NEAR(a b)",
    "words:a",
    "\u{202e}\u{200f}\u{2066}",
    "\u{1f986}\u{1f468}\u{200d}\u{1f469}",
];

fn odd_characters_come_back_as_they_went_in_and_never_fail_a_search(shop: &Shop) {
    for (number, odd) in ODD.iter().enumerate() {
        let title = format!("x{odd}y a{odd}\u{e4} {odd} end{number}");
        let author = format!("{odd} by {odd}");
        let book = shop.titled(&title, &author);
        let there = shop.storefront.book(book);
        assert_eq!((&there["title"], &there["author"]), (&json!(title), &json!(author)));
        // Asked for by its own title, and by a title in the shape of every language's operators.
        let asks = [
            title.clone(),
            format!("end{number} by {odd}"),
            format!("{odd} END{number} {odd}"),
            format!("\"end{number}\" AND by"),
            format!("+end{number} -zzz"),
        ];
        for (query, is_found) in asks.iter().zip([true, true, true, false, false]) {
            let found = found(&shop.storefront, &[("q", query)]);
            assert_eq!(found.contains(&book), is_found, "q={query}: {found:?}");
        }
    }
    // Alone, doubled, around a word, cut through the middle of a word, with NUL: an answer, always.
    for odd in ODD.iter().chain(&["\0", "\r\n", "\u{feff}", "\u{10ffff}", "OR", "NOT", "AND"]) {
        for query in [
            odd.to_string(),
            format!("{odd}{odd}"),
            format!("{odd}end1{odd}"),
            format!("en{odd}d1 {odd}"),
            format!("\0{odd}a"),
            format!("a AND {odd}"),
        ] {
            for sort in ["id", "-title", "price"] {
                let query = [("q", query.as_str()), ("sort", sort), ("limit", "3")];
                shop.storefront.get("/v1/books").query(&query).expect(200);
            }
        }
    }
    // Marks of direction mean nothing, inside a word or beside it.
    let marked = found(&shop.storefront, &[("q", "\u{202e}en\u{200f}d1\u{200e} b\u{ad}y")]);
    assert_eq!(marked, found(&shop.storefront, &[("q", "end1 by")]));
    assert!(!marked.is_empty());
    assert_in_step(shop);
}

/// Words as they are written, with what they are when folded.
const WORDS: [(&str, &str); 14] = [
    ("The", "the"),
    ("the", "the"),
    ("THE", "the"),
    ("a", "a"),
    ("An", "an"),
    ("Café", "cafe"),
    ("cafe", "cafe"),
    ("Cafeteria", "cafeteria"),
    ("Straße", "strasse"),
    ("strass", "strass"),
    ("Мир", "мир"),
    ("мировой", "мировои"),
    ("ring", "ring"),
    ("RINGS", "rings"),
];

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn words(&mut self, most: usize) -> Vec<(&'static str, &'static str)> {
        (0..=self.roll(most)).map(|_| WORDS[self.roll(WORDS.len())]).collect()
    }
}

fn a_search_finds_what_its_words_say_in_every_order(shop: &Shop) {
    let mut dice = Dice(7);
    let mut books: Vec<(i64, BTreeSet<&str>)> = Vec::new();
    for number in 0..60 {
        let (title, author) = (dice.words(3), dice.words(1));
        let written = |words: &[(&str, &str)]| {
            words.iter().map(|(written, _)| *written).collect::<Vec<_>>().join(" - ")
        };
        let book = shop.book_like(json!({
            "title": written(&title), "author": written(&author),
            "price": { "amount": number * 7 % 11 }, "quantity": number % 2,
        }));
        books.push((book, title.iter().chain(&author).map(|(_, folded)| *folded).collect()));
    }
    // What this one remembers of the index it does not share with the other.
    let knowing = shop.storefront.at(&shop.second_server());
    for round in 0..40 {
        let asked = dice.words(2);
        let (last, whole) = asked.split_last().unwrap();
        let beginning: String = last.1.chars().take(1 + dice.roll(6)).collect();
        let expected: BTreeSet<i64> = books
            .iter()
            .filter(|(_, words)| whole.iter().all(|(_, folded)| words.contains(folded)))
            .filter(|(_, words)| words.iter().any(|word| word.starts_with(&beginning)))
            .map(|(book, _)| *book)
            .collect();
        let mut query: Vec<&str> = whole.iter().map(|(written, _)| *written).collect();
        query.push(&beginning);
        let query = query.join(" ");
        let sort = ["id", "-id", "title", "-title", "price", "-price"][round % 6];
        let limit = ["1", "2", "5", "100"][round % 4];
        let all = ids(&knowing.all("/v1/books", &[("sort", sort), ("limit", "100")]));
        let in_order: Vec<i64> = all.into_iter().filter(|id| expected.contains(id)).collect();
        for client in [&shop.storefront, &knowing] {
            let call = [("q", query.as_str()), ("sort", sort), ("limit", limit)];
            assert_eq!(found(client, &call), in_order, "{call:?}");
        }
        let call = [("q", query.as_str()), ("sort", sort), ("limit", limit), ("in_stock", "true")];
        let in_stock = |id: &i64| books.iter().position(|(book, _)| book == id).unwrap() % 2 == 1;
        let in_order: Vec<i64> = in_order.into_iter().filter(in_stock).collect();
        assert_eq!(found(&knowing, &call), in_order, "{call:?}");
    }
}
