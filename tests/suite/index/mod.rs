//! The index by which books are found: whoever writes a book writes it, whoever writes at the same time
//! loses nothing, and no sale waits for either.

mod among_edits;
mod anew;
mod check;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use among_edits::{
    a_beginning_of_many_words_is_read_to_its_end,
    a_book_that_takes_the_place_of_another_is_always_found, a_search_among_edits_misses_nothing,
};
use anew::{
    an_index_made_anew_has_what_the_books_say, long_texts_are_indexed_a_few_at_a_time,
    who_writes_while_the_index_is_made_anew_loses_nothing,
};
pub use check::assert_in_step;

use crate::import::Files;
use crate::kit::{Backend, Client, Connection, Scenario, Shop, eventually, isbn};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        whatever_is_done_to_books_is_done_to_the_index,
        editors_of_books_with_the_same_words_lose_nothing,
        what_one_server_wrote_the_other_finds_at_once,
        the_last_book_of_a_word_leaves_nothing_behind,
        ids_on_both_sides_of_a_block_are_found,
        what_something_else_wrote_is_found_once_a_server_starts,
        a_long_way_through_the_runs_misses_nothing,
        a_beginning_of_many_words_is_read_to_its_end,
        a_search_among_edits_misses_nothing,
        a_book_that_takes_the_place_of_another_is_always_found,
        an_index_made_anew_has_what_the_books_say,
        who_writes_while_the_index_is_made_anew_loses_nothing;
    Shop on Backend::POSTGRES:
        long_texts_are_indexed_a_few_at_a_time;
    Shop on Backend::SERVERS:
        a_sale_does_not_wait_for_who_writes_the_catalogue,
        an_edit_that_dies_half_way_leaves_the_index_as_it_was;
];

const WORDS: [&str; 12] =
    ["the", "of", "a", "ring", "rings", "ringed", "Мир", "мировой", "雪国", "tales", "tale", "old"];

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn words(&mut self) -> String {
        let words: Vec<_> = (0..=self.roll(4)).map(|_| WORDS[self.roll(WORDS.len())]).collect();
        words.join(" ")
    }
}

fn ids(books: &[Value]) -> Vec<i64> {
    books.iter().map(|book| book["id"].as_i64().unwrap()).collect()
}

fn found(client: &Client, query: &str) -> Vec<i64> {
    ids(&client.all("/v1/books", &[("q", query), ("limit", "100")]))
}

fn edit(client: &Client, book: i64, change: Value) {
    client.patch(&format!("/v1/books/{book}"), change).if_match("*").expect(200);
}

fn whatever_is_done_to_books_is_done_to_the_index(shop: &Shop) {
    let mut dice = Dice(11);
    let mut books: BTreeMap<i64, String> = BTreeMap::new();
    for number in 0..120 {
        let some = books.keys().nth(dice.roll(books.len().max(1))).copied();
        let price = json!({ "amount": dice.roll(5) });
        match (dice.roll(8), some) {
            (0 | 1, _) | (_, None) => {
                let isbn = isbn::thirteen(&isbn::unused_nine());
                let (title, author) = (dice.words(), dice.words());
                let body = json!({
                    "isbn": isbn, "title": title, "author": author, "price": price, "quantity": 3,
                });
                let book = shop.admin.post("/v1/books", body).expect(201);
                books.insert(book["id"].as_i64().unwrap(), isbn);
            }
            (2, Some(book)) => edit(&shop.admin, book, json!({ "title": dice.words() })),
            (3, Some(book)) => {
                edit(&shop.admin, book, json!({ "author": dice.words(), "price": price }));
            }
            (4, Some(book)) => edit(&shop.admin, book, json!({ "price": price })),
            (5, Some(book)) => {
                shop.admin.delete(&format!("/v1/books/{book}")).expect(204);
                books.remove(&book);
            }
            (6, Some(book)) => drop(shop.admin.restock(book, 1).expect(201)),
            (_, Some(book)) => {
                let new = isbn::thirteen(&isbn::unused_nine());
                let rows = [&books[&book], &new]
                    .map(|isbn| format!("{isbn},{},{},{number}.00\n", dice.words(), dice.words()));
                let file = format!("isbn,title,author,price\n{}", rows.concat());
                Files::with(file).import(shop, &["--update"]).exits(0);
                let newest = shop.admin.get("/v1/books").query(&[("isbn", &new)]).expect(200);
                books.insert(newest["data"][0]["id"].as_i64().unwrap(), new);
            }
        }
        if number % 30 == 29 {
            assert_in_step(shop);
        }
    }
}

