//! Property tests of an order's life: whatever is wished, by whom, in whatever order and at whatever
//! time.

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::limits::MAX_QUANTITY;
use crate::domain::{BookId, Copies, OrderedLine, Role, Stock, take_back};

const BOOK: BookId = BookId(1);
const OWNER: Client = Client { id: ClientId(1), role: Role::Storefront };
const STRANGER: Client = Client { id: ClientId(2), role: Role::Storefront };
const ADMIN: Client = Client { id: ClientId(3), role: Role::Admin };

fn id(number: usize) -> OrderId {
    OrderId(Uuid::from_u128(number as u128))
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn shelf(quantity: i32) -> Shelf {
    let stock = Stock {
        book_id: BOOK,
        title: "Book".to_owned(),
        price_minor: 100,
        quantity,
        last_seq: 0,
        is_archived: false,
    };
    [stock].into_iter().collect()
}

/// A client can wish what its role allows.
fn act(orders: usize) -> impl Strategy<Value = Act> {
    let whose = prop_oneof![
        3 => prop::sample::select(vec![Wish::Confirm, Wish::Cancel]).prop_map(|it| (Some(OWNER), it)),
        1 => prop::sample::select(vec![Wish::Confirm, Wish::Cancel]).prop_map(|it| (Some(STRANGER), it)),
        2 => prop::sample::select(vec![Wish::Confirm, Wish::CancelByAdmin])
            .prop_map(|it| (Some(ADMIN), it)),
        2 => Just((None, Wish::Expire)),
    ];
    // One order more than there is.
    (whose, 0..=orders).prop_map(|((client, wish), number)| Act {
        client,
        order_id: id(number),
        wish,
    })
}

fn subject() -> impl Strategy<Value = Subject> {
    (prop::sample::select(&OrderStatus::ALL[..]), 1..6i64, any::<bool>(), 1..4i32).prop_map(
        |(status, end, has_returns, copies)| Subject {
            owner: OWNER.id,
            status,
            expires_at: matches!(status, OrderStatus::Held | OrderStatus::Expired).then(|| at(end)),
            has_returns: has_returns && status == OrderStatus::Placed,
            lines: vec![OrderLine { book_id: BOOK, copies }],
        },
    )
}

const ORDERS: usize = 4;

fn subjects() -> impl Strategy<Value = Subjects> {
    prop::collection::vec(subject(), ORDERS)
        .prop_map(|subjects| (0..).map(id).zip(subjects).collect())
}

fn on(shelf: &Shelf) -> i32 {
    shelf.get(BOOK).unwrap().quantity
}

/// Copies that orders have: held or sold.
fn out(subjects: &Subjects) -> i32 {
    let has = |subject: &&Subject| !subject.status.is_given_up();
    subjects.values().filter(has).flat_map(|it| &it.lines).map(|line| line.copies).sum()
}

proptest! {
    #[test]
    fn a_batch_gives_what_the_same_wishes_get_one_by_one(
        start in subjects(),
        now in 0..7i64,
        // Now and then there is no room on the shelf.
        room in prop_oneof![3 => Just(1_000), 1 => 0..6],
        acts in prop::collection::vec(act(ORDERS), 1..20),
    ) {
        let quantity = MAX_QUANTITY as i32 - room;
        let (mut shelf_of_many, mut many) = (shelf(quantity), start.clone());
        let batch = settle(&mut shelf_of_many, &mut many, at(now), &acts);

        let (mut shelf_of_one, mut one) = (shelf(quantity), start.clone());
        let (mut outcomes, mut moved) = (Vec::new(), Vec::new());
        for act in &acts {
            let alone = settle(&mut shelf_of_one, &mut one, at(now), std::slice::from_ref(act));
            outcomes.extend(alone.outcomes);
            moved.extend(alone.moved);
        }
        prop_assert_eq!(&batch.outcomes, &outcomes);
        prop_assert_eq!(&batch.moved, &moved);
        prop_assert_eq!(&shelf_of_many, &shelf_of_one);
        prop_assert_eq!(&many, &one);
        // What is to be written is what changed, and no more.
        for (id, subject) in &many {
            let before = start[id].status;
            prop_assert_eq!(batch.changed.get(id).map_or(before, |change| change.is), subject.status);
            prop_assert_eq!(batch.changed.contains_key(id), before != subject.status);
            prop_assert!(batch.changed.get(id).is_none_or(|change| change.was == before));
        }
    }

    #[test]
    fn no_copy_comes_or_goes_and_none_comes_back_twice(
        start in subjects(),
        quantity in 0..12i32,
        turns in prop::collection::vec((act(ORDERS), 0..3i64), 0..60),
    ) {
        let (mut shelf, mut subjects) = (shelf(quantity), start.clone());
        let total = on(&shelf) + out(&subjects);
        let mut now = 0;
        let mut releases = BTreeMap::<OrderId, u32>::new();
        for (act, seconds) in turns {
            now += seconds;
            let before = subjects.clone();
            let mut one = settle(&mut shelf, &mut subjects, at(now), &[act]);
            for (id, movement) in &one.moved {
                *releases.entry(*id).or_default() += 1;
                prop_assert_eq!(movement.quantity_after, on(&shelf));
            }
            prop_assert_eq!(on(&shelf) + out(&subjects), total);
            // What is told is what is so.
            match one.outcomes.remove(0) {
                Ok(granted) => {
                    let subject = &subjects[&act.order_id];
                    let wished = match act.wish {
                        Wish::Confirm => OrderStatus::Placed,
                        Wish::Cancel | Wish::CancelByAdmin => OrderStatus::Cancelled,
                        Wish::Expire => OrderStatus::Expired,
                    };
                    prop_assert_eq!((granted, subject.status), (wished, wished));
                    prop_assert!(act.client != Some(STRANGER));
                    // Twice is the same as once.
                    let again = settle(&mut shelf, &mut subjects, at(now), &[act]);
                    prop_assert_eq!(again.outcomes, vec![Ok(granted)]);
                    prop_assert!(again.changed.is_empty() && again.moved.is_empty());
                }
                Err(Refusal::OrderState { status, .. }) => {
                    prop_assert_eq!(status, subjects[&act.order_id].status);
                    if status != OrderStatus::Expired {
                        prop_assert_eq!(&subjects, &before);
                    }
                }
                Err(refusal) => {
                    prop_assert_eq!(refusal, Refusal::UnknownOrder);
                    prop_assert_eq!(&subjects, &before);
                }
            }
        }
        for (id, subject) in &subjects {
            let was_given_up = start[id].status.is_given_up();
            let is_given_up = subject.status.is_given_up();
            let expected = u32::from(is_given_up && !was_given_up);
            prop_assert_eq!(releases.get(id).copied().unwrap_or_default(), expected);
        }
    }

    #[test]
    fn returns_never_bring_back_more_than_was_sold(
        sold in 1..6i32,
        returns in prop::collection::vec(prop::collection::vec(1..4i64, 1..3), 0..6),
    ) {
        let mut shelf = shelf(0);
        let mut line = OrderedLine {
            book_id: BOOK,
            title: String::new(),
            copies: sold,
            unit_price_minor: 100,
            returned: 0,
        };
        for copies in returns {
            let brought: i32 = copies.iter().sum::<i64>() as i32;
            let lines: Vec<_> =
                copies.into_iter().map(|copies| (BOOK, Copies::parse(copies).unwrap())).collect();
            let taken = take_back(&mut shelf, std::slice::from_ref(&line), &lines);
            prop_assert_eq!(taken.is_ok(), line.returned + brought <= sold);
            if taken.is_ok() {
                line.returned += brought;
            }
            prop_assert_eq!(on(&shelf), line.returned);
        }
    }
}

#[test]
fn everyone_is_told_what_was_so_at_their_turn() {
    let mut subjects = hold();
    let act = |client, wish| Act { client: Some(client), order_id: id(1), wish };
    let acts = [act(OWNER, Wish::Confirm), act(ADMIN, Wish::CancelByAdmin)];
    let settlement = settle(&mut shelf(0), &mut subjects, at(0), &acts);
    let told: Vec<_> = settlement.outcomes.iter().map(|it| *it.as_ref().unwrap()).collect();
    assert_eq!(told, [OrderStatus::Placed, OrderStatus::Cancelled]);
    assert_eq!(settlement.moved.len(), 1);
}

/// A hold of one copy by [`OWNER`], with a minute to go at 0.
fn hold() -> Subjects {
    let hold = Subject {
        owner: OWNER.id,
        status: OrderStatus::Held,
        expires_at: Some(at(60)),
        has_returns: false,
        lines: vec![OrderLine { book_id: BOOK, copies: 1 }],
    };
    Subjects::from([(id(1), hold)])
}

#[test]
fn a_hold_that_ended_in_time_has_no_end_and_one_that_expired_keeps_it() {
    for (client, wish, now, end) in [
        (Some(OWNER), Wish::Confirm, at(59), None),
        (Some(OWNER), Wish::Cancel, at(59), None),
        (None, Wish::Expire, at(60), Some(at(60))),
    ] {
        let act = Act { client, order_id: id(1), wish };
        let mut subjects = hold();
        let settlement = settle(&mut shelf(0), &mut subjects, now, &[act]);
        assert!(settlement.outcomes[0].is_ok(), "{wish:?}");
        assert_eq!(subjects[&id(1)].expires_at, end, "{wish:?}");
    }
}

#[test]
fn without_room_for_its_copies_a_hold_stays_and_too_late_is_too_late_all_the_same() {
    let full = MAX_QUANTITY as i32;
    let too_late = Refusal::OrderState {
        wish: Wish::Confirm,
        status: OrderStatus::Expired,
        has_returns: false,
    };
    let no_room = Refusal::ShelfFull { book_id: BOOK, quantity: MAX_QUANTITY + 1 };
    for (wish, now, refusal) in [(Wish::Cancel, at(59), no_room), (Wish::Confirm, at(60), too_late)]
    {
        let act = Act { client: Some(OWNER), order_id: id(1), wish };
        let mut subjects = hold();
        let settlement = settle(&mut shelf(full), &mut subjects, now, &[act]);
        assert_eq!(settlement.outcomes, [Err(refusal)]);
        assert!(settlement.changed.is_empty() && settlement.moved.is_empty());
        assert_eq!(subjects, hold());
    }
}
