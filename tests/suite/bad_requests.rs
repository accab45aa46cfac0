//! Requests that are bad in another way than their body: cut short, no HTTP at all, tampered with.
//! The answer is never a 5xx, and nothing has changed.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::bad_input::bodies;
use crate::kit::{Backend, Scenario, Shop};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_body_cut_short_changes_nothing,
        what_is_not_http_is_survived,
        tampered_cursors_are_refused,
        tampered_etags_are_refused,
        odd_queries_and_paths_are_refused,
];

/// Sends `bytes` and half-closes; gives back what came until the server closed.
fn raw(shop: &Shop, bytes: &[u8]) -> String {
    let server = shop.server();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(bytes).unwrap();
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn a_body_cut_short_changes_nothing(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        let token = shop.admin.token.clone().unwrap();
        for (method, path, body) in bodies(book) {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
                 If-Match: *\r\nContent-Type: application/json\r\n"
            );
            // The whole JSON is there, but more was promised: what was sent may not be all of it.
            let promised = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len() + 10);
            let half =
                format!("{head}Content-Length: {}\r\n\r\n{}", body.len(), &body[..body.len() / 2]);
            let chunk =
                format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len());
            let broken =
                format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{body}\r\n0\r\n\r\n");
            for request in [promised, half, chunk, broken, head] {
                let answer = raw(shop, request.as_bytes());
                let is_refusal = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
                assert!(is_refusal, "{request}\n=> {answer}");
            }
        }
    });
}

fn what_is_not_http_is_survived(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        let buy = format!("POST /v1/books/{book}/purchases HTTP/1.1\r\nHost: x\r\n");
        let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(200_000));
        let headers =
            format!("GET /v1/books HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(5_000));
        let odd = [
            "\0\0\0\0",
            "GET",
            "GET / HTTP/9.9\r\n\r\n",
            "\x16\x03\x01\x02\0\x01",
            "PRI * HTTP/2.0\r\n\r\n",
            &format!("{buy}Content-Length: -1\r\n\r\n"),
            &format!("{buy}Content-Length: 99999999999999\r\n\r\n"),
            &format!("{buy}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{{}}"),
            &format!("{buy}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            &long,
            &headers,
        ];
        for request in odd {
            let answer = raw(shop, request.as_bytes());
            assert!(!answer.starts_with("HTTP/1.1 5"), "{request:.200}\n=> {answer}");
        }
    });
}

fn tampered_cursors_are_refused(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        for _ in 0..3 {
            shop.book(0);
        }
        // Books have come, but that was us.
        let movements = format!("/v1/books/{book}/movements");
        for (path, sort) in [("/v1/books", Some("title")), ("/v1/orders", None), (&movements, None)]
        {
            let sort: Vec<_> = sort.into_iter().map(|sort| ("sort", sort)).collect();
            let page = shop.admin.get(path).query(&sort).query(&[("limit", "1")]).expect(200);
            let genuine = page["next"].as_str().unwrap_or("bm90aGluZw").to_owned();
            for cursor in tamper(&genuine) {
                let call = shop.admin.get(path).query(&sort).query(&[("after", &cursor)]);
                call.refused(400, "invalid_request");
            }
        }
        let ids: Vec<_> =
            shop.admin.all("/v1/books", &[]).iter().map(|b| b["id"].clone()).collect();
        for id in ids.iter().filter(|id| **id != book) {
            shop.database
                .connect_without_rules()
                .run(&format!("DELETE FROM books WHERE id = {id}"));
        }
    });
}

/// Texts that look like `genuine` but are not: every character changed, cut off at every place.
fn tamper(genuine: &str) -> Vec<String> {
    let mut texts: Vec<String> = (1..genuine.len()).map(|end| genuine[..end].to_owned()).collect();
    for place in 0..genuine.len() {
        let mut changed = genuine.as_bytes().to_vec();
        changed[place] = if changed[place] == b'B' { b'C' } else { b'B' };
        texts.push(String::from_utf8(changed).unwrap());
    }
    let odd = ["1", "x", "eyJpZCI6MX0", "AAAA", "-1", "%", "null", "\0", "🦆", "' OR 1=1 --"];
    texts.extend(odd.map(str::to_owned));
    texts.extend([format!("{genuine}A"), format!("{genuine}="), "A".repeat(5_000)]);
    texts
}

fn tampered_etags_are_refused(shop: &Shop) {
    shop.is_unchanged_by(|book| {
        let genuine = shop.admin.book(book).etag();
        let huge = format!("\"{}.1\"", "9".repeat(50));
        let bare = genuine.trim_matches('"').to_owned();
        let weak = format!("W/{genuine}");
        let odd: [&[u8]; 13] = [
            b"",
            b"\"",
            b"\"\"",
            b"\"x\"",
            b"\"0.0\"",
            b"\"-1.1\"",
            b"\"1\"",
            b"1.1.1",
            b"\xff\xfe",
            b"\"1.1",
            huge.as_bytes(),
            bare.as_bytes(),
            weak.as_bytes(),
        ];
        for etag in odd {
            let call = shop.admin.patch(&format!("/v1/books/{book}"), json!({ "title": "Stolen" }));
            let answer = call.header("If-Match", etag).send();
            let is_refusal = matches!(answer.status, 400 | 412 | 428);
            assert!(is_refusal, "If-Match: {}\n{answer}", String::from_utf8_lossy(etag));
        }
    });
}

fn odd_queries_and_paths_are_refused(shop: &Shop) {
    shop.is_unchanged_by(|_| {
        let long = "x".repeat(5_000);
        let queries = [
            "limit=1&limit=2",
            "limit=%ff",
            "q=%",
            "q=%zz",
            "sort=title;drop",
            "after=%00",
            "isbn=%00",
            "in_stock=1%00",
            "limit=+5",
            "limit=5%20",
            &format!("q={long}"),
            &format!("sort={long}"),
        ];
        for query in queries {
            for path in ["/v1/books", "/v1/orders", "/v1/books/1/movements"] {
                let answer = shop.admin.get(&format!("{path}?{query}")).send();
                assert!(answer.status < 500, "\n{answer}");
            }
        }
        // A parameter that is misspelt, or given twice, would be silently ignored otherwise.
        for query in ["limit=1&limit=2", "serach=x", "Q=x"] {
            let call = shop.storefront.get(&format!("/v1/books?{query}"));
            call.refused(400, "invalid_request");
        }
        shop.storefront.get(&format!("/v1/books?q={long}")).refused(400, "invalid_request");
    });
}
