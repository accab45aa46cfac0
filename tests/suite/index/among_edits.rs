//! Searches while others write the catalogue: each page is what one moment had.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{assert_in_step, edit, found, ids};
use crate::import::Files;
use crate::kit::{Shop, isbn};

/// Of each kind of search, so many at least.
const ROUNDS: usize = 40;

const PATIENCE: Duration = Duration::from_secs(120);

/// What the log says when a search has begun anew too often.
const ONE_MOMENT: &str = "searching one moment of it";

/// More words begin with `inte` than are read at once, and one of them is asked for by its name before all of
/// them are.
pub fn a_beginning_of_many_words_is_read_to_its_end(shop: &Shop) {
    let mut file = String::from("isbn,title,author,price,quantity\n");
    for number in 0..700 {
        file += &format!("{},inte{number:03},Ann,1.00,0\n", isbn::thirteen(&isbn::unused_nine()));
    }
    file += &format!("{},intezzz,Ann,1.00,0\n", isbn::thirteen(&isbn::unused_nine()));
    Files::with(file).import(shop, &[]).exits(0);
    assert_eq!(found(&shop.storefront, "intezzz inte").len(), 1);
    assert_eq!(found(&shop.storefront, "inte").len(), 701);
    assert_eq!(found(&shop.storefront, "inte350 inte").len(), 1);
    assert_eq!(found(&shop.storefront, "ann inte").len(), 701);
}

/// Editors change other books so often that searches begin anew, and in the end take a moment of their own.
pub fn a_search_among_edits_misses_nothing(shop: &Shop) {
    let server = shop.server_on(&shop.database.url, &["--log", "info,bookstore::store=debug"]);
    let steady: Vec<i64> =
        (0..50).map(|number| shop.titled(&format!("Steady {number:02}"), "Ann")).collect();
    let edited: Vec<i64> = (0..4).map(|_| shop.titled("Steady before", "Bob")).collect();
    let searcher = shop.storefront.at(&server);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for book in &edited {
            let (is_over, editor) = (&is_over, &shop.admin);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    // It comes and goes, before the others and among them.
                    let title = ["Another", "Steady", "Steady 25", "Zebra"][number % 4];
                    edit(editor, *book, json!({ "title": title, "price": { "amount": number } }));
                }
            });
        }
        let end = Instant::now() + PATIENCE;
        let mut rounds = 0;
        while rounds < ROUNDS || !server.log().contains(ONE_MOMENT) {
            assert!(Instant::now() < end, "no search took a moment of its own");
            for sort in ["title", "price", "id"] {
                let call = [("q", "steady"), ("sort", sort), ("limit", "20")];
                let mut pages = ids(&searcher.all("/v1/books", &call));
                pages.retain(|id| !edited.contains(id));
                pages.sort_unstable();
                assert_eq!(pages, steady, "by {sort}");
            }
            rounds += 1;
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_in_step(shop);
}

/// There is one book with the word at least, at each moment: the next one comes before the last one goes.
pub fn a_book_that_takes_the_place_of_another_is_always_found(shop: &Shop) {
    let first = shop.titled("Either", "Ann");
    let searches = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let editor = scope.spawn(|| {
            let mut last = first;
            while searches.load(Ordering::Relaxed) < 10 * ROUNDS {
                let next = shop.titled("Either", "Ann");
                shop.admin.delete(&format!("/v1/books/{last}")).expect(204);
                last = next;
            }
        });
        while !editor.is_finished() {
            let page = shop.storefront.get("/v1/books").query(&[("q", "either")]).expect(200);
            assert_ne!(page["data"], json!([]), "after {searches:?} searches");
            searches.fetch_add(1, Ordering::Relaxed);
        }
    });
}
