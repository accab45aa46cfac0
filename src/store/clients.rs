//! The table `clients`: who may call, known by the hash of a token.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::clock;
use super::connection::{AnyConnection, on_backend};
use super::error::Error;
use super::sql_types::Moment;
use super::token::{Token, TokenHash};
use crate::domain::{Client, ClientId, ClientName, Role};
use crate::schema::clients;

/// The client that the command line acts as when it moves stock. Its token was never handed out
/// and is revoked from the start.
const COMMAND_LINE: &str = "bookstore command line";

#[derive(Queryable, Selectable)]
#[diesel(table_name = clients)]
struct Row {
    id: i64,
    name: String,
    role: String,
    token_hash: Vec<u8>,
    created_at: Moment,
    revoked_at: Option<Moment>,
}

impl Row {
    fn client(&self) -> Result<Client, Error> {
        let role = Role::from_word(&self.role).ok_or_else(|| {
            Error::Unreadable(format!("client {} with the unknown role {:?}", self.id, self.role))
        })?;
        Ok(Client { id: ClientId(self.id), role })
    }
}

/// A client as the operator sees it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Identity and role.
    pub client: Client,
    /// What the operator called it.
    pub name: String,
    /// When its token was made.
    pub created_at: DateTime<Utc>,
    /// Since when its token is refused.
    pub revoked_at: Option<DateTime<Utc>>,
}

#[derive(Insertable)]
#[diesel(table_name = clients, treat_none_as_default_value = false)]
struct NewRow<'a> {
    name: &'a str,
    role: &'static str,
    token_hash: &'a [u8],
    created_at: Moment,
    revoked_at: Option<Moment>,
}

fn insert(
    connection: &mut AnyConnection,
    name: &str,
    role: Role,
    hash: &TokenHash,
    is_revoked: bool,
) -> Result<ClientId, Error> {
    let now = Moment(clock::now(connection)?);
    let row = NewRow {
        name,
        role: role.as_str(),
        token_hash: &hash.0,
        created_at: now,
        revoked_at: is_revoked.then_some(now),
    };
    on_backend!(connection, concrete => {
        diesel::insert_into(clients::table).values(&row).execute(concrete)
    })?;
    let id = clients::table
        .filter(clients::token_hash.eq(&hash.0[..]))
        .select(clients::id)
        .first(connection)?;
    Ok(ClientId(id))
}

/// Adds a client that is known by the token with this hash.
///
/// # Errors
/// What the database says.
pub fn create(
    connection: &mut AnyConnection,
    name: &ClientName,
    role: Role,
    hash: &TokenHash,
) -> Result<ClientId, Error> {
    insert(connection, name.as_str(), role, hash, false)
}

/// Whose token this is, if it is not revoked.
///
/// # Errors
/// What the database says.
pub fn find(connection: &mut AnyConnection, hash: &TokenHash) -> Result<Option<Client>, Error> {
    let row: Option<Row> = clients::table
        .filter(clients::token_hash.eq(&hash.0[..]))
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    // The index found the row by comparing byte by byte; what that time tells is about a hash, from
    // which nobody gets to a token. The last word is a comparison that tells nothing.
    row.filter(|row| hash.matches(&row.token_hash) && row.revoked_at.is_none())
        .map(|row| row.client())
        .transpose()
}

/// All clients, in the order of their ids.
///
/// # Errors
/// What the database says.
pub fn list(connection: &mut AnyConnection) -> Result<Vec<Listed>, Error> {
    let rows: Vec<Row> =
        clients::table.order(clients::id).select(Row::as_select()).load(connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(Listed {
                client: row.client()?,
                name: row.name,
                created_at: row.created_at.0,
                revoked_at: row.revoked_at.map(|moment| moment.0),
            })
        })
        .collect()
}

/// Revokes a client's token, from now on; one that is revoked stays as it is. Tells whether there
/// is such a client.
///
/// # Errors
/// What the database says.
pub fn revoke(connection: &mut AnyConnection, id: ClientId) -> Result<bool, Error> {
    let now = Moment(clock::now(connection)?);
    diesel::update(clients::table.find(id.0).filter(clients::revoked_at.is_null()))
        .set(clients::revoked_at.eq(Some(now)))
        .execute(connection)?;
    let there =
        clients::table.find(id.0).select(clients::id).first::<i64>(connection).optional()?;
    Ok(there.is_some())
}

/// Whether anybody was ever given a token.
///
/// # Errors
/// What the database says.
pub fn has_any(connection: &mut AnyConnection) -> Result<bool, Error> {
    let there = clients::table
        .filter(clients::name.ne(COMMAND_LINE))
        .select(clients::id)
        .first::<i64>(connection)
        .optional()?;
    Ok(there.is_some())
}

/// The client that the command line acts as, added when it is first needed.
///
/// # Errors
/// What the database says.
pub fn command_line(connection: &mut AnyConnection) -> Result<Client, Error> {
    let there: Option<Row> = clients::table
        .filter(clients::name.eq(COMMAND_LINE))
        .filter(clients::revoked_at.is_not_null())
        .order(clients::id)
        .select(Row::as_select())
        .first(connection)
        .optional()?;
    if let Some(row) = there {
        return row.client();
    }
    let token = Token::generate().map_err(|error| Error::Unavailable(error.to_string()))?;
    let id = insert(connection, COMMAND_LINE, Role::Admin, &token.hash(), true)?;
    Ok(Client { id, role: Role::Admin })
}
