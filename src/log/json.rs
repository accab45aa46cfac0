//! Log lines as JSON objects: one a line, with the fields of the request's span beside the event's own.
//!
//! tracing-subscriber has a JSON format, but it reads the fields of a span from JSON, adds one and writes
//! them anew whenever one becomes known; for each sale, that costs more than the rest of its span. Here
//! a span keeps its fields as they will be written, and what becomes known is put after them.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Fields as `,"name":value` each.
pub(super) struct Members;

impl<'writer> FormatFields<'writer> for Members {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut members = Recorder { out: &mut writer, outcome: Ok(()) };
        fields.record(&mut members);
        members.outcome
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

/// An event as a line.
pub(super) struct Line;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, Members> for Line {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Members>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, "\",\"level\":\"{}\",\"target\":", metadata.level())?;
        quoted(&mut writer, format_args!("{}", metadata.target()))?;
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<Members>>() {
                writer.write_str(&fields.fields)?;
            }
        }
        context.format_fields(writer.by_ref(), event)?;
        writer.write_str("}\n")
    }
}

/// Writes each field that it is shown.
struct Recorder<'a> {
    out: &'a mut dyn Write,
    outcome: fmt::Result,
}

impl Recorder<'_> {
    /// What needs no quotes.
    fn bare(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.member(field, |out| out.write_fmt(value));
    }

    fn quoted(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.member(field, |out| quoted(out, value));
    }

    fn member(&mut self, field: &Field, write: impl FnOnce(&mut dyn Write) -> fmt::Result) {
        if self.outcome.is_ok() {
            let name = field.name();
            self.outcome = write!(self.out, ",\"{name}\":").and_then(|()| write(self.out));
        }
    }
}

impl Visit for Recorder<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for the others.
        match value.is_finite() {
            true => self.bare(field, format_args!("{value}")),
            false => self.quoted(field, format_args!("{value}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.quoted(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.quoted(field, format_args!("{value:?}"));
    }
}

/// Writes `text` as a JSON string (RFC 8259, 7).
fn quoted(out: &mut dyn Write, text: fmt::Arguments<'_>) -> fmt::Result {
    out.write_char('"')?;
    Escaped(out).write_fmt(text)?;
    out.write_char('"')
}

struct Escaped<'a>(&'a mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        let is_special = |c: char| c < ' ' || c == '"' || c == '\\';
        while let Some((at, special)) = rest.char_indices().find(|(_, c)| is_special(*c)) {
            self.0.write_str(&rest[..at])?;
            match special {
                '"' | '\\' => write!(self.0, "\\{special}")?,
                '\n' => self.0.write_str("\\n")?,
                control => write!(self.0, "\\u{:04x}", u32::from(control))?,
            }
            // Special characters are one byte long.
            rest = &rest[at + 1..];
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::field::{Empty, display};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(act: impl FnOnce()) -> Value {
        let memory = Memory::default();
        let writer = memory.clone();
        let log = tracing_subscriber::fmt()
            .fmt_fields(Members)
            .event_format(Line)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(log, act);
        let bytes = memory.0.lock().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_line_holds_the_event_and_what_became_known_of_its_span() {
        let line = logged(|| {
            let span =
                tracing::info_span!("request", id = "a", client_id = Empty, order_id = Empty);
            span.record("client_id", 7).record("order_id", display("b"));
            let _entered = span.entered();
            tracing::warn!(
                ratio = 0.5,
                nothing = f64::NAN,
                sure = true,
                "it \"happened\"\n\u{1}\\ é"
            );
        });
        let known = json!({
            "timestamp": line["timestamp"], "level": "WARN", "target": line["target"],
            "id": "a", "client_id": 7, "order_id": "b",
            "ratio": 0.5, "nothing": "NaN", "sure": true, "message": "it \"happened\"\n\u{1}\\ é",
        });
        assert_eq!(line, known);
    }
}