fn editors_of_books_with_the_same_words_lose_nothing(shop: &Shop) {
    let second = shop.admin.at(&shop.second_server());
    let books: Vec<i64> = (0..4).map(|_| shop.titled("the ring", "of old")).collect();
    std::thread::scope(|scope| {
        for (number, &book) in books.iter().enumerate() {
            let client = if number % 2 == 0 { &shop.admin } else { &second };
            scope.spawn(move || {
                let mut dice = Dice(number as u64);
                for price in 0..20 {
                    let title = format!("{} the ring", dice.words());
                    edit(client, book, json!({ "title": title, "price": { "amount": price } }));
                    let other = json!({
                        "isbn": isbn::thirteen(&isbn::unused_nine()), "title": dice.words(),
                        "author": "of old", "price": { "amount": price },
                    });
                    client.post("/v1/books", other).expect(201);
                }
            });
        }
    });
    assert_in_step(shop);
    assert_eq!(found(&shop.storefront, "of old").len(), 84);
    shop.audit();
}

fn what_one_server_wrote_the_other_finds_at_once(shop: &Shop) {
    let second = shop.storefront.at(&shop.second_server());
    let book = shop.titled("First words", "Ann");
    for number in 0..20 {
        // Both have it in mind.
        for client in [&shop.storefront, &second] {
            assert_eq!(found(client, "words ann"), [book]);
            assert_eq!(found(client, "other"), Vec::<i64>::new());
        }
        edit(&shop.admin, book, json!({ "title": format!("Other {number}") }));
        for client in [&second, &shop.storefront] {
            assert_eq!(found(client, "other"), [book]);
            assert_eq!(found(client, "words ann"), Vec::<i64>::new());
        }
        edit(&shop.admin.at(&shop.server()), book, json!({ "title": "Last words" }));
    }
}

fn the_last_book_of_a_word_leaves_nothing_behind(shop: &Shop) {
    let rows = || shop.database.connect().number("SELECT count(*) FROM book_index");
    let book = shop.titled("Only once", "Ann");
    assert_in_step(shop);
    let other = shop.titled("Ann", "Ann");
    let with_other = rows();
    edit(&shop.admin, book, json!({ "title": "Ann" }));
    assert!(rows() < with_other, "words that no book has are still there");
    for book in [book, other] {
        shop.admin.delete(&format!("/v1/books/{book}")).expect(204);
        assert_in_step(shop);
    }
    assert_eq!(rows(), 1, "the stamp alone is left");
    assert_eq!(found(&shop.storefront, "ann"), Vec::<i64>::new());
    let book = shop.titled("Ann again", "Bob");
    assert_eq!(found(&shop.storefront, "ann"), [book]);
}

/// Blocks are of 65,536 ids, and bitmaps of ids know 32 bits and 64.
fn ids_on_both_sides_of_a_block_are_found(shop: &Shop) {
    let expected: Vec<i64> = vec![
        1,
        65_535,
        65_536,
        65_537,
        131_071,
        131_072,
        (1 << 32) - 1,
        1 << 32,
        (1 << 32) + 1,
        1 << 40,
    ];
    let rows: Vec<_> = expected
        .iter()
        .map(|id| {
            let isbn = isbn::thirteen(&isbn::unused_nine());
            format!("({id}, '{isbn}', 'The {}', 'Ann', {})", id % 7, id % 3)
        })
        .collect();
    shop.database.connect().run(&format!(
        "INSERT INTO books (id, isbn, title, author, price_minor) VALUES {}",
        rows.join(", ")
    ));
    shop.bookstore(["migrate"]).run().exits(0).says(&["indexed 10 books"]);
    assert_in_step(shop);
    for limit in ["1", "3", "100"] {
        let found = |sort| {
            let query = [("q", "ann the"), ("sort", sort), ("limit", limit)];
            ids(&shop.storefront.all("/v1/books", &query))
        };
        assert_eq!(found("id"), expected);
        assert!(found("-id").iter().eq(expected.iter().rev()));
        for sort in ["title", "-title", "price", "-price"] {
            let mut sorted = found(sort);
            assert_eq!(sorted, ids(&shop.storefront.all("/v1/books", &[("sort", sort)])));
            sorted.sort_unstable();
            assert_eq!(sorted, expected);
        }
    }
    shop.admin.delete(&format!("/v1/books/{}", 1_i64 << 32)).expect(204);
    assert_in_step(shop);
}

/// As a program of the version before writes, which knows of no index.
fn what_something_else_wrote_is_found_once_a_server_starts(shop: &Shop) {
    let words = "books that the index lacked";
    let isbn = isbn::thirteen(&isbn::unused_nine());
    shop.database.connect().run(&format!(
        "INSERT INTO books (isbn, title, author, price_minor) VALUES ('{isbn}', 'Stray', 'Ann', 1)"
    ));
    assert_eq!(found(&shop.storefront, "stray"), Vec::<i64>::new());
    let second = shop.second_server();
    eventually(Duration::from_secs(30), "the book is found", || {
        (found(&shop.storefront, "stray").len() == 1).then_some(())
    });
    second.logs(words, 1);
    assert!(!shop.server().log().contains(words), "there was none when it started");
    assert_in_step(shop);
}

