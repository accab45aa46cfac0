//! The race of the article, to be watched: ways to sell a book side by side on the reader's own
//! database, under load (a [`Run`]) and step by step (a [`Timeline`]). Knows till and store; the
//! strategies are other people's applications and are written like them.
//!
//! All happens in scratch tables of the race's own, see `scratch`.

mod conflict;
mod course;
mod error;
mod guard;
mod level;
mod outcome;
mod replay;
pub mod report;
mod run;
mod scratch;
mod server;
mod stop;
mod strategy;
mod table;
mod words;

pub use conflict::Conflict;
pub use course::Course;
pub use error::Error;
pub use level::Level;
pub use outcome::{Actor, Outcome, Report, Run, Step, SweepPoint, Timeline};
pub use run::{Load, Onlooker};
pub use server::Server;
pub use stop::Stop;
pub use strategy::{ALL as STRATEGIES, Promise, Strategy};
pub use words::counted;
