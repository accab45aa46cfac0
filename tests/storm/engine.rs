//! The database's own server process, which scripts/storm allows to be killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::Duration;

use diesel::Connection as _;

use crate::kit::{Backend, Database, eventually, variable};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Engine {
    backend: Backend,
    /// A program that starts it again where it was.
    again: PathBuf,
    pid_file: PathBuf,
    /// What was started here, to be reaped.
    successor: Mutex<Option<Child>>,
}

impl Engine {
    /// The engine that may be killed, if there is one.
    pub fn of(backend: Backend) -> Option<Self> {
        let path = |what: &str| {
            let name = format!("BOOKSTORE_STORM_{}_{what}", backend.name().to_uppercase());
            variable(&name).map(PathBuf::from)
        };
        let (again, pid_file) = (path("AGAIN")?, path("PID_FILE")?);
        Some(Self { backend, again, pid_file, successor: Mutex::new(None) })
    }

    /// Ends it as a power cut does, as far as a process can feel one.
    pub fn crash(&self) {
        let Some(pid) = self.pid() else { return };
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        if let Some(mut successor) = self.successor.lock().unwrap().take() {
            successor.wait().unwrap();
        }
        let is_dead = || self.pid().is_none().then_some(());
        eventually(PATIENCE, "the database is dead", is_dead);
    }

    /// Starts it if it does not run, and waits until it lets somebody in.
    pub fn start_again(&self, database: &Database) {
        let mut successor = self.successor.lock().unwrap();
        eventually(PATIENCE, "the database is back", || {
            if self.lets_in(&database.url) {
                return Some(());
            }
            // It refuses while children of the dead one are left.
            let is_running = |child: &mut Child| child.try_wait().unwrap().is_none();
            if self.pid().is_none() && !successor.as_mut().is_some_and(is_running) {
                *successor = Some(Command::new(&self.again).spawn().unwrap());
            }
            None
        });
    }

    /// The process, if it runs.
    fn pid(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.pid_file).ok()?;
        let pid = text.lines().next()?.trim().to_owned();
        let stat = std::fs::read_to_string(Path::new("/proc").join(&pid).join("stat")).ok()?;
        (!stat.contains(") Z ")).then_some(pid)
    }

    fn lets_in(&self, url: &str) -> bool {
        match self.backend {
            Backend::Sqlite => true,
            #[cfg(feature = "postgres")]
            Backend::Postgres => diesel::PgConnection::establish(url).is_ok(),
            #[cfg(feature = "mysql")]
            Backend::Mysql => diesel::MysqlConnection::establish(url).is_ok(),
            #[allow(unreachable_patterns, reason = "no other backend in some builds")]
            _ => true,
        }
    }
}
