//! MariaDB in a Galera cluster: many nodes that all take writes, and agree when one of them commits.
//!
//! A node may be behind: what another has acknowledged reaches it a moment later. Whoever asked one node
//! and then another would not see what he bought, would be refused copies that had come back, and would
//! be told that a request had not been settled.
//!
//! And a node takes a transaction's rows away when another node has committed them: the transaction is
//! rolled back, and its next statement is told so. But not always one that is prepared, as all of Diesel's
//! are: its answer may be whole and good, and what follows is no part of any transaction. Each statement
//! then commits alone: an order without its lines, in one of a hundred where three nodes sell one title.
//! (MariaDB 10.11.19 with Galera 26.4.23. A program in C that reads a row in a loop while another node writes
//! it lost 337 of 8,067 transactions so, and none of 7,887 with the same statements as text.) Or no answer
//! comes at all, and client and node wait for each other. So `store::transaction` marks each, and a
//! connection for them ends when it is silent.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

#[derive(QueryableByName)]
struct Variable {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "Value")]
    value: String,
}

/// Whether this server is a node of a cluster. MySQL, and a MariaDB without Galera, know no such variable.
///
/// # Errors
/// What the database says.
pub(super) fn is_node(connection: &mut MysqlConnection) -> QueryResult<bool> {
    let variable = diesel::sql_query("SHOW VARIABLES LIKE 'wsrep_on'")
        .get_result::<Variable>(connection)
        .optional()?;
    Ok(variable.is_some_and(|variable| variable.value == "ON"))
}

/// Lets reads and transactions of this session begin only when its node has what all had committed before.
/// Nothing to do on a server that stands alone.
///
/// # Errors
/// What the database says.
pub(super) fn see_what_others_committed(connection: &mut MysqlConnection) -> QueryResult<()> {
    // 1: SELECT and BEGIN wait. The statements within a transaction do not wait again. What an operator has
    // added to it is kept.
    match is_node(connection)? {
        true => connection.batch_execute("SET SESSION wsrep_sync_wait = @@wsrep_sync_wait | 1"),
        false => Ok(()),
    }
}

/// Seconds after which a node closes a connection on which nothing is asked. Between the statements of a
/// transaction there are milliseconds.
const SILENCE: u32 = 3;

/// Lets no statement of this session commit alone: what follows a transaction that was lost is rolled back
/// with it. And lets nobody wait for an answer that does not come: the node believes then that it is the
/// client's turn, and closes the connection. Nothing to do on a server that stands alone.
///
/// # Errors
/// What the database says.
pub(super) fn survive_lost_transactions(connection: &mut MysqlConnection) -> QueryResult<()> {
    match is_node(connection)? {
        true => connection
            .batch_execute(&format!("SET SESSION autocommit = 0, wait_timeout = {SILENCE}")),
        false => Ok(()),
    }
}
