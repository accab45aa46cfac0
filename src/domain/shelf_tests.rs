//! Property tests of the rules: whatever the sequence, the shelf and the ledger agree.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{Client, ClientId, Copies, OrderId, OutOfRange, Request, RequestHash, Role};

const BOOKS: i64 = 4;

#[derive(Debug, Clone)]
enum Act {
    Sell(Vec<(i64, i64)>),
    Restock(Vec<(i64, i64)>),
    Stocktake { book: i64, counted: i64, expected: Option<i64> },
}

fn lines() -> impl Strategy<Value = Vec<(i64, i64)>> {
    // One book more than there is, so that unknown books come up too.
    prop::collection::vec((1..=BOOKS + 1, 1..=6i64), 1..5)
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => lines().prop_map(Act::Sell),
        1 => lines().prop_map(Act::Restock),
        1 => (1..=BOOKS, 0..12i64, prop::option::of(0..12i64))
            .prop_map(|(book, counted, expected)| Act::Stocktake { book, counted, expected }),
    ]
}

fn shelf(quantities: &[i32], archived: usize) -> Shelf {
    (1..)
        .zip(quantities)
        .map(|(id, &quantity)| Stock {
            book_id: BookId(id),
            title: format!("Book {id}"),
            price_minor: 100 * id as i32,
            quantity,
            last_seq: 0,
            is_archived: id as usize == archived,
        })
        .collect()
}

fn request() -> Request {
    let client = Client { id: ClientId(1), role: Role::Storefront };
    Request { client, key: None, hash: RequestHash::of(&[]) }
}

fn order(lines: &[(i64, i64)]) -> NewOrder {
    let lines = lines.iter().map(|&(id, n)| (BookId(id), Copies::parse(n).unwrap()));
    NewOrder::new(OrderId(Uuid::nil()), request(), lines).unwrap()
}

fn apply(shelf: &mut Shelf, act: &Act) -> Result<Vec<Movement>, Refusal> {
    match act {
        Act::Sell(lines) => sell(shelf, &order(lines)).map(|sale| sale.movements),
        Act::Restock(lines) => {
            let lines: Vec<_> =
                lines.iter().map(|&(id, n)| (BookId(id), Delivered::parse(n).unwrap())).collect();
            restock(shelf, &lines)
        }
        Act::Stocktake { book, counted, expected } => {
            let expected = expected.map(|n| Counted::parse(n).unwrap());
            stocktake(shelf, BookId(*book), Counted::parse(*counted).unwrap(), expected)
                .map(|movement| movement.into_iter().collect())
        }
    }
}

proptest! {
    #[test]
    fn whatever_the_sequence_the_shelf_is_what_the_ledger_says(
        start in prop::collection::vec(0..10i32, BOOKS as usize),
        archived in 0..=BOOKS as usize,
        acts in prop::collection::vec(act(), 0..40),
    ) {
        let mut shelf = shelf(&start, archived);
        let mut quantity = start.clone();
        let mut seq = vec![0i64; start.len()];
        for act in &acts {
            let before = shelf.clone();
            match apply(&mut shelf, act) {
                Err(_) => prop_assert_eq!(&shelf, &before, "a refusal changed the shelf"),
                Ok(movements) => for movement in movements {
                    let at = movement.book_id.0 as usize - 1;
                    quantity[at] += movement.delta;
                    seq[at] += 1;
                    prop_assert_ne!(movement.delta, 0);
                    prop_assert_eq!(movement.seq, seq[at], "a gap or a double in the ledger");
                    prop_assert_eq!(movement.quantity_after, quantity[at]);
                    prop_assert!(movement.quantity_after >= 0);
                    prop_assert_ne!(at + 1, archived, "an archived book moved");
                },
            }
        }
        for (stock, (quantity, seq)) in shelf.iter().zip(quantity.iter().zip(&seq)) {
            prop_assert_eq!(stock.quantity, *quantity);
            prop_assert_eq!(stock.last_seq, *seq);
        }
    }

    #[test]
    fn shelf_and_sold_are_what_was_there_and_what_arrived(
        start in prop::collection::vec(0..10i32, BOOKS as usize),
        acts in prop::collection::vec(prop_oneof![lines().prop_map(Act::Sell), lines().prop_map(Act::Restock)], 0..40),
    ) {
        let mut shelf = shelf(&start, 0);
        let (mut sold, mut arrived) = (0, 0);
        for act in &acts {
            for movement in apply(&mut shelf, act).unwrap_or_default() {
                if movement.delta < 0 { sold -= movement.delta } else { arrived += movement.delta }
            }
        }
        let left: i32 = shelf.iter().map(|stock| stock.quantity).sum();
        prop_assert_eq!(left + sold, start.iter().sum::<i32>() + arrived);
    }

    #[test]
    fn an_order_is_had_whole_exactly_when_every_book_has_enough(
        start in prop::collection::vec(0..10i32, BOOKS as usize),
        lines in lines(),
    ) {
        let mut shelf = shelf(&start, 0);
        let order = order(&lines);
        let enough = order.lines().iter().all(|line| {
            start.get(line.book_id.0 as usize - 1).is_some_and(|&there| there >= line.copies)
        });
        match sell(&mut shelf, &order) {
            Ok(sale) => {
                prop_assert!(enough);
                let total: i64 = lines.iter().map(|&(id, copies)| id * 100 * copies).sum();
                prop_assert_eq!(sale.total_minor, total);
                prop_assert_eq!(sale.movements.len(), order.lines().len());
            }
            Err(Refusal::OutOfStock(shortages)) => {
                prop_assert!(!enough);
                for shortage in &shortages {
                    prop_assert!(shortage.requested > shortage.available);
                    prop_assert_eq!(shortage.available, start[shortage.book_id.0 as usize - 1]);
                }
            }
            Err(refusal) => prop_assert_eq!(refusal, Refusal::UnknownBooks(vec![BookId(BOOKS + 1)])),
        }
    }
}

