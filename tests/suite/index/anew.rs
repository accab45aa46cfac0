//! The index made anew: whatever was wrong with it is mended, whoever writes books meanwhile finds them
//! again, and nobody waits long for any of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{Dice, assert_in_step, edit, found, literal};
use crate::import::Files;
use crate::kit::{Company, Shop, isbn};

/// More rows and records than one step of the work takes.
fn fill(shop: &Shop) {
    let mut dice = Dice(3);
    let row = |number: usize| {
        let isbn = isbn::thirteen(&isbn::unused_nine());
        format!("{isbn},{} No{number},of old,{}.00,3\n", dice.words(), number % 40)
    };
    let rows: String = (0..2_100).map(row).collect();
    Files::with(format!("isbn,title,author,price,quantity\n{rows}")).import(shop, &[]).exits(0);
}

fn make_anew(shop: &Shop) {
    shop.bookstore(["migrate", "--reindex"]).run().exits(0).says(&["indexed", "up to date"]);
}

pub fn an_index_made_anew_has_what_the_books_say(shop: &Shop) {
    fill(shop);
    assert_in_step(shop);
    let [book, lost, wrong] = ["Plain", "Lost", "Wrong"].map(|title| shop.titled(title, "Ann"));
    let mut connection = shop.database.connect();
    // The records of all of them are as they should be.
    for (word, becomes) in [("wlost", "wnowhere"), ("wwrong", "wright")] {
        let [word, becomes] = [word, becomes].map(|entry| literal(shop, entry));
        connection.run(&format!("UPDATE book_index SET entry = {becomes} WHERE entry = {word}"));
    }
    connection.run(&format!("DELETE FROM book_index WHERE entry > {}", literal(shop, "t")));
    connection.run(&format!("UPDATE books SET title = 'By hand' WHERE id = {book}"));
    let finds = |word: &str| found(&shop.storefront, word);
    shop.bookstore(["migrate"]).run().exits(0);
    assert_eq!([finds("hand"), finds("lost"), finds("right")].concat(), Vec::<i64>::new());
    // It is found as soon as its version tells that it changed.
    connection.run(&format!("UPDATE books SET version = version + 1 WHERE id = {book}"));
    shop.bookstore(["migrate"]).run().exits(0).says(&["indexed 1 books"]);
    assert_eq!([finds("hand"), finds("plain"), finds("lost")], [vec![book], vec![], vec![]]);
    connection.run(&format!("UPDATE books SET title = 'By hand again' WHERE id = {book}"));
    make_anew(shop);
    assert_eq!([finds("again"), finds("lost"), finds("wrong")].concat(), [book, lost, wrong]);
    assert_in_step(shop);
}

/// Editors at two servers, and a buyer of each book that they edit.
pub fn who_writes_while_the_index_is_made_anew_loses_nothing(shop: &Shop) {
    fill(shop);
    let second = shop.admin.at(&shop.second_server());
    let books: Vec<i64> = (0..8).map(|_| shop.titled("the ring", "of old")).collect();
    let company = Company::of(1);
    let written = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for (number, some) in books.chunks(2).enumerate() {
            let (company, written) = (&company, &written);
            let client = if number % 2 == 0 { &shop.admin } else { &second };
            scope.spawn(move || {
                let mut dice = Dice(number as u64);
                while company.is_there() {
                    let book = some[dice.roll(2)];
                    let title = format!("{} the ring", dice.words());
                    edit(
                        client,
                        book,
                        json!({ "title": title, "price": { "amount": dice.roll(9) } }),
                    );
                    client.restock(book, 1).expect(201);
                    client.buy(book, 1).expect(201);
                    let other = shop.titled(&dice.words(), "of old");
                    if dice.roll(2) == 0 {
                        client.delete(&format!("/v1/books/{other}")).expect(204);
                    }
                    written.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _companion = company.companion();
        for _ in 0..3 {
            make_anew(shop);
        }
    });
    assert!(written.into_inner() > 12, "nobody wrote anything meanwhile");
    assert_in_step(shop);
}

/// By their words and not only by their number. Each transaction of PostgreSQL leaves its number behind.
pub fn long_texts_are_indexed_a_few_at_a_time(shop: &Shop) {
    let title = "長い題名 ".repeat(100);
    let author = "長い名前 ".repeat(200);
    let row = |_| format!("('{}', '{title}', '{author}', 1)", isbn::thirteen(&isbn::unused_nine()));
    let rows: Vec<_> = (0..200).map(row).collect();
    let mut connection = shop.database.connect();
    connection.run(&format!(
        "INSERT INTO books (isbn, title, author, price_minor) VALUES {}",
        rows.join(", ")
    ));
    shop.bookstore(["migrate"]).run().exits(0).says(&["indexed 200 books"]);
    let transactions = "SELECT count(DISTINCT CAST(xmin AS text)) FROM indexed_books";
    // 13 bytes for each word and its space, and 256 KiB at once.
    assert_eq!(connection.number(transactions), 3, "200 books of 3,900 bytes each");
    assert_in_step(shop);
}
