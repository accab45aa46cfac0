//! Clients: the holders of API tokens, and what each role may do.

use std::fmt;

use serde::Serialize;

/// Identity of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ClientId(pub i64);

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Buys, and sees its own orders.
    Storefront,
    /// Also edits the catalogue, changes stock, and sees everything.
    Admin,
}

impl Role {
    /// The word in the database, on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storefront => "storefront",
            Self::Admin => "admin",
        }
    }

    /// The role that `word` names, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Storefront, Self::Admin].into_iter().find(|role| role.as_str() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whoever made a request, proved by a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Identity.
    pub id: ClientId,
    /// What it may do.
    pub role: Role,
}

impl Client {
    /// Whether it may do everything.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Whether this client may see and act on what belongs to `owner`.
    pub fn may_see(&self, owner: ClientId) -> bool {
        self.is_admin() || self.id == owner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_found_by_its_word_and_by_no_other() {
        for (word, role) in [("storefront", Role::Storefront), ("admin", Role::Admin)] {
            assert_eq!((Role::from_word(word), role.to_string().as_str()), (Some(role), word));
        }
        assert_eq!(Role::from_word("root"), None);
    }

    #[test]
    fn only_an_admin_sees_what_is_not_its_own() {
        let client = |role| Client { id: ClientId(1), role };
        let sees = |role| [1, 2].map(|owner| client(role).may_see(ClientId(owner)));
        assert_eq!((sees(Role::Storefront), sees(Role::Admin)), ([true, false], [true, true]));
    }
}
