//! A catalogue file, read row by row.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::ByteRecord;

use super::ImportError;

/// What is read at once, and at most looked at to find the separator.
const BUFFER: usize = 64 * 1024;

/// A file whose header was read.
pub(super) struct Source {
    reader: csv::Reader<Window<BufReader<File>>>,
    file: String,
    length: u64,
    header: ByteRecord,
    names: Vec<String>,
}

impl Source {
    /// Opens a file in UTF-8 whose fields are separated by commas, semicolons or tabs.
    ///
    /// # Errors
    /// [`ImportError::Unreadable`], [`ImportError::Empty`], [`ImportError::NotUtf8`].
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let file = path.display().to_string();
        let unreadable = |error| ImportError::Unreadable { file: file.clone(), error };
        let opened = File::open(path).map_err(unreadable)?;
        let length = opened.metadata().map_err(unreadable)?.len();
        let mut buffered = BufReader::with_capacity(BUFFER, opened);
        let delimiter = delimiter(buffered.fill_buf().map_err(unreadable)?);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(Window::new(buffered));
        let mut header = ByteRecord::new();
        if !reader.read_byte_record(&mut header).map_err(|error| unreadable(error.into()))? {
            return Err(ImportError::Empty { file });
        }
        let names = text_of(&header).ok_or_else(|| ImportError::NotUtf8 { file: file.clone() })?;
        let names = names.into_iter().map(str::to_owned).collect();
        Ok(Self { reader, file, length, header, names })
    }

    /// The file, as it was given.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The header's fields, as they are in the file.
    pub(super) fn header(&self) -> &ByteRecord {
        &self.header
    }

    /// The header's fields.
    pub(super) fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// Reads the next row and tells the line it starts on; `None` at the end. Empty lines are none.
    ///
    /// # Errors
    /// [`ImportError::Unreadable`]. Nothing that a row holds is an error.
    pub(super) fn next(&mut self, row: &mut ByteRecord) -> Result<Option<u64>, ImportError> {
        let is_there = self.reader.read_byte_record(row).map_err(|error| {
            ImportError::Unreadable { file: self.file.clone(), error: error.into() }
        })?;
        Ok(is_there.then(|| self.first_line(row)))
    }

    /// The line that `row`, which was just read, starts on.
    ///
    /// Its own position is where the row before ended, which is not the same after an empty line or
    /// between CR and LF. So this counts back from where it ends.
    fn first_line(&self, row: &ByteRecord) -> u64 {
        let end = self.reader.position();
        let is_past_the_break = self.reader.get_ref().byte_before(end.byte()) == Some(b'\n');
        let breaks_within = row.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = end.line().saturating_sub(u64::from(is_past_the_break) + breaks_within);
        // A quotation mark that is never closed ends with the file, after a break that is its own.
        line.max(row.position().map_or(1, csv::Position::line))
    }

    /// Bytes read, and bytes there were when it was opened.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.reader.position().byte(), self.length)
    }
}

/// A reader that remembers what was read last.
struct Window<R> {
    inner: R,
    /// The bytes that were read last, and where in the file they start.
    bytes: Vec<u8>,
    start: u64,
    /// The byte before them.
    before: Option<u8>,
}

impl<R> Window<R> {
    fn new(inner: R) -> Self {
        Self { inner, bytes: Vec::new(), start: 0, before: None }
    }

    /// The byte before the offset `at`, which must lie within what was read last.
    fn byte_before(&self, at: u64) -> Option<u8> {
        match at.checked_sub(self.start)? {
            0 => self.before,
            length => self.bytes.get(usize::try_from(length).ok()? - 1).copied(),
        }
    }
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        if length > 0 {
            self.start += self.bytes.len() as u64;
            self.before = self.bytes.last().copied();
            self.bytes.clear();
            self.bytes.extend_from_slice(&buffer[..length]);
        }
        Ok(length)
    }
}

/// The fields as text, if all of them are UTF-8.
pub(super) fn text_of(row: &ByteRecord) -> Option<Vec<&str>> {
    row.iter().map(|field| std::str::from_utf8(field).ok()).collect()
}

