//! What limits refuse, and the connections they count.

use super::{Book, IntCounter, IntGauge};

/// A limit, by the name of its setting where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A client asked too often.
    ClientRate,
    /// An address asked too often without a token.
    AddressRate,
    /// An address showed too many wrong tokens.
    FailedTokenRate,
    /// A body took too long.
    BodyTimeout,
    /// An address had too many connections.
    AddressConnections,
    /// A connection was there for too long without a whole request, or with an answer not taken.
    Silence,
}

impl Limit {
    const ALL: [Self; 6] = [
        Self::ClientRate,
        Self::AddressRate,
        Self::FailedTokenRate,
        Self::BodyTimeout,
        Self::AddressConnections,
        Self::Silence,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::ClientRate => "client_rate",
            Self::AddressRate => "address_rate",
            Self::FailedTokenRate => "failed_token_rate",
            Self::BodyTimeout => "body_timeout",
            Self::AddressConnections => "address_connections",
            Self::Silence => "silence",
        }
    }
}

/// What was refused. Cheap to clone.
#[derive(Clone)]
pub struct Limits {
    refused: [IntCounter; Limit::ALL.len()],
    connections: IntGauge,
}

impl Limits {
    pub(super) fn new(book: &Book) -> Self {
        let refused = book.counters(
            "limit_refusals_total",
            "Requests that were refused and connections that were closed by a limit.",
            &["limit"],
        );
        Self {
            refused: Limit::ALL.map(|limit| refused.with_label_values(&[limit.word()])),
            connections: book.gauge("connections_open", "Connections over HTTP."),
        }
    }

    /// A limit refused a request or closed a connection.
    pub fn refused(&self, by: Limit) {
        self.refused[by as usize].inc();
    }

    /// Somebody connected.
    pub fn opened(&self) {
        self.connections.inc();
    }

    /// A connection is no more.
    pub fn closed(&self) {
        self.connections.dec();
    }
}
