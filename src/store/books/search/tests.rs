// They open a store, in a file.
#![cfg(feature = "sqlite")]

use std::time::Duration;

use diesel::prelude::*;

use super::*;
use crate::domain::{BookEdit, BookId, NewBook, Role, Search};
use crate::schema::book_index;
use crate::store::Store;
use crate::store::books::index::entry::Order;
use crate::store::books::index::rows::from_bytes;
use crate::store::books::index::runs::LONGEST;
use crate::store::books::{self, Mark, SortBy};
use crate::store::intake::{Arrival, take_in};
use crate::store::throwaway::{self, Throwaway};

/// So many that what a word finds is gone through by runs, in several chunks.
const BOOKS: u32 = 3_000;

/// A catalogue in which many titles and many prices are the same.
struct Catalogue {
    shop: Throwaway,
    admin: crate::domain::Client,
}

impl Catalogue {
    fn open() -> Self {
        let shop = Throwaway::migrated();
        let admin = shop.client(Role::Admin);
        let catalogue = Self { shop, admin };
        catalogue.take_in((0..BOOKS).map(|number| book(number, 0)));
        catalogue
    }

    fn store(&self) -> &Store {
        &self.shop.store
    }

    /// Adds these books, or makes those that are there what they say.
    fn take_in(&self, books: impl Iterator<Item = NewBook>) {
        let arrivals: Vec<_> = books
            .map(|new| {
                let edit = BookEdit {
                    isbn: None,
                    title: Some(new.title.clone()),
                    author: Some(new.author.clone()),
                    price: Some(new.price),
                };
                Arrival { new, edit }
            })
            .collect();
        let entry = throwaway::entry(self.admin);
        self.store().transaction(|it| take_in(it, &entry, &arrivals, true)).unwrap();
    }

    /// All books for sale with this word, as a page without words has them.
    fn all(&self, word: &str, listing: &Listing) -> Vec<Book> {
        let listing =
            Listing { search: None, after: None, limit: BOOKS as usize, ..listing.clone() };
        let mut all = self.page(&IndexCache::default(), &listing).items;
        all.retain(|book| book.title.to_lowercase().split(' ').any(|it| it == word));
        all
    }

    fn page(&self, cache: &IndexCache, listing: &Listing) -> books::Page<Book, Mark> {
        let deadline = Instant::now() + Duration::from_secs(60);
        self.store().read(deadline, |it| books::list(it, cache, listing, deadline)).unwrap()
    }

    /// Holds every page of `word`, in every order, against what it should be.
    fn check(&self, word: &str, in_stock: Option<bool>) {
        let warm = self.store().index_cache();
        for sort_by in [SortBy::Id, SortBy::Title, SortBy::Price] {
            for is_descending in [false, true] {
                let listing = listing(word, in_stock, sort_by, is_descending);
                let all = self.all(word, &listing);
                let ids: Vec<_> = all.iter().map(|book| book.id).collect();
                assert_eq!(
                    self.walk(&warm, &listing, 100),
                    ids,
                    "{word} {sort_by:?} {is_descending}"
                );
                for (at, limit) in
                    [(0, 1), (0, 20), (1, 7), (255, 100), (256, 1), (700, 100), (1_100, 20)]
                {
                    let Some(book) = all.get(at) else { continue };
                    let mark = Mark {
                        id: book.id.0,
                        title: book.title.clone(),
                        price_minor: book.price_minor,
                    };
                    let listing = Listing { after: Some(mark), limit, ..listing.clone() };
                    for cache in [&*warm, &IndexCache::default()] {
                        let page = self.page(cache, &listing);
                        let rest = &ids[at + 1..];
                        let found: Vec<_> = page.items.iter().map(|book| book.id).collect();
                        assert_eq!(found, rest[..limit.min(rest.len())], "{word} {listing:?}");
                        assert_eq!(page.next.is_some(), rest.len() > limit, "{word} {listing:?}");
                    }
                }
            }
        }
    }

