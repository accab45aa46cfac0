//! What SIGHUP means. Whoever runs a service takes it for "read your files again"; the kernel, and the shell,
//! send it when the terminal is closed in which a program was started.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Of a terminal, from the signal on.
const LAST_MOMENTS: Duration = Duration::from_secs(1);

pub(super) struct Hangups {
    signal: Signal,
    had_terminal: bool,
}

impl Hangups {
    /// Hears every SIGHUP from here on.
    ///
    /// # Errors
    /// If the operating system refuses the signal.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { signal: signal(SignalKind::hangup())?, had_terminal: has_terminal() })
    }

    /// Waits for the next SIGHUP, and tells whether it asks to read files again. False: the terminal is gone,
    /// and with it whoever could end the process, which would keep the port.
    pub(super) async fn asks_for_reload(&mut self) -> bool {
        let is_heard = self.signal.recv().await.is_some();
        if self.had_terminal {
            // A shell that is told that its terminal closes tells its programs first, and ends then.
            tokio::time::sleep(LAST_MOMENTS).await;
        }
        let is_terminal_gone = self.had_terminal && !has_terminal();
        is_heard && !is_terminal_gone
    }
}

/// Whether a terminal is there that this process reads or writes. One that was closed is none any more.
fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}
