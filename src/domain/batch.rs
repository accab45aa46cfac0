//! Many orders on one shelf: what becomes of each, knowing what earlier transactions left.

use std::collections::{HashMap, HashSet};

use super::{ClientId, NewOrder, OrderId, Refusal, RequestHash, Sale, Shelf, sell};

/// An order that an earlier transaction placed: for the very same request, or under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The order.
    pub id: OrderId,
    /// Whose it is.
    pub client_id: ClientId,
    /// The key it was placed under.
    pub key: Option<String>,
    /// What was asked.
    pub hash: RequestHash,
}

/// What earlier transactions left that concerns a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    /// Orders.
    pub orders: Vec<Settled>,
    /// Keys under which a client made a stock entry.
    pub entry_keys: Vec<(ClientId, String)>,
}

/// What is to become of one order of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It can be had.
    Sold(Sale),
    /// A rule said no.
    Refused(Refusal),
    /// An earlier transaction placed it, as this order.
    Settled(OrderId),
    /// An order before it in this batch is the same request, and was sold.
    Twin(usize),
}

/// What a key stands for.
enum Holder {
    Order { hash: RequestHash, answer: Decision },
    Entry,
}

/// Decides on `orders` in their order and takes what is sold out of `shelf`. Each gets exactly what
/// it would get in a transaction of its own, if those ran one after another in this order.
pub fn decide(shelf: &mut Shelf, orders: &[NewOrder], earlier: &Earlier) -> Vec<Decision> {
    let settled: HashSet<OrderId> = earlier.orders.iter().map(|order| order.id).collect();
    let mut holders: HashMap<(ClientId, &str), Holder> = HashMap::new();
    for (client_id, key) in &earlier.entry_keys {
        holders.insert((*client_id, key), Holder::Entry);
    }
    for order in &earlier.orders {
        if let Some(key) = &order.key {
            let answer = Decision::Settled(order.id);
            holders.insert((order.client_id, key), Holder::Order { hash: order.hash, answer });
        }
    }
    let mut decisions = Vec::with_capacity(orders.len());
    for (index, order) in orders.iter().enumerate() {
        let request = &order.request;
        let key = request.key.as_ref().map(|key| (request.client.id, key.as_str()));
        let decision = if settled.contains(&order.id) {
            Decision::Settled(order.id)
        } else {
            match key.and_then(|key| holders.get(&key)) {
                Some(Holder::Order { hash, answer }) if *hash == request.hash => answer.clone(),
                Some(_) => Decision::Refused(Refusal::KeyReused),
                None => sell(shelf, order).map_or_else(Decision::Refused, Decision::Sold),
            }
        };
        if let (Some(key), Decision::Sold(_)) = (key, &decision) {
            let answer = Decision::Twin(index);
            holders.insert(key, Holder::Order { hash: request.hash, answer });
        }
        decisions.push(decision);
    }
    decisions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{BookId, Client, Copies, IdempotencyKey, Request, Role, Stock};

    const BOOKS: i64 = 3;
    const CLIENTS: i64 = 2;

    /// An order of up to three lines by one of two clients, mostly under one of a few keys, asking
    /// for one of a few things under each.
    fn order() -> impl Strategy<Value = NewOrder> {
        let lines = prop::collection::vec((1..=BOOKS + 1, 1..4i64), 1..4);
        (any::<u128>(), 1..=CLIENTS, prop::option::weighted(0.8, 0..4u8), lines).prop_map(
            |(id, client, key, lines)| {
                let asked = format!("{lines:?}");
                let request = Request {
                    client: Client { id: ClientId(client), role: Role::Storefront },
                    key: key.map(|key| IdempotencyKey::parse(&[b'a' + key]).unwrap()),
                    hash: RequestHash::of(&[asked.as_bytes()]),
                };
                let lines =
                    lines.into_iter().map(|(id, n)| (BookId(id), Copies::parse(n).unwrap()));
                NewOrder::new(OrderId(Uuid::from_u128(id)), request, lines).unwrap()
            },
        )
    }

    /// Some requests come again.
    fn orders() -> impl Strategy<Value = Vec<NewOrder>> {
        let retries = prop::collection::vec(any::<prop::sample::Index>(), 0..6);
        (prop::collection::vec(order(), 1..12), retries).prop_map(|(mut orders, retries)| {
            for (number, index) in retries.into_iter().enumerate() {
                let mut again = index.get(&orders).clone();
                again.id = OrderId(Uuid::from_u128(number as u128));
                orders.push(again);
            }
            orders
        })
    }

    fn shelf(quantities: &[i32]) -> Shelf {
        (1..)
            .zip(quantities)
            .map(|(id, &quantity)| Stock {
                book_id: BookId(id),
                title: format!("Book {id}"),
                price_minor: 100 * id as i32,
                quantity,
                last_seq: 0,
                is_archived: false,
            })
            .collect()
    }

    fn settled(order: &NewOrder) -> Settled {
        let Request { client, key, hash } = &order.request;
        let key = key.as_ref().map(|key| key.as_str().to_owned());
        Settled { id: order.id, client_id: client.id, key, hash: *hash }
    }

    /// The decisions as their clients see them: a twin is the order it is the twin of.
    fn answers(orders: &[NewOrder], decisions: Vec<Decision>) -> Vec<Decision> {
        let answer = |decision| match decision {
            Decision::Twin(index) => Decision::Settled(orders[index].id),
            other => other,
        };
        decisions.into_iter().map(answer).collect()
    }

    /// An order of one book under the one key that all these have.
    fn keyed(id: u128, client: i64, copies: i64) -> NewOrder {
        let request = Request {
            client: Client { id: ClientId(client), role: Role::Storefront },
            key: Some(IdempotencyKey::parse(b"key").unwrap()),
            hash: RequestHash::of(&[&copies.to_be_bytes()]),
        };
        let line = (BookId(1), Copies::parse(copies).unwrap());
        NewOrder::new(OrderId(Uuid::from_u128(id)), request, [line]).unwrap()
    }

    #[test]
    fn a_key_stands_for_what_its_client_first_asked_under_it() {
        let [first, again, other] = [keyed(1, 1, 2), keyed(2, 1, 2), keyed(3, 1, 1)];
        let reused = Decision::Refused(Refusal::KeyReused);
        let mut shelf = shelf(&[9]);
        let batch = [first.clone(), again.clone(), other.clone(), keyed(4, 2, 1)];
        let decisions = decide(&mut shelf, &batch, &Earlier::default());
        assert!(matches!(&decisions[..], [Decision::Sold(_), _, _, Decision::Sold(_)]));
        assert_eq!(decisions[1..3], [Decision::Twin(0), reused.clone()]);
        let earlier = Earlier { orders: vec![settled(&first)], ..Earlier::default() };
        let decisions = decide(&mut shelf, &[again, other], &earlier);
        assert_eq!(decisions, [Decision::Settled(first.id), reused]);
        assert_eq!(shelf.get(BookId(1)).unwrap().quantity, 9 - 2 - 1);
    }

    proptest! {
        #[test]
        fn a_batch_gives_what_the_same_orders_get_one_by_one(
            quantities in prop::collection::vec(0..12i32, BOOKS as usize),
            orders in orders(),
            entry_keys in prop::collection::vec((1..=CLIENTS, 0..4u8), 0..2),
            cuts in prop::collection::vec(any::<bool>(), 20),
        ) {
            let start = Earlier {
                orders: Vec::new(),
                entry_keys: entry_keys
                    .into_iter()
                    .map(|(client, key)| (ClientId(client), char::from(b'a' + key).to_string()))
                    .collect(),
            };
            let mut shelf_of_one = shelf(&quantities);
            let mut earlier = start.clone();
            let mut one_by_one = Vec::new();
            for order in &orders {
                let order = std::slice::from_ref(order);
                let decision = decide(&mut shelf_of_one, order, &earlier).remove(0);
                if matches!(decision, Decision::Sold(_)) {
                    earlier.orders.push(settled(&order[0]));
                }
                one_by_one.push(decision);
            }
            // However the orders are cut into batches, the answers are the same.
            let mut shelf_of_many = shelf(&quantities);
            let mut earlier = start;
            let mut in_batches = Vec::new();
            let mut rest = &orders[..];
            while !rest.is_empty() {
                let cut = (1..rest.len()).find(|at| cuts[*at % cuts.len()]).unwrap_or(rest.len());
                let (batch, after) = rest.split_at(cut);
                let decisions = decide(&mut shelf_of_many, batch, &earlier);
                let sold = batch.iter().zip(&decisions);
                let sold = sold.filter(|(_, one)| matches!(one, Decision::Sold(_)));
                earlier.orders.extend(sold.map(|(order, _)| settled(order)));
                in_batches.extend(answers(batch, decisions));
                rest = after;
            }
            prop_assert_eq!(in_batches, one_by_one);
            prop_assert_eq!(shelf_of_many, shelf_of_one);
        }
    }
}
