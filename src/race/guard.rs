//! One race at a time on one database: a lock that goes with the process that holds it, however that
//! ends. Whoever has it knows that tables found are leftovers.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable};

use super::error::Error;
use crate::store::{AnyConnection, Backend, DatabaseUrl};

/// Held as long as this and the connection that took it live.
pub(super) struct Guard {
    /// SQLite's locks last only as long as a transaction: a file beside the database is locked.
    file: Option<(File, PathBuf)>,
}

impl Guard {
    /// Takes the lock, waiting a few seconds for one who is just leaving.
    ///
    /// # Errors
    /// [`Error::Another`] if another race has it.
    pub(super) fn take(url: &DatabaseUrl, connection: &mut AnyConnection) -> Result<Self, Error> {
        let another = || Error::Another(url.clone());
        if let Some(database) = url.file() {
            return Ok(Self { file: Some(lock_beside(database)?.ok_or_else(another)?) });
        }
        let lock = match connection.backend() {
            // It waits as long as lock_timeout says, and then fails.
            Backend::Postgres => {
                "(SELECT 1 FROM pg_advisory_lock(hashtext('bookstore race')) AS held)"
            }
            Backend::Mysql | Backend::Sqlite => {
                "get_lock(left(concat('bookstore race ', coalesce(database(), '')), 64), 3)"
            }
        };
        match diesel::select(sql::<Nullable<Integer>>(lock)).get_result(connection) {
            Ok(Some(1)) => Ok(Self { file: None }),
            Ok(_) => Err(another()),
            Err(error) if error.to_string().contains("lock timeout") => Err(another()),
            Err(error) => Err(error.into()),
        }
    }
}

fn lock_beside(mut database: PathBuf) -> Result<Option<(File, PathBuf)>, Error> {
    database.as_mut_os_string().push("-race");
    let file = File::create(&database)?;
    match file.try_lock() {
        // One that was removed between the two lines locks nothing.
        Ok(()) if is_still_at(&file, &database) => Ok(Some((file, database))),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn is_still_at(file: &File, path: &Path) -> bool {
    let number = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let (opened, found) = (file.metadata().map(number), path.metadata().map(number));
    matches!((opened, found), (Ok(opened), Ok(found)) if opened == found)
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some((_locked, path)) = &self.file {
            // While it is locked: nobody else has it.
            let _ = std::fs::remove_file(path);
        }
    }
}
