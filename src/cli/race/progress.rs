//! A bar while a race is run, if a person watches.

use std::io::IsTerminal as _;
use std::time::Duration;

use bookstore::race::Onlooker;
use indicatif::{ProgressBar, ProgressStyle};

pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg:20} {wide_bar} {pos}/{len} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Onlooker for Progress {
    fn starts(&self, strategy: &str, purchases: u32) {
        self.0.set_message(strategy.to_owned());
        match purchases {
            // For a fixed time: how many there will be is what is measured.
            0 => self.0.unset_length(),
            _ => self.0.set_length(u64::from(purchases)),
        }
        self.0.reset();
        self.0.enable_steady_tick(Duration::from_millis(100));
    }

    fn answered(&self) {
        self.0.inc(1);
    }
}
