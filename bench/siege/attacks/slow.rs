//! Connections that send a byte a second: of a head, of the head of a second request, of a body.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::Siege;
use super::wire::{End, Wire};
use crate::answers;

/// Between two bytes.
const PACE: Duration = Duration::from_secs(1);

/// Over so much of the attack its connections are opened.
const RAMP: f64 = 0.15;

const HEADS: usize = 1_000;
const SECOND_HEADS: usize = 500;
const BODIES: usize = 500;

/// Sent at once by every tenth of the slow heads: it is to be kept in memory as long as the rest of the
/// head may take.
const BULK: usize = 100 << 10;

/// What each connection does.
struct Plan {
    /// Sent before everything else, and answered: a whole request.
    first: Option<Vec<u8>>,
    /// Sent at once.
    start: Vec<u8>,
    /// Sent byte by byte, again and again.
    drip: &'static [u8],
}

pub(super) async fn heads(siege: Arc<Siege>) {
    crowd(siege, HEADS, |_, number| {
        let mut start = b"GET /v1/books HTTP/1.1\r\nHost: siege\r\nX-Slow: ".to_vec();
        if number % 10 == 0 {
            start.resize(start.len() + BULK, b'x');
        }
        Plan { first: None, start, drip: b"slow" }
    })
    .await;
}

pub(super) async fn second_heads(siege: Arc<Siege>) {
    crowd(siege, SECOND_HEADS, |_, _| Plan {
        first: Some(b"GET /healthz HTTP/1.1\r\nHost: siege\r\n\r\n".to_vec()),
        start: b"GET /v1/books HTTP/1.1\r\nHost: siege\r\nX-Slow: ".to_vec(),
        drip: b"slow",
    })
    .await;
}

pub(super) async fn bodies(siege: Arc<Siege>) {
    crowd(siege, BODIES, |siege, number| {
        let framing = match number % 2 {
            0 => "Content-Length: 60000\r\n",
            _ => "Transfer-Encoding: chunked\r\n",
        };
        let start = format!(
            "POST /v1/orders HTTP/1.1\r\nHost: siege\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\n{framing}\r\n",
            siege.target.token
        );
        // A chunk of one byte, byte by byte; as a body of known length it is rubbish, but slow.
        Plan { first: None, start: start.into_bytes(), drip: b"1\r\n \r\n" }
    })
    .await;
}

async fn crowd(siege: Arc<Siege>, whole: usize, plan: fn(&Siege, usize) -> Plan) {
    let count = siege.scaled(whole);
    let ramp = siege.length.mul_f64(RAMP);
    for number in 0..count {
        let (siege, plan) = (Arc::clone(&siege), plan(&siege, number));
        let wait = ramp.mul_f64(number as f64 / count as f64);
        tokio::spawn(async move {
            sleep(wait).await;
            loop {
                drip(&siege, &plan).await;
                // Sent away: comes back.
                sleep(PACE).await;
            }
        });
    }
}

/// One connection, from its first byte to its end.
async fn drip(siege: &Siege, plan: &Plan) {
    let tally = &siege.tally;
    let Ok(mut wire) = Wire::connect(siege.target.address).await else {
        return tally.count("could not connect");
    };
    tally.count("connections");
    if let Some(first) = &plan.first {
        let sent = wire.send(first).await;
        match (sent, wire.answer(Duration::from_secs(10)).await) {
            (Ok(()), Ok(200)) => {}
            _ => return tally.count("first request not answered with 200"),
        }
    }
    if wire.send(&plan.start).await.is_err() {
        return tally.count("closed");
    }
    let mut due = Instant::now();
    for byte in plan.drip.iter().cycle() {
        due += PACE;
        sleep_until(due).await;
        let sent = wire.push(&[*byte]);
        let (bytes, end) = wire.look();
        if let Some(status) = answers::statuses(&bytes).first() {
            tally.count(format!("answered {status}"));
            if !(400..500).contains(status) {
                tally.fault(format!("a request that never ended was answered {status}"));
            }
            return;
        }
        if sent.is_err() || end == End::Closed {
            return tally.count("closed");
        }
    }
}