    /// Pages behind the first and the last book of all, of which the word has none in its first runs or its last.
    fn check_foreign_marks(&self, word: &str) {
        for sort_by in [SortBy::Title, SortBy::Price] {
            for is_descending in [false, true] {
                let listing = listing(word, None, sort_by, is_descending);
                let everything = Listing { search: None, limit: 1, ..listing.clone() };
                let first = self.page(&IndexCache::default(), &everything).items.remove(0);
                let mark = Mark {
                    id: first.id.0,
                    title: first.title.clone(),
                    price_minor: first.price_minor,
                };
                let rest = self.all(word, &listing).into_iter().map(|book| book.id);
                let rest: Vec<_> = rest.filter(|id| *id != first.id).take(20).collect();
                let listing = Listing { after: Some(mark), limit: 20, ..listing };
                let page = self.page(&IndexCache::default(), &listing).items;
                let page: Vec<_> = page.into_iter().map(|book| book.id).collect();
                assert_eq!(page, rest, "{listing:?}");
            }
        }
    }

    /// All that is found, page after page.
    fn walk(&self, cache: &IndexCache, listing: &Listing, limit: usize) -> Vec<BookId> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(cache, &Listing { after, limit, ..listing.clone() });
            found.extend(page.items.iter().map(|book| book.id));
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    }

    /// No run is too long, and there are no more of them than need be.
    fn check_runs(&self) {
        for order in [Order::Title, Order::Price] {
            let range = order.all();
            let runs: Vec<Vec<u8>> = self
                .store()
                .transaction(|connection| {
                    let runs = book_index::table
                        .filter(book_index::entry.ge(&range.start))
                        .filter(book_index::entry.lt(&range.end))
                        .select(book_index::books);
                    Ok(runs.load(connection)?)
                })
                .unwrap();
            let lengths = runs.iter().map(|run| from_bytes(run).unwrap().len() as usize);
            let lengths: Vec<_> = lengths.collect();
            assert_eq!(lengths.iter().sum::<usize>(), BOOKS as usize);
            assert!(lengths.iter().all(|length| *length <= LONGEST), "{lengths:?}");
            assert!(lengths.len() < 3 * BOOKS as usize / LONGEST, "{lengths:?}");
        }
    }
}

/// In its `edition`-th edition it has another title and another price.
fn book(number: u32, edition: u32) -> NewBook {
    let shuffled = (number + 1_000 * edition) * 7_919 % BOOKS;
    let rare = if number.is_multiple_of(17) { " rare" } else { "" };
    let middle = if (1_300..1_700).contains(&shuffled) { " middle" } else { "" };
    let title = format!("Common {:04}{rare}{middle}", shuffled / 4);
    throwaway::book(number, &title, i64::from(shuffled / 30) * 100, i64::from(number % 3))
}

fn listing(word: &str, in_stock: Option<bool>, sort_by: SortBy, is_descending: bool) -> Listing {
    let search = Search::parse(word).unwrap();
    Listing { search, isbn: None, in_stock, sort_by, is_descending, after: None, limit: 1 }
}

#[test]
fn every_page_of_what_a_search_found_is_what_it_should_be() {
    let catalogue = Catalogue::open();
    catalogue.check_runs();
    for word in ["common", "rare", "middle"] {
        catalogue.check(word, None);
        catalogue.check(word, Some(true));
    }
    catalogue.check_foreign_marks("middle");
    // Many move in one transaction, and then a few alone.
    let third = (0..BOOKS).filter(|number| number.is_multiple_of(3));
    catalogue.take_in(third.map(|number| book(number, 1)));
    for number in 0..5 {
        catalogue.take_in(std::iter::once(book(number, 2)));
    }
    catalogue.check_runs();
    catalogue.check("common", None);
    catalogue.check("common", Some(false));
    // Nothing is amiss; and from nothing it becomes the same again.
    let index = || catalogue.store().index_books(|| false).unwrap();
    assert_eq!(index(), 0);
    catalogue.store().clear_index().unwrap();
    assert_eq!(index(), BOOKS as usize);
    catalogue.check_runs();
    catalogue.check("rare", None);
}
