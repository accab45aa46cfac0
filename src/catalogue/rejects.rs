//! The file of rows that stayed out, as a CSV of its own: mend it and import it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::ImportError;

/// Writes rejected rows under a temporary name and gives them their own at the end, so that there
/// is never half a file, and none without a rejected row.
pub(super) struct Rejects {
    target: PathBuf,
    temporary: PathBuf,
    writer: csv::Writer<File>,
    source: String,
    columns: usize,
    is_empty: bool,
}

/// The name that the rejects of `source` get if nobody says another: `books.rejects.csv` in the
/// working directory for `books.csv`.
fn default_target(source: &Path) -> PathBuf {
    let mut name = source.file_stem().unwrap_or_default().to_owned();
    name.push(".rejects.csv");
    PathBuf::from(name)
}

/// Whether both are names of one file that is there.
fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

impl Rejects {
    /// Makes sure that rejects can be written, before the first row is read.
    ///
    /// # Errors
    /// [`ImportError::Rejects`], also if `target` is `source` itself.
    pub(super) fn prepare(
        source: &Path,
        header: &ByteRecord,
        target: Option<&Path>,
    ) -> Result<Self, ImportError> {
        let target = target.map_or_else(|| default_target(source), Path::to_path_buf);
        Self::create(source, header, target.clone())
            .map_err(|error| ImportError::Rejects { file: target.display().to_string(), error })
    }

    fn create(source: &Path, header: &ByteRecord, target: PathBuf) -> io::Result<Self> {
        if is_same(source, &target) {
            return Err(io::Error::other("it is the file to import"));
        }
        if target.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = target.with_file_name(name);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
        let mut rejects = Self {
            target,
            temporary,
            writer: csv::WriterBuilder::new().flexible(true).from_writer(file),
            source: source.display().to_string(),
            columns: header.len(),
            is_empty: true,
        };
        let mut first = ByteRecord::from(vec!["file", "line", "reason"]);
        first.extend(header);
        rejects.writer.write_byte_record(&first)?;
        Ok(rejects)
    }

    /// Adds a row. One with too few fields gets empty ones, and of one with too many the last
    /// column keeps all that is left, so that the file is one that every program reads.
    pub(super) fn add(
        &mut self,
        line: u64,
        reason: &str,
        row: &ByteRecord,
    ) -> Result<(), ImportError> {
        self.is_empty = false;
        let mut record = ByteRecord::from(vec![&self.source, &line.to_string(), reason]);
        let whole =
            if row.len() > self.columns { self.columns.saturating_sub(1) } else { row.len() };
        record.extend(row.iter().take(whole));
        if row.len() > self.columns {
            let rest: Vec<&[u8]> = row.iter().skip(whole).collect();
            record.push_field(&rest.join(&b','));
        }
        (whole..self.columns)
            .filter(|_| row.len() < self.columns)
            .for_each(|_| record.push_field(b""));
        self.writer.write_byte_record(&record).map_err(|error| self.failed(error.into()))
    }

    /// Puts the file in its place and tells where that is, if a row was rejected.
    pub(super) fn finish(mut self) -> Result<Option<String>, ImportError> {
        if self.is_empty {
            return Ok(None);
        }
        let placed = self
            .writer
            .flush()
            .and_then(|()| self.writer.get_ref().sync_all())
            .and_then(|()| fs::rename(&self.temporary, &self.target));
        placed.map_err(|error| self.failed(error))?;
        Ok(Some(self.target.display().to_string()))
    }

    fn failed(&self, error: io::Error) -> ImportError {
        ImportError::Rejects { file: self.target.display().to_string(), error }
    }
}

impl Drop for Rejects {
    fn drop(&mut self) {
        // Gone already if it was renamed. What else may fail here does no harm to the import.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[&str]) -> ByteRecord {
        ByteRecord::from(fields.to_vec())
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn rows_are_kept_as_they_were_with_file_line_and_reason() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.csv");
        let mut rejects =
            Rejects::prepare(Path::new("in/books.csv"), &record(&["isbn", "title"]), Some(&target))
                .unwrap();
        rejects.add(2, "no, \"none\"", &record(&["", "A \"title\",\r\nof two lines"])).unwrap();
        rejects.add(4, "short", &record(&["1"])).unwrap();
        rejects.add(5, "long", &record(&["1", "2", "3", "4"])).unwrap();
        rejects.add(6, "bytes", &ByteRecord::from(vec![&b"1"[..], b"Caf\xe9"])).unwrap();
        assert!(!target.exists(), "not before the end");
        assert_eq!(rejects.finish().unwrap(), Some(target.display().to_string()));
        assert_eq!(names(folder.path()), ["out.csv"]);

        let mut reader = csv::Reader::from_path(&target).unwrap();
        assert_eq!(
            reader.byte_headers().unwrap(),
            &record(&["file", "line", "reason", "isbn", "title"])
        );
        let rows: Vec<ByteRecord> = reader.byte_records().map(Result::unwrap).collect();
        let file = "in/books.csv";
        assert_eq!(
            rows[0],
            record(&[file, "2", "no, \"none\"", "", "A \"title\",\r\nof two lines"])
        );
        assert_eq!(rows[1], record(&[file, "4", "short", "1", ""]));
        assert_eq!(rows[2], record(&[file, "5", "long", "1", "2,3,4"]));
        assert_eq!(&rows[3][4], b"Caf\xe9");
    }

    #[test]
    fn no_row_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.csv");
        let rejects =
            Rejects::prepare(Path::new("books.csv"), &record(&["isbn"]), Some(&target)).unwrap();
        assert_eq!(rejects.finish().unwrap(), None);
        let mut rejects =
            Rejects::prepare(Path::new("books.csv"), &record(&["isbn"]), Some(&target)).unwrap();
        rejects.add(2, "given up", &record(&["1"])).unwrap();
        drop(rejects);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_refused_before_anything_else() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("books.csv");
        fs::write(&source, "isbn\n").unwrap();
        let twisted =
            folder.path().join("../").join(folder.path().file_name().unwrap()).join("books.csv");
        for target in [&source, &twisted, folder.path(), &folder.path().join("no/such/folder.csv")]
        {
            let refused =
                Rejects::prepare(&source, &record(&["isbn"]), Some(target)).err().unwrap();
            assert!(refused.to_string().contains(&target.display().to_string()), "{refused}");
        }
        assert_eq!(fs::read_to_string(&source).unwrap(), "isbn\n");
        assert_eq!(
            default_target(Path::new("some/where/books.csv")),
            Path::new("books.rejects.csv")
        );
        assert_eq!(default_target(Path::new("books")), Path::new("books.rejects.csv"));
    }
}
