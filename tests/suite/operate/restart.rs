//! Restarts under load, with buyers who do what docs/clients.md says: no order fails, none is doubled.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use crate::kit::{Answer, Bookstore, Client, Server, Shop, buy_meanwhile, eventually};

/// Orders that must get through at each stage before the next one begins.
const SOME: usize = 50;
const BUYERS: usize = 6;

/// One place where the shop is served, with an address that stays the same when it is restarted.
struct Instance {
    address: String,
    database_url: String,
    server: Mutex<Option<Server>>,
    /// Orders that this one answered.
    served: AtomicUsize,
}

impl Instance {
    fn start(shop: &Shop) -> Self {
        let instance = Self {
            address: free_address(),
            database_url: shop.database.url.clone(),
            server: Mutex::new(None),
            served: AtomicUsize::new(0),
        };
        instance.start_again();
        instance
    }

    fn start_again(&self) {
        let arguments =
            ["serve", "--read-connections", "2", "--write-connections", "6", "--listen"];
        let arguments = arguments.into_iter().chain([self.address.as_str()]);
        let server = Bookstore::new(arguments).env("DATABASE_URL", &self.database_url);
        *self.server.lock().unwrap() = Some(Server::from(server));
    }

    /// As a service manager does it: asks it to end, and waits until it has.
    fn stop(&self) {
        let server = self.server.lock().unwrap().take().unwrap();
        assert_eq!(server.stop(), 0, "{}", server.log());
    }

    /// Someone with a token at this address, whoever serves there.
    fn client(&self, token: &str) -> Client {
        Client::new(self.server.lock().unwrap().as_ref().unwrap(), token)
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// Waits until it has answered some more orders.
    fn serves_more(&self) {
        let before = self.served();
        eventually(Duration::from_secs(120), "it serves", || {
            (self.served() >= before + SOME).then_some(())
        });
    }
}

/// An address that nobody has, below the ports that outgoing connections take.
fn free_address() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let spread = (std::process::id() % 499) as u16 * 20;
        let port = 10_000 + (spread + NEXT.fetch_add(1, Ordering::SeqCst)) % 9_980;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return format!("127.0.0.1:{port}");
        }
    }
}

/// Sends the same order with the same key, to the next address after each that did not answer or could
/// not do it now, until it is placed.
fn place(instances: &[Instance], clients: &[Client], first: usize, book: i64, key: &str) -> Answer {
    let mut at = first % instances.len();
    eventually(Duration::from_secs(120), "the order is placed", || {
        match clients[at].buy(book, 1).key(key).try_send() {
            Ok(answer) if answer.status == 201 => {
                instances[at].served.fetch_add(1, Ordering::SeqCst);
                return Some(answer);
            }
            Ok(answer) => assert_eq!(answer.status, 503, "\n{answer}"),
            Err(error) => assert!(!error.is_timeout(), "{error:?}"),
        }
        at = (at + 1) % instances.len();
        None
    })
}

/// Restarts these instances one by one while buyers order, and checks what became of the orders.
fn restart(shop: &Shop, instances: &[Instance]) {
    let book = shop.book(1_000_000);
    let token = shop.storefront.token.clone().unwrap();
    let clients: Vec<Vec<Client>> = (0..BUYERS)
        .map(|_| instances.iter().map(|instance| instance.client(&token)).collect())
        .collect();
    let buy = |buyer: usize, number: usize| {
        let key = format!("{buyer}/{number}");
        place(instances, &clients[buyer], buyer + number, book, &key)
    };
    let ((), sales) = buy_meanwhile(BUYERS, buy, |_| {
        for (at, instance) in instances.iter().enumerate() {
            instance.serves_more();
            instance.stop();
            let others = instances.iter().enumerate().filter(|(other, _)| *other != at);
            others.for_each(|(_, other)| other.serves_more());
            instance.start_again();
            let ready =
                || (instance.client(&token).get("/readyz").send().status == 200).then_some(());
            eventually(Duration::from_secs(60), "it is ready again", ready);
            instance.serves_more();
        }
    });
    let mut ids: Vec<_> = sales.iter().map(Answer::id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), sales.len(), "two answers are about one order");
    let orders = shop.database.connect().number("SELECT count(*) FROM orders");
    assert_eq!(orders, sales.len() as i64, "orders, and answers of success");
    assert_eq!(shop.admin.quantity(book), 1_000_000 - orders);
    instances.iter().for_each(Instance::stop);
}

pub fn a_rolling_restart_under_load_fails_no_order(shop: &Shop) {
    restart(shop, &[Instance::start(shop), Instance::start(shop)]);
}

pub fn a_restart_of_the_only_instance_fails_no_order(shop: &Shop) {
    restart(shop, &[Instance::start(shop)]);
}
