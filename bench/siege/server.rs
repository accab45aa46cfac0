//! The server under siege: a process of its own, in an empty folder, with an environment that holds
//! nothing but what the siege says.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::trouble::Trouble;
use crate::wait::until;

/// The program, its database, and a folder for both.
pub(crate) struct Shop {
    program: PathBuf,
    database_url: String,
    home: tempfile::TempDir,
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

impl Shop {
    pub(crate) fn open(program: &Path, database_url: Option<&str>) -> Result<Self, Trouble> {
        let program = program.canonicalize().map_err(|error| {
            Trouble(format!("{}: {error}; scripts/siege builds it", program.display()))
        })?;
        let home = tempfile::Builder::new().prefix("bookstore-siege-").tempdir()?;
        let file = home.path().join("siege.db");
        let database_url =
            database_url.map_or_else(|| format!("sqlite://{}", file.display()), str::to_owned);
        let shop = Self { program, database_url, home };
        shop.run(&["migrate"])?;
        Ok(shop)
    }

    /// The kind of database, which is all of its address that is nobody's secret.
    pub(crate) fn backend(&self) -> &str {
        self.database_url.split(':').next().unwrap_or_default()
    }

    /// Runs `bookstore` with these arguments and gives what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, Trouble> {
        let output = self.command(&self.program).args(arguments).output()?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match output.status.success() {
            true => Ok(said(&output.stdout)),
            false => {
                let words = format!("{}\n{}", said(&output.stdout), said(&output.stderr));
                Err(Trouble(format!("bookstore {}: {words}", arguments.join(" "))))
            }
        }
    }

    pub(crate) fn token(&self, role: &str, name: &str) -> Result<String, Trouble> {
        self.run(&["token", "create", "--role", role, "--name", name])
    }

    /// Fills the catalogue with books that have so many copies each.
    pub(crate) fn import(&self, catalogue: &str, copies: &str) -> Result<(), Trouble> {
        let file = self.home.path().join("siege.csv");
        std::fs::write(&file, catalogue)?;
        let file = file.display().to_string();
        let price = ["--default-price", "1000", "--default-quantity", copies];
        self.run(&[["import", &file].as_slice(), &price].concat()).map(drop)
    }

    /// Whether `bookstore audit` finds nothing; else what it says.
    pub(crate) fn audit(&self) -> Result<(), Trouble> {
        self.run(&["audit"]).map(drop)
    }

    pub(crate) fn serve(&self, arguments: &[String]) -> Result<Server, Trouble> {
        self.start(self.command(&self.program), arguments, "server.log")
    }

    /// A server that may have so many files and connections open.
    pub(crate) fn serve_with_descriptors(
        &self,
        most: u32,
        arguments: &[String],
    ) -> Result<Server, Trouble> {
        let mut command = self.command(Path::new("prlimit"));
        command.arg(format!("--nofile={most}:{most}")).arg(&self.program);
        self.start(command, arguments, "narrow.log")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).current_dir(self.home.path());
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("DATABASE_URL", &self.database_url);
        command
    }

    fn start(
        &self,
        mut command: Command,
        arguments: &[String],
        log: &str,
    ) -> Result<Server, Trouble> {
        let log = self.home.path().join(log);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        command.stdout(Stdio::piped()).stderr(std::fs::File::create(&log)?);
        let mut process = command.spawn()?;
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on http://")?.parse().ok());
        let Some(address) = address else {
            let _ = process.kill();
            let _ = process.wait();
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(Trouble(format!("the server does not start:\n{said}")));
        };
        Ok(Server { process, address, log })
    }
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Whether the process is still there.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// How often its log tells of a panic; and of the one that is known and costs its own connection only:
    /// actix-http 3.20 panics where the name of a header has more than 64 KiB.
    pub(crate) fn panics(&self) -> (usize, usize) {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let panics = log.lines().filter(|line| line.contains("panicked"));
        let (known, others): (Vec<_>, Vec<_>) =
            panics.partition(|line| line.contains("InvalidHeaderName"));
        (others.len(), known.len())
    }

    /// Bytes that it wrote into its log.
    pub(crate) fn log_size(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |file| file.len())
    }

    /// Asks it to stop, and says whether it ended well within a minute.
    pub(crate) fn stop(mut self) -> bool {
        let pid = self.pid().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        let ended = until(Duration::from_secs(60), || self.process.try_wait().ok().flatten());
        asked.is_ok_and(|status| status.success()) && ended.is_some_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
