// They open a store, in a file.
#![cfg(feature = "sqlite")]

use uuid::Uuid;

use super::*;
use crate::domain::{Client, Copies, HoldSeconds, NewOrder, Role};
use crate::store::throwaway::{self, Throwaway};
use crate::store::{sale, stock};

/// What one transaction says to those who wish this for one order on hold, each in turn.
fn told(wishes: &[(Role, Wish)]) -> Vec<Outcome> {
    let shop = Throwaway::migrated();
    let admin = shop.client(Role::Admin);
    let acted = shop.store.transaction(|connection| {
        let new = throwaway::book(1, "A title", 1_000, 5);
        let entry = throwaway::entry(admin);
        let book = stock::create_book(connection, &entry, &new, &mut Vec::new())?.book;
        let order_id = OrderId(Uuid::now_v7());
        let lines = [(book.id, Copies::parse(2).unwrap())];
        let order = NewOrder::new(order_id, throwaway::request(admin), lines).unwrap();
        let order = order.with_hold(Some(HoldSeconds::parse(600).unwrap()));
        let placed = sale::place(connection, std::slice::from_ref(&order))?;
        assert!(placed[0].is_ok(), "{placed:?}");
        let act = |&(role, wish): &(Role, Wish)| Act {
            client: Some(Client { role, ..admin }),
            order_id,
            wish,
        };
        super::act(connection, &wishes.iter().map(act).collect::<Vec<_>>())
    });
    acted.unwrap().outcomes
}

/// As when the database's clock steps back between two looks at it, so that a confirmation that was late no
/// longer is: else it is granted at another desk.
#[test]
fn each_who_wishes_is_told_how_the_order_stood_at_its_own_turn() {
    let outcomes = told(&[
        (Role::Storefront, Wish::Confirm),
        (Role::Storefront, Wish::Cancel),
        (Role::Admin, Wish::CancelByAdmin),
        (Role::Storefront, Wish::Confirm),
    ]);
    let statuses: Vec<_> =
        outcomes.iter().map(|outcome| outcome.as_ref().ok().map(|order| order.status)).collect();
    let (placed, cancelled) = (Some(OrderStatus::Placed), Some(OrderStatus::Cancelled));
    assert_eq!(statuses, [placed, None, cancelled, None]);
    for order in outcomes.into_iter().flatten() {
        assert_eq!((order.expires_at, order.lines[0].copies), (None, 2));
    }
}