#[test]
fn two_lines_of_one_book_are_summed() {
    let mut shelf = shelf(&[5], 0);
    let refused = sell(&mut shelf, &order(&[(1, 3), (1, 3)]));
    let shortage = Shortage { book_id: BookId(1), requested: 6, available: 5 };
    assert_eq!(refused, Err(Refusal::OutOfStock(vec![shortage])));
    assert_eq!(sell(&mut shelf, &order(&[(1, 3), (1, 2)])).unwrap().movements.len(), 1);
}

#[test]
fn a_shelf_holds_two_thousand_million_copies_and_not_one_more() {
    let mut shelf = shelf(&[1_999_999_999, 0], 0);
    let line = |id, n| (BookId(id), Delivered::parse(n).unwrap());
    let refused = restock(&mut shelf, &[line(2, 7), line(1, 1), line(1, 1)]);
    assert_eq!(refused, Err(Refusal::ShelfFull { book_id: BookId(1), quantity: 2_000_000_001 }));
    assert_eq!(shelf.get(BookId(2)).unwrap().quantity, 0, "all lines or none");
    assert_eq!(restock(&mut shelf, &[line(1, 1)]).unwrap()[0].quantity_after, 2_000_000_000);
}

#[test]
fn a_stocktake_that_agrees_moves_nothing_and_a_stale_one_is_refused() {
    let mut shelf = shelf(&[5], 0);
    let count = |n| Counted::parse(n).unwrap();
    assert_eq!(stocktake(&mut shelf, BookId(1), count(5), Some(count(5))), Ok(None));
    assert_eq!(
        stocktake(&mut shelf, BookId(1), count(5), Some(count(4))),
        Err(Refusal::StaleQuantity { expected: 4, available: 5 })
    );
    let movement = stocktake(&mut shelf, BookId(1), count(2), None).unwrap().unwrap();
    assert_eq!((movement.delta, movement.quantity_after, movement.seq), (-3, 2, 1));
}

#[test]
fn an_order_has_one_to_a_hundred_lines() {
    let lines = |n| (0..n).map(|id| (BookId(id), Copies::parse(10_000).unwrap()));
    let limits = OutOfRange { min: 1, max: 100 };
    assert_eq!(NewOrder::new(OrderId(Uuid::nil()), request(), lines(0)), Err(limits));
    assert_eq!(NewOrder::new(OrderId(Uuid::nil()), request(), lines(101)), Err(limits));
    assert!(NewOrder::new(OrderId(Uuid::nil()), request(), lines(100)).is_ok());
}

#[test]
fn a_sale_takes_copies_at_their_price_and_a_restock_brings_some_without() {
    let mut shelf = shelf(&[5], 0);
    let sold = sell(&mut shelf, &order(&[(1, 3)])).unwrap().movements[0];
    let said = |it: Movement| (it.delta, it.quantity_after, it.reason, it.unit_price_minor);
    assert_eq!(said(sold), (-3, 2, Reason::Sale, Some(100)));
    let arrived = restock(&mut shelf, &[(BookId(1), Delivered::parse(4).unwrap())]).unwrap()[0];
    assert_eq!(said(arrived), (4, 6, Reason::Restock, None));
}

#[test]
fn a_book_enters_with_its_copies_in_one_movement_or_with_none() {
    let first = |n| first_stock(BookId(1), Counted::parse(n).unwrap());
    assert_eq!(first(0), None);
    for n in [1, 7] {
        let movement = first(n).unwrap();
        assert_eq!(
            (movement.seq, movement.delta, movement.quantity_after),
            (1, n as i32, n as i32)
        );
    }
}
