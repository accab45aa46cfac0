//! Property tests of an order's life: whatever is wished, in whatever order and at whatever time.

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::{
    BookId, ClientId, Copies, HoldSeconds, Movement, NewOrder, OrderLine, OrderedLine, Refusal,
    Request, RequestHash, Role, Shelf, Stock, release, sell, take_back,
};

const BOOK: BookId = BookId(1);

/// What happens in a shop with one book.
#[derive(Debug, Clone)]
enum Event {
    Order { copies: i64, hold: Option<i64> },
    Wish { order: prop::sample::Index, wish: Wish },
    Return { order: prop::sample::Index, copies: i64 },
    Seconds(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let order = any::<prop::sample::Index>;
    prop_oneof![
        3 => (1..4i64, prop::option::weighted(0.8, 1..6i64))
            .prop_map(|(copies, hold)| Event::Order { copies, hold }),
        6 => (order(), prop::sample::select(&Wish::ALL[..]))
            .prop_map(|(order, wish)| Event::Wish { order, wish }),
        1 => (order(), 1..3i64).prop_map(|(order, copies)| Event::Return { order, copies }),
        1 => (1..4i64).prop_map(Event::Seconds),
    ]
}

struct Kept {
    status: OrderStatus,
    expires_at: Option<DateTime<Utc>>,
    copies: i32,
    returned: i32,
    releases: u32,
}

/// The rules as a transaction applies them, one event after the other.
struct Model {
    now: DateTime<Utc>,
    shelf: Shelf,
    orders: Vec<Kept>,
}

impl Model {
    fn open(copies: i32) -> Self {
        let stock = Stock {
            book_id: BOOK,
            title: "Book".to_owned(),
            price_minor: 100,
            quantity: copies,
            last_seq: 0,
            is_archived: false,
        };
        Self { now: DateTime::UNIX_EPOCH, shelf: [stock].into_iter().collect(), orders: Vec::new() }
    }

    fn order(&mut self, copies: i64, hold: Option<i64>) {
        let client = Client { id: ClientId(1), role: Role::Storefront };
        let request = Request { client, key: None, hash: RequestHash::of(&[]) };
        let line = (BOOK, Copies::parse(copies).unwrap());
        let hold = hold.map(|seconds| HoldSeconds::parse(seconds).unwrap());
        let order = NewOrder::new(OrderId(Uuid::nil()), request, [line]).unwrap().with_hold(hold);
        if sell(&mut self.shelf, &order).is_ok() {
            self.orders.push(Kept {
                status: order.status(),
                expires_at: order.expires_at(self.now),
                copies: copies as i32,
                returned: 0,
                releases: 0,
            });
        }
    }

    fn wish(&mut self, index: usize, wish: Wish) -> Fate {
        let now = self.now;
        let order = &mut self.orders[index];
        let standing = Standing::at(now, order.status, order.expires_at, order.returned > 0);
        let fate = fate(standing, wish);
        if let Fate::Becomes(status) | Fate::RefusedAndBecomes(status) = fate {
            order.status = status;
            if status.is_given_up() {
                order.releases += 1;
                let line = OrderLine { book_id: BOOK, copies: order.copies };
                release(&mut self.shelf, &[line]).unwrap();
            }
        }
        fate
    }

    fn take_back(&mut self, index: usize, copies: i64) -> Result<Vec<Movement>, Refusal> {
        let order = &mut self.orders[index];
        if order.status != OrderStatus::Placed {
            return Err(Refusal::NotReturnable { status: order.status });
        }
        let sold = OrderedLine {
            book_id: BOOK,
            title: String::new(),
            copies: order.copies,
            unit_price_minor: 100,
            returned: order.returned,
        };
        let moved = take_back(&mut self.shelf, &[sold], &[(BOOK, Copies::parse(copies).unwrap())])?;
        order.returned += copies as i32;
        Ok(moved)
    }

    fn on_the_shelf(&self) -> i32 {
        self.shelf.get(BOOK).unwrap().quantity
    }

