//! A registry that is not on this machine, as far as fp can tell: `registry.test`, which is reached
//! only through a proxy on loopback, and speaks TLS with a certificate of the tests' own CA.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

pub(crate) const NAME: &str = "registry.test";
pub(crate) const CA: &[u8] = include_bytes!("certificates/ca.crt");
const SERVER: &[u8] = include_bytes!("certificates/server.crt");
const SERVER_KEY: &[u8] = include_bytes!("certificates/server.key");
const CLIENT: &[u8] = include_bytes!("certificates/client.cert");
const CLIENT_KEY: &[u8] = include_bytes!("certificates/client.key");

/// Stops when it is dropped.
pub(crate) struct FarRegistry {
    address: SocketAddr,
    asked_for: Arc<Mutex<Vec<String>>>,
    _stop: oneshot::Sender<()>,
}

/// Whom the registry lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    All,
    WithCertificate,
}

impl FarRegistry {
    /// Hands on to the server at `backend`, `HOST:PORT`, what comes to the proxy for any host.
    pub(crate) fn start(backend: &str, clients: Clients) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let proxy = Proxy {
            acceptor: TlsAcceptor::from(Arc::new(server_config(clients))),
            backend: backend.to_owned(),
            asked_for: Arc::default(),
        };
        let asked_for = Arc::clone(&proxy.asked_for);
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = proxy.accept(listener) => {}
                }
            });
        });
        FarRegistry {
            address,
            asked_for,
            _stop: stop,
        }
    }

    /// The address of the proxy, as HTTPS_PROXY has it.
    pub(crate) fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `HOST:PORT` of all connections that the proxy was asked for so far.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        self.asked_for.lock().expect("nobody panicked").clone()
    }
}

/// Writes the CA's certificate into a `certs.d` folder.
pub(crate) fn trust(folder: &Path) {
    let folder = folder.join(NAME);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("ca.crt"), CA).unwrap();
}

/// Writes the client's certificate and key into a `certs.d` folder.
pub(crate) fn certify(folder: &Path) {
    let folder = folder.join(NAME);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("client.cert"), CLIENT).unwrap();
    std::fs::write(folder.join("client.key"), CLIENT_KEY).unwrap();
}

#[derive(Clone)]
struct Proxy {
    acceptor: TlsAcceptor,
    backend: String,
    asked_for: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn accept(self, listener: std::net::TcpListener) {
        listener.set_nonblocking(true).expect("a socket can be so");
        let listener = TcpListener::from_std(listener).expect("within a runtime");
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(self.clone().serve(stream));
        }
    }

    async fn serve(self, mut stream: TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head);
        let mut words = head.split(' ');
        if let (Some("CONNECT"), Some(host)) = (words.next(), words.next()) {
            let mut asked_for = self.asked_for.lock().expect("nobody panicked");
            asked_for.push(host.to_owned());
        }
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
        let mut inside = self.acceptor.accept(stream).await?;
        let mut backend = TcpStream::connect(&self.backend).await?;
        copy_bidirectional(&mut inside, &mut backend)
            .await
            .map(drop)
    }
}

fn server_config(clients: Clients) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider knows them");
    let builder = match clients {
        Clients::All => builder.with_no_client_auth(),
        Clients::WithCertificate => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate(CA)).expect("a root");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("there is a root"))
        }
    };
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY).expect("a key");
    builder
        .with_single_cert(vec![certificate(SERVER)], key)
        .expect("the certificate is the key's")
}

fn certificate(pem: &[u8]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem).expect("a certificate")
}
