//! The small disk of a database, which scripts/storm mounts: it can be full, and have room again.
//!
//! It is a tmpfs, which can be made as small as what is on it while it is in use. Needs root.

use std::path::PathBuf;
use std::process::Command;

use crate::kit::{Backend, variable};

/// The database writes on while its disk is measured, which may make that wrong.
const ATTEMPTS: usize = 50;

pub struct Disk {
    pub folder: PathBuf,
    bytes: u64,
}

impl Disk {
    /// The disk that may be full, if there is one.
    pub fn of(backend: Backend) -> Option<Self> {
        let name = format!("BOOKSTORE_STORM_{}_DISK", backend.name().to_uppercase());
        let folder = PathBuf::from(variable(&name)?);
        let bytes = measure(&folder, "size");
        Some(Self { folder, bytes })
    }

    /// Leaves no room on it.
    pub fn fill(&self) {
        let is_full = (0..ATTEMPTS).any(|_| self.resize(measure(&self.folder, "used")));
        assert!(is_full, "the disk is written to too fast to be made full");
    }

    /// Gives the room back.
    pub fn make_room(&self) {
        assert!(self.resize(self.bytes), "a disk without room stays so");
    }

    fn resize(&self, bytes: u64) -> bool {
        let size = format!("remount,size={bytes}");
        let output = Command::new("mount").args(["-o", &size]).arg(&self.folder).output();
        output.unwrap().status.success()
    }
}

/// Bytes of what `df` calls so.
fn measure(folder: &std::path::Path, what: &str) -> u64 {
    let output = Command::new("df")
        .args(["--block-size=1", &format!("--output={what}")])
        .arg(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().last().unwrap().parse().unwrap()
}
