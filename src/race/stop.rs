//! The wish to stop: Ctrl-C, SIGTERM, a closed terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use super::error::Error;

/// Whether somebody wants the race to end. Those who run it look at it and go; the scratch tables are
/// removed on the way out. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// One that is set by SIGINT, SIGTERM and SIGHUP. A second signal ends the process at once, for
    /// those who cannot wait for a database that hangs.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn on_signals() -> std::io::Result<Self> {
        let stop = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = {
            // From here on a signal is heard: nothing was created yet that it could leave behind.
            let _guard = runtime.enter();
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
                .into_iter()
                .map(signal)
                .collect::<Result<Vec<_>, _>>()?
        };
        let heard = stop.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                loop {
                    let next = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
                    futures_util::future::select_all(next).await;
                    if heard.0.swap(true, Ordering::AcqRel) {
                        std::process::exit(i32::from(KILLED_BY_INTERRUPT));
                    }
                }
            });
        })?;
        Ok(stop)
    }

    /// Whether it is time to go.
    pub fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// # Errors
    /// [`Error::Interrupted`] if it is time to go.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_wanted() { Err(Error::Interrupted) } else { Ok(()) }
    }
}

/// What a shell says of a process that SIGINT ended.
const KILLED_BY_INTERRUPT: u8 = 130;