    /// Copies that orders have: held, or sold and not returned.
    fn out(&self) -> i32 {
        let has = |order: &&Kept| !order.status.is_given_up();
        self.orders.iter().filter(has).map(|order| order.copies - order.returned).sum()
    }
}

proptest! {
    #[test]
    fn whatever_happens_no_copy_comes_or_goes_and_none_comes_back_twice(
        copies in 0..12i32,
        events in prop::collection::vec(event(), 0..60),
    ) {
        let mut model = Model::open(copies);
        for event in &events {
            match event {
                Event::Order { copies, hold } => model.order(*copies, *hold),
                Event::Seconds(seconds) => model.now += TimeDelta::seconds(*seconds),
                Event::Wish { .. } | Event::Return { .. } if model.orders.is_empty() => {}
                Event::Wish { order, wish } => {
                    let index = order.index(model.orders.len());
                    let before = model.orders[index].status;
                    let fate = model.wish(index, *wish);
                    let after = model.orders[index].status;
                    prop_assert!(
                        before == after || before == OrderStatus::Held
                            || (before, after) == (OrderStatus::Placed, OrderStatus::Cancelled),
                        "{before} became {after}"
                    );
                    // What is answered is what is so.
                    match (wish, fate) {
                        (Wish::Confirm, Fate::Becomes(_) | Fate::Stays) => {
                            prop_assert_eq!(after, OrderStatus::Placed);
                        }
                        (Wish::Cancel | Wish::CancelByAdmin, Fate::Becomes(_) | Fate::Stays) => {
                            prop_assert_eq!(after, OrderStatus::Cancelled);
                        }
                        (Wish::Expire, Fate::Becomes(_) | Fate::Stays) => {
                            prop_assert_eq!(after, OrderStatus::Expired);
                        }
                        (_, Fate::Refused) => prop_assert_eq!(after, before),
                        (_, Fate::RefusedAndBecomes(_)) => {
                            prop_assert_eq!(after, OrderStatus::Expired);
                        }
                    }
                    // Twice is the same as once.
                    let again = model.wish(index, *wish);
                    prop_assert_eq!(model.orders[index].status, after);
                    prop_assert_eq!(
                        matches!(again, Fate::Stays),
                        matches!(fate, Fate::Stays | Fate::Becomes(_))
                    );
                }
                Event::Return { order, copies } => {
                    let index = order.index(model.orders.len());
                    let out = model.orders[index].copies - model.orders[index].returned;
                    let is_taken = model.take_back(index, *copies).is_ok();
                    let is_placed = model.orders[index].status == OrderStatus::Placed;
                    prop_assert_eq!(is_taken, is_placed && *copies as i32 <= out);
                }
            }
            prop_assert_eq!(model.on_the_shelf() + model.out(), copies);
        }
        for order in &model.orders {
            prop_assert_eq!(order.releases, u32::from(order.status.is_given_up()));
            prop_assert!(order.returned == 0 || order.status == OrderStatus::Placed);
        }
    }

    /// Those who wish at the same time are served in some order: exactly one of them turns the hold
    /// into something, and everybody else is told what it then is.
    #[test]
    fn of_many_wishes_at_once_one_decides(
        wishes in prop::collection::vec(prop::sample::select(&Wish::ALL[..3]), 1..8),
        is_overdue in any::<bool>(),
    ) {
        let mut model = Model::open(1);
        model.order(1, Some(5));
        if is_overdue {
            model.now += TimeDelta::seconds(5);
        }
        let fates: Vec<_> = wishes.iter().map(|wish| model.wish(0, *wish)).collect();
        let deciding = fates.iter().filter(|fate| {
            matches!(fate, Fate::Becomes(_) | Fate::RefusedAndBecomes(_))
        });
        // An admin may still call off what another confirmed.
        let called_off = model.orders[0].status == OrderStatus::Cancelled
            && wishes[0] == Wish::Confirm;
        prop_assert_eq!(deciding.count(), 1 + usize::from(called_off && !is_overdue));
        prop_assert_eq!(is_overdue, model.orders[0].status == OrderStatus::Expired);
        prop_assert_eq!(model.on_the_shelf() + model.out(), 1);
    }
}

#[test]
fn a_hold_ends_at_the_very_moment_it_expires() {
    let end = DateTime::UNIX_EPOCH;
    let at = |micros| {
        Standing::at(end + TimeDelta::microseconds(micros), OrderStatus::Held, Some(end), false)
    };
    assert_eq!([at(-1), at(0), at(1)], [Standing::Held, Standing::Overdue, Standing::Overdue]);
}

#[test]
fn an_order_without_a_hold_is_placed_at_once_and_never_overdue() {
    let placed = Standing::at(DateTime::UNIX_EPOCH, OrderStatus::Placed, None, false);
    assert_eq!(fate(placed, Wish::Confirm), Fate::Stays);
    assert_eq!(fate(placed, Wish::Cancel), Fate::Refused);
    assert_eq!(fate(placed, Wish::CancelByAdmin), Fate::Becomes(OrderStatus::Cancelled));
}

#[test]
fn what_was_partly_returned_cannot_be_called_off() {
    let now = DateTime::UNIX_EPOCH;
    let returned = Standing::at(now, OrderStatus::Placed, None, true);
    assert_eq!(fate(returned, Wish::CancelByAdmin), Fate::Refused);
}
