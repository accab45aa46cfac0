//! Tokens that have the right shape, and that nobody gave out.

use std::sync::Arc;
use std::time::Duration;

use bookstore::store::Token;
use tokio::time::{Instant, sleep_until};

use super::Siege;
use super::wire::Wire;

const TOKENS: usize = 50_000;

/// All are tried within so much of the attack.
const WITHIN: f64 = 0.9;

/// Guessers at a time; every second of them opens a connection for each guess.
const GUESSERS: usize = 64;

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run(siege: Arc<Siege>) {
    let tokens = siege.scaled(TOKENS);
    let each = tokens.div_ceil(GUESSERS);
    let pace = siege.length.mul_f64(WITHIN) / each as u32;
    for guesser in 0..GUESSERS {
        let siege = Arc::clone(&siege);
        // One after the other, evenly.
        let start = Instant::now() + pace.mul_f64(guesser as f64 / GUESSERS as f64);
        tokio::spawn(async move {
            let keeps_connection = guesser % 2 == 0;
            let mut wire = None;
            for guess in 0..each {
                sleep_until(start + pace * guess as u32).await;
                if !keeps_connection {
                    wire = None;
                }
                try_one(&siege, &mut wire).await;
            }
        });
    }
}

async fn try_one(siege: &Siege, wire: &mut Option<Wire>) {
    let tally = &siege.tally;
    if wire.is_none() {
        *wire = Wire::connect(siege.target.address).await.ok();
    }
    let Some(open) = wire else { return tally.count("could not connect") };
    let Ok(token) = Token::generate() else { return tally.fault("no randomness".to_owned()) };
    let request = format!(
        "GET /v1/orders HTTP/1.1\r\nHost: siege\r\nAuthorization: Bearer {}\r\n\r\n",
        token.reveal()
    );
    let sent = open.send(request.as_bytes()).await;
    match (sent, open.answer(PATIENCE).await) {
        (Ok(()), Ok(status)) => {
            tally.count(format!("answered {status}"));
            if !matches!(status, 401 | 429) {
                tally.fault(format!("a wrong token was answered {status}"));
            }
        }
        _ => {
            tally.count("not answered");
            *wire = None;
        }
    }
}
