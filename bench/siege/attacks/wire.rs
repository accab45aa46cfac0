//! Connections without manners: raw bytes out, raw bytes in.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::{answers, hostile};

/// How long somebody may take to accept a connection. The kernel does that for the server.
const TO_CONNECT: Duration = Duration::from_secs(10);

/// Answers are short: who sends more than this sends a page that nobody asked for here.
const MOST_ANSWER: usize = 1 << 20;

pub(super) struct Wire(TcpStream);

/// How a connection ended, or did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    /// It was still open when patience ended.
    Open,
}

impl Wire {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::open(TcpSocket::new_v4()?, address).await
    }

    /// A connection that takes next to nothing in before it is read from.
    pub(super) async fn narrow(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        hostile::narrow(&SockRef::from(&socket))?;
        Self::open(socket, address).await
    }

    async fn open(socket: TcpSocket, address: SocketAddr) -> io::Result<Self> {
        let stream = timeout(TO_CONNECT, socket.connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// Writes what is taken at once; 0 if nothing is.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    /// What has come so far, without waiting; `Closed` if nothing more will.
    pub(super) fn look(&mut self) -> (Vec<u8>, End) {
        let mut bytes = vec![0; 4_096];
        match self.0.try_read(&mut bytes) {
            Ok(0) => (Vec::new(), End::Closed),
            Ok(length) => {
                bytes.truncate(length);
                (bytes, End::Open)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (Vec::new(), End::Open),
            Err(_) => (Vec::new(), End::Closed),
        }
    }

    /// All that comes until the server closes or patience ends.
    pub(super) async fn rest(&mut self, patience: Duration) -> (Vec<u8>, End) {
        let mut bytes = Vec::new();
        let read = async {
            let mut part = vec![0; 16 << 10];
            while bytes.len() < MOST_ANSWER {
                match self.0.read(&mut part).await {
                    Ok(0) | Err(_) => return,
                    Ok(length) => bytes.extend_from_slice(&part[..length]),
                }
            }
        };
        let end = if timeout(patience, read).await.is_ok() { End::Closed } else { End::Open };
        (bytes, end)
    }

    /// The status of the next answer, whose body is read and thrown away.
    pub(super) async fn answer(&mut self, patience: Duration) -> io::Result<u16> {
        timeout(patience, self.read_answer()).await?
    }

    async fn read_answer(&mut self) -> io::Result<u16> {
        let mut bytes = Vec::new();
        let mut part = vec![0; 4_096];
        loop {
            if let Some((head, length)) = answers::head(&bytes)
                && bytes.len() >= head + length
            {
                let status = answers::statuses(&bytes).first().copied();
                return status.ok_or_else(|| io::Error::other("no answer of HTTP"));
            }
            match self.0.read(&mut part).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => bytes.extend_from_slice(&part[..length]),
            }
        }
    }
}
