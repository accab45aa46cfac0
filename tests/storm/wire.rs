//! HTTP/1.1 on one kept connection, as cheap as can be: the clients share the machine with what they
//! storm, and each microsecond that a request costs here is not there for a sale.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::kit::Answer;

pub struct Request<'a> {
    pub method: &'static str,
    pub path: String,
    pub token: &'a str,
    /// The idempotency key, if it has one.
    pub key: &'a str,
    pub body: Option<Value>,
}

/// A client's one connection, to where it went last.
#[derive(Default)]
pub struct Wire {
    line: Option<(String, BufReader<TcpStream>)>,
}

impl Wire {
    /// Sends `request` to the server at `url`, and hangs up if nothing comes for so long. An error leaves
    /// open what became of it.
    pub fn send(
        &mut self,
        url: &str,
        request: &Request<'_>,
        patience: Duration,
    ) -> io::Result<Answer> {
        let address = url.trim_start_matches("http://");
        let kept = self.line.take().filter(|(to, _)| to == address);
        let mut line = match kept {
            Some((_, line)) => line,
            None => connect(address)?,
        };
        line.get_ref().set_read_timeout(Some(patience))?;
        line.get_mut().write_all(&request.bytes(address))?;
        let (answer, stays_open) = read(&mut line, request)?;
        if stays_open {
            self.line = Some((address.to_owned(), line));
        }
        Ok(answer)
    }
}

impl Request<'_> {
    fn bytes(&self, host: &str) -> Vec<u8> {
        let Self { method, path, token, key, body } = self;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        );
        if !key.is_empty() {
            head += &format!("Idempotency-Key: {key}\r\n");
        }
        let body = body.as_ref().map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            head += "Content-Type: application/json\r\n";
        }
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// One answer, and whether another may come on the same connection.
fn read(line: &mut BufReader<TcpStream>, request: &Request<'_>) -> io::Result<(Answer, bool)> {
    let head = head_line(line)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| garbled(&head))?;
    let mut headers = HeaderMap::new();
    loop {
        let header = head_line(line)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or_else(|| garbled(&header))?;
        let name: HeaderName = name.parse().map_err(io::Error::other)?;
        let value: HeaderValue = value.trim().parse().map_err(io::Error::other)?;
        headers.append(name, value);
    }
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let length = said("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.ok_or_else(|| garbled("an answer without its length"))?];
    line.read_exact(&mut body)?;
    let stays_open = !said("connection").is_some_and(|word| word.eq_ignore_ascii_case("close"));
    let shown = format!("{} {}", request.method, request.path);
    Ok((Answer::of(shown, status, headers, &body), stays_open))
}

fn head_line(line: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut text = String::new();
    line.read_line(&mut text)?;
    let is_whole = text.ends_with("\r\n");
    let text = text.trim_end();
    is_whole.then(|| text.to_owned()).ok_or_else(|| garbled(text))
}

fn garbled(what: &str) -> io::Error {
    io::Error::other(format!("half an answer: {what:?}"))
}