/// What separates the fields of the first line: a comma, unless there are more semicolons or tabs
/// outside of quotation marks. Spreadsheets write semicolons where the comma is for decimals.
fn delimiter(start: &[u8]) -> u8 {
    let mut is_quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in start.iter().skip_while(|byte| matches!(byte, b'\r' | b'\n')) {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\r' | b'\n' if !is_quoted => break,
            _ if is_quoted => {}
            byte => {
                counts.iter_mut().filter(|(one, _)| one == byte).for_each(|(_, count)| *count += 1)
            }
        }
    }
    let [comma, others @ ..] = counts;
    others.into_iter().fold(comma, |best, other| if other.1 > best.1 { other } else { best }).0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every row with its line, fields joined by `|`.
    fn rows(bytes: &[u8]) -> Vec<(u64, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut source = Source::open(&path).unwrap();
        let mut rows = vec![(1, source.names().join("|"))];
        let mut row = ByteRecord::new();
        while let Some(line) = source.next(&mut row).unwrap() {
            rows.push((
                line,
                String::from_utf8_lossy(&row.iter().collect::<Vec<_>>().join(&b'|')).into_owned(),
            ));
        }
        assert_eq!(source.progress().0, source.progress().1);
        rows
    }

    fn lines(bytes: &[u8]) -> Vec<u64> {
        rows(bytes).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn lines_are_those_of_the_file_whatever_ends_them() {
        assert_eq!(lines(b"a,b\n1,2\n\"3\n\",4\n5,6"), [1, 2, 3, 5]);
        assert_eq!(lines(b"a,b\r\n1,2\r\n\"3\r\n\",4\r\n5,6\r\n"), [1, 2, 3, 5]);
        assert_eq!(lines(b"a,b\n\n\n1,2\n\n3,4\n"), [1, 4, 6]);
        assert_eq!(lines(b"a,b\r\n\r\n\r\n1,2\r\n\r\n3,4\r\n"), [1, 4, 6]);
        assert_eq!(lines(b"a,b\n1,2\n3,\"4\n5,6\n"), [1, 2, 3]);
    }

    #[test]
    fn lines_are_right_across_what_is_read_at_once() {
        for (row, step) in [("1,2\n", 1), ("1,2\r\n", 1), ("12,\"3\r\n\"\r\n\r\n", 3)] {
            let file = format!("a,b\n{}", row.repeat(50_000));
            let expected: Vec<u64> = (0..50_000).map(|index| 2 + index * step).collect();
            assert!(lines(file.as_bytes())[1..] == expected, "{row:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_column() {
        assert_eq!(rows(b"\xef\xbb\xbfisbn,title\n1,2\n")[0].1, "isbn|title");
        assert_eq!(rows(b"\xef\xbb\xbf\"isbn\",title\n1,2\n")[0].1, "isbn|title");
    }

    #[test]
    fn the_header_tells_the_separator() {
        assert_eq!(rows(b"a;b;\"c,,,\"\n1;2,5;3\n")[1].1, "1|2,5|3");
        assert_eq!(rows(b"a\tb\n1\t2;,3\n")[1].1, "1|2;,3");
        assert_eq!(rows(b"a,b;c\n1,2;3\n")[1].1, "1|2;3");
    }

    proptest! {
        #[test]
        fn any_bytes_are_rows_in_the_order_of_their_lines(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "[a-c1\"',;\t\r\n]{0,200}".prop_map(String::into_bytes),
            ],
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("books.csv");
            std::fs::write(&path, &bytes).unwrap();
            let mut source = match Source::open(&path) {
                Ok(source) => source,
                Err(ImportError::Empty { .. } | ImportError::NotUtf8 { .. }) => return Ok(()),
                Err(other) => panic!("{other}"),
            };
            let breaks = bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count() as u64;
            let (mut row, mut last) = (ByteRecord::new(), 0);
            while let Some(line) = source.next(&mut row).unwrap() {
                prop_assert!(last <= line && line <= 1 + breaks, "{} after {}", line, last);
                last = line;
            }
            prop_assert_eq!(source.progress(), (bytes.len() as u64, bytes.len() as u64));
        }
    }
}
