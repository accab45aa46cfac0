//! From a socket that was accepted to a stream that HTTP is spoken on. A connection counts for its address
//! from its first moment on: who connects and never shakes hands takes a place as well.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Connections, Paced};
use crate::http::tls::{self, Tls};

/// Where connections come in.
#[derive(Clone)]
pub(in crate::http) struct Entrance {
    connections: Arc<Connections>,
    tls: Option<TlsAcceptor>,
}

impl Entrance {
    pub(in crate::http) fn new(connections: Arc<Connections>, tls: Option<&Tls>) -> Self {
        let tls = tls.map(|tls| TlsAcceptor::from(Arc::new(tls.server_config())));
        Self { connections, tls }
    }

    /// The stream to serve, and who is at its other end.
    ///
    /// # Errors
    /// If the peer is gone, has too many connections already, or no key was agreed on. The connection is
    /// then closed.
    pub(in crate::http) async fn admit(
        self,
        socket: TcpStream,
    ) -> io::Result<(Paced<Wire>, Option<SocketAddr>)> {
        let peer = socket.peer_addr()?;
        let connection =
            self.connections.open(peer.ip()).ok_or(io::ErrorKind::ConnectionRefused)?;
        let Some(tls) = self.tls else {
            return Ok((Paced::new(Wire::Plain(socket), connection), Some(peer)));
        };
        // It is not cut meanwhile: handshakes have a time limit of their own.
        let handshake = connection.begin();
        let stream = tokio::time::timeout(tls::HANDSHAKE_TIMEOUT, tls.accept(socket)).await??;
        drop(handshake);
        Ok((Paced::new(Wire::Tls(Box::new(stream)), connection), Some(peer)))
    }
}

/// What bytes go over.
pub(in crate::http) enum Wire {
    Plain(TcpStream),
    // Ten times as big as the other.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(task, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(task, into),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(task, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(task, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(task),
            Self::Tls(stream) => Pin::new(stream).poll_flush(task),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(task),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(task),
        }
    }
}
