//! TLS before a registry on loopback, with a certificate that nobody vouches for.
//!
//! What comes in is handed on in plain text. Clients that speak no TLS get the answer that a test
//! wants.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// A key for tests, and a certificate for `localhost` that it has signed itself, both in DER: `openssl
/// req -x509 -newkey ed25519 -nodes -days 36500 -subj /CN=localhost`
const KEY: &str = "MC4CAQAwBQYDK2VwBCIEIOnEzdOJfZ7dU5dE39WRW733XuKPKUNe/TpA3QqSJxAe";
const CERTIFICATE: &str = "\
    MIIBOzCB7qADAgECAhRgLWkNP03StQM9GWmMFKqMmkXxAzAFBgMrZXAwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2\
    MTEyNTAyNTE0N1oYDzIxMjYxMTAxMDI1MTQ3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwKjAFBgMrZXADIQCbinlLrrJv\
    aYkLqmn6za10VSDeVmFP5bFHvN6RruuuZKNQME4wHQYDVR0OBBYEFE0V1zXC/5G8nOyucvN2RIb/PyBSMB8GA1UdIwQY\
    MBaAFE0V1zXC/5G8nOyucvN2RIb/PyBSMAwGA1UdEwEB/wQCMAAwBQYDK2VwA0EARbnpHGM6iVmoL8RCCvYbFl8Kstk/\
    P3K7eTEtc/5s50W43/0xGcZW4UooxFlJAawLN0B9UX7FlZ0dEiD1joduDw==";

/// The first byte of a client that speaks TLS.
const HANDSHAKE: u8 = 0x16;

/// Stops when it is dropped.
pub(crate) struct TlsFront {
    address: SocketAddr,
    plain_requests: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
}

impl TlsFront {
    /// Stands before the server at `backend`, `HOST:PORT`; sends `to_plain_text` to clients without
    /// TLS, and hangs up.
    pub(crate) fn start(backend: &str, to_plain_text: &'static [u8]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let front = Front {
            acceptor: TlsAcceptor::from(Arc::new(server_config())),
            backend: backend.to_owned(),
            to_plain_text,
            plain_requests: Arc::default(),
        };
        let plain_requests = Arc::clone(&front.plain_requests);
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = front.accept(listener) => {}
                }
            });
        });
        TlsFront {
            address,
            plain_requests,
            _stop: stop,
        }
    }

    /// `127.0.0.1:PORT`, as a repository begins.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many requests came without TLS so far.
    pub(crate) fn plain_requests(&self) -> usize {
        self.plain_requests.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Front {
    acceptor: TlsAcceptor,
    backend: String,
    to_plain_text: &'static [u8],
    plain_requests: Arc<AtomicUsize>,
}

impl Front {
    async fn accept(self, listener: std::net::TcpListener) {
        listener.set_nonblocking(true).expect("a socket can be so");
        let listener = TcpListener::from_std(listener).expect("within a runtime");
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().serve(stream));
        }
    }

    async fn serve(self, mut stream: TcpStream) -> io::Result<()> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0] != HANDSHAKE {
            self.plain_requests.fetch_add(1, Ordering::SeqCst);
            // What is unread would make a reset of the end.
            let _ = stream.read(&mut [0; 64 << 10]).await?;
            return stream.write_all(self.to_plain_text).await;
        }
        let mut inside = self.acceptor.accept(stream).await?;
        let mut backend = TcpStream::connect(&self.backend).await?;
        copy_bidirectional(&mut inside, &mut backend)
            .await
            .map(drop)
    }
}

fn server_config() -> ServerConfig {
    let der = |text| STANDARD.decode(text).expect("base64");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der(KEY)));
    let certificate = CertificateDer::from(der(CERTIFICATE));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the certificate is the key's")
}
