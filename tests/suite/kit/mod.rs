//! What the scenarios are written with: databases, servers, clients, a proxy, and races.

pub mod isbn;

mod answer;
mod backend;
mod client;
mod clock;
mod connection;
mod database;
mod hold;
mod lock;
mod lossy;
mod metrics;
mod process;
mod proxy;
mod scenario;
mod secrets;
mod server;
mod shop;
mod vitals;
mod weak_user;

pub use answer::Answer;
pub use backend::{Backend, Missing, variable};
pub use client::{Call, Client, lines_of};
pub use clock::{Company, at_once, eventually};
pub use connection::Connection;
pub use database::Database;
pub use hold::{clock_of, run_all_out, run_out};
pub use lock::{all_wait, hold, hold_order, let_go, meet_in_the_till};
pub use lossy::LossyNetwork;
pub use metrics::Metrics;
pub use process::{Bookstore, Finished, Running, clock_library, finish, in_clean_environment};
pub use proxy::{Commit, Proxy, wait_for_strikes};
pub use scenario::{Scenario, Start, Theme};
pub use server::Server;
pub use shop::{Shop, create_token, new_book};
pub use vitals::Vitals;
pub use weak_user::WeakUser;
