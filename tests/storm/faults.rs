//! What can go wrong, on which databases, and how often.

use std::collections::BTreeMap;

use clap::ValueEnum;

use crate::kit::{Backend, clock_library};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// SIGKILL of a server.
    Kill,
    /// SIGTERM of a server under load, as in an upgrade.
    Restart,
    /// SIGSTOP of a server for a while.
    Freeze,
    /// The wall clock of a server jumps to tomorrow and to yesterday.
    ClockSteps,
    /// All connections of a server to the database end, and new ones for a while.
    Cut,
    /// All that a server says to the database comes late.
    Delay,
    /// All connections of a server to the database stop in the middle of a message for a while.
    Stall,
    /// The database gets COMMIT, and the answer is lost.
    CutAfterCommit,
    /// COMMIT is lost.
    CutBeforeCommit,
    /// The database ends the connections of everybody.
    Terminate,
    /// Others take every connection that the database has.
    ConnectionLimit,
    /// SIGKILL of the database server.
    KillDatabase,
    /// The disk of the database has no room, and then has some again.
    FullDisk,
    /// The newest migration is taken back and run again.
    Migration,
    /// Somebody keeps the row of a title locked.
    LockTitle,
}

/// How often each.
pub type Count = BTreeMap<Fault, usize>;

impl Fault {
    pub fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// As it is called on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// How often it is in a storm of so many seconds, against the others.
    pub fn weight(self) -> usize {
        match self {
            Self::Kill
            | Self::Cut
            | Self::CutAfterCommit
            | Self::CutBeforeCommit
            | Self::KillDatabase => 2,
            _ => 1,
        }
    }

    /// How often it is at least in a storm of so many orders on one database. A million orders over the
    /// three databases, two of which are servers, so have 200 kills of a server, 50 of a database, 520
    /// cuts, 120 of them around COMMIT, and 6 full disks.
    pub fn share(self, orders: usize) -> usize {
        let in_a_million = match self {
            Self::Cut => 600,
            Self::Kill => 200,
            Self::CutAfterCommit | Self::CutBeforeCommit => 90,
            Self::Stall | Self::KillDatabase => 75,
            Self::Restart | Self::Freeze | Self::Delay | Self::Terminate => 50,
            Self::ConnectionLimit | Self::LockTitle => 24,
            Self::ClockSteps | Self::Migration => 15,
            Self::FullDisk => 6,
        };
        (in_a_million * orders).div_ceil(1_000_000)
    }

    /// Whether another process serves in that server's place afterwards.
    pub fn ends_server(self) -> bool {
        matches!(self, Self::Kill | Self::Restart | Self::ClockSteps)
    }

    pub fn is_possible_on(self, backend: Backend) -> bool {
        let needs_server = matches!(
            self,
            Self::Cut
                | Self::Delay
                | Self::Stall
                | Self::CutAfterCommit
                | Self::CutBeforeCommit
                | Self::Terminate
                | Self::ConnectionLimit
                | Self::KillDatabase
                | Self::LockTitle
        );
        !needs_server || Backend::SERVERS.contains(&backend)
    }

    /// Why it cannot be done here, if so. Whoever leaves one out must say it.
    pub fn missing(self, has_engine: bool, has_disk: bool) -> Option<&'static str> {
        match self {
            Self::KillDatabase | Self::ConnectionLimit if !has_engine => {
                Some("the database server is not the storm's own; scripts/storm starts such")
            }
            Self::FullDisk if !has_disk => {
                Some("no small disk for the database; scripts/storm mounts one, as root")
            }
            Self::ClockSteps if clock_library().is_none() => {
                Some("no libfaketime; install Debian's package faketime")
            }
            _ => None,
        }
    }
}
