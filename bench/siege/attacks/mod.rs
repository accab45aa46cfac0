//! The attacks: what there is, how much of it, and the thread that runs them.

mod bodies;
mod heads;
mod never_readers;
mod slow;
mod smuggling;
mod tally;
mod tokens;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

pub(crate) use self::tally::{Tally, Told};

/// Something hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Attack {
    SlowHeads,
    SlowSecondHeads,
    SlowBodies,
    NeverReaders,
    WrongTokens,
    HugeBodies,
    HugeHeads,
    Smuggling,
}

impl Attack {
    pub(crate) const ALL: [Self; 8] = [
        Self::SlowHeads,
        Self::SlowSecondHeads,
        Self::SlowBodies,
        Self::NeverReaders,
        Self::WrongTokens,
        Self::HugeBodies,
        Self::HugeHeads,
        Self::Smuggling,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SlowHeads => "slow-heads",
            Self::SlowSecondHeads => "slow-second-heads",
            Self::SlowBodies => "slow-bodies",
            Self::NeverReaders => "never-readers",
            Self::WrongTokens => "wrong-tokens",
            Self::HugeBodies => "huge-bodies",
            Self::HugeHeads => "huge-heads",
            Self::Smuggling => "smuggling",
        }
    }

    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::SlowHeads => {
                "1,000 connections that send a byte of a head a second, some after 100 KiB"
            }
            Self::SlowSecondHeads => "500 that do so with their second request",
            Self::SlowBodies => "500 that do so with a body, by its length or in chunks",
            Self::NeverReaders => "1,000 that ask for much, many times over, and read nothing",
            Self::WrongTokens => {
                "50,000 tokens that nobody gave out, half of them on new connections"
            }
            Self::HugeBodies => {
                "1 GB at 125 MB/s, by its length or in chunks, with and without a token"
            }
            Self::HugeHeads => {
                "10,000 headers, one of 1 MiB, a name of 100 KiB, an address of 1 MiB, 1 MiB of empty \
                 lines"
            }
            Self::Smuggling => "requests that somebody may take for two",
        }
    }

    async fn run(self, siege: Arc<Siege>) {
        match self {
            Self::SlowHeads => slow::heads(siege).await,
            Self::SlowSecondHeads => slow::second_heads(siege).await,
            Self::SlowBodies => slow::bodies(siege).await,
            Self::NeverReaders => never_readers::run(siege).await,
            Self::WrongTokens => tokens::run(siege).await,
            Self::HugeBodies => bodies::run(siege).await,
            Self::HugeHeads => heads::run(siege).await,
            Self::Smuggling => smuggling::run(siege).await,
        }
    }
}

/// What the attackers know.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// A storefront's token: some callers who have one are hostile too.
    pub(crate) token: String,
    /// The book that purchases of odd shapes buy when they are taken for what they are.
    pub(crate) outer: i64,
    /// The book that only hidden purchases buy.
    pub(crate) inner: i64,
}

/// What one attack needs while it goes on.
struct Siege {
    target: Target,
    tally: Arc<Tally>,
    /// How much of it there is: 1 for all that the issue asks for.
    scale: f64,
    /// How long it goes on.
    length: Duration,
}

impl Siege {
    /// So many of `whole`, and at least one.
    fn scaled(&self, whole: usize) -> usize {
        ((whole as f64 * self.scale) as usize).max(1)
    }
}

/// Attacks that go on in a thread of their own, so that they do not get in the way of the honest client
/// more than the server's other guests would.
pub(crate) struct Attacks {
    thread: JoinHandle<()>,
    stop: watch::Sender<bool>,
    tallies: Vec<(Attack, Arc<Tally>)>,
}

impl Attacks {
    pub(crate) fn begin(attacks: &[Attack], target: &Target, scale: f64, length: Duration) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let tallies: Vec<_> =
            attacks.iter().map(|attack| (*attack, Arc::new(Tally::default()))).collect();
        let sieges: Vec<_> = tallies
            .iter()
            .map(|(attack, tally)| {
                let (target, tally) = (target.clone(), Arc::clone(tally));
                (*attack, Arc::new(Siege { target, tally, scale, length }))
            })
            .collect();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("the operating system has a poller for one more thread");
            runtime.block_on(async {
                for (attack, siege) in sieges {
                    tokio::spawn(attack.run(siege));
                }
                let _ = stopped.wait_for(|stopped| *stopped).await;
            });
            // With the runtime go all tasks, and with them every connection.
        });
        Self { thread, stop, tallies }
    }

    /// Calls them off and says what came of them.
    pub(crate) fn end(self) -> Vec<(Attack, Told)> {
        let _ = self.stop.send(true);
        let is_whole = self.thread.join().is_ok();
        let told = self.tallies.iter().map(|(attack, tally)| {
            if !is_whole {
                tally.fault("the attackers' thread died".to_owned());
            }
            (*attack, tally.told())
        });
        told.collect()
    }
}
