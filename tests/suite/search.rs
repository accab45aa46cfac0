//! Finding books by the words of their titles and authors.

use serde_json::json;

use crate::kit::{Backend, Scenario, Shop};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        words_find_titles_and_authors_the_last_one_as_a_prefix,
        characters_with_a_meaning_in_sql_are_only_characters,
        letters_beyond_ascii_are_found_in_either_case,
        only_books_in_stock_on_request,
        a_search_through_many_books_ends_where_the_books_end,
];

#[track_caller]
fn assert_finds(shop: &Shop, query: &str, expected: &[i64]) {
    let found = shop.storefront.all("/v1/books", &[("q", query), ("sort", "id"), ("limit", "3")]);
    let found: Vec<_> = found.iter().map(|book| book["id"].as_i64().unwrap()).collect();
    assert_eq!(found, expected, "q={query}");
}

fn words_find_titles_and_authors_the_last_one_as_a_prefix(shop: &Shop) {
    let rings = shop.titled("The Lord of the Rings", "J. R. R. Tolkien");
    let hobbit = shop.titled("The Hobbit", "J. R. R. Tolkien");
    let strings = shop.titled("Strings attached", "Jo Lord-Walton");

    assert_finds(shop, "tolkien", &[rings, hobbit]);
    assert_finds(shop, "TOLKIEN hobb", &[hobbit]);
    assert_finds(shop, "rings lord", &[rings]);
    assert_finds(shop, "lord", &[rings, strings]);
    assert_finds(shop, "lor", &[rings, strings]);
    assert_finds(shop, "lor rings", &[]);
    assert_finds(shop, "ring", &[rings]);
    assert_finds(shop, "walton, strings!", &[strings]);
    assert_finds(shop, "hobbit rings", &[]);
    assert_finds(shop, "  the  ", &[rings, hobbit]);
    assert_finds(shop, "nothing like it", &[]);
}

fn characters_with_a_meaning_in_sql_are_only_characters(shop: &Shop) {
    let plain = shop.titled("Plain words", "A. Writer");
    let percent = shop.titled("100% cotton", "O'Brien");
    assert_finds(shop, "100%", &[percent]);
    assert_finds(shop, "o'brien", &[percent]);
    assert_finds(shop, "pl%n", &[]);
    assert_finds(shop, "plai_", &[plain]);
    assert_finds(shop, "' OR 1=1 --", &[]);
    for odd in ["%", "_", "\\", "'", "\"", "*", "\u{1f986}", "((("] {
        shop.storefront.get("/v1/books").query(&[("q", odd)]).expect(200);
    }
    shop.storefront.get("/v1/books").query(&[("q", "a\0b")]).send().expect(200);
}

fn letters_beyond_ascii_are_found_in_either_case(shop: &Shop) {
    let zola = shop.titled("Germinal", "Émile Zola");
    let war = shop.titled("Война и мир", "Лев Толстой");
    for query in ["Émile", "émile", "ÉMI", "zola germ"] {
        assert_finds(shop, query, &[zola]);
    }
    for query in ["война", "ВОЙНА И МИР", "толст"] {
        assert_finds(shop, query, &[war]);
    }
}

fn only_books_in_stock_on_request(shop: &Shop) {
    let [full, empty, last] = shop.books([3, 0, 1]);
    let listed = |query: &[(&str, &str)]| -> Vec<i64> {
        let books = shop.storefront.all("/v1/books", query);
        let mut ids: Vec<_> = books.iter().map(|book| book["id"].as_i64().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(listed(&[]), [full, empty, last]);
    assert_eq!(listed(&[("in_stock", "true")]), [full, last]);
    shop.storefront.buy(last, 1).expect(201);
    assert_eq!(listed(&[("in_stock", "true")]), [full]);
}

fn a_search_through_many_books_ends_where_the_books_end(shop: &Shop) {
    // What is sought is rare and far apart, so that a page must look further than one batch.
    let mut connection = shop.database.connect();
    let rows: Vec<_> = (0..3_000)
        .map(|number| {
            let title = if number % 1_000 == 999 { "Rare needle" } else { "needles of hay" };
            let isbn = crate::kit::isbn::thirteen(&crate::kit::isbn::unused_nine());
            format!("('{isbn}', '{title} {number}', 'A. Writer', 100)")
        })
        .collect();
    let insert = "INSERT INTO books (isbn, title, author, price_minor) VALUES ";
    connection.run(&format!("{insert}{}", rows.join(", ")));
    // What another program wrote lacks its words, until one of ours looks.
    shop.bookstore(["migrate"]).run().exits(0).says(&["indexed 3000 books"]);

    for (sort, limit) in
        [("title", "1"), ("-title", "2"), ("price", "100"), ("id", "2"), ("-id", "3")]
    {
        let query = [("q", "needle rare"), ("sort", sort), ("limit", limit)];
        assert_eq!(shop.storefront.all("/v1/books", &query).len(), 3, "{sort}");
        let query = [("q", "needle zzz"), ("sort", sort), ("limit", limit)];
        let none = shop.storefront.get("/v1/books").query(&query).expect(200);
        assert_eq!(none.body, json!({ "data": [], "next": null }));
    }
}