/// More books than are sorted at once, in more runs than one: found in the order of the list, page by page,
/// while some of them come and go.
fn a_long_way_through_the_runs_misses_nothing(shop: &Shop) {
    let mut dice = Dice(5);
    let mut file = String::from("isbn,title,author,price,quantity\n");
    for number in 0..1_200 {
        let isbn = isbn::thirteen(&isbn::unused_nine());
        let author = if number % 3 == 0 { "Common Ann" } else { "Common Bob" };
        let (price, quantity) = (dice.roll(40), usize::from(number % 5 == 0));
        file +=
            &format!("{isbn},{} {},{author},{price}.00,{quantity}\n", dice.words(), number % 90);
    }
    Files::with(file).import(shop, &[]).exits(0);
    for book in found(&shop.storefront, "common").into_iter().step_by(40) {
        edit(&shop.admin, book, json!({ "title": dice.words(), "price": { "amount": 7 } }));
    }
    assert_in_step(shop);
    for sort in ["title", "-title", "price", "-price", "id", "-id"] {
        let all = shop.storefront.all("/v1/books", &[("sort", sort), ("limit", "100")]);
        for (query, limit) in [("common", "100"), ("common", "33"), ("ann comm", "20")] {
            let has_words =
                |book: &&Value| query == "common" || book["author"] == json!("Common Ann");
            let expected: Vec<_> = all.iter().filter(has_words).cloned().collect();
            let call = [("q", query), ("sort", sort), ("limit", limit)];
            assert_eq!(ids(&shop.storefront.all("/v1/books", &call)), ids(&expected), "{call:?}");
            let call = [call[0], call[1], call[2], ("in_stock", "true")];
            let expected: Vec<_> =
                expected.into_iter().filter(|book| book["quantity"] != json!(0)).collect();
            assert_eq!(ids(&shop.storefront.all("/v1/books", &call)), ids(&expected), "{call:?}");
        }
    }
}

/// How this database writes the name of an entry.
fn literal(shop: &Shop, entry: &str) -> String {
    shop.database.bytes_literal(entry.as_bytes())
}

/// A transaction that has a row of the index.
fn holder_of(shop: &Shop, entry: &str) -> Connection {
    let mut holder = shop.database.connect();
    holder.run("BEGIN");
    let entry = literal(shop, entry);
    holder.number(&format!("SELECT block FROM book_index WHERE entry = {entry} FOR UPDATE"));
    holder
}

fn a_sale_does_not_wait_for_who_writes_the_catalogue(shop: &Shop) {
    let book = shop.book_like(json!({ "title": "Wanted", "quantity": 9 }));
    let mut holder = holder_of(shop, "");
    std::thread::scope(|scope| {
        let editor = scope.spawn(|| edit(&shop.admin, book, json!({ "title": "Edited" })));
        for left in (0..9).rev() {
            shop.storefront.buy(book, 1).expect(201);
            assert_eq!(shop.admin.quantity(book), left);
            assert_eq!(found(&shop.storefront, "wanted"), [book]);
            assert!(!editor.is_finished(), "edited while another one had the catalogue");
        }
        shop.admin.restock(book, 1).expect(201);
        holder.run("COMMIT");
        editor.join().unwrap();
    });
    assert_eq!(found(&shop.storefront, "edited"), [book]);
    assert_in_step(shop);
}

fn an_edit_that_dies_half_way_leaves_the_index_as_it_was(shop: &Shop) {
    let book = shop.titled("Zebra", "Ann");
    let second = shop.second_server();
    // It has the catalogue, the book, its record and the first words when it comes to this one.
    let mut holder = holder_of(shop, "wzebra");
    let editor = shop.admin.at(&second);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let change = json!({ "title": "Aardvark" });
            editor.patch(&format!("/v1/books/{book}"), change).if_match("*").try_send()
        });
        let entry = literal(shop, "");
        eventually(Duration::from_secs(30), "the edit has the catalogue", || {
            let mut other = shop.database.connect();
            other.run("BEGIN");
            let sql =
                format!("SELECT block FROM book_index WHERE entry = {entry} FOR UPDATE NOWAIT");
            let is_taken = other.try_run(&sql).is_err();
            is_taken.then_some(())
        });
        second.crash();
        holder.run("COMMIT");
    });
    // Whoever comes next has the catalogue as soon as the database knows of the end.
    let other = shop.titled("Zebra two", "Bob");
    assert_in_step(shop);
    assert_eq!(found(&shop.storefront, "zebra"), [book, other]);
    assert_eq!(found(&shop.storefront, "aardvark"), Vec::<i64>::new());
}
