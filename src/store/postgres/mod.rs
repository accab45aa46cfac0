//! The statements that only PostgreSQL has: what was there before a batch, and what a batch writes.
//! Each is parsed and planned once a connection, whatever the number of rows, and takes its rows as
//! arrays in their binary form; a VALUES list would be parsed and planned for every batch.

mod ledger;
mod lookup;
mod sales;

pub(super) use ledger::record;
pub(super) use lookup::settled;
pub(super) use sales::write_sales;
